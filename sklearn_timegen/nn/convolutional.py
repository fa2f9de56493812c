"""The convolutional encoder and decoder of TimeVAE (Desai et al. 2021, section 3 and the code).

T is the number of timesteps, D of channels, and each of the L layers halves (or doubles) T.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from sklearn_timegen.nn.layers import StridedConv, StridedConvTranspose, glorot_, with_condition

__all__ = ["ConvolutionalDecoder", "ConvolutionalEncoder"]


def _reduced(n_timesteps: int, n_layers: int) -> int:
    """Timesteps that are left after ``n_layers`` strided convolutions."""
    for _ in range(n_layers):
        n_timesteps = (n_timesteps + 1) // 2
    return n_timesteps


class ConvolutionalEncoder(nn.Module):
    """Strided convolutions, then dense mean and log-variance of the latents."""

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self, n_timesteps: int, n_channels: int, latent_dim: int, hidden_dims: Sequence[int]
    ) -> None:
        super().__init__()
        widths = [n_channels, *hidden_dims]
        convs = [StridedConv(a, b) for a, b in itertools.pairwise(widths)]
        self.convolutions = nn.ModuleList(convs)
        n_features = _reduced(n_timesteps, len(hidden_dims)) * widths[-1]
        self.moments = nn.Linear(n_features, 2 * latent_dim)
        self.apply(glorot_)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for convolution in self.convolutions:
            x = convolution(x).relu()
        mean, log_var = self.moments(x.flatten(1)).chunk(2, dim=1)
        return mean, log_var


class ConvolutionalDecoder(nn.Module):
    """Dense, transposed convolutions down to D channels, and a dense layer over all of T D."""

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        latent_dim: int,
        hidden_dims: Sequence[int],
        n_conditions: int = 0,
    ) -> None:
        super().__init__()
        self.series_shape = (n_timesteps, n_channels)
        n_reduced = _reduced(n_timesteps, len(hidden_dims))
        self.reduced_shape = (n_reduced, hidden_dims[-1])
        self.expand = nn.Linear(latent_dim + n_conditions, n_reduced * hidden_dims[-1])
        widths = [*reversed(hidden_dims), n_channels]
        convs = [StridedConvTranspose(a, b) for a, b in itertools.pairwise(widths)]
        self.convolutions = nn.ModuleList(convs)
        n_features = n_reduced * 2 ** len(hidden_dims) * n_channels
        self.output = nn.Linear(n_features, n_timesteps * n_channels)
        self.apply(glorot_)

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        x = self.expand(with_condition(z, c)).relu().unflatten(1, self.reduced_shape)
        for convolution in self.convolutions:
            x = convolution(x).relu()
        return self.output(x.flatten(1)).unflatten(1, self.series_shape)
