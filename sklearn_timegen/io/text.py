"""Tables of text: how cells are separated, quoted and written, found out and kept."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from sklearn_timegen._remedies import InputError, Parameter
from sklearn_timegen.data.tables.dates import AmbiguousDatesError, Dates
from sklearn_timegen.io.cells import (
    CellForm,
    Nothing,
    Numbers,
    RowNumbers,
    Words,
    form_of,
    slip_of,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TextForm", "read_text"]

SEPARATORS = ",;\t| "
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
SPECIAL = re.compile('["\n\r]')  # what cells hold in quotation marks only
SNIFFED = 200  # rows by which the separator is told
BATCH = 50_000  # rows that are written at a time
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class TextForm:
    """How a table of text is written.

    Parameters
    ----------
    names : tuple of str
        What the columns are called, in their order.
    cells : tuple of CellForm
        How their cells are written.
    separator, newline, encoding : str
        What stands between cells, and between rows; how signs become bytes.
    quoted : {"needed", "words", "all"}
        Which cells stand in quotation marks.
    """

    names: tuple[str, ...]
    cells: tuple[CellForm, ...]
    separator: str = ","
    newline: str = "\n"
    encoding: str = "utf-8"
    quoted: str = "needed"

    @classmethod
    def of(cls, frame: pd.DataFrame, separator: str = ",") -> TextForm:
        """Return a form for a table that did not come as text."""
        return cls(tuple(map(str, frame.columns)), tuple(map(_plain, frame.items())), separator)

    def cell(self, name: str) -> CellForm:
        """Return how the cells of a column are written."""
        return self.cells[self.names.index(name)]

    @property
    def left_out(self) -> dict[str, str]:
        """Columns that hold nothing to learn, which are written, and not read; and why."""
        why: dict[type, str] = {Nothing: "empty", RowNumbers: "numbers the rows"}
        pairs = zip(self.names, self.cells, strict=True)
        return {name or "(no name)": why[type(form)] for name, form in pairs if type(form) in why}

    def write(self, stream: IO[str], frame: pd.DataFrame) -> None:
        """Write a table of the columns that were read."""
        frame = frame.reset_index(drop=True)
        words = [not isinstance(form, Numbers | RowNumbers) for form in self.cells]
        stream.write(self._line([self._quote(n, self.quoted != "needed") for n in self.names]))
        for start in range(0, len(frame), BATCH):
            part = frame.iloc[start : start + BATCH]
            columns = []
            for name, form, is_word in zip(self.names, self.cells, words, strict=True):
                column = part[name] if name in part.columns else part.index.to_series()
                always = self.quoted == "all" or (self.quoted == "words" and is_word)
                columns.append([self._quote(text, always) for text in form.write(column)])
            stream.writelines(map(self._line, zip(*columns, strict=True)))

    def _line(self, cells: Any) -> str:
        return self.separator.join(cells) + self.newline

    def _quote(self, text: str, always: bool) -> str:
        if not always and not SPECIAL.search(text) and self.separator not in text:
            return text
        return '"' + text.replace('"', '""') + '"'


def read_text(
    data: bytes, name: str, date_format: str | None = None
) -> tuple[pd.DataFrame, TextForm, list[str]]:
    """Return a table, how it was written, and what a reader should know.

    Raises
    ------
    ValueError
        If there is no table, or a row has more or fewer cells than the header.
    """
    import pandas as pd

    text, encoding, notes = _decoded(data, name)
    separator = _separator(text)
    names, columns = _columns(text, separator, name)
    form = TextForm(
        tuple(names),
        (),
        separator,
        "\r\n" if re.match(r"[^\n]*\r\n", text) else "\n",
        encoding,
        _quotes(text, separator),
    )
    marks = _decimal_marks(columns)
    cells, read = [], {}
    for k, (title, texts) in enumerate(zip(names, columns, strict=True)):
        codes, different = pd.factorize(np.array(texts, dtype=object))
        try:
            found = form_of(list(different), title, marks=marks, date_format=date_format)
        except AmbiguousDatesError as error:
            said = Parameter("date_format")
            raise InputError(f"{name}: {error}. Say which by ", said) from error
        slip, kind = slip_of(found, different, np.bincount(codes), marks)
        if slip:
            raise ValueError(
                f"{name}: column {title!r} is of {kind}, but for {slip!r} in row "
                f"{texts.index(slip) + 1}: correct it, or leave the cell empty"
            )
        if k == 0 and not title and isinstance(found, Numbers) and _counts(texts):
            found = RowNumbers(int(texts[0]))
        if isinstance(found, Dates):
            notes.extend(found.notes(list(different), title))
        cells.append(found)
        if not isinstance(found, Nothing | RowNumbers):
            read[title] = found.read(list(different)).take(codes).reset_index(drop=True)
    form = replace(form, cells=tuple(cells))
    formats = [getattr(found, "format", None) for found in cells]
    if date_format is not None and date_format not in formats:
        raise ValueError(f"{name} has no column of dates of the format {date_format!r}")
    if not read:
        raise ValueError(f"{name} holds no values: every column is empty")
    if separator != "," or marks[0] != ".":
        mark = "commas" if marks[0] == "," else "points"
        notes.insert(0, f"separated by {NAMES[separator]}, with decimal {mark}")
    return pd.DataFrame(read), form, notes


def _decoded(data: bytes, name: str) -> tuple[str, str, list[str]]:
    encoding = next((known for bom, known in BOMS.items() if data.startswith(bom)), "utf-8")
    notes: list[str] = []
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise ValueError(f"{name} is damaged: {error.reason} at byte {error.start}") from error
        encoding = "cp1252"
        text = data.decode(encoding, errors="replace")
        notes.append("it is not UTF-8, and was read as Windows-1252")
    if "\0" in text or "\ufffd" in text:
        raise ValueError(f"{name} is no text: it holds bytes that stand for no sign")
    if not text.strip():
        raise ValueError(f"{name} is empty: a table with a header is wanted")
    return text, encoding, notes


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    return (row for row in reader if row)


def _separator(text: str) -> str:
    """Return what splits the first rows into the same number of cells, and into most."""
    n_cells = {}
    for separator in SEPARATORS:
        try:
            rows = _rows(text, separator)
            counts = Counter(len(row) for row, _ in zip(rows, range(SNIFFED), strict=False))
        except csv.Error:
            continue
        usual, n_rows = counts.most_common(1)[0]
        if usual > 1:
            n_cells[separator] = (n_rows / counts.total(), usual)
    return max(n_cells, key=lambda s: n_cells[s]) if n_cells else ","


def _columns(text: str, separator: str, name: str) -> tuple[list[str], list[list[str]]]:
    """Return the header, and the cells of each column."""
    rows = _rows(text, separator)
    columns: list[list[str]] = []
    n = 0
    try:
        names = next(rows)
        columns = [[] for _ in names]
        batch: list[list[str]] = []
        for row in rows:
            n += 1
            if len(row) != len(names):
                raise ValueError(
                    f"{name} is no table: its row {n} has {len(row)} cells, its header "
                    f"{len(names)} ({separator!r} was taken for the separator). Correct the row; "
                    "cells that hold the separator have to stand in quotation marks"
                )
            batch.append(row)
            if len(batch) == BATCH:
                _append(columns, batch)
                batch = []
        _append(columns, batch)
    except csv.Error as error:
        raise ValueError(
            f"{name} is damaged after its row {n}: {error}. A quotation mark is open, or "
            "stands within a cell: there it has to be doubled"
        ) from error
    while len(names) > 1 and not names[-1] and not any(columns[-1]):
        names, columns = [*names[:-1]], columns[:-1]
    names = [title.strip() for title in names]
    _check_header(names, len(columns[0]), name)
    return names, columns


def _append(columns: list[list[str]], batch: list[list[str]]) -> None:
    for column, cells in zip(columns, zip(*batch, strict=True), strict=False):
        column.extend(map(str.strip, cells))


def _check_header(names: list[str], n_rows: int, name: str) -> None:
    if n_rows == 0:
        raise ValueError(f"{name} has a header and no rows")
    twice = [title for title, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{name} has two columns that are called {twice[0]!r}: rename one")
    if not all(Numbers.of([title], "", mark=".") for title in names):
        return
    whole = [int(title) for title in names if title.isdigit()]
    if len(whole) < len(names) or (np.diff(whole) != 1).any():  # unlike those that pandas writes
        raise ValueError(
            f"{name} has no header: its first row is {', '.join(names)}. Put names above the "
            "columns"
        )


def _decimal_marks(columns: list[list[str]]) -> str:
    """Return the decimal marks that cells may have, the usual one of the table first.

    A comma is one where some column makes numbers with commas and none with points.
    """
    for texts in columns:
        sample = [text for text in dict.fromkeys(texts[:SNIFFED]) if text]
        with_commas = any("," in text for text in sample) and Numbers.of(sample, "", ",")
        if with_commas and with_commas.most != 0 and not Numbers.of(sample, "", "."):
            return ",."
    return ".,"


def _quotes(text: str, separator: str) -> str:
    """Tell from the first rows which cells stand in quotation marks."""
    lines = text.split("\n", 4)[:4]
    if not lines[0].lstrip().startswith('"'):
        return "needed"
    cells = [cell for line in lines[1:] for cell in line.strip("\r").split(separator) if cell]
    return "all" if all(cell.startswith('"') for cell in cells) else "words"


def _counts(texts: list[str]) -> bool:
    """Whether texts number the rows."""
    numbers = np.array([int(text) if text.isdigit() else -1 for text in texts])
    return numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _plain(item: tuple[Any, pd.Series]) -> CellForm:
    from pandas.api import types

    _, column = item
    if types.is_datetime64_any_dtype(column):
        whole = column.dropna().equals(column.dropna().dt.normalize())
        return Dates("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M:%S")
    if types.is_bool_dtype(column):
        return Words()
    if types.is_integer_dtype(column):
        return Numbers()
    return Numbers(most=None) if types.is_float_dtype(column) else Words()
