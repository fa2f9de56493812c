"""Rules of small tables: a few hundred rows have to be enough, and not more than they say."""

import numpy as np
import pytest

from sklearn_timegen.rules import find_rules
from sklearn_timegen.rules.pressing import presses_on_zero

from .global_seed import GLOBAL_RANDOM_SEED as SEED

SEEDS = range(SEED, SEED + 5)


def autoregression(rng, n, a, n_channels=1):
    x, noise = np.zeros((n, n_channels)), rng.normal(size=(n, n_channels))
    for t in range(1, n):
        x[t] = a * x[t - 1] + noise[t]
    return x


def meter(rng, n):
    return rng.exponential(size=(n, 1)).cumsum(axis=0)


def meter_of_days(rng, n):
    demand = 1 + 0.5 * np.sin(np.arange(n) / 4)
    return (demand * rng.exponential(size=n)).cumsum()[:, None]


def range_of_a_walk(rng, n):
    low = 20 + rng.normal(size=n).cumsum()
    return np.stack([low, low + rng.exponential(size=n)], axis=1)


def range_of_an_autoregression(rng, n):
    low = autoregression(rng, n, 0.8)[:, 0]
    return np.stack([low, low + rng.exponential(size=n)], axis=1)


def prices(rng, n):
    close = 50 * np.exp(0.015 * rng.normal(size=n).cumsum())
    low = close * np.exp(-0.01 * rng.exponential(size=n))
    high = close * np.exp(0.01 * rng.exponential(size=n))
    return np.stack([low + (high - low) * rng.random(n), high, low, close], axis=1)


TABLES = {
    meter: ("monotone", 150),
    meter_of_days: ("monotone", 150),
    range_of_a_walk: ("order", 200),
    range_of_an_autoregression: ("order", 200),
    prices: ("order", 200),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("table", TABLES)
def test_rules_of_small_tables_are_found(table, seed):
    kind, n = TABLES[table]
    for n_rows in (n, 500):
        x = table(np.random.default_rng([seed, n_rows]), n_rows)
        assert find_rules(x[None]).of_kind(kind), n_rows


FREE = {
    "noise": lambda rng, n: rng.normal([0, 1, 2, 3], size=(n, 4)),
    "autoregressions": lambda rng, n: autoregression(rng, n, 0.95, 4) + np.array([0, 2, 4, 8]),
    "walks": lambda rng, n: rng.normal(size=(n, 4)).cumsum(axis=0),
    "drifts": lambda rng, n: rng.normal([2.2, 2.6], size=(n, 2)).cumsum(axis=0),
    "heavy tails": lambda rng, n: (5 + rng.standard_t(4, size=(n, 2))).cumsum(axis=0),
    "together": lambda rng, n: (
        rng.normal(size=(n, 1)).cumsum(axis=0) + np.array([0, 2.3, 6]) + rng.normal(size=(n, 3))
    ),
    "trends": lambda rng, n: np.arange(n)[:, None] * 0.1 + 0.02 * rng.normal(size=(n, 2)),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", FREE)
def test_small_tables_without_rules(name, seed):
    for n_rows in (100, 500):
        x = FREE[name](np.random.default_rng([seed, n_rows]), n_rows)
        rules = find_rules(x[None], include=["order", "monotone"])
        assert len(rules) == 0, rules


def test_values_that_press_on_zero():
    rng = np.random.default_rng(SEED)
    amounts, marks = rng.gamma(2, size=1500), np.arange(1500.0)
    assert presses_on_zero(amounts, marks, 1500)
    assert not presses_on_zero(amounts[:40], marks[:40], 40)  # too few
    assert not presses_on_zero(amounts, marks, 40)  # most of which say the same
    assert not presses_on_zero(amounts, np.zeros(1500), 1500)  # one observation, many times
    assert not presses_on_zero(5 + rng.normal(size=1500), marks, 1500)  # far away
    assert presses_on_zero(np.where(marks < 6, 0.0, 5 + amounts), marks, 6)  # touched, often


def test_coordinates_are_told_without_their_values():
    rng = np.random.default_rng(0)
    close = 50 * np.exp(rng.normal(0, 0.01, (60, 30)).cumsum(axis=1))
    above = np.abs(rng.normal(0, 0.01, close.shape)) * (rng.random(close.shape) > 0.2)
    high = close * np.exp(above)
    told = str(find_rules(np.stack([close, high], axis=2), names=["close", "high"]))
    assert "distance of high has its least value in " in told
    assert "-5." not in told
