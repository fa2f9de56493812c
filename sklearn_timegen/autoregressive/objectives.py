"""Exact likelihood of series whose timesteps are predicted one by one.

Symbols: x_t a timestep, x_td its value in channel d, given the component k of the mixture that
is predicted of it normal with mean m_kd and standard deviation s_kd, of weight w_k.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sklearn_timegen.autoregressive.categorical_networks import RecurrentCategorical
from sklearn_timegen.autoregressive.networks import Mixture, RecurrentMixture
from sklearn_timegen.data import Series

__all__ = ["CategoricalLikelihood", "TeacherForcedLikelihood", "mixture_log_density"]


def mixture_log_density(
    x: Tensor, log_weight: Tensor, mean: Tensor, std: Tensor, weights: Tensor | None = None
) -> Tensor:
    """Log-density of each timestep, log sum_k w_k prod_d N(x_td; m_kd, s_kd^2): ``(B, T)``.

    ``weights``, of shape (T, D) or (B, T, D), are 0 for cells without a density, and for those
    that are not observed, which are integrated out; ``None`` is 1 everywhere.
    """
    z = (x.unsqueeze(2) - mean) / std
    each = -0.5 * (z.square() + math.log(2 * math.pi)) - std.log()
    if weights is not None:
        each = each * weights.unsqueeze(-2)
    return torch.logsumexp(log_weight + each.sum(dim=3), dim=2)


class TeacherForcedLikelihood(nn.Module):
    """``-sum_t log p(x_t | x_1 ... x_(t-1), c)``, one value a series.

    Source: R. Williams and D. Zipser (1989), "A learning algorithm for continually running fully
    recurrent neural networks", Neural Computation 1, https://doi.org/10.1162/neco.1989.1.2.270,
    for the true past as input; A. Graves (2013), "Generating sequences with recurrent neural
    networks", section 4.1, https://arxiv.org/abs/1308.0850, for the mixture.

    Of a timestep, the cells that count are those with a weight. All of the past is read, and of
    coupled channels those before: what was not observed is there as it was filled in.
    """

    def forward(self, module: RecurrentMixture, batch: Series, rng: torch.Generator) -> Tensor:
        return self.of(module(batch.values, batch.conditions), batch)

    def of(self, mixture: Mixture, batch: Series) -> Tensor:
        """Return the loss of series, of what was predicted of them."""
        x = mixture.left(batch.values)
        log_density = mixture_log_density(
            x, mixture.log_weight, mixture.mean, mixture.std, batch.weights
        )
        return -log_density.sum(dim=1)


class CategoricalLikelihood(nn.Module):
    """``-sum_td log p(v_td | v_1 ... v_(t-1), v_t1 ... v_t(d-1), c)``, one value a series.

    The cells that count are those with a weight. All others are there as they were filled in; a
    fill never stands still, nor does what comes after it, so that this is not learned from either.
    """

    def forward(self, module: RecurrentCategorical, batch: Series, rng: torch.Generator) -> Tensor:
        each = module(batch.values, batch.conditions)
        if batch.weights is not None:
            each = each * batch.weights
        if batch.observed is not None:
            each = each * module.is_told(batch.observed)
        return -each.sum(dim=(1, 2))
