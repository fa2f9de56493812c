"""Training that teaches a network to behave alike whether it is taught or left to itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_timegen.data import Series
from sklearn_timegen.objectives.adversarial import NonSaturatingLoss
from sklearn_timegen.training import AdversarialNet, GeneratorNet, Step

__all__ = ["ProfessorNet"]

TAUGHT_BELOW = 0.99  # accuracy above which a discriminator learns no more
TRUSTED_ABOVE = 0.75  # accuracy up to which it has nothing to tell the generator


class ProfessorNet(GeneratorNet):
    """Likelihood given the true past, and a discriminator of taught and free-running behaviour.

    Each batch is taught (the network reads the true series) and run free (it reads its own), and
    the discriminator sees the states and the values of both. It takes a step unless it is right
    in more than 99 % of the cases already, and adds to the generator's loss only if it is right
    in more than 75 % (Lamb et al. 2016, section 2, https://arxiv.org/abs/1610.09038). An epoch
    records the likelihood as ``train_loss``, and beside it both networks' adversarial losses, the
    norms of their gradients and the discriminator's accuracy.

    Parameters
    ----------
    module, criterion, seed, discriminator_lr, **kwargs
        As for ``GeneratorNet``; the module is an ``AdversarialPair``, the criterion the
        likelihood.
    adversarial_weight : float
        Weight of the adversarial loss, a mean over timesteps.
    mutual : bool
        Whether taught behaviour is to look free, too.
    game_interval : int
        The discriminator plays with each so-manieth batch, and weighs so many times as much;
        with the others, the network is only taught. The count goes on across epochs.
    """

    NETWORKS = AdversarialNet.NETWORKS

    def __init__(
        self,
        module: Callable[[], nn.Module],
        criterion: Callable[[], nn.Module],
        *,
        seed: int,
        adversarial_weight: float = 1.0,
        mutual: bool = False,
        game_interval: int = 1,
        **kwargs: Any,
    ) -> None:
        self.adversarial_weight = adversarial_weight
        self.mutual = mutual
        self.game_interval = game_interval
        super().__init__(module, criterion, seed=seed, **kwargs)

    def train_step(self, batch: Series, **params: object) -> Step:
        x, c = batch.values, batch.conditions
        mixture, states = self.networks.generator.behave(x, c)
        likelihood = self.criterion_.of(mixture, batch).mean()
        logs: dict[str, Tensor] = {}
        if self.n_steps_["generator"] % self.game_interval == 0:
            logs = self._play(likelihood, states, batch)
        else:
            self._optimizer_step(likelihood, batch, "generator")
        return {"loss": likelihood.detach(), "y_pred": None, "logs": logs}

    def _play(self, likelihood: Tensor, states: Tensor, batch: Series) -> dict[str, Tensor]:
        """Let the network run free, and both take a step; return what is recorded."""
        x, c = batch.values, batch.conditions
        network = self.networks.generator
        drawn, free_states = network.run_free(*network.noise(len(x), self.noise_), c)
        taught, free = torch.cat([states, x], dim=2), torch.cat([free_states, drawn], dim=2)
        logs = self._discriminator_step(taught.detach(), free.detach(), batch)
        loss = likelihood
        if logs["discriminator_accuracy"] > TRUSTED_ABOVE:
            weight = self.game_interval * self.adversarial_weight
            loss = loss + weight * self._deceit(taught, free, c)
        return {**logs, "generator_gradient": self._optimizer_step(loss, batch, "generator")}

    def _discriminator_step(
        self, taught: Tensor, free: Tensor, batch: Series
    ) -> dict[str, Tensor]:
        """Let the discriminator learn, unless it knows; return how it judged before."""
        game, c = NonSaturatingLoss(), batch.conditions
        of_taught, of_free = (self.networks.discriminator(b, c) for b in (taught, free))
        loss = game.discriminator(of_taught, of_free).mean()
        logs = {
            "discriminator_loss": loss.detach(),
            "discriminator_accuracy": _accuracy(of_taught.detach(), of_free.detach()),
            "generator_loss": game.generator(None, of_free.detach()).mean(),
        }
        norm = torch.zeros_like(logs["discriminator_loss"])
        if logs["discriminator_accuracy"] <= TAUGHT_BELOW:
            norm = self._optimizer_step(loss, batch, "discriminator")
        return {**logs, "discriminator_gradient": norm}

    def _deceit(self, taught: Tensor, free: Tensor, c: Tensor | None) -> Tensor:
        """Return what the generator pays for being told apart, by weights that stay put."""
        game, discriminator = NonSaturatingLoss(), self.networks.discriminator
        each = game.generator(None, discriminator(free, c))
        if self.mutual:
            each = each + game.generator(None, -discriminator(taught, c))
        return each.mean()


def _accuracy(of_taught: Tensor, of_free: Tensor) -> Tensor:
    """Share of series whose mean value has the right sign; one half for a value of 0."""
    right = torch.cat([of_taught.mean(dim=1), -of_free.mean(dim=1)]).sign()
    return ((right + 1) / 2).mean()
