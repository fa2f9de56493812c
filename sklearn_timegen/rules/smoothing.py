"""Learned from a generator's own draws: how long states last.

A state of the data is an interval of a coordinate. A process that only has the correlation of
states that jump now and then moves in and out of these intervals more often than states change.
So draws are read as a hidden path of states, the cheapest one: a state costs half the squared
distance of the coordinate from its interval, and a change costs ``cost``, which is set so that
states change as often as in training (Viterbi 1967); the ends of intervals move so that each
occurs as often. Of a few states, a change from one to another costs more where it comes too
often, since a normal process does not know which state follows which.

Symbols: ``z`` are the coordinates, ``s`` is the state.

References
----------
A. Viterbi (1967), "Error bounds for convolutional codes and an asymptotically optimum decoding
algorithm", IEEE Transactions on Information Theory 13. https://doi.org/10.1109/TIT.1967.1054010
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

__all__ = ["StateSmoother", "States"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

COSTS = tuple(0.0025 * 1.6**k for k in range(20))
ENOUGH = 0.03  # of the rate of changes, by which draws may exceed it
SHARE = 0.012  # by which no state's share may be off
N_ROUNDS = 6  # of bringing shares back
MOST_FOLLOWED = 10  # states of which it is looked at which follow which
FOLLOWED = 0.04  # of all steps that are others, by chance
N_NUDGES = 2  # the same, where costs have changed a little
N_DEARER = 8  # of making changes dearer that come too often
DEARER = 0.03  # by that, times the logarithm of how much too often
RARELY = 1e-3  # of all steps: changes are no rarer, as far as costs go
FARTHEST = 3.0  # that a coordinate is moved into an interval without an end


class States(NamedTuple):
    """States of a channel, as intervals of its coordinates.

    Each of the first states has a coordinate of its own, on which it is what lies below an end;
    above it, the next one decides. The other states are intervals of the last coordinate.

    Parameters
    ----------
    ends : ndarray of shape (n_states - 1,)
        Where the interval of each ends; that of the last one, nowhere.
    rate : float
        How often they change from one timestep to the next.
    n_apart : int, default=0
        How many states have a coordinate of their own.
    changes : ndarray of shape (n_states, n_states) or None, default=None
        How often each one is followed by each, of all steps that are known; not of those that
        were filled in, or lie beyond the end of a series.
    """

    ends: Array
    rate: float
    n_apart: int = 0
    changes: Array | None = None

    def nearest(self, z: Array) -> Integers:
        """Return the states of coordinates ``(n_series, n_timesteps, n_apart + 1)``."""
        s = self.n_apart + np.searchsorted(self.ends[self.n_apart :], z[:, :, -1])
        for j in reversed(range(self.n_apart)):
            s = np.where(z[:, :, j] <= self.ends[j], j, s)
        return s

    def prices(self, z: Array) -> Array:
        """Return half the squared distance of coordinates from the intervals of each state."""
        last = self.ends[self.n_apart :]
        low, high = np.append(-np.inf, last), np.append(last, np.inf)
        own = [_beyond(-np.inf, end, z[:, :, [j]]) for j, end in self._apart]
        later = [_beyond(end, np.inf, z[:, :, [j]]) for j, end in self._apart]
        prices = [*own, _beyond(low, high, z[:, :, [-1]])]
        for j, price in enumerate(later):
            prices[j + 1 :] = [other + price for other in prices[j + 1 :]]
        return np.concatenate(prices, axis=2)

    def within(self, s: Integers, z: Array) -> Array:
        """Return coordinates that lie in the intervals of states, in the middle if they did not.

        Of coordinates on which a state does not depend, those that there are.
        """
        last = self.ends[self.n_apart :].clip(-FARTHEST, FARTHEST)
        middle = (np.append(-FARTHEST, last) + np.append(last, FARTHEST)) / 2
        moved, now = z.copy(), self.nearest(z)
        left = (s != now) & (s >= self.n_apart)
        moved[:, :, -1][left] = middle[s[left] - self.n_apart]
        for j, end in self._apart:
            below, above = (s == j) & (z[:, :, j] > end), (s > j) & (z[:, :, j] <= end)
            moved[:, :, j][below] = (-FARTHEST + end) / 2
            moved[:, :, j][above] = (end + FARTHEST) / 2
        return moved

    def below(self, shares: Array) -> Array:
        """Return how often each end is not reached, of how often it is asked for."""
        left = shares[self.n_apart :]
        asked = np.append(
            shares[::-1].cumsum()[::-1][: self.n_apart], np.full(len(left), left.sum())
        )
        below = np.append(shares[: self.n_apart], left.cumsum())
        found: Array = (below / np.maximum(asked, 1e-12))[:-1]
        return found

    def moved(self, step: Array) -> States:
        """Return states whose intervals end elsewhere, in the same order."""
        ends = self.ends + step
        ends[self.n_apart :] = np.maximum.accumulate(ends[self.n_apart :])
        return self._replace(ends=ends)

    @property
    def _apart(self) -> list[tuple[int, float]]:
        return list(enumerate(self.ends[: self.n_apart]))


@dataclass
class _Paths:
    """How paths through draws become paths of states: without ``ends``, by the intervals."""

    states: States
    shares: Array  # how often each state occurs in training
    cost: float | Array = 0.0  # of a change, or of each from one state to another
    read: States | None = None  # with other ends, so that states keep their shares

    @classmethod
    def of(cls, states: States, z: Array) -> _Paths:
        return cls(states, _shares(states.nearest(z), len(states.ends) + 1))

    def calibrate(self, z: Array) -> None:
        """Set costs and ends so that paths through draws are as often there, and change."""
        self.cost, self.read = 0.0, None
        self._let_last(z)
        if self.states.changes is not None and 2 < len(self.shares) <= MOST_FOLLOWED:
            self._let_follow(z, self.states.changes)

    def _let_last(self, z: Array) -> None:
        """Set one cost of all changes, so that states last as long."""
        rate = self.states.rate
        if _rate(self.states.nearest(z)) <= (1 + ENOUGH) * rate:
            return
        read = self.states
        for cost in COSTS:
            read, s = self._balanced(z, cost, read)
            if self._off(s) > SHARE or _rate(s) < rate:
                return  # rather too many changes than too many of a state
            self.cost, self.read = cost, read

    def _let_follow(self, z: Array, changes: Array) -> None:
        """Let changes cost more that come too often."""
        n, read = len(self.shares), self.read or self.states
        cost = np.broadcast_to(self.cost, (n, n)) * (1 - np.eye(n))
        s = _cheapest(read.prices(z), self.cost)
        least = np.abs(_changes(s, n) - changes).sum()
        if least <= FOLLOWED:
            return
        for _ in range(N_DEARER):
            too_often = np.log((_changes(s, n) + RARELY) / (changes + RARELY))
            cost = cost + DEARER * too_often
            cost = np.maximum(cost, 0.0) * (1 - np.eye(n))
            read, s = self._balanced(z, cost, read, N_NUDGES)
            off = np.abs(_changes(s, n) - changes).sum()
            if off < least and self._off(s) <= SHARE:
                least, self.cost, self.read = off, cost, read

    def _off(self, s: Integers) -> float:
        return float(np.abs(_shares(s, len(self.shares)) - self.shares).max())

    def _balanced(
        self, z: Array, cost: float | Array, read: States, n_rounds: int = N_ROUNDS
    ) -> tuple[States, Integers]:
        """Move the ends of intervals so that states keep their shares."""
        for _ in range(n_rounds):
            below = read.below(_shares(_cheapest(read.prices(z), cost), len(self.shares)))
            density = np.exp(-(read.ends**2) / 2) / np.sqrt(2 * np.pi)
            step = 0.7 * (read.below(self.shares) - below) / np.maximum(density, 0.05)
            read = read.moved(step.clip(-0.3, 0.3))
        return read, _cheapest(read.prices(z), cost)

    def smoothed(self, z: Array) -> Array:
        """Return coordinates that lie in the intervals of the cheapest path."""
        if self.read is None:
            return z
        return self.states.within(_cheapest(self.read.prices(z), self.cost), z)


def _beyond(low: Any, high: Any, z: Array) -> Array:
    """Return half the squared distance from intervals."""
    distance: Array = np.maximum(np.maximum(low - z, z - high), 0) ** 2 / 2
    return distance


def _cheapest(price: Array, cost: float | Array) -> Integers:
    """Return the cheapest paths of states ``(n_series, n_timesteps)``."""
    n, n_timesteps, n_states = price.shape
    came_from = np.empty((n, n_timesteps, n_states), dtype=np.int16)
    total = price[:, 0]
    for t in range(1, n_timesteps):
        came_from[:, t], total = _last_step(total, cost)
        total = total + price[:, t]
    s = np.empty((n, n_timesteps), dtype=np.int64)
    s[:, -1] = total.argmin(axis=1)
    for t in range(n_timesteps - 1, 0, -1):
        s[:, t - 1] = np.take_along_axis(came_from[:, t], s[:, t, None], axis=1)[:, 0]
    return s


def _last_step(total: Array, cost: float | Array) -> tuple[Integers, Array]:
    """Return from where each state is reached most cheaply, and at which price."""
    if np.ndim(cost) == 2:
        ways = total[:, :, None] + cost
        return ways.argmin(axis=1), ways.min(axis=1)
    # If all changes cost the same: to stay, or to come from wherever it is cheapest.
    cheapest = total.argmin(axis=1)
    least = np.take_along_axis(total, cheapest[:, None], axis=1) + cost
    stays = total <= least
    return np.where(stays, np.arange(total.shape[1]), cheapest[:, None]), np.where(
        stays, total, least
    )


class StateSmoother(BaseEstimator):
    """Let states last as long as in training.

    Parameters
    ----------
    states : dict of tuple of int to States
        By the channels that tell them: intervals, and how often states change.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.smoothing import States, StateSmoother
    >>> rng = np.random.default_rng(0)
    >>> on = np.cumsum(rng.random((300, 24, 1)) < 0.05, axis=1) % 2
    >>> z = np.where(on, 1.0, -1.0) * np.abs(rng.normal(size=on.shape))
    >>> smoother = StateSmoother({(0,): States(np.array([0.0]), 0.05)}).fit(z)
    >>> drawn = z + 0.8 * rng.normal(size=z.shape)
    >>> changes = [(np.diff(x > 0, axis=1) != 0).mean() for x in (z, drawn)]
    >>> smooth = smoother.calibrate(drawn).transform(drawn)
    >>> bool(changes[1] > 3 * changes[0]), bool((np.diff(smooth > 0, axis=1)).mean() < 0.1)
    (True, True)
    """

    n_draws: ClassVar[int] = 1000

    def __init__(self, states: Mapping[tuple[int, ...], States]) -> None:
        self.states = states

    def fit(self, u: NDArray[Any]) -> StateSmoother:
        """Learn how often states occur in training series."""
        self.paths_ = {
            columns: _Paths.of(states, u[:, :, columns].astype(np.float64))
            for columns, states in self.states.items()
        }
        return self

    def calibrate(self, drawn: NDArray[Any]) -> StateSmoother:
        """Learn from series that were drawn what a change has to cost."""
        check_is_fitted(self)
        finite = drawn[np.isfinite(drawn).all(axis=(1, 2))][: self.n_draws]
        for columns, paths in self.paths_.items() if len(finite) else ():
            paths.calibrate(finite[:, :, columns].astype(np.float64))
        return self

    def transform(self, u: NDArray[Any]) -> NDArray[Any]:
        """Return series with the channels' coordinates moved to states that last."""
        check_is_fitted(self)
        changed = [columns for columns, paths in self.paths_.items() if paths.read is not None]
        if not changed:
            return u
        out = u.copy()
        for columns in changed:
            z = u[:, :, columns].astype(np.float64)
            out[:, :, columns] = self.paths_[columns].smoothed(z)
        return out


def _rate(s: Integers) -> float:
    return float((s[:, 1:] != s[:, :-1]).mean()) if s.shape[1] > 1 else 0.0


def _changes(s: Integers, n_states: int) -> Array:
    """Return how often each state is followed by each, beside all steps."""
    pairs = n_states * s[:, :-1] + s[:, 1:]
    return _shares(pairs, n_states**2).reshape(n_states, n_states)


def _shares(s: Integers, n_states: int) -> Array:
    return np.bincount(s.ravel(), minlength=n_states) / s.size
