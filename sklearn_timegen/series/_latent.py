"""Normal scores of categories and point masses, drawn given the other scores of a series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.latent import truncated_normals

__all__ = ["draw_scores"]

Array = NDArray[np.float64]
N_ROUNDS = 20
RIDGE = 1.0  # series' worth of no dependence, beside those that there are


def draw_scores(low: Array, high: Array, rng: np.random.Generator) -> Array:
    """Return scores within intervals, as dependent on each other as the values behind them.

    Scores that are drawn evenly within their intervals know nothing of the others, and a model
    fitted to them takes a level for less dependent on a category than it is. So each column is
    drawn in turn from its normal regression on the others, cut to the intervals: data
    augmentation for a multivariate probit model.

    Parameters
    ----------
    low, high : ndarray of shape (n_series, n_columns)
        The ends of the intervals; equal where a score is known.
    rng : Generator
        The stream of random numbers.

    Returns
    -------
    scores : ndarray of shape (n_series, n_columns)
        The scores.

    References
    ----------
    J. Albert and S. Chib (1993), "Bayesian analysis of binary and polychotomous response data",
    Journal of the American Statistical Association 88.
    https://doi.org/10.1080/01621459.1993.10476321

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.series._latent import draw_scores
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=500)
    >>> large = x > 0
    >>> low = np.column_stack([x, np.where(large, 0.0, -8.0)])
    >>> high = np.column_stack([x, np.where(large, 8.0, 0.0)])
    >>> bool(np.corrcoef(draw_scores(low, high, rng).T)[0, 1] > 0.9)
    True
    """
    scores = truncated_normals(0.0, 1.0, low, high, rng.random(low.shape))
    drawn = np.flatnonzero((low < high).any(axis=0))
    for _ in range(N_ROUNDS if low.shape[1] > 1 else 0):
        for j in drawn:
            others = np.delete(scores, j, axis=1)
            others = np.column_stack([np.ones(len(others)), others])
            penalty = RIDGE * np.eye(others.shape[1])
            slopes = np.linalg.solve(others.T @ others + penalty, others.T @ scores[:, j])
            mean = others @ slopes
            spread = max(float(np.std(scores[:, j] - mean)), 1e-3)
            among = np.flatnonzero(low[:, j] < high[:, j])
            u, ends = rng.random(len(among)), (low[among, j], high[among, j])
            scores[among, j] = truncated_normals(mean[among], spread, *ends, u)
    return scores
