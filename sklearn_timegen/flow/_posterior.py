"""What known values say of a whole series while it flows out of noise.

Symbols: v is a represented series, x = g(v) the series itself, M its known cells with values y,
and v_t a point of the path, with kappa = (alpha / sigma)^2. The network estimates E[v | v_t];
wanted is E[v | v_t, y]. Were series normal with covariance C, then given v_t they would be normal
with covariance C_t = (C^-1 + kappa I)^-1, and the estimate would be moved by the Kalman gain
K_t = Cov(v, x_M) Cov(x_M)^-1 under C_t: that is what is done, for the network's estimate and the
true g. For normal series and a linear g it is exact.

C and g enter by an ensemble of the flow's own samples (as in the ensemble Kalman filter): with
anomalies A of v and B of x, C = A'A and C_t = A'WA with W = (I + kappa A A')^-1, which one
singular value decomposition of A makes diagonal for every t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ensemble"]

Array = NDArray[np.float64]
RIDGE = 1e-4  # of the variance of a known cell: keeps what is known twice from blowing up


@dataclass
class Ensemble:
    """Joint covariances of represented series and of series, under noise of any size.

    Attributes
    ----------
    of_v : ndarray of shape (rank, n_v)
        Singular directions of the anomalies of v, times their singular values.
    of_x : ndarray of shape (rank, n_x)
        The anomalies of x, in units of ``scale``, in the same coordinates.
    variances : ndarray of shape (rank,)
        Squared singular values.
    scale : ndarray of shape (n_x,)
        Standard deviations of the cells of x; 0 where a cell never varies.
    """

    of_v: Array
    of_x: Array
    variances: Array
    scale: Array

    @classmethod
    def of(cls, v: NDArray[np.float32], x: NDArray[np.float32]) -> Ensemble:
        """Learn from samples, represented and not, each a row."""
        rows_v, rows_x = (a.reshape(len(a), -1).astype(np.float64) for a in (v, x))
        rows_x = rows_x - rows_x.mean(axis=0)
        scale = rows_x.std(axis=0)
        scale[scale < 1e-6 * max(float(scale.max()), 1e-30)] = 0.0
        rows_x = np.where(scale > 0, rows_x / np.where(scale > 0, scale, 1.0), 0.0)
        share = np.sqrt(max(len(rows_v) - 1, 1))
        u, s, directions = np.linalg.svd(
            (rows_v - rows_v.mean(axis=0)) / share, full_matrices=False
        )
        kept = s > 1e-6 * max(float(s[0]), 1e-30)
        u, s, directions = u[:, kept], s[kept], directions[kept]
        return cls(s[:, None] * directions, u.T @ (rows_x / share), s**2, scale)

    def usable(self, known: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return which of the known cells say anything: those that vary."""
        return np.flatnonzero(known.ravel() & (self.scale > 0))

    def gain(self, cells: NDArray[np.int64], kappa: float) -> tuple[Array, Array]:
        """Return what a unit of innovation in ``cells`` moves v by, and x (in its own units).

        Returns
        -------
        K_v : ndarray of shape (n_cells, n_v)
        K_x : ndarray of shape (n_cells, n_x)
            Innovations multiply them from the left.
        """
        weight = 1 / (1 + kappa * self.variances)
        seen = self.of_x[:, cells]
        weighted = seen * weight[:, None]
        covariance = seen.T @ weighted
        variance = np.maximum(np.diag(covariance), 1e-12 * covariance.trace() + 1e-300)
        covariance[np.diag_indices_from(covariance)] += RIDGE * variance
        both = np.concatenate([weighted.T @ self.of_v, weighted.T @ self.of_x], axis=1)
        # Innovations come in units of x, and what they move x by goes back into them.
        gains = np.linalg.solve(covariance, both) / self.scale[cells][:, None]
        n_v = self.of_v.shape[1]
        return gains[:, :n_v], gains[:, n_v:] * self.scale
