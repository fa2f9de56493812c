"""The surface that points lie on, as far as the nearest of them tell.

Symbols: ``s`` is a point of ``k`` coordinates, ``d`` the dimension of the surface; near a point
the surface is ``s = m + T y + N z(y)``, with the weighted mean ``m`` of the nearest points, ``T``
and ``N`` the principal axes along and across it, and ``z`` a polynomial of degree 2.

References
----------
D. Levin (2004), "Mesh-independent surface interpolation", in Geometric Modeling for Scientific
Visualization (moving least squares). https://doi.org/10.1007/978-3-662-07443-5_3

A. Little, M. Maggioni and L. Rosasco (2017), "Multiscale geometric methods for data sets I:
multiscale SVD, noise and curvature" (the dimension, by how spreads grow with the distance),
Applied and Computational Harmonic Analysis 43. https://doi.org/10.1016/j.acha.2015.09.009
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, combinations_with_replacement
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

__all__ = ["N_ROUNDS", "Surface", "local_dimension"]

Array = NDArray[np.float64]

N_ROUNDS = 3
NEAR, FAR = 15, 60  # neighbours, between which spreads are seen to grow
ALONG = 1.5  # power of the distance: spreads along a surface grow as it does, across as its square
LEAST_WEIGHT = 1e-3  # of the farthest neighbour
AT_ONCE = 5000  # points that are moved together


class Surface:
    """The nearest points of a surface, which is known by some of its points.

    Parameters
    ----------
    points : ndarray of shape (n_points, k)
        Points of it.
    dimension : int
        Of the surface.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.surface import Surface
    >>> angle = np.linspace(0, 2 * np.pi, 200)
    >>> circle = Surface(np.stack([np.cos(angle), np.sin(angle)], axis=1), dimension=1)
    >>> circle.nearest(np.array([[2.0, 0.0], [0.0, 0.5]])).round(1) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    REAL_DATA: ClassVar[Mapping[str, str]] = {"points": "cells of training series on a surface"}

    def __init__(self, points: Array, dimension: int) -> None:
        self.points, self.dimension = points, dimension
        n_terms = 1 + dimension + dimension * (dimension + 1) // 2
        self.n_neighbours = min(len(points) - 1, max(8, 2 * n_terms))
        self._tree = KDTree(points)

    def nearest(
        self,
        s: Array,
        *,
        within: bool = True,
        others: bool = False,
        n_rounds: int = N_ROUNDS,
    ) -> Array:
        """Return points of the surface near some points.

        With ``within``, none lies farther out than the known points nearest to it: beyond the edge
        of a surface there is nothing. With ``others``, points that are known themselves are moved
        to where the other ones say. One round is enough for points that are on it but for little.
        """
        out = np.empty_like(s)
        for start in range(0, len(s), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            near, own = s[rows], s[rows] if others else None
            for _ in range(n_rounds):
                near = self._moved(near, own, within)
            out[rows] = near
        return out

    def closest_known(self, s: Array) -> Array:
        """Return the known points that are closest to some points."""
        closest: Array = self.points[self._tree.query(s)[1]]
        return closest

    def _moved(self, s: Array, own: Array | None, within: bool) -> Array:
        m, d = self.n_neighbours, self.dimension
        distance, index = self._tree.query(s, m + (own is not None))
        if own is not None:
            distance, index = _without(own, self.points, distance, index)
        near = self.points[index]
        reach = np.maximum(distance[:, -1:], np.finfo(np.float64).tiny)
        w = np.maximum((1 - (distance / reach) ** 2) ** 2, LEAST_WEIGHT)
        w /= w.sum(axis=1, keepdims=True)
        mean = np.einsum("nm,nmk->nk", w, near)
        near = near - mean[:, None]
        axes = np.linalg.eigh(np.einsum("nm,nmi,nmj->nij", w, near, near))[1][:, :, ::-1]
        turned, y = near @ axes, np.einsum("nk,nkj->nj", s - mean, axes)
        y = _inside(turned[:, :, :d], y[:, :d]) if within else y[:, :d]
        z = _bent(turned[:, :, :d], turned[:, :, d:], w, y)
        moved: Array = mean + np.einsum("nj,nkj->nk", np.concatenate([y, z], axis=1), axes)
        return moved


def _inside(near: Array, y: Array) -> Array:
    """Return points moved into a polytope around the known ones, by one face after another.

    Its faces are across the axes, and across the diagonals of each two of them.
    """
    size = np.maximum(np.abs(near).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    near, y = near / size, y / size[:, 0]
    axes = np.eye(y.shape[1])
    diagonals = [(a + sign * b) / np.sqrt(2) for a, b in combinations(axes, 2) for sign in (-1, 1)]
    for across in 2 * [*axes, *diagonals]:  # twice: what moves across one leaves another
        reach = near @ across
        at = y @ across
        off = at - at.clip(reach.min(axis=1), reach.max(axis=1))
        y = y - off[:, None] * across
    inside: Array = y * size[:, 0]
    return inside


def _without(
    own: Array, points: Array, distance: Array, index: NDArray[np.int64]
) -> tuple[Array, NDArray[np.int64]]:
    """Return neighbours without the point itself, or without the last one if it is none."""
    same = (points[index] == own[:, None]).all(axis=2)
    drop = np.where(same.any(axis=1), same.argmax(axis=1), index.shape[1] - 1)
    keep = np.arange(index.shape[1]) != drop[:, None]
    shape = (len(index), -1)
    return distance[keep].reshape(shape), index[keep].reshape(shape)


def _bent(along: Array, across: Array, w: Array, y: Array) -> Array:
    """Return how far the surface lies across at ``y``: weighted least squares of degree 2."""
    if across.shape[2] == 0:
        return np.empty((len(y), 0))
    size = np.maximum(np.abs(along).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    terms, at = _terms(along / size), _terms((y / size[:, 0])[:, None])[:, 0]
    normal = np.einsum("nm,nmi,nmj->nij", w, terms, terms)
    normal += 1e-9 * np.eye(normal.shape[1])  # neighbours may lie on a line
    right = np.einsum("nm,nmi,nmj->nij", w, terms, across)
    return np.einsum("ni,nij->nj", at, np.linalg.solve(normal, right))


def _terms(y: Array) -> Array:
    """Return 1, the coordinates, and their products by twos."""
    pairs = combinations_with_replacement(range(y.shape[2]), 2)
    products = [y[:, :, i] * y[:, :, j] for i, j in pairs]
    terms = [np.ones(y.shape[:2]), *np.moveaxis(y, 2, 0), *products]
    return np.stack(terms, axis=2)


def local_dimension(points: Array) -> int:
    """Return in how many directions points spread as far as their neighbours are away."""
    n_points, k = points.shape
    if n_points <= FAR:
        return k
    distance, index = KDTree(points).query(points, FAR)
    spreads = []
    for m in (NEAR, FAR):
        near = points[index[:, :m]]
        near = near - near.mean(axis=1, keepdims=True)
        variance = np.linalg.eigvalsh(np.einsum("nmi,nmj->nij", near, near) / m)[:, ::-1]
        spreads.append(np.sqrt(np.maximum(variance, 0)))
    tiny = np.finfo(np.float64).tiny
    growth = np.log(np.maximum(spreads[1], tiny) / np.maximum(spreads[0], tiny))
    away = np.log(distance[:, -1] / np.maximum(distance[:, NEAR - 1], tiny))
    power = np.median(growth / np.maximum(away, 1e-6)[:, None], axis=0)
    return max(1, int((power < ALONG).sum()))
