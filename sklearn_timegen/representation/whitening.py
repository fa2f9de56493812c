"""Principal coordinates of whole series, each of unit variance."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.representation.basis import CosineTransform

__all__ = ["WhiteningTransform"]

FloatArray = NDArray[np.float32]


class WhiteningTransform(TransformerMixin, BaseEstimator):
    """Principal coordinates of scaled cosine coefficients, divided by their standard deviations.

    Correlations within and between channels are gone, so that a network has only that to learn
    which goes beyond them, and small deviations from them weigh as much as large movements. Time
    and channels are gone, too: ``v[0, 0, 0]`` is the first coordinate of the first series, in the
    order of variance. Networks that slide along time refuse it; use dense ones.

    Parameters
    ----------
    scaling : {"standard", "quantile"}, default="standard"
        How the cosine coefficients are scaled before; see :class:`CosineTransform`.
    floor : float, default=1e-4
        Least variance that a coordinate is divided by; before, the mean variance of the
        coefficients is 1. Where the data have none, rounding is not blown up to unit variance.

    Attributes
    ----------
    inner_ : CosineTransform
        The fitted transform that comes first.
    components_ : ndarray of shape (n_coordinates, n_coordinates)
        The principal directions of the coefficients that vary, a column each.
    scale_ : ndarray of shape (n_coordinates,)
        What the coordinates are divided by.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.representation import WhiteningTransform
    >>> x = np.random.default_rng(0).normal(size=(200, 8, 2)).cumsum(axis=1).astype(np.float32)
    >>> transform = WhiteningTransform().fit(x)
    >>> v = transform.transform(x).reshape(200, -1)
    >>> np.allclose(np.cov(v.T, bias=True), np.eye(16), atol=1e-2)
    True
    >>> np.allclose(transform.inverse_transform(transform.transform(x)), x, atol=1e-3)
    True
    """

    keeps_time_axis: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "scaling": [StrOptions({"standard", "quantile"})],
        "floor": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self, scaling: Literal["standard", "quantile"] = "standard", floor: float = 1e-4
    ) -> None:
        self.scaling = scaling
        self.floor = floor

    def fit(self, x: FloatArray, y: Any = None) -> WhiteningTransform:
        self._validate_params()
        self.inner_ = CosineTransform(self.scaling).fit(x)
        rows = self._rows(x)
        self._varies = np.ptp(rows, axis=0) > 0
        kept = rows[:, self._varies]
        self._mean = kept.mean(axis=0)
        variance, directions = np.linalg.eigh(np.atleast_2d((kept - self._mean).T @ kept) / len(x))
        self.components_ = directions[:, ::-1]
        self.scale_ = np.sqrt(np.maximum(variance[::-1], self.floor))
        return self

    def transform(self, x: FloatArray) -> FloatArray:
        check_is_fitted(self)
        rows = self._rows(x)
        kept = rows[:, self._varies] - self._mean
        rows[:, self._varies] = kept @ self.components_ / self.scale_
        rows[:, ~self._varies] = 0.0
        return to_float32(rows.reshape(x.shape))

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        check_is_fitted(self)
        rows = v.reshape(len(v), -1).astype(np.float64)
        kept = (rows[:, self._varies] * self.scale_) @ self.components_.T
        rows[:, self._varies] = kept + self._mean
        return self.inner_.inverse_transform(rows.reshape(v.shape).astype(np.float32))

    def log_abs_det_jacobian(self, x: FloatArray) -> NDArray[np.float64]:
        return self.inner_.log_abs_det_jacobian(x) - np.log(self.scale_).sum()

    def _rows(self, x: FloatArray) -> NDArray[np.float64]:
        return self.inner_.transform(x).reshape(len(x), -1).astype(np.float64)
