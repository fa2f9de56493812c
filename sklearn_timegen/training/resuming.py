"""Trainings that are kept in a file while they run, and go on from there."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from skorch.callbacks import Callback
from torch.optim.lr_scheduler import LRScheduler

from sklearn_timegen.training.saving import SavedNet

__all__ = ["ResumingNet", "callback_state", "callbacks_state", "restore_callback"]

State = dict[str, Any]


class Keeping(Protocol):
    """Keeps a training while it runs."""

    def at_beginning(self, net: Any) -> None:
        """Keep a training, or a phase of it, before its first epoch."""

    def after_epoch(self, net: Any) -> None:
        """Keep it after an epoch, if it is time to."""


class ResumingNet(SavedNet):
    """A skorch net whose training may be one that goes on."""

    checkpoints_: Keeping | None = None  # what writes the file
    resumed_: Mapping[str, State] | None = None  # what callbacks knew, by their names

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        if method_name == "on_train_begin" and self.resumed_ is not None:
            # Callbacks begin anew, and change rates as they do.
            kept = [_without(group, "params") for group in self.optimizer_.param_groups]
            super().notify(method_name, **cb_kwargs)
            _restore_callbacks(self.callbacks_, self.resumed_)
            for group, settings in zip(self.optimizer_.param_groups, kept, strict=True):
                group.update(settings)
            return
        super().notify(method_name, **cb_kwargs)
        if method_name == "on_epoch_end" and self.checkpoints_ is not None:
            self.checkpoints_.after_epoch(self)

    def fit_loop(
        self, X: object, y: object = None, epochs: int | None = None, **params: object
    ) -> ResumingNet:
        if self.resumed_ is None:
            self._n_before, self._n_to_come = len(self.history), epochs or self.max_epochs
            if self.checkpoints_ is not None:
                self.checkpoints_.at_beginning(self)
        self.resumed_ = None  # the next phase begins at its beginning
        left = self._n_to_come - (len(self.history) - self._n_before)
        if left > 0:
            super().fit_loop(X, y, left, **params)
        return self

    @property
    def progress_made(self) -> float:
        """Fraction of this training's epochs, or of a phase's, that are finished."""
        return (len(self.history) - self._n_before) / self._n_to_come

    @property
    def progress(self) -> float:
        """Fraction of this training's epochs, or of a phase's, that are over."""
        return (len(self.history) - 1 - self._n_before) / self._n_to_come


def callbacks_state(net: ResumingNet) -> dict[str, State]:
    """Return what the callbacks of a net have learned since its training began."""
    return {name: callback_state(callback) for name, callback in net.callbacks_}


def _restore_callbacks(
    callbacks: Iterable[tuple[str, Callback]], states: Mapping[str, State]
) -> None:
    """Give callbacks back what they knew.

    Raises
    ------
    ValueError
        If the callbacks are others by now.
    """
    known = dict(callbacks)
    if known.keys() != states.keys():
        raise ValueError(
            f"the training was begun with the callbacks {sorted(states)}, and cannot go on with "
            f"{sorted(known)}"
        )
    for name, state in states.items():
        restore_callback(known[name], state)


def callback_state(callback: Callback) -> State:
    """Return what a callback has learned; ``training_state`` is its own way to say it."""
    if hasattr(callback, "training_state"):
        state: State = callback.training_state()
        return state
    # By skorch's convention, what is set in training ends so. Classes are set before it.
    own = {n: v for n, v in vars(callback).items() if n.endswith("_") and not inspect.isclass(v)}
    return {
        name: value.state_dict() if isinstance(value, LRScheduler) else value
        for name, value in own.items()
    }


def restore_callback(callback: Callback, state: State) -> None:
    """Give a callback, whose training has begun, what it had learned."""
    if hasattr(callback, "resume_training"):
        callback.resume_training(state)
        return
    for name, value in state.items():
        held = getattr(callback, name, None)
        if isinstance(held, LRScheduler):
            held.load_state_dict(value)
        else:
            setattr(callback, name, value)


def _without(group: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key != name}
