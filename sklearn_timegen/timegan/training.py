"""Training of TimeGAN: embedding, supervision, and all networks jointly."""

from __future__ import annotations

import operator
from typing import Any, ClassVar

import torch
from torch import Tensor

from sklearn_timegen.data import Series
from sklearn_timegen.objectives.adversarial import pairwise_accuracy
from sklearn_timegen.timegan.networks import Joint
from sklearn_timegen.timegan.phases import PhasedNet

__all__ = ["TimeGANNet"]


class TimeGANNet(PhasedNet):
    """A skorch net whose module is ``TimeGANNetworks``, and whose criterion is ``TimeGANLoss``.

    In the joint phase, each batch is a step of embedder, recovery, generator and supervisor at
    once, from one pass through each; each ``generator_steps``-th one is followed by a step of the
    discriminator on what that pass made.

    Parameters
    ----------
    module, criterion, seed, **kwargs
        As for ``PhasedNet``.
    generator_steps : int
        Steps of the others for each step of the discriminator.
    discriminator_threshold : float
        The discriminator only steps while its loss is above.
    joint : bool
        Whether embedder and recovery go on learning in the joint phase.
    """

    PLAYERS: ClassVar[tuple[str, ...]] = ("autoencoder", "generator", "discriminator")
    LAST: ClassVar[str] = "joint"
    NETWORKS: ClassVar[dict[str, tuple[str, ...]]] = {
        "autoencoder": ("synthesis.embedder", "synthesis.recovery"),
        "generator": ("synthesis.generator", "synthesis.supervisor"),
        "discriminator": ("discriminator",),
    }

    def __init__(
        self,
        module: Any,
        criterion: Any,
        *,
        seed: int,
        generator_steps: int = 2,
        discriminator_threshold: float = 0.15,
        joint: bool = True,
        **kwargs: Any,
    ) -> None:
        self.generator_steps = generator_steps
        self.discriminator_threshold = discriminator_threshold
        self.joint = joint
        super().__init__(module, criterion, seed=seed, **kwargs)

    def monitored(self, held_out: bool) -> str:
        if self.phase_ == self.LAST:
            return "valid_distance" if held_out else "train_distance"
        name = "reconstruction_loss" if self.phase_ == "embedding" else "supervised_loss"
        return f"valid_{name}" if held_out else name

    def _trained_by(self, player: str) -> list[torch.nn.Parameter]:
        networks = [operator.attrgetter(path)(self.networks) for path in self.NETWORKS[player]]
        return [p for network in networks if network is not None for p in network.parameters()]

    def _samples(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        networks = self.networks.averaged
        made: Tensor = networks.generate(networks.draw(self._n_timesteps, n_samples, rng), c)
        return made

    # -- epochs ------------------------------------------------------------------------------

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **params: Any) -> Any:
        self._n_timesteps = self.get_dataset(X, y).values.shape[1]
        try:
            return super().fit_loop(X, y, epochs, **params)
        finally:
            self.networks.synthesis.workspace.clear()

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **params: Any
    ) -> None:
        super().run_single_epoch(iterator, training, prefix, step_fn, **params)
        if training or iterator is None or self.phase_ == self.LAST:
            return
        with torch.no_grad():
            logs = [self._early_loss(batch)[1] | {"n": len(batch)} for batch in iterator]
        n_series = sum(step["n"] for step in logs)
        for key in logs[0].keys() - {"n"}:
            mean = sum(float(step[key]) * step["n"] for step in logs) / n_series
            self.history.record(f"{prefix}_{key}", mean)

    # -- steps -------------------------------------------------------------------------------

    def train_step(self, batch: Series, **params: Any) -> dict[str, Any]:
        logs = self._joint_step(batch) if self.phase_ == self.LAST else self._early_step(batch)
        return {"loss": next(iter(logs.values())), "y_pred": None, "logs": logs}

    def _early_step(self, batch: Series) -> dict[str, Tensor]:
        loss, logs = self._early_loss(batch)
        self._optimizer_step(
            "autoencoder" if self.phase_ == "embedding" else "generator", loss, batch
        )
        if self.networks.average is not None:  # nothing of before is worth remembering
            self.networks.average.restart(self.networks.synthesis)
        return logs

    def _early_loss(self, batch: Series) -> tuple[Tensor, dict[str, Tensor]]:
        """Return what is descended in an early phase, and its logs."""
        x, c, networks = batch.values, batch.conditions, self.networks.synthesis
        if self.phase_ == "embedding":
            x_tilde = networks.recover(networks.embed(x))
            loss, error = self.criterion_.of_reconstruction(x, x_tilde)
            return loss, {"reconstruction_loss": error.detach()}
        with torch.no_grad():
            h = networks.embed(x)
        loss = self.criterion_.of_supervision(h, networks.follow(h, c))
        return loss, {"supervised_loss": loss.detach()}

    def _joint_step(self, batch: Series) -> dict[str, Tensor]:
        x, c = batch.values, batch.conditions
        networks = self.networks.synthesis
        z = networks.draw(x.shape[1], len(x), self.noise_)
        made = networks.join(x, z, c, frozen=not self.joint)
        loss, logs = self._generator_loss(made, c)
        others: tuple[str, ...] = ()
        if made.x_tilde is not None:
            of_autoencoder, error = self.criterion_.of_reconstruction(made.x, made.x_tilde)
            loss, others = loss + of_autoencoder, ("autoencoder",)
            logs["reconstruction_loss"] = error.detach()
        logs["generator_gradient"] = self._optimizer_step("generator", loss, batch, *others)
        self.n_steps_["generator"] += 1
        if self.networks.average is not None:
            self.networks.average.update_parameters(self.networks.synthesis)
        if self.n_steps_["generator"] % self.generator_steps == 0:
            logs |= self._discriminator_step(made, batch)
        return logs

    def _generator_loss(self, made: Joint, c: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        supervised, logs = None, {}
        if made.h_next is not None:
            supervised = self.criterion_.of_supervision(made.h_seen, made.h_next)
            logs["supervised_loss"] = supervised.detach()
            if made.h_seen.requires_grad:
                share = self.criterion_.embedder_share(supervised)
                made.h_seen.register_hook(lambda gradient: gradient * share)
        fakes = [made.h_hat] if made.h_next is None else [made.h_hat, made.e_hat]
        y_hat, *y_unsupervised = self.networks.discriminate(fakes, c, frozen=True)
        moments = self.criterion_.of_moments(made.x, made.x_hat)
        loss = self.criterion_.of_generator(supervised, moments, y_hat, *y_unsupervised)
        return loss, {"generator_loss": loss.detach(), **logs}

    def _discriminator_step(self, made: Joint, batch: Series) -> dict[str, Tensor]:
        seen = [made.h, made.h_hat] + ([] if made.h_next is None else [made.e_hat])
        values = self.networks.discriminate(
            [h.detach() for h in seen], batch.conditions, frozen=False
        )
        loss = self.criterion_.of_discriminator(*values)
        logs = {
            "discriminator_loss": loss.detach(),
            "discriminator_accuracy": pairwise_accuracy(*(y.transpose(0, 1) for y in values[:2])),
        }
        if loss > self.discriminator_threshold:
            logs["discriminator_gradient"] = self._optimizer_step("discriminator", loss, batch)
            self.n_steps_["discriminator"] += 1
        return {name: value.detach() for name, value in logs.items()}
