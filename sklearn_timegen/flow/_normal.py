"""The normal distribution of represented series, which a flow's linear part leads to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

__all__ = ["normal_of"]

MOST_CELLS = 2048  # of which all covariances are taken: a matrix of 16 MB
LEAST_VARIANCE = 1e-6  # along a direction: none at all cannot be scaled away


def normal_of(v: NDArray[np.float32], varies: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
    """Return mean, directions and variances of series ``v``, flattened.

    Cells that never vary stay the noise that they were, of variance 1. Of series with more than
    2,048 cells, covariances are left out.
    """
    rows = v.reshape(len(v), -1).astype(np.float64)
    mean = np.where(varies.ravel(), rows.mean(axis=0), 0.0)
    chosen = np.flatnonzero(varies)
    if rows.shape[1] > MOST_CELLS or len(chosen) == 0:
        variances = np.where(varies.ravel(), rows.var(axis=0), 1.0)
        return mean, np.zeros((0, 0)), variances.clip(LEAST_VARIANCE)
    covariance = np.eye(rows.shape[1])
    # Shrunk, so that directions which few series leave out are not taken for having no width.
    shrunk, _ = ledoit_wolf(rows[:, chosen] - mean[chosen], assume_centered=True)
    covariance[np.ix_(chosen, chosen)] = shrunk
    variances, directions = np.linalg.eigh(covariance)
    return mean, directions, variances.clip(LEAST_VARIANCE)
