"""Resampling with synthetic series, alone and in imbalanced-learn's pipelines."""

import warnings

import numpy as np
import pandas as pd
import pytest
from imblearn.base import is_sampler
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import estimator_checks_generator
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import SkipTestWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklearn_timegen import Augmenter, PCAMixture, SingleSeriesWarning
from sklearn_timegen.base import estimator
from sklearn_timegen.datasets import make_labelled_sines

from .generators import Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED


@pytest.fixture(scope="module")
def skewed():
    """Classes of 30, 8 and 4 series."""
    X, y = make_labelled_sines(84, 12, random_state=SEED)
    first, second = np.flatnonzero(y == "slow"), np.flatnonzero(y == "fast")
    rows = np.concatenate([first[:30], second[:8], first[30:34]])
    X = X[rows].astype(np.float64) + 1e-12
    X[38:] += 5
    return X, np.repeat(["many", "some", "few"], [30, 8, 4])


def counts(y):
    return dict(zip(*(part.tolist() for part in np.unique(y, return_counts=True)), strict=True))


# -- contracts --------------------------------------------------------------------------------

NOT_FOR_SERIES = {
    "check_samplers_multiclass_ova": "labels come in one column, not as an indicator matrix",
    "check_samplers_nan": "a series of one timestep that is missing has no value at all",
}
NOT_FOR_NUMBERS = {
    "check_target_type": "numbers are learned jointly with the series",
    "check_samplers_one_label": "one class can have more series; only balancing needs two",
}


def inapplicable(augmenter):
    # The checks of sampling_strategy and of over- and under-samplers pass without a word: they
    # ask for subclasses of imbalanced-learn's own classes.
    return NOT_FOR_SERIES if augmenter.mode == "balance" else NOT_FOR_SERIES | NOT_FOR_NUMBERS


AUGMENTERS = [
    Augmenter(PCAMixture(), mode, random_state=SEED) for mode in ("append", "replace", "balance")
]


CHECKS = [
    pair
    for augmenter in AUGMENTERS
    for pair in estimator_checks_generator(
        augmenter, expected_failed_checks=inapplicable(augmenter), mark="xfail"
    )
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings(f"ignore::{SkipTestWarning.__module__}.SkipTestWarning")
@pytest.mark.parametrize("augmenter", AUGMENTERS, ids=lambda augmenter: augmenter.mode)
def test_checks_of_scikit_learn(augmenter):
    results = check_estimator(augmenter, on_skip=None)
    others = {(row["check_name"], row["status"]) for row in results if row["status"] != "passed"}
    assert others <= {("check_array_api_input", "skipped")}  # unless SCIPY_ARRAY_API=1


def test_it_is_a_sampler_and_nothing_else():
    augmenter = Augmenter(PCAMixture())
    assert is_sampler(augmenter)
    assert not hasattr(augmenter, "transform")
    assert not hasattr(augmenter, "predict")


# -- what comes back --------------------------------------------------------------------------


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize(
    ("mode", "n_synthetic", "expected"),
    [
        ("append", 1.0, {"few": 8, "many": 60, "some": 16}),
        ("append", 21, {"few": 6, "many": 45, "some": 12}),
        ("append", 0, {"few": 4, "many": 30, "some": 8}),
        ("replace", 1.0, {"few": 4, "many": 30, "some": 8}),
        ("replace", 2.0, {"few": 8, "many": 60, "some": 16}),
        ("balance", 1.0, {"few": 30, "many": 30, "some": 30}),
    ],
)
def test_classes(skewed, mode, n_synthetic, expected, conditional):
    X, y = skewed
    augmenter = Augmenter(Resampler(conditional=conditional), mode, n_synthetic=n_synthetic)
    X_resampled, y_resampled = augmenter.fit_resample(X, y)
    assert counts(y_resampled) == expected
    real = 0 if mode == "replace" else len(X)
    drawn = {label: n - (counts(y)[label] if real else 0) for label, n in expected.items()}
    assert augmenter.sampling_strategy_ == drawn
    assert X_resampled.dtype == np.float64
    assert np.array_equal(X_resampled[:real], X[:real])
    assert np.array_equal(y_resampled[:real], y[:real])
    # The resampler draws from the right class: only "few" lies higher.
    high = X_resampled[real:].mean(axis=1) > 2.5
    assert np.array_equal(high, y_resampled[real:] == "few")
    fitted = sum(n > 0 for n in drawn.values())
    assert len(augmenter.generators_) == (min(fitted, 1) if conditional else fitted)


def test_balanced_classes_need_no_generator(skewed):
    X, y = skewed
    rows = np.r_[:4, 30:34]
    augmenter = Augmenter(Resampler(), "balance")
    X_resampled, y_resampled = augmenter.fit_resample(X[rows], y[rows])
    assert np.array_equal(X_resampled, X[rows])
    assert np.array_equal(y_resampled, y[rows])
    assert augmenter.generators_ == []


def test_fit_counts_and_draws_nothing(skewed):
    X, y = skewed
    augmenter = Augmenter(Resampler(), "balance").fit(X, y)
    assert augmenter.sampling_strategy_ == {"few": 26, "many": 0, "some": 22}
    assert augmenter.n_features_in_ == 12
    assert not hasattr(augmenter, "generators_")


def test_series_of_several_channels_and_other_types(skewed):
    X, y = skewed
    deep = np.stack([X, 2 * X], axis=2).astype(np.float32)
    X_resampled, _ = Augmenter(Resampler(), "balance").fit_resample(deep, y)
    assert X_resampled.shape == (90, 12, 2)
    assert X_resampled.dtype == np.float32
    assert np.allclose(X_resampled[:, :, 1], 2 * X_resampled[:, :, 0], atol=1e-5)
    flat, _ = Augmenter(Resampler(n_channels=2), "balance").fit_resample(deep.reshape(42, -1), y)
    assert flat.shape == (90, 24)
    whole = np.round(100 * X).astype(np.int16)
    X_resampled, _ = Augmenter(Resampler(), "replace").fit_resample(whole, y)
    assert X_resampled.dtype == np.int16
    # Rounded, and not cut off: each is a real series.
    assert {row.tobytes() for row in X_resampled} <= {row.tobytes() for row in whole}


@pytest.mark.parametrize("mode", ["append", "replace", "balance"])
def test_data_frames(skewed, mode):
    X, y = skewed
    frame = pd.DataFrame(X, columns=[f"t{t}" for t in range(12)], index=range(100, 142))
    frame["t0"], frame["t1"] = frame["t0"].astype("float32"), np.arange(42) % 5
    kinds = pd.Series(pd.Categorical(y), name="kind", index=frame.index)
    X_resampled, y_resampled = Augmenter(Resampler(), mode).fit_resample(frame, kinds)
    assert X_resampled.dtypes.equals(frame.dtypes)
    assert y_resampled.dtype == kinds.dtype
    assert y_resampled.name == "kind"
    assert X_resampled.index.equals(y_resampled.index)
    if mode != "replace":
        assert X_resampled[:42].equals(frame.reset_index(drop=True))
    as_array, _ = Augmenter(Resampler(), mode, random_state=SEED).fit_resample(
        frame.to_numpy(), kinds
    )
    again, _ = Augmenter(Resampler(), mode, random_state=SEED).fit_resample(frame, kinds)
    assert np.allclose(as_array, again, atol=0.51)


def test_numbers_are_learned_jointly():
    rng = np.random.default_rng(SEED)
    X = rng.normal(size=(50, 8))
    for y in (X.sum(axis=1), X[:, :2] * 3.0):
        augmenter = Augmenter(Resampler(), n_synthetic=2.0)
        X_resampled, y_resampled = augmenter.fit_resample(X, y)
        assert X_resampled.shape == (150, 8)
        again = X_resampled.sum(axis=1) if y.ndim == 1 else X_resampled[:, :2] * 3.0
        assert np.allclose(y_resampled, again, atol=1e-5)
        assert np.array_equal(y_resampled[:50], y)
        assert not hasattr(augmenter, "sampling_strategy_")
        assert len(augmenter.generators_) == 1
    series = pd.Series(X.sum(axis=1), name="total")
    _, y_resampled = Augmenter(Resampler(), "replace").fit_resample(X, series)
    assert y_resampled.name == "total"


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_one_series_of_a_class(skewed):
    X, y = skewed

    @estimator
    class Demanding(Resampler):
        def _fit(self, series):
            if len(series) < 2:
                raise ValueError("two series needed")
            super()._fit(series)

    lonely = np.r_[:38, 38]
    with pytest.raises(ValueError, match="1 series of class 'few': two .*conditional generator"):
        Augmenter(Demanding(), "balance").fit_resample(X[lonely], y[lonely])
    for able in (Demanding(conditional=True), Resampler()):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", SingleSeriesWarning)
            _, y_resampled = Augmenter(able, "balance").fit_resample(X[lonely], y[lonely])
        assert len(told) == (not able.conditional)  # which is fitted to each class alone
        assert counts(y_resampled) == {"few": 30, "many": 30, "some": 30}


def test_seeds(skewed):
    X, y = skewed

    def drawn(**params):
        return Augmenter(PCAMixture(), "balance", **params).fit_resample(X, y)[0]

    assert np.array_equal(drawn(random_state=SEED), drawn(random_state=SEED))
    assert not np.array_equal(drawn(random_state=SEED), drawn(random_state=SEED + 1))
    assert not np.array_equal(drawn(), drawn())


# -- pipelines --------------------------------------------------------------------------------


class Counting(ClassifierMixin, BaseEstimator):
    """Keeps what it was trained on, to be looked at after a cross-validation."""

    def fit(self, X, y):
        self.classes_, self.counts_ = np.unique(y, return_counts=True)
        self.rows_ = np.array(X)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


def test_pipelines_resample_training_folds_only(skewed):
    X, y = skewed
    pipeline = make_pipeline(Augmenter(Resampler(), "balance"), Counting())
    results = cross_validate(
        pipeline, X, y, cv=2, return_estimator=True, return_indices=True, error_score="raise"
    )
    for fitted, train in zip(results["estimator"], results["indices"]["train"], strict=True):
        last = fitted[-1]
        assert last.counts_.tolist() == [15, 15, 15]
        assert np.array_equal(last.rows_[: len(train)], X[train])
        nearest = np.abs(last.rows_[:, None] - X[train][None]).max(axis=2).min(axis=1)
        assert nearest.max() < 1e-5
        assert fitted.predict(X).shape == (42,)


def test_pipelines_score_and_search(skewed):
    X, y = skewed
    pipeline = make_pipeline(
        StandardScaler(),
        Augmenter(PCAMixture(), "balance", random_state=SEED),
        LogisticRegression(),
    )
    assert cross_val_score(pipeline, X, y, cv=2).mean() > 0.8
    rows = clone(pipeline).set_params(augmenter=RandomOverSampler(random_state=SEED))
    assert cross_val_score(rows, X, y, cv=2).mean() > 0.8  # the neighbour, in the same place
    grid = {
        "augmenter": [Augmenter(PCAMixture(), random_state=SEED), "passthrough"],
        "logisticregression__C": [0.1, 1.0],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_pipelines_of_regressors():
    X = np.random.default_rng(SEED).normal(size=(60, 6))
    y = X.sum(axis=1)
    pipeline = make_pipeline(Augmenter(Resampler(), n_synthetic=3.0), Ridge())
    assert cross_val_score(pipeline, X, y, cv=3).min() > 0.9


# -- bad input --------------------------------------------------------------------------------


def test_bad_input_is_refused_before_training(skewed):
    X, y = skewed

    @estimator
    class Untrained(Resampler):
        def _fit(self, series):
            raise AssertionError("trained before the check")

    def fails(match, X, y, *args, **params):
        for method in ("fit", "fit_resample"):
            with pytest.raises(ValueError, match=match):
                getattr(Augmenter(Untrained(**params.pop("given", {})), *args, **params), method)(
                    X, y
                )

    fails("n_synthetic=2.0 has no meaning with mode='balance'", X, y, "balance", n_synthetic=2.0)
    fails("n_synthetic=0 leaves nothing with mode='replace'", X, y, "replace", n_synthetic=0)
    fails("n_synthetic=2 gives 2 series, .* 3 classes", X, y, n_synthetic=2)
    fails("'mode' parameter", X, y, "append more")
    fails("one class, 'many': mode='balance' needs at least two", X[:30], y[:30], "balance")
    fails("Unknown label type: continuous.*'append' or 'replace'", X, X[:, 0], "balance")
    fails("41 entries, but X has 42", X, y[:-1])
    fails("requires y to be passed", X, None)
    fails("Multilabel and multioutput", X, np.eye(3, dtype=int)[np.arange(42) % 3])
    fails("y varies by .*subtract an offset", X, 1.7e9 + X[:, 0])
    with pytest.raises(ValueError, match="y is continuous.*conditional=False"):
        Augmenter(Untrained(conditional=True)).fit_resample(X, X[:, 0])
