"""The table of all generators, small and quick, that the suites run over."""

import inspect
from typing import ClassVar

import numpy as np

from sklearn_timegen import (
    CRNNGAN,
    FGAN,
    LSGAN,
    NSGAN,
    R3GAN,
    RCGAN,
    RELBOVAE,
    SNGAN,
    VAE,
    WGAN,
    WGANGP,
    BaseGenerator,
    BetaVAE,
    BlockBootstrap,
    Diffusion,
    FlowMatching,
    GradientNormalizedGAN,
    NeighbourInterpolation,
    OneStepGenerator,
    PCAMixture,
    ProfessorForcing,
    RecurrentVAE,
    RenyiVAE,
    StyleGAN,
    TeacherForcing,
    TimeGAN,
    TimeVAE,
    UnrolledGAN,
    VanillaGAN,
)
from sklearn_timegen.base import estimator
from sklearn_timegen.representation import SeriesScaler

DENSE = {"encoder": "dense", "decoder": "dense", "hidden_dims": (16,), "latent_dim": 3}

TINY = {
    "hidden_dims": (8,),
    "latent_dim": 3,
    "max_epochs": 2,
    "encoder_steps": 5,
    "lr": 1e-2,
    "lr_end": 1.0,
    "batch_size": 32,
}

FLAT = {"generator": "dense", "discriminator": "dense"}

ADVERSARIAL = [
    R3GAN(**TINY, **FLAT, representation="cosine-quantile"),
    WGANGP(**TINY, **FLAT, penalty_interval=2, n_critic=2),
    SNGAN(**TINY, **FLAT, slope=10.0, condition="concatenation"),
    UnrolledGAN(**TINY, **FLAT, unroll_steps=2, n_kernels=2),
    GradientNormalizedGAN(**{**TINY, "lr": 4e-3}, **FLAT, discriminator_lr=1e-2),
    FGAN(**TINY, generator="dense", divergence="pearson", penalty="r1"),
    VanillaGAN(**TINY, **FLAT, penalty="r1"),
    NSGAN(**TINY, **FLAT, feature_matching=0.2, instance_noise=0.1),
    LSGAN(**TINY, **FLAT, penalty="zero-centred"),
    WGAN(**TINY, **FLAT, n_critic=2, clip_value=0.1),
    RCGAN(**TINY, conditional=False),
    CRNNGAN(**TINY),
    StyleGAN(**TINY),
]

SHORT = {
    "hidden_dim": 8,
    "n_layers": 1,
    "max_epochs": 2,
    "n_steps": 3,
    "n_latent_steps": 4,
    "batch_size": 32,
    "warmup_steps": 0,
    "lr": 1e-2,
    "lr_end": 1.0,
}

FLOWS = [
    FlowMatching(**SHORT),
    Diffusion(**SHORT, network="temporal-transformer", representation="standard"),
]

BRIEF = {
    "n_pairs": 32,
    "max_epochs": 2,
    "batch_size": 32,
    "lr": 1e-2,
    "lr_end": 1.0,
    "discriminator_hidden_dims": (8,),
}

STUDENTS = [
    OneStepGenerator(teacher=FlowMatching(**SHORT), **BRIEF, adversarial_weight=0.1),
    OneStepGenerator(teacher=FlowMatching(**SHORT), **BRIEF, method="adversarial"),
]

READING = {"hidden_dim": 8, "n_components": 3, "max_epochs": 2, "batch_size": 64, "lr": 1e-2}

FORCED = [
    TeacherForcing(**READING),
    TeacherForcing(**READING, cell="gru", n_layers=2, coupled=False, representation="minmax"),
    ProfessorForcing(**READING, discriminator_hidden_dim=8),
]

PHASED = [
    TimeGAN(
        hidden_dim=6,
        n_layers=2,
        embedding_epochs=2,
        supervised_epochs=1,
        max_epochs=2,
        batch_size=32,
        lr=1e-2,
    )
]

GENERATORS = [
    VAE(hidden_dims=(4, 6), latent_dim=3, max_epochs=2),
    VAE(
        **DENSE,
        max_epochs=2,
        representation="cosine-quantile",
        decoder_noise="per-cell",
        prior="mixture",
    ),
    VAE(**DENSE, max_epochs=2, representation=SeriesScaler("standard", per="channel")),
    VAE(
        encoder="transformer",
        decoder="transformer",
        hidden_dims=(4,),
        latent_dim=2,
        decoder_noise="per-channel",
        kl_warmup=1,
        max_epochs=2,
    ),
    TimeVAE(hidden_dims=(4, 6), latent_dim=3, max_epochs=2),
    BetaVAE(**DENSE, max_epochs=2),
    RenyiVAE(**DENSE, max_epochs=2),
    RELBOVAE(**DENSE, max_epochs=2),
    RecurrentVAE(hidden_dims=(4,), latent_dim=2, max_epochs=2),
    PCAMixture(),
    PCAMixture(n_components=3, n_mixture_components=2, residual="bootstrap"),
    BlockBootstrap(block_length=3),
    BlockBootstrap(method="stationary", representation=SeriesScaler("minmax", per="channel")),
    NeighbourInterpolation(),
    *ADVERSARIAL,
    *FLOWS,
    *STUDENTS,
    *FORCED,
    *PHASED,
]

# One that learns enough for predictors that are trained on its series.
CAPABLE = VAE(**DENSE, max_epochs=30, reconstruction_weight=50.0, lr=2e-2)


def name(generator) -> str:
    """Short, for test ids: the class and its representation."""
    return f"{type(generator).__name__}-{generator.representation}"


def of_each_kind(generators) -> list:
    """Return the first generator of each kind.

    Of one kind are those of one family (a module or package of ``sklearn_timegen``) whose public
    methods are the same functions, so that they differ in what these call only.
    """
    first = {}
    for generator in generators:
        cls = type(generator)
        public = frozenset(
            getattr(method, "__qualname__", repr(method))
            for name, method in inspect.getmembers(cls, callable)
            if not name.startswith("_")
        )
        first.setdefault((cls.__module__.split(".")[1], public), generator)
    return list(first.values())


@estimator
class Resampler(BaseGenerator):
    """The smallest honest generator: draws training series again."""

    def _fit(self, v, c):
        self._rows, self._given = v, c

    def _draw(self, n_samples, c, rng):
        if c is None:
            return self._rows[rng.integers(len(self._rows), size=n_samples)]
        distance = ((self._given[None] - c[:, None]) ** 2).sum(axis=2)
        near = distance <= distance.min(axis=1, keepdims=True) + 1e-6
        return self._rows[[rng.choice(np.flatnonzero(row)) for row in near]]


@estimator
class Recorder(Resampler):
    """Remembers, on the class, what it was fitted to."""

    seen: ClassVar[list] = []

    def _fit(self, v, c):
        super()._fit(v, c)
        self.seen.append(self.representation_.inverse_transform(v))
