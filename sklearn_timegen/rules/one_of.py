"""Channels of zeros and ones of which exactly one is on: a state, written as its indicators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, cells

__all__ = ["OneOf", "find_one_of"]

Array = NDArray[np.float64]
MOST = 64  # indicators that groups are searched among
MOST_TRIED = 2000  # beginnings of a group, before the search is given up


class OneOf(Rule):
    """Exactly one of the channels is 1 at each timestep, and the others are 0.

    Its coordinate is the number of the state, among states that are ordered so that those which
    follow each other are neighbours (by the Fiedler vector of how often they do).

    Parameters
    ----------
    *channels : int or str
        Three or more indicators.

    References
    ----------
    M. Fiedler (1973), "Algebraic connectivity of graphs", Czechoslovak Mathematical Journal 23.
    https://doi.org/10.21136/CMJ.1973.101168

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
        columns = np.stack([block[key] for key in self.keys])
        mask: Mask = (columns.sum(axis=0) != 1) | ((columns != 0) & (columns != 1)).any(axis=0)
        return mask

    def learn(self, blocks: Sequence[Block]) -> None:
        states = [self._state(block) for block in blocks]
        follows = np.zeros((len(self.keys),) * 2)
        for state in states:
            np.add.at(follows, (state[:, :-1].ravel(), state[:, 1:].ravel()), 1)
        together = follows + follows.T
        np.fill_diagonal(together, 0)
        laplacian = np.diag(together.sum(axis=1)) - together
        self._order = [int(k) for k in np.argsort(np.linalg.eigh(laplacian)[1][:, 1])]

    def encode(self, block: Block) -> Block:
        number = np.argsort(self._order)[self._state(block)]
        out = {key: column for key, column in block.items() if key not in self.keys[1:]}
        out[self.keys[0]] = number.astype(np.float64)
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
        state: NDArray[np.int64] = np.argmax([block[key] for key in self.keys], axis=0)
        return state


def find_one_of(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return groups of three or more indicators, of which one is on everywhere."""
    on: dict[Key, NDArray[np.bool_]] = {}
    for key in blocks[0]:
        column = cells(blocks, key)
        if column.max() == 1 and column.min() == 0 and np.isin(column, (0, 1)).all():
            on[key] = column == 1
    found: list[Rule] = []
    while len(on) >= 3 and len(on) <= MOST:
        group = _cover(on)
        if group is None:
            break
        rule = OneOf(*group)
        found.append(rule)
        on = {key: column for key, column in on.items() if key not in group}
    return found


def _cover(on: dict[Key, NDArray[np.bool_]]) -> list[Key] | None:
    """Return three or more indicators of which exactly one is on everywhere, if there are any."""
    first_of = {column.tobytes(): key for key, column in reversed(on.items())}
    keys = sorted(first_of.values(), key=str)  # of equal ones, one
    left_to_try = [MOST_TRIED]

    def grow(group: list[Key], left: NDArray[np.bool_]) -> list[Key] | None:
        if not left.any():
            return sorted(group, key=str) if len(group) >= 3 else None
        left_to_try[0] -= 1
        if left_to_try[0] < 0:
            return None
        first = int(left.argmax())  # somebody in the group has to be on here
        for key in keys:
            if on[key][first] and not (on[key] & ~left).any():
                found = grow([*group, key], left & ~on[key])
                if found is not None:
                    return found
        return None

    return grow([], np.ones(len(on[keys[0]]), dtype=bool))
