"""What two networks minimise against each other: loss, penalties, and what softens the game.

Symbols: x real series, x~ = G(z) generated ones, D the discriminator's values of them, c the
conditions that both are given, w a penalty's weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_timegen.data import Series
from sklearn_timegen.nn.adversaries import Adversaries
from sklearn_timegen.nn.normalization import double_backward
from sklearn_timegen.objectives.adversarial import AdversarialLoss, feature_matching
from sklearn_timegen.objectives.penalties import Critic, PathLengthPenalty, Penalty

__all__ = ["Game"]


class Game(nn.Module):
    """The losses of generator and discriminator, and what the two are given.

    Parameters
    ----------
    loss : object
        With ``discriminator(real, fake)`` and ``generator(real, fake)`` on values.
    penalties : sequence of (penalty, float)
        Penalties on the discriminator and their weights.
    path_length : (penalty, float) or None
        A penalty on the generator, and its weight.
    interval : int
        Penalties are taken at each so-manieth step, so many times as heavy (Karras et al. 2020,
        "Analyzing and improving the image quality of StyleGAN", appendix B).
    matching : float
        Fraction of feature matching in the generator's loss.
    """

    def __init__(
        self,
        loss: AdversarialLoss,
        penalties: Sequence[tuple[Penalty, float]] = (),
        path_length: tuple[PathLengthPenalty, float] | None = None,
        interval: int = 1,
        matching: float = 0.0,
    ) -> None:
        super().__init__()
        self.loss = loss
        self.penalties = [penalty for penalty, _ in penalties]
        self.weights = [weight for _, weight in penalties]
        self.path_length: Any = path_length[0] if path_length else None
        self.path_weight = path_length[1] if path_length else 0.0
        self.interval = interval
        self.matching = matching
        # A loss of one's own may not say, and gets what it might need.
        self.needs_real = bool(getattr(loss, "generator_needs_real", True))
        self.zero_sum = bool(getattr(loss, "zero_sum", False))
        self.sees_differences = bool(getattr(loss, "sees_differences", False))

    # -- what they are given ------------------------------------------------------------------

    def latents(
        self, networks: Adversaries, batch: Series, rng: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Return what as many series as a batch's are made of, and noise if there is any."""
        return networks.draw(len(batch), rng)

    def shown(self, batch: Series) -> Tensor | None:
        """Return what the discriminator is shown beside the series of a batch."""
        return batch.conditions

    # -- the discriminator --------------------------------------------------------------------

    def of_discriminator(
        self,
        discriminator: Critic,
        real: Tensor,
        fake: Tensor,
        rng: torch.Generator,
        interval: int | None = 1,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the discriminator's loss, and its values of real and generated series.

        Penalties stand for ``interval`` steps, or are left out where that is None.
        """
        if not self.penalties or interval is None:
            of_real, of_fake = discriminator(real), discriminator(fake)
            return self.loss.discriminator(of_real, of_fake).mean(), of_real, of_fake
        uses = {name for penalty in self.penalties for name in penalty.uses}
        real = _differentiable(real) if "real" in uses else real
        fake = _differentiable(fake) if "fake" in uses else fake
        with double_backward():
            of_real, of_fake = discriminator(real), discriminator(fake)
            loss = self.loss.discriminator(of_real, of_fake).mean()
            for penalty, weight in zip(self.penalties, self.weights, strict=True):
                e = torch.rand(len(real), 1, 1, generator=rng, device=real.device)
                paid = penalty(discriminator, real, fake, of_real, of_fake, e)
                loss = loss + interval * weight * paid.mean()
        return loss, of_real, of_fake

    # -- the generator ------------------------------------------------------------------------

    def of_generator(
        self,
        discriminator: Critic,
        features: Critic | None,
        real: Tensor,
        fake: Tensor,
        ahead: bool = False,
        c: Tensor | None = None,
    ) -> Tensor:
        """Return what the generator descends; ``fake`` is its series of c, with gradients.

        A discriminator that is ``ahead`` depends on the generator, and so do its values of real
        series.
        """
        fraction = self.matching
        loss: Any = 0.0
        if fraction < 1:
            with torch.set_grad_enabled(ahead):
                of_real = discriminator(real) if self.needs_real or ahead else None
            of_fake = discriminator(fake)
            if of_real is not None and ahead and self.zero_sum:
                each = -self.loss.discriminator(of_real, of_fake)
            else:
                each = self.loss.generator(of_real, of_fake)
            loss = (1 - fraction) * each.mean()
        if features is not None:
            with torch.no_grad():
                wanted = features(real)
            loss = loss + fraction * feature_matching(wanted, features(fake), c)
        return loss

    def of_path(
        self, networks: Adversaries, z: Tensor, c: Tensor | None, rng: torch.Generator
    ) -> Tensor:
        """Return the penalty on the lengths of the generator's paths, times its weight."""
        generator: Any = networks.generator
        styled = hasattr(generator, "synthesize")
        with double_backward():
            w = generator.map(z, c) if styled else z.requires_grad_()
            x = generator.synthesize(w) if styled else generator(w, c)
            y = torch.randn(x.shape, generator=rng, device=x.device)
            lengths: Tensor = self.path_length(w, x, y).mean()
            return self.interval * self.path_weight * lengths


def _differentiable(x: Tensor) -> Tensor:
    """Let gradients reach a batch; where they do already (unrolling), they go on."""
    return x if x.requires_grad else x.detach().requires_grad_()
