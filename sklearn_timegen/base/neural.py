"""Generators that a network is trained for."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from sklearn_timegen._checks import Interval
from sklearn_timegen._random import derive_seed, draw_seed, torch_generator
from sklearn_timegen._warning import warn_user
from sklearn_timegen.base.checkpoints import kept_in_file
from sklearn_timegen.base.declaration import estimator, fitted, mutable_parameters, param
from sklearn_timegen.base.generator import BaseGenerator
from sklearn_timegen.base.hooks import described
from sklearn_timegen.base.net_parameters import check_net_params, clone_callback, is_same
from sklearn_timegen.base.state import note_interruption, rollback_on_error
from sklearn_timegen.base.tensors import EXACT
from sklearn_timegen.data import Series
from sklearn_timegen.representation import Space
from sklearn_timegen.training import (
    GeneratorNet,
    HoldOut,
    ProgressBar,
    RateSchedule,
    early_stopping,
    resolve_device,
)

__all__ = ["NeuralGenerator"]

FloatArray = NDArray[np.float32]


@estimator
class NeuralGenerator(BaseGenerator):
    """A generator that owns a skorch net, ``net_``.

    A subclass implements ``_make_net(space, n_conditions, **params)``, which returns an untrained
    net for represented series that lie in this :class:`~sklearn_timegen.representation.Space`,
    and ``_draw``.
    """

    max_epochs: int = param(
        default=200,
        doc="Epochs of training by Adam.",
        check=[Interval(Integral, 1, None, closed="left")],
        mutable=True,
    )
    batch_size: int = param(
        default=32,
        doc="Series in a batch.",
        check=[Interval(Integral, 1, None, closed="left")],
        mutable=True,
    )
    lr: float = param(
        default=1e-3,
        doc="Learning rate.",
        check=[Interval(Real, 0, None, closed="neither")],
        mutable=True,
    )
    validation_fraction: float = param(
        default=0.0,
        doc="""Share of the series that is held out, at random, for ``valid_loss``. Overlapping
        windows leak into it: hold a block out with ``net_params={"train_split": ...}``
        instead.""",
        check=[Interval(Real, 0, 1, closed="left")],
    )
    n_iter_no_change: int | None = param(
        default=None,
        doc="""Stop after so many epochs in which the loss of held-out series (of training series,
        if none are held out) did not improve by ``tol``, and go back to the best weights.""",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )
    tol: float = param(
        default=1e-4,
        doc="See ``n_iter_no_change``.",
        check=[Interval(Real, 0, None, closed="left")],
    )
    warm_start: bool = param(
        default=False,
        doc="""Whether ``fit`` goes on training where the last one ended. In between, only
        parameters may change of which it is said here.""",
        check=["boolean"],
        mutable=True,
    )
    callbacks: Sequence[Any] | None = param(
        default=None, doc="skorch callbacks, cloned before use.", check=[list, tuple, None]
    )
    device: str = param(
        default="auto",
        doc="""``"cpu"``, ``"cuda"``, ``"cuda:1"``; ``"auto"`` is CUDA where there is one.""",
        check=[str],
    )
    net_params: Mapping[str, Any] | None = param(
        default=None,
        doc="""Further arguments of the skorch net, such as ``{"optimizer":
        torch.optim.RMSprop}``.""",
        check=[dict, None],
    )
    checkpoint: str | Path | None = param(
        default=None,
        doc="""A file that a training is kept in while it runs, beginning with its start. After a
        crash, ``sklearn_timegen.load(checkpoint)``, with ``warm_start=True`` and fitted to the
        same series, goes on from there and ends as if nothing had happened. Each training writes
        to it, those of clones, too.""",
        check=[str, Path, None],
        type="str, Path or None",
        mutable=True,
    )
    checkpoint_every: int = param(
        default=10,
        doc="After how many epochs the checkpoint is written anew, beside the last one.",
        check=[Interval(Integral, 1, None, closed="left")],
        mutable=True,
    )
    verbose: int = param(
        default=0, doc="Whether to show a progress bar.", check=["verbose"], mutable=True
    )

    net_: Any = fitted(
        "The fitted skorch net; ``net_.module_`` is the torch module.", type="GeneratorNet"
    )

    # -- public ------------------------------------------------------------------------------

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Any:
        """Go on training for one epoch over ``X``, or begin with it.

        The first call learns sizes, representation and conditions (so its ``y`` has to hold all
        labels); later calls keep them.

        Parameters
        ----------
        X : array-like of series
            As for ``fit``.
        y : array-like, default=None
            As for ``fit``.

        Returns
        -------
        self : object
            The generator. After Ctrl-C in that epoch it is what it was before, and
            ``interrupted_`` is true; a first call keeps what it has learned.
        """
        if hasattr(self, "_unfinished"):
            raise ValueError(
                "this is a checkpoint of a training that was not finished: fit(X) with "
                "warm_start=True finishes it; partial_fit can go on then"
            )
        if self.__sklearn_is_fitted__():
            return self._train_further(X, y, n_epochs=1)
        return self._fit_anew(X, y, n_epochs=1)

    def fit(self, X: ArrayLike, y: Any = None) -> Any:  # noqa: D102 (the parent's, below)
        begun = hasattr(self, "_unfinished")
        if self.warm_start is True and (begun or self.__sklearn_is_fitted__()):
            return self._train_further(X, y)
        if begun:
            warn_user(
                "the training of this checkpoint is not gone on with, but begun anew: set "
                "warm_start=True to go on"
            )
        return super().fit(X, y)

    fit.__doc__ = BaseGenerator.fit.__doc__

    @property
    def history_(self) -> Any:
        """skorch's history: a row an epoch, with ``train_loss`` and perhaps ``valid_loss``."""
        return self.net_.history

    @property
    def n_iter_(self) -> int:
        """Number of epochs that were finished."""
        return len(self.net_.history)

    @property
    def _rule_kinds(self) -> Sequence[str]:
        # Flows learn gaps from levels, and drew prices a little worse from gaps.
        return [kind for kind in super()._rule_kinds if kind != "succession"]

    # -- training ----------------------------------------------------------------------------

    @abstractmethod
    def _make_net(self, space: Space, n_conditions: int, **params: Any) -> GeneratorNet: ...

    def _check_net(self, net: GeneratorNet, series: Series) -> None:
        """Refuse networks that do not fit the data, of which it is shown two series."""

    def _after_training(self, series: Series) -> None:
        """Learn what is learned from the trained network, which is ``net_`` by now."""

    def _fit(self, series: Series, n_epochs: int | None = None) -> None:
        self.__dict__.pop("net_", None)
        self.__dict__.pop("_unfinished", None)
        params = self._skorch_params(draw_seed(self.random_state))
        c = series.conditions
        net = self._make_net(self._space, 0 if c is None else c.shape[1], **params)
        if not isinstance(net, GeneratorNet):
            raise TypeError(
                f"{type(self).__name__}._make_net has to return a net of "
                f"sklearn_timegen.training, such as GeneratorNet, but returned {described(net)}"
            )
        net.initialize()
        self._check_net(net, series[:2])
        # Copies: a nested parameter may be changed in place.
        self._trained_with = {
            name: clone(value, safe=False)
            for name, value in self.get_params(deep=False).items()
            if name not in mutable_parameters(self)
        }
        self._train(net, series, n_epochs or self._n_epochs(self._n_series(series)))

    def _train_further(self, X: ArrayLike, y: Any, n_epochs: int | None = None) -> Any:
        """Train the same network further; Ctrl-C in the first epoch leaves it as it was."""
        nets = [part for part in vars(self).values() if isinstance(part, GeneratorNet)]
        with rollback_on_error(self, *nets) as roll_back:
            self.interrupted_ = False
            self._validate_params()
            series = self._preprocess(X, y, fit=False)
            net = self._update(self.net_)
            self._tell_of_new_optimizer(net)
            n_done = self._train(net, series, n_epochs or self._n_epochs(len(series)))
            if self.interrupted_ and n_done == 0:
                roll_back()
                self.interrupted_ = True
            else:
                self._finish(series)
        return self

    def _tell_of_new_optimizer(self, net: GeneratorNet) -> None:
        if net.__dict__.pop("begins_anew_", False):
            warn_user(
                "the optimizer begins anew: the file that this was loaded from was saved without "
                "training_state=True"
            )

    def _n_series(self, series: Series) -> int:
        """Series that an epoch goes through."""
        return len(series)

    def _n_epochs(self, n_series: int) -> int:
        """Epochs of a training on so many series."""
        return self.max_epochs

    def _train(self, net: GeneratorNet, series: Series, n_epochs: int) -> int:
        """Train ``net``, which is ``net_`` then; return how many epochs were finished."""
        again = hasattr(self, "net_")
        n_before, n_begun_after = len(net.history), self._n_epochs_before
        try:
            data = self._training_data(series, net.device)
            with kept_in_file(self, net, series, n_epochs) as n_planned:
                net.partial_fit(data, epochs=n_planned)
        except KeyboardInterrupt:  # while data were made
            net.interrupted_, net.n_epochs_ = True, net.count_epochs(n_epochs)
        begun = self.__dict__.pop("_unfinished", None)
        self.net_ = net
        n_done = len(net.history) - n_before
        if net.interrupted_:
            if n_done > 0 or not again:
                kept = "keeps what it has learned and can be used"
            elif begun is None:
                kept = "is what it was and can be used"
            else:
                kept = "is the checkpoint that it was: fit(X) goes on"
            note_interruption(
                self,
                f"training was interrupted after {len(net.history) - n_begun_after} of "
                f"{net.n_epochs_} epochs; the generator {kept}",
            )
        return n_done

    @property
    def _n_epochs_before(self) -> int:
        """Epochs of the trainings before this one, which may go on from a checkpoint."""
        if hasattr(self, "_unfinished"):
            return int(self._unfinished.n_before)
        return len(self.net_.history) if hasattr(self, "net_") else 0

    def _training_data(self, series: Series, device: str) -> Series:
        return series.to(device)

    def _finish(self, series: Series) -> None:
        self._after_training(series)
        super()._finish(series)

    def _skorch_params(self, seed: int) -> dict[str, Any]:
        """Arguments of the net that come from the hyper-parameters; ``net_params`` has its say."""
        given = dict(self.net_params or {})
        check_net_params(given, type(self).__name__)
        device = resolve_device(self.device)
        params: dict[str, Any] = {
            "seed": derive_seed(seed, "net"),
            "max_epochs": self.max_epochs,
            "batch_size": self.batch_size,
            "lr": self.lr,
            "device": device,
            "verbose": 0,
            "train_split": None,
            "optimizer": torch.optim.Adam,
        }
        if self.validation_fraction > 0:
            params["train_split"] = HoldOut(
                self.validation_fraction, derive_seed(seed, "validation")
            )
        held_out = given.get("train_split", params["train_split"]) is not None
        params["callbacks"] = self._make_callbacks("valid_loss" if held_out else "train_loss")
        if not any(name.startswith("optimizer") for name in given):
            params["optimizer__fused"] = True  # one kernel instead of several a parameter
        return params | given

    def _make_callbacks(self, monitor: str) -> list[Any]:
        # Cloned, because skorch writes into the objects it is given.
        callbacks = [clone_callback(item) for item in self.callbacks or ()]
        schedule = self._make_schedule()
        if schedule is not None:
            callbacks.insert(0, ("learning_rate", schedule))
        if self.n_iter_no_change is not None:
            callbacks.append(self._make_stopping(monitor))
        bar = ProgressBar(type(self).__name__, disable=not self.verbose)
        return [*callbacks, ("progress_bar", bar)]

    def _make_schedule(self) -> RateSchedule | None:
        """Return what lets the learning rates fall, if anything does."""
        return None

    def _make_stopping(self, monitor: str) -> Any:
        """Return the callback that stops early; there is a patience."""
        patience = int(self.n_iter_no_change or 0)
        return early_stopping(monitor, patience, self.tol, self._n_warmup_epochs)

    @property
    def _n_warmup_epochs(self) -> int:
        """Epochs whose losses do not compare with later ones."""
        return 0

    def _update(self, net: GeneratorNet) -> GeneratorNet:
        """Hand on to ``net``, which goes on training, what may change on the way."""
        for name, before in self._trained_with.items():
            value = getattr(self, name)
            if not is_same(value, before):
                raise ValueError(
                    f"{name} changed from {before!r} to {value!r} since training began, which "
                    "further training of the same network cannot follow: only "
                    f"{', '.join(sorted(mutable_parameters(self)))} may change. Fit anew with "
                    "warm_start=False"
                )
        rates = {"lr": self.lr, "discriminator_lr": getattr(self, "discriminator_lr", None)}
        net.set_params(**{n: lr for n, lr in rates.items() if lr != getattr(net, n)})
        net.set_params(batch_size=self.batch_size)
        dict(net.callbacks_)["progress_bar"].disable = not self.verbose
        return net

    # -- tensors -----------------------------------------------------------------------------

    def _make_rng(self, seed: int) -> torch.Generator:
        return torch_generator(seed, self.net_.device)

    def _tensor(self, a: NDArray[Any] | None, dtype: torch.dtype = torch.float32) -> Any:
        if a is None:
            return None
        shared = a if a.flags.writeable else a.copy()  # torch warns of what it could overwrite
        return torch.from_numpy(shared).to(self.net_.device, dtype)

    def _exact(self, series: Series) -> Series:
        """Return series as tensors of float64 on the network's device."""
        return Series(
            self._tensor(series.values, EXACT),
            self._tensor(series.conditions, EXACT),
            observed=self._tensor(series.observed, torch.bool),
        )

    @contextmanager
    def _inference(self, dtype: torch.dtype = torch.float32) -> Iterator[Any]:
        """The module in evaluation mode, without gradients.

        In float64, what a series gets does not depend on its neighbours in the batch: the
        float32 kernels round differently for other batch sizes.
        """
        module: Any = self.net_.module_
        if dtype != torch.float32:
            plain = getattr(module, "_orig_mod", module)  # what torch.compile wraps
            module = copy.deepcopy(plain).to(dtype)
        module.eval()
        with torch.inference_mode():
            yield module

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_") and not hasattr(self, "_unfinished")
