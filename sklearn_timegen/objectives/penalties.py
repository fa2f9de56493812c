r"""Penalties on the slope of a player, which know nothing of its loss: one value a series.

Symbols: D is a critic, any function from series ``(B, T, D)`` to values ``(B,)``, or ``(B, K)``
for K judgements of a series, whose mean then counts; x a real series, x~ a fake one,
x^ = e x + (1 - e) x~ a point between them, with an e in [0, 1] of its own for each pair; grad is
taken with respect to the series, and its norm over all coordinates of one series.

A penalty is returned without its weight, but with the constants of its formula: R1 with the
half, so that its weight is the gamma of papers which write "gamma / 2".

A norm's own slope is undefined at 0; here it is 0, not NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

__all__ = [
    "PENALTIES",
    "R1",
    "R2",
    "Critic",
    "GradientPenalty",
    "OneSidedPenalty",
    "PathLengthPenalty",
    "Penalty",
    "ZeroCentredPenalty",
    "between",
    "root",
    "squared_slope",
]

Critic = Callable[[Tensor], Tensor]


class Penalty(Protocol):
    """A penalty on the discriminator, in terms of what a step of it has at hand.

    ``real_values`` and ``fake_values`` are what the loss was computed from; of the series named
    in ``uses``, ``requires_grad_()`` has to be called before they are. ``critic``, with the
    condition bound, and ``e``, uniform numbers of shape ``(B,)``, are for penalties
    ``on_interpolates``: no other runs the critic, nor reads ``e``.
    """

    player: ClassVar[str] = "discriminator"
    uses: ClassVar[tuple[str, ...]] = ()
    on_interpolates: ClassVar[bool] = False
    default_weight: ClassVar[float]

    def __call__(
        self,
        critic: Critic,
        real: Tensor,
        fake: Tensor,
        real_values: Tensor,
        fake_values: Tensor,
        e: Tensor | None = None,
    ) -> Tensor: ...


def squared_slope(values: Tensor, series: Tensor) -> Tensor:
    """Squared norm of each series' gradient, which can be differentiated in turn."""
    # A value depends on its own series, so that one backward pass serves the whole batch. (With
    # minibatch discrimination, on the others, too; their share is then in the slope.)
    total = values.reshape(len(values), -1).mean(dim=1).sum()
    (gradient,) = torch.autograd.grad(total, series, create_graph=True)
    return gradient.flatten(1).square().sum(dim=1)


def root(square: Tensor) -> Tensor:
    """Square root, with a slope of 0 at 0."""
    positive = square > 0
    # Both branches are differentiated: the one that is not taken must be finite, too.
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)


def between(real: Tensor, fake: Tensor, e: Tensor) -> Tensor:
    """Return x^, with respect to which gradients can be taken."""
    x_hat = torch.lerp(fake, real, e.reshape(-1, *[1] * (real.ndim - 1)))
    # Not detached: an unrolled step depends on the generator through x^, too.
    return x_hat if x_hat.requires_grad else x_hat.requires_grad_()


# -- on the line between real and fake --------------------------------------------------------


class _OnInterpolates(Penalty):
    on_interpolates = True
    default_weight = 10.0

    def excess(self, norm: Tensor) -> Tensor:
        raise NotImplementedError

    def __call__(
        self,
        critic: Critic,
        real: Tensor,
        fake: Tensor,
        real_values: Tensor,
        fake_values: Tensor,
        e: Tensor | None = None,
    ) -> Tensor:
        assert e is not None  # as the flag says
        x_hat = between(real, fake, e)
        return self.excess(root(squared_slope(critic(x_hat), x_hat))).square()


class GradientPenalty(_OnInterpolates):
    """``(||grad D(x^)|| - 1)^2``, weight 10.

    It is soft: where q is p moved by a distance d, the best critic's slope is not 1 but
    ``1 + d / (2 weight)``, and the difference of means overstates W1 by as much. In a single
    dimension a slope of the wrong sign stays, since it could turn only through 0.

    Source: I. Gulrajani et al. (2017), "Improved training of Wasserstein GANs" (WGAN-GP),
    https://arxiv.org/abs/1704.00028
    """

    def excess(self, norm: Tensor) -> Tensor:
        return norm - 1


class OneSidedPenalty(_OnInterpolates):
    """``max(0, ||grad D(x^)|| - 1)^2``, weight 10: slopes below 1 are free.

    Source: H. Petzka, A. Fischer and D. Lukovnikov (2018), "On the regularization of Wasserstein
    GANs" (WGAN-LP), https://arxiv.org/abs/1709.08894
    """

    def excess(self, norm: Tensor) -> Tensor:
        return relu(norm - 1)


# -- on the series themselves -----------------------------------------------------------------


class _OnSeries(Penalty):
    # Papers' gammas belong to data sets of images, and differ between them by orders of magnitude;
    # 1 suits standardised windows of some hundred values (benchmarks/results/quality.md).
    default_weight = 1.0

    def __call__(
        self,
        critic: Critic,
        real: Tensor,
        fake: Tensor,
        real_values: Tensor,
        fake_values: Tensor,
        e: Tensor | None = None,
    ) -> Tensor:
        both = {"real": (real_values, real), "fake": (fake_values, fake)}
        return 0.5 * torch.stack([squared_slope(*both[name]) for name in self.uses]).sum(dim=0)


class R1(_OnSeries):
    """``1/2 ||grad D(x)||^2`` on real series; the weight is gamma.

    Source: L. Mescheder, A. Geiger and S. Nowozin (2018), "Which training methods for GANs do
    actually converge?", https://arxiv.org/abs/1801.04406
    """

    uses = ("real",)


class R2(_OnSeries):
    """``1/2 ||grad D(x~)||^2`` on fakes; otherwise as :class:`R1`."""

    uses = ("fake",)


class ZeroCentredPenalty(_OnSeries):
    """:class:`R1` plus :class:`R2`, weight gamma.

    Source: Y. Huang et al. (2024), "The GAN is dead; long live the GAN! A modern GAN baseline"
    (R3GAN), https://arxiv.org/abs/2501.05441
    """

    uses = ("real", "fake")


# -- on the generator -------------------------------------------------------------------------


class PathLengthPenalty(nn.Module):
    """``(||J_w' y|| - a)^2``, weight 2: all steps of w are to move a series equally far.

    J_w is the Jacobian of the generator at w, ``(B, d)``; y = ``y_noise / sqrt(T)``, standard
    normal draws of the series' shape ``(B, T, D)`` over the root of the number of positions; a a
    moving average of the lengths, constant to the gradient, as in StyleGAN2's code from 0 and
    with a share of 0.01 for the latest batch. It moves in training mode only, and is a buffer.

    Source: T. Karras et al. (2020), "Analyzing and improving the image quality of StyleGAN",
    section 3.2 and appendix B, https://arxiv.org/abs/1912.04958
    """

    player: ClassVar[str] = "generator"
    default_weight: ClassVar[float] = 2.0
    DECAY = 0.01
    mean_length: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean_length", torch.zeros(()))

    def forward(self, w: Tensor, series: Tensor, y_noise: Tensor) -> Tensor:
        product = (series * y_noise).sum() / math.sqrt(series.shape[1])
        (gradient,) = torch.autograd.grad(product, w, create_graph=True)
        lengths = root(gradient.flatten(1).square().sum(dim=1))
        if self.training:
            latest = lengths.detach().mean().to(self.mean_length)
            self.mean_length.lerp_(latest, self.DECAY)
        return (lengths - self.mean_length).square()


PENALTIES: dict[str, type[Any]] = {
    "gradient": GradientPenalty,
    "one-sided": OneSidedPenalty,
    "r1": R1,
    "r2": R2,
    "zero-centred": ZeroCentredPenalty,
    "path-length": PathLengthPenalty,
}
