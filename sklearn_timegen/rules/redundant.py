"""Channels that carry nothing new: constants, copies, and combinations of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.magnitude import is_lost_in_float32
from sklearn_timegen.rules.channels import ChannelReducer
from sklearn_timegen.rules.grid import step_of
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, as_array, cells, inferred

__all__ = ["Combination", "Constant", "Copy"]

Array = NDArray[np.float64]
ROUNDING = 4 * float(np.finfo(np.float32).eps)  # of the largest value, as in ChannelReducer


class _LeftOut(Rule):
    """A channel that is left out, and restored from what is left."""

    def encode(self, block: Block) -> Block:
        # What is missing of others may follow from the column that is left out.
        told = inferred(self, block)
        return {key: column for key, column in told.items() if key != self.keys[0]}

    def decode(self, block: Block) -> Block:
        return {**block, self.keys[0]: self._restored(block)}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        key = self.keys[0]
        return {**block, key: np.where(known[key], block[key], self._restored(block))}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {key: unit for key, unit in units.items() if key != self.keys[0]}

    def log_slope(self, block: Block) -> float:
        return 0.0  # densities are those of the channels that are kept

    def _restored(self, block: Block) -> Any:
        raise NotImplementedError

    def broken(self, block: Block) -> Mask:
        column = block[self.keys[0]]
        reach = ROUNDING * np.maximum(np.abs(column), self._reach)
        mask: Mask = np.abs(column - self._restored(block)) > reach
        return mask

    _reach = 0.0


class Constant(_LeftOut):
    """A channel that has the same value everywhere.

    Parameters
    ----------
    channel : int or str
        The channel.
    value : float or None, default=None
        Its value; ``None`` is that of the first series.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Constant
    >>> Constant(1, value=7.0).violations(np.full((2, 3, 2), 7.0)).any()
    np.False_
    """

    kind = "constant"

    def __init__(self, channel: Any, value: float | None = None) -> None:
        super().__init__(channel)
        self.value = value

    def statement(self) -> str:
        return (
            f"{self.labels[0]} = {'constant' if self.value is None else format(self.value, 'g')}"
        )

    def learn(self, blocks: Sequence[Block]) -> None:
        if self.value is None:
            self.value = float(cells(blocks, self.keys[0])[0])

    def infer(self, block: Block, known: dict[Key, Mask]) -> tuple[Block, dict[Key, Mask]]:
        key = self.keys[0]
        everywhere = np.ones_like(known[key])
        return {**block, key: self._restored(block)}, {**known, key: everywhere}

    def _restored(self, block: Block) -> Any:
        some = next(iter(block.values()))
        return np.full(some.shape, self.value)

    def broken(self, block: Block) -> Mask:
        value = self.value or 0.0
        mask: Mask = np.abs(block[self.keys[0]] - value) > ROUNDING * abs(value)
        return mask


class Copy(_LeftOut):
    """A channel that is the same as another.

    Parameters
    ----------
    channel : int or str
        The copy, which is left out.
    of : int or str
        The channel that it is a copy of.

    Examples
    --------
    >>> from sklearn_timegen.rules import Copy
    >>> Copy("adjusted", of="close")
    adjusted = close
    """

    kind = "copy"

    def __init__(self, channel: Any, of: Any) -> None:
        super().__init__(channel, of)

    def statement(self) -> str:
        return f"{self.labels[0]} = {self.labels[1]}"

    def infer(self, block: Block, known: dict[Key, Mask]) -> tuple[Block, dict[Key, Mask]]:
        key, of = self.keys
        told, either = known[key] & ~known[of], known[key] | known[of]
        out = {
            of: np.where(told, block[key], block[of]),
            key: np.where(known[of] & ~known[key], block[of], block[key]),
        }
        return {**block, **out}, {**known, key: either, of: either}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        return super().complete(self.infer(block, known)[0], known)

    def _restored(self, block: Block) -> Any:
        return block[self.keys[1]]


class Combination(_LeftOut):
    """A channel that is an affine combination of others, such as a total of its parts.

    Parameters
    ----------
    channel : int or str
        The channel that is left out.
    weights : mapping of int or str to float
        What the others are multiplied by.
    offset : float, default=0.0
        What is added.

    Examples
    --------
    >>> from sklearn_timegen.rules import Combination
    >>> Combination("all", {"women": 1, "men": 1})
    all = women + men
    >>> Combination("fahrenheit", {"celsius": 1.8}, offset=32)
    fahrenheit = 1.8 celsius + 32
    """

    kind = "combination"

    def __init__(self, channel: Any, weights: Mapping[Any, float], offset: float = 0.0) -> None:
        super().__init__(channel, *weights)
        self.weights = dict(weights)
        self._steps: dict[Key, float | None] = {}
        self.offset = float(offset)

    def statement(self) -> str:
        terms = []
        for label, weight in zip(self.labels[1:], self.weights.values(), strict=True):
            size = "" if abs(weight) == 1 else f"{abs(weight):.6g} "
            terms.append(f"{'-' if weight < 0 else '+'} {size}{label}")
        if self.offset:
            terms.append(f"{'-' if self.offset < 0 else '+'} {abs(self.offset):.6g}")
        return f"{self.labels[0]} = {' '.join(terms).removeprefix('+ ')}"

    def learn(self, blocks: Sequence[Block]) -> None:
        sizes = [1.0, *self.weights.values()]
        # Of its terms, too: the small difference of large ones carries their rounding.
        columns = [cells(blocks, key) for key in self.keys]
        self._reach = max(
            abs(w) * float(np.abs(x).max()) for x, w in zip(columns, sizes, strict=True)
        )
        # What follows from the others is as much on its grid as what is observed.
        self._steps = dict(zip(self.keys, map(step_of, columns), strict=True))

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        out, key = dict(block), self.keys[0]
        # A known total leaves a difference, which the terms that are not known share: each an
        # equal part, rounded to its step, and the last one all that is left then.
        free = np.stack([~known[term] for term in self.keys[1:]])
        n_free = free.sum(axis=0)
        told = known[key] & (n_free > 0)
        left = np.where(told, block[key] - self._restored(block), 0.0)
        terms = zip(self.keys[1:], self.weights.values(), free & told, strict=True)
        for term, weight, unknown in terms:
            part = np.where(unknown, left / np.maximum(n_free, 1) / weight, 0.0)
            x = out[term] + part
            out[term] = np.where(unknown & (n_free > 1), self._on_step(term, x), x)
            left = left - weight * (out[term] - block[term])
            n_free = n_free - unknown
        return super().complete(out, known)

    def infer(self, block: Block, known: dict[Key, Mask]) -> tuple[Block, dict[Key, Mask]]:
        # Of the sum of all, which is 0, any one that is unknown is what the others leave.
        weights = np.array([-1.0, *self.weights.values()])
        unknown = ~np.stack([known[key] for key in self.keys])
        x = np.stack([block[key] for key in self.keys])
        left = self.offset + np.where(unknown, 0.0, weights[:, None, None] * x).sum(axis=0)
        alone = unknown & (unknown.sum(axis=0) == 1)
        out, now = dict(block), dict(known)
        for key, weight, hole in zip(self.keys, weights, alone, strict=True):
            out[key] = np.where(hole, self._on_step(key, -left / weight), block[key])
            now[key] = known[key] | hole
        return out, now

    def _on_step(self, key: Key, x: Any) -> Any:
        step = self._steps.get(key)
        return x if step is None else np.rint(x / step) * step

    def _restored(self, block: Block) -> Any:
        total = np.full(block[self.keys[1]].shape, self.offset)
        for key, weight in zip(self.keys[1:], self.weights.values(), strict=True):
            # Of what is returned, in float32: or a total would not be that of its parts.
            total += weight * block[key].astype(np.float32).astype(np.float64)
        return total


def find_redundant(
    blocks: Sequence[Block], keep: Collection[Key] = ()
) -> tuple[ChannelReducer, list[Rule]]:
    """Return the channels that carry nothing new, as a reducer of arrays and as rules.

    Those to ``keep`` are left to another rule, which speaks of them. So are those of which float32
    does not hold what varies: nobody can tell in it whether they are copies, or constant.
    """
    keys, pieces = list(blocks[0]), _pieces(blocks)
    kept_anyway = [
        j for j, key in enumerate(keys) if key in keep or is_lost_in_float32(pieces[:, :, j])
    ]
    reducer = ChannelReducer(kept_anyway).fit(pieces.astype(np.float32))
    rules: list[Rule] = []
    kept = [keys[k] for k in reducer.kept_]
    for j, key in enumerate(keys):
        if key in kept and np.isnan(reducer.constants_[j]):
            continue
        if not np.isnan(reducer.constants_[j]):
            if key not in kept:
                rules.append(Constant(key, float(reducer.constants_[j])))
        elif reducer.source_[j] >= 0:
            rules.append(Copy(key, of=kept[reducer.source_[j]]))
        else:
            weights = {kept[k]: w for k, w in enumerate(reducer.weights_[j]) if w}
            rules.append(Combination(key, weights, reducer.offsets_[j]))
    return reducer, rules


def _pieces(blocks: Sequence[Block]) -> Array:
    """Return blocks as one array: series of several lengths as pieces of the shortest."""
    if len(blocks) == 1:
        return as_array(blocks[0])
    length = min(next(iter(block.values())).shape[1] for block in blocks)
    pieces = [
        as_array(block)[:, k * length : (k + 1) * length]
        for block in blocks
        for k in range(next(iter(block.values())).shape[1] // length)
    ]
    return np.concatenate(pieces)
