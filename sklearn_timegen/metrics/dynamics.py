"""How series move: autocorrelation, cross-correlation, spectrum, skewness and kurtosis.

Each compares one statistic of two samples and is 0 if that statistic agrees, whatever else
differs: a set of such numbers describes, it does not prove.
"""

from __future__ import annotations

import numpy as np
import scipy.signal
import scipy.stats
from numpy.typing import ArrayLike

from sklearn_timegen._rows import channel_scale
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._reading import complete_pair, mean, read_pair

__all__ = [
    "autocorrelation",
    "autocorrelation_difference",
    "correlational_score",
    "cross_correlation_difference",
    "kurtosis_difference",
    "skewness_difference",
    "spectral_distance",
]


def autocorrelation_difference(
    X_real: ArrayLike, X_synthetic: ArrayLike, *, max_lag: int | None = None
) -> float:
    r"""Return the mean absolute difference of the autocorrelations.

    ``mean over channels d and lags k = 1..K of |rho_real(k, d) - rho_synthetic(k, d)|`` with
    ``rho(k) = E[(x_t - m)(x_{t+k} - m)] / E[(x_t - m)^2]``, m the sample's mean of the channel.
    Lower is better; a perfect sample is above 0 by chance only, and a constant channel has no
    autocorrelation (0 at every lag).

    It lies where levels differ between windows: the level then dominates, every rho is near 1,
    and fine structure does not count. Compare increments too: pass ``np.diff(X, axis=1)``.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.
    max_lag : int or None, default=None
        K; ``None`` is ``n_timesteps - 1``.

    Returns
    -------
    difference : float
        The mean absolute difference; 0 for series of one timestep.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or ``max_lag`` is not below
        ``n_timesteps``.

    References
    ----------
    M. Wiese, R. Knobloch, R. Korn and P. Kretschmer (2020), "Quant GANs: deep generation of
    financial time series", Quantitative Finance 20. https://arxiv.org/abs/1907.06673

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.datasets import make_ar
    >>> from sklearn_timegen.metrics import autocorrelation_difference
    >>> ar = make_ar(500, 24, coefficients=(0.9,), random_state=0)
    >>> noise = np.random.default_rng(0).normal(size=ar.shape)
    >>> round(autocorrelation_difference(ar, noise, max_lag=1), 1)
    0.9
    """
    real, synthetic = read_pair(X_real, X_synthetic)
    n_timesteps = real.shape[1]
    if n_timesteps == 1:
        return 0.0
    lags = n_timesteps - 1 if max_lag is None else check_count(max_lag, "max_lag")
    if lags >= n_timesteps:
        raise ValueError(f"max_lag={max_lag} must be below the {n_timesteps} timesteps")
    gap = autocorrelation(real, lags) - autocorrelation(synthetic, lags)
    return float(np.abs(gap[1:]).mean())


def autocorrelation(x: Array, max_lag: int) -> Array:
    """Return the pooled autocorrelation of 3-d series, of shape (max_lag + 1, n_channels).

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_timesteps, n_channels)
        One sample of series.
    max_lag : int
        The last lag; below ``n_timesteps``.

    Returns
    -------
    rho : ndarray of shape (max_lag + 1, n_channels)
        1 at lag 0; 0 at all lags of a constant channel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import autocorrelation
    >>> x = np.array([1.0, -1.0, 1.0, -1.0]).reshape(1, 4, 1)
    >>> autocorrelation(x, 2)[:, 0]
    array([ 1., -1.,  1.])
    """
    centred = _centred(x)
    n_timesteps = x.shape[1]
    products = [
        mean(centred[:, : n_timesteps - k] * centred[:, k:], axis=(0, 1))
        for k in range(max_lag + 1)
    ]
    return _divided(np.stack(products), products[0])


def cross_correlation_difference(X_real: ArrayLike, X_synthetic: ArrayLike) -> float:
    """Return the mean absolute difference of the channels' correlations, over the pairs.

    Correlations are taken at the same timestep, pooled over series and timesteps. Range [0, 2],
    lower is better, comparable between data sets; 0 by definition for one channel. It sees
    linear dependence at lag 0 only.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.

    Returns
    -------
    difference : float
        The mean over all pairs of channels.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike.

    See Also
    --------
    correlational_score : As published: a sum, not a mean.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import cross_correlation_difference
    >>> one = np.random.default_rng(0).normal(size=(100, 10, 1))
    >>> same, opposite = np.concatenate([one, one], axis=2), np.concatenate([one, -one], axis=2)
    >>> round(cross_correlation_difference(same, opposite), 3)
    2.0
    """
    gaps = _correlation_gaps(X_real, X_synthetic)
    return float(gaps.mean()) if len(gaps) else 0.0


def correlational_score(X_real: ArrayLike, X_synthetic: ArrayLike) -> float:
    """Return the correlational score as published: a tenth of the sum over pairs of channels.

    ``1/10 sum over i < j of |r_real(i, j) - r_synthetic(i, j)|``. Lower is better; 0 by
    definition for one channel. It grows with the square of the number of channels: compare
    generators on one data set, never data sets.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.

    Returns
    -------
    score : float
        The score.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike.

    See Also
    --------
    cross_correlation_difference : The mean over the pairs.

    References
    ----------
    S. Liao, H. Ni, L. Szpruch, M. Wiese, M. Sabate-Vidales and B. Xiao (2020), "Conditional
    Sig-Wasserstein GANs for time series generation". https://arxiv.org/abs/2006.05421

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import correlational_score
    >>> one = np.random.default_rng(0).normal(size=(100, 10, 1))
    >>> same, opposite = np.concatenate([one, one], axis=2), np.concatenate([one, -one], axis=2)
    >>> round(correlational_score(same, opposite), 3)
    0.2
    """
    return float(_correlation_gaps(X_real, X_synthetic).sum()) / 10


def spectral_distance(X_real: ArrayLike, X_synthetic: ArrayLike) -> float:
    """Return the log-spectral distance of the mean periodograms, in decibels.

    ``mean over channels of sqrt(mean over frequencies of (10 log10 P_real / P_synthetic)^2)``
    with P the mean periodogram of windows whose own mean is subtracted. 0 is best: a perfect
    sample is above it by chance only. A synthetic channel that is k times too large scores
    ``|20 log10 k|``. Power below 1e-6 of the larger mean power of a channel counts as that,
    which bounds the distance where one spectrum is empty; two empty ones agree.

    It sees variances and autocorrelations, at all frequencies alike: the fine scale weighs as
    much as the coarse one. It does not see levels, dependence between channels, nor phases.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.

    Returns
    -------
    distance : float
        In decibels; 0 for series of one timestep.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike.

    References
    ----------
    A. Gray and J. Markel (1976), "Distance measures for speech processing", IEEE Transactions on
    Acoustics, Speech, and Signal Processing 24. https://doi.org/10.1109/TASSP.1976.1162849

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import spectral_distance
    >>> x = np.random.default_rng(0).normal(size=(50, 24))
    >>> round(spectral_distance(x, 10 * x), 3)
    20.0
    """
    real, synthetic = complete_pair(X_real, X_synthetic)
    if real.shape[1] == 1:
        return 0.0
    scale = channel_scale(real)
    power = [
        scipy.signal.periodogram(x / scale, axis=1, detrend="constant")[1].mean(axis=0)[1:]
        for x in (real, synthetic)
    ]
    least = 1e-6 * np.maximum(power[0].mean(axis=0), power[1].mean(axis=0)) + 1e-30
    decibels = 10 * np.log10(np.maximum(power[0], least) / np.maximum(power[1], least))
    return float(np.sqrt((decibels**2).mean(axis=0)).mean())


def skewness_difference(X_real: ArrayLike, X_synthetic: ArrayLike) -> float:
    """Return the mean over channels of the absolute difference in skewness.

    The skewness of a channel is that of all its values, ``E[(x - m)^3] / s^3``; a constant
    channel has 0. Lower is better. Third moments are noisy under heavy tails: read it beside
    its floor only.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.

    Returns
    -------
    difference : float
        The mean absolute difference.

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
    >>> from sklearn_timegen.metrics import skewness_difference
    >>> x = np.random.default_rng(0).exponential(size=(2000, 24))  # skewness 2
    >>> bool(abs(skewness_difference(x, -x) - 4) < 0.2)
    True
    """
    return _moment_difference(X_real, X_synthetic, 3)


def kurtosis_difference(X_real: ArrayLike, X_synthetic: ArrayLike) -> float:
    """Return the mean over channels of the absolute difference in kurtosis.

    The kurtosis of a channel is that of all its values, ``E[(x - m)^4] / s^4``; a constant
    channel has 3. Lower is better. Fourth moments are noisy under heavy tails: read it beside
    its floor only.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.

    Returns
    -------
    difference : float
        The mean absolute difference.

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
    >>> from sklearn_timegen.metrics import kurtosis_difference
    >>> normal = np.random.default_rng(0).normal(size=(2000, 24))  # 3
    >>> uniform = np.random.default_rng(0).uniform(size=(2000, 24))  # 9 / 5
    >>> bool(abs(kurtosis_difference(normal, uniform) - 1.2) < 0.05)
    True
    """
    return _moment_difference(X_real, X_synthetic, 4)


def _centred(x: Array) -> Array:
    """Subtract each channel's mean; what varies by rounding only becomes an exact zero."""
    high, low = (over.reduce(x, axis=(0, 1)) for over in (np.fmax, np.fmin))
    varies = high - low > 1e-9 * np.maximum(np.abs(low), np.abs(high))
    return (x - mean(x, axis=(0, 1))) * varies


def _divided(a: Array, b: Array) -> Array:
    """Divide, with 0 / 0 = 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def _correlation_gaps(X_real: ArrayLike, X_synthetic: ArrayLike) -> Array:
    """Absolute differences of the correlations of all pairs of channels."""
    correlations = []
    for x in read_pair(X_real, X_synthetic):
        flat = _centred(x).reshape(-1, x.shape[2])
        observed = np.isfinite(flat).astype(np.float64)
        flat = np.where(observed, flat, 0.0)
        # Means over the timesteps at which both were observed, times the number of all.
        covariance = flat.T @ flat * (len(flat) / np.maximum(observed.T @ observed, 1))
        spread = np.sqrt(np.diag(covariance))
        correlations.append(_divided(covariance, np.outer(spread, spread)))
    pairs = np.triu_indices(len(correlations[0]), k=1)
    return np.abs(correlations[0][pairs] - correlations[1][pairs])


def _moment_difference(X_real: ArrayLike, X_synthetic: ArrayLike, order: int) -> float:
    moments = []
    for x in read_pair(X_real, X_synthetic):
        centred = _centred(x).reshape(-1, x.shape[2])
        variance = mean(centred**2, axis=0)
        gaussian = 0.0 if order == 3 else 3.0
        standardised = centred / np.sqrt(np.where(variance > 0, variance, 1.0))
        moments.append(np.where(variance > 0, mean(standardised**order, axis=0), gaussian))
    return float(np.abs(moments[0] - moments[1]).mean())
