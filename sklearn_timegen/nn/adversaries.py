"""Two networks that play against each other, and the average of one of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sklearn_timegen.nn.averaging import WeightAverage

__all__ = ["Adversaries"]


class Adversaries(nn.Module):
    """A generator, a discriminator, and the average of the generator's weights, if one is kept.

    Parameters
    ----------
    generator : Module
        ``forward(z, c)`` returns series; with an attribute ``n_noise``, ``forward(z, c, noise)``,
        where noise is ``(B, n_noise)``. ``n_latents`` is the width of z, if it is not
        ``latent_dim``.
    discriminator : Module
        ``forward(x, c)`` returns values ``(B,)`` or ``(B, K)``.
    latent_dim : int
        Width of z, unless the generator has its own mind.
    ema_decay : float
        Decay of the average in each step of the generator, after a warm-up; 0 keeps none.
    """

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, latent_dim: int, ema_decay: float
    ) -> None:
        super().__init__()
        self.generator = generator
        self.average = WeightAverage.of(generator, ema_decay)
        self.discriminator = discriminator
        self.n_latents = int(getattr(generator, "n_latents", latent_dim))
        self.n_noise = int(getattr(generator, "n_noise", 0))

    def draw(self, n_samples: int, rng: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Return latents and, if the generator takes any, noise."""
        width = self.n_latents + self.n_noise
        drawn = torch.randn(n_samples, width, generator=rng, device=rng.device)
        z, noise = drawn.split([self.n_latents, self.n_noise], dim=1)
        return z, noise if self.n_noise else None

    def generate(self, z: Tensor, c: Tensor | None, noise: Tensor | None = None) -> Tensor:
        """Return series by the weights that are being trained."""
        inputs = (z, c) if noise is None else (z, c, noise)
        return self.generator(*inputs)

    def sample(
        self, z: Tensor, c: Tensor | None, noise: Tensor | None = None, **how: Any
    ) -> Tensor:
        """Return series by the averaged weights, if there are any."""
        generator = self.generator if self.average is None else self.average
        inputs = (z, c) if noise is None else (z, c, noise)
        return generator(*inputs, **how)

    def track(self) -> None:
        """Take the generator's weights into their average."""
        if self.average is not None:
            self.average.update_parameters(self.generator)
