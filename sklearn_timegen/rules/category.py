"""Channels of categories, and channels that belong to a series as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.normal_score import NormalScore, own_value
from sklearn_timegen.rules.rule import Block, Key, Mask
from sklearn_timegen.rules.rule_list import RuleList
from sklearn_timegen.rules.states import discriminating_order, neighbouring_order

if TYPE_CHECKING:
    from sklearn_timegen.data.schema import Schema

__all__ = ["Category", "Static", "find_static", "rules_of_kinds"]

Array = NDArray[np.float64]
FEWEST = 20  # series, before what is constant in each of them has a distribution
MOST_NAMED = 6


class Static(NormalScore):
    """A channel that has one value a series, the same at all its timesteps: an attribute.

    Parameters
    ----------
    channel : int or str
        The channel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import find_rules
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 12, 2))
    >>> x[:, :, 1] = rng.normal(size=(200, 1))
    >>> find_rules(x, names=["pulse", "height"])
    height is constant in each series: 2,400 cells, none broken
    """

    kind = "static"

    def __init__(self, channel: Any) -> None:
        super().__init__(channel)
        self.static = True

    def statement(self) -> str:
        return f"{self.labels[0]} is constant in each series"

    def broken(self, block: Block) -> Mask:
        x = block[self.keys[0]]
        mask: Mask = np.isfinite(x) & (x != own_value(x))
        return mask


class Category(NormalScore):
    """A channel whose values are the numbers of categories.

    Categories that follow each other in time become neighbours, unless they have an order of
    their own. Where each series has one category, it is constant in what comes back, and
    categories of series that are alike become neighbours.

    Parameters
    ----------
    channel : int or str
        The channel.
    names : sequence or None, default=None
        What the categories are called.
    ordered : bool, default=False
        Whether their numbers are in an order.
    merged : sequence, default=()
        Rare ones that the last category stands for.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Category, Structure
    >>> x = np.random.default_rng(0).integers(3, size=(100, 9, 1)).astype(np.float32)
    >>> structure = Structure([Category(0, ["sun", "rain", "snow"])])
    >>> u = structure.fit_transform(x)
    >>> structure.rules_
    channel 0 is one of sun, rain, snow: 900 cells, none broken
    >>> bool(np.array_equal(structure.inverse_transform(u), x))
    True
    """

    kind = "category"

    def __init__(
        self,
        channel: Any,
        names: Sequence[Any] | None = None,
        *,
        ordered: bool = False,
        merged: Sequence[Any] = (),
    ) -> None:
        super().__init__(channel)
        self.names = None if names is None else list(names)
        self.ordered = ordered
        self.merged = tuple(merged)
        self._order: list[int] = []

    def statement(self) -> str:
        # Of those that may come, as "other", the ones that were seen.
        names = (self.names or self._order)[: len(self._order) or None]
        if len(names) > MOST_NAMED:
            what = f"{len(names)} categories"
        else:
            what = ", ".join(map(str, names)) if names else "categories"
        if self.merged:
            some = ", ".join(map(str, self.merged[:MOST_NAMED]))
            more = "" if len(self.merged) <= MOST_NAMED else ", ..."
            what += f", which stands for {some}{more}"
        constant = ", the same in all of a series" if self.static else ""
        return f"{self.labels[0]} is one of {what}{constant}"

    def learn(self, blocks: Sequence[Block]) -> None:
        key = self.keys[0]
        codes = [block[key] for block in blocks]
        seen = np.unique(np.concatenate([column[np.isfinite(column)] for column in codes]))
        self._order = list(range(int(seen.max()) + 1)) if len(seen) else [0]
        n_series = sum(map(len, codes))
        self.static = n_series > 1 and all(map(_is_static, codes))
        if not self.ordered and self.static:
            self._order = discriminating_order(*_means(blocks, key), len(self._order))
        elif not self.ordered:
            self._order = neighbouring_order(codes, len(self._order))
        self._rank = np.argsort(self._order).astype(np.float64)
        super().learn([self._ranked(block) for block in blocks])

    def broken(self, block: Block) -> Mask:
        x = block[self.keys[0]]
        unknown = (x < 0) | (x >= len(self._order)) | (x != np.rint(x))
        mask: Mask = np.isfinite(x) & unknown
        return mask | (np.isfinite(x) & (x != own_value(x))) if self.static else mask

    def encode(self, block: Block) -> Block:
        return super().encode(self._ranked(block))

    def interval(self, block: Block) -> tuple[Array, Array]:
        return super().interval(self._ranked(block))

    def decode(self, block: Block) -> Block:
        out = super().decode(block)
        ranks = np.rint(out[self.keys[0]]).astype(int)
        return {**out, self.keys[0]: np.asarray(self._order, dtype=np.float64)[ranks]}

    def score_of(self, x: Array, z: Array, keys: NDArray[np.uint64]) -> Array:
        return super().score_of(self._ranked({self.keys[0]: x})[self.keys[0]], z, keys)

    def _ranked(self, block: Block) -> Block:
        x = block[self.keys[0]]
        codes = np.rint(np.nan_to_num(x)).clip(0, len(self._order) - 1).astype(int)
        return {**block, self.keys[0]: np.where(np.isfinite(x), self._rank[codes], np.nan)}

    def _has_few(self, blocks: Sequence[Block]) -> bool:
        return True

    def _goes_on(self, values: Array, counts: NDArray[np.int64]) -> bool:
        return False


def rules_of_kinds(schema: Schema, asked: Any) -> list[Any]:
    """Return the rules that a user asks for, with those that the kinds of channels ask for."""
    rules: list[Any] = []
    for channel in schema.channels:
        if channel.categories:
            ordered = channel.kind != "categorical"
            name, names, merged = channel.name, channel.categories, channel.merged
            rules.append(Category(name, names, ordered=ordered, merged=merged))
    if asked is None:
        return rules
    several = isinstance(asked, list | tuple | RuleList)  # others are refused by name
    return [*rules, *(asked if several else (asked,))]


def find_static(blocks: Sequence[Block], units: dict[Key, str]) -> list[Static]:
    """Return the channels that are constant in each of many series, and differ between them."""
    found: list[Static] = []
    for key in blocks[0]:
        columns = [block[key] for block in blocks]
        if isinstance(key, tuple) or not all(map(_is_static, columns)):
            continue
        own = np.concatenate([own_value(column) for column in columns])
        longest = max(column.shape[1] for column in columns)
        if longest >= 3 and np.isfinite(own).sum() >= FEWEST and np.ptp(own[np.isfinite(own)]) > 0:
            found.append(Static(key))
    return found


def _means(blocks: Sequence[Block], key: Key) -> tuple[NDArray[np.int64], Array]:
    """Return the code of each series that has one, and the means of its other columns."""
    codes = np.concatenate([own_value(block[key])[:, 0] for block in blocks])
    others = [k for k in blocks[0] if k != key]
    means = np.full((len(codes), len(others)), np.nan)
    for j, other in enumerate(others):
        columns = [block[other] for block in blocks]
        n = np.concatenate([np.isfinite(column).sum(axis=1) for column in columns])
        total = np.concatenate([np.nansum(column, axis=1) for column in columns])
        means[:, j] = total / np.where(n > 0, n, np.nan)
    known = np.isfinite(codes)
    return codes[known].astype(np.int64), means[known]


def _is_static(column: Array) -> bool:
    known = np.isfinite(column)
    return bool((~known | (column == own_value(column))).all())
