"""Generators that can be trained privately.

With a budget, everything in a generator but its model is fitted to public series, and its hooks
see no others: private series are withheld, and handed to nobody but the mechanism that adds
noise. So nothing else can leak, whatever a family learns beside its model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_timegen.base.declaration import estimator, param
from sklearn_timegen.base.generator import BaseGenerator
from sklearn_timegen.base.neural import NeuralGenerator
from sklearn_timegen.data import Series
from sklearn_timegen.data.checks import all_finite
from sklearn_timegen.data.reading import as_pandas, read_series, reading_options
from sklearn_timegen.privacy import PrivacyBudget, epsilon_spent, find_noise_multiplier
from sklearn_timegen.representation import SeriesScaler
from sklearn_timegen.rules.limits import Limits
from sklearn_timegen.rules.rule import as_block
from sklearn_timegen.training import AveragedNet, GeneratorNet
from sklearn_timegen.training.owners import steps_in_epoch
from sklearn_timegen.training.private import PrivateAveragedNet, PrivateNet

__all__ = ["PrivateGenerator", "PrivateNeuralGenerator"]

FloatArray = NDArray[np.float32]
PRIVATE_NETS: dict[type[GeneratorNet], type[PrivateNet]] = {
    GeneratorNet: PrivateNet,
    AveragedNet: PrivateAveragedNet,
}
N_REFERENCES = 256  # series that stand for bounds


@estimator
class PrivateGenerator(BaseGenerator):
    """A generator with the parameter ``private``.

    A subclass says by ``_leaks()`` what it would do beside its model that is not accounted for,
    and takes what ``_take_withheld()`` returns, the private series, to nothing but noisy sums.
    """

    private: PrivacyBudget | None = param(
        default=None,
        doc="""A :class:`~sklearn_timegen.privacy.PrivacyBudget`, to learn with differential
        privacy; ``None`` promises nothing. Needs opacus. Other parameters that learn of private
        series without noise are refused; ``fit`` says which. A ``random_state`` decides on
        samples, but not on noise.""",
        check=[PrivacyBudget, None],
    )

    @property
    def epsilon_(self) -> float:
        """What the last fit has spent of ``private``; infinite without a budget."""
        return getattr(self, "_epsilon", math.inf)

    def _fit_anew(self, X: ArrayLike, y: Any, **how: Any) -> Any:
        try:
            return super()._fit_anew(X, y, **how)
        finally:
            self.__dict__.pop("_withheld", None)

    def _fit_preprocessing(self, X: ArrayLike, y: Any) -> Series:
        """Learn sizes, conditions and representation; return what may be learned from freely."""
        self.__dict__.pop("_epsilon", None)
        if self.private is None:
            return super()._fit_preprocessing(X, y)
        self.private.check_whole()
        leaks = list(self._leaks())
        if leaks:
            raise ValueError(f"private training refuses {'; and '.join(leaks)}")
        public = super()._fit_preprocessing(*self._public(X))
        self._withheld = self._read_private(X, y, self.private)
        return public

    def _leaks(self) -> Iterator[str]:
        """Yield what is not accounted for: a parameter, why, and what to do instead."""
        budget = self.private
        assert budget is not None
        if self.conditional and budget.public_y is None:
            yield (
                "conditional=True without public_y: which labels there are would be learned from "
                "private ones. Give the budget public_y, the labels that there are"
            )
        if not self.conditional and budget.public_y is not None:
            yield "public_y for a generator that reads no y: leave it out, or set conditional=True"
        if budget.public is not None:
            return
        if self.rules is not None:
            yield (
                f"rules={self.rules!r}, which are found, or fitted, in private series: set "
                "rules=None, or give the budget public series (public=) to find them in"
            )
        if self.postprocess is not None:
            yield (
                f"postprocess={self.postprocess!r}, which learns from private series: set "
                "postprocess=None, or give the budget public series (public=)"
            )

    def _public(self, X: ArrayLike) -> tuple[Any, Any]:
        """Return public series, in the form of ``X``, and their ``y``."""
        budget = self.private
        assert budget is not None
        if budget.public is not None:
            return budget.public, budget.public_y
        x, layout = read_series(
            X, estimator=self, options=reading_options(self, missing=self.missing != "error")
        )
        if layout.schema is not None:
            raise ValueError(
                "private training refuses kinds of channels, categories and frames without public "
                "series: they would be learned from private ones. Give the budget public series "
                "(public=), or pass an array of numbers"
            )
        limits = Limits(self.bounds, x.shape[2])
        if not (np.isfinite(limits.low).all() and np.isfinite(limits.high).all()):
            raise ValueError(
                f"private training refuses bounds={self.bounds!r} without public series: scales "
                "would be learned from private ones. Set bounds=(low, high) for all channels, "
                "which are public then, or give the budget public series (public=)"
            )
        self._check_affine(x.shape[1])
        public_y = budget.public_y
        if public_y is not None:
            values = np.asarray(public_y)
            public_y = values[np.arange(N_REFERENCES) % len(values)]
        references = layout.restore(_between(limits, x.shape[1]))
        frame = as_pandas(X)
        if hasattr(frame, "columns"):  # whose names belong to what fit sees
            references = type(frame)(references, columns=frame.columns)
        return references, public_y

    def _check_affine(self, n_timesteps: int) -> None:
        """Refuse a representation of which bounds tell nothing."""
        chosen = self._choose_representation(n_timesteps)
        by_name = isinstance(chosen, str) and chosen in ("standard", "minmax")
        if not (by_name or isinstance(chosen, SeriesScaler)):
            raise ValueError(
                f"private training refuses representation={chosen!r} without public series: it "
                "would be learned from private ones. Take 'standard' or 'minmax', whose scales "
                "follow from bounds, or give the budget public series (public=)"
            )

    def _read_private(self, X: ArrayLike, y: Any, budget: PrivacyBudget) -> Series:
        """Represent private series, those of each owner by themselves, as public ones are."""
        x = self._preprocessing.read(X, self)
        if not all_finite(x):
            raise ValueError(
                "private training refuses series with missing values, or of several lengths: what "
                "is filled in would be learned from other series. Fill each series from itself "
                "before"
            )
        self._structure.limits_.check(x)
        self._structure.report(as_block(x))
        owners = budget.owner_codes(len(x))
        v = np.empty((len(x), *self._space.shape), np.float32)
        for rows in _rows_of_each(owners):
            v[rows] = self._preprocessing.encode(x[rows], tell=False).values
        return Series(v, self._conditions_of_data(y, len(x)), owners=owners)

    def _take_withheld(self) -> Series:
        """Return the private series, once."""
        withheld: Series = self.__dict__.pop("_withheld")
        return withheld


@estimator
class PrivateNeuralGenerator(PrivateGenerator, NeuralGenerator):
    """A generator with a network that can be trained by clipped gradients and noise."""

    batch_size: int = param(
        default=32,
        doc="""Series in a batch; in private training, the number of owners in one on average.""",
    )

    def _leaks(self) -> Iterator[str]:
        assert self.private is not None
        yield from super()._leaks()
        if self.private.max_series_norm is not None:
            yield (
                "max_series_norm, which is for generators without a network: here gradients are "
                "clipped, to max_grad_norm"
            )
        if self.validation_fraction > 0:
            yield (
                f"validation_fraction={self.validation_fraction}: the loss of held-out series "
                "would be told without noise. Set it to 0"
            )
        if self.n_iter_no_change is not None:
            yield (
                f"n_iter_no_change={self.n_iter_no_change}: stopping early, and the best weights, "
                "are chosen by the loss of private series. Set it to None, and max_epochs to what "
                "is to be trained"
            )
        if self.callbacks:
            yield "callbacks, which see private series and gradients without noise: leave them out"
        if self.checkpoint is not None:
            yield (
                "checkpoint: going on from a file would take part of the steps, and their noise, "
                "twice. Set it to None, and save when training is over"
            )
        others = [name for name in self.net_params or {} if not name.startswith("optimizer")]
        if others:
            yield (
                f"net_params that hold {others}: only the optimizer's can be other than they are"
            )

    def _fit_anew(self, X: ArrayLike, y: Any, **how: Any) -> Any:
        if isinstance(self.private, PrivacyBudget) and how:  # as partial_fit says how long
            raise ValueError(
                "private training refuses partial_fit: noise is chosen for all steps of a "
                "training at once. Call fit, with max_epochs"
            )
        return super()._fit_anew(X, y, **how)

    def _train_further(self, X: ArrayLike, y: Any, n_epochs: int | None = None) -> Any:
        if isinstance(self.private, PrivacyBudget) or math.isfinite(self.epsilon_):
            raise ValueError(
                "a private training does not go on (warm_start, partial_fit): its budget pays for "
                "its own steps only. Fit anew with warm_start=False; what that spends adds to "
                f"epsilon_={self.epsilon_:.3g}"
            )
        return super()._train_further(X, y, n_epochs)

    def _n_series(self, series: Series) -> int:
        return super()._n_series(series) if self.private is None else self._n_owners

    @property
    def _n_owners(self) -> int:
        return int(self._withheld.owners.max()) + 1

    def _skorch_params(self, seed: int) -> dict[str, Any]:
        params = super()._skorch_params(seed)
        if self.private is None:
            return params
        n_owners, budget = self._n_owners, self.private
        sample_rate = min(1.0, self.batch_size / n_owners)
        n_steps = self._n_epochs(n_owners) * steps_in_epoch(sample_rate)
        sigma = find_noise_multiplier(budget.epsilon, budget.delta, sample_rate, n_steps)
        norm = 1.0 if budget.max_grad_norm is None else float(budget.max_grad_norm)
        return params | {
            "noise_multiplier": sigma,
            "max_grad_norm": norm,
            "sample_rate": sample_rate,
            "n_private_steps": n_steps,
        }

    def _net_class(self, plain: type[GeneratorNet]) -> type[GeneratorNet]:
        """Return the kind of net that trains so: as it is, or privately."""
        return plain if self.private is None else PRIVATE_NETS[plain]

    def _training_data(self, series: Series, device: str) -> Series:
        if self.private is None:
            return super()._training_data(series, device)
        return self._take_withheld().to(device)

    def _train(self, net: GeneratorNet, series: Series, n_epochs: int) -> int:
        n_done = super()._train(net, series, n_epochs)
        if self.private is not None and isinstance(net, PrivateNet):
            self._epsilon = epsilon_spent(
                net.noise_multiplier, net.sample_rate, net.n_steps_, self.private.delta
            )
        return n_done


def _between(limits: Limits, n_timesteps: int) -> FloatArray:
    """Return series that know of bounds only: evenly spread between them, with both extremes.

    Always the same ones, so that they tell nothing.
    """
    shape = (N_REFERENCES, n_timesteps, len(limits.low))
    share = np.random.default_rng(0).random(shape, dtype=np.float32)
    share[0], share[1] = 0, 1
    between: FloatArray = limits.low + share * (limits.high - limits.low)
    return between


def _rows_of_each(owners: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the rows of the series of each owner."""
    order = np.argsort(owners, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(owners[order])) + 1)
