"""The normal distribution of represented series, which a flow's linear part leads to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

__all__ = ["Normal", "normal_of"]

Array = NDArray[np.float64]

MOST_CELLS = 2048  # of which all covariances are taken: a matrix of 16 MB
LEAST_VARIANCE = 1e-6  # along a direction: none at all cannot be scaled away


class Normal(NamedTuple):
    """A normal distribution of flattened series.

    ``directions`` has one in each column, ``variances`` how wide it is along them: cells that
    never vary come first, and the others' rise. Of many cells there are no directions.
    """

    mean: Array
    directions: Array
    variances: Array


def normal_of(v: NDArray[np.float32], varies: NDArray[np.bool_]) -> Normal:
    """Return the normal distribution of series ``v``.

    Cells that never vary stay the noise that they were, of variance 1. Of series with more than
    2,048 cells, covariances are left out.
    """
    rows, moves = v.reshape(len(v), -1).astype(np.float64), varies.ravel()
    mean = np.where(moves, rows.mean(axis=0), 0.0)
    if rows.shape[1] > MOST_CELLS or not moves.any():
        variances = np.where(moves, rows.var(axis=0), 1.0)
        return Normal(mean, np.zeros((0, 0)), variances.clip(LEAST_VARIANCE))
    # Shrunk, so that directions which few series leave out are not taken for having no width.
    shrunk, _ = ledoit_wolf(rows[:, moves] - mean[moves], assume_centered=True)
    widths, among = np.linalg.eigh(shrunk)
    directions = np.zeros((len(mean), len(mean)))
    n_still = len(mean) - len(widths)
    directions[~moves, :n_still] = np.eye(n_still)
    directions[moves, n_still:] = among
    variances = np.concatenate([np.ones(n_still), widths.clip(LEAST_VARIANCE)])
    return Normal(mean, directions, variances)
