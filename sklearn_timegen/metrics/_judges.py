"""Small recurrent networks that judge, all repeats trained at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_timegen._random import derive_seed, seeded_weights
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics.recurrent import RepeatedGRU, RepeatedLinear

__all__ = ["BATCH_SIZE", "Judge", "hidden_size", "make_judge", "rows_last", "scaled", "train"]

BATCH_SIZE = 128  # of each kind, as published


class Judge(nn.Module):
    """R GRUs, each followed by a dense layer with one output at every timestep."""

    def __init__(self, n_repeats: int, n_channels: int, hidden_dim: int) -> None:
        super().__init__()
        self.gru = RepeatedGRU(n_repeats, n_channels, hidden_dim)
        self.output = RepeatedLinear(n_repeats, hidden_dim, 1)

    def forward(self, x: Tensor, last: bool = False) -> Tensor:
        """Return logits ``(T, R, B)`` for ``(T, R, D, B)``; of the last timestep ``(R, B)``."""
        h = self.gru(x)
        logits: Tensor = self.output(h[-1] if last else h).squeeze(-2)
        return logits


def hidden_size(n_channels: int) -> int:
    """Published is D / 2, which would leave a univariate series with no unit at all."""
    return max(4, n_channels // 2)


def make_judge(n_repeats: int, n_inputs: int, hidden_dim: int, seed: int) -> Judge:
    with seeded_weights(derive_seed(seed, "judge")):
        return Judge(n_repeats, n_inputs, hidden_dim)


def scaled(real: Array, synthetic: Array) -> tuple[Tensor, Tensor]:
    """Scale both by the range of each channel in ``real``, as the published protocol does."""
    low, high = real.min(axis=(0, 1)), real.max(axis=(0, 1))
    span = np.where(high > low, high - low, 1.0)
    return tuple(  # type: ignore[return-value]
        torch.from_numpy(((x - low) / span).astype(np.float32)) for x in (real, synthetic)
    )


def rows_last(x: Tensor) -> Tensor:
    """Turn ``(R, B, T, D)`` into ``(T, R, D, B)``."""
    return x.permute(2, 0, 3, 1).contiguous()


def train(judge: Judge, n_steps: int, loss: Callable[[], Tensor]) -> None:
    """Take ``n_steps`` of Adam(1e-3) on the summed losses of the repeats."""
    optimizer = torch.optim.Adam(judge.parameters(), lr=1e-3, fused=True)
    for _ in range(n_steps):
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()
