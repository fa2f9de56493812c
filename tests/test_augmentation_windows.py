"""Window tables of forecasters: one fit of the generator for all steps of a horizon."""

import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from joblib import hash as joblib_hash
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge

from sklearn_timegen import AugmentedRegressor, PCAMixture, TSTRRegressor
from sklearn_timegen.datasets import make_ar
from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.synthetic_training.pairs import find_step
from sklearn_timegen.synthetic_training.sources import RecentFit

from .generators import Recorder
from .global_seed import GLOBAL_RANDOM_SEED as SEED


@pytest.fixture(autouse=True)
def _nothing_seen():
    Recorder.seen.clear()


def window_table(series, n_timesteps, step):
    windows, _ = make_windows(series, n_timesteps)
    windows = windows[: len(series) - n_timesteps + 1 - step, :, 0]
    return windows, series[n_timesteps - 1 + step :][: len(windows)]


@pytest.mark.parametrize("step", [1, 2, 5])
def test_steps_of_window_tables_are_found(step):
    series = np.random.default_rng(SEED).normal(size=60).astype(np.float32)
    X, y = window_table(series, 8, step)
    assert find_step(X[:, :, None], y[:, None]) == step
    shuffled = np.random.default_rng(SEED + 1).permutation(len(X))
    assert find_step(X[shuffled][:, :, None], y[shuffled][:, None]) is None
    assert find_step(X[::2, :, None], y[::2][:, None]) is None
    other = y.copy()
    other[10] += 1
    assert find_step(X[:, :, None], other[:, None]) is None
    assert find_step(X[:5, :, None], y[:5][:, None]) is None


def test_windows_of_any_step_are_learned_alike():
    series = make_ar(1, 60, random_state=SEED)[0, :, 0]
    for step in (1, 3):
        X, y = window_table(series, 6, step)
        TSTRRegressor(Recorder(), Ridge()).fit(X[:50], y[:50])
    assert np.array_equal(*Recorder.seen)
    expected, _ = make_windows(series[:55], 7)
    assert np.allclose(Recorder.seen[0], expected, atol=1e-5)


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize(
    ("strategy", "n_fits"), [("recursive", 1), ("direct", 1), ("multioutput", 1), ("dirrec", 6)]
)
def test_sktime_reducers(strategy, n_fits, random_state):
    from sktime.forecasting.compose import make_reduction

    y = pd.Series(make_ar(1, 80, random_state=SEED)[0, :, 0])
    for made in (
        AugmentedRegressor(Ridge(), Recorder(), n_synthetic=1.0, random_state=random_state),
        TSTRRegressor(Recorder(), Ridge(), n_synthetic=40, random_state=random_state),
    ):
        Recorder.seen.clear()
        forecaster = make_reduction(made, window_length=6, strategy=strategy)
        forecaster.fit(y, fh=range(1, 7))
        assert len(Recorder.seen) == n_fits
        prediction = forecaster.predict()
        assert len(prediction) == 6
        assert np.isfinite(prediction).all()


@pytest.mark.exhaustive
def test_direct_regression_learns_the_process():
    from sktime.forecasting.compose import make_reduction

    y = pd.Series(make_ar(1, 1500, coefficients=(0.8,), random_state=SEED)[0, :, 0])
    tstr = TSTRRegressor(PCAMixture(), LinearRegression(), n_synthetic=3000, random_state=SEED)
    forecaster = make_reduction(tstr, window_length=4, strategy="direct")
    forecaster.fit(y, fh=[1, 2, 3])
    for step, fitted in enumerate(forecaster.estimators_, start=1):
        *before, last = fitted.regressor_.coef_
        assert last == pytest.approx(0.8**step, abs=0.08)
        assert np.allclose(before, 0, atol=0.1)


def test_clones_share_the_latest_fit_of_the_same_windows():
    series = make_ar(1, 80, random_state=SEED)[0, :, 0]
    X, y = window_table(series, 6, 2)
    base = TSTRRegressor(Recorder(), Ridge(), random_state=SEED)
    one = clone(base).fit(X, y)
    assert clone(base).fit(X, y).generator_ is one.generator_
    assert (
        clone(one).set_params(regressor=LinearRegression()).fit(X, y).generator_ is one.generator_
    )
    assert len(Recorder.seen) == 1
    for other in (
        clone(base).set_params(random_state=SEED + 1),
        clone(base).set_params(generator=Recorder(representation="minmax")),
        TSTRRegressor(Recorder(), Ridge(), random_state=SEED),  # no clone
    ):
        assert other.fit(X, y).generator_ is not one.generator_
    clone(base).fit(X[:60], y[:60])
    assert len(Recorder.seen) == 5
    clone(base).fit(X, y)
    assert len(Recorder.seen) == 6, "only the latest fit is kept"


def test_other_rows_do_not_share():
    rows = make_ar(60, 7, random_state=SEED)[:, :, 0]
    base = TSTRRegressor(Recorder(), Ridge())
    for _ in range(2):
        clone(base).fit(rows[:, :-1], rows[:, -1])
    assert len(Recorder.seen) == 2


def test_the_shared_fit_is_neither_copied_nor_pickled():
    series = make_ar(1, 80, random_state=SEED)[0, :, 0]
    X, y = window_table(series, 6, 1)
    base = TSTRRegressor(Recorder(), Ridge(), random_state=SEED)
    before = joblib_hash(clone(base))
    made = clone(base).fit(X, y)
    for copied in (deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert np.array_equal(copied.predict(X), made.predict(X))
        copied.fit(X, y)
    assert len(Recorder.seen) == 3
    assert joblib_hash(clone(base)) == before


def test_parameters_that_cannot_be_compared_are_not_shared():
    shared, made = RecentFit(), []
    for _ in range(2):
        shared.fetch((lambda: 0,), lambda: made.append(0))
    assert len(made) == 2
    for _ in range(2):
        shared.fetch(("same", 1), lambda: made.append(0))
    assert len(made) == 3
