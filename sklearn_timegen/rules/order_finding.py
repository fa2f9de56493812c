"""Find the channels of which one is never above another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.order import Order, Pair, near
from sklearn_timegen.rules.rule import Block, Key, Rule, cells, columns, observed, steps

__all__ = ["find_orders"]

Array = NDArray[np.float64]

FEWEST = 100  # cells, before an order can be believed
BY_CHANCE = 0.01  # of cells that shuffled channels have to break, or the order is no news
TOUCHED = 0.002  # of cells that have to touch


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
            if _is_told_often(a, b, moves):
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
    """Whether ``b`` is close to ``a`` now and then, and would be below it if it were free."""
    if len(a) == 0 or a.max() <= b.min() or _by_chance(a, b) < BY_CHANCE:
        return False
    gap = b - a
    return bool(np.ptp(gap) > 0 and near(gap).mean() >= TOUCHED)


def _by_chance(a: Array, b: Array) -> float:
    """Return how often ``a`` would be above ``b`` if they were shuffled against each other."""
    glimpse = slice(None, None, max(1, len(a) // 2000))
    low, high = np.sort(a[glimpse]), np.sort(b[glimpse])
    return float(1 - np.searchsorted(low, high, side="right").mean() / len(low))


def _is_told_often(a: Array, b: Array, steps_of_gap: Array) -> bool:
    """Whether there are enough independent observations, and different ones that touch."""
    gap = b - a
    distinct = np.unique(a + np.e * b)  # windows that overlap hold an observation several times
    touching = np.unique((a + np.e * b)[near(gap)])
    # Neighbours in time are alike: what counts are as many observations as are independent.
    moves = steps_of_gap[steps_of_gap != 0]
    roughness = np.mean(moves**2) / (2 * gap.var()) if len(moves) else 1.0
    return bool(
        len(distinct) >= FEWEST
        and _by_chance(a, b) * len(distinct) * min(1.0, roughness) >= 20
        and len(touching) >= 5
    )


def _connected(pairs: list[Pair]) -> list[list[Pair]]:
    """Return pairs in groups that share no channel."""
    groups: list[list[Pair]] = []
    for pair in pairs:
        joined = [g for g in groups if {k for p in g for k in p} & set(pair)]
        groups = [g for g in groups if g not in joined]
        groups.append([pair, *(p for g in joined for p in g)])
    return groups
