"""The generators that are compared, and the controls that they have to beat."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sktime.transformations.base import BaseTransformer
from sktime.transformations.bootstrap import (
    MovingBlockBootstrapTransformer,
    STLBootstrapTransformer,
)

from sklearn_timegen import BlockBootstrap, NeighbourInterpolation, PCAMixture, TimeVAE

Array = NDArray[Any]
NOISE = 0.1  # of the spread of the increments
GENERATORS: dict[str, Any] = {
    "PCAMixture": PCAMixture(),
    "TimeVAE": TimeVAE(max_epochs=20),
    "BlockBootstrap": BlockBootstrap(),
    "NeighbourInterpolation": NeighbourInterpolation(),
}
AUTO = "PCAMixture"  # what "auto" draws from


def jittered(x: Array, rng: np.random.Generator, axis: int) -> Array:
    """Add noise to each channel, by the spread of its increments along ``axis``."""
    others = tuple(k for k in range(x.ndim) if k < 2)
    spread = np.diff(x, axis=axis).std(axis=others, keepdims=True)
    return x + NOISE * spread * rng.standard_normal(x.shape)


class Repeat(BaseEstimator):
    """Training series once more: all of them before any comes again."""

    def fit(self, X: Array, y: Any = None) -> Self:
        """Keep the series."""
        self.X_ = np.asarray(X)
        return self

    def sample(self, n: int = 1, random_state: Any = None) -> Array:
        """Return ``n`` of them."""
        rng = np.random.default_rng(random_state)
        rounds = -(-n // len(self.X_))
        order = [rng.permutation(len(self.X_)) for _ in range(rounds)]
        drawn: Array = self.X_[np.concatenate(order)[:n]]
        return drawn


class Jitter(Repeat):
    """Training series with noise."""

    def sample(self, n: int = 1, random_state: Any = None) -> Array:
        """Return ``n`` of them, with noise."""
        drawn = super().sample(n, random_state)
        # Of all training series: those drawn are at times a single one.
        spread = np.diff(self.X_, axis=1).std(axis=(0, 1))
        noise = np.random.default_rng(random_state).standard_normal(drawn.shape)
        noisy: Array = drawn + NOISE * spread * noise
        return noisy


class SeriesBootstrap(BaseTransformer):
    """Versions of one series in sktime's manner; ``noise=0`` are copies."""

    _tags: ClassVar[dict[str, Any]] = {
        "scitype:transform-input": "Series",
        "scitype:transform-output": "Panel",
        "scitype:instancewise": True,
        "X_inner_mtype": "pd.DataFrame",
        "y_inner_mtype": "None",
        "capability:inverse_transform": False,
        "fit_is_empty": True,
        "transform-returns-same-time-index": False,
    }

    def __init__(
        self,
        noise: float = NOISE,
        n_series: int = 10,
        return_actual: bool = True,
        random_state: int | None = None,
    ) -> None:
        self.noise = noise
        self.n_series = n_series
        self.return_actual = return_actual
        self.random_state = random_state
        super().__init__()

    def _transform(self, X: pd.DataFrame, y: None = None) -> pd.DataFrame:
        rng = np.random.default_rng(self.random_state)
        spread = self.noise * np.diff(X.to_numpy(), axis=0).std()
        made = {"actual": X} if self.return_actual else {}
        for k in range(self.n_series):
            made[f"synthetic_{k}"] = X + spread * rng.standard_normal(X.shape)
        return pd.concat(made, names=["series_id", "time_index"])


BOOTSTRAPS = ("repeat", "jitter", "MBB", "STL")


def bootstrap(arm: str, sp: int, n: int, n_series: int, seed: int, actual: bool = True) -> Any:
    """Return a control as an sktime bootstrap, for a series of ``n`` timesteps."""
    common: dict[str, Any] = {
        "n_series": n_series,
        "return_actual": actual,
        "random_state": seed,
    }
    if arm in ("repeat", "jitter"):
        return SeriesBootstrap(noise=NOISE if arm == "jitter" else 0.0, **common)
    # Two seasons, as Bergmeir, Hyndman and Benitez (2016) take, or 8.
    block = min(2 * sp if sp > 1 else 8, n // 2)
    if arm == "MBB":
        return MovingBlockBootstrapTransformer(block_length=block, **common)
    # Their bounds of lambda, too: with sktime's own, more versions cannot be transformed back.
    return STLBootstrapTransformer(sp=sp, block_length=block, lambda_bounds=(0, 1), **common)


def allows_stl(values: Array, sp: int) -> bool:
    """Whether sktime's ``STLBootstrapTransformer`` takes a series."""
    return sp > 1 and bool(values.min() > 0)
