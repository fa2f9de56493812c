"""Forecasters that are trained on synthetic series beside the actual ones, or in their place."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.datatypes import update_data
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from sklearn_timegen._random import derive_seed
from sklearn_timegen._validation import check_count
from sklearn_timegen.forecasting._amount import (
    choose_amount,
    scaled_errors,
    temporal_folds,
    warn_too_short,
)
from sklearn_timegen.forecasting._pooled import PooledFit, pools
from sklearn_timegen.forecasting._synthesis import (
    Panel,
    as_panel,
    fit_series_generator,
    seed_of,
    synthesize,
)

__all__ = ["AugmentedForecaster", "TSTRForecaster"]

AMOUNTS = (0, 1, 3, 10)  # synthetic versions of each series that "auto" chooses from


class _SyntheticForecaster(BaseForecaster):
    """What both share: actual series in, synthetic versions of them, one fit of the forecaster."""

    _tags: ClassVar[dict[str, Any]] = {
        "authors": "the sklearn-timegen developers",
        "python_dependencies": "statsmodels",
        "y_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "X_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "capability:multivariate": False,
        "capability:exogenous": True,
        "capability:insample": False,
        "capability:pred_int": False,
        "capability:missing_values": False,
        "capability:update": True,
        "capability:categorical_in_X": False,
        "requires-fh-in-fit": True,
        "X-y-must-have-same-index": True,
        "enforce_index_type": None,
        "capability:random_state": True,
        "property:randomness": "derandomized",
    }
    _cloned_tags: ClassVar[list[str]] = [
        "requires-fh-in-fit",
        "enforce_index_type",
        "capability:exogenous",
    ]

    def __init__(self) -> None:
        super().__init__()
        self.clone_tags(self.forecaster, self._cloned_tags)

    # -- sktime's hooks ----------------------------------------------------------------------

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None, fh: Any) -> Any:
        self._check_parameters()
        self._n_targets = y.shape[1]
        self._frame = y if X is None else pd.concat([y, X], axis=1)
        if X is not None and self._frame.columns.has_duplicates:
            raise ValueError("y and X share a column name")
        panel, self._names = as_panel(self._frame)
        self._check_horizon(panel, fh)
        self._seed = seed_of(self.random_state)
        self.n_series_ = self._choose_n_series(panel, fh)
        self.series_generator_ = None
        if self.n_series_:
            self.series_generator_ = self._fit_generator(panel)
        self._fit_forecaster(panel, fh)
        return self

    def _predict(self, fh: Any, X: pd.DataFrame | None) -> pd.DataFrame:
        given = None if X is None else self._numbered(X)
        return self._named(self._pooled.predict(fh, given))

    def _update(
        self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: bool = True
    ) -> Any:
        new = y if X is None else pd.concat([y, X], axis=1)
        self._frame = update_data(self._frame, new)
        if update_params:
            # The generator stays; its remainders go around the trend and season as of now.
            panel, self._names = as_panel(self._frame)
            self._fit_forecaster(panel, self._fh)
        else:
            self._pooled.update(self._numbered(new))
        return self

    # -- for the two classes -----------------------------------------------------------------

    def _check_parameters(self) -> None:
        raise NotImplementedError

    def _choose_n_series(self, panel: Panel, fh: Any) -> int:
        raise NotImplementedError

    @property
    def _trained_on(self) -> str:
        raise NotImplementedError

    # -- fitting -----------------------------------------------------------------------------

    def _fit_generator(self, panel: Panel) -> Any:
        return fit_series_generator(
            self.generator,
            panel,
            window=self.window,
            sp=self.sp,
            decomposition=self.decomposition,
            random_state=derive_seed(self._seed, "generator"),
        )

    def _fit_forecaster(self, panel: Panel, fh: Any) -> None:
        versions: list[Panel] = []
        if self.series_generator_ is not None:
            seed = derive_seed(self._seed, "sample")
            versions = synthesize(self.series_generator_, panel, self.n_series_, seed)
        self._pooled = PooledFit(self.forecaster, self._trained_on, self._n_targets)
        self._pooled.fit(panel, versions, fh)
        self.forecaster_ = self._pooled.forecaster

    def _check_horizon(self, panel: Panel, fh: Any) -> None:
        shortest = int(panel.groupby(level=0).size().min())
        steps = _horizon(fh, panel)
        if steps > shortest:
            raise ValueError(
                f"the horizon of {steps} timesteps is longer than the shortest series, of "
                f"{shortest}: there is nothing to learn it from"
            )

    # -- names of the series -----------------------------------------------------------------

    def _numbered(self, frame: pd.DataFrame) -> Panel:
        """Give the series of a later frame the numbers that they had in ``fit``."""
        panel, names = as_panel(frame)
        unknown = [name for name in names if name not in self._names]
        if unknown:
            raise ValueError(f"series {unknown[0]} was not seen in fit: update with parameters")
        numbers = [self._names.index(name) for name in names]
        index = [
            panel.index.get_level_values(0).map(dict(enumerate(numbers))),
            panel.index.get_level_values(-1),
        ]
        panel.index = pd.MultiIndex.from_arrays(index, names=panel.index.names)
        return panel

    def _named(self, panel: Panel) -> pd.DataFrame:
        """Give forecasts the index that ``y`` had."""
        made = panel.sort_index()
        numbers, times = made.index.get_level_values(0), made.index.get_level_values(-1)
        if self._frame.index.nlevels == 1:
            made.index = times.rename(self._frame.index.names[-1])
            return made
        keys = [(*self._names[number], time) for number, time in zip(numbers, times, strict=True)]
        made.index = pd.MultiIndex.from_tuples(keys, names=self._frame.index.names)
        return made


class AugmentedForecaster(_SyntheticForecaster):
    """Train a global forecaster on actual series and synthetic versions of them.

    A generator learns the remainders that trend and season leave over, of all series together;
    each series gets ``n_series`` versions with its own trend and season, and one forecaster is
    fitted to all of them. It forecasts the actual series only. Most augmentation of forecasters
    makes them worse: ``n_series="auto"`` finds out on the past whether any amount helps, and
    leaves the synthetic series out if not.

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
        the past with 0, 1, 3 and 10, each from what came before it, generator included. The best
        is taken if it gains more on 0 than the standard error of the gain, and else 0.
    n_splits : int, default=5
        Periods of the past, each as long as the horizon, that ``"auto"`` is judged on; fewer if
        the series are short.
    window : int or "auto", default="auto"
        Timesteps of a window; see :class:`GeneratorBootstrap`.
    sp : int or "auto", default="auto"
        Timesteps of a season; see :class:`GeneratorBootstrap`.
    decomposition : {"stl"} or None, default="stl"
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
    >>> augmented.fit(load_airline(), fh=[1, 2, 3]).predict().round().tolist()
    """

    def __init__(
        self,
        forecaster: Any,
        generator: Any,
        n_series: int | str = "auto",
        n_splits: int = 5,
        window: int | str = "auto",
        sp: int | str = "auto",
        decomposition: str | None = "stl",
        random_state: Any = None,
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

    _trained_on = "both"

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

    def _choose_n_series(self, panel: Panel, fh: Any) -> int:
        if self.n_series != "auto":
            return int(self.n_series)
        sp = _season(panel, self.sp)
        horizon = _horizon(fh, panel) or max(1, sp)
        needed = max(2 * sp, 3 * horizon, 10)
        folds = temporal_folds(panel, horizon, self.n_splits, needed)
        if len(folds) < 2:
            shortest = int(panel.groupby(level=0).size().min())
            warn_too_short(shortest, needed + 2 * horizon)
            return 0
        self.errors_ = self._measure(folds, horizon, sp)
        return choose_amount(self.errors_)

    def _measure(self, folds: list[tuple[Panel, Panel]], horizon: int, sp: int) -> Any:
        """Forecast every fold with every amount, by one generator a fold."""
        errors: dict[int, list[Any]] = {amount: [] for amount in AMOUNTS}
        for k, (past, future) in enumerate(folds):
            fitted = self._fit_generator(past)
            seed = derive_seed(self._seed, f"fold {k}")
            versions = synthesize(fitted, past, max(AMOUNTS), seed)
            fh = ForecastingHorizon(range(1, horizon + 1), is_relative=True)
            later = future.iloc[:, self._n_targets :]
            for amount in AMOUNTS:
                pooled = PooledFit(self.forecaster, self._trained_on, self._n_targets)
                pooled.fit(past, versions[:amount], fh)
                forecast = pooled.predict(fh, later if later.shape[1] else None)
                targets = slice(0, self._n_targets)
                errors[amount].append(
                    scaled_errors(past.iloc[:, targets], future.iloc[:, targets], forecast, sp)
                )
        return {amount: np.concatenate(found) for amount, found in errors.items()}

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


class TSTRForecaster(_SyntheticForecaster):
    """Train any forecaster on synthetic series alone, to be tested on the real future.

    In sktime's ``evaluate`` this is train-on-synthetic, test-on-real for forecasting: what a
    forecaster loses to ``train_on="real"`` is what the synthetic series lack. A forecaster that
    pools learns from the synthetic series and then forecasts from the actual ones; of any other,
    such as exponential smoothing, one is fitted to each synthetic series, and their forecasts are
    averaged, so that it starts from the ends of the synthetic ones.

    Parameters
    ----------
    forecaster : sktime forecaster
        Any; cloned.
    generator : generator
        What learns the windows of the remainders: any generator of this library; cloned.
    n_series : int, default=10
        Synthetic versions of each series.
    train_on : {"synthetic", "real", "both"}, default="synthetic"
        What the forecaster is trained on: TSTR, its control TRTR, or augmentation.
    window : int or "auto", default="auto"
        Timesteps of a window; see :class:`GeneratorBootstrap`.
    sp : int or "auto", default="auto"
        Timesteps of a season; see :class:`GeneratorBootstrap`.
    decomposition : {"stl"} or None, default="stl"
        Whether to generate what trend and season leave over, or the series themselves. With
        ``"stl"`` trend and season are the actual ones: then what is judged is the remainder.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the synthetic series, and of the generator if its own is ``None``.

    Attributes
    ----------
    forecaster_ : sktime forecaster
        The fitted forecaster.
    n_series_ : int
        How many synthetic versions of each series it was fitted to.
    series_generator_ : SeriesGenerator or None
        The fitted generator; ``None`` for ``train_on="real"``.

    References
    ----------
    C. Esteban, S. Hyland and G. Raetsch (2017), "Real-valued (medical) time series generation
    with recurrent conditional GANs". https://arxiv.org/abs/1706.02633

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from sktime.forecasting.naive import NaiveForecaster
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.forecasting import TSTRForecaster
    >>> tstr = TSTRForecaster(NaiveForecaster(sp=12), PCAMixture(), random_state=0)
    >>> tstr.fit(load_airline(), fh=[1, 2]).predict().shape
    (2,)
    """

    def __init__(
        self,
        forecaster: Any,
        generator: Any,
        n_series: int = 10,
        train_on: str = "synthetic",
        window: int | str = "auto",
        sp: int | str = "auto",
        decomposition: str | None = "stl",
        random_state: Any = None,
    ) -> None:
        self.forecaster = forecaster
        self.generator = generator
        self.n_series = n_series
        self.train_on = train_on
        self.window = window
        self.sp = sp
        self.decomposition = decomposition
        self.random_state = random_state
        super().__init__()

    @property
    def _trained_on(self) -> str:
        return self.train_on

    def _check_parameters(self) -> None:
        check_count(self.n_series, "n_series")
        if self.train_on not in ("synthetic", "real", "both"):
            raise ValueError(
                f"train_on must be 'synthetic', 'real' or 'both', got {self.train_on!r}"
            )

    def _choose_n_series(self, panel: Panel, fh: Any) -> int:
        return 0 if self.train_on == "real" else int(self.n_series)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters that sktime's checks are run with."""
        from sklearn.linear_model import Ridge
        from sktime.forecasting.compose import make_reduction
        from sktime.forecasting.naive import NaiveForecaster

        from sklearn_timegen.classical import BlockBootstrap, PCAMixture

        ridge = make_reduction(Ridge(), window_length=3, pooling="global")
        return [
            {"forecaster": ridge, "generator": PCAMixture(), "n_series": 2},
            {
                "forecaster": NaiveForecaster(),
                "generator": BlockBootstrap(),
                "n_series": 2,
                "random_state": 0,
            },
            {
                "forecaster": NaiveForecaster(strategy="drift"),
                "generator": PCAMixture(),
                "n_series": 1,
                "train_on": "both",
            },
        ]


def _horizon(fh: Any, panel: Panel) -> int:
    """Return the furthest timestep of a horizon; 0 if none is given."""
    if fh is None:
        return 0
    last = panel.index.get_level_values(-1).max()
    cutoff = pd.Index([last]) if not isinstance(last, pd.Period) else pd.PeriodIndex([last])
    return max(1, int(np.max(fh.to_relative(cutoff).to_numpy())))


def _season(panel: Panel, sp: int | str) -> int:
    from sklearn_timegen.series import SeriesGenerator

    return SeriesGenerator(None, window=2, period=sp).find_period(panel)
