r"""Variational bounds.

Symbols: x a series of T timesteps and D channels, x^ its reconstruction, r = x - x^, z the
latents, q(z | x) = N(mean, exp(log_var)) the encoder, p(z) = N(0, I) the prior, w the
reconstruction weight.

The weighted error ``w * error(x, x^)`` is, up to a constant, the negative log-likelihood of a
Gaussian decoder, so that the published losses are negative evidence lower bounds of a definite
model. ``Noise`` names that model: for ``SquaredError`` the noise has precision ``2 w`` in every
cell; for ``SquaredAndMeanError``, TimeVAE's, it is correlated across channels with the precision
matrix ``2 w (I + 1 1^T / D^2)`` at each timestep, whose determinant is
``(2 w)^D (1 + 1 / D)``.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor, nn

__all__ = [
    "ERRORS",
    "NegativeELBO",
    "ReconstructionError",
    "SquaredAndMeanError",
    "SquaredError",
    "gaussian_kl",
    "importance_weighted_bound",
    "log_likelihood",
]


class ReconstructionError(Protocol):
    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor: ...
    def log_det_precision(self, n_channels: int) -> float: ...


class SquaredError:
    """``sum_td r^2``."""

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        return (x - x_hat).square().sum(dim=(-2, -1))

    def log_det_precision(self, n_channels: int) -> float:
        """Log-determinant, for each timestep, of the noise's precision over ``2 w``."""
        return 0.0


class SquaredAndMeanError:
    """``sum_td r^2 + sum_t (mean_d r)^2``: TimeVAE's (Desai et al. 2021, published code)."""

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        r = x - x_hat
        return r.square().sum(dim=(-2, -1)) + r.mean(dim=-1).square().sum(dim=-1)

    def log_det_precision(self, n_channels: int) -> float:
        """Log-determinant, for each timestep, of the noise's precision over ``2 w``."""
        return math.log1p(1 / n_channels)


ERRORS: dict[str, ReconstructionError] = {
    "squared": SquaredError(),
    "squared-and-mean": SquaredAndMeanError(),
}


def gaussian_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mean, exp(log_var)) || N(0, I)), one value a series."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(dim=-1)


def log_likelihood(x: Tensor, x_hat: Tensor, w: float, error: ReconstructionError) -> Tensor:
    """log p(x | z) of the Gaussian decoder that ``w`` and ``error`` name."""
    n_timesteps, n_channels = x.shape[-2:]
    log_det = n_timesteps * (n_channels * math.log(2 * w) + error.log_det_precision(n_channels))
    log_norm = 0.5 * (log_det - n_timesteps * n_channels * math.log(2 * math.pi))
    return log_norm - w * error(x, x_hat)


def importance_weighted_bound(
    log_p_x_given_z: Tensor, z: Tensor, noise: Tensor, log_var: Tensor
) -> Tensor:
    """log (1/K) sum_k p(x | z_k) p(z_k) / q(z_k | x), a lower bound of log p(x) on average.

    The draws ``z_k = mean + exp(log_var / 2) noise_k`` run along dimension 1. Source: Burda,
    Grosse and Salakhutdinov 2016, "Importance weighted autoencoders", arXiv:1509.00519.
    """
    log_prior = -0.5 * z.square().sum(dim=-1)
    log_posterior = -0.5 * (noise.square() + log_var).sum(dim=-1)  # the (2 pi)^d cancel
    log_weights = log_p_x_given_z + log_prior - log_posterior
    return torch.logsumexp(log_weights, dim=1) - math.log(log_weights.shape[1])


class NegativeELBO(nn.Module):
    """``w * error(x, x^) + KL(q(z | x) || p(z))``, one value a series."""

    def __init__(self, latent_dim: int, w: float, error: ReconstructionError) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.w = w
        self.error = error

    def forward(
        self, module: Any, x: Tensor, c: Tensor | None, generator: torch.Generator
    ) -> Tensor:
        noise = torch.randn(
            len(x), self.latent_dim, generator=generator, device=x.device, dtype=x.dtype
        )
        x_hat, mean, log_var = module(x, noise, c)
        return self.w * self.error(x, x_hat) + gaussian_kl(mean, log_var)
