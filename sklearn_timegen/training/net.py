"""Training by skorch, as lean as a hand-written loop.

``GeneratorNet`` is a skorch net whose batches are slices of tensors already in memory, whose
random streams are its own, and whose epochs keep no per-batch history unless a callback listens
to batches. The objective is its criterion: it is called as ``objective(module, batch, rng)``
and returns one value a series, of which the net takes the mean.
"""

from __future__ import annotations

import math
import operator
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback, EpochTimer
from skorch.history import History
from skorch.utils import TeeGenerator
from torch import Tensor
from torch.utils.data import Subset

from sklearn_timegen._random import derive_seed, seeded_weights, torch_generator
from sklearn_timegen.data import Series
from sklearn_timegen.training.data import BatchIterator
from sklearn_timegen.training.interruption import noticing_ctrl_c
from sklearn_timegen.training.resuming import ResumingNet
from sklearn_timegen.training.schedules import RateSchedule
from sklearn_timegen.training.step import Step

__all__ = ["GeneratorNet"]

Group = dict[str, Any]  # of parameters, in an optimizer


class GeneratorNet(ResumingNet):
    """A skorch net with one module and one objective.

    A module may hold several networks that descend losses of their own. A subclass names them
    (``NETWORKS``); each has a group of parameters in one optimizer, so that schedulers, snapshots
    and pickles see a single one, and a step takes the groups that it names.

    Parameters
    ----------
    module : callable
        Makes the module; called with no arguments, with the weights' stream seeded.
    criterion : callable
        Makes the objective.
    seed : int
        Seed of the weights, the order of the batches and the training noise.
    varies : ndarray of bool of shape (n_timesteps, n_channels) or None
        Which cells the objective is to count, ``space.varies`` or all. A batch holds what that
        and the cells observed come to, ``batch.weights``.
    discriminator_lr : float or None
        The discriminator's own learning rate, if there is a network of that name.
    **kwargs
        As for ``skorch.NeuralNet``.

    Attributes
    ----------
    n_epochs_ : int
        Number of epochs that the last training was to have.
    n_batches_ : int
        Number of batches in an epoch of it.
    n_steps_ : int, or dict of str to int
        Steps that were taken since the weights were made, by each network if there are several.
    interrupted_ : bool
        Whether the last training was ended by Ctrl-C, and not by a callback.
    """

    # Where the module holds the networks that step together, by their group's name.
    NETWORKS: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(
        self,
        module: Callable[[], torch.nn.Module],
        criterion: Callable[[], torch.nn.Module],
        *,
        seed: int,
        varies: NDArray[np.bool_] | None = None,
        discriminator_lr: float | None = None,
        **kwargs: Any,
    ) -> None:
        self.seed = seed
        self.varies = varies
        self.discriminator_lr = discriminator_lr
        super().__init__(module, criterion, **kwargs)

    # -- made once ---------------------------------------------------------------------------

    def initialize(self) -> GeneratorNet:
        self.shuffle_ = torch_generator(derive_seed(self.seed, "shuffle"))
        self.noise_ = torch_generator(derive_seed(self.seed, "noise"), self.device)
        self.n_steps_: Any = dict.fromkeys(self.NETWORKS, 0) if self.NETWORKS else 0
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
        self._schedules = [c for c in callbacks if isinstance(c, RateSchedule)]
        return self

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Hand the optimizer what is trained, network by network: an average of weights is not."""
        trained = [(name, p) for name, p in named_parameters if p.requires_grad]
        args, kwargs = super().get_params_for_optimizer(prefix, trained)
        if not self.NETWORKS:
            return args, kwargs
        groups: list[Group] = [{"params": self._trained_by(n)} for n in self.NETWORKS]
        if self.discriminator_lr is not None:
            groups[list(self.NETWORKS).index("discriminator")]["lr"] = self.discriminator_lr
        return (groups,), kwargs

    def _trained_by(self, name: str) -> list[torch.nn.Parameter]:
        """Return what the steps of a network change."""
        networks = [operator.attrgetter(path)(self.networks) for path in self.NETWORKS[name]]
        found = [p for network in networks if network is not None for p in network.parameters()]
        return [parameter for parameter in found if parameter.requires_grad]

    def _group(self, name: str) -> Group:
        return self.optimizer_.param_groups[list(self.NETWORKS).index(name)]

    def set_params(self, **kwargs: Any) -> GeneratorNet:
        super().set_params(**kwargs)
        # skorch sets lr for all networks.
        if self.initialized_ and self.NETWORKS and {"lr", "discriminator_lr"} & kwargs.keys():
            self._group("discriminator")["lr"] = self.discriminator_lr or self.lr
        return self

    @property
    def networks(self) -> Any:
        """The module, outside of what ``torch.compile`` wraps around it."""
        return getattr(self.module_, "_orig_mod", self.module_)

    # -- data --------------------------------------------------------------------------------

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        return X if isinstance(X, Series | Subset) else Series(X, y)

    def get_iterator(self, dataset: Any, training: bool = False) -> BatchIterator:
        rng = self.shuffle_ if training else None
        return BatchIterator(dataset, self.batch_size, rng, self.varies)

    # -- training ----------------------------------------------------------------------------

    def partial_fit(
        self, X: object, y: object = None, classes: object = None, **params: Any
    ) -> GeneratorNet:
        if self.resumed_ is None:
            self.n_epochs_ = self.count_epochs(params.get("epochs") or self.max_epochs)
        self._pressed: list[int] = []
        try:
            with noticing_ctrl_c() as self._pressed:
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

    def _end_callbacks(self, X: object, y: object) -> None:
        """Let bars close and files be written, whatever has ended the training."""
        for _, callback in self.callbacks_:
            # One that cannot end must not hide why training did.
            with suppress(Exception, KeyboardInterrupt):
                callback.on_train_end(self, X=X, y=y)

    def fit_loop(
        self, X: object, y: object = None, epochs: int | None = None, **params: object
    ) -> GeneratorNet:
        super().fit_loop(X, y, epochs, **params)
        self._check_weights()
        return self

    def run_single_epoch(
        self,
        iterator: BatchIterator | None,
        training: bool,
        prefix: str,
        step_fn: Callable[..., Step],
        **params: object,
    ) -> None:
        if iterator is None:
            return
        self._set_training(training)
        self._record_steps(prefix, self._steps(iterator, training, prefix, step_fn, params))
        self.history.record(f"{prefix}_batch_count", len(iterator))

    def _record_steps(self, prefix: str, steps: Iterable[tuple[Series, Step]]) -> None:
        """Take all steps of an epoch, and record what they tell."""
        total: Any = 0.0
        n_series = 0
        logs: list[Mapping[str, Tensor]] = []
        for batch, step in steps:
            total = total + step["loss"] * len(batch)
            n_series += len(batch)
            logs.append(step.get("logs", {}))
        self._record_loss(prefix, float(total) / n_series)
        self._record_means(logs)

    def _steps(
        self,
        iterator: BatchIterator,
        training: bool,
        prefix: str,
        step_fn: Callable[..., Step],
        params: Mapping[str, object],
    ) -> Iterator[tuple[Series, Step]]:
        """Take the steps of an epoch; batches cost what they cost, unless a callback listens."""
        schedules = self._schedules if training else []
        if training:
            self.n_batches_ = len(iterator)
        for batch in iterator:
            if self._batches_heard:
                self.notify("on_batch_begin", batch=batch, training=training)
            try:
                for schedule in schedules:
                    schedule.on_step_begin(self)
                step = step_fn(batch, **params)
            finally:
                for schedule in reversed(schedules):
                    schedule.on_step_end(self)
            if self._batches_heard:
                self.history.record_batch(f"{prefix}_loss", step["loss"].item())
                self.history.record_batch(f"{prefix}_batch_size", len(batch))
                self.notify("on_batch_end", batch=batch, training=training, **step)
            yield batch, step

    def train_step(self, batch: Series, **params: object) -> Step:
        self.optimizer_.zero_grad(set_to_none=True)  # the forward pass takes their memory
        loss = self.batch_loss(batch)
        if not loss.requires_grad:
            raise ValueError(
                f"the objective {type(self.criterion_).__name__} returned a loss that no "
                "parameter has a part in: is it detached, or computed without gradients?"
            )
        groups = self.optimizer_.param_groups
        self._backward(loss, groups)
        self._step(batch, groups)
        self.n_steps_ += 1
        return {"loss": loss.detach(), "y_pred": None}  # skorch's callbacks ask for both

    def _optimizer_step(self, loss: Tensor, batch: Series, *networks: str) -> Tensor:
        """Let the networks that are named descend a loss; the others stay put.

        Returns the norm of the first one's gradient.
        """
        groups = [self._group(name) for name in networks]
        self._backward(loss, groups)
        gradients = [p.grad for p in groups[0]["params"] if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        self._step(batch, groups)
        self.n_steps_[networks[0]] += 1
        return norm

    def _backward(self, loss: Tensor, groups: Sequence[Group]) -> None:
        """Put a loss's gradients on the parameters of the groups, and nowhere else."""
        parameters = [parameter for group in groups for parameter in group["params"]]
        for parameter in parameters:
            parameter.grad = None
        everything = groups is self.optimizer_.param_groups
        torch.autograd.backward(loss, inputs=None if everything else parameters)

    def _step(self, batch: Series, groups: list[Group]) -> None:
        """Step by the gradients of the groups, which callbacks may look at, and clip."""
        if self._gradients_heard:
            stepping = {id(parameter) for group in groups for parameter in group["params"]}
            named = TeeGenerator(
                (name, p) for name, p in self.get_all_learnable_params() if id(p) in stepping
            )
            self.notify("on_grad_computed", named_parameters=named, batch=batch, training=True)
        whole = self.optimizer_.param_groups
        self.optimizer_.param_groups = groups
        try:
            self.optimizer_.step()
        finally:
            self.optimizer_.param_groups = whole

    def validation_step(self, batch: Series, **params: object) -> Step:
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
            raise self.diverged(f"the {prefix} loss became {loss}")
        self.record_best(f"{prefix}_loss", loss)

    def _record_means(self, logs: Sequence[Mapping[str, Tensor]]) -> None:
        """Record the means of the logs of an epoch's steps, by name; a step may lack some."""
        for key in dict.fromkeys(key for step in logs for key in step):
            value = float(torch.stack([step[key] for step in logs if key in step]).mean())
            if not math.isfinite(value):
                raise self.diverged(f"the {key.replace('_', ' ')} became {value}")
            self.history.record(key, value)

    def record_best(self, name: str, value: float) -> None:
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
                raise self.diverged(f"the weights {name} are no longer finite")

    def diverged(self, what: str) -> FloatingPointError:
        """Return the error that says what is no longer finite, and what to try."""
        return FloatingPointError(
            f"{what} in epoch {len(self.history)}. Try a smaller lr (it is {self.lr}), another "
            "representation, or clip gradients with skorch.callbacks.GradientNormClipping"
        )

    def _drop_unfinished_epoch(self) -> None:
        """Leave finished epochs only in the history: an interrupted one has no loss."""
        if self.history and "dur" not in self.history[-1]:
            self.history_ = History(self.history[:-1])


def _heard(callbacks: list[Callback], *events: str) -> bool:
    """Whether any callback overrides any of the methods that ``events`` name."""
    return any(
        getattr(type(callback), event) is not getattr(Callback, event)
        for callback in callbacks
        for event in events
    )
