"""The general adversarial generator, of which the famous names are settings.

Symbols as in :mod:`sklearn_timegen.objectives.adversarial`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from torch import nn

from sklearn_timegen.base import estimator
from sklearn_timegen.base.networks import check_hidden_dims, check_time_axis
from sklearn_timegen.base.tensors import as_numpy
from sklearn_timegen.gan._choices import (
    CLIP_VALUE,
    NORMALIZATIONS,
    make_game,
    optimizer_params,
)
from sklearn_timegen.gan._networks import (
    build_players,
    check_players,
    make_discriminator,
    make_normalization,
)
from sklearn_timegen.gan.latents import AdversarialLatents
from sklearn_timegen.nn.discriminator import BODIES
from sklearn_timegen.nn.generators import GENERATORS
from sklearn_timegen.objectives.adversarial import DIVERGENCES, LOSSES
from sklearn_timegen.training import AdversarialNet

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

    The losses of two players that learn from each other do not tell how good samples are. So
    ``history_`` also has the energy distance between samples and training series after each
    epoch, ``train_distance``, the same for held-out series, ``valid_distance``, which early
    stopping goes by, and the effective number of different samples beside that of series; and
    ``fit`` warns of mode collapse, of a discriminator that learns too well, and of divergence.
    ``transform`` is learned after the game: an encoder finds latents of generated series.

    Parameters
    ----------
    generator : {"convolutional", "dense", "recurrent", "style", "transformer"} or callable, \
            default="dense"
        G. ``"recurrent"`` takes ``latent_dim`` latents at each timestep; ``"style"`` is that of
        StyleGAN2, along time. A callable makes the module from ``(n_timesteps, n_channels,
        latent_dim, hidden_dims, n_conditions)``; its ``forward(z, c)`` returns series.
    discriminator : {"bidirectional", "convolutional", "dense", "recurrent", "style", \
            "transformer"} or callable, default="dense"
        D. The recurrent ones judge each timestep. A callable makes the module from
        ``(n_timesteps, n_channels, hidden_dims, n_conditions)``; its ``forward(x, c)`` returns a
        value for each series, or several.
    loss : str or object, default="relativistic"
        ``"minimax"``, ``"non-saturating"``, ``"least-squares"``, ``"hinge"``, ``"wasserstein"``,
        ``"relativistic"``, or an f-divergence: ``"kl"``, ``"reverse-kl"``, ``"pearson"``,
        ``"hellinger"``, ``"jensen-shannon"``, ``"gan"``; or an object with the methods
        ``discriminator(real, fake)`` and ``generator(real, fake)`` on tensors of values.
    penalty : str, list of str or None, default="zero-centred"
        On the discriminator: ``"gradient"`` (slope 1 between real and generated series),
        ``"one-sided"`` (1 at most), ``"r1"``, ``"r2"`` (slope 0 at real, at generated ones),
        ``"zero-centred"`` (both). On the generator: ``"path-length"``.
    penalty_weight : float, list of float or None, default=None
        Weight of the penalty, or of each; ``None`` is 10 for ``"gradient"`` and
        ``"one-sided"``, 2 for ``"path-length"``, as published, and 1 for the others.
    penalty_interval : int, default=1
        Take penalties at every so-manieth step only, so many times as heavy.
    normalization : {"spectral", "gradient", "clip"} or None, default=None
        What bounds D's slope: its weight matrices divided by their largest singular values, D
        divided by slope plus value, or weights clipped.
    slope : float, default=1.0
        What D's slope is bounded by with ``normalization="spectral"``, as far as its matrices go.
    clip_value : float, default=0.01
        Bound of D's weights with ``normalization="clip"``.
    n_critic : int, default=1
        D's steps (of a batch each) for each step of G.
    unroll_steps : int, default=0
        Steps of D that G looks ahead, and differentiates through.
    n_kernels : int, default=0
        Number of features of closeness within the batch that D is given (minibatch
        discrimination): it then sees if samples are alike.
    feature_matching : float, default=0.0
        Share of feature matching in G's loss: the squared distance between the batches' mean
        features in D, given the condition. 1 leaves nothing else.
    label_smoothing : float, default=0.0
        What the label of real series lacks to 1, for the losses that have labels.
    instance_noise : float, default=0.0
        Standard deviation, in the representation, of noise on all that D sees. It falls to 0 in
        the course of a ``fit``; ``partial_fit`` has all of it.
    ema_decay : float, default=0.999
        Decay of the moving average of G's weights that samples are drawn by; 0 for none.
    condition : {"projection", "concatenation"}, default="projection"
        How D is given conditions: their inner product with its features, or as channels.
    latent_dim : int, default=64
        Number of latents (at each timestep, for ``"recurrent"``).
    hidden_dims : sequence of int, default=(256, 256, 256)
        Widths of the layers, in the order of the discriminator; G has them reversed.
    discriminator_hidden_dims : sequence of int or None, default=None
        The discriminator's own.
    discriminator_lr : float or None, default=None
        The discriminator's own learning rate.
    betas : (float, float), default=(0.0, 0.99)
        Of Adam, for both.
    lr_end : float, default=0.1
        Share of both learning rates that is left at the end of training; they fall along a
        cosine. 1 keeps them, and so does ``partial_fit``.
    truncation : float, default=1.0
        With ``generator="style"``, how far styles may be from their mean in samples: below 1,
        samples are more typical and less diverse. May be changed after ``fit``.
    encoder : str, default="dense"
        Network of ``transform``: a name, as for ``discriminator``.
    encoder_steps : int, default=1000
        Steps of its training, after the game, on generated series.
    refine : int, default=0
        Steps by which ``transform`` improves the encoder's latents, so that they lead back to the
        series more closely. May be changed after ``fit``.
    conditional : bool, default=False
        Whether to learn the distribution given ``y``.
    representation : str or object, default="standard"
        The view of series in which the networks work: ``"standard"``, ``"minmax"``,
        ``"quantile"``, ``"cosine"``, ``"cosine-quantile"``, ``"pca"``, ``"pca-quantile"``, or an
        object; see
        :mod:`sklearn_timegen.representation`.
    bounds : (low, high) or None, default=None
        Values that samples never leave, in the units of ``X``: each ``None``, a number, or one
        for each channel.
    n_channels : int, default=1
        Number of channels in the rows of a 2-d ``X``.
    max_epochs, batch_size, lr : int, int, float, default=300, 128, 1e-3
        Training by Adam. A game needs some thousand steps: with few series, more epochs.
    validation_fraction : float, default=0.0
        Share of the series that is held out, at random, for ``valid_distance``. Overlapping
        windows leak into it: hold a block out with ``net_params={"train_split": ...}`` instead.
    n_iter_no_change : int or None, default=None
        Stop after so many epochs in which the distance from held-out series (from training
        series if nothing is held out) did not improve by ``tol``, and go back to the best
        weights.
    tol : float, default=1e-4
        See ``n_iter_no_change``.
    warm_start : bool, default=False
        Whether ``fit`` goes on training where the last one ended. In between, ``lr``,
        ``batch_size``, ``max_epochs`` and ``verbose`` may change.
    callbacks : list or None, default=None
        skorch callbacks, cloned before use. What they may monitor is in ``history_``, which has
        no ``train_loss``.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``; ``"auto"`` is CUDA where there is one.
    net_params : dict or None, default=None
        Further arguments of the skorch net, such as ``{"optimizer": torch.optim.RMSprop}``.
    verbose : int, default=0
        Whether to show a progress bar with the distance.
    random_state : int, RandomState, Generator or None, default=None
        Seed of weights, batches, noise and samples.

    Attributes
    ----------
    net_ : AdversarialNet
        The fitted skorch net; ``net_.module_`` holds ``generator`` and ``discriminator``.
    history_ : skorch.history.History
        A row an epoch: both players' losses and gradient norms, ``discriminator_accuracy`` (the
        share of pairs of a real and a generated series in which the real one has the greater
        value; 0.5 is chance), ``train_distance``, ``valid_distance``,
        ``effective_sample_ratio``.
    encoder_ : GeneratorNet
        The fitted skorch net behind ``transform``.
    reconstruction_error_ : float
        Share of the training series' variance, in the representation, that is lost on the way
        to latents and back. A GAN need not be able to make every series: compare with 1.
    n_iter_ : int
        Number of epochs.
    series_shape_ : tuple of int
        ``(n_timesteps, n_channels)``.
    representation_ : object
        The fitted representation.
    classes_ : ndarray
        The labels, if conditional on labels.
    n_features_in_ : int
        ``X.shape[1]`` of the ``X`` seen in ``fit``.
    feature_names_in_ : ndarray
        Column names, if ``X`` had string ones.

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

    generator: str | Callable[..., nn.Module] = "dense"
    discriminator: str | Callable[..., nn.Module] = "dense"
    loss: Any = "relativistic"
    penalty: str | Sequence[str] | None = "zero-centred"
    penalty_weight: float | Sequence[float] | None = None
    penalty_interval: int = 1
    normalization: str | None = None
    slope: float = 1.0
    clip_value: float = CLIP_VALUE
    n_critic: int = 1
    unroll_steps: int = 0
    n_kernels: int = 0
    feature_matching: float = 0.0
    label_smoothing: float = 0.0
    instance_noise: float = 0.0
    ema_decay: float = 0.999
    condition: str = "projection"
    latent_dim: int = 64
    hidden_dims: Sequence[int] = (256, 256, 256)
    discriminator_hidden_dims: Sequence[int] | None = None
    discriminator_lr: float | None = None
    betas: tuple[float, float] = (0.0, 0.99)
    lr_end: float = 0.1
    max_epochs: int = 300
    batch_size: int = 128
    truncation: float = 1.0

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AdversarialLatents._parameter_constraints,
        "generator": [StrOptions(set(GENERATORS)), callable],
        "discriminator": [StrOptions(set(BODIES)), callable],
        "loss": [StrOptions({*LOSSES, *DIVERGENCES}), HasMethods(["discriminator", "generator"])],
        "penalty": [str, list, tuple, None],
        "penalty_weight": [Real, list, tuple, None],
        "penalty_interval": [Interval(Integral, 1, None, closed="left")],
        "normalization": [StrOptions(set(NORMALIZATIONS)), None],
        "slope": [Interval(Real, 0, None, closed="neither")],
        "clip_value": [Interval(Real, 0, None, closed="neither")],
        "n_critic": [Interval(Integral, 1, None, closed="left")],
        "unroll_steps": [Interval(Integral, 0, None, closed="left")],
        "n_kernels": [Interval(Integral, 0, None, closed="left")],
        "feature_matching": [Interval(Real, 0, 1, closed="both")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "instance_noise": [Interval(Real, 0, None, closed="left")],
        "ema_decay": [Interval(Real, 0, 1, closed="left")],
        "condition": [StrOptions({"projection", "concatenation"})],
        "latent_dim": [Interval(Integral, 1, None, closed="left")],
        "hidden_dims": ["array-like"],
        "discriminator_hidden_dims": ["array-like", None],
        "discriminator_lr": [Interval(Real, 0, None, closed="neither"), None],
        "betas": [tuple, list],
        "lr_end": [Interval(Real, 0, 1, closed="right")],
        "truncation": [Interval(Real, 0, 1, closed="both")],
    }

    # What does not touch the two players.
    _may_change: ClassVar[frozenset[str]] = AdversarialLatents._may_change | {
        "discriminator_lr",
        "truncation",
    }

    # -- training ----------------------------------------------------------------------------

    def _make_net(
        self, n_timesteps: int, n_channels: int, n_conditions: int, **params: Any
    ) -> AdversarialNet:
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
            check_time_axis(network, name, self._view, self.representation)
        sizes = (n_timesteps, n_channels, self.latent_dim, n_conditions)
        module = partial(
            build_players,
            generator,
            discriminator,
            sizes,
            widths,
            make_normalization(self.normalization, self.slope),
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
            lr_end=self.lr_end,
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

    def _check_net(self, net: Any, v: FloatArray, c: FloatArray | None) -> None:
        self._check_truncation(net.players.generator)
        given = None if c is None else c[:2]
        check_players(net, v[:2], given, self.feature_matching > 0)

    def _make_callbacks(self, monitor: str) -> list[Any]:
        return super()._make_callbacks(monitor.replace("loss", "distance"))

    def _update(self, net: Any) -> Any:
        net = super()._update(net)
        net.keep_discriminator_lr(self.discriminator_lr)
        return net

    # -- sampling -------------------------------------------------------------------------------

    def _check_truncation(self, generator: nn.Module) -> None:
        if self.truncation != 1 and not hasattr(generator, "synthesize"):
            raise ValueError(
                f"truncation={self.truncation} needs generator='style': others have no style that "
                "could be drawn to its centre"
            )

    def _draw(self, n_samples: int, c: FloatArray | None, rng: torch.Generator) -> FloatArray:
        with self._inference() as players:
            self._check_truncation(players.generator)  # which may have been set since
            z, noise = players.draw(n_samples, rng)
            how = {} if self.truncation == 1 else {"truncation": self.truncation}
            return as_numpy(players.sample(z, self._tensor(c), noise, **how))
