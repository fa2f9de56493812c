"""Values that a channel cannot leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, observed

__all__ = ["Bounds", "find_bounds", "touched_bound"]

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]

NEAR = 0.02  # of a standard deviation: what counts as touching
TOUCHED = 0.002  # of cells that have to touch
AROUND = 5  # times as far: what values beside a bound are compared with
CROWDED = 1.5  # times as dense beside a bound as around it: it is where series linger
CROSSINGS = 15  # that are to be expected of series that do not know of a bound


class Bounds(Rule):
    """Values that a channel never leaves.

    What would leave them is clipped. A bound that is found, hardly ever taken, and not crowded
    either, as those of walks that turn round before it, is a mirror: clipped values would pile up
    where there are none.

    Parameters
    ----------
    channel : int or str
        The channel.
    low, high : float or None, default=None
        The least and the greatest value, if there are such.

    Examples
    --------
    >>> from sklearn_timegen.rules import Bounds
    >>> Bounds("humidity", low=0, high=100)
    0 <= humidity <= 100
    """

    kind = "bounds"

    def __init__(self, channel: Any, low: float | None = None, high: float | None = None) -> None:
        super().__init__(channel)
        if low is None and high is None:
            raise ValueError(f"Bounds of {channel!r} need a low, a high, or both")
        self.low, self.high = low, high
        self.mirrors = False, False  # at the low, and at the high

    def statement(self) -> str:
        low = "" if self.low is None else f"{self.low:g} <= "
        high = "" if self.high is None else f" <= {self.high:g}"
        return f"{low}{self.labels[0]}{high}"

    def broken(self, block: Block) -> Mask:
        x = block[self.keys[0]]
        # Rounded to float32, a value on a bound may be beyond it by one step.
        mask: Mask = np.zeros(x.shape, dtype=bool)
        if self.low is not None:
            mask |= x < self.low - 1.2e-7 * abs(self.low)
        if self.high is not None:
            mask |= x > self.high + 1.2e-7 * abs(self.high)
        return mask

    def decode(self, block: Block) -> Block:
        x = block[self.keys[0]]
        for bound, mirrors, sign in zip((self.low, self.high), self.mirrors, (1, -1), strict=True):
            if mirrors and bound is not None:
                x = np.where(sign * (x - bound) < 0, 2 * bound - x, x)
        return {**block, self.keys[0]: np.clip(x, self.low, self.high)}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        key = self.keys[0]
        return {**block, key: np.where(known[key], block[key], self.decode(block)[key])}

    def log_slope(self, block: Block) -> float:
        return 0.0


def find_bounds(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the bounds that channels come close to again and again, and never leave."""
    found: list[Rule] = []
    for key in blocks[0]:
        if units[key] != "data" or not isinstance(key, int):
            continue
        columns = [block[key] for block in blocks]
        low = touched_bound(columns)
        high = touched_bound([-column for column in columns])
        if low is not None or high is not None:
            rule = Bounds(key, low, None if high is None else -high)
            x = observed(np.concatenate([column.ravel() for column in columns]))
            rule.mirrors = _is_mirror(x, rule.low), _is_mirror(x, rule.high)
            found.append(rule)
    return found


def _is_mirror(x: Array, bound: float | None) -> bool:
    """Whether the bound itself is hardly ever taken, nor the values beside it more than others."""
    if bound is None or (x == np.float32(bound)).mean() >= TOUCHED:
        return False
    distance = np.abs(x - bound)
    beside, around = (np.mean(distance <= k * NEAR * x.std()) for k in (1, AROUND))
    return bool(beside * AROUND <= CROWDED * around)


def touched_bound(columns: Sequence[Array]) -> float | None:
    """Return the lower bound of series that would have crossed it often, were they free to.

    From a value ``x`` close to the bound ``b`` a series that moves up and down alike would cross
    it if its next step is greater than ``x - b`` and goes down: these steps are counted, once
    each, since windows that overlap hold a step several times.
    """
    x = observed(np.concatenate([column.ravel() for column in columns]))
    if len(x) == 0:
        return None
    low, spread = float(x.min()), float(x.std())
    level = low + NEAR * spread
    if spread == 0 or (x < level).mean() < TOUCHED:
        return None
    pairs = [np.stack([c[:, :-1].ravel(), c[:, 1:].ravel()]) for c in columns]
    here, then = np.concatenate(pairs, axis=1)
    close = (here < level) & ~np.isnan(then)
    here, then = np.unique(np.stack([here[close], then[close]]), axis=1)
    gap, step = here - low, np.abs(then - here)
    return _roundest_below(low, NEAR * spread) if (step > gap).sum() / 2 >= CROSSINGS else None


def _roundest_below(low: float, room: float) -> float:
    """Return the number of the fewest digits that is below a value, by no more than a little."""
    for digits in range(-6, 8):
        rounded = float(np.floor(low * 10.0**digits) / 10.0**digits)
        if low - rounded <= room:
            return rounded
    return low
