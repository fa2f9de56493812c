"""The game of pairs: a student's series against the teacher's, from the same noise.

Symbols: z noise, x the teacher's series of it, c conditions, x~ = G(z, c) the student's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sklearn_timegen.data import Series
from sklearn_timegen.distillation.objectives import pair_error
from sklearn_timegen.nn.adversaries import Adversaries
from sklearn_timegen.objectives.adversarial import AdversarialLoss
from sklearn_timegen.objectives.penalties import Penalty
from sklearn_timegen.training import Game

__all__ = ["PairedGame"]


class PairedGame(Game):
    """A game in which ``fake`` also has to be near the ``real`` series of the same row.

    Both are series of the same noise, the batch's ``latents``, which the discriminator is shown.

    Parameters
    ----------
    loss, penalties
        As for ``Game``.
    weight : float
        Weight of the adversarial loss beside the distance.
    """

    def __init__(
        self, loss: AdversarialLoss, penalties: Sequence[tuple[Penalty, float]], weight: float
    ) -> None:
        super().__init__(loss, penalties)
        self.weight = weight

    def of_generator(
        self,
        discriminator: Any,
        features: Any,
        real: Tensor,
        fake: Tensor,
        ahead: bool = False,
        c: Tensor | None = None,
    ) -> Tensor:
        played = super().of_generator(discriminator, features, real, fake, ahead, c)
        return pair_error(fake, real).mean() + self.weight * played

    def latents(
        self, networks: Adversaries, batch: Series, rng: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        super().latents(networks, batch, rng)  # the stream goes on as it does in other games
        return batch.latents, None

    def shown(self, batch: Series) -> Tensor | None:
        if batch.conditions is None:
            return batch.latents
        return torch.cat([batch.latents, batch.conditions], dim=1)
