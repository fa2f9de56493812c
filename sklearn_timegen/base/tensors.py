"""Between arrays and tensors, for generators with a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["EXACT", "as_numpy", "rows_of"]

FloatArray = NDArray[np.float32]
EXACT = torch.float64  # in which a series' result does not depend on its neighbours


def rows_of(c: FloatArray | None, rows: slice) -> FloatArray | None:
    """Return the conditions of some rows, if there are conditions."""
    return None if c is None else c[rows]


def as_numpy(x: torch.Tensor) -> Any:
    """Return a tensor's values as an array, wherever it is."""
    return x.detach().cpu().numpy()
