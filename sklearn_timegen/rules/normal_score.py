"""Flags, codes, counts, and amounts that are often exactly 0: as normal scores.

Symbols: ``F`` is the distribution function of a channel in training, ``z`` its coordinate. A value
that occurs once has ``z = Phi^-1(F(x))``; one that occurs often, a point mass, is an interval
``Phi^-1(F(x-)) <= z <= Phi^-1(F(x))``, in which z is drawn (:mod:`sklearn_timegen.rules.latent`).
On the way back the whole interval is that value: zeros come as often as ``z`` lies below the
threshold, and every value is one that can occur.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri

from sklearn_timegen.rules.clock import Clock
from sklearn_timegen.rules.grid import is_discrete, step_of
from sklearn_timegen.rules.latent import BORDER, draw_between, draw_once, keys_of, salted
from sklearn_timegen.rules.latent_paths import END, estimate_correlation
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, cells
from sklearn_timegen.rules.smoothing import States
from sklearn_timegen.rules.states import rate_of_change

__all__ = ["ATOM", "NormalScore", "own_value"]

Array = NDArray[np.float64]

ATOM = 0.05  # of cells that a value has to make up, to be a point mass among others
N_KNOTS = 1000  # of the distribution function between point masses
RARE = 5  # times at most that the largest of a count occurs, for larger ones to be possible
FARTHEST = 3.0  # beyond training, in multiples of what lies between its median and its end


class NormalScore(Rule):
    """A channel with point masses, or one that never falls below a bound that it touches.

    Parameters
    ----------
    channel : int or str
        The channel.

    Attributes
    ----------
    values_ : ndarray
        The values of training, or a thousand of them.
    correlation_ : float
        Of neighbours in time, of the normal process behind the channel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import find_rules
    >>> rng = np.random.default_rng(0)
    >>> rain = rng.gamma(0.7, 8, size=(200, 28)) * (rng.random((200, 28)) < 0.4)
    >>> find_rules(rain[:, :, None], names=["rain"])
    rain >= 0, and 0 in 61.2%: 5,600 cells, none broken
    """

    kind = "normal score"
    learned = "values_"
    judges_unlearned = False

    def __init__(self, channel: Any) -> None:
        super().__init__(channel)
        self.bound: float | None = None  # below the least value, if it is touched
        self.clock: Clock | None = None  # by which the channel is read, one value at a time
        self.static = False  # whether it has one value a series

    @property
    def REAL_DATA(self) -> Mapping[str, str]:
        """What of training is in a file, if values are more than those that all series share."""
        shared = getattr(self, "_discrete", True)
        return {} if shared else {"values_": f"training values of {self.labels[0]}, in order"}

    # -- what is known --------------------------------------------------------------------

    def learn(self, blocks: Sequence[Block]) -> None:
        key = self.keys[0]
        if self.static:
            blocks = [{key: own_value(block[key])} for block in blocks]
        x = cells(blocks, key) + 0.0  # no negative zero
        values, counts = np.unique(x, return_counts=True)
        self.step_ = step_of(x)
        self._discrete = self._has_few(blocks)
        whole = self.step_ is not None and self._discrete
        self._counts_on = whole and self._goes_on(values, counts)
        often = int(counts.argmax())
        fraction = float(counts[often] / len(x))
        self._often = (float(values[often]), fraction) if fraction >= ATOM else None
        self._floor: float | None = self.bound
        if self._floor is None and (self._discrete or counts[0] >= ATOM * len(x)):
            self._floor = float(values[0])
        self._make_knots(values, counts)
        self._rate = rate_of_change([block[key] for block in blocks])
        self.correlation_ = self._estimate_correlation(blocks)

    def _has_few(self, blocks: Sequence[Block]) -> bool:
        """Whether the values of training are all there are."""
        return is_discrete(blocks, self.keys[0])

    def _goes_on(self, values: Array, counts: NDArray[np.int64]) -> bool:
        """Whether larger values than those of training can occur."""
        return _is_count(values, counts, self.step_ or 1.0)

    def _make_knots(self, values: Array, counts: NDArray[np.int64]) -> None:
        n = counts.sum()
        if self._counts_on:
            values, weights = self._filled(values, counts)
            upper = np.cumsum(weights) / (weights.sum() + 1)
        else:
            weights = counts.astype(np.float64)
            upper = np.cumsum(weights) / weights.sum()
        lower = np.concatenate([[0.0], upper[:-1]])
        kept = slice(None) if self._discrete else _thinned(weights / weights.sum(), values)
        self.values_ = values[kept]
        # Of values that stand for their neighbours, no interval: they are points of a curve.
        middle = (lower + upper) / 2
        mass = weights >= max(2.0, 1e-3 * n) if not self._discrete else np.ones(len(values), bool)
        lower, upper = np.where(mass, lower, middle)[kept], np.where(mass, upper, middle)[kept]
        self._low, self._high = ndtri(lower), ndtri(upper)

    def _filled(self, values: Array, counts: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return all counts between the least and the greatest; unseen ones weigh a half."""
        step = self.step_ or 1.0
        everything = np.arange(round(values[0] / step), round(values[-1] / step) + 1) * step
        weights = np.full(len(everything), 0.5)
        weights[np.rint((values - values[0]) / step).astype(int)] = counts
        # Beyond the greatest, each further step is as much rarer as in the upper tail.
        tail = values >= np.quantile(np.repeat(values, counts), 0.9)
        excess = float(np.average((values[tail] - values[tail][0]) / step, weights=counts[tail]))
        self._ratio = excess / (1 + excess) if excess > 0 else 0.1
        return everything, weights

    def statement(self) -> str:
        label = self.labels[0]
        if not hasattr(self, "values_"):
            return f"{label} has point masses"
        low, high = self.values_[0], self.values_[-1]
        if self._counts_on:
            return f"{label} counts from {low:g} on"
        if self._discrete and len(self.values_) <= 8:
            return f"{label} is one of {', '.join(f'{v:g}' for v in self.values_)}"
        if self._discrete:
            return f"{label} is one of {len(self.values_)} values from {low:g} to {high:g}"
        if not self.of_data:
            return f"{label} {self._of_coordinate()}"
        bound = "" if self._floor is None else f" >= {self._floor:g}"
        if self._often is None:
            return f"{label}{bound}" if bound else f"{label} is distributed as in training"
        value, fraction = self._often
        return f"{label}{bound}{', and' if bound else ' is'} {value:g} in {fraction:.1%}"

    def _of_coordinate(self) -> str:
        """Say what is kept of a coordinate, whose values, such as logarithms, tell nobody much."""
        if self._often is None:
            return "is distributed as in training"
        value, fraction = self._often
        which = "its least value" if value == self._floor else "one and the same value"
        return f"has {which} in {fraction:.1%}"

    def broken(self, block: Block) -> Mask:
        x = block[self.keys[0]]
        mask: Mask = np.zeros(x.shape, dtype=bool)
        if self._floor is not None:
            mask |= x < self._floor - 1.2e-7 * abs(self._floor)  # rounded to float32
        if self._counts_on:
            step = self.step_ or 1.0
            mask |= np.abs(x - np.rint(x / step) * step) > 1e-6 * np.abs(x)
        elif self._discrete:
            near = self._nearest(x)
            mask |= np.abs(x - near) > 1e-6 * np.maximum(np.abs(near), 1e-30)
        return mask

    def _nearest(self, x: Array) -> Array:
        between = (self.values_[1:] + self.values_[:-1]) / 2
        return self.values_[np.searchsorted(between, x)]

    # -- coordinates ----------------------------------------------------------------------

    def encode(self, block: Block) -> Block:
        x = block[self.keys[0]]
        z = self._drawn(x, block.values() if self.static else ())
        missing = np.isnan(own_value(x) if self.static else x)
        if missing.any():
            z = np.where(missing, np.nan, z)
        return {**block, self.keys[0]: z if self.clock is None else self.clock.held(z, "first")}

    def _drawn(self, x: Array, columns: Collection[Array]) -> Array:
        """Draw the process behind values by a hash of columns; without any, of the intervals."""
        a, b = self._interval(own_value(x) if self.static else x)
        keys = keys_of(columns or [a, b], self.keys[0])
        if self.static:
            return np.broadcast_to(draw_once(a, b, keys), x.shape)
        return draw_between(a, b, self.correlation_, keys)

    def decode(self, block: Block) -> Block:
        z = block[self.keys[0]]
        if self.static:
            z = np.broadcast_to(z.mean(axis=1, keepdims=True), z.shape)
        if self.clock is not None:
            z = self.clock.held(z, "mean")
        if self._discrete:
            x = self.values_[np.searchsorted(self._high[:-1], z)]
            if self._counts_on:
                x = x + self._beyond(z) * (self.step_ or 1.0)
        else:
            x = self._quantile(z)
        return {**block, self.keys[0]: x}

    def score_columns(self) -> dict[Key, bool]:
        """Return the coordinates of which values are intervals, and whether each is static."""
        # What is read at some timesteps only would have to be held between them. Of amounts, what
        # goes with how large they are need not go with whether there is any.
        apart = self.clock is not None or not self._discrete
        return {} if apart else {self.keys[0]: self.static}

    def intervals(self, key: Key, scores: Block) -> tuple[Array, Array]:
        """Return between which scores all stand for the same value; z itself of other values."""
        z = scores[key]
        low, high = self._finite(self._low), self._finite(self._high)
        k = np.searchsorted(high, z).clip(0, len(high) - 1)
        inside = (low[k] <= z) & (z <= high[k])
        return np.where(inside, low[k], z), np.where(inside, high[k], z)

    def scores_of(self, x: Array, scores: Block, keys: NDArray[np.uint64]) -> Block:
        """Return scores of values, one a series: those that stand for the value anyway.

        Others are drawn by the series' ``keys``.
        """
        key = self.keys[0]
        a, b = self._interval(x)
        fits = (a + BORDER < scores[key]) & (scores[key] < b - BORDER)
        return {key: np.where(fits, scores[key], draw_once(a, b, salted(keys, key)))}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        x = block[self.keys[0]]
        if self._counts_on:
            step = self.step_ or 1.0
            allowed = np.maximum(np.rint(x / step) * step, self.values_[0])
        elif self._discrete:
            allowed = self._nearest(x)
        else:
            allowed = x if self._floor is None else np.maximum(x, self._floor)
        return {**block, self.keys[0]: np.where(known[self.keys[0]], x, allowed)}

    @property
    def columns(self) -> list[Key]:
        """The coordinates that stand for the channel."""
        return [self.keys[0]]

    @property
    def states(self) -> States | None:
        """What is known of the values, if they are a few that come and go."""
        lasting = self._discrete and not (self._counts_on or self.static or self.clock)
        if not lasting or len(self.values_) < 2:
            return None
        return States(self._high[:-1], self._rate)

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, self.keys[0]: "free"}

    def log_slope(self, block: Block) -> Array:
        if self._discrete or (self._high - self._low > 0).any():
            raise TypeError(
                f"{self.labels[0]} has values that occur with a probability of their own, and no "
                "density: fit with rules=None for a density of numbers"
            )
        x = block[self.keys[0]]
        slope = np.gradient(self._high, self.values_)
        at = np.interp(x, self.values_, np.log(np.maximum(slope, 1e-30)))
        total: Array = np.nansum(at, axis=1)
        return total

    def interval(self, block: Block) -> tuple[Array, Array]:
        """Return where the normal process behind the channel of a block may be."""
        return self._interval(block[self.keys[0]])

    def _interval(self, x: Array) -> tuple[Array, Array]:
        """Return where the normal process behind each value may be: of missing ones, anywhere."""
        missing = np.isnan(x)
        if missing.any():
            a, b = self._interval(np.where(missing, self.values_[0], x))
            return np.where(missing, -END, a), np.where(missing, END, b)
        if self._discrete:
            k = np.searchsorted(self.values_, self._nearest(x))
            return self._finite(self._low[k]), self._finite(self._high[k])
        z = self._score(x)
        k = np.searchsorted(self.values_, x).clip(0, len(self.values_) - 1)
        exact = self.values_[k] == x
        return (
            np.where(exact, self._finite(self._low[k]), z),
            np.where(exact, self._finite(self._high[k]), z),
        )

    def _finite(self, z: Array) -> Array:
        # Where the outermost value ends is nowhere: eight standard deviations are enough.
        return z.clip(-END, END)

    def _knots(self) -> tuple[Array, Array]:
        """Return scores and values of the quantile function, twice for a point mass."""
        z = np.stack([self._finite(self._low), self._finite(self._high)], axis=1).ravel()
        return z, np.repeat(self.values_, 2)

    def _score(self, x: Array) -> Array:
        """Return the scores of values between point masses, or beyond all of them."""
        k = np.searchsorted(self.values_, x).clip(1, len(self.values_) - 1)
        # Between two values: from the end of the lower one's interval to the next one's start.
        v0, v1 = self.values_[k - 1], self.values_[k]
        z0, z1 = self._finite(self._high[k - 1]), self._finite(self._low[k])
        score: Array = z0 + (z1 - z0) * ((x - v0) / (v1 - v0)).clip(0, 1)
        for (_, value, slope), sign in zip(self._ends(), (-1, 1), strict=True):
            score += sign * (sign * (x - value)).clip(0, None) / slope
        return score

    def _quantile(self, z: Array) -> Array:
        """Return the values of scores; beyond training, in the slopes of its ends."""
        knots, values = self._knots()
        x: Array = np.interp(z, knots, values)
        middle = np.median(values)
        for (end, value, slope), sign in zip(self._ends(), (-1, 1), strict=True):
            beyond = (sign * (z - end)).clip(0, None) * slope
            x += sign * np.minimum(beyond, FARTHEST * abs(value - middle))
        return x if self._floor is None else np.maximum(x, self._floor)

    def _ends(self) -> list[tuple[float, float, float]]:
        """Return score and value of the least and the greatest, and the slopes there.

        Behind a point mass, or a bound, there is nothing.
        """
        z = (self._finite(self._low) + self._finite(self._high)) / 2
        last = len(z) - 1
        first = int(np.searchsorted(z, min(1.3, z[-1] - 0.5)).clip(0, last - 1))
        final = int(np.searchsorted(z, max(-1.3, z[0] + 0.5)).clip(1, last))
        start = float(self._finite(self._low)[0]) if self._floor is None else -END
        end = float(self._finite(self._high)[-1])
        return [
            (start, float(self.values_[0]), _slope(self.values_, z, 0, final)),
            (end, float(self.values_[-1]), _slope(self.values_, z, first, last)),
        ]

    def _beyond(self, z: Array) -> Array:
        """Return by how many steps a count exceeds the greatest of training."""
        end = self._high[-1]
        with np.errstate(divide="ignore"):
            rarer = log_ndtr(-z) - log_ndtr(-end)
        steps = np.floor(rarer / np.log(self._ratio)) + 1
        furthest = np.floor(FARTHEST * max(1.0, len(self.values_) / 2))
        beyond: Array = np.where(z > end, steps.clip(1, furthest), 0.0)
        return beyond

    def _estimate_correlation(self, blocks: Sequence[Block]) -> float:
        longest = max(blocks, key=lambda block: block[self.keys[0]].size)
        column = longest[self.keys[0]]
        a, b = self._interval(column)
        if not ((b > a) & ~np.isnan(column)).any():
            return 0.0
        if len(a) < 20 and a.shape[1] > 200:  # one long series: a few thousand steps are enough
            a, b = a[:, :5000], b[:, :5000]
        return estimate_correlation(a, b)


def own_value(x: Array) -> Array:
    """Return the one value of each series ``(n_series, 1)``; NaN where there is none."""
    first = np.isfinite(x).argmax(axis=1)
    own: Array = x[np.arange(len(x)), first][:, None]
    return own


def _slope(values: Array, z: Array, i: int, j: int) -> float:
    """Return by how much values rise with their scores between two of them."""
    width = float(z[j] - z[i])
    return float(values[j] - values[i]) / width if width > 0 else 1.0


def _thinned(weights: Array, values: Array) -> NDArray[np.int64]:
    """Return the indices of the values that are kept: frequent ones, and a thousand others."""
    if len(values) <= N_KNOTS:
        return np.arange(len(values))
    frequent = np.flatnonzero(weights >= 1e-3)
    even = np.linspace(0, len(values) - 1, N_KNOTS).round().astype(np.int64)
    return np.unique(np.concatenate([frequent, even]))


def _is_count(values: Array, counts: NDArray[np.int64], step: float) -> bool:
    """Whether values go on upwards, rarer and rarer: then larger ones can occur."""
    if len(values) < 4 or values[0] < 0:
        return False
    n_unseen = (values[-1] - values[0]) / step + 1 - len(values)
    return bool(counts[-1] <= RARE and n_unseen <= len(values) and counts[-1] < 0.1 * counts.max())
