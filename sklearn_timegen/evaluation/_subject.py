"""What is evaluated: real series in folds, and how a generator learns them and draws others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_timegen._random import derive_seed
from sklearn_timegen._types import CrossValidation, GeneratorLike
from sklearn_timegen.data.axes import channels_last
from sklearn_timegen.data.samples import Reading, padded, rows_of
from sklearn_timegen.evaluation import _data as data
from sklearn_timegen.evaluation._judging import Sample, Split
from sklearn_timegen.metrics.scorer import draw_series
from sklearn_timegen.synthetic_training.sources import fit_generator

__all__ = ["Subject", "WindowSubject", "as_asked"]

Array = NDArray[Any]


@dataclass(eq=False)
class Subject(ABC):
    """Real series as metrics compare them, and folds of them.

    Parameters
    ----------
    sample : Sample
        The series that are compared: series of a sample, whole series of a table, or windows.
    reading : Reading
        How they were read as numbers, and with them what generators draw.
    folds : list of pairs of arrays
        Of each fold the rows of ``sample`` to train on, and those held out.
    """

    sample: Sample
    reading: Reading
    folds: data.Folds

    @property
    @abstractmethod
    def description(self) -> str:
        """What is compared, in words."""

    @abstractmethod
    def fit(self, generator: GeneratorLike, fold: int) -> None:
        """Fit a generator to the training side of a fold."""

    @abstractmethod
    def draw(self, generator: GeneratorLike, fold: int, seed: int) -> Sample:
        """Draw what is compared with the held-out side of a fold."""

    @abstractmethod
    def given(self, rows: Array) -> Any:
        """Return some of the series as they came; ``None`` if they are numbers in an array."""

    def split(self, fold: int, seed: int, **context: Any) -> Split:
        """Return the two sides of a fold."""
        train, test = self.folds[fold]
        return Split(
            self.sample[test],
            self.sample[train],
            derive_seed(seed, f"fold {fold}"),
            reading=self.reading,
            given=self.given(test),
            **context,
        )


@dataclass(eq=False)
class WindowSubject(Subject):
    """Series of a sample, or windows, each of which is learned and drawn as a whole."""

    X: Any
    target: Array | None = None

    @classmethod
    def of(
        cls,
        generators: dict[str, GeneratorLike],
        X: Any,
        y: ArrayLike | None,
        *,
        cv: CrossValidation,
        groups: ArrayLike | None,
        window_starts: ArrayLike | None,
        seed: int,
    ) -> WindowSubject:
        """Read the series, and make folds in which none leak."""
        X, x, reading = data.as_series(X, list(generators.values()))
        target = data.check_target(y, len(x))
        labels = data.labels_of(generators, target)
        sample = data.as_sample(x, labels, groups, window_starts, cv)
        folds = data.make_folds(cv, sample, target, seed)
        if target is not None and any(
            getattr(generator, "conditional", False) for generator in generators.values()
        ):
            data.check_classes(folds, target)
        return cls(sample, reading, folds, X, target)

    @property
    def description(self) -> str:
        n, n_timesteps, n_channels = self.sample.values.shape
        blocks = "" if self.sample.starts is None else "; overlapping windows, folds are blocks"
        return f"{n} series of {n_timesteps} timesteps and {n_channels} channel(s){blocks}"

    def fit(self, generator: GeneratorLike, fold: int) -> None:
        train, _ = self.folds[fold]
        target = None if self.target is None else self.target[train]
        fit_generator(generator, rows_of(self.X, train), target)

    def draw(self, generator: GeneratorLike, fold: int, seed: int) -> Sample:
        _, test = self.folds[fold]
        asked = None if self.target is None else self.target[test]
        drawn, labels = draw_series(generator, len(test), asked, seed)
        shape = (len(test), *self.sample.values.shape[1:])
        return Sample(as_asked(drawn, self.reading, shape), target=labels)

    def given(self, rows: Array) -> Any:
        return None if self.reading.schema is None else rows_of(self.X, rows)


def as_asked(synthetic: Any, reading: Reading, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return what a generator of windows drew as numbers, of the shape of the held-out series."""
    if reading.schema is None:
        x = np.asarray(synthetic, dtype=np.float64)
        x = channels_last(x, reading.layout, "the sample")
        if not (x.shape == shape or x.shape == (shape[0], shape[1] * shape[2])):
            raise ValueError(f"it drew an array of shape {x.shape}, but {shape} was asked for")
        return x.reshape(shape)
    x = reading.read(synthetic, "the sample", "X")
    if len(x) != shape[0] or x.shape[1] > shape[1]:
        raise ValueError(
            f"it drew {len(x)} series of up to {x.shape[1]} timesteps, but {shape[0]} of at most "
            f"{shape[1]}, the longest of the data, were asked for"
        )
    return padded(x, shape[1])
