"""Distances between two samples of series: as wholes, along lines, cell by cell, and spread.

Where series are compared as wholes, they are flattened, and every channel is divided by its
spread in the real series.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._checks import Interval
from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._rows import (
    effective_number,
    fine_bandwidth,
    flat_rows,
    gaussian_kernel,
    median_distance,
)
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.metrics._common import Array, check_limit, subset
from sklearn_timegen.metrics._reading import complete_pair, read_pair

__all__ = ["effective_sample_ratio", "marginal_difference", "mmd", "sliced_wasserstein"]

BANDWIDTHS = Interval(Real, 1e-100, 1e100, closed="both")  # whose squares float64 holds
WIDEST, N_BANDWIDTHS = 4.0, 5  # times the median distance, each next one half as wide
N_ROWS = 1000  # of a block of the kernel matrix


def mmd(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    bandwidth: float | None = None,
    max_samples: int | None = 5000,
    random_state: RandomState = None,
) -> float:
    """Return the squared maximum mean discrepancy, estimated without bias.

    ``E k(x, x') + E k(s, s') - 2 E k(x, s)`` with k the mean of five Gaussian kernels
    ``exp(-d^2 / (2 h^2))`` whose bandwidths h are 1/4 to 4 times the median distance between
    real series. Lower is better; 0 on average for a perfect sample, a little above or below by
    chance (hence negative values), at most 2. It sees every kind of difference, but levels
    dominate distances between windows: it is a mild judge of fine structure.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.
    bandwidth : float or None, default=None
        One bandwidth h, in units of the channels' spread, in place of the five.
    max_samples : int or None, default=5000
        At most so many series of each are used: time and memory grow with the square.
    random_state : int, RandomState, Generator or None, default=None
        Seed of that choice.

    Returns
    -------
    mmd : float
        The squared discrepancy.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, one has fewer than two series, or
        ``bandwidth`` is not positive.

    References
    ----------
    A. Gretton, K. Borgwardt, M. Rasch, B. Schoelkopf and A. Smola (2012), "A kernel two-sample
    test", Journal of Machine Learning Research 13. https://jmlr.org/papers/v13/gretton12a.html

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import mmd
    >>> x = np.random.default_rng(0).normal(size=(600, 4))
    >>> round(mmd(x[:300], x[300:]), 2), round(mmd(x[:300], x[300:] + 5), 1)
    (0.0, 0.8)
    """
    real, synthetic = complete_pair(X_real, X_synthetic)
    if bandwidth is not None and not BANDWIDTHS.is_satisfied_by(bandwidth):
        raise ValueError(f"bandwidth must be a positive number, got {bandwidth!r}")
    _check_pairs(real, synthetic)
    max_samples = check_limit(max_samples)
    rng = np.random.default_rng(draw_seed(random_state))
    x, s = (subset(rows, max_samples, rng) for rows in flat_rows(real, synthetic))
    n_kernels = N_BANDWIDTHS if bandwidth is None else 1
    widest = bandwidth or WIDEST * median_distance(subset(x, N_ROWS, rng))
    sums = {}
    for (i, a), (j, b) in combinations_with_replacement(enumerate((x, s)), 2):
        blocks = (a[k : k + N_ROWS] for k in range(0, len(a), N_ROWS))
        sums[i, j] = sum(float(_kernel(block, b, widest, n_kernels).sum()) for block in blocks)
    n, m = len(x), len(s)
    # A series is no pair with itself, where k is 1.
    within = (sums[0, 0] - n) / (n * (n - 1)) + (sums[1, 1] - m) / (m * (m - 1))
    return within - 2 * sums[0, 1] / (n * m)


def sliced_wasserstein(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    n_projections: int = 200,
    random_state: RandomState = None,
) -> float:
    """Return the sliced Wasserstein-2 distance.

    Both samples are projected onto random lines; the distance is the root of the mean squared
    Wasserstein-2 distance of the projections, by POT. Range [0, inf) in units of the channels'
    spread, lower is better. A perfect sample is above 0 by chance, by about
    ``n_samples^(-1/2)``. A random line mixes all cells, so that what is wrong with a few of
    them hardly shows.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.
    n_projections : int, default=200
        Number of lines.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the lines.

    Returns
    -------
    distance : float
        The distance.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike.

    References
    ----------
    N. Bonneel, J. Rabin, G. Peyre and H. Pfister (2015), "Sliced and Radon Wasserstein
    barycenters of measures", Journal of Mathematical Imaging and Vision 51.
    https://doi.org/10.1007/s10851-014-0506-3

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import sliced_wasserstein
    >>> x = np.random.default_rng(0).normal(size=(300, 1))
    >>> round(sliced_wasserstein(x, x + 2 * x.std(), random_state=0), 6)
    2.0
    """
    import ot

    real, synthetic = complete_pair(X_real, X_synthetic)
    n_projections = check_count(n_projections, "n_projections")
    seed = derive_seed(draw_seed(random_state), "lines")
    x, s = flat_rows(real, synthetic)
    return float(ot.sliced_wasserstein_distance(x, s, n_projections=n_projections, seed=seed))


def marginal_difference(X_real: ArrayLike, X_synthetic: ArrayLike, *, n_bins: int = 20) -> float:
    """Return how far the distributions of single cells are apart, on average over cells.

    Each cell (timestep, channel) is binned at the quantiles of its real values, with a bin on
    either side for what lies outside their range and bins of their own for values that occur
    often; the score is the mean total variation distance of the histograms. Range [0, 1], lower is
    better, 1 if all synthetic values lie outside the range of the real ones. It is above 0 for a
    perfect sample, by about ``0.4 sqrt(n_bins (1 / n + 1 / m))``: read it beside its floor.
    Dependence in time or between channels does not count at all.

    Unlike the published marginal distribution difference, mass outside the range of the real
    values counts, and bins hold equal shares, so that a heavy tail does not empty them.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.
    n_bins : int, default=20
        Bins within the range of the real values; at most one for every 5 of them is used.

    Returns
    -------
    difference : float
        Mean total variation distance.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike.

    References
    ----------
    Y. Ang, Q. Huang, Y. Bao, A. Tung and Z. Huang (2023), "TSGBench: time series generation
    benchmark", Proceedings of the VLDB Endowment 17. https://arxiv.org/abs/2309.03755

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import marginal_difference
    >>> x = np.random.default_rng(0).normal(size=(200, 12))
    >>> marginal_difference(x, x + 100), marginal_difference(x, x)
    (1.0, 0.0)
    """
    real, synthetic = read_pair(X_real, X_synthetic)
    n_bins = check_count(n_bins, "n_bins")
    cells = real.reshape(len(real), -1).T, synthetic.reshape(len(synthetic), -1).T
    total = weights = 0.0
    for both in zip(*cells, strict=True):
        x, s = (values[np.isfinite(values)] for values in both)
        # Cells that are rarely observed, as those of late timesteps, say little.
        weight = len(x) / len(real) + len(s) / len(synthetic)
        total += weight * _total_variation(x, s, min(n_bins, max(1, len(x) // 5)))
        weights += weight
    return total / weights


def effective_sample_ratio(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    max_samples: int | None = 1000,
    random_state: RandomState = None,
) -> float:
    """Return the effective number of distinct synthetic series, beside that of real ones.

    The effective number is the Vendi score: the exponential of the entropy of the eigenvalues of
    the kernel matrix over n, for a Gaussian kernel whose bandwidth is a quarter of the median
    distance between real series. K groups of equal series, far apart, score K. The ratio is
    taken for equal numbers of both. 1 is best: a perfect sample scores about 1, a collapsed
    generator ``1 / n``; above 1, the series are more diverse than real ones, as noise is.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; equal numbers are used.
    max_samples : int or None, default=1000
        At most so many series of each are used: time grows with the cube.
    random_state : int, RandomState, Generator or None, default=None
        Seed of that choice.

    Returns
    -------
    ratio : float
        The ratio.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or one has fewer than two series.

    References
    ----------
    D. Friedman and A. Dieng (2023), "The Vendi score: a diversity evaluation metric for machine
    learning", Transactions on Machine Learning Research. https://arxiv.org/abs/2210.02410

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import effective_sample_ratio
    >>> x = np.random.default_rng(0).normal(size=(200, 12))
    >>> collapsed = np.repeat(x[:1], 200, axis=0)
    >>> bool(effective_sample_ratio(x, collapsed) < 0.02)
    True
    """
    real, synthetic = complete_pair(X_real, X_synthetic)
    _check_pairs(real, synthetic)
    max_samples = check_limit(max_samples)
    rng = np.random.default_rng(draw_seed(random_state))
    n = min(len(real), len(synthetic), max_samples or len(real))
    x, s = (subset(rows, n, rng) for rows in flat_rows(real, synthetic))
    h = fine_bandwidth(x)
    return effective_number(s, h) / effective_number(x, h)


def _check_pairs(real: Array, synthetic: Array) -> None:
    if min(len(real), len(synthetic)) < 2:
        raise ValueError(
            f"{len(real)} real and {len(synthetic)} synthetic series: a distance between "
            "samples needs pairs, at least 2 of each"
        )


def _kernel(a: Array, b: Array, widest: float, n_kernels: int = 1) -> Array:
    """Mean of Gaussian kernels, of which each has half the bandwidth of the one before."""
    k = gaussian_kernel(a, b, widest)
    total = k.copy()
    for _ in range(n_kernels - 1):
        k **= 2  # half the bandwidth is the fourth power, which costs less than an exponential
        k **= 2
        total += k
    return total / n_kernels


def _total_variation(x: Array, s: Array, n_bins: int) -> float:
    """Distance of the histograms of two samples of numbers; 1 if one of them is empty."""
    if not len(x) or not len(s):
        return float(len(x) != len(s))
    cuts = _cuts(x, n_bins)
    return float(np.abs(_fractions(x, cuts) - _fractions(s, cuts)).sum()) / 2


def _cuts(values: Array, n_bins: int) -> Array:
    """Limits of bins that hold equal shares of the values, and of those that occur often.

    Limits lie between values, and bins around single ones are as wide as float32 is exact, in
    which samples come.
    """
    ordered = np.sort(values)
    n = len(ordered)
    distinct, counts = np.unique(ordered, return_counts=True)
    slack = max(1e-6 * float(np.abs(ordered[[0, -1]]).max()), 1e-30)
    heavy = distinct[counts >= max(2, n / (2 * n_bins))]
    ranks = np.arange(1, n_bins) * n // n_bins
    # Equal values are not parted: the limit lies below all of them.
    right = np.searchsorted(distinct, ordered[ranks])
    right = right[right > 0]
    between = (distinct[right - 1] + distinct[right]) / 2
    ends = np.array([ordered[0] - slack, ordered[-1] + slack])
    return np.unique(np.concatenate([ends, between, heavy - slack, heavy + slack]))


def _fractions(values: Array, cuts: Array) -> Array:
    """Fraction of the values in each bin, and of those below and above all."""
    return np.bincount(np.searchsorted(cuts, values), minlength=len(cuts) + 1) / len(values)
