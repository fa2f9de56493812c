"""sktime's classifiers and regressors of series under scikit-learn's tools."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from sktime.base import BaseEstimator as SktimeEstimator
from sktime.classification.compose import SklearnClassifierPipeline
from sktime.classification.interval_based import TimeSeriesForestClassifier
from sktime.regression.interval_based import TimeSeriesForestRegressor
from sktime.transformations.reduce import Tabularizer

from sklearn_timegen import AugmentedClassifier, AugmentedRegressor, PCAMixture, TSTRClassifier
from sklearn_timegen.datasets import make_ar, make_labelled_sines
from sklearn_timegen.forecasting import PanelClassifier, PanelRegressor

from .global_seed import GLOBAL_RANDOM_SEED as SEED

FOREST = TimeSeriesForestClassifier(n_estimators=5, random_state=SEED)


@pytest.fixture(scope="module")
def data():
    return make_labelled_sines(40, 24, random_state=SEED)


# scikit-learn's checks have rows of two to four values: intervals have to be short.
@parametrize_with_checks(
    [
        PanelClassifier(
            TimeSeriesForestClassifier(n_estimators=10, min_interval=2, random_state=SEED)
        ),
        PanelRegressor(
            TimeSeriesForestRegressor(n_estimators=10, min_interval=2, random_state=SEED)
        ),
    ]
)
@pytest.mark.filterwarnings(f"ignore::{SkipTestWarning.__module__}.SkipTestWarning")
@pytest.mark.filterwarnings("ignore:only single label seen:UserWarning")
def test_check_estimator(estimator, check):
    check(estimator)


class Shapes(SktimeEstimator):
    """Keeps what it is given."""

    def fit(self, X, y):
        self.X_, self.y_ = X, y
        return self

    def predict(self, X):
        return X[:, 0, 0].astype(int)

    def predict_proba(self, X):
        return X[:, 0]


def test_axes_are_swapped_and_labels_coded(data):
    X, y = data
    deep = np.stack([X, X + 1], axis=2)
    made = PanelClassifier(Shapes()).fit(deep, y)
    assert made.classifier_.X_.shape == (40, 2, 24)
    assert np.array_equal(made.classifier_.X_[:, 1], (X + 1).astype(np.float32))
    assert np.array_equal(made.classes_[made.classifier_.y_], y)
    assert np.allclose(made.predict_proba(deep), X)
    labels = np.zeros((4, 24, 2))
    labels[1::2, 0, 0] = 1
    assert made.predict(labels).tolist() == ["fast", "slow", "fast", "slow"]
    assert PanelClassifier(Shapes()).fit(X, y).classifier_.X_.shape == (40, 1, 24)
    regressor = PanelRegressor(Shapes()).fit(deep, X[:, 0])
    assert np.array_equal(regressor.regressor_.y_, X[:, 0])


def test_classifier(data):
    X, y = data
    made = PanelClassifier(FOREST).fit(X, y)
    assert made.classes_.tolist() == ["fast", "slow"]
    assert made.score(X, y) == 1
    probabilities = made.predict_proba(X)
    assert probabilities.shape == (40, 2)
    assert np.array_equal(made.classes_[probabilities.argmax(axis=1)], made.predict(X))
    again = pickle.loads(pickle.dumps(made))
    assert np.array_equal(again.predict_proba(X), probabilities)
    assert np.array_equal(clone(made).fit(X, y).predict_proba(X), probabilities)
    with pytest.raises(ValueError, match="10 timesteps"):
        made.predict(X[:, :10, None])


def test_regressor():
    windows = make_ar(60, 13, coefficients=(0.9,), random_state=SEED)
    X, y = windows[:, :-1], windows[:, -1, 0]
    forest = PanelRegressor(TimeSeriesForestRegressor(n_estimators=10, random_state=SEED))
    assert forest.fit(X, y).score(X, y) > 0.5
    augmented = AugmentedRegressor(forest, PCAMixture(), n_synthetic=1.0, random_state=SEED)
    assert augmented.fit(X, y).score(X, y) > 0.3
    assert augmented.predict(X).shape == (60,)


def test_augmented_in_cross_validation_and_search(data):
    X, y = data
    augmented = AugmentedClassifier(
        PanelClassifier(TimeSeriesForestClassifier(n_estimators=5)),
        PCAMixture(),
        n_synthetic=1.0,
        random_state=SEED,
    )
    scores = cross_val_score(augmented, X[:, :, None], y, cv=2, error_score="raise")
    assert scores.mean() > 0.9
    grid = {"n_synthetic": [0, 0.5], "classifier__classifier__n_estimators": [2, 4]}
    search = GridSearchCV(augmented, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.9
    # A seed of the outermost estimator reaches sktime's.
    one, two = (clone(augmented).fit(X, y) for _ in range(2))
    assert one.classifier_.classifier_.random_state is not None
    assert np.array_equal(one.predict_proba(X), two.predict_proba(X))


def test_tstr_of_several_channels(data):
    X, y = data
    deep = np.stack([X, X[:, ::-1]], axis=2)
    pipeline = SklearnClassifierPipeline(LogisticRegression(), [Tabularizer()])
    tstr = TSTRClassifier(PCAMixture(), PanelClassifier(pipeline), random_state=SEED)
    assert tstr.fit(deep, y).score(deep, y) > 0.9


def test_rocket(data):
    pytest.importorskip("numba")
    from sktime.classification.kernel_based import RocketClassifier

    X, y = data
    rocket = PanelClassifier(RocketClassifier(num_kernels=50))
    augmented = AugmentedClassifier(rocket, PCAMixture(), n_synthetic=1.0, random_state=SEED)
    assert cross_val_score(augmented, X, y, cv=2, error_score="raise").mean() > 0.9


def test_bad_input_is_refused(data):
    X, y = data
    made = PanelClassifier(FOREST)
    with pytest.raises(ValueError, match="requires y to be passed"):
        made.fit(X, None)
    with pytest.raises(ValueError, match="39 entries, but X has 40"):
        made.fit(X, y[:-1])
    with pytest.raises(ValueError, match="Unknown label type"):
        made.fit(X, X[:, 0])
    with pytest.raises(ValueError, match="'classifier' parameter"):
        PanelClassifier("rocket").fit(X, y)
    with pytest.raises(ValueError, match="'regressor' parameter"):
        PanelRegressor(None).fit(X, X[:, 0])


def test_panels_may_have_channels_first():
    X, y = make_labelled_sines(20, 12, random_state=0)
    first = X[:, None, :]  # (n_samples, n_channels, n_timesteps)
    forest = TimeSeriesForestClassifier(n_estimators=3, random_state=0)
    plain = PanelClassifier(forest).fit(first.swapaxes(1, 2), y)
    model = PanelClassifier(forest, layout="channels-first").fit(first, y)
    proba = plain.predict_proba(first.swapaxes(1, 2))
    np.testing.assert_array_equal(model.predict_proba(first), proba)
