"""Recurrent layers that train many copies at once.

Small recurrent networks spend their time on the overhead of tiny operations. Repeats of one
network, each with weights and data of its own, share that overhead on a leading axis. Rows come
last, ``(..., n_repeats, n_features, n_rows)``: every gate is then one block of memory.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["RepeatedGRU", "RepeatedLinear"]


class RepeatedLinear(nn.Module):
    """R dense layers, the r-th for the r-th slice: ``(..., R, n_in, B) -> (..., R, n_out, B)``."""

    def __init__(self, n_repeats: int, n_in: int, n_out: int, bound: float | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_repeats, n_out, n_in))
        self.bias = nn.Parameter(torch.empty(n_repeats, n_out, 1))
        bound = 1 / math.sqrt(n_in) if bound is None else bound
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        return self.weight @ x + self.bias


class RepeatedGRU(nn.Module):
    """R gated recurrent units, a layer each: ``(T, R, n_in, B) -> (T, R, hidden_dim, B)``.

    The r-th equals ``nn.GRU(n_in, hidden_dim)`` on the r-th slice, its initial distribution of
    weights included. Differentiable once.
    """

    def __init__(self, n_repeats: int, n_in: int, hidden_dim: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(hidden_dim)
        self.from_input = RepeatedLinear(n_repeats, n_in, 3 * hidden_dim, bound)
        self.from_hidden = RepeatedLinear(n_repeats, hidden_dim, 3 * hidden_dim, bound)

    def forward(self, x: Tensor) -> Tensor:
        recurrent = self.from_hidden
        h: Tensor = _GRU.apply(self.from_input(x), recurrent.weight, recurrent.bias)
        return h


class _GRU(torch.autograd.Function):
    """The recurrence, with its backward pass by hand: three operations a timestep.

    With ``a`` the input's and ``b = W h + bias`` the state's contributions to the three gates,
    ``r = sigmoid(a_r + b_r)``, ``z = sigmoid(a_z + b_z)``, ``n = tanh(a_n + r b_n)`` and
    ``h' = (1 - z) n + z h`` (Cho et al. 2014, in cuDNN's and torch's form).
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        n_timesteps, n_repeats, width, n_rows = a.shape
        size = width // 3
        gates = a.new_empty(n_timesteps, n_repeats, 2 * size, n_rows)
        new = a.new_empty(n_timesteps, n_repeats, size, n_rows)
        b_new = torch.empty_like(new)
        h = a.new_zeros(n_timesteps + 1, n_repeats, size, n_rows)
        b = a.new_empty(n_repeats, width, n_rows)
        for t in range(n_timesteps):
            torch.baddbmm(bias, weight, h[t], out=b)
            torch.add(a[t, :, : 2 * size], b[:, : 2 * size], out=gates[t]).sigmoid_()
            b_new[t] = b[:, 2 * size :]
            torch.addcmul(a[t, :, 2 * size :], gates[t, :, :size], b_new[t], out=new[t]).tanh_()
            torch.lerp(new[t], h[t], gates[t, :, size:], out=h[t + 1])
        ctx.save_for_backward(weight, gates, new, b_new, h)
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight, gates, new, b_new, h = ctx.saved_tensors
        n_timesteps, _, size, _ = new.shape
        r, z = gates.chunk(2, dim=2)
        into_new = (1 - z) * (1 - new**2)  # d h' / d (a_n + r b_n)
        # d h' / d b, gate by gate: the only factors that the loop needs.
        into_b = torch.stack(
            [into_new * b_new * r * (1 - r), (h[:-1] - new) * z * (1 - z), into_new * r], dim=2
        )
        grad_b = torch.empty_like(into_b)
        grad_h = torch.empty_like(new)
        transposed = weight.transpose(1, 2)
        onward = torch.zeros_like(new[0])
        for t in reversed(range(n_timesteps)):
            torch.add(grad[t], onward, out=grad_h[t])
            torch.mul(grad_h[t].unsqueeze(1), into_b[t], out=grad_b[t])
            onward = torch.baddbmm(grad_h[t] * z[t], transposed, grad_b[t].flatten(1, 2))
        flat = grad_b.flatten(2, 3)
        grad_weight = (flat @ h[:-1].transpose(2, 3)).sum(dim=0)
        grad_bias = flat.sum(dim=(0, 3)).unsqueeze(2)
        grad_a = torch.cat([flat[:, :, : 2 * size], grad_h * into_new], dim=2)
        return grad_a, grad_weight, grad_bias
