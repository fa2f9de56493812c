"""What the cells of a column of text stand for, and how they were written.

A form is learned from the different texts of a column, reads them, and writes other values alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sklearn_timegen.data.tables.dates import Dates, Quarters, formats_of, is_impossible

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CellForm",
    "Flags",
    "Nothing",
    "Numbers",
    "RowNumbers",
    "Words",
    "form_of",
    "slip_of",
]

# What stands for a missing number, flag or date. Among words these are words: "NA" is Namibia.
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", "<NA>", "NaT")
GROUPS = ".,' \u00a0\u202f"  # what stands between thousands, in one country or another
MOST_DIGITS = 18  # of whole numbers; longer ones, which 64 bits may not hold, are names
UNITS = re.compile(r"([€$£¥]? ?)-?[\d.].*?( ?[%‰€$£¥°]?)")
MOST_DECIMALS = 12  # beyond which a number has as many digits as it takes
FLAGS = [("False", "True"), ("false", "true"), ("FALSE", "TRUE")]
# A column is one of numbers, with slips, if it has many, and few other cells.
FEWEST_NUMBERS, FEW = 20, 0.05


class CellForm(Protocol):
    """How the cells of one column are written."""

    def read(self, texts: Sequence[str]) -> pd.Series:
        """Return what texts stand for."""

    def write(self, column: pd.Series) -> list[str]:
        """Return the texts of values."""


@dataclass(frozen=True)
class Words:
    """Texts as they are; nothing between two separators is missing."""

    missing: str = ""

    def read(self, texts: Sequence[str]) -> pd.Series:
        import pandas as pd

        return pd.Series([text or None for text in texts], dtype="str")

    def write(self, column: pd.Series) -> list[str]:
        return [self.missing if none else str(v) for v, none in _cells(column)]


@dataclass(frozen=True)
class Flags:
    """True and false."""

    words: tuple[str, str] = FLAGS[0]
    missing: str = ""

    @classmethod
    def of(cls, texts: Sequence[str], missing: str) -> Flags | None:
        found = [words for words in FLAGS if set(texts) <= set(words)]
        return cls(found[0], missing) if found else None

    def read(self, texts: Sequence[str]) -> pd.Series:
        import pandas as pd

        meaning: dict[str, Any] = {self.words[0]: False, self.words[1]: True}
        values = [meaning.get(text) for text in texts]
        return pd.Series(values, dtype="boolean" if None in values else "bool")

    def write(self, column: pd.Series) -> list[str]:
        return [self.missing if none else self.words[bool(v)] for v, none in _cells(column)]


@dataclass(frozen=True)
class Numbers:
    """Numbers: their decimal mark, what groups their digits, and how many decimals they have.

    Parameters
    ----------
    mark, group : str
        The decimal mark, and what stands between thousands.
    least, most : int or None
        Decimals; ``most=None`` is as many as it takes, with an exponent where that is shorter.
        Whole numbers have 0.
    missing : str
        What stands for no number.
    before, after : str
        The sign of a unit, such as % or €.
    """

    mark: str = "."
    group: str = ""
    least: int = 0
    most: int | None = 0
    missing: str = ""
    before: str = ""
    after: str = ""

    @classmethod
    def of(cls, texts: Sequence[str], missing: str, mark: str) -> Numbers | None:
        """Return the form of numbers with a decimal mark, or ``None`` if these are none."""
        before, after = _units(texts)
        if before or after:
            bare = [text[len(before) : len(text) - len(after)] for text in texts]
            form = cls.of(bare, missing, mark)
            return form and replace(form, before=before, after=after)
        for group in ("", *GROUPS.replace(mark, "")):
            pattern = _pattern(mark, group)
            found = [match for text in texts if (match := pattern.fullmatch(text))]
            if len(found) < len(texts):
                if not group and not found and not any(sign in texts[0] for sign in GROUPS):
                    return None  # nothing that a sign between thousands could explain
                continue
            one_group = all(match[0].count(group) == 1 and not match[2] for match in found)
            if group and one_group:
                continue  # 1.234 in every cell is a number with three decimals
            return cls._of_matches(found, mark, group, missing)
        return None

    @classmethod
    def _of_matches(
        cls, found: list[re.Match[str]], mark: str, group: str, missing: str
    ) -> Numbers | None:
        free = any(match[3] for match in found)
        if not free and all(match[2] is None for match in found):
            longest = max(len((match[1] or "").replace(group, "")) for match in found)
            return cls(mark, group, 0, 0, missing) if longest <= MOST_DIGITS else None
        decimals = [len(match[2] or "") for match in found]
        free = free or max(decimals) > MOST_DECIMALS
        return cls(mark, group, min(decimals), None if free else max(*decimals, 1), missing)

    def read(self, texts: Sequence[str]) -> pd.Series:
        import pandas as pd

        bare = [None if text in MISSING else self._bare(text) for text in texts]
        if self.most == 0:
            whole = [None if text is None else int(text) for text in bare]
            return pd.Series(whole, dtype="Int64" if None in whole else "int64")
        return pd.Series([np.nan if text is None else float(text) for text in bare])

    def write(self, column: pd.Series) -> list[str]:
        return [self.missing if none else self._text(v) for v, none in _cells(column)]

    def _bare(self, text: str) -> str:
        """Return a number as Python writes it."""
        text = text[len(self.before) : len(text) - len(self.after)]
        return text.replace(self.group, "").replace(self.mark, ".")

    def _text(self, value: Any) -> str:
        if self.most is None:
            text = repr(float(value))
        elif self.most == 0:
            text = format(round(value), ",d")
        else:
            text = format(float(value) + 0.0, f",.{self.most}f")
        whole, point, decimals = text.partition(".")
        if self.most:
            decimals = decimals[: self.least] + decimals[self.least :].rstrip("0")
        whole = whole.replace(",", self.group)
        number = f"{whole}{self.mark}{decimals}" if point and decimals else whole
        return f"{self.before}{number}{self.after}"


@dataclass(frozen=True)
class Nothing:
    """No value in any row."""

    missing: str = ""

    def read(self, texts: Sequence[str]) -> pd.Series:
        import pandas as pd

        return pd.Series([None] * len(texts), dtype="object")

    def write(self, column: pd.Series) -> list[str]:
        return [self.missing] * len(column)


@dataclass(frozen=True)
class RowNumbers:
    """The numbers of the rows, from ``start`` on."""

    start: int = 0
    missing: str = ""

    def read(self, texts: Sequence[str]) -> pd.Series:
        import pandas as pd

        return pd.Series([int(text) for text in texts], dtype="int64")

    def write(self, column: pd.Series) -> list[str]:
        return [str(self.start + k) for k in column.index]


def form_of(
    texts: Sequence[str], name: str, *, marks: str = ".,", date_format: str | None = None
) -> CellForm:
    """Return the form of a column with these texts, each of them once, in their order.

    Raises
    ------
    ValueError
        If dates could be read in two ways, or a few cells among numbers are none.
    """
    missing = [text for text in texts if text in MISSING]
    known = [text for text in texts if text not in MISSING]
    sign = next((text for text in missing if text), "")
    if "" in missing:
        sign = ""
    if not known:
        return Nothing(sign)
    form: CellForm | None = Flags.of(known, sign)
    for mark in marks:
        form = form or Numbers.of(known, sign, mark)
    form = form or Quarters.of(known, sign) or Dates.of(known, sign, name, date_format)
    return form or Words()


def slip_of(form: CellForm, texts: Sequence[str], counts: Any, marks: str) -> tuple[str, str]:
    """Return the first cell that makes words of a column of numbers or dates, and of which.

    Two empty strings, if there is none.
    """
    known = [k for k, text in enumerate(texts) if text not in MISSING]
    if not isinstance(form, Words) or not known:
        return "", ""
    usual = _usual_look(texts[k] for k in known)
    kinds = {
        "numbers": lambda text: any(Numbers.of([text], "", mark) for mark in marks),
        "dates": lambda text: usual in formats_of(text) and not is_impossible(text),
    }
    for kind, is_one in kinds.items() if usual else [("numbers", kinds["numbers"])]:
        odd = [k for k in known if not is_one(texts[k])]
        n_odd, n_all = counts[odd].sum(), counts[known].sum()
        many = len(known) - len(odd) > FEWEST_NUMBERS
        if odd and many and n_odd < FEW * n_all:
            return texts[odd[0]], kind
    return "", ""


def _usual_look(texts: Iterable[str]) -> str:
    """Return the format that most of the first texts could have as dates, or ``""``."""
    looks = Counter(f for text in islice(texts, FEWEST_NUMBERS + 1) for f in formats_of(text))
    return max(looks, key=lambda f: looks[f]) if looks else ""


def _units(texts: Sequence[str]) -> tuple[str, str]:
    """Return the signs of a unit that all numbers have before and behind them."""
    found = [match for text in texts if (match := UNITS.fullmatch(text))]
    signs = {(match[1], match[2]) for match in found}
    return signs.pop() if len(signs) == 1 and len(found) == len(texts) else ("", "")


@lru_cache
def _pattern(mark: str, group: str) -> re.Pattern[str]:
    """Return what numbers look like; one that begins with 0, as "01", is a name."""
    whole = rf"[1-9]\d{{0,2}}(?:{re.escape(group)}\d{{3}})*" if group else r"[1-9]\d*"
    return re.compile(rf"-?(?=.?\d)(0|{whole})?(?:{re.escape(mark)}(\d*))?([eE][+-]?\d+)?")


def _cells(column: pd.Series) -> zip[tuple[Any, bool]]:
    return zip(column.astype(object), column.isna(), strict=True)
