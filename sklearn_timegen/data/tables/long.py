"""Long tables: which rows belong to which series, in the order of their times."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.container import Key, shown
from sklearn_timegen.data.tables.stamps import StampFormat, read_stamps

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LongTable", "check_columns", "names_of", "split_long"]

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class LongTable:
    """The series of a long table.

    Parameters
    ----------
    keys : list of tuple
        What each series is called: a name for each of the columns that name it.
    rows : list of ndarray
        Its rows, sorted by time.
    times : Index
        The time of each row of the table.
    stamps : StampFormat or None
        How times are spelled, if they are strings.
    by_time : bool
        Whether rows are sorted by time first, so that series alternate.
    """

    keys: list[Key]
    rows: list[Rows]
    times: pd.Index
    stamps: StampFormat | None
    by_time: bool


def names_of(id_columns: Any) -> Key:
    """Return the columns that name the series of each row: one name, or a list of names."""
    if id_columns is None:
        return ()
    return tuple(id_columns) if isinstance(id_columns, list) else (id_columns,)


def split_long(X: pd.DataFrame, ids: Key, time_column: Hashable) -> LongTable:
    """Return the series of a long table.

    Raises
    ------
    ValueError
        If columns are not there, or named twice; if the table has its newest rows first, or its
        timestamps cannot be read.
    """
    check_columns(X, ids, time_column)
    if time_column is None:
        raise ValueError("id_columns need a time_column beside them, which orders each series")
    times, stamps = read_stamps(X[time_column])
    codes = np.zeros(len(X), dtype=np.int64)
    if ids:
        groups = X.groupby(list(ids), sort=False, dropna=False, observed=True)
        codes = groups.ngroup().to_numpy()
    n_rows = np.bincount(codes) if len(codes) else np.empty(0, dtype=np.int64)
    rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(n_rows)[:-1]) if len(X) else []
    columns = [X[name].array for name in ids]
    keys = [tuple(column[own[0]] for column in columns) for own in rows]
    alternate = int((np.diff(codes) != 0).sum()) >= len(rows) > 1
    by_time = alternate and not times.hasnans and times.is_monotonic_increasing
    if not (times.hasnans or times.dtype == object):  # which have no order, and are refused
        rows = _sorted_by_time(rows, times, keys, time_column)
    return LongTable(keys, rows, times, stamps, by_time)


def check_columns(X: Any, ids: Key, time_column: Hashable = None) -> None:
    """Refuse names of columns that ``X`` does not have, or has twice, and a table of no others.

    Raises
    ------
    ValueError
        If ``X`` is no frame, or its columns are not as they are named.
    """
    import pandas as pd

    if not isinstance(X, pd.DataFrame):
        raise ValueError(
            f"id_columns and time_column name columns of a DataFrame, got {type(X).__name__}"
        )
    named = [*ids, *([] if time_column is None else [time_column])]
    missing = [name for name in named if name not in X.columns]
    if missing:
        raise ValueError(f"there is no column {missing[0]!r}; the columns are {list(X.columns)}")
    if len(set(named)) < len(named):
        raise ValueError(
            f"id_columns={list(ids)} and time_column={time_column!r} name a column twice"
        )
    twice = X.columns[X.columns.duplicated()]
    if len(twice):
        raise ValueError(f"X has two columns named {twice[0]!r}")
    if len(named) == X.shape[1]:
        raise ValueError(f"there is no column of values beside {named}")


def _sorted_by_time(
    rows: list[Rows], times: pd.Index, keys: list[Key], time_column: Hashable
) -> list[Rows]:
    """Return the rows of each series in the order of time, which tables may be without."""
    unsorted = [k for k, own in enumerate(rows) if not times[own].is_monotonic_increasing]
    several = [k for k, own in enumerate(rows) if len(own) > 1]
    is_reversed = unsorted == several and any(len(rows[k]) > 2 for k in unsorted)
    if is_reversed and all(times[rows[k]].is_monotonic_decreasing for k in unsorted):
        k = unsorted[0]
        name = f", as series {shown(keys[k])}" if keys[k] else ""
        raise ValueError(
            f"X has its newest rows first{name}: from {times[rows[k][0]]} back to "
            f"{times[rows[k][-1]]}. Series that are read backwards are other series: sort the "
            f"table, X.sort_values({time_column!r}), if its times are right"
        )
    rows = list(rows)
    for k in unsorted:
        rows[k] = rows[k][times[rows[k]].argsort(kind="stable")]
    return rows
