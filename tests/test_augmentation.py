"""Real and synthetic series as training data: how many, and of which classes."""

import warnings
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    cross_val_score,
    cross_validate,
)

from sklearn_timegen import (
    AugmentedClassifier,
    AugmentedRegressor,
    PCAMixture,
    TSTRClassifier,
    TSTRRegressor,
)
from sklearn_timegen.base import BaseGenerator, estimator
from sklearn_timegen.datasets import make_ar, make_labelled_sines
from sklearn_timegen.model_selection import WindowKFold, make_windows
from sklearn_timegen.synthetic_training.amount import (
    best_ratio,
    fill_up,
    label_folds,
    window_folds,
)

from .generators import Recorder, Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED

MEAN = np.where(np.arange(20) < 10, 0.35, -0.35)


def make_hard(n_each, random_state):
    """Two classes that few series of 20 timesteps hardly tell apart."""
    rng = np.random.default_rng(random_state)
    y = np.repeat([0, 1], n_each)
    return rng.normal(size=(2 * n_each, 20)) + np.where(y[:, None] == 1, MEAN, -MEAN), y


@estimator
class Process(BaseGenerator):
    """The true process of ``make_hard``, or, wrong, one whose labels say the opposite."""

    wrong: bool = False

    def _fit(self, series):
        self.scaled_ = self.representation_.inverse_transform(series.values)

    def _draw(self, n_samples, c, rng):
        mean = np.where((c[:, 1:] > 0.5) != self.wrong, MEAN, -MEAN)
        x = (rng.normal(size=(n_samples, 20)) + mean)[:, :, None]
        return self.representation_.transform(x.astype(np.float32))


@pytest.fixture(autouse=True)
def _nothing_seen():
    Recorder.seen.clear()


class Counting(ClassifierMixin, BaseEstimator):
    """Counts the rows of each class it is trained on."""

    def fit(self, X, y):
        self.classes_, self.counts_ = np.unique(y, return_counts=True)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


@pytest.fixture(scope="module")
def data():
    return make_labelled_sines(60, 12, random_state=SEED)


@pytest.fixture(scope="module")
def skewed():
    """Classes of 30, 8 and 4 series."""
    X, y = make_labelled_sines(84, 12, random_state=SEED)
    first, second = np.flatnonzero(y == "slow"), np.flatnonzero(y == "fast")
    rows = np.concatenate([first[:30], second[:8], first[30:34]])
    return X[rows], np.repeat(["many", "some", "few"], [30, 8, 4])


# -- settings ---------------------------------------------------------------------------------


def test_tstr_is_a_setting():
    tstr = TSTRClassifier(Resampler(), LogisticRegression())
    augmented = AugmentedClassifier(LogisticRegression(), Resampler())
    assert isinstance(tstr, AugmentedClassifier)
    assert isinstance(TSTRRegressor(Resampler(), Ridge()), AugmentedRegressor)
    assert set(tstr.get_params(deep=False)) == set(augmented.get_params(deep=False))
    for made in (tstr, augmented):
        assert isinstance(made.generator, Resampler)
    assert (tstr.train_on, tstr.n_synthetic) == ("synthetic", 1.0)
    assert (augmented.train_on, augmented.n_synthetic) == ("both", "auto")
    regressor = AugmentedRegressor(Ridge(), Resampler())
    assert isinstance(regressor.regressor, Ridge)
    assert isinstance(regressor.generator, Resampler)


def test_the_same_settings_give_the_same_predictor(data):
    X, y = data
    params = {"train_on": "synthetic", "n_synthetic": 2.0, "random_state": SEED}
    tstr = TSTRClassifier(Resampler(), LogisticRegression(), **params).fit(X, y)
    augmented = AugmentedClassifier(LogisticRegression(), Resampler(), **params).fit(X, y)
    assert np.array_equal(tstr.decision_function(X), augmented.decision_function(X))


@pytest.mark.parametrize(
    ("params", "n_synthetic"),
    [
        ({"n_synthetic": 0.5}, 30),
        ({"n_synthetic": 7}, 7),
        ({"n_synthetic": 0}, 0),
        ({"n_synthetic": 0.0}, 0),
        ({"n_synthetic": 2.0, "train_on": "synthetic"}, 120),
        ({"train_on": "real"}, 0),
    ],
)
def test_number_of_synthetic_series(data, params, n_synthetic):
    X, y = data
    fitted = AugmentedClassifier(Counting(), Resampler(), **params).fit(X, y)
    assert fitted.n_synthetic_ == n_synthetic
    n_real = 0 if params.get("train_on") == "synthetic" else 60
    assert fitted.classifier_.counts_.sum() == n_real + n_synthetic
    assert len(fitted.generators_) == (2 if n_synthetic else 0)
    regressor = AugmentedRegressor(Ridge(), Resampler(), **params).fit(X[:, :-1], X[:, -1])
    assert regressor.n_synthetic_ == n_synthetic
    assert (regressor.generator_ is None) == (n_synthetic == 0)


# -- shares of the classes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_synthetic", "counts"),
    [
        (0, [4, 30, 8]),
        (3, [7, 30, 8]),
        (6, [9, 30, 9]),
        (48, [30, 30, 30]),
        (54, [32, 32, 32]),
    ],
)
def test_equal_shares_fill_minorities_up_first(skewed, n_synthetic, counts):
    X, y = skewed
    fitted = AugmentedClassifier(
        Counting(), Resampler(), n_synthetic=n_synthetic, class_shares="equal"
    ).fit(X, y)
    assert fitted.classifier_.counts_.tolist() == counts
    needed = sum(after > before for after, before in zip(counts, [4, 30, 8], strict=True))
    assert len(fitted.generators_) == needed


def test_equal_shares_of_synthetic_series_alone(skewed):
    X, y = skewed
    equal = TSTRClassifier(Resampler(), Counting(), class_shares="equal").fit(X, y)
    assert equal.classifier_.counts_.tolist() == [14, 14, 14]
    training = equal.set_params(class_shares="training").fit(X, y)
    assert training.classifier_.counts_.tolist() == [4, 30, 8]


@pytest.mark.parametrize(
    ("counts", "total", "shares"),
    [
        ([50, 50], 10, [5, 5]),
        ([99, 1], 10, [9, 1]),
        ([1, 1, 1], 4, [2, 1, 1]),
        ([3, 7], 2, [1, 1]),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_allocation_by_largest_remainder(counts, total, shares):
    y = np.repeat(np.arange(len(counts)), counts)
    X = np.random.default_rng(SEED).normal(size=(len(y), 4))
    fitted = TSTRClassifier(Resampler(), Counting(), n_synthetic=total).fit(X, y)
    assert fitted.classifier_.counts_.tolist() == shares


def test_filling_up_never_leaves_a_class_behind():
    rng = np.random.default_rng(SEED)
    for _ in range(50):
        counts = rng.integers(1, 30, size=rng.integers(2, 6))
        total = int(rng.integers(0, 80))
        shares = fill_up(counts, total)
        assert shares.sum() == total
        assert shares.min() >= 0
        after = counts + shares
        # Whoever got something is at most one above the smallest.
        assert after[shares > 0].max(initial=0) <= after.min() + 1


# -- automatic amounts ------------------------------------------------------------------------


def test_auto_finds_out_what_helps():
    """As many coefficients as series: more of the true process helps, which a test may not see."""
    found, gains = [], []
    for seed in range(5 * SEED, 5 * SEED + 5):
        X, y = make_hard(10, seed)
        augmented = AugmentedClassifier(
            LinearDiscriminantAnalysis(),
            Process(conditional=True),
            cv=RepeatedStratifiedKFold(n_splits=4, n_repeats=5, random_state=seed),
            random_state=seed,
        ).fit(X, y)
        assert list(augmented.auto_scores_) == [0.0, 0.25, 1.0, 3.0]
        assert {scores.shape for scores in augmented.auto_scores_.values()} == {(20,)}
        if augmented.n_synthetic_ == 0:
            continue
        found.append(augmented.n_synthetic_)
        fresh = make_hard(500, 1000 + seed)
        none = clone(augmented).set_params(n_synthetic=0).fit(X, y)
        gains.append(augmented.score(*fresh) - none.score(*fresh))
    assert len(found) >= 3  # 10 or 11 of 12
    assert set(found) <= {20, 60}
    assert np.mean(gains) > 0.05  # .1 to .3


def test_auto_keeps_out_what_does_not_help():
    X, y = make_hard(30, 0)
    augmented = AugmentedClassifier(
        LogisticRegression(), Process(wrong=True, conditional=True), random_state=0
    ).fit(X, y)
    assert augmented.n_synthetic_ == 0
    assert augmented.generators_ == []
    real = AugmentedClassifier(LogisticRegression(), Process(), train_on="real").fit(X, y)
    assert np.array_equal(augmented.decision_function(X), real.decision_function(X))
    assert not hasattr(real, "auto_scores_")
    assert not hasattr(augmented.set_params(n_synthetic=1.0).fit(X, y), "auto_scores_")


@pytest.mark.parametrize(
    ("gains", "ratio"),
    [
        ([0.1, 0.1, 0.1], 1.0),
        ([0.1, 0.2, 0.3], 1.0),  # t = 3.46, above 2.92
        ([0.1, 0.0, 0.2], 0.0),  # t = 1.73
        ([0.3, -0.1, -0.1], 0.0),
        ([0.0, 0.0, 0.0], 0.0),
        ([-0.1, -0.2, -0.1], 0.0),
        ([0.1], 0.0),
    ],
)
def test_a_gain_has_to_pass_a_t_test(gains, ratio):
    none = np.linspace(0.2, 0.8, len(gains))
    assert best_ratio({0.0: none, 0.5: none - 1, 1.0: none + gains}) == ratio
    assert best_ratio({0.5: none - 1, 1.0: none + gains}) == 1.0


def test_one_fit_of_the_generator_a_fold(data):
    X, y = data
    AugmentedClassifier(LogisticRegression(), Recorder(conditional=True), cv=3).fit(X, y)
    assert [len(seen) for seen in Recorder.seen] == [40, 40, 40]
    Recorder.seen.clear()
    tstr = TSTRClassifier(
        Recorder(conditional=True), LogisticRegression(), n_synthetic="auto", cv=3
    )
    tstr.fit(X, y)
    assert [len(seen) for seen in Recorder.seen] == [40, 40, 40, 60]
    assert list(tstr.auto_scores_) == [0.25, 1.0, 3.0]
    assert tstr.n_synthetic_ in (15, 60, 180)


def test_smaller_amounts_are_subsets_of_larger_ones(data):
    X, y = data

    class Rows(Counting):
        fitted: ClassVar[list] = []

        def fit(self, X, y):
            self.fitted.append({row.tobytes() for row in X})
            return super().fit(X, y)

    PCA = PCAMixture(conditional=True)
    AugmentedClassifier(Rows(), PCA, cv=2, random_state=SEED).fit(X, y)
    none, few, some, many = Rows.fitted[:4]
    assert none < few < some < many
    assert len(few) == 38  # 30 real ones and 0.25 of them
    assert len(many) == 120


def test_auto_tries_the_amount_that_balances(skewed):
    X, y = skewed
    augmented = AugmentedClassifier(
        LogisticRegression(), Resampler(), class_shares="equal", random_state=0
    ).fit(X, y)
    assert list(augmented.auto_scores_) == [0.0, 0.25, 1.0, 48 / 42, 3.0]


def test_scoring_and_cv_of_auto(data):
    X, y = data
    augmented = AugmentedClassifier(
        LogisticRegression(), Resampler(), cv=KFold(2, shuffle=True, random_state=SEED)
    )
    scores = augmented.set_params(scoring="neg_log_loss").fit(X, y).auto_scores_
    assert {s.shape for s in scores.values()} == {(2,)}
    assert max(s.max() for s in scores.values()) < 0


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_too_few_series_for_auto(skewed):
    X, y = skewed
    lonely = np.r_[0:20, 30:38, 38]
    for made, n_synthetic in (
        (AugmentedClassifier(LogisticRegression(), Resampler()), 0),
        (TSTRClassifier(Resampler(), LogisticRegression(), n_synthetic="auto"), 29),
    ):
        with pytest.warns(UserWarning, match="class 'few' has 1 series"):
            made.fit(X[lonely], y[lonely])
        assert made.n_synthetic_ == n_synthetic
        assert made.auto_scores_ == {}
    with pytest.warns(UserWarning, match="there are 3 series"):
        AugmentedRegressor(Ridge(), Resampler()).fit(X[:3, :-1], X[:3, -1])
    windows, _ = make_windows(np.random.default_rng(SEED).normal(size=30), 12)
    with pytest.warns(UserWarning, match="one series too short"):
        AugmentedRegressor(Ridge(), Resampler()).fit(windows[:, :-1, 0], windows[:, -1, 0])


def test_inner_folds():
    y = np.repeat([0, 1], [20, 3])
    folds = label_folds(None, np.zeros((23, 5)), y, 3)
    assert [np.bincount(y[test], minlength=2)[1] for _, test in folds] == [1, 1, 1]
    x = np.random.default_rng(SEED).normal(size=(23, 5, 1))
    folds = window_folds(None, x, x[:, 0, 0], 0)
    assert [test[0] for _, test in folds] == [0, 5, 10, 15, 19]
    windows, starts = make_windows(x.ravel(), 8)
    for cv in (None, 5, WindowKFold(5)):
        for train, test in window_folds(cv, windows, windows[:, 0], 0):
            assert np.abs(starts[train][:, None] - starts[test]).min() >= 8
    assert len(window_folds(4, x, x[:, 0, 0], 0)) == 4


def test_auto_of_a_regressor():
    """Coefficients of 16 lags from 24 series: more of the true process helps, noise does not."""

    @estimator
    class TrueAR(BaseGenerator):
        correlated: bool = True

        def _fit(self, series):
            pass

        def _draw(self, n_samples, c, rng):
            x = make_ar(n_samples, 17, coefficients=(0.8,), random_state=int(rng.integers(1e9)))
            if not self.correlated:
                x = rng.permuted(x, axis=1)
            return self.representation_.transform(x.astype(np.float32))

    windows = make_ar(24, 17, coefficients=(0.8,), random_state=SEED)[:, :, 0]
    X, y = windows[:, :-1], windows[:, -1]
    augmented = AugmentedRegressor(
        LinearRegression(),
        TrueAR(),
        cv=RepeatedKFold(n_splits=4, n_repeats=5, random_state=SEED),
        scoring="neg_mean_absolute_error",  # R2 is as low as -1000 in single folds
        random_state=SEED,
    ).fit(X, y)
    assert augmented.n_synthetic_ in (24, 72)
    noise = AugmentedRegressor(Ridge(10.0), TrueAR(correlated=False), random_state=SEED).fit(X, y)
    assert noise.n_synthetic_ == 0
    assert noise.generator_ is None


# -- scikit-learn's tools ---------------------------------------------------------------------


def test_generators_see_training_folds_only(data):
    X, y = data
    augmented = AugmentedClassifier(LogisticRegression(), Recorder(conditional=True), cv=2)
    results = cross_validate(augmented, X, y, cv=3, return_indices=True, error_score="raise")
    seen = {row.tobytes() for part in Recorder.seen for row in np.round(part[:, :, 0], 3)}
    assert len(Recorder.seen) >= 6
    assert len(seen) == 60
    assert (results["test_score"] == 1).all()
    per_outer = len(Recorder.seen) // 3
    for k, test in enumerate(results["indices"]["test"]):
        fitted = np.concatenate(Recorder.seen[k * per_outer : (k + 1) * per_outer])[:, :, 0]
        assert np.abs(fitted[:, None] - X[test][None]).max(axis=2).min() > 1e-4


def test_grid_search_over_amounts_and_generators(skewed):
    X, y = skewed
    augmented = AugmentedClassifier(
        LogisticRegression(), PCAMixture(n_components=2), class_shares="equal", random_state=0
    )
    grid = {"n_synthetic": [0, 1.0, "auto"], "generator__n_components": [1, 2]}
    search = GridSearchCV(augmented, grid, cv=2, error_score="raise")
    with warnings.catch_warnings():
        # Halves of the smallest class hold 2 series, too few for an inner cross-validation.
        warnings.filterwarnings("ignore", "n_synthetic='auto' is taken as 0")
        search.fit(X, y)
    results = search.cv_results_
    assert np.isfinite(results["mean_test_score"]).all()
    scores = {
        (p["n_synthetic"], p["generator__n_components"]): s
        for p, s in zip(results["params"], results["mean_test_score"], strict=True)
    }
    assert scores[0, 1] == scores[0, 2]
    assert scores["auto", 1] == scores[0, 1]


# -- bad input --------------------------------------------------------------------------------


def test_bad_input_is_refused_before_training(data, skewed):
    X, y = data
    augmented = AugmentedClassifier(LogisticRegression(), Recorder())
    for bad in (
        {"n_synthetic": -1},
        {"n_synthetic": "some"},
        {"class_shares": "unequal"},
        {"cv": 1},
        {"scoring": "beauty"},
    ):
        with pytest.raises(ValueError, match=next(iter(bad))):
            clone(augmented).set_params(**bad).fit(X, y)
    for nothing in (0, 0.0):
        with pytest.raises(ValueError, match=rf"n_synthetic={nothing} leaves nothing"):
            TSTRClassifier(Recorder(), LogisticRegression(), n_synthetic=nothing).fit(X, y)
    with pytest.raises(ValueError, match="n_synthetic=2 gives 2 series, .* 3 classes"):
        clone(augmented).set_params(n_synthetic=2).fit(*skewed)
    with pytest.raises(ValueError, match="generator of AugmentedRegressor .*conditional=False"):
        AugmentedRegressor(Ridge(), Recorder(conditional=True)).fit(X, np.zeros(60))
    assert not Recorder.seen


def test_a_class_that_a_generator_cannot_learn_is_named(skewed):
    X, y = skewed

    @estimator
    class Demanding(Resampler):
        def _fit(self, series):
            if len(series) < 5:
                raise ValueError("5 series needed")
            super()._fit(series)

    made = AugmentedClassifier(LogisticRegression(), Demanding(), n_synthetic=1.0)
    with pytest.raises(ValueError, match="the 4 series of class 'few': 5 series needed. Give"):
        made.fit(X, y)
    made.set_params(generator=Demanding(conditional=True)).fit(X, y)


class Slow(RegressorMixin, BaseEstimator):
    """Fails after the generator was trained."""

    def fit(self, X, y):
        raise RuntimeError("broken")

    def predict(self, X):
        raise AssertionError


def test_errors_of_the_predictor_pass_through(data):
    X, _ = data
    with pytest.raises(RuntimeError, match="broken"):
        AugmentedRegressor(Slow(), Resampler()).fit(X[:, :-1], X[:, -1])


def test_cross_val_score_of_auto(data):
    X, y = data
    augmented = AugmentedClassifier(LogisticRegression(), PCAMixture(), random_state=SEED)
    assert cross_val_score(augmented, X, y, cv=2).mean() == 1
