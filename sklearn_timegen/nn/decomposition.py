"""TimeVAE's decoder: a sum of components, each a function of the latents.

For now the level and the residual of the base model; trend and seasonality are further terms of
the same sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from sklearn_timegen.nn.convolutional import ConvolutionalDecoder
from sklearn_timegen.nn.layers import glorot_, with_condition

__all__ = ["Level", "LevelResidualDecoder"]


class Level(nn.Module):
    """A value for each channel, the same at all timesteps: ``Dense(D, relu) -> Dense(D)``."""

    def __init__(self, n_channels: int, latent_dim: int, n_conditions: int = 0) -> None:
        super().__init__()
        self.hidden = nn.Linear(latent_dim + n_conditions, n_channels)
        self.output = nn.Linear(n_channels, n_channels)
        self.apply(glorot_)

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.output(self.hidden(with_condition(z, c)).relu()).unsqueeze(1)


class LevelResidualDecoder(nn.Module):
    """Level plus convolutional residual: the decoder of the base TimeVAE."""

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
        self.level = Level(n_channels, latent_dim, n_conditions)
        self.residual = ConvolutionalDecoder(
            n_timesteps, n_channels, latent_dim, hidden_dims, n_conditions
        )

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.level(z, c) + self.residual(z, c)
