"""Principal directions of rows, and what these leave over.

Symbols: x = v - mu is a row without the mean; W (R, D) orthonormal principal directions, z = W x
its scores, and t = x - W' z the tail, the part of x in no direction. The tail is that of
independent noise e of the cells, N(0, Psi) with Psi diagonal: t = e - W' W e. Time and memory are
linear in the number D of cells then. If D is small, all directions are kept, and nothing is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from sklearn.decomposition import PCA

from sklearn_timegen._mixture import log_normal

__all__ = ["Directions", "Tail", "fit_directions"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MOST = 512  # directions: all of them cost the third power of the cells
N_ROUNDS = 5  # of matching the variances that a tail has to those that it should have


@dataclass
class Tail:
    """The distribution of what no direction explains.

    With G = W Psi^-1 W' the normal of t on the complement of the directions has the precision
    ``P = Psi^-1 - Psi^-1 W' G^-1 W Psi^-1`` and the determinant ``|Psi| |G|``.
    """

    REAL_DATA: ClassVar[Mapping[str, str]] = {"pool": "residuals of the training series"}

    psi: Array  # variance of each cell's noise
    leads: Array  # C^-1 W Psi^-1, with G = C C'
    log_det: float
    pool: Array | None  # tails of the training series, if these are to be drawn

    @classmethod
    def fit(cls, tails: Array, basis: Array, reg_covar: float, pool: bool) -> Tail:
        """Find the noise whose tails have the variances of these."""
        target = (tails**2).mean(axis=0) + reg_covar
        psi = target
        for _ in range(N_ROUNDS):
            psi = np.maximum(psi * target / _tail_variance(psi, basis), reg_covar)
        factor = cholesky((basis / psi) @ basis.T, lower=True)
        leads = solve_triangular(factor, basis / psi, lower=True)
        log_det = float(np.log(psi).sum() + 2 * np.log(np.diag(factor)).sum())
        return cls(psi, leads, log_det, tails if pool else None)

    def log_density(self, tails: Array) -> Array:
        """Return the log-density of tails, on the complement of the directions."""
        n_dims = tails.shape[1] - len(self.leads)
        square = (tails * self.weigh(tails)).sum(axis=1)
        density: Array = log_normal(square, n_dims) - self.log_det / 2
        return density

    def weigh(self, tails: Array) -> Array:
        """Return P t of each row."""
        weighed: Array = tails / self.psi - (tails @ self.leads.T) @ self.leads
        return weighed

    def precision(self, cells: Index) -> Array:
        """Return the part of P that belongs to some cells."""
        leads = self.leads[:, cells]
        return np.diag(1 / self.psi[cells]) - leads.T @ leads


def _tail_variance(psi: Array, basis: Array) -> Array:
    """Variances of e - W' W e: the diagonal of (I - W' W) Psi (I - W' W)."""
    mixed = (basis * psi) @ basis.T
    variance: Array = (
        psi - 2 * psi * (basis**2).sum(axis=0) + (basis * (mixed @ basis)).sum(axis=0)
    )
    return variance.clip(1e-12 * psi)


@dataclass
class Directions:
    """The directions W, the mean, and the tail, if W are not all directions there are."""

    basis: Array
    mean: Array
    tail: Tail | None

    def scores(self, rows: Array) -> Array:
        """Return z of each row."""
        z: Array = (rows - self.mean) @ self.basis.T
        return z

    def tails(self, rows: Array, z: Array) -> Array:
        """Return what the scores of rows leave over."""
        t: Array = rows - self.mean - z @ self.basis
        return t

    def rows(self, z: Array) -> Array:
        """Return the rows of scores, without a tail."""
        x: Array = z @ self.basis + self.mean
        return x

    def log_density_of_tails(self, rows: Array, z: Array) -> Array | float:
        """Return what tails add to the log-density of scores."""
        return 0.0 if self.tail is None else self.tail.log_density(self.tails(rows, z))

    def draw_tails(self, rows: Array, series: Index | None, rng: np.random.Generator) -> Array:
        """Return rows with a tail: drawn, or those of training ``series``."""
        if self.tail is None:
            return rows
        if self.tail.pool is not None:
            return rows + self.tail.pool[series]
        e = rng.standard_normal(rows.shape) * np.sqrt(self.tail.psi)
        with_tail: Array = rows + e - (e @ self.basis.T) @ self.basis
        return with_tail


def fit_directions(
    rows: Array, at_least: int, residual: str | None, reg_covar: float, seed: int
) -> tuple[PCA, Directions]:
    """Fit the leading directions, all of them if there are few cells, and the tail."""
    n, n_cells = rows.shape
    most = max(MOST, at_least)
    if n_cells <= most:
        pca = PCA(svd_solver="covariance_eigh" if n > 1 else "full")
    else:
        pca = PCA(min(most, n), random_state=seed)
    with np.errstate(invalid="ignore", divide="ignore"):  # fractions of no variance at all
        pca.fit(rows)
    if n_cells <= most:
        return pca, Directions(_complete(pca.components_), pca.mean_, None)
    found = Directions(pca.components_, pca.mean_, None)
    if residual is not None:
        tails = found.tails(rows, found.scores(rows))
        found.tail = Tail.fit(tails, found.basis, reg_covar, pool=residual == "bootstrap")
    return pca, found


def _complete(found: Array) -> Array:
    """Take directions without training variance in, so that scores are a rotation."""
    n_missing = found.shape[1] - len(found)
    if not n_missing:
        return found
    # The last right singular vectors span what the others leave over.
    rest = np.linalg.svd(found, full_matrices=True)[2][len(found) :]
    return np.concatenate([found, rest])
