"""The way back from series to latents, learned from series that the generator made.

Symbols: G the generator, E the encoder, z latents, c conditions, x a series.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_timegen._random import derive_seed, torch_generator
from sklearn_timegen.nn.adversaries import Adversaries
from sklearn_timegen.nn.discriminator import BODIES
from sklearn_timegen.training import GeneratorNet, SeriesDataset

__all__ = ["LatentRegressor", "SquaredMiss", "learn_encoder", "refined"]

BATCH = 128
MOST_VALUES = 2**23  # of the series that are drawn for the regression: 32 MiB
REFINING_LR = 0.05  # of latents, whose standard deviation is 1


class LatentRegressor(nn.Module):
    """E: features of a series, then a dense layer to its latents and conditions."""

    def __init__(
        self,
        body_type: Callable[..., Any],
        n_timesteps: int,
        n_channels: int,
        hidden_dims: tuple[int, ...],
        n_outputs: int,
    ) -> None:
        super().__init__()
        self.body = body_type(n_timesteps, n_channels, hidden_dims)
        with torch.no_grad():  # a body may have features for each timestep
            n_features = self.body(torch.zeros(1, n_timesteps, n_channels)).numel()
        self.output = nn.Linear(n_features, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.output(self.body(x).flatten(1))
        return made


class SquaredMiss(nn.Module):
    """``|E(x) - (z, c)|^2``, where the batch's conditions hold what is to be found."""

    def forward(self, module: nn.Module, x: Tensor, c: Tensor, rng: torch.Generator) -> Tensor:
        return (module(x) - c).square().mean(dim=1)


def learn_encoder(
    players: Adversaries,
    draw_conditions: Callable[[int], Tensor | None],
    shape: tuple[int, int],
    hidden_dims: tuple[int, ...],
    n_steps: int,
    seed: int,
    *,
    kind: str,
    device: str,
    before: GeneratorNet | None = None,
) -> GeneratorNet:
    """Regress the latents of generated series on the series; go on from ``before``, if given.

    In the mean over draws of z, the best answer is E[z | G(z) = x].
    """
    n_series = max(BATCH, min(n_steps * BATCH, MOST_VALUES // max(1, math.prod(shape))))
    x, wanted = _pairs(players, draw_conditions, n_series, derive_seed(seed, "pairs"))
    if before is None:
        module = partial(
            LatentRegressor, BODIES[kind], *shape, hidden_dims, n_outputs=wanted.shape[1]
        )
        before = GeneratorNet(
            module,
            SquaredMiss,
            seed=seed,
            batch_size=BATCH,
            lr=1e-3,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            train_split=None,
            verbose=0,
            device=device,
        ).initialize()
    n_epochs = max(1, round(n_steps * BATCH / n_series))
    before.partial_fit(SeriesDataset(x, wanted), epochs=n_epochs)
    if before.interrupted_:
        warnings.warn(
            f"the regression of latents was interrupted after {len(before.history)} of {n_epochs} "
            "epochs; transform uses what it has learned",
            UserWarning,
            stacklevel=7,
        )
    return before


@torch.no_grad()
def _pairs(
    players: Adversaries, draw_conditions: Callable[[int], Tensor | None], n_series: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Draw series, and what they were made of."""
    device = next(players.parameters()).device
    rng = torch_generator(seed, device)
    players.eval()
    c = draw_conditions(n_series)
    series, made_of = [], []
    for start in range(0, n_series, 1024):
        z, noise = players.draw(min(1024, n_series - start), rng)
        given = None if c is None else c[start : start + 1024]
        series.append(players.sample(z, given, noise))
        made_of.append(z if given is None else torch.cat([z, given], dim=1))
    return torch.cat(series), torch.cat(made_of)


def refined(players: Adversaries, x: Tensor, z: Tensor, c: Tensor | None, n_steps: int) -> Tensor:
    """Move latents along the gradient of ``|x - G(z, c)|^2``, and return each one's best.

    Adam takes each number by itself, so that a series' latents do not depend on its neighbours.
    """
    best, least = z.clone(), torch.full((len(z),), math.inf, dtype=z.dtype, device=z.device)
    moving = z.clone().requires_grad_()
    optimizer = torch.optim.Adam([moving], lr=REFINING_LR)
    for k in range(n_steps + 1):
        miss = (players.sample(moving, c) - x).square().flatten(1).sum(dim=1)
        better = miss.detach() < least
        best[better], least[better] = moving.detach()[better], miss.detach()[better]
        if k == n_steps:
            break
        (moving.grad,) = torch.autograd.grad(miss.sum(), moving)
        optimizer.step()
    return best
