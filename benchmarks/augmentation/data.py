"""Series, panels and labelled series, from installed packages and ``load_energy``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.datasets as shipped
from numpy.typing import NDArray
from sktime import datasets

from sklearn_timegen.datasets import load_energy, load_italy_power

Array = NDArray[Any]
FREQUENCIES = {1: "Y", 4: "Q", 12: "M", 24: "h"}  # by the timesteps of a season
HORIZONS = {1: 10, 4: 8, 12: 12, 24: 12}
WINDOWS = {1: 10, 4: 8, 12: 12, 24: 24}  # timesteps that reductions look back
FRACTIONS = (0.1, 0.3, 1.0)
LEAST_RATIO = 1.25  # between amounts of data that count as different
SHARE_LEFT = 0.2  # of the classes that are made small
LEAST_SMALL, LEAST_LARGE = 3, 6  # series of a small class, and of another


@dataclass(frozen=True)
class Fold:
    """What is known, what comes then, and the naive error that errors are measured in."""

    past: pd.Series
    future: Array
    unit: float


@dataclass(frozen=True)
class Series:
    """A series with its season, and whether reductions are better off with its differences."""

    values: Array
    sp: int
    trend: bool = False
    n_folds: int = 2

    @property
    def horizon(self) -> int:
        """Timesteps of a test period."""
        return min(HORIZONS[self.sp], len(self.values) // 6)

    def n_kept(self, n_past: int, fraction: float) -> int:
        """Return how many of ``n_past`` timesteps a fraction keeps."""
        return min(n_past, max(round(fraction * n_past), 3 * self.sp, 30))

    def folds(self, fraction: float) -> list[Fold]:
        """Return the latest timesteps before each of the last test periods."""
        # Dates of no meaning, so that all series of a panel end at the same time.
        index = pd.period_range("1500", periods=3000, freq=FREQUENCIES[self.sp])
        folds = []
        for k in range(self.n_folds, 0, -1):
            cut = len(self.values) - k * self.horizon
            past, future = self.values[:cut], self.values[cut : cut + self.horizon]
            kept = past[-self.n_kept(cut, fraction) :]
            unit = float(np.abs(past[self.sp :] - past[: -self.sp]).mean())
            folds.append(Fold(pd.Series(kept, index[-len(kept) :]), future, unit))
        return folds


def distinct_fractions(panel: list[Series]) -> list[float]:
    """Return all of the data, and the fractions that differ from it and from smaller ones."""

    def n_kept(fraction: float) -> int:
        return sum(one.n_kept(len(one.values) - one.horizon, fraction) for one in panel)

    found = [1.0]
    for fraction in FRACTIONS[:-1]:
        sizes = [n_kept(other) / n_kept(fraction) for other in found]
        if all(max(ratio, 1 / ratio) >= LEAST_RATIO for ratio in sizes):
            found.append(fraction)
    return sorted(found)


def _hours(channel: int) -> Array:
    return load_energy()[-6000:, channel].reshape(-1, 6).mean(axis=1)


def _macro(name: str) -> Array:
    return shipped.macrodata.load_pandas().data[name].to_numpy(dtype=float)


def _elnino() -> Array:
    table = shipped.elnino.load_pandas().data
    return table.drop(columns="YEAR").to_numpy(dtype=float).ravel()[-480:]


def _co2() -> Array:
    weeks = shipped.co2.load_pandas().data["co2"]
    months: Array = weeks.resample("MS").mean().interpolate().to_numpy()[-480:]
    return months


def _seatbelts() -> Array:
    """Drivers killed or seriously injured: sktime ships it, but has no loader."""
    path = Path(datasets.__file__).parent / "data" / "seatbelts" / "seatbelts.csv"
    return pd.read_csv(path)["KSI"].to_numpy(dtype=float)


def _values(load: Callable[[], Any]) -> Callable[[], Array]:
    return lambda: np.asarray(load(), dtype=float)


# Not load_PBS_dataset: its last three years are zeros, and errors relative to none say nothing.
LOADERS: dict[str, tuple[Callable[[], Array], int, bool]] = {
    "airline": (_values(datasets.load_airline), 12, True),
    "shampoo": (_values(datasets.load_shampoo_sales), 1, True),
    "seatbelts": (_seatbelts, 12, False),
    "CO2": (_co2, 12, True),
    "El Nino": (_elnino, 12, False),
    "lynx": (_values(datasets.load_lynx), 1, False),
    "sunspots": (lambda: shipped.sunspots.load_pandas().data["SUNACTIVITY"].values, 1, False),
    "Nile": (lambda: shipped.nile.load_pandas().data["volume"].to_numpy(dtype=float), 1, False),
    "US unemployment": (lambda: _macro("unemp"), 4, False),
    "US GDP": (lambda: _macro("realgdp"), 4, True),
    "US consumption": (lambda: _macro("realcons"), 4, True),
    "US investment": (lambda: _macro("realinv"), 4, True),
    "US bills": (lambda: _macro("tbilrate"), 4, False),
    "energy: appliances": (lambda: _hours(0), 24, False),
    "energy: kitchen": (lambda: _hours(2), 24, False),
    "energy: kitchen humidity": (lambda: _hours(3), 24, False),
    "energy: living room": (lambda: _hours(4), 24, False),
}
SINGLE = [
    *("airline", "shampoo", "seatbelts", "CO2", "El Nino", "lynx", "sunspots", "Nile"),
    *("US unemployment", "US GDP", "energy: appliances", "energy: kitchen"),
]
PANELS = {
    "monthly": ["airline", "seatbelts", "CO2", "El Nino"],
    "yearly": ["lynx", "sunspots", "Nile"],
    "quarterly": [name for name in LOADERS if name.startswith("US")],
    "hourly": [name for name in LOADERS if name.startswith("energy")],
}


@cache
def load(name: str) -> Series:
    make, sp, trend = LOADERS[name]
    return Series(np.asarray(make(), dtype=float), sp, trend)


def sizes(name: str) -> dict[float, int]:
    """Return how many timesteps come before the last test period, for each fraction."""
    series = load(name)
    n_past = len(series.values) - series.horizon
    return {fraction: series.n_kept(n_past, fraction) for fraction in FRACTIONS}


def is_there(name: str) -> bool:
    """Whether the data of a series can be had here."""
    try:
        load(name)
    except OSError:
        return False
    return True


# -- labelled series ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Labelled:
    """Series of shape (n_series, n_timesteps, n_channels) with labels, in two parts."""

    X: Array
    y: Array
    X_test: Array
    y_test: Array

    def fractions(self) -> list[float]:
        """Return those that differ: where series are few, the least numbers are the same."""
        sizes = {len(self.few(fraction, 0)[0]): fraction for fraction in reversed(FRACTIONS)}
        return sorted(sizes.values())

    def few(self, fraction: float, seed: int) -> tuple[Array, Array]:
        """Return a fraction of the training part, every second class of which is made small."""
        rng = np.random.default_rng(seed)
        rows = []
        for k, label in enumerate(rng.permutation(np.unique(self.y))):
            mine = rng.permutation(np.flatnonzero(self.y == label))
            small = k % 2 == 0
            wanted = fraction * len(mine) * (SHARE_LEFT if small else 1.0)
            rows.append(mine[: max(round(wanted), LEAST_SMALL if small else LEAST_LARGE)])
        taken = rng.permutation(np.concatenate(rows))
        return self.X[taken], self.y[taken]


def _official(load_set: Callable[..., Any], seed: int) -> Labelled:
    parts = [load_set(split=part, return_type="numpy3D") for part in ("train", "test")]
    (X, y), (X_test, y_test) = ((X.transpose(0, 2, 1), np.asarray(y, str)) for X, y in parts)
    return Labelled(X.astype(np.float32), y, X_test.astype(np.float32), y_test)


def _italy_power(seed: int) -> Labelled:
    """Half of all days each: the official training part has 67, too few for 10% of a fifth."""
    X, y = load_italy_power()
    train, test = np.array_split(np.random.default_rng(seed).permutation(len(X)), 2)
    X = X[:, :, None]
    return Labelled(X[train], y[train], X[test], y[test])


SETS: dict[str, Callable[[int], Labelled]] = {
    "ItalyPowerDemand": _italy_power,
    "BasicMotions": lambda seed: _official(datasets.load_basic_motions, seed),
    "GunPoint": lambda seed: _official(datasets.load_gunpoint, seed),
    "ArrowHead": lambda seed: _official(datasets.load_arrow_head, seed),
}
