"""Embedding of the time of a flow, and of the condition, from which networks are modulated.

Symbols: t a time between 0 (noise) and 1 (data), c the condition of a series.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_timegen.nn.layers import glorot_

__all__ = ["TimeEmbedding"]

N_FREQUENCIES = 32
# In radians. The slowest sine is nowhere near a whole period between times 0 and 1, so that no
# two times look alike; the fastest one turns by 2 when t moves by 0.002.
SLOWEST, FASTEST = 1.0, 1000.0


class TimeEmbedding(nn.Module):
    """Sines and cosines of t, then ``W2 silu(W1 features(t) + V c + b1) + b2``: ``(B, width)``.

    Such features are those of J. Ho, A. Jain, P. Abbeel (2020), "Denoising diffusion
    probabilistic models", appendix B, https://arxiv.org/abs/2006.11239, with frequencies for times
    in [0, 1]. The condition joins before the activation, so that what it does may change with t.

    Parameters
    ----------
    width : int
        Size of the embedding.
    n_conditions : int
        Width of the condition, which is given as c unless this is 0.
    """

    frequencies: Tensor

    def __init__(self, width: int, n_conditions: int = 0) -> None:
        super().__init__()
        exponents = torch.linspace(math.log(SLOWEST), math.log(FASTEST), N_FREQUENCIES)
        self.register_buffer("frequencies", exponents.exp(), persistent=False)
        self.hidden = nn.Linear(2 * N_FREQUENCIES, width)
        self.output = nn.Linear(width, width)
        self.apply(glorot_)
        # Made after Glorot's weights and with torch's own: conditions have few columns, and
        # Glorot's would drown them in the features of t wherever the width is large.
        self.condition = nn.Linear(n_conditions, width, bias=False) if n_conditions else None

    def forward(self, t: Tensor, c: Tensor | None = None) -> Tensor:
        angles = t.unsqueeze(1) * self.frequencies
        h = self.hidden(torch.cat([angles.sin(), angles.cos()], dim=1))
        if self.condition is not None:
            h = h + self.condition(c)
        return self.output(F.silu(h))
