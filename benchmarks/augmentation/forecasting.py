"""Bagging, reduction of one series, and reduction of a panel, with every arm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sktime.forecasting.compose import BaggingForecaster, make_reduction
from sktime.forecasting.exp_smoothing import ExponentialSmoothing
from sktime.forecasting.theta import ThetaForecaster

from benchmarks.augmentation.controls import (
    AUTO,
    BOOTSTRAPS,
    GENERATORS,
    allows_stl,
    bootstrap,
    jittered,
)
from benchmarks.augmentation.data import (
    PANELS,
    SINGLE,
    WINDOWS,
    Fold,
    Series,
    distinct_fractions,
    is_there,
    load,
)
from benchmarks.augmentation.task import Case, Errors, Task
from sklearn_timegen import AugmentedRegressor
from sklearn_timegen.forecasting import AugmentedForecaster, GeneratorBootstrap

Array = NDArray[Any]
OURS = ["PCAMixture", "TimeVAE", "BlockBootstrap"]
N_BAGGED = 10  # versions of a series
N_VERSIONS = 3  # of each series of a panel
LONGEST = 480  # timesteps in a panel: sktime's reductions of panels are slow
REGRESSORS = {
    "ridge": Ridge(),
    "boosting": HistGradientBoostingRegressor(max_iter=40, min_samples_leaf=5, random_state=0),
}


def steps(series: Series) -> list[int]:
    return list(range(1, series.horizon + 1))


def mean_error(folds: list[Fold], forecasts: list[Array]) -> float:
    gaps = [
        np.abs(f - one.future).mean() / one.unit for one, f in zip(folds, forecasts, strict=True)
    ]
    return float(np.mean(gaps))


def single_cases(learners: list[str]) -> Callable[[bool], list[Case]]:
    def cases(quick: bool) -> list[Case]:
        names = ["airline", "lynx"] if quick else [name for name in SINGLE if is_there(name)]
        return [
            Case(name, learner, fraction)
            for name in names
            for fraction in distinct_fractions([load(name)])
            if not (quick and fraction == 1.0)
            for learner in learners
        ]

    return cases


def with_stl(arms: list[str], panel: list[Series]) -> list[str]:
    able = all(allows_stl(one.values, one.sp) for one in panel)
    return arms if able else [arm for arm in arms if arm != "STL"]


# -- bagging -----------------------------------------------------------------------------------

FREE = ", free end"
BAGGING_ARMS = ["none", "jitter", "MBB", "STL", *OURS, *(arm + FREE for arm in OURS)]


def local_forecaster(learner: str, sp: int) -> Any:
    if learner == "Theta":
        # Additive: versions of a series near 0 may cross it.
        return ThetaForecaster(deseasonalize=sp > 1, sp=sp, deseasonalize_model="additive")
    seasonal = {"seasonal": "add", "sp": sp} if sp > 1 else {}
    # Started heuristically: half the time of optimising the start, too.
    return ExponentialSmoothing(
        trend="add", damped_trend=True, initialization_method="heuristic", **seasonal
    )


def bagged(series: Series, learner: str, fraction: float, arm: str, seed: int) -> float:
    forecasts = []
    folds = series.folds(fraction)
    for fold in folds:
        forecaster = local_forecaster(learner, series.sp)
        name = arm.removesuffix(FREE)
        if name in GENERATORS:
            made: Any = GeneratorBootstrap(
                clone(GENERATORS[name]),
                n_series=N_BAGGED,
                sp=series.sp,
                anchor_end=arm == name,
                random_state=seed,
            )
        elif arm != "none":
            made = bootstrap(arm, series.sp, len(fold.past), N_BAGGED, seed)
        if arm != "none":
            forecaster = BaggingForecaster(made, forecaster)
        forecaster.fit(fold.past, fh=steps(series))
        forecasts.append(np.asarray(forecaster.predict(), dtype=float).ravel())
    return mean_error(folds, forecasts)


BAGGING = Task(
    "bagging",
    single_cases(["ETS", "Theta"]),
    lambda case: with_stl(BAGGING_ARMS, [load(case.data)]),
    lambda case, arm: {
        case.data: bagged(load(case.data), case.learner, case.fraction, arm, case.seed)
    },
)


# -- reduction of one series -------------------------------------------------------------------

REDUCTION_ARMS = ["none", *BOOTSTRAPS, *OURS, "auto"]


class View:
    """A series as reductions see it: differenced if it has a trend, and standardised."""

    def __init__(self, past: pd.Series, trend: bool) -> None:
        self.trend, self.last = trend, float(past.iloc[-1])
        values = np.diff(past) if trend else past.to_numpy()
        self.mean, self.scale = values.mean(), values.std()

    def see(self, series: pd.Series) -> pd.Series:
        """Return a series in the view."""
        seen = (series.diff().iloc[1:] if self.trend else series) - self.mean
        # In single precision, which is what generators work in: "auto" without any is "none".
        return (seen / self.scale).astype(np.float32).astype(np.float64)

    def back(self, forecast: Array) -> Array:
        """Return a forecast in the units of the series."""
        values = forecast * self.scale + self.mean
        return self.last + np.cumsum(values) if self.trend else values


class MoreRows(RegressorMixin, BaseEstimator):
    """A regressor that is also trained on rows that ``more`` makes of its own."""

    def __init__(self, regressor: Any, more: Callable[[Array, Array], tuple[Array, Array]]):
        self.regressor = regressor
        self.more = more

    def fit(self, X: Array, y: Array) -> MoreRows:
        """Fit to the rows and those made of them."""
        more_x, more_y = self.more(X, y)
        self.regressor_ = clone(self.regressor)
        self.regressor_.fit(np.concatenate([X, more_x]), np.concatenate([y, more_y]))
        return self

    def predict(self, X: Array) -> Array:
        """Return the regressor's predictions."""
        return np.asarray(self.regressor_.predict(X))


def more_rows(
    arm: str, fold: Fold, view: View, sp: int, window: int, seed: int
) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Return what makes as many rows as there are, from one bootstrapped series or the rows."""

    def make(X: Array, y: Array) -> tuple[Array, Array]:
        if arm == "repeat":
            return X, y
        if arm == "jitter":
            table = jittered(np.column_stack([X, y]), np.random.default_rng(seed), axis=1)
            return table[:, :-1], table[:, -1]
        made = bootstrap(arm, sp, len(fold.past), 1, seed, actual=False)
        version = pd.Series(made.fit_transform(fold.past).to_numpy().ravel(), fold.past.index)
        table = sliding_window_view(view.see(version).to_numpy(), window + 1)
        return table[:, :-1], table[:, -1]

    return make


def reduced(series: Series, learner: str, fraction: float, arm: str, seed: int) -> float:
    folds, window = series.folds(fraction), WINDOWS[series.sp]
    forecasts = []
    for fold in folds:
        view = View(fold.past, series.trend)
        regressor: Any = clone(REGRESSORS[learner])
        if arm in GENERATORS or arm == "auto":
            regressor = AugmentedRegressor(
                regressor,
                clone(GENERATORS[AUTO if arm == "auto" else arm]),
                n_synthetic="auto" if arm == "auto" else 1.0,
                random_state=seed,
            )
        elif arm != "none":
            regressor = MoreRows(regressor, more_rows(arm, fold, view, series.sp, window, seed))
        forecaster = make_reduction(regressor, window_length=window, strategy="recursive")
        forecaster.fit(view.see(fold.past), fh=steps(series))
        forecasts.append(view.back(np.asarray(forecaster.predict(), dtype=float).ravel()))
    return mean_error(folds, forecasts)


REDUCTION = Task(
    "reduction",
    single_cases(list(REGRESSORS)),
    lambda case: with_stl(REDUCTION_ARMS, [load(case.data)]),
    lambda case, arm: {
        case.data: reduced(load(case.data), case.learner, case.fraction, arm, case.seed)
    },
)


# -- reduction of a panel ----------------------------------------------------------------------

# In units of a series' mean, in which it varies little. No boosting: it cannot follow a trend.
GLOBAL_REGRESSORS = {"ridge": Ridge(alpha=0.01)}
GLOBAL_ARMS = ["none", *BOOTSTRAPS, *OURS, "auto"]


def load_panel(name: str) -> dict[str, Series]:
    found = {one: load(one) for one in PANELS[name] if is_there(one)}
    return {one: replace(made, values=made.values[-LONGEST:]) for one, made in found.items()}


def panel_cases(quick: bool) -> list[Case]:
    cases = []
    for name in ["yearly"] if quick else PANELS:
        panel = list(load_panel(name).values())
        fractions = distinct_fractions(panel) if panel else []
        chosen = fractions[: 1 if quick else None]
        cases += [Case(name, learner, one) for one in chosen for learner in GLOBAL_REGRESSORS]
    return cases


def as_frame(pasts: list[pd.Series]) -> pd.DataFrame:
    frames = {k: one.to_frame("value") for k, one in enumerate(pasts)}
    return pd.concat(frames, names=["series", "time"])


def with_versions(actual: pd.DataFrame, arm: str, sp: int, seed: int) -> pd.DataFrame:
    """Return a panel with bootstrapped versions behind the actual series."""
    n_series = actual.index.get_level_values(0).nunique()
    made = [actual]
    for number, one in actual.groupby(level=0):
        past = one.droplevel(0)["value"]
        control = bootstrap(arm, sp, len(past), N_VERSIONS, seed + number, actual=False)
        versions = control.fit_transform(past).to_numpy().reshape(N_VERSIONS, -1)
        for k, values in enumerate(versions):
            frame = pd.DataFrame({"value": values}, past.index)
            made.append(pd.concat({(k + 1) * n_series + number: frame}, names=actual.index.names))
    return pd.concat(made)


def pooled(panel: dict[str, Series], learner: str, fraction: float, arm: str, seed: int) -> Errors:
    """Forecast all series of a panel by one reduction, in units of their means."""
    folds = {name: one.folds(fraction) for name, one in panel.items()}
    sp, horizon = next((one.sp, one.horizon) for one in panel.values())
    forecasts: dict[str, list[Array]] = {name: [] for name in panel}
    for k in range(min(len(found) for found in folds.values())):
        scales = {name: found[k].past.abs().mean() for name, found in folds.items()}
        actual = as_frame([found[k].past / scales[name] for name, found in folds.items()])
        forecaster: Any = make_reduction(
            clone(GLOBAL_REGRESSORS[learner]), window_length=WINDOWS[sp], pooling="global"
        )
        given = actual
        if arm in GENERATORS or arm == "auto":
            forecaster = AugmentedForecaster(
                forecaster,
                clone(GENERATORS[AUTO if arm == "auto" else arm]),
                n_series="auto" if arm == "auto" else N_VERSIONS,
                sp=sp,
                random_state=seed,
            )
        elif arm != "none":
            given = with_versions(actual, arm, sp, seed)
        forecaster.fit(given, fh=list(range(1, horizon + 1)))
        made = forecaster.predict()
        for number, name in enumerate(panel):
            forecasts[name].append(made.xs(number, level=0).to_numpy().ravel() * scales[name])
    return {name: mean_error(folds[name], forecasts[name]) for name in panel}


GLOBAL = Task(
    "global",
    panel_cases,
    lambda case: with_stl(GLOBAL_ARMS, list(load_panel(case.data).values())),
    lambda case, arm: pooled(load_panel(case.data), case.learner, case.fraction, arm, case.seed),
)
