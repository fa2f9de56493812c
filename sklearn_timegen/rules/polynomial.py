"""Polynomials of several variables, by least squares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.typing import NDArray

__all__ = ["PER_COEFFICIENT", "Polynomial", "degrees_for", "values_by_degree"]

Array = NDArray[np.float64]

PER_COEFFICIENT = 10  # observations, before a coefficient can be believed


class Polynomial:
    """Several polynomials of the same variables.

    Parameters
    ----------
    s : ndarray of shape (n, n_variables)
        Values of the variables.
    x : ndarray of shape (n, n_polynomials)
        What the polynomials are to be; where it is NaN, it does not count.
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
        self._products = _Products(s, degree)
        self._coefficients: Array = _least_squares(self._products(s), x)

    def __call__(self, s: Array) -> Array:
        value: Array = self._products(s) @ self._coefficients
        return value

    def gradient(self, s: Array) -> Array:
        """Return the derivatives ``(n, n_polynomials, n_variables)``."""
        slopes = [self._products.slope(s, j) @ self._coefficients for j in range(s.shape[1])]
        return np.stack(slopes, axis=2)


def _least_squares(products: Array, x: Array) -> Array:
    """Return the coefficients of each column of ``x``, by the rows in which it is known."""
    known = np.isfinite(x)
    if known.all():
        return np.asarray(np.linalg.lstsq(products, x, rcond=None)[0])
    of_each = [
        np.linalg.lstsq(products[there], column[there], rcond=None)[0]
        for column, there in zip(x.T, known.T, strict=True)
    ]
    return np.stack(of_each, axis=1)


def values_by_degree(s: Array, x: Array, degrees: Iterable[int], at: Array) -> Iterator[Array]:
    """Fit polynomials of each degree to ``x`` at ``s``, and yield their values elsewhere.

    Those of a lower degree are sums of the first products of a higher one, so that products are
    formed once.
    """
    degrees = list(degrees)
    products = _Products(s, max(degrees, default=0))
    fitted, wanted = products(s), products(at)
    for degree in degrees:
        n_products = comb(s.shape[1] + degree, degree)
        coefficients = np.linalg.lstsq(fitted[:, :n_products], x, rcond=None)[0]
        yield np.ascontiguousarray(wanted[:, :n_products]) @ coefficients


class _Products:
    """All products of variables up to a degree, in the order of their degrees."""

    def __init__(self, s: Array, degree: int) -> None:
        self._middle = (s.max(axis=0) + s.min(axis=0)) / 2
        width = np.ptp(s, axis=0) / 2
        self._width = np.where(width > 0, width, 1.0)  # powers between -1 and 1 are told apart
        self._powers = _powers(s.shape[1], degree)

    def __call__(self, s: Array) -> Array:
        return self._of_powers(s, self._powers)

    def slope(self, s: Array, j: int) -> Array:
        """Return the derivative of each product with respect to one variable."""
        lower = self._powers.copy()
        lower[:, j] = np.maximum(lower[:, j] - 1, 0)
        slope: Array = self._of_powers(s, lower) * (self._powers[:, j] / self._width[j])
        return slope

    def _of_powers(self, s: Array, powers: NDArray[np.int64]) -> Array:
        unit = np.ascontiguousarray(((s - self._middle) / self._width).T)
        # Along memory lie the values of one variable, or product: most cost is moving them.
        of_each = np.ones((len(unit), powers.max(initial=0) + 1, unit.shape[1]))
        for p in range(1, of_each.shape[1]):
            np.multiply(of_each[:, p - 1], unit, out=of_each[:, p])
        products = of_each[0][powers[:, 0]]
        for j in range(1, len(unit)):
            products *= of_each[j][powers[:, j]]
        return np.ascontiguousarray(products.T)


@cache
def _powers(n_variables: int, degree: int) -> NDArray[np.int64]:
    """Return the power of each variable in each product."""
    powers: NDArray[np.int64] = np.array(
        [
            np.bincount(np.array(product, dtype=int), minlength=n_variables)
            for d in range(degree + 1)
            for product in combinations_with_replacement(range(n_variables), d)
        ]
    )
    powers.setflags(write=False)
    return powers


def degrees_for(n_observations: int, n_variables: int, highest: int) -> Iterator[int]:
    """Yield the degrees, from 1, whose coefficients so many observations can tell."""
    for degree in range(1, highest + 1):
        if PER_COEFFICIENT * comb(n_variables + degree, degree) > n_observations:
            return
        yield degree
