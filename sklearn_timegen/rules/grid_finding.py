"""Find the channels whose values are all multiples of a step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.clock import Clock
from sklearn_timegen.rules.clock_finding import find_clocks
from sklearn_timegen.rules.grid import Grid, grid_of, step_of
from sklearn_timegen.rules.rule import Block, Key, Rule, cells

__all__ = ["find_grids"]

Array = NDArray[np.float64]

FEW = 10  # distinct values
FEWEST = 20  # cells, before a step can be believed


def find_grids(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the channels whose values are all multiples of a step."""
    found = [grid for key in blocks[0] if (grid := _grid(key, cells(blocks, key)))]
    # What is drawn between readings is on a grid, too, which says nothing of the readings.
    odd = [grid.keys[0] for grid in found if step_of(cells(blocks, grid.keys[0])) != grid.step]
    clocks = find_clocks([{key: block[key] for key in odd} for block in blocks], units)
    drawn = {
        key
        for rule in clocks
        if isinstance(rule, Clock) and rule.how == "linear"
        for key in rule.keys
    }
    return [grid for grid in found if grid.keys[0] not in drawn]


def _grid(key: Key, x: Array) -> Grid | None:
    # Where there are few values, they are told one by one.
    if len(x) < FEWEST or len(np.unique(x)) <= FEW:
        return None
    grid = grid_of(x)
    if grid is None or len(np.unique(np.rint((x - grid[1]) / grid[0]))) <= FEW:
        return None
    return Grid(key, *grid)
