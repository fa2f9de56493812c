"""skorch callbacks: a progress bar, a falling learning rate, and early stopping in memory."""

from __future__ import annotations

from functools import partial
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping

from sklearn_timegen.training.net import cosine_decay

__all__ = ["CosineRate", "ProgressBar", "early_stopping"]

SHOWN = ("train_loss", "valid_loss", "train_distance", "valid_distance")


class ProgressBar(Callback):
    """One tqdm bar for a training, an epoch a step, with the losses behind it."""

    def __init__(self, description: str = "", disable: bool = False) -> None:
        self.description = description
        self.disable = disable

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        from tqdm.auto import tqdm

        self.bar_ = tqdm(
            total=net.n_epochs_, desc=self.description, unit="epoch", disable=self.disable
        )

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        row = net.history[-1]
        shown = {name[:5]: row[name] for name in SHOWN if name in row}
        self.bar_.set_postfix({name: f"{value:.4g}" for name, value in shown.items()})
        self.bar_.update()

    def on_train_end(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        self.bar_.close()
        del self.bar_


class CosineRate(Callback):
    """Let the learning rates fall along a cosine to a share of them, epoch by epoch.

    A training of one epoch keeps them, and after a training they are what they were before.
    """

    def __init__(self, lr_end: float = 0.0) -> None:
        self.lr_end = lr_end

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        self.n_before_ = len(net.history)
        self.rates_: list[float] = []

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        progress = (len(net.history) - 1 - self.n_before_) / net.n_epochs_
        share = cosine_decay(self.lr_end, progress)
        self.rates_ = [group["lr"] for group in net.optimizer_.param_groups]
        for group in net.optimizer_.param_groups:
            group["lr"] *= share

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        # Other callbacks may change the rates between epochs: they find them as they left them.
        for group, rate in zip(net.optimizer_.param_groups, self.rates_, strict=False):
            group["lr"] = rate
        self.rates_ = []

    def on_train_end(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        self.on_epoch_end(net)  # of an epoch that was interrupted


def early_stopping(monitor: str, patience: int, tol: float, start: int = 0) -> EarlyStopping:
    """Stop when ``monitor`` stands still; the best weights are kept in memory and restored.

    The first ``start`` epochs do not count: in a warm-up, the loss is another one.

    Not in a file, as skorch's ``Checkpoint`` does: the workers of a parallel grid search would
    load each other's weights.
    """
    kind = partial(_LateStopping, start) if start else EarlyStopping
    return kind(
        monitor=monitor,
        patience=patience,
        threshold=tol,
        threshold_mode="abs",
        load_best=True,
    )


class _LateStopping(EarlyStopping):
    def __init__(self, start: int = 0, **kwargs: Any) -> None:
        self.start = start
        super().__init__(**kwargs)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if len(net.history) > self.start:
            super().on_epoch_end(net, **kwargs)
