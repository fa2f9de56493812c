"""The way of series into the coordinates in which a generator works, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.bounds import Bounds
from sklearn_timegen.rules.channels import ChannelReducer

__all__ = ["Structure"]

FloatArray = NDArray[np.float32]


class Structure:
    """Leave out channels that carry nothing new; on the way back, restore them and keep bounds.

    Parameters
    ----------
    bounds : (low, high) or None, default=None
        Values that the way back never leaves.

    Attributes
    ----------
    reducer : ChannelReducer
        What is left out, and how it is restored.
    bounds : Bounds
        The least and greatest values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Structure
    >>> x = np.arange(6, dtype=np.float32).reshape(3, 1, 2)
    >>> Structure((0, 9)).fit_transform(np.repeat(x, 20, axis=0)).shape
    (60, 1, 1)
    """

    def __init__(self, bounds: Any = None) -> None:
        self.reducer = ChannelReducer()
        self._asked = bounds

    def fit_transform(self, x: FloatArray) -> FloatArray:
        self.bounds = Bounds(self._asked, x.shape[2])
        self.bounds.check(x)
        return self.reducer.fit_transform(x)

    def transform(self, x: FloatArray) -> FloatArray:
        return self.reducer.transform(x)

    def inverse_transform(self, u: FloatArray) -> FloatArray:
        x = self.reducer.inverse_transform(u)
        return self.bounds.clip(np.asarray(x, dtype=np.float32))
