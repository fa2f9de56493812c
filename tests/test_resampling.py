"""Draws that are kept by the odds that they are real."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklearn_timegen import BaseGenerator, PCAMixture, PrivacyBudget, RejectionSampler, estimator
from sklearn_timegen.metrics import near_copy_fraction, nearest_record_ratio
from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.resampling import rejection

from .generators import Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED

SEEDS = [SEED, SEED + 1, SEED + 2]
NORMAL = PCAMixture(n_mixture_components=1, random_state=0)


def low_or_high(n_samples, rng):
    """Noise about one of two levels: one normal distribution has all between them."""
    return rng.normal(size=(n_samples, 12)) + rng.choice([-3.0, 3.0], size=(n_samples, 1))


def share_between(X):
    return np.mean(np.abs(X.mean(axis=1)) < 1.5)


@estimator
class Law(BaseGenerator):
    """Draws from the law of the data itself, which has no parameters to learn."""

    def _fit(self, series):
        pass

    def _draw(self, n_samples, c, rng):
        return rng.normal(size=(n_samples, *self.series_shape_)).astype(np.float32)


@estimator
class HalfCopies(Resampler):
    """Half of the draws are training series, the others are noise of the wrong scale."""

    def _draw(self, n_samples, c, rng):
        drawn = super()._draw(n_samples, c, rng)
        noise = 3 * rng.normal(size=drawn.shape).astype(np.float32)
        return np.where(rng.random((n_samples, 1, 1)) < 0.5, drawn, noise)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_kept_is_nearer_to_the_law_of_the_data(seed):
    rng = np.random.default_rng(seed)
    X = low_or_high(400, rng)
    sampler = RejectionSampler(generator=NORMAL, random_state=seed).fit(X)
    fresh = low_or_high(1000, rng)
    drawn, kept = sampler.generator_.sample(1000), sampler.sample(1000)
    real, before, after = (share_between(x) for x in (fresh, drawn, kept))
    assert before - real > 0.3
    assert abs(after - real) < 0.3 * (before - real)
    assert sampler.auc_ > 0.6
    assert sampler.strength_ > 0
    assert 1 / 8 - 1e-9 <= sampler.acceptance_rate_ < 0.9
    assert nearest_record_ratio(X, kept) > 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_of_the_right_law_most_is_kept(seed):
    X = np.random.default_rng(seed).normal(size=(500, 10))
    sampler = RejectionSampler(generator=Law(rules=None), random_state=seed).fit(X)
    assert 0.4 < sampler.auc_ < 0.6
    assert sampler.acceptance_rate_ > 0.5


def test_no_series_is_kept_for_being_a_copy():
    X = np.random.default_rng(SEED).normal(size=(300, 8))
    sampler = RejectionSampler(generator=HalfCopies(rules=None), random_state=SEED)
    careful = clone(sampler).fit(X)
    assert careful.strength_ == 0
    assert careful.acceptance_rate_ == 1
    careless = clone(sampler).set_params(min_nearest_record_ratio=0).fit(X)
    assert careless.strength_ == 1
    copied = [near_copy_fraction(X, known.sample(400)) for known in (careful, careless)]
    assert copied[1] > copied[0] + 0.2


def test_no_more_is_drawn_than_allowed():
    X = low_or_high(200, np.random.default_rng(SEED))
    rates = [
        RejectionSampler(generator=NORMAL, oversampling=limit, random_state=0)
        .fit(X)
        .acceptance_rate_
        for limit in (1, 2, 30)
    ]
    assert rates[0] == 1
    assert rates[1] == pytest.approx(0.5)
    assert rates[2] < rates[1]


def test_odds_that_are_cut_off_move_no_more_than_they_may(monkeypatch):
    rng = np.random.default_rng(SEED)
    # What is calm is one draw in sixty, and would stay so while what is wild is doubled.
    X = rng.normal(size=(500, 12)) * rng.choice([1.0, 4.0], size=(500, 1))
    sampler = RejectionSampler(generator=NORMAL, random_state=SEED)
    assert clone(sampler).fit(X).strength_ < 1
    monkeypatch.setattr(rejection, "FARTHER", np.inf)
    assert clone(sampler).fit(X).strength_ == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_each_label_has_its_own_odds(seed):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], 200)
    X = low_or_high(400, rng) + 20 * y[:, None]
    generator = PCAMixture(n_mixture_components=1, conditional=True)
    sampler = RejectionSampler(generator=generator, random_state=seed).fit(X, y)
    assert sampler.conditional
    assert list(sampler.classes_) == [0, 1]
    mixed = sampler.sample(400, y=np.tile([0, 1], 200))
    for label in (0, 1):  # each stands where it was asked for
        own = mixed[label::2] - 20 * label
        assert np.abs(own.mean()) < 2
        assert (
            share_between(own)
            < 0.2
            < share_between(sampler.generator_.sample(200, y=label) - 20 * label)
        )
    with pytest.raises(ValueError, match="y"):
        sampler.sample(3)


def test_windows_that_overlap_are_split_by_time():
    walk = np.random.default_rng(SEED).normal(size=400).cumsum()
    X = make_windows(walk[:, None], 16)[0]
    seen = []

    class Watching(LogisticRegression):
        def fit(self, rows, labels):
            seen.append(int((labels == 1).sum()))
            return super().fit(rows, labels)

    sampler = RejectionSampler(generator=NORMAL, classifier=Watching(max_iter=1000)).fit(X)
    assert len(seen) == len(sampler.classifiers_) == 4
    at_random = 3 * len(X) // 4
    assert max(seen[0], seen[-1]) <= at_random - 10  # those that overlap the fold are left out
    assert sampler.sample(3).shape == (3, 16, 1)


def test_a_seed_repeats_and_nested_parameters_are_searched():
    X = low_or_high(120, np.random.default_rng(SEED))
    sampler = RejectionSampler(generator=NORMAL, cv=2, random_state=1).fit(X)
    np.testing.assert_array_equal(sampler.sample(30), sampler.sample(30))
    assert not np.array_equal(sampler.sample(30), sampler.sample(30, random_state=2))
    search = GridSearchCV(sampler, {"generator__n_mixture_components": [1, 2]}, cv=2).fit(X)
    assert search.best_params_["generator__n_mixture_components"] in (1, 2)


def test_a_frozen_generator_stays_as_it_is():
    X = low_or_high(120, np.random.default_rng(SEED))
    fitted = clone(NORMAL).fit(X)
    sampler = RejectionSampler(generator=FrozenEstimator(fitted), cv=2, random_state=0).fit(X)
    np.testing.assert_array_equal(sampler.generator_.sample(5), fitted.sample(5))
    with pytest.raises(Exception, match="not fitted"):
        RejectionSampler(generator=FrozenEstimator(NORMAL)).fit(X)


class Stopped(HistGradientBoostingClassifier):
    def fit(self, rows, labels):
        raise KeyboardInterrupt


def test_an_interrupted_comparison_keeps_the_generator():
    X = low_or_high(60, np.random.default_rng(SEED))
    with pytest.warns(UserWarning, match="all draws are kept"):
        sampler = RejectionSampler(generator=NORMAL, classifier=Stopped()).fit(X)
    assert sampler.interrupted_
    assert sampler.classifiers_ == []
    np.testing.assert_array_equal(
        sampler.sample(5, random_state=3).shape, sampler.generator_.sample(5).shape
    )


def test_what_cannot_be_is_refused():
    X = low_or_high(60, np.random.default_rng(SEED))
    private = PCAMixture(private=PrivacyBudget(epsilon=5.0, delta=1e-3), bounds=(-20, 20))
    with pytest.raises(ValueError, match="generator__private"):
        RejectionSampler(generator=private).fit(X)
    with pytest.raises(ValueError, match="must be a generator, perhaps frozen"):
        RejectionSampler(generator=FrozenEstimator(LogisticRegression())).fit(X)
    with pytest.raises(ValueError, match="oversampling"):
        RejectionSampler(oversampling=0.5).fit(X)


def test_few_windows_of_one_series_hold_out_nothing():
    walk = np.random.default_rng(SEED).normal(size=(70, 1)).cumsum(axis=0)
    sampler = RejectionSampler(generator=NORMAL, classifier=LogisticRegression(max_iter=2000))
    for n_timesteps, n_folds in [(30, 0), (24, 0), (23, 4), (12, 4)]:
        found = clone(sampler).fit(make_windows(walk, n_timesteps)[0])
        assert len(found.classifiers_) == n_folds


def test_an_earlier_fit_has_no_part_in_the_next():
    X = low_or_high(120, np.random.default_rng(SEED))
    holed = X.copy()
    holed[::3, 4] = np.nan
    frozen = FrozenEstimator(clone(NORMAL).fit(X))
    sampler = RejectionSampler(generator=frozen, cv=2, random_state=0)
    fresh = clone(sampler).fit(holed)
    again = sampler.fit(X).fit(holed)
    assert again.auc_ == fresh.auc_
    np.testing.assert_array_equal(again.sample(20), fresh.sample(20))


def test_few_series_hold_out_what_they_can():
    X = low_or_high(7, np.random.default_rng(SEED))
    sampler = RejectionSampler(generator=NORMAL, random_state=0)
    assert len(clone(sampler).fit(X).classifiers_) == 3
    few = clone(sampler).fit(X[:3])
    assert few.classifiers_ == []
    assert np.isnan(few.auc_)
    assert few.acceptance_rate_ == 1
