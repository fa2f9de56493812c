"""Find the channels that are read now and then, and straight or still in between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.clock import ROUNDED, Clock, bends
from sklearn_timegen.rules.rule import Block, Key, Rule, cells

__all__ = ["find_clocks"]

LONGEST = 60  # timesteps between two readings
FEWEST = 100  # kinks, before they can be believed to keep time
BENT = 0.2  # of the readings at least that have to be kinks


def find_clocks(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the groups of channels that are straight, or still, between common readings."""
    groups: dict[tuple[int, str], list[Key]] = {}
    for key in blocks[0]:
        found = _period(blocks, key)
        if found is not None:
            groups.setdefault(found, []).append(key)
    rules: list[Rule] = []
    for (period, how), keys in groups.items():
        rule = Clock(*keys, period=period, how=how)
        rule.learn(blocks)
        if not any(rule.broken(block).any() for block in blocks):
            rules.append(rule)
    return rules


def _period(blocks: Sequence[Block], key: Key) -> tuple[int, str] | None:
    """Return how often a channel is read, and how it is in between, if it keeps time."""
    x = cells(blocks, key)
    if len(np.unique(x[:2000])) <= 2:
        return None
    tolerance = ROUNDED * float(x.std()) + 4e-7 * float(np.abs(x).max())
    for how, order in (("hold", 1), ("linear", 2)):
        bent = [bends(block[key], how, tolerance) for block in blocks]
        n_bends, n_cells = sum(int(b.sum()) for b in bent), len(x)
        if n_cells < sum(block[key].size for block in blocks):  # next to holes, nobody can tell
            changes = (np.diff(block[key], n=order, axis=1) for block in blocks)
            n_cells = sum(int((~np.isnan(change)).sum()) for change in changes)
        # Mostly straight, but not as a channel that hardly moves at all.
        if n_bends < FEWEST or n_bends > 0.55 * n_cells:
            continue
        for period in range(LONGEST, 1, -1):
            if n_bends * period < BENT * n_cells or not _keeps_time(bent, period):
                continue
            return period, how
    return None


def _keeps_time(bent: Sequence[NDArray[np.bool_]], period: int) -> bool:
    """Whether the kinks of each series are all at one remainder modulo the period."""
    n_told = 0
    for bend in bent:
        if bend.shape[1] < 2 * period:
            return False
        rows, t = np.nonzero(bend)
        remainder = t % period
        first = np.full(len(bend), -1)
        first[rows[::-1]] = remainder[::-1]
        if (remainder != first[rows]).any():
            return False
        n_told += len(rows) - len(np.unique(rows))
    return n_told >= FEWEST // 2
