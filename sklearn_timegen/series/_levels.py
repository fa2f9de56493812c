"""Where a series stands, if series stand farther apart than chance would have it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["Levels"]

Array = NDArray[np.float64]
ALPHA = 1e-3  # of the test for differences, of which there is one for each coordinate
FEWEST = 8  # timesteps of a series, before the means of its halves say anything


class Levels:
    """Coordinates whose mean belongs to a series: what is around it, and the mean beside it.

    What a generator gets wrong is then a part of how much a series moves, and not of how far
    series stand apart; and as it sees the mean in each window, the movement may hang on it. That
    goes for whatever the coordinate is: the price of a shop, or how often it rains at a station,
    as a normal score. That means differ is tested against how much
    those of the two halves of a series do (an F test, which needs no independence of timesteps).

    Attributes
    ----------
    columns_ : list of int
        The coordinates that have a level.
    """

    def fit(self, series: list[Array], static: list[int]) -> Levels:
        """Learn which coordinates have a level, of series ``(n_timesteps, n_coordinates)``."""
        self.columns_: list[int] = []
        long = [x for x in series if len(x) >= FEWEST]
        if len(long) < 2:
            return self
        halves = np.stack(
            [[x[: len(x) // 2].mean(axis=0), x[len(x) // 2 :].mean(axis=0)] for x in long]
        )
        means, gaps = halves.mean(axis=1), halves[:, 0] - halves[:, 1]
        between = means.var(axis=0, ddof=1)
        within = np.mean(gaps**2, axis=0) / 4
        n = len(long)
        for k in range(series[0].shape[1]):
            if k in static or not between[k] > 0:
                continue
            ratio = between[k] / within[k] if within[k] > 0 else np.inf
            if stats.f.sf(ratio, n - 1, n) < ALPHA:
                self.columns_.append(k)
        return self

    def of(self, series: list[Array]) -> Array:
        """Return the level of each series in each of the columns."""
        return np.stack([x[:, self.columns_].mean(axis=0) for x in series])

    def apart(self, series: list[Array], levels: Array) -> list[Array]:
        """Return series around their levels, which are further, constant coordinates."""
        if not self.columns_:
            return series
        found = []
        for x, level in zip(series, levels, strict=True):
            around = x.copy()
            around[:, self.columns_] -= level
            found.append(np.column_stack([around, np.broadcast_to(level, (len(x), len(level)))]))
        return found

    def together(self, x: Array, level: Array) -> Array:
        """Return a series at its level, of what is around it, and of the level beside it."""
        if not self.columns_:
            return x
        whole = x[:, : x.shape[1] - len(self.columns_)].copy()
        whole[:, self.columns_] += level
        return whole
