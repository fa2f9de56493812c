"""The door through which every array of series enters, and the layout in which it leaves.

Nothing below the estimators checks what a user passed: by the time a series reaches a
representation or a network it is a finite, C-contiguous float32 array of shape
``(n_samples, n_timesteps, n_channels)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from sklearn_timegen._checks import Interval
from sklearn_timegen.data.axes import channels_last, laid_out
from sklearn_timegen.data.magnitude import check_magnitude

__all__ = [
    "SeriesLayout",
    "all_finite",
    "as_3d",
    "check_count",
    "check_finite",
    "check_fraction",
    "check_known",
    "check_lengths",
    "check_resolution",
    "check_sample",
    "check_series",
    "check_two_samples",
    "check_window_starts",
    "ends_early",
    "ends_of",
]


@dataclass(frozen=True)
class SeriesLayout:
    """How the series that ``fit`` saw were laid out, so that others can leave alike."""

    n_timesteps: int
    n_channels: int
    flat: bool
    ragged: bool = False  # whether series end at different times
    schema: Any = None  # of channels that are not just numbers
    dtype: Any = None  # in which they leave: that of integers; None is float32
    axes: str = "channels-last"  # their order in 3-d series, and in series of a list

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_timesteps, self.n_channels

    def restore(self, series: NDArray[np.float32]) -> Any:
        """Lay series, a 3-d array with channels last, out as ``fit`` saw them."""
        return laid_out(self._as_came(series), self.axes)

    def _as_came(self, series: NDArray[np.float32]) -> Any:
        """Return series in the form of those of ``fit``, with channels last if they are 3-d."""
        if self.dtype is not None and all_finite(series):
            limits = np.iinfo(self.dtype)
            highest = np.float32(limits.max)
            if (
                int(highest) > limits.max
            ):  # the greatest integers are not floats: the next below is
                highest = np.nextafter(highest, np.float32(0))
            series = np.rint(series).clip(limits.min, highest).astype(self.dtype)
        return self._in_rows(series)

    def restore_numbers(self, series: NDArray[np.float32]) -> NDArray[Any]:
        """Lay a 3-d array out so, as the numbers that it holds: parts of series have no kinds."""
        numbers: NDArray[Any] = laid_out(self._in_rows(series), self.axes)
        return numbers

    def read_numbers(self, laid: NDArray[Any]) -> NDArray[Any]:
        """Return the 3-d array, with channels last, that ``restore_numbers`` has laid out."""
        numbers: NDArray[Any] = channels_last(laid, self.axes)
        return numbers.reshape(len(numbers), *self.shape)

    def _in_rows(self, series: NDArray[np.float32]) -> NDArray[Any]:
        return series.reshape(len(series), -1) if self.flat else series

    def restore_groups(self, series: NDArray[np.float32], n_groups: int) -> Any:
        """Lay groups of equally many series out: an array with an axis more, or a list of each."""
        whole = self.restore(series)
        if isinstance(whole, np.ndarray):
            return whole.reshape(n_groups, -1, *whole.shape[1:])
        return [self.restore(group) for group in np.split(series, n_groups)]


def check_series(
    X: ArrayLike,
    *,
    estimator: BaseEstimator,
    n_channels: int = 1,
    layout: SeriesLayout | None = None,
    missing: bool = False,
) -> tuple[NDArray[np.float32], SeriesLayout]:
    """Return ``X`` as 3-d float32 series, and its layout.

    With ``missing``, values may be NaN.

    With ``layout=None`` (in ``fit``) the sizes and feature names are learned and set on
    ``estimator``; otherwise ``X`` has to agree with ``layout``.

    Raises
    ------
    ValueError
        If ``X`` is ragged, not numeric, not 2-d or 3-d, empty, not finite, or of other sizes
        than ``layout``.
    TypeError
        If ``X`` is sparse.
    """
    given = _check_rank(X)
    if layout is not None and given.ndim == 3 and given.shape[1:] != layout.shape:
        raise ValueError(_mismatch(given.shape[1:], layout, estimator))
    if layout is not None and layout.flat != (given.ndim == 2):
        given = _in_layout(np.asarray(given), layout)
    with np.errstate(over="ignore"):  # too large for float32 becomes inf, and is refused below
        checked = validate_data(
            estimator,
            given,
            reset=layout is None,
            dtype=np.float32,
            order="C",
            allow_nd=True,
            ensure_all_finite=False,
        )
    if layout is None and checked.ndim == 3 and n_channels not in (1, checked.shape[2]):
        raise ValueError(
            f"n_channels={n_channels}, but X of shape {checked.shape} has {checked.shape[2]} "
            "channels; n_channels is needed for 2-d X only"
        )
    if layout is None:
        check_resolution(given, n_channels)
    x = as_3d(checked, n_channels if layout is None else layout.n_channels)
    if 0 in x.shape:
        raise ValueError(f"X must have at least one timestep and one channel, got shape {x.shape}")
    check_known(x, empty=layout is not None) if missing else check_finite(x)
    found = SeriesLayout(
        x.shape[1],
        x.shape[2],
        flat=checked.ndim == 2,
        ragged=missing and ends_early(x),
        dtype=_dtype_of(given),
    )
    if layout is not None and found.shape != layout.shape:
        raise ValueError(_mismatch(found.shape, layout, estimator))
    return x, found


def _dtype_of(X: Any) -> Any:
    """Return the dtype of integers, if all values are of one; else ``None``."""
    dtypes = set(X.dtypes) if hasattr(X, "dtypes") and hasattr(X, "columns") else {X.dtype}
    only = next(iter(dtypes)) if len(dtypes) == 1 else None
    whole = isinstance(only, np.dtype) and only.kind in "iu"
    return only if whole else None


def check_resolution(X: Any, n_channels: int = 1, name: str = "X") -> None:
    """Refuse a channel whose variation float32 does not hold, in words that say what helps."""
    values = np.asarray(X)
    if values.dtype.kind == "O":
        values = values.astype(np.float64)
    if values.dtype.kind not in "fiu" or 0 in values.shape:
        return
    if values.ndim == 2 and values.shape[1] % n_channels:
        return  # refused later, for its sizes
    check_magnitude(as_3d(values, n_channels), name)


def _in_layout(X: NDArray[Any], layout: SeriesLayout) -> NDArray[Any]:
    """Lay ``X`` out as ``fit`` saw series, if its sizes allow it."""
    if layout.flat:
        return X.reshape(len(X), -1)
    return X.reshape(len(X), *layout.shape) if X[:1].size == np.prod(layout.shape) else X


def as_3d(X: NDArray[Any], n_channels: int = 1) -> NDArray[Any]:
    """View rows of ``n_timesteps * n_channels`` values as 3-d series; 3-d passes through."""
    if X.ndim == 3:
        return X
    n_samples, n_features = X.shape
    if n_features % n_channels:
        raise ValueError(
            f"X has rows of {n_features} values, which n_channels={n_channels} does not divide"
        )
    return X.reshape(n_samples, n_features // n_channels, n_channels)


def check_two_samples(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    names: tuple[str, str] = ("X_real", "X_synthetic"),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two samples of series, which may differ in number, as 3-d float64 arrays.

    Raises
    ------
    ValueError
        If one is ragged, not numeric, not 2-d or 3-d, empty or not finite, if their series
        differ in shape or column names, or if the first one drowns in a large offset.
    """
    columns = [list(getattr(X, "columns", ())) for X in (X_real, X_synthetic)]
    if all(columns) and columns[0] != columns[1]:
        raise ValueError(f"the columns of {names[0]} and {names[1]} differ in name or order")
    real = check_sample(X_real, names[0])
    check_resolution(X_real, name=names[0])
    synthetic = check_sample(X_synthetic, names[1])
    if real.shape[1:] != synthetic.shape[1:]:
        raise ValueError(
            f"{names[0]} has series of shape {real.shape[1:]}, {names[1]} of "
            f"{synthetic.shape[1:]} (timesteps, channels): they must be alike"
        )
    return real, synthetic


def check_sample(X: Any, name: str, *, missing: bool = False) -> NDArray[np.float64]:
    """Return a sample of series as a 3-d float64 array; with ``missing``, NaN may be in it.

    Raises
    ------
    ValueError
        If it is ragged, not numeric, not 2-d or 3-d, empty or not finite in float32.
    """
    values = _as_numbers(_as_array(X, name), name)
    if values.ndim not in (2, 3) or 0 in values.shape:
        raise ValueError(
            f"{name} must be 2-d (n_samples, n_timesteps) or 3-d (n_samples, n_timesteps, "
            f"n_channels) and not empty, got shape {values.shape}"
        )
    if not missing:
        check_finite(as_3d(values), name)
    elif not all_finite(values):
        check_known(as_3d(values), name, empty=True)
    if np.fmax.reduce(np.abs(values), axis=None) > np.finfo(np.float32).max:
        raise ValueError(f"{name} holds values too large for float32, in which samples come")
    return as_3d(values)


def _as_array(X: Any, name: str) -> Any:
    try:
        return np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"{name} is ragged: all series need the same number of timesteps and channels. Cut "
            "windows of one length (sklearn_timegen.model_selection.make_windows), or pass a list "
            "of arrays (n_timesteps, n_channels), one for each series"
        ) from error


def _as_numbers(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    try:
        if values.dtype.kind == "O":
            return values.astype(np.float64)
    except (ValueError, TypeError):
        pass
    shown = f", such as {values.ravel().tolist()[0]!r}"[:80] if values.size else ""
    raise ValueError(
        f"{name} is not a numeric array of series: it holds values of {values.dtype}{shown}"
    )


def all_finite(x: NDArray[Any]) -> bool:
    """Whether no value of ``x`` is NaN or infinite."""
    # A sum is finite only if all its terms are: one pass, no array of booleans.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(x.sum())) or bool(np.isfinite(x).all())


def check_finite(x: NDArray[Any], name: str = "X") -> None:
    """Raise a ``ValueError`` that names the first NaN or infinite value of 3-d series."""
    if all_finite(x):
        return
    bad = ~np.isfinite(x)
    n_nan = int(np.isnan(x).sum())
    first = np.argwhere(bad)[0]
    raise ValueError(
        f"{name} contains {n_nan} NaN and {int(bad.sum()) - n_nan} inf (infinite, or too large "
        f"for float32); the first is at sample {first[0]}, timestep {first[1]}, "
        f"channel {first[2]}. Impute or drop these values"
    )


def check_known(x: NDArray[Any], name: str = "X", *, empty: bool = False) -> None:
    """Refuse what is infinite, and series without any value; NaN is what is missing.

    With ``empty``, there may be series without any value.
    """
    if all_finite(x):
        return
    check_finite(np.where(np.isnan(x), np.zeros((), x.dtype), x), name)
    nothing = np.flatnonzero(np.isnan(x).all(axis=(1, 2)))
    if len(nothing) and not empty:
        raise ValueError(f"series {int(nothing[0])} of {name} has no value at all: leave it out")


def ends_of(x: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many timesteps each series has, up to the last one with any value."""
    observed = np.isfinite(x).any(axis=2)
    ends: NDArray[np.int64] = observed.shape[1] - np.argmax(observed[:, ::-1], axis=1)
    return ends


def ends_early(x: NDArray[Any]) -> bool:
    """Whether what is missing at ends means that series are over: it hardly occurs elsewhere."""
    if all_finite(x):
        return False
    empty = ~np.isfinite(x).any(axis=2)
    tail = np.arange(x.shape[1]) >= ends_of(x)[:, None]
    return bool(tail.any() and (empty & ~tail).sum() <= 0.1 * tail.sum())


def check_count(value: Any, name: str, least: int = 1) -> int:
    """Return ``value`` as an int, which has to be at least ``least``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    return int(value)


def check_lengths(value: Any, n_series: int, most: int) -> NDArray[np.int64] | None:
    """Return timesteps for each of so many series, as asked for: at most as many as in fit."""
    if value is None:
        return None
    lengths = np.asarray(value)
    if lengths.dtype.kind not in "iu" or lengths.shape not in ((), (n_series,)):
        raise ValueError(
            f"n_timesteps must be an integer, or one for each of {n_series} series, got {value!r}"
        )
    if lengths.min() < 1 or lengths.max() > most:
        raise ValueError(
            f"n_timesteps must lie between 1 and {most}, the timesteps of the longest series in "
            f"fit, got {value!r}; SeriesGenerator joins windows to series of any length"
        )
    return np.broadcast_to(lengths, (n_series,)).astype(np.int64)


def check_fraction(value: Any, name: str) -> float:
    """Return ``value`` as a float, which has to lie between 0 and 1."""
    if not Interval(Real, 0, 1, closed="neither").is_satisfied_by(value):
        raise ValueError(f"{name} must be a number between 0 and 1, got {value!r}")
    return float(value)


def check_window_starts(
    starts: Any, n_windows: int, name: str = "window_starts"
) -> NDArray[np.int64]:
    """Return where windows begin, integers of any type, as int64: differences are negative, too.

    Raises
    ------
    ValueError
        If there is not one for each window, one is no integer, or they are too far apart.
    """
    values = np.asarray(starts)
    if values.shape != (n_windows,):
        raise ValueError(
            f"{name} must hold the start of each of the {n_windows} windows, got shape "
            f"{values.shape}"
        )
    integers = values.dtype.kind in "iu"
    if values.dtype.kind == "O":  # pandas' nullable integers
        integers = all(isinstance(v, Integral) and not isinstance(v, bool) for v in values)
    if not integers:
        raise ValueError(
            f"{name} must hold the start of each window as an integer, a number of timesteps "
            f"(make_windows returns it); got {values.dtype}"
        )
    if n_windows and max(abs(int(values.min())), abs(int(values.max()))) >= 2**62:
        raise ValueError(
            f"{name} must be numbers of timesteps, got {values.min()} to {values.max()}: subtract "
            "the first one"
        )
    return values.astype(np.int64)


def _check_rank(X: Any) -> Any:
    """Refuse what is ragged, or neither 2-d nor 3-d, in words that fit series."""
    if sparse.issparse(X):
        raise TypeError("Sparse data was passed for X, but dense series are required: X.toarray()")
    if not hasattr(X, "shape"):
        X = _as_array(X, "X")
    if getattr(X, "dtype", None) is not None and X.dtype.kind == "c":
        raise ValueError(
            f"Complex data not supported: X is of {X.dtype}. Real and imaginary parts can be two "
            "channels: np.stack([X.real, X.imag], axis=-1)"
        )
    if len(X.shape) not in (2, 3):
        raise ValueError(
            "X must be 2-d (n_samples, n_timesteps) or 3-d (n_samples, n_timesteps, n_channels), "
            f"got {len(X.shape)}-d of shape {tuple(X.shape)}. Reshape your data: X.reshape(1, -1) "
            "is one univariate series; make_windows cuts a long series into windows"
        )
    return X if hasattr(X, "ndim") else np.asarray(X)


def _mismatch(shape: tuple[int, ...], layout: SeriesLayout, estimator: BaseEstimator) -> str:
    return (
        f"X has series of {shape[0]} timesteps and {shape[1]} channels, but "
        f"{type(estimator).__name__} was fitted on series of {layout.n_timesteps} timesteps and "
        f"{layout.n_channels} channels"
    )
