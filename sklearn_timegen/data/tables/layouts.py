"""Take containers apart: one frame for each series, with its times, and how they were laid out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_timegen.data.reading import as_pandas
from sklearn_timegen.data.tables.container import Columns, Container, Key, Part, shown
from sklearn_timegen.data.tables.dating import Undated, date_parts
from sklearn_timegen.data.tables.long import names_of, split_long
from sklearn_timegen.data.tables.totals import TOTAL, find_totals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_alike", "take_apart"]


def take_apart(
    X: Any,
    id_columns: Any = None,
    time_column: Hashable = None,
    *,
    gaps: str = "error",
    time: str = "regular",
) -> tuple[Container, list[Part]]:
    """Return how ``X`` is laid out, and its series.

    Parameters
    ----------
    X : Series, DataFrame, array-like or list
        The series.
    id_columns : hashable or list of hashable, default=None
        Of a long table: the column, or the columns, that name the series of each row.
    time_column : hashable, default=None
        Of a long table: the column of its times. Each series is sorted by it.
    gaps : {"missing", "segments", "error"}, default="error"
        What is made of steps that are left out: rows that are not there, ends of series (parts
        with one key), or an error.
    time : {"auto", "regular", "irregular"}, default="regular"
        Whether times have to have a step; ``"auto"`` takes those that have none for irregular.

    Returns
    -------
    container : Container
        How ``X`` is laid out.
    parts : list of Part
        Its series.

    Raises
    ------
    ValueError
        If there are no series, or timestamps are irregular, duplicated or unsorted.
    TypeError
        If ``X`` is none of the containers.
    """
    undated = _read(X, names_of(id_columns), time_column)
    if not undated[1] or any(frame.size == 0 for frame in undated[1]):
        raise ValueError("X holds no series, or an empty one")
    return date_parts(undated, gaps, time)


def _read(X: Any, ids: Key = (), time_column: Hashable = None) -> Undated:
    """Return how ``X`` is laid out, the rows of each series, their times, and their keys."""
    import pandas as pd

    X = as_pandas(X)
    if ids or time_column is not None:
        return _of_long(X, ids, time_column)
    if isinstance(X, pd.Series | pd.DataFrame):
        return _of_pandas(X)
    if isinstance(X, list | tuple) and _holds_series(X):
        return _of_list(X)
    return _of_array(X)


def check_alike(frame: pd.DataFrame, columns: Columns, expected: Columns, where: str) -> None:
    """Refuse series of other columns than those of ``where``."""
    n_expected = len(expected.channels) or len(expected.names or ()) or frame.shape[1]
    if frame.shape[1] != n_expected:
        raise ValueError(f"X has {frame.shape[1]} columns, but {where} saw {n_expected}")
    mine, theirs = expected.names, columns.names
    if mine is not None and theirs is not None and mine != theirs:
        raise ValueError(f"X has the columns {list(theirs)}, but {where} saw {list(mine)}")


def _of_pandas(X: pd.Series | pd.DataFrame) -> Undated:
    import pandas as pd

    name = X.name if isinstance(X, pd.Series) else None
    frame = X.to_frame() if isinstance(X, pd.Series) else X
    columns = _columns_of(frame)
    ndim = 1 if isinstance(X, pd.Series) else 2
    if not isinstance(X.index, pd.MultiIndex):
        kind = "series" if ndim == 1 else "frame"
        if len(X) == 0:
            return Container(kind, columns), [], [], []
        return Container(kind, columns, name=name), [frame], [X.index], [()]
    container = Container("panel", columns, ndim=ndim, name=name, levels=tuple(X.index.names))
    above: Any = list(range(X.index.nlevels - 1)) if X.index.nlevels > 2 else 0
    frames: dict[Key, pd.DataFrame] = {}
    for found, part in frame.groupby(level=above, sort=False, dropna=False):
        key = found if isinstance(found, tuple) else (found,)
        _refuse_missing(key, len(part))
        frames[key] = part
    totals = find_totals(frames)
    sums = [key for key in frames if TOTAL in key]
    if len(sums) < len(frames):
        for key in sums:
            del frames[key]  # sums of others, which are made anew
    container = replace(container, totals=totals, is_sorted=X.index.is_monotonic_increasing)
    indexes = [part.index.get_level_values(-1) for part in frames.values()]
    return container, list(frames.values()), indexes, list(frames)


def _of_long(X: pd.DataFrame, ids: Key, time_column: Hashable) -> Undated:
    table = split_long(X, ids, time_column)
    channels = X.drop(columns=[*ids, time_column])
    container = Container(
        "long",
        _columns_of(channels),
        order=tuple(X.columns),
        id_columns=ids,
        id_dtypes=tuple(X[name].dtype for name in ids),
        time_column=time_column,
        stamps=table.stamps,
        by_time=table.by_time,
    )
    for key, rows in zip(table.keys, table.rows, strict=True):
        _refuse_missing(key, len(rows))
    frames = [channels.iloc[rows] for rows in table.rows]
    return container, frames, [table.times[rows] for rows in table.rows], table.keys


def _of_list(X: Sequence[Any]) -> Undated:
    read = [_read(item) for item in X]
    first = read[0][0]
    for k, (container, frames, _, _) in enumerate(read):
        if len(frames) != 1:
            raise ValueError(f"item {k} of X holds {len(frames)} series; each item is one")
        if container.kind != first.kind:
            raise ValueError(f"X mixes items: {first.kind} and, at {k}, {container.kind}")
        if container.kind == "frame":  # names of Series may tell which one each is
            check_alike(frames[0], container.columns, first.columns, "its first item")
        elif frames[0].shape[1] != read[0][1][0].shape[1]:
            n, n_first = frames[0].shape[1], read[0][1][0].shape[1]
            raise ValueError(f"item {k} of X has {n} columns, but its first item {n_first}")
    names = read[0][1][0].columns
    container = Container("list", first.columns, items=tuple(item[0] for item in read))
    frames = [item[1][0].set_axis(names, axis=1) for item in read]
    return container, frames, [item[2][0] for item in read], [(k,) for k in range(len(read))]


def _of_array(X: Any) -> Undated:
    import pandas as pd

    values = _as_array(X)
    if values.dtype.kind not in "fiubOUM" or values.ndim == 0:
        raise TypeError(
            "X must be a pandas Series or DataFrame, an array, or a list of these; got "
            f"{type(X).__name__}{_advice(X, values.dtype)}"
        )
    if values.ndim not in (1, 2, 3):
        raise ValueError(
            "X must be 1-d (n_timesteps,), 2-d (n_timesteps, n_channels), one long series whose "
            "rows are time, or 3-d (n_series, n_timesteps, n_channels); got shape "
            f"{values.shape}"
        )
    series = values if values.ndim == 3 else values.reshape(1, len(values), -1)
    container = Container("array", Columns(None), ndim=values.ndim)
    if series.size == 0:
        return container, [], [], []
    index = pd.RangeIndex(series.shape[1])
    frames = [pd.DataFrame(x) for x in series]
    return container, frames, [index] * len(series), [(k,) for k in range(len(series))]


def _advice(X: Any, dtype: Any) -> str:
    """Return what to do with what is no container."""
    if isinstance(X, str | Path):
        return ". Read the file first, for example by pd.read_csv"
    if isinstance(X, Mapping):
        return ". pd.concat makes a panel of a dict of frames, pd.DataFrame a frame of columns"
    return ". Pass list(X)" if isinstance(X, Iterator) else f" of {dtype}"


def _as_array(X: Any) -> Any:
    try:
        values = np.asarray(X)
    except ValueError as error:
        raise ValueError(
            "X is ragged: pass series of unequal length as a list of arrays"
        ) from error
    if values.dtype.kind in "US" and isinstance(X, list | tuple):
        return np.asarray(X, dtype=object)  # numpy makes words of numbers beside words
    return values


def _refuse_missing(key: Key, n_rows: int) -> None:
    import pandas as pd

    if any(pd.isna(part) for part in key if pd.api.types.is_scalar(part)):
        raise ValueError(f"{n_rows} rows belong to a series whose name is missing: {shown(key)}")


def _holds_series(X: Sequence[Any]) -> bool:
    """Whether a list holds series, and is not one itself."""
    import pandas as pd

    return len(X) > 0 and isinstance(X[0], pd.Series | pd.DataFrame | np.ndarray)


def _columns_of(frame: pd.DataFrame) -> Columns:
    if frame.shape[1] == 0:
        raise ValueError("X has no columns of values")
    if frame.columns.has_duplicates:
        raise ValueError(
            f"X has two columns named {frame.columns[frame.columns.duplicated()][0]!r}"
        )
    return Columns(frame.columns)
