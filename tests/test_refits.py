"""What owns a generator keeps an older fit until a new one is whole."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sktime.classification.dummy import DummyClassifier
from sktime.forecasting.naive import NaiveForecaster
from sktime.regression.dummy import DummyRegressor

from sklearn_timegen import (
    VAE,
    AugmentedClassifier,
    AugmentedRegressor,
    Augmenter,
    PCAMixture,
    SeriesGenerator,
    TSTRClassifier,
    TSTRRegressor,
)
from sklearn_timegen.forecasting import (
    GeneratorBootstrap,
    PanelClassifier,
    PanelRegressor,
    TSTRForecaster,
)
from sklearn_timegen.metrics import ContrastiveEncoder

from .fuses import FUSE, Scaler, Stages, cut_short, failing, given_up
from .generators import DENSE

rng = np.random.default_rng(0)
X, LABELS, TARGETS = rng.normal(size=(40, 6, 2)), np.repeat(["a", "b"], 20), rng.normal(size=40)
DAYS = pd.date_range("2024-01-01", periods=80, freq="D")
SERIES = pd.Series(rng.normal(size=80).cumsum(), DAYS, name="a")
CLASSES = (X, LABELS), (X[:30, :4], np.repeat(["c", "d", "e"], 10)), lambda e: e.predict(X)
NUMBERS = (X, TARGETS), (X[:30, :4], TARGETS[:30]), lambda e: e.predict(X)
DATED = (SERIES,), (SERIES[:60] + 100,), lambda e: e.sample(n_timesteps=90).to_numpy()
FORECAST = (SERIES, None, [1]), (SERIES[:60] + 100, None, [1, 2]), lambda e: e.predict().to_numpy()

GENERATOR = PCAMixture(representation=Scaler())
KNOWN = {"n_synthetic": 1.0, "random_state": 0}


class Classifier(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        FUSE("predictor")
        return super().fit(X, y)


class Regressor(Ridge):
    def fit(self, X, y, sample_weight=None):
        FUSE("predictor")
        return super().fit(X, y)


class Forecaster(NaiveForecaster):
    def _fit(self, y, X=None, fh=None):
        FUSE("predictor")
        return super()._fit(y, X, fh)


class SktimeClassifier(DummyClassifier):
    def _fit(self, X, y):
        FUSE("predictor")
        return super()._fit(X, y)


class SktimeRegressor(DummyRegressor):
    def _fit(self, X, y):
        FUSE("predictor")
        return super()._fit(X, y)


# An estimator, the step of its fit that fails, and data, other data, and what it is used for.
CASES = [
    (AugmentedClassifier(Classifier(), GENERATOR, **KNOWN), "represent", *CLASSES),
    (AugmentedClassifier(Classifier(), GENERATOR, **KNOWN), "predictor", *CLASSES),
    (AugmentedRegressor(Regressor(), GENERATOR, **KNOWN), "represent", *NUMBERS),
    (AugmentedRegressor(Regressor(), GENERATOR, **KNOWN), "predictor", *NUMBERS),
    (TSTRClassifier(GENERATOR, Classifier(), **KNOWN), "predictor", *CLASSES),
    (TSTRRegressor(GENERATOR, Regressor(), **KNOWN), "predictor", *NUMBERS),
    (SeriesGenerator(GENERATOR, window=8, random_state=0), "represent", *DATED),
    (PanelClassifier(SktimeClassifier()), "predictor", *CLASSES),
    (PanelRegressor(SktimeRegressor()), "predictor", *NUMBERS),
    (TSTRForecaster(Forecaster(), GENERATOR, n_series=1, random_state=0), "represent", *FORECAST),
    (TSTRForecaster(Forecaster(), GENERATOR, n_series=1, random_state=0), "predictor", *FORECAST),
    (ContrastiveEncoder(n_steps=2), "step", (X,), (X[:30, :4],), lambda e: e.transform(X)),
]


@pytest.mark.usefixtures("quick_joining")
@pytest.mark.parametrize("ending", [failing, given_up])
@pytest.mark.parametrize(
    ("estimator", "step", "data", "other", "use"),
    [pytest.param(*case, id=f"{type(case[0]).__name__}-{case[1]}") for case in CASES],
)
def test_a_refit_that_fails_leaves_the_old_fit(estimator, step, data, other, use, ending):
    estimator = clone(estimator)
    with ending(step):
        estimator.fit(*data)
    with pytest.raises(Exception, match="fitted"):
        use(estimator)
    estimator.fit(*data)
    before, attributes = use(estimator), dict(vars(estimator))
    with ending(step):
        estimator.fit(*other)
    assert vars(estimator).keys() == attributes.keys()
    assert np.array_equal(use(estimator), before)


def test_a_bootstrap_keeps_its_old_fit():
    bootstrap = GeneratorBootstrap(GENERATOR, n_series=1, random_state=0).fit(SERIES)
    before = bootstrap.transform(SERIES)
    with failing("represent"):
        bootstrap.fit(SERIES[:60] + 100)
    pd.testing.assert_frame_equal(bootstrap.transform(SERIES), before)


def test_an_augmenter_that_fails_forgets_nothing():
    augmenter = Augmenter(GENERATOR, random_state=0)
    augmenter.fit_resample(X, LABELS)
    attributes = dict(vars(augmenter))
    with failing("represent"):
        augmenter.fit_resample(X[:30, :4], np.repeat(["c", "d", "e"], 10))
    with pytest.raises(ValueError, match="no value at all"):
        augmenter.fit(X[:, :4] * np.nan, LABELS)
    assert vars(augmenter) == attributes


def generator_of_series(**params):
    vae = VAE(**DENSE, max_epochs=3, callbacks=[Stages()], representation=Scaler())
    return SeriesGenerator(vae, window=8, random_state=0, **params)


@pytest.mark.usefixtures("quick_joining")
def test_an_error_while_joining_is_learned_takes_all_back():
    series = generator_of_series().fit(SERIES)
    before = series.sample(n_timesteps=100)
    with failing("calibrate after training"):
        series.fit(SERIES[:60] + 100)
    pd.testing.assert_series_equal(series.sample(n_timesteps=100), before)


@pytest.mark.usefixtures("quick_joining")
@pytest.mark.parametrize("params", [{}, {"calendar": ["weekday"]}])
def test_ctrl_c_while_joining_is_learned_keeps_the_generator(params):
    whole, interrupted = (generator_of_series(**params) for _ in range(2))
    whole.fit(SERIES)
    with cut_short("calibrate after training", "learning how to join windows was interrupted"):
        interrupted.fit(SERIES)
    assert interrupted.interrupted_
    assert not whole.interrupted_
    copy = pickle.loads(pickle.dumps(interrupted))
    for length in (5, 100, 200):  # within a window, and beyond it
        expected = whole.sample(n_timesteps=length, random_state=length)
        for one in (interrupted, copy):
            sampled = one.sample(n_timesteps=length, random_state=length)
            pd.testing.assert_series_equal(sampled, expected)
    assert not interrupted.fit(SERIES).interrupted_


@pytest.mark.usefixtures("quick_joining")
def test_ctrl_c_in_the_training_of_a_generator_of_series():
    series = generator_of_series()
    with cut_short("epoch end", "after 1 of 3 epochs"):
        series.fit(SERIES)
    assert series.interrupted_
    assert len(series.sample(n_timesteps=50)) == 50


def test_a_half_trained_generator_is_not_forecast_with():
    vae = VAE(**DENSE, max_epochs=3, callbacks=[Stages()])
    forecaster = TSTRForecaster(NaiveForecaster(), vae, n_series=1, random_state=0)
    with given_up("epoch end"), pytest.warns(UserWarning, match="after 1 of 3 epochs"):
        forecaster.fit(SERIES, fh=[1])
    assert not forecaster.is_fitted
