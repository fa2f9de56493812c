"""The way back from series to latents, learned from series that the generator made.

Symbols: G the generator, E the encoder, z latents, c conditions, x a series.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from sklearn_timegen._random import derive_seed, torch_generator
from sklearn_timegen.data import Series
from sklearn_timegen.nn.adversaries import Adversaries
from sklearn_timegen.nn.discriminator import BODIES
from sklearn_timegen.nn.normalization import double_backward
from sklearn_timegen.training import GeneratorNet

__all__ = ["LatentRegression", "LatentRegressionLoss", "LatentRegressor", "refined"]

BATCH = 128
MOST_VALUES = 2**23  # of series and latents that are drawn at once: 32 MiB
REFINING_LR = 0.05  # of latents, whose standard deviation is 1


class LatentRegressor(nn.Module):
    """E: features of a series, then a dense layer to its latents and conditions."""

    def __init__(
        self,
        body_type: Callable[..., nn.Module],
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


class LatentRegressionLoss(nn.Module):
    """``|E(x) - (z, c)|^2``: what the series were made of is to be found."""

    def forward(self, module: nn.Module, batch: Series, rng: torch.Generator) -> Tensor:
        return (module(batch.values) - batch.latents).square().mean(dim=1)


class LatentRegression:
    """The regression of latents of generated series on the series.

    In the mean over draws of z, its best answer is E[z | G(z) = x]. Series are drawn anew as they
    are used up, so that there is nothing to learn by heart.

    Parameters
    ----------
    networks : Adversaries
        Whose generator it is.
    shape : tuple of int
        Of a series.
    c : Tensor or None
        The training series' conditions, which generated ones are given in turn.
    seed : int
        Of weights, conditions and series.
    """

    def __init__(
        self, networks: Adversaries, shape: tuple[int, int], c: Tensor | None, seed: int
    ) -> None:
        self.networks, self.shape, self.c, self.seed = networks, shape, c, seed
        self.n_outputs = networks.n_latents + (0 if c is None else c.shape[1])

    def make_net(self, kind: str, hidden_dims: tuple[int, ...]) -> GeneratorNet:
        """Return an encoder that was not trained yet."""
        module = partial(LatentRegressor, BODIES[kind], *self.shape, hidden_dims, self.n_outputs)
        return GeneratorNet(
            module,
            LatentRegressionLoss,
            seed=self.seed,
            batch_size=BATCH,
            lr=1e-3,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            train_split=None,
            verbose=0,
            device=str(next(self.networks.parameters()).device),
        ).initialize()

    def train(self, net: GeneratorNet, n_steps: int) -> None:
        """Train for ``n_steps`` batches; Ctrl-C goes through, ``net`` keeps what was learned."""
        at_once = max(1, min(n_steps, MOST_VALUES // (BATCH * self._n_values)))
        for done in range(0, n_steps, at_once):
            net.interrupted_ = True  # until these pairs are learned
            n_batches = min(at_once, n_steps - done)
            data = self._pairs(n_batches * BATCH, f"pairs {done}")
            net.partial_fit(data, epochs=1)
            if net.interrupted_:
                raise KeyboardInterrupt

    @property
    def _n_values(self) -> int:
        return max(1, math.prod(self.shape) + self.n_outputs)

    @torch.no_grad()
    def _pairs(self, n_series: int, name: str) -> Series:
        """Draw series, and what they were made of: latents and conditions."""
        networks = self.networks.eval()
        rng = torch_generator(derive_seed(self.seed, name), next(networks.parameters()).device)
        series, made_of = [], []
        for start in range(0, n_series, 1024):
            n_drawn = min(1024, n_series - start)
            z, noise = networks.draw(n_drawn, rng)
            c = self.c
            if c is not None:
                rows = torch.randint(len(c), (n_drawn,), generator=rng, device=rng.device)
                c = c[rows]
            series.append(networks.sample(z, c, noise))
            made_of.append(z if c is None else torch.cat([z, c], dim=1))
        return Series(torch.cat(series), latents=torch.cat(made_of))


def refined(networks: Adversaries, x: Tensor, z: Tensor, c: Tensor | None, n_steps: int) -> Tensor:
    """Move latents along the gradient of ``|x - G(z, c)|^2``, and return each one's best.

    Adam takes each number by itself, so that a series' latents do not depend on its neighbours.
    """
    best, least = z.clone(), torch.full((len(z),), math.inf, dtype=z.dtype, device=z.device)
    moving = z.clone().requires_grad_()
    optimizer = torch.optim.Adam([moving], lr=REFINING_LR)
    for k in range(n_steps + 1):
        with double_backward():  # which cuDNN refuses in evaluation mode even once
            miss = (networks.sample(moving, c) - x).square().flatten(1).sum(dim=1)
        better = miss.detach() < least
        best[better], least[better] = moving.detach()[better], miss.detach()[better]
        if k == n_steps:
            break
        (moving.grad,) = torch.autograd.grad(miss.sum(), moving)
        optimizer.step()
    return best
