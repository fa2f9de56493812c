"""Interpolation between near neighbours (SMOTE)."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from sklearn_timegen._checks import Interval
from sklearn_timegen.base import BaseGenerator, estimator, param
from sklearn_timegen.classical._rows import draw_rows
from sklearn_timegen.data import Series
from sklearn_timegen.data.conditions import groups_of

__all__ = ["NeighbourInterpolation"]

FloatArray = NDArray[np.float32]


@estimator
class NeighbourInterpolation(BaseGenerator):
    """SMOTE: series on the line between a training series and one of its nearest neighbours.

    ``v_i + u (v_j - v_i)`` with u uniform on [0, 1], and j one of the ``n_neighbors`` nearest to
    i, of the same class if conditional on labels. It invents little: see
    :func:`~sklearn_timegen.metrics.nearest_record_ratio`. Not for data that may not be shared.

    References
    ----------
    N. Chawla, K. Bowyer, L. Hall and P. Kegelmeyer (2002), "SMOTE: synthetic minority
    over-sampling technique", Journal of Artificial Intelligence Research 16.
    https://doi.org/10.1613/jair.953

    Examples
    --------
    >>> from sklearn_timegen import NeighbourInterpolation
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(50, 24, 2, random_state=0)
    >>> NeighbourInterpolation(random_state=0).fit(X).sample(5).shape
    (5, 24, 2)
    """

    n_neighbors: int = param(
        default=5,
        doc="Neighbours to choose from; at most the other series (of the class).",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    conditional: bool = param(
        default=False,
        doc="Whether to draw given ``y``: from series of a label, or of the nearest vectors.",
    )

    REAL_DATA: ClassVar[Mapping[str, str]] = {"_rows": "the training series"}

    def _fit(self, series: Series) -> None:
        v, c = series.values, series.conditions
        self._rows, self._conditions = v, c
        groups = groups_of(c, len(v), self._given_vectors)
        flat = v.reshape(len(v), -1)
        # A row each; a class of few repeats its neighbours, a series alone has itself.
        self._neighbours = np.empty((len(v), self.n_neighbors), dtype=np.int64)
        for group in np.unique(groups):
            mine = np.flatnonzero(groups == group)
            n = min(self.n_neighbors, max(1, len(mine) - 1))
            search = NearestNeighbors(n_neighbors=n).fit(flat[mine])
            near = search.kneighbors()[1] if len(mine) > 1 else np.zeros((1, 1), dtype=np.int64)
            self._neighbours[mine] = mine[near][:, np.arange(self.n_neighbors) % n]

    def _draw(self, n_samples: int, c: FloatArray | None, rng: np.random.Generator) -> FloatArray:
        i = draw_rows(self._conditions, c, self._given_vectors, len(self._rows), n_samples, rng)
        j = self._neighbours[i, rng.integers(self.n_neighbors, size=n_samples)]
        u = rng.random((n_samples, 1, 1), dtype=np.float32)
        v: FloatArray = self._rows[i] + u * (self._rows[j] - self._rows[i])
        return v
