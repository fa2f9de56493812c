"""What series come in for a generator of windows, and the form in which they leave.

Numbers of one length go through ``check_series``; everything else - words, flags, dates, frames,
series of several lengths - through ``data.typed``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sklearn_timegen._warning import warn_user
from sklearn_timegen.data.axes import channels_last, layout_of, said_of
from sklearn_timegen.data.checks import SeriesLayout, check_series
from sklearn_timegen.data.forms import as_pandas, is_dated, is_panel, refuse_dated, without_na
from sklearn_timegen.data.suspicions import check_channels

__all__ = [
    "ReadingOptions",
    "as_pandas",
    "as_sample",
    "has_times",
    "holds_frames",
    "is_table",
    "needs_schema",
    "read_series",
    "reading_options",
    "without_na",
]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class ReadingOptions:
    """What a user says about channels.

    Parameters
    ----------
    n_channels : int, default=1
        Number of channels in the rows of a 2-d ``X``.
    missing : bool, default=True
        Whether values may be missing.
    kinds : "auto" or dict, default="auto"
        Kinds of channels by name or position; others are told by their dtypes.
    rare : int or None, default=None
        Series that a category must occur in, not to be merged into ``"other"``.
    unseen : {"error", "other"}, default="error"
        What is made of categories that are new.
    layout : {"channels-last", "channels-first"}, default="channels-last"
        Which of the last two axes of a 3-d ``X`` are the channels.
    """

    n_channels: int = 1
    missing: bool = True
    kinds: str | Mapping[Any, str] = "auto"
    rare: int | None = None
    unseen: str = "error"
    layout: str = "channels-last"


def reading_options(generator: Any, *, missing: bool = True) -> ReadingOptions:
    """Return how series are read for a generator, or for a pipeline that ends in one."""
    inner = generator[-1] if isinstance(generator, Pipeline) else generator
    return ReadingOptions(
        int(said_of(inner, "n_channels", 1)),
        missing,
        said_of(inner, "channel_kinds", "auto"),
        said_of(inner, "rare_categories", None),
        said_of(inner, "unseen_categories", "error"),
        layout_of(inner),
    )


def read_series(
    X: Any,
    *,
    estimator: BaseEstimator,
    options: ReadingOptions,
    layout: SeriesLayout | None = None,
) -> tuple[FloatArray, SeriesLayout]:
    """Return ``X`` as 3-d float32 series with NaN for what is missing, and its layout.

    With ``layout=None`` (in ``fit``) sizes, kinds and categories are learned; otherwise ``X`` has
    to agree with ``layout``.

    Raises
    ------
    ValueError
        If ``X`` is empty, holds infinite values, values of several kinds in a channel, or, where
        none may be missing, NaN; or is of other channels or more timesteps than ``layout``.
    """
    levels = _levels_of(X)
    axes = options.layout if layout is None else layout.axes
    X = as_sample(X, n_channels=options.n_channels, first=layout is None, layout=axes)
    typed = layout.schema is not None if layout is not None else needs_schema(X, options)
    if typed or (layout is not None and needs_schema(X, options)):
        from sklearn_timegen.data.typed import read_typed  # pandas takes a while

        x, found = read_typed(
            X, estimator=estimator, options=options, layout=layout, levels=levels
        )
    else:
        x, found = check_series(
            without_na(X),
            estimator=estimator,
            n_channels=options.n_channels,
            layout=layout,
            missing=options.missing,
        )
    return x, replace(found, axes=axes)


def _levels_of(X: Any) -> Any:
    """Return what the levels of a panel are called; ``None`` for what is no panel."""
    if not is_panel(X):
        return None
    times = X.index.levels[-1]
    if is_dated(times):
        raise ValueError(
            f"X is a panel whose times are a {type(times).__name__}, which samples of a generator "
            "of windows would be without. SeriesGenerator learns whole series with their times; "
            "make_windows(X, n_timesteps) cuts windows, of one length, out of each; a list of "
            "frames, one for each series, is taken without times"
        )
    return list(X.index.names)


def as_sample(
    X: Any,
    name: str = "X",
    *,
    n_channels: int = 1,
    first: bool = True,
    layout: str = "channels-last",
) -> Any:
    """Return a sample of series in a form that is read, a panel as a list, channels last.

    Parameters
    ----------
    X : array-like, DataFrame or list
        What somebody takes for a sample of series.
    name : str, default="X"
        What it is called in errors.
    n_channels : int, default=1
        Channels in the rows of a 2-d ``X``.
    first : bool, default=True
        Whether nothing is known of its layout yet, so that it may be another one.
    layout : {"channels-last", "channels-first"}, default="channels-last"
        The order of its axes.

    Raises
    ------
    TypeError
        If it is nothing that holds series.
    ValueError
        If its rows are timesteps, a channel is the time, or its axes are not those of ``layout``.
    """
    X = channels_last(as_pandas(X, name), layout, name)
    if is_panel(X):
        from sklearn_timegen.data.segments import series_of_panel  # pandas takes a while

        return series_of_panel(X, name)
    doubt = refuse_dated(X, name)
    if first and doubt is not None:
        warn_user(doubt)
    if first:
        check_channels(X, name, n_channels, said=layout != "channels-last")
    return X


def is_table(X: Any) -> bool:
    """Whether ``X`` is a frame, or holds several series: what may have times."""
    pd = sys.modules.get("pandas")  # there are no frames if nobody has imported it
    if pd is not None and isinstance(X, pd.Series | pd.DataFrame):
        return True
    if isinstance(X, list | tuple) and len(X):
        is_frame = pd is not None and isinstance(X[0], pd.Series | pd.DataFrame)
        return is_frame or (isinstance(X[0], np.ndarray) and X[0].ndim == 2)
    return isinstance(X, np.ndarray) and X.ndim == 3


def has_times(X: Any) -> bool:
    """Whether ``X`` tells by its index that its rows are times, and not series."""
    pd = sys.modules.get("pandas")  # there are no frames if nobody has imported it
    X = as_pandas(X)
    if pd is None or not isinstance(X, pd.Series | pd.DataFrame):
        return False
    return isinstance(X.index, pd.MultiIndex | pd.DatetimeIndex | pd.PeriodIndex)


def holds_frames(X: Any) -> bool:
    """Whether ``X`` is a table by its index, or a list of frames, each of them a series."""
    pd = sys.modules.get("pandas")
    is_list = isinstance(X, list | tuple) and len(X) > 0
    return has_times(X) or (is_list and pd is not None and isinstance(X[0], pd.DataFrame))


def needs_schema(X: Any, options: ReadingOptions) -> bool:
    """Whether series are of several lengths, or not just numbers."""
    if not isinstance(options.kinds, str):
        return True
    pd = sys.modules.get("pandas")  # there are no frames if nobody has imported it
    if pd is not None and isinstance(X, pd.DataFrame):
        return not all(_is_number(pd, dtype) for dtype in X.dtypes)
    if isinstance(X, list | tuple):
        if pd is not None and any(isinstance(item, pd.DataFrame | pd.Series) for item in X):
            return True
        if _are_ragged(X):
            return True
        try:
            X = np.asarray(X)
        except ValueError:
            return False  # refused in the words of arrays
    kind = X.dtype.kind if isinstance(X, np.ndarray) else "f"
    return kind in "bUSMT" or (kind == "O" and X.ndim in (2, 3) and _holds_words(X))


def _is_number(pd: Any, dtype: Any) -> bool:
    types = pd.api.types
    if types.is_object_dtype(dtype):  # told by what they hold, as arrays are
        return True
    return bool(types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype))


def _are_ragged(X: Sequence[Any]) -> bool:
    """Whether a list holds series ``(n_timesteps[, n_channels])`` of several lengths."""
    sized = [np.shape(x) if isinstance(x, np.ndarray) else (_len(x),) for x in X]
    return (
        all(shape and shape[0] is not None for shape in sized)
        and len({shape[0] for shape in sized}) > 1
    )


def _len(x: Any) -> int | None:
    return len(x) if isinstance(x, list | tuple) else None


def _holds_words(X: NDArray[Any]) -> bool:
    return any(
        isinstance(v, str | bool | np.bool_) or (hasattr(v, "year") and v == v)  # but for NaT
        for v in X.ravel()[:10_000]
    )
