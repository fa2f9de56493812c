"""Training by skorch, as lean as a hand-written loop.

``GeneratorNet`` trains one module by one objective. Batches are slices of tensors already in memory, and every random stream is the net's own.
"""

from sklearn_timegen.training.callbacks import ProgressBar, early_stopping
from sklearn_timegen.training.data import BatchIterator, HoldOut, SeriesDataset, resolve_device
from sklearn_timegen.training.net import GeneratorNet

__all__ = [
    "BatchIterator",
    "GeneratorNet",
    "HoldOut",
    "ProgressBar",
    "SeriesDataset",
    "early_stopping",
    "resolve_device",
]
