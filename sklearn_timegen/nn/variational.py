"""An encoder and a decoder as one module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["VariationalAutoencoder"]


class VariationalAutoencoder(nn.Module):
    """q(z | x) = N(mean(x), exp(log_var(x))) and the decoder's reconstruction of x.

    Noise is drawn outside and handed in, so that its stream belongs to the caller.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(
        self, x: Tensor, noise: Tensor, c: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_var = self.encoder(x)
        z = mean + torch.exp(0.5 * log_var) * noise
        return self.decoder(z, c), mean, log_var
