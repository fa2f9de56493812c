"""What series come in and leave in: arrays, pandas objects, panels, lists.

A container is read into records, one for each series, and remembers how to lay others out alike:
columns, dtypes, index, names.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.series._index import Timeline

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Container", "Record", "read_container"]

Array = NDArray[np.float64]
Key: TypeAlias = tuple[Hashable, ...]
TOTAL = "__total"  # sktime's name for the sum over a level


@dataclass(frozen=True)
class Record:
    """One series: values (n_timesteps, n_channels), its times, and its key in a panel."""

    values: Array
    timeline: Timeline
    key: Key = ()
    like: int = 0  # of a drawn series: which training series it stands in for


@dataclass(frozen=True)
class Columns:
    """Names and dtypes of the channels; there are no names for arrays."""

    index: pd.Index
    dtypes: tuple[Any, ...]

    @property
    def names(self) -> Key | None:
        return None if self.index is None else tuple(self.index)

    def select(self, positions: list[int]) -> Columns:
        """Return some of the columns."""
        if positions == list(range(len(self.dtypes))):
            return self
        dtypes = tuple(self.dtypes[k] for k in positions)
        return Columns(None if self.index is None else self.index[positions], dtypes)

    def restore(self, values: Array) -> list[Any]:
        """Return one array for each channel, in its dtype: integers are rounded."""
        return [_as_dtype(values[:, k], dtype) for k, dtype in enumerate(self.dtypes)]

    def frame(self, values: Array, index: pd.Index) -> pd.DataFrame:
        import pandas as pd

        columns = dict(enumerate(self.restore(values)))
        frame = pd.DataFrame(columns, index=index)
        frame.columns = self.index
        return frame


@dataclass(frozen=True)
class Container:
    """How series were laid out: ``kind`` names it, the rest is what the kind needs."""

    kind: str  # "array", "series", "frame", "panel", "long" or "list"
    columns: Columns
    ndim: int = 2  # of an array, or of each item of a list
    name: Hashable = None  # of a pandas Series
    levels: Key = ()  # of a panel's index
    order: Key = ()  # columns of a long table
    series_column: Hashable = None
    time_column: Hashable = None
    items: tuple[Container, ...] = ()  # what a list holds

    def write(self, records: list[Record]) -> Any:
        """Lay records out; several of what holds one become a panel."""
        write = getattr(self, f"_write_{self.kind}")
        return write(records)

    def check_alike(self, other: Container) -> None:
        """Refuse series of other columns than those of ``fit``."""
        if len(other.columns.dtypes) != len(self.columns.dtypes):
            raise ValueError(
                f"X has {len(other.columns.dtypes)} columns, but fit saw "
                f"{len(self.columns.dtypes)}"
            )
        mine, theirs = self.columns.names, other.columns.names
        if mine is not None and theirs is not None and mine != theirs:
            raise ValueError(f"X has the columns {list(theirs)}, but fit saw {list(mine)}")

    # -- one method for each kind --------------------------------------------------------------

    def _write_array(self, records: list[Record]) -> Any:
        dtype = self.columns.dtypes[0]
        if self.ndim < 3 and len(records) == 1:
            values = _as_dtype(records[0].values, dtype)
            return values[:, 0] if self.ndim == 1 else values
        lengths = sorted({len(record.values) for record in records})
        if len(lengths) > 1:
            raise ValueError(
                f"an array cannot hold series of {lengths[0]} and {lengths[-1]} timesteps: pass "
                "n_timesteps"
            )
        return np.stack([_as_dtype(record.values, dtype) for record in records])

    def _write_series(self, records: list[Record]) -> Any:
        if len(records) > 1:
            return self._write_panel(records)
        import pandas as pd

        index = records[0].timeline.index
        return pd.Series(self.columns.restore(records[0].values)[0], index=index, name=self.name)

    def _write_frame(self, records: list[Record]) -> Any:
        if len(records) > 1:
            return self._write_panel(records)
        return self.columns.frame(records[0].values, records[0].timeline.index)

    def _write_panel(self, records: list[Record]) -> Any:
        import pandas as pd

        levels = self.levels or ("series", records[0].timeline.index.name)
        parts = [self.columns.frame(record.values, record.timeline.index) for record in records]
        joined = pd.concat(parts, keys=[record.key for record in records])
        joined.index = joined.index.set_names(list(levels))
        if self.kind == "panel" and self.ndim == 1:
            return joined.iloc[:, 0].rename(self.name)
        return joined

    def _write_long(self, records: list[Record]) -> Any:
        import pandas as pd

        parts = []
        for record in records:
            part = self.columns.frame(record.values, record.timeline.index)
            part.insert(0, self.time_column, record.timeline.index)
            if self.series_column is not None:
                part.insert(0, self.series_column, record.key[0])
            parts.append(part.reset_index(drop=True))
        return pd.concat(parts, ignore_index=True)[list(self.order)]

    def _write_list(self, records: list[Record]) -> Any:
        return [self.items[record.like].write([record]) for record in records]


def read_container(
    X: Any, series_column: Hashable = None, time_column: Hashable = None
) -> tuple[Container, list[Record]]:
    """Return how ``X`` is laid out, and its series.

    Raises
    ------
    ValueError
        If there are no series, timestamps are irregular, duplicated or unsorted, columns are not
        numbers, or values are missing.
    TypeError
        If ``X`` is none of the containers.
    """
    import pandas as pd

    if (series_column is not None or time_column is not None) and not isinstance(X, pd.DataFrame):
        raise ValueError(
            f"series_column and time_column name columns of a DataFrame, got {type(X).__name__}"
        )
    if series_column is not None or time_column is not None:
        container, records = _read_long(X, series_column, time_column)
    elif isinstance(X, pd.Series | pd.DataFrame):
        container, records = _read_pandas(X)
    elif isinstance(X, list | tuple) and _holds_series(X):
        container, records = _read_list(X)
    else:
        container, records = _read_array(X)
    if not records or any(record.values.size == 0 for record in records):
        raise ValueError("X holds no series, or an empty one")
    for record in records:
        _check_finite(record, container)
    return container, records


def _read_pandas(X: pd.Series | pd.DataFrame) -> tuple[Container, list[Record]]:
    import pandas as pd

    name = X.name if isinstance(X, pd.Series) else None
    frame = X.to_frame() if isinstance(X, pd.Series) else X
    columns = _columns_of(frame)
    ndim = 1 if isinstance(X, pd.Series) else 2
    if not isinstance(X.index, pd.MultiIndex):
        kind = "series" if ndim == 1 else "frame"
        if len(X) == 0:
            return Container(kind, columns), []
        record = Record(_values(frame), Timeline(X.index, ""))
        return Container(kind, columns, name=name), [record]
    container = Container("panel", columns, ndim=ndim, name=name, levels=tuple(X.index.names))
    above: Any = list(range(X.index.nlevels - 1)) if X.index.nlevels > 2 else 0
    parts: dict[Key, pd.DataFrame] = {}
    for found, part in frame.groupby(level=above, sort=False, dropna=False):
        key = found if isinstance(found, tuple) else (found,)
        _refuse_missing(key, len(part))
        parts[key] = part
    sums = [key for key in parts if TOTAL in key]
    if len(sums) < len(parts):
        for key in sums:
            del parts[key]  # sums of others, which an aggregator makes anew
    values = [_values(part) for part in parts.values()]
    indexes = [part.index.get_level_values(-1) for part in parts.values()]
    return container, _records(values, indexes, list(parts))


def _read_long(
    X: pd.DataFrame, series_column: Hashable, time_column: Hashable
) -> tuple[Container, list[Record]]:
    import pandas as pd

    named = [name for name in (series_column, time_column) if name is not None]
    missing = [name for name in named if name not in X.columns]
    if missing:
        raise ValueError(f"X has no column {missing[0]!r}; it has {list(X.columns)}")
    if time_column is None:
        raise ValueError("series_column needs a time_column beside it, which orders each series")
    channels = X.drop(columns=named)
    container = Container(
        "long",
        _columns_of(channels),
        order=tuple(X.columns),
        series_column=series_column,
        time_column=time_column,
    )
    parts: list[tuple[Hashable, pd.DataFrame]] = [(None, X)]
    if series_column is not None:
        parts = list(X.groupby(series_column, sort=False, dropna=False))
    keys = [(key,) for key, _ in parts]
    if series_column is not None:
        for (_, part), key in zip(parts, keys, strict=True):
            _refuse_missing(key, len(part))
    values = [_values(part[list(channels.columns)]) for _, part in parts]
    indexes = [pd.Index(part[time_column]) for _, part in parts]
    return container, _records(values, indexes, keys)


def _read_list(X: Sequence[Any]) -> tuple[Container, list[Record]]:
    read = [read_container(item) for item in X]
    containers = tuple(container for container, _ in read)
    first = containers[0]
    for k, (container, records) in enumerate(read):
        if len(records) != 1:
            raise ValueError(f"item {k} of X holds {len(records)} series; each item is one")
        if container.kind != first.kind:
            raise ValueError(f"X mixes items: {first.kind} and, at {k}, {container.kind}")
        if container.kind != "series":  # whose names may tell which one each is
            first.check_alike(container)
    values = [found[0].values for _, found in read]
    indexes = [found[0].timeline.index for _, found in read]
    keys = [(k,) for k in range(len(read))]
    return Container("list", first.columns, items=containers), _records(values, indexes, keys)


def _records(values: list[Array], indexes: list[pd.Index], keys: Sequence[Key]) -> list[Record]:
    """Make records of series that have one frequency: that of the longest."""
    if not values:
        return []
    longest = max(range(len(indexes)), key=lambda k: len(indexes[k]))
    step = Timeline(indexes[longest], _where(keys[longest])).step
    return [
        Record(part, Timeline(index, _where(key), step), key)
        for part, index, key in zip(values, indexes, keys, strict=True)
    ]


def _where(key: Key) -> str:
    return "" if key == (None,) else f" of series {_shown(key)}"


def _refuse_missing(key: Key, n_rows: int) -> None:
    if any(part != part or part is None for part in key):  # NaN is not itself
        raise ValueError(f"{n_rows} rows belong to a series whose name is missing: {_shown(key)}")


def _read_array(X: Any) -> tuple[Container, list[Record]]:
    import pandas as pd

    try:
        values = np.asarray(X)
    except ValueError as error:
        raise ValueError(
            "X is ragged: pass series of unequal length as a list of arrays"
        ) from error
    if values.dtype.kind not in "fiu":
        raise TypeError(
            "X must be a pandas Series or DataFrame, a numeric array, or a list of these; got "
            f"{type(X).__name__} of {values.dtype}"
        )
    if values.ndim not in (1, 2, 3):
        raise ValueError(
            "X must be 1-d (n_timesteps,), 2-d (n_timesteps, n_channels), one long series whose "
            "rows are time, or 3-d (n_series, n_timesteps, n_channels); got shape "
            f"{values.shape}"
        )
    whole = values.astype(np.float64)
    series = whole if whole.ndim == 3 else whole.reshape(1, len(whole), -1)
    container = Container(
        "array", Columns(None, (values.dtype,) * series.shape[2]), ndim=values.ndim
    )
    if series.size == 0:
        return container, []
    timeline = Timeline(pd.RangeIndex(series.shape[1]), "")
    return container, [Record(part, timeline, (k,)) for k, part in enumerate(series)]


def _holds_series(X: Sequence[Any]) -> bool:
    """Whether a list holds series, and is not one itself."""
    import pandas as pd

    return len(X) > 0 and isinstance(X[0], pd.Series | pd.DataFrame | np.ndarray)


def _columns_of(frame: pd.DataFrame) -> Columns:
    import pandas as pd

    if frame.shape[1] == 0:
        raise ValueError("X has no columns of values")
    if frame.columns.has_duplicates:
        raise ValueError(
            f"X has two columns named {frame.columns[frame.columns.duplicated()][0]!r}"
        )
    for name, dtype in frame.dtypes.items():
        is_number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
        if pd.api.types.is_complex_dtype(dtype) or not is_number:
            hint = "encode it as numbers, or leave it out"
            if pd.api.types.is_datetime64_any_dtype(dtype):
                hint = f"if it is the time, pass time_column={name!r}"
            raise ValueError(f"column {name!r} is of {dtype}, not of numbers: {hint}")
    return Columns(frame.columns, tuple(frame.dtypes))


def _values(frame: pd.DataFrame) -> Array:
    values: Array = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def _as_dtype(values: Array, dtype: Any) -> Any:
    """Cast, rounding to the range of integers; nullable dtypes of pandas are arrays of theirs."""
    name = np.dtype(getattr(dtype, "numpy_dtype", dtype))
    if name.kind in "iu":
        limits = np.iinfo(name)
        # The greatest integers are not floats: the next float below them is.
        values = np.rint(values).clip(float(limits.min), np.nextafter(float(limits.max), 0))
    cast = values.astype(name)
    if isinstance(dtype, np.dtype):
        return cast
    import pandas as pd

    return pd.array(cast, dtype=dtype)


def _check_finite(record: Record, container: Container) -> None:
    bad = np.argwhere(~np.isfinite(record.values))
    if not len(bad):
        return
    row, column = bad[0]
    names = container.columns.names
    channel = column if names is None else names[column]
    series = f" of series {_shown(record.key)}" if record.key else ""
    raise ValueError(
        f"X has {len(bad)} missing (NaN) or infinite values{series}, the first in column "
        f"{channel!r} at {record.timeline.index[row]}. Fill them first, for example with sktime: "
        "Imputer(method='linear').fit_transform(X)"
    )


def _shown(key: Key) -> str:
    return repr(key[0] if len(key) == 1 else key)
