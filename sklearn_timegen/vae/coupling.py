"""An invertible network of affine coupling layers (Dinh et al. 2017, arXiv:1605.08803).

Symbols: z is what has a density, u its image, which is to be standard normal, c what both are
given. A layer keeps some of its inputs, and shifts and scales the others by what a network
makes of the kept ones and c, so that its inverse and its Jacobian are had by hand.
"""

from __future__ import annotations

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sklearn_timegen.nn.layers import glorot_, mlp, with_condition

__all__ = ["AffineCoupling", "CouplingFlow"]


class AffineCoupling(nn.Module):
    """``z -> (z - t) exp(-s)``, with t = s = 0 for what is kept; the identity until trained.

    For the others, t and s are a network of the kept part and of c, and s is within -1 and 1: a
    wider bound goes astray where there are no data.
    """

    kept: Tensor
    changed: Tensor

    def __init__(self, kept: Tensor, n_conditions: int, hidden_dim: int) -> None:
        super().__init__()
        self.register_buffer("kept", kept)
        self.register_buffer("changed", 1 - kept.repeat(2))
        self.body = mlp([len(kept) + n_conditions, hidden_dim])
        self.output = nn.Linear(hidden_dim, 2 * len(kept))
        self.apply(glorot_)
        nn.init.zeros_(self.output.weight)

    def forward(self, z: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the image and the log-determinant of the Jacobian."""
        t, s = self._affine(z, c)
        return (z - t) * torch.exp(-s), -s.sum(dim=1)

    def inverse(self, u: Tensor, c: Tensor | None = None) -> Tensor:
        t, s = self._affine(u, c)
        return u * torch.exp(s) + t

    def _affine(self, z: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor]:
        made = self.output(self.body(with_condition(self.kept * z, c))) * self.changed
        t, s = made.chunk(2, dim=1)
        return t, torch.tanh(s)


class CouplingFlow(nn.Module):
    """z to u: a normal is standardised by its mean and Cholesky factor, then coupling layers.

    Until it is trained, the density of z is that normal. The layers come in pairs that keep one
    half each: those whose number has the bit k, and those whose number has not, for all k in
    turn, so that each two of the latents are in different halves of some layer. A single
    latent is shifted and scaled by c alone.
    """

    mean: Tensor
    factor: Tensor

    def __init__(
        self, mean: ArrayLike, factor: ArrayLike, n_conditions: int = 0, hidden_dim: int = 32
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("factor", torch.as_tensor(factor, dtype=torch.float32))
        number = torch.arange(len(self.mean))
        n_bits = max(1, (len(number) - 1).bit_length())
        halves = [(number >> (k % n_bits)) & 1 for k in range(max(3, n_bits))]
        masks = [mask.float() for half in halves for mask in (half, 1 - half)]
        self.layers = nn.ModuleList(AffineCoupling(m, n_conditions, hidden_dim) for m in masks)

    def forward(self, z: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return u and the log-determinant of the Jacobian.

        z may have any leading dimensions; c belongs to the first.
        """
        u, c = _flat(z, c)
        u = torch.linalg.solve_triangular(self.factor.T, u - self.mean, upper=True, left=False)
        log_det = -self.factor.diagonal().log().sum()
        for layer in self.layers:
            u, more = layer(u, c)
            log_det = log_det + more
        return u.reshape(z.shape), log_det.reshape(z.shape[:-1])

    def inverse(self, u: Tensor, c: Tensor | None = None) -> Tensor:
        z, c = _flat(u, c)
        for layer in reversed(self.layers):
            z = layer.inverse(z, c)  # type: ignore[operator]
        return (self.mean + z @ self.factor.T).reshape(u.shape)


def _flat(z: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Rows of z, and of c as often as its entries of z have rows."""
    rows = z.reshape(-1, z.shape[-1])
    return rows, None if c is None else c.repeat_interleave(len(rows) // max(1, len(c)), dim=0)
