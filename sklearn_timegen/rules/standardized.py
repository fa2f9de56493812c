"""Series that have been standardized one by one, as those of the UCR archive.

Symbols: ``a`` is where each series lies, its mean or its minimum, and ``s`` how far it reaches,
its standard deviation or its range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.grid import step_of
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule

__all__ = ["Standardized", "find_standardized"]

Array = NDArray[np.float64]
FEWEST = 10  # series, before what they have in common is no accident
SHORTEST = 4  # timesteps: of three, two would follow from the third
CLOSE = 1e-3  # of s: what rounding to three or four figures leaves
WAYS = ("std", "range")


class Standardized(Rule):
    """A channel of which each series has the same mean and the same standard deviation.

    Or, scaled otherwise, the same least and greatest value. Whatever is drawn is moved and
    stretched until it has. Densities are those of series before that.

    Parameters
    ----------
    channel : int or str
        The channel.
    by : {"std", "range"}, default="std"
        What is the same: mean and standard deviation, or minimum and maximum.

    References
    ----------
    H. A. Dau et al. (2019), "The UCR time series archive", IEEE/CAA Journal of Automatica Sinica
    6(6), whose series are z-normalized one by one. https://arxiv.org/abs/1810.07758

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import find_rules
    >>> x = np.random.default_rng(0).normal(size=(50, 24, 1)).cumsum(axis=1)
    >>> x = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    >>> (rule,) = find_rules(x)
    >>> rule
    each series of channel 0 has mean 0 and standard deviation 1: 1,200 cells, none broken
    >>> rule.inverse_transform([[[3.0], [3.0], [5.0], [5.0]]])[0, :, 0].tolist()
    [-1.0, -1.0, 1.0, 1.0]
    """

    kind = "standardized"
    learned = "_scale"
    judges_unlearned = False

    def __init__(self, channel: Any, by: str = "std") -> None:
        super().__init__(channel)
        if by not in WAYS:
            raise ValueError(f"by must be one of {', '.join(map(repr, WAYS))}, got {by!r}")
        self.by = by

    def statement(self) -> str:
        said = f"each series of {self.labels[0]} has "
        if not hasattr(self, "_scale"):
            return said + ("one mean and spread" if self.by == "std" else "one range")
        a, s = self._scale
        a = 0.0 if abs(a) < CLOSE * s else a
        if self.by == "std":
            return f"{said}mean {a:.4g} and standard deviation {s:.4g}"
        return f"{said}minimum {a:.4g} and maximum {a + s:.4g}"

    def learn(self, blocks: Sequence[Block]) -> None:
        pairs = [_place(_whole(block[self.keys[0]]), self.by) for block in blocks]
        a, s = (np.concatenate(columns) for columns in zip(*pairs, strict=True))
        if len(a) == 0 or not np.median(s) > 0:
            raise ValueError(
                f"the rule {self.statement()!r} cannot be judged: of {self.labels[0]} no series "
                "without missing values varies. Leave the rule out"
            )
        self._scale = float(np.median(a)), float(np.median(s))

    def broken(self, block: Block) -> Mask:
        column = block[self.keys[0]]
        a, s = _place(column, self.by)  # NaN of series with holes, which nothing is said of
        off = np.maximum(np.abs(a - self._scale[0]), np.abs(s - self._scale[1]))
        mask: Mask = np.broadcast_to((off > CLOSE * self._scale[1])[:, None], column.shape)
        return mask

    def decode(self, block: Block) -> Block:
        u = block[self.keys[0]]
        # What is constant has no scale: a straight line has, and is as near as any.
        flat = np.ptp(u, axis=1) <= 1e-12 * np.abs(u).max(axis=1)
        u = np.where(flat[:, None], np.arange(u.shape[1], dtype=np.float64), u)
        a, s = _place(u, self.by)
        at, reach = self._scale
        return {**block, self.keys[0]: at + reach * (u - a[:, None]) / s[:, None]}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        key = self.keys[0]
        column = block[key].copy()
        for x, seen in zip(column, known[key], strict=True):
            if not seen.all():
                x[~seen] = (_spread if self.by == "std" else _reaching)(x, ~seen, *self._scale)
        return {**block, key: column}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        # The scale is no one's but the series' own: no value is the least, or none at all.
        return {**units, self.keys[0]: "free"}

    def log_slope(self, block: Block) -> float:
        return 0.0


def _whole(x: Array) -> Array:
    return x[np.isfinite(x).all(axis=1)]


def _place(x: Array, by: str) -> tuple[Array, Array]:
    """Return where each series lies, and how far it reaches."""
    if by == "std":
        return x.mean(axis=1), x.std(axis=1)
    low = x.min(axis=1)
    return low, x.max(axis=1) - low


def _spread(x: Array, free: Mask, mean: float, std: float) -> Array:
    """Return the free cells of a series, moved and stretched until it has that mean and spread.

    If the others allow it; else, as near to it as they do.
    """
    n = len(x)
    own = (n * mean - x[~free].sum()) / free.sum()
    squares = n * std**2 - ((x[~free] - mean) ** 2).sum() - free.sum() * (own - mean) ** 2
    about = x[free] - x[free].mean()
    size = float((about**2).sum())
    if size == 0:
        about = np.arange(len(about)) - (len(about) - 1) / 2
        size = float((about**2).sum())
    stretch = np.sqrt(max(squares, 0.0) / size) if size > 0 else 0.0
    filled: Array = own + stretch * about
    return filled


def _reaching(x: Array, free: Mask, low: float, reach: float) -> Array:
    """Return the free cells of a series, within a range whose ends the series reaches."""
    filled: Array = np.clip(x[free], low, low + reach)
    others = x[~free]
    for end, at in ((low, int(filled.argmin())), (low + reach, int(filled.argmax()))):
        if not (others.size and np.abs(others - end).min() <= CLOSE * reach):
            filled[at] = end
    return filled


def find_standardized(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the channels of which each series has one mean and spread, or one range."""
    found: list[Rule] = []
    if len(blocks) > 1:
        return found
    for key, unit in units.items():
        rows = blocks[0][key]
        if unit != "data" or len(rows) < FEWEST or rows.shape[1] < SHORTEST:
            continue
        for by in WAYS:
            a, s = _place(rows, by)
            alike = bool(max(np.ptp(a), np.ptp(s)) < CLOSE * np.median(s))
            # Counts and flags are what they are read in; beside steps this fine it makes no odds.
            if alike and (step_of(rows.ravel()) or 0.0) <= CLOSE * np.median(s):
                found.append(Standardized(key, by))
                break
    return found
