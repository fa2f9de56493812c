"""Columns of a table that are no channel: times as numbers, numbers of rows, names of series."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._warning import warn_user

__all__ = ["check_channels", "check_rows", "columns_of_frame", "find_clock", "find_id"]

FEWEST_ROWS = 10  # that tell anything
MOST_COLUMNS = 50  # of a table that is looked at: series in rows have more timesteps
FEWEST_IN_RUN = 10  # rows of each series in a table
FEWEST_SERIES = 10  # that are counted, and not just numbered
SECONDS_1973 = 1e8  # since 1970: numbers as large, and regular, are times
CHANNELS_PER_TIMESTEP = 4

Columns = Sequence[tuple[str, NDArray[Any]]]


def check_channels(X: Any, name: str, n_channels: int = 1, *, said: bool = False) -> None:
    """Refuse times among channels; warn of names of series among them, and of other layouts.

    Parameters
    ----------
    X : array, DataFrame or list
        A sample of series, of which a table is told by its columns.
    name : str
        What it is called in errors.
    n_channels : int, default=1
        Channels in the rows of a 2-d ``X``.
    said : bool, default=False
        Whether it was said that its axes are in another order, in which they were put.
    """
    columns = _columns_of(X, n_channels)
    clock = find_clock(columns)
    if clock is not None:
        raise ValueError(
            f"{clock} of {name} holds times, counted since 1970, which are no channel: leave them "
            "out. make_windows and SeriesGenerator read them from a time_column, made by "
            "pd.to_datetime(..., unit='s'), 'ms', 'us' or 'ns'"
        )
    is_table = getattr(X, "ndim", 3) == 2
    # In the last one may be a target, behind windows that are sorted by it.
    named = find_id(columns[:-1]) if is_table else _find(columns, _is_count)
    if named is not None and is_table:
        warn_user(
            f"{named} of {name} looks like the series that rows of a table belong to, but each "
            f"row of {name} is taken for a series. make_windows and SeriesGenerator read tables, "
            "whose rows are timesteps, by their id_columns"
        )
    elif named is not None:
        warn_user(
            f"{named} of {name} counts the series, which tells nothing of others: leave it out, "
            "if it is no attribute of theirs"
        )
    if isinstance(X, np.ndarray) and X.ndim == 3 and 0 not in X.shape and _is_transposed(X):
        came, axis = (X.swapaxes(1, 2).shape, "second") if said else (X.shape, "last")
        remedy = (
            "leave layout at 'channels-last'"
            if said
            else "as in aeon's and sktime's numpy3D, set layout='channels-first', a parameter of "
            "generators, make_windows and evaluate_samples, or pass "
            f"{name}.swapaxes(1, 2)"
        )
        warn_user(
            f"{name} of shape {came} is read as {len(X)} series of {X.shape[1]} timesteps and "
            f"{X.shape[2]} channels. If its {axis} axis is time, {remedy}"
        )


def check_rows(values: Any, name: str = "series") -> None:
    """Refuse times among the columns of a table, and warn of names of series among them.

    Parameters
    ----------
    values : 2-d array or DataFrame
        A table, whose rows are timesteps of one series.
    name : str, default="series"
        What it is called in errors.
    """
    is_array = isinstance(values, np.ndarray)
    columns = _columns_of(values, 1) if is_array else columns_of_frame(values)
    clock = find_clock(columns) or (None if is_array else _dates_of(values))
    if clock is not None:
        raise ValueError(
            f"{clock} of {name} holds the time of each row: make it dates, by pd.to_datetime, and "
            "pass its name as time_column, or leave it out"
        )
    named = find_id(columns)
    if named is not None:
        warn_user(
            f"{named} of {name} looks like the series that rows belong to, but is taken for a "
            "channel of one series, of which windows run on: pass its name as id_columns"
        )


def _dates_of(frame: Any) -> str | None:
    """Return the first column of dates, or of strings of dates, that go on by one step."""
    import pandas as pd

    for label in frame.columns:
        column = frame[label]
        if pd.api.types.is_string_dtype(column.dtype) and len(column) >= FEWEST_ROWS:
            column = pd.to_datetime(column, errors="coerce", format="ISO8601")
        if not pd.api.types.is_datetime64_any_dtype(column.dtype) or column.isna().any():
            continue
        steps = column.diff().dropna()
        usual = steps.mode()
        if (
            len(usual)
            and usual.iloc[0] != pd.Timedelta(0)
            and 2 * (steps == usual.iloc[0]).sum() >= len(steps)
        ):
            return f"column {label!r}"
    return None


def find_clock(columns: Columns) -> str | None:
    """Return the label of the one column that counts time on, in seconds since 1970 or finer.

    Parameters
    ----------
    columns : sequence of (label, 1-d array)
        Columns of numbers in the order of rows.

    Returns
    -------
    label : str or None
        ``None`` if there is no such column, or if all are: windows of a clock.
    """
    return _find(columns, _is_clock)


def find_id(columns: Columns) -> str | None:
    """Return the label of the one column that numbers series, each in rows that stand together."""
    return _find(columns, _is_id)


def _find(columns: Columns, is_it: Callable[[NDArray[Any]], bool]) -> str | None:
    """Return the label of the only column that is it, if there are others."""
    found = [label for label, values in columns if is_it(values)]
    return found[0] if len(found) == 1 < len(columns) else None


def _is_transposed(X: NDArray[Any]) -> bool:
    """Whether the last axis of series ``(n, n_timesteps, n_channels)`` is the time.

    It is far longer than the one before it, and what follows each other on it is as much alike.
    """
    _, n_timesteps, n_channels = X.shape
    if n_channels < CHANNELS_PER_TIMESTEP * max(n_timesteps, 2):
        return False
    if n_timesteps == 1 or X.dtype.kind not in "fiu":
        return True
    some = X[:: -(-len(X) // 200)].astype(np.float64)
    along_time = np.nanmean(np.abs(np.diff(some, axis=1)))
    return bool(along_time > 0.8 * np.nanmean(np.abs(np.diff(some, axis=2))))


def _is_clock(values: NDArray[Any]) -> bool:
    if not _are_integers(values) or np.abs(values).min() < SECONDS_1973:
        return False
    steps, counts = np.unique(np.diff(values.astype(np.float64)), return_counts=True)
    return bool(steps[counts.argmax()] != 0 and 2 * counts.max() >= counts.sum())


def _is_id(values: NDArray[Any]) -> bool:
    lengths = _runs(values)
    return len(lengths) > 1 and min(lengths) >= FEWEST_IN_RUN


def _is_count(values: NDArray[Any]) -> bool:
    n_series = len(_runs(values))
    return n_series >= FEWEST_SERIES and bool(np.ptp(values) == n_series - 1)


def _runs(values: NDArray[Any]) -> list[int]:
    """Return how long each whole number is repeated, if none comes again later."""
    if not _are_integers(values):
        return []
    starts = np.r_[0, np.flatnonzero(values[1:] != values[:-1]) + 1]
    is_once = len(np.unique(values)) == len(starts) < len(values)
    return np.diff(np.r_[starts, len(values)]).tolist() if is_once else []


def _are_integers(values: NDArray[Any]) -> bool:
    if len(values) < FEWEST_ROWS or values.dtype.kind not in "fiu":
        return False
    return bool(np.isfinite(values).all() and (values == np.rint(values)).all())


def _columns_of(X: Any, n_channels: int) -> Columns:
    """Return the columns of numbers in what may be a table, or else the channels."""
    pd = sys.modules.get("pandas")
    if pd is not None and isinstance(X, pd.DataFrame):
        return columns_of_frame(X) if n_channels == 1 and X.shape[1] <= MOST_COLUMNS else []
    if pd is not None and isinstance(X, list) and X and isinstance(X[0], pd.DataFrame):
        alike = all(isinstance(x, pd.DataFrame) and x.columns.equals(X[0].columns) for x in X)
        return columns_of_frame(pd.concat(X)) if alike else []
    if not isinstance(X, np.ndarray) or X.ndim not in (2, 3) or X.dtype.kind not in "fiu":
        return []
    if X.ndim == 3:
        return [(f"channel {k}", X[:, :, k].ravel()) for k in range(X.shape[2])]
    is_small = n_channels == 1 and X.shape[1] <= MOST_COLUMNS
    return [(f"column {k}", X[:, k]) for k in range(X.shape[1])] if is_small else []


def columns_of_frame(frame: Any) -> Columns:
    """Return the columns of a frame that hold numbers."""
    held = [(f"column {label!r}", frame[label]) for label in frame.columns.unique()]
    return [(label, x.to_numpy()) for label, x in held if x.ndim == 1 and _is_plain(x.dtype)]


def _is_plain(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "fiu"
