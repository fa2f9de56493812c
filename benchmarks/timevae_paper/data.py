"""The sets, the p% of them, and the series to test on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmarks.quality import LENGTH, Array, sines
from benchmarks.quality import stockv as stockv_windows
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.model_selection import WindowKFold, find_window_starts

__all__ = ["LOADERS", "PERCENTS", "Data", "few", "held_out", "load"]

PERCENTS = (2, 5, 10, 20, 100)
N_TEST = 2000
NOISE = 0.3  # times the standard deviation of the signal


@dataclass(frozen=True)
class Data:
    """What a set offers. Scores take p% of ``all``, claims p% of ``pool``."""

    all: Array
    pool: Array
    test: Array
    channels: slice  # what the GRU that predicts is shown, the last one being predicted
    fresh: Array | None = None  # further series, if any can be had
    clean_pool: Array | None = None  # both without noise, if they have any
    clean_test: Array | None = None


def new_sines() -> Array:
    # The same frequencies, which are drawn first; of the amplitudes and phases that follow none
    # comes from where those of the set come from.
    return make_sines(30_000, LENGTH, 5, version="timevae", random_state=0)[20_000:]


def sine() -> Data:
    x, fresh = sines("timevae"), new_sines()
    return Data(x, x, fresh[:N_TEST], slice(-1, None), fresh)


def noisy_sine() -> Data:
    clean, test = sines("timevae"), new_sines()[:N_TEST]
    scale = NOISE * clean.std()
    rng = np.random.default_rng(0)
    x, noisy_test = ((one + rng.normal(0, scale, one.shape)) for one in (clean, test))
    last = slice(-1, None)
    return Data(x, x, noisy_test, last, clean_pool=clean, clean_test=test)


def stockv() -> Data:
    x = stockv_windows()
    folds = WindowKFold(5, n_blocks=8).split(x, window_starts=find_window_starts(x))
    train, test = next(folds)
    return Data(x, x[train], x[test], slice(None))


LOADERS: dict[str, Callable[[], Data]] = {
    "sine": sine,
    "stockv": stockv,
    "noisy sine": noisy_sine,
}


@lru_cache(maxsize=1)
def load(name: str) -> Data:
    return LOADERS[name]()


def few(n_series: int, percent: int, seed: int) -> tuple[Array, Array]:
    """Return the rows of a random p%, and the other ones, in random order."""
    order = np.random.default_rng([seed, percent]).permutation(n_series)
    n = round(n_series * percent / 100)
    return order[:n], order[n:]


def held_out(data: Data, percent: int, seed: int) -> Array | None:
    """Return as many real series as there are in the p%, none of them in it."""
    rows, others = few(len(data.all), percent, seed)
    if len(others) >= len(rows):
        return data.all[others[: len(rows)]]
    return None if data.fresh is None else data.fresh[: len(rows)]
