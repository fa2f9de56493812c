"""Bodies, which make features of series, and the encoders made of them."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from sklearn_timegen.nn.layers import glorot_

__all__ = ["Body", "Encoder"]


class Body(nn.Module):
    """A network without its last layer, which encoders and discriminators share.

    A body is made as ``Body(n_timesteps, n_channels, hidden_dims)``, and ``forward(x)`` returns
    features ``(B, n_features)``, or ``(B, T, n_features)`` if it has some for every timestep. The
    weights of its dense layers are drawn by the network that it becomes part of.
    """

    needs_time_axis: ClassVar[bool]
    n_features: int


class Encoder(nn.Module):
    """A body, then dense mean and log-variance of the latents."""

    def __init__(self, body: Body, latent_dim: int) -> None:
        super().__init__()
        self.body = body
        self.moments = nn.Linear(body.n_features, 2 * latent_dim)
        self.apply(glorot_)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = self.moments(self.features(x)).chunk(2, dim=1)
        return mean, log_var

    def features(self, x: Tensor) -> Tensor:
        """Return what the moments are a function of, ``(B, n_features)``."""
        return self.body(x)
