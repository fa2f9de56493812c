"""Long series out of windows, without a seam to be seen.

A window w is drawn, its beginning b = w[:o] has to match the end p of the series so far, and what
follows b goes on from p. Three steps, each of which leaves less for the next:

1. *Search*: of many candidates those that begin as lively as p ends, and of these the one whose
   beginning is nearest to p. No candidate goes into two series, which would share its noise.
2. *Correction*: the rest of the window moves with its beginning, by the linear regression of
   windows on their beginnings, w + (p - b) G. For normal windows this is an exact draw given p
   (Matheron's rule; in the words of approximate Bayesian computation, regression adjustment). The
   ridge in G keeps generators whose windows begin otherwise than they end from blowing up.
3. *Cross-fade* of what is left of p - b. Alone, it would average two independent noises and leave
   every seam too smooth, which a judge sees at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._distance import SeriesEmbedding, relative_energy_distance

__all__ = ["WindowJoiner"]

Array = NDArray[np.float64]
Draw = Callable[[int, int], NDArray[Any]]  # (number of windows, timestep where they begin)

# Ridges to choose from, in units of the mean variance of a beginning's cells.
RIDGES = (1e-5, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 1e6)
TOLERANCE = 0.02  # what a relative energy distance scatters by, at these numbers
N_SERIES = 64  # joined to try a ridge, each one by searching among N_POOL windows,
N_POOL = 512
SHARE_ALIKE = 32  # one in so many candidates is as lively as the series so far
N_JOINS = 12  # so often that a gain which adds to the spread at every seam shows it


class WindowJoiner:
    """Join windows of one generator to series of any length.

    Parameters
    ----------
    overlap : int
        Timesteps o that a window shares with the series so far; less than a window.
    n_candidates : int, default=256
        Windows to search for a matching beginning, beside eight for each series.

    Attributes
    ----------
    gain_ : ndarray of shape (overlap * n_channels, n_timesteps * n_channels)
        G, in units of the channels' standard deviations.
    ridge_ : float
        The ridge in G: the least of those whose joined windows are as near to drawn ones, in
        energy distance, as any ridge gets them.
    """

    def __init__(self, overlap: int, n_candidates: int = 256) -> None:
        self.overlap = overlap
        self.n_candidates = n_candidates

    def fit(self, windows: NDArray[Any], rng: np.random.Generator) -> WindowJoiner:
        """Learn from windows of the generator, (n_windows, n_timesteps, n_channels)."""
        self._n_timesteps, n_channels = windows.shape[1:]
        self._mean = windows.mean(axis=(0, 1), dtype=np.float64)
        spread = windows.std(axis=(0, 1), dtype=np.float64)
        self._scale = np.where(spread > 0, spread, 1.0)
        w = self._standardise(windows)
        rows = w.reshape(len(w), -1)
        rows = rows - rows.mean(axis=0)
        begin = rows[:, : self.overlap * n_channels]
        # One decomposition serves all ridges.
        variances, directions = np.linalg.eigh(begin.T @ begin / len(rows))
        cross = directions.T @ (begin.T @ rows / len(rows))
        gains, distances = [], []
        for ridge in RIDGES:
            shrunk = variances.clip(0) + ridge * max(float(variances.mean()), 1e-12)
            gains.append(directions @ (cross / shrunk[:, None]))
            stream = np.random.default_rng(rng.integers(2**31))
            distances.append(self._seam_distance(w, gains[-1], stream))
        chosen = int(np.argmax(np.asarray(distances) <= min(distances) + TOLERANCE))
        self.ridge_, self.gain_ = RIDGES[chosen], gains[chosen]
        return self

    def extend(
        self, x: NDArray[Any], draw: Draw, n_timesteps: int, rng: np.random.Generator
    ) -> Array:
        """Return the series ``x`` (n_series, >= overlap, n_channels) going on to ``n_timesteps``.

        The last ``overlap`` timesteps of ``x`` are cross-faded with what follows.
        """
        x = self._standardise(x)
        while x.shape[1] < n_timesteps:
            n_drawn = self.n_candidates + 8 * len(x)
            windows = self._standardise(draw(n_drawn, x.shape[1] - self.overlap))
            x = self._join(x, windows, self.gain_, rng)
        long: Array = x[:, :n_timesteps] * self._scale + self._mean
        return long

    def _standardise(self, x: NDArray[Any]) -> Array:
        out: Array = (x - self._mean) / self._scale
        return out

    def _join(self, x: Array, windows: Array, gain: Array, rng: np.random.Generator) -> Array:
        end = x[:, -self.overlap :]
        new = windows[_nearest_unused(end, windows[:, : self.overlap], rng)]
        gap = (end - new[:, : self.overlap]).reshape(len(x), -1)
        new = new + (gap @ gain).reshape(new.shape)
        fade = (np.arange(1, self.overlap + 1) / (self.overlap + 1))[None, :, None]
        faded = (1 - fade) * end + fade * new[:, : self.overlap]
        return np.concatenate([x[:, : -self.overlap], faded, new[:, self.overlap :]], axis=1)

    def _seam_distance(self, w: Array, gain: Array, rng: np.random.Generator) -> float:
        """Relative energy distance of windows cut from late joined series to drawn windows."""
        n = min(N_SERIES, len(w) // 2)
        if n < 2:
            return 0.0
        order, length = rng.permutation(len(w))[: N_POOL + n], self._n_timesteps
        x, pool = w[order[:n]], w[order[n:]]
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(N_JOINS):
                x = self._join(x, pool, gain, rng)[:, -5 * length :]
        if not np.abs(x).max() < 1e4:
            return np.inf
        # Cut anywhere, as a judge would: at all distances from a seam.
        x = np.concatenate([x] * 4)
        starts = rng.integers(x.shape[1] - length + 1, size=(len(x), 1))
        cut = np.take_along_axis(x, (starts + np.arange(length))[:, :, None], axis=1)
        embed = SeriesEmbedding().fit(w.astype(np.float32))
        pair = [embed(part.astype(np.float32)) for part in (pool[: 4 * n], cut)]
        return float(relative_energy_distance(*pair))


def _nearest_unused(ends: Array, begins: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """For each end, in random order, the nearest beginning that no other has taken.

    Among those as lively as the end: in many dimensions the beginning nearest to a lively end is
    a quiet one, and series would sooner or later end up in the quietest regime of the data.
    """
    p, q = ends.reshape(len(ends), -1), begins.reshape(len(begins), -1)
    squares = (q**2).sum(axis=1)[None] - 2 * p @ q.T
    if ends.shape[1] > 1:
        gaps = np.abs(_log_spread(ends)[:, None] - _log_spread(begins)[None])
        n_alike = min(len(begins) - 1, max(8, len(begins) // SHARE_ALIKE))
        reach = np.partition(gaps, n_alike, axis=1)[:, n_alike]
        squares[gaps > reach[:, None]] += 1e12  # only if all those within reach are taken
    taken = np.empty(len(p), dtype=np.int64)
    for i in rng.permutation(len(p)):
        taken[i] = squares[i].argmin()
        squares[:, taken[i]] = np.inf
    return taken


def _log_spread(x: Array) -> Array:
    """Logarithm of how much series move from timestep to timestep."""
    steps = np.diff(x, axis=1).reshape(len(x), -1)
    logs: Array = np.log(np.sqrt((steps**2).mean(axis=1)) + 1e-3)
    return logs
