"""Training whose learning rate rises, falls along a cosine, and whose weights are averaged."""

from __future__ import annotations

from typing import Any

from sklearn_timegen._random import derive_seed, torch_generator
from sklearn_timegen.data import Series
from sklearn_timegen.training.net import GeneratorNet, cosine_decay

__all__ = ["AveragedNet"]


class AveragedNet(GeneratorNet):
    """A net whose module keeps an average of its weights (``track()``), step by step.

    Parameters
    ----------
    warmup_steps : int
        Steps in which the learning rate rises to ``lr``; the first ones of all trainings.
    lr_end : float
        Share of ``lr`` that is left at the end of a training of several epochs.
    **kwargs
        As for ``GeneratorNet``.

    Attributes
    ----------
    n_steps_ : int
        Steps that were taken since the weights were made.
    """

    def __init__(
        self,
        module: Any,
        criterion: Any,
        *,
        warmup_steps: int = 0,
        lr_end: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self.warmup_steps = warmup_steps
        self.lr_end = lr_end
        super().__init__(module, criterion, **kwargs)

    def initialize(self) -> AveragedNet:
        self.n_steps_ = 0
        super().initialize()
        return self

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **params: Any) -> Any:
        self._n_done, self._n_planned = 0, 0
        return super().fit_loop(X, y, epochs, **params)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **params: Any
    ) -> None:
        if training and not self._n_planned and self.n_epochs_ > 1:
            self._n_planned = self.n_epochs_ * len(iterator)
        before = self.noise_
        if not training:  # the same noise after each epoch: losses are told apart by weights only
            self.noise_ = torch_generator(derive_seed(self.seed, prefix), self.device)
        try:
            super().run_single_epoch(iterator, training, prefix, step_fn, **params)
        finally:
            self.noise_ = before

    def train_step(self, batch: Series, **params: Any) -> dict[str, Any]:
        with self._scaled_lr(self._share()):
            step = super().train_step(batch, **params)
        self.n_steps_ += 1
        self._n_done += 1
        module: Any = self.module_
        module.track()
        return step

    def _share(self) -> float:
        """Share of the learning rate in the step to come."""
        risen = min(1.0, (self.n_steps_ + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        way = self._n_done / self._n_planned if self._n_planned else 0.0
        return risen * cosine_decay(self.lr_end, way)
