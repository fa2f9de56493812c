"""Principal components, and a mixture of normals over them.

Symbols: v is a represented series as a row, mu the mean row, W the orthonormal principal
directions, z = (v - mu) W its scores. The first K scores follow a mixture of full-covariance
normals; the others, the residual e, are independent normals whose variances belong to the mixture
component, or are taken from a training series.
"""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.utils.metaestimators import available_if

from sklearn_timegen._checks import Interval, RealNotInt, StrOptions
from sklearn_timegen._mixture import NormalMixture, by_class, choose_normals, fit_normals
from sklearn_timegen._random import derive_seed, draw_seed
from sklearn_timegen._warning import warn_user
from sklearn_timegen.base import LatentGenerator, estimator, fitted, param
from sklearn_timegen.base.completion import check_cell_by_cell, masks_of
from sklearn_timegen.base.density import log_density_of_series
from sklearn_timegen.base.private import PrivateGenerator
from sklearn_timegen.classical.directions import fit_directions
from sklearn_timegen.classical.normals import Part, Pool, Unknown
from sklearn_timegen.classical.private import noisy_normal, rows_of_normal
from sklearn_timegen.data import Series
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.privacy import epsilon_spent, find_noise_multiplier, secret_rng

__all__ = ["PCAMixture"]

FloatArray = NDArray[np.float32]
Array = NDArray[np.float64]
Index = NDArray[np.int64]


def _has_density(self: PCAMixture) -> bool:
    if self.residual != "gaussian":
        raise AttributeError(
            f"residual={self.residual!r} has no density, which score_samples and impute need: use "
            "'gaussian'"
        )
    return True


@estimator
class PCAMixture(LatentGenerator, PrivateGenerator):
    """PCA and a mixture of normals over the flattened series: strong, quick, and exact.

    The leading principal scores follow a :class:`~sklearn.mixture.GaussianMixture`, which is
    fitted for each class if labels are given; what they leave over is drawn for the mixture
    component that a series belongs to. The one to beat: it trains in seconds.

    ``impute`` is exact for the model: given the known values, it is a mixture of normals again,
    whose weights tell how likely each normal makes them. It needs a representation that leaves
    cells apart, as ``"standard"``, ``"minmax"`` and ``"quantile"`` do, and Gaussian residuals.

    With ``private=``, it is one normal, by a mean and a covariance that are told with noise: each
    owner contributes the means of his represented series, clipped to ``max_series_norm``, and of
    their outer products. Directions in which noise drowns the covariance share one variance.

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
        rows = self._rows_of(series.values)
        z, density = self._directions.scores(rows), np.empty(len(series))
        for cells, mine, part, vectors in self._alike(series):
            if len(cells) == 0:
                density[mine] = part.log_density(z[mine], vectors)
                density[mine] += self._directions.log_density_of_tails(rows[mine], z[mine])
            else:
                unknown = Unknown.of(cells, self._directions, rows[mine], z[mine])
                density[mine] = part.given_known(z[mine], vectors, unknown).log_density
        return density

    def _check_completes(self) -> None:
        _has_density(self)
        check_cell_by_cell(self)

    def _complete_represented(self, series: Series, rng: np.random.Generator) -> FloatArray:
        rows = self._rows_of(series.values)
        z = self._directions.scores(rows)
        for cells, mine, part, vectors in self._alike(series):
            if len(cells) == 0:  # of the representation: a channel may follow from others
                continue
            unknown = Unknown.of(cells, self._directions, rows[mine], z[mine])
            moves = part.given_known(z[mine], vectors, unknown).draw(rng)
            rows[np.ix_(mine, cells)] += moves
        return self._series_of(rows)

    def _alike(self, series: Series) -> Iterator[tuple[Index, Index, Part, Any]]:
        """Yield which series of a class have the same unknown cells.

        These are the cells, the series, the mixture of the class, and the vectors it is given.
        """
        c = series.conditions
        for cells, alike in _unknown_cells(series):
            among = None if c is None else c[alike]
            for key, of_class, vectors in by_class(among, len(alike), self._given_vectors):
                yield cells, alike[of_class], self._parts[key], vectors

    def _fit(self, series: Series) -> None:
        c = series.conditions
        seed = draw_seed(self.random_state)
        rows = self._rows_of(series.values) if self.private is None else self._private_rows()
        self.pca_, self._directions = fit_directions(
            rows,
            int(self.n_components) if isinstance(self.n_components, Integral) else 1,
            self.residual,
            self.reg_covar,
            derive_seed(seed, "directions") % 2**31,
        )
        self.n_components_ = self._n_leading()
        z = self._directions.scores(rows)
        self._parts = {}
        for key, chosen, vectors in by_class(c, len(rows), self._given_vectors):
            part_seed = derive_seed(seed, f"mixture {key}") % 2**31
            self._parts[key] = self._fit_part(z[chosen], vectors, chosen, part_seed)
        self.mixtures_ = {key: part.mixture for key, part in self._parts.items()}

    def _leaks(self) -> Iterator[str]:
        assert self.private is not None
        yield from super()._leaks()
        if self.private.max_grad_norm is not None:
            yield (
                "max_grad_norm, which is for generators with a network: here represented series "
                "are clipped, to max_series_norm"
            )
        if self.n_mixture_components != 1:
            yield (
                f"n_mixture_components={self.n_mixture_components!r}: each step of fitting a "
                "mixture would cost a part of the budget. Set n_mixture_components=1, one normal"
            )
        if self.residual == "bootstrap":
            yield "residual='bootstrap', which samples private series: take 'gaussian' or None"
        if self.conditional:
            yield (
                "conditional=True for moments, which are not told label by label. Fit a generator "
                "to the series of each label, with a budget for each"
            )

    def _private_rows(self) -> Array:
        """Return rows with the moments of private series, as told with noise."""
        budget, withheld = self.private, self._take_withheld()
        assert budget is not None
        rows = self._rows_of(withheld.values)
        most = budget.max_series_norm or rows.shape[1] ** 0.5
        sigma = find_noise_multiplier(budget.epsilon, budget.delta, sample_rate=1.0, n_steps=1)
        normal = noisy_normal(rows, withheld.owners, most, sigma, secret_rng())
        self._epsilon = epsilon_spent(sigma, 1.0, 1, budget.delta)
        _, variances, _ = normal
        if len(variances) > 1 and variances[0] == variances[-1]:
            warn_user(
                "the covariance is drowned in noise: no direction stands out, and samples have "
                "one variance, perhaps none, in all of them. Take a greater epsilon, a smaller "
                f"max_series_norm (it is {most:.3g}), narrower bounds, or more owners"
            )
        return rows_of_normal(*normal)

    def _draw(self, n_samples: int, c: FloatArray | None, rng: np.random.Generator) -> FloatArray:
        rows = np.empty((n_samples, self._directions.basis.shape[1]))
        for key, mine, vectors in by_class(c, n_samples, self._given_vectors):
            z, series = self._parts[key].draw(len(mine), vectors, rng)
            rows[mine] = self._directions.draw_tails(self._directions.rows(z), series, rng)
        return self._series_of(rows)

    def _encode(self, v: FloatArray) -> FloatArray:
        z = self._directions.scores(self._rows_of(v))
        return to_float32(z[:, : self.n_components_])

    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        full = np.zeros((len(z), len(self._directions.basis)))
        full[:, : self.n_components_] = z
        return self._series_of(self._directions.rows(full))

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    # -- rows --------------------------------------------------------------------------------

    def _n_leading(self) -> int:
        most = len(self.pca_.components_)
        if isinstance(self.n_components, Integral):
            return min(int(self.n_components), most)
        shares = self.pca_.explained_variance_ratio_
        if not shares.sum() > 0:  # one series, or equal ones (NaN for one)
            return 1
        return min(most, 1 + int((np.cumsum(shares) < self.n_components).sum()))

    def _rows_of(self, v: FloatArray) -> Array:
        return v.reshape(len(v), -1).astype(np.float64)

    def _series_of(self, rows: Array) -> FloatArray:
        return to_float32(rows).reshape(len(rows), *self._space.shape)

    # -- the mixture -------------------------------------------------------------------------

    def _fit_part(self, z: Array, c: FloatArray | None, series: Index, seed: int) -> Part:
        k = self.n_components_
        lead = z[:, :k] if c is None else np.column_stack([c, z[:, :k]])
        n_conditions = 0 if c is None else c.shape[1]
        mixture = self._fit_mixture(lead, seed, n_conditions)
        belongs = mixture.predict_proba(lead)
        e = z[:, k:]
        weight = belongs.sum(axis=0)[:, None] + 1e-12
        mean = belongs.T @ e / weight
        variance = (belongs.T @ e**2 / weight - mean**2).clip(0) + self.reg_covar
        if self.residual is None:
            mean, variance = np.zeros_like(mean), np.zeros_like(variance)
        pool = Pool(e, series, belongs) if self.residual == "bootstrap" else None
        normals = NormalMixture(mixture, n_conditions)
        return Part(normals, mean, variance, pool)

    def _fit_mixture(self, rows: Array, seed: int, n_conditions: int) -> GaussianMixture:
        if isinstance(self.n_mixture_components, str):
            most = len(rows) / (5 * self.n_components_)
            return choose_normals(rows[:, None], most, self.reg_covar, seed, n_conditions)
        size = min(int(self.n_mixture_components), max(1, len(rows) // 2))
        return fit_normals(rows, size, self.reg_covar, seed)


def _unknown_cells(series: Series) -> list[tuple[Index, Index]]:
    """Return which cells are unknown, flat, and of which series: each pattern that occurs."""
    if series.observed is None:
        return [(np.empty(0, np.int64), np.arange(len(series)))]
    return [(np.flatnonzero(~mask), rows) for mask, rows in masks_of(series.observed)]
