"""Paths from noise to data, and what a network can be asked for on the way.

Symbols: x_1 is a series, x_0 = eps ~ N(0, I) noise, t a time from 0 (noise) to 1 (data), and
x_t = alpha(t) x_1 + sigma(t) eps the point of the path, with s(t)^2 = alpha^2 + sigma^2. What
a network says of x_t is turned into estimates of both ends, x_1 and eps, from which velocity,
score and every solver's step follow.
"""

from __future__ import annotations

import math
from typing import ClassVar, Protocol

import torch
from torch import Tensor

__all__ = ["PATHS", "PREDICTIONS", "Path", "Prediction", "expand_like"]

EDGE = 1e-3  # how near to an end a network is asked that cannot say anything at it


def expand_like(t: Tensor, x: Tensor) -> Tensor:
    """Return times ``(B,)`` in the shape in which they multiply series ``(B, T, D)``."""
    return t.reshape(-1, *[1] * (x.ndim - 1))


class Path(Protocol):
    """How much of the data and how much of the noise there is at a time.

    ``last`` is the last time at which the slopes are finite.
    """

    last: ClassVar[float]

    def alpha(self, t: Tensor) -> Tensor: ...
    def sigma(self, t: Tensor) -> Tensor: ...
    def schedule_grad(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return the derivatives of alpha and sigma."""
        ...


class LinearPath:
    """The straight line: alpha = t, sigma = 1 - t (flow matching, rectified flow)."""

    last: ClassVar[float] = 1.0

    def alpha(self, t: Tensor) -> Tensor:
        return t

    def sigma(self, t: Tensor) -> Tensor:
        return 1 - t

    def schedule_grad(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones_like(t), -torch.ones_like(t)


class CosinePath:
    """A quarter of a circle: alpha = sin(pi t / 2), sigma = cos(pi t / 2); s is 1."""

    last: ClassVar[float] = 1.0

    def alpha(self, t: Tensor) -> Tensor:
        return torch.sin(t * (math.pi / 2))

    def sigma(self, t: Tensor) -> Tensor:
        return torch.sin((1 - t) * (math.pi / 2))  # and not by cos, which is no 0 at the end

    def schedule_grad(self, t: Tensor) -> tuple[Tensor, Tensor]:
        half_turn = math.pi / 2
        return half_turn * self.sigma(t), -half_turn * self.alpha(t)


class DiffusionPath:
    """The path of DDPM, whose noise comes in at a rate that rises linearly; s is 1.

    In continuous time, with u = 1 - t: log alpha = -(b_1 - b_0) u^2 / 4 - b_0 u / 2. At t = 0,
    alpha is 0.007 and not 0, as published.
    """

    last: ClassVar[float] = 1 - EDGE
    b_0: ClassVar[float] = 0.1
    b_1: ClassVar[float] = 20.0

    def alpha(self, t: Tensor) -> Tensor:
        return torch.exp(self._log_alpha(t))

    def sigma(self, t: Tensor) -> Tensor:
        return torch.sqrt(-torch.expm1(2 * self._log_alpha(t)))

    def schedule_grad(self, t: Tensor) -> tuple[Tensor, Tensor]:
        u, alpha = 1 - t, self.alpha(t)
        of_alpha = alpha * ((self.b_1 - self.b_0) * u + self.b_0) / 2
        return of_alpha, -alpha * of_alpha / self.sigma(t).clamp_min(1e-12)

    def _log_alpha(self, t: Tensor) -> Tensor:
        u = 1 - t
        return -(self.b_1 - self.b_0) * u**2 / 4 - self.b_0 * u / 2


PATHS: dict[str, Path] = {
    "linear": LinearPath(),
    "cosine": CosinePath(),
    "ddpm": DiffusionPath(),
}


class Prediction:
    """What a network's output F(x_t, t) stands for.

    ``target`` is what F is trained towards, ``predict_ends`` returns the estimates of x_1 and eps
    that follow from F, and ``first`` and ``last`` are the times between which it can be asked.
    Where ``divides_by_alpha``, a small error of F is a large one of x_1 while there is mostly
    noise.
    """

    divides_by_alpha: ClassVar[bool] = False
    first: ClassVar[float] = 0.0
    last: ClassVar[float] = 1.0

    def target(self, path: Path, x_1: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        raise NotImplementedError

    def predict_ends(self, path: Path, x_t: Tensor, f: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


class PreconditionedPrediction(Prediction):
    """The part that x_t does not tell by itself: (sigma x_1 - alpha eps) / s.

    For data of unit variance it has unit variance at every time, and x_t / s and F are x_1 and
    eps turned by an angle: no end is divided by something small. F = 0 is the best linear
    prediction for independent N(0, 1) cells. On a path with s = 1 it is v-prediction (but for the
    sign), and with Karras' scaling of the noise his preconditioning.
    """

    def target(self, path: Path, x_1: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        alpha, sigma, s = _sizes(path, t, x_1)
        return (sigma * x_1 - alpha * eps) / s

    def predict_ends(self, path: Path, x_t: Tensor, f: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma, s = _sizes(path, t, x_t)
        across = x_t / s**2
        return alpha * across + (sigma / s) * f, sigma * across - (alpha / s) * f


class VelocityPrediction(Prediction):
    """The velocity alpha' x_1 + sigma' eps, as published for flow matching."""

    def target(self, path: Path, x_1: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        of_alpha, of_sigma = (expand_like(slope, x_1) for slope in path.schedule_grad(t))
        return of_alpha * x_1 + of_sigma * eps

    def predict_ends(self, path: Path, x_t: Tensor, f: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma, _ = _sizes(path, t, x_t)
        of_alpha, of_sigma = (expand_like(slope, x_t) for slope in path.schedule_grad(t))
        determinant = alpha * of_sigma - sigma * of_alpha
        x_1 = (of_sigma * x_t - sigma * f) / determinant
        return x_1, (alpha * f - of_alpha * x_t) / determinant


class DataPrediction(Prediction):
    """The series x_1 itself."""

    last: ClassVar[float] = 1 - EDGE  # where x_t is the series, the noise cannot be told

    def target(self, path: Path, x_1: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        return x_1

    def predict_ends(self, path: Path, x_t: Tensor, f: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma, _ = _sizes(path, t, x_t)
        return f, (x_t - alpha * f) / sigma


class NoisePrediction(Prediction):
    """The noise eps, as in DDPM."""

    divides_by_alpha: ClassVar[bool] = True
    first: ClassVar[float] = EDGE  # where x_t is the noise, the series cannot be told

    def target(self, path: Path, x_1: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        return eps

    def predict_ends(self, path: Path, x_t: Tensor, f: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma, _ = _sizes(path, t, x_t)
        return (x_t - sigma * f) / alpha, f


PREDICTIONS: dict[str, Prediction] = {
    "preconditioned": PreconditionedPrediction(),
    "velocity": VelocityPrediction(),
    "data": DataPrediction(),
    "noise": NoisePrediction(),
}


def _sizes(path: Path, t: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return alpha, sigma and s at times ``(B,)``, in the shape that multiplies series."""
    alpha, sigma = expand_like(path.alpha(t), x), expand_like(path.sigma(t), x)
    return alpha, sigma, torch.sqrt(alpha**2 + sigma**2)
