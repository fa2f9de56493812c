"""Solvers of the flow's differential equation dx_t / dt = v(x_t, t), from one time to the next.

Each takes the flow along a grid of times, forwards (noise to series) or backwards. "euler",
"midpoint", "heun" and "rk4" are the textbook ones. "ddim" and "dpm" take the straight part of the
path exactly and approximate what the network says; "exponential" takes the flow of a normal
distribution exactly; "ddpm" draws new noise on the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from sklearn_timegen.flow._field import FlowField

__all__ = ["SOLVERS", "STOCHASTIC", "Flow", "solve", "times"]


class Estimates(Protocol):
    """What solvers need that go by the estimates of both ends of the path."""

    def predict_ends(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]: ...
    def schedule(self, t: float) -> tuple[float, float]: ...


class Velocity(Protocol):
    """What solvers need that go by the velocity."""

    def velocity(self, x: Tensor, t: float) -> Tensor: ...


@dataclass
class Flow:
    """A field under a condition and with guidance: a function of point and time only."""

    field: FlowField
    c: Tensor | None = None
    guidance: float = 1.0

    def velocity(self, x: Tensor, t: float) -> Tensor:
        return self.field.velocity(x, t, self.c, self.guidance)

    def predict_ends(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """Return the estimates of the series x_1 and of the noise eps."""
        return self.field.predict_ends(x, t, self.c, self.guidance)

    def schedule(self, t: float) -> tuple[float, float]:
        """Return alpha and sigma."""
        time, path = torch.tensor(t, dtype=torch.float64), self.field.path
        return float(path.alpha(time)), float(path.sigma(time))

    def schedule_grad(self, t: float) -> tuple[float, float]:
        """Return the derivatives of alpha and sigma, where they are finite."""
        path = self.field.path
        of_alpha, of_sigma = path.schedule_grad(
            torch.tensor(min(t, path.last), dtype=torch.float64)
        )
        return float(of_alpha), float(of_sigma)


def times(n_steps: int, power: float = 1.0, *, backwards: bool = False) -> list[float]:
    """Return n_steps + 1 times from 0 to 1, t = 1 - (1 - k / n_steps)^power, or from 1 to 0.

    With a power above 1, steps are the shorter the nearer they are to the series, where fine
    structure is made.
    """
    grid = [1 - (1 - k / n_steps) ** power for k in range(n_steps + 1)]
    return grid[::-1] if backwards else grid


def solve(
    flow: Estimates,
    x: Tensor,
    grid: Sequence[float],
    solver: str,
    rng: torch.Generator | None = None,
) -> Tensor:
    """Return where the flow leads ``x`` from the first time of the grid to the last."""
    return SOLVERS[solver](flow, x, grid, rng)


def _single_steps(
    step: Callable[..., Tensor],
    flow: Estimates | Velocity,
    x: Tensor,
    grid: Sequence[float],
    rng: torch.Generator | None = None,
) -> Tensor:
    for t, s in pairwise(grid):
        x = step(flow, x, t, s)
    return x


def ddpm(
    flow: Estimates, x: Tensor, grid: Sequence[float], rng: torch.Generator | None = None
) -> Tensor:
    """Draw the next point given both ends (Ho, Jain and Abbeel 2020, on any path).

    x_s given x_t and x_1 is normal; that of its noise which x_t does not tell is drawn anew.
    """
    for t, s in pairwise(grid):
        x_1, eps = flow.predict_ends(x, t)
        (alpha_t, sigma_t), (alpha_s, sigma_s) = flow.schedule(t), flow.schedule(s)
        lost = 1 - (alpha_t * sigma_s / (alpha_s * sigma_t)) ** 2 if sigma_s > 0 else 0.0
        fresh = sigma_s * math.sqrt(max(lost, 0.0))
        noise = torch.randn(x.shape, generator=rng, device=x.device, dtype=x.dtype)
        x = alpha_s * x_1 + math.sqrt(max(sigma_s**2 - fresh**2, 0.0)) * eps + fresh * noise
    return x


def exponential(
    flow: Flow, x: Tensor, grid: Sequence[float], rng: torch.Generator | None = None
) -> Tensor:
    """Midpoint steps in coordinates in which normal series would stand still.

    The flow of a normal distribution with the data's mean and covariance is linear and known: it
    is taken exactly, and steps are for what goes beyond it (an exponential integrator, Hochbruck
    and Ostermann 2010). Wide and thin directions of the data cost no steps.
    """
    still = _Standing(flow)
    w = _single_steps(_midpoint_step, still, still.leave(x, grid[0]), grid)
    return still.enter(w, grid[-1]).reshape(x.shape)


class _Standing:
    """A flow in the coordinates w = U'(x - alpha mean) / s of the data's normal distribution.

    U are the directions of the covariance, lambda its variances, and s^2 = alpha^2 lambda +
    sigma^2: what x_t would have as a variance along them.
    """

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.mean, self.directions, self.variances = flow.field.normal
        self.shape = tuple(flow.field.varies.shape)

    def leave(self, x: Tensor, t: float) -> Tensor:
        alpha, _ = self.flow.schedule(t)
        return self._turned(x.flatten(1) - alpha * self.mean) / self._scale(t)

    def enter(self, w: Tensor, t: float) -> Tensor:
        alpha, _ = self.flow.schedule(t)
        y = w * self._scale(t)
        return (y @ self.directions.T if len(self.directions) else y) + alpha * self.mean

    def velocity(self, w: Tensor, t: float) -> Tensor:
        (alpha, sigma), (of_alpha, of_sigma) = self.flow.schedule(t), self.flow.schedule_grad(t)
        scale = self._scale(t)
        growth = (alpha * of_alpha * self.variances + sigma * of_sigma) / scale
        x = self.enter(w, t).reshape(len(w), *self.shape)
        v = self.flow.velocity(x, t).flatten(1) - of_alpha * self.mean
        return (self._turned(v) - w * growth) / scale

    def _scale(self, t: float) -> Tensor:
        alpha, sigma = self.flow.schedule(t)
        return torch.sqrt(alpha**2 * self.variances + sigma**2)

    def _turned(self, x: Tensor) -> Tensor:
        return x @ self.directions if len(self.directions) else x


def dpm(
    flow: Estimates, x: Tensor, grid: Sequence[float], rng: torch.Generator | None = None
) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022): one evaluation a step, second order from memory.

    In lambda = log(alpha / sigma), the estimate of the series is extrapolated from the last two
    times. At the ends, where lambda is infinite, a step is of first order.
    """
    before: Tensor | None = None
    h_before = math.inf
    for t, s in pairwise(grid):
        x_1, eps = flow.predict_ends(x, t)
        alpha, sigma = flow.schedule(s)
        h = _log_ratio(flow, s) - _log_ratio(flow, t)
        ahead = x_1
        if before is not None and math.isfinite(h_before) and math.isfinite(h):
            ahead = x_1 + (x_1 - before) * (h / (2 * h_before))
        # sigma_s / sigma_t x_t, by what x_t consists of: sigma_t may be 0 (backwards).
        alpha_t, sigma_t = flow.schedule(t)
        shrunk = alpha_t / sigma_t * sigma if sigma_t > 0 else math.inf
        if math.isfinite(shrunk):
            x = sigma * eps + shrunk * x_1 + (alpha - shrunk) * ahead
        else:
            x = sigma * eps + alpha * x_1
        before, h_before = x_1, h
    return x


def _log_ratio(flow: Estimates, t: float) -> float:
    alpha, sigma = flow.schedule(t)
    if alpha <= 0 or sigma <= 0:
        return -math.inf if alpha <= 0 else math.inf
    return math.log(alpha / sigma)


def _euler_step(flow: Velocity, x: Tensor, t: float, s: float) -> Tensor:
    return x + (s - t) * flow.velocity(x, t)


def _midpoint_step(flow: Velocity, x: Tensor, t: float, s: float) -> Tensor:
    half = x + (s - t) / 2 * flow.velocity(x, t)
    return x + (s - t) * flow.velocity(half, (t + s) / 2)


def _heun_step(flow: Velocity, x: Tensor, t: float, s: float) -> Tensor:
    v = flow.velocity(x, t)
    there = flow.velocity(x + (s - t) * v, s)
    return x + (s - t) / 2 * (v + there)


def _rk4_step(flow: Velocity, x: Tensor, t: float, s: float) -> Tensor:
    h, middle = s - t, (t + s) / 2
    k_1 = flow.velocity(x, t)
    k_2 = flow.velocity(x + h / 2 * k_1, middle)
    k_3 = flow.velocity(x + h / 2 * k_2, middle)
    k_4 = flow.velocity(x + h * k_3, s)
    return x + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)


def _ddim_step(flow: Estimates, x: Tensor, t: float, s: float) -> Tensor:
    """Go to the next time as if both ends were known (Song, Meng and Ermon 2021).

    On the straight path, this is Euler's step.
    """
    x_1, eps = flow.predict_ends(x, t)
    alpha, sigma = flow.schedule(s)
    return alpha * x_1 + sigma * eps


SOLVERS: dict[str, Callable[..., Tensor]] = {
    "ddim": partial(_single_steps, _ddim_step),
    "ddpm": ddpm,
    "dpm": dpm,
    "euler": partial(_single_steps, _euler_step),
    "exponential": exponential,
    "heun": partial(_single_steps, _heun_step),
    "midpoint": partial(_single_steps, _midpoint_step),
    "rk4": partial(_single_steps, _rk4_step),
}
STOCHASTIC = frozenset({"ddpm"})
