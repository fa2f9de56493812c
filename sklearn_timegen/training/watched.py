"""Training of players, with a look at their samples after each epoch."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from sklearn_timegen._random import derive_seed, torch_generator
from sklearn_timegen.data import Series
from sklearn_timegen.training.monitor import SampleMonitor
from sklearn_timegen.training.net import cosine_decay
from sklearn_timegen.training.players import PlayersNet

__all__ = ["WatchedNet"]

N_WATCHED = 256  # series whose distance from samples is taken after each epoch


class WatchedNet(PlayersNet):
    """A skorch net of players whose losses tell little: after each epoch, samples are drawn.

    A step (``train_step``) returns under ``"logs"`` what it knows, by name: an epoch records the
    means, and what ``SampleMonitor`` says of the training data (``train_distance``,
    ``effective_sample_ratio``) and of those held out (``valid_distance``).

    Parameters
    ----------
    module, criterion, seed, **kwargs
        As for ``PlayersNet``.
    lr_end : float
        Share of the learning rates that is left at the end of training; they fall along a cosine.

    Attributes
    ----------
    n_steps_ : dict of str to int
        Steps that each player has taken.
    """

    def __init__(
        self, module: Any, criterion: Any, *, seed: int, lr_end: float = 1.0, **kwargs: Any
    ) -> None:
        self.lr_end = lr_end
        super().__init__(module, criterion, seed=seed, **kwargs)

    @abstractmethod
    def _samples(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw represented series by the weights that samples are drawn by."""

    # -- made once ---------------------------------------------------------------------------

    def initialize(self) -> WatchedNet:
        self.n_steps_ = dict.fromkeys(self.PLAYERS, 0)
        super().initialize()
        return self

    # -- epochs ------------------------------------------------------------------------------

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **params: Any) -> Any:
        self._n_before = len(self.history)
        self._monitors: dict[str, SampleMonitor] = {}
        try:
            return super().fit_loop(X, y, epochs, **params)
        finally:
            del self._monitors

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **params: Any
    ) -> None:
        if iterator is None:
            return
        if training:
            self._set_training(True)
            self._record_means(list(self._steps(iterator, step_fn, params)))
        self._record_distance(iterator, prefix)
        self.history.record(f"{prefix}_batch_count", len(iterator))

    @property
    def _progress(self) -> float:
        """Share of this training's epochs that are over."""
        return (len(self.history) - 1 - self._n_before) / self.n_epochs_

    @property
    def _share(self) -> float:
        """Share of the learning rates that is left in this epoch."""
        return cosine_decay(self.lr_end, self._progress)

    def _steps(self, iterator: Any, step_fn: Any, params: Any) -> Iterator[dict[str, Tensor]]:
        share = self._share
        for batch in iterator:
            if self._batches_heard:
                self.notify("on_batch_begin", batch=batch, training=True)
            with self._scaled_lr(share):
                step = step_fn(batch, **params)
            if self._batches_heard:
                self.history.record_batch("train_batch_size", len(batch))
                self.history.record_batch("train_loss", step["loss"].item())
                self.notify("on_batch_end", batch=batch, training=True, **step)
            yield step["logs"]

    def _record_distance(self, iterator: Any, prefix: str) -> None:
        rng = torch_generator(derive_seed(self.seed, "watch"), self.device)  # equal in each epoch
        if prefix not in self._monitors:
            self._monitors[prefix] = SampleMonitor(_some(iterator, derive_seed(self.seed, prefix)))
        monitor = self._monitors[prefix]
        self._set_training(False)
        with torch.no_grad():
            fake = self._samples(len(monitor.real), monitor.c, rng)
            distance = monitor.distance(fake)
        if not math.isfinite(distance):
            raise self._diverged("samples are no longer finite")
        self._record_best(f"{prefix}_distance", distance)
        if prefix == "train":
            self.history.record("effective_sample_ratio", monitor.effective_ratio(fake))


def _some(iterator: Any, seed: int) -> Series:
    """Return ``N_WATCHED`` of the series, at random: neighbours may be windows of one time."""
    series: Series = iterator.series
    order = torch.randperm(len(series), generator=torch_generator(seed))[:N_WATCHED]
    return series[order.to(series.values.device)]
