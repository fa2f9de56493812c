"""By how much numbers differ between categories, and within them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Effects", "Ranges", "Spreads"]

Array = NDArray[np.float64]
RIDGES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)  # series' worth of no difference
FEW = 3  # series of a category: of fewer, a mean is that of somebody
RIDGE_OF_FEW = 1.0
PRIOR = 1.0  # series' worth of a spread like that of all, beside those of a category
CHANCE = 4.0  # by how many parts in n_series an error has to fall, or it is chance that it did


class Effects:
    """Means of numbers by category, which are taken off before a normal model is fitted to them.

    So a level may hang on a town in any way, and not only as on a number: the general location
    model, with a main effect for each category. Effects are shrunk towards none, those of rare
    categories most, by as much as predicts the numbers of series that are left out best. A series
    whose category is missing, NaN, has no effect of it, and is not counted to any.

    References
    ----------
    I. Olkin and R. Tate (1961), "Multivariate correlation models with mixed discrete and
    continuous variables", Annals of Mathematical Statistics 32.
    https://doi.org/10.1214/aoms/1177705052

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.series._effects import Effects
    >>> numbers = np.array([[3.0], [3.1], [2.9], [0.1], [0.0], [-0.1]])
    >>> codes = np.array([[0.0], [0], [0], [1], [1], [1]])
    >>> Effects().fit(numbers, codes).of(codes)[:, 0].round(1)
    array([ 1.5,  1.5,  1.5, -1.5, -1.5, -1.5])
    """

    def fit(self, numbers: Array, codes: Array) -> Effects:
        """Learn from numbers ``(n_series, n_columns)`` and categories ``(n_series, n_words)``."""
        self._known = [_seen(code) for code in codes.T]
        design = self._design(codes)
        counts = design.sum(axis=0)
        around = numbers - numbers.mean(axis=0)
        self._means = np.zeros((design.shape[1], numbers.shape[1]))
        if not design.shape[1]:
            return self
        # A series that is alone in its category is predicted alike with any ridge, and its mean
        # would be given away with the least one.
        floor = np.where(counts < FEW, RIDGE_OF_FEW, 0.0)
        least = (1 - CHANCE / len(numbers)) * np.square(around).mean(axis=0)
        for ridge in RIDGES:
            penalty = np.diag(np.maximum(ridge, floor))
            solved = np.linalg.solve(design.T @ design + penalty, design.T)
            means, leverage = solved @ around, np.einsum("ij,ji->i", design, solved)
            left_out = (around - design @ means) / (1 - leverage)[:, None]
            error = np.square(left_out).mean(axis=0)
            self._means = np.where(error < least, means, self._means)
            least = np.minimum(error, least)
        return self

    def of(self, codes: Array) -> Array:
        """Return by how much numbers are higher in these categories ``(n_series, n_words)``."""
        effects: Array = self._design(codes) @ self._means
        return effects

    def _design(self, codes: Array) -> Array:
        """Return a column of 0 and 1 for each category."""
        pairs = zip(codes.T, self._known, strict=True)
        columns = [code[:, None] == known for code, known in pairs]
        return np.hstack([np.zeros((len(codes), 0)), *columns])


class Spreads:
    """Standard deviations of numbers within categories, in parts of that within any.

    Those of rare categories are shrunk towards it. Of several words, one after another makes its
    difference to what is left.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.series._effects import Spreads
    >>> around = np.array([[1.0], [-1.0], [1.0], [-1.0], [9.0], [-9.0], [9.0], [-9.0]])
    >>> codes = np.repeat([[0.0], [1.0]], 4, axis=0)
    >>> Spreads().fit(around, codes).of(codes)[[0, -1], 0].round(2)
    array([0.52, 1.49])
    """

    def fit(self, around: Array, codes: Array) -> Spreads:
        """Learn from what numbers ``(n_series, n_columns)`` are around their effects."""
        self._known: list[dict[float, Array]] = []
        for code in codes.T:
            common = np.square(around).mean(axis=0)
            spreads = {}
            for one in _seen(code):
                squares = np.square(around[code == one])
                n = len(squares) - 1 + PRIOR  # one is spent on the mean
                variance = (squares.sum(axis=0) + PRIOR * common) / n
                spreads[float(one)] = np.sqrt(
                    np.divide(variance, common, out=np.ones_like(common), where=common > 0)
                )
            self._known.append(spreads)
            around = around / self._of_word(code, spreads)
        self._n_columns = around.shape[1]
        return self

    def of(self, codes: Array) -> Array:
        """Return how much numbers vary in these categories ``(n_series, n_words)``."""
        spreads = np.ones((len(codes), self._n_columns))
        for code, known in zip(codes.T, self._known, strict=True):
            spreads *= self._of_word(code, known)
        return spreads

    @staticmethod
    def _of_word(code: Array, spreads: dict[float, Array]) -> Array:
        found = np.ones((len(code), *next(iter(spreads.values())).shape))
        for one, spread in spreads.items():
            found[code == one] = spread
        return found


class Ranges:
    """Where numbers were in each category, beyond which nothing is known of it.

    Of several words, each number goes by the one that tells most of it: those who live in one town
    need not have all that there is elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.series._effects import Ranges
    >>> codes = np.repeat([[0.0], [1.0]], 3, axis=0)
    >>> ranges = Ranges().fit(np.array([[1.0], [2], [3], [8], [8], [9]]), codes)
    >>> ranges.mirrored(np.array([[0.5], [2], [7.5]]), codes[[0, 0, -1]]).ravel()
    array([1.5, 2. , 8.5])
    """

    def fit(self, numbers: Array, codes: Array) -> Ranges:
        """Learn from numbers ``(n_series, n_columns)`` and categories ``(n_series, n_words)``."""
        self._all = numbers.min(axis=0), numbers.max(axis=0)
        self._known: list[dict[float, tuple[Array, Array]]] = []
        within = [numbers.var(axis=0, ddof=1)]
        for code in codes.T:
            own = {one: numbers[code == one] for one in _seen(code).tolist()}
            # Between those of one or two series lies next to nothing but theirs.
            several = {one: rows for one, rows in own.items() if len(rows) >= FEW}
            self._known.append({k: (v.min(axis=0), v.max(axis=0)) for k, v in several.items()})
            # Others have the range of all, and are as far from it: a word that no two series
            # have in common would otherwise seem to tell everything.
            others = ~np.isin(code, list(several))
            squares = np.square(numbers[others] - numbers.mean(axis=0)).sum(axis=0)
            for rows in several.values():
                squares += np.square(rows - rows.mean(axis=0)).sum(axis=0)
            within.append(squares / max(len(code) - len(several) - bool(others.any()), 1))
        self._tells = np.argmin(within, axis=0) - 1  # which word; -1 is none
        return self

    def mirrored(self, numbers: Array, codes: Array) -> Array:
        """Return numbers of which those that lie beyond a range are mirrored at its ends."""
        low, high = (np.tile(end, (len(numbers), 1)) for end in self._all)
        for j, (code, known) in enumerate(zip(codes.T, self._known, strict=True)):
            mine = self._tells == j
            for one, ends in known.items():
                rows = np.ix_(code == one, mine)
                low[rows], high[rows] = (end[mine] for end in ends)
        return _mirrored(numbers, low, high)


def _seen(code: Array) -> Array:
    """Return the categories that there are."""
    return np.unique(code[np.isfinite(code)])


def _mirrored(numbers: Array, low: Array, high: Array) -> Array:
    """Return numbers of which those outside are folded at the ends until they are inside.

    What was cut off at an end instead would be what somebody has.
    """
    width = np.where(high > low, high - low, 1.0)
    u = np.mod(numbers - low, 2 * width)
    folded = np.where(high > low, low + np.minimum(u, 2 * width - u), low)
    inside: Array = np.where((numbers >= low) & (numbers <= high), numbers, folded)
    return inside
