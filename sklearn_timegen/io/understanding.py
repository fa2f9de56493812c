"""What a table holds: which column is the time, which ones name series, and what to leave out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_timegen._remedies import InputError, Parameter
from sklearn_timegen.data.kinds import kind_of
from sklearn_timegen.data.tables.sessions import Sessions
from sklearn_timegen.io.arrays import ROWS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Understanding", "understand"]

TIMES = re.compile(r"(date|day|time|timestamp|timestep|t|ds|year|month|week|quarter|hour|step)s?")
MOST_SERIES = 0.5  # of the rows, so that a series has two at least
NAMES = re.compile(r"(.*[_ -])?(id|key|uuid|guid)s?", re.IGNORECASE)
UNIX = (1e9, 4e9)  # seconds since 1970 of the years from 2001 to 2096
UNITS = (1, 1e3, 1e6, 1e9)  # of a second
MOSTLY = 0.5  # of the rows, in which names that differ tell nothing of other series
FEW = 0.02  # of the rows, that are mistakes
STEPS = {
    **{"s": "second", "min": "minute", "h": "hour", "D": "day", "B": "business day"},
    **{"W": "week", "MS": "month", "ME": "month", "QS": "quarter", "QE": "quarter"},
    **{"YS": "year", "YE": "year"},
}


@dataclass(frozen=True)
class Understanding:
    """The columns of a table of series.

    Parameters
    ----------
    frame : DataFrame
        What is learned: names, times and channels.
    ids : list of str
        Columns that name the series of a row.
    time : str or None
        The column of times; ``None`` if the rows of the one series are in their order.
    left_out : dict of str to str
        Columns that nothing is learned from, and why.
    aliases : dict of str to Series
        Further names of the same series, as a number beside a word.
    newest_first : bool, default=False
        Whether the file has the last time of each series first; ``frame`` has it last.
    notes : sequence of str, default=()
        What else a reader should know of the file.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_timegen.io import understand
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> found = understand(pd.DataFrame({"day": days, "sold": [3, 1, 4]}))
    >>> found.columns
    {'id_columns': None, 'time_column': 'day'}
    """

    frame: pd.DataFrame
    ids: list[str]
    time: str | None
    left_out: dict[str, str]
    aliases: dict[str, pd.Series]
    newest_first: bool = False
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines())

    @property
    def columns(self) -> dict[str, Any]:
        """The columns, as arguments of what reads tables."""
        return {"id_columns": self.ids or None, "time_column": self.time}

    @property
    def holds_windows(self) -> bool:
        """Whether it is a table of windows, as ``read_table`` makes it of an array."""
        return (*self.ids, self.time) == ROWS

    def series(self, frame: pd.DataFrame) -> list[pd.DataFrame]:
        """Return the channels of each series of a table of these columns."""
        parts = frame.groupby(self.ids, sort=False) if self.ids else [(None, frame)]
        return [part[self.channels].reset_index(drop=True) for _, part in parts]

    def named(self, synthetic: pd.DataFrame) -> pd.DataFrame:
        """Return a table of other series with new names in the place of the aliases, too."""
        for name, column in self.aliases.items():
            number = synthetic.groupby(self.ids, sort=False).ngroup()
            whole = column.dtype.kind in "iu"
            new = column.max() + 1 + number if whole else "synthetic_" + number.astype(str)
            synthetic = synthetic.assign(**{name: new})
        return _turned(synthetic, self.ids) if self.newest_first else synthetic

    def alike(self, frame: pd.DataFrame, name: str = "the table") -> pd.DataFrame:
        """Return these columns of another table, oldest first.

        Parameters
        ----------
        frame : DataFrame
            The table, which may hold other columns, too, in any order.
        name : str, default="the table"
            What it is called in errors.

        Returns
        -------
        frame : DataFrame
            Its columns that are those of ``frame``.
        """
        missing = [column for column in self.frame if column not in frame]
        if missing:
            raise InputError(
                f"{name} has no column {missing[0]!r}, which the real series have; it has "
                f"{', '.join(frame)}. Of what only the real series have, ",
                Parameter("drop"),
                " leaves out",
            )
        frame = frame[list(self.frame)]
        is_newest_first = self.time is not None and _falls(frame, self.ids, self.time)
        return _turned(frame, self.ids) if is_newest_first else frame

    def lines(self) -> list[str]:
        """Return what was understood, for a reader."""
        return [
            f"series    {self._series()}",
            f"time      {self._span()}",
            f"channels  {', '.join(map(self._kind, self.channels))}",
            f"left out  {'; '.join(map(': '.join, self.left_out.items())) or 'nothing'}",
            *(f"note      {note}" for note in self.notes),
        ]

    @property
    def channels(self) -> list[str]:
        """Columns that series are made of."""
        return [name for name in self.frame if name not in (*self.ids, self.time)]

    def _series(self) -> str:
        if not self.ids:
            return f"one, of {len(self.frame)} timesteps"
        sizes = self.frame.groupby(self.ids, sort=False).size()
        low, high = sizes.min(), sizes.max()
        lengths = f"{low}" if low == high else f"{low} to {high}"
        return f"{len(sizes)} by {' and '.join(self.ids)}, of {lengths} timesteps"

    def _span(self) -> str:
        if self.time is None:
            return "no column: the rows are in their order"
        times = self.frame[self.time]
        parts = (
            times.groupby([self.frame[name] for name in self.ids]) if self.ids else [(0, times)]
        )
        longest = max((part for _, part in parts), key=len).sort_values()
        order = ", newest first" if self.newest_first else ""
        return f"{self.time}, {' to '.join(_ends(times))}, {_frequency(longest)}{order}"

    def _kind(self, name: str) -> str:
        column = self.frame[name]
        kind = kind_of(column, name)
        words = {"continuous": "number", "integer": "whole number", "binary": "flag"}.get(
            kind, kind
        )
        if kind in ("categorical", "ordinal"):
            n = column.nunique()
            words = f"{n} word{'s' if n > 1 else ''}"
        missing = column.isna().mean()
        return f"{name} ({words}{f', {missing:.1%} missing' if missing else ''})"


def understand(
    frame: pd.DataFrame,
    id_columns: Sequence[str] = (),
    time_column: str | None = None,
    *,
    drop: Sequence[str] = (),
    left_out: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Understanding:
    """Tell the columns of a table apart, those that are not named by looking at their values.

    The time is the column of dates, or of whole numbers at one distance, that rises within each
    series. Series are named by the columns with which no time occurs twice. What differs from row
    to row and is no number of measurement, and what is empty, is left out.

    Parameters
    ----------
    frame : DataFrame
        The table.
    id_columns : sequence of str, default=()
        Columns that name series, if known.
    time_column : str or None, default=None
        The column of times, if known.
    drop : sequence of str, default=()
        Columns to leave out, whatever they hold.
    left_out : dict of str to str or None, default=None
        Columns that are in the file, and not in the table, and why.
    notes : sequence of str, default=()
        What else a reader should know of the file.

    Returns
    -------
    understanding : Understanding
        The columns.

    Raises
    ------
    ValueError
        If there is no such column, or columns could be told apart in several ways.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_timegen.io import understand
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> table = pd.DataFrame({"shop": [*"aaabbb"], "day": [*days, *days], "sold": [3, 1, 4] * 2})
    >>> print(understand(table))
    series    2 by shop, of 3 timesteps
    time      day, 2024-01-01 to 2024-01-03, every day
    channels  sold (whole number)
    left out  nothing
    """
    asked = {"id_columns": id_columns, "time_column": [time_column], "drop": drop}
    for parameter, names in asked.items():
        for name in names:
            if name is not None and name not in frame:
                raise InputError(
                    Parameter(parameter),
                    f": there is no column {name!r}; there are {', '.join(frame)}",
                )
    why = {**dict.fromkeys(drop, "as it was asked for"), **(left_out or {})}
    frame = frame.drop(columns=list(drop))
    aliases: list[str] = []
    named, time = list(id_columns), time_column
    if time is None:
        time = _find_time(frame, named)
    if time is not None and frame[time].isna().any():
        empty = frame[time].isna()
        raise ValueError(
            f"{time} is the time of each row, and is missing in {int(empty.sum())} rows, the "
            f"first of them row {int(empty.argmax()) + 1}: fill it in, or leave these rows out"
        )
    if not named and time is not None:
        named, aliases = _find_ids(frame, time)
        why |= dict.fromkeys(aliases, f"another name, as {' and '.join(named)} is")
    if named and time is None:
        raise InputError(
            f"no column is the time of series named by {' and '.join(named)}: dates that rise "
            "within each series, or whole numbers at one distance. Name it with ",
            Parameter("time_column"),
        )
    for name in frame.columns.difference([*named, *aliases, time], sort=False):
        n_series = frame.groupby(named).ngroups if named else 1
        if reason := _tells_nothing(frame[name], n_series, time is not None):
            why[name] = reason
    kept = frame.drop(columns=[name for name in why if name in frame])
    if kept.shape[1] == len(named) + (time is not None):
        raise ValueError(f"no column is left to learn from: {', '.join(why) or 'there is none'}")
    newest_first = time is not None and _falls(kept, named, time)
    if newest_first:
        kept = _turned(kept, named)
    others = {name: frame[name] for name in aliases}
    return Understanding(kept, named, time, why, others, newest_first, notes)


def _find_time(frame: pd.DataFrame, ids: list[str]) -> str | None:
    """Return the only column, or the only one with such a name, that could be the time."""
    from pandas.api import types

    others = [name for name in frame if name not in ids]
    dates = [name for name in others if types.is_datetime64_any_dtype(frame[name])]
    rising = [name for name in dates if _rises(frame[name])]
    found = rising or dates or [name for name in others if _counts(frame[name])]
    found = found or [name for name in others if _is_unix_time(frame[name])]
    hinted = [name for name in found if TIMES.fullmatch(str(name).lower())]
    if len(found) > 1 and len(hinted) != 1:
        raise InputError(
            f"the columns {', '.join(found)} could all be the time: name it with ",
            Parameter("time_column"),
        )
    return next(iter(hinted if len(found) > 1 else found), None)


def _is_unix_time(column: pd.Series) -> bool:
    """Whether whole numbers are seconds, or parts of one, since 1970, and go up mostly."""
    from pandas.api import types

    if not types.is_integer_dtype(column) or column.isna().any() or len(column) < 3:
        return False
    low, high = float(column.min()), float(column.max())
    return any(UNIX[0] * n <= low and high <= UNIX[1] * n for n in UNITS) and _rises(column)


def _falls(frame: pd.DataFrame, ids: list[str], time: str) -> bool:
    """Whether times go down from row to row, and never up, in all series."""
    times = frame[time]
    steps = (times.groupby([frame[name] for name in ids]) if ids else times).diff().dropna()
    return len(steps) > 0 and bool((steps < steps.iloc[0] * 0).all())


def _turned(frame: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    """Return a table with the rows of each series in the other order."""
    import pandas as pd

    parts = [part for _, part in frame.groupby(ids, sort=False)] if ids else [frame]
    return pd.concat([part.iloc[::-1] for part in parts], ignore_index=True)


def _rises(column: pd.Series) -> bool:
    """Whether dates go up from row to row, or fall only where a new series begins."""
    steps = column.dropna().diff().dropna()
    zero = steps.iloc[0] * 0 if len(steps) else 0
    return len(steps) > 0 and bool((steps >= zero).mean() > MOSTLY)


def _counts(column: pd.Series) -> bool:
    """Whether whole numbers rise at one distance, and begin anew where a series does."""
    from pandas.api import types

    if not types.is_integer_dtype(column) or column.isna().any() or len(column) < 3:
        return False
    steps = np.diff(column.to_numpy(dtype=np.int64))
    up = steps[steps > 0]
    return len(up) > MOSTLY * len(steps) and len(set(up.tolist())) == 1 and not (steps == 0).any()


def _find_ids(frame: pd.DataFrame, time: str) -> tuple[list[str], list[str]]:
    """Return columns that name series, with which no time occurs twice, and their aliases."""
    times = frame[time]
    called = [name for name in frame if name != time and NAMES.fullmatch(str(name))]
    called = [name for name in called if _could_name(frame[name], len(frame))]
    called = [name for name in called if _is_constant_in_blocks(frame, [name])]
    if not times.duplicated().any():  # as of events, no two of which are at the same second
        return (called[:1], []) if called else _find_blocks(frame, time)
    if len(called) == 1 and _repeats(frame, time, called) < FEW:
        return called, []
    names = [name for name in frame if name != time and _could_name(frame[name], len(frame))]
    found: list[tuple[str, ...]] = []
    for n_columns in (1, 2):
        choices = combinations(names, n_columns)
        found = found or [those for those in choices if not _repeats(frame, time, those)]
    # Few rows that occur twice are a mistake, which is told once the series are known.
    found = found or [(name,) for name in names if _repeats(frame, time, (name,)) < FEW]
    found = [those for those in found if _is_constant_in_blocks(frame, those)] or found
    if not found:
        raise InputError(
            f"several rows have the same {time}, such as {times[times.duplicated()].iloc[0]}, and "
            "no column tells their series apart: name it, or several, with ",
            Parameter("id_columns"),
        )
    splits = {
        frame.groupby([*those], sort=False, dropna=False).ngroup().to_numpy().tobytes()
        for those in found
    }
    if len(splits) > 1:
        choices_ = " or ".join(" and ".join(those) for those in found)
        named = Parameter("id_columns")
        raise InputError(f"series could be named by {choices_}: say by which, with ", named)
    first = list(found[0])
    return first, list(dict.fromkeys(n for those in found for n in those if n not in first))


def _find_blocks(frame: pd.DataFrame, time: str) -> tuple[list[str], list[str]]:
    """Return a column of words that changes where times go back, in blocks, and its aliases."""
    steps = frame[time].diff()
    begins = (steps < steps.iloc[-1] * 0).to_numpy()[1:]
    found: dict[str, bytes] = {}
    for name in frame if begins.any() else ():
        column = frame[name]
        if name == time or kind_of(column, name) != "categorical" or column.isna().any():
            continue
        codes = frame.groupby(name, sort=False, observed=True).ngroup().to_numpy()
        if (np.diff(codes) != 0)[begins].all() and _is_constant_in_blocks(frame, [name]):
            found[name] = codes.tobytes()
    names = [name for name, codes in found.items() if codes == next(iter(found.values()))]
    return names[:1], names[1:]


def _could_name(column: pd.Series, n_rows: int) -> bool:
    kind = kind_of(column, column.name)
    if kind not in ("categorical", "ordinal", "integer") or column.isna().mean() > FEW:
        return False
    return 2 <= column.nunique() <= MOST_SERIES * n_rows


def _repeats(frame: pd.DataFrame, time: str, columns: Sequence[str]) -> float:
    """Return the fraction of rows whose time has occurred before under that name."""
    return float(frame.duplicated([*columns, time]).mean())


def _is_constant_in_blocks(frame: pd.DataFrame, columns: Sequence[str]) -> bool:
    codes = frame.groupby(list(columns), sort=False, dropna=False).ngroup().to_numpy()
    return int((np.diff(codes) != 0).sum()) + 1 == codes.max() + 1


def _tells_nothing(column: pd.Series, n_series: int, is_timed: bool) -> str:
    """Say why nothing can be learned from a column, or ``""``."""
    known = column.dropna()
    if not len(known):
        return "empty"
    kind = kind_of(column, column.name)
    n_different = known.nunique()
    if kind == "categorical" and n_different > MOSTLY * len(known) and n_different > 20:
        return "" if n_different <= n_series else f"{n_different} different texts"
    if kind == "integer" and n_different == len(column) and is_timed:
        steps = np.diff(column.to_numpy(dtype=np.int64))
        return "numbers the rows" if (steps == 1).all() else ""
    return ""


def _ends(times: pd.Series) -> list[str]:
    """Return the first and the last time as text, without hours if these are all midnight."""
    ends = [times.min(), times.max()]
    if times.dtype.kind != "M":
        return [str(end) for end in ends]
    is_day = all(end == end.normalize() for end in ends)
    return [end.strftime("%Y-%m-%d" if is_day else "%Y-%m-%d %H:%M") for end in ends]


def _frequency(times: pd.Series) -> str:
    """Say at which distance times follow each other."""
    import pandas as pd

    from sklearn_timegen.data.clocks import follows, usual_step  # pandas takes a while

    if len(times) < 3:
        return "too few to tell how often"
    if not pd.api.types.is_datetime64_any_dtype(times):
        steps = set(times.diff().dropna().astype(int))
        return f"in steps of {steps.pop()}" if len(steps) == 1 else "in steps of several sizes"
    index = pd.DatetimeIndex(times.drop_duplicates())
    name = pd.infer_freq(index) if len(index) > 2 else None
    if name is not None:
        return _every(name)
    step = usual_step([index])
    if step is None:
        return "at irregular times"
    words = str(step) if isinstance(step, Sessions) else _every(step.freqstr)
    return words if follows(index, step).all() else f"{words}, with gaps"


def _every(freq: str) -> str:
    count, unit = re.findall(r"^(\d*)([A-Za-z]+)", freq)[0]
    word = STEPS.get(unit, unit)
    return f"every {count} {word}s" if count else f"every {word}"
