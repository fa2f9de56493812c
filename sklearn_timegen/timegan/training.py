"""Training of TimeGAN: embedding, supervision, and all networks jointly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from skorch.callbacks import Callback
from torch import Tensor, nn

from sklearn_timegen.data import Series
from sklearn_timegen.objectives.adversarial import pairwise_accuracy
from sklearn_timegen.timegan.networks import Joint
from sklearn_timegen.timegan.phases import PhaseStopping
from sklearn_timegen.training import BatchIterator, GeneratorNet, SampleMonitor, Step

__all__ = ["TimeGANNet"]


class TimeGANNet(GeneratorNet):
    """A skorch net whose module is ``TimeGANNetworks``, and whose criterion is ``TimeGANLoss``.

    It learns in phases, and a row of the history says in ``phase`` which one it belongs to. A
    phase that a callback ends (by a ``KeyboardInterrupt``, as skorch's early stopping does) is
    followed by the next one; Ctrl-C ends all. The optimizer begins each phase without memory of
    another one. Further training goes on with the last phase.

    In that one, the joint phase, each batch is a step of embedder, recovery, generator and
    supervisor at once, from one pass through each; each ``generator_steps``-th one is followed by
    a step of the discriminator on what that pass made.

    Parameters
    ----------
    module, criterion, seed, discriminator_lr, **kwargs
        As for ``GeneratorNet``; ``max_epochs`` are those of the joint phase.
    early_epochs : mapping of str to int
        Epochs of the phases before the joint one, in their order; each is done once.
    early_lr : float
        Learning rate of the phases before the joint one (``PhaseRate``).
    generator_steps : int
        Steps of the others for each step of the discriminator.
    discriminator_threshold : float
        The discriminator only steps while its loss is above.
    joint : bool
        Whether embedder and recovery go on learning in the joint phase.

    Attributes
    ----------
    phase_ : str
        The phase that is, or was, trained.
    finished_ : set of str
        Phases that are over.
    n_steps_ : dict of str to int
        Steps that networks have taken in that phase.
    """

    LAST: ClassVar[str] = "joint"
    NETWORKS: ClassVar[dict[str, tuple[str, ...]]] = {
        "autoencoder": ("synthesis.embedder", "synthesis.recovery"),
        "generator": ("synthesis.generator", "synthesis.supervisor"),
        "discriminator": ("discriminator",),
    }

    def __init__(
        self,
        module: Callable[[], nn.Module],
        criterion: Callable[[], nn.Module],
        *,
        seed: int,
        early_epochs: Mapping[str, int],
        early_lr: float,
        generator_steps: int = 2,
        discriminator_threshold: float = 0.15,
        joint: bool = True,
        **kwargs: Any,
    ) -> None:
        self.early_epochs = early_epochs
        self.early_lr = early_lr
        self.generator_steps = generator_steps
        self.discriminator_threshold = discriminator_threshold
        self.joint = joint
        super().__init__(module, criterion, seed=seed, **kwargs)

    _counted = (*GeneratorNet._counted, "phase_", "finished_", "_n_timesteps")

    def initialize(self) -> TimeGANNet:
        self.finished_: set[str] = set()
        super().initialize()
        return self

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        # Before the timer, whose time tells that an epoch was finished.
        return [("sample_monitor", SampleMonitor()), *super()._default_callbacks]

    def samples(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw represented series by the weights that samples are drawn by."""
        networks = self.networks.averaged
        return networks.generate(networks.draw(self._n_timesteps, n_samples, rng), c)

    # -- phases ------------------------------------------------------------------------------

    def monitored(self, held_out: bool) -> str:
        """Return which number of the history tells how the phase goes."""
        if self.phase_ == self.LAST:
            return "valid_distance" if held_out else "train_distance"
        name = "reconstruction_loss" if self.phase_ == "embedding" else "supervised_loss"
        return f"valid_{name}" if held_out else name

    def count_epochs(self, n_epochs: int) -> int:
        return sum(n for _, n in self._to_come(n_epochs))

    def _to_come(self, n_epochs: int) -> Iterator[tuple[str, int]]:
        """Yield the phases that are to be trained, and their epochs."""
        for phase, planned in self.early_epochs.items():
            if phase not in self.finished_:
                done = sum(row.get("phase") == phase for row in self.history)
                yield phase, max(1, planned - done)
        yield self.LAST, n_epochs

    def fit_loop(
        self, X: object, y: object = None, epochs: int | None = None, **params: object
    ) -> TimeGANNet:
        self._n_timesteps = self.get_dataset(X, y).values.shape[1]
        try:
            for phase, n_epochs in list(self._to_come(epochs or self.max_epochs)):
                if not self.history or self.history[-1].get("phase") != phase:
                    self.optimizer_.state.clear()
                    self.n_steps_ = dict.fromkeys(self.NETWORKS, 0)
                self.phase_ = phase
                self._fit_phase(X, y, n_epochs, **params)
        finally:
            self.networks.synthesis.workspace.clear()
        return self

    def _fit_phase(self, X: object, y: object, n_epochs: int, **params: object) -> None:
        try:
            super().fit_loop(X, y, n_epochs, **params)
        except KeyboardInterrupt:
            if self._pressed:
                raise
            self._drop_unfinished_epoch()
            self._check_weights()
        self.finished_.add(self.phase_)
        for _, callback in self.callbacks_:
            if isinstance(callback, PhaseStopping):
                callback.on_phase_end(self)

    def diverged(self, what: str) -> FloatingPointError:
        if self.phase_ == self.LAST:
            return super().diverged(what)
        return FloatingPointError(
            f"{what} in epoch {len(self.history)}, of the {self.phase_} phase. Try a smaller rate "
            f"for it (it is {self.early_lr}), or another representation"
        )

    # -- epochs ------------------------------------------------------------------------------

    def run_single_epoch(
        self,
        iterator: BatchIterator | None,
        training: bool,
        prefix: str,
        step_fn: Callable[..., Step],
        **params: object,
    ) -> None:
        self.history.record("phase", self.phase_)
        if iterator is None:
            return
        self._set_training(training)
        if training:
            steps = self._steps(iterator, training, prefix, step_fn, params)
            self._record_means([step["logs"] for _, step in steps])
        elif self.phase_ != self.LAST:
            self._record_early_losses(iterator, prefix)
        self.history.record(f"{prefix}_batch_count", len(iterator))

    @torch.no_grad()
    def _record_early_losses(self, iterator: BatchIterator, prefix: str) -> None:
        """Record the means over held-out series of what an early phase has in its logs."""
        sizes = [len(batch) for batch in iterator]
        logs = [self._early_loss(batch)[1] for batch in iterator]
        for key in logs[0]:
            total = sum(float(log[key]) * n for log, n in zip(logs, sizes, strict=True))
            self.history.record(f"{prefix}_{key}", total / sum(sizes))

    # -- steps -------------------------------------------------------------------------------

    def train_step(self, batch: Series, **params: object) -> Step:
        logs = self._joint_step(batch) if self.phase_ == self.LAST else self._early_step(batch)
        return {"loss": next(iter(logs.values())), "y_pred": None, "logs": logs}

    def _early_step(self, batch: Series) -> dict[str, Tensor]:
        loss, logs = self._early_loss(batch)
        stepping = "autoencoder" if self.phase_ == "embedding" else "generator"
        self._optimizer_step(loss, batch, stepping)
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
        stepping = ["generator"]
        if made.x_tilde is not None:
            of_autoencoder, error = self.criterion_.of_reconstruction(made.x, made.x_tilde)
            loss = loss + of_autoencoder
            stepping.append("autoencoder")
            logs["reconstruction_loss"] = error.detach()
        logs["generator_gradient"] = self._optimizer_step(loss, batch, *stepping)
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
                fraction = self.criterion_.embedder_fraction(supervised)
                made.h_seen.register_hook(lambda gradient: gradient * fraction)
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
            logs["discriminator_gradient"] = self._optimizer_step(loss, batch, "discriminator")
        return {name: value.detach() for name, value in logs.items()}
