"""Training series that a draw starts from: any, or those of the asked condition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

__all__ = ["draw_rows"]

FloatArray = NDArray[np.float32]
Index = NDArray[np.int64]
N_NEAR = 5  # training series to choose from where conditions are vectors


def draw_rows(
    known: FloatArray | None,
    c: FloatArray | None,
    is_vector: bool,
    n_rows: int,
    n_samples: int,
    rng: np.random.Generator,
) -> Index:
    """Draw the training series to start from, for each of ``n_samples``.

    By condition: for labels any of the class, for vectors the nearest few and those as near as
    the last of them.
    """
    if known is None or c is None:
        rows: Index = rng.integers(n_rows, size=n_samples)
        return rows
    asked, which = np.unique(c, axis=0, return_inverse=True)
    search = NearestNeighbors(n_neighbors=min(N_NEAR, n_rows) if is_vector else 1).fit(known)
    reach = search.kneighbors(asked)[0][:, -1] + 1e-5
    chosen = np.empty(n_samples, dtype=np.int64)
    for k, candidates in enumerate(_within(known, asked, reach)):
        mine = which.ravel() == k
        chosen[mine] = rng.choice(candidates, mine.sum())
    return chosen


def _within(known: FloatArray, asked: FloatArray, reach: NDArray[Any]) -> list[Index]:
    """Return the training series within reach of each asked condition."""
    return [
        np.flatnonzero(np.linalg.norm(known - condition, axis=1) <= limit)
        for condition, limit in zip(asked, reach, strict=True)
    ]
