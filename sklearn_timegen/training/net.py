"""Training by skorch, as lean as a hand-written loop.

``GeneratorNet`` is a skorch net whose batches are slices of tensors already in memory, whose
random streams are its own, and whose epochs keep no per-batch history unless a callback listens
to batches. The objective is its criterion: it is called as ``objective(module, batch, rng)``
and returns one value a series, of which the net takes the mean.
"""

from __future__ import annotations

import copy
import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from skorch.history import History
from skorch.utils import TeeGenerator
from torch import Tensor
from torch.utils.data import Subset

from sklearn_timegen._random import derive_seed, seeded_weights, torch_generator
from sklearn_timegen.data import Series
from sklearn_timegen.training.data import BatchIterator

__all__ = ["GeneratorNet", "cosine_decay"]


class GeneratorNet(NeuralNet):
    """A skorch net with one module and one objective.

    Parameters
    ----------
    module : callable
        Makes the module; called with no arguments, with the weights' stream seeded.
    criterion : callable
        Makes the objective.
    seed : int
        Seed of the weights, the order of the batches and the training noise.
    **kwargs
        As for ``skorch.NeuralNet``.

    Attributes
    ----------
    n_epochs_ : int
        Number of epochs that the last training was to have.
    interrupted_ : bool
        Whether the last training was ended by Ctrl-C, and not by a callback.
    """

    def __init__(
        self, module: Callable[[], torch.nn.Module], criterion: Any, *, seed: int, **kwargs: Any
    ) -> None:
        self.seed = seed
        super().__init__(module, criterion, **kwargs)

    _trained: ClassVar[tuple[str, ...]] = ("module_", "criterion_", "optimizer_")
    _streams: ClassVar[tuple[str, ...]] = ("shuffle_", "noise_")

    # -- made once ---------------------------------------------------------------------------

    def initialize(self) -> GeneratorNet:
        self.shuffle_ = torch_generator(derive_seed(self.seed, "shuffle"))
        self.noise_ = torch_generator(derive_seed(self.seed, "noise"), self.device)
        super().initialize()
        return self

    def initialize_module(self) -> GeneratorNet:
        with seeded_weights(derive_seed(self.seed, "weights")):
            super().initialize_module()
        if not any(parameter.requires_grad for parameter in self.module_.parameters()):
            raise ValueError(
                f"the module {type(self.module_).__name__} has no parameters to train: layers "
                "have to be its attributes, or to be held in a torch.nn.ModuleList"
            )
        return self

    def initialize_criterion(self) -> GeneratorNet:
        super().initialize_criterion()
        if not isinstance(self.criterion_, torch.nn.Module):
            raise TypeError(
                "the objective has to be a torch.nn.Module, whose forward is called with "
                f"(module, batch, rng), got {self.criterion_!r}"
            )
        return self

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        # The losses are recorded by run_single_epoch, without a scoring pass over batches.
        return [("epoch_timer", EpochTimer())]

    def initialize_callbacks(self) -> GeneratorNet:
        super().initialize_callbacks()
        callbacks = [callback for _, callback in self.callbacks_]
        self._batches_heard = _heard(callbacks, "on_batch_begin", "on_batch_end")
        self._gradients_heard = _heard(callbacks, "on_grad_computed")
        return self

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Hand the optimizer what is trained: an average of weights is not."""
        trained = [(name, p) for name, p in named_parameters if p.requires_grad]
        return super().get_params_for_optimizer(prefix, trained)

    # -- data --------------------------------------------------------------------------------

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        return X if isinstance(X, Series | Subset) else Series(X, y)

    def get_iterator(self, dataset: Any, training: bool = False) -> BatchIterator:
        return BatchIterator(dataset, self.batch_size, self.shuffle_ if training else None)

    # -- training ----------------------------------------------------------------------------

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, **params: Any) -> Any:
        self.n_epochs_ = self.count_epochs(params.get("epochs") or self.max_epochs)
        self._pressed: list[int] = []
        try:
            with _noticing_ctrl_c() as self._pressed:
                super().partial_fit(X, y, classes, **params)
        except KeyboardInterrupt:  # when callbacks began or ended: skorch sees to what is between
            self._pressed.append(signal.SIGINT)
            self._end_callbacks(X, y)
        except Exception:
            self._end_callbacks(X, y)
            raise
        finally:
            self.interrupted_ = bool(self._pressed)
            self._drop_unfinished_epoch()
        return self

    def count_epochs(self, n_epochs: int) -> int:
        """Return how many epochs a training of ``n_epochs`` is to have."""
        return n_epochs

    def _end_callbacks(self, X: Any, y: Any) -> None:
        """Let bars close and files be written, whatever has ended the training."""
        for _, callback in self.callbacks_:
            # One that cannot end must not hide why training did.
            with suppress(Exception, KeyboardInterrupt):
                callback.on_train_end(self, X=X, y=y)

    def snapshot(self) -> dict[str, Any]:
        """Return all that training changes."""
        return {
            "attributes": {name: _apart(value) for name, value in vars(self).items()},
            "states": {n: copy.deepcopy(getattr(self, n).state_dict()) for n in self._trained},
            "streams": {name: getattr(self, name).get_state() for name in self._streams},
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Go back to what ``snapshot`` returned, callbacks apart."""
        self.__dict__.clear()
        self.__dict__.update(kept["attributes"])
        for name, state in kept["states"].items():
            getattr(self, name).load_state_dict(state)
        for name, state in kept["streams"].items():
            getattr(self, name).set_state(state)

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **params: Any) -> Any:
        super().fit_loop(X, y, epochs, **params)
        self._check_weights()
        return self

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **params: Any
    ) -> None:
        if iterator is None:
            return
        self._set_training(training)
        total: Any = 0.0
        n_series = 0
        for batch in iterator:
            if self._batches_heard:
                self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **params)
            total = total + step["loss"] * len(batch)
            n_series += len(batch)
            if self._batches_heard:
                self.history.record_batch(f"{prefix}_loss", step["loss"].item())
                self.history.record_batch(f"{prefix}_batch_size", len(batch))
                self.notify("on_batch_end", batch=batch, training=training, **step)
        self._record_loss(prefix, float(total) / n_series)
        self.history.record(f"{prefix}_batch_count", len(iterator))

    def train_step(self, batch: Series, **params: Any) -> dict[str, Any]:
        self.optimizer_.zero_grad(set_to_none=True)
        loss = self.batch_loss(batch)
        if not loss.requires_grad:
            raise ValueError(
                f"the objective {type(self.criterion_).__name__} returned a loss that no "
                "parameter has a part in: is it detached, or computed without gradients?"
            )
        loss.backward()
        if self._gradients_heard:
            learnable = self.get_all_learnable_params()
            named = TeeGenerator((name, p) for name, p in learnable if p.requires_grad)
            self.notify("on_grad_computed", named_parameters=named, batch=batch, training=True)
        self.optimizer_.step()
        return {"loss": loss.detach(), "y_pred": None}  # skorch's callbacks ask for both

    @contextmanager
    def _scaled_lr(self, share: float) -> Iterator[None]:
        """Use a share of the learning rates, in one step only: callbacks may set them, too."""
        groups = self.optimizer_.param_groups
        rates = [group["lr"] for group in groups]
        try:
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate * share
            yield
        finally:
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate

    def validation_step(self, batch: Series, **params: Any) -> dict[str, Any]:
        with torch.no_grad():
            return {"loss": self.batch_loss(batch), "y_pred": None}

    def batch_loss(self, batch: Series) -> Tensor:
        """Mean of the objective over a batch."""
        losses: Tensor = self.criterion_(self.module_, batch, self.noise_)
        if not isinstance(losses, Tensor):
            raise TypeError(
                f"the objective {type(self.criterion_).__name__} has to return a tensor, one loss "
                f"a series, but returned a {type(losses).__name__}"
            )
        return losses.mean()

    def _record_loss(self, prefix: str, loss: float) -> None:
        if not math.isfinite(loss):
            raise self._diverged(f"the {prefix} loss became {loss}")
        self._record_best(f"{prefix}_loss", loss)

    def _record_best(self, name: str, value: float) -> None:
        """Record a number that is the better the smaller, and whether it is the best so far."""
        # The last best row has the least value so far: no need to look at all of them.
        rows = reversed(self.history[:-1])
        best = (row[name] for row in rows if row.get(f"{name}_best"))
        self.history.record(name, value)
        self.history.record(f"{name}_best", value < next(best, math.inf))

    def _check_weights(self) -> None:
        """The loss is that of before a step: the last step has to be looked at itself."""
        for name, parameter in self.module_.named_parameters():
            if not torch.isfinite(parameter).all():
                raise self._diverged(f"the weights {name} are no longer finite")

    def _diverged(self, what: str) -> FloatingPointError:
        return FloatingPointError(
            f"{what} in epoch {len(self.history)}. Try a smaller lr (it is {self.lr}), another "
            "representation, or clip gradients with skorch.callbacks.GradientNormClipping"
        )

    def _drop_unfinished_epoch(self) -> None:
        """Leave finished epochs only in the history: an interrupted one has no loss."""
        if self.history and "dur" not in self.history[-1]:
            self.history_ = History(self.history[:-1])

    # -- pickling ----------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        if "noise_" in state:  # a generator of a GPU could not be unpickled without one
            state["noise_"] = str(state["noise_"].device), state["noise_"].get_state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "noise_" in state:
            device, stream = state["noise_"]
            seed = derive_seed(self.seed, f"noise after epoch {len(self.history)}")
            self.noise_ = torch_generator(seed, self.device)
            if torch.device(device).type == self.noise_.device.type:
                self.noise_.set_state(stream)


def cosine_decay(end: float, way: float) -> float:
    """Return what is left, after a share ``way`` of the steps, of what falls from 1 to ``end``."""
    return 1 - (1 - end) * (1 - math.cos(math.pi * way)) / 2


def _apart(value: Any) -> Any:
    """Return a copy of a container: what is counted and listed in training stays what it was."""
    return copy.copy(value) if isinstance(value, dict | list | set) else value


def _heard(callbacks: list[Callback], *events: str) -> bool:
    """Whether any callback overrides any of the methods that ``events`` name."""
    return any(
        getattr(type(callback), event) is not getattr(Callback, event)
        for callback in callbacks
        for event in events
    )


@contextmanager
def _noticing_ctrl_c() -> Iterator[list[int]]:
    """Yield a list that fills when Ctrl-C is pressed; what else the signal does goes on.

    A KeyboardInterrupt does not tell: it is also skorch's way for a callback, such as early
    stopping, to end training. Signals reach the main thread only, and so does the handler.
    """
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed
        return

    def handler(number: int, frame: Any) -> Any:
        pressed.append(number)
        return before(number, frame)

    signal.signal(signal.SIGINT, handler)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
