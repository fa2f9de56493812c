"""The distance behind ``score``: energy distance between series and their increments.

Symbols: X and Y are two samples of series, psi an embedding of a series into a Euclidean space,
|.| its norm, and primes denote independent copies.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_chunked

__all__ = ["SeriesEmbedding", "relative_energy_distance"]


class SeriesEmbedding:
    """psi: values and first differences of each channel, each divided by its own spread.

    Levels dominate the raw distance between two windows, while what gives synthetic series away
    is mostly their fine scale; the differences put it on an equal footing. psi is linear and
    injective, so that a distance between distributions stays one.
    """

    def fit(self, x: NDArray[np.float32]) -> SeriesEmbedding:
        self.level_scale_ = _spread(x)
        self.step_scale_ = _spread(np.diff(x, axis=1))
        return self

    def __call__(
        self, x: NDArray[np.float32], c: NDArray[np.float32] | None = None
    ) -> NDArray[np.float64]:
        x64 = x.astype(np.float64)
        parts = [x64 / self.level_scale_, np.diff(x64, axis=1) / self.step_scale_]
        flat = [part.reshape(len(x), -1) for part in parts]
        if c is not None:  # weighted as one more channel, whatever the series' length
            flat.append(c * np.sqrt(x.shape[1]))
        return np.concatenate(flat, axis=1)


def relative_energy_distance(X: NDArray[np.float64], Y: NDArray[np.float64]) -> float:
    """Unbiased ``(2 E|X - Y| - E|X - X'| - E|Y - Y'|) / E|X - X'|``.

    Its expectation is 0 if both come from one distribution and positive otherwise; the estimate
    scatters around that, so that a small negative value is chance.
    """
    if len(X) < 2 or len(Y) < 2:
        raise ValueError("X must have at least 2 series: a distance between samples needs pairs")
    within_x = _total_distance(X, X) / (len(X) * (len(X) - 1))
    within_y = _total_distance(Y, Y) / (len(Y) * (len(Y) - 1))
    between = _total_distance(X, Y) / (len(X) * len(Y))
    unit = within_x if within_x > 0 else 1.0  # all of X alike: absolute, in spreads
    return float((2 * between - within_x - within_y) / unit)


def _total_distance(X: NDArray[np.float64], Y: NDArray[np.float64]) -> float:
    """Sum of all distances, a chunk of rows at a time: the whole matrix is never in memory."""
    chunks = pairwise_distances_chunked(X, Y, reduce_func=lambda rows, start: rows.sum(axis=1))
    return float(sum(chunk.sum() for chunk in chunks))


def _spread(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the standard deviation of each channel; 1 where a channel does not vary."""
    if x.shape[1] == 0:
        return np.ones(x.shape[2])
    scale = x.std(axis=(0, 1), dtype=np.float64)
    return np.where(np.ptp(x, axis=(0, 1)) > 0, scale, 1.0)
