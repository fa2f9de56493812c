"""TimeGAN: five networks, three phases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.history import History

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.base.networks import check_time_axis
from sklearn_timegen.base.tensors import as_numpy
from sklearn_timegen.data import Series
from sklearn_timegen.representation import Space
from sklearn_timegen.timegan.latents import EmbeddingLatents
from sklearn_timegen.timegan.networks import Sizes, TimeGANNetworks
from sklearn_timegen.timegan.objectives import TimeGANLoss
from sklearn_timegen.timegan.phases import PhaseRate, PhaseStopping
from sklearn_timegen.timegan.stacked import CELLS
from sklearn_timegen.timegan.training import TimeGANNet

__all__ = ["TimeGAN"]

FloatArray = NDArray[np.float32]

# Batches of the three phases where no epochs are given, and what few series are spared.
N_BATCHES = {"embedding": 1500, "supervision": 500, "joint": 4000}
MOST_EPOCHS = 2000


@estimator
class TimeGAN(EmbeddingLatents):
    """TimeGAN: adversarial training in a learned embedding, supervised step by step.

    Five recurrent networks, trained in three phases. An embedder and a recovery network learn to
    take series x to an embedding H and back. A supervisor learns what follows each timestep of H.
    Then a generator learns to turn noise into embeddings that a discriminator takes for real
    ones, that the supervisor finds plausible and whose series have the moments of real ones,
    while embedder and recovery go on learning. A sample is ``recovery(supervisor(generator(z)))``.

    Losses and weights are those of the published code (:mod:`sklearn_timegen.timegan.objectives`
    has them), which differs from the published text:

    - The supervisor is a network of its own that reads H only; in the text it is the generator,
      which reads the last true H and noise.
    - The generator has two terms more: the differences of the batches' means and of their
      standard deviations, with the weight 100; and the discriminator also judges embeddings that
      have not been through the supervisor, with the weight gamma.
    - Weights: ``10 sqrt(L_R) + 0.1 L_S`` for the embedder, ``100 sqrt(L_S)`` for the generator; in
      the text ``L_R + lambda L_S`` with lambda 1, and ``eta L_S`` with eta 10.
    - The discriminator reads forwards only, in the text both ways; it steps only while its loss is
      above 0.15, once for two steps of the others.
    - Noise is uniform and independent at each timestep, in the text a Wiener process; here it is
      both by default (``noise``). There are no static features.

    This class differs from the code in what makes it fast: a step of generator and supervisor and
    one of embedder and recovery are taken at once, from one pass through each network, where the
    code runs embedder and supervisor again between them; and the discriminator learns from the
    last of those passes, not from one more. The first two phases have a higher learning rate and
    recovery a linear output, where the code has a sigmoid. The learning rates fall, weights are
    averaged, and there is less of it by default: 2,000 iterations of two batches in the joint
    phase, where the code has 50,000 of each phase.

    See Also
    --------
    RCGAN : A recurrent generator and discriminator without embedding or supervision.
    TeacherForcing : A recurrent network that predicts the next timestep's distribution.
    FlowMatching : Costs as much, and is far better.

    References
    ----------
    J. Yoon, D. Jarrett and M. van der Schaar (2019), "Time-series generative adversarial
    networks", NeurIPS. https://papers.nips.cc/paper/8789-time-series-generative-adversarial-networks

    The published code: https://github.com/jsyoon0823/TimeGAN

    Examples
    --------
    >>> from sklearn_timegen import TimeGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = TimeGAN(hidden_dim=8, n_layers=2, embedding_epochs=2, supervised_epochs=1,
    ...               max_epochs=2, random_state=0).fit(X)
    >>> gan.sample(3).shape
    (3, 24, 2)
    >>> [row["phase"] for row in gan.history_]
    ['embedding', 'embedding', 'supervision', 'joint', 'joint']
    >>> gan.transform(X).shape, gan.reconstruct(X).shape
    ((64, 192), (64, 24, 2))
    """

    hidden_dim: int = param(
        default=24,
        doc="Units of a recurrent layer, and width of the embedding of a timestep.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    n_layers: int = param(
        default=3,
        doc="Recurrent layers of a network; the supervisor has one less, and one at least.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    cell: str = param(default="gru", doc="The recurrent layers.", check=[StrOptions(set(CELLS))])
    latent_dim: int | None = param(
        default=None,
        doc="Width of the generator's noise at a timestep; ``None`` is the number of channels.",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )
    noise: str = param(
        default="both",
        doc="""The generator's noise: a Wiener process, as in the published text, which begins at
        a standard normal draw, or independent uniform draws at each timestep, as in the code, or
        both side by side. From uniform draws alone, series jitter for long in training; from a
        Wiener process alone, channels that do jitter are too calm.""",
        check=[StrOptions({"uniform", "wiener", "both"})],
    )
    gamma: float = param(
        default=1.0,
        doc="""Weight of the embeddings that have not been through the supervisor, in both
        adversarial losses.""",
        check=[Interval(Real, 0, None, closed="left")],
    )
    discriminator_threshold: float = param(
        default=0.15,
        doc="The discriminator only learns while its loss is above.",
        check=[Interval(Real, 0, None, closed="left")],
    )
    generator_steps: int = param(
        default=2,
        doc="Steps of the other networks for each step of the discriminator.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    embedding: bool = param(
        default=True,
        doc="""Whether there are embedder and recovery; without them, H is the series itself, and
        there are no latents. An ablation of the paper, as are the next two.""",
        check=["boolean"],
    )
    supervised: bool = param(
        default=True, doc="Whether there is a supervisor, and its loss.", check=["boolean"]
    )
    joint: bool = param(
        default=True,
        doc="""Whether embedder and recovery go on learning with the generator, or stay what the
        first phase has made of them.""",
        check=["boolean"],
    )
    ema_decay: float = param(
        default=0.999,
        doc="""Decay of the moving average of weights that samples and latents are made by; 0 for
        none.""",
        check=[Interval(Real, 0, 1, closed="left")],
    )
    representation: Any = param(
        default="standard",
        doc="""The view of series in which the networks work, with a time axis; see
        :mod:`sklearn_timegen.representation`. In the losses, each channel is divided by its
        range, for which the published weights are meant.""",
    )
    embedding_epochs: int | None = param(
        default=None,
        doc="""Epochs of the first phase. ``None`` stands for as many as make 1,500 batches, but
        2,000 at most. ``partial_fit`` and ``warm_start`` go on with the third phase; the first
        call of ``partial_fit`` does the other two whole.""",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )
    supervised_epochs: int | None = param(
        default=None,
        doc="Epochs of the second phase; ``None`` is as for the first, with 500 batches.",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )
    max_epochs: int | None = param(
        default=None,
        doc="Epochs of the third phase; ``None`` is as for the first, with 4,000 batches.",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )  # type: ignore[assignment]
    batch_size: int = 128
    lr: float = param(
        default=2e-3, doc="Learning rate of the last phase. Adam begins each phase anew."
    )
    discriminator_lr: float | None = param(
        default=None,
        doc="The discriminator's own learning rate.",
        check=[Interval(Real, 0, None, closed="neither"), None],
        mutable=True,
    )
    embedding_lr: float = param(
        default=1e-2,
        doc="Learning rate of the first two phases.",
        check=[Interval(Real, 0, None, closed="neither")],
    )
    lr_end: float = param(
        default=0.1,
        doc="""Share of the learning rate that is left at the end of each phase; it falls along a
        cosine.""",
        check=[Interval(Real, 0, 1, closed="right")],
    )
    conditional: bool = param(
        default=False,
        doc="""Whether to learn the distribution given ``y``. Generator, supervisor and
        discriminator are given it at each timestep, embedder and recovery are not.""",
    )
    validation_fraction: float = param(
        default=0.0,
        doc="""Share of the series that is held out, at random, for early stopping. Overlapping
        windows leak into it: hold a block out, by ``net_params={"train_split": ...}``,
        instead.""",
    )
    n_iter_no_change: int | None = param(
        default=None,
        doc="""End a phase after so many epochs in which its loss (in the last phase, the distance
        of samples) on held-out series, or on training series if nothing is held out, did not
        improve by ``tol``, and go back to the phase's best weights.""",
    )
    callbacks: Sequence[Any] | None = param(
        default=None,
        doc="""skorch callbacks, cloned before use. One that stops training ends the phase;
        skorch's ``EarlyStopping`` does so once only, ``n_iter_no_change`` in each phase.""",
    )

    net_: TimeGANNet = fitted("The fitted skorch net; ``net_.module_`` holds the five networks.")
    history_: History = fitted(
        """A row an epoch, which names its ``phase``: ``"embedding"``, ``"supervision"`` or
        ``"joint"``. ``reconstruction_loss`` and ``supervised_loss`` are mean squared errors; the
        joint phase has the adversarial losses, gradient norms and ``discriminator_accuracy`` (in
        epochs in which the discriminator had its turn), every epoch ``train_distance`` and
        ``effective_sample_ratio``, as :class:`GAN` has them.""",
        type="skorch.history.History",
    )
    _fewest_timesteps: ClassVar[int] = 2  # else there is nothing to supervise

    # -- training ----------------------------------------------------------------------------

    def _n_epochs(self, n_series: int) -> int:
        return self._epochs_of("joint", self.max_epochs, n_series)

    def _epochs_of(self, phase: str, given: int | None, n_series: int) -> int:
        if given is not None:
            return given
        n_batches = math.ceil(n_series / self.batch_size)
        return max(1, min(MOST_EPOCHS, round(N_BATCHES[phase] / n_batches)))

    def _check_space(self, space: Space) -> None:
        self._check_phases()
        check_time_axis(TimeGANNetworks, "TimeGAN", space, self.representation)

    def _check_phases(self) -> None:
        """Refuse epochs of a phase whose networks are left out."""
        for name in ("embedding", "supervised"):
            epochs = getattr(self, f"{name}_epochs")
            if epochs is not None and not getattr(self, name):
                raise ValueError(
                    f"{name}_epochs={epochs}, but {name}=False leaves out the networks of that "
                    f"phase; set {name}_epochs=None"
                )
        if not self.joint and not self.embedding:
            raise ValueError(
                "joint=False, but embedding=False leaves out the networks that would not learn "
                "jointly; leave one of them as it is"
            )

    def _fit(self, series: Series, n_epochs: int | None = None) -> None:
        self._early_epochs = {
            phase: self._epochs_of(phase, epochs, len(series))
            for phase, epochs, wanted in (
                ("embedding", self.embedding_epochs, self.embedding),
                ("supervision", self.supervised_epochs, self.supervised),
            )
            if wanted
        }
        super()._fit(series, n_epochs)

    def _make_net(self, space: Space, n_conditions: int, **params: Any) -> TimeGANNet:
        n_channels = space.shape[1]
        low, high = space.ranges
        spread = np.where(high > low, high - low, np.float32(1))
        sizes = Sizes(
            n_channels, n_conditions, self.latent_dim or n_channels, self.hidden_dim, self.n_layers
        )
        module = partial(
            TimeGANNetworks,
            sizes,
            cell=self.cell,
            embedding=self.embedding,
            supervised=self.supervised,
            noise=self.noise,
            ema_decay=self.ema_decay,
        )
        return TimeGANNet(
            module,
            partial(TimeGANLoss, self.gamma, torch.from_numpy(spread)),
            early_epochs=self._early_epochs,
            early_lr=self.embedding_lr,
            generator_steps=self.generator_steps,
            discriminator_threshold=self.discriminator_threshold,
            joint=self.joint,
            discriminator_lr=self.discriminator_lr,
            **params,
        )

    def _make_schedule(self) -> PhaseRate:
        return PhaseRate(self.lr_end)

    def _make_stopping(self, monitor: str) -> Any:
        patience = int(self.n_iter_no_change or 0)
        return PhaseStopping(patience, self.tol, monitor == "valid_loss")

    @property
    def n_iter_(self) -> int:
        """Number of epochs of the joint phase that were finished."""
        return sum(row["phase"] == "joint" for row in self.net_.history)

    # -- sampling ----------------------------------------------------------------------------

    def _draw(self, n_samples: int, c: FloatArray | None, rng: torch.Generator) -> FloatArray:
        with self._inference() as networks:
            z = networks.averaged.draw(self._space.shape[0], n_samples, rng)
            return as_numpy(networks.averaged.generate(z, self._tensor(c)))
