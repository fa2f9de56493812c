"""Dense encoder and decoder: they ask nothing of the time axis, so any basis will do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from torch import Tensor, nn

from sklearn_timegen.nn.encoder import Body, Encoder
from sklearn_timegen.nn.layers import glorot_, leaky_relu, mlp, with_condition

__all__ = ["DenseBody", "DenseDecoder", "DenseEncoder"]


class DenseBody(Body):
    """Dense layers over the flattened series."""

    needs_time_axis: ClassVar[bool] = False

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        hidden_dims: Sequence[int],
        activation: Callable[[], nn.Module] = leaky_relu,
    ) -> None:
        super().__init__()
        self.layers = mlp([n_timesteps * n_channels, *hidden_dims], activation)
        self.n_features = hidden_dims[-1]

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(1))


class DenseEncoder(Encoder):
    """Dense layers over the flattened series, then mean and log-variance of the latents."""

    needs_time_axis: ClassVar[bool] = False

    def __init__(
        self, n_timesteps: int, n_channels: int, latent_dim: int, hidden_dims: Sequence[int]
    ) -> None:
        super().__init__(DenseBody(n_timesteps, n_channels, hidden_dims, nn.ReLU), latent_dim)


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
