"""Readings that never fall: meters, counters, cumulative sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.pressing import near_zero, presses_on_zero
from sklearn_timegen.rules.rule import (
    Block,
    Key,
    Mask,
    Rule,
    cells,
    channel_of,
    forward_filled,
    observed,
    steps,
)

__all__ = ["Monotone", "find_monotone"]

Array = NDArray[np.float64]

FEWEST = 50  # independent steps, before they can be believed never to be negative


class Monotone(Rule):
    """A channel that never falls.

    Its coordinates are the value at the beginning of each series, a column of its own that is
    constant along time, and the steps, which are none below 0. The first timestep has no step:
    that of the second stands there, and is not read on the way back.

    Parameters
    ----------
    channel : int or str
        The channel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Monotone
    >>> rule = Monotone(0)
    >>> meter = np.array([[[7.0], [7.5], [9.5]]])
    >>> rule.transform(meter)[0]
    array([[0.5, 7. ],
           [0.5, 7. ],
           [2. , 7. ]])
    >>> rule.inverse_transform([[[0.0, 1.0], [-3.0, 1.0], [2.0, 1.0]]])[0, :, 0]
    array([1., 1., 3.])
    """

    kind = "monotone"

    def __init__(self, channel: Any) -> None:
        super().__init__(channel)
        self._mean_step = 0.0

    def statement(self) -> str:
        return f"{self.labels[0]} never falls"

    def broken(self, block: Block) -> Mask:
        column = block[self.keys[0]]
        before = forward_filled(column)[:, :-1]  # the last reading, which may be long ago
        fallen: Mask = np.zeros(column.shape, dtype=bool)
        fallen[:, 1:] = column[:, 1:] < before
        return fallen

    def touched(self, blocks: Iterable[Block]) -> float | None:
        step = observed(steps(blocks, self.keys[0]))
        return float(near_zero(step).mean()) if len(step) else None

    def learn(self, blocks: Sequence[Block]) -> None:
        step = observed(steps(blocks, self.keys[0]))
        self._mean_step = float(step.mean()) if len(step) else 0.0

    def encode(self, block: Block) -> Block:
        key, column = self.keys[0], block[self.keys[0]]
        step = np.diff(column, axis=1)
        first = step[:, :1] if step.shape[1] else np.zeros_like(column)
        start = np.broadcast_to(self._first(column), column.shape)
        return {**block, key: np.concatenate([first, step], axis=1), self._start: start}

    def _first(self, column: Array) -> Array:
        """Return where each series begins, ``(n_series, 1)``.

        Where that is missing, it is expected to be a mean step a timestep below the first value
        that is observed: series begin far apart, beside which what they rise by is little.
        """
        if not np.isnan(column[:, 0]).any():
            return column[:, :1]
        t = (~np.isnan(column)).argmax(axis=1)[:, None]
        first: Array = np.take_along_axis(column, t, axis=1) - self._mean_step * t
        return first

    def decode(self, block: Block) -> Block:
        out, key = dict(block), self.keys[0]
        step = np.maximum(block[key], 0)
        step[:, 0] = 0
        start = out.pop(self._start).mean(axis=1, keepdims=True)
        out[key] = start + np.cumsum(step, axis=1)
        return out

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        key = self.keys[0]
        x, fixed = block[key], known[key]
        least = np.maximum.accumulate(np.where(fixed, x, -np.inf), axis=1)
        most = np.minimum.accumulate(np.where(fixed, x, np.inf)[:, ::-1], axis=1)[:, ::-1]
        rising = np.maximum.accumulate(np.clip(x, least, most), axis=1)
        return {**block, key: np.where(fixed, x, np.minimum(rising, most))}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, self.keys[0]: "free", self._start: "free"}

    def renamed(self) -> dict[Key, str]:
        return {self.keys[0]: f"steps of {self.labels[0]}"}

    @property
    def _start(self) -> Key:
        key = self.keys[0]
        return channel_of(key), "start"


def find_monotone(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the channels that never fall, and now and then all but stand still."""
    found: list[Rule] = []
    for key in blocks[0]:
        if units[key] != "data" or not isinstance(key, int):
            continue
        step = observed(steps(blocks, key))
        if len(step) < FEWEST or step.min() < 0 or np.ptp(cells(blocks, key)) == 0:
            continue
        n_independent = sum(_n_independent(block[key]) for block in blocks)
        if n_independent < FEWEST:
            continue
        if any(Monotone(key).broken(block).any() for block in blocks):
            continue  # across what is missing
        marks = np.arange(float(len(step)))  # equal steps may be several
        if len(np.unique(step)) > 10 and presses_on_zero(step, marks, n_independent):
            rule = Monotone(key)
            found.append(rule)
    return found


def _n_independent(column: NDArray[np.float64]) -> float:
    """Return how many steps of series say something of their own: on a smooth curve few do."""
    step = np.diff(column, axis=1)
    n_steps = (~np.isnan(step)).sum(axis=1)
    seen, change = observed(step.ravel()), observed(np.diff(step, axis=1).ravel())
    n_series = int((n_steps > 0).sum())
    if len(change) == 0 or seen.var() == 0:
        return float(n_series)
    roughness = min(1.0, float(np.mean(change**2) / (2 * seen.var())))
    return n_series * (1 + (len(seen) / n_series - 1) * roughness)
