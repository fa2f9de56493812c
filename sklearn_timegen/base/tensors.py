"""Between arrays and tensors, for generators with a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["EXACT", "as_numpy", "decode_in_batches", "rows_of"]

FloatArray = NDArray[np.float32]
EXACT = torch.float64  # in which a series' result does not depend on its neighbours


def rows_of(c: FloatArray | None, rows: slice) -> FloatArray | None:
    """Return the conditions of some rows, if there are conditions."""
    return None if c is None else c[rows]


def as_numpy(x: torch.Tensor) -> Any:
    """Return a tensor's values as an array, wherever it is."""
    return x.detach().cpu().numpy()


def decode_in_batches(
    generator: Any, decode: Callable[..., torch.Tensor], z: FloatArray, c: FloatArray | None
) -> FloatArray:
    """Return what ``decode(z, c)`` makes of a generator's latents, a batch at a time."""
    parts = [
        as_numpy(decode(generator._tensor(z[rows]), generator._tensor(rows_of(c, rows))))
        for rows in generator._batches(len(z))
    ]
    return np.concatenate(parts)
