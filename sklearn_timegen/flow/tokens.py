"""Transformers that return a velocity for every cell of a series, modulated by time.

A token is the whole window of a channel, or all channels of a timestep. The first is the view of
Y. Liu et al. (2024), "iTransformer: inverted transformers are effective for time series
forecasting", section 3, https://arxiv.org/abs/2310.06625; the blocks are those of
``flow/modulated.py``.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from sklearn_timegen.flow.modulated import ModulatedBlock, ModulatedNorm, scaled_
from sklearn_timegen.flow.times import TimeEmbedding
from sklearn_timegen.nn.transformer import sinusoidal_positions

__all__ = ["ChannelTransformer", "TemporalTransformer", "TokenTransformer"]

IDENTITY_SCALE = 0.7  # the rms of sinusoids, which timesteps are told apart by


class TokenTransformer(nn.Module):
    """Embed tokens, tell them apart, modulated blocks, and a dense layer back.

    Parameters
    ----------
    token_dim : int
        Number of values in a token, of those that come and of those that are returned.
    identities : Tensor of shape (n_tokens, hidden_dim)
        What is added to the embedded tokens at first; it is learned, and also serves as bias.
    n_layers : int
        Number of blocks.
    n_conditions : int
        Width of the condition.
    """

    def __init__(
        self, token_dim: int, identities: Tensor, n_layers: int, n_conditions: int
    ) -> None:
        super().__init__()
        hidden_dim = identities.shape[1]
        self.embedding = TimeEmbedding(hidden_dim, n_conditions)
        # As large as the identities, however few values there are in a token.
        self.embed = scaled_(nn.Linear(token_dim, hidden_dim, bias=False), 1.0)
        self.identities = nn.Parameter(identities)
        self.blocks = nn.ModuleList(ModulatedBlock(hidden_dim) for _ in range(n_layers))
        self.norm = ModulatedNorm(hidden_dim)
        self.output = scaled_(nn.Linear(hidden_dim, token_dim), 0.05)

    def velocities(self, tokens: Tensor, t: Tensor, c: Tensor | None) -> Tensor:
        """Return what leaves for every token, ``(B, n_tokens, token_dim)`` -> same."""
        embedding = self.embedding(t, c)
        h = self.embed(tokens) + self.identities
        for block in self.blocks:
            h = block(h, embedding)
        return self.output(self.norm(h, embedding))


class ChannelTransformer(TokenTransformer):
    """One token a channel: attention is among channels, and time is inside of the dense layers.

    It needs no time axis: the coefficients of a channel in any basis will do as well. Its cost
    grows with the square of the number of channels and hardly with the length.

    Parameters
    ----------
    n_timesteps, n_channels : int
        Sizes of the series.
    hidden_dim : int
        Size of a token.
    n_layers : int
        Number of blocks.
    n_conditions : int
        Width of the condition.
    """

    needs_time_axis: ClassVar[bool] = False

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        hidden_dim: int,
        n_layers: int,
        n_conditions: int = 0,
    ) -> None:
        identities = IDENTITY_SCALE * torch.randn(n_channels, hidden_dim)
        super().__init__(n_timesteps, identities, n_layers, n_conditions)

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        return self.velocities(x.transpose(1, 2), t, c).transpose(1, 2)


class TemporalTransformer(TokenTransformer):
    """One token a timestep: attention is among timesteps, whose square its cost grows with.

    Parameters
    ----------
    n_timesteps, n_channels : int
        Sizes of the series.
    hidden_dim : int
        Size of a token.
    n_layers : int
        Number of blocks.
    n_conditions : int
        Width of the condition.
    """

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        hidden_dim: int,
        n_layers: int,
        n_conditions: int = 0,
    ) -> None:
        positions = sinusoidal_positions(n_timesteps, hidden_dim).detach()
        super().__init__(n_channels, positions, n_layers, n_conditions)

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        return self.velocities(x, t, c)
