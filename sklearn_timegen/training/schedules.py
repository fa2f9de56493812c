"""Learning rates that rise and fall in training, as skorch callbacks."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING

from skorch import NeuralNet
from skorch.callbacks import Callback

if TYPE_CHECKING:
    from sklearn_timegen.training.net import GeneratorNet

__all__ = ["CosineRate", "RateSchedule", "WarmupCosineRate"]


class RateSchedule(Callback):
    """Use a fraction of the learning rates in a step, and give them back after it.

    Between steps the rates are the user's: other callbacks, such as skorch's ``LRScheduler``,
    find them as they left them. A subclass says by ``fraction(net)`` what is used.
    """

    @abstractmethod
    def fraction(self, net: GeneratorNet) -> float:
        """Return the fraction of the learning rates in the step to come."""

    def initialize(self) -> RateSchedule:
        self.rates_: list[float] = []
        return self

    def on_step_begin(self, net: GeneratorNet) -> None:
        """Set the rates of the step to come."""
        fraction = self.fraction(net)
        self.rates_ = [group["lr"] for group in net.optimizer_.param_groups]
        for group, rate in zip(net.optimizer_.param_groups, self.rates_, strict=True):
            group["lr"] = rate * fraction

    def on_step_end(self, net: GeneratorNet) -> None:
        """Give the rates back, even if the step failed."""
        for group, rate in zip(net.optimizer_.param_groups, self.rates_, strict=False):
            group["lr"] = rate
        self.rates_ = []


class CosineRate(RateSchedule):
    """Let the learning rates fall along a cosine, epoch by epoch.

    A training of one epoch keeps them.

    Parameters
    ----------
    lr_end : float
        Fraction of the rates that is left at the end of a training.
    """

    def __init__(self, lr_end: float = 0.0) -> None:
        self.lr_end = lr_end

    def fraction(self, net: GeneratorNet) -> float:
        return cosine_decay(self.lr_end, net.progress)


class WarmupCosineRate(RateSchedule):
    """Let the learning rates rise, and fall along a cosine, step by step.

    Parameters
    ----------
    warmup_steps : int
        Steps in which the rates rise; the first ones of all trainings (``net.n_steps_``).
    lr_end : float
        Fraction of the rates that is left at the end of a training of several epochs.
    """

    def __init__(self, warmup_steps: int = 0, lr_end: float = 0.0) -> None:
        self.warmup_steps = warmup_steps
        self.lr_end = lr_end

    def on_train_begin(
        self, net: NeuralNet, X: object = None, y: object = None, **kwargs: object
    ) -> None:
        self.n_done_ = 0

    def fraction(self, net: GeneratorNet) -> float:
        risen = min(1.0, (net.n_steps_ + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        progress = self.n_done_ / (net.n_epochs_ * net.n_batches_) if net.n_epochs_ > 1 else 0.0
        return risen * cosine_decay(self.lr_end, progress)

    def on_step_end(self, net: GeneratorNet) -> None:
        super().on_step_end(net)
        self.n_done_ += 1


def cosine_decay(end: float, progress: float) -> float:
    """Return what is left of 1 as it falls to ``end``, after this fraction of the way."""
    return 1 - (1 - end) * (1 - math.cos(math.pi * progress)) / 2
