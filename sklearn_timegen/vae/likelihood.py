"""Exact likelihood of an invertible network.

Symbols: z is what has a density, u its image under the network, which is standard normal.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sklearn_timegen.data import Series

__all__ = ["NegativeLogLikelihood", "log_standard_normal"]


def log_standard_normal(u: Tensor) -> Tensor:
    """Log-density of N(0, I) along the last dimension."""
    return -0.5 * (u.square().sum(dim=-1) + u.shape[-1] * math.log(2 * math.pi))


class NegativeLogLikelihood(nn.Module):
    """``-log N(u; 0, I) - log |du / dz|``, one value a series: the mean over its draws of z."""

    def forward(self, module: nn.Module, batch: Series, rng: torch.Generator) -> Tensor:
        u, log_det = module(batch.values, batch.conditions)
        return -(log_standard_normal(u) + log_det).flatten(1).mean(dim=1)
