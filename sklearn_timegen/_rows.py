"""Series as rows on a common scale, how far apart they are, and how many of them differ.

Symbols: n series, d_ij the distance of two rows, h a bandwidth, k_ij = exp(-d_ij^2 / (2 h^2)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "channel_scale",
    "effective_number",
    "fine_bandwidth",
    "flat_rows",
    "gaussian_kernel",
    "median_distance",
    "squared_distances",
]

Array = NDArray[np.float64]


def channel_scale(real: Array) -> Array:
    """Return the spread of each channel: its standard deviation, or for a constant its size."""
    spread = real.std(axis=(0, 1))
    size = np.abs(real).max(axis=(0, 1))
    varies = np.ptp(real, axis=(0, 1)) > 1e-9 * size  # by more than rounding
    return np.where(varies, spread, np.where(size > 0, size, 1.0))


def flat_rows(real: Array, *samples: Array) -> list[Array]:
    """Flatten samples, every channel centred and divided by its spread in ``real``."""
    centre, scale = real.mean(axis=(0, 1)), channel_scale(real)
    return [((x - centre) / scale).reshape(len(x), -1) for x in (real, *samples)]


def squared_distances(a: Array, b: Array) -> Array:
    """Return the squared Euclidean distances between rows, of shape (len(a), len(b))."""
    d2 = a @ b.T
    d2 *= -2
    d2 += (a**2).sum(axis=1)[:, None]
    d2 += (b**2).sum(axis=1)
    return np.maximum(d2, 0, out=d2)


def median_distance(x: Array) -> float:
    """Median distance between rows, 1 if most are equal, or one is all: then there is no scale."""
    if len(x) < 2:
        return 1.0
    distances = np.sqrt(squared_distances(x, x)[np.triu_indices(len(x), k=1)])
    return float(np.median(distances)) or 1.0


def gaussian_kernel(a: Array, b: Array, h: float) -> Array:
    """Return k of all pairs of rows, of shape (len(a), len(b))."""
    k = squared_distances(a, b)
    k *= -1 / (2 * h**2)
    return np.exp(k, out=k)


def fine_bandwidth(x: Array) -> float:
    """Return the h at which rows count as different: a quarter of their median distance."""
    return median_distance(x) / 4


def effective_number(x: Array, h: float) -> float:
    """Return the Vendi score, ``exp(-sum_i p_i log p_i)`` for the eigenvalues p of ``k / n``.

    K groups of equal rows, far apart and equally large, score K; it is n at most.

    Source: D. Friedman and A. Dieng (2023), "The Vendi score: a diversity evaluation metric for
    machine learning", https://arxiv.org/abs/2210.02410
    """
    p = np.linalg.eigvalsh(gaussian_kernel(x, x, h) / len(x)).clip(1e-15)
    return float(np.exp(-(p * np.log(p)).sum()))
