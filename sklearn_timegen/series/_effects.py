"""By how much scores differ between categories."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Effects"]

Array = NDArray[np.float64]
RIDGE = 1.0  # series' worth of no difference, beside those of each category


class Effects:
    """Means of scores by category, which are taken off before a normal model is fitted to them.

    So a level may hang on a town in any way, and not only as on a number: the general location
    model, with a main effect for each category.

    Parameters
    ----------
    words : list of bool
        Which columns are those of categories, which have no effects themselves.

    References
    ----------
    I. Olkin and R. Tate (1961), "Multivariate correlation models with mixed discrete and
    continuous variables", Annals of Mathematical Statistics 32.
    https://doi.org/10.1214/aoms/1177705052

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.series._effects import Effects
    >>> scores = np.array([[-1.0, 3.0], [-1.0, 3.0], [1.0, 0.0], [1.0, 0.0]])
    >>> codes = [np.array([0.0, 0, 1, 1])]
    >>> effects = Effects([True, False]).fit(scores, codes)
    >>> effects.taken_off(scores, codes)[:, 1].round(1)
    array([2., 2., 1., 1.])
    """

    def __init__(self, words: list[bool]) -> None:
        self._others = [k for k, is_word in enumerate(words) if not is_word]

    def fit(self, scores: Array, codes: list[Array]) -> Effects:
        """Learn from scores ``(n_series, n_columns)``, and the categories of each column."""
        if not codes:
            return self
        self._known = [np.unique(code) for code in codes]
        design, numbers = self._design(codes), scores[:, self._others]
        penalty = RIDGE * np.eye(design.shape[1])
        target = design.T @ (numbers - numbers.mean(axis=0))
        self._means = np.linalg.solve(design.T @ design + penalty, target)
        return self

    def taken_off(self, scores: Array, codes: list[Array]) -> Array:
        """Return scores around the means of their categories."""
        if not codes:
            return scores
        around = scores.copy()
        around[:, self._others] -= self._design(codes) @ self._means
        return around

    def put_back(self, around: Array, codes: list[Array]) -> Array:
        """Return scores, of what is around the means."""
        if not codes:
            return around
        scores = around.copy()
        scores[:, self._others] += self._design(codes) @ self._means
        return scores

    def _design(self, codes: list[Array]) -> Array:
        """Return a column of 0 and 1 for each category."""
        pairs = zip(codes, self._known, strict=True)
        return np.hstack([code[:, None] == known for code, known in pairs]).astype(np.float64)
