"""What every training of several players shares: one optimizer, of which each steps a part."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from skorch.utils import TeeGenerator
from torch import Tensor

from sklearn_timegen.data import Series
from sklearn_timegen.training.net import GeneratorNet

__all__ = ["PlayersNet"]


class PlayersNet(GeneratorNet):
    """A skorch net whose module has a ``generator``, a ``discriminator``, and perhaps others.

    One optimizer holds a group of parameters for each player and steps one group at a time, so
    that schedulers, snapshots and pickles see a single optimizer.

    Parameters
    ----------
    module, criterion, seed, **kwargs
        As for ``GeneratorNet``.
    discriminator_lr : float or None
        The discriminator's own learning rate.
    """

    def __init__(
        self,
        module: Any,
        criterion: Any,
        *,
        seed: int,
        discriminator_lr: float | None = None,
        **kwargs: Any,
    ) -> None:
        self.discriminator_lr = discriminator_lr
        super().__init__(module, criterion, seed=seed, **kwargs)

    PLAYERS: ClassVar[tuple[str, ...]] = ("generator", "discriminator")

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Return a group of parameters for each player."""
        _, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        groups: list[dict[str, Any]] = [{"params": self._trained_by(p)} for p in self.PLAYERS]
        if self.discriminator_lr is not None:
            groups[self.PLAYERS.index("discriminator")]["lr"] = self.discriminator_lr
        return (groups,), kwargs

    def _trained_by(self, player: str) -> list[torch.nn.Parameter]:
        """Return what a player's steps change."""
        found = getattr(self.networks, player).parameters()
        return [parameter for parameter in found if parameter.requires_grad]

    @property
    def networks(self) -> Any:
        """The module, outside of what ``torch.compile`` wraps around it."""
        return getattr(self.module_, "_orig_mod", self.module_)

    def keep_discriminator_lr(self, discriminator_lr: float | None) -> None:
        """Set the discriminator's learning rate for further training: ``lr`` is set for all."""
        self._group("discriminator")["lr"] = discriminator_lr or self.lr

    def _optimizer_step(self, player: str, loss: Tensor, batch: Series, *others: str) -> Tensor:
        """Take the step of one player, or of several; those who are not named stay put.

        Returns the norm of the first one's gradient.
        """
        stepping = [self._group(name) for name in (player, *others)]
        parameters = [parameter for group in stepping for parameter in group["params"]]
        for parameter in parameters:
            parameter.grad = None
        torch.autograd.backward(loss, inputs=parameters)
        norm = torch.nn.utils.get_total_norm(
            [p.grad for p in stepping[0]["params"] if p.grad is not None]
        )
        if self._gradients_heard:
            moved = {id(parameter) for parameter in parameters}
            named = TeeGenerator(
                (name, p) for name, p in self.networks.named_parameters() if id(p) in moved
            )
            self.notify("on_grad_computed", named_parameters=named, batch=batch, training=True)
        groups = self.optimizer_.param_groups
        self.optimizer_.param_groups = stepping
        try:
            self.optimizer_.step()
        finally:
            self.optimizer_.param_groups = groups
        return norm

    def _record_means(self, logs: list[dict[str, Tensor]]) -> None:
        """Record the means of the logs of an epoch's steps, by name; a step may lack some."""
        for key in dict.fromkeys(key for step in logs for key in step):
            value = float(torch.stack([step[key] for step in logs if key in step]).mean())
            if not math.isfinite(value):
                raise self._diverged(f"the {key.replace('_', ' ')} became {value}")
            self.history.record(key, value)

    def _group(self, player: str) -> dict[str, Any]:
        return self.optimizer_.param_groups[self.PLAYERS.index(player)]
