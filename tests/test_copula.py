"""Discrete values keep what they have to do with the rest of their series."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen.classical import PCAMixture
from sklearn_timegen.rules import Category, Structure
from sklearn_timegen.rules.copula import DiscreteCopula
from sklearn_timegen.rules.polyserial import hermite_means, polyserial_correlations

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 300, 8
SEEDS = range(SEED, SEED + 3)
SHARES = {2: [0.7, 0.3], 3: [0.5, 0.3, 0.2], 4: [0.4, 0.3, 0.2, 0.1]}


def made(seed, n_categories=2, apart=1.5):
    """Series of a category that moves a number, another that goes with it, and one that does not.

    Channels: category, its companion, an independent one, the number, another number.
    """
    rng = np.random.default_rng(seed)
    category = rng.choice(n_categories, N, p=SHARES[n_categories])
    companion = np.where(rng.random(N) < 0.75, category > 0, rng.random(N) < 0.5)
    static = np.stack([category, companion, rng.integers(3, size=N)], axis=1)
    level = apart * category + rng.normal(size=N)
    number = level[:, None] + 0.5 * rng.normal(size=(N, T))
    other = rng.normal(size=(N, 1)) + 0.5 * rng.normal(size=(N, T))
    static = np.broadcast_to(static[:, None].astype(float), (N, T, 3))
    return np.concatenate([static, np.stack([number, other], axis=2)], axis=2).astype(np.float32)


def rules():
    return [Category(0), Category(1), Category(2)]


def drawn(x, seed, n=2000):
    return PCAMixture(rules=rules(), random_state=seed).fit(x).sample(n)


def gap(x):
    """How far apart the means of the number are in the first and the last category."""
    category = x[:, 0, 0]
    last = category.max()
    return x[category == last, :, 3].mean() - x[category == 0, :, 3].mean()


def association(x, a, b):
    """Cramer's V of two categories."""
    table = pd.crosstab(x[:, 0, a], x[:, 0, b]).to_numpy().astype(float)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    chi2 = ((table - expected) ** 2 / expected).sum()
    return np.sqrt(chi2 / table.sum() / (min(table.shape) - 1))


@pytest.mark.parametrize("n_categories", [2, 3, 4])
def test_numbers_differ_between_categories_as_in_training(n_categories):
    ratios, shares = [], []
    for seed in SEEDS:
        x = made(seed, n_categories)
        samples = drawn(x, seed)
        ratios.append(gap(samples) / gap(x))
        counts = [np.bincount(s[:, 0, 0].astype(int), minlength=4) / len(s) for s in (x, samples)]
        shares.append(np.abs(counts[0] - counts[1]).max())
    assert 0.8 < np.mean(ratios) < 1.2  # 0.6 of it, if scores were drawn independently
    assert np.mean(shares) < 0.04


def test_categories_that_go_together_come_back_together_and_others_do_not():
    together, apart = [], []
    for seed in SEEDS:
        x = made(seed)
        samples = drawn(x, seed)
        together.append(association(samples, 0, 1) / association(x, 0, 1))
        apart.append(association(samples, 0, 2))
    assert 0.7 < np.mean(together) < 1.15  # 0.4, if scores were drawn independently
    assert np.mean(apart) < 0.13


def test_values_are_missing_as_often_as_in_training_in_each_category():
    ratios = []
    for seed in SEEDS:
        x = made(seed)
        rng = np.random.default_rng(seed)
        x[rng.random((N, T)) < np.where(x[:, :, 0] == 0, 0.05, 0.3), 4] = np.nan
        samples = drawn(x, seed)
        differ = [
            np.isnan(s[s[:, 0, 0] == 1, :, 4]).mean() - np.isnan(s[s[:, 0, 0] == 0, :, 4]).mean()
            for s in (samples, x)
        ]
        ratios.append(differ[0] / differ[1])
    assert np.mean(ratios) > 0.65  # 0.3, if scores were drawn independently


def test_a_flag_that_follows_a_number_at_each_timestep_follows_it_in_samples():
    ratios = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        number = rng.normal(size=(N, T, 1)) + rng.normal(size=(N, 1, 1))
        flag = rng.random((N, T, 1)) < 1 / (1 + np.exp(-2 * number))
        x = np.concatenate([number, flag], axis=2).astype(np.float32)
        samples = PCAMixture(random_state=seed).fit(x).sample(1000)
        differ = [
            s[:, :, 0][s[:, :, 1] == 1].mean() - s[:, :, 0][s[:, :, 1] == 0].mean()
            for s in (samples, x)
        ]
        ratios.append(differ[0] / differ[1])
    assert 0.85 < np.mean(ratios) < 1.15  # 0.7, if scores were drawn independently


def test_asked_categories_have_their_numbers():
    x = made(SEED)
    fitted = PCAMixture(rules=rules(), random_state=SEED).fit(x)
    means = [fitted.sample(200, attributes={0: k})[:, :, 3].mean() for k in (0, 1)]
    assert means[1] - means[0] > 0.7 * gap(x)


def test_scores_of_given_attributes_are_drawn_for_each_series():
    structure = Structure(rules())
    u = structure.fit_transform(made(SEED))
    columns = structure.coordinates_
    asked = columns.with_attributes(u, [0], np.ones((N, 1)))
    assert len(np.unique(asked[:, 0, 0])) > 0.99 * N
    had = structure.inverse_transform(u)[:, 0, 0] == 1
    np.testing.assert_array_equal(asked[had], u[had])
    assert (structure.inverse_transform(asked)[:, :, 0] == 1).all()


def test_scores_are_normal_a_function_of_the_series_and_lead_back():
    spreads = []
    for seed in SEEDS:
        x = made(seed)
        structure = Structure(rules())
        u = structure.fit_transform(x)
        assert structure.associates_scores
        np.testing.assert_array_equal(structure.inverse_transform(u)[:, :, :3], x[:, :, :3])
        apart = np.concatenate([structure.transform(part) for part in (x[:7], x[7:])])
        np.testing.assert_allclose(apart, u, atol=1e-6)
        spreads.append(u[:, 0, :2].std(axis=0))
    np.testing.assert_allclose(np.mean(spreads, axis=0), 1, atol=0.12)


def test_coordinates_of_series_with_gaps_do_not_depend_on_others():
    rng = np.random.default_rng(SEED)
    x = made(SEED)
    x[:, :, 3][rng.random((N, T)) < 0.05 + 0.3 * x[:, :, 0]] = np.nan
    structure = Structure(rules())
    u = structure.fit_transform(x)
    assert structure.associates_scores
    assert 0 < np.isnan(x).any(axis=(1, 2)).mean() < 1
    alone = np.concatenate([structure.transform(x[i : i + 1]) for i in range(60)])
    np.testing.assert_allclose(alone, u[:60], atol=1e-6)


def test_states_of_series_of_unequal_lengths_lead_back():
    rng = np.random.default_rng(SEED)
    x = made(SEED)
    flag = np.cumsum(rng.random((N, T)) < 0.2, axis=1) % 2.0
    x = np.stack([x[:, :, 0], flag, x[:, :, 3] + 2 * flag], axis=2).astype(np.float32)
    for i in range(N):
        x[i, 3 + i % (T - 2) :] = np.nan
    structure = Structure([Category(0), Category(1)], ragged=True)
    u = structure.fit_transform(x)
    assert structure.associates_scores
    assert np.isfinite(u).all()
    np.testing.assert_array_equal(structure.inverse_transform(u)[:, :, :2], x[:, :, :2])


def test_what_lies_beyond_the_end_is_no_evidence_of_what_is_missing():
    """Taken for known, it would raise the correlation of 0.6 to nearly 1."""
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        cause, e, number = rng.normal(size=(3, 400, 20))
        there = 0.6 * cause + 0.8 * e > -0.5
        x = np.stack([np.where(there, number, np.nan), cause], axis=2).astype(np.float32)
        for i, end in enumerate(rng.integers(2, 21, size=400)):
            x[i, end:] = np.nan
        structure = Structure(None, ragged=True)
        u = structure.fit_transform(x)
        assert structure.associates_scores
        within = np.isfinite(x[:, :, 1])
        score = structure.coordinates_.keys.index((0, "observed"))
        found.append(np.corrcoef(u[within][:, [score, 1]].T)[0, 1])
    np.testing.assert_allclose(np.mean(found), 0.6, atol=0.05)


@pytest.mark.parametrize("whole", ["intact", "missing", "either"])
def test_series_without_a_part_missing_are_no_evidence_of_which_timesteps_are(whole):
    """Taken for known, their scores bring the correlation of 0.6 down to 0.3 to 0.5."""
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        cause, e, number = rng.normal(size=(3, 400, 20))
        there = 0.6 * cause + 0.8 * e > -0.5
        intact = {"intact": np.ones(100), "missing": np.zeros(100), "either": np.arange(100) % 2}
        there[:100] = intact[whole][:, None]
        x = np.stack([np.where(there, number, np.nan), cause], axis=2).astype(np.float32)
        structure = Structure(None)
        u = structure.fit_transform(x)
        np.testing.assert_array_equal(np.isnan(structure.inverse_transform(u)), np.isnan(x))
        assert (0, "present") in structure.coordinates_.keys
        score = structure.coordinates_.keys.index((0, "observed"))
        parts = (u[:100], u[100:])
        pairs = (part[:, :, [score, 1]].reshape(-1, 2) for part in parts)
        found.append([np.corrcoef(pair.T)[0, 1] for pair in pairs])
    np.testing.assert_allclose(np.mean(found, axis=0), 0.6, atol=0.08)


def test_what_is_associated_with_nothing_is_drawn_as_it_was():
    used = []
    for seed in range(SEED, SEED + 10):
        x = made(seed, apart=0.0)[:, :, [2, 3, 4]]
        structure = Structure([Category(0)])
        structure.fit_transform(x)
        used.append(structure.associates_scores)
    assert np.mean(used) <= 0.2


def test_numbers_alone_have_no_copula(monkeypatch):
    monkeypatch.setattr(DiscreteCopula, "fit", None)
    x = made(SEED)[:, :, 3:]
    np.testing.assert_array_equal(Structure().fit_transform(x), x)


def test_a_few_series_with_many_coordinates_are_not_overfitted():
    """Numbers that have nothing to do with a category stay nearly so, by one that has."""
    found = []
    for seed in range(SEED, SEED + 10):
        rng = np.random.default_rng(seed)
        category = rng.integers(2, size=(50, 1, 1))
        x = rng.normal(size=(50, 1, 20)) + 0.3 * rng.normal(size=(50, 6, 20))
        x[:, :, :1] += 2 * category
        x = np.concatenate([np.broadcast_to(category, (50, 6, 1)), x], axis=2).astype(np.float32)
        u = Structure([Category(0)]).fit_transform(x)
        means = np.column_stack([u[:, 0, 0], u[:, :, 1:].mean(axis=1)])
        found.append(np.corrcoef(means.T)[0, 1:])
    found = np.array(found)
    assert found[:, 0].mean() > 0.6
    assert np.sqrt(np.square(found[:, 1:]).mean()) < 0.18  # 0.14 by chance


@pytest.mark.parametrize("r", [-0.8, 0.0, 0.5, 0.9])
def test_correlations_behind_intervals(r):
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x, e = rng.normal(size=(2, 4000))
        z = r * x + np.sqrt(1 - r**2) * e
        ends = np.array([-8.0, -0.5, 1.0, 8.0])
        k = [np.searchsorted(ends[1:-1], value) for value in (x, z)]
        h = [
            hermite_means(ends[i], ends[i + 1], value) for i, value in zip(k, (x, z), strict=True)
        ]
        columns = np.stack([x, z, x], axis=1)
        columns[::3, 2] = np.nan
        both = polyserial_correlations(columns, {0: h[0], 1: h[1]}, np.arange(4000))
        found.append([both[0, 1], both[1, 2]])
    np.testing.assert_allclose(np.mean(found, axis=0), r, atol=0.06)
