r"""Channels in an order of which one goes on where another ended: a day opens near the last close.

Symbols: ``y`` are the channels, or their logarithms where they move in proportion to their height
above a floor; ``a`` is the one that goes on, ``b`` the one that it goes on from, ``l`` and ``h``
the lowest and the highest of all. The coordinates are the gaps ``g_t = y_a[t] - y_b[t - 1]``, the
range ``w = y_h - y_l`` and the positions in it, and where ``a`` begins, a column that is constant
along time. Of these ``y_l = y_a - p_a w``, and the others follow.

Written as levels, a gap is the small difference of large ones, and lost in what a generator gets
wrong of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from sklearn_timegen._shifted_log import ShiftedLog
from sklearn_timegen.rules.distance import Distance
from sklearn_timegen.rules.order import LEVEL, Order, as_position, from_position
from sklearn_timegen.rules.order_finding import find_orders
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, cells, channel_of

__all__ = ["Succession", "find_successions"]

Array = NDArray[np.float64]

BEGINNING = "beginning"
BEND = 3.0  # median gaps, where their scale bends from a straight line to a logarithm
LARGEST = 30.0  # of a gap's coordinate: more is no number any more
FEWEST = 200  # gaps, before anything is said of them
APART = 0.25  # rank correlation of gaps and moves beside them, from which a goes on from no b
USUAL = 0.95  # quantile of gaps, up to which one is no surprise


class Succession(Order):
    """Channels in ascending order of which one goes on where another ended a timestep before.

    Prices are an example: a day opens near the last close, and both are between its low and its
    high. It restricts nothing beyond the order. Its coordinates have no density, and belong to
    windows: whole series would drift. Generators with a network do not look for it by themselves.

    Parameters
    ----------
    low : int or str
        The channel that is below all others.
    inner : tuple of int or str
        Those between.
    high : int or str
        The channel that is above all others.
    follows : (int or str, int or str)
        Of those between, the one that goes on, and the one that it goes on from.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Succession
    >>> rule = Succession("low", ("open", "close"), "high", follows=("open", "close"))
    >>> rule
    low <= close, open <= high, open goes on from the last close
    >>> rng = np.random.default_rng(0)
    >>> close = 9 + rng.normal(size=(50, 12)).cumsum(axis=1)
    >>> open = close - np.diff(close, prepend=close[:, :1], axis=1)
    >>> low = np.minimum(open, close) - 0.2 * rng.exponential(size=close.shape)
    >>> high = np.maximum(open, close) + 0.2 * rng.exponential(size=close.shape)
    >>> from sklearn_timegen.rules import find_rules
    >>> (rule,) = find_rules(np.stack([low, open, close, high], axis=2))
    >>> rule.follows, rule.evidence.n_broken
    ((1, 2), 0)
    """

    kind = "succession"
    learned = "_usual_gap"

    def __init__(self, low: Any, inner: tuple[Any, ...], high: Any, *, follows: Any) -> None:
        if not isinstance(inner, tuple) or len(inner) < 2:
            raise ValueError(f"inner must be a tuple of two channels or more, got {inner!r}")
        pair = tuple(follows) if isinstance(follows, list | tuple) else ()
        if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(inner):
            raise ValueError(
                f"follows must be two different channels of {inner!r}, the one that goes on and "
                f"the one that it goes on from, got {follows!r}"
            )
        super().__init__(low, inner, high)
        self.follows = pair
        self._a, self._b = (1 + inner.index(channel) for channel in pair)

    def statement(self) -> str:
        a, b = self.labels[self._a], self.labels[self._b]
        return f"{super().statement()}, {a} goes on from the last {b}"

    # -- what is learned ------------------------------------------------------------------------

    def learn(self, blocks: Sequence[Block]) -> None:
        x = np.concatenate([cells(blocks, key) for key in self.keys])
        self._log = None
        if self._shift is not None:
            self._log = ShiftedLog.of(x, self._shift, positive=float(x.min()) > 0)
        every = [self._written(block) for block in blocks]
        self._range = Distance.of([y[-1] - y[0] for y in every])
        gaps = np.abs(np.concatenate([self._gaps_of(y).ravel() for y in every]))
        gaps = gaps[np.isfinite(gaps)]
        self._scale = BEND * float(np.median(gaps)) if len(gaps) else 1.0
        if self._scale == 0:  # more than half of them are none at all
            self._scale = float(gaps.mean())
        self._usual_gap = float(np.quantile(gaps, USUAL)) if len(gaps) else 0.0
        moves = np.concatenate([(y[self._b] - y[self._a]).ravel() for y in every])
        moves = np.abs(moves[np.isfinite(moves)])
        self._usual_move = float(np.median(moves)) if len(moves) else 0.0

    def _written(self, block: Block) -> Array:
        """Return the channels ``(n_channels, n_series, n_timesteps)``, or their logarithms."""
        x = np.stack([block[key] for key in self.keys])
        return x if self._log is None else self._log.transform(x)

    def _read(self, y: Array) -> Array:
        """Return the channels of what was written."""
        return y if self._log is None else self._log.inverse_transform(y)

    def _gaps_of(self, y: Array) -> Array:
        gaps: Array = y[self._a, :, 1:] - y[self._b, :, :-1]
        return gaps

    def size_of_gaps(self, blocks: Sequence[Block]) -> float:
        """Return how large gaps are beside moves within a timestep; infinite if they undo these.

        Where both channels are anywhere about a level, and none goes on from the other, a gap
        takes back what was moved before.
        """
        y = [self._written(block) for block in blocks]
        gaps = np.concatenate([self._gaps_of(own).ravel() for own in y])
        moves = [own[self._b] - own[self._a] for own in y]
        if len(gaps) < FEWEST:
            return np.inf
        for beside in (slice(None, -1), slice(1, None)):
            own = np.concatenate([move[:, beside].ravel() for move in moves])
            if min(np.ptp(gaps), np.ptp(own)) > 0 and abs(spearmanr(gaps, own).statistic) > APART:
                return np.inf
        size = np.abs(np.concatenate([move.ravel() for move in moves])).mean()
        return float(np.abs(gaps).mean() / size) if size > 0 else np.inf

    # -- coordinates ----------------------------------------------------------------------------

    def encode(self, block: Block) -> Block:
        y = self._written(block)
        low, width = y[0], np.maximum(y[-1] - y[0], 0)
        out = {**block, self.keys[-1]: self._range.transform(width)}
        for k in range(1, len(self.keys) - 1):
            # That of the one that goes on stands in the place of the lowest, which follows.
            out[self.keys[0 if k == self._a else k]] = as_position(y[k] - low, width)
        gaps = self._gaps_of(y)
        z = np.arcsinh(gaps / self._scale) if self._scale else np.zeros_like(gaps)
        # The first timestep has no gap: that of the second stands there, and is not read.
        first = z[:, :1] if z.shape[1] else np.zeros_like(low)
        out[self.keys[self._a]] = np.concatenate([first, z], axis=1)
        out[self._beginning] = np.broadcast_to(self._first(y), low.shape)
        return out

    def _first(self, y: Array) -> Array:
        """Return where each series begins: if that is missing, at what is observed first."""
        # At one timestep the one that goes on comes first.
        order = [self._a, *(k for k in range(len(y)) if k != self._a)]
        rows = y[order].transpose(1, 2, 0).reshape(y.shape[1], -1)
        at = np.isfinite(rows).argmax(axis=1)
        first: Array = np.take_along_axis(rows, at[:, None], axis=1)
        return first

    def decode(self, block: Block) -> Block:
        out = dict(block)
        begins = out.pop(self._beginning).mean(axis=1, keepdims=True)
        gaps = self._scale * np.sinh(block[self.keys[self._a]].clip(-LARGEST, LARGEST))
        width = self._range.inverse_transform(block[self.keys[-1]])
        share = {
            k: from_position(block[self.keys[0 if k == self._a else k]])
            for k in range(1, len(self.keys) - 1)
        }
        moves = (share[self._b] - share[self._a]) * width
        steps = gaps[:, 1:] + moves[:, :-1]
        low = begins + np.concatenate([np.zeros_like(begins), np.cumsum(steps, axis=1)], axis=1)
        low = low - share[self._a] * width
        y = np.stack([low, *(low + share[k] * width for k in share), low + width])
        x = self._read(y)
        # Rounded, what is equal to a bound may lie beyond it.
        x[1:] = x[1:].clip(x[0], np.maximum(x[0], x[-1]))
        return self._on_grids({**out, **dict(zip(self.keys, x, strict=True))})

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        return super().complete(self._joined(block, known), known)

    def _joined(self, block: Block, known: dict[Key, Mask]) -> Block:
        """Return the block with unknown stretches moved to where known values go on.

        What is drawn of a stretch has its own steps, from wherever it began. As far as the jumps
        at its ends are larger than gaps usually are, its largest moves are cut if they lead away,
        and what is left is made up for along a straight line.
        """
        a, b = self.keys[self._a], self.keys[self._b]
        there = known[a] & known[b]
        y = self._written(block)
        for i in np.flatnonzero(~there.all(axis=1)):
            for begin, end in _stretches(there[i]):
                jumps = np.zeros(2)
                if begin > 0:
                    jumps[0] = y[self._b, i, begin - 1] - y[self._a, i, begin]
                if end < there.shape[1]:
                    jumps[1] = y[self._a, i, end] - y[self._b, i, end - 1]
                jumps -= jumps.clip(-self._usual_gap, self._usual_gap)
                if begin == 0:
                    jumps[0] = jumps[1]
                if end == there.shape[1]:
                    jumps[1] = jumps[0]
                if jumps[0] != jumps[1]:
                    jumps[1] -= self._cut_moves(y[:, i, begin:end], jumps[1] - jumps[0])
                n = end - begin
                share = np.linspace(0.0, 1.0, n) if n > 1 else np.array([0.5])
                y[:, i, begin:end] += jumps[0] + (jumps[1] - jumps[0]) * share
        moved = zip(self.keys, self._read(y), strict=True)
        return {**block, **{key: np.where(known[key], block[key], new) for key, new in moved}}

    def _cut_moves(self, y: Array, needed: float) -> float:
        """Cut the largest moves against what is needed, in place; return what that has given.

        A gap is small beside a move: one move that was drawn far too large, and made up for by the
        gaps around, would show in each of them.
        """
        moves = y[self._b] - y[self._a]
        against = np.where(moves * needed < 0, np.abs(moves), 0.0)
        size = max(_level(against, against.sum() - abs(needed)), self._usual_move)
        factor = np.minimum(1.0, size / np.maximum(against, np.finfo(float).tiny))
        given = np.cumsum((factor - 1) * moves)
        begins = y[self._a].copy()
        y[:] = begins + factor * (y - begins)
        y[:, 1:] += given[:-1]
        return float(given[-1])

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, **dict.fromkeys((*self.keys, self._beginning), "free")}

    def logs(self) -> dict[Key, ShiftedLog]:
        return {}

    def renamed(self) -> dict[Key, str]:
        names = {k: f"position of {self.labels[k]}" for k in range(1, len(self.keys) - 1)}
        names[0] = names[self._a]
        names[self._a] = f"gap of {self.labels[self._a]}"
        names[len(self.keys) - 1] = f"distance of {self.labels[-1]}"
        return {self.keys[k]: name for k, name in names.items()}

    def log_slope(self, block: Block) -> Any:
        # With the column of beginnings there are more coordinates than cells. In a single cell
        # they would weigh next to nothing, and a mixture would get levels wrong.
        return Rule.log_slope(self, block)  # raises

    @property
    def _beginning(self) -> Key:
        return channel_of(self.keys[self._a]), BEGINNING


def _level(sizes: Array, total: float) -> float:
    """Return the c at which the sum of min(sizes, c) is the total; 0 if that is negative."""
    ascending = np.sort(sizes)
    cut = np.arange(len(sizes), 0, -1)  # as many are at c if the first of them is above it
    levels = (total - np.cumsum(ascending) + ascending) / cut
    over = levels <= ascending
    return max(float(levels[over.argmax()]), 0.0) if over.any() else float(ascending[-1])


def _stretches(known: Mask) -> list[tuple[int, int]]:
    """Return where stretches of unknown timesteps begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], known, [True]]).astype(int)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def find_successions(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the orders in which a channel goes on where another ended a timestep before."""
    found: list[Rule] = []
    for order in find_orders(blocks, units):
        if isinstance(order, Order) and (rule := _succession(order, blocks)):
            found.append(rule)
    return found


def _succession(order: Order, blocks: Sequence[Block]) -> Succession | None:
    pairs = order.covers()
    lows, highs = ({pair[k] for pair in pairs} for k in (0, 1))
    inner = sorted(lows & highs, key=str)
    ends = [*(lows - highs), *(highs - lows)]
    if len(ends) != 2 or len(inner) < 2 or len(pairs) != 2 * len(inner):
        return None
    if any(np.isnan(block[key]).any() for block in blocks for key in order.keys):
        return None  # a gap beside what is missing is not known, and what comes after hangs on it
    order.choose(blocks)
    lowest = cells(blocks, ends[0])
    if order._shift is None and 0 < LEVEL * lowest.min() < lowest.max():
        return None  # amounts, which moves and gaps of one size might make negative
    best: tuple[float, Succession] | None = None
    for a, b in permutations(inner, 2):
        rule = Succession(ends[0], tuple(inner), ends[1], follows=(a, b))
        rule._shift = order._shift  # of the same lowest channel
        rule.learn(blocks)
        size = rule.size_of_gaps(blocks)
        if size < 1 and (best is None or size < best[0]):
            best = size, rule
    return None if best is None else best[1]
