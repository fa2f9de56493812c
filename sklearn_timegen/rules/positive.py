"""Amounts that are positive and reach over orders of magnitude: written as logarithms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import skew

from sklearn_timegen.rules.grid import is_discrete
from sklearn_timegen.rules.rule import ROOM, Block, Key, Mask, Rule, cells, log_range

__all__ = ["Positive", "find_positive"]

Array = NDArray[np.float64]

WIDE = 5.0  # times that values reach over
FEWEST = 100  # cells


class Positive(Rule):
    """A channel above 0 that moves in proportion to where it is.

    Its coordinate is its logarithm, so that whatever comes back is above 0.

    Parameters
    ----------
    channel : int or str
        The channel.

    Examples
    --------
    >>> from sklearn_timegen.rules import Positive
    >>> Positive("volume")
    volume > 0
    >>> Positive(0).inverse_transform([[[-3.0], [0.0]]])[0, :, 0].round(3)
    array([0.05, 1.  ])
    """

    kind = "positive"

    def __init__(self, channel: Any) -> None:
        super().__init__(channel)
        self._range = -ROOM, ROOM
        self._least = float(np.exp(-ROOM))

    def statement(self) -> str:
        return f"{self.labels[0]} > 0"

    def broken(self, block: Block) -> Mask:
        mask: Mask = block[self.keys[0]] <= 0
        return mask

    def learn(self, blocks: Sequence[Block]) -> None:
        x = cells(blocks, self.keys[0])
        self._least, self._range = float(x.min()), log_range(x)

    def encode(self, block: Block) -> Block:
        # Of new series that break the rule: half of the least value that was seen.
        x = np.where(block[self.keys[0]] <= 0, self._least / 2, block[self.keys[0]])
        return {**block, self.keys[0]: np.log(x)}

    def decode(self, block: Block) -> Block:
        return {**block, self.keys[0]: np.exp(block[self.keys[0]].clip(*self._range))}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        key = self.keys[0]
        positive = np.where(block[key] <= 0, self._least / 2, block[key])
        return {**block, key: np.where(known[key], block[key], positive)}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, self.keys[0]: "log"}

    def log_slope(self, block: Block) -> Array:
        slope: Array = -np.nansum(np.log(block[self.keys[0]]), axis=1)
        return slope


def find_positive(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return positive channels of wide range whose logarithms are more nearly symmetric."""
    found: list[Rule] = []
    for key in blocks[0]:
        if units[key] != "data" or isinstance(key, tuple):
            continue
        x = cells(blocks, key)
        if len(x) < FEWEST or not 0 < WIDE * x.min() < x.max() or is_discrete(blocks, key):
            continue
        if skew(x) > 0.5 and abs(skew(np.log(x))) < skew(x):
            rule = Positive(key)
            found.append(rule)
    return found
