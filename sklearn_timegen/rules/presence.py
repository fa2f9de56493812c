"""Which values of series are there: how long each is, and what is missing of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.length import Length
from sklearn_timegen.rules.missing import Missing, find_missing
from sklearn_timegen.rules.rule import Block, Key, label_of

__all__ = ["Presence"]

Array = NDArray[np.float64]


class Presence:
    """The rules by which values come back missing, or series end; none, if all are complete.

    They stand before all other rules and know nothing of values: what these make of a block does
    not matter to them, and their own columns are put beside it.

    Parameters
    ----------
    missing : {"generate", "complete"}, default="generate"
        Whether what is missing comes back missing.
    ragged : bool, default=False
        Whether series end at different times.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.presence import Presence
    >>> x = np.random.default_rng(0).normal(size=(100, 8))
    >>> x[::2, 3] = np.nan
    >>> presence = Presence().fit([{0: x}], ["a"])
    >>> list(presence), presence.columns
    ([a is missing in 6.2% of cells], [(0, 'observed')])
    >>> there = presence.encode({0: x})
    >>> back = presence.decode({0: np.zeros(x.shape)}, there)
    >>> np.array_equal(np.isnan(back[0]), np.isnan(x))
    True
    """

    def __init__(self, missing: str = "generate", ragged: bool = False) -> None:
        self._generate, self._ragged = missing == "generate", ragged
        self._rules: list[Length | Missing] = []

    def fit(self, blocks: Sequence[Block], names: Sequence[Any]) -> Presence:
        """Learn from series which of their values are there."""
        self._rules = [Length()] if self._ragged else []
        if self._generate:
            self._rules += find_missing(blocks, ragged=self._ragged)
        for rule in self._rules:
            rule.labels = tuple(label_of(key, names) for key in rule.keys)
            rule.learn(blocks)
        return self

    def __iter__(self) -> Iterator[Length | Missing]:
        return iter(self._rules)

    def __bool__(self) -> bool:
        return bool(self._rules)

    @property
    def columns(self) -> list[Key]:
        """The columns that are put beside those of a block."""
        return [key for rule in self._rules for key in rule.columns]

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        """Return in which units the columns of a block are, with these beside them."""
        for rule in self._rules:
            units = rule.units(units)
        return units

    def check_density(self) -> None:
        """Raise a TypeError if there are columns that tell what is there: they have no density."""
        for rule in self._rules:
            advice = "set missing='complete' for samples without"
            if isinstance(rule, Length):
                advice = "cut them to one length"
            raise TypeError(
                f"{rule.statement()}: whether values are there is a part of what was learned, and "
                f"has no density in the units of X: {advice}, and fit again"
            )

    def encode(self, block: Block) -> Block:
        """Return the columns that tell what is there of the series of a block."""
        there: Block = {}
        for rule in self._rules:
            encoded = rule.encode(block)
            there |= {key: encoded[key] for key in rule.columns}
        return there

    def decode(self, block: Block, there: Block, *, whole: bool = False) -> Block:
        """Return the block with NaN for what is not there by these columns.

        With ``whole``, series do not end: their ends are said otherwise.
        """
        for rule in reversed(self._rules):
            if not (whole and isinstance(rule, Length)):
                block = rule.decode({**block, **{key: there[key] for key in rule.columns}})
        return block
