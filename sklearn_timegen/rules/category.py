"""Channels of categories, and channels that belong to a series as a whole."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.latent_paths import END
from sklearn_timegen.rules.normal_score import NormalScore, own_value
from sklearn_timegen.rules.rule import Block, Key, Mask, cells, channel_of
from sklearn_timegen.rules.rule_list import RuleList
from sklearn_timegen.rules.smoothing import States
from sklearn_timegen.rules.states import (
    discriminating_order,
    neighbouring_order,
    rate_of_change,
    shares_of_changes,
)

if TYPE_CHECKING:
    from sklearn_timegen.data.schema import Schema

__all__ = ["Category", "Static", "find_static", "rules_of_kinds"]

Array = NDArray[np.float64]
FEWEST = 20  # series, before what is constant in each of them has a distribution
MOST_NAMED = 6
MOST_SCORES = 8  # of a category


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


class _Few(NormalScore):
    """A score of a few values, which are all there are."""

    def _has_few(self, blocks: Sequence[Block]) -> bool:
        return True

    def _goes_on(self, values: Array, counts: NDArray[np.int64]) -> bool:
        return False


class Category(_Few):
    """A channel whose values are the numbers of categories.

    If they have an order, they are intervals of one normal score. Of others, one after another,
    beginning with the rarest, is told from all that come after it by a score of its own (nested
    dichotomies, Fox 1997): a line through the categories would lose what is peculiar to one of
    them. Where an earlier score has decided, later ones are drawn freely. The last score is of
    all that are left; of these, categories that follow each other in time, or whose series are
    alike, become neighbours. Where each series has one category, it is constant in what comes
    back.

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
    most_scores : int, default=8
        Of categories without an order, which have one less than they are: of more than that, the
        frequent ones share the last.

    References
    ----------
    J. Fox (1997), "Applied Regression Analysis, Linear Models, and Related Methods", Sage (nested
    dichotomies).

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
        most_scores: int = MOST_SCORES,
    ) -> None:
        super().__init__(channel)
        if not isinstance(most_scores, int | np.integer) or most_scores < 1:
            raise ValueError(
                f"most_scores={most_scores!r}: expected 1 or more; 1 writes all categories along "
                "one line"
            )
        self.names = None if names is None else list(names)
        self.ordered = ordered
        self.merged = tuple(merged)
        self.most_scores = self._most_if_static = most_scores
        self._order: list[int] = []
        self._apart: list[_Few] = []  # the scores of categories that have one each

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
        n_series = sum(map(len, codes))
        self.static = n_series > 1 and all(map(_is_static, codes))
        once = [own_value(column) for column in codes] if self.static else codes
        counts = np.bincount(cells([{key: column} for column in once], key).astype(np.int64))
        self._order = list(range(max(1, len(counts))))
        if not self.ordered and self.static:
            self._order = discriminating_order(*_means(blocks, key), len(self._order))
        elif not self.ordered:
            self._order = neighbouring_order(codes, len(self._order))
        seen = np.argsort(counts, kind="stable")[(counts == 0).sum() :]
        most = self._most_if_static if self.static else self.most_scores
        n_apart = 0 if self.ordered else max(0, min(most, len(seen) - 1) - 1)
        first = seen[:n_apart].tolist()
        self._order = [*first, *(code for code in self._order if code not in first)]
        self._rank = np.argsort(self._order).astype(np.float64)
        self._apart = [_Few((channel_of(key), f"class {j + 1}")) for j in range(n_apart)]
        ranks = [self._ranks(column) for column in codes]
        for j, score in enumerate(self._apart):
            score.static = self.static
            score.learn([{score.keys[0]: self._told(rank, j)} for rank in ranks])
        super().learn([{key: self._told(rank, n_apart)} for rank in ranks])
        self._rate = rate_of_change(codes)
        left = n_apart + self.values_.astype(int)
        self._changes = shares_of_changes(ranks, [*range(n_apart), *left])

    def of_whole_series(self) -> Category:
        """Return the rule for series that will be cut into windows.

        What belongs to a series as a whole, a model of its own draws, from one score.
        """
        rule = copy.copy(self)
        rule._most_if_static = 1
        return rule

    def broken(self, block: Block) -> Mask:
        x = block[self.keys[0]]
        unknown = (x < 0) | (x >= len(self._order)) | (x != np.rint(x))
        mask: Mask = np.isfinite(x) & unknown
        return mask | (np.isfinite(x) & (x != own_value(x))) if self.static else mask

    def _ranks(self, x: Array) -> Array:
        """Return the places of categories in their order."""
        codes = np.rint(np.nan_to_num(x)).clip(0, len(self._order) - 1).astype(int)
        return np.where(np.isfinite(x), self._rank[codes], np.nan)

    def _told(self, ranks: Array, j: int) -> Array:
        """Return what the j-th score tells: 0 of its category, 1 of later ones; NaN of earlier.

        The last one tells the categories that are left by their places.
        """
        told = ranks - j if j == len(self._apart) else (ranks > j).astype(np.float64)
        return np.where(ranks >= j, told, np.nan)

    def encode(self, block: Block) -> Block:
        key = self.keys[0]
        ranks = self._ranks(block[key])
        if not self._apart:
            return super().encode({**block, key: ranks})
        missing = np.isnan(own_value(ranks) if self.static else ranks)
        told = [self._told(ranks, j) for j in range(len(self._apart) + 1)]
        pairs = zip(self._apart, told, strict=False)
        drawn = [score._drawn(values, block.values()) for score, values in pairs]
        drawn.append(self._drawn(told[-1], block.values()))
        drawn = [np.where(missing, np.nan, z) for z in drawn]
        return {**block, **dict(zip(self.columns, drawn, strict=True))}

    def interval(self, block: Block) -> tuple[Array, Array]:
        if self._apart:
            raise TypeError(f"{self.statement()!r} has several scores: no one interval says it")
        return super().interval({**block, self.keys[0]: self._ranks(block[self.keys[0]])})

    def decode(self, block: Block) -> Block:
        out = super().decode(block)
        ranks = out[self.keys[0]] + len(self._apart)
        for j, score in reversed(list(enumerate(self._apart))):
            is_later = score.decode({score.keys[0]: out.pop(score.keys[0])})[score.keys[0]]
            ranks = np.where(is_later == 0, j, ranks)
        codes = np.asarray(self._order, dtype=np.float64)[np.rint(ranks).astype(int)]
        return {**out, self.keys[0]: codes}

    def scores_of(self, x: Array, scores: Block, keys: NDArray[np.uint64]) -> Block:
        ranks = self._ranks(x)
        found = super().scores_of(self._told(ranks, len(self._apart)), scores, keys)
        for j, score in enumerate(self._apart):
            found |= score.scores_of(self._told(ranks, j), scores, keys)
        return found

    def score_columns(self) -> dict[Key, bool]:
        return dict.fromkeys(self.columns, self.static)

    def intervals(self, key: Key, scores: Block) -> tuple[Array, Array]:
        decided = np.zeros(1, dtype=bool)
        for score in self._apart:
            a, b = score.intervals(score.keys[0], scores)
            if score.keys[0] == key:
                break
            decided = decided | (a == -END)
        else:
            a, b = super().intervals(key, scores)
        return np.where(decided, np.nan, a), np.where(decided, np.nan, b)

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        x = block[self.keys[0]]
        left = len(self._apart) + self.values_.astype(int)
        seen = np.sort(np.asarray(self._order)[[*range(len(self._apart)), *left]])
        nearest = seen[np.searchsorted((seen[1:] + seen[:-1]) / 2, x)]
        return {**block, self.keys[0]: np.where(known[self.keys[0]], x, nearest)}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, **dict.fromkeys(self.columns, "free")}

    @property
    def columns(self) -> list[Key]:
        """The coordinates that stand for the channel, in the order in which they decide."""
        return [*(score.keys[0] for score in self._apart), self.keys[0]]

    @property
    def states(self) -> States | None:
        if self.static or len(self._apart) + len(self.values_) < 2:
            return None
        ends: Any = [score._high[:1] for score in self._apart]
        ends = np.concatenate([*ends, self._high[:-1]])
        return States(ends, self._rate, len(self._apart), self._changes)


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
