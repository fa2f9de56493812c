"""The networks of StyleGAN2 with time in place of the image (Karras et al. 2020).

https://arxiv.org/abs/1912.04958. Symbols: z the latents, w the style that a mapping network makes
of them, s = 1 + A w what a style multiplies the inputs of a convolution by, T the number of
timesteps, D of channels. Of the paper's, these are left out: learning rates equalised by scaling
weights, styles mixed from two latents, and the discriminator's standard deviation over the batch
(``MinibatchDiscrimination`` has that part).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_timegen.nn.encoder import Body
from sklearn_timegen.nn.layers import (
    DilatedConv,
    StridedConv,
    conv_glorot_,
    glorot_,
    halved,
    leaky_relu,
    mlp,
    neighbourhoods,
    with_condition,
)

__all__ = ["ModulatedConv", "StyleBody", "StyleGenerator"]

N_MAPPING_LAYERS = 3  # 8 in the paper, at a learning rate a hundred times smaller
N_PROBES = 256  # latents whose mean style is the centre that truncation draws towards
# Keeps the variance of what a leaky ReLU with slope 0.2 returns near that of its input.
GAIN = math.sqrt(2)


class ModulatedConv(nn.Module):
    """Convolution along time whose weights are a series' own: ``w_oik s_i`` for its style s.

    With ``demodulate``, the weights of an output are divided by their norm,
    ``sqrt(sum_ik (w_oik s_i)^2 + 1e-8)`` (section 2.2, equations 1 and 3). Inputs are multiplied
    and outputs divided instead, so that all series share one matrix product.
    """

    def __init__(
        self, n_in: int, n_out: int, style_dim: int, demodulate: bool = True, n_taps: int = 3
    ) -> None:
        super().__init__()
        self.n_taps = n_taps
        self.demodulate = demodulate
        self.style = nn.Linear(style_dim, n_in)
        self.weight = nn.Parameter(torch.empty(n_out, n_taps * n_in))  # columns: tap by tap
        conv_glorot_(self.weight, n_in, n_out, n_taps)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        s = 1 + self.style(w)
        made = F.linear(neighbourhoods(x * s.unsqueeze(1), self.n_taps), self.weight)
        if not self.demodulate:
            return made
        squares = self.weight.square().unflatten(1, (self.n_taps, -1)).sum(dim=1)
        norms = (s.square() @ squares.T + 1e-8).sqrt()
        return made / norms.unsqueeze(1)


class _StyledLayer(nn.Module):
    """Modulated convolution, noise if there is any, bias, activation."""

    def __init__(self, n_in: int, n_out: int, style_dim: int) -> None:
        super().__init__()
        self.convolution = ModulatedConv(n_in, n_out, style_dim)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | float = 0.0) -> Tensor:
        return GAIN * F.leaky_relu(self.convolution(x, w) + noise + self.bias, 0.2)


class _StyledBlock(nn.Module):
    """Twice as many timesteps, two layers, and what they add to the series."""

    def __init__(self, n_in: int, n_out: int, n_channels: int, style_dim: int) -> None:
        super().__init__()
        self.first = _StyledLayer(n_in, n_out, style_dim)
        self.second = _StyledLayer(n_out, n_out, style_dim)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.to_series = ModulatedConv(n_out, n_channels, style_dim, demodulate=False, n_taps=1)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
        scaled = 0.0 if noise is None else self.noise_strength * noise.unsqueeze(2)
        x = self.second(self.first(_doubled(x), w, scaled), w)
        return x, self.to_series(x, w)


class StyleGenerator(nn.Module):
    """A learned constant, from which blocks of ever more timesteps make a series in a style.

    Noise, one value for each timestep of each block, varies what the style leaves open. It is
    handed in, ``(B, n_noise)``; without, a style has one series.
    """

    needs_time_axis: ClassVar[bool] = True
    probes: Tensor

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        latent_dim: int,
        hidden_dims: Sequence[int],
        n_conditions: int = 0,
    ) -> None:
        super().__init__()
        self.n_timesteps = n_timesteps
        widths = list(reversed(hidden_dims))
        n_start, width = halved(n_timesteps, len(widths)), widths[0]
        self.block_lengths = [n_start * 2 ** (k + 1) for k in range(len(widths))]
        self.n_noise = sum(self.block_lengths)
        self.mapping = mlp([latent_dim + n_conditions, *[width] * N_MAPPING_LAYERS], leaky_relu)
        self.start = nn.Parameter(torch.randn(n_start, width))
        self.blocks = nn.ModuleList(
            _StyledBlock(a, b, n_channels, width) for a, b in itertools.pairwise([width, *widths])
        )
        # One for all blocks: upsampling leaves constants what they are.
        self.bias = nn.Parameter(torch.zeros(n_channels))
        self.register_buffer("probes", torch.randn(N_PROBES, latent_dim))
        self.apply(glorot_)

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        noise: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """Return series ``(B, T, D)``; ``truncation`` below 1 trades variety for typical ones.

        It moves a style to ``centre + truncation (w - centre)``, with the mean style of the same
        condition as the centre.
        """
        w = self.map(z, c)
        if truncation != 1:
            w = torch.lerp(self._centre(c), w, truncation)
        return self.synthesize(w, noise)

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Return the styles ``(B, width)`` of latents, of which only the direction counts."""
        if z.shape[1] > 1:  # a single one has two directions only, and keeps its length
            z = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
        return self.mapping(with_condition(z, c))

    def synthesize(self, w: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the series ``(B, T, D)`` of styles and noise."""
        parts = [None] * len(self.blocks) if noise is None else noise.split(self.block_lengths, 1)
        x = self.start.expand(len(w), -1, -1)
        series = self.bias.expand(len(w), len(self.start), -1)
        for block, part in zip(self.blocks, parts, strict=True):
            x, added = block(x, w, part)
            series = _doubled(series) + added
        return series[:, : self.n_timesteps]

    def _centre(self, c: Tensor | None) -> Tensor:
        """Mean style of the probes, given each condition."""
        if c is None:
            return self.map(self.probes).mean(dim=0)
        distinct, place = torch.unique(c, dim=0, return_inverse=True)
        given = (row.expand(N_PROBES, -1) for row in distinct)
        return torch.stack([self.map(self.probes, row).mean(dim=0) for row in given])[place]


class StyleBody(Body):
    """Residual strided convolutions, then a dense layer (section 4.1, figure 7c)."""

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        hidden_dims: Sequence[int],
        activation: Callable[[], nn.Module] = leaky_relu,
    ) -> None:
        super().__init__()
        self.from_series = mlp([n_channels, hidden_dims[0]], activation)
        pairs = itertools.pairwise([hidden_dims[0], *hidden_dims])
        self.blocks = nn.Sequential(*(_ResidualBlock(a, b, activation) for a, b in pairs))
        n_flat = halved(n_timesteps, len(hidden_dims)) * hidden_dims[-1]
        self.dense = mlp([n_flat, hidden_dims[-1]], activation)
        self.n_features = hidden_dims[-1]

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.blocks(self.from_series(x)).flatten(1))


class _ResidualBlock(nn.Module):
    """Two convolutions, the second with stride 2, and a linear way around them.

    Divided by the root of 2, the sum of the two has the variance of each.
    """

    def __init__(self, n_in: int, n_out: int, activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            DilatedConv(n_in, n_in, 1), activation(), StridedConv(n_in, n_out), activation()
        )
        self.around = nn.Linear(n_in, n_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.inner(x) + self.around(x[:, ::2])
        return total / math.sqrt(2)


def _doubled(x: Tensor) -> Tensor:
    """Twice as many timesteps, interpolated linearly."""
    return F.interpolate(x.transpose(1, 2), scale_factor=2, mode="linear").transpose(1, 2)
