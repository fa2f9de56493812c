"""U-net along time that returns a velocity for every cell of a series, modulated by time.

Sources: O. Ronneberger, P. Fischer, T. Brox (2015), "U-net: convolutional networks for biomedical
image segmentation", https://arxiv.org/abs/1505.04597, with the residual blocks of P. Dhariwal,
A. Nichol (2021), "Diffusion models beat GANs on image synthesis", section 3,
https://arxiv.org/abs/2105.05233.

The convolutions are the channels-last ones of ``nn/layers.py``. Forwards and backwards, for 128
series of 24 timesteps, they take as long as ``nn.Conv1d`` at full length and 0.6 to 0.8 of its
time at a half and a quarter of it; for 500 timesteps of 32 series ``nn.Conv1d`` takes 0.75 of
theirs.
"""

from __future__ import annotations

import itertools
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_timegen.flow.modulated import ModulatedBlock, Modulation, scaled_
from sklearn_timegen.flow.times import TimeEmbedding
from sklearn_timegen.nn.layers import DilatedConv, StridedConv, StridedConvTranspose, glorot_
from sklearn_timegen.nn.transformer import sinusoidal_positions

__all__ = ["UNet"]


class UNet(nn.Module):
    """Residual blocks at halved and halved again lengths, and back with what the way down saw.

    At the shortest length there is attention among timesteps, so that an output sees all of the
    series. A learned embedding of the timestep is added to the input: windows often start at the
    same hour or season, and convolutions alone cannot tell.

    Parameters
    ----------
    n_timesteps, n_channels : int
        Sizes of the series.
    hidden_dim : int
        Width at full length; it is twice that at all shorter ones.
    n_layers : int
        Number of lengths, of which there are as many as halving gives, at most.
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
        super().__init__()
        n_lengths = 1 + (n_timesteps - 1).bit_length()  # until 1 timestep is left
        widths = [hidden_dim] + [2 * hidden_dim] * (min(n_layers, n_lengths) - 1)
        n = widths[-1]  # the embedding's width, too, for the sake of the block of attention
        self.embedding = TimeEmbedding(n, n_conditions)
        self.embed = scaled_(nn.Linear(n_channels, hidden_dim, bias=False), 1.0)
        self.positions = sinusoidal_positions(n_timesteps, hidden_dim)
        steps = list(itertools.pairwise(widths))
        self.down = nn.ModuleList(_Residual(a, a, n) for a, _ in steps)
        self.shorten = nn.ModuleList(StridedConv(a, b) for a, b in steps)
        self.middle = nn.ModuleList([_Residual(n, n, n), ModulatedBlock(n), _Residual(n, n, n)])
        self.lengthen = nn.ModuleList(StridedConvTranspose(b, a) for a, b in reversed(steps))
        self.up = nn.ModuleList(_Residual(2 * a, a, n) for a, _ in reversed(steps))
        self.output = scaled_(nn.Linear(hidden_dim, n_channels), 0.05)

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        embedding = self.embedding(t, c)
        h = self.embed(x) + self.positions
        passed: list[Tensor] = []
        for block, shorten in zip(self.down, self.shorten, strict=True):
            passed.append(block(h, embedding))
            h = shorten(passed[-1])
        for block in self.middle:
            h = block(h, embedding)
        for lengthen, block in zip(self.lengthen, self.up, strict=True):
            beside = passed.pop()
            # An odd length was rounded up when halved.
            h = block(torch.cat([lengthen(h)[:, : beside.shape[1]], beside], dim=2), embedding)
        return self.output(F.silu(_normalized(h)))


class _Residual(nn.Module):
    """Two convolutions, the second of what the embedding scales and shifts, and a way around."""

    def __init__(self, n_in: int, n_out: int, embedding_dim: int) -> None:
        super().__init__()
        self.first = DilatedConv(n_in, n_out, 1)
        self.modulation = Modulation(embedding_dim, 2, n_out)
        self.second = DilatedConv(n_out, n_out, 1)
        self.around = nn.Linear(n_in, n_out, bias=False) if n_in != n_out else nn.Identity()
        self.around.apply(glorot_)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        shift, scale = self.modulation(embedding)
        h = self.first(F.silu(_normalized(x)))
        h = self.second(F.silu(torch.addcmul(shift, _normalized(h), 1 + scale)))
        return torch.add(self.around(x), h)


def _normalized(x: Tensor) -> Tensor:
    """Series of mean 0 and variance 1 over all timesteps and features: one group of a group norm.

    Normalised on its own, a timestep would forget how far from the others it is.
    """
    return F.layer_norm(x, x.shape[1:])
