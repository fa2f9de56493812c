"""The general adversarial generator, of which the famous names are settings.

Symbols as in :mod:`sklearn_timegen.objectives.adversarial`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.history import History
from torch import nn

from sklearn_timegen._checks import HasMethods, Interval, StrOptions
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.base.networks import check_hidden_dims, check_time_axis
from sklearn_timegen.base.tensors import as_numpy
from sklearn_timegen.data import Series
from sklearn_timegen.gan._choices import (
    CLIP_VALUE,
    NORMALIZATIONS,
    make_game,
    optimizer_params,
)
from sklearn_timegen.gan._networks import (
    build_networks,
    check_networks,
    make_discriminator,
    make_normalization,
)
from sklearn_timegen.gan.generators import GENERATORS
from sklearn_timegen.gan.latents import AdversarialLatents
from sklearn_timegen.nn.discriminator import BODIES
from sklearn_timegen.objectives.adversarial import DIVERGENCES, LOSSES
from sklearn_timegen.representation import Space
from sklearn_timegen.training import AdversarialNet, CosineRate, GeneratorNet, RateSchedule

__all__ = ["GAN"]

FloatArray = NDArray[np.float32]


@estimator
class GAN(AdversarialLatents):
    """Generative adversarial network: a generator and a discriminator that learn from each other.

    The generator G maps latents z ~ N(0, I) (and conditions) to a series, the discriminator D
    a series to a value that is to be greater for real ones. What papers changed since 2014 is an
    axis here, axes can be combined freely, and the famous names are settings (of those without a
    penalty below, ``penalty=None``; what else a paper had is the default of its name):

    =========================  ==============================================================
    ``VanillaGAN``             ``loss="minimax"``
    ``NSGAN``                  ``loss="non-saturating"``
    ``LSGAN``                  ``loss="least-squares"``
    ``WGAN``                   ``loss="wasserstein", normalization="clip"``
    ``WGANGP``                 ``loss="wasserstein", penalty="gradient"``
    ``SNGAN``                  ``loss="hinge", normalization="spectral"``
    ``FGAN``                   ``loss=`` one of the f-divergences
    ``R3GAN``                  ``loss="relativistic", penalty="zero-centred"``
    ``UnrolledGAN``            ``loss="non-saturating", unroll_steps=5``
    ``GradientNormalizedGAN``  ``normalization="gradient"``
    ``RCGAN``                  ``generator="recurrent", discriminator="recurrent"``,
                               conditional
    ``CRNNGAN``                ``generator="recurrent", discriminator="bidirectional",
                               feature_matching=1``
    ``StyleGAN``               ``generator="style", discriminator="style"``
    =========================  ==============================================================

    The losses of two networks that learn from each other do not tell how good samples are. So
    ``history_`` also has the energy distance between samples and training series after each
    epoch, ``train_distance``, the same for held-out series, ``valid_distance``, which early
    stopping goes by, and the effective number of different samples beside that of series; and
    ``fit`` warns of mode collapse, of a discriminator that learns too well, and of divergence.
    ``transform`` is learned after the game: an encoder finds latents of generated series.

    References
    ----------
    I. Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS.
    https://arxiv.org/abs/1406.2661

    T. Salimans et al. (2016), "Improved techniques for training GANs" (minibatch discrimination,
    feature matching, label smoothing), NeurIPS. https://arxiv.org/abs/1606.03498

    C. K. Sonderby et al. (2017), "Amortised MAP inference for image super-resolution" (instance
    noise), ICLR. https://arxiv.org/abs/1610.04490

    T. Miyato and M. Koyama (2018), "cGANs with projection discriminator", ICLR.
    https://arxiv.org/abs/1802.05637

    J. Donahue, P. Krahenbuhl and T. Darrell (2017), "Adversarial feature learning" (latent
    regression), ICLR. https://arxiv.org/abs/1605.09782

    Examples
    --------
    >>> from sklearn_timegen import GAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = GAN(hidden_dims=(16,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...           random_state=0).fit(X)
    >>> gan.sample(3).shape
    (3, 24, 2)
    >>> gan.transform(X).shape
    (64, 4)
    """

    generator: str | Callable[..., nn.Module] = param(
        default="dense",
        doc="""G. ``"recurrent"`` takes ``latent_dim`` latents at each timestep; ``"style"`` is
        that of StyleGAN2, along time. A callable makes the module from ``(n_timesteps,
        n_channels, latent_dim, hidden_dims, n_conditions)``; its ``forward(z, c)`` returns
        series.""",
        check=[StrOptions(set(GENERATORS)), callable],
    )
    discriminator: str | Callable[..., nn.Module] = param(
        default="dense",
        doc="""D. The recurrent ones judge each timestep. A callable makes the module from
        ``(n_timesteps, n_channels, hidden_dims, n_conditions)``; its ``forward(x, c)`` returns a
        value for each series, or several.""",
        check=[StrOptions(set(BODIES)), callable],
    )
    loss: Any = param(
        default="relativistic",
        doc="""``"minimax"``, ``"non-saturating"``, ``"least-squares"``, ``"hinge"``,
        ``"wasserstein"``, ``"relativistic"``, or an f-divergence: ``"kl"``, ``"reverse-kl"``,
        ``"pearson"``, ``"hellinger"``, ``"jensen-shannon"``, ``"gan"``; or an object with the
        methods ``discriminator(real, fake)`` and ``generator(real, fake)`` on tensors of
        values.""",
        check=[StrOptions({*LOSSES, *DIVERGENCES}), HasMethods(["discriminator", "generator"])],
    )
    penalty: str | Sequence[str] | None = param(
        default="zero-centred",
        doc="""On the discriminator: ``"gradient"`` (slope 1 between real and generated series),
        ``"one-sided"`` (1 at most), ``"r1"``, ``"r2"`` (slope 0 at real, at generated ones),
        ``"zero-centred"`` (both). On the generator: ``"path-length"``.""",
        check=[str, list, tuple, None],
        type="str, list of str or None",
    )
    penalty_weight: float | Sequence[float] | None = param(
        default=None,
        doc="""Weight of the penalty, or of each; ``None`` is 10 for ``"gradient"`` and
        ``"one-sided"``, 2 for ``"path-length"``, as published, and 1 for the others.""",
        check=[Real, list, tuple, None],
        type="float, list of float or None",
    )
    penalty_interval: int = param(
        default=1,
        doc="Take penalties at every so-manieth step only, so many times as heavy.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    normalization: str | None = param(
        default=None,
        doc="""What bounds D's slope: its weight matrices divided by their largest singular
        values, D divided by slope plus value, or weights clipped.""",
        check=[StrOptions(set(NORMALIZATIONS)), None],
    )
    lipschitz: float = param(
        default=1.0,
        doc="""Lipschitz constant that bounds D with ``normalization="spectral"``, as far as its
        matrices go.""",
        check=[Interval(Real, 0, None, closed="neither")],
        formerly="slope",
    )
    clip_value: float = param(
        default=CLIP_VALUE,
        doc="""Bound of D's weights with ``normalization="clip"``.""",
        check=[Interval(Real, 0, None, closed="neither")],
    )
    n_critic: int = param(
        default=1,
        doc="D's steps (of a batch each) for each step of G.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    unroll_steps: int = param(
        default=0,
        doc="Steps of D that G looks ahead, and differentiates through.",
        check=[Interval(Integral, 0, None, closed="left")],
    )
    n_kernels: int = param(
        default=0,
        doc="""Number of features of closeness within the batch that D is given (minibatch
        discrimination): it then sees if samples are alike.""",
        check=[Interval(Integral, 0, None, closed="left")],
    )
    feature_matching: float = param(
        default=0.0,
        doc="""Share of feature matching in G's loss: the squared distance between the batches'
        mean features in D, given the condition. 1 leaves nothing else.""",
        check=[Interval(Real, 0, 1, closed="both")],
    )
    label_smoothing: float = param(
        default=0.0,
        doc="What the label of real series lacks to 1, for the losses that have labels.",
        check=[Interval(Real, 0, 1, closed="left")],
    )
    instance_noise: float = param(
        default=0.0,
        doc="""Standard deviation, in the representation, of noise on all that D sees. It falls to
        0 in the course of a ``fit``; ``partial_fit`` has all of it.""",
        check=[Interval(Real, 0, None, closed="left")],
    )
    ema_decay: float = param(
        default=0.999,
        doc="Decay of the moving average of G's weights that samples are drawn by; 0 for none.",
        check=[Interval(Real, 0, 1, closed="left")],
    )
    condition: str = param(
        default="projection",
        doc="How D is given conditions: their inner product with its features, or as channels.",
        check=[StrOptions({"projection", "concatenation"})],
    )
    latent_dim: int = param(
        default=64,
        doc='Number of latents (at each timestep, for ``"recurrent"``).',
        check=[Interval(Integral, 1, None, closed="left")],
    )
    hidden_dims: Sequence[int] = param(
        default=(256, 256, 256),
        doc="Widths of the layers, in the order of the discriminator; G has them reversed.",
        check=["array-like"],
        type="sequence of int",
    )
    discriminator_hidden_dims: Sequence[int] | None = param(
        default=None,
        doc="The discriminator's own.",
        check=["array-like", None],
        type="sequence of int or None",
    )
    discriminator_lr: float | None = param(
        default=None,
        doc="The discriminator's own learning rate.",
        check=[Interval(Real, 0, None, closed="neither"), None],
        mutable=True,
    )
    betas: tuple[float, float] = param(
        default=(0.0, 0.99), doc="Of Adam, for both.", check=[tuple, list], type="(float, float)"
    )
    lr_end: float = param(
        default=0.1,
        doc="""Share of both learning rates that is left at the end of training; they fall along a
        cosine. 1 keeps them, and so does ``partial_fit``.""",
        check=[Interval(Real, 0, 1, closed="right")],
    )
    max_epochs: int = param(
        default=300,
        doc="""Epochs of training by Adam. A game needs some thousand steps: with few series, more
        epochs.""",
    )
    batch_size: int = 128
    truncation: float = param(
        default=1.0,
        doc="""With ``generator="style"``, how far styles may be from their mean in samples: below
        1, samples are more typical and less diverse.""",
        check=[Interval(Real, 0, 1, closed="both")],
        mutable=True,
    )
    validation_fraction: float = param(
        default=0.0,
        doc="""Share of the series that is held out, at random, for ``valid_distance``.
        Overlapping windows leak into it: hold a block out with ``net_params={"train_split":
        ...}`` instead.""",
    )
    n_iter_no_change: int | None = param(
        default=None,
        doc="""Stop after so many epochs in which the distance from held-out series (from training
        series if nothing is held out) did not improve by ``tol``, and go back to the best
        weights.""",
    )
    callbacks: Sequence[Any] | None = param(
        default=None,
        doc="""skorch callbacks, cloned before use. What they may monitor is in ``history_``,
        which has no ``train_loss``.""",
    )

    net_: AdversarialNet = fitted(
        """The fitted skorch net; ``net_.module_`` holds ``generator`` and ``discriminator``."""
    )
    history_: History = fitted(
        """A row an epoch: both networks' losses and gradient norms, ``discriminator_accuracy``
        (the share of pairs of a real and a generated series in which the real one has the
        greater value; 0.5 is chance), ``train_distance``, ``valid_distance``,
        ``effective_sample_ratio``.""",
        type="skorch.history.History",
    )
    encoder_: GeneratorNet = fitted("The fitted skorch net behind ``transform``.")
    reconstruction_error_: float = fitted(
        """Share of the training series' variance, in the representation, that is lost on the
        way to latents and back. A GAN need not be able to make every series: compare with 1."""
    )

    # -- training ----------------------------------------------------------------------------

    def _make_net(self, space: Space, n_conditions: int, **params: Any) -> AdversarialNet:
        game = make_game(self, self._adversarial_loss())
        widths = self._widths()
        generator: Any = self.generator
        generator = GENERATORS[generator] if isinstance(generator, str) else generator
        # Gradient normalization divides by the value itself, so that its offset matters again.
        offset = self.normalization == "gradient" or not game.sees_differences
        discriminator = make_discriminator(
            self.discriminator, self.condition, self.n_kernels, offset
        )
        for kind in (generator, self.discriminator, self.encoder):
            network = BODIES[kind] if isinstance(kind, str) else kind
            name = self.generator if kind is generator else kind
            check_time_axis(network, name, space, self.representation)
        sizes = (*space.shape, self.latent_dim, n_conditions)
        module = partial(
            build_networks,
            generator,
            discriminator,
            sizes,
            widths,
            make_normalization(self.normalization, self.lipschitz),
            self.ema_decay,
        )
        params |= optimizer_params(self.betas, dict(self.net_params or {}))
        return AdversarialNet(
            module,
            game,
            n_critic=self.n_critic,
            unroll_steps=self.unroll_steps,
            discriminator_lr=self.discriminator_lr,
            clip_value=self.clip_value if self.normalization == "clip" else None,
            instance_noise=self.instance_noise,
            **params,
        )

    def _adversarial_loss(self) -> Any:
        """Return what names or computes the adversarial loss."""
        return self.loss

    def _widths(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        widths = check_hidden_dims(self.hidden_dims)
        if self.discriminator_hidden_dims is None:
            return widths, widths
        of_judge = check_hidden_dims(self.discriminator_hidden_dims, "discriminator_hidden_dims")
        return widths, of_judge

    @property
    def _encoder_widths(self) -> tuple[int, ...]:
        return self._widths()[1]

    def _check_net(self, net: GeneratorNet, series: Series) -> None:
        self._check_truncation(net.networks.generator)
        check_networks(net, series, self.feature_matching > 0)

    def _make_callbacks(self, monitor: str) -> list[Any]:
        return super()._make_callbacks(monitor.replace("loss", "distance"))

    def _make_schedule(self) -> RateSchedule:
        return CosineRate(self.lr_end)

    # -- sampling -------------------------------------------------------------------------------

    def _check_truncation(self, generator: nn.Module) -> None:
        if self.truncation != 1 and not hasattr(generator, "synthesize"):
            raise ValueError(
                f"truncation={self.truncation} needs generator='style': others have no style that "
                "could be drawn to its centre"
            )

    def _draw(self, n_samples: int, c: FloatArray | None, rng: torch.Generator) -> FloatArray:
        with self._inference() as networks:
            self._check_truncation(networks.generator)  # which may have been set since
            z, noise = networks.draw(n_samples, rng)
            how = {} if self.truncation == 1 else {"truncation": self.truncation}
            return as_numpy(networks.sample(z, self._tensor(c), noise, **how))
