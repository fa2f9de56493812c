"""An encoder, a decoder and the decoder's noise as one module."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["NOISE_SHAPES", "DecoderNoise", "VariationalAutoencoder", "draws_from", "tilted"]

NOISE_SHAPES = {
    "fixed": (False, False),
    "learned": (False, False),
    "per-channel": (False, True),
    "per-cell": (True, True),
}


class DecoderNoise(nn.Module):
    """The log-precision of p(x | z), fixed or learned.

    Parameters
    ----------
    kind : {"fixed", "learned", "per-channel", "per-cell"}
        One for all cells, not learned or learned, one for each channel, or one for each cell.
    n_timesteps, n_channels : int
        Sizes of the series.
    start : float
        The log-precision before training.
    varies : Tensor of shape (n_timesteps, n_channels) or None
        Which cells vary in the data, if not all do. The others have a precision of 2 pi, so that
        they count for nothing in a density, and what is learned is learned from those that vary.
    """

    # A log-precision has far to go, from 2 to perhaps 12, at steps of Adam's lr: ten times that.
    PACE = 10.0
    # A standard deviation of 1e-4 of the data's is as exact as float32 training gets. Without a
    # limit, data that the decoder can reconstruct exactly have no finite optimum.
    MOST = math.log(1e8)
    log_precision: Tensor
    varies: Tensor | None

    def __init__(
        self,
        kind: str,
        n_timesteps: int,
        n_channels: int,
        start: float,
        varies: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("varies", varies)
        by_timestep, by_channel = NOISE_SHAPES[kind]
        shape = (n_timesteps if by_timestep else 1, n_channels) if by_channel else ()
        self.start = start
        self.learned = kind != "fixed"
        if self.learned:
            self.change = nn.Parameter(torch.zeros(shape))
        else:
            self.register_buffer("log_precision", torch.tensor(start))

    def forward(self) -> Tensor:
        value = self.log_precision if not self.learned else self._value()
        if self.varies is None:
            return value
        return torch.where(self.varies, value, math.log(2 * math.pi))

    def _value(self) -> Tensor:
        return self.MOST - F.softplus(self.MOST - self.start - self.PACE * self.change)


class VariationalAutoencoder(nn.Module):
    """q(z | x) = N(mean(x), exp(log_var(x))) and p(x | z) = N(decoder(z), noise).

    Random draws are made outside and handed in, so that their stream belongs to the caller.
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, noise: DecoderNoise, alpha: float = 1.0
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.noise = noise
        self.alpha = alpha

    def forward(
        self, x: Tensor, noise: Tensor, c: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return x^ ``(B, K, T, D)``, z ``(B, K, d)``, mean, log-variance and log-precision.

        ``noise``, ``(B, K, d)``, makes K draws of z: from q, or, for ``alpha`` below 1, from the
        tilted posterior q^alpha p^(1 - alpha). Noise ``(B, d)`` is one draw, and then x^ and z
        have no dimension of draws, either: on small networks it would cost a tenth of a step.
        """
        mean, log_var = self.encoder(x)
        centre, spread = tilted(mean, log_var, self.alpha)  # as ``posterior`` does
        if noise.ndim == 2:
            z = centre + torch.exp(0.5 * spread) * noise
            return self.decoder(z, c), z, mean, log_var, self.noise()
        z = draws_from(centre, spread, noise)
        return self.decode(z, c), z, mean, log_var, self.noise()

    # Of a variance: far from all training series, an encoder's knows no limit, and its draws
    # would overflow.
    MOST_LOG_VAR = 10.0

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of what stands for p(z | x) after training.

        The decoder is trained on draws of the tilted posterior, and it is this one that comes
        to approximate p(z | x).
        """
        mean, log_var = self.encoder(x)
        return tilted(mean, log_var.clamp(max=self.MOST_LOG_VAR), self.alpha)

    def decode(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Decode K latents ``(B, K, d)`` for each series, all given the condition of theirs."""
        n_draws = z.shape[1]
        if c is not None and n_draws > 1:
            c = c.repeat_interleave(n_draws, dim=0)
        x_hat: Tensor = self.decoder(z.flatten(0, 1), c).unflatten(0, z.shape[:2])
        return x_hat


def draws_from(mean: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    """Return K draws ``(B, K, d)`` of N(mean, exp(log_var)), for noise ``(K, d)`` or its own."""
    return mean[:, None] + torch.exp(0.5 * log_var)[:, None] * noise


def tilted(mean: Tensor, log_var: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Return mean and log-variance of q^alpha p^(1 - alpha), normalised, for p = N(0, I)."""
    if alpha == 1:
        return mean, log_var
    total = alpha + (1 - alpha) * log_var.exp()
    return alpha * mean / total, log_var - total.log()
