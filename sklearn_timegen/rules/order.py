r"""Channels of which one is never above another: lows below highs, parts below totals.

Symbols: ``l`` and ``h`` are the tightest bounds that are known of a channel ``x`` from those that
were decoded before it, ``z`` its coordinate. With both, ``x = l + (h - l) s(z)`` where
``s(z) = clip((1 + 2 e) / (1 + exp(-z)) - e, 0, 1)``, so that the bounds themselves are hit; with
``l`` alone ``x = l + d(z)`` (:mod:`sklearn_timegen.rules.distance`), or ``x = l + (l + s) d(z)``
where the lowest channels, and distances with them, move in proportion to their height above a
floor ``-s``.

The lowest channels come first, as they are; then the highest, by their distance; those between
are positions. A chain of distances would let one error move all that is above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._shifted_log import Bend, ShiftedLog, find_shift
from sklearn_timegen.rules.distance import Distance
from sklearn_timegen.rules.grid import Grid
from sklearn_timegen.rules.pressing import near_zero
from sklearn_timegen.rules.rule import (
    Block,
    Key,
    Mask,
    Rule,
    cells,
    columns,
    observed,
)

__all__ = ["LEVEL", "Order", "Pair", "as_position", "from_position", "position_slope"]

Array = NDArray[np.float64]
Pair = tuple[Key, Key]

E = 0.01  # of the range that positions reach beyond, so that bounds are hit
FAR = 1e300  # where nothing limits a channel
FAR_OUT = 700.0  # where positions are at an end, and exp(z) is still a number
LEVEL = 3.0  # times that the lowest channels reach over, for logarithms, or to be kept above 0


class Order(Rule):
    """Channels in ascending order, at each timestep.

    Parameters
    ----------
    *channels : int, str or tuple of these
        From the lowest to the highest; a tuple holds channels of which nothing is known among
        each other.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Order
    >>> Order("low", ("open", "close"), "high")
    low <= close, open <= high
    >>> rule = Order(0, 1)
    >>> x = np.array([[[1.0, 2.0], [5.0, 4.0]]])
    >>> rule.violations(x)
    array([[False,  True]])
    """

    kind = "order"
    learned = "_sequence"

    def __init__(self, *channels: Any) -> None:
        levels = [c if isinstance(c, tuple) else (c,) for c in channels]
        flat = [channel for level in levels for channel in level]
        if len(levels) < 2 or len(set(flat)) < len(flat):
            raise ValueError(
                "Order takes two or more different channels, from the lowest to the highest, "
                f"got {channels!r}"
            )
        super().__init__(*flat)
        self.grids: dict[Key, Grid] = {}  # of channels that are rounded after they are decoded
        self._shift: float | None = None  # of the lowest channels, if they are logarithms
        at = {channel: k for k, channel in enumerate(flat)}
        # Pairs of positions among the rule's channels, the lower one first.
        self.pairs = {
            (at[a], at[b])
            for i, low in enumerate(levels)
            for high in levels[i + 1 :]
            for a, b in product(low, high)
        }

    @classmethod
    def of_pairs(cls, pairs: Iterable[Pair]) -> Order:
        """Return the order in which the first of each pair is never above the second."""
        pairs = list(pairs)
        keys = sorted({key for pair in pairs for key in pair}, key=str)
        rule = cls(*keys)
        rule.pairs = {(keys.index(a), keys.index(b)) for a, b in pairs}
        return rule

    # -- the order itself ---------------------------------------------------------------------

    def _above(self) -> NDArray[np.bool_]:
        """Return which channel (row) is known to be below which (column), directly or not."""
        n = len(self.keys) or len(self.channels)
        above = np.zeros((n, n), dtype=bool)
        for i, j in self.pairs:
            above[i, j] = True
        for k in range(n):
            above |= above[:, [k]] & above[[k]]
        if above.diagonal().any():
            circle = ", ".join(self.labels[k] for k in np.flatnonzero(above.diagonal()))
            raise ValueError(
                f"the orders contradict each other: {circle} would all have to be equal; if they "
                "are, use Copy"
            )
        return above

    def _covers(self) -> list[tuple[int, int]]:
        """Return the pairs that have nothing between them: all others follow."""
        above = self._above()
        between = (above.astype(int) @ above.astype(int)) > 0
        return [(int(i), int(j)) for i, j in np.argwhere(above & ~between)]

    def covers(self) -> list[Pair]:
        """Return the pairs of channels, the lower one first, that have none between them."""
        return [(self.keys[i], self.keys[j]) for i, j in self._covers()]

    def statement(self) -> str:
        above, covers = self._above(), self._covers()
        depth = np.zeros(len(above), dtype=int)
        for _ in depth:
            for i, j in covers:
                depth[j] = max(depth[j], depth[i] + 1)
        levels = [np.flatnonzero(depth == d) for d in range(depth.max() + 1)]
        if all(above[np.ix_(low, high)].all() for low, high in pairwise(levels)):
            names = [sorted(self.labels[k] for k in level) for level in levels]
            return " <= ".join(map(", ".join, names))
        return ", ".join(sorted(f"{self.labels[i]} <= {self.labels[j]}" for i, j in covers))

    def broken(self, block: Block) -> Mask:
        mask = np.zeros(block[self.keys[0]].shape, dtype=bool)
        for i, j in self._covers():
            mask |= block[self.keys[i]] > block[self.keys[j]]
        return mask

    def touched(self, blocks: Iterable[Block]) -> float:
        blocks = list(blocks)
        x = columns(blocks, self.keys)
        gaps = [observed(x[j] - x[i]) for i, j in self._covers()]
        return float(np.mean([near_zero(gap).mean() for gap in gaps]))

    # -- coordinates --------------------------------------------------------------------------

    def _lowest(self) -> list[int]:
        return [int(k) for k in np.flatnonzero(~self._above().any(axis=0))]

    def choose(self, blocks: Sequence[Block]) -> None:
        keys = [self.keys[k] for k in self._lowest()]
        lowest = [block[key] for key in keys for block in blocks]
        # Levels of a few series may be skewed either way; distances tell of a floor, too.
        self._shift = find_shift(lowest, LEVEL, skewness=np.inf)

    def learn(self, blocks: Sequence[Block]) -> None:
        above, lowest = self._above(), self._lowest()
        highest = [k for k in range(len(above)) if above[:, k].any() and not above[k].any()]
        rest = set(range(len(above))) - set(lowest) - set(highest)
        inner = sorted(rest, key=lambda k: (above[:, k].sum(), k))
        self._sequence = [*lowest, *highest, *inner]
        done: list[int] = []
        self._bounds: dict[int, tuple[list[Key], list[Key]]] = {}
        for k in self._sequence:
            below = [self.keys[i] for i in done if above[i, k]]
            beyond = [self.keys[j] for j in done if above[k, j]]
            self._bounds[k] = below, beyond
            done.append(k)
        self._anchors: dict[int, Bend | ShiftedLog] = {}
        for k in lowest:
            x = cells(blocks, self.keys[k])
            if self._shift is None:
                self._anchors[k] = Bend.of(x, positive=0 < LEVEL * x.min() < x.max())
            else:
                self._anchors[k] = ShiftedLog.of(x, self._shift, positive=x.min() > 0)
        self._distances = {
            k: Distance.of([self._gap(block, k) for block in blocks]) for k in highest
        }

    def encode(self, block: Block) -> Block:
        out = dict(block)
        for k in self._sequence:
            key, (below, beyond) = self.keys[k], self._bounds[k]
            if not below:
                out[key] = self._anchors[k].transform(block[key])
            elif not beyond:
                out[key] = self._distances[k].transform(self._gap(block, k))
            else:
                low, high = _greatest(block, below), _least(block, beyond)
                out[key] = as_position(block[key] - low, high - low)
        return out

    def decode(self, block: Block) -> Block:
        out = dict(block)
        for k in self._sequence:
            key, (below, beyond) = self.keys[k], self._bounds[k]
            z = block[key]
            if not below:
                out[key] = self._anchors[k].inverse_transform(z)
                if key in self.grids and self._is_positive(k):
                    out[key] = self.grids[key].positive(out[key])
            elif not beyond:
                low = _greatest(out, below)
                out[key] = low + self._distances[k].inverse_transform(z) * self._unit(low)
            else:
                low, high = _greatest(out, below), _least(out, beyond)
                out[key] = np.clip(low + (high - low) * from_position(z), low, high)
        return self._on_grids(out)

    def _on_grids(self, out: Block) -> Block:
        grids = [self.grids.get(key) for key in self.keys]
        one = len({None if grid is None else (grid.step, grid.offset) for grid in grids}) == 1
        return out if one else self._ascending(out, {})  # rounding to one grid keeps orders

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        above = self._above()
        most: Block = {}
        for k in sorted(range(len(above)), key=lambda k: above[k].sum()):
            key, grid = self.keys[k], self.grids.get(self.keys[k])
            beyond = [most[self.keys[j]] for j in np.flatnonzero(above[k])]
            limit = np.min(beyond, axis=0) if beyond else np.full(block[key].shape, FAR)
            # What is known above leaves room for all that is below it.
            limit = limit if grid is None else grid.below(limit)
            most[key] = np.where(known[key], block[key], limit)
        out = self._ascending(block, most)
        return {**out, **{key: np.where(known[key], block[key], out[key]) for key in self.keys}}

    def _ascending(self, block: Block, most: Block) -> Block:
        """Return channels on their grids, each raised above those below it, up to a limit."""
        above, out = self._above(), dict(block)
        for k in sorted(range(len(above)), key=lambda k: above[:, k].sum()):
            key, grid = self.keys[k], self.grids.get(self.keys[k])
            least = [out[self.keys[i]] for i in np.flatnonzero(above[:, k])]
            x = out[key] if grid is None else grid.rounded(out[key])
            if least:
                limit = np.max(least, axis=0)
                x = np.maximum(x, limit if grid is None else grid.above(limit))
            out[key] = np.minimum(x, most[key]) if key in most else x
        return out

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        anchors = {self.keys[k] for k in self._anchors}
        new = {key: "free" for key in self.keys if key not in anchors}
        return {**units, **new, **dict.fromkeys(self.logs(), "log")}

    def logs(self) -> dict[Key, ShiftedLog]:
        return {self.keys[k]: log for k, log in self._logs().items()}

    def _logs(self) -> dict[int, ShiftedLog]:
        return {k: x for k, x in self._anchors.items() if isinstance(x, ShiftedLog)}

    def renamed(self) -> dict[Key, str]:
        named = {}
        for k, (below, beyond) in self._bounds.items():
            if below:
                named[self.keys[k]] = f"{'position' if beyond else 'distance'} of {self.labels[k]}"
        return named

    def log_slope(self, block: Block) -> Array:
        total = np.zeros(block[self.keys[0]].shape)
        for k in self._sequence:
            key, (below, beyond) = self.keys[k], self._bounds[k]
            if not below:
                stretch = np.exp(-self._anchors[k].log_slope(block[key]))
            elif not beyond:
                stretch = np.exp(-self._distances[k].log_slope(self._gap(block, k)))
                stretch = stretch * self._unit(_greatest(block, below))
            else:
                low = _greatest(block, below)
                stretch = position_slope(block[key] - low, _least(block, beyond) - low)
            total -= np.nan_to_num(np.log(stretch), nan=0.0, neginf=-np.inf)
        slope: Array = total.sum(axis=1)
        return slope

    def _gap(self, block: Block, k: int) -> Array:
        """Return how far a channel is above the greatest of those below it."""
        low = _greatest(block, self._bounds[k][0])
        nonnegative: Array = np.maximum((block[self.keys[k]] - low) / self._unit(low), 0)
        return nonnegative

    def _is_positive(self, k: int) -> bool:
        anchor = self._anchors[k]
        bend = anchor.bend if isinstance(anchor, ShiftedLog) else anchor
        return bend.at is not None

    def _unit(self, low: Array) -> Any:
        """Return what distances from the lowest channels are counted in."""
        logs = self._logs().values()
        return min(logs, key=lambda log: log.least).height(low) if logs else 1.0


def as_position(distance: Array, width: Array) -> Array:
    """Return the coordinate of what is so far above the lower end of a range."""
    y = (_share(distance, width) + E) / (1 + 2 * E)
    z: Array = np.log(y / (1 - y))
    return z


def from_position(z: Array) -> Array:
    """Return the share of a range, 0 to 1, that a coordinate stands for."""
    z = z.clip(-FAR_OUT, FAR_OUT)
    share: Array = ((1 + 2 * E) / (1 + np.exp(-z)) - E).clip(0, 1)
    return share


def position_slope(distance: Array, width: Array) -> Array:
    """Return by how much a distance moves with the coordinate of its position."""
    y = (_share(distance, width) + E) / (1 + 2 * E)
    slope: Array = (1 + 2 * E) * y * (1 - y) * np.where(width > 0, width, 1.0)
    return slope


def _share(distance: Array, width: Array) -> Array:
    closed = width <= 0  # which nothing that is missing is
    share = distance / np.where(closed, 1.0, width)
    inside: Array = np.where(closed & ~np.isnan(share), 0.5, share).clip(0, 1)
    return inside


def _greatest(block: Block, keys: Sequence[Key]) -> Array:
    return reduce(np.maximum, (block[key] for key in keys))


def _least(block: Block, keys: Sequence[Key]) -> Array:
    return reduce(np.minimum, (block[key] for key in keys))
