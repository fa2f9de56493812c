"""Channels of zeros and ones of which exactly one is on: a state, written as its indicators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, columns
from sklearn_timegen.rules.states import neighbouring_order

__all__ = ["OneOf", "find_one_of"]

Array = NDArray[np.float64]
MOST = 64  # indicators that groups are searched among
MOST_TRIED = 2000  # beginnings of a group, before the search is given up
PER_STATE = 10  # timesteps for each indicator at which none of a group is missing
UNKNOWN = -1  # a state that does not follow from what is observed


class OneOf(Rule):
    """Exactly one of the channels is 1 at each timestep, and the others are 0.

    Its coordinate is the number of the state, among states that are ordered so that those which
    follow each other are neighbours.

    Parameters
    ----------
    *channels : int or str
        Three or more indicators.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import OneOf
    >>> OneOf("sun", "rain", "snow")
    one of sun, rain, snow
    >>> states = np.eye(3)[[[0, 2, 1]]]
    >>> rule = OneOf(0, 1, 2)
    >>> np.array_equal(rule.inverse_transform(rule.transform(states)), states)
    True
    """

    kind = "one of"

    def __init__(self, *channels: Any) -> None:
        if len(channels) < 2 or len(set(channels)) < len(channels):
            raise ValueError(f"OneOf takes two or more different channels, got {channels!r}")
        super().__init__(*channels)
        self._order = list(range(len(channels)))

    def statement(self) -> str:
        return f"one of {', '.join(self.labels)}"

    def broken(self, block: Block) -> Mask:
        x = np.stack([block[key] for key in self.keys])
        missing = np.isnan(x)
        n_on = np.where(missing, 0, x).sum(axis=0)
        count = np.where(missing.any(axis=0), n_on > 1, n_on != 1)
        mask: Mask = count | ((x != 0) & (x != 1) & ~missing).any(axis=0)
        return mask

    def learn(self, blocks: Sequence[Block]) -> None:
        states = [self._state(block) for block in blocks]
        known = [np.where(state == UNKNOWN, np.nan, state) for state in states]
        self._order = neighbouring_order(known, len(self.keys))

    def encode(self, block: Block) -> Block:
        state = self._state(block)
        number = np.argsort(self._order)[state].astype(np.float64)
        out = {key: column for key, column in block.items() if key not in self.keys[1:]}
        out[self.keys[0]] = np.where(state == UNKNOWN, np.nan, number)
        return out

    def decode(self, block: Block) -> Block:
        number = np.rint(block[self.keys[0]]).clip(0, len(self.keys) - 1).astype(int)
        state = np.asarray(self._order)[number]
        return {**block, **{key: (state == k) * 1.0 for k, key in enumerate(self.keys)}}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        x = np.stack([block[key] for key in self.keys])
        fixed = np.stack([known[key] for key in self.keys])
        # What is known to be on is the state; what is known to be off is not.
        state = np.where(fixed, np.where(x == 1, np.inf, -np.inf), x).argmax(axis=0)
        return {**block, **{key: (state == k) * 1.0 for k, key in enumerate(self.keys)}}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        kept = {key: unit for key, unit in units.items() if key not in self.keys[1:]}
        return {**kept, self.keys[0]: "free"}

    def renamed(self) -> dict[Key, str]:
        return {self.keys[0]: f"state of {', '.join(self.labels)}"}

    def _state(self, block: Block) -> NDArray[np.int64]:
        """Return the indicator that is on, or the one that is missing where all others are off."""
        x = np.stack([block[key] for key in self.keys])
        missing = np.isnan(x)
        if not missing.any():
            state: NDArray[np.int64] = x.argmax(axis=0)
            return state
        on = np.where(missing, -np.inf, x).argmax(axis=0)
        is_on = (np.where(missing, 0, x) > 0).any(axis=0)
        left = np.where(missing.sum(axis=0) == 1, missing.argmax(axis=0), UNKNOWN)
        return np.where(is_on | ~missing.any(axis=0), on, left)


def find_one_of(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return groups of three or more indicators, of which one is on everywhere."""
    on: dict[Key, NDArray[np.bool_]] = {}
    missing: dict[Key, NDArray[np.bool_]] = {}
    for key, column in zip(blocks[0], columns(blocks, blocks[0]), strict=True):
        if np.fmax.reduce(column) != 1 or np.fmin.reduce(column) != 0:
            continue
        hole = np.isnan(column)
        if ((column == 0) | (column == 1) | hole).all():
            on[key], missing[key] = column == 1, hole
    found: list[Rule] = []
    while len(on) >= 3 and len(on) <= MOST:
        group = _cover(on, missing)
        if group is None:
            break
        rule = OneOf(*group)
        found.append(rule)
        on = {key: column for key, column in on.items() if key not in group}
    return found


def _cover(
    on: dict[Key, NDArray[np.bool_]], missing: dict[Key, NDArray[np.bool_]]
) -> list[Key] | None:
    """Return three or more indicators of which exactly one is on everywhere, if there are any.

    Where some of a group are missing, at most one is.
    """
    first_of = {column.tobytes(): key for key, column in reversed(on.items())}
    keys = sorted(first_of.values(), key=str)  # of equal ones, one
    left_to_try = [MOST_TRIED]

    def grow(group: list[Key], off: Mask, complete: Mask) -> list[Key] | None:
        """Add to a group, given where all that is observed of it is off, and all is observed."""
        left = off & complete
        if not left.any():
            enough = complete.sum() >= min(len(complete), PER_STATE * len(group))
            return sorted(group, key=str) if len(group) >= 3 and enough else None
        left_to_try[0] -= 1
        if left_to_try[0] < 0:
            return None
        first = int(left.argmax())  # somebody in the group has to be on here, or missing
        observed = [key for key in keys if on[key][first]]
        for key in observed + [key for key in keys if missing[key][first] and key not in group]:
            if not (on[key] & ~off).any():
                found = grow([*group, key], off & ~on[key], complete & ~missing[key])
                if found is not None:
                    return found
        return None

    everywhere = np.ones(len(on[keys[0]]), dtype=bool)
    return grow([], everywhere, everywhere)
