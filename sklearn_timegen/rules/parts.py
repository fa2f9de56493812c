"""Positive parts of a total, and shares: written as the total and ratios of the parts.

Symbols: ``p_1 ... p_k`` are the parts, ``s`` their sum, ``z_j = log(p_j / p_k)`` the additive
log-ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._shifted_log import ShiftedLog
from sklearn_timegen.rules.grid import step_of
from sklearn_timegen.rules.redundant import Combination
from sklearn_timegen.rules.rule import (
    Block,
    Key,
    Mask,
    Rule,
    cells,
    columns,
    inferred,
    observed,
)

__all__ = ["Parts", "find_parts"]

Array = NDArray[np.float64]
LEVEL = 3.0  # times that the total reaches over, for its logarithm
LEAST = 1e-6  # fraction of the total that a part never falls below


class Parts(Rule):
    """Channels that are positive and belong together: they sum to a total, or to a constant.

    The coordinates are the total (its logarithm, where it is wide), in the place of the last
    part, and the logarithms of the ratios of the others to the last. A total that is a channel
    itself is a :class:`Combination`, and is left out before.

    Parameters
    ----------
    *channels : int or str
        Two or more parts.
    total : float or None, default=None
        What they sum to, if that is a constant.

    References
    ----------
    J. Aitchison (1982), "The statistical analysis of compositional data", Journal of the Royal
    Statistical Society B 44. https://doi.org/10.1111/j.2517-6161.1982.tb01195.x

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Parts
    >>> rule = Parts(0, 1)
    >>> rule
    channel 0, channel 1 are positive parts
    >>> rule.inverse_transform(rule.transform([[[1.0, 3.0]]]))
    array([[[1., 3.]]])
    """

    kind = "parts"

    def __init__(self, *channels: Any, total: float | None = None) -> None:
        if len(channels) < 2 or len(set(channels)) < len(channels):
            raise ValueError(f"Parts takes two or more different channels, got {channels!r}")
        super().__init__(*channels)
        self.total = total
        self._log: ShiftedLog | None = None
        self._least = LEAST
        self._step: float | None = None

    def statement(self) -> str:
        whole = "" if self.total is None else f" of {self.total:g}"
        return f"{', '.join(self.labels)} are positive parts{whole}"

    def broken(self, block: Block) -> Mask:
        x = np.stack([block[key] for key in self.keys])
        wrong: Any = (x <= 0).any(axis=0)
        if self.total is not None:
            wrong |= np.abs(x.sum(axis=0) - self.total) > 1e-5 * abs(self.total)
        mask: Mask = wrong
        return mask

    def learn(self, blocks: Sequence[Block]) -> None:
        total = observed(np.sum(columns(blocks, self.keys), axis=0))
        self._least = min(float(cells(blocks, key).min()) for key in self.keys) / 2
        steps = [step_of(cells(blocks, key)) for key in self.keys]
        self._step = None if None in steps else min(s for s in steps if s)
        wide = self.total is None and total.max() > LEVEL * total.min()
        self._log = ShiftedLog.of(total, 0.0, positive=True) if wide else None

    def encode(self, block: Block) -> Block:
        block = inferred(self, block)
        # Of new series that are not positive, half of the least part that was seen.
        block = {**block, **{key: np.maximum(block[key], self._least) for key in self.keys}}
        last = block[self.keys[-1]]
        out = {**block, **{key: np.log(block[key] / last) for key in self.keys[:-1]}}
        total = np.sum([block[key] for key in self.keys], axis=0)
        if self.total is not None:
            del out[self.keys[-1]]
        else:
            out[self.keys[-1]] = total if self._log is None else self._log.transform(total)
        return out

    def decode(self, block: Block) -> Block:
        z = np.stack([block[key] for key in self.keys[:-1]])
        z = np.concatenate([z, np.zeros_like(z[:1])])
        fraction = np.exp(z - z.max(axis=0))
        fraction = np.maximum(fraction / fraction.sum(axis=0), LEAST)
        fraction /= fraction.sum(axis=0)
        if self.total is None:
            total = block[self.keys[-1]]
            if self._log is not None:
                total = self._log.inverse_transform(total)
            total = np.maximum(total, self._least)
            return {**block, **{key: fraction[k] * total for k, key in enumerate(self.keys)}}
        # In float32, as they will be: the last one is what is left over then.
        parts = fraction[:-1] * self.total
        if self._step is not None:
            parts = np.floor(parts / self._step + 1e-6) * self._step  # never more than the total
        parts = parts.astype(np.float32).astype(np.float64)
        last = self.total - parts.sum(axis=0)
        return {**block, **dict(zip(self.keys, [*parts, last], strict=True))}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        x = np.stack([block[key] for key in self.keys])
        free = ~np.stack([known[key] for key in self.keys])
        # Those that are not known share what is left for them, if anything is.
        if self.total is None:
            left = np.where(free, x, 0).sum(axis=0)
        else:
            left = self.total - np.where(free, 0, x).sum(axis=0)
        positive = np.where(free, np.maximum(x, self._least), 0)
        whole = np.maximum(positive.sum(axis=0), self._least)
        left = np.where(left > 0, left, whole)
        share = positive / whole
        if self._step is None:
            shared = share * left
        else:
            shared = self._step * _whole_numbers(share, np.rint(left / self._step), free)
        return {**block, **dict(zip(self.keys, np.where(free, shared, x), strict=True))}

    def infer(self, block: Block, known: dict[Key, Mask]) -> tuple[Block, dict[Key, Mask]]:
        if self.total is None:
            return block, known
        x = np.stack([block[key] for key in self.keys])
        unknown = ~np.stack([known[key] for key in self.keys])
        left = self.total - np.where(unknown, 0, x).sum(axis=0)
        alone = unknown & (unknown.sum(axis=0) == 1) & (left > 0)
        out = dict(zip(self.keys, np.where(alone, left, x), strict=True))
        now = dict(zip(self.keys, ~unknown | alone, strict=True))
        return {**block, **out}, {**known, **now}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        new = {**units, **dict.fromkeys(self.keys[:-1], "free")}
        if self.total is not None:
            del new[self.keys[-1]]
        elif self._log is not None:
            new[self.keys[-1]] = "log"
        return new

    def logs(self) -> dict[Key, ShiftedLog]:
        return {} if self._log is None else {self.keys[-1]: self._log}

    def log_slope(self, block: Block) -> Array:
        columns = np.stack([block[key] for key in self.keys])
        total = columns.sum(axis=0)
        # |d(z, s) / dp| = s / prod p; of shares, |dz / dp| over k - 1 of them is total / prod p.
        slope = np.log(total) - np.log(columns).sum(axis=0)
        if self._log is not None:
            slope += self._log.log_slope(total)
        whole: Array = np.nansum(slope, axis=1)
        return whole


def _whole_numbers(share: Array, number: Array, free: Mask) -> Array:
    """Return whole numbers above 0 in proportion to shares, that sum to a number if they can."""
    spare = np.maximum(number - free.sum(axis=0), 0)
    parts: Array = np.where(free, 1 + np.floor(share * spare), 0)
    left = number - parts.sum(axis=0)
    largest = np.arange(len(share))[:, None, None] == share.argmax(axis=0)
    return np.where(free & largest, np.maximum(parts + left, 1), parts)


def find_parts(blocks: Sequence[Block], combinations: Sequence[Rule]) -> list[Rule]:
    """Return the positive parts of totals, and shares, among combinations that were found."""
    found: list[Rule] = []
    taken: set[Key] = set()
    for rule in combinations:
        if not isinstance(rule, Combination) or set(rule.keys) & taken:
            continue
        weights = list(rule.weights.values())
        shares = rule.offset > 0 and all(w == -1 for w in weights)
        if not shares and (rule.offset != 0 or any(w != 1 for w in weights) or len(weights) < 2):
            continue
        left_out, *others = zip(rule.keys, rule.labels, strict=True)
        members = [*others, left_out] if shares else others
        if any(cells(blocks, key).min() <= 0 for key, _ in members):
            continue
        parts = Parts(*(key for key, _ in members), total=rule.offset if shares else None)
        parts.labels = tuple(label for _, label in members)
        found.append(parts)
        taken |= set(parts.keys)
    return found
