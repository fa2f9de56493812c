"""Stretches of series without a gap, which windows may be cut from.

Frames with times, panels, long tables and lists of series are read alike: as rows of one frame,
each of a series and at a time. Unlike for generators of series, rows may be missing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_timegen.data.clocks import count_steps, follows, usual_step
from sklearn_timegen.data.tables.container import shown
from sklearn_timegen.data.tables.long import check_columns, names_of
from sklearn_timegen.data.tables.stamps import read_stamps
from sklearn_timegen.data.tables.totals import TOTAL

__all__ = ["Segment", "TimedRows", "called", "segments_of", "series_of_panel"]

INTEGERS = "iu"


@dataclass(frozen=True, eq=False)
class TimedRows:
    """Rows, each of a series and at a time.

    Parameters
    ----------
    frame : DataFrame
        The values.
    ids : DataFrame
        What the series of each row is called; without columns if there is only one.
    times : Index
        The time of each row.
    """

    frame: pd.DataFrame
    ids: pd.DataFrame
    times: pd.Index

    def origins(self, rows: NDArray[np.int64]) -> pd.DataFrame:
        """Return what the series of some rows are called, and their times."""
        name = "time" if self.times.name is None else self.times.name
        found = self.ids.iloc[rows].reset_index(drop=True)
        found[name] = self.times[rows]
        return found


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of a series without a gap.

    Parameters
    ----------
    rows : ndarray of int
        Its rows, in time order.
    series : int
        Which of the series it belongs to.
    first : int
        Steps from the earliest time of all series to its first one.
    """

    rows: NDArray[np.int64]
    series: int
    first: int


def segments_of(
    X: Any, id_columns: Any = None, time_column: Hashable = None
) -> tuple[TimedRows, list[Segment]]:
    """Return the rows of ``X``, and the stretches of all series in them.

    Series come in the order of their first rows, each in time order.

    Raises
    ------
    ValueError
        If there are no such columns, a name or a time is missing, a series has a time twice, or
        times are irregular.
    """
    read = _rows_of(X, id_columns, time_column)
    if len(read.times) == 0:
        raise ValueError("there are no rows, and so no series")
    rows, series = _in_order(read)
    times = read.times[rows]
    same = np.diff(series) == 0
    _refuse_times_twice(read, rows, times, same)
    ends = np.flatnonzero(~same) + 1
    indexes = [times] if len(ends) == 0 else [times[part] for part in _slices(ends, len(rows))]
    step = usual_step(indexes)
    if step is None and same.any():
        raise ValueError(_irregular(read, rows, indexes))
    unbroken = same if step is None else same & follows(times, step)
    first = np.zeros(len(rows), np.int64) if step is None else count_steps(times, step)
    return read, [
        Segment(rows[part], int(series[part.start]), int(first[part.start]))
        for part in _slices(np.flatnonzero(~unbroken) + 1, len(rows))
    ]


def series_of_panel(X: Any, name: str) -> list[pd.DataFrame]:
    """Return the series of a panel in time order.

    Raises
    ------
    ValueError
        As :func:`segments_of` does, or if a series has a gap.
    """
    try:
        read, segments = segments_of(X)
    except ValueError as error:
        raise ValueError(f"{name} is a panel, but {error}") from error
    for before, part in pairwise(segments):
        if before.series == part.series:
            raise ValueError(
                f"series {shown(tuple(read.ids.iloc[part.rows[0]]))} of {name} has a gap between "
                f"{read.times[before.rows[-1]]} and {read.times[part.rows[0]]}: make_windows cuts "
                "windows between gaps, and with rows of NaN in their place, values are missing"
            )
    return [read.frame.iloc[part.rows].reset_index(drop=True) for part in segments]


def _slices(cuts: NDArray[np.int64], n: int) -> list[slice]:
    return [slice(a, b) for a, b in pairwise([0, *cuts.tolist(), n])]


# -- forms ---------------------------------------------------------------------------------------


def _rows_of(X: Any, id_columns: Any, time_column: Hashable) -> TimedRows:
    if id_columns is not None or time_column is not None:
        return _rows_of_long(X, id_columns, time_column)
    frame = _joined(X)
    index = frame.index
    if not isinstance(index, pd.MultiIndex):  # of others, the rows are in order
        times = index if _are_times(index) else pd.RangeIndex(len(index))
        return TimedRows(frame, pd.DataFrame(index=range(len(frame))), times)
    n = index.nlevels - 1
    names = [_name(index.names[k], "series" if n == 1 else f"series_{k}") for k in range(n)]
    ids = pd.DataFrame({name: index.get_level_values(k) for k, name in enumerate(names)})
    kept = ~(ids == TOTAL).any(axis=1).to_numpy()
    if kept.any():  # sums of other series are none of their own
        frame, ids = frame[kept], ids[kept].reset_index(drop=True)
    return TimedRows(frame, ids, frame.index.get_level_values(-1))


def _rows_of_long(X: Any, id_columns: Any, time_column: Hashable) -> TimedRows:
    ids = list(names_of(id_columns))
    check_columns(X, tuple(ids), time_column)
    if time_column is None and not _tells_time(X.index):
        raise ValueError(
            f"id_columns={id_columns!r} needs time_column, which tells the order of each series"
        )
    if len(X) == 0:
        raise ValueError("there are no rows, and so no series")
    times = X.index if time_column is None else read_stamps(X[time_column])[0]
    named = ids if time_column is None else [*ids, time_column]
    return TimedRows(X.drop(columns=named), X[ids].reset_index(drop=True), times)


def _joined(X: Any) -> pd.DataFrame:
    """Return several series as a panel, whose rows are those of each in turn."""
    if isinstance(X, pd.Series):
        return X.to_frame()
    if isinstance(X, pd.DataFrame):
        return X
    frames = [x.to_frame() if isinstance(x, pd.Series) else pd.DataFrame(x) for x in X]
    if all(isinstance(x, pd.Series) for x in X):  # their names tell which is which
        frames = [frame.set_axis([0], axis=1) for frame in frames]
    for k, frame in enumerate(frames):
        if isinstance(frame.index, pd.MultiIndex):
            raise ValueError(f"item {k} of the list is a panel, but each item is one series")
        if list(frame.columns) != list(frames[0].columns):
            raise ValueError(
                f"item {k} of the list has the channels {list(frame.columns)}, but item 0 has "
                f"{list(frames[0].columns)}"
            )
    return pd.concat(frames, keys=range(len(frames)), names=["series"])


def _name(name: Hashable, default: str) -> Hashable:
    return default if name is None else name


# -- series and times ----------------------------------------------------------------------------


def _tells_time(index: pd.Index) -> bool:
    return isinstance(index, pd.DatetimeIndex | pd.PeriodIndex | pd.TimedeltaIndex)


def _are_times(index: pd.Index) -> bool:
    return _tells_time(index) or index.dtype.kind in INTEGERS


def _in_order(read: TimedRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows, of one series after the other in time order, and the series of each."""
    times, ids = read.times, read.ids
    if not _are_times(times):
        raise ValueError(
            f"times must be dates, periods or integers, got values of {times.dtype} such as "
            f"{times.tolist()[0]!r}: pd.to_datetime makes dates of strings and of seconds "
            "(unit='s')"
        )
    if times.hasnans:
        raise ValueError(
            f"the time of {int(times.isna().sum())} rows is missing, the first of them row "
            f"{int(times.isna().argmax())}: leave them out"
        )
    order = np.asarray(times.argsort(kind="stable"))
    if ids.shape[1] == 0:
        return order, np.zeros(len(order), np.int64)
    unnamed = ids.isna().to_numpy()
    if unnamed.any():
        row, k = np.argwhere(unnamed)[0]
        raise ValueError(
            f"{ids.columns[k]!r} is missing in {int(unnamed[:, k].sum())} rows, the first of "
            f"them row {row}: name their series, or leave them out"
        )
    codes = ids.groupby(list(ids.columns), sort=False, observed=True).ngroup().to_numpy()
    order = order[np.argsort(codes[order], kind="stable")]
    return order, codes[order]


def called(read: TimedRows, row: Any) -> str:
    """Return what to call the series of a row in an error."""
    return f" of series {shown(tuple(read.ids.iloc[row]))}" if read.ids.shape[1] else ""


def _refuse_times_twice(
    read: TimedRows, rows: NDArray[np.int64], times: pd.Index, same: NDArray[np.bool_]
) -> None:
    twice = same & np.asarray(times[1:] == times[:-1])
    if twice.any():
        k = int(twice.argmax())
        raise ValueError(
            f"two rows{called(read, rows[k])} are at {times[k]}. If they are of different series, "
            "name what tells these apart in id_columns; else drop one, with drop_duplicates"
        )


def _irregular(read: TimedRows, rows: NDArray[np.int64], indexes: Sequence[pd.Index]) -> str:
    k = int(np.argmax([len(index) for index in indexes]))
    row = rows[sum(len(index) for index in indexes[:k])]
    steps = indexes[k][1:5] - indexes[k][: min(4, len(indexes[k]) - 1)]
    return (
        f"the times{called(read, row)} are irregular, which leaves gaps untold: the first steps "
        f"are {', '.join(map(str, steps))}. Resample them, for example by "
        "X.resample('h').mean(); or, to count rows in place of time, number them: "
        "X.reset_index(drop=True) of one series, X.groupby(id_columns).cumcount() of several"
    )
