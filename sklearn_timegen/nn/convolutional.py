"""The convolutional encoder and decoder of TimeVAE (Desai et al. 2021, section 3 and the code).

T is the number of timesteps, D of channels, and each of the L layers halves (or doubles) T.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import ClassVar

from torch import Tensor, nn

from sklearn_timegen.nn.encoder import Body, Encoder
from sklearn_timegen.nn.layers import (
    StridedConv,
    StridedConvTranspose,
    glorot_,
    halved,
    leaky_relu,
    with_condition,
)

__all__ = ["ConvolutionalBody", "ConvolutionalDecoder", "ConvolutionalEncoder"]


class ConvolutionalBody(Body):
    """Strided convolutions; what is left of the time axis is flattened."""

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        hidden_dims: Sequence[int],
        activation: Callable[[], nn.Module] = leaky_relu,
    ) -> None:
        super().__init__()
        convs = [StridedConv(a, b) for a, b in itertools.pairwise([n_channels, *hidden_dims])]
        self.convolutions = nn.ModuleList(convs)
        self.activation = activation()
        self.n_features = halved(n_timesteps, len(hidden_dims)) * hidden_dims[-1]

    def forward(self, x: Tensor) -> Tensor:
        for convolution in self.convolutions:
            x = self.activation(convolution(x))
        return x.flatten(1)


class ConvolutionalEncoder(Encoder):
    """Strided convolutions, then dense mean and log-variance of the latents."""

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self, n_timesteps: int, n_channels: int, latent_dim: int, hidden_dims: Sequence[int]
    ) -> None:
        body = ConvolutionalBody(n_timesteps, n_channels, hidden_dims, nn.ReLU)
        super().__init__(body, latent_dim)


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
        n_reduced = halved(n_timesteps, len(hidden_dims))
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
