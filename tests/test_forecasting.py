"""Generators within sktime: bootstraps, augmented forecasters, TSTR."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sktime.datasets import load_airline
from sktime.forecasting.compose import (
    BaggingForecaster,
    TransformedTargetForecaster,
    make_reduction,
)
from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.forecasting.naive import NaiveForecaster
from sktime.split import ExpandingWindowSplitter, SlidingWindowSplitter
from sktime.transformations.series.detrend import Detrender

from sklearn_timegen import BaseGenerator, PCAMixture, TimeVAE
from sklearn_timegen.base import estimator
from sklearn_timegen.forecasting import AugmentedForecaster, GeneratorBootstrap, TSTRForecaster
from sklearn_timegen.forecasting._amount import choose_amount, scaled_errors, temporal_folds
from sklearn_timegen.forecasting._pooled import PooledFit

from .generators import Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED

Y = load_airline()
GLOBAL = make_reduction(Ridge(), window_length=12, pooling="global")

# None of these tests asks how smoothly windows are joined.
pytestmark = pytest.mark.usefixtures("quick_joining")


def panel_of(n_series=3, n_timesteps=60, name="y", seed=0):
    rng = np.random.default_rng(SEED + seed)
    index = pd.period_range("2000-01", periods=n_timesteps, freq="M")
    level = 10 * np.arange(1, n_series + 1)[:, None]
    season = 3 * np.sin(2 * np.pi * np.arange(n_timesteps) / 12)
    values = level + season + rng.normal(size=(n_series, n_timesteps))
    parts = {f"s{k}": pd.DataFrame({name: row}, index=index) for k, row in enumerate(values)}
    return pd.concat(parts, names=["shop", "month"])


@estimator
class Recorder(Resampler):
    """Keeps what it is fitted to."""

    def fit(self, X, y=None):
        SEEN.append(np.asarray(X))
        return super().fit(X, y)


SEEN: list[np.ndarray] = []


@estimator
class Wild(BaseGenerator):
    """Draws remainders that are a hundred times too large."""

    def _fit(self, series):
        self._shape = series.values.shape[1:]

    def _draw(self, n_samples, c, rng):
        return 100 * rng.standard_normal((n_samples, *self._shape)).astype(np.float32)


# -- the bootstrap ----------------------------------------------------------------------------


def test_a_panel_of_versions():
    bootstrap = GeneratorBootstrap(PCAMixture(), n_series=3, random_state=SEED)
    panel = bootstrap.fit_transform(Y)
    assert panel.index.names == ["series_id", "time_index"]
    names = panel.index.get_level_values(0).unique().tolist()
    assert names == ["actual", "synthetic_0", "synthetic_1", "synthetic_2"]
    assert panel.columns.tolist() == [Y.name]
    assert (panel.loc["actual"].iloc[:, 0] == Y).all()
    for k in range(3):
        version = panel.loc[f"synthetic_{k}"].iloc[:, 0]
        assert version.index.equals(Y.index)
        assert not np.allclose(version, Y)
        assert np.abs(np.log(version / Y)).max() < 0.3, "trend and season are the actual ones"
        assert version.iloc[-1] == pytest.approx(Y.iloc[-1], rel=1e-6), "it meets the actual end"
    assert panel.equals(bootstrap.clone().fit_transform(Y))
    without = bootstrap.clone().set_params(return_actual=False).fit_transform(Y)
    assert without.equals(panel.loc[names[1:]])
    free = bootstrap.clone().set_params(anchor_end=False).fit_transform(Y)
    ends = free.groupby(level=0).last()[Y.name]
    assert ends.nunique() == 4
    marked = bootstrap.clone().set_params(return_indices=True).fit_transform(Y)
    assert marked["resampled_index"].tolist() == 4 * list(range(len(Y)))


def test_columns_are_generated_together():
    X = pd.DataFrame({"a": Y, "b": 1000 - Y})
    panel = GeneratorBootstrap(PCAMixture(), n_series=5, random_state=SEED).fit_transform(X)
    rest = panel.drop("actual") - np.tile(X, (5, 1))
    assert panel.shape == (6 * len(Y), 2)
    assert np.corrcoef(rest.to_numpy().T)[0, 1] < -0.7


def test_without_decomposition_a_version_is_another_series():
    bootstrap = GeneratorBootstrap(PCAMixture(), 1, decomposition=None, anchor_end=False)
    version = (
        bootstrap.set_params(random_state=SEED).fit_transform(Y).loc["synthetic_0"].iloc[:, 0]
    )
    assert np.abs(version / Y - 1).max() > 0.5


def test_other_series_than_those_of_fit():
    bootstrap = GeneratorBootstrap(PCAMixture(), 1, random_state=SEED).fit(Y)
    other = bootstrap.transform(Y.iloc[:60] * 10).loc["synthetic_0"].iloc[:, 0]
    assert other.index.equals(Y.index[:60])
    assert np.abs(np.log(other / (10 * Y.iloc[:60]))).max() < 0.3


@pytest.mark.exhaustive
def test_it_works_within_sktime():
    bagging = BaggingForecaster(
        GeneratorBootstrap(TimeVAE(max_epochs=2), 2), NaiveForecaster(sp=12)
    )
    bagging.set_params(bootstrap_transformer__random_state=0)
    cv = ExpandingWindowSplitter(initial_window=132, step_length=12, fh=[1, 2, 3])
    found = evaluate(bagging, cv, Y, error_score="raise")
    assert np.isfinite(found["test_MeanAbsolutePercentageError"]).all()
    search = ForecastingGridSearchCV(
        bagging,
        cv,
        {"bootstrap_transformer__generator__latent_dim": [1, 2]},
        error_score="raise",
    )
    search.fit(Y, fh=[1, 2, 3])
    tried = search.cv_results_
    name = "bootstrap_transformer__generator__latent_dim"
    assert [row[name] for row in tried["params"]] == [1, 2]
    assert tried.filter(like="mean_test").notna().all(axis=None)
    again = pickle.loads(pickle.dumps(search))
    assert again.predict().equals(search.predict())


# -- what sktime announces ----------------------------------------------------------------------


class Announcing(NaiveForecaster):
    """A forecaster as sktime 1.2 has them: it says that it will forget data one day."""

    _config = {"remember_data": True}

    def _fit(self, y, X, fh):
        warnings.warn("of its own", UserWarning, stacklevel=1)
        return super()._fit(y, X, fh)


def caught_by(work):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = work()
    return result, {str(one.message)[:10] for one in caught}


@pytest.mark.parametrize("train_on", ["synthetic", "real", "both"])
def test_who_makes_a_forecaster_is_told_once_what_sktime_announces(train_on):
    forecaster, caught = caught_by(lambda: Announcing(sp=12))
    if not caught:
        pytest.skip("this sktime announces nothing when a forecaster is made")

    def work():
        tstr = TSTRForecaster(forecaster, PCAMixture(), 1, train_on, random_state=SEED)
        tstr.fit(Y.iloc[:-12], fh=[1])
        tstr.update(Y.iloc[-12:-6], update_params=False)
        return tstr.update(Y.iloc[-6:])

    tstr, caught = caught_by(work)
    assert caught == {"of its own"}, (
        "neither our class nor what it clones and refits says it again"
    )
    assert tstr.predict().index[0] == pd.Period("1961-01", "M")
    assert tstr.forecaster_.get_config()["remember_data"], "the choice is that of its maker"
    assert not tstr.get_config()["remember_data"]


# -- choosing an amount -----------------------------------------------------------------------


def test_an_amount_has_to_show_a_gain():
    none = np.array([1.0, 1.1, 0.9, 1.0])
    assert choose_amount({0: none, 3: none - 0.1, 10: none - 0.2}) == 10
    # Gains of 1, 2 and 3 have t = 3.46, above 2.92; gains of 0, 1 and 2 have t = 1.73.
    for gains, expected in (([0.1, 0.2, 0.3], 3), ([0.0, 0.1, 0.2], 0)):
        assert choose_amount({0: none[:3], 3: none[:3] - gains}) == expected
    assert choose_amount({0: none, 3: none + 0.1}) == 0
    assert choose_amount({0: none, 3: none + np.array([-0.5, 0.3, 0.3, -0.2])}) == 0
    assert choose_amount({0: none[:1], 3: none[:1] - 0.5}) == 0, "one fold proves nothing"
    assert choose_amount({0: none, 3: none}) == 0


def test_folds_are_the_latest_past():
    panel = pd.concat({0: Y.to_frame(), 1: Y.iloc[:100].to_frame()})
    folds = temporal_folds(panel, 6, 3, 40)
    assert len(folds) == 3
    for k, (past, future) in enumerate(folds):
        for number, length in ((0, len(Y)), (1, 100)):
            cut = length - 6 * (3 - k)
            assert len(past.loc[number]) == cut
            assert future.loc[number].index.equals(Y.index[cut : cut + 6])
    assert len(temporal_folds(panel, 30, 5, 60)) == 1


def test_errors_are_in_units_of_the_naive_one():
    index = pd.RangeIndex(8)
    past = pd.concat({0: pd.DataFrame({"y": [0.0, 2, 0, 2, 1, 3, 1, 3]}, index)})
    future = pd.concat({0: pd.DataFrame({"y": [5.0, 5]}, pd.RangeIndex(8, 10))})
    # The naive error at a lag of two is 1 in half of the steps it is made at (4 of 6 are 0).
    unit = np.mean([0, 0, 1, 1, 0, 0])
    assert scaled_errors(past, future, future - 2, sp=2) == pytest.approx([2 / unit])


def test_auto_stays_out_where_synthetic_series_harm():
    forecaster = AugmentedForecaster(
        GLOBAL, Wild(), n_splits=3, decomposition=None, random_state=0
    )
    forecaster.fit(Y, fh=[1, 2, 3])
    assert forecaster.n_series_ == 0
    assert forecaster.series_generator_ is None
    assert forecaster.errors_[5].mean() > forecaster.errors_[0].mean()
    plain = (
        GLOBAL.clone().fit(pd.concat({0: Y.to_frame()}, names=["i", "t"]), fh=[1, 2, 3]).predict()
    )
    np.testing.assert_allclose(forecaster.predict(), plain.to_numpy()[:, 0])


class Hungry(Ridge):
    """A ridge regression that is far off if it has fewer than 80 rows."""

    def fit(self, X, y):
        super().fit(X, y)
        self.intercept_ = self.intercept_ + 10 * (len(X) < 80)
        return self


def test_auto_lets_them_in_where_they_help():
    rng = np.random.default_rng(SEED + 2)
    index = pd.period_range("2000Q1", periods=48, freq="Q", name="quarter")
    season = 10 + 3 * np.sin(2 * np.pi * np.arange(48) / 4)
    parts = {name: pd.DataFrame({"y": season + rng.normal(size=48)}, index) for name in "ab"}
    hungry = make_reduction(Hungry(), window_length=12, pooling="global")
    forecaster = AugmentedForecaster(hungry, PCAMixture(), random_state=SEED)
    forecaster.fit(pd.concat(parts, names=["shop"]), fh=[1, 2])
    assert forecaster.n_series_ > 0
    assert forecaster.series_generator_ is not None


def test_auto_says_when_a_series_is_too_short():
    forecaster = AugmentedForecaster(GLOBAL, PCAMixture())
    with pytest.warns(UserWarning, match="two folds need 120 timesteps.* has 40"):
        forecaster.fit(Y.iloc[:40], fh=list(range(1, 25)))
    assert forecaster.n_series_ == 0


# -- the augmented forecaster -----------------------------------------------------------------


def n_shown(made):
    """How many series the forecaster within was shown: it forecasts each of them."""
    return made.forecaster_.predict(fh=[1]).index.get_level_values(0).nunique()


def test_it_trains_on_actual_and_synthetic_series():
    forecaster = AugmentedForecaster(GLOBAL, PCAMixture(), n_series=4, random_state=SEED)
    forecast = forecaster.fit(Y, fh=[1, 2, 3]).predict()
    assert forecast.name == Y.name
    assert forecast.index.equals(pd.period_range("1961-01", periods=3, freq="M"))
    assert n_shown(forecaster) == 5
    again = forecaster.clone().fit(Y, fh=[1, 2, 3])
    assert again.predict().equals(forecast)
    assert pickle.loads(pickle.dumps(forecaster)).predict().equals(forecast)


def test_updates_move_the_present():
    forecaster = AugmentedForecaster(GLOBAL, PCAMixture(), n_series=2, random_state=SEED)
    forecaster.fit(Y.iloc[:-12], fh=[1])
    forecaster.update(Y.iloc[-12:], update_params=False)
    moved = forecaster.predict()
    assert moved.index[0] == pd.Period("1961-01", "M")
    coefficients = forecaster.forecaster_.estimator_.coef_.copy()
    whole = AugmentedForecaster(GLOBAL, PCAMixture(), n_series=2, random_state=SEED).fit(Y, fh=[1])
    assert moved.iloc[0] == pytest.approx(whole.predict().iloc[0], rel=0.05)
    forecaster.update(Y.iloc[-12:], update_params=True)
    assert not np.allclose(forecaster.forecaster_.estimator_.coef_, coefficients)
    assert forecaster.predict().index[0] == pd.Period("1961-01", "M")


def test_panels_and_hierarchies():
    y = panel_of()
    forecaster = AugmentedForecaster(GLOBAL, PCAMixture(), n_series=2, random_state=SEED)
    forecast = forecaster.fit(y, fh=[1, 2]).predict()
    assert forecast.index.names == ["shop", "month"]
    assert forecast.index.get_level_values(0).unique().tolist() == ["s0", "s1", "s2"]
    means = forecast.groupby(level=0).mean()["y"]
    np.testing.assert_allclose(means, [10, 20, 30], atol=4)
    deep = pd.concat({"north": y, "__total": y.loc[["s0"]] * 2}, names=["region"])
    forecast = forecaster.clone().fit(deep, fh=[1, 2]).predict()
    assert forecast.index.names == ["region", "shop", "month"]
    assert len(forecast) == 8, "sums are forecast, too"
    assert forecast.xs("__total").mean().iloc[0] == pytest.approx(20, abs=4)


def test_exogenous_variables_come_along():

    rng = np.random.default_rng(SEED)
    index = pd.period_range("2000-01", periods=80, freq="M")
    X = pd.DataFrame({"x": rng.normal(size=80)}, index)
    y = pd.Series(5 + 3 * X["x"], index, name="y")
    lags = make_reduction(Ridge(alpha=1e-3), window_length=3, pooling="global")
    forecaster = AugmentedForecaster(lags, PCAMixture(), n_series=5, random_state=SEED)
    forecaster.fit(y.iloc[:-4], X=X.iloc[:-4], fh=[1, 2, 3, 4])
    np.testing.assert_allclose(forecaster.predict(X=X.iloc[-4:]), y.iloc[-4:], atol=1.0)
    versions = forecaster.series_generator_.sample(3)
    rest = versions.groupby(level=0).corr().iloc[0::2, 1]
    assert (rest > 0.9).all(), "y and X are generated jointly"
    with pytest.raises(ValueError, match=r"columns \['z'\] in predict, but fit saw \['x'\]"):
        forecaster.predict(X=X.iloc[-4:].rename(columns={"x": "z"}))
    with pytest.raises(ValueError, match="columns None in update"):
        forecaster.update(y.iloc[-4:])
    forecaster.update(y.iloc[-4:], X=X.iloc[-4:], update_params=False)


def test_bad_input():
    with pytest.raises(TypeError, match="fits a model to each series.*pooling='global'"):
        AugmentedForecaster(NaiveForecaster(), PCAMixture()).fit(Y, fh=[1])
    hidden = BaggingForecaster(GeneratorBootstrap(PCAMixture()), NaiveForecaster())
    with pytest.raises(TypeError, match="fits a model to each series"):
        AugmentedForecaster(hidden, PCAMixture()).fit(Y, fh=[1])
    pipeline = TransformedTargetForecaster([("trend", Detrender()), ("ridge", GLOBAL)])
    assert len(AugmentedForecaster(pipeline, PCAMixture(), 1).fit(Y, fh=[1]).predict()) == 1
    with pytest.raises(ValueError, match="horizon of 200 timesteps is longer.* of 144"):
        AugmentedForecaster(GLOBAL, PCAMixture(), 2).fit(Y, fh=[200])
    with pytest.raises(ValueError, match="n_series must be an integer"):
        AugmentedForecaster(GLOBAL, PCAMixture(), n_series="many").fit(Y, fh=[1])
    with pytest.raises(ValueError, match="n_series must be an integer"):
        GeneratorBootstrap(PCAMixture(), n_series=0).fit(Y)
    with pytest.raises(ValueError, match="train_on must be 'synthetic'"):
        TSTRForecaster(GLOBAL, PCAMixture(), train_on="fake").fit(Y, fh=[1])
    with pytest.raises(ValueError, match="return_indices=True needs decomposition"):
        GeneratorBootstrap(PCAMixture(), decomposition=None, return_indices=True).fit(Y)
    with pytest.raises(ValueError, match="window=200 is longer than the shortest series, of 144"):
        GeneratorBootstrap(PCAMixture(), window=200).fit(Y)
    with pytest.raises(ValueError, match="decomposition must be 'stl', 'stl-robust' or None"):
        GeneratorBootstrap(PCAMixture(), decomposition="x11").fit(Y)
    fitted = AugmentedForecaster(GLOBAL, PCAMixture(), 1).fit(panel_of(), fh=[1])
    with pytest.raises(
        ValueError, match="sp=80 needs two seasons, but the longest series has 144"
    ):
        GeneratorBootstrap(PCAMixture(), sp=80).fit(Y)
    with pytest.raises(TypeError, match="forecaster must be an sktime forecaster, got 'ridge'"):
        AugmentedForecaster("ridge", PCAMixture()).fit(Y, fh=[1])
    with pytest.raises(TypeError, match="fit and sample, got 'vae'"):
        AugmentedForecaster(GLOBAL, "vae", n_series=0).fit(Y, fh=[1])
    unequal = panel_of().drop(index=[("s1", pd.Period("2004-12", "M"))])
    with pytest.warns(UserWarning, match="end at different times, from 2004-11 to 2004-12"):
        late = AugmentedForecaster(GLOBAL, PCAMixture()).fit(unequal, fh=[1])
    assert late.n_series_ == 0
    averaged = TSTRForecaster(NaiveForecaster(), PCAMixture(), 1).fit(unequal, fh=[1]).predict()
    assert averaged.index.get_level_values(1).astype(str).tolist() == [
        "2005-01",
        "2004-12",
        "2005-01",
    ]
    with pytest.raises(ValueError, match="'s3'.* was not seen in fit"):
        fitted.update(panel_of(4).loc[["s3"]], update_params=False)


# -- TSTR -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forecaster", "splitter"),
    [
        (NaiveForecaster(sp=12), ExpandingWindowSplitter),
        pytest.param(NaiveForecaster(sp=12), SlidingWindowSplitter, marks=pytest.mark.exhaustive),
        (GLOBAL, SlidingWindowSplitter),
        (
            TransformedTargetForecaster([("trend", Detrender()), ("ridge", GLOBAL)]),
            ExpandingWindowSplitter,
        ),
    ],
    ids=["naive, expanding", "naive, sliding", "global", "pipeline"],
)
def test_tstr_in_evaluate(forecaster, splitter):
    size = (
        {"initial_window": 120} if splitter is ExpandingWindowSplitter else {"window_length": 120}
    )
    cv = splitter(step_length=12, fh=[1, 2, 3], **size)

    def score(train_on):
        tstr = TSTRForecaster(forecaster, PCAMixture(), 3, train_on, random_state=SEED)
        found = evaluate(tstr, cv, Y, error_score="raise")
        return found["test_MeanAbsolutePercentageError"].mean()

    real, synthetic = score("real"), score("synthetic")
    assert synthetic < 2.5 * real, "the synthetic series keep trend and season"
    plain = evaluate(forecaster, cv, Y, error_score="raise")
    assert real == pytest.approx(plain["test_MeanAbsolutePercentageError"].mean())


def test_tstr_trains_on_synthetic_series_alone():
    # Remainders so wild that what was learned from them is nothing like the actual series.
    tstr = TSTRForecaster(GLOBAL, Wild(), random_state=SEED).fit(Y, fh=[1])
    real = TSTRForecaster(GLOBAL, Wild(), train_on="real").fit(Y, fh=[1])
    assert real.series_generator_ is None
    gap = tstr.forecaster_.estimator_.coef_ - real.forecaster_.estimator_.coef_
    assert np.abs(gap).max() > 0.2
    assert n_shown(tstr) == 11, "shown, not trained on"


def test_what_is_averaged():
    versions = [panel_of(2, 20, seed=k) for k in (1, 2)]
    numbered = [one.rename(index={"s0": 0, "s1": 1}, level=0) for one in versions]
    actual = panel_of(2, 20).rename(index={"s0": 0, "s1": 1}, level=0)
    pooled = PooledFit(NaiveForecaster(), "synthetic", actual.columns).fit(actual, numbered, [1])
    expected = (numbered[0].groupby(level=0).last() + numbered[1].groupby(level=0).last()) / 2
    np.testing.assert_allclose(pooled.predict([1], None), expected)


# -- nothing of the future ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: BaggingForecaster(GeneratorBootstrap(Recorder(), 2), NaiveForecaster()),
        lambda: AugmentedForecaster(GLOBAL, Recorder(), n_series=1),
        lambda: TSTRForecaster(NaiveForecaster(), Recorder(), 2),
    ],
    ids=["bagging", "augmented", "tstr"],
)
@pytest.mark.filterwarnings("ignore:.*stands for what is missing")
@pytest.mark.parametrize("decomposition", ["stl", None])
def test_no_generator_sees_a_test_period(make, decomposition):
    """What generators are fitted to is the same, whatever value the test period has."""
    cv = ExpandingWindowSplitter(initial_window=len(Y) - 6, step_length=6, fh=list(range(1, 7)))

    def seen_with(marker, run):
        y = Y.astype(float).copy()
        y.iloc[-6:] = marker
        forecaster = make()
        own = "decomposition" in forecaster.get_params(deep=False)
        name = "decomposition" if own else "bootstrap_transformer__decomposition"
        forecaster.set_params(**{name: decomposition})
        SEEN.clear()
        run(forecaster, y)
        return [windows.copy() for windows in SEEN]

    def judge(forecaster, y):
        evaluate(forecaster, cv, y, error_score="raise")

    def leak(forecaster, y):
        forecaster.fit(y, fh=[1])

    calm, marked = seen_with(400, judge), seen_with(1e5, judge)
    assert len(calm) == len(marked) > 0
    assert all(np.array_equal(*pair) for pair in zip(calm, marked, strict=True))
    calm, marked = seen_with(400, leak), seen_with(1e5, leak)
    assert not np.array_equal(calm[-1], marked[-1]), "a leak would have been seen"
