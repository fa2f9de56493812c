"""Find the channels with point masses, and those that never fall below a bound they touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.bounds import touched_bound
from sklearn_timegen.rules.grid import is_discrete
from sklearn_timegen.rules.normal_score import ATOM, NormalScore
from sklearn_timegen.rules.rule import Block, Key, cells

__all__ = ["find_normal_scores"]

Array = NDArray[np.float64]

FEWEST = 50  # cells


def find_normal_scores(blocks: Sequence[Block], units: dict[Key, str]) -> list[NormalScore]:
    """Return the channels with point masses, or with a lower bound that they touch."""
    found: list[NormalScore] = []
    for key in blocks[0]:
        rule = None if isinstance(key, tuple) else _found(key, blocks)
        if rule is not None:
            found.append(rule)
    return found


def _found(key: Key, blocks: Sequence[Block]) -> NormalScore | None:
    blocks = [{key: _varying(block[key])} for block in blocks]
    x = cells(blocks, key)
    if len(x) < FEWEST or np.ptp(x) == 0:
        return None
    values, counts = np.unique(x, return_counts=True)
    rule = NormalScore(key)
    if is_discrete(blocks, key):
        return rule
    often = int(counts.argmax()) if _is_mass(values, counts) else 0
    if counts[often] >= ATOM * len(x) and _is_everywhere(values[often], blocks, key):
        return rule
    # Skewed: what is clipped at a bound would pile up there.
    columns = [block[key] for block in blocks]
    if values[0] < 0 or touched_bound(columns) != 0:
        return None
    if touched_bound([-column for column in columns]) is not None:
        return None
    rule.bound = 0.0
    return rule


def _varying(column: Array) -> Array:
    """Return the timesteps that are not the same in all series: those are no point masses."""
    if len(column) < 2:
        return column
    return column[:, np.fmax.reduce(column, axis=0) > np.fmin.reduce(column, axis=0)]


def _is_mass(values: Array, counts: NDArray[np.int64]) -> bool:
    """Whether the most frequent value stands out from what is beside it, as 0 or a default."""
    k = int(counts.argmax())
    beside = np.delete(counts, k)[max(0, k - 3) : k + 3]
    return bool(counts[k] > 10 * beside.mean())


def _is_everywhere(value: float, blocks: Sequence[Block], key: Key) -> bool:
    """Whether several series have a value: one that stands still all along has it for itself."""
    has = np.concatenate([(block[key] == value).any(axis=1) for block in blocks])
    return bool(has.sum() >= min(5, (len(has) + 1) // 2))
