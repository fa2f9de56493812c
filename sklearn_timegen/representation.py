"""Representations: invertible, fitted views of series, in which the networks work.

A representation maps float32 series ``x`` of shape ``(n_samples, n_timesteps, n_channels)`` to
an array ``v`` of the same rank and back. It is where much of a generator's quality is won: what
a network finds easy depends on how its data are scaled and in which basis along time they are
written. Every generator takes one as ``representation=``, by name or as an object.

=====================  ==========================================================================
``"standard"``         zero mean, unit variance
``"minmax"``           the range [0, 1]
``"quantile"``         a standard normal, by the values' own quantiles
``"cosine"``           orthonormal cosine transform along time, each coefficient standardised
``"cosine-quantile"``  the same, each coefficient mapped to a standard normal by its quantiles
=====================  ==========================================================================

The first three treat each cell (timestep and channel) by itself, as scikit-learn's scalers do
with the columns of flat rows; pass ``SeriesScaler("standard", per="channel")`` to share one scale
along time.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

__all__ = [
    "REPRESENTATIONS",
    "ChannelReducer",
    "CosineTransform",
    "QuantileScaler",
    "Representation",
    "SeriesScaler",
    "SeriesView",
    "make_representation",
]

Array = NDArray[Any]
FloatArray = NDArray[np.float32]


@runtime_checkable
class Representation(Protocol):
    """What a ``representation=`` object has to offer: three methods on 3-d float32 arrays.

    Two optional members are used where present: ``keeps_time_axis`` (False for a change of basis
    along time, which networks that slide along time refuse) and
    ``log_abs_det_jacobian(x) -> (n_samples,)``, which ``score_samples`` needs.
    """

    def fit(self, x: FloatArray) -> Any: ...
    def transform(self, x: FloatArray) -> FloatArray: ...
    def inverse_transform(self, v: FloatArray) -> FloatArray: ...


class _Scaler(TransformerMixin, BaseEstimator):
    """Maps each column of ``x``, a cell or a channel, through a monotone function of its own."""

    keeps_time_axis: ClassVar[bool] = True
    per: str

    def _columns(self, x: Array) -> Array:
        return x.reshape(len(x), -1) if self.per == "cell" else x.reshape(-1, x.shape[2])


class SeriesScaler(_Scaler):
    """Scale series by an affine map of each cell or channel.

    Parameters
    ----------
    method : {"standard", "minmax"}, default="standard"
        Zero mean and unit variance, or the range [0, 1].
    per : {"cell", "channel"}, default="cell"
        Whether each (timestep, channel) has a scale of its own, or each channel one.

    Attributes
    ----------
    shift_, scale_ : ndarray
        ``transform`` is ``(x - shift_) / scale_``. A column that never varies has scale 0: it
        is 0 in the representation and comes back exactly.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.representation import SeriesScaler
    >>> x = np.array([[[0.0], [10.0]], [[2.0], [30.0]]], dtype=np.float32)
    >>> SeriesScaler("minmax").fit_transform(x)[:, :, 0]
    array([[0., 0.],
           [1., 1.]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "method": [StrOptions({"standard", "minmax"})],
        "per": [StrOptions({"cell", "channel"})],
    }

    def __init__(
        self,
        method: Literal["standard", "minmax"] = "standard",
        per: Literal["cell", "channel"] = "cell",
    ) -> None:
        self.method = method
        self.per = per

    def fit(self, x: FloatArray, y: Any = None) -> SeriesScaler:
        self._validate_params()
        columns = self._columns(x)
        low, high = columns.min(axis=0).astype(np.float64), columns.max(axis=0).astype(np.float64)
        if self.method == "minmax":
            shift, scale = low, high - low
        else:
            shift = columns.mean(axis=0, dtype=np.float64)
            scale = columns.std(axis=0, dtype=np.float64)
        # Constancy is judged by the range: rounding leaves a mean's deviations tiny, not zero.
        shape = x.shape[1:] if self.per == "cell" else (1, x.shape[2])
        self.shift_ = np.where(high > low, shift, low).reshape(shape)
        self.scale_ = np.where(high > low, scale, 0.0).reshape(shape)
        return self

    def transform(self, x: FloatArray) -> FloatArray:
        check_is_fitted(self)
        varies = self.scale_ > 0
        v = (x - self.shift_) / np.where(varies, self.scale_, 1.0)
        return (v * varies).astype(np.float32)

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        check_is_fitted(self)
        return (v * self.scale_ + self.shift_).astype(np.float32)

    def log_abs_det_jacobian(self, x: FloatArray) -> NDArray[np.float64]:
        scales = np.broadcast_to(self.scale_, x.shape[1:])
        return np.full(len(x), -np.log(scales[scales > 0]).sum())


class QuantileScaler(_Scaler):
    """Map each cell or channel to a standard normal through its own empirical quantiles.

    Heavy tails, skew and regimes become a normal, which networks and mixtures model well, and
    come back exactly. Between quantiles the map is linear; outside the training range it goes on
    linearly with the mean slope of that half, so that it is invertible everywhere (scikit-learn's
    ``QuantileTransformer`` clips there). A value that occurs often (a plateau, a grid) is mapped
    to the middle of its share of the normal, and all of that share comes back as the value.

    Parameters
    ----------
    n_quantiles : int, default=2000
        Number of quantiles; at most one for each value is used. A column that never varies is 0
        in the representation and comes back exactly.
    per : {"cell", "channel"}, default="cell"
        Whether each (timestep, channel) has quantiles of its own, or each channel.

    Attributes
    ----------
    knots_ : ndarray of shape (n_columns, n_knots)
        The quantiles, with a far one added on either side.
    scores_ : ndarray of shape (n_columns, n_knots)
        The normal scores they are mapped to.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.representation import QuantileScaler
    >>> x = np.random.default_rng(0).lognormal(size=(500, 2, 1)).astype(np.float32)
    >>> v = QuantileScaler().fit_transform(x)
    >>> bool(abs(v.std() - 1) < 0.01)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_quantiles": [Interval(Integral, 2, None, closed="left")],
        "per": [StrOptions({"cell", "channel"})],
    }

    def __init__(self, n_quantiles: int = 2000, per: Literal["cell", "channel"] = "cell") -> None:
        self.n_quantiles = n_quantiles
        self.per = per

    def fit(self, x: FloatArray, y: Any = None) -> QuantileScaler:
        self._validate_params()
        columns = self._columns(x).astype(np.float64)
        n_knots = min(self.n_quantiles, len(columns))
        levels = (np.arange(n_knots) + 0.5) / n_knots
        # Hazen's rule puts the k-th smallest of n values at (k - 1/2) / n: with a knot for each
        # value, the knots are the values.
        knots = np.quantile(columns, levels, axis=0, method="hazen").T
        self.knots_, self.scores_ = _with_tails(knots, ndtri(levels))
        return self

    def transform(self, x: FloatArray) -> FloatArray:
        check_is_fitted(self)
        columns = self._columns(x)
        out = np.empty(columns.shape, np.float32)
        for j, (knots, scores) in enumerate(zip(self.knots_, self.scores_, strict=True)):
            # The two differ on a plateau only, where they are the ends of its share.
            high = np.interp(columns[:, j], knots, scores)
            low = -np.interp(-columns[:, j], -knots[::-1], -scores[::-1])
            flat = high - low > 1e-9  # by more than rounding
            high[flat] = ndtri(0.5 * (ndtr(low[flat]) + ndtr(high[flat])))
            out[:, j] = high if knots[-1] > knots[0] else 0.0
        return out.reshape(x.shape)

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        check_is_fitted(self)
        columns = self._columns(v)
        out = np.empty(columns.shape, np.float32)
        for j, (knots, scores) in enumerate(zip(self.knots_, self.scores_, strict=True)):
            out[:, j] = np.interp(columns[:, j], scores, knots)
        return out.reshape(v.shape)

    def log_abs_det_jacobian(self, x: FloatArray) -> NDArray[np.float64]:
        columns = self._columns(x)
        out = np.empty(columns.shape)
        for j, (knots, scores) in enumerate(zip(self.knots_, self.scores_, strict=True)):
            distinct, first, counts = np.unique(knots, return_index=True, return_counts=True)
            if len(distinct) == 1:
                out[:, j] = 0.0
                continue
            # A segment runs from the last knot of one value to the first of the next: what lies
            # between on a plateau is a point mass, which no density can hold.
            last = first + counts - 1
            slopes = np.log((scores[first[1:]] - scores[last[:-1]]) / np.diff(distinct))
            segment = np.searchsorted(distinct, columns[:, j], side="right") - 1
            out[:, j] = slopes[segment.clip(0, len(slopes) - 1)]
        return out.reshape(len(x), -1).sum(axis=1)


_FAR = 1e3  # in normal scores; no generator reaches it


def _with_tails(knots: Array, scores: Array) -> tuple[Array, Array]:
    """Continue the map on either side, with the mean slope between the middle and the end."""
    n_columns, n_knots = knots.shape
    middle = np.median(knots, axis=1)
    reach = max(float(scores[-1]), 1.0)
    spread = np.ptp(knots, axis=1) / (2 * reach)  # for an end that is itself a plateau
    low, high = (middle - knots[:, 0]) / reach, (knots[:, -1] - middle) / reach
    low, high = np.where(low > 0, low, spread), np.where(high > 0, high, spread)
    wide = np.column_stack([knots[:, 0] - _FAR * low, knots, knots[:, -1] + _FAR * high])
    levels = np.concatenate([[scores[0] - _FAR], scores, [scores[-1] + _FAR]])
    return wide, np.broadcast_to(levels, (n_columns, n_knots + 2))


class CosineTransform(TransformerMixin, BaseEstimator):
    """Orthonormal cosine transform (DCT-II) along time, every coefficient on its own scale.

    The small coefficients of the fine scale then weigh as much as the level, and what a network
    gets wrong is no longer the increments. The time axis is gone: ``v[:, k]`` is the k-th
    frequency, so networks that slide along time refuse it; use dense ones.

    Parameters
    ----------
    scaling : {"standard", "quantile"}, default="standard"
        Standardise the coefficients, or map each to a standard normal by its quantiles.

    Attributes
    ----------
    scaler_ : SeriesScaler or QuantileScaler
        The fitted scaler of the coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.representation import CosineTransform
    >>> x = np.random.default_rng(0).normal(size=(20, 8, 2)).astype(np.float32)
    >>> transform = CosineTransform().fit(x)
    >>> np.allclose(transform.inverse_transform(transform.transform(x)), x, atol=1e-5)
    True
    """

    keeps_time_axis: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "scaling": [StrOptions({"standard", "quantile"})],
    }

    def __init__(self, scaling: Literal["standard", "quantile"] = "standard") -> None:
        self.scaling = scaling

    def fit(self, x: FloatArray, y: Any = None) -> CosineTransform:
        self._validate_params()
        scaler = SeriesScaler() if self.scaling == "standard" else QuantileScaler()
        self.scaler_ = scaler.fit(_cosine(x))
        return self

    def transform(self, x: FloatArray) -> FloatArray:
        check_is_fitted(self)
        return self.scaler_.transform(_cosine(x))

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        check_is_fitted(self)
        coefficients = self.scaler_.inverse_transform(v)
        return scipy.fft.idct(coefficients, axis=1, norm="ortho").astype(np.float32)

    def log_abs_det_jacobian(self, x: FloatArray) -> NDArray[np.float64]:
        return self.scaler_.log_abs_det_jacobian(_cosine(x))  # the DCT's own is 0


def _cosine(x: FloatArray) -> Array:
    # In float64: beside a large level, float32 would round the small coefficients away.
    return scipy.fft.dct(x.astype(np.float64), axis=1, norm="ortho")


class ChannelReducer(TransformerMixin, BaseEstimator):
    """Leave out channels that carry nothing new, and put them back exactly.

    A channel that never varies, or is an exact copy of an earlier one, cannot be learned
    exactly by a network, and the small difference gives a synthetic series away at once.

    Attributes
    ----------
    kept_ : ndarray
        Indices of the channels that are kept; one at least.
    source_ : ndarray of shape (n_channels,)
        For each channel, the position among the kept ones that it is restored from.
    constants_ : ndarray of shape (n_channels,)
        The value of a channel that never varies, else NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.representation import ChannelReducer
    >>> x = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    >>> x[:, :, 1], x[:, :, 2] = x[:, :, 0], 7.0
    >>> ChannelReducer().fit_transform(x).shape
    (5, 4, 1)
    """

    def fit(self, x: FloatArray, y: Any = None) -> ChannelReducer:
        constant = np.ptp(x, axis=(0, 1)) == 0
        self.constants_ = np.where(constant, x[0, 0], np.nan).astype(np.float32)
        channels = np.moveaxis(x, 2, 0)
        kept: list[int] = []
        source = np.zeros(x.shape[2], dtype=np.int64)
        for j in np.flatnonzero(~constant):
            twins = [k for k, i in enumerate(kept) if np.array_equal(channels[i], channels[j])]
            source[j] = twins[0] if twins else len(kept)
            if not twins:
                kept.append(int(j))
        self.kept_ = np.array(kept or [0])
        self.source_ = source
        return self

    def transform(self, x: FloatArray) -> FloatArray:
        check_is_fitted(self)
        return x if len(self.kept_) == x.shape[2] else x[:, :, self.kept_]

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        check_is_fitted(self)
        constant = ~np.isnan(self.constants_)
        if len(self.source_) == v.shape[2] and not constant.any():
            return v
        x = v[:, :, self.source_]
        x[:, :, constant] = self.constants_[constant]
        return x


class SeriesView:
    """The second door of a generator: leave out channels, then represent; and all the way back."""

    def __init__(self, representation: str | Representation) -> None:
        self.reducer = ChannelReducer()
        self.inner: Any = make_representation(representation)

    def fit(self, x: FloatArray) -> SeriesView:
        self.inner.fit(self.reducer.fit_transform(x))
        return self

    def transform(self, x: FloatArray) -> FloatArray:
        v = self.inner.transform(self.reducer.transform(x))
        return np.ascontiguousarray(v, dtype=np.float32)

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        x = self.reducer.inverse_transform(self.inner.inverse_transform(v))
        return np.asarray(x, dtype=np.float32)

    def log_abs_det_jacobian(self, x: FloatArray) -> NDArray[np.float64]:
        """Log-volume by which ``transform`` stretches each series, over the kept channels."""
        if not hasattr(self.inner, "log_abs_det_jacobian"):
            raise TypeError(
                f"representation={self.inner!r} has no log_abs_det_jacobian(x), which a density "
                "in the units of X needs"
            )
        return np.asarray(self.inner.log_abs_det_jacobian(self.reducer.transform(x)))

    @property
    def keeps_time_axis(self) -> bool:
        return bool(getattr(self.inner, "keeps_time_axis", True))


REPRESENTATIONS: dict[str, Representation] = {
    "standard": SeriesScaler("standard"),
    "minmax": SeriesScaler("minmax"),
    "quantile": QuantileScaler(),
    "cosine": CosineTransform("standard"),
    "cosine-quantile": CosineTransform("quantile"),
}


def make_representation(representation: str | Representation) -> Representation:
    """Return a new, unfitted representation for a name or a prototype."""
    if isinstance(representation, str):
        representation = REPRESENTATIONS[representation]
    made: Representation = clone(representation, safe=False)
    return made
