"""Training of two networks that play against each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from skorch.utils import TeeGenerator
from torch import Tensor
from torch.func import functional_call

from sklearn_timegen._random import derive_seed, torch_generator
from sklearn_timegen.nn.normalization import clip_weights_, double_backward
from sklearn_timegen.objectives.adversarial import pairwise_accuracy
from sklearn_timegen.objectives.unrolling import AdamStep, GradientStep, unrolled
from sklearn_timegen.training.data import Batch
from sklearn_timegen.training.net import GeneratorNet
from sklearn_timegen.training.watch import DistanceWatch

__all__ = ["AdversarialNet"]

N_WATCHED = 256  # series whose distance from samples is taken after each epoch


class AdversarialNet(GeneratorNet):
    """A skorch net of two players: ``module_`` is an ``Adversaries``, ``criterion_`` a ``Game``.

    Each batch is a step of the discriminator, and each ``n_critic``-th one of the generator, too.
    One optimizer holds a group of parameters for each player and steps one group at a time, so
    that schedulers, snapshots and pickles see a single optimizer. An epoch records the players'
    losses and gradient norms, how often the discriminator tells a real series from a generated
    one, and what ``DistanceWatch`` says of the training data (``train_distance``,
    ``effective_sample_ratio``) and of those held out (``valid_distance``).

    Parameters
    ----------
    module, criterion, seed, **kwargs
        As for ``GeneratorNet``.
    n_critic : int
        Steps of the discriminator for each step of the generator.
    unroll_steps : int
        Steps of the discriminator that the generator looks ahead.
    discriminator_lr : float or None
        The discriminator's own learning rate.
    clip_value : float or None
        Bound of the discriminator's weights.
    instance_noise : float
        Standard deviation of the noise on all that the discriminator sees, at the beginning of
        training; it falls to 0 at the end.
    lr_end : float
        Share of the learning rates that is left at the end of training; they fall along a cosine.
    """

    def __init__(
        self,
        module: Any,
        criterion: Any,
        *,
        seed: int,
        n_critic: int = 1,
        unroll_steps: int = 0,
        discriminator_lr: float | None = None,
        clip_value: float | None = None,
        instance_noise: float = 0.0,
        lr_end: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self.n_critic = n_critic
        self.unroll_steps = unroll_steps
        self.discriminator_lr = discriminator_lr
        self.clip_value = clip_value
        self.instance_noise = instance_noise
        self.lr_end = lr_end
        super().__init__(module, criterion, seed=seed, **kwargs)

    # -- made once ---------------------------------------------------------------------------

    def initialize(self) -> AdversarialNet:
        self.n_steps_ = {"discriminator": 0, "generator": 0}
        super().initialize()
        return self

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Return two groups of parameters: the generator's and the discriminator's."""
        _, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        groups: list[dict[str, Any]] = [
            {"params": _trainable(self.players.generator)},
            {"params": _trainable(self.players.discriminator)},
        ]
        if self.discriminator_lr is not None:
            groups[1]["lr"] = self.discriminator_lr
        return (groups,), kwargs

    @property
    def players(self) -> Any:
        """The module, outside of what ``torch.compile`` wraps around it."""
        return getattr(self.module_, "_orig_mod", self.module_)

    def _snapshot(self) -> dict[str, Any]:
        return {**super()._snapshot(), "n_steps_": dict(self.n_steps_)}

    def _restore(self, kept: dict[str, Any]) -> None:
        super()._restore(kept)
        self.n_steps_ = kept["n_steps_"]

    # -- epochs ------------------------------------------------------------------------------

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **params: Any) -> Any:
        self._n_before = len(self.history)
        self._watches: dict[str, DistanceWatch] = {}
        self._lr_left = 1.0
        try:
            return super().fit_loop(X, y, epochs, **params)
        finally:
            self._slow_down(1.0)
            del self._watches

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **params: Any
    ) -> None:
        if iterator is None:
            return
        if training:
            self._slow_down(1 - (1 - self.lr_end) * (1 - math.cos(math.pi * self._progress)) / 2)
            self._set_training(True)
            self._record_means(list(self._steps(iterator, step_fn, params)))
        self._record_distance(iterator, prefix)
        self.history.record(f"{prefix}_batch_count", len(iterator))

    @property
    def _progress(self) -> float:
        """Share of this training's epochs that are over."""
        return (len(self.history) - 1 - self._n_before) / self.n_epochs_

    def _slow_down(self, left: float) -> None:
        """Set the share that is left of the learning rates, which callbacks may change, too."""
        for group in self.optimizer_.param_groups:
            group["lr"] *= left / self._lr_left
        self._lr_left = left

    def _steps(self, iterator: Any, step_fn: Any, params: Any) -> Iterator[dict[str, Tensor]]:
        for batch in iterator:
            if self._batches_heard:
                self.notify("on_batch_begin", batch=batch, training=True)
            step = step_fn(batch, **params)
            if self._batches_heard:
                self.history.record_batch("train_batch_size", len(batch[0]))
                self.history.record_batch("train_loss", step["loss"].item())
                self.notify("on_batch_end", batch=batch, training=True, **step)
            yield step["told"]

    def _record_means(self, told: list[dict[str, Tensor]]) -> None:
        for name in ("discriminator", "generator"):
            steps = [step for step in told if f"{name}_loss" in step]
            for key in [key for key in (steps[0] if steps else ()) if key.startswith(name)]:
                value = float(torch.stack([step[key] for step in steps]).mean())
                if not math.isfinite(value):
                    raise self._diverged(f"the {key.replace('_', ' ')} became {value}")
                self.history.record(key, value)

    def _record_distance(self, iterator: Any, prefix: str) -> None:
        rng = torch_generator(derive_seed(self.seed, "watch"), self.device)  # equal in each epoch
        if prefix not in self._watches:
            self._watches[prefix] = DistanceWatch(*_some(iterator, derive_seed(self.seed, prefix)))
        watch = self._watches[prefix]
        self._set_training(False)
        with torch.no_grad():
            z, noise = self.players.draw(len(watch.real), rng)
            distance, ratio = watch(self.players.sample(z, watch.c, noise))
        if not math.isfinite(distance):
            raise self._diverged("samples are no longer finite")
        self._record_best(f"{prefix}_distance", distance)
        if prefix == "train":
            self.history.record("effective_sample_ratio", ratio)

    # -- steps -------------------------------------------------------------------------------

    def train_step(self, batch: Batch, **params: Any) -> dict[str, Any]:
        told = self._discriminator_step(batch)
        if self.n_steps_["discriminator"] % self.n_critic == 0:
            told |= self._generator_step(batch)
        return {"loss": told["discriminator_loss"], "y_pred": None, "told": told}

    def _discriminator_step(self, batch: Batch) -> dict[str, Tensor]:
        real, c = batch
        step = self.n_steps_["discriminator"]
        if hasattr(self.players.discriminator, "iterate"):
            self.players.discriminator.iterate()
        with torch.no_grad():
            z, noise = self.players.draw(len(real), self.noise_)
            fake = self.players.generate(z, c, noise)
        critic = partial(self.players.discriminator, c=c)
        real, fake = self._blurred(real), self._blurred(fake)
        game = self.criterion_
        due = game.interval if step % game.interval == 0 else None
        loss, of_real, of_fake = game.of_discriminator(critic, real, fake, self.noise_, due)
        norm = self._descend("discriminator", loss, batch)
        if self.clip_value is not None:
            clip_weights_(self.players.discriminator, self.clip_value)
        self.n_steps_["discriminator"] += 1
        return {
            "discriminator_loss": loss.detach(),
            "discriminator_gradient": norm,
            "discriminator_accuracy": pairwise_accuracy(of_real.detach(), of_fake.detach()),
        }

    def _generator_step(self, batch: Batch) -> dict[str, Tensor]:
        real, c = batch
        step = self.n_steps_["generator"]
        z, noise = self.players.draw(len(real), self.noise_)
        fake = self._blurred(self.players.generate(z, c, noise))
        real = self._blurred(real)
        critic = self._ahead(real, fake, c)
        matched = self.criterion_.matching > 0
        features = partial(self.players.discriminator.features, c=c) if matched else None
        ahead = self.unroll_steps > 0
        loss = self.criterion_.of_generator(critic, features, real, fake, ahead)
        if self.criterion_.path_length is not None and step % self.criterion_.interval == 0:
            z, _ = self.players.draw(len(real), self.noise_)
            loss = loss + self.criterion_.of_path(self.players, z, c, self.noise_)
        norm = self._descend("generator", loss, batch)
        self.n_steps_["generator"] += 1
        self.players.track(self.n_steps_["generator"])
        return {"generator_loss": loss.detach(), "generator_gradient": norm}

    def _ahead(self, real: Tensor, fake: Tensor, c: Tensor | None) -> Callable[[Tensor], Tensor]:
        """Return the discriminator, after ``unroll_steps`` steps that gradients go through.

        The discriminator itself and its optimizer stay what they are (Metz et al. 2017, section
        2.2).
        """
        discriminator: Any = self.players.discriminator
        if self.unroll_steps == 0:
            return partial(discriminator, c=c)

        def loss(weights: dict[str, Tensor]) -> Tensor:
            critic = partial(_called_with, discriminator, weights, c)
            return self.criterion_.of_discriminator(critic, real, fake, self.noise_)[0]

        start = {n: p for n, p in discriminator.named_parameters() if p.requires_grad}
        with double_backward():
            weights = unrolled(start, loss, self.unroll_steps, self._unrolled_step(start))
        return partial(_called_with, discriminator, weights, c)

    def _unrolled_step(self, parameters: dict[str, Tensor]) -> Any:
        """The optimizer's own step, as a function that can be differentiated."""
        group = self._group("discriminator")
        if type(self.optimizer_) is torch.optim.Adam:
            state = {name: self.optimizer_.state.get(p, {}) for name, p in parameters.items()}
            return AdamStep(group["lr"], group["betas"], group["eps"], state)
        return GradientStep(group["lr"])

    def _descend(self, player: str, loss: Tensor, batch: Batch) -> Tensor:
        """Take one player's step, and return the norm of its gradient; the other stays put."""
        group = self._group(player)
        for parameter in group["params"]:
            parameter.grad = None
        torch.autograd.backward(loss, inputs=group["params"])
        norm = torch.nn.utils.get_total_norm(
            [p.grad for p in group["params"] if p.grad is not None]
        )
        if self._gradients_heard:
            named = TeeGenerator(getattr(self.players, player).named_parameters())
            self.notify("on_grad_computed", named_parameters=named, batch=batch, training=True)
        groups = self.optimizer_.param_groups
        self.optimizer_.param_groups = [group]
        try:
            self.optimizer_.step()
        finally:
            self.optimizer_.param_groups = groups
        return norm

    def _group(self, player: str) -> dict[str, Any]:
        return self.optimizer_.param_groups[("generator", "discriminator").index(player)]

    def _blurred(self, x: Tensor) -> Tensor:
        """Add the instance noise that is left in this epoch (Sonderby et al. 2017)."""
        if self.instance_noise == 0:
            return x
        noise = torch.randn(x.shape, generator=self.noise_, device=x.device)
        return x + self.instance_noise * (1 - self._progress) * noise


def _trainable(module: torch.nn.Module) -> list[torch.nn.Parameter]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _called_with(
    module: torch.nn.Module, weights: dict[str, Tensor], c: Tensor | None, x: Tensor
) -> Tensor:
    return functional_call(module, weights, (x, c))


def _some(iterator: Any, seed: int) -> Batch:
    """Return ``N_WATCHED`` of the series, at random: neighbours may be windows of one time."""
    order = torch.randperm(len(iterator.x), generator=torch_generator(seed))[:N_WATCHED]
    chosen = order.to(iterator.x.device)
    return iterator.x[chosen], None if iterator.c is None else iterator.c[chosen]
