r"""Adversarial losses: the values of a discriminator in, one loss for each value out.

Symbols: p is the distribution of real series, q of fakes, D a discriminator, v = D(x) its value
of a series, a real number. ``real`` and ``fake`` hold the values of a batch, ``(B,)``, or
``(B, K)`` where D judges each series K times, as each timestep. Losses act on each value by
itself, so that what a net takes is the mean of the logarithms, never the logarithm of a mean.
Of a batch, x are the real series, x~ the fakes, c the conditions of both (one-hot for labels) and
phi the features that D makes of a series.
Sigmoids and their logarithms are written as softplus(v) = log(1 + exp(v)), which is exact for
values of any size: log sigmoid(v) = -softplus(-v) and log(1 - sigmoid(v)) = -softplus(v).

An f-divergence is D_f(p || q) = E_q f(u) with u = p / q, f convex and f(1) = 0; f* is the
conjugate of f, T = g_f(v) a variational function whose output activation g_f keeps it in the
domain of f*.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

__all__ = [
    "DIVERGENCES",
    "LOSSES",
    "AdversarialLoss",
    "Divergence",
    "FDivergenceLoss",
    "GANDivergence",
    "HingeLoss",
    "JensenShannon",
    "KullbackLeibler",
    "LeastSquaresLoss",
    "MinimaxLoss",
    "NonSaturatingLoss",
    "Pearson",
    "RelativisticLoss",
    "ReverseKullbackLeibler",
    "SquaredHellinger",
    "WassersteinLoss",
    "feature_matching",
    "make_loss",
    "pairwise_accuracy",
]


class AdversarialLoss(Protocol):
    """What generator and discriminator descend, and what that needs."""

    generator_needs_real: ClassVar[bool] = False  # else its ``real`` may be None
    sees_differences: ClassVar[bool] = False  # the same if all values move by as much
    zero_sum: ClassVar[bool] = False  # the generator's loss is minus D's, but for D(x)
    has_labels: ClassVar[bool] = False  # only labels can be smoothed
    needs_lipschitz: ClassVar[bool] = False  # unbounded, unless D's slope is held

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor: ...
    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor: ...


# -- with labels ------------------------------------------------------------------------------


class _CrossEntropyLoss(AdversarialLoss):
    """``-log sigmoid(v)`` of the real, ``-log(1 - sigmoid(v))`` of fakes; D* = p / (p + q).

    ``smoothing`` s sets the label of the real to 1 - s and leaves the fakes' at 0 (Salimans et
    al. 2016, section 3.4).

    Source: I. Goodfellow et al. (2014), "Generative adversarial nets",
    https://arxiv.org/abs/1406.2661
    """

    has_labels = True

    def __init__(self, smoothing: float = 0.0) -> None:
        self.smoothing = smoothing

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        of_real = (1 - self.smoothing) * softplus(-real) + self.smoothing * softplus(real)
        return of_real + softplus(fake)


class MinimaxLoss(_CrossEntropyLoss):
    """The generator descends what D ascends, ``log(1 - sigmoid(v))``: 2 JS(p, q) - log 4 at D*.

    It saturates: its slope vanishes where D is sure of a fake.
    """

    zero_sum = True

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return -softplus(fake)


class NonSaturatingLoss(_CrossEntropyLoss):
    """The generator descends ``-log sigmoid(v)``: steepest where D is sure of a fake."""

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return softplus(-fake)


class LeastSquaresLoss(AdversarialLoss):
    """Half the squared distance from the labels, 1 and 0, and from 1 for the generator.

    Source: X. Mao et al. (2017), "Least squares generative adversarial networks", equation 9,
    https://arxiv.org/abs/1611.04076
    """

    has_labels = True

    def __init__(self, smoothing: float = 0.0) -> None:
        self.smoothing = smoothing

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * (real - (1 - self.smoothing)).square() + 0.5 * fake.square()

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return 0.5 * (fake - 1).square()


# -- without labels ---------------------------------------------------------------------------


class HingeLoss(AdversarialLoss):
    """D stops at a margin of 1 on either side.

    Source: J. H. Lim and J. C. Ye (2017), "Geometric GAN", https://arxiv.org/abs/1705.02894
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real) + relu(1 + fake)

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return -fake


class WassersteinLoss(AdversarialLoss):
    """Minus the difference of the means: W1(p, q), if D is the best function of slope 1.

    Source: M. Arjovsky, S. Chintala and L. Bottou (2017), "Wasserstein generative adversarial
    networks", https://arxiv.org/abs/1701.07875
    """

    zero_sum = True
    needs_lipschitz = True
    sees_differences = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake - real

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return -fake


class RelativisticLoss(AdversarialLoss):
    """Cross-entropy of the difference between a real series' value and a fake one's, in pairs.

    Sources: A. Jolicoeur-Martineau (2019), "The relativistic discriminator: a key element missing
    from standard GAN", https://arxiv.org/abs/1807.00734; Y. Huang et al. (2024), "The GAN is
    dead; long live the GAN! A modern GAN baseline" (R3GAN), https://arxiv.org/abs/2501.05441
    """

    generator_needs_real = True
    sees_differences = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real)

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        assert real is not None  # as the flag says
        return softplus(real - fake)


# -- f-divergences ----------------------------------------------------------------------------


class Divergence(Protocol):
    """An f-divergence by its variational function, each as a function of D's value."""

    def output(self, v: Tensor) -> Tensor:
        """T = g_f(v)."""
        ...

    def conjugate(self, v: Tensor) -> Tensor:
        """f*(g_f(v)), in closed form."""
        ...


class KullbackLeibler(Divergence):
    """KL(p || q): f(u) = u log u, f*(t) = exp(t - 1)."""

    def output(self, v: Tensor) -> Tensor:
        return v

    def conjugate(self, v: Tensor) -> Tensor:
        return (v - 1).exp()


class ReverseKullbackLeibler(Divergence):
    """KL(q || p): f(u) = -log u, f*(t) = -1 - log(-t), T = -exp(-v)."""

    def output(self, v: Tensor) -> Tensor:
        return -(-v).exp()

    def conjugate(self, v: Tensor) -> Tensor:
        return v - 1


class Pearson(Divergence):
    """Pearson's chi^2: f(u) = (u - 1)^2, f*(t) = t^2 / 4 + t."""

    def output(self, v: Tensor) -> Tensor:
        return v

    def conjugate(self, v: Tensor) -> Tensor:
        return 0.25 * v.square() + v


class SquaredHellinger(Divergence):
    """f(u) = (sqrt(u) - 1)^2, f*(t) = t / (1 - t), T = 1 - exp(-v)."""

    def output(self, v: Tensor) -> Tensor:
        return -torch.expm1(-v)

    def conjugate(self, v: Tensor) -> Tensor:
        return torch.expm1(v)


class JensenShannon(Divergence):
    """f-GAN's "Jensen-Shannon", which is twice JS(p, q).

    f(u) = u log u - (u + 1) log((u + 1) / 2), f*(t) = -log(2 - exp(t)),
    T = log 2 - log(1 + exp(-v)).
    """

    def output(self, v: Tensor) -> Tensor:
        return math.log(2) - softplus(-v)

    def conjugate(self, v: Tensor) -> Tensor:
        return softplus(v) - math.log(2)


class GANDivergence(Divergence):
    """2 JS(p, q) - log 4: the minimax loss. f*(t) = -log(1 - exp(t)), T = -log(1 + exp(-v))."""

    def output(self, v: Tensor) -> Tensor:
        return -softplus(-v)

    def conjugate(self, v: Tensor) -> Tensor:
        return softplus(v)


DIVERGENCES: dict[str, Divergence] = {
    "kl": KullbackLeibler(),
    "reverse-kl": ReverseKullbackLeibler(),
    "pearson": Pearson(),
    "hellinger": SquaredHellinger(),
    "jensen-shannon": JensenShannon(),
    "gan": GANDivergence(),
}


class FDivergenceLoss(AdversarialLoss):
    """D ascends E_p T - E_q f*(T), at most D_f(p || q); the generator descends it.

    The best T is f'(u), where f*(T) has the slope u f''(u) in u: what reaches the generator is
    the gradient of D_f itself. The paper's section 3.2 has the generator ascend T instead, whose
    slope is f''(u): the gradient of another divergence, that of the h with u h''(u) = f''(u). For
    KL, f'' = 1 / u and h = -log u, so that the reverse KL would be minimised in its place.

    Exponentials are left as they are, since with any smaller f* this is no bound: under KL,
    reverse KL and Hellinger, values beyond 88 overflow in single precision, to infinite losses.

    Source: S. Nowozin, B. Cseke and R. Tomioka (2016), "f-GAN: training generative neural
    samplers using variational divergence minimization", https://arxiv.org/abs/1606.00709
    """

    zero_sum = True

    def __init__(self, divergence: str | Divergence) -> None:
        self.divergence = DIVERGENCES[divergence] if isinstance(divergence, str) else divergence

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.divergence.conjugate(fake) - self.divergence.output(real)

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return -self.divergence.conjugate(fake)


# -- by name ----------------------------------------------------------------------------------

LOSSES: dict[str, type[Any]] = {
    "minimax": MinimaxLoss,
    "non-saturating": NonSaturatingLoss,
    "least-squares": LeastSquaresLoss,
    "hinge": HingeLoss,
    "wasserstein": WassersteinLoss,
    "relativistic": RelativisticLoss,
}


def make_loss(loss: str | AdversarialLoss, smoothing: float = 0.0) -> AdversarialLoss:
    """Return the loss of a name in ``LOSSES`` or ``DIVERGENCES``, or the object as it is.

    An object needs the methods ``discriminator`` and ``generator``. Flags that it lacks are taken
    for False, but for ``generator_needs_real``; ``AdversarialLoss`` is there to inherit them from.
    """
    if not isinstance(loss, str):
        if not all(callable(getattr(loss, name, None)) for name in ("discriminator", "generator")):
            raise ValueError(f"a loss has the methods discriminator and generator; got {loss!r}")
    elif loss not in {*LOSSES, *DIVERGENCES}:
        raise ValueError(f"loss must be one of {[*LOSSES, *DIVERGENCES]}, got {loss!r}")
    elif loss in LOSSES and LOSSES[loss].has_labels:
        return LOSSES[loss](smoothing)
    if smoothing:
        labelled = [name for name, one in LOSSES.items() if one.has_labels]
        raise ValueError(
            f"label_smoothing={smoothing} changes labels, of which loss={loss!r} has none; losses "
            f"that have them are {labelled}"
        )
    if not isinstance(loss, str):
        return loss
    return LOSSES[loss]() if loss in LOSSES else FDivergenceLoss(loss)


# -- beside the loss --------------------------------------------------------------------------


def feature_matching(
    real_features: Tensor, fake_features: Tensor, c: Tensor | None = None
) -> Tensor:
    """Squared distance between the batches' mean features, ``(B, F)`` or ``(B, T, F)``: one value.

    Only the batch is averaged over: a timestep's features are features of their own.

    With conditions, ``(B, C)``, it is the mean over c of ``||E[phi(x) | c] - E[phi(x~) | c]||^2``,
    the x~ having been made for the same c, where the difference of means is the linear function
    of c that fits ``phi(x) - phi(x~)`` best (least squares). For labels that is the distance
    between the mean features of each label, weighed by its share: without c, a generator that
    takes one label for another would match as well. Conditions have to be far fewer than series.

    Sources: T. Salimans et al. (2016), "Improved techniques for training GANs", section 3.1,
    https://arxiv.org/abs/1606.03498; O. Mogren (2016), "C-RNN-GAN: continuous recurrent neural
    networks with adversarial training", https://arxiv.org/abs/1611.09904; for labels: J. Bao,
    D. Chen, F. Wen, H. Li and G. Hua (2017), "CVAE-GAN: fine-grained image generation through
    asymmetric training" (there every label weighs as much), https://arxiv.org/abs/1703.10155
    """
    of_means = (real_features.mean(dim=0) - fake_features.mean(dim=0)).square().sum()
    if c is None:
        return of_means
    # What fits best is the mean, and, orthogonal to it, a function of c less its mean.
    centred = c - c.mean(dim=0)
    moments = centred.T @ (real_features - fake_features).flatten(1) / len(c)
    # One of the labels' columns follows from the others, which is one rank less.
    inverse = torch.linalg.pinv(centred.T @ centred / len(c), rtol=1e-5, hermitian=True)
    return of_means + (moments * (inverse @ moments)).sum()


def pairwise_accuracy(real: Tensor, fake: Tensor) -> Tensor:
    """Share of all pairs in which D values the real series above the fake one: 0.5 is chance.

    Ties count one half; K judgements of a series are averaged. Unlike a loss it means the same
    whatever the loss is: it is the area under the ROC curve.
    """
    a, b = (values.reshape(len(values), -1).mean(dim=1) for values in (real, fake))
    above, at_least = (compared.double().mean() for compared in (a[:, None] > b, a[:, None] >= b))
    return 0.5 * (above + at_least)
