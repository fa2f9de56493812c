"""Rules of series with missing values: found, encoded, and kept by what is filled in."""

import numpy as np
import pytest

from sklearn_timegen.datasets import make_ar
from sklearn_timegen.model_selection import find_window_starts, make_windows
from sklearn_timegen.rules import (
    Bounds,
    Clock,
    Combination,
    Constant,
    Copy,
    Grid,
    Level,
    Monotone,
    NormalScore,
    OneOf,
    Order,
    Parts,
    Positive,
    Structure,
    find_rules,
)
from sklearn_timegen.rules.filling import NormalFiller

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 200, 24
SEEDS = [SEED, *(pytest.param(SEED + k, marks=pytest.mark.exhaustive) for k in (1, 2))]


def prices(rng):
    close = np.exp(0.02 * rng.normal(size=(N, T)).cumsum(axis=1) + rng.normal(size=(N, 1)))
    low = close * np.exp(-0.01 * rng.exponential(size=(N, T)))
    high = close * np.exp(0.01 * rng.exponential(size=(N, T)))
    opening = low + (high - low) * rng.random((N, T))
    return np.stack([opening, high, low, close], axis=2)


def meters(rng):
    used = rng.exponential(size=(N, T, 2)) * (rng.random((N, T, 2)) < 0.7)
    return used.cumsum(axis=1) + rng.uniform(1e2, 1e4, (N, 1, 2))


def parts(rng):
    pieces = rng.gamma(2, 10, (N, T, 3)) + 0.1
    return np.concatenate([pieces.sum(axis=2, keepdims=True), pieces], axis=2)


def shares(rng):
    pieces = rng.gamma(2, 10, (N, T, 3)) + 0.1
    return pieces / pieces.sum(axis=2, keepdims=True)


def states(rng):
    return np.eye(5)[rng.choice(5, p=[0.4, 0.3, 0.2, 0.07, 0.03], size=(N, T))]


def flags_and_counts(rng):
    flags = rng.random((N, T, 1)) < 0.3
    return np.concatenate([flags, rng.poisson(3, (N, T, 1)), rng.poisson(40, (N, T, 1))], axis=2)


def copies(rng):
    x = rng.normal([20, 60], 5, size=(N, T, 2))
    fahrenheit = 1.8 * x[..., :1] + 32
    difference = x[..., :1] - x[..., 1:]
    return np.concatenate([x, x[..., :1], fahrenheit, difference], axis=2)


def clocks(rng):
    knots = rng.normal(size=(N, T // 6 + 3, 2)).cumsum(axis=1).round(1)
    at = np.arange(T) + rng.integers(6, size=(N, 1))
    k, w = at // 6, (at % 6)[..., None] / 6
    rows = np.arange(N)[:, None]
    return knots[rows, k] * (1 - w) + knots[rows, k + 1] * w


def steps(rng):
    knots = rng.normal(size=(N, T // 4 + 2, 1)).cumsum(axis=1).round(1)
    return np.repeat(knots, 4, axis=1)[:, 2 : T + 2]


def rain(rng):
    return rng.gamma(0.7, 8, (N, T, 1)) * (rng.random((N, T, 1)) < 0.4)


def amounts(rng):
    return np.exp(2 * rng.normal(size=(N, T, 1)))


def levels(rng):
    return 100 * rng.normal(size=(N, 1, 1)) + rng.normal(size=(N, T, 1))


def folded(rng):
    return 5 + 5 * np.sin(
        0.5 * rng.normal(size=(N, T, 1)).cumsum(axis=1) + 6 * rng.random((N, 1, 1))
    )


def rounded(rng):
    """A low in tenths, a close as it is and a high in whole numbers."""
    close = 50 + 3 * rng.normal(size=(N, T)).cumsum(axis=1)
    low = np.floor(10 * (close - rng.gamma(0.2, size=(N, T)))) / 10
    high = np.ceil(close + rng.gamma(0.2, size=(N, T)))
    return np.stack([low, close, high], axis=2)


def counted_parts(rng):
    pieces = 1 + rng.poisson([40, 60, 80], size=(N, T, 3))
    return np.concatenate([pieces, pieces.sum(axis=2, keepdims=True)], axis=2)


def percents(rng):
    pieces = rng.gamma(3, 10, (N, T, 3))
    x = np.floor(100 * pieces / pieces.sum(axis=2, keepdims=True)).clip(1, 97)
    x[..., 2] = 100 - x[..., 0] - x[..., 1]
    return x


MADE = {
    make.__name__: make
    for make in (
        prices,
        meters,
        parts,
        shares,
        states,
        flags_and_counts,
        copies,
        clocks,
        steps,
        rain,
        amounts,
        levels,
        folded,
        rounded,
        counted_parts,
        percents,
    )
}


def made(name, seed):
    x = MADE[name](np.random.default_rng(seed)).astype(np.float32)
    return x.astype(np.float64)


def holes(x, share, rng, runs=False):
    """Return which cells are missing: single ones, or runs of 2 to 8 timesteps."""
    if not runs:
        return rng.random(x.shape) < share
    missing = np.zeros(x.shape, dtype=bool)
    while missing.mean() < share:
        n = max(1, x[:, 0].size // 20)
        i, d = rng.integers(len(x), size=n), rng.integers(x.shape[2], size=n)
        t = rng.integers(x.shape[1], size=n)
        for k in range(n):
            missing[i[k], t[k] : t[k] + rng.integers(2, 9), d[k]] = True
    return missing


def with_holes(x, share, seed, runs=False):
    return np.where(holes(x, share, np.random.default_rng(100 + seed), runs), np.nan, x)


def as_block(x):
    return {k: x[:, :, k] for k in range(x.shape[2])}


def said(rules):
    """What rules say, but for shares of point masses, and which of several channels is last."""
    return sorted((rule.kind, sorted(rule.keys), getattr(rule, "step", None)) for rule in rules)


# -- finding ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", MADE)
def test_rules_are_found_as_in_complete_data(name, seed):
    x = made(name, seed)
    expected = find_rules(x)
    assert len(expected) > 0
    gaps = with_holes(x, 0.2, seed)
    found = find_rules(gaps)
    assert said(found) == said(expected)
    for rule in found.of_kind("order") + found.of_kind("monotone"):
        n_observed = (~np.isnan(gaps[:, :, list(rule.keys)]).any(axis=2)).sum()
        assert rule.evidence.n_cells == n_observed
        assert rule.evidence.n_broken == 0


def walk(rng, *shape):
    return rng.normal(size=shape).cumsum(axis=1)


def windows(x):
    return make_windows(x, T)[0]


FREE = {
    "noise": lambda rng: rng.normal(size=(N, T, 3)),
    "walks": lambda rng: walk(rng, N, T, 3),
    "windows of a walk": lambda rng: windows(walk(rng, 1, 2000, 3)[0]),
    "autoregression": lambda rng: make_ar(N, T, random_state=int(rng.integers(1000))),
    "groups": lambda rng: rng.normal(size=(N, T, 2)) + rng.choice([-5, 0, 5], size=(N, 1, 1)),
    "one long series": lambda rng: walk(rng, 1, 3000, 4),
    "copies of series": lambda rng: np.repeat(rng.normal(size=(30, T, 2)), 10, axis=0),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize("name", FREE)
def test_nothing_is_found_where_there_is_nothing(name, runs, seed):
    x = np.asarray(FREE[name](np.random.default_rng(seed)), dtype=np.float64)
    rules = find_rules(with_holes(x, 0.2, seed, runs), exclude=["level"])
    assert len(rules) == 0, rules


def test_a_channel_of_which_nothing_is_observed_is_found_to_be_nothing():
    x = made("prices", SEED)
    gaps = np.concatenate([x, np.full((N, T, 1), np.nan)], axis=2)
    assert said(find_rules(gaps)) == said(find_rules(x))
    assert len(find_rules(gaps[:, :, 4:])) == 0
    structure = Structure([Order(0, 4)])
    with pytest.raises(ValueError, match="cannot be judged: channel 0, channel 4 are at no"):
        structure.fit_transform(gaps.astype(np.float32))


def test_little_that_is_observed_tells_nothing():
    x = np.full((N, T, 3), np.nan)
    x[:3, :2] = made("prices", SEED)[:3, :2, :3]
    assert len(find_rules(x)) == 0


def test_combinations_among_many_channels():
    """At 20% missing, hardly any timestep has all of 30 channels."""
    x = np.random.default_rng(SEED).normal(10, 1, size=(N, T, 30))
    x[:, :, 29] = x[:, :, 0] + x[:, :, 1] - x[:, :, 2] + 30
    x[:, :, 28] = 1.8 * x[:, :, 3] + 32
    x[:, ::2, 7] = np.nan
    x[:, :, 8] = np.nan
    rules = find_rules(with_holes(x, 0.2, SEED))
    assert [rule.statement() for rule in rules] == [
        "channel 28 = 1.8 channel 3 + 32",
        "channel 29 = channel 0 + channel 1 - channel 2 + 30",
    ]


def test_falls_across_holes_are_seen():
    x = np.array([[[1.0], [np.nan], [0.5], [2.0]]])
    assert Monotone(0).violations(x)[0].tolist() == [False, False, True, False]


def test_windows_with_holes_are_put_together():
    series = made("prices", SEED)[:20].reshape(-1, 4)
    cut = windows(series)
    gaps = with_holes(cut, 0.2, SEED)  # other ones in each window
    assert np.array_equal(find_window_starts(gaps), np.arange(len(cut)))
    (rule,) = find_rules(gaps, include=["order"])
    assert len(series) - 20 < rule.evidence.n_cells <= len(series)  # the ends are in few windows


# -- coordinates ------------------------------------------------------------------------------

DRAWN = (NormalScore,)  # given neighbours, which are others where something is missing


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize("name", MADE)
def test_coordinates_are_those_of_complete_series_where_they_are_known(name, runs):
    x = made(name, SEED)
    missing = holes(x, 0.2, np.random.default_rng(SEED + 1), runs)
    whole, gaps = as_block(x), as_block(np.where(missing, np.nan, x))
    for rule in find_rules(x):
        assert not rule.broken(gaps).any()
        whole, gaps = rule.encode(whole), rule.encode(gaps)
        assert whole.keys() == gaps.keys()
        for key, column in gaps.items():
            told = ~np.isnan(column)
            if isinstance(rule, DRAWN):
                gaps[key] = np.where(told, whole[key], np.nan)
            elif not isinstance(rule, Level):
                start = isinstance(key, tuple) and key[1] == "start"
                # Where a meter begins is told by its first value, and else a guess.
                certain = told & ~missing[:, :1, key[0]] if start else told
                right = np.isclose(column, whole[key], rtol=1e-5, atol=2e-4)
                assert right[certain].all(), (rule, key)


def test_levels_are_those_of_what_is_observed():
    coordinates = Level(0).transform([[[1.0], [np.nan], [3.0]], [[np.nan]] * 3])
    assert np.array_equal(coordinates[0], [[-1, 2], [np.nan, 2], [1, 2]], equal_nan=True)
    assert np.isnan(coordinates[1]).all()


def test_meters_begin_a_mean_step_a_timestep_before_what_is_observed():
    rule = Monotone(0)
    rule.learn([{0: np.array([[0.0, 1.0, 4.0]])}])
    coordinates = rule.transform([[[np.nan], [np.nan], [10.0], [11.0]]])[0]
    assert np.array_equal(coordinates[:, 0], [np.nan, np.nan, np.nan, 1], equal_nan=True)
    assert np.array_equal(coordinates[:, 1], [6.0] * 4)


def test_what_is_missing_of_one_channel_follows_from_others():
    x = made("copies", SEED)
    gaps = x.copy()
    gaps[:, ::3, 0] = np.nan
    copy = Copy(2, of=0).bind(range(5))
    assert np.array_equal(copy.encode(as_block(gaps))[0], x[:, :, 0])
    block = {k: gaps[:, :, k] for k in (0, 1, 4)}
    rule = Combination(4, {0: 1, 1: -1}).bind(range(5))
    rule.learn([block])
    assert np.allclose(rule.encode(block)[0], x[:, :, 0], atol=1e-5)


@pytest.mark.parametrize("name", ["rain", "flags_and_counts"])
def test_the_process_behind_a_channel_is_drawn_given_what_is_observed(name):
    x = made(name, SEED)
    gaps = with_holes(x, 0.3, SEED)
    rule = NormalScore(0)
    rule.learn([as_block(gaps)])
    z = rule.encode(as_block(gaps))[0]
    assert np.array_equal(np.isnan(z), np.isnan(gaps[:, :, 0]))
    told = ~np.isnan(z)
    back = rule.decode({0: np.where(told, z, 0.0)})[0]
    assert np.allclose(back[told], gaps[:, :, 0][told], rtol=1e-5)
    assert abs(z[told].mean()) < 0.1
    assert abs(z[told].std() - 1) < 0.1


def test_a_correlation_survives_holes():
    smooth = np.apply_along_axis(
        np.convolve, 1, np.random.default_rng(SEED).normal(size=(N, 60)), np.ones(20) / 20
    )
    flags = (smooth[:, 20:44] > 0) * 1.0
    whole, holed = NormalScore(0), NormalScore(0)
    whole.learn([{0: flags}])
    holed.learn([as_block(with_holes(flags[:, :, None], 0.2, SEED))])
    assert holed.correlation_ == pytest.approx(whole.correlation_, abs=0.1)


# -- completion -------------------------------------------------------------------------------


def violations(rules, x):
    return {repr(rule): int(rule.violations(x).sum()) for rule in rules if rule.of_data}


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize(
    "share", [0.4, *(pytest.param(share, marks=pytest.mark.exhaustive) for share in (0.1, 0.6))]
)
@pytest.mark.parametrize("name", MADE)
def test_completed_series_keep_the_rules_and_what_is_known(name, share, runs):
    x = made(name, SEED)
    rng = np.random.default_rng([SEED, int(10 * share), runs])
    known = ~holes(x, share, rng, runs)
    structure = Structure()
    structure.fit_transform(x.astype(np.float32))
    other = x[rng.permutation(len(x))] + x.std(axis=(0, 1)) * rng.normal(size=x.shape)
    given = np.where(known, x, other).astype(np.float32)
    completed = structure.complete(given, known)
    assert np.array_equal(completed[known], x[known].astype(np.float32))
    broken = violations(structure.rules_, completed)
    assert not any(broken.values()), broken


ALONE = {
    "prices": [Order(2, (0, 3), 1)],
    "meters": [Monotone(0), Monotone(1)],
    "shares": [Parts(0, 1, 2, total=1)],
    "states": [OneOf(0, 1, 2, 3, 4)],
    "copies": [Copy(2, of=0)],
    "parts": [Combination(0, {1: 1, 2: 1, 3: 1})],
    "clocks": [Clock(0, 1, period=6)],
    "steps": [Clock(0, period=4, how="hold")],
    "rain": [NormalScore(0)],
    "flags_and_counts": [NormalScore(0), NormalScore(1), Grid(2)],
    "amounts": [Positive(0)],
    "folded": [Bounds(0, low=0, high=10)],
    "percents": [Parts(0, 1, 2, total=100)],
}


@pytest.mark.parametrize("name", ALONE)
def test_a_rule_alone_completes_what_it_speaks_of(name):
    x = made(name, SEED)
    rng = np.random.default_rng(SEED)
    for rule in ALONE[name]:
        rule = rule.bind(range(x.shape[2]))
        rule.learn([as_block(x)])
        known = ~holes(x, 0.4, rng)
        given = as_block(np.where(known, x, x + x.std() * rng.normal(size=x.shape)))
        completed = rule.complete(given, as_block(known))
        values = np.stack([completed[k] for k in range(x.shape[2])], axis=2)
        assert np.array_equal(values[known], x[known])
        assert not rule.violations(values.astype(np.float32)).any()


def test_constants_are_completed():
    block = {0: np.array([[7.0, 1.0]]), 1: np.zeros((1, 2))}
    known = {0: np.array([[True, False]]), 1: np.zeros((1, 2), dtype=bool)}
    assert Constant(0, 7.0).bind(range(2)).complete(block, known)[0].tolist() == [[7.0, 7.0]]


@pytest.mark.parametrize("n_channels", [1, 4])
def test_draws_stay_where_values_are_though_few_series_are_long(n_channels):
    """Long lags are known from few pairs, and a covariance that fits their chance diverges."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        u = rng.normal(size=(150, 13, n_channels))
        u[rng.random((150, 13)) < 0.26, 0] = np.nan
        for x, length in zip(u, rng.integers(2, 14, 150), strict=True):
            x[length:] = np.nan
        drawn = NormalFiller().fit([u]).draw(u)[np.isnan(u)]
        assert 0.8 < drawn.std() < 1.25
        assert np.abs(drawn).max() < 7
