"""Discriminators: a body, and a last layer that makes values of its features.

Symbols: x a series, c the condition that it is given, phi the features that the body makes.
Values are real numbers without a last activation (logits, for losses that want probabilities).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sklearn_timegen.nn.convolutional import ConvolutionalBody
from sklearn_timegen.nn.dense import DenseBody
from sklearn_timegen.nn.encoder import Body
from sklearn_timegen.nn.layers import glorot_, with_condition_everywhere
from sklearn_timegen.nn.sequence import BidirectionalBody, RecurrentBody
from sklearn_timegen.nn.style import StyleBody
from sklearn_timegen.nn.transformer import TransformerBody

__all__ = ["BODIES", "Discriminator", "MinibatchDiscrimination"]

BODIES: dict[str, type[Body]] = {
    "dense": DenseBody,
    "convolutional": ConvolutionalBody,
    "recurrent": RecurrentBody,
    "bidirectional": BidirectionalBody,
    "transformer": TransformerBody,
    "style": StyleBody,
}


class Discriminator(nn.Module):
    """Value of a series, ``(B,)``, or of each of its timesteps, ``(B, T)``.

    Parameters
    ----------
    body_type : callable
        Makes the body from ``(n_timesteps, n_channels, hidden_dims)``. Whether it returns
        features of a series or of each timestep decides what has a value.
    n_timesteps, n_channels : int
        Sizes of the series.
    hidden_dims : sequence of int
        Widths of the body's layers.
    n_conditions : int
        Width of the condition.
    condition : {"projection", "concatenation"}
        ``w' phi(x) + b + (V c)' phi(x)`` (Miyato and Koyama 2018, section 3,
        https://arxiv.org/abs/1802.05637), or c beside the values of every timestep.
    n_kernels : int
        Number of features from ``MinibatchDiscrimination``, of which there are none at 0.
    bias : bool
        Whether there is a b. A loss that sees differences of values only would never train it.

    Attributes
    ----------
    sees_batch : bool
        Whether the value of a series depends on the others in the batch, too.
    """

    def __init__(
        self,
        body_type: Callable[[int, int, Sequence[int]], Body],
        n_timesteps: int,
        n_channels: int,
        hidden_dims: Sequence[int],
        n_conditions: int = 0,
        condition: str = "projection",
        n_kernels: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.concatenates = condition == "concatenation"
        n_inputs = n_channels + (n_conditions if self.concatenates else 0)
        self.body = body_type(n_timesteps, n_inputs, hidden_dims)
        n_features = self.body.n_features
        self.sees_batch = n_kernels > 0
        if self.sees_batch:
            self.others = MinibatchDiscrimination(n_features, n_kernels)
        self.output = nn.Linear(n_features + n_kernels, 1, bias=bias)
        self.projects = n_conditions > 0 and not self.concatenates
        if self.projects:
            self.projection = nn.Linear(n_conditions, n_features, bias=False)
        self.apply(glorot_)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        phi = self.features(x, c)
        values: Tensor = self.output(self.others(phi) if self.sees_batch else phi).squeeze(-1)
        if not self.projects:
            return values
        return values + torch.einsum("bf,b...f->b...", self.projection(c), phi)

    def features(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        """Return what the body makes of each series: phi, without what others add to it."""
        return self.body(with_condition_everywhere(x, c) if self.concatenates else x)


class MinibatchDiscrimination(nn.Module):
    """Append to a series' features how close others in the batch are (Salimans et al. 2016).

    With M the features' image under a matrix, in ``n_kernels`` rows of ``kernel_dim``, the b-th
    new feature of series i is the mean over the other series j of
    ``exp(-||M_ib - M_jb||_1)`` (section 3.2, https://arxiv.org/abs/1606.03498; theirs is the sum,
    which would depend on the size of the batch). It is 0 for a series without others. Features
    ``(B, T, F)`` are averaged over time for it, and all timesteps get the same.
    """

    def __init__(self, n_features: int, n_kernels: int, kernel_dim: int = 5) -> None:
        super().__init__()
        self.kernel_shape = (n_kernels, kernel_dim)
        self.kernels = nn.Linear(n_features, n_kernels * kernel_dim, bias=False)

    def forward(self, phi: Tensor) -> Tensor:
        each = phi.mean(dim=1) if phi.ndim == 3 else phi
        closeness = self.closeness(each)
        if phi.ndim == 3:
            closeness = closeness.unsqueeze(1).expand(-1, phi.shape[1], -1)
        return torch.cat([phi, closeness], dim=-1)

    def closeness(self, phi: Tensor) -> Tensor:
        """Return the new features, ``(B, n_kernels)``, of features ``(B, F)``."""
        m = self.kernels(phi).unflatten(1, self.kernel_shape)
        kernels = torch.exp(-(m.unsqueeze(0) - m.unsqueeze(1)).abs().sum(dim=3))
        # A series is at distance 0 from itself, which is no news.
        return (kernels.sum(dim=0) - 1) / max(len(phi) - 1, 1)
