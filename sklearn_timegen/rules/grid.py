"""Values that are multiples of a step: whole numbers, decimals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, cells, observed

__all__ = ["Grid", "find_grids", "is_discrete", "step_of"]

Array = NDArray[np.float64]

STEPS = (1000.0, 100.0, 10.0, 5.0, 1.0, 0.5, 0.25, 0.1, 0.05, 0.01, 0.001)
FEW = 10  # distinct values
MOST_VALUES = 30  # of a channel that is taken for discrete
PER_VALUE = 10  # cells for each of them, on average, before they are known to be all there are
SERIES = 50  # that are enough to tell repeated values from windows that overlap
FEWEST = 20  # distinct values, or cells, before a step can be believed
FINEST = 5e5  # steps that float32 can count up to, and tell multiples from others
ROUNDED = 1.5e-7  # of a value: what float32 may be off


class Grid(Rule):
    """Values that are whole multiples of a step.

    Other multiples than those of training may come back: they are rounded to the nearest one,
    after all else is done. Rounding keeps orders.

    Parameters
    ----------
    channel : int or str
        The channel.
    step : float, default=1.0
        The step.

    Examples
    --------
    >>> from sklearn_timegen.rules import Grid
    >>> rule = Grid(0, step=0.5)
    >>> rule
    channel 0 in steps of 0.5
    >>> rule.inverse_transform([[[0.3], [1.8]]])[0, :, 0]
    array([0.5, 2. ])
    """

    kind = "grid"

    def __init__(self, channel: Any, step: float = 1.0) -> None:
        super().__init__(channel)
        if not step > 0:
            raise ValueError(f"the step of a Grid must be above 0, got {step!r}")
        self.step = float(step)

    def statement(self) -> str:
        if self.step == 1:
            return f"{self.labels[0]} in whole numbers"
        return f"{self.labels[0]} in steps of {self.step:g}"

    def broken(self, block: Block) -> Mask:
        x = block[self.keys[0]]
        # Rounded to float32, a multiple is not quite one.
        mask: Mask = np.abs(x - self.rounded(x)) > ROUNDED * np.abs(x) + 1e-9 * self.step
        return mask

    def decode(self, block: Block) -> Block:
        return {**block, self.keys[0]: self.rounded(block[self.keys[0]])}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        x = block[self.keys[0]]
        return {**block, self.keys[0]: np.where(known[self.keys[0]], x, self.rounded(x))}

    def log_slope(self, block: Block) -> float:
        return 0.0  # the density is that of the values before they are rounded

    def rounded(self, x: Array) -> Array:
        """Return the nearest multiples of the step."""
        # Divided by a whole number of steps in 1, a tenth is the float nearest to a tenth.
        per_unit = round(1 / self.step) if self.step < 1 else 0
        rounded: Array = (
            np.rint(x * per_unit) / per_unit if per_unit else (np.rint(x / self.step) * self.step)
        )
        return rounded

    def above(self, x: Array) -> Array:
        """Return the least multiples that are not below ``x``, to float64's rounding."""
        steps = x / self.step
        return self.rounded(np.ceil(steps - 1e-9 * np.maximum(np.abs(steps), 1)) * self.step)

    def below(self, x: Array) -> Array:
        """Return the greatest multiples that are not above ``x``, to float64's rounding."""
        return -self.above(-x)


def step_of(x: Array) -> float | None:
    """Return the largest common step of values, if there is one and float32 can count them."""
    x = observed(x)
    if len(x) == 0 or np.ptp(x) == 0:
        return None
    glimpse, reach = x[:: max(1, len(x) // 200)], np.abs(x).max()
    for step in STEPS:
        if reach / step > FINEST:
            return None
        for some in (glimpse, x):
            if (np.abs(some - np.rint(some / step) * step) > ROUNDED * np.abs(some)).any():
                break
        else:
            # All at one multiple: what moves is less than float32 may be off.
            return step if np.ptp(np.rint(x / step)) > 0 else None
    return None


def is_discrete(blocks: Sequence[Block], key: Key) -> bool:
    """Whether a channel has few values, each of which occurs again and again."""
    x = cells(blocks, key)
    if len(np.unique(x[:: max(1, len(x) // 1000)])) > MOST_VALUES:
        return False
    n_values = len(np.unique(x))
    if n_values > MOST_VALUES or len(x) < max(1, PER_VALUE * n_values):
        return False
    # Windows that overlap hold a cell several times, but not at one timestep.
    block = max(blocks, key=lambda block: len(block[key]))
    column = observed(block[key][:, block[key].shape[1] // 2])
    return len(column) < SERIES or 2 * len(np.unique(column)) <= len(column)


def find_grids(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the channels whose values are all multiples of a step."""
    found: list[Rule] = []
    for key in blocks[0]:
        x = cells(blocks, key)
        # Where there are few values, they are told one by one.
        step = step_of(x) if len(x) >= FEWEST and len(np.unique(x)) > FEW else None
        if step is not None and len(np.unique(np.rint(x / step))) > FEW:
            rule = Grid(key, step)
            found.append(rule)
    return found
