"""The panel of judges where the answer is known, over several seeds."""

import math
import pickle
from functools import partial

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from sklearn_timegen import PCAMixture, evaluate_generator
from sklearn_timegen.metrics import (
    METRICS,
    PanelResult,
    _folds,
    convolutional,
    discriminative_score,
    judge_panel,
    make_generation_scorer,
    panel_judges,
    sample_size_to_certainty,
)
from sklearn_timegen.metrics._features import _pairs, as_rows, levels, relations, summaries
from sklearn_timegen.metrics.panel_judges import JUDGES
from sklearn_timegen.model_selection import make_windows

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 200, 12
several_seeds = pytest.mark.parametrize(
    "seed",
    [SEED, *(pytest.param(SEED + k, marks=pytest.mark.exhaustive) for k in (1, 2))],
)


def walks(n, seed, n_timesteps=T):
    return np.random.default_rng(seed).normal(size=(n, n_timesteps)).cumsum(axis=1)


def low_and_high(n, seed):
    """A low that wanders, and a high that is always above it."""
    low = walks(n, seed)
    gap = np.exp(np.random.default_rng(seed + 100).normal(-2, 1, size=low.shape))
    return np.stack([low, low + gap], axis=2)


def linear_between_knots(n, seed):
    knots = walks(n, seed, 4)
    places = np.arange(T) / 4
    return np.stack([np.interp(places, np.arange(4), row) for row in knots])


def panel(real, synthetic, seed, **params):
    return judge_panel(real, synthetic, **({"n_halves": 0, "random_state": seed} | params))


@pytest.fixture
def _hardly_trained_network(monkeypatch):
    """For what trees see, beside which the network is trained in vain."""
    monkeypatch.setattr(convolutional, "N_EPOCHS", 2)


# -- known answers ----------------------------------------------------------------------------


@pytest.mark.usefixtures("_hardly_trained_network")
@several_seeds
def test_order_of_channels_is_seen_by_the_judge_of_channels(seed):
    real, synthetic = low_and_high(N, seed), low_and_high(N, seed + 10)
    swapped = np.random.default_rng(seed).random((N, T)) < 0.1
    synthetic[swapped] = synthetic[swapped][:, ::-1]
    table = panel(real, synthetic, seed).table
    assert table.loc["boosting of channels", "auc"] > 0.8
    assert table.loc["boosting", "auc"] < 0.65
    assert table.loc["boosting of channels", "n_certain"] < 40


@pytest.mark.usefixtures("_hardly_trained_network")
@several_seeds
def test_smoothed_kinks_are_seen_in_second_differences(seed):
    real, synthetic = linear_between_knots(N, seed), linear_between_knots(N, seed + 10)
    synthetic[:, 1:-1] = np.apply_along_axis(np.convolve, 1, synthetic, [0.05, 0.9, 0.05], "valid")
    result = panel(real, synthetic, seed)
    assert result.table.loc["boosting of channels", "score"] > 0.45
    assert result.table.loc["boosting", "score"] < 0.2
    first = result.clues.loc["boosting of channels", "feature"].iloc[0]
    assert first.startswith("second difference of channel 0 at t=")


@several_seeds
def test_half_the_spread_is_seen_by_all(seed):
    table = panel(walks(N, seed), walks(N, seed + 10) / 2, seed).table
    assert (table["score"] > 0.3).all()
    assert (table["n_certain"] < 15).all()


@several_seeds
@pytest.mark.parametrize(
    "dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.exhaustive)]
)
def test_copies_tell_nothing(seed, dtype):
    real = walks(N, seed)
    copies = real[np.random.default_rng(seed).integers(N, size=N)].astype(dtype)
    result = panel(real, copies, seed)
    # Accuracies of guessing have the standard deviation 1 / sqrt(8 N), or somewhat more.
    assert result.score < 5 * 1.25 / math.sqrt(8 * N)
    assert result.n_certain > N


@several_seeds
def test_real_halves_are_near_the_floor(seed):
    x = low_and_high(2 * N, seed)
    result = panel(x[:N], x[N:], seed, n_halves=2)
    assert result.score < 5 * 1.25 / math.sqrt(8 * N)
    assert 0 < result.score.floor < 3 * 1.25 / math.sqrt(8 * N)
    single = result.table["halves_score"].mean()
    assert result.score.floor * math.sqrt(2) > single  # of the greatest of four
    assert abs(result.table["halves_auc"] - 0.5).max() < 0.2


@pytest.mark.parametrize("with_starts", [False, True])
def test_series_that_are_all_the_same_mislead_no_judge(with_starts):
    """Most days are dry, all alike: drawn into one fold, they left judges one kind to learn."""
    rng = np.random.default_rng(SEED)

    def days(share):
        rain = rng.exponential(size=(N, T)) * (rng.random((N, T)) < 0.3)
        return np.where(rng.random((N, 1)) < share, 0, rain)

    starts = {"window_starts": np.arange(N) * T} if with_starts else {}
    real = days(0.7)
    dry = panel(real, days(0.7), SEED, **starts)
    wet = panel(real, days(0.05), SEED, **starts)
    assert dry.score < 0.12
    assert wet.score > 0.25  # 0.32 is the difference of the shares; it was 0.08
    assert abs(wet.table["score"]).min() > 0.15


@pytest.mark.exhaustive
@several_seeds
def test_overlapping_windows_of_one_series_are_alike(seed):
    """Blocks of time would mislead a judge that sees a regime from one kind only."""
    windows, starts = make_windows(np.random.default_rng(seed).normal(size=400).cumsum(), T)
    order = np.random.default_rng(seed).permutation(len(windows))
    first, second = np.sort(order[::2]), np.sort(order[1::2])
    for known in (None, starts[second]):
        result = panel(
            windows[first],
            windows[second],
            seed,
            window_starts=starts[first],
            window_starts_synthetic=known,
            n_halves=1,
        )
        assert result.score < 0.2
        assert result.score.floor < 0.2


def test_readings_are_the_same_in_float32_and_float64():
    """Of few values each has a bin of its own, and rounding would be told with certainty."""
    rng = np.random.default_rng(SEED)
    x, other = (rng.integers(0, 30, size=(N, T)) * 0.18 + 10.94 for _ in range(2))
    score = partial(discriminative_score, judge="boosting", random_state=SEED)
    assert score(x, other.astype(np.float32)) == score(x.astype(np.float32), other)
    assert score(x, other.astype(np.float32)) < 0.15


def test_windows_that_overlap_are_found_and_judged_in_blocks_of_time():
    """Split at random, judges would remember the series that windows were cut from."""
    windows, starts = make_windows(walks(1, SEED, 150)[0], T)
    drawn = walks(len(windows), SEED + 1)
    found, told = (
        judge_panel(windows, drawn, n_halves=0, random_state=SEED, **known)
        for known in ({}, {"window_starts": starts})
    )
    assert found.table.equals(told.table)
    score = partial(discriminative_score, judge="boosting", random_state=SEED)
    assert score(windows, drawn) == score(windows, drawn, window_starts=starts)


@pytest.mark.exhaustive
def test_the_number_of_series_rises_as_the_difference_shrinks():
    numbers = [
        panel(walks(N, SEED), walks(N, SEED + 10) + shift, SEED).n_certain for shift in (0.5, 2, 9)
    ]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > 2 * numbers[2]


# -- sample size ------------------------------------------------------------------------------


def test_the_sample_size_is_the_least_that_rejects_chance():
    for auc, level in ((1.0, 0.01), (0.8, 0.01), (0.51, 0.05)):
        z = {0.01: 2.3263, 0.05: 1.6449}[level]
        n = sample_size_to_certainty(auc, level=level)

        def rejects(n, auc=auc, z=z):
            return auc - 0.5 >= z * math.sqrt((2 * n + 1) / (12 * n**2))

        assert rejects(n)
        assert not rejects(n - 1)
    assert sample_size_to_certainty(0.5) == sample_size_to_certainty(0.1) == math.inf
    doubled = sample_size_to_certainty(0.52, inflation=2.0) / sample_size_to_certainty(0.52)
    assert doubled == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"auc": 1.1}, "auc must be a number from 0 to 1, got 1.1"),
        ({"auc": math.nan}, "auc must be"),
        ({"auc": 0.7, "level": 0}, "level must be a number between 0 and 1"),
        ({"auc": 0.7, "inflation": 0.0}, "inflation must be a positive number"),
    ],
)
def test_wrong_sample_sizes_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        sample_size_to_certainty(**params)


# -- what judges are shown --------------------------------------------------------------------


def columns_of(families):
    return {
        family.column_name(k): family.values[:, k]
        for family in families
        for k in range(family.values.shape[1])
    }


def test_columns_are_what_their_names_say():
    x = np.random.default_rng(SEED).normal(size=(30, 6, 2))
    x[:, :, 1] += x[:, :, 0]
    x[3, 2:5, 1] = 7.0
    named = columns_of(relations(x, x, ["open", "close"]))
    bend = x[:, 4, 0] - 2 * x[:, 3, 0] + x[:, 2, 0]
    gap = x[:, :, 0] - x[:, :, 1]
    for name, values in (
        ("open at t=4", x[:, 4, 0]),
        ("second difference of open at t=3", bend),
        ("open - close at t=3", gap[:, 3]),
        ("least open - close", gap.min(axis=1)),
        ("greatest open - close", gap.max(axis=1)),
    ):
        assert abs(np.corrcoef(named[name], values)[0, 1]) == pytest.approx(1)
    assert np.array_equal(np.sign(named["open - close at t=3"]), np.sign(gap[:, 3]))
    assert named["fraction of zero increments of close"][3] == pytest.approx(2 / 5)
    assert named["fraction of zero increments of open"].max() == 0
    simple = columns_of(summaries(x, x, ["open", "close"]))
    expected = np.corrcoef(x[5].T)[0, 1]
    assert simple["correlation of open and close"][5] == pytest.approx(expected)
    assert simple["skewness of close"][3] < 10


def test_channels_of_other_sizes_are_compared_on_their_own_scales():
    x = np.random.default_rng(SEED).normal(size=(30, 6, 2)) * [1.0, 1e6]
    named = columns_of(relations(x, x, ["price", "volume"]))
    difference = named["price - volume at t=3"]
    assert np.corrcoef(difference, x[:, 3, 0])[0, 1] > 0.3


def test_many_channels_are_compared_with_their_likes():
    x = np.random.default_rng(SEED).normal(size=(30, 6, 10))
    x[:, :, 9] = x[:, :, 0] + 0.1 * x[:, :, 9]
    pairs = _pairs(x)
    assert (0, 9) in pairs
    assert len(pairs) <= 20
    assert len(_pairs(x[:, :, :8])) == 28


@pytest.mark.parametrize("n_timesteps", [1, 2, 3])
def test_short_series_are_judged(n_timesteps):
    x = np.random.default_rng(SEED).normal(size=(40, n_timesteps, 2))
    result = panel(x[:20], x[20:] + 9, SEED)
    assert result.score == 0.5
    assert list(result.table.index) == list(JUDGES)
    assert len(as_rows(levels(x, x, ["a", "b"])).T) == 2 * n_timesteps


# -- folds ------------------------------------------------------------------------------------


def test_each_series_is_tested_once_and_copies_with_their_originals():
    real = walks(60, SEED)[:, :, None]
    synthetic = walks(60, SEED + 10)[:, :, None]
    synthetic[:30] = real[20:50]
    folds = _folds.folds_of_both(real, synthetic, (None, None), 3, SEED)
    for kind in ("real", "synthetic"):
        tested = np.concatenate([getattr(fold, kind)[1] for fold in folds])
        assert sorted(tested) == list(range(60))
    for fold in folds:
        for real_rows, rows in zip(fold.real, fold.synthetic, strict=True):
            assert {k + 20 for k in rows if k < 30} == {k for k in real_rows if 20 <= k < 50}


def test_no_fold_is_left_empty_by_a_single_copied_series():
    real = walks(30, SEED)[:, :, None]
    same = np.repeat(real[:1], 30, axis=0)
    folds = _folds.folds_of_both(real, same, (None, None), 3, SEED)
    assert all(len(rows) == 10 for _, (_, rows) in folds)
    assert panel(real, same, SEED).score > 0.4


@pytest.mark.parametrize("both", [True, False])
def test_nothing_is_trained_on_that_overlaps_what_is_tested(both):
    windows, starts = make_windows(walks(1, SEED, 500)[0], T)
    real, synthetic = windows[::2], windows[1::2]
    given = starts[::2], starts[1::2] if both else None
    for fold in _folds.folds_of_both(real, synthetic, given, 3, SEED):
        pairs = [(starts[::2], fold.real)] + [(starts[1::2], fold.synthetic)] * both
        for own, (train, test) in pairs:
            assert np.abs(own[train][:, None] - own[test]).min() >= T
    halves, folds = _folds.folds_of_halves(windows, starts, 3, SEED)
    assert sorted(np.concatenate(halves)) == list(range(len(windows)))
    for fold in folds:
        train, test = (
            np.concatenate([half[rows] for half, rows in zip(halves, parts, strict=True)])
            for parts in zip(fold.real, fold.synthetic, strict=True)
        )
        assert np.abs(starts[train][:, None] - starts[test]).min() >= T


# -- the result -------------------------------------------------------------------------------


@pytest.fixture
def _short(monkeypatch):
    monkeypatch.setattr(convolutional, "N_EPOCHS", 2)
    few = partial(HistGradientBoostingClassifier, max_iter=10)
    monkeypatch.setattr(panel_judges, "HistGradientBoostingClassifier", few)


@pytest.mark.exhaustive
@pytest.mark.usefixtures("_short")
def test_the_result_is_deterministic_and_can_be_pickled():
    real, synthetic = low_and_high(40, SEED), low_and_high(31, SEED + 10)
    first, again = (panel(real, synthetic, 3, n_halves=1) for _ in range(2))
    assert first.table.equals(again.table)
    assert first.score.floor == again.score.floor
    assert not first.table.equals(panel(real, synthetic, 4, n_halves=1).table)
    assert "clues" not in vars(first)
    copied = pickle.loads(pickle.dumps(first))
    assert isinstance(copied, PanelResult)
    assert copied.clues.equals(again.clues)
    assert first.n_series == 31
    assert f"judged {first.n_series}" in str(first)
    assert first.score == first.table["score"].max()


@pytest.mark.exhaustive
@pytest.mark.usefixtures("_short")
def test_clues_are_named_by_channel():
    real, synthetic = low_and_high(40, SEED), low_and_high(40, SEED + 10)
    synthetic[:, 5, 1] -= 9
    result = panel(real, synthetic, SEED, channel_names=["low", "high"])
    clues = result.clues.loc["boosting of channels"]
    assert clues["feature"].str.contains("low|high").all()
    assert (clues["kind_log_loss"].diff().dropna() <= 0).all()
    assert "high" in clues["feature"].iloc[0]
    assert set(result.clues.index) == set(JUDGES)


@pytest.mark.exhaustive
@pytest.mark.usefixtures("_short")
def test_the_panel_is_a_metric_and_a_judge():
    x = walks(60, SEED)
    score = discriminative_score(x[:30], x[30:] + 90, judge="panel", n_repeats=2, random_state=0)
    assert score == 0.5
    assert len(score.values) == 2
    assert 0 <= score.floor < 0.5
    metric = METRICS["discriminative_score_panel"]
    assert metric.best == "lower"
    assert metric(x[:30], x[30:] + 90, random_state=0) == 0.5
    assert discriminative_score(x[:4], x[30:34] + 9, judge="panel").floor is None
    scorer = make_generation_scorer("discriminative_score_panel")
    assert -0.5 <= scorer(PCAMixture(random_state=0).fit(x), x) <= 0
    table = evaluate_generator(
        PCAMixture(random_state=0), x, metrics=["discriminative_score_panel"], cv=2, random_state=0
    )
    assert list(table.index) == ["discriminative_score_panel"]


def test_what_cannot_be_judged_is_refused():
    x = walks(20, SEED)
    with pytest.raises(ValueError, match="2 series are too few to train and test judges on"):
        judge_panel(x, x[:2])
    with pytest.raises(ValueError, match="3 series are too few"):
        judge_panel(x, x[:3], window_starts=np.arange(20) * T)
    with pytest.raises(ValueError, match="X_synthetic contains 0 NaN and 1 inf"):
        judge_panel(x, np.where(np.arange(T) == 3, np.inf, x[:1]).repeat(1, axis=0))
    with pytest.raises(ValueError, match="they must be alike"):
        judge_panel(x, x[:, 1:])
    with pytest.raises(ValueError, match="X_synthetic.*not empty"):
        judge_panel(x, x[:0])
    with pytest.raises(ValueError, match=r"each of the 20 windows.*\(8,\)"):
        judge_panel(x, x, window_starts=np.arange(8))
    with pytest.raises(ValueError, match="channel_names must be 1 names, got 'price'"):
        judge_panel(x, x, channel_names="price")
    with pytest.raises(ValueError, match="n_halves must be an integer of at least 0"):
        judge_panel(x, x, n_halves=-1)
    with pytest.raises(ValueError, match="max_samples must be an integer"):
        judge_panel(x, x, max_samples=None)
