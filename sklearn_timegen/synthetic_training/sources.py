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
from sklearn_timegen.data.checks import SeriesLayout, as_3d
from sklearn_timegen.data.labels import shown_label
from sklearn_timegen.rules import KINDS, find_rules

__all__ = ["ClassPlan", "ClassSource", "RecentFit", "Source", "Trainer"]

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
        X: NDArray[Any],
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

    def draw(self, fitted: GeneratorLike, n: int, **conditions: Any) -> NDArray[np.float32]:
        """Draw ``n`` series from a fitted generator."""
        own = derive_seed(self.seed, "sample") if self.seeded else None
        return np.asarray(fitted.sample(n, random_state=own, **conditions), dtype=np.float32)


def fit_generator(
    generator: GeneratorLike, X: NDArray[Any], y: NDArray[Any] | None
) -> GeneratorLike:
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
        draw = self._draw_conditional if self.trainer.conditional else self._draw_by_class
        pools = draw(X, real.target, most)
        return [self._shuffled(pools, classes, plan) for plan in plans]

    def _draw_conditional(
        self, X: FloatArray, y: NDArray[Any], counts: NDArray[np.int64]
    ) -> list[FloatArray]:
        self.generators.append(self.trainer.fit(X, y))
        labels = np.repeat(np.unique(y), counts)
        values = self.trainer.draw(self.generators[0], len(labels), y=labels)
        return np.split(self._as_3d(values), np.cumsum(counts)[:-1])

    def _draw_by_class(
        self, X: FloatArray, y: NDArray[Any], counts: NDArray[np.int64]
    ) -> list[FloatArray]:
        pools, rules = [], _shared_rules(self.trainer.generator, self._as_3d(X))
        for k, (label, count) in enumerate(zip(np.unique(y), counts, strict=True)):
            if count == 0:
                pools.append(np.empty((0, *self.layout.shape), dtype=np.float32))
                continue
            trainer = self.trainer.named(f"generator {k}")
            self.generators.append(_fit_class(trainer, X[y == label], label, rules))
            pools.append(self._as_3d(trainer.draw(self.generators[-1], int(count))))
        return pools

    def _as_3d(self, series: FloatArray) -> FloatArray:
        return as_3d(series, self.layout.n_channels)

    def _shuffled(
        self, pools: list[FloatArray], classes: NDArray[Any], counts: NDArray[np.int64]
    ) -> Series:
        values = np.concatenate([pool[:n] for pool, n in zip(pools, counts, strict=True)])
        # Some predictors read their rows in order.
        order = np.random.default_rng(derive_seed(self.trainer.seed, "order"))
        return Series(values, target=np.repeat(classes, counts))[order.permutation(len(values))]


def _shared_rules(generator: GeneratorLike, x: FloatArray) -> dict[str, Any]:
    """Return the parameters by which a generator of one class keeps what series of all keep.

    The few series of a rare class are no evidence for a rule that those of all classes show.
    """
    names = [
        name
        for name, value in generator.get_params().items()
        if name.split("__")[-1] == "rules" and isinstance(value, str) and value == "auto"
    ]
    found = find_rules(x, include=getattr(generator, "_rule_kinds", KINDS)) if names else ()
    return {name: [*found, "auto"] for name in names} if len(found) else {}


def _fit_class(
    trainer: Trainer, X: FloatArray, label: Any, params: dict[str, Any]
) -> GeneratorLike:
    try:
        return trainer.fit(X, **params)
    except ValueError as error:
        raise ValueError(
            f"{trainer.generator!r} could not be fitted to the {len(X)} series of class "
            f"{shown_label(label)}: {error}. Give more series of that class, or a conditional "
            "generator, which is fitted to all classes at once"
        ) from error
