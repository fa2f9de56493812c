"""What is missing of series, drawn by a variational autoencoder given what is known of them.

Symbols as in :mod:`sklearn_timegen.vae.objectives`; x_o are a series' observed cells and x_m its
missing ones. A chain goes on from (z, x_m) in turns: z' is drawn from q(z | x_o, x_m) and takes
the place of z with the probability of Metropolis and Hastings, then x_m is drawn from
p(x_m | x_o, z). Its stationary distribution is p(z, x_m | x_o), whatever the encoder. In the first
rounds each z' is accepted (pseudo-Gibbs), because a chain that begins far from where the encoder
leads would otherwise stay there.

Sources: D. Rezende, S. Mohamed and D. Wierstra (2014), "Stochastic backpropagation and approximate
inference in deep generative models", appendix F, https://arxiv.org/abs/1401.4082; P.-A. Mattei and
J. Frellsen (2018), "Leveraging the exact likelihood of deep latent variable models", section 4,
https://arxiv.org/abs/1802.04826
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sklearn_timegen.data import Series
from sklearn_timegen.vae.autoencoder import VariationalAutoencoder
from sklearn_timegen.vae.objectives import ReconstructionError, log_likelihood

__all__ = ["draw_latents_given"]

N_ACCEPTED, N_ROUNDS = 20, 100  # rounds of pseudo-Gibbs, and of all


def draw_latents_given(
    module: VariationalAutoencoder,
    batch: Series,
    log_prior: Callable[[Tensor], Tensor],
    error: ReconstructionError,
    rng: torch.Generator,
) -> Tensor:
    """Return the last z ``(B, d)`` of a chain for each series, of which some cells were observed.

    Parameters
    ----------
    module : VariationalAutoencoder
        Trained.
    batch : Series
        Of tensors; the values that were not observed are where the chain begins.
    log_prior : callable
        log p(z), up to a constant.
    error : ReconstructionError
        The decoder's noise.
    rng : torch.Generator
        Of all draws.
    """
    x, c, log_precision = batch.values, batch.conditions, module.noise()
    weights = batch.observed.to(x.dtype)
    root = (0.5 * log_precision).exp()
    z = x_hat = x.new_zeros(())  # of the first round's, all are accepted
    for k in range(N_ROUNDS):
        mean, log_var = module.posterior(x)
        proposed = mean + (0.5 * log_var).exp() * _randn(mean.shape, rng)
        decoded = module.decoder(proposed, c)
        accepted = torch.ones(len(x), dtype=torch.bool, device=x.device)
        if k >= N_ACCEPTED:
            before, after = (
                log_likelihood(x, of_latents, log_precision, error)
                + log_prior(latents)
                + 0.5 * ((latents - mean).square() * (-log_var).exp()).sum(dim=-1)
                for latents, of_latents in ((z, x_hat), (proposed, decoded))
            )
            u = torch.rand(len(x), generator=rng, device=x.device)
            accepted = u.log() < after - before
        z = torch.where(accepted[:, None], proposed, z)
        x_hat = torch.where(accepted[:, None, None], decoded, x_hat)
        e = _randn(x.shape, rng)
        x = x_hat + error.complete(root * (x - x_hat), e, weights) / root
    return z


def _randn(shape: torch.Size, rng: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=rng, device=rng.device)
