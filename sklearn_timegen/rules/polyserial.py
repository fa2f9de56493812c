"""Correlations of normal variables of which some are only known to lie in intervals.

Symbols: ``z`` is a standard normal, ``a <= z <= b`` the interval in which one of its values lies,
``He_n`` the n-th Hermite polynomial, divided by the root of its variance, and ``h_n`` its mean
within the interval; ``h_1`` is the mean of z. Where x depends on z linearly,
``cov(x, h_1) = cov(x, z) var(h_1)``, which gives the correlation of x and z (Olsson, Drasgow and
Dorans 1982); of two that are known by intervals, ``cov(h_1, h'_1) = sum_n r^n c_n c'_n`` with
``c_n = E[h_1 h_n]`` (Mehler's formula) gives theirs, r.

References
----------
U. Olsson, F. Drasgow and N. Dorans (1982), "The polyserial correlation coefficient",
Psychometrika 47. https://doi.org/10.1007/BF02294164
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["N_HERMITE", "association", "hermite_means", "polyserial_correlations"]

Array = NDArray[np.float64]

N_HERMITE = 24  # polynomials
LARGEST = 0.99  # correlation
N_TRIED = 199  # correlations, up to the largest
LEAST = 0.02  # eigenvalue of a correlation matrix
CLEAR = 2.5  # standard errors, of a correlation that is none by chance
NARROW = 1e-9  # probability of an interval, below which it is a point


def hermite_means(a: Array, b: Array, z: Array, n: int = N_HERMITE) -> Array:
    """Return ``h_1, ..., h_n`` of intervals, which are ``He_1(z), ...`` where these are points.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.polyserial import hermite_means
    >>> half = hermite_means(np.array([0.0]), np.array([8.0]), np.array([1.0]))
    >>> float(half[0, 0].round(3))  # sqrt(2 / pi)
    0.798
    """
    width = ndtr(b) - ndtr(a)
    inside = width > NARROW
    mass = [np.exp(-(end**2) / 2) / np.sqrt(2 * np.pi) for end in (a, b)]
    low, high, at = (_hermite(x, n) for x in (a, b, z))
    root = np.sqrt(np.arange(1, n + 1)).reshape(-1, *(1,) * z.ndim)
    within = (low[:-1] * mass[0] - high[:-1] * mass[1]) / root / np.where(inside, width, 1.0)
    means: Array = np.where(inside, within, at[1:])
    return means


def _hermite(x: Array, n: int) -> Array:
    """Return ``He_0(x), ..., He_n(x)``."""
    found = [np.ones_like(x), x]
    for k in range(1, n):
        found.append((x * found[k] - np.sqrt(k) * found[k - 1]) / np.sqrt(k + 1))
    return np.stack(found)


def polyserial_correlations(
    x: Array,
    scores: dict[int, Array],
    series: NDArray[np.int64],
    apart: Iterable[tuple[int, int]] = (),
) -> Array:
    """Return the correlations of columns ``(n, n_columns)``, a proper matrix of them.

    Of some columns, ``scores`` has the Hermite means ``(n_polynomials, n)`` of the intervals. What
    is not known is NaN, and what is known of both columns counts. Correlations with scores that
    chance alone explains, given which ``series`` each row is of, are 0: behind intervals that are
    rarely met by both, they could be anything. Intervals say nothing of pairs that are ``apart``:
    their correlation is that of the columns.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.polyserial import hermite_means, polyserial_correlations
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 5000))
    >>> z = 0.6 * x + 0.8 * y
    >>> h = hermite_means(np.where(z > 0, 0.0, -8.0), np.where(z > 0, 8.0, 0.0), z)
    >>> r = polyserial_correlations(np.stack([x, z], axis=1), {1: h}, np.arange(5000))
    >>> float(r[0, 1].round(1))
    0.6
    """
    drawn, known = x, np.isfinite(x)
    for j, h in scores.items():
        known[:, j] = np.isfinite(h[0])
    n = np.maximum(known.T.astype(np.float64) @ known, 1.0)  # of each pair
    x, scores = np.nan_to_num(x), {j: np.nan_to_num(h) for j, h in scores.items()}
    r = x.T @ x / n
    unit = np.sqrt(np.maximum(r.diagonal(), 1e-12))
    r /= np.outer(unit, unit)
    means = x.copy()
    means[:, list(scores)] = np.stack([h[0] for h in scores.values()], axis=1)
    for j, h in scores.items():
        variance = max(float(h[0] @ h[0]) / n[j, j], 1e-12)
        r[j] = r[:, j] = (h[0] @ x / n[j] / unit / variance).clip(-LARGEST, LARGEST)
    tried = np.linspace(-LARGEST, LARGEST, N_TRIED)
    for i, j in combinations(scores, 2):
        powers = tried[:, None] ** np.arange(1, len(scores[i]) + 1)
        c, d = (scores[k] @ scores[k][0] / n[k, k] for k in (i, j))
        seen = float(scores[i][0] @ scores[j][0]) / n[i, j]
        r[i, j] = r[j, i] = tried[np.abs(powers @ (c * d) - seen).argmin()]
    for j, h in scores.items():
        chance = np.abs(association(means, h[0], series)) < CLEAR
        r[j, chance] = r[chance, j] = 0.0
    for i, j in apart:
        both = np.isfinite(drawn[:, i] * drawn[:, j])
        r[i, j] = r[j, i] = _correlation(*drawn[both][:, [i, j]].T)
    np.fill_diagonal(r, 1.0)
    # Of pairs, each by itself: together they may be those of no distribution.
    values, vectors = np.linalg.eigh(r)
    proper = (vectors * np.maximum(values, LEAST)) @ vectors.T
    unit = np.sqrt(proper.diagonal())
    correlations: Array = proper / np.outer(unit, unit)
    return correlations


def _correlation(x: Array, y: Array) -> float:
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / spread if spread > 0 else 0.0


def association(x: Array, y: Array, series: NDArray[np.int64]) -> Array:
    """Return by how many standard errors the mean product of each column with y is not 0.

    Rows of one series depend on each other; ``series`` says of which each is.
    """
    total = np.stack([np.bincount(series, column * y) for column in x.T])
    error = np.sqrt(np.square(total).sum(axis=1))
    t: Array = total.sum(axis=1) / np.where(error > 0, error, 1.0)
    return t
