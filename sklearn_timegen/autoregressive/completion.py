"""What is missing of series, drawn by an autoregressive network given what is known of them.

Symbols as in :mod:`sklearn_timegen.autoregressive.networks`; at each timestep, some channels are
known and the others, x_u, are not. Given the past, x_u is drawn from its distribution given the
known channels, a mixture of normals again, and how likely these were weighs the past: a past that
leads to them is one that they tell of. Many pasts of a series, particles, are carried along, and
drawn anew by their weights where few of them are left to count: a particle filter with the best
of proposals, which is exact in the limit of many particles.

Source: A. Doucet, S. Godsill and C. Andrieu (2000), "On sequential Monte Carlo sampling methods
for Bayesian filtering" (the optimal importance function; resampling), Statistics and Computing 10,
https://doi.org/10.1023/A:1008935410038
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sklearn_timegen.autoregressive.networks import Mixture, RecurrentMixture, State
from sklearn_timegen.data import Series

__all__ = ["N_PARTICLES", "complete"]

N_PARTICLES = 64


def complete(network: RecurrentMixture, batch: Series, rng: torch.Generator) -> Tensor:
    """Return series ``(B, T, D)`` whose cells that were not observed are drawn given the others.

    Parameters
    ----------
    network : RecurrentMixture
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
    states: list[State] = [None] * len(network.layers)
    before = torch.zeros_like(x[:, :1])
    for t in range(x.shape[1]):
        mixture, _, states = network.step(before, c, states, t)
        x[:, t], evidence = _draw_given(mixture, x[:, t], known[:, t], rng)
        log_weight = log_weight + evidence.reshape(n_samples, particles)
        chosen, log_weight = _resampled(log_weight, rng)
        x, states = x[chosen], [_rows_of_state(state, chosen) for state in states]
        before = x[:, t : t + 1]
    last = torch.multinomial(log_weight.softmax(dim=1), 1, generator=rng)[:, 0]
    return x[torch.arange(n_samples, device=x.device) * particles + last]


def _draw_given(
    mixture: Mixture, x: Tensor, known: Tensor, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw one timestep ``(N, D)`` given its known channels; return their log-density, too.

    With A = I - coupling, a component's normal is white in w + H x_u, where w is what the known
    channels come to, ``(A x - m_k) / s_k``, and H the columns of A / s_k that belong to x_u. So
    x_u is normal around the least-squares solution, with the precision matrix H' H.
    """
    varies, unknown = mixture.varies[0].to(x), (~known).to(x)
    mean, std = mixture.mean[:, 0], mixture.std[:, 0]
    matrix = torch.eye(x.shape[1], dtype=x.dtype, device=x.device).expand(len(x), -1, -1)
    if mixture.coupling is not None:
        matrix = matrix - mixture.coupling[:, 0]
    seen = (matrix @ (x * known).unsqueeze(2)).squeeze(2)
    w = (seen.unsqueeze(1) - mean) / std * varies
    h = (matrix * unknown.unsqueeze(1)).unsqueeze(1) / std.unsqueeze(3)
    precision = h.mT @ h + torch.diag_embed(known.to(x)).unsqueeze(1)  # 1 where nothing is drawn
    root = torch.linalg.cholesky(precision)
    nearest = -torch.cholesky_solve(h.mT @ w.unsqueeze(3), root)
    left = w + (h @ nearest).squeeze(3)
    n_known = (known * varies).sum(dim=1, keepdim=True)
    density = -0.5 * (left.square().sum(dim=2) + n_known * math.log(2 * math.pi))
    log_det = (std.log() * varies).sum(dim=2) + root.diagonal(dim1=2, dim2=3).log().sum(dim=2)
    evidence = mixture.log_weight[:, 0] + density - log_det
    k = torch.multinomial(evidence.softmax(dim=1), 1, generator=rng)[:, 0]
    row = torch.arange(len(x), device=x.device)
    e = torch.randn(x.shape, generator=rng, device=x.device, dtype=x.dtype).unsqueeze(2)
    moved = nearest[row, k] + torch.linalg.solve_triangular(root[row, k].mT, e, upper=True)
    drawn = torch.where(known, x, moved.squeeze(2))
    return drawn, evidence.logsumexp(dim=1)


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


def _rows_of_state(state: State, rows: Tensor) -> State:
    """Return a layer's states of some rows: a tensor, or two of an LSTM."""
    if isinstance(state, tuple):
        h, cell = state
        return h[:, rows], cell[:, rows]
    return None if state is None else state[:, rows]
