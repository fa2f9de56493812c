"""Training by skorch, as lean as a hand-written loop.

``GeneratorNet`` trains one module by one objective, ``AveragedNet`` also averages its weights, and
``AdversarialNet`` trains two networks that play against each other. What comes beside the steps
(rates that fall, early stopping, a look at samples) are skorch callbacks. Batches are slices of
tensors already in memory, and every random stream is the net's own.
"""

from sklearn_timegen.training.adversarial import AdversarialNet
from sklearn_timegen.training.averaged import AveragedNet
from sklearn_timegen.training.callbacks import ProgressBar, early_stopping
from sklearn_timegen.training.data import BatchIterator, HoldOut, cell_weights, resolve_device
from sklearn_timegen.training.game import Game
from sklearn_timegen.training.monitor import COLLAPSED, SATURATED, SampleMonitor
from sklearn_timegen.training.net import GeneratorNet
from sklearn_timegen.training.resuming import callback_state, callbacks_state, restore_callback
from sklearn_timegen.training.schedules import CosineRate, RateSchedule, WarmupCosineRate
from sklearn_timegen.training.step import Step

__all__ = [
    "COLLAPSED",
    "SATURATED",
    "AdversarialNet",
    "AveragedNet",
    "BatchIterator",
    "CosineRate",
    "Game",
    "GeneratorNet",
    "HoldOut",
    "ProgressBar",
    "RateSchedule",
    "SampleMonitor",
    "Step",
    "WarmupCosineRate",
    "callback_state",
    "callbacks_state",
    "cell_weights",
    "early_stopping",
    "resolve_device",
    "restore_callback",
]
