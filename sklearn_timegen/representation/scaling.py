"""Scalers of series: each column, a cell or a channel, through a monotone map of its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen.data.magnitude import to_float32

__all__ = ["QuantileScaler", "SeriesScaler"]

Array = NDArray[Any]
FloatArray = NDArray[np.float32]


class _Scaler(TransformerMixin, BaseEstimator):
    """Maps each column of ``x``, a cell or a channel, through a monotone function of its own."""

    keeps_time_axis: ClassVar[bool] = True
    cell_by_cell: ClassVar[bool] = True
    per: str

    def log_abs_det_jacobian(self, x: FloatArray) -> NDArray[np.float64]:
        """Return the log-volume by which ``transform`` stretches each series."""
        return self.log_slope(x).reshape(len(x), -1).sum(axis=1)

    def log_slope(self, x: FloatArray) -> NDArray[np.float64]:
        """Return the logarithm of the slope at each cell, 0 where it never varies."""
        raise NotImplementedError

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
        return to_float32(v * varies)

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        check_is_fitted(self)
        # In float32, the precision of the result: sampling spends its time here.
        x = v * self.scale_.astype(np.float32)
        x += self.shift_.astype(np.float32)
        return x

    def log_slope(self, x: FloatArray) -> NDArray[np.float64]:
        scales = np.broadcast_to(self.scale_, x.shape)
        return -np.log(np.where(scales > 0, scales, 1.0))


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
        Number of quantiles, beside the extremes; at most one for each value is used. A column
        that never varies is 0 in the representation and comes back exactly.
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

    REAL_DATA: ClassVar[Mapping[str, str]] = {"knots_": "training values of each cell, in order"}

    def _without_real_data(self) -> tuple[QuantileScaler, str]:
        """Return a scaler by fewer quantiles, of which all but the extremes are means."""
        thin = copy.copy(self)
        thin.knots_, thin.scores_ = _blurred(self.knots_), _blurred(self.scores_)
        return thin, ""

    def fit(self, x: FloatArray, y: Any = None) -> QuantileScaler:
        self._validate_params()
        columns = self._columns(x).astype(np.float64)
        n_knots = min(self.n_quantiles, len(columns))
        # The extremes are always among the knots, or rare events would be rounded away.
        ends = np.array([0.5, len(columns) - 0.5]) / len(columns)
        levels = np.union1d((np.arange(n_knots) + 0.5) / n_knots, ends)
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

    def log_slope(self, x: FloatArray) -> NDArray[np.float64]:
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
        return out.reshape(x.shape)


N_BLURRED = 100


def _blurred(knots: Array) -> Array:
    """Return the ends of rows, and means of neighbours, at least two, in between."""
    inner = knots[:, 2:-2]  # without the far ends, and the extremes
    n_kept = min(N_BLURRED, inner.shape[1] // 2)
    if n_kept == 0:
        return np.column_stack([knots[:, :2], knots[:, -2:]])
    means = [part.mean(axis=1) for part in np.array_split(inner, n_kept, axis=1)]
    return np.column_stack([knots[:, :2], *means, knots[:, -2:]])


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
