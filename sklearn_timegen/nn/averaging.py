"""The moving average of a network's weights, kept beside them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["WeightAverage"]


class WeightAverage(nn.Module):
    """A module that keeps the average of one of its networks.

    Parameters
    ----------
    network : Module
        The network whose weights are averaged; a subclass holds it.
    decay : float
        Decay of the average in each step, after a warm-up; 0 keeps none.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self.ema_decay = decay
        if decay > 0:  # buffers: what is not trained must not be handed to an optimizer
            for k, parameter in enumerate(network.parameters()):
                self.register_buffer(f"average_{k}", parameter.detach().clone())

    @property
    def averaged_network(self) -> nn.Module:
        """The network whose weights are averaged."""
        raise NotImplementedError

    def averaged(self) -> dict[str, Tensor]:
        """The averaged weights by name; none without an average."""
        if self.ema_decay == 0:
            return {}
        names = [name for name, _ in self.averaged_network.named_parameters()]
        return dict(zip(names, self._averages(), strict=True))

    def track(self, n: int) -> None:
        """Take the weights after step number ``n`` into the average."""
        if self.ema_decay == 0:
            return
        decay = min(self.ema_decay, n / (n + 9))  # a long memory must not begin with the start
        torch._foreach_lerp_(self._averages(), self._trained(), 1 - decay)

    def _averages(self) -> list[Tensor]:
        return [buffer for name, buffer in self._buffers.items() if name.startswith("average_")]  # type: ignore[misc]

    def _trained(self) -> list[Tensor]:
        return [parameter.detach() for parameter in self.averaged_network.parameters()]
