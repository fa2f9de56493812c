"""How many timesteps a window has, if nobody says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["are_windows", "choose_window", "memory_of", "season_of"]

Array = NDArray[np.float64]
DEFAULT = 24  # timesteps, where neither a season nor a memory asks for more
LEAST = 8
MOST = 96  # timesteps for the sake of memory; seasons may ask for more
MOST_CELLS = 1000  # whose covariances a mixture can be fitted to in seconds
N_APART = 8  # windows that do not overlap, of which there have to be as many
FEWEST = 30  # series that are windows themselves
N_READ = 200  # series whose autocorrelation is looked at


def choose_window(series: list[Array], n_lost: int, period: int) -> int:
    """Return a window for series ``(n_timesteps, n_channels)``, NaN where values are missing.

    Two seasons, so that half a window, which is what joined windows share, knows the phase; or
    one, where the data do not carry two. Without a season, twice as long as the series remember,
    and no less than 24. Never longer than the shortest series, and of no more cells than a
    mixture is fitted to in seconds.

    Parameters
    ----------
    series : list of ndarray
        The series.
    n_lost : int
        Timesteps at the beginning of each that no window has.
    period : int
        The season, 1 where the frequency tells none.

    Returns
    -------
    window : int
        Its timesteps.
    """
    lengths = [len(x) - n_lost for x in series]
    season = period if period > 1 else season_of(series)
    carried = max(LEAST, min(sum(lengths) // N_APART, MOST_CELLS // series[0].shape[1]))
    if season > 1:
        fitting = [n for n in (2 * season, season) if n <= carried]
        asked = fitting[0] if fitting else carried
    else:
        asked = min(max(DEFAULT, 2 * memory_of(series)), MOST, carried)
    return max(2, min(asked, *lengths))


def are_windows(series: list[Array]) -> bool:
    """Whether series are short and many, so that each of them is a window of its own.

    Their lengths are then learned with them, and nothing has to be joined.
    """
    longest = max(map(len, series))
    cells = longest * series[0].shape[1]
    return len(series) >= FEWEST and 2 <= longest <= MOST and cells <= MOST_CELLS


def season_of(series: list[Array]) -> int:
    """Return the lag of the highest peak of the autocorrelation, or 1 where none stands out."""
    rho = _autocorrelation(series)
    if len(rho) < 4:
        return 1
    is_peak = (rho[1:-1] > rho[:-2]) & (rho[1:-1] >= rho[2:])
    # What comes before the first valley is memory, and no season.
    falls = np.flatnonzero(rho < 0.1)
    first = falls[0] if len(falls) else len(rho)
    lags = np.flatnonzero(is_peak) + 1
    lags = lags[(lags > first) & (rho[lags] > 0.3)]
    if not len(lags):
        return 1
    # Of multiples of a season, the first is the season.
    return int(lags[rho[lags] >= 0.9 * rho[lags].max()][0])


def memory_of(series: list[Array]) -> int:
    """Return the lag from which on the autocorrelation is below one tenth."""
    rho = _autocorrelation(series)
    below = np.flatnonzero(rho < 0.1)
    return int(below[0]) if len(below) else len(rho)


def _autocorrelation(series: list[Array]) -> Array:
    """Return the autocorrelation of all series, and of their channels, on average.

    At lags up to a third of the median length; around the mean of each series.
    """
    series = [x for x in series[:N_READ] if len(x) > 3]
    if not series:
        return np.ones(1)
    n_lags = max(2, int(np.median([len(x) for x in series])) // 3)
    total = np.zeros((n_lags, series[0].shape[1]))
    for x in series:
        known = np.isfinite(x)
        mean = np.where(known, x, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        z = np.where(known, x - mean, 0.0)
        power = np.abs(np.fft.rfft(z, 2 * len(z), axis=0)) ** 2
        products = np.fft.irfft(power, axis=0)[: min(n_lags, len(z))]
        total[: len(products)] += products
    moving = total[0] > 0
    if not moving.any():
        return np.ones(1)
    rho: Array = (total[:, moving] / total[0, moving]).mean(axis=1)
    return rho
