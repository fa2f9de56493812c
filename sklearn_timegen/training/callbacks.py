"""skorch callbacks: a progress bar, and early stopping in memory."""

from __future__ import annotations

from functools import partial

from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping

__all__ = ["ProgressBar", "early_stopping"]

SHOWN = ("train_loss", "valid_loss", "train_distance", "valid_distance")


class ProgressBar(Callback):
    """One tqdm bar for a training, an epoch a step, with the losses behind it."""

    def __init__(self, description: str = "", disable: bool = False) -> None:
        self.description = description
        self.disable = disable

    def training_state(self) -> dict[str, object]:
        return {}  # the bar is drawn anew

    def on_train_begin(
        self, net: NeuralNet, X: object = None, y: object = None, **kwargs: object
    ) -> None:
        from tqdm.auto import tqdm

        self.bar_ = tqdm(
            total=net.n_epochs_, desc=self.description, unit="epoch", disable=self.disable
        )

    def on_epoch_end(self, net: NeuralNet, **kwargs: object) -> None:
        row = net.history[-1]
        shown = {name[:5]: row[name] for name in SHOWN if name in row}
        self.bar_.set_postfix({name: f"{value:.4g}" for name, value in shown.items()})
        self.bar_.update()

    def on_train_end(
        self, net: NeuralNet, X: object = None, y: object = None, **kwargs: object
    ) -> None:
        self.bar_.close()
        del self.bar_


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
    def __init__(self, start: int = 0, **kwargs: object) -> None:
        self.start = start
        super().__init__(**kwargs)

    def on_epoch_end(self, net: NeuralNet, **kwargs: object) -> None:
        if len(net.history) > self.start:
            super().on_epoch_end(net, **kwargs)
