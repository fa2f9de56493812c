"""Polynomials of several variables, by least squares."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.typing import NDArray

__all__ = ["PER_COEFFICIENT", "Polynomial", "degrees_for"]

Array = NDArray[np.float64]

PER_COEFFICIENT = 10  # observations, before a coefficient can be believed


class Polynomial:
    """Several polynomials of the same variables.

    Parameters
    ----------
    s : ndarray of shape (n, n_variables)
        Values of the variables.
    x : ndarray of shape (n, n_polynomials)
        What the polynomials are to be.
    degree : int
        Of each product of variables, at most.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.polynomial import Polynomial
    >>> s = np.random.default_rng(0).normal(size=(50, 2))
    >>> product = Polynomial(s, s[:, :1] * s[:, 1:], degree=2)
    >>> product(np.array([[2.0, 3.0]])).round(6)
    array([[6.]])
    >>> product.gradient(np.array([[2.0, 3.0]])).round(6)
    array([[[3., 2.]]])
    """

    def __init__(self, s: Array, x: Array, degree: int) -> None:
        n_variables = s.shape[1]
        self._middle = (s.max(axis=0) + s.min(axis=0)) / 2
        width = np.ptp(s, axis=0) / 2
        self._width = np.where(width > 0, width, 1.0)  # powers between -1 and 1 are told apart
        self._powers = np.array(
            [
                np.bincount(np.array(product, dtype=int), minlength=n_variables)
                for d in range(degree + 1)
                for product in combinations_with_replacement(range(n_variables), d)
            ]
        )
        self._coefficients = np.linalg.lstsq(self._terms(s), x, rcond=None)[0]

    def __call__(self, s: Array) -> Array:
        value: Array = self._terms(s) @ self._coefficients
        return value

    def gradient(self, s: Array) -> Array:
        """Return the derivatives ``(n, n_polynomials, n_variables)``."""
        slopes = []
        for j in range(s.shape[1]):
            lower = self._powers.copy()
            lower[:, j] = np.maximum(lower[:, j] - 1, 0)
            factor = self._powers[:, j] / self._width[j]
            slopes.append((self._terms(s, lower) * factor) @ self._coefficients)
        return np.stack(slopes, axis=2)

    def _terms(self, s: Array, powers: NDArray[np.int64] | None = None) -> Array:
        powers = self._powers if powers is None else powers
        unit = (s - self._middle) / self._width
        of_each = np.ones((powers.max(initial=0) + 1, *unit.shape))
        for p in range(1, len(of_each)):
            of_each[p] = of_each[p - 1] * unit
        terms: Array = np.ones((len(s), len(powers)))
        for j in range(unit.shape[1]):
            terms *= of_each[powers[:, j], :, j].T
        return terms


def degrees_for(n_observations: int, n_variables: int, highest: int) -> Iterator[int]:
    """Yield the degrees, from 1, whose coefficients so many observations can tell."""
    for degree in range(1, highest + 1):
        if PER_COEFFICIENT * comb(n_variables + degree, degree) > n_observations:
            return
        yield degree
