"""An autoregressive network by bins: its likelihood term by term, its draws, what it knows of."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_timegen import CategoricalForcing
from sklearn_timegen.autoregressive.bins import fit_binning
from sklearn_timegen.autoregressive.categorical_networks import RecurrentCategorical
from sklearn_timegen.autoregressive.objectives import CategoricalLikelihood
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_ar, make_labelled_sines
from sklearn_timegen.representation import SeriesScaler

from .global_seed import GLOBAL_RANDOM_SEED as SEED

T, D, K = 4, 3, 6
SMALL = {"hidden_dim": 8, "head_dim": 4, "max_epochs": 2, "rules": None, "random_state": SEED}


def standing(n=400, n_timesteps=T, seed=0):
    """Return a channel that stands still, one of four values, and one that moves smoothly."""
    rng = np.random.default_rng(SEED + seed)
    shape = (n, n_timesteps)
    steps = rng.normal(size=shape) * (rng.random(shape) < 0.4)
    levels = rng.choice([0.0, 1.0, 2.0, 5.0], p=[0.4, 0.3, 0.2, 0.1], size=shape)
    path = rng.normal(size=(n, 1)) + 0.1 * rng.normal(size=shape).cumsum(axis=1)
    return np.stack([steps.cumsum(axis=1), levels, path], axis=2).astype(np.float32)


def network(v, n_conditions=0, cell="lstm", fixed=()):
    """Return a network of random weights in float64, and what it bins."""
    varies, constant = torch.ones(T, D, dtype=torch.bool), torch.zeros(T, D)
    for t, d in fixed:
        varies[t, d], constant[t, d] = False, 0.3
    binning = fit_binning(v, every(v), every(v), K)
    reach = torch.full((D,), 4.0)
    torch_state = torch.get_rng_state()
    made = RecurrentCategorical(
        binning, 6, 2, 5, n_conditions, cell, varies, constant, -reach, reach
    ).double()
    rng = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=rng))
    torch.set_rng_state(torch_state)
    return made, binning


def every(v):
    return np.ones(v.shape, dtype=bool)


def uniform(*shape, seed=2):
    rng = torch.Generator().manual_seed(SEED + seed)
    return torch.rand(shape, generator=rng, dtype=torch.float64)


# -- bins -------------------------------------------------------------------------------------


def test_bins_hold_as_many_values_each_and_repeated_values_alone():
    v = standing(2000)
    binning = fit_binning(v, every(v), every(v), 32)
    share = np.mean(v[:, 1:, 0] == v[:, :-1, 0])
    assert binning.still[0] == pytest.approx(share)
    assert binning.still[2] == 0
    assert binning.by_step.tolist() == [True, False, True]
    assert binning.later.masses.sum(axis=1).tolist() == [0, 4, 0]
    assert binning.later.low[1][binning.later.masses[1]].tolist() == [0, 1, 2, 5]
    for bins in (binning.first, binning.later):
        assert_allclose(bins.share.sum(axis=1), 1, rtol=1e-5)
    assert_allclose(binning.later.share[2], 1 / 32, rtol=0.01)
    assert binning.without_density.tolist() == [0, 1]


@pytest.mark.parametrize("n", [2, 3, 11, 400])
def test_few_values_have_few_bins_and_none_is_a_mass(n):
    v = np.random.default_rng(SEED).normal(size=(n, 1, 1)).astype(np.float32)
    binning = fit_binning(v, every(v), every(v), 64)
    n_bins = int((binning.first.share > 0).sum())
    assert n_bins == max(2, min(64, n // 5))
    assert len(binning.without_density) == 0


def test_no_end_of_a_bin_is_a_value_of_training_but_the_extremes():
    v = np.random.default_rng(SEED).normal(size=(500, 1, 1)).astype(np.float32)
    first = fit_binning(v, every(v), every(v), 64).first
    inner = first.low[0, 1:]
    assert not np.isin(inner, v).any()
    assert first.low[0, 0] == v.min()
    assert first.high[0, -1] == v.max()


def test_what_was_not_observed_is_not_learned_from():
    v = standing(500)
    counts = np.random.default_rng(SEED).random(v.shape) < 0.7
    hidden = np.where(counts, v, np.float32(77))
    some, other = (fit_binning(x, counts, counts, 16) for x in (v, hidden))
    assert some.still[0] == other.still[0] > 0.5
    assert_allclose(some.first.low, other.first.low)
    assert_allclose(some.later.low[1], other.later.low[1])


def test_what_follows_a_cell_that_tells_nothing_is_binned():
    """All series begin at one value; a sensor is read every second time."""
    rng = np.random.default_rng(SEED)
    v = rng.normal(5, 2, size=(300, 6, 2)).astype(np.float32)
    v[:, 0, 0] = 0
    varies, read = every(v), every(v)
    varies[:, 0, 0] = False
    read[:, 1::2, 1] = False
    later = fit_binning(v, varies & read, read, 16).later
    for d, seen in enumerate([v[:, 1:, 0], v[:, 2::2, 1]]):
        own = later.share[d] > 0
        assert later.low[d][own].min() == seen.min()
        assert later.high[d][own].max() == seen.max()


@pytest.mark.parametrize("begin", [0.0, -1.0])
def test_a_mass_that_a_value_is_beside_is_not_kept_from_it(begin):
    """The nearest of the states that follow is no more unlikely for being the nearest."""
    rng = np.random.default_rng(SEED)
    states, n = np.array([1.0, 2.0, 4.0]), 500
    X = np.full((n, 5), begin)
    X[:, 1] = rng.choice(states, p=[0.7, 0.2, 0.1], size=n)
    for t in range(2, 5):
        stays = rng.random(n) < 0.6
        X[:, t] = np.where(stays, X[:, t - 1], rng.choice(states, size=n))
    model = CategoricalForcing(**SMALL | {"max_epochs": 15, "lr": 1e-2}).fit(X)
    drawn = model.sample(1000)
    shares = [np.mean(np.abs(x[:, 1, None] - states) < 1e-3, axis=0) for x in (X, drawn)]
    assert_allclose(*shares, atol=0.12)


# -- the network ------------------------------------------------------------------------------


def brute_force(made, binning, x):
    """Return the log-likelihood of each cell of a series, step by step from the definition."""
    expected = np.zeros((T, D))
    with torch.no_grad():
        for t in range(T):
            bins = binning.later if t else binning.first
            for d in range(D):
                before = x[t - 1, d] if t else 0.0
                a = x[t, d] - before if t and binning.by_step[d] else x[t, d]
                hidden = x.copy()  # what is to come is none of its business
                hidden[t, d:] = 9.0
                hidden[t + 1 :] = 9.0
                still, log_share = told(made, hidden, t, d)
                n_bins = int((bins.share[d] > 0).sum())
                k = int((a >= bins.cuts[d]).sum())
                low, high, scale = bins.low[d, k], bins.high[d, k], bins.scale[d, k]
                if low == high:
                    within = 0.0
                elif k == 0:
                    within = -np.log(scale) - (high - a) / scale
                elif k == n_bins - 1:
                    within = -np.log(scale) - (a - low) / scale
                else:
                    within = -np.log(high - low)
                moved = log_share[k] + within
                if t and binning.still[d] and not binning.by_step[d]:  # it was another value
                    same = int((before >= bins.cuts[d]).sum())
                    if bins.masses[d, same] and bins.low[d, same] == before:
                        moved -= np.log1p(-np.exp(log_share[same]))
                if t == 0 or binning.still[d] == 0:
                    expected[t, d] = moved
                elif x[t, d] == before:
                    expected[t, d] = -np.log1p(np.exp(-still))
                else:
                    expected[t, d] = -np.log1p(np.exp(still)) + moved
    return expected


def told(made, x, t, d):
    """Return what the network predicts of one cell, given what it is shown of a series."""
    recorded = {}

    def record(shown, c=None):
        recorded["of"] = RecurrentCategorical.predict(made, shown, c)
        return recorded["of"]

    made.predict = record
    try:
        made(torch.from_numpy(x)[None])
    finally:
        del made.predict
    return float(recorded["of"].still[0, t, d]), recorded["of"].log_share[0, t, d].numpy()


def test_the_likelihood_is_that_of_the_definition():
    v = standing()
    made, binning = network(v)
    x = v[:3].astype(np.float64)
    x[0, 1, 0] = x[0, 0, 0]
    x[1, 2, 2] = 30.0  # far beyond what was seen
    with torch.no_grad():
        found = made(torch.from_numpy(x))
        loss = CategoricalLikelihood()(made, Series(torch.from_numpy(x)), None)
    for each, series in zip(found, x, strict=True):
        assert_allclose(each, brute_force(made, binning, series), rtol=1e-6, atol=1e-6)
    assert_allclose(loss, -found.sum(dim=(1, 2)))


def test_probabilities_of_all_that_can_be_sum_to_one():
    v = standing()
    made, _ = network(v)
    x = torch.from_numpy(v[:1].astype(np.float64))
    grid = torch.linspace(-12, 12, 30_001, dtype=torch.float64)
    many = x.repeat(len(grid), 1, 1)
    many[:, -1, 2] = grid
    with torch.no_grad():
        density = made(many)[:, -1, 2].exp()
        levels = torch.tensor([0.0, 1.0, 2.0, 5.0], dtype=torch.float64)
        few = x.repeat(4, 1, 1)
        few[:, -1, 1] = levels
        few[:, -2, 1] = 2.0  # before, so that the third stands still
        share = made(few)[:, -1, 1].exp().sum()
    assert np.trapezoid(density.numpy(), grid.numpy()) == pytest.approx(1, abs=5e-3)
    assert float(share) == pytest.approx(1)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_no_cell_is_predicted_from_itself_or_what_comes_after(cell):
    made, _ = network(standing(), cell=cell)
    shown = uniform(1, T, D, 3).requires_grad_()
    predicted = made.predict(shown)
    for t in range(T):
        for d in range(D):
            told = predicted.still[0, t, d] + predicted.log_share[0, t, d, 0]
            (gradient,) = torch.autograd.grad(told, shown, retain_graph=True)
            seen = gradient[0].abs().sum(dim=2) > 0
            before = torch.zeros(T, D, dtype=torch.bool)
            before[:t] = True
            before[t, :d] = True
            assert torch.equal(seen, before)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_draws_are_predicted_as_they_were_when_they_were_drawn(cell):
    """The likelihood of a drawn series is that of its steps, each known to a filter."""
    made, _ = network(standing(), n_conditions=2, cell=cell, fixed=[(0, 1), (3, 2)])
    c = uniform(50, 2, seed=4)
    with torch.no_grad():
        x = made.run_free(uniform(50, T, D, 3), c)
        each = made(x, c) * made.varies
        states, known, stepwise = made.begin(), torch.ones(50, D, dtype=torch.bool), 0.0
        for t in range(T):
            again, evidence, states = made.draw_given(x, known, c, states, t, torch.Generator())
            stepwise = stepwise + evidence
            assert torch.equal(again, x[:, t])
    assert (x[:, 0, 1] == made.constant[0, 1]).all()
    assert (x[:, 3, 2] == made.constant[3, 2]).all()
    # What has a probability counts more there, by a constant for each such cell.
    masses = (stepwise - each.sum(dim=(1, 2))) / -np.log(4e-6)
    assert_allclose(masses, masses.round(), atol=1e-6)


def test_draws_follow_probabilities():
    v, n = standing(), 20_000
    made, binning = network(v)
    with torch.no_grad():
        x = made.run_free(uniform(n, T, D, 3))
        x[:] = x[:1]  # one past, and many draws of what follows
        past, states = x[:, : T - 1].clone(), made.begin()
        rng = torch.Generator().manual_seed(SEED)
        for t in range(T - 1):
            known = torch.ones(n, D, dtype=torch.bool)
            _, _, states = made.draw_given(x, known, None, states, t, rng)
        drawn, _, _ = made.draw_given(x, ~known, None, states, T - 1, rng)
        still, log_share = told(made, x[0].numpy(), T - 1, 0)
    stood = (drawn[:, 0] == past[:, -1, 0]).double().mean()
    assert float(stood) == pytest.approx(1 / (1 + np.exp(-still)), abs=5 / np.sqrt(4 * n))
    moved = drawn[drawn[:, 0] != past[:, -1, 0]][:, 0] - past[0, -1, 0]
    k = (moved[:, None].numpy() >= binning.later.cuts[0]).sum(axis=1)
    shares = np.bincount(k, minlength=len(log_share)) / len(k)
    assert_allclose(shares, np.exp(log_share), atol=5 / np.sqrt(4 * len(k)))


def test_a_cell_after_one_that_was_not_observed_says_nothing_of_standing_still():
    v = standing()
    made, _ = network(v)
    x = torch.from_numpy(v[:5].astype(np.float64))
    observed = torch.ones(5, T, D, dtype=torch.bool)
    observed[:, 1] = False
    counts = observed.clone()
    counts[:, 2, :2] = False  # of the channels that stand still
    batch = Series(x, observed=observed, weights=observed.double())
    with torch.no_grad():
        loss = CategoricalLikelihood()(made, batch, None)
        assert_allclose(loss, -(made(x) * counts).sum(dim=(1, 2)))


# -- the estimator ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    X = standing(400, 8)
    return X, CategoricalForcing(**{**SMALL, "max_epochs": 6}, lr=2e-2).fit(X)


def test_channels_stand_still_as_often_as_in_training(fitted):
    X, generator = fitted
    S = generator.sample(2000, random_state=SEED)
    real, drawn = (np.mean(x[:, 1:] == x[:, :-1], axis=(0, 1)) for x in (X, S))
    assert_allclose(drawn[[0, 2]], real[[0, 2]], atol=0.03)


def test_values_that_repeat_are_drawn_exactly_and_as_often(fitted):
    X, generator = fitted
    S = generator.sample(2000, random_state=SEED)[:, :, 1]
    found, counts = np.unique(S.round(5), return_counts=True)
    assert found.tolist() == [0, 1, 2, 5]
    expected = [np.mean(X[:, :, 1] == value) for value in found]
    assert_allclose(counts / S.size, expected, atol=0.05)


def test_small_steps_stay_small(fitted):
    X, generator = fitted
    S = generator.sample(2000, random_state=SEED)
    steps = [np.diff(x[:, :, 2], axis=1).std() for x in (X, S)]
    assert steps[1] == pytest.approx(steps[0], rel=0.15)
    assert S[:, :, 2].std() == pytest.approx(X[:, :, 2].std(), rel=0.25)


def test_what_stands_still_has_no_density(fitted):
    X, generator = fitted
    with pytest.raises(TypeError, match="coordinate 0 of the series stands still"):
        generator.score_samples(X)


def test_the_density_of_an_autoregressive_process_is_found():
    X = make_ar(2000, 5, coefficients=(0.8,), random_state=SEED)
    generator = CategoricalForcing(**{**SMALL, "max_epochs": 5}, lr=2e-2, n_bins=32).fit(X)
    fresh = make_ar(1000, 5, coefficients=(0.8,), random_state=SEED + 1)
    x = fresh[:, :, 0].astype(np.float64)
    variance = 1 / (1 - 0.8**2)
    squares = x[:, 0] ** 2 / variance + ((x[:, 1:] - 0.8 * x[:, :-1]) ** 2).sum(axis=1)
    true = -0.5 * (squares + 5 * np.log(2 * np.pi) + np.log(variance))
    found = generator.score_samples(fresh)
    assert -0.01 < (true - found).mean() < 0.15  # a divergence
    assert np.corrcoef(true, found)[0, 1] > 0.9


def test_labels_are_told_apart():
    X, y = make_labelled_sines(300, 8, random_state=SEED)
    generator = CategoricalForcing(**{**SMALL, "max_epochs": 15}, lr=1e-2, conditional=True).fit(
        X, y
    )
    right = [generator.score_samples(X, label)[y == label] for label in generator.classes_]
    wrong = [
        generator.score_samples(X, other)[y == label]
        for label in generator.classes_
        for other in generator.classes_
        if other != label
    ]
    assert np.mean(np.concatenate(right)) > np.mean(np.concatenate(wrong)) + 0.5


def test_gaps_are_filled_with_what_repeats(fitted):
    X, generator = fitted
    gaps = X[:100].copy()
    gaps[:, 4:6] = np.nan
    filled = generator.impute(gaps, random_state=SEED)
    known = np.isfinite(gaps)
    assert np.array_equal(filled[known], gaps[known])
    assert np.isin(filled[:, 4:6, 1].round(5), [0, 1, 2, 5]).all()
    # A smooth path is led over the gap, and not past it.
    jumps = np.abs(np.diff(filled[:, 3:7, 2], axis=1))
    assert np.median(jumps) < 3 * np.median(np.abs(np.diff(X[:, :, 2], axis=1)))


def test_a_scale_for_each_timestep_is_refused():
    with pytest.raises(ValueError, match="nothing stands still: set per='channel'"):
        CategoricalForcing(**SMALL, representation=SeriesScaler("standard")).fit(standing(20))
    for name in ("standard", "minmax", "quantile"):
        made = CategoricalForcing(**SMALL, representation=name).fit(standing(20))
        assert made.representation_.per == "channel"
