"""What a law is called with, and what its outcome is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_timegen._random import derive_seed
from sklearn_timegen.base import BaseGenerator
from sklearn_timegen.datasets import make_labelled_sines, make_sines

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Check", "Trial", "law", "owned"]

Array = NDArray[Any]


class Trial:
    """A generator before the laws: data and seeds, and fits which they share and only read."""

    def __init__(self, generator: BaseGenerator, random_state: int) -> None:
        self.generator = generator
        self.seed = random_state

    def fresh(self, **params: Any) -> BaseGenerator:
        """Return an unfitted clone, seeded and unconditional unless ``params`` say otherwise."""
        params = {"random_state": self.seed, "conditional": False} | params
        known = self.generator.get_params()
        named = {owned(self.generator, name): value for name, value in params.items()}
        if named.get("conditional") is False and "conditional" not in known:
            del named["conditional"]
        return clone(self.generator).set_params(**named)

    def series(self, n_samples: int = 24, n_timesteps: int = 12, n_channels: int = 2) -> Array:
        sizes = (n_samples, n_timesteps, n_channels)
        return make_sines(*sizes, version="timevae", random_state=self.seed)

    def prices(self) -> Array:
        """Return lows and highs that move in proportion to where they are, from 1 to about 10."""
        rng = np.random.default_rng(self.seed)
        level = rng.uniform(0, 2, size=(60, 1)) + rng.normal(0, 0.2, size=(60, 12)).cumsum(axis=1)
        low = np.exp(level)
        high = low * (1 + rng.exponential(0.1, size=low.shape))
        return np.stack([low, high], axis=2).astype(np.float32)

    def with_holes(self, seed: int = 0) -> Array:
        """Return series of which a fifth of the cells is missing, of the first timestep none."""
        X = self.series(n_samples=60)
        holes = np.random.default_rng([self.seed, seed]).random(X.shape) < 0.2
        holes[:, 0] = False
        return np.where(holes, np.float32(np.nan), X)

    def of_lengths(self) -> list[Array]:
        """Return series of 4 to 8 timesteps."""
        lengths = np.random.default_rng(self.seed).integers(4, 9, size=60)
        X = self.series(n_samples=60, n_timesteps=8)
        return [x[:length] for x, length in zip(X, lengths, strict=True)]

    def frames(self) -> list[pd.DataFrame]:
        """Return visits: attributes, words, flags, counts, amounts, grades and dates."""
        import pandas as pd

        rng, found = np.random.default_rng(self.seed), []
        for length in rng.integers(3, 7, size=60):
            grades = rng.choice(["low", "high"], length)
            amounts = rng.exponential(size=length).round(2)
            amounts[1:][rng.random(length - 1) < 0.1] = np.nan
            found.append(
                pd.DataFrame(
                    {
                        "place": rng.choice(["north", "south"], p=[0.7, 0.3]),
                        "born": pd.Timestamp("1960-01-01")
                        + pd.Timedelta(days=int(rng.integers(9999))),
                        "state": rng.choice(["sun", "rain", "snow"], length),
                        "flag": rng.random(length) < 0.3,
                        "count": rng.poisson(2, length),
                        "amount": amounts,
                        "grade": pd.Categorical(grades, ["low", "high"], ordered=True),
                    }
                )
            )
        return found

    def labelled(self, n_samples: int) -> tuple[Array, Array]:
        """Return series of the classes "slow", of level 0, and "fast", of level 1."""
        return make_labelled_sines(n_samples, 12, random_state=self.seed)

    @cached_property
    def fitted(self) -> Any:
        return self.fresh().fit(self.series())

    @cached_property
    def univariate(self) -> Any:
        return self.fresh().fit(self.series()[:, :, 0])

    @cached_property
    def holed(self) -> Any:
        return self.fresh().fit(self.with_holes())

    @cached_property
    def ragged(self) -> Any:
        return self.fresh().fit(self.of_lengths())

    @cached_property
    def conditional(self) -> Any:
        return self.fresh(conditional=True).fit(*self.labelled(60))

    def majority(self, holds: Callable[[int], tuple[bool, str]]) -> None:
        """Assert that something holds for two of three seeds; it returns what it has seen."""
        seen = []
        for turn in range(3):
            seen.append(holds(derive_seed(self.seed, f"turn {turn}")))
            n_kept = sum(kept for kept, _ in seen)
            if n_kept == 2:
                return
            if len(seen) - n_kept == 2:
                break
        raise AssertionError("with one seed after another, " + "; ".join(what for _, what in seen))


class Check:
    """A law, to be called with a generator; bound to a trial, it shares that one's fits."""

    def __init__(
        self,
        law: Callable[[Trial], None],
        applies: Callable[[Any], bool],
        learns: bool,
        trial: Trial | None = None,
    ) -> None:
        self.law = law
        self.applies = applies
        self.learns = learns
        self.trial = trial
        self.__name__ = law.__name__

    def on(self, trial: Trial) -> Check:
        return Check(self.law, self.applies, self.learns, trial)

    def __call__(self, generator: BaseGenerator) -> None:
        """Raise an ``AssertionError`` if the generator breaks the law."""
        trial = self.trial
        if trial is None or trial.generator is not generator:
            trial = Trial(generator, 0 if trial is None else trial.seed)
        self.law(trial)

    def __str__(self) -> str:
        return self.__name__


def _any(generator: BaseGenerator) -> bool:
    return True


def law(
    laws: list[Check], applies: Callable[[Any], bool] = _any, *, learns: bool = False
) -> Callable[[Callable[[Trial], None]], Check]:
    """Return a decorator that adds a law to others."""

    def decorate(held: Callable[[Trial], None]) -> Check:
        check = Check(held, applies, learns)
        laws.append(check)
        return check

    return decorate


def owned(generator: BaseGenerator, name: str) -> str:
    """Under which name a parameter can be set: its own, or that of the generator within."""
    known = generator.get_params()
    within = (f"{inner}__{name}" for inner in ("teacher", "generator"))
    return name if name in known else next((full for full in within if full in known), name)
