"""The recurrent judges against torch's own, and their scores where the answer is known."""

import copy
import math

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from torch import nn
from torch.nn import functional as F

from sklearn_timegen.datasets import make_ar, make_labelled_sines
from sklearn_timegen.metrics import (
    discriminative,
    discriminative_score,
    predictive,
    predictive_score,
    tstr_score,
)
from sklearn_timegen.model_selection import make_windows

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def normal(*shape, seed=0):
    return np.random.default_rng(SEED + seed).normal(size=shape)


def torchs(gru, r):
    """torch's GRU with the weights of the r-th repeat."""
    n_in, size = gru.from_input.weight.shape[2], gru.from_hidden.weight.shape[2]
    made = nn.GRU(n_in, size).to(gru.from_input.weight.dtype)
    names = {"ih": gru.from_input, "hh": gru.from_hidden}
    for name, layer in names.items():
        getattr(made, f"weight_{name}_l0").data = layer.weight[r].detach().clone()
        getattr(made, f"bias_{name}_l0").data = layer.bias[r, :, 0].detach().clone()
    return made


# -- whole judges -----------------------------------------------------------------------------


class Spy:
    """Keeps the first weights of the judges, the judges, their batches and the splits."""

    def __init__(self, monkeypatch, module, n_steps):
        self.batches, self.splits = [], []
        self.make, self.lay_out = module.make_judge, module.rows_last
        monkeypatch.setattr(module, "N_STEPS", n_steps)
        monkeypatch.setattr(module, "make_judge", self.make_judge)
        monkeypatch.setattr(module, "rows_last", self.rows_last)
        if module is discriminative:
            self._splits = discriminative.splits
            monkeypatch.setattr(module, "splits", self.record_splits)

    def make_judge(self, *args):
        self.judge = self.make(*args)
        self.first = copy.deepcopy(self.judge)
        return self.judge

    def rows_last(self, x):
        self.batches.append(x.detach().clone())
        return self.lay_out(x)

    def record_splits(self, *args):
        self.splits.append(self._splits(*args))
        return self.splits[-1]


def reference(judge, r):
    """torch's GRU and dense layer with the weights of the r-th judge, and an optimizer."""
    gru = torchs(judge.gru, r)
    output = nn.Linear(judge.output.weight.shape[2], 1)
    output.weight.data = judge.output.weight[r].detach().clone()
    output.bias.data = judge.output.bias[r, :, 0].detach().clone()
    optimizer = torch.optim.Adam([*gru.parameters(), *output.parameters()], lr=1e-3)
    return gru, output, optimizer


def assert_trained_alike(judge, r, gru, output):
    expected = torchs(judge.gru, r)
    for ours, theirs in zip(expected.parameters(), gru.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)
    assert torch.allclose(judge.output.weight[r], output.weight, atol=1e-5)
    assert torch.allclose(judge.output.bias[r, :, 0], output.bias, atol=1e-5)
    first = torchs(judge.gru, 0).weight_hh_l0
    assert r == 0 or not torch.allclose(expected.weight_hh_l0, first, atol=1e-3)


def test_discriminative_judge_is_the_published_one(monkeypatch):
    spy = Spy(monkeypatch, discriminative, n_steps=5)
    real, synthetic = normal(43, 6, 3), normal(31, 6, 3, seed=1) + 0.5
    score = discriminative_score(real, synthetic, n_repeats=2, random_state=SEED)
    low, high = real.min(axis=(0, 1)), real.max(axis=(0, 1))
    scaled = [torch.from_numpy((x - low) / (high - low)).float() for x in (real, synthetic)]
    splits = [[spy.splits[0][r] for r in range(2)], [spy.splits[2 + r][r] for r in range(2)]]
    for r in range(2):
        gru, output, optimizer = reference(spy.first, r)
        for batch in spy.batches[:5]:
            sides = batch[r, :128], batch[r, 128:]
            logits = [output(gru(x.transpose(0, 1))[1][0]) for x in sides]
            loss = F.binary_cross_entropy_with_logits(logits[0], torch.ones(128, 1))
            loss = loss + F.binary_cross_entropy_with_logits(logits[1], torch.zeros(128, 1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert_trained_alike(spy.judge, r, gru, output)
        right = []
        for x, (train, test), is_real in zip(scaled, [s[r] for s in splits], [1, 0], strict=True):
            called = output(gru(x[test].transpose(0, 1))[1][0])[:, 0] > 0
            right.append((called == is_real).float().mean().item())
            assert len(test) == pytest.approx(len(x) / 5, abs=1)
            assert not set(train) & set(test)
        assert score.values[r] == pytest.approx(abs(sum(right) / 2 - 0.5), abs=1e-6)


def test_judges_are_trained_on_training_rows_only(monkeypatch):
    spy = Spy(monkeypatch, discriminative, n_steps=4)
    x = np.arange(40.0)[:, None] * np.ones(3)
    discriminative_score(x, x[:30] + 40.0, n_repeats=6, random_state=SEED + 1)
    # Two permutations of each kind, five folds each.
    for r in range(6):
        seen = torch.stack([batch[r, :, 0, 0] for batch in spy.batches[:4]]) * 39
        train_r, train_s = spy.splits[r][r % 5][0], spy.splits[6 + r][r % 5][0]
        assert set(seen[:, :128].round().int().flatten().tolist()) == set(train_r)
        assert set(seen[:, 128:].round().int().flatten().tolist()) == set(train_s + 40)


def test_predictive_judge_is_the_published_one(monkeypatch):
    spy = Spy(monkeypatch, predictive, n_steps=4)
    real, synthetic = normal(20, 6, 3), normal(30, 6, 3, seed=1)
    score = predictive_score(real, synthetic, n_repeats=2, random_state=SEED)
    low, high = real.min(axis=(0, 1)), real.max(axis=(0, 1))
    tested = torch.from_numpy((real - low) / (high - low)).float()

    def errors(gru, output, x):
        hidden, _ = gru(x[:, :-1, :2].transpose(0, 1))
        return (torch.sigmoid(output(hidden))[..., 0].T - x[:, 1:, 2]).abs()

    for r in range(2):
        gru, output, optimizer = reference(spy.first, r)
        for batch in spy.batches[:4]:
            assert batch.shape == (2, 128, 6, 3)
            optimizer.zero_grad()
            errors(gru, output, batch[r]).mean().backward()
            optimizer.step()
        assert_trained_alike(spy.judge, r, gru, output)
        assert score.values[r] == pytest.approx(
            errors(gru, output, tested).mean().item(), abs=1e-5
        )


@pytest.mark.parametrize(("n_channels", "size"), [(1, 4), (9, 4), (14, 7)])
def test_hidden_units(monkeypatch, n_channels, size):
    for module, score in ((discriminative, discriminative_score), (predictive, predictive_score)):
        with monkeypatch.context() as patch:
            spy = Spy(patch, module, n_steps=1)
            score(normal(10, 5, n_channels), normal(10, 5, n_channels), n_repeats=1)
            assert spy.judge.gru.from_hidden.weight.shape == (1, 3 * size, size)


# -- discriminative score ---------------------------------------------------------------------

LOGISTIC = LogisticRegression(max_iter=1000)


@pytest.mark.parametrize("judge", ["gru", "boosting"])
def test_equal_distributions_are_near_the_floor(monkeypatch, judge):
    monkeypatch.setattr(discriminative, "N_STEPS", 60)
    score = discriminative_score(
        normal(300, 6), normal(300, 6, seed=1), judge=judge, random_state=0
    )
    # |N(0, s)| has mean 0.8 s, the floor, and is above 4 s in one of 15,000 cases.
    assert max(score.values) < 5 * score.floor


@pytest.mark.parametrize("judge", ["gru", "boosting", LOGISTIC])
def test_disjoint_supports_score_the_maximum(monkeypatch, judge):
    monkeypatch.setattr(discriminative, "N_STEPS", 150)
    x = np.random.default_rng(SEED).uniform(size=(120, 4))
    score = discriminative_score(x[:60], x[60:] + 9, judge=judge, random_state=SEED)
    assert float(score) == 0.5
    assert score.std == 0


def test_floor_is_the_mean_of_guessing(monkeypatch):
    monkeypatch.setattr(discriminative, "N_STEPS", 1)
    x = normal(100, 3)
    by_gru = discriminative_score(x, x, n_repeats=2, random_state=SEED)
    by_rows = discriminative_score(x, x[:60], judge=LOGISTIC, random_state=SEED)
    # Accuracy over 2 n guesses has the standard deviation 1 / sqrt(8 n).
    assert by_gru.floor == pytest.approx(math.sqrt(2 / math.pi) / math.sqrt(8 * 40 / 2), rel=1e-3)
    assert by_rows.floor == pytest.approx(0.399 / math.sqrt(2 * 60), rel=1e-3)


class Guessing(ClassifierMixin, BaseEstimator):
    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.sin(1e4 * X[:, 0] + self.random_state) > 0


def test_guessing_scores_the_floor_on_average():
    x, s = normal(60, 3), normal(60, 3, seed=1)
    score = discriminative_score(x, s, judge=Guessing(), n_repeats=200, random_state=SEED)
    error = np.std(score.values) / np.sqrt(len(score.values))
    assert abs(score - score.floor) < 4 * error
    assert len(set(score.values)) > 10


@pytest.mark.parametrize("judge", [DummyClassifier(strategy="constant", constant=True), "gru"])
def test_unequal_numbers_do_not_reward_one_answer(monkeypatch, judge):
    monkeypatch.setattr(discriminative, "N_STEPS", 0)
    make = discriminative.make_judge
    if judge == "gru":  # a judge that calls all of them real

        def certain(*args):
            made = make(*args)
            made.output.weight.data.zero_()
            made.output.bias.data.fill_(1.0)
            return made

        monkeypatch.setattr(discriminative, "make_judge", certain)
    score = discriminative_score(normal(100, 3), normal(20, 3), judge=judge, random_state=SEED)
    assert float(score) == 0


class Recording(ClassifierMixin, BaseEstimator):
    """Remembers what it was trained and asked on; says what is real by the sign."""

    seen = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen.append({"train": X[y], "tested": []})
        return self

    def predict(self, X):
        self.seen[-1]["tested"].append(X)
        return X[:, 0] > 0


@pytest.mark.parametrize("max_samples", [None, 60])
def test_starts_keep_overlapping_windows_on_one_side(max_samples):
    walk = np.cumsum(np.random.default_rng(SEED).normal(size=150)) + 1e3
    windows, starts = make_windows(walk, 12)
    order = np.random.default_rng(SEED + 1).permutation(len(windows))
    position = {round(value, 6): t for t, value in enumerate(walk)}

    def places(X):
        values = X[:, 0] * walk_scale + windows.mean()
        return np.array([position[round(value, 6)] for value in values])

    walk_scale = windows.std()
    Recording.seen = []
    discriminative_score(
        windows[order],
        normal(140, 12, 1),
        judge=Recording(),
        window_starts=starts[order],
        max_samples=max_samples,
        n_repeats=2,
        random_state=SEED,
    )
    assert len(Recording.seen) == 6
    n_tested = 0
    for fold in Recording.seen:
        train, test = places(fold["train"]), places(fold["tested"][0])
        assert np.abs(train[:, None] - test).min() >= 12
        n_tested += len(test)
    assert n_tested == 2 * (max_samples or len(windows))


def test_starts_keep_the_gru_from_memorising(monkeypatch):
    spy = Spy(monkeypatch, discriminative, n_steps=1)
    windows, starts = make_windows(np.cumsum(normal(120)), 8)
    discriminative_score(
        windows, normal(50, 8, 1), window_starts=starts, n_repeats=5, random_state=0
    )
    tested = []
    for r in range(5):
        train, test = spy.splits[r][r]
        assert np.abs(starts[train][:, None] - starts[test]).min() >= 8
        tested += list(test)
    assert sorted(tested) == list(range(len(windows)))


@pytest.mark.parametrize("judge", ["gru", "boosting"])
def test_discriminative_score_is_deterministic_for_a_seed(monkeypatch, judge):
    monkeypatch.setattr(discriminative, "N_STEPS", 150)
    x, s = normal(60, 5), normal(51, 5, seed=1) + 1
    first, again, other = (
        discriminative_score(x, s, judge=judge, n_repeats=2, random_state=seed).values
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(first) == 2


def test_fewer_series_are_drawn_from_all(monkeypatch):
    spy = Spy(monkeypatch, discriminative, n_steps=4)
    s = np.concatenate([np.zeros((60, 3)), np.ones((60, 3))])
    discriminative_score(normal(80, 3), s, max_samples=60, n_repeats=1, random_state=SEED)
    seen = torch.stack([batch[0, 128:, 0, 0] for batch in spy.batches[:4]])
    assert len(seen.unique()) == 2


@pytest.mark.parametrize("judge", ["forest", Ridge(), object()])
def test_what_is_no_judge_is_refused(judge):
    with pytest.raises(ValueError, match="judge must be 'gru', 'boosting', 'panel' or"):
        discriminative_score(normal(9, 3), normal(9, 3), judge=judge)


def test_wrong_starts_and_few_series_are_refused():
    with pytest.raises(ValueError, match=r"each of the 9 windows.*\(8,\)"):
        discriminative_score(normal(9, 3), normal(9, 3), window_starts=np.arange(8))
    with pytest.raises(ValueError, match="float64"):
        discriminative_score(normal(9, 3), normal(9, 3), window_starts=np.arange(9.0))
    with pytest.raises(ValueError, match="4 series are too few"):
        discriminative_score(normal(9, 3), normal(4, 3))


# -- prediction -------------------------------------------------------------------------------


@pytest.mark.parametrize("n_channels", [1, 3])
def test_predictive_floor_is_the_error_of_the_median(monkeypatch, n_channels):
    monkeypatch.setattr(predictive, "N_STEPS", 1)
    real = np.random.default_rng(SEED).exponential(size=(40, 5, n_channels))
    score = predictive_score(real, normal(30, 5, n_channels), n_repeats=1, random_state=SEED)
    last = real[:, :, -1]
    target = ((last - last.min()) / (last.max() - last.min()))[:, 1:].ravel()
    middle = np.sort(target)[len(target) // 2]
    assert score.floor == pytest.approx(np.mean([abs(one - middle) for one in target]), rel=1e-4)


def two_levels(n, seed):
    """Series that stay at one of two levels: the first timestep tells all others."""
    return np.random.default_rng(SEED + seed).integers(0, 2, (n, 1)) * np.ones(8) * 10 - 5


def test_predictable_series_score_far_below_the_floor(monkeypatch):
    monkeypatch.setattr(predictive, "N_STEPS", 1000)
    score = predictive_score(
        two_levels(200, 0), two_levels(200, 1), n_repeats=1, random_state=SEED
    )
    assert score.floor == pytest.approx(0.5, abs=0.1)
    assert score < 0.2 * score.floor


def test_unpredictable_series_score_the_floor(monkeypatch):
    monkeypatch.setattr(predictive, "N_STEPS", 150)
    real, synthetic = (np.random.default_rng(k).uniform(size=(300, 8)) for k in range(2))
    score = predictive_score(real, synthetic, n_repeats=2, random_state=SEED)
    assert score.floor == pytest.approx(0.25, abs=0.01)
    assert float(score) == pytest.approx(score.floor, rel=0.05)


def test_labels_that_tell_nothing_score_chance():
    X, y = make_labelled_sines(200, 12, random_state=SEED)
    assert tstr_score(X[100:], X[:100], y_real=y[100:], y_synthetic=y[:100]) > 0.95
    shuffled = [np.random.default_rng(k).permutation(y[:100]) for k in range(12)]
    scores = [tstr_score(X[100:], X[:100], y_real=y[100:], y_synthetic=one) for one in shuffled]
    assert abs(np.mean(scores) - 0.5) < 4 * np.std(scores) / math.sqrt(12)
    slow = tstr_score(X[100:], X[:5], y_real=y[100:], y_synthetic=["slow"] * 5)
    assert slow == (y[100:] == "slow").mean()


def test_r2_of_an_autoregression_is_phi_squared():
    phi, n = 0.8, 4000
    X = make_ar(2 * n, 6, 2, coefficients=(phi,), random_state=SEED)
    # The squared correlation of n pairs has a standard error of about 2 phi (1 - phi^2) / sqrt(n).
    error = 2 * phi * (1 - phi**2) / math.sqrt(n)
    assert tstr_score(X[:n], X[n:]) == pytest.approx(phi**2, abs=4 * error)


def test_r2_by_hand_and_constant_channels_do_not_count():
    real, synthetic = normal(30, 4, 2), normal(50, 4, 2, seed=1)
    real[:, -1, 1] = 7.0
    made = Ridge(alpha=2.0).fit(synthetic[:, :-1].reshape(50, -1), synthetic[:, -1])
    predicted = made.predict(real[:, :-1].reshape(30, -1))[:, 0]
    left = ((real[:, -1, 0] - predicted) ** 2).sum() / (30 * real[:, -1, 0].var())
    assert tstr_score(real, synthetic, predictor=Ridge(alpha=2.0)) == pytest.approx(1 - left)


def test_wrong_predictors_and_labels_are_refused():
    x, y = normal(8, 3), [0, 1] * 4
    with pytest.raises(ValueError, match="predictor must be a classifier"):
        tstr_score(x, x, y_real=y, y_synthetic=y, predictor=Lasso())
    with pytest.raises(ValueError, match="one is missing"):
        tstr_score(x, x, y_real=y)
    with pytest.raises(ValueError, match=r"y_synthetic has shape \(7,\) for 8 series"):
        tstr_score(x, x, y_real=y, y_synthetic=y[:7])
    for score in (tstr_score, predictive_score):
        with pytest.raises(ValueError, match="one timestep"):
            score(x[:, :1], x[:, :1])
