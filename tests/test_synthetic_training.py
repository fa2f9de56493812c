"""Train on synthetic, test on real, by the tools that everyone uses."""

import pickle
from typing import ClassVar

import numpy as np
import pytest
from joblib import Memory
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_timegen import PCAMixture, TimeVAE, TSTRClassifier, TSTRRegressor
from sklearn_timegen.datasets import make_ar, make_labelled_sines
from sklearn_timegen.model_selection import WindowKFold, make_windows
from sklearn_timegen.synthetic_training import compare_training

from .generators import CAPABLE, Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED


@pytest.fixture(scope="module")
def data():
    return make_labelled_sines(60, 12, random_state=SEED)


class Recorder(Resampler):
    """Remembers, on the class, what it was fitted to."""

    seen: ClassVar[list] = []

    def _fit(self, series):
        super()._fit(series)
        self.seen.append(self.representation_.inverse_transform(series.values))


class SeriesClassifier(ClassifierMixin, BaseEstimator):
    """Wants 3-d series, and says so."""

    def fit(self, X, y):
        assert X.ndim == 3
        self.shape_, self.classes_ = X.shape, np.unique(y)
        return self

    def predict(self, X):
        assert X.ndim == 3
        return np.repeat(self.classes_[:1], len(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def test_the_generator_sees_training_folds_only(data):
    X, y = data
    Recorder.seen.clear()
    tstr = TSTRClassifier(Recorder(), LogisticRegression(), random_state=SEED)
    results = cross_validate(tstr, X, y, cv=3, return_indices=True, error_score="raise")
    for fold, train in enumerate(results["indices"]["train"]):
        seen = np.concatenate(Recorder.seen[2 * fold : 2 * fold + 2])  # one clone for each class
        assert len(seen) == len(train)
        distances = np.abs(seen[:, None, :, 0] - X[train][None]).max(axis=2)
        assert (distances.min(axis=1) < 1e-5).all()


@pytest.mark.parametrize("conditional", [False, True])
def test_good_samples_do_as_well_as_real_ones(data, conditional):
    X, y = data
    generator = Resampler(conditional=conditional)
    real = TSTRClassifier(generator, LogisticRegression(), train_on="real", random_state=SEED)
    synthetic = clone(real).set_params(train_on="synthetic")
    assert cross_val_score(real, X, y, cv=3).mean() == 1
    assert cross_val_score(synthetic, X, y, cv=3).mean() > 0.95


def test_shuffled_labels_are_chance(data):
    X, y = data
    shuffled = np.random.default_rng(SEED).permutation(y)
    tstr = TSTRClassifier(Resampler(conditional=True), LogisticRegression(), random_state=SEED)
    assert 0.25 < cross_val_score(tstr, X, shuffled, cv=5).mean() < 0.75


@pytest.mark.parametrize(
    ("n_synthetic", "train_on", "n_rows"),
    [
        (1.0, "synthetic", 60),
        (0.5, "synthetic", 30),
        (7, "synthetic", 7),
        (2.0, "both", 180),
        (1.0, "real", 60),
    ],
)
def test_numbers_of_rows(data, n_synthetic, train_on, n_rows):
    X, y = data
    tstr = TSTRClassifier(
        Resampler(), SeriesClassifier(), n_synthetic=n_synthetic, train_on=train_on
    ).fit(X, y)
    assert tstr.classifier_.shape_ == (n_rows, 12, 1)
    assert len(tstr.generators_) == (0 if train_on == "real" else 2)


def test_classes_keep_their_frequencies():
    X, y = make_labelled_sines(60, 12, random_state=SEED)
    keep = np.flatnonzero((y == "slow") | (np.arange(60) < 20))

    class Counting(SeriesClassifier):
        def fit(self, X, y):
            self.counts_ = dict(zip(*np.unique(y, return_counts=True), strict=True))
            return super().fit(X, y)

    tstr = TSTRClassifier(Resampler(conditional=True), Counting(), n_synthetic=80)
    counts = tstr.fit(X[keep], y[keep]).classifier_.counts_
    assert counts == {"fast": 20, "slow": 60}


def test_predictors_are_fed_what_they_take(data):
    X, y = data
    deep = np.stack([X, X], axis=2)
    flat = TSTRClassifier(Resampler(), DecisionTreeClassifier()).fit(deep, y)
    assert flat.classifier_.n_features_in_ == 24
    series = TSTRClassifier(Resampler(), SeriesClassifier()).fit(deep, y)
    assert series.classifier_.shape_ == (60, 12, 2)
    flat = TSTRClassifier(Resampler(), SeriesClassifier(), predictor_input="flat")
    with pytest.raises(AssertionError):
        flat.fit(deep, y)
    rows = deep.reshape(60, -1)
    both = TSTRClassifier(Resampler(n_channels=2), SeriesClassifier()).fit(rows, y)
    assert both.classifier_.shape_ == (60, 12, 2)
    assert both.predict(rows).shape == (60,)


def test_probabilities_pass_through(data):
    X, y = data
    tstr = TSTRClassifier(Resampler(), LogisticRegression(), random_state=SEED).fit(X, y)
    assert tstr.predict_proba(X).shape == (60, 2)
    assert tstr.predict_log_proba(X).shape == (60, 2)
    assert tstr.decision_function(X).shape == (60,)
    assert not hasattr(TSTRClassifier(Resampler(), SeriesClassifier()), "predict_proba")


@pytest.mark.exhaustive
def test_grid_search_parallel_pipeline_and_pickle(data):
    X, y = data
    generator = TimeVAE(hidden_dims=(4,), max_epochs=5, conditional=True)
    tstr = TSTRClassifier(generator, LogisticRegression(), random_state=SEED)
    grid = {"generator__latent_dim": [1, 2], "classifier__C": [0.1, 1.0]}
    one = GridSearchCV(tstr, grid, cv=2, error_score="raise").fit(X, y)
    two = GridSearchCV(tstr, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert np.array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    pipeline = make_pipeline(StandardScaler(), tstr).fit(X, y)
    again = pickle.loads(pickle.dumps(pipeline))
    assert np.array_equal(pipeline.predict(X), again.predict(X))


def test_memory_shares_fitted_generators(data, tmp_path):
    X, y = data
    Recorder.seen.clear()
    tstr = TSTRClassifier(
        Recorder(conditional=True),
        LogisticRegression(),
        memory=Memory(tmp_path, verbose=0),
        random_state=SEED,
    )
    first = tstr.fit(X, y).predict_proba(X)
    clone(tstr).set_params(classifier=DecisionTreeClassifier()).fit(X, y)
    assert len(Recorder.seen) == 1
    assert np.array_equal(first, clone(tstr).fit(X, y).predict_proba(X))
    clone(tstr).fit(X[:50], y[:50])
    assert len(Recorder.seen) == 2


def test_seeds(data):
    X, y = data

    def rows(**params):
        return (
            TSTRClassifier(
                CAPABLE.__class__(**{**CAPABLE.get_params(), "max_epochs": 2}),
                LogisticRegression(),
                **params,
            )
            .fit(X, y)
            .decision_function(X)
        )

    assert np.array_equal(rows(random_state=SEED), rows(random_state=SEED))
    assert not np.array_equal(rows(random_state=SEED), rows(random_state=SEED + 1))
    assert not np.array_equal(rows(), rows())


def test_seeds_reach_nested_predictors(data):
    X, y = data

    def probabilities():
        forest = make_pipeline(StandardScaler(), RandomForestClassifier(5))
        return TSTRClassifier(Resampler(), forest, random_state=SEED).fit(X, y).predict_proba(X)

    assert np.array_equal(probabilities(), probabilities())
    kept = TSTRClassifier(
        Resampler(random_state=SEED + 7), LogisticRegression(), random_state=SEED
    )
    assert kept.fit(X, y).generators_[0].random_state == SEED + 7


def test_any_estimator_that_samples(data):
    X, y = data
    tstr = TSTRClassifier(KernelDensity(bandwidth=0.1), LogisticRegression(), random_state=SEED)
    assert cross_val_score(tstr, X, y, cv=3).mean() > 0.9
    tstr = TSTRRegressor(KernelDensity(bandwidth=0.1), Ridge(), random_state=SEED)
    assert tstr.fit(X[:, :-1], X[:, -1]).score(X[:, :-1], X[:, -1]) > 0.5


class Interrupted(Resampler):
    presses: ClassVar[list] = [True]

    def fit(self, X, y=None):
        super().fit(X, y)
        self.interrupted_ = self.presses.pop()
        return self


def test_an_interrupted_fit_is_neither_used_nor_cached(data, tmp_path):
    X, y = data
    Interrupted.presses[:] = [False, True]
    memory = Memory(tmp_path, verbose=0)
    tstr = TSTRClassifier(Interrupted(conditional=True), LogisticRegression(), memory=memory)
    with pytest.raises(KeyboardInterrupt):
        tstr.fit(X, y)
    tstr.fit(X, y)
    assert not Interrupted.presses, "the second fit was taken from the cache"


# -- regression -------------------------------------------------------------------------------


def test_joint_windows_of_univariate_series():
    windows = make_ar(400, 13, coefficients=(0.9,), random_state=SEED)[:, :, 0]
    X, y = windows[:, :-1], windows[:, -1]
    Recorder.seen.clear()
    tstr = TSTRRegressor(Recorder(), LinearRegression(), random_state=SEED).fit(X, y)
    assert np.allclose(Recorder.seen[0][:, :, 0], windows, atol=1e-5)
    assert tstr.regressor_.coef_[-1] == pytest.approx(0.9, abs=0.15)


def test_joint_windows_of_multivariate_series_and_several_targets():
    windows = make_ar(400, 9, 2, coefficients=(0.9,), random_state=SEED)
    X, y = windows[:, :-1], windows[:, -1]
    tstr = TSTRRegressor(Resampler(), Ridge(), random_state=SEED).fit(X, y)
    assert tstr.predict(X).shape == (400, 2)
    real = TSTRRegressor(Resampler(), Ridge(), train_on="real").fit(X, y)
    assert np.abs(tstr.predict(X) - real.predict(X)).mean() < 0.3
    assert real.generator_ is None
    flat = TSTRRegressor(Resampler(n_channels=2), Ridge(), random_state=SEED)
    flat.fit(X.reshape(400, -1), y)
    assert np.allclose(flat.predict(X.reshape(400, -1)), tstr.predict(X), atol=1e-5)


def test_overlap_does_not_flatter():
    """A memorising generator on an unpredictable target: shuffled folds flatter it."""
    from sklearn.model_selection import KFold
    from sklearn.neighbors import KNeighborsRegressor

    walk = np.cumsum(np.random.default_rng(SEED).normal(size=400))
    windows, starts = make_windows(walk, 12)
    X = windows[:, :, 0]
    # The mean of the noise to come is not in the window, but nearly in the neighbouring one.
    y = np.convolve(np.random.default_rng(SEED + 1).normal(size=400), np.ones(12), "valid")
    tstr = TSTRRegressor(Resampler(), KNeighborsRegressor(1), n_synthetic=3.0, random_state=SEED)
    leaking = cross_val_score(tstr, X, y, cv=KFold(5, shuffle=True, random_state=SEED)).mean()
    honest = cross_val_score(tstr, X, y, cv=WindowKFold(5), groups=starts).mean()
    assert leaking > honest + 0.5
    assert honest < 0


# -- bad input --------------------------------------------------------------------------------


def test_bad_input_is_refused(data):
    X, y = data
    tstr = TSTRClassifier(Resampler(), LogisticRegression())
    with pytest.raises(ValueError, match="requires y to be passed"):
        tstr.fit(X, None)
    with pytest.raises(ValueError, match="59 entries, but X has 60"):
        tstr.fit(X, y[:-1])
    with pytest.raises(ValueError, match="Unknown label type"):
        tstr.fit(X, np.linspace(0, 1, 60))
    for bad in ({"n_synthetic": 0}, {"n_synthetic": -1.0}, {"train_on": "fake"}, {"generator": 3}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            clone(tstr).set_params(**bad).fit(X, y)
    with pytest.raises(ValueError, match=r"n_synthetic=1 gives 1 series.*cannot cover 2 classes"):
        clone(tstr).set_params(n_synthetic=1).fit(X, y)
    with pytest.raises(ValueError, match=r"classifier must be a classifier, got Ridge\(\)"):
        TSTRClassifier(Resampler(), Ridge()).fit(X, y)
    with pytest.raises(ValueError, match="regressor must be a regressor"):
        TSTRRegressor(Resampler(), LogisticRegression()).fit(X, np.zeros(60))
    with pytest.raises(ValueError, match="channel 0 of y varies by .*subtract an offset"):
        TSTRRegressor(Resampler(), Ridge()).fit(X, 1.7e9 + X[:, 0].astype(float))
    with pytest.raises(ValueError, match="conditional=False"):
        TSTRRegressor(Resampler(conditional=True), Ridge()).fit(X, np.zeros(60))
    with pytest.raises(ValueError, match="10 timesteps"):
        tstr.fit(X, y).predict(X[:, :10, None])


def test_ways_of_training_are_laid_beside_each_other():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 8)).cumsum(axis=1)
    predictors = {"linear": LinearRegression()}
    how = {"cv": 3, "scoring": "r2", "random_state": 0}
    table = compare_training(PCAMixture(random_state=0), predictors, X[:, :-1], X[:, -1], **how)
    assert list(table.index) == ["linear"]
    assert (table.loc["linear"].iloc[:3] > 0.5).all()
    assert table.loc["linear"].iloc[3] <= 0
    assert table.attrs["std"].shape == table.shape
    mixed = {"linear": LinearRegression(), "logistic": LogisticRegression()}
    for bad in (mixed, {}):
        with pytest.raises(ValueError, match="all of one kind"):
            compare_training(PCAMixture(), bad, X[:, :-1], X[:, -1])
