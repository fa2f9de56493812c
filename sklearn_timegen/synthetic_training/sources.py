"""Where synthetic series with targets come from: generators fitted to real ones, and drawn from.

A source is asked for several amounts at once and draws the largest: the smaller ones are its
subsets, so that what differs between them is the amount alone.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pickle import PicklingError
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_memory

from sklearn_timegen._random import derive_seed, seed_estimator
from sklearn_timegen._types import Cache, GeneratorLike
from sklearn_timegen.data import Series
from sklearn_timegen.data.axes import channels_last
from sklearn_timegen.data.checks import SeriesLayout, as_3d
from sklearn_timegen.data.labels import shown_label
from sklearn_timegen.data.reading import ReadingOptions, read_series
from sklearn_timegen.data.samples import rows_of
from sklearn_timegen.rules import KINDS, find_rules
from sklearn_timegen.rules.rule import channel_of

__all__ = ["ClassPlan", "ClassSource", "RecentFit", "Source", "Trainer", "as_numbers"]

FloatArray = NDArray[np.float32]
# From the number of real series in each class and a total, how many to draw of each class.
ClassPlan = Callable[[NDArray[np.int64], int], NDArray[np.int64]]


class RecentFit:
    """The last generator that was fitted, for those who ask for the same fit again.

    A copy of it, pickled or deep, is empty.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: str | None = None
        self._fitted: GeneratorLike

    def fetch(self, asked: tuple[Any, ...], make: Callable[[], GeneratorLike]) -> GeneratorLike:
        """Return the last fit if it was ``asked`` for in the same words, else make it."""
        try:
            key = joblib.hash(asked)
        except (PicklingError, AttributeError, TypeError):
            return make()  # a parameter, a lambda say, that cannot be compared
        with self._lock:
            if key == self._key:
                return self._fitted
        fitted = make()  # outside the lock: threads of a search train side by side
        with self._lock:
            self._key, self._fitted = key, fitted
        return fitted

    def __reduce__(self) -> tuple[type[RecentFit], tuple[()]]:
        return RecentFit, ()

    def _state_to_save(self, training_state: bool) -> dict[str, Any]:
        return {}

    def _load_saved(self, state: dict[str, Any]) -> None:
        RecentFit.__init__(self)


@dataclass(frozen=True)
class Trainer:
    """Fits clones of a generator, and draws from them.

    Attributes
    ----------
    seed : int
        Seed that all others are derived from.
    seeded : bool
        Whether the user asked for a seed; if not, generators keep what seed they have.
    """

    generator: GeneratorLike
    seed: int
    seeded: bool
    memory: Cache = None

    @property
    def conditional(self) -> bool:
        """Whether the generator learns from labels."""
        return bool(getattr(self.generator, "conditional", False))

    def named(self, name: str) -> Trainer:
        """Return a trainer like this one, with random streams of its own."""
        return replace(self, seed=derive_seed(self.seed, name))

    def seed_into(self, estimator: BaseEstimator, name: str) -> BaseEstimator:
        """Give ``estimator`` a seed of ours, if the user asked for one."""
        return (
            seed_estimator(estimator, derive_seed(self.seed, name)) if self.seeded else estimator
        )

    def fit(
        self,
        X: Any,
        y: NDArray[Any] | None = None,
        *,
        recent: RecentFit | None = None,
        **params: Any,
    ) -> GeneratorLike:
        """Fit a clone, unless memory or ``recent`` know that the same fit was done before."""
        generator = self.seed_into(clone(self.generator), "generator").set_params(**params)
        train = check_memory(self.memory).cache(fit_generator)
        if recent is None:
            return train(generator, X, y)
        return recent.fetch((generator, X, y), lambda: train(generator, X, y))

    def draw(self, fitted: GeneratorLike, n: int, **conditions: Any) -> Any:
        """Draw ``n`` series from a fitted generator, in the form that it was fitted to."""
        own = derive_seed(self.seed, "sample") if self.seeded else None
        return fitted.sample(n, random_state=own, **conditions)


def fit_generator(generator: GeneratorLike, X: Any, y: NDArray[Any] | None) -> GeneratorLike:
    """Fit, and pass an interruption on."""
    fitted = generator.fit(X) if y is None else generator.fit(X, y)
    if getattr(fitted, "interrupted_", False):
        # Half-trained, it must be neither cached nor judged: whoever pressed Ctrl-C meant all.
        raise KeyboardInterrupt
    return fitted


@dataclass
class Source(ABC):
    """Makes synthetic series with targets after real ones, by ``generators`` that it fits."""

    trainer: Trainer
    layout: SeriesLayout
    generators: list[GeneratorLike] = field(default_factory=list, init=False)

    @abstractmethod
    def generate(self, real: Series, amounts: Sequence[int]) -> list[Series]:
        """Fit to real series with a target and return, for each amount, as many synthetic."""

    def as_numbers(self, drawn: Any) -> FloatArray:
        """Return what was drawn as 3-d numbers, as real series were read."""
        return as_numbers(drawn, self.layout)


@dataclass
class ClassSource(Source):
    """Series of classes: a conditional generator, or one of any other kind for each class.

    Only classes of which series are needed get a generator.
    """

    plan: ClassPlan

    def generate(self, real: Series, amounts: Sequence[int]) -> list[Series]:
        """Fit to real series with labels and return, for each amount, as many synthetic."""
        classes, counts = np.unique(real.target, return_counts=True)
        plans = [self.plan(counts, amount) for amount in amounts]
        most = np.max(plans, axis=0)
        X = self.layout.restore(real.values)
        if self.trainer.conditional:
            pools = self._draw_conditional(X, real.target, most)
        else:
            rules = _shared_rules(self.trainer.generator, real.values, self.layout)
            pools = self._draw_by_class(X, real.target, most, rules)
        return [self._shuffled(pools, classes, plan) for plan in plans]

    def _draw_conditional(
        self, X: Any, y: NDArray[Any], counts: NDArray[np.int64]
    ) -> list[FloatArray]:
        self.generators.append(self.trainer.fit(X, y))
        labels = np.repeat(np.unique(y), counts)
        values = self.trainer.draw(self.generators[0], len(labels), y=labels)
        return np.split(self.as_numbers(values), np.cumsum(counts)[:-1])

    def _draw_by_class(
        self, X: Any, y: NDArray[Any], counts: NDArray[np.int64], rules: dict[str, Any]
    ) -> list[FloatArray]:
        pools = []
        for k, (label, count) in enumerate(zip(np.unique(y), counts, strict=True)):
            if count == 0:
                pools.append(np.empty((0, *self.layout.shape), dtype=np.float32))
                continue
            trainer = self.trainer.named(f"generator {k}")
            self.generators.append(_fit_class(trainer, rows_of(X, y == label), label, rules))
            pools.append(self.as_numbers(trainer.draw(self.generators[-1], int(count))))
        return pools

    def _shuffled(
        self, pools: list[FloatArray], classes: NDArray[Any], counts: NDArray[np.int64]
    ) -> Series:
        values = np.concatenate([pool[:n] for pool, n in zip(pools, counts, strict=True)])
        # Some predictors read their rows in order.
        order = np.random.default_rng(derive_seed(self.trainer.seed, "order"))
        return Series(values, target=np.repeat(classes, counts))[order.permutation(len(values))]


def as_numbers(drawn: Any, layout: SeriesLayout) -> FloatArray:
    """Return what was drawn in a layout as 3-d numbers, channels last."""
    if layout.schema is None:
        values = np.asarray(drawn, dtype=np.float32)
        return as_3d(channels_last(values, layout.axes, "the sample"), layout.n_channels)
    options = ReadingOptions(layout.n_channels)
    return read_series(drawn, estimator=None, options=options, layout=layout)[0]


def _shared_rules(generator: GeneratorLike, x: FloatArray, layout: SeriesLayout) -> dict[str, Any]:
    """Return the parameters by which a generator of one class keeps what series of all keep.

    The few series of a rare class are no evidence for a rule that those of all classes show. Of
    the numbers of categories none is meant.
    """
    names = [
        name
        for name, value in generator.get_params().items()
        if name.split("__")[-1] == "rules" and isinstance(value, str) and value == "auto"
    ]
    if not names:
        return {}
    found = list(find_rules(x, include=getattr(generator, "_rule_kinds", KINDS)))
    if layout.schema is not None:
        coded = {k for k, channel in enumerate(layout.schema.channels) if channel.categories}
        found = [rule for rule in found if coded.isdisjoint(map(channel_of, rule.keys))]
    return {name: [*found, "auto"] for name in names} if found else {}


def _fit_class(trainer: Trainer, X: Any, label: Any, params: dict[str, Any]) -> GeneratorLike:
    try:
        return trainer.fit(X, **params)
    except ValueError as error:
        raise ValueError(
            f"{trainer.generator!r} could not be fitted to the {len(X)} series of class "
            f"{shown_label(label)}: {error}. Give more series of that class, or a conditional "
            "generator, which is fitted to all classes at once"
        ) from error
