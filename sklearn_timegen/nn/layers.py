"""Layers that the networks share.

Series are channels-last here, ``(batch, n_timesteps, n_channels)``, as everywhere in the
library. A strided convolution is then one gather and one matrix product, which on a CPU and at
the sizes of windows is faster than the channels-first kernels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = [
    "DilatedConv",
    "StridedConv",
    "StridedConvTranspose",
    "conv_glorot_",
    "glorot_",
    "halved",
    "leaky_relu",
    "mlp",
    "neighbourhoods",
    "with_condition",
    "with_condition_everywhere",
]

# What discriminators are made with: a unit that passes nothing on tells a generator nothing.
leaky_relu: Callable[[], nn.Module] = partial(nn.LeakyReLU, 0.2)


def glorot_(module: nn.Module) -> None:
    """Glorot-uniform weights and zero biases for a dense layer, as in Keras; for ``apply``."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def mlp(sizes: Sequence[int], activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Dense layers of the given sizes, each followed by an activation."""
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers)


def halved(n_timesteps: int, n_times: int) -> int:
    """Timesteps that are left after ``n_times`` strided convolutions."""
    for _ in range(n_times):
        n_timesteps = (n_timesteps + 1) // 2
    return n_timesteps


def with_condition(z: Tensor, c: Tensor | None) -> Tensor:
    """Append the condition, if there is one, to a flat input."""
    return z if c is None else torch.cat([z, c], dim=1)


def with_condition_everywhere(x: Tensor, c: Tensor | None) -> Tensor:
    """Append the condition, if there is one, to every timestep of a series."""
    if c is None:
        return x
    return torch.cat([x, c.unsqueeze(1).expand(-1, x.shape[1], -1)], dim=2)


def neighbourhoods(x: Tensor, n_taps: int, dilation: int = 1) -> Tensor:
    """Every timestep beside its neighbours, zero beyond the ends: ``(B, T, n_taps D)``."""
    n = x.shape[1]
    reach = dilation * (n_taps // 2)
    padded = F.pad(x, (0, 0, reach, reach))
    return torch.cat([padded[:, k * dilation : k * dilation + n] for k in range(n_taps)], dim=2)


class StridedConv(nn.Module):
    """Convolution along time of kernel 3 and stride 2: ``T -> ceil(T / 2)`` timesteps.

    Equal to ``nn.Conv1d(n_in, n_out, 3, stride=2, padding=1)`` on channels-last series.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, 3 * n_in))  # columns: tap by tap
        self.bias = nn.Parameter(torch.zeros(n_out))
        conv_glorot_(self.weight, n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        n = (x.shape[1] + 1) // 2
        x = F.pad(x, (0, 0, 1, 2 * n - x.shape[1]))
        taps = [x[:, k : k + 2 * n : 2] for k in range(3)]
        return F.linear(torch.cat(taps, dim=2), self.weight, self.bias)


class DilatedConv(nn.Module):
    """Convolution along time of kernel 3, as long as the series is.

    Equal to ``nn.Conv1d(n_in, n_out, 3, padding=dilation, dilation=dilation)`` on channels-last
    series.
    """

    def __init__(self, n_in: int, n_out: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.weight = nn.Parameter(torch.empty(n_out, 3 * n_in))  # columns: tap by tap
        self.bias = nn.Parameter(torch.zeros(n_out))
        conv_glorot_(self.weight, n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        n, d = x.shape[1], self.dilation
        if d >= n:  # the outer taps see padding only
            return F.linear(x, self.weight.chunk(3, dim=1)[1], self.bias)
        return F.linear(neighbourhoods(x, 3, d), self.weight, self.bias)


class StridedConvTranspose(nn.Module):
    """Transposed convolution of kernel 3 and stride 2: ``T -> 2 T`` timesteps.

    Equal to ``nn.ConvTranspose1d(n_in, n_out, 3, stride=2, padding=1, output_padding=1)`` on
    channels-last series: even outputs see the middle tap, odd ones their two neighbours.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(3 * n_out, n_in))  # rows: tap by tap
        self.bias = nn.Parameter(torch.zeros(n_out))
        conv_glorot_(self.weight, n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        after, even, before = F.linear(x, self.weight).chunk(3, dim=2)
        odd = before + F.pad(after[:, 1:], (0, 0, 0, 1))
        return torch.stack([even, odd], dim=2).flatten(1, 2) + self.bias


def conv_glorot_(weight: Tensor, n_in: int, n_out: int, n_taps: int = 3) -> None:
    """Glorot-uniform weights for a convolution."""
    bound = math.sqrt(6 / (n_taps * n_in + n_taps * n_out))
    nn.init.uniform_(weight, -bound, bound)
