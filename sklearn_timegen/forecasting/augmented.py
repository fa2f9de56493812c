"""A forecaster that is trained on actual series and, if they help, on synthetic ones."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from sklearn_timegen._random import RandomState, derive_seed
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.forecasting._amount import (
    choose_amount,
    scaled_errors,
    temporal_folds,
    warn_too_short,
)
from sklearn_timegen.forecasting._base import SyntheticForecaster, furthest_step
from sklearn_timegen.forecasting._pooled import PooledFit, pools
from sklearn_timegen.forecasting._synthesis import Panel, shortest_of, synthesize
from sklearn_timegen.series import SeriesGenerator

__all__ = ["AugmentedForecaster"]

AMOUNTS = (0, 1, 5)  # synthetic versions of each series that "auto" chooses from


class AugmentedForecaster(SyntheticForecaster):
    """Train a global forecaster on actual series and synthetic versions of them.

    A generator learns the remainders that trend and season leave over, of all series together, and
    draws them with each series' own mean and spread. Each series gets ``n_series`` versions with
    its own trend and season, and one forecaster is fitted to all of them. It forecasts the actual
    series only. Most augmentation of forecasters makes them worse: ``n_series="auto"`` finds out
    on the past whether any amount helps, and leaves the synthetic series out if not.

    Exogenous variables are generated together with the series that they belong to.

    Parameters
    ----------
    forecaster : sktime forecaster
        One that trains one model on all series of a panel, such as
        ``make_reduction(Ridge(), pooling="global")``; cloned.
    generator : generator
        What learns the windows of the remainders: any generator of this library; cloned.
    n_series : int or "auto", default="auto"
        Synthetic versions of each series; 0 is none. ``"auto"`` forecasts ``n_splits`` periods of
        the past with 0, 1 and 5, each from what came before it, generator included. The best is
        taken if a one-sided t test at 5 % shows a gain on 0, and else 0. It is 0 for series that
        end at different times, which sktime's pooled forecasters date wrongly.
    n_splits : int, default=5
        Periods of the past, each as long as the horizon, that ``"auto"`` is judged on; fewer if
        the series are short.
    window : int or "auto", default="auto"
        Timesteps of a window; see :class:`GeneratorBootstrap`.
    sp : int or "auto", default="auto"
        Timesteps of a season; see :class:`GeneratorBootstrap`.
    decomposition : {"stl", "stl-robust"} or None, default="stl"
        Whether to generate what trend and season leave over, or the series themselves.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the synthetic series, and of the generator if its own is ``None``.

    Attributes
    ----------
    forecaster_ : sktime forecaster
        The fitted forecaster.
    n_series_ : int
        How many synthetic versions of each series it was fitted to.
    errors_ : dict of int to ndarray
        What ``"auto"`` measured: for each amount the absolute errors of all periods and series,
        in units of the seasonal naive one.
    series_generator_ : SeriesGenerator or None
        The fitted generator; ``None`` if there are no synthetic series.

    See Also
    --------
    TSTRForecaster : Trains any forecaster on the synthetic series alone.
    GeneratorBootstrap : For ``BaggingForecaster``, and forecasters that do not pool.

    References
    ----------
    K. Bandara, H. Hewamalage, Y. Liu, Y. Kang and C. Bergmeir (2021), "Improving the accuracy of
    global forecasting models using time series data augmentation", Pattern Recognition 120.
    https://doi.org/10.1016/j.patcog.2021.108148

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sktime.datasets import load_airline
    >>> from sktime.forecasting.compose import make_reduction
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.forecasting import AugmentedForecaster
    >>> ridge = make_reduction(Ridge(), window_length=12, pooling="global")
    >>> augmented = AugmentedForecaster(ridge, PCAMixture(), n_series=2, random_state=0)
    >>> augmented.fit(load_airline(), fh=[1, 2, 3]).predict().shape
    (3,)
    """

    def __init__(
        self,
        forecaster: BaseForecaster,
        generator: GeneratorLike,
        n_series: int | str = "auto",
        n_splits: int = 5,
        window: int | str = "auto",
        sp: int | str = "auto",
        decomposition: str | None = "stl",
        random_state: RandomState = None,
    ) -> None:
        self.forecaster = forecaster
        self.generator = generator
        self.n_series = n_series
        self.n_splits = n_splits
        self.window = window
        self.sp = sp
        self.decomposition = decomposition
        self.random_state = random_state
        super().__init__()

    @property
    def _trained_on(self) -> str:
        return "both"

    @property
    def _how(self) -> dict[str, bool]:
        return {"match_spread": True}

    def _check_parameters(self) -> None:
        if not pools(self.forecaster):
            raise TypeError(
                f"{self.forecaster!r} fits a model to each series, so that synthetic ones would "
                "change nothing. AugmentedForecaster needs one that pools them, such as "
                "make_reduction(regressor, pooling='global'); for others, take "
                "BaggingForecaster(GeneratorBootstrap(generator), forecaster)"
            )
        check_count(self.n_splits, "n_splits")
        if self.n_series not in ("auto", 0):
            check_count(self.n_series, "n_series")

    def _choose_n_series(self, panel: Panel, fh: ForecastingHorizon | None, in_step: bool) -> int:
        if self.n_series != "auto":
            return int(self.n_series)
        if not in_step:
            return 0  # what would be measured is forecasts of the wrong times
        sp = SeriesGenerator(None, window=2, period=self.sp).find_period(panel)
        horizon = furthest_step(fh, panel) or max(1, sp)
        needed = max(2 * sp, 3 * horizon, 10)
        folds = temporal_folds(panel, horizon, self.n_splits, needed)
        if len(folds) < 2:
            warn_too_short(shortest_of(panel), needed + 2 * horizon)
            return 0
        self.errors_ = self._measure(folds, horizon, sp)
        return choose_amount(self.errors_)

    def _measure(
        self, folds: list[tuple[Panel, Panel]], horizon: int, sp: int
    ) -> dict[int, NDArray[np.float64]]:
        """Forecast every fold with every amount, by one generator a fold."""
        measured = []
        for k, fold in enumerate(folds):
            try:
                measured.append(self._measure_fold(*fold, horizon, sp, f"fold {k}"))
            except ValueError as error:
                warnings.warn(
                    f"n_series='auto' leaves a period of the past out, which could not be "
                    f"forecast from {len(fold[0])} timesteps: {error}",
                    UserWarning,
                    stacklevel=6,
                )
        if not measured:
            return {amount: np.empty(0) for amount in AMOUNTS}
        return {
            amount: np.concatenate([errors[amount] for errors in measured]) for amount in AMOUNTS
        }

    def _measure_fold(
        self, past: Panel, future: Panel, horizon: int, sp: int, name: str
    ) -> dict[int, NDArray[np.float64]]:
        n_targets = len(self._targets)
        later = future.iloc[:, n_targets:]
        fitted = self._fit_generator(past)
        seed = derive_seed(self._seed, name)
        versions = synthesize(fitted, past, max(AMOUNTS), seed, **self._how)
        fh = ForecastingHorizon(range(1, horizon + 1), is_relative=True)
        errors = {}
        for amount in AMOUNTS:
            pooled = PooledFit(self.forecaster, self._trained_on, self._targets)
            pooled.fit(past, versions[:amount], fh)
            forecast = pooled.predict(fh, later if later.shape[1] else None)
            y_past, y_future = past.iloc[:, :n_targets], future.iloc[:, :n_targets]
            errors[amount] = scaled_errors(y_past, y_future, forecast, sp)
        return errors

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters that sktime's checks are run with."""
        from sklearn.linear_model import Ridge
        from sktime.forecasting.compose import make_reduction

        from sklearn_timegen.classical import BlockBootstrap, PCAMixture

        ridge = make_reduction(Ridge(), window_length=3, pooling="global")
        return [
            {"forecaster": ridge, "generator": PCAMixture(), "n_series": 2},
            {
                "forecaster": ridge,
                "generator": BlockBootstrap(),
                "n_series": "auto",
                "n_splits": 2,
                "random_state": 0,
            },
        ]
