"""Discriminators whose slope is bounded: by their layers, by their gradient, or by clipping.

The first two are modules around a whole discriminator, which stays as it is inside. Where a
value depends on other series of the batch (``sees_batch``), a bound holds for one series while
the others are fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import normalize

from sklearn_timegen.nn.differentiation import double_backward
from sklearn_timegen.nn.layers import DilatedConv, StridedConv, StridedConvTranspose
from sklearn_timegen.nn.transformer import TransformerBlock, TransformerBody

__all__ = ["GradientNormalized", "SpectralNormalized", "clip_weights_", "double_backward"]

# Layers that are a matrix, once the taps of a convolution are laid side by side.
LAYERS = (nn.Linear, nn.Conv1d, nn.LSTM, StridedConv, StridedConvTranspose, DilatedConv)
ATTENTION = (TransformerBody, TransformerBlock, nn.MultiheadAttention)


class SpectralNormalized(nn.Module):
    """A discriminator whose matrices are divided by their largest singular values.

    Of a weight W, reshaped to a matrix with a row for each output, the module computes with
    ``W / sigma`` and ``sigma = u' W v``, where u and v are the leading singular vectors. They
    are exact at first, and one step of power iteration follows the weights at each call of
    ``iterate``, nowhere else; gradients go through W and not through u and v (Miyato et al. 2018,
    section 2.1 and appendix A, https://arxiv.org/abs/1802.05957).

    The matrices are those of dense layers (of minibatch discrimination, too, whose slope would
    have no bound otherwise), convolutions and LSTMs, in LSTMs those from the input and those from
    the state. Vectors, such as biases, are left alone. As in the paper, the taps of a convolution
    count as one matrix, which bounds its slope up to the root of the number of taps.

    Values are multiplied by ``lipschitz``: with slopes of 1 at most, those of series that are
    close to each other can hardly differ, and a hinge is out of reach.
    """

    def __init__(self, module: nn.Module, lipschitz: float = 1.0) -> None:
        super().__init__()
        self.module = module
        self.lipschitz = lipschitz
        self.names = list(_matrices(module))
        for k, weight in enumerate(self._weights()):
            u, _, v = torch.linalg.svd(weight.detach().flatten(1), full_matrices=False)
            self.register_buffer(f"u_{k}", u[:, 0].clone())
            self.register_buffer(f"v_{k}", v[0].clone())

    @property
    def sees_batch(self) -> bool:
        return getattr(self.module, "sees_batch", False)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        return self.lipschitz * functional_call(self.module, self.normalized(), (x, c))

    def features(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        weights = {f"module.{name}": weight for name, weight in self.normalized().items()}
        return functional_call(_Features(self.module), weights, (x, c))

    def normalized(self) -> dict[str, Tensor]:
        """Return the weights that the module computes with, by their names in it."""
        divided = {}
        for k, (name, weight) in enumerate(zip(self.names, self._weights(), strict=True)):
            u, v = getattr(self, f"u_{k}"), getattr(self, f"v_{k}")
            divided[name] = weight / torch.dot(u, weight.flatten(1) @ v)
        return divided

    @torch.no_grad()
    def iterate(self) -> None:
        """Let u and v follow the weights: one step of power iteration."""
        for k, weight in enumerate(self._weights()):
            matrix = weight.flatten(1)
            v = normalize(matrix.T @ getattr(self, f"u_{k}"), dim=0)
            # New tensors: a graph that waits for its backward pass may hold the old ones.
            setattr(self, f"v_{k}", v)
            setattr(self, f"u_{k}", normalize(matrix @ v, dim=0))

    def _weights(self) -> Iterator[Tensor]:
        for name in self.names:
            owner, _, attribute = name.rpartition(".")
            # Not get_parameter: functional_call may have put a plain tensor in its place.
            yield getattr(self.module.get_submodule(owner), attribute)


class GradientNormalized(nn.Module):
    """``f / (||grad f|| + |f|)`` of a discriminator f: values within -1 and 1.

    The gradient is with respect to the series, and its norm over all values of one. Of values
    for each timestep, f is the mean. Where f is linear piece by piece, the slope is at most 1;
    recurrent layers and attention are not, and have that bound on the values only.

    Source: Y.-L. Wu et al. (2021), "Gradient normalization for generative adversarial networks",
    https://arxiv.org/abs/2109.02235
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    @property
    def sees_batch(self) -> bool:
        return getattr(self.module, "sees_batch", False)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        wanted = torch.is_grad_enabled()
        with torch.enable_grad(), double_backward():
            x = x if x.requires_grad else x.detach().requires_grad_()
            f = self.module(x, c)
            f = f.mean(dim=1) if f.ndim == 2 else f
            (slope,) = torch.autograd.grad(f.sum(), x, create_graph=wanted)
        f = f if wanted else f.detach()
        # Where a discriminator is 0 and flat, so is this.
        return f / (slope.flatten(1).norm(dim=1) + f.abs()).clamp_min(1e-12)

    def features(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        return self.module.features(x, c)  # type: ignore[operator]


@torch.no_grad()
def clip_weights_(module: nn.Module, value: float) -> None:
    """Move all parameters, in place, to within ``-value`` and ``value``.

    Source: M. Arjovsky, S. Chintala and L. Bottou (2017), "Wasserstein GAN", algorithm 1,
    https://arxiv.org/abs/1701.07875
    """
    for parameter in module.parameters():
        parameter.clamp_(-value, value)


class _Features(nn.Module):
    """``features`` as ``forward``, the only method that ``functional_call`` knows."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any) -> Tensor:
        return self.module.features(*inputs)  # type: ignore[operator]


def _matrices(module: nn.Module) -> Iterator[str]:
    """Names of the parameters to be normalised; refuse what the normalisation says nothing of."""
    for path, layer in module.named_modules():
        owned = [n for n, p in layer.named_parameters(recurse=False) if p.ndim > 1]
        if isinstance(layer, ATTENTION):
            # Kim, Papamakarios and Mnih (2021), https://arxiv.org/abs/2006.04710
            raise _refusal(layer, "dot-product attention has no Lipschitz constant")
        if owned and not isinstance(layer, LAYERS):
            raise _refusal(layer, "it has matrices of a meaning unknown here")
        yield from (f"{path}.{name}".lstrip(".") for name in owned)


def _refusal(layer: nn.Module, why: str) -> ValueError:
    known = ", ".join(kind.__name__ for kind in LAYERS)
    return ValueError(
        f"spectral normalization cannot take a {type(layer).__name__}: {why}; use a discriminator "
        f"made of {known}, or another normalization"
    )
