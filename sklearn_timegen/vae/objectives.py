r"""Variational bounds of log p(x), as losses: one value a series.

Symbols: x a series of T timesteps and D channels, x^ its reconstruction, r = x - x^, z the
latents, q(z | x) = N(mean, exp(log_var)) the encoder, p(z) = N(0, I) the prior, K the number of
draws of z, alpha a Renyi order.

The decoder is Gaussian. Its precision is ``exp(log_precision)``, one for all cells, for each
channel or for each cell, and ``error`` names what it looks like across channels: for
``SquaredError`` the noise is independent; for ``SquaredAndMeanError``, TimeVAE's, the precision
matrix of a timestep is ``S (I + 1 1^T / D^2) S``, S the roots of the precisions, whose
determinant is ``prod_d precision_d (1 + 1 / D)``. With the precision ``2 w`` everywhere, the
misfit is ``w * error``: the published losses are negative evidence lower bounds of a definite
model.

Cells that were not observed are integrated out: with ``weights``, 1 for a cell that was and 0 for
one that was not, p(x | z) is the density of those that were, k of a timestep's D. The precision
matrix of theirs is ``S (I + 1 1^T / (D (D + 1) - k)) S`` for ``SquaredAndMeanError``, which is the
one above for k = D, of determinant ``prod_d precision_d D (D + 1) / (D (D + 1) - k)``.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from sklearn_timegen.data import Series
from sklearn_timegen.vae.autoencoder import VariationalAutoencoder

__all__ = [
    "ERRORS",
    "NegativeBound",
    "NegativeELBO",
    "NegativeRELBO",
    "NegativeRenyiBound",
    "ReconstructionError",
    "SquaredAndMeanError",
    "SquaredError",
    "gaussian_kl",
    "gaussian_renyi",
    "log_likelihood",
    "log_weights",
    "reconstruction_nll",
    "renyi_bound",
]


class ReconstructionError(Protocol):
    """What ``w`` multiplies, and the noise that it stands for."""

    def __call__(self, r: Tensor, weights: Tensor | None = None) -> Tensor: ...
    def log_det_precision(
        self, n_channels: int, weights: Tensor | None = None
    ) -> float | Tensor: ...
    def correlate(self, e: Tensor) -> Tensor: ...
    def complete(self, r: Tensor, e: Tensor, weights: Tensor) -> Tensor: ...


class SquaredError:
    """``sum_td r^2``."""

    def __call__(self, r: Tensor, weights: Tensor | None = None) -> Tensor:
        return _counted(r, weights).square().sum(dim=(-2, -1))

    def log_det_precision(self, n_channels: int, weights: Tensor | None = None) -> float | Tensor:
        """Log-determinant of each timestep's precision matrix, where all precisions are 1."""
        return 0.0

    def correlate(self, e: Tensor) -> Tensor:
        """Turn standard-normal draws into noise with that precision matrix."""
        return e

    def complete(self, r: Tensor, e: Tensor, weights: Tensor) -> Tensor:
        """Turn draws into such noise where there is no weight, given the noise ``r`` elsewhere."""
        return torch.where(weights > 0, r, e)


class SquaredAndMeanError:
    """``sum_td r^2 + sum_t (mean_d r)^2``: TimeVAE's (Desai et al. 2021, published code)."""

    def __call__(self, r: Tensor, weights: Tensor | None = None) -> Tensor:
        if weights is None:
            return r.square().sum(dim=(-2, -1)) + r.mean(dim=-1).square().sum(dim=-1)
        r = _counted(r, weights)
        rest = r.shape[-1] * (r.shape[-1] + 1) - weights.sum(dim=-1)
        return r.square().sum(dim=(-2, -1)) + (r.sum(dim=-1).square() / rest).sum(dim=-1)

    def log_det_precision(self, n_channels: int, weights: Tensor | None = None) -> float | Tensor:
        """Log-determinant of each timestep's precision matrix, where all precisions are 1."""
        if weights is None:
            return math.log1p(1 / n_channels)
        return -torch.log1p(-weights.sum(dim=-1) / (n_channels * (n_channels + 1)))

    def correlate(self, e: Tensor) -> Tensor:
        """Turn standard-normal draws into noise with that precision matrix."""
        # Along the channels' mean the precision is 1 + 1 / D, across it 1.
        shrink = 1 / math.sqrt(1 + 1 / e.shape[-1]) - 1
        return e + shrink * e.mean(dim=-1, keepdim=True)

    def complete(self, r: Tensor, e: Tensor, weights: Tensor) -> Tensor:
        """Turn draws into such noise where there is no weight, given the noise ``r`` elsewhere."""
        # Of u cells the precision matrix is I + 1 1^T / D^2: 1 + u / D^2 along their mean.
        missing = 1 - weights
        u, d_2 = missing.sum(dim=-1, keepdim=True), r.shape[-1] ** 2
        mean = -(r * weights).sum(dim=-1, keepdim=True) / (d_2 + u)
        shrink = (torch.rsqrt(1 + u / d_2) - 1) / u.clamp(min=1)
        drawn = mean + e + shrink * (e * missing).sum(dim=-1, keepdim=True)
        return torch.where(weights > 0, r, drawn)


ERRORS: dict[str, ReconstructionError] = {
    "squared": SquaredError(),
    "squared-and-mean": SquaredAndMeanError(),
}


# -- terms ------------------------------------------------------------------------------------


def reconstruction_nll(
    x: Tensor,
    x_hat: Tensor,
    log_precision: Tensor,
    error: ReconstructionError,
    weights: Tensor | None = None,
) -> Tensor:
    """Return half the squared length of the residual, in units of the decoder's noise."""
    if log_precision.ndim == 0:
        return 0.5 * log_precision.exp() * error(x - x_hat, weights)
    return 0.5 * error((0.5 * log_precision).exp() * (x - x_hat), weights)


def log_likelihood(
    x: Tensor,
    x_hat: Tensor,
    log_precision: Tensor,
    error: ReconstructionError,
    weights: Tensor | None = None,
) -> Tensor:
    """log p(x | z) of the Gaussian decoder, of the cells that have a weight."""
    n_timesteps, n_channels = x.shape[-2:]
    misfit = reconstruction_nll(x, x_hat, log_precision, error, weights)
    if weights is None:
        log_det = log_precision.expand(n_timesteps, n_channels).sum()
        log_det = log_det + n_timesteps * error.log_det_precision(n_channels)
        return 0.5 * (log_det - n_timesteps * n_channels * math.log(2 * math.pi)) - misfit
    each = weights * (log_precision - math.log(2 * math.pi))
    of_timesteps = each.sum(dim=-1) + error.log_det_precision(n_channels, weights)
    return 0.5 * of_timesteps.sum(dim=-1) - misfit


def _counted(r: Tensor, weights: Tensor | None) -> Tensor:
    return r if weights is None else r * weights


def gaussian_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mean, exp(log_var)) || N(0, 1)) of each latent."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var)


def gaussian_renyi(mean: Tensor, log_var: Tensor, alpha: float) -> Tensor:
    """Renyi's D_alpha(N(mean, exp(log_var)) || N(0, 1)) of each latent, alpha in (0, 1].

    Source: M. Gil, F. Alajaji and T. Linder (2013), "Renyi divergence measures for commonly used
    univariate continuous distributions", https://doi.org/10.1016/j.ins.2013.06.018
    """
    if alpha == 1:
        return gaussian_kl(mean, log_var)
    # alpha 1 + (1 - alpha) s^2, less 1, so that orders near 1 lose no digits.
    excess = (1 - alpha) * torch.expm1(log_var)
    spread = (torch.log1p(excess) - (1 - alpha) * log_var) / (1 - alpha)
    return 0.5 * (alpha * mean.square() / (1 + excess) + spread)


def log_weights(log_p_x: Tensor, log_p_z: Tensor, noise: Tensor, log_var: Tensor) -> Tensor:
    """log p(x, z) / q(z | x) for z = mean + exp(log_var / 2) noise.

    ``log_p_z`` goes without its ``-d/2 log(2 pi)``, which q's cancels.
    """
    return log_p_x + log_p_z + 0.5 * (noise.square() + log_var).sum(dim=-1)


def renyi_bound(log_w: Tensor, alpha: float) -> Tensor:
    """Return the variational Renyi bound, 1 / (1 - alpha) log mean_k w_k^(1 - alpha).

    The draws run along the last dimension. alpha = 1 is the evidence lower bound, alpha = 0 the
    importance-weighted bound; below 1 the mean over so many draws is a lower bound of the bound.

    Sources: Y. Li and R. Turner (2016), "Renyi divergence variational inference",
    https://arxiv.org/abs/1602.02311; Y. Burda, R. Grosse and R. Salakhutdinov (2016),
    "Importance weighted autoencoders", https://arxiv.org/abs/1509.00519
    """
    centre = log_w.mean(dim=-1)
    if alpha == 1:
        return centre
    # Around their mean, so that orders near 1 do not divide rounding errors by 1 - alpha.
    spread = torch.logsumexp((1 - alpha) * (log_w - centre[..., None]), dim=-1)
    return centre + (spread - math.log(log_w.shape[-1])) / (1 - alpha)


# -- losses -----------------------------------------------------------------------------------


class NegativeBound(nn.Module):
    """Base of the losses: draws noise, runs the module, and leaves the rest to ``loss``.

    Parameters
    ----------
    latent_dim : int
        Number of latents.
    error : ReconstructionError
        See the module's docstring.
    n_draws : int
        K.
    start : float
        The decoder's log-precision before training. The loss leaves out what a decoder that
        keeps it would add, so that with fixed noise it is ``w * error + KL``.
    learned : bool
        Whether it changes in training.

    Attributes
    ----------
    kl_share : float
        What is multiplied to the divergence from the prior in training: below 1 in a warm-up.
    """

    def __init__(
        self,
        latent_dim: int,
        error: ReconstructionError,
        n_draws: int = 1,
        start: float = 0.0,
        learned: bool = True,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.error = error
        self.n_draws = n_draws
        self.start = start
        self.learned = learned
        self.kl_share = 1.0

    def forward(
        self, module: VariationalAutoencoder, batch: Series, rng: torch.Generator
    ) -> Tensor:
        x, c, weights = batch.values, batch.conditions, batch.weights
        draws = () if self.n_draws == 1 else (self.n_draws,)
        shape = (len(x), *draws, self.latent_dim)
        noise = torch.randn(shape, generator=rng, device=x.device, dtype=x.dtype)
        x_hat, z, mean, log_var, log_precision = module(x, noise, c)
        if draws:  # all draws of a series reconstruct the same one
            x, weights = x[:, None], None if weights is None else weights[:, None]
        cost = reconstruction_nll(x, x_hat, log_precision, self.error, weights)
        if self.learned:
            gained = (log_precision - self.start).expand(x.shape[-2:])
            cost = cost - 0.5 * _counted(gained, weights).sum(dim=(-2, -1))
        return self.loss(cost, z, noise, mean, log_var)

    def loss(
        self, cost: Tensor, z: Tensor, noise: Tensor, mean: Tensor, log_var: Tensor
    ) -> Tensor:
        """Combine -log p(x | z) of each draw, ``(B, K)`` or ``(B,)``, with a divergence."""
        raise NotImplementedError

    @property
    def _share(self) -> float:
        return self.kl_share if self.training else 1.0


class NegativeELBO(NegativeBound):
    """``mean_k -log p(x | z_k) + beta KL(q(z | x) || p(z))``: the ELBO, beta-VAE's for beta != 1.

    ``free_bits`` is the least that a latent's divergence, averaged over the batch, costs
    (Kingma et al. 2016, https://arxiv.org/abs/1606.04934).
    """

    def __init__(
        self, *args: Any, beta: float = 1.0, free_bits: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.beta = beta
        self.free_bits = free_bits

    def loss(
        self, cost: Tensor, z: Tensor, noise: Tensor, mean: Tensor, log_var: Tensor
    ) -> Tensor:
        divergence = _at_least(self.free_bits, gaussian_kl(mean, log_var))
        return _mean_of_draws(cost) + self._share * self.beta * divergence.sum(dim=1)


class NegativeRenyiBound(NegativeBound):
    """The variational Renyi bound of K draws; importance-weighted (IWAE) for alpha = 0."""

    def __init__(self, *args: Any, alpha: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.alpha = alpha

    def loss(
        self, cost: Tensor, z: Tensor, noise: Tensor, mean: Tensor, log_var: Tensor
    ) -> Tensor:
        if cost.ndim == 1:  # a single draw, of which bounds of all orders are the same
            cost, z, noise = cost[:, None], z[:, None], noise[:, None]
        log_p_z = -0.5 * z.square().sum(dim=-1)
        ratio = log_weights(torch.zeros_like(cost), log_p_z, noise, log_var[:, None])
        return -renyi_bound(self._share * ratio - cost, self.alpha)


class NegativeRELBO(NegativeBound):
    """``-E[log p(x | z)] + D_alpha(q(z | x) || p(z))``, z from the tilted posterior.

    The tilted posterior is q^alpha p^(1 - alpha), normalised: the module has to draw from it. A
    lower bound of the Renyi bound, and with it of log p(x), for 0 < alpha <= 1; see
    :class:`sklearn_timegen.vae.RELBOVAE`.
    """

    def __init__(
        self, *args: Any, alpha: float = 0.5, free_bits: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.alpha = alpha
        self.free_bits = free_bits

    def loss(
        self, cost: Tensor, z: Tensor, noise: Tensor, mean: Tensor, log_var: Tensor
    ) -> Tensor:
        divergence = _at_least(self.free_bits, gaussian_renyi(mean, log_var, self.alpha))
        return _mean_of_draws(cost) + self._share * divergence.sum(dim=1)


def _mean_of_draws(cost: Tensor) -> Tensor:
    return cost if cost.ndim == 1 else cost.mean(dim=1)


def _at_least(free: float, divergence: Tensor) -> Tensor:
    if free == 0:
        return divergence
    spent = divergence.mean(dim=0, keepdim=True) > free
    return torch.where(spent, divergence, torch.full_like(divergence, free))
