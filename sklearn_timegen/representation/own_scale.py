"""Each window on its own scale."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._shifted_log import ShiftedLog, find_shift
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.representation.scaling import QuantileScaler

__all__ = ["OwnScaleTransform"]

Array = NDArray[Any]
FloatArray = NDArray[np.float32]

TOGETHER = 0.95
LEAST_ROWS = 10  # observations for each channel, before correlations are believed
LEAST_SCALE = 1e-6  # of a window, in units of the training spread: one that stands still


class OwnScaleTransform(TransformerMixin, BaseEstimator):
    """Level, logarithm of the own scale, and shape of each window and channel, made normal.

    Calm and wild windows are the same shapes on other scales. Where they occur together, every
    coefficient of a window is large or small with all the others, and a generator has to learn a
    product of two things from their results. So a channel's orthonormal cosine coefficients are
    taken apart: the first is the level; the root mean square s of the others, each in units of its
    standard deviation, is the scale, of which the logarithm is kept; the others over s are the
    shape. Each of the T + 1 numbers is mapped to a standard normal by its quantiles. On the way
    back the shape is brought to the scale, whatever size it was generated in.

    Of a channel that moves in proportion to its height above a floor (prices, volumes), the
    logarithm of that height is taken first; where the floor is, its steps tell, in whatever units
    they are. What comes back keeps to its range. Channels that all but follow each other
    (correlated beyond ``TOGETHER``, such as the prices of a day) are then turned into their
    principal components: what they differ by becomes a channel of its own, or it would drown in
    what they share.

    The time axis is gone, and there is one number more than timesteps: no density of ``v`` is one
    of series, so ``score_samples`` needs another representation. Series of one or two timesteps
    have no shape; their coefficients are mapped by their quantiles only.

    Attributes
    ----------
    shift_ : ndarray of shape (n_channels,)
        What is added to channels before logarithms are taken: with it, values are heights above
        the floor. NaN of others.
    turn_ : ndarray of shape (n_channels, n_channels)
        What channels, divided by their standard deviations, are multiplied by; the identity where
        they go their own ways.
    spread_ : ndarray of shape (n_timesteps - 1, n_channels)
        Standard deviations of the coefficients behind the first.
    scaler_ : QuantileScaler
        Maps level, scale and shape to normals.

    References
    ----------
    S. Lyu and E. Simoncelli (2009), "Nonlinear extraction of independent components of natural
    images using radial Gaussianization" (scale mixtures, and what is left without their scale),
    Neural Computation 21. https://doi.org/10.1162/neco.2009.04-08-773

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.representation import OwnScaleTransform
    >>> rng = np.random.default_rng(0)
    >>> spread = np.exp(rng.normal(size=(300, 1, 1)))
    >>> x = (spread * rng.normal(size=(300, 8, 2)).cumsum(axis=1)).astype(np.float32)
    >>> transform = OwnScaleTransform().fit(x)
    >>> v = transform.transform(x)
    >>> v.shape
    (300, 9, 2)
    >>> np.allclose(transform.inverse_transform(v), x, atol=1e-4 * abs(x).max())
    True
    """

    keeps_time_axis: ClassVar[bool] = False

    def fit(self, x: FloatArray, y: Any = None) -> OwnScaleTransform:
        self._logs = _logs_of(x.astype(np.float64))
        self.shift_ = np.full(x.shape[2], np.nan)
        self.shift_[list(self._logs)] = [log.shift for log in self._logs.values()]
        self._learn_turn(self._logged(x))
        coefficients = self._cosine(x)
        spread = coefficients[:, 1:].std(axis=0)
        # What varies by rounding only is on no scale.
        size = np.abs(coefficients).max(axis=(0, 1))
        self.spread_ = np.where(spread > 1e-5 * size, spread, 0.0)
        self._constant = np.where(self.spread_ > 0, 0.0, coefficients[:, 1:].mean(axis=0))
        self.scaler_ = QuantileScaler().fit(self._apart(coefficients))
        return self

    def transform(self, x: FloatArray) -> FloatArray:
        check_is_fitted(self)
        return self.scaler_.transform(self._apart(self._cosine(x)))

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        check_is_fitted(self)
        parts = self.scaler_.inverse_transform(v).astype(np.float64)
        if self._has_shape:
            shape = parts[:, 2:]
            shape = shape / np.maximum(self._size(shape), LEAST_SCALE)
            scale = np.exp(parts[:, 1:2])
            scale = np.where(scale > 2 * LEAST_SCALE, scale, 0.0)
            later = shape * scale * self.spread_ + self._constant
            parts = np.concatenate([parts[:, :1], later], axis=1)
        turned = scipy.fft.idct(parts, axis=1, norm="ortho")
        x = turned @ self.turn_.T * self._width + self._middle
        for k, log in self._logs.items():
            # Exponentials of what lies outside of the data would be far outside.
            within = x[:, :, k].clip(np.log(2 * log.least), np.log(log.most))
            x[:, :, k] = log.inverse_transform(within)
        return x.astype(np.float32)

    def _learn_turn(self, wide: Array) -> None:
        rows = wide.reshape(-1, wide.shape[2])
        self._middle, width = rows.mean(axis=0), rows.std(axis=0)
        # What varies by the rounding of float32 only has no width.
        varies = width > 1e-5 * np.abs(rows).max(axis=0)
        self._width = np.where(varies, width, 1.0)
        self.turn_ = np.eye(len(width))
        if len(rows) < LEAST_ROWS * len(width):
            return
        scaled = (rows - self._middle) / self._width
        correlations = scaled.T @ scaled / len(rows)
        together = (np.abs(correlations) > TOGETHER) & varies & varies[:, None]
        _, group = connected_components(together, directed=False)
        for k in np.unique(group):
            cells = np.ix_(group == k, group == k)
            if varies[group == k].all() and len(cells[0]) > 1:
                self.turn_[cells] = _signed(np.linalg.eigh(correlations[cells])[1][:, ::-1])

    def _cosine(self, x: FloatArray) -> Array:
        """Return coefficients of logarithmic, scaled and turned channels."""
        turned = (self._logged(x) - self._middle) / self._width @ self.turn_
        return scipy.fft.dct(turned, axis=1, norm="ortho")

    def _logged(self, x: FloatArray) -> Array:
        # In float64: beside a large level, float32 would round the small coefficients away.
        wide = x.astype(np.float64)
        for k, log in self._logs.items():
            wide[:, :, k] = log.transform(wide[:, :, k])
        return wide

    @property
    def _has_shape(self) -> bool:
        return len(self.spread_) > 1

    def _apart(self, coefficients: Array) -> FloatArray:
        """Return level, log-scale and shape of each channel, ``(n, T + 1, D)``."""
        if not self._has_shape:
            return to_float32(coefficients)
        varies = self.spread_ > 0
        shape = coefficients[:, 1:] * varies / np.where(varies, self.spread_, 1.0)
        scale = np.maximum(self._size(shape), LEAST_SCALE)
        parts = np.concatenate([coefficients[:, :1], np.log(scale), shape / scale], axis=1)
        return to_float32(parts)

    def _size(self, shape: Array) -> Array:
        """Root mean square of each channel's shape, ``(n, 1, D)``."""
        n_varying = np.maximum((self.spread_ > 0).sum(axis=0), 1)
        size: Array = np.sqrt(np.square(shape).sum(axis=1, keepdims=True) / n_varying)
        return size


def _logs_of(x: Array) -> dict[int, ShiftedLog]:
    """Return the logarithms of those channels that move in proportion to some height."""
    shifts = {k: find_shift([x[:, :, k]]) for k in range(x.shape[2])}
    return {k: ShiftedLog.of(x[:, :, k], s) for k, s in shifts.items() if s is not None}


def _signed(axes: Array) -> Array:
    """Return axes, in columns, of which the first large entry is positive.

    Which way round they come, rounding decides, and with it what a network would make of them.
    """
    first = (np.abs(axes) > 0.5 * np.abs(axes).max(axis=0)).argmax(axis=0)
    signed: Array = axes * np.sign(np.take_along_axis(axes, first[None], axis=0))
    return signed
