"""Mixtures of normals that can be conditioned, drawn from and evaluated.

Symbols: z is what is drawn, c the vectors that it is given, if there are any. The mixture of J
normals is one over (c, z) then; given c, it is a mixture of J normals again, whose weights and
means depend on c.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from sklearn_timegen.data.conditions import groups_of

__all__ = ["NormalMixture", "by_class", "choose_normals", "fit_normals", "log_normal", "pick"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

N_STARTS = 3


def by_class(
    c: NDArray[Any] | None, n_samples: int, is_vector: bool
) -> list[tuple[int, Index, Any]]:
    """Each class, its rows, and the vectors that these are given, if there are any."""
    groups = groups_of(c, n_samples, is_vector)
    vectors = c if is_vector else None
    parts = [(int(key), np.flatnonzero(groups == key)) for key in np.unique(groups)]
    return [(key, rows, None if vectors is None else vectors[rows]) for key, rows in parts]


def choose_normals(
    draws: Array, most: float, reg_covar: float, seed: int, n_conditions: int = 0
) -> GaussianMixture:
    """Fit mixtures of 1, 2, 4, ... normals, at most ``most``, as long as the BIC improves.

    ``draws`` has the shape (n_series, n_draws, n_dims). The draws of a series are not
    independent: the criterion is that of one draw a series, averaged over the draws. One start
    may end in a local optimum, so that a size is given up after several.

    Of mixtures over (c, z) it is the likelihood of z given c, its first ``n_conditions`` columns:
    how c itself is distributed, as few hours of a day, nobody is going to ask, and normals that
    are spent on it would be many.
    """
    rows = draws.reshape(-1, draws.shape[2])
    best, best_bic, size = None, np.inf, 1
    while size == 1 or size <= most:
        for start in range(N_STARTS):
            mixture = fit_normals(rows, size, reg_covar, seed + start)
            each = [_bic(mixture, draws[:, k], n_conditions) for k in range(draws.shape[1])]
            bic = float(np.mean(each))
            if best is None or bic < best_bic:
                break
        else:
            break
        best, best_bic, size = mixture, bic, 2 * size
    return best


def _bic(mixture: GaussianMixture, rows: Array, n_conditions: int) -> float:
    """Return the criterion of the columns behind the conditions, given these."""
    if n_conditions == 0:
        return float(mixture.bic(rows))
    c, z = rows[:, :n_conditions], rows[:, n_conditions:]
    log_likelihood = NormalMixture(mixture, n_conditions).log_density(z, c).sum()
    d, given = rows.shape[1], n_conditions
    n_each = d * (d + 3) / 2 - given * (given + 3) / 2
    n_parameters = mixture.n_components * (1 + n_each) - 1
    return float(-2 * log_likelihood + n_parameters * np.log(len(rows)))


def fit_normals(rows: Array, size: int, reg_covar: float, seed: int) -> GaussianMixture:
    """Fit a mixture of ``size`` normals."""
    if len(rows) == 1:  # scikit-learn asks for two
        rows = np.repeat(rows, 2, axis=0)
    mixture = GaussianMixture(size, reg_covar=reg_covar, random_state=seed)
    # Rows are numpy's by now; with dispatch, scikit-learn's mixture refuses its own default.
    # One thread: of matrices of 20 columns, others only wait for each other.
    alone = threadpool_limits(1, user_api="blas")
    with alone, config_context(array_api_dispatch=False), warnings.catch_warnings():
        # A start among equal rows has fewer distinct clusters, and the last step of a
        # likelihood that hardly rises any more is good enough to draw from.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(rows)


@dataclass
class NormalMixture:
    """A fitted mixture over (c, z), of which c are the first ``n_conditions`` columns."""

    mixture: GaussianMixture
    n_conditions: int = 0

    def draw(
        self, n_samples: int, c: NDArray[Any] | None, rng: np.random.Generator
    ) -> tuple[Array, Index]:
        """Draw z, and return which normal each came from, too."""
        log_weight, mean, factor = self.given(c, n_samples)
        which = pick(log_weight, rng)
        noise = rng.standard_normal(mean.shape[::2])
        z = mean[np.arange(n_samples), which]
        for j in np.unique(which):
            z[which == j] += noise[which == j] @ factor[j].T
        return z, which

    def log_terms(self, z: Array, c: NDArray[Any] | None) -> tuple[Array, Array]:
        """Log-weight given c, and log-density of z, under each normal; both (n, J)."""
        log_weight, mean, factor = self.given(c, len(z))
        log_weight = log_weight - logsumexp(log_weight, axis=1, keepdims=True)
        terms = np.empty(log_weight.shape)
        for j in range(terms.shape[1]):
            standard = np.linalg.solve(factor[j], (z - mean[:, j]).T)
            log_det = np.log(np.diag(factor[j])).sum()
            terms[:, j] = log_normal((standard**2).sum(axis=0), z.shape[1]) - log_det
        return log_weight, terms

    def log_density(self, z: Array, c: NDArray[Any] | None) -> Array:
        """log p(z), or log p(z | c)."""
        log_weight, terms = self.log_terms(z, c)
        density: Array = logsumexp(log_weight + terms, axis=1)
        return density

    def given(self, c: NDArray[Any] | None, n_samples: int) -> tuple[Array, Array, Array]:
        """Log-weights (n, J), means (n, J, K) and Cholesky factors (J, K, K), given ``c``."""
        means, covariances = self.mixture.means_, self.mixture.covariances_
        log_weight = np.log(self.mixture.weights_ + 1e-300)
        m = self.n_conditions
        if c is None:
            shape = (n_samples, *means.shape)
            return (
                np.broadcast_to(log_weight, shape[:2]),
                np.broadcast_to(means, shape),
                np.linalg.cholesky(covariances),
            )
        weights = np.empty((n_samples, len(means)))
        centres = np.empty((n_samples, len(means), means.shape[1] - m))
        factors = np.empty((len(means), means.shape[1] - m, means.shape[1] - m))
        for j, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
            gap = c - mean[:m]
            slope = np.linalg.solve(covariance[:m, :m], covariance[:m, m:])
            square = (gap * np.linalg.solve(covariance[:m, :m], gap.T).T).sum(axis=1)
            log_det = np.linalg.slogdet(covariance[:m, :m])[1]
            weights[:, j] = log_weight[j] + log_normal(square, m) - log_det / 2
            centres[:, j] = mean[m:] + gap @ slope
            rest = covariance[m:, m:] - covariance[m:, :m] @ slope
            factors[j] = np.linalg.cholesky((rest + rest.T) / 2)
        return weights, centres, factors


def pick(log_weight: Array, rng: np.random.Generator) -> Index:
    """Draw a column for each row of log-weights, which need not sum to 1."""
    responsibility = np.exp(log_weight - logsumexp(log_weight, axis=1, keepdims=True))
    which = (responsibility.cumsum(axis=1) < rng.random((len(log_weight), 1))).sum(axis=1)
    column: Index = which.clip(0, responsibility.shape[1] - 1)
    return column


def log_normal(square: Array, n_dims: int) -> Array:
    """Log-density of a standard normal at squared distance ``square`` from its mean."""
    return -0.5 * (square + n_dims * np.log(2 * np.pi))
