"""Channels that move in proportion to their height above a floor: written as logarithms."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._shifted_log import Bend, ShiftedLog, find_shift
from sklearn_timegen.rules.grid import Grid
from sklearn_timegen.rules.normal_score_finding import find_normal_scores
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, cells, check_finite

__all__ = ["Multiplicative", "Positive", "find_multiplicative", "find_positive"]

Array = NDArray[np.float64]


class Multiplicative(Rule):
    """A channel whose steps are in proportion to its height above a floor.

    Its coordinate is the logarithm of that height. Below half of the least height of training a
    straight line goes on, so that the rule restricts nothing.

    Parameters
    ----------
    channel : int or str
        The channel.
    shift : float, default=0.0
        What makes of values heights above the floor, which is at ``-shift``. One that is found is
        the most likely (:func:`find_rules` tells it), and follows the units of the channel: scaled
        and moved, it has the same coordinates.

    Examples
    --------
    >>> from sklearn_timegen.rules import Multiplicative
    >>> rule = Multiplicative(0, shift=1.0)
    >>> rule
    channel 0 moves in proportion to its height above -1
    >>> rule.inverse_transform(rule.transform([[[0.0], [9.0]]]))[0, :, 0].round(6)
    array([0., 9.])
    """

    kind = "multiplicative"

    def __init__(self, channel: Any, shift: float = 0.0) -> None:
        super().__init__(channel)
        check_finite(f"the shift of a {type(self).__name__}", shift)
        self.shift = float(shift)
        self._log = ShiftedLog(self.shift)

    def statement(self) -> str:
        floor = 0.0 - self.shift  # no negative zero
        return f"{self.labels[0]} moves in proportion to its height above {floor:.3g}"

    def broken(self, block: Block) -> Mask:
        return np.zeros(block[self.keys[0]].shape, dtype=bool)

    def learn(self, blocks: Sequence[Block]) -> None:
        x = cells(blocks, self.keys[0])
        if x.min() + self.shift <= 0:
            raise ValueError(
                f"the rule {self.statement()!r} does not hold with shift={self.shift:g}: "
                f"{self.labels[0]} goes down to {x.min():g}. Declare a shift above "
                f"{-x.min():g}, or leave the rule out"
            )
        self._log = ShiftedLog.of(x, self.shift, positive=self.kind == "positive")

    def encode(self, block: Block) -> Block:
        return {**block, self.keys[0]: self._log.transform(block[self.keys[0]])}

    def decode(self, block: Block) -> Block:
        return {**block, self.keys[0]: self._log.inverse_transform(block[self.keys[0]])}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, self.keys[0]: "log"}

    def logs(self) -> dict[Key, ShiftedLog]:
        return {self.keys[0]: self._log}

    def log_slope(self, block: Block) -> Array:
        slope: Array = np.nansum(self._log.log_slope(block[self.keys[0]]), axis=1)
        return slope


class Positive(Multiplicative):
    """A channel above 0 that moves in proportion to where it is, or to its height above a floor.

    Its coordinate is a logarithm. Whatever comes back is above 0.

    Parameters
    ----------
    channel : int or str
        The channel.
    shift : float, default=0.0
        What is added before the logarithm is taken. Of channels in which the rule is found it is
        the most likely one, since the floor need not be 0: see :class:`Multiplicative`.

    Examples
    --------
    >>> from sklearn_timegen.rules import Positive
    >>> Positive("volume")
    volume > 0
    >>> Positive(0).inverse_transform([[[-3.0], [0.0]]])[0, :, 0].round(3)
    array([0.05, 1.  ])
    """

    kind = "positive"

    def __init__(self, channel: Any, shift: float = 0.0) -> None:
        super().__init__(channel, shift)
        self.grid: Grid | None = None  # to which the channel is rounded after it is decoded
        self._log = ShiftedLog(self.shift, bend=Bend(1.0))

    def statement(self) -> str:
        return f"{self.labels[0]} > 0"

    def broken(self, block: Block) -> Mask:
        mask: Mask = block[self.keys[0]] <= 0
        return mask

    def learn(self, blocks: Sequence[Block]) -> None:
        if cells(blocks, self.keys[0]).min() > 0:  # or it is broken, which is told with values
            super().learn(blocks)

    def decode(self, block: Block) -> Block:
        out = super().decode(block)
        return {**out, self.keys[0]: self._rounds_above_0(out[self.keys[0]])}

    def _rounds_above_0(self, x: Array) -> Array:
        return x if self.grid is None else self.grid.positive(x)

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        key = self.keys[0]
        positive = np.where(block[key] <= 0, self._log.bend.at or 1.0, block[key])
        positive = self._rounds_above_0(positive)
        return {**block, key: np.where(known[key], block[key], positive)}


def find_positive(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return positive channels that move in proportion to their height above a floor."""
    return [Positive(key, shift) for key, shift in _shifts(blocks, units, positive=True)]


def find_multiplicative(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return such channels that are not positive."""
    return [Multiplicative(key, shift) for key, shift in _shifts(blocks, units, positive=False)]


def _shifts(
    blocks: Sequence[Block], units: dict[Key, str], *, positive: bool
) -> Iterator[tuple[Key, float]]:
    """Yield channels that move in proportion to their height above a floor, and their shifts."""
    keys = [k for k in blocks[0] if units[k] == "data" and isinstance(k, int)]
    keys = [k for k in keys if (_least(blocks, k) > 0) == positive]
    shifts = {key: find_shift([block[key] for block in blocks]) for key in keys}
    found = {key: shift for key, shift in shifts.items() if shift is not None}
    masses = _with_masses(blocks, units, found)
    yield from ((key, shift) for key, shift in found.items() if key not in masses)


def _with_masses(
    blocks: Sequence[Block], units: dict[Key, str], keys: Collection[Key]
) -> set[Key]:
    """Return which channels have point masses, or a floor at exactly 0, which means something."""
    some = [{key: block[key] for key in keys} for block in blocks]
    scores = find_normal_scores(some, units)
    return {r.keys[0] for r in scores if r.bound is None or _least(blocks, r.keys[0]) == 0}


def _least(blocks: Sequence[Block], key: Key) -> float:
    return float(min(np.nanmin(block[key], initial=np.inf) for block in blocks))
