"""Dilated convolutions that encode every timestep of a series (Yue et al. 2022, section 3.1)."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_timegen.nn.layers import DilatedConv

__all__ = ["DilatedEncoder"]


class DilatedEncoder(nn.Module):
    """Project, optionally mask timesteps, convolve: ``(B, T, D) -> (B, T, latent_dim)``.

    The dilation doubles from block to block until a block spans the series.
    """

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self, n_timesteps: int, n_channels: int, hidden_dim: int, latent_dim: int
    ) -> None:
        super().__init__()
        n_blocks = 1 + math.ceil(math.log2(max(2, n_timesteps)))
        self.project = nn.Linear(n_channels, hidden_dim)
        self.blocks = nn.ModuleList(_Block(hidden_dim, 2**k) for k in range(n_blocks))
        self.output = nn.Linear(hidden_dim, latent_dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        h = self.project(x)
        if mask is not None:
            h = h * mask.unsqueeze(2)
        for block in self.blocks:
            h = block(h)
        return self.output(F.gelu(h))


class _Block(nn.Module):
    """Two convolutions of one dilation, and a way around them."""

    def __init__(self, hidden_dim: int, dilation: int) -> None:
        super().__init__()
        self.first = DilatedConv(hidden_dim, hidden_dim, dilation)
        self.second = DilatedConv(hidden_dim, hidden_dim, dilation)

    def forward(self, h: Tensor) -> Tensor:
        inner = self.first(F.gelu(h))
        out: Tensor = torch.add(h, self.second(F.gelu(inner)))
        return out
