"""Categories that belong to a series as a whole, among its constant coordinates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules import Category
from sklearn_timegen.rules.latent import series_keys
from sklearn_timegen.rules.normal_score import NormalScore

__all__ = ["Words"]

Array = NDArray[np.float64]
Positions: TypeAlias = list[int]


class Words:
    """Which constant coordinates stand for which categories.

    A category is a word, told by its number, and scores. Of these only the word matters: they say
    nothing that two series of one word would differ by.

    Parameters
    ----------
    rules : iterable of (NormalScore, list of int)
        Those of attributes, and where the coordinates of each are among the constant ones of a
        series. Of others than categories, there are no words.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Category, Structure
    >>> from sklearn_timegen.series._words import Words
    >>> plan = np.repeat([0.0, 1.0, 2.0, 2.0], 9).reshape(-1, 9, 1).astype(np.float32)
    >>> structure = Structure([Category(0)])
    >>> own = structure.fit_transform(plan)[:, 0].astype(np.float64)
    >>> rule, keys = structure.rules_[0], structure.coordinates_.keys
    >>> words = Words([(rule, [keys.index(key) for key in rule.columns])])
    >>> words.codes(own).ravel()
    array([0., 1., 2., 2.])
    >>> words.codes(words.told(np.array([[1.0], [1], [1], [0]]), own)).ravel()
    array([1., 1., 1., 0.])
    """

    def __init__(self, rules: Iterable[tuple[NormalScore, Positions]]) -> None:
        self._rules = [(rule, own) for rule, own in rules if isinstance(rule, Category)]

    @property
    def positions(self) -> Positions:
        """Where scores of categories are among the constant coordinates."""
        return [k for _, positions in self._rules for k in positions]

    def codes(self, own: Array) -> Array:
        """Return the numbers of words ``(n_series, n_words)`` of constant coordinates."""
        found = np.empty((len(own), len(self._rules)))
        for j, (rule, positions) in enumerate(self._rules):
            found[:, j] = rule.decode(_block(rule, positions, own))[rule.keys[0]][:, 0]
        return found

    def anew(self, own: Array, keys: NDArray[np.uint64]) -> Array:
        """Return constant coordinates with other scores of the same words, drawn by ``keys``."""
        bare = own.copy()
        bare[:, self.positions] = np.nan
        return self._told(self.codes(own), bare, keys)

    def told(self, codes: Array, own: Array) -> Array:
        """Return constant coordinates with scores that stand for these words.

        Scores that do so anyway stay as they are.
        """
        return self._told(codes, own.copy(), series_keys(own))

    def _told(self, codes: Array, own: Array, keys: NDArray[np.uint64]) -> Array:
        for (rule, positions), code in zip(self._rules, codes.T, strict=True):
            scores = rule.scores_of(code[:, None], _block(rule, positions, own), keys)
            for key, k in zip(rule.columns, positions, strict=True):
                own[:, k] = scores[key][:, 0]
        return own


def _block(rule: Category, positions: Positions, own: Array) -> dict[int | tuple[int, str], Array]:
    return {key: own[:, [k]] for key, k in zip(rule.columns, positions, strict=True)}
