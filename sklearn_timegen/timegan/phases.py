"""Training in phases: the learning rates of each, and how it stops."""

from __future__ import annotations

from typing import Any

from skorch.callbacks import Callback

from sklearn_timegen.training import (
    CosineRate,
    GeneratorNet,
    callback_state,
    early_stopping,
    restore_callback,
)

__all__ = ["PhaseRate", "PhaseStopping"]


class PhaseRate(CosineRate):
    """Learning rates that fall along a cosine in each phase, from its own one."""

    def fraction(self, net: GeneratorNet) -> float:
        own = 1.0 if net.phase_ == net.LAST else net.early_lr / net.lr
        return own * super().fraction(net)


class PhaseStopping(Callback):
    """Early stopping for each phase, which goes back to its best weights at its end.

    Parameters
    ----------
    patience : int
        Epochs without improvement.
    tol : float
        What counts as an improvement.
    held_out : bool
        Whether there are held-out series to go by.
    """

    def __init__(self, patience: int, tol: float, held_out: bool) -> None:
        self.patience = patience
        self.tol = tol
        self.held_out = held_out

    def training_state(self) -> dict[str, Any]:
        return {phase: callback_state(stopping) for phase, stopping in self.stopping_.items()}

    def resume_training(self, state: dict[str, Any]) -> None:
        self._resumed.update(state)

    def on_train_begin(
        self, net: GeneratorNet, X: object = None, y: object = None, **kwargs: object
    ) -> None:
        self.stopping_: dict[str, Any] = {}
        self._resumed: dict[str, Any] = {}

    def on_epoch_end(self, net: GeneratorNet, **kwargs: object) -> None:
        if net.phase_ not in self.stopping_:
            stopping = early_stopping(net.monitored(self.held_out), self.patience, self.tol)
            stopping.initialize()
            stopping.on_train_begin(net)
            restore_callback(stopping, self._resumed.pop(net.phase_, {}))
            self.stopping_[net.phase_] = stopping
        self.stopping_[net.phase_].on_epoch_end(net, **kwargs)

    def on_phase_end(self, net: GeneratorNet) -> None:
        """Go back to the phase's best weights."""
        if net.phase_ in self.stopping_:
            self.stopping_.pop(net.phase_).on_train_end(net)

    def on_train_end(
        self, net: GeneratorNet, X: object = None, y: object = None, **kwargs: object
    ) -> None:
        self.on_phase_end(net)  # of a phase that was interrupted
