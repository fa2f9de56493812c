"""Training of a network whose weights are averaged."""

from __future__ import annotations

from collections.abc import Callable

from sklearn_timegen._random import derive_seed, torch_generator
from sklearn_timegen.data import Series
from sklearn_timegen.training.data import BatchIterator
from sklearn_timegen.training.net import GeneratorNet
from sklearn_timegen.training.step import Step

__all__ = ["AveragedNet"]


class AveragedNet(GeneratorNet):
    """A net whose module takes its weights into an average (``track()``) after each step.

    A validation pass has the same noise each time: losses differ by the weights only.
    """

    def run_single_epoch(
        self,
        iterator: BatchIterator | None,
        training: bool,
        prefix: str,
        step_fn: Callable[..., Step],
        **params: object,
    ) -> None:
        before = self.noise_
        if not training:
            self.noise_ = torch_generator(derive_seed(self.seed, prefix), self.device)
        try:
            super().run_single_epoch(iterator, training, prefix, step_fn, **params)
        finally:
            self.noise_ = before

    def train_step(self, batch: Series, **params: object) -> Step:
        step = super().train_step(batch, **params)
        self.networks.track()
        return step
