"""Channels that are read on a grid and stand still between readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

__all__ = ["GridSnapper"]

Array = NDArray[np.float64]

_FEWEST = 100  # readings, before anything can be said about a grid
_STILL = 0.05  # share of increments that are exactly 0: 0.001 in stock prices, 0.07 on in sensors
_ROUNDING = 4e-6  # of a channel's largest value: what a representation loses on the way and back
_N_SERIES = 5000  # are enough to know the increments
_N_KNOTS = 200
_N_PATHS = 500  # that the steps are learned from
_N_ROUNDS = 6


@dataclass
class _Grid:
    """The values of one channel, and how far it goes from one to the next."""

    values: Array  # ascending
    between: Array  # borders of what is nearest to each
    by_share: Array  # borders that leave each value its share: nearer to the rarer one
    steps: Array  # quantiles of the increments
    reach: float
    wishes: Array  # increments that a path would make to be on a series; the knots of ``steps``
    beyond: float  # distance of values beyond the outermost ones, which are none if it is 0

    def nearest(self, x: Array) -> Array:
        found: Array = self.values[np.searchsorted(self.between, x)]
        return found + self._beyond(x) if self.beyond else found

    def first(self, x: Array) -> Array:
        """Return the values in which paths begin, each as often as it occurs."""
        found: Array = self.values[np.searchsorted(self.by_share, x)]
        return found + self._beyond(x) if self.beyond else found

    def _beyond(self, x: Array) -> Array:
        """Return how far values lie beyond the outermost ones, in whole steps."""
        over = np.rint((x - self.values[-1]).clip(min=0) / self.beyond)
        under = np.rint((self.values[0] - x).clip(min=0) / self.beyond)
        steps: Array = (over - under) * self.beyond
        return steps

    def step(self, wish: Array) -> Array:
        """Return the increment of the same rank; beyond the knots, the wish but for its shift."""
        inside = wish.clip(self.wishes[0], self.wishes[-1])
        taken: Array = np.interp(inside, self.wishes, self.steps) + (wish - inside)
        return taken


class GridSnapper(TransformerMixin, BaseEstimator):
    """Bring series of quantised channels back to the values that occur, standing still as often.

    Counts, readings in tens, sensors of a few decimals: their values repeat, and from one timestep
    to the next they often do not change at all. No network draws exact values, and a judge
    needs one look at the increments. Series go to a network as they are; what comes back
    becomes a path over the observed values that follows it: begin at the value of the same rank,
    then ``y[t] = y[t-1] + q(x[t] - y[t-1])``, to the nearest value. The monotone q, one for each
    channel, has a dead band and gives the increments the distribution that they have in
    training. What it has left over is made up for by the next steps, so that y never drifts
    away from x. Paths on the grid already (to rounding) are kept, so that real series come back.

    How wide the band has to be depends on how a generator's paths move, which ``calibrate`` is
    shown; until then, q is the identity and values are only brought to the nearest.

    A channel is on a grid if 5% of its increments are exactly 0, or its values are fewer than a
    tenth of the series; and if, its most common value left out, a quarter of its readings occur
    twice or more. With fewer than 100 readings none is. Readings are the values at one timestep,
    or where there are fewer than 100 series all but those that repeat the last one: in overlapping
    windows, every value occurs several times.

    Parameters
    ----------
    channels : sequence of int or None, default=None
        The channels that are looked at; ``None`` is all.
    beyond : bool, default=False
        Whether paths that lie beyond the values of training go on there, in steps of the median
        distance between these; else they stay at the outermost.

    Attributes
    ----------
    grids_ : dict of int to object
        What is known of each channel that is on a grid; ``values`` are those of training.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import GridSnapper
    >>> rng = np.random.default_rng(0)
    >>> path = rng.normal(size=(300, 24, 2)).cumsum(axis=1).astype(np.float32)
    >>> readings = path.copy()
    >>> readings[:, :, 0] = np.round(path[:, :, 0] / 2) * 2
    >>> snapper = GridSnapper().fit(readings)
    >>> sorted(snapper.grids_)
    [0]
    >>> back = snapper.transform(path)
    >>> bool((back[:, :, 0] % 2 == 0).all()), np.array_equal(back[:, :, 1], path[:, :, 1])
    (True, True)
    """

    n_draws: ClassVar[int] = _N_PATHS

    @property
    def channels_(self) -> list[int]:
        """The channels that are on a grid."""
        return list(self.grids_)

    def __init__(self, channels: Sequence[int] | None = None, *, beyond: bool = False) -> None:
        self.channels = channels
        self.beyond = beyond

    def fit(self, x: NDArray[Any], y: Any = None) -> GridSnapper:
        channels = range(x.shape[2]) if self.channels is None else self.channels
        found = [d for d in channels if _on_grid(x[:, :, d])]
        self.grids_ = {d: _make_grid(x[:, :, d], beyond=self.beyond) for d in found}
        return self

    def calibrate(self, paths: NDArray[Any]) -> GridSnapper:
        """Learn q from what a generator draws, before it is snapped.

        Parameters
        ----------
        paths : ndarray of shape (n_samples, n_timesteps, n_channels)
            Series as ``transform`` will be given them: 100 at least, 500 at most are used.

        Returns
        -------
        self : GridSnapper
            With other steps.
        """
        check_is_fitted(self)
        finite = np.isfinite(paths).all(axis=(1, 2))
        if paths.shape[1] < 2 or finite.sum() < _FEWEST:
            return self
        paths = paths[finite][:_N_PATHS]
        for d, grid in self.grids_.items():
            path = paths[:, :, d].astype(np.float64)
            # What a path wishes for depends on where the steps before have left it.
            for k in range(_N_ROUNDS):
                wishes = _quantiles(_follow(grid, path)[1])
                grid.wishes = wishes if k == 0 else (grid.wishes + wishes) / 2
        return self

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        return self._each(x, None)

    def complete(self, x: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
        """Return series with readings where they are not ``known``, and as they are where so."""
        return self._each(x, known)

    def _each(self, x: NDArray[Any], known: NDArray[np.bool_] | None) -> NDArray[Any]:
        check_is_fitted(self)
        if not self.grids_:
            return x
        out = x.copy()
        for d, grid in self.grids_.items():
            path = x[:, :, d].astype(np.float64)
            # What is not finite stays so, or nobody would learn that a generator has diverged.
            finite = np.isfinite(path).all(axis=1)
            path = path[finite]
            if known is not None:
                out[finite, :, d] = _follow(grid, path, known[finite][:, :, d])[0]
                continue
            snapped = grid.nearest(path)
            beside = np.abs(snapped - path) > _ROUNDING * grid.reach
            off = beside.any(axis=1)
            # A value that is on the grid already may be one that has to be: a bound, a known zero.
            snapped[off] = np.where(beside[off], _follow(grid, path[off])[0], snapped[off])
            out[finite, :, d] = snapped
        return out


def _on_grid(x: NDArray[Any]) -> bool:
    if x.shape[1] > 2:  # series that occur twice, in data that were resampled, tell of no grid
        x = x[list({row.tobytes(): i for i, row in enumerate(x)}.values())]
    if x.size < _FEWEST:
        return False
    still = x.shape[1] > 1 and np.mean(x[:, 1:] == x[:, :-1]) >= _STILL
    many = len(x) >= _FEWEST
    if not (still or many):
        return False
    readings = [x[:, t] for t in {0, x.shape[1] // 2, x.shape[1] - 1}]
    if not many:  # what is held is read once
        read = np.concatenate([np.ones((len(x), 1), bool), x[:, 1:] != x[:, :-1]], axis=1)
        readings = [x[read]]
    counts = max((np.unique(r, return_counts=True)[1] for r in readings), key=len)
    rest = np.delete(counts, counts.argmax())
    repeated = rest[rest > 1].sum() > 0.25 * rest.sum()
    return bool(repeated and (still or len(counts) < len(x) / 10))


def _make_grid(x: NDArray[Any], *, beyond: bool) -> _Grid:
    found, counts = np.unique(x, return_counts=True)
    values = found.astype(np.float64)
    gaps = np.diff(values)
    some = x[:: -(-len(x) // _N_SERIES)].astype(np.float64)
    steps = _quantiles(np.diff(some, axis=1)) if x.shape[1] > 1 else np.zeros(1)
    return _Grid(
        values=values,
        between=values[:-1] + gaps / 2,
        by_share=values[:-1] + gaps * counts[:-1] / (counts[:-1] + counts[1:]),
        steps=steps,
        reach=float(np.abs(values).max()),
        wishes=steps,
        beyond=float(np.median(gaps)) if beyond and len(gaps) else 0.0,
    )


def _quantiles(x: Array) -> Array:
    levels = (np.arange(_N_KNOTS) + 0.5) / _N_KNOTS
    quantiles: Array = np.quantile(x, levels, method="hazen")
    return quantiles


def _follow(
    grid: _Grid, path: Array, known: NDArray[np.bool_] | None = None
) -> tuple[Array, Array]:
    """Return paths over the values of the grid, and the increments that they would have made.

    Where paths are known, they are as they are.
    """
    y = np.empty_like(path)
    known = np.zeros(path.shape, dtype=bool) if known is None else known
    wishes = np.empty((len(path), path.shape[1] - 1))
    y[:, 0] = np.where(known[:, 0], path[:, 0], grid.first(path[:, 0]))
    for t in range(1, path.shape[1]):
        wishes[:, t - 1] = path[:, t] - y[:, t - 1]
        new = grid.nearest(y[:, t - 1] + grid.step(wishes[:, t - 1]))
        y[:, t] = np.where(known[:, t], path[:, t], new)
    return y, wishes
