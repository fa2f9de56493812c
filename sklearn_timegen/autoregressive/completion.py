"""What is missing of series, drawn by an autoregressive network given what is known of them.

At each timestep some channels are known and the others are not. Given the past, a network draws
these, and tells how likely the known ones were, which weighs the past: a past that leads to them
is one that they tell of. Many pasts of a series, particles, are carried along, and drawn anew by
their weights where few of them are left to count: a particle filter, which is exact in the limit
of many particles. A mixture of normals draws given all channels that are known, the best of
proposals; bins are drawn channel by channel, given the known channels before.

Source: A. Doucet, S. Godsill and C. Andrieu (2000), "On sequential Monte Carlo sampling methods
for Bayesian filtering" (the optimal importance function; resampling), Statistics and Computing 10,
https://doi.org/10.1023/A:1008935410038
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from sklearn_timegen.autoregressive.reader import State, rows_of_state
from sklearn_timegen.data import Series

__all__ = ["N_PARTICLES", "complete"]

N_PARTICLES = 64


class Network(Protocol):
    """What draws one timestep after the other, as ``RecurrentMixture`` does."""

    varies: Tensor
    constant: Tensor

    def begin(self) -> list[State]: ...

    def draw_given(
        self,
        x: Tensor,
        known: Tensor,
        c: Tensor | None,
        states: list[State],
        t: int,
        rng: torch.Generator,
    ) -> tuple[Tensor, Tensor, list[State]]: ...


def complete(network: Network, batch: Series, rng: torch.Generator) -> Tensor:
    """Return series ``(B, T, D)`` whose cells that were not observed are drawn given the others.

    Parameters
    ----------
    network : RecurrentMixture or RecurrentCategorical
        Trained.
    batch : Series
        Of tensors, in the precision of the network.
    rng : torch.Generator
        Of all draws.
    """
    n_samples, particles = len(batch), N_PARTICLES
    values = torch.where(network.varies, batch.values, network.constant)
    x = values.repeat_interleave(particles, dim=0)
    known = (batch.observed | ~network.varies).repeat_interleave(particles, dim=0)
    c = batch.conditions
    c = None if c is None else c.repeat_interleave(particles, dim=0)
    log_weight = x.new_zeros(n_samples, particles)
    states = network.begin()
    for t in range(x.shape[1]):
        x[:, t], evidence, states = network.draw_given(x, known[:, t], c, states, t, rng)
        log_weight = log_weight + evidence.reshape(n_samples, particles)
        chosen, log_weight = _resampled(log_weight, rng)
        x, states = x[chosen], [rows_of_state(state, chosen) for state in states]
    last = torch.multinomial(log_weight.softmax(dim=1), 1, generator=rng)[:, 0]
    return x[torch.arange(n_samples, device=x.device) * particles + last]


def _resampled(log_weight: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the rows of the particles that go on, and their log-weights ``(B, P)``.

    Systematic resampling, for series of which fewer than half of the particles count.
    """
    n_samples, particles = log_weight.shape
    weight = log_weight.softmax(dim=1)
    few = weight.square().sum(dim=1, keepdim=True) > 2 / particles
    u = torch.rand(n_samples, 1, generator=rng, device=weight.device, dtype=weight.dtype)
    order = torch.arange(particles, device=weight.device)
    drawn = torch.searchsorted(weight.cumsum(dim=1), (order + u) / particles)
    chosen = torch.where(few, drawn.clamp(max=particles - 1), order)
    first = particles * torch.arange(n_samples, device=weight.device)[:, None]
    return (first + chosen).flatten(), torch.where(few, torch.zeros_like(weight), log_weight)
