"""Values that are multiples of a step: whole numbers, decimals, and these in other units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, cells, check_finite, observed

__all__ = ["Grid", "grid_of", "is_discrete", "step_of"]

Array = NDArray[np.float64]

STEPS = (1000.0, 100.0, 10.0, 5.0, 1.0, 0.5, 0.25, 0.1, 0.05, 0.01, 0.001)
MOST_VALUES = 30  # of a channel that is taken for discrete
PER_VALUE = 10  # cells for each of them, on average, before they are known to be all there are
SERIES = 50  # that are enough to tell repeated values from windows that overlap
FINEST = 5e5  # steps that float32 can count up to, and tell multiples from others
ROUNDED = 1.5e-7  # of a value: what float32 may be off
RESOLVED = 100.0  # times what float32 may be off: a step that is none of the usual ones
OCCUPIED = 0.25  # of the multiples of such a step that occur
FAR_OFF = 20  # of as many values, the least and the greatest that are left out of that
MOST_DIGITS = 13  # of a step
WHOLE = 1e-12  # of 1: what steps may leave of it, to be as many in 1
TINY = 1e-3  # of a step, above 0
SLACK = 0.05  # of such a step: what values may be off it


class Grid(Rule):
    """Values that are whole multiples of a step, above an offset.

    Other multiples than those of training may come back: they are rounded to the nearest one,
    after all else is done. Rounding keeps orders.

    Steps that are found are decimals (from 0.001 to 1,000, without an offset), or what values
    have in common whatever units they are in, as tenths of a degree Celsius in Fahrenheit.

    Parameters
    ----------
    channel : int or str
        The channel.
    step : float, default=1.0
        The step.
    offset : float, default=0.0
        One of the values.

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

    def __init__(self, channel: Any, step: float = 1.0, offset: float = 0.0) -> None:
        super().__init__(channel)
        check_finite("the step of a Grid", step)
        check_finite("the offset of a Grid", offset)
        if not step > 0:
            raise ValueError(f"the step of a Grid must be above 0, got {step!r}")
        self.step, self.offset = float(step), float(offset)

    def statement(self) -> str:
        if self.offset:
            return f"{self.labels[0]} in steps of {self.step:g} from {self.offset:g} on"
        if self.step == 1:
            return f"{self.labels[0]} in whole numbers"
        return f"{self.labels[0]} in steps of {self.step:g}"

    def broken(self, block: Block) -> Mask:
        x = block[self.keys[0]]
        # Rounded to float32, a multiple is not quite one, and an offset is known no better.
        slack = SLACK if self.offset else 1e-9
        mask: Mask = np.abs(x - self.rounded(x)) > ROUNDED * np.abs(x) + slack * self.step
        return mask

    def decode(self, block: Block) -> Block:
        return {**block, self.keys[0]: self.rounded(block[self.keys[0]])}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        x = block[self.keys[0]]
        return {**block, self.keys[0]: np.where(known[self.keys[0]], x, self.rounded(x))}

    def log_slope(self, block: Block) -> float:
        return 0.0  # the density is that of the values before they are rounded

    def rounded(self, x: Array) -> Array:
        """Return the nearest values of the grid."""
        if self.offset:
            on_grid: Array = self.offset + np.rint((x - self.offset) / self.step) * self.step
            return on_grid
        # Divided by a whole number of steps in 1, a tenth is the float nearest to a tenth.
        per_unit = round(1 / self.step)
        if per_unit > 0 and abs(per_unit * self.step - 1) < WHOLE:
            tenths: Array = np.rint(x * per_unit) / per_unit
            return tenths
        multiples: Array = np.rint(x / self.step) * self.step
        return multiples

    def positive(self, x: Array) -> Array:
        """Return values of which none is rounded to 0, or to less."""
        positive: Array = np.maximum(x, self.above(np.array(TINY * self.step)))
        return positive

    def above(self, x: Array) -> Array:
        """Return the least values that are not below ``x``, to float64's rounding."""
        steps = (x - self.offset) / self.step
        whole = np.ceil(steps - 1e-9 * np.maximum(np.abs(steps), 1))
        return self.rounded(self.offset + whole * self.step)

    def below(self, x: Array) -> Array:
        """Return the greatest values that are not above ``x``, to float64's rounding."""
        steps = (x - self.offset) / self.step
        whole = np.floor(steps + 1e-9 * np.maximum(np.abs(steps), 1))
        return self.rounded(self.offset + whole * self.step)


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


def grid_of(x: Array, rounding: float = ROUNDED) -> tuple[float, float] | None:
    """Return step and offset of values, in whatever units these are.

    The step is that of the values' differences, if at least a quarter of the values that it leads
    to occur; else a decimal, and with it no offset, if there is one. ``rounding`` is what values
    may be off, as a fraction of the greatest.
    """
    values = np.unique(observed(x))
    if len(values) < 2:
        return None
    off = 2 * rounding * float(np.abs(values).max())  # what a difference may be
    decimal, grid = step_of(x), _grid_of_differences(values, off)
    if decimal is not None and (grid is None or abs(grid[0] - decimal) * len(values) <= off):
        return decimal, 0.0  # which is exact
    return grid


def _grid_of_differences(values: Array, off: float) -> tuple[float, float] | None:
    """Return step and offset of ascending values, if they occupy what the step leads to."""
    lengths = np.unique(np.diff(values))
    lengths = lengths[lengths > 2 * off]
    step = _common_divisor(lengths, off) if len(lengths) else None
    few = len(values) // FAR_OFF  # a spike, far off, says nothing of what lies in between
    usual = values[few : len(values) - few]
    if step is None or len(usual) < OCCUPIED * np.ptp(usual) / step:
        return None
    number = np.rint((values - values[0]) / step)
    fitted = [float(c) for c in np.polyfit(number, values, 1)]
    fitted[1] = 0.0 if abs(fitted[1]) <= off else fitted[1]
    # The shortest number that will do, or twos would come back as 1.9999999.
    for digits in range(1, MOST_DIGITS):
        step = float(f"{fitted[0]:.{digits}g}")
        offset = float(f"{fitted[1]:.{digits + 2}g}")
        if np.abs(offset + number * step - values).max() <= off:
            return step, offset
    return None


def _common_divisor(lengths: Array, off: float) -> float | None:
    """Return the greatest number of which ascending lengths are multiples, but for what they err.

    Euclid's algorithm, and the sum of all lengths that are told apart by now makes it better: by
    ever longer ones.
    """
    divisor = float(lengths[0])
    reach = 1
    while divisor >= RESOLVED * off:
        near = lengths[lengths <= max(4.0**reach * divisor, lengths[0])]
        number = np.rint(near / divisor)
        rest = np.abs(near - number * divisor)
        if (rest > 2 * off).any():
            divisor, reach = float(rest[rest > 2 * off].min()), 1
        elif len(near) == len(lengths):
            return float(near.sum() / number.sum())
        else:
            divisor, reach = float(near.sum() / number.sum()), reach + 1
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
