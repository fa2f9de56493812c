"""Timestamps that are written as strings: read by one form, and written in it again."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn_timegen._warning import warn_user
from sklearn_timegen.data.tables.dates import (
    AmbiguousDatesError,
    Dates,
    Quarters,
    formats_of,
    is_impossible,
    time_written,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StampFormat", "read_stamps"]


@dataclass(frozen=True)
class StampFormat:
    """How a column spells its timestamps.

    Parameters
    ----------
    form : Dates, Quarters or None
        How texts are written; ``None`` for objects ``datetime.date``.
    dtype : dtype
        The column's dtype.
    """

    form: Dates | Quarters | None
    dtype: Any

    def write(self, index: pd.Index) -> pd.Series:
        """Return the timestamps as the column spells them."""
        import pandas as pd

        assert isinstance(index, pd.DatetimeIndex)
        if self.form is None:
            return pd.Series(index.date, dtype=object)
        return pd.Series(self.form.write(index.to_series()), dtype=self.dtype)

    def read(self, asked: Any) -> Any:
        """Return the time that a string stands for: in the column's form, or else by ISO 8601.

        Raises
        ------
        ValueError
            If it is of neither form.
        """
        if not isinstance(asked, str):
            return asked
        time = time_written(self.form, asked)
        if time is None:
            spelled = getattr(self.form, "format", "2024Q1" if self.form else "%Y-%m-%d")
            raise ValueError(
                f"{asked!r} is neither of the format {spelled!r}, as times of the table, nor "
                "a date by ISO 8601, as '2024-12-31'"
            )
        return time


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
    if len(column) == 0:
        return index, None
    first = column.iloc[0]
    if isinstance(first, datetime.date) and not isinstance(first, datetime.datetime):
        return pd.DatetimeIndex(pd.to_datetime(column)), StampFormat(None, column.dtype)
    if not all(isinstance(value, str) for value in column):
        return index, None
    codes, texts = pd.factorize(column.to_numpy(dtype=object))
    form = _form_of(texts.tolist(), column)
    read = form.read(texts.tolist()).take(codes)
    return pd.DatetimeIndex(read, name=column.name), StampFormat(form, column.dtype)


def _form_of(texts: list[str], column: pd.Series) -> Dates | Quarters:
    """Return the one form that all strings have."""
    name = column.name
    quarters = Quarters.of(texts, "")
    if quarters is not None:
        return quarters
    try:
        form = Dates.of(texts, "", name, exact=False)
    except AmbiguousDatesError as error:
        raise ValueError(
            f"{error}. Say which: X[{name!r}] = pd.to_datetime(X[{name!r}], "
            f"format={error.formats[0]!r})"
        ) from error
    if form is None:
        raise ValueError(_why_unread(texts, column))
    for note in form.notes(texts, name):
        warn_user(note)
    return form


def _why_unread(texts: list[str], column: pd.Series) -> str:
    """Say which strings are no dates, or of other formats than the first."""
    name = column.name
    formats = list(formats_of(texts[0]))
    if not formats:
        return (
            f"column {name!r} is to hold times, but {texts[0]!r} is none that can be read: "
            "convert it first, for example by pd.to_datetime(..., format=...), or, of weeks and "
            "the like, pd.PeriodIndex(..., freq=...)"
        )
    impossible = next(filter(is_impossible, texts), None)
    if impossible is not None:
        row = int((column == impossible).to_numpy().argmax()) + 1
        return (
            f"column {name!r} is to hold times, but {impossible!r} in row {row} is no date: there "
            "is no such day, or time of day. Correct it, or leave the row out"
        )
    unread = Dates(formats[0]).unread(texts)
    odd = unread[0] if unread else texts[-1]
    return (
        f"column {name!r} holds times of several formats: {texts[0]!r}, which reads as "
        f"{formats[0]!r}, and {odd!r}, which does not. Convert it first, for example by "
        f"pd.to_datetime(X[{name!r}], format='mixed')"
    )
