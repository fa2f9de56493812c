"""Read series as numbers: what each column holds, what is missing, what cannot be learned from."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._remedies import InputError, Remedy
from sklearn_timegen.data.reading import ReadingOptions
from sklearn_timegen.data.sentinels import warn_of_sentinels
from sklearn_timegen.data.tables.container import Columns, Container, Part, Record, shown
from sklearn_timegen.data.tables.layouts import check_alike, take_apart

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.data.schema import Channel, Schema
    from sklearn_timegen.data.tables.timeline import Timeline

__all__ = ["read_container", "read_parts"]

Array = NDArray[np.float64]
REAL = ("continuous", "integer")
MOSTLY = 0.9  # of the rows of a table, that go on by one step where a column is the time
GRID_DECIMALS = 5  # that float32 counts in numbers of a usual size


def read_container(
    X: Any,
    id_columns: Any = None,
    time_column: Hashable = None,
    *,
    options: ReadingOptions,
    like: Container | None = None,
    gaps: str = "error",
    time: str = "regular",
) -> tuple[Container, list[Record]]:
    """Return how ``X`` is laid out, and its series as numbers, NaN where values are missing.

    Raises
    ------
    ValueError
        If there are no series, timestamps are irregular, duplicated or unsorted, a column holds
        values of several kinds, or infinite ones, or none at all; if values are missing and none
        may be; or if columns or categories are not those of ``like``.
    TypeError
        If ``X`` is none of the containers.
    """
    container, parts = take_apart(X, id_columns, time_column, gaps=gaps, time=time)
    return read_parts(container, parts, options, like)


def read_parts(
    container: Container,
    parts: list[Part],
    options: ReadingOptions,
    like: Container | None = None,
) -> tuple[Container, list[Record]]:
    """Return a container that knows what its channels hold, and its series as numbers."""
    frames = [part.frame for part in parts]
    whole = _stacked(frames)
    if like is None:
        schema = _learn_schema(container.columns, whole, frames, options)
        _refuse_times(schema, container, parts, options)
    else:
        assert like.columns.schema is not None
        check_alike(whole, container.columns, like.columns, "fit")
        schema = like.columns.schema
    ends = np.cumsum([len(frame) for frame in frames])[:-1]
    values = np.split(schema.encode(whole), ends)
    pairs = list(zip(values, parts, strict=True))
    rows = [Record(x, _times_of_rows(part), part.key) for x, part in pairs]
    _check_values(rows, container.columns, options)
    records = [Record(_with_gaps(x, part), part.timeline, part.key) for x, part in pairs]
    if like is None:
        warn_of_sentinels(np.concatenate(values)[None], container.columns.names)
    if container.items:
        items = tuple(
            item.holding(_in_types_of(schema, frame))
            for item, frame in zip(container.items, frames, strict=True)
        )
        container = replace(container, items=items)
    return container.holding(_in_types_of(schema, whole)), records


def _times_of_rows(part: Part) -> Timeline:
    index = part.timeline.index
    return part.timeline if part.rows is None else part.timeline.at(index[part.rows])


def _with_gaps(values: Array, part: Part) -> Array:
    """Return the values of all times, those of which some have no row."""
    if part.rows is None:
        return values
    out = np.full((len(part.timeline.index), values.shape[1]), np.nan)
    out[part.rows] = values
    return out


# -- what columns hold ---------------------------------------------------------------------------


def _learn_schema(
    columns: Columns,
    whole: pd.DataFrame,
    frames: Sequence[pd.DataFrame],
    options: ReadingOptions,
) -> Schema:
    from sklearn_timegen.data.schema import Schema

    if options.rare is not None and options.rare > len(frames):
        raise ValueError(
            f"rare_categories={options.rare} merges what fewer series have, but X holds "
            f"{len(frames)}: nothing would be left. Set it to None, or merge categories yourself"
        )
    nothing = whole.isna().all().to_numpy()
    if nothing.any():
        label = columns.label(int(nothing.argmax()))
        raise ValueError(f"{label} is missing in all of X: leave it out")
    series = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
    return Schema.of(
        whole, kinds=options.kinds, series=series, rare=options.rare, unseen=options.unseen
    )


def _in_types_of(schema: Schema, frame: pd.DataFrame) -> Schema:
    """Return a schema whose real channels come back in the dtypes that a frame has."""
    channels = zip(schema.channels, frame.dtypes, strict=True)
    return replace(schema, channels=tuple(_in_type(channel, dtype) for channel, dtype in channels))


def _in_type(channel: Channel, dtype: Any) -> Channel:
    from pandas.api import types

    if channel.kind not in REAL:
        return channel
    # Which decimals are the sum of which, ``rules.Grid`` knows, as far as float32 can count them;
    # beyond, numbers are drawn with all of float64's, and rounded to those that their column has.
    finer = channel.decimals is not None and channel.decimals > GRID_DECIMALS
    decimals = channel.decimals if finer else None
    is_number = types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype)
    return replace(channel, dtype=dtype if is_number else channel.dtype, decimals=decimals)


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all series; columns of categories have those of any of them."""
    import pandas as pd

    if len(frames) == 1:
        return frames[0]
    united: dict[Any, Any] = {}
    alike = len({tuple(frame.dtypes) for frame in frames}) == 1
    for k, name in enumerate(() if alike else frames[0].columns):
        dtypes = list(dict.fromkeys(frame.dtypes.iloc[k] for frame in frames))
        is_category = [isinstance(d, pd.CategoricalDtype) and not d.ordered for d in dtypes]
        if len(dtypes) > 1 and all(is_category):
            every = pd.Index(np.concatenate([d.categories.astype(object) for d in dtypes]))
            united[name] = pd.CategoricalDtype(every.unique())
    if united:
        frames = [frame.astype(united) for frame in frames]
    return pd.concat(frames, ignore_index=True)


def _refuse_times(
    schema: Schema, container: Container, parts: list[Part], options: ReadingOptions
) -> None:
    """Refuse a column that is the time of its rows, and has not been named as that."""
    asked = {} if isinstance(options.kinds, str) else options.kinds
    if container.time_column is not None:
        return
    for k, channel in enumerate(schema.channels):
        if channel.kind != "date" or channel.name in asked or k in asked:
            continue
        if all(_is_time(part.frame.iloc[:, k], _times_of_rows(part).index) for part in parts):
            raise ValueError(
                f"{container.columns.label(k)} holds the time of each row: pass "
                f"time_column={channel.name!r}, or leave it out; "
                f"channel_kinds={{{channel.name!r}: 'date'}} of the generator makes it a channel"
            )


def _is_time(column: pd.Series, index: pd.Index) -> bool:
    import pandas as pd

    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):  # which is the time already
        return list(column) == list(index)
    steps = column.diff().iloc[1:]
    usual = steps.mode()
    if len(usual) == 0 or not usual.iloc[0] > pd.Timedelta(0):
        return False
    return bool((steps == usual.iloc[0]).mean() >= MOSTLY)


# -- values --------------------------------------------------------------------------------------


def _check_values(records: list[Record], columns: Columns, options: ReadingOptions) -> None:
    for record in records:
        infinite = np.isinf(record.values)
        if infinite.any():
            raise InputError(
                f"X has {int(infinite.sum())} infinite values{_first(infinite, record, columns)}. "
                "Correct them, or ",
                Remedy(
                    "make them missing: X.replace([np.inf, -np.inf], np.nan)",
                    "leave their cells empty",
                ),
            )
        missing = np.isnan(record.values)
        if missing.any() and not options.missing:
            raise ValueError(
                f"X has {int(missing.sum())} missing (NaN) values"
                f"{_first(missing, record, columns)}. Set missing='generate' or 'complete' of the "
                "generator, or fill them first, for example with sktime: "
                "Imputer(method='linear').fit_transform(X)"
            )
        if missing.all():
            name = f"series {shown(record.key)}" if record.key else "X"
            raise ValueError(f"{name} has no value at all: leave it out")


def _first(wrong: NDArray[np.bool_], record: Record, columns: Columns) -> str:
    row, k = np.argwhere(wrong)[0]
    series = f" of series {shown(record.key)}" if record.key else ""
    return f"{series}, the first in {columns.label(int(k))} at {record.timeline.index[row]}"
