"""Training in phases: one net and one history, each phase with its own end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from skorch.callbacks import Callback

from sklearn_timegen.training.callbacks import early_stopping
from sklearn_timegen.training.watched import WatchedNet

__all__ = ["PhaseStopping", "PhasedNet"]


class PhasedNet(WatchedNet):
    """A net of players that learns in phases, the last of which can be gone on with.

    A row of the history says in ``phase`` which one it belongs to. A phase that a callback ends
    (by a ``KeyboardInterrupt``, as skorch's early stopping does) is followed by the next one;
    Ctrl-C ends all. The optimizer begins each phase without memory of another one.

    Parameters
    ----------
    module, criterion, seed, **kwargs
        As for ``WatchedNet``; ``max_epochs`` are those of the last phase.
    early_epochs : mapping of str to int
        Epochs of the phases before the last one, in their order; each is done once.
    early_lr : float
        Learning rate of the phases before the last one.

    Attributes
    ----------
    phase_ : str
        The phase that is, or was, trained.
    finished_ : set of str
        Early phases that are over.
    """

    LAST: ClassVar[str]

    def __init__(
        self,
        module: Any,
        criterion: Any,
        *,
        seed: int,
        early_epochs: Mapping[str, int],
        early_lr: float,
        **kwargs: Any,
    ) -> None:
        self.early_epochs = early_epochs
        self.early_lr = early_lr
        super().__init__(module, criterion, seed=seed, **kwargs)

    def monitored(self, held_out: bool) -> str:
        """Return which number of the history tells how the phase goes."""
        raise NotImplementedError

    def initialize(self) -> PhasedNet:
        self.finished_: set[str] = set()
        super().initialize()
        return self

    def count_epochs(self, n_epochs: int) -> int:
        return sum(n for _, n in self._to_come(n_epochs))

    def _to_come(self, n_epochs: int) -> Iterator[tuple[str, int]]:
        """Yield the phases that are to be trained, and their epochs."""
        for phase, planned in self.early_epochs.items():
            if phase not in self.finished_:
                done = sum(row.get("phase") == phase for row in self.history)
                yield phase, max(1, planned - done)
        yield self.LAST, n_epochs

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **params: Any) -> Any:
        for phase, n_epochs in list(self._to_come(epochs or self.max_epochs)):
            if not self.history or self.history[-1].get("phase") != phase:
                self.optimizer_.state.clear()
            self.phase_, self._n_in_phase = phase, n_epochs
            try:
                super().fit_loop(X, y, n_epochs, **params)
            except KeyboardInterrupt:
                if self._pressed:
                    raise
                self._drop_unfinished_epoch()
                self._check_weights()
            self.finished_.add(phase)
            for _, callback in self.callbacks_:
                if isinstance(callback, PhaseStopping):
                    callback.on_phase_end(self)
        return self

    @property
    def _share(self) -> float:
        own = 1.0 if self.phase_ == self.LAST else self.early_lr / self.lr
        return own * super()._share

    def _diverged(self, what: str) -> FloatingPointError:
        if self.phase_ == self.LAST:
            return super()._diverged(what)
        return FloatingPointError(
            f"{what} in epoch {len(self.history)}, of the {self.phase_} phase. Try a smaller rate "
            f"for it (it is {self.early_lr}), or another representation"
        )

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **params: Any
    ) -> None:
        self.history.record("phase", self.phase_)
        super().run_single_epoch(iterator, training, prefix, step_fn, **params)

    @property
    def _progress(self) -> float:
        return (len(self.history) - 1 - self._n_before) / self._n_in_phase


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

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        self.stopping_: dict[str, Any] = {}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if net.phase_ not in self.stopping_:
            stopping = early_stopping(net.monitored(self.held_out), self.patience, self.tol)
            stopping.initialize()
            stopping.on_train_begin(net)
            self.stopping_[net.phase_] = stopping
        self.stopping_[net.phase_].on_epoch_end(net, **kwargs)

    def on_phase_end(self, net: Any) -> None:
        """Go back to the phase's best weights."""
        if net.phase_ in self.stopping_:
            self.stopping_.pop(net.phase_).on_train_end(net)

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        self.on_phase_end(net)  # of a phase that was interrupted
