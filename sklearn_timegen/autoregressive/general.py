"""Autoregressive networks: each timestep is drawn given all before it.

Symbols as in :mod:`sklearn_timegen.autoregressive.networks`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if
from skorch.history import History

from sklearn_timegen._checks import Interval
from sklearn_timegen.autoregressive.base import AutoregressiveGenerator
from sklearn_timegen.autoregressive.networks import (
    AdversarialPair,
    BehaviourDiscriminator,
    RecurrentMixture,
)
from sklearn_timegen.autoregressive.objectives import TeacherForcedLikelihood
from sklearn_timegen.autoregressive.training import ProfessorNet
from sklearn_timegen.base import estimator, fitted, param, pinned
from sklearn_timegen.base.density import has_density, log_density_of_series
from sklearn_timegen.base.tensors import EXACT, as_numpy
from sklearn_timegen.data import Series
from sklearn_timegen.privacy import PrivacyBudget
from sklearn_timegen.representation import Space
from sklearn_timegen.training import GeneratorNet, cell_weights

__all__ = ["ProfessorForcing", "TeacherForcing"]

FloatArray = NDArray[np.float32]


@estimator
class TeacherForcing(AutoregressiveGenerator):
    """A recurrent network that predicts each timestep from all before it, as a mixture of normals.

    It is trained by maximum likelihood on the true past (teacher forcing), for all timesteps at
    once, and sampled by feeding what it draws back to it. The likelihood is exact. What it never
    sees in training are its own mistakes; :class:`ProfessorForcing` is an answer to that.

    ``impute`` draws by a particle filter of 64 particles a series: what is missing at a timestep
    follows the mixture given the channels that are known there, and pasts are kept in proportion
    to how likely they make known values. Exact in the limit of many particles.

    See Also
    --------
    ProfessorForcing : The same network, which is also taught to run free.
    RecurrentVAE : A recurrent network whose randomness is in latents.

    References
    ----------
    A. Graves (2013), "Generating sequences with recurrent neural networks".
    https://arxiv.org/abs/1308.0850

    R. Williams and D. Zipser (1989), "A learning algorithm for continually running fully
    recurrent neural networks", Neural Computation 1. https://doi.org/10.1162/neco.1989.1.2.270

    A. Doucet, S. Godsill and C. Andrieu (2000), "On sequential Monte Carlo sampling methods for
    Bayesian filtering" (``impute``), Statistics and Computing 10.
    https://doi.org/10.1023/A:1008935410038

    Examples
    --------
    >>> from sklearn_timegen import TeacherForcing
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> generator = TeacherForcing(hidden_dim=16, max_epochs=2, random_state=0).fit(X)
    >>> generator.sample(3).shape
    (3, 24, 2)
    >>> generator.score_samples(X).shape
    (64,)
    """

    n_components: int = param(
        default=10,
        doc="Number of normals in the mixture of each timestep.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    coupled: bool = param(
        default=True,
        doc="""Whether a channel's mean moves linearly with the channels before it at the same
        timestep, so that normals have full covariance matrices (Graves's bivariate ones have a
        correlation, too). ``False`` is a mixture of normals with diagonal ones.""",
        check=["boolean"],
    )
    min_std: float = param(
        default=1e-3,
        doc="""Lower bound of the normals' standard deviations, in the representation. Without it,
        the likelihood of series that repeat a value, as quantised ones do, has no bound.""",
        check=[Interval(Real, 0, None, closed="neither")],
    )

    @available_if(has_density("standard", "minmax", "quantile"))
    def score_samples(self, X: ArrayLike, y: Any = None) -> NDArray[np.float64]:
        """Return the log-density of each series in ``X``, in nats and in the units of ``X``.

        Exact for the model: the sum over timesteps of log p(x_t | x_1 ... x_(t-1)). Channels that
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
        """
        return log_density_of_series(self, X, y, self._log_density)

    # -- hooks -------------------------------------------------------------------------------

    def _make_net(self, space: Space, n_conditions: int, **params: Any) -> GeneratorNet:
        module = self._network(space, n_conditions)
        kind = self._net_class(GeneratorNet)
        return kind(module, TeacherForcedLikelihood, varies=space.varies, **params)

    def _network(self, space: Space, n_conditions: int) -> Callable[[], RecurrentMixture]:
        """Return what makes the network that is fitted and sampled."""
        low, high = space.ranges
        return partial(
            RecurrentMixture,
            space.shape[1],
            self.hidden_dim,
            self.n_layers,
            self.n_components,
            n_conditions,
            self.cell,
            self.coupled,
            self.min_std,
            torch.from_numpy(space.varies),
            torch.from_numpy(space.constant),
            # The zeros before the first timestep are within the range, too.
            torch.from_numpy(np.minimum(low, 0)),
            torch.from_numpy(np.maximum(high, 0)),
        )

    def _log_density(self, series: Series) -> NDArray[np.float64]:
        density, likelihood = np.empty(len(series)), TeacherForcedLikelihood()
        with self._inference(EXACT) as module:
            for rows in self._batches(len(series)):
                batch = self._exact(series[rows])
                mixture = module(batch.values, batch.conditions)
                counted = replace(batch, weights=cell_weights(batch, self._space.varies))
                density[rows] = -as_numpy(likelihood.of(mixture, counted))
        return density


@estimator
class ProfessorForcing(TeacherForcing):
    """Teacher forcing, and a discriminator that the network's free running has to deceive.

    Beside the likelihood, the network learns to behave alike whether it reads the true past or
    its own draws: behaviour is the states of all layers and the values that follow them, at
    every timestep, and a recurrent network that reads it both ways tells the one from the other.
    As published, it takes a step only while it is right in at most 99 % of a batch, the
    generator descends the likelihood alone while it is right in no more than 75 %, and the
    generator's adversarial loss is that of its free-running behaviour. Other than published,
    whose outputs are words or bins of values, gradients go through the values that are drawn,
    too, since a normal draw is mean plus standard deviation times noise; through which component
    of the mixture is picked, there are none.

    See Also
    --------
    TeacherForcing : The same network without the discriminator; the parameters.
    GAN : Adversarial networks that draw whole series.

    References
    ----------
    A. Lamb, A. Goyal, Y. Zhang, S. Zhang, A. Courville and Y. Bengio (2016), "Professor forcing: a
    new algorithm for training recurrent networks", NeurIPS. https://arxiv.org/abs/1610.09038

    Examples
    --------
    >>> from sklearn_timegen import ProfessorForcing
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 12, 2, random_state=0)
    >>> generator = ProfessorForcing(hidden_dim=8, max_epochs=2, random_state=0).fit(X)
    >>> generator.sample(3).shape
    (3, 12, 2)
    """

    adversarial_weight: float = param(
        default=1.0,
        doc="""Weight of the adversarial loss, a mean over timesteps, beside the likelihood of a
        series.""",
        check=[Interval(Real, 0, None, closed="left")],
    )
    mutual: bool = param(
        default=False,
        doc="""Whether behaviour on the true past is also to look free-running: the paper's
        optional second term.""",
        check=["boolean"],
    )
    game_interval: int = param(
        default=4,
        doc="""The game is played with each so-manieth batch, with a weight so many times as
        large; with the others the network is taught alone, which takes less time. 1 is
        as published.""",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    discriminator_hidden_dim: int = param(
        default=32,
        doc="Units of the discriminator, in each direction and each dense layer.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    discriminator_lr: float | None = param(
        default=None,
        doc="Learning rate of the discriminator; ``None`` is ``lr``.",
        check=[Interval(Real, 0, None, closed="neither"), None],
    )
    max_epochs: int = param(default=80, doc="Epochs of training by Adam.")
    # Two networks play, and the discriminator sees series that are not paid for.
    private: PrivacyBudget | None = pinned(None, told=False)

    net_: ProfessorNet = fitted(
        """The fitted skorch net; ``net_.module_`` holds the ``generator`` and the
        ``discriminator``."""
    )
    history_: History = fitted(
        """A row an epoch, with ``train_loss`` and perhaps ``valid_loss``, the mean negative
        log-likelihood of a series, and of the game ``discriminator_loss``, ``generator_loss``,
        the norms of both gradients and ``discriminator_accuracy``.""",
        type="skorch.history.History",
    )

    def _make_net(self, space: Space, n_conditions: int, **params: Any) -> ProfessorNet:
        network = self._network(space, n_conditions)
        n_timesteps, n_channels = space.shape
        n_states = self.n_layers * self.hidden_dim
        sizes = (n_timesteps, n_states, n_channels, n_conditions, self.discriminator_hidden_dim)
        return ProfessorNet(
            partial(_build_pair, network, sizes),
            TeacherForcedLikelihood,
            adversarial_weight=self.adversarial_weight,
            mutual=self.mutual,
            game_interval=self.game_interval,
            discriminator_lr=self.discriminator_lr,
            varies=space.varies,
            **params,
        )


def _build_pair(
    network: Callable[[], RecurrentMixture], sizes: tuple[int, ...]
) -> AdversarialPair:
    return AdversarialPair(network(), BehaviourDiscriminator(*sizes))
