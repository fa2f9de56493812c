"""The game of pairs: a student's series against the teacher's, from the same noise.

Symbols: z noise, x the teacher's series of it, c = [z, condition], x~ = G(z) the student's.
"""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor

from sklearn_timegen.distillation.objectives import pair_error
from sklearn_timegen.training import AdversarialNet, Game

__all__ = ["PairNet", "PairedGame"]


class PairedGame(Game):
    """A game in which ``fake`` also has to be near the ``real`` series of the same row.

    Parameters
    ----------
    loss, penalties
        As for ``Game``.
    weight : float
        Weight of the adversarial loss beside the distance.
    """

    def __init__(self, loss: Any, penalties: Any, weight: float) -> None:
        super().__init__(loss, penalties)
        self.weight = weight

    def of_generator(
        self,
        critic: Any,
        features: Any,
        real: Tensor,
        fake: Tensor,
        ahead: bool = False,
        c: Tensor | None = None,
    ) -> Tensor:
        played = super().of_generator(critic, features, real, fake, ahead, c)
        return pair_error(fake, real).mean() + self.weight * played


class PairNet(AdversarialNet):
    """A net whose samples are watched as those of any other: from noise of their own."""

    def _record_distance(self, iterator: Any, prefix: str) -> None:
        alone = copy.copy(iterator)
        alone.c = iterator.c[:, self.networks.n_latents :]
        if alone.c.shape[1] == 0:
            alone.c = None
        super()._record_distance(alone, prefix)
