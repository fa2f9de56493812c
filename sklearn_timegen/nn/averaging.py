"""The moving average of a network's weights."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["WeightAverage"]


class WeightAverage(AveragedModel):
    """A network whose weights are the moving average of another one's; it is not trained.

    Parameters
    ----------
    network : Module
        The network whose weights are averaged. The average begins with its weights as they are.
    decay : float
        Decay of the average in each step, after a warm-up.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__(network, multi_avg_fn=partial(_move, decay))
        self._own: tuple[list[Tensor], list[Tensor]] | None = None
        self.requires_grad_(False)
        self.n_averaged.fill_(1)

    @classmethod
    def of(cls, network: nn.Module, decay: float) -> WeightAverage | None:
        """Return the average of a network's weights; none for a decay of 0."""
        return cls(network, decay) if decay > 0 else None

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take the network's weights into the average; buffers are what they are there.

        torch's own goes through the weights one by one, which takes longer than to average them.
        """
        if self._own is None:  # to look for them takes a tenth of the time, too
            self._own = list(self.module.parameters()), list(self.module.buffers())
        average: Any = self.multi_avg_fn
        average(self._own[0], list(model.parameters()), self.n_averaged)
        buffers = list(model.buffers())
        if buffers:
            torch._foreach_copy_(self._own[1], buffers)
        self.n_averaged += 1

    def _apply(self, fn: Any, recurse: bool = True) -> WeightAverage:
        self._own = None  # of another device or type, they are other tensors
        return super()._apply(fn, recurse)

    def restart(self, model: nn.Module) -> None:
        """Begin the average anew with the network's weights."""
        self.n_averaged.zero_()
        self.update_parameters(model)


def _move(decay: float, averages: list[Tensor], weights: list[Tensor], n: Tensor) -> None:
    """Move averages towards the weights after step ``n``."""
    step = int(n)
    decay = min(decay, step / (step + 9))  # a long memory must not begin with the start
    torch._foreach_lerp_(averages, weights, 1 - decay)
