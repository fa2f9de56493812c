"""Principal components, and a mixture of normals over them.

Symbols: v is a represented series as a row, mu the mean row, W the orthonormal principal
directions, z = (v - mu) W its scores. The first K scores follow a mixture of full-covariance
normals; the others, the residual e, are independent normals whose variances belong to the mixture
component, or are taken from a training series.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.utils.metaestimators import available_if

from sklearn_timegen._checks import Interval, RealNotInt, StrOptions
from sklearn_timegen._mixture import (
    NormalMixture,
    by_class,
    choose_normals,
    fit_normals,
    log_normal,
    pick,
)
from sklearn_timegen._random import derive_seed, draw_seed
from sklearn_timegen.base import LatentGenerator, estimator, fitted, param
from sklearn_timegen.base.completion import check_cell_by_cell, masks_of
from sklearn_timegen.base.density import log_density_of_series
from sklearn_timegen.data import Series
from sklearn_timegen.data.magnitude import to_float32

__all__ = ["PCAMixture"]

FloatArray = NDArray[np.float32]
Array = NDArray[np.float64]


def _has_density(self: PCAMixture) -> bool:
    if self.residual != "gaussian":
        raise AttributeError(
            f"residual={self.residual!r} has no density, which score_samples and impute need: use "
            "'gaussian'"
        )
    return True


@estimator
class PCAMixture(LatentGenerator):
    """PCA and a mixture of normals over the flattened series: strong, quick, and exact.

    The leading principal scores follow a :class:`~sklearn.mixture.GaussianMixture`, which is
    fitted for each class if labels are given; what they leave over is drawn for the mixture
    component that a series belongs to. The one to beat: it trains in seconds.

    ``impute`` is exact for the model: given the known values, it is a mixture of normals again,
    whose weights tell how likely each normal makes them. It needs a representation that leaves
    cells apart, as ``"standard"``, ``"minmax"`` and ``"quantile"`` do, and Gaussian residuals.

    References
    ----------
    M. Tipping and C. Bishop (1999), "Mixtures of probabilistic principal component analysers",
    Neural Computation 11. https://doi.org/10.1162/089976699300016728

    Examples
    --------
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(200, 24, 2, random_state=0)
    >>> generator = PCAMixture(random_state=0).fit(X)
    >>> generator.sample(5).shape
    (5, 24, 2)
    """

    n_components: int | float = param(
        default=20,
        doc="""Number K of principal components in the mixture, or the fraction of variance they
        explain. More than there are is as many as there are.""",
        check=[
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
        ],
    )
    n_mixture_components: int | str = param(
        default="bic",
        doc="""Number of normals, at most one for every two series. ``"bic"`` doubles it, from 1,
        as long as the Bayesian information criterion improves and there are 5 K series for each:
        the criterion takes series for independent, and overlapping windows lead it to normals
        that hold a handful each.""",
        check=[Interval(Integral, 1, None, closed="left"), StrOptions({"bic"})],
    )
    residual: Literal["gaussian", "bootstrap"] | None = param(
        default="gaussian",
        doc="""The scores beyond K: independent normals with the variances of the mixture
        component; those of a random training series of the component, which copies its fine
        structure; or none at all, which is too smooth.""",
        check=[StrOptions({"gaussian", "bootstrap"}), None],
    )
    reg_covar: float = param(
        default=1e-6,
        doc="Added to the variances of the mixture, in the representation's units.",
        check=[Interval(RealNotInt, 0, None, closed="neither")],
    )
    conditional: bool = param(
        default=False,
        doc="""Whether to learn the distribution given ``y``: one mixture for each label, or for
        vectors a mixture over scores and vectors together, conditioned exactly.""",
    )

    pca_: PCA = fitted("The fitted components, all of them.")
    n_components_: int = fitted("K, the number of components that the mixtures see.")
    mixtures_: Any = fitted(
        "By class number; ``{0: mixture}`` without labels.", type="dict of GaussianMixture"
    )

    @available_if(_has_density)
    def score_samples(self, X: ArrayLike, y: Any = None) -> Array:
        """Return the log-density of each series in ``X``, in nats and in the units of ``X``.

        Exact for the model, and another thing than ``score``, which compares samples. Of a series
        with missing values it is that of those that are there, exactly, too, if the representation
        leaves cells apart, and else by importance sampling. Channels
        that are constant or copies, and cells that never vary, do not count; cells of the
        representation in which training left no variance have that of ``reg_covar``.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : array-like, default=None
            Conditions, if the generator is conditional.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            log p(x), or log p(x | y).

        Raises
        ------
        AttributeError
            If the residual is not Gaussian: there is no density then.
        """
        return log_density_of_series(self, X, y, self._log_density, marginal=True)

    # -- hooks -------------------------------------------------------------------------------

    def _log_density(self, series: Series) -> Array:
        z, c, density = self._scores(series.values), series.conditions, np.empty(len(series))
        for unknown, alike in _unknown_cells(series):
            among = None if c is None else c[alike]
            for key, rows, vectors in by_class(among, len(alike), self._given_vectors):
                mine, part = alike[rows], self._parts[key]
                density[mine] = (
                    part.log_density(z[mine], vectors)
                    if len(unknown) == 0
                    else part.log_density_of_known(z[mine], self._basis[:, unknown], vectors)
                )
        return density

    def _check_completes(self) -> None:
        _has_density(self)
        check_cell_by_cell(self)

    def _complete_represented(self, series: Series, rng: np.random.Generator) -> FloatArray:
        v, c = series.values.astype(np.float64), series.conditions
        z, rows = self._scores(v), v.reshape(len(v), -1)
        for unknown, alike in _unknown_cells(series):
            if len(unknown) == 0:  # of the representation: a channel may follow from others
                continue
            for key, among, vectors in by_class(
                None if c is None else c[alike], len(alike), self._given_vectors
            ):
                mine = alike[among]
                moved = self._parts[key].complete(z[mine], self._basis[:, unknown], vectors, rng)
                rows[np.ix_(mine, unknown)] += moved
        return to_float32(rows.reshape(v.shape))

    def _fit(self, series: Series) -> None:
        v, c = series.values, series.conditions
        seed = draw_seed(self.random_state)
        rows = v.reshape(len(v), -1).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):  # fractions of no variance at all
            self.pca_ = PCA(svd_solver="covariance_eigh" if len(rows) > 1 else "full").fit(rows)
        self._complete_basis()
        self.n_components_ = self._n_leading()
        z = self._scores(v)
        self._parts = {}
        for key, chosen, vectors in by_class(c, len(v), self._given_vectors):
            part_seed = derive_seed(seed, f"mixture {key}") % 2**31
            self._parts[key] = self._fit_part(z[chosen], vectors, part_seed)
        self.mixtures_ = {key: part.mixture for key, part in self._parts.items()}

    def _draw(self, n_samples: int, c: FloatArray | None, rng: np.random.Generator) -> FloatArray:
        z = np.empty((n_samples, len(self._basis)))
        for key, rows, vectors in by_class(c, n_samples, self._given_vectors):
            z[rows] = self._parts[key].draw(len(rows), vectors, rng)
        return self._from_scores(z)

    def _encode(self, v: FloatArray) -> FloatArray:
        return to_float32(self._scores(v)[:, : self.n_components_])

    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        full = np.zeros((len(z), len(self._basis)))
        full[:, : self.n_components_] = z
        return self._from_scores(full)

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    # -- scores ------------------------------------------------------------------------------

    def _complete_basis(self) -> None:
        """Take directions without training variance in, so that scores are a rotation."""
        found = self.pca_.components_
        n_missing = found.shape[1] - len(found)
        if n_missing:
            # The last right singular vectors span what the others leave over.
            rest = np.linalg.svd(found, full_matrices=True)[2][len(found) :]
            found = np.concatenate([found, rest])
        self._basis: Array = found

    def _n_leading(self) -> int:
        most = len(self.pca_.components_)
        if isinstance(self.n_components, Integral):
            return min(int(self.n_components), most)
        variances = self.pca_.explained_variance_
        total = variances.sum()
        if not total > 0:  # one series, or equal ones (NaN for one)
            return 1
        return min(most, 1 + int((np.cumsum(variances) < self.n_components * total).sum()))

    def _scores(self, v: FloatArray) -> Array:
        return (v.reshape(len(v), -1) - self.pca_.mean_) @ self._basis.T

    def _from_scores(self, z: Array) -> FloatArray:
        rows = z @ self._basis + self.pca_.mean_
        return rows.astype(np.float32).reshape(len(z), *self._space.shape)

    # -- the mixture -------------------------------------------------------------------------

    def _fit_part(self, z: Array, c: FloatArray | None, seed: int) -> _Part:
        k = self.n_components_
        lead = z[:, :k] if c is None else np.column_stack([c, z[:, :k]])
        mixture = self._fit_mixture(lead, seed)
        belongs = mixture.predict_proba(lead)
        e = z[:, k:]
        weight = belongs.sum(axis=0)[:, None] + 1e-12
        mean = belongs.T @ e / weight
        variance = (belongs.T @ e**2 / weight - mean**2).clip(0) + self.reg_covar
        if self.residual is None:
            mean, variance = np.zeros_like(mean), np.zeros_like(variance)
        pool = (e, belongs) if self.residual == "bootstrap" else None
        normals = NormalMixture(mixture, 0 if c is None else c.shape[1])
        return _Part(normals, mean, variance, pool)

    def _fit_mixture(self, rows: Array, seed: int) -> GaussianMixture:
        if isinstance(self.n_mixture_components, str):
            most = len(rows) / (5 * self.n_components_)
            return choose_normals(rows[:, None], most, self.reg_covar, seed)
        size = min(int(self.n_mixture_components), max(1, len(rows) // 2))
        return fit_normals(rows, size, self.reg_covar, seed)


def _unknown_cells(series: Series) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return which cells are unknown, flat, and of which series: each pattern that occurs."""
    if series.observed is None:
        return [(np.empty(0, np.int64), np.arange(len(series)))]
    return [(np.flatnonzero(~mask), rows) for mask, rows in masks_of(series.observed)]


@dataclass
class _Part:
    """The mixture of one class: conditions (if vectors), leading scores, residual scores."""

    lead: NormalMixture
    residual_mean: Array
    residual_variance: Array
    pool: tuple[Array, Array] | None  # training residuals, and which component they belong to

    @property
    def mixture(self) -> GaussianMixture:
        return self.lead.mixture

    def draw(self, n_samples: int, c: FloatArray | None, rng: np.random.Generator) -> Array:
        lead, which = self.lead.draw(n_samples, c, rng)
        return np.column_stack([lead, self._draw_residual(which, rng)])

    def _draw_residual(self, which: NDArray[np.int64], rng: np.random.Generator) -> Array:
        if self.pool is not None:
            rows, belongs = self.pool
            out = np.empty((len(which), rows.shape[1]))
            for k in np.unique(which):
                p = belongs[:, k] / belongs[:, k].sum()
                out[which == k] = rows[rng.choice(len(rows), (which == k).sum(), p=p)]
            return out
        noise = rng.standard_normal((len(which), self.residual_mean.shape[1]))
        scaled: Array = self.residual_mean[which] + np.sqrt(self.residual_variance[which]) * noise
        return scaled

    def complete(
        self, z: Array, directions: Array, c: FloatArray | None, rng: np.random.Generator
    ) -> Array:
        """Draw how far unknown cells lie from where they are in the series of scores ``z``.

        A normal that is white in coordinates w(z) is, as a function of the move d of these cells,
        ``exp(-|w + H d|^2 / 2)``, H being what their ``directions`` ``(n_scores, n_unknown)``
        become in these coordinates. With H = Q R, d is normal around the least-squares solution
        ``-R^-1 Q' w`` with covariance ``(R' R)^-1``, and what no move can mend is the density of
        the known cells.
        """
        evidence, solved = self._given_known(z, directions, c)
        which = pick(evidence, rng)
        noise = rng.standard_normal((len(z), directions.shape[1]))
        moves = np.empty_like(noise)
        for j in np.unique(which):
            (nearest, r), rows = solved[j], which == j
            moves[rows] = solve_triangular(r, (nearest[rows] + noise[rows]).T).T
        return moves

    def log_density_of_known(self, z: Array, directions: Array, c: FloatArray | None) -> Array:
        """Return the log-density of all cells but those in these ``directions``."""
        density: Array = logsumexp(self._given_known(z, directions, c)[0], axis=1)
        return density

    def _given_known(
        self, z: Array, directions: Array, c: FloatArray | None
    ) -> tuple[Array, list[tuple[Array, Array]]]:
        """Return the log-density of the known cells with each normal, and how moves follow."""
        log_weight, mean, factor = self.lead.given(c, len(z))
        k, n_unknown = factor.shape[1], directions.shape[1]
        log_weight = log_weight - logsumexp(log_weight, axis=1, keepdims=True)
        evidence, solved = np.empty(log_weight.shape), []
        for j, spread in enumerate(np.sqrt(self.residual_variance)):
            whiten = partial(solve_triangular, factor[j], lower=True)
            h = np.vstack([whiten(directions[:k]), directions[k:] / spread[:, None]])
            w = np.hstack(
                [whiten((z[:, :k] - mean[:, j]).T).T, (z[:, k:] - self.residual_mean[j]) / spread]
            )
            q, r = np.linalg.qr(h)
            nearest = -w @ q
            unmended = ((w + nearest @ q.T) ** 2).sum(axis=1)
            scales = np.concatenate([np.diag(factor[j]), spread, np.diag(r)])
            log_det = np.log(np.abs(scales)).sum()
            evidence[:, j] = log_weight[:, j] + log_normal(unmended, len(h) - n_unknown) - log_det
            solved.append((nearest, r))
        return evidence, solved

    def log_density(self, z: Array, c: FloatArray | None) -> Array:
        k = z.shape[1] - self.residual_mean.shape[1]
        log_weight, terms = self.lead.log_terms(z[:, :k], c)
        for j, variance in enumerate(self.residual_variance):
            square = ((z[:, k:] - self.residual_mean[j]) ** 2 / variance).sum(axis=1)
            terms[:, j] += log_normal(square, len(variance)) - np.log(variance).sum() / 2
        density: Array = logsumexp(log_weight + terms, axis=1)
        return density
