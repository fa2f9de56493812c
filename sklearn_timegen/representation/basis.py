"""A change of basis along time."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._checks import StrOptions
from sklearn_timegen.representation.scaling import QuantileScaler, SeriesScaler

__all__ = ["CosineTransform"]

Array = NDArray[Any]
FloatArray = NDArray[np.float32]


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
        self.scaler_ = scaler.fit(_without_rounding(_cosine(x)))
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


def _without_rounding(v: Array) -> Array:
    """Make coefficients constant that vary by the rounding of float32 values only.

    The level of series that were standardised one by one is such: on a scale of its own, it
    would be noise of the size of everything else, and new series would lie far outside.
    """
    noise = np.ptp(v, axis=0) < 1e-5 * np.abs(v).max(axis=(0, 1))
    return np.where(noise, v.mean(axis=0), v)


def _cosine(x: FloatArray) -> Array:
    # In float64: beside a large level, float32 would round the small coefficients away.
    return scipy.fft.dct(x.astype(np.float64), axis=1, norm="ortho")
