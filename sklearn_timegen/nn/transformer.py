"""Transformer encoder and decoder: one token a timestep, pre-norm blocks (Xiong et al. 2020)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_timegen.nn.differentiation import differentiated_twice
from sklearn_timegen.nn.encoder import Body, Encoder
from sklearn_timegen.nn.layers import glorot_, with_condition

__all__ = [
    "SelfAttention",
    "TransformerBlock",
    "TransformerBody",
    "TransformerDecoder",
    "TransformerEncoder",
    "sinusoidal_positions",
]


class SelfAttention(nn.Module):
    """Every token's mixture of all tokens: what the blocks of transformers derive from.

    Second derivatives (gradient penalties) need ``double_backward()`` around the call.

    Parameters
    ----------
    width : int
        Size of a token.
    n_heads : int, optional
        Heads of the attention, a divisor of ``width``; by default the largest of 4, 2 and 1.
    """

    def __init__(self, width: int, n_heads: int | None = None) -> None:
        super().__init__()
        self.n_heads = n_heads or next(n for n in (4, 2, 1) if width % n == 0)
        # Without biases: softmax cancels the keys' one, and the layers around have the others.
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width)

    def attention(self, x: Tensor) -> Tensor:
        """Return ``softmax(Q K' / sqrt(d)) V`` of each head, mixed: ``(B, N, width)`` -> same."""
        heads = self.qkv(x).unflatten(2, (3, self.n_heads, -1))  # (B, N, 3, n_heads, d)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        if differentiated_twice():
            scores = (q * q.shape[3] ** -0.5) @ k.transpose(2, 3)
            mixed = scores.softmax(dim=3) @ v
        else:
            mixed = F.scaled_dot_product_attention(q, k, v)
        return self.mix(mixed.transpose(1, 2).flatten(2))


class TransformerBlock(SelfAttention):
    """Attention, then a feed-forward network of four times the width: ``(B, N, width)`` -> same.

    Each of the two sees normalised tokens and is added to them.

    Parameters
    ----------
    width : int
        Size of a token.
    n_heads : int, optional
        Heads of the attention, as in :class:`SelfAttention`.
    """

    def __init__(self, width: int, n_heads: int | None = None) -> None:
        super().__init__(width, n_heads)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )
        self.apply(glorot_)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(x)


class TransformerBody(Body):
    """Blocks over the timesteps, and the mean of the tokens."""

    needs_time_axis: ClassVar[bool] = True

    def __init__(self, n_timesteps: int, n_channels: int, hidden_dims: Sequence[int]) -> None:
        super().__init__()
        self.embed = nn.Linear(n_channels, hidden_dims[0], bias=False)
        self.positions = sinusoidal_positions(n_timesteps, hidden_dims[0])
        self.blocks = _blocks(hidden_dims)
        self.n_features = hidden_dims[-1]

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.blocks(self.embed(x) + self.positions)
        return tokens.mean(dim=1)


class TransformerEncoder(Encoder):
    """Blocks over the timesteps, then dense mean and log-variance from the mean token."""

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self, n_timesteps: int, n_channels: int, latent_dim: int, hidden_dims: Sequence[int]
    ) -> None:
        super().__init__(TransformerBody(n_timesteps, n_channels, hidden_dims), latent_dim)


class TransformerDecoder(nn.Module):
    """Tokens that differ by position only, blocks in reverse order, and a dense output."""

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
        widths = list(reversed(hidden_dims))
        self.content = nn.Linear(latent_dim + n_conditions, widths[0], bias=False)
        self.positions = sinusoidal_positions(n_timesteps, widths[0])
        self.blocks = _blocks(widths)
        self.output = nn.Linear(widths[-1], n_channels)
        self.apply(glorot_)

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        content = self.content(with_condition(z, c))
        return self.output(self.blocks(content.unsqueeze(1) + self.positions))


def sinusoidal_positions(n_timesteps: int, width: int) -> nn.Parameter:
    """Embeddings ``(n_timesteps, width)``, learned from sinusoids on (Vaswani et al. 2017, 3.5).

    They also serve as the tokens' bias. Small random ones, as is usual, leave a decoder's tokens
    nearly equal, and many epochs go by before it tells timesteps apart.
    """
    column = torch.arange(width)
    odd = column % 2  # cosines
    frequency = 10_000 ** (-(column - odd) / width)
    time = torch.arange(n_timesteps).unsqueeze(1)
    return nn.Parameter(torch.sin(time * frequency + odd * math.pi / 2))


def _blocks(widths: Sequence[int]) -> nn.Sequential:
    """One block for each width, dense layers where it changes, and a last normalisation."""
    layers: list[nn.Module] = [TransformerBlock(widths[0])]
    for before, width in itertools.pairwise(widths):
        if before != width:
            layers.append(nn.Linear(before, width))
        layers.append(TransformerBlock(width))
    return nn.Sequential(*layers, nn.LayerNorm(widths[-1]))
