"""Dates in columns of text: the format that all of them have, and others written in it.

One rule for files and for columns of strings: dates by ISO 8601 can be read in one way only.
Whether others begin with the day or with the month is decided by the whole column: what no month
can be is a day, and if all could be either, the order of the dates tells, which is said.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AmbiguousDatesError",
    "Dates",
    "Quarters",
    "formats_of",
    "is_impossible",
    "time_written",
]

DAYS = [
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"),
    *("%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y"),
    *("%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%b-%d-%Y", "%d %B %Y", "%B %d, %Y"),
]
MONTHS = ["%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%Y %b", "%b %Y", "%Y-%b", "%B %Y"]
HOURS = ["%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p"]
TIMES = [sign + hour for sign, hour in product((" ", "T", ", "), HOURS)]
ENDS = [time + zone for time, zone in product(TIMES, ("", "Z", "%z", " %z"))]
PARTS = re.compile(r"(%\w)")
# What the parts of formats look like; whether a month is one of twelve is left to the reading.
LOOKS = {
    **{"%Y": r"\d{4}", "%y": r"\d\d", "%f": r"\d{1,6}", "%z": r"[+-]\d\d:?\d\d"},
    **dict.fromkeys(("%m", "%d", "%H", "%I", "%M", "%S"), r"\d\d?"),
    **{"%b": r"[^\W\d_]{3}", "%B": r"[^\W\d_]{3,}", "%p": r"[AP]M"},
}
OFFSET = re.compile(r"[+-]\d\d:?\d\d$")
UNPADDED = re.compile(r"(?<![:.\d])0(?=\d)")  # the first zero of a day, a month, an hour
DIGIT = re.compile(r"\d")  # which no sign of a missing date has
CHECKED = 1_000  # dates that are written again, to see whether they look the same
QUARTER = re.compile(r"(\d{4})([ -]?Q)([1-4])")
FRACTION = re.compile(r"\.(\d{1,6})(?=\D*$|[+-]\d\d:?\d\d$)")
ISO = re.compile(r"\d{4}(-\d\d){0,2}([ T]\d\d:\d\d.*)?")  # in which no day could be a month


class AmbiguousDatesError(ValueError):
    """Dates that may be read in two ways, and no order tells which.

    Parameters
    ----------
    name : hashable
        What the column is called.
    text : str
        One of the dates.
    formats : sequence of str
        Two formats that all of them have.
    """

    def __init__(self, name: Any, text: str, formats: Sequence[str]) -> None:
        self.formats = tuple(formats)
        super().__init__(
            f"column {name!r} may begin with the day or with the month: {text!r} may be "
            f"{formats[0]} or {formats[1]}, as all others may"
        )


@dataclass(frozen=True)
class Dates:
    """Dates and times in one format.

    Parameters
    ----------
    format : str
        As ``strptime`` knows it.
    padded : bool
        Whether days, months and hours of one digit have a zero before it.
    digits : int
        Of a fraction of a second.
    colon : bool
        Whether an offset from UTC has one.
    missing : str
        What stands for no date.
    other : str
        Another format that all of them have, in which they would go back and forth in time.
    """

    format: str = "%Y-%m-%d"
    padded: bool = True
    digits: int = 6
    colon: bool = True
    missing: str = ""
    other: str = ""

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        missing: str,
        name: Any,
        asked: str | None = None,
        *,
        exact: bool = True,
    ) -> Dates | None:
        """Return the form of dates, or ``None`` if these are none.

        Without ``exact``, dates count that are not all written alike, such as 9:30 beside 09:45.

        Raises
        ------
        AmbiguousDatesError
            If they could be read in two ways, which differ.
        """
        last = set(formats_of(texts[-1]))
        formats = [f for f in formats_of(texts[0]) if f in last]
        if asked and _look(asked).fullmatch(texts[0]):
            formats = [asked]
        fraction = FRACTION.search(texts[0])
        form = cls(
            digits=len(fraction[1]) if fraction else 6,
            colon=":" in texts[0][-3:],
            missing=missing,
        )
        tried = (replace(form, format=found)._as_written(texts, exact) for found in formats)
        return _in_order([reading for reading in tried if reading is not None], texts, name)

    def notes(self, texts: Sequence[str], name: Any) -> list[str]:
        """Return what a reader of the column should know of how it was read."""
        notes = []
        if self.other:
            notes.append(
                f"dates of column {name!r}, such as {texts[0]!r}, were read as {self.format}, by "
                f"which they are in the order of time, and not as {self.other}"
            )
        if self._has_several_offsets(texts):
            notes.append(f"times of column {name!r} are written in UTC: they had several offsets")
        return notes

    def _as_written(self, texts: Sequence[str], exact: bool) -> Dates | None:
        """Return the form in which texts are written, if that is of this format."""
        values = self._parsed(texts)
        if values is None:
            return None
        if self._has_several_offsets(texts):
            return self
        some = range(0, len(texts), -(-len(texts) // CHECKED))
        for form in (self, replace(self, padded=False)):
            if form.write(values.iloc[some]) == [texts[k] for k in some]:
                return form
        return None if exact else self

    def read(self, texts: Sequence[str]) -> pd.Series:
        values = self._parsed(texts)
        assert values is not None
        return values

    def parse(self, text: str) -> pd.Timestamp | None:
        """Return a date that is written so, with or without its hours; or ``None``."""
        day = next((day for day in DAYS if self.format.startswith(day)), self.format)
        for form in (self, replace(self, format=day)):
            values = form._parsed([text])
            if values is not None and DIGIT.search(text):
                return values.iloc[0]
        return None

    def write(self, column: pd.Series) -> list[str]:
        import pandas as pd

        codes, times = pd.factorize(column)  # the same times come in many series
        known = [self._dressed(text) for text in pd.DatetimeIndex(times).strftime(self.format)]
        return [self.missing if code < 0 else known[code] for code in codes]

    def _has_several_offsets(self, texts: Sequence[str]) -> bool:
        """Whether texts are hours of several offsets, which are written in UTC."""
        return "%z" in self.format and len(set(_offsets(texts))) > 1

    def unread(self, texts: Sequence[str]) -> list[str]:
        """Return those texts that are to be dates, and are none of this format."""
        known, values = self._tried(texts)
        return known[values.isna() & known.notna()].tolist()

    def _tried(self, texts: Sequence[str]) -> tuple[pd.Series, pd.Series]:
        """Return what is to be dates, and their times."""
        import pandas as pd

        known = pd.Series([text if DIGIT.search(text) else None for text in texts], dtype="str")
        zoned = "%z" in self.format
        return known, pd.to_datetime(known, format=self.format, errors="coerce", utc=zoned)

    def _parsed(self, texts: Sequence[str]) -> pd.Series | None:
        import pandas as pd

        known, values = self._tried(texts)
        if (values.isna() & known.notna()).any():
            return None
        if self.format.endswith("Z"):
            return values.dt.tz_localize("UTC")
        offsets = set(_offsets(texts)) if "%z" in self.format else set()
        if len(offsets) == 1:
            zone = pd.Timestamp(f"2000-01-01 00:00{offsets.pop()}").tz
            values = values.dt.tz_convert(zone)
        return values

    def _dressed(self, text: str) -> str:
        if "%f" in self.format:
            text = re.sub(r"\.\d{6}", lambda match: match[0][: 1 + self.digits], text)
        if "%z" in self.format and self.colon:
            text = text[:-2] + ":" + text[-2:]
        return text if self.padded else UNPADDED.sub("", text)


@dataclass(frozen=True)
class Quarters:
    """Quarters of years, such as 2024Q1, as their first days."""

    sign: str = "Q"
    missing: str = ""

    @classmethod
    def of(cls, texts: Sequence[str], missing: str) -> Quarters | None:
        found = [QUARTER.fullmatch(text) for text in texts]
        signs = {match[2] if match else None for match in found}
        return cls(str(signs.pop()), missing) if len(signs) == 1 and all(found) else None

    def read(self, texts: Sequence[str]) -> pd.Series:
        import pandas as pd

        found = [QUARTER.fullmatch(text) for text in texts]
        days = [None if m is None else datetime(int(m[1]), 3 * int(m[3]) - 2, 1) for m in found]
        return pd.Series(days, dtype="datetime64[us]")

    def parse(self, text: str) -> pd.Timestamp | None:
        """Return the first day of a quarter that is written so, or ``None``."""
        return self.read([text]).iloc[0] if QUARTER.fullmatch(text) else None

    def write(self, column: pd.Series) -> list[str]:
        pairs: Any = zip(column.dt.year, column.dt.quarter, column.isna(), strict=True)
        return [self.missing if none else f"{int(y)}{self.sign}{int(q)}" for y, q, none in pairs]


def time_written(form: Any, text: str) -> pd.Timestamp | None:
    """Return a time that is written in the form of a column, or else by ISO 8601; or ``None``."""
    import pandas as pd

    time = form.parse(text) if isinstance(form, Dates | Quarters) else None
    if time is None and ISO.fullmatch(text):
        try:
            return pd.Timestamp(text)
        except ValueError:
            return None
    return time


def formats_of(text: str) -> Iterator[str]:
    """Yield the formats that a date may have: the usual ones, or else what pandas makes of it."""
    is_usual = False
    for format_ in _usual_formats(text):
        is_usual = True
        yield format_
    if not is_usual and DIGIT.search(text):
        yield from _guessed_formats(text)


def is_impossible(text: str) -> bool:
    """Whether a text looks like a date, and is none in any format, as 31.02.2024."""
    formats = list(_usual_formats(text))
    return bool(formats) and all(Dates(found).unread([text]) for found in formats)


def _usual_formats(text: str) -> Iterator[str]:
    for day in (*DAYS, *MONTHS):
        found = _look(day).match(text)
        if found and found.end() == len(text):
            yield day
        elif found and day in DAYS:
            rest = text[found.end() :]
            yield from (day + end for end in ENDS if _look(end).fullmatch(rest))


def _guessed_formats(text: str) -> Iterator[str]:
    """Yield formats with a year and a month, which numbers and words do not have."""
    from pandas.tseries.api import guess_datetime_format

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that dayfirst contradicts the text, which is tried
        month_first = guess_datetime_format(text)
        is_iso = month_first is not None and month_first.startswith("%Y")
        day_first = None if is_iso else guess_datetime_format(text, dayfirst=True)
    for guess in dict.fromkeys((month_first, day_first)):
        if guess is not None and "%Y" in guess and re.search("%[mbB]", guess):
            yield guess


@lru_cache(maxsize=256)
def _look(format_: str) -> re.Pattern[str]:
    return re.compile("".join(LOOKS.get(part, re.escape(part)) for part in PARTS.split(format_)))


def _offsets(texts: Sequence[str]) -> list[str]:
    found = [OFFSET.search(text) for text in texts]
    return [match[0] for match in found if match]


def _in_order(forms: Sequence[Dates], texts: Sequence[str], name: Any) -> Dates | None:
    """Return the form by which dates are in the order of time, whichever way it runs.

    Each date counts where it comes first, so that those of a second series change nothing.
    """
    if len(forms) < 2:
        return forms[0] if forms else None
    turns = {form: _turns(form.read(texts)) for form in forms}
    first, second, *_ = sorted(turns, key=turns.__getitem__)
    if 2 * turns[first] >= turns[second]:
        raise AmbiguousDatesError(name, texts[0], [form.format for form in turns][:2])
    return replace(first, other=second.format)


def _turns(times: pd.Series) -> int:
    """Return how often times go against the way that most of them go."""
    seconds = times.dropna().diff().dt.total_seconds()
    return int(min((seconds < 0).sum(), (seconds > 0).sum()))
