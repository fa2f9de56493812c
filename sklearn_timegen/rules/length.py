"""Series that end at different times: how long each is, as something to generate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.missing import end_of
from sklearn_timegen.rules.normal_score import NormalScore
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule

__all__ = ["Length"]

Array = NDArray[np.float64]
COLUMN: Key = (0, "length")


class Length(Rule):
    """How many timesteps a series has: a column that is constant along time.

    What lies beyond the end is NaN in all channels.

    Attributes
    ----------
    shortest_, longest_ : int
        Timesteps of the shortest and of the longest series in training.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Structure
    >>> x = np.random.default_rng(0).normal(size=(100, 9, 1)).astype(np.float32)
    >>> for i in range(100):
    ...     x[i, 4 + i % 6 :] = np.nan
    >>> structure = Structure(ragged=True)
    >>> u = structure.fit_transform(x)
    >>> structure.rules_
    series end after 4 to 9 timesteps
    >>> bool(np.array_equal(np.isnan(structure.inverse_transform(u)), np.isnan(x)))
    True
    """

    kind = "length"

    def __init__(self) -> None:
        super().__init__()
        self._score = NormalScore(COLUMN)
        self._score.static = True

    def statement(self) -> str:
        if not hasattr(self, "longest_"):
            return "series end at different times"
        return f"series end after {self.shortest_} to {self.longest_} timesteps"

    def broken(self, block: Block) -> Mask:
        return np.zeros(next(iter(block.values())).shape, dtype=bool)

    def learn(self, blocks: Sequence[Block]) -> None:
        lengths = [_length(block) for block in blocks]
        self.shortest_ = int(min(column.min() for column in lengths))
        self.longest_ = int(max(column.max() for column in lengths))
        self._score.learn([{COLUMN: column} for column in lengths])

    def encode(self, block: Block) -> Block:
        return self._score.encode({**block, COLUMN: _length(block)})

    def decode(self, block: Block) -> Block:
        out = dict(block)
        length = self._score.decode({COLUMN: out.pop(COLUMN)})[COLUMN]
        length = np.rint(length).clip(1, self.longest_)
        beyond = np.arange(length.shape[1]) >= length
        return {key: np.where(beyond, np.nan, column) for key, column in out.items()}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, COLUMN: "free"}

    def score_columns(self) -> dict[Key, bool]:
        """Return the coordinate of which lengths are intervals: it is static."""
        return {COLUMN: True}

    def intervals(self, key: Key, scores: Block) -> tuple[Array, Array]:
        """Return between which scores all stand for the same length."""
        return self._score.intervals(key, scores)

    @property
    def columns(self) -> list[Key]:
        """The columns that the rule adds."""
        return [COLUMN]


def _length(block: Block) -> Array:
    shape = next(iter(block.values())).shape
    length: Array = np.broadcast_to(end_of(block)[:, None].astype(np.float64), shape)
    return length
