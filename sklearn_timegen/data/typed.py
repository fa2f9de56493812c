"""Series that are not just numbers of one length: words, flags, dates, frames, lists.

Each channel is read by its kind, each series behind the other, into one array of numbers with NaN
for what is missing and beyond the end, and laid out again as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_timegen.data.checks import (
    SeriesLayout,
    as_3d,
    check_finite,
    check_known,
    ends_early,
    ends_of,
)
from sklearn_timegen.data.magnitude import check_magnitude
from sklearn_timegen.data.reading import ReadingOptions
from sklearn_timegen.data.schema import Schema

__all__ = ["TypedLayout", "frames_of", "read_typed"]

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class TypedLayout(SeriesLayout):
    """How series of several kinds or lengths were laid out.

    Parameters
    ----------
    form : {"list", "array", "frame"}
        A list of series, or a panel; a 3-d array; a 2-d array or frame with one channel, a row
        each.
    framed : bool
        Whether the series of a list are frames; else they are arrays.
    one_d : bool
        Whether the series of a list are 1-d.
    columns : Index or None
        Columns of a 2-d frame.
    levels : list or None
        Names of the levels of a panel's index.
    """

    form: str = "list"
    framed: bool = False
    one_d: bool = False
    columns: Any = None
    levels: Sequence[Any] | None = None

    def _as_came(self, series: NDArray[Any]) -> Any:
        n, n_timesteps, n_channels = series.shape
        if self.form != "list":
            return self._restore_array(series.reshape(-1, n_channels), n, n_timesteps)
        ends = ends_of(series) if self.ragged else np.full(n, n_timesteps)
        inside = np.arange(n_timesteps) < ends[:, None]
        whole = self.schema.decode(series[inside].astype(np.float64))
        starts = np.cumsum(ends) - ends
        parts = [whole.iloc[a : a + k] for a, k in zip(starts, ends, strict=True)]
        if self.framed:
            parts = [part.reset_index(drop=True) for part in parts]
            return parts if self.levels is None else self._joined(parts)
        arrays = [_as_array(part) for part in parts]
        return [array[:, 0] for array in arrays] if self.one_d else arrays

    def _joined(self, parts: list[pd.DataFrame]) -> pd.DataFrame:
        """Return a panel: series and timesteps are numbered, at the last two levels."""
        panel = pd.concat(parts, keys=range(len(parts)))
        panel.index = panel.index.set_names(list(self.levels or ())[-2:])
        return panel

    def _restore_array(self, values: NDArray[Any], n: int, n_timesteps: int) -> Any:
        array = _as_array(self.schema.decode(values.astype(np.float64)))
        if self.form == "array":
            return array.reshape(n, n_timesteps, -1)
        rows = array.reshape(n, n_timesteps)
        if self.columns is None:
            return rows
        return pd.DataFrame(rows, columns=self.columns).astype(self.schema.channels[0].dtype)


def read_typed(
    X: Any,
    *,
    estimator: BaseEstimator,
    options: ReadingOptions,
    layout: SeriesLayout | None = None,
    levels: Sequence[Any] | None = None,
) -> tuple[FloatArray, SeriesLayout]:
    """Return series of kinds or lengths as ``data.reading.read_series`` does.

    ``levels`` are the names of the index of the panel that they were in.
    """
    parts, form = frames_of(X, options)
    if layout is not None and layout.schema is None:
        raise ValueError(_not_alike(X, parts, layout))
    _check_parts(parts, None if layout is None else layout.schema)
    whole, lengths = pd.concat(parts, ignore_index=True), [len(part) for part in parts]
    schema = _schema(whole, lengths, options) if layout is None else layout.schema
    longest = max(lengths) if layout is None else layout.n_timesteps
    if max(lengths) > longest:
        raise ValueError(
            f"X has a series of {max(lengths)} timesteps, more than the {longest} of the longest "
            "one in fit"
        )
    x = _padded(schema.encode(whole), lengths, longest)
    _check_values(x, lengths, options, empty=layout is not None)
    check_magnitude(x, "X")
    if layout is not None:
        return x.astype(np.float32), layout
    estimator.n_features_in_ = longest
    estimator.__dict__.pop("feature_names_in_", None)
    return x.astype(np.float32), replace(
        form,
        n_timesteps=longest,
        n_channels=len(schema.channels),
        ragged=len(set(lengths)) > 1 or ends_early(x),
        schema=schema,
        levels=levels,
    )


# -- forms ---------------------------------------------------------------------------------------


def frames_of(
    X: Any, options: ReadingOptions, name: str = "X"
) -> tuple[list[pd.DataFrame], TypedLayout]:
    """Return one frame a series, and the form that they are in."""
    form = TypedLayout(0, 0, flat=False)
    if isinstance(X, list | tuple) and len(X) and not _is_array(X):
        framed = [isinstance(item, pd.DataFrame) for item in X]
        if any(framed) and not all(framed):
            raise ValueError(f"{name} mixes frames and arrays: pass all series in one form")
        read = [_frame_of(item, k, name) for k, item in enumerate(X)]
        one_d = all(ndim == 1 for _, ndim in read)
        return [part for part, _ in read], replace(form, framed=all(framed), one_d=one_d)
    if isinstance(X, pd.DataFrame):
        parts = [pd.DataFrame({0: row}) for row in _rows_of_one_type(X, name)]
        return parts, replace(form, form="frame", columns=X.columns, one_d=True)
    # As objects: numpy would make words of numbers beside words.
    array = np.asarray(X, dtype=object if isinstance(X, list | tuple) else None)
    if array.ndim == 2:
        if array.shape[1] % options.n_channels:
            as_3d(array, options.n_channels)  # which says what is wrong
        form = replace(form, form="frame" if options.n_channels == 1 else "array")
        array = array.reshape(len(array), -1, options.n_channels)
    elif array.ndim == 3:
        form = replace(form, form="array")
    else:
        raise ValueError(f"{name} must be 2-d or 3-d, or a list of series, got {array.ndim}-d")
    return [pd.DataFrame({k: row[:, k] for k in range(array.shape[2])}) for row in array], form


def _is_array(X: Any) -> bool:
    """Whether a list is an array in lists: series of one length, none of them a frame."""
    if any(isinstance(item, pd.DataFrame | pd.Series) for item in X):
        return False
    try:
        return np.asarray(X).ndim in (2, 3)
    except ValueError:
        return False


def _frame_of(item: Any, k: int, name: str) -> tuple[pd.DataFrame, int]:
    """Return a series as a frame, and how many axes it had."""
    if isinstance(item, pd.DataFrame):
        return item, 2
    if isinstance(item, list | tuple):
        item = _as_objects(item, k, name)
    values = np.asarray(item)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"series {k} of {name} must be of shape (n_timesteps,) or (n_timesteps, n_channels), "
            f"got {values.shape}"
        )
    if len(values) == 0:
        raise ValueError(f"series {k} of {name} is empty: leave it out")
    columns = values.reshape(len(values), -1)
    return pd.DataFrame({j: columns[:, j] for j in range(columns.shape[1])}), values.ndim


def _as_objects(item: Any, k: int, name: str) -> NDArray[Any]:
    """Return a list as an array that takes nothing for words that is none."""
    try:
        values = np.asarray(item, dtype=object)
    except ValueError:
        values = np.array([item])
    if any(isinstance(value, list | tuple | np.ndarray) for value in values.ravel()):
        raise ValueError(
            f"series {k} of {name} is ragged: each timestep has to have all channels, NaN where a "
            "value is missing"
        )
    return values


def _rows_of_one_type(X: pd.DataFrame, name: str) -> list[pd.Series]:
    """Return the rows of a frame whose columns are timesteps of one channel."""
    known = X.dropna(axis=1, how="all")  # a timestep of which nothing is known, is of any type
    types = {str(t) for t in known.dtypes}
    if len(types) > 1:
        raise ValueError(
            f"{name} is a frame whose columns, timesteps of one channel, are of several types: "
            f"{', '.join(sorted(types))}. Series with channels of several kinds are a list of "
            "frames, one for each series; SeriesGenerator and make_windows read a table "
            "whose rows are timesteps"
        )
    whole = pd.concat([X.iloc[:, k] for k in range(X.shape[1])], ignore_index=True)
    n = len(X)
    return [whole.iloc[i::n].reset_index(drop=True) for i in range(n)]


def _as_array(frame: pd.DataFrame) -> NDArray[Any]:
    dtypes = {str(t) for t in frame.dtypes}
    return frame.to_numpy() if len(dtypes) == 1 else frame.to_numpy(dtype=object)


# -- values --------------------------------------------------------------------------------------


def _schema(whole: pd.DataFrame, lengths: Sequence[int], options: ReadingOptions) -> Schema:
    series = np.repeat(np.arange(len(lengths)), lengths)
    return Schema.of(
        whole, kinds=options.kinds, series=series, rare=options.rare, unseen=options.unseen
    )


def _check_parts(parts: Sequence[pd.DataFrame], schema: Schema | None) -> None:
    names = list(parts[0].columns) if schema is None else schema.names
    for k, part in enumerate(parts):
        if len(part) == 0:
            raise ValueError(f"series {k} of X is empty: leave it out")
        if list(part.columns) != names:
            where = "series 0" if schema is None else "fit"
            raise ValueError(
                f"series {k} of X has the channels {list(part.columns)}, but {where} has {names}"
            )


def _padded(values: Array, lengths: Sequence[int], longest: int) -> Array:
    x = np.full((len(lengths), longest, values.shape[1]), np.nan)
    x[np.arange(longest) < np.asarray(lengths)[:, None]] = values
    return x


def _check_values(
    x: Array, lengths: Sequence[int], options: ReadingOptions, *, empty: bool
) -> None:
    if options.missing:
        check_known(x, empty=empty)
    else:
        inside = np.arange(x.shape[1]) < np.asarray(lengths)[:, None]
        check_finite(np.where(inside[:, :, None], x, 0.0))


def _not_alike(X: Any, parts: Sequence[pd.DataFrame], layout: SeriesLayout) -> str:
    lengths = sorted({len(part) for part in parts})
    if len(lengths) > 1 or lengths[0] != layout.n_timesteps:
        several = f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 1 else str(lengths[0])
        return f"X has series of {several} timesteps, but fit saw {layout.n_timesteps} in each"
    return f"X is a {type(X).__name__} of frames or words, but fit saw an array of numbers"
