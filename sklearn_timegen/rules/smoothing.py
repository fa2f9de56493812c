"""Learned from a generator's own draws: how long states last.

A state of the data is an interval of a coordinate. A process that only has the correlation of
states that jump now and then moves in and out of these intervals more often than states change.
So draws are read as a hidden path of states, the cheapest one: a state costs half the squared
distance of the coordinate from its interval, and a change costs ``cost``, which is set so that
states change as often as in training (Viterbi 1967); the ends of intervals move so that each
occurs as often.

Symbols: ``z`` is the coordinate, ``s`` the state.

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
FARTHEST = 3.0  # that a coordinate is moved into an interval without an end


class States(NamedTuple):
    """States of a channel, as intervals of its coordinate.

    Parameters
    ----------
    ends : ndarray of shape (n_states,)
        Where the interval of each ends; that of the last one, nowhere.
    rate : float
        How often they change from one timestep to the next.
    """

    ends: Array
    rate: float


@dataclass
class _Paths:
    """How paths through draws become paths of states: without ``ends``, by the intervals."""

    states: States
    shares: Array  # how often each state occurs in training
    cost: float = 0.0
    ends: Array | None = None  # of the intervals, moved so that states keep their shares

    @classmethod
    def of(cls, states: States, z: Array) -> _Paths:
        paths = cls(states, np.zeros(0))
        paths.shares = _shares(paths.nearest(z), len(states.ends))
        return paths

    def nearest(self, z: Array) -> Integers:
        found: Integers = np.searchsorted(self.states.ends[:-1], z)
        return found

    def calibrate(self, z: Array) -> None:
        """Set cost and ends so that paths through draws are as often there, and change."""
        self.cost, self.ends = 0.0, None
        rate = self.states.rate
        if _rate(self.nearest(z)) <= (1 + ENOUGH) * rate:
            return
        ends = self.states.ends[:-1]
        for cost in COSTS:
            ends, s = self._balanced(z, cost, ends)
            off = np.abs(_shares(s, len(self.shares)) - self.shares).max()
            if off > SHARE or _rate(s) < rate:
                return  # rather too many changes than too many of a state
            self.cost, self.ends = cost, ends

    def _balanced(self, z: Array, cost: float, ends: Array) -> tuple[Array, Integers]:
        """Move the ends of intervals so that states keep their shares."""
        target = np.cumsum(self.shares)[:-1]
        for _ in range(N_ROUNDS):
            below = np.cumsum(_shares(_cheapest(z, cost, ends), len(ends) + 1))[:-1]
            density = np.exp(-(ends**2) / 2) / np.sqrt(2 * np.pi)
            step = 0.7 * (target - below) / np.maximum(density, 0.05)
            ends = np.maximum.accumulate(ends + step.clip(-0.3, 0.3))
        return ends, _cheapest(z, cost, ends)

    def smoothed(self, z: Array) -> Array:
        """Return coordinates that lie in the intervals of the cheapest path."""
        if self.ends is None:
            return z
        s, now = _cheapest(z, self.cost, self.ends), self.nearest(z)
        ends = self.states.ends[:-1].clip(-FARTHEST, FARTHEST)
        middle = (np.append(-FARTHEST, ends) + np.append(ends, FARTHEST)) / 2
        return np.where(s == now, z, middle[s])


def _cheapest(z: Array, cost: float, ends: Array) -> Integers:
    """Return the cheapest paths of states ``(n_series, n_timesteps)``."""
    low, high = np.append(-np.inf, ends), np.append(ends, np.inf)
    price = np.maximum(np.maximum(low - z[:, :, None], z[:, :, None] - high), 0) ** 2 / 2
    n, n_timesteps, n_states = price.shape
    came_from = np.empty((n, n_timesteps, n_states), dtype=np.int16)
    total = price[:, 0]
    for t in range(1, n_timesteps):
        # To stay, or to come from wherever it is cheapest.
        cheapest = total.argmin(axis=1)
        least = np.take_along_axis(total, cheapest[:, None], axis=1) + cost
        stays = total <= least
        came_from[:, t] = np.where(stays, np.arange(n_states), cheapest[:, None])
        total = np.where(stays, total, least) + price[:, t]
    s = np.empty((n, n_timesteps), dtype=np.int64)
    s[:, -1] = total.argmin(axis=1)
    for t in range(n_timesteps - 1, 0, -1):
        s[:, t - 1] = np.take_along_axis(came_from[:, t], s[:, t, None], axis=1)[:, 0]
    return s


class StateSmoother(BaseEstimator):
    """Let states last as long as in training.

    Parameters
    ----------
    states : dict of int to States
        What is known of each channel: intervals, and how often states change.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.smoothing import States, StateSmoother
    >>> rng = np.random.default_rng(0)
    >>> on = np.cumsum(rng.random((300, 24, 1)) < 0.05, axis=1) % 2
    >>> z = np.where(on, 1.0, -1.0) * np.abs(rng.normal(size=on.shape))
    >>> states = States(np.array([0.0, np.inf]), 0.05)
    >>> smoother = StateSmoother({0: states}).fit(z)
    >>> drawn = z + 0.8 * rng.normal(size=z.shape)
    >>> changes = [(np.diff(x > 0, axis=1) != 0).mean() for x in (z, drawn)]
    >>> smooth = smoother.calibrate(drawn).transform(drawn)
    >>> bool(changes[1] > 3 * changes[0]), bool((np.diff(smooth > 0, axis=1)).mean() < 0.1)
    (True, True)
    """

    n_draws: ClassVar[int] = 500

    def __init__(self, states: Mapping[int, States]) -> None:
        self.states = states

    def fit(self, u: NDArray[Any]) -> StateSmoother:
        """Learn how often states occur in training series."""
        self.paths_ = {
            d: _Paths.of(states, u[:, :, d].astype(np.float64))
            for d, states in self.states.items()
        }
        return self

    def calibrate(self, drawn: NDArray[Any]) -> StateSmoother:
        """Learn from series that were drawn what a change has to cost."""
        check_is_fitted(self)
        finite = drawn[np.isfinite(drawn).all(axis=(1, 2))][: self.n_draws]
        for d, paths in self.paths_.items() if len(finite) else ():
            paths.calibrate(finite[:, :, d].astype(np.float64))
        return self

    def transform(self, u: NDArray[Any]) -> NDArray[Any]:
        """Return series with the channels' coordinates moved to states that last."""
        check_is_fitted(self)
        changed = [d for d, paths in self.paths_.items() if paths.ends is not None]
        if not changed:
            return u
        out = u.copy()
        for d in changed:
            out[:, :, d] = self.paths_[d].smoothed(u[:, :, d].astype(np.float64))
        return out


def _rate(s: Integers) -> float:
    return float((s[:, 1:] != s[:, :-1]).mean()) if s.shape[1] > 1 else 0.0


def _shares(s: Integers, n_states: int) -> Array:
    return np.bincount(s.ravel(), minlength=n_states) / s.size
