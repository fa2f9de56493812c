"""Training of two networks that play against each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import torch
from skorch.callbacks import Callback
from torch import Tensor, nn
from torch.func import functional_call

from sklearn_timegen.data import Series
from sklearn_timegen.nn.normalization import clip_weights_, double_backward
from sklearn_timegen.objectives.adversarial import pairwise_accuracy
from sklearn_timegen.objectives.unrolling import AdamStep, GradientStep, unrolled
from sklearn_timegen.training.data import BatchIterator
from sklearn_timegen.training.monitor import SampleMonitor
from sklearn_timegen.training.net import GeneratorNet
from sklearn_timegen.training.step import Step

__all__ = ["AdversarialNet"]


class AdversarialNet(GeneratorNet):
    """A skorch net of two networks: ``module_`` is an ``Adversaries``, ``criterion_`` a ``Game``.

    Each batch is a step of the discriminator, and each ``n_critic``-th one of the generator, too.
    An epoch records both losses and gradient norms, how often the discriminator tells a real
    series from a generated one, and what ``SampleMonitor`` says of samples, as the losses of
    networks that learn from each other tell little.

    Parameters
    ----------
    module, criterion, seed, **kwargs
        As for ``GeneratorNet``.
    n_critic : int
        Steps of the discriminator for each step of the generator.
    unroll_steps : int
        Steps of the discriminator that the generator looks ahead.
    clip_value : float or None
        Bound of the discriminator's weights.
    instance_noise : float
        Standard deviation of the noise on all that the discriminator sees, at the beginning of
        training; it falls to 0 at the end.
    """

    NETWORKS: ClassVar[dict[str, tuple[str, ...]]] = {
        "generator": ("generator",),
        "discriminator": ("discriminator",),
    }

    def __init__(
        self,
        module: Callable[[], nn.Module],
        criterion: Callable[[], nn.Module],
        *,
        seed: int,
        n_critic: int = 1,
        unroll_steps: int = 0,
        clip_value: float | None = None,
        instance_noise: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.n_critic = n_critic
        self.unroll_steps = unroll_steps
        self.clip_value = clip_value
        self.instance_noise = instance_noise
        super().__init__(module, criterion, seed=seed, **kwargs)

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        # Before the timer, whose time tells that an epoch was finished.
        return [("sample_monitor", SampleMonitor()), *super()._default_callbacks]

    def samples(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw represented series by the weights that samples are drawn by."""
        z, noise = self.networks.draw(n_samples, rng)
        return self.networks.sample(z, c, noise)

    def run_single_epoch(
        self,
        iterator: BatchIterator | None,
        training: bool,
        prefix: str,
        step_fn: Callable[..., Step],
        **params: object,
    ) -> None:
        if iterator is None:
            return
        if training:
            self._set_training(True)
            steps = self._steps(iterator, training, prefix, step_fn, params)
            self._record_means([step["logs"] for _, step in steps])
        self.history.record(f"{prefix}_batch_count", len(iterator))

    # -- steps -------------------------------------------------------------------------------

    def train_step(self, batch: Series, **params: object) -> Step:
        logs = self._discriminator_step(batch)
        if self.n_steps_["discriminator"] % self.n_critic == 0:
            logs |= self._generator_step(batch)
        return {"loss": logs["discriminator_loss"], "y_pred": None, "logs": logs}

    def _discriminator_step(self, batch: Series) -> dict[str, Tensor]:
        step = self.n_steps_["discriminator"]
        if hasattr(self.networks.discriminator, "iterate"):
            self.networks.discriminator.iterate()
        with torch.no_grad():
            z, noise = self.criterion_.latents(self.networks, batch, self.noise_)
            fake = self.networks.generate(z, batch.conditions, noise)
        game = self.criterion_
        discriminator = partial(self.networks.discriminator, c=game.shown(batch))
        real, fake = self._blurred(batch.values), self._blurred(fake)
        due = game.interval if step % game.interval == 0 else None
        loss, of_real, of_fake = game.of_discriminator(discriminator, real, fake, self.noise_, due)
        norm = self._optimizer_step(loss, batch, "discriminator")
        if self.clip_value is not None:
            clip_weights_(self.networks.discriminator, self.clip_value)
        return {
            "discriminator_loss": loss.detach(),
            "discriminator_gradient": norm,
            "discriminator_accuracy": pairwise_accuracy(of_real.detach(), of_fake.detach()),
        }

    def _generator_step(self, batch: Series) -> dict[str, Tensor]:
        c = self.criterion_.shown(batch)
        step = self.n_steps_["generator"]
        z, noise = self.criterion_.latents(self.networks, batch, self.noise_)
        fake = self._blurred(self.networks.generate(z, batch.conditions, noise))
        real = self._blurred(batch.values)
        discriminator = self._ahead(real, fake, c)
        matched = self.criterion_.matching > 0
        features = partial(self.networks.discriminator.features, c=c) if matched else None
        ahead = self.unroll_steps > 0
        loss = self.criterion_.of_generator(discriminator, features, real, fake, ahead, c)
        if self.criterion_.path_length is not None and step % self.criterion_.interval == 0:
            z, _ = self.networks.draw(len(real), self.noise_)
            loss = loss + self.criterion_.of_path(self.networks, z, batch.conditions, self.noise_)
        norm = self._optimizer_step(loss, batch, "generator")
        self.networks.track()
        return {"generator_loss": loss.detach(), "generator_gradient": norm}

    def _ahead(self, real: Tensor, fake: Tensor, c: Tensor | None) -> Callable[[Tensor], Tensor]:
        """Return the discriminator, after ``unroll_steps`` steps that gradients go through.

        The discriminator itself and its optimizer stay what they are (Metz et al. 2017, section
        2.2).
        """
        discriminator: Any = self.networks.discriminator
        if self.unroll_steps == 0:
            return partial(discriminator, c=c)

        def loss(weights: dict[str, Tensor]) -> Tensor:
            called = partial(_called_with, discriminator, weights, c)
            return self.criterion_.of_discriminator(called, real, fake, self.noise_)[0]

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

    def _blurred(self, x: Tensor) -> Tensor:
        """Add the instance noise that is left in this epoch (Sonderby et al. 2017)."""
        if self.instance_noise == 0:
            return x
        noise = torch.randn(x.shape, generator=self.noise_, device=x.device)
        return x + self.instance_noise * (1 - self.progress) * noise


def _called_with(
    module: torch.nn.Module, weights: dict[str, Tensor], c: Tensor | None, x: Tensor
) -> Tensor:
    return functional_call(module, weights, (x, c))
