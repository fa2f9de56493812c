"""The table of all generators, small and quick, that the suites run over."""

from typing import ClassVar

import numpy as np

from sklearn_timegen import (
    RELBOVAE,
    VAE,
    BaseGenerator,
    BetaVAE,
    BlockBootstrap,
    NeighbourInterpolation,
    PCAMixture,
    RecurrentVAE,
    RenyiVAE,
    TimeVAE,
)
from sklearn_timegen.base import estimator
from sklearn_timegen.representation import SeriesScaler

DENSE = {"encoder": "dense", "decoder": "dense", "hidden_dims": (16,), "latent_dim": 3}

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
]

# One that learns enough for predictors that are trained on its series.
CAPABLE = VAE(**DENSE, max_epochs=100, reconstruction_weight=50.0, lr=5e-3)


def name(generator) -> str:
    """Short, for test ids: the class and its representation."""
    return f"{type(generator).__name__}-{generator.representation}"


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
        self.seen.append(self._view.inverse_transform(v))
