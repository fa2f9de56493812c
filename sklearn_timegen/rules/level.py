"""Series whose movement is small beside the level at which it happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, channel_of, observed, observed_mean

__all__ = ["Level", "find_levels"]

# Spread within windows beside that between them, below which it would be lost. Levels cost the
# density, since both columns together are more than the channel was.
SMALL = 0.02
FEWEST = 20  # series, before levels have a distribution
LONG = 100  # timesteps on average, of series that are no windows


class Level(Rule):
    """A channel that moves little beside its level: both are columns of their own.

    Scaled by the spread of all series, such movement would be lost in what a network gets wrong
    of the level. It restricts nothing.

    Parameters
    ----------
    channel : int or str
        The channel.

    Examples
    --------
    >>> from sklearn_timegen.rules import Level
    >>> Level(0).transform([[[100.0], [101.0], [102.0]]])[0].tolist()
    [[-1.0, 101.0], [0.0, 101.0], [1.0, 101.0]]
    """

    kind = "level"

    def __init__(self, channel: Any) -> None:
        super().__init__(channel)

    def statement(self) -> str:
        return f"{self.labels[0]} moves around levels that are far apart"

    def broken(self, block: Block) -> Mask:
        return np.zeros(block[self.keys[0]].shape, dtype=bool)

    def encode(self, block: Block) -> Block:
        column = block[self.keys[0]]
        # Of a series with holes, the mean of what is observed: movement stays that about it.
        level = np.broadcast_to(observed_mean(column), column.shape)
        return {**block, self.keys[0]: column - level, self._level: level}

    def decode(self, block: Block) -> Block:
        out = dict(block)
        level = out.pop(self._level).mean(axis=1, keepdims=True)
        out[self.keys[0]] = out[self.keys[0]] + level
        return out

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, self._level: "free"}

    @property
    def _level(self) -> Key:
        key = self.keys[0]
        return channel_of(key), "level"


def find_levels(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the channels whose spread within series is small beside that between them.

    Of windows, a fiftieth of it. Of a few long series, each of which is somebody, less than it.
    """
    found: list[Rule] = []
    for key in blocks[0]:
        if units[key] == "free" or isinstance(key, tuple):
            continue
        means = [observed_mean(block[key]) for block in blocks]
        levels = observed(np.concatenate([mean[:, 0] for mean in means]))
        pairs = zip(blocks, means, strict=True)
        within = np.concatenate(
            [np.sqrt(observed_mean((block[key] - mean) ** 2))[:, 0] for block, mean in pairs]
        )
        n_series, within = len(levels), observed(within)
        if n_series == 0:
            continue
        spread = float(np.sqrt(np.mean(within**2)))
        few = 1 < n_series < FEWEST and _length(blocks) >= LONG
        limit = 1.0 if few else SMALL if n_series >= FEWEST else 0.0
        if 0 < spread < limit * levels.std():
            rule = Level(key)
            found.append(rule)
    return found


def _length(blocks: Sequence[Block]) -> float:
    return float(np.mean([next(iter(block.values())).shape[1] for block in blocks]))
