"""Dense encoder and decoder: they ask nothing of the time axis, so any basis will do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from sklearn_timegen.nn.layers import glorot_, mlp, with_condition

__all__ = ["DenseDecoder", "DenseEncoder"]


class DenseEncoder(nn.Module):
    """Dense layers over the flattened series, then mean and log-variance of the latents."""

    needs_time_axis: ClassVar[bool] = False

    def __init__(
        self, n_timesteps: int, n_channels: int, latent_dim: int, hidden_dims: Sequence[int]
    ) -> None:
        super().__init__()
        self.body = mlp([n_timesteps * n_channels, *hidden_dims])
        self.moments = nn.Linear(hidden_dims[-1], 2 * latent_dim)
        self.apply(glorot_)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = self.moments(self.body(x.flatten(1))).chunk(2, dim=1)
        return mean, log_var


class DenseDecoder(nn.Module):
    """The encoder's layers in reverse order, onto the flattened series."""

    needs_time_axis: ClassVar[bool] = False

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
        self.body = mlp([latent_dim + n_conditions, *reversed(hidden_dims)])
        self.output = nn.Linear(hidden_dims[0], n_timesteps * n_channels)
        self.apply(glorot_)

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.output(self.body(with_condition(z, c))).unflatten(1, self.series_shape)
