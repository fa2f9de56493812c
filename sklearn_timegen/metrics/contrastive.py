"""Hierarchical contrastive loss between two views of a batch (Yue et al. 2022, section 3.2-3.3).

Symbols: r and r' are the representations ``(B, T, F)`` of two overlapping views. At each
timestep, an instance's two views attract each other and repel all other instances'; within an
instance, a timestep's two views attract and repel all other timesteps'.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["hierarchical_contrastive_loss"]


def hierarchical_contrastive_loss(r: Tensor, r_prime: Tensor) -> Tensor:
    """Return the mean over scales, each half as long as the last, of both losses' mean."""
    losses = []
    while True:
        both = [_contrast(r.transpose(0, 1), r_prime.transpose(0, 1))]  # instances
        if r.shape[1] > 1:
            both.append(_contrast(r, r_prime))  # timesteps
        losses.append(torch.stack(both).sum() / 2)
        if r.shape[1] == 1:
            return torch.stack(losses).mean()
        r, r_prime = (
            F.max_pool1d(encoded.transpose(1, 2), 2).transpose(1, 2) for encoded in (r, r_prime)
        )


def _contrast(a: Tensor, b: Tensor) -> Tensor:
    """Mean of -log p(the other view | all others), for ``(groups, n, F)`` of two views."""
    n = a.shape[1]
    if n == 1:  # nobody to tell it from
        return a.sum() * 0.0
    z = torch.cat([a, b], dim=1)
    similarity = z @ z.transpose(1, 2)
    itself = torch.eye(2 * n, dtype=torch.bool, device=z.device)
    log_p = similarity.masked_fill(itself, -torch.inf).log_softmax(dim=2)
    i = torch.arange(n, device=z.device)
    return -(log_p[:, i, n + i].mean() + log_p[:, n + i, i].mean()) / 2
