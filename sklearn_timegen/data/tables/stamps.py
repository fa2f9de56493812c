"""Timestamps that are written as strings: read by one format, and written by it again."""

from __future__ import annotations

import datetime
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StampFormat", "read_stamps"]

Spelling = Callable[[str], str]

# strftime has one spelling for each part of a date; these lead from it to others that are in use.
SPELLINGS: tuple[Spelling, ...] = (
    lambda text: text,
    lambda text: re.sub(r"\+00:?00$", "Z", text),
    lambda text: re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text),
    lambda text: re.sub(r"(?<!\d)0(?=\d)", "", text),  # 1/2/2024, 9:30
    lambda text: re.sub(r"(?<=\s)0(?=\d:)", "", text),  # 2024/01/02 9:30
    lambda text: re.sub(r"(\.\d{3})\d{3}", r"\1", text),
    lambda text: re.sub(r"\+00:?00$", "Z", re.sub(r"(\.\d{3})\d{3}", r"\1", text)),
)


@dataclass(frozen=True)
class StampFormat:
    """How a column spells its timestamps.

    Parameters
    ----------
    format : str or None
        The format, as ``strftime`` has it; ``None`` for objects ``datetime.date``.
    spelling : int
        Which of ``SPELLINGS`` leads from ``strftime`` to the column's own strings.
    dtype : dtype
        The column's dtype.
    """

    format: str | None
    spelling: int
    dtype: Any

    def write(self, index: pd.Index) -> pd.Series:
        """Return the timestamps as the column spells them."""
        import pandas as pd

        assert isinstance(index, pd.DatetimeIndex)
        if self.format is None:
            return pd.Series(index.date, dtype=object)
        spell = SPELLINGS[self.spelling]
        texts = [spell(text) for text in index.strftime(self.format)]
        return pd.Series(texts, dtype=self.dtype)

    def read(self, asked: Any) -> Any:
        """Return the time that a string stands for: in the column's format, or else by ISO 8601.

        Raises
        ------
        ValueError
            If it is of neither form.
        """
        import pandas as pd

        if not isinstance(asked, str):
            return asked
        try:
            return pd.to_datetime(asked, format=self.format or "%Y-%m-%d")
        except ValueError:
            pass
        try:
            return pd.Timestamp(datetime.datetime.fromisoformat(asked))
        except ValueError as error:
            raise ValueError(
                f"{asked!r} is neither of the format {self.format!r}, as times of the table, nor "
                "a date by ISO 8601, as '2024-12-31'"
            ) from error


def read_stamps(column: pd.Series) -> tuple[pd.Index, StampFormat | None]:
    """Return the times that a column holds, and how it spells them if not as times.

    Raises
    ------
    ValueError
        If strings are no dates, are of several formats, or may be read in two ways.
    """
    import pandas as pd
    from pandas.api import types

    index = pd.Index(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
        index = pd.Index(column)
    if not (types.is_object_dtype(column) or types.is_string_dtype(column)) or index.hasnans:
        return index, None  # missing ones are refused by their series' name
    first = column.iloc[0]
    if isinstance(first, datetime.date) and not isinstance(first, datetime.datetime):
        return pd.DatetimeIndex(pd.to_datetime(column)), StampFormat(None, 0, column.dtype)
    if not all(isinstance(value, str) for value in column):
        return index, None
    texts = column.drop_duplicates()
    format = _format_of(texts, column.name)
    read = _parsed(texts, format)
    index = pd.DatetimeIndex(column.map(pd.Series(read, texts.to_numpy())), name=column.name)
    return index, StampFormat(format, _spelling_of(texts, read, format), column.dtype)


def _format_of(texts: pd.Series, name: Any) -> str:
    """Return the one format that all strings have."""
    first, formats = texts.iloc[0], _guesses(texts.iloc[0])
    if not formats:
        raise ValueError(
            f"column {name!r} is to hold times, but {first!r} is none that can be read: convert "
            "it first, for example by pd.to_datetime(..., format=...), or, of quarters and the "
            "like, pd.PeriodIndex(..., freq=...)"
        )
    unread = [_unread(texts, format) for format in formats]
    fitting = [format for format, text in zip(formats, unread, strict=True) if text is None]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise ValueError(
            f"column {name!r} holds times of several formats: {first!r}, which reads as "
            f"{formats[0]!r}, and {unread[0]!r}, which does not. Convert it first, for example by "
            f"pd.to_datetime(X[{name!r}], format='mixed')"
        )
    raise ValueError(
        f"column {name!r} may begin with the day or with the month: {first!r} reads as "
        f"{fitting[0]!r} and as {fitting[1]!r}, and so do all others. Say which: "
        f"X[{name!r}] = pd.to_datetime(X[{name!r}], format={fitting[1]!r})"
    )


def _guesses(text: str) -> list[str]:
    """Return the formats that a string may have, with the month first and with the day first."""
    from pandas.tseries.api import guess_datetime_format

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that dayfirst contradicts the string, which is tried
        month_first = guess_datetime_format(text)
        is_iso = month_first is not None and month_first.startswith("%Y")
        day_first = None if is_iso else guess_datetime_format(text, dayfirst=True)
    return [format for format in dict.fromkeys((month_first, day_first)) if format is not None]


def _unread(texts: pd.Series, format: str) -> str | None:
    """Return the first string that a format does not read."""
    import pandas as pd

    try:
        read = pd.to_datetime(texts, format=format, errors="coerce")
    except ValueError as error:
        if "%z" not in format:
            raise
        raise ValueError(
            f"column {texts.name!r} holds times of several offsets from UTC, such as "
            f"{texts.iloc[0]!r}: convert it first, by pd.to_datetime(X[{texts.name!r}], utc=True)"
            ".dt.tz_convert(...)"
        ) from error
    wrong = read.isna().to_numpy()
    return texts.iloc[int(wrong.argmax())] if wrong.any() else None


def _parsed(texts: pd.Series, format: str) -> pd.DatetimeIndex:
    import pandas as pd

    return pd.DatetimeIndex(pd.to_datetime(texts, format=format))


def _spelling_of(texts: pd.Series, read: pd.DatetimeIndex, format: str) -> int:
    """Return the spelling that gives the strings back, or else the one of ``strftime``."""
    plain = list(read.strftime(format))
    own = texts.to_numpy(dtype=object)
    for k, spell in enumerate(SPELLINGS):
        if np.array_equal(np.asarray([spell(text) for text in plain], dtype=object), own):
            return k
    return 0
