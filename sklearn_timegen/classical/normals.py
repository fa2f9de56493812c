"""The mixture of one class: conditions (if vectors), leading scores, residual scores.

Symbols as in :mod:`~sklearn_timegen.classical.mixture` and in
:mod:`~sklearn_timegen.classical.directions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture

from sklearn_timegen._mixture import NormalMixture, log_normal, pick
from sklearn_timegen.classical.directions import Directions

__all__ = ["Part", "Pool", "Unknown"]

FloatArray = NDArray[np.float32]
Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass
class Part:
    """The mixture of one class: conditions (if vectors), leading scores, residual scores."""

    REAL_DATA: ClassVar[Mapping[str, str]] = {"pool": "residuals of the training series"}

    lead: NormalMixture
    residual_mean: Array
    residual_variance: Array
    pool: Pool | None  # residual scores of training series, if these are to be drawn

    @property
    def mixture(self) -> GaussianMixture:
        """The normals over conditions and leading scores, as scikit-learn fitted them."""
        return self.lead.mixture

    def draw(
        self, n_samples: int, c: FloatArray | None, rng: np.random.Generator
    ) -> tuple[Array, Index | None]:
        """Draw scores, and say of which training series the residuals are, if they are of one."""
        lead, which = self.lead.draw(n_samples, c, rng)
        if self.pool is not None:
            chosen = self.pool.draw(which, rng)
            return np.column_stack([lead, self.pool.scores[chosen]]), self.pool.series[chosen]
        noise = rng.standard_normal((len(which), self.residual_mean.shape[1]))
        rest = self.residual_mean[which] + np.sqrt(self.residual_variance[which]) * noise
        return np.column_stack([lead, rest]), None

    def log_density(self, z: Array, c: FloatArray | None) -> Array:
        """Return log p(z), or log p(z | c)."""
        k = z.shape[1] - self.residual_mean.shape[1]
        log_weight, terms = self.lead.log_terms(z[:, :k], c)
        for j, variance in enumerate(self.residual_variance):
            square = ((z[:, k:] - self.residual_mean[j]) ** 2 / variance).sum(axis=1)
            terms[:, j] += log_normal(square, len(variance)) - np.log(variance).sum() / 2
        density: Array = logsumexp(log_weight + terms, axis=1)
        return density

    def given_known(self, z: Array, c: FloatArray | None, unknown: Unknown) -> Given:
        """Return the log-density of known cells with each normal, and how unknown ones follow.

        A normal that is white in coordinates w(z) is, as a function of the move d of the unknown
        cells, ``exp(-|w + H d|^2 / 2)``, H being what their directions become in these
        coordinates, with a row more for each that the tail is white in. With H = Q R, d is normal
        around the least-squares solution ``-R^-1 Q' w`` with covariance ``(R' R)^-1``, and what no
        move can mend is the density of the known cells.
        """
        log_weight, mean, factor = self.lead.given(c, len(z))
        k, directions = factor.shape[1], unknown.directions
        log_weight = log_weight - logsumexp(log_weight, axis=1, keepdims=True)
        evidence, solved = np.empty(log_weight.shape), []
        for j, spread in enumerate(np.sqrt(self.residual_variance)):
            whiten = partial(solve_triangular, factor[j], lower=True)
            h = [whiten(directions[:k]), directions[k:] / spread[:, None], unknown.h]
            w = [
                whiten((z[:, :k] - mean[:, j]).T).T,
                (z[:, k:] - self.residual_mean[j]) / spread,
                unknown.w,
            ]
            q, r = np.linalg.qr(np.vstack(h))
            white = np.hstack(w)
            nearest = -white @ q
            unmended = ((white + nearest @ q.T) ** 2).sum(axis=1) + unknown.square
            scales = np.concatenate([np.diag(factor[j]), spread, np.diag(r)])
            log_det = np.log(np.abs(scales)).sum() + unknown.log_det / 2
            evidence[:, j] = log_weight[:, j] + log_normal(unmended, unknown.n_known) - log_det
            solved.append((nearest, r))
        return Given(evidence, solved)


@dataclass
class Pool:
    """Residual scores of training series, their numbers, and which normals they belong to."""

    scores: Array
    series: Index
    belongs: Array

    def draw(self, which: Index, rng: np.random.Generator) -> Index:
        """Draw a series for each of these normals."""
        chosen = np.empty(len(which), np.int64)
        for k in np.unique(which):
            p = self.belongs[:, k] / self.belongs[:, k].sum()
            chosen[which == k] = rng.choice(len(self.scores), (which == k).sum(), p=p)
        return chosen


@dataclass
class Unknown:
    """Cells of some series that are unknown alike: what a tail knows of them.

    Its square ``t' P t``, if they move by d, is ``|w + h d|^2 + square``.
    """

    directions: Array  # (n_scores, n_unknown)
    n_known: int
    h: Array  # (n_rows, n_unknown)
    w: Array  # (n_series, n_rows)
    square: Array | float
    log_det: float

    @classmethod
    def of(cls, cells: Index, directions: Directions, rows: Array, z: Array) -> Unknown:
        """Read what is unknown of rows, whose scores are z."""
        there, tail = directions.basis[:, cells], directions.tail
        n_known = directions.basis.shape[1] - len(cells)
        if tail is None:
            none = np.empty((0, len(cells))), np.empty((len(rows), 0))
            return cls(there, n_known, *none, 0.0, 0.0)
        tails = directions.tails(rows, z)
        weighed = tail.weigh(tails)
        squares, axes = np.linalg.eigh(tail.precision(cells))
        # Fewer than the cells, if the tail has fewer dimensions than are unknown.
        kept = squares > 1e-10 * squares.max()
        h = np.sqrt(squares[kept])[:, None] * axes[:, kept].T
        w = weighed[:, cells] @ axes[:, kept] / np.sqrt(squares[kept])
        square = (tails * weighed).sum(axis=1) - (w**2).sum(axis=1)
        return cls(there, n_known, h, w, square, tail.log_det)


@dataclass
class Given:
    """Log-densities of known cells, with each normal, and how the moves of unknown ones follow."""

    evidence: Array
    solved: list[tuple[Array, Array]]

    @property
    def log_density(self) -> Array:
        density: Array = logsumexp(self.evidence, axis=1)
        return density

    def draw(self, rng: np.random.Generator) -> Array:
        """Draw how far unknown cells lie from where they are."""
        which = pick(self.evidence, rng)
        noise = rng.standard_normal((len(which), len(self.solved[0][1])))
        moves = np.empty_like(noise)
        for j in np.unique(which):
            (nearest, r), rows = self.solved[j], which == j
            moves[rows] = solve_triangular(r, (nearest[rows] + noise[rows]).T).T
        return moves
