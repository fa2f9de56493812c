"""Regressions of scores, of which intervals are known, on the other coordinates of a series.

Symbols: ``z`` is a score, ``a <= z <= b`` what is known of it, ``x`` are other coordinates,
standardised; ``z = alpha + beta' x + sigma e``, with e a first-order autoregression along time of
correlation ``rho`` (:mod:`sklearn_timegen.rules.latent`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_timegen.rules.filling import moments
from sklearn_timegen.rules.latent import draw_between
from sklearn_timegen.rules.latent_paths import LARGEST
from sklearn_timegen.rules.polyserial import association, polyserial_correlations

__all__ = ["Evidence", "Regression", "as_rows", "best_ridge", "persistence"]

Array = NDArray[np.float64]

FEWEST = 30  # series, before anything is learned
N_FOLDS = 5
N_RUNS = 25  # of series that follow each other, and may overlap: each is in one fold
RIDGES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # beside the variance of x, which is 1
CHANCE = 0.01  # that something is taken for associated with a score, though nothing is
MOST_EXPLAINED = 0.97  # of the variance of a score


@dataclass(frozen=True)
class Regression:
    """What is expected of one score given other coordinates."""

    alpha: float
    beta: Array
    sigma: float
    rho: float

    def draw(self, x: Array, a: Array, b: Array, keys: NDArray[np.uint64]) -> Array:
        """Draw ``z`` between ``a`` and ``b`` given ``x``."""
        # Not by a matrix product, whose rounding would depend on what stands beside a series.
        mean = self.alpha + (x * self.beta).sum(axis=2)
        e = draw_between((a - mean) / self.sigma, (b - mean) / self.sigma, self.rho, keys)
        drawn: Array = (mean + self.sigma * e).clip(a, b)
        return drawn


@dataclass
class Evidence:
    """What regressions are learned from.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_coordinates)
        Coordinates, standardised, as they were drawn.
    scores : dict of int to ndarray of shape (n_polynomials, n_rows)
        By position, what is known of scores (:mod:`sklearn_timegen.rules.polyserial`).
    series : ndarray of shape (n_rows,)
        Which series each row is of.
    apart : list of (int, int)
        Pairs of scores of which intervals say nothing together.
    """

    rows: Array
    scores: dict[int, Array]
    series: NDArray[np.int64]
    apart: list[tuple[int, int]]
    _of_all: tuple[Array, Array, Array] | None = None

    def regression(
        self, position: int, others: NDArray[np.bool_], ridge: float
    ) -> tuple[float, Array, float]:
        """Return ``alpha``, ``beta`` and ``sigma`` of a score's regression on some coordinates."""
        mean, unit, r = self._about(position)
        gram, moment = r[np.ix_(others, others)], r[others, position]
        beta = np.zeros(len(r))
        beta[others] = np.linalg.solve(gram + ridge * np.eye(len(gram)), moment)
        explained = min(float(beta @ r @ beta), MOST_EXPLAINED)
        beta /= unit
        return -float(beta @ mean), beta, float(np.sqrt(1 - explained))

    def _about(self, position: int) -> tuple[Array, Array, Array]:
        """Return means, spreads and correlations of coordinates, where one score is known.

        Elsewhere others may be otherwise: where a score is known depends on them.
        """
        known = np.isfinite(self.scores[position][0])
        everywhere = bool((known == np.isfinite(self.rows[:, position])).all())
        if everywhere and self._of_all is not None:
            return self._of_all
        rows = self.rows if everywhere else self.rows[known]
        mean, variance = moments(rows)
        unit = np.where(variance > 1e-12, np.sqrt(variance), 1.0)
        for j in self.scores:
            mean[j], unit[j] = 0.0, 1.0
        scores = {j: h if everywhere else h[:, known] for j, h in self.scores.items()}
        series = self.series if everywhere else self.series[known]
        found = mean, unit, polyserial_correlations(rows - mean, scores, series, self.apart)
        if everywhere:
            self._of_all = found
        return found


def as_rows(blocks: Sequence[Array]) -> Array:
    """Return all timesteps of all series as rows."""
    return np.concatenate([block.reshape(-1, block.shape[2]) for block in blocks])


def _known_rows(x: Sequence[Array], z: Sequence[Array]) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return predictors and scores of all timesteps at which these are known, and whose."""
    lengths = np.concatenate([np.full(len(block), block.shape[1]) for block in z])
    flat = np.concatenate([block.ravel() for block in z])
    known = np.isfinite(flat)
    return as_rows(x)[known], flat[known], np.repeat(np.arange(len(lengths)), lengths)[known]


def best_ridge(x: Sequence[Array], y: Sequence[Array]) -> float | None:
    """Return the ridge by which held-out series are predicted best; ``None`` if hardly by any."""
    rows, target, series = _known_rows(x, y)
    rows = rows - rows.mean(axis=0) if len(rows) else rows
    n_series = int(series.max()) + 1 if len(series) else 0
    limit = -ndtri(CHANCE / 2 / rows.shape[1])
    if n_series < FEWEST or (np.abs(association(rows, target, series)) < limit).all():
        return None
    fold = series * N_RUNS // n_series % N_FOLDS
    gains, unit = np.zeros((len(RIDGES), n_series)), np.eye(rows.shape[1])
    for k in range(N_FOLDS):
        held = fold == k
        if held.all() or not held.any():
            continue
        n_left = int((~held).sum())
        gram, moment = (rows[~held].T @ y / n_left for y in (rows[~held], target[~held]))
        for i, ridge in enumerate(RIDGES):
            missed = target[held] - rows[held] @ np.linalg.solve(gram + ridge * unit, moment)
            gain = target[held] ** 2 - missed**2
            gains[i] += np.bincount(series[held], gain, minlength=n_series)
    best = gains[int(gains.sum(axis=1).argmax())]
    if best.sum() <= 0:
        return None
    # Means of intervals have less to do with the others than scores: of the ridges that are no
    # worse, beyond chance, the least, or what is associated closely would be loosened.
    enough = [(best - gain).sum() <= np.sqrt(np.square(best - gain).sum()) for gain in gains]
    return RIDGES[enough.index(True)]


def persistence(alpha: float, beta: Array, x: Sequence[Array], z: Sequence[Array]) -> float:
    """Return ``rho``: how what is not predicted of a score is correlated from step to step."""
    both = square = 0.0
    for predictors, score in zip(x, z, strict=True):
        e = score - predictors @ beta - alpha
        pairs = e[:, 1:] * e[:, :-1]
        known = np.isfinite(pairs)
        both += float(pairs[known].sum())
        square += float((np.square(e[:, 1:])[known].sum() + np.square(e[:, :-1])[known].sum()) / 2)
    return float(np.clip(both / square, -LARGEST, LARGEST)) if square > 0 else 0.0
