"""What hangs on a word that a series has for all of its time, also on a rare one, comes back."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import FlowMatching, PCAMixture, SeriesGenerator
from sklearn_timegen.series._effects import Ranges

from .global_seed import GLOBAL_RANDOM_SEED as SEED

pytestmark = pytest.mark.usefixtures("quick_joining")
SEEDS = range(SEED, SEED + 2)
PLANS = {"gold": (4, 9.8), "standard": (32, 4.0), "basic": (24, 1.7)}  # series, and mean load
N_DRAWN, N_MORE = 200, 20
WINDOW = 12
N_ERRORS = 4  # standard errors: by chance, 1 in 15,000 lies beyond


def houses(seed, shortest, longest):
    """Return loads of houses that begin at midnight; their plan decides on all else."""
    rng, parts = np.random.default_rng(seed), []
    plans = np.repeat(list(PLANS), [n for n, _ in PLANS.values()])
    for k, plan in enumerate(rng.permutation(plans)):
        level = PLANS[plan][1]
        hours = pd.date_range("2024-01-01", periods=rng.integers(shortest, longest), freq="h")
        own = level * np.exp(0.1 * rng.normal()) + 0.1 * level * rng.normal(size=len(hours))
        own += 0.3 * level * np.sin(2 * np.pi * hours.hour.to_numpy() / 24)
        area = round(60 + 20 * np.sqrt(level) + 5 * rng.normal(), 1)
        parts.append(
            pd.DataFrame({"house": k, "time": hours, "plan": plan, "area": area, "load": own})
        )
    return pd.concat(parts, ignore_index=True)


def fit(X, generator, seed, **params):
    params = {"id_columns": "house", "time_column": "time", "random_state": seed, **params}
    return SeriesGenerator(generator, **params).fit(X)


def of_houses(X):
    """Return a row a house: its plan, area, mean load, and how much that rises in the morning."""
    hour = X["time"].dt.hour
    swing = np.sin(2 * np.pi * hour / 24) * X["load"]
    found = X.assign(swing=swing).groupby("house", sort=False)
    return found.agg(
        plan=("plan", "first"),
        n_plans=("plan", "nunique"),
        area=("area", "first"),
        load=("load", "mean"),
        swing=("swing", "mean"),
    )


@pytest.mark.parametrize(
    ("generator", "lengths", "params"),
    [
        (PCAMixture(), (24, 49), {}),
        (FlowMatching(hidden_dim=16, n_layers=1, max_epochs=2), (24, 49), {}),
        (PCAMixture(), (30, 49), {"window": WINDOW, "calendar": ["hour"]}),
    ],
    ids=["whole", "flow", "windows"],
)
def test_means_and_shares_of_words_come_back(generator, lengths, params):
    for seed in SEEDS:
        X = houses(seed, *lengths)
        fitted = fit(X, generator, seed, **params)
        real, drawn = of_houses(X), of_houses(fitted.sample(N_DRAWN))
        assert (drawn["n_plans"] == 1).all()
        for plan, (n, _) in PLANS.items():
            share, found = n / len(real), drawn["plan"] == plan
            error = np.sqrt(share * (1 - share) / N_DRAWN)
            assert abs(found.mean() - share) < N_ERRORS * error, plan
            more = of_houses(fitted.sample(N_MORE, attributes={"plan": plan}))
            assert (more["plan"] == plan).all()
            own = real[real["plan"] == plan]
            for name in ("load", "swing", "area"):
                # A normal model of what is common to all may be off by a little in each.
                error = own[name].std() * np.sqrt(1 / n + 1 / N_MORE)
                off = abs(more[name].mean() - own[name].mean())
                assert off < N_ERRORS * error + 0.03 * own[name].mean(), (plan, name)


def test_nothing_is_put_where_a_range_of_few_ends():
    rng = np.random.default_rng(SEED)
    codes = np.repeat([[0.0], [1.0], [2.0]], [30, 3, 3], axis=0)
    numbers = np.concatenate([rng.normal(size=30), [1.0, 1.01, 1.02], 3 * [0.5]])[:, None]
    ranges = Ranges().fit(numbers, codes)
    drawn = ranges.mirrored(rng.normal(size=(500, 1)), np.full((500, 1), 1.0))
    assert ((drawn > 1) & (drawn < 1.02)).all()
    assert not np.isin(drawn, numbers).any()
    assert (ranges.mirrored(rng.normal(size=(9, 1)), np.full((9, 1), 2.0)) == 0.5).all()


def test_a_word_that_differs_in_every_series_hides_no_other():
    rng = np.random.default_rng(SEED)
    plans, names = np.repeat([0.0, 1.0], 15), np.arange(30.0)
    numbers = (10 * plans + rng.uniform(-1, 1, 30))[:, None]
    names[-3:] = 40  # three of one name, by chance alike
    numbers[-3:] = 10 + 0.01 * rng.uniform(-1, 1, (3, 1))
    codes = np.column_stack([names, plans])
    assert np.abs(Ranges().fit(numbers, codes).mirrored(numbers + 5, codes)[:15]).max() < 1


def meters(plans, levels, seed):
    """Return loads of meters around the level of their plan."""
    rng, parts = np.random.default_rng(seed), []
    hours = pd.date_range("2024-01-01", periods=36, freq="h")
    for k, plan in enumerate(plans):
        own = levels[plan] + 0.1 * rng.normal() + 0.3 * rng.normal(size=len(hours))
        parts.append(pd.DataFrame({"house": k, "time": hours, "plan": plan, "load": own}))
    return pd.concat(parts, ignore_index=True)


def loads(X):
    """Return mean loads by plan, of first windows: here, joining others is learned in passing."""
    first = X.groupby("house", sort=False).head(WINDOW)
    found = first.groupby("house", sort=False).agg(plan=("plan", "first"), load=("load", "mean"))
    return found.groupby("plan")["load"]


def test_series_without_a_word_tell_nothing_of_any():
    for seed in SEEDS:
        X = meters(["a", "b"] * 15, {"a": 0.0, "b": 20.0}, seed)
        X.loc[X["house"].isin([0, 1, 2, 4, 5]), "plan"] = None
        drawn = loads(fit(X, PCAMixture(), seed, window=WINDOW).sample(N_DRAWN))
        assert drawn.mean().to_numpy() == pytest.approx([0, 20], abs=0.2)
        assert drawn.std().max() < 0.5


def test_all_that_are_asked_for_of_a_rare_word_are_like_it():
    for seed in SEEDS:
        X = meters(["a"] * 60 + ["b"] * 3, {"a": 0.0, "b": 20.0}, seed)
        fitted = fit(X, PCAMixture(), seed, window=WINDOW)
        drawn = loads(fitted.sample(N_DRAWN, attributes={"plan": "b"}))
        assert drawn.size().to_dict() == {"b": N_DRAWN}
        assert drawn.mean()["b"] == pytest.approx(20, abs=0.3)
        assert drawn.std()["b"] < 0.5
