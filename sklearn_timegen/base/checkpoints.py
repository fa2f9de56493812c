"""Trainings that are kept in a file while they run, and go on from it."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_timegen._warning import warn_user
from sklearn_timegen.data import Series
from sklearn_timegen.io.saved import CannotSave, save
from sklearn_timegen.training import GeneratorNet, callbacks_state

__all__ = ["Checkpoints", "Unfinished", "kept_in_file"]


@dataclass(frozen=True)
class Unfinished:
    """A training that was begun, as a checkpoint remembers it.

    Parameters
    ----------
    n_before : int
        Epochs of the trainings before it.
    n_epochs : int
        Epochs that it was to have.
    data : str
        Fingerprint of the series that it was begun with.
    callbacks : dict
        What the net's callbacks have learned in it, by their names.
    """

    n_before: int
    n_epochs: int
    data: str
    callbacks: dict[str, dict[str, Any]]

    def check(self, data: str) -> None:
        """Refuse to go on with other series."""
        if data != self.data:
            raise ValueError(
                "X or y are others than those that the training of this checkpoint was begun "
                "with: pass the same, or fit anew with warm_start=False"
            )


class Checkpoints:
    """Writes an estimator to its checkpoint, at the beginning of a training and after epochs.

    The first file has to be written, so that what is wrong with its path, or cannot be saved, is
    said before training. Later, a disk may be full: a warning says so then, the file of before
    stays, and training goes on.

    Parameters
    ----------
    estimator : NeuralGenerator
        Whose parameters say where and how often.
    n_before, n_epochs, data
        As for ``Unfinished``.
    """

    def __init__(self, estimator: Any, n_before: int, n_epochs: int, data: str) -> None:
        self.estimator = estimator
        self.begun = n_before, n_epochs, data
        self.failed = False

    def at_beginning(self, net: GeneratorNet) -> None:
        """Write the first file of a training, or of a phase of it."""
        if len(net.history) > self.begun[0]:  # a later phase: there is a file to go on from
            self._write_or_warn(net)
            return
        path = self.estimator.checkpoint
        if Path(path).is_dir():  # as an empty name is, too
            raise ValueError(f"checkpoint={str(path)!r} is a directory: name a file in it")
        try:
            self.write(net)
        except OSError as error:
            raise OSError(f"checkpoint={str(path)!r} cannot be written: {error}") from error

    def after_epoch(self, net: GeneratorNet) -> None:
        """Write the file anew if so many epochs are over, or the training is."""
        n_done = len(net.history) - self.begun[0]
        if n_done % self.estimator.checkpoint_every and net.progress_made < 1:
            return
        self._write_or_warn(net)

    def _write_or_warn(self, net: GeneratorNet) -> None:
        try:
            self.write(net)
            self.failed = False
        except (OSError, CannotSave) as error:
            if not self.failed:  # once, and not after each epoch
                warn_user(
                    f"no checkpoint was written after epoch {len(net.history)}: {error}. The one "
                    "before it is as it was, and training goes on"
                )
            self.failed = True

    def write(self, net: GeneratorNet) -> None:
        """Write the estimator as it is after this epoch, with all that training goes on from."""
        held = copy.copy(self.estimator)
        held.net_ = net
        held._unfinished = Unfinished(*self.begun, callbacks_state(net))
        save(held, self.estimator.checkpoint, training_state=True)


@contextmanager
def kept_in_file(
    estimator: Any, net: GeneratorNet, series: Series, n_epochs: int
) -> Iterator[int]:
    """Let a training go on from a checkpoint, and be kept in one; yield its epochs."""
    begun: Unfinished | None = getattr(estimator, "_unfinished", None)
    if begun is not None or estimator.checkpoint is not None:
        data = _fingerprint(series)
    if begun is not None:
        begun.check(data)
        n_epochs = begun.n_epochs
        net.resumed_ = begun.callbacks
    if estimator.checkpoint is not None:
        net.checkpoints_ = Checkpoints(estimator, estimator._n_epochs_before, n_epochs, data)
    try:
        yield n_epochs
    finally:
        net.resumed_ = net.checkpoints_ = None


def _fingerprint(series: Series) -> str:
    """Return what tells represented series, and their conditions, from others."""
    digest = hashlib.sha256()
    for part in (series.values, series.conditions, series.observed):
        digest.update(repr(None if part is None else (part.shape, str(part.dtype))).encode())
        if part is not None:
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
