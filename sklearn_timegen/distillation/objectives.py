"""Regression of a network's series on those that belong to the same noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sklearn_timegen.data import Series
from sklearn_timegen.nn.adversaries import Adversaries

__all__ = ["PairRegression", "pair_error"]

SMOOTH = 0.03  # error per cell, in represented units, below which the loss is quadratic


def pair_error(made: Tensor, wanted: Tensor) -> Tensor:
    """Pseudo-Huber distance, ``sqrt(e + d^2) - d`` of a series' mean squared error e: ``(B,)``.

    Squared errors would be ruled by the few series that fall between two modes, and let the
    student's be blurred; a distance has all of them count, and is still smooth at 0 (Song and
    Dhariwal 2024, "Improved techniques for training consistency models", section 3.3,
    https://arxiv.org/abs/2310.14189).
    """
    squared = (made - wanted).square().mean(dim=(1, 2))
    return torch.sqrt(squared + SMOOTH**2) - SMOOTH


class PairRegression(nn.Module):
    """``objective(networks, batch, rng)``, one value a series, without a discriminator.

    The latents are the noise that the series belong to; the error is that of the averaged weights
    when it is not for training.
    """

    def forward(self, networks: Adversaries, batch: Series, rng: torch.Generator | None) -> Tensor:
        make = networks.generate if self.training else networks.sample
        return pair_error(make(batch.latents, batch.conditions), batch.values)
