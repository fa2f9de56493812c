"""The change of variables along a flow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_timegen.flow._solvers import Flow

__all__ = ["divergence", "hutchinson_probes", "log_density"]


def hutchinson_probes(
    varies: NDArray[np.bool_], n_probes: int | None, rng: torch.Generator
) -> Tensor:
    """Return directions e with E[e e'] = I over the cells that vary, ``(n, T, D)``.

    They are orthogonal, so that none says again what another has said: with as many of them as
    cells (or with None, which are the axes) the mean of e' J e is the trace of J exactly.
    """
    cells = torch.from_numpy(varies).flatten()
    n_cells = int(cells.sum())
    axes = torch.diag(cells.double())[cells]
    if n_probes is not None and n_probes < n_cells:
        normal = torch.randn(n_cells, n_probes, generator=rng, device=rng.device)
        axes = torch.linalg.qr(normal.double().cpu()).Q.T @ axes
    scaled = axes * math.sqrt(max(n_cells, 1))
    return scaled.reshape(-1, *varies.shape).to(rng.device)


def divergence(flow: Flow, x: Tensor, t: float, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Return velocity and estimated divergence at points ``x``, one value a series."""
    x = x.detach().requires_grad_(True)
    v = flow.velocity(x, t)
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for k, e in enumerate(directions):
        more = k + 1 < len(directions)
        (slope,) = torch.autograd.grad((v * e).sum(), x, retain_graph=more)
        total += (slope * e).flatten(1).sum(dim=1)
    return v.detach(), total / max(len(directions), 1)


def log_density(flow: Flow, x: Tensor, grid: Sequence[float], directions: Tensor) -> Tensor:
    """Return log p(x) in nats over the cells that vary, by Runge-Kutta steps back to the noise."""
    gathered = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for t, s in pairwise(grid):
        h, middle = s - t, (t + s) / 2
        v_1, d_1 = divergence(flow, x, t, directions)
        v_2, d_2 = divergence(flow, x + h / 2 * v_1, middle, directions)
        v_3, d_3 = divergence(flow, x + h / 2 * v_2, middle, directions)
        v_4, d_4 = divergence(flow, x + h * v_3, s, directions)
        x = x + h / 6 * (v_1 + 2 * v_2 + 2 * v_3 + v_4)
        gathered = gathered + h / 6 * (d_1 + 2 * d_2 + 2 * d_3 + d_4)
    varies = flow.field.varies > 0
    z = x[:, varies]
    of_noise = -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)
    return of_noise + gathered  # backwards, h < 0: this is minus the integral from 0 to 1
