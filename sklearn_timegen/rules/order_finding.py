"""Find the channels of which one is never above another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.order import Order, Pair
from sklearn_timegen.rules.pressing import BY_CHANCE, presses_on_zero
from sklearn_timegen.rules.rule import Block, Key, Rule, cells, columns, observed, steps

__all__ = ["find_orders"]

Array = NDArray[np.float64]

FEWEST = 50  # cells, before an order can be believed
EXPECTED = 20.0  # independent cells that shuffled channels would break


def find_orders(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the orders among channels that hold everywhere, and by no accident."""
    keys = [k for k in blocks[0] if units[k] == "data" and isinstance(k, int)]
    keys = [key for key in keys if _is_measure(cells(blocks, key))]
    x = dict(zip(keys, columns(blocks, keys), strict=True))
    pairs: list[Pair] = []
    for i, j in permutations(keys, 2):
        if _crosses(x[i], x[j]):
            continue
        a, b = _together(x[i], x[j])
        if _is_below(a, b):
            moves = observed(steps(blocks, j) - steps(blocks, i))
            if _is_pressed(a, b, moves):
                pairs.append((i, j))
    return [Order.of_pairs(group) for group in _connected(pairs)]


def _together(a: Array, b: Array) -> tuple[Array, Array]:
    """Return two channels where both are observed."""
    both = ~(np.isnan(a) | np.isnan(b))
    return (a, b) if both.all() else (a[both], b[both])


def _is_measure(x: Array) -> bool:
    """Whether a channel has so many values that a position among them means something."""
    return len(np.unique(x[:5000])) > 10


def _crosses(a: Array, b: Array) -> bool:
    """Whether ``a`` is above ``b`` anywhere: most pairs are told by a glimpse."""
    glimpse = slice(None, None, max(1, len(a) // 2000))
    return bool((a[glimpse] > b[glimpse]).any() or (a > b).any())


def _is_below(a: Array, b: Array) -> bool:
    """Whether ``b`` would be below ``a`` now and then, if the two were free of each other."""
    if len(a) == 0 or a.max() <= b.min():
        return False
    return _by_chance(a, b) >= BY_CHANCE and bool(np.ptp(b - a) > 0)


def _by_chance(a: Array, b: Array) -> float:
    """Return how often ``a`` would be above ``b`` if they were shuffled against each other."""
    glimpse = slice(None, None, max(1, len(a) // 2000))
    low, high = np.sort(a[glimpse]), np.sort(b[glimpse])
    return float(1 - np.searchsorted(low, high, side="right").mean() / len(low))


def _is_pressed(a: Array, b: Array, steps_of_gap: Array) -> bool:
    """Whether there are enough independent observations, and the gap presses on 0 in them."""
    gap, marks = b - a, a + np.e * b  # windows that overlap hold an observation several times
    n_distinct = len(np.unique(marks))
    # Neighbours in time are alike: what counts are as many observations as are independent.
    moves = steps_of_gap[steps_of_gap != 0]
    roughness = np.mean(moves**2) / (2 * gap.var()) if len(moves) else 1.0
    n_independent = n_distinct * float(min(1.0, roughness))
    if n_distinct < FEWEST or _by_chance(a, b) * n_independent < EXPECTED:
        return False
    return presses_on_zero(gap, marks, n_independent)


def _connected(pairs: list[Pair]) -> list[list[Pair]]:
    """Return pairs in groups that share no channel."""
    groups: list[list[Pair]] = []
    for pair in pairs:
        joined = [g for g in groups if {k for p in g for k in p} & set(pair)]
        groups = [g for g in groups if g not in joined]
        groups.append([pair, *(p for g in joined for p in g)])
    return groups
