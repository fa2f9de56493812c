"""Windows of tables: cut from each series, and in it from each stretch without a gap."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from sklearn_timegen._warning import warn_user
from sklearn_timegen.data.segments import Segment, TimedRows, called, segments_of
from sklearn_timegen.data.suspicions import check_rows

__all__ = ["windows_of_table"]

Index = NDArray[np.int64]
MOST_NAMED = 5  # of series in a warning


def windows_of_table(
    X: Any,
    n_timesteps: int,
    stride: int,
    id_columns: Any = None,
    time_column: Hashable = None,
) -> tuple[Any, Index, pd.DataFrame]:
    """Return the windows of a table, where they begin in time, and of which series they are.

    Parameters
    ----------
    X : Series, DataFrame, 3-d array or list of series
        The series.
    n_timesteps, stride : int
        Timesteps of a window, and from one to the next.
    id_columns, time_column : hashable or list of hashable, default=None
        Columns of a long table.

    Returns
    -------
    windows : ndarray of shape (n_windows, n_timesteps, n_channels), or list of DataFrame
        An array if all channels are numbers.
    starts : ndarray of shape (n_windows,)
        Steps from the earliest time of the table to the first one of each window.
    origins : DataFrame
        The names of the series of each window, and its first time.

    Raises
    ------
    ValueError
        If series cannot be told apart or are irregular, or none holds a window.
    """
    if isinstance(X, pd.DataFrame) and id_columns is None and time_column is None:
        check_rows(X)
    read, segments = segments_of(X, id_columns, time_column)
    begins = [np.arange(0, len(part.rows) - n_timesteps + 1, stride) for part in segments]
    _check_enough(read, segments, begins, n_timesteps)
    rows = np.concatenate(
        [
            part.rows[begin[:, None] + np.arange(n_timesteps)]
            for part, begin in zip(segments, begins, strict=True)
            if len(begin)
        ]
    )
    pairs = zip(segments, begins, strict=True)
    starts = np.concatenate([part.first + begin for part, begin in pairs])
    return _values_at(read.frame, rows), starts, read.origins(rows[:, 0])


def _values_at(frame: pd.DataFrame, rows: Index) -> Any:
    """Return the values in the rows of each window: in an array if they are numbers."""
    dtypes = list(frame.dtypes)
    if all(types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype) for dtype in dtypes):
        plain = all(isinstance(dtype, np.dtype) for dtype in dtypes)
        how: dict[str, Any] = {} if plain else {"dtype": np.float64, "na_value": np.nan}
        return frame.to_numpy(**how)[rows]
    if len(set(dtypes)) == 1 and dtypes[0] == np.bool_:
        return frame.to_numpy()[rows]
    return [frame.iloc[own].reset_index(drop=True) for own in rows]


def _check_enough(
    read: TimedRows, segments: Sequence[Segment], begins: Sequence[Index], n_timesteps: int
) -> None:
    """Refuse a table without any window, and tell of series without one."""
    longest = max(len(part.rows) for part in segments)
    if longest < n_timesteps:
        raise ValueError(
            f"no series holds a window of {n_timesteps} timesteps: the longest stretch without a "
            f"gap{called(read, _longest(segments).rows[0])} has {longest}"
        )
    have = {part.series for part, begin in zip(segments, begins, strict=True) if len(begin)}
    left_out = {part.series: part for part in segments if part.series not in have}
    if left_out:
        named = [called(read, part.rows[0]).split(" of series ")[1] for part in left_out.values()]
        more = ", ..." if len(named) > MOST_NAMED else ""
        warn_user(
            f"{len(left_out)} of {len(left_out) + len(have)} series have no stretch of "
            f"{n_timesteps} timesteps without a gap, and are in no window: "
            f"{', '.join(named[:MOST_NAMED])}{more}"
        )


def _longest(segments: Sequence[Segment]) -> Segment:
    return max(segments, key=lambda part: len(part.rows))
