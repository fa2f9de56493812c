"""What callbacks know in the midst of a training, for one that goes on from a file."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from skorch.callbacks import Callback
from torch.optim.lr_scheduler import LRScheduler

from sklearn_timegen.training.net import GeneratorNet

__all__ = ["callbacks_state", "resume"]

State = dict[str, Any]


def callbacks_state(net: GeneratorNet) -> dict[str, State]:
    """Return what the callbacks of a net have learned since its training began."""
    return {name: _state(callback) for name, callback in net.callbacks_}


def resume(net: GeneratorNet, states: Mapping[str, State]) -> None:
    """Let a training that begins be one that goes on, of which ``states`` were kept.

    Raises
    ------
    ValueError
        If the callbacks are others by now.
    """
    callbacks = dict(net.callbacks_)
    if callbacks.keys() != states.keys():
        raise ValueError(
            f"the training was begun with the callbacks {sorted(states)}, and cannot go on with "
            f"{sorted(callbacks)}"
        )
    for name, state in states.items():
        _restore(callbacks[name], state)


def _state(callback: Callback) -> State:
    if hasattr(callback, "training_state"):
        state: State = callback.training_state()
        return state
    # By skorch's convention, what is set in training ends so. Classes are set before it.
    own = {n: v for n, v in vars(callback).items() if n.endswith("_") and not inspect.isclass(v)}
    return {
        name: value.state_dict() if isinstance(value, LRScheduler) else value
        for name, value in own.items()
    }


def _restore(callback: Callback, state: State) -> None:
    if hasattr(callback, "resume_training"):
        callback.resume_training(state)
        return
    for name, value in state.items():
        held = getattr(callback, name, None)
        if isinstance(held, LRScheduler):
            held.load_state_dict(value)
        else:
            setattr(callback, name, value)
