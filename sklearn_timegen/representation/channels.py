"""Channels that carry nothing new."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

__all__ = ["ChannelReducer"]

FloatArray = NDArray[np.float32]


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
