"""The table of all generators, small and quick, that the suites run over."""

import inspect
from typing import ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_timegen
from sklearn_timegen import (
    CRNNGAN,
    FGAN,
    GAN,
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
    CategoricalForcing,
    Diffusion,
    FlowMatching,
    GradientNormalizedGAN,
    NeighbourInterpolation,
    OneStepGenerator,
    PCAMixture,
    ProfessorForcing,
    RecurrentVAE,
    RejectionSampler,
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

# -- each class with its own defaults, reduced in size and in the number of epochs only -----------

CODED = {"hidden_dims": (4, 6), "latent_dim": 3, "max_epochs": 2}
PLAYING = {
    "hidden_dims": (8,),
    "latent_dim": 3,
    "encoder_steps": 5,
    "batch_size": 32,
    "max_epochs": 2,
}
FLOWING = {
    "hidden_dim": 8,
    "n_layers": 1,
    "n_latent_steps": 4,
    "batch_size": 32,
    "max_epochs": 2,
}
READING = {"hidden_dim": 8, "n_components": 3, "max_epochs": 2}
BINNED = {"hidden_dim": 8, "head_dim": 16, "n_bins": 16, "max_epochs": 2}
TAUGHT = {"n_pairs": 32, "discriminator_hidden_dims": (8,), "batch_size": 32, "max_epochs": 2}
PHASED = {
    "hidden_dim": 6,
    "n_layers": 2,
    "embedding_epochs": 2,
    "supervised_epochs": 1,
    "batch_size": 32,
    "max_epochs": 2,
}
# Parameters that say how large and how long; what a class is, the others say.
SIZES = {
    *CODED,
    *PLAYING,
    *FLOWING,
    *READING,
    *BINNED,
    *TAUGHT,
    *PHASED,
    "n_steps",
    "block_length",
} | {
    "discriminator_hidden_dim",
    "cv",
}

# What files without code can hold, as trees of scikit-learn cannot.
SCALED = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))

NAMED = [
    VAE(**CODED),
    BetaVAE(**CODED),
    RenyiVAE(**CODED),
    RELBOVAE(**CODED),
    RecurrentVAE(**{**CODED, "hidden_dims": (4,)}),
    TimeVAE(**CODED),
    PCAMixture(),
    BlockBootstrap(block_length=3),
    NeighbourInterpolation(),
    GAN(**PLAYING),
    VanillaGAN(**PLAYING),
    NSGAN(**PLAYING),
    LSGAN(**PLAYING),
    WGAN(**PLAYING | {"max_epochs": 5}),  # of one batch: G waits for five steps of D
    WGANGP(**PLAYING | {"max_epochs": 5}),
    FGAN(**PLAYING),
    R3GAN(**PLAYING),
    SNGAN(**PLAYING),
    GradientNormalizedGAN(**PLAYING),
    UnrolledGAN(**PLAYING),
    RCGAN(**PLAYING),
    CRNNGAN(**PLAYING),
    StyleGAN(**PLAYING),
    FlowMatching(**FLOWING),
    Diffusion(**FLOWING, n_steps=10),
    OneStepGenerator(teacher=FlowMatching(**FLOWING), **TAUGHT),
    TeacherForcing(**READING),
    ProfessorForcing(**READING, discriminator_hidden_dim=8),
    CategoricalForcing(**BINNED),
    TimeGAN(**PHASED),
    RejectionSampler(generator=PCAMixture(), cv=2, classifier=SCALED),
]

# -- settings that are no defaults, where they run other code -------------------------------------

BRISK = {"lr": 1e-2, "lr_end": 1.0}
TINY = {**PLAYING, **BRISK}
SHORT = {**FLOWING, **BRISK, "hidden_dim": 16, "n_steps": 3, "warmup_steps": 0}
TAUGHT_BRISKLY = {"teacher": FlowMatching(**SHORT), **TAUGHT, **BRISK}

SETTINGS = [
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
    PCAMixture(n_components=3, n_mixture_components=2, residual="bootstrap"),
    BlockBootstrap(method="stationary", representation=SeriesScaler("minmax", per="channel")),
    R3GAN(**TINY, representation="cosine-quantile"),
    WGANGP(**TINY, penalty_interval=2, n_critic=2),
    SNGAN(**TINY, lipschitz=10.0, condition="concatenation"),
    UnrolledGAN(**TINY, unroll_steps=2, n_kernels=2),
    FGAN(**TINY, divergence="pearson", penalty="r1"),
    VanillaGAN(**TINY, penalty="r1"),
    NSGAN(**TINY, feature_matching=0.2, instance_noise=0.1),
    LSGAN(**TINY, penalty="zero-centred"),
    WGAN(**TINY, n_critic=2, clip_value=0.1),
    Diffusion(**SHORT, network="temporal-transformer", representation="standard"),
    OneStepGenerator(**TAUGHT_BRISKLY, adversarial_weight=0.1),
    OneStepGenerator(**TAUGHT_BRISKLY, method="adversarial"),
    CategoricalForcing(**BINNED, lr=1e-2, cell="gru", n_layers=2, representation="minmax"),
    TeacherForcing(
        **READING, lr=1e-2, cell="gru", n_layers=2, coupled=False, representation="minmax"
    ),
]

GENERATORS = [*NAMED, *SETTINGS]

# One that learns enough for predictors that are trained on its series.
CAPABLE = VAE(**DENSE, max_epochs=30, reconstruction_weight=50.0, lr=2e-2)


def name(generator) -> str:
    """Short, for test ids: the class and its representation."""
    return f"{type(generator).__name__}-{generator.representation}"


def named_classes() -> set[type]:
    """Return all public classes that generate, of which each has a row in ``NAMED``."""
    public = (getattr(sklearn_timegen, public) for public in sklearn_timegen.__all__)
    classes = (cls for cls in public if inspect.isclass(cls) and issubclass(cls, BaseGenerator))
    return {cls for cls in classes if not inspect.isabstract(cls)}


# A class whose functions are these is a setting: FGAN's own one turns a name into a loss.
SETTERS = {"__init__", "_adversarial_loss"}


def kind(generator) -> type:
    """Return the class whose code a generator runs: it, or the one that it is a setting of."""
    for cls in type(generator).__mro__:
        own = {key for key, value in vars(cls).items() if inspect.isfunction(value)}
        if own - SETTERS:
            return cls
    raise TypeError(f"{generator!r} is of no kind")


# The first of each kind: its contracts are those of its settings.
KINDS = list({kind(generator): generator for generator in reversed(NAMED)}.values())[::-1]


@estimator
class Resampler(BaseGenerator):
    """The smallest honest generator: draws training series again."""

    def _fit(self, series):
        self._rows, self._given = series.values, series.conditions

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

    def _fit(self, series):
        super()._fit(series)
        self.seen.append(self.representation_.inverse_transform(series.values))
