"""An autoregressive network by bins, for channels that stand still.

Symbols as in :mod:`sklearn_timegen.autoregressive.categorical_networks`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._checks import Interval
from sklearn_timegen.autoregressive.base import AutoregressiveGenerator
from sklearn_timegen.autoregressive.bins import fit_binning
from sklearn_timegen.autoregressive.categorical_networks import RecurrentCategorical
from sklearn_timegen.autoregressive.objectives import CategoricalLikelihood
from sklearn_timegen.base import estimator, param
from sklearn_timegen.base.density import has_density, log_density_of_series
from sklearn_timegen.base.tensors import EXACT, as_numpy
from sklearn_timegen.data import Series
from sklearn_timegen.representation import (
    QuantileScaler,
    Representation,
    SeriesScaler,
    Space,
)
from sklearn_timegen.training import GeneratorNet, cell_weights

__all__ = ["CategoricalForcing"]

ALONG_TIME: dict[str, Representation] = {
    "standard": SeriesScaler("standard", per="channel"),
    "minmax": SeriesScaler("minmax", per="channel"),
    "quantile": QuantileScaler(per="channel"),
}
CELLS_AT_ONCE = 8  # batches of probabilities of all bins are so much wider than series are


@estimator
class CategoricalForcing(AutoregressiveGenerator):
    """A recurrent network that predicts cell by cell whether it stands still, or else its bin.

    Sensors stand still between readings, and no density has a place for that. Here a channel of
    which 1% of the steps are exactly 0 has a probability of standing still; what moves falls into
    one of the bins of its channel, which hold as many training values each, and in a bin its
    density is even, in the outermost ones exponential. A value that fills a bin is drawn
    exactly. So the share of steps that stand still, and point masses, are learned as
    probabilities, and no distribution is assumed of the rest. Channels are binned by their steps,
    where these are known more closely than their values, and else by their values. Within a
    timestep each channel is predicted from those before it, too.

    ``impute`` draws by a particle filter of 64 particles a series, in which known channels of a
    timestep weigh the past. What is missing does not stand still up to the value behind a gap
    more often than chance has it.

    See Also
    --------
    TeacherForcing : A mixture of normals for each timestep, and a density for all series.

    References
    ----------
    A. van den Oord, N. Kalchbrenner and K. Kavukcuoglu (2016), "Pixel recurrent neural networks"
    (categories in place of densities), ICML. https://arxiv.org/abs/1601.06759

    M. Germain, K. Gregor, I. Murray and H. Larochelle (2015), "MADE: masked autoencoder for
    distribution estimation" (channels in order), ICML. https://arxiv.org/abs/1502.03509

    A. Graves (2013), "Generating sequences with recurrent neural networks".
    https://arxiv.org/abs/1308.0850

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen import CategoricalForcing
    >>> rng = np.random.default_rng(0)
    >>> steps = rng.normal(size=(200, 12)) * (rng.random((200, 12)) < 0.3)
    >>> X = rng.normal(size=(200, 1)) + steps.cumsum(axis=1)
    >>> generator = CategoricalForcing(hidden_dim=8, max_epochs=2, random_state=0).fit(X)
    >>> S = generator.sample(200)
    >>> bool(abs(np.mean(S[:, 1:] == S[:, :-1]) - 0.7) < 0.05)
    True
    """

    n_bins: int = param(
        default=64,
        doc="""Most bins of a channel. There are no more than a fifth of its training values, so
        that few series have fewer.""",
        check=[Interval(Integral, 2, None, closed="left")],
    )
    head_dim: int = param(
        default=32,
        doc="Units from which the bins of one channel are told.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    representation: str | Representation = param(
        default="standard",
        doc="""The view of series in which the network works: ``"standard"``, ``"minmax"`` or
        ``"quantile"``, with one scale for all timesteps of a channel, or an object that treats
        each cell by itself and all timesteps alike: nothing stands still otherwise.""",
    )

    @available_if(has_density("standard", "minmax", "quantile"))
    def score_samples(self, X: ArrayLike, y: Any = None) -> NDArray[np.float64]:
        """Return the log-density of each series in ``X``, in nats and in the units of ``X``.

        Exact for the model: the sum over cells of log p(x_td | all cells before). Channels that
        are constant or follow from others, and cells that never vary, do not count. A generator
        that is conditional on labels and gets no ``y`` averages over the labels, in their
        training frequencies.

        Of a series with missing values it is the density of those that are there, estimated by
        importance sampling: the mean of p(whole series) / q(fill) over ten fills, drawn from a
        normal distribution q of the series.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : label, vector or array-like, default=None
            Their conditions, if the generator is conditional.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            Greater is more likely.

        Raises
        ------
        AttributeError
            If the representation has no density.
        TypeError
            If a channel stands still, or has values that occur with a probability of their own.
        """
        check_is_fitted(self)
        if len(self._binning.without_density):
            k = self._binning.without_density[0]
            raise TypeError(
                f"coordinate {k} of the series stands still, or has values that occur with a "
                "probability of their own, and no density: fit without it, or take TeacherForcing "
                "or PCAMixture with rules=None, which know numbers only"
            )
        return log_density_of_series(self, X, y, self._log_density)

    # -- hooks -------------------------------------------------------------------------------

    def _choose_representation(self, n_timesteps: int) -> str | Representation:
        """Return a view on one scale along time, in which what stands still is seen to."""
        if isinstance(self.representation, str):
            return ALONG_TIME.get(self.representation, self.representation)
        return self.representation

    def _check_space(self, space: Space) -> None:
        super()._check_space(space)
        if getattr(self.representation_, "per", None) == "cell":
            raise ValueError(
                f"representation={self.representation!r} has a scale for each timestep, on which "
                "nothing stands still: set per='channel'"
            )

    def _fit(self, series: Series, n_epochs: int | None = None) -> None:
        v, observed = series.values, series.observed
        if observed is None:
            observed = np.ones(v.shape, dtype=bool)
        self._binning = fit_binning(v, observed & self._space.varies, observed, self.n_bins)
        super()._fit(series, n_epochs)

    def _make_net(self, space: Space, n_conditions: int, **params: Any) -> GeneratorNet:
        low, high = space.ranges
        module = partial(
            RecurrentCategorical,
            self._binning,
            self.hidden_dim,
            self.n_layers,
            self.head_dim,
            n_conditions,
            self.cell,
            torch.from_numpy(space.varies),
            torch.from_numpy(space.constant),
            torch.from_numpy(low),
            torch.from_numpy(high),
        )
        kind = self._net_class(GeneratorNet)
        return kind(module, CategoricalLikelihood, varies=space.varies, **params)

    def _log_density(self, series: Series) -> NDArray[np.float64]:
        density, likelihood = np.empty(len(series)), CategoricalLikelihood()
        with self._inference(EXACT) as module:
            for rows in self._batches(len(series), CELLS_AT_ONCE):
                batch = self._exact(series[rows])
                batch = replace(batch, weights=cell_weights(batch, self._space.varies))
                density[rows] = -as_numpy(likelihood(module, batch, None))
        return density
