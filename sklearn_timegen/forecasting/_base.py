"""What the forecasters that own a generator share."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sktime.datatypes import update_data
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from sklearn_timegen._random import derive_seed
from sklearn_timegen.base.state import rollback_on_error
from sklearn_timegen.forecasting._pooled import PooledFit, pools
from sklearn_timegen.forecasting._synthesis import (
    Panel,
    as_panel,
    fit_series_generator,
    renumbered,
    seed_of,
    shortest_of,
    synthesize,
)
from sklearn_timegen.series import SeriesGenerator

__all__ = ["SyntheticForecaster", "furthest_step"]


class SyntheticForecaster(BaseForecaster):
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

    # sktime 1.3's default: what was seen is kept here, in one frame for the generator and the
    # forecaster. ``set_config(remember_data=True)`` has sktime keep it once more.
    _config: ClassVar[dict[str, Any]] = {"remember_data": False}

    def __init__(self) -> None:
        super().__init__()
        # sktime's word for "nothing seen yet", which it leaves out where it remembers nothing.
        self._y = self._X = None
        if hasattr(self.forecaster, "get_tag"):  # what is none is refused in fit
            self.clone_tags(self.forecaster, self._cloned_tags)

    def fit(self, y: Any, X: Any = None, fh: Any = None) -> Any:
        with rollback_on_error(self):  # sktime forgets an older fit before it begins
            return super().fit(y, X=X, fh=fh)

    fit.__doc__ = BaseForecaster.fit.__doc__

    # -- sktime's hooks ----------------------------------------------------------------------

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None, fh: ForecastingHorizon | None) -> Self:
        self._check_types()
        self._check_parameters()
        self._targets, self._exogenous = y.columns, None if X is None else list(X.columns)
        self._frame = _side_by_side(y, X)
        panel, self._names = as_panel(self._frame)
        self._check_horizon(panel, fh)
        in_step = self._end_together(panel)
        self._seed = seed_of(self.random_state)
        self.n_series_ = self._choose_n_series(panel, fh, in_step)
        self.series_generator_ = None
        if self.n_series_:
            self.series_generator_ = self._fit_generator(panel)
        self._fit_forecaster(panel, fh)
        return self

    def _predict(self, fh: ForecastingHorizon | None, X: pd.DataFrame | None) -> pd.DataFrame:
        self._check_exogenous(X, "predict")
        future = None if X is None else self._numbered(_exogenous(X))
        return self._named(self._pooled.predict(fh, future))

    def _update(
        self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: bool = True
    ) -> Self:
        self._check_exogenous(X, "update")
        new = _side_by_side(y, X)
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

    @property
    def _how(self) -> dict[str, bool]:
        """How versions are drawn: see ``SeriesGenerator.sample``."""
        raise NotImplementedError

    def _choose_n_series(self, panel: Panel, fh: ForecastingHorizon | None, in_step: bool) -> int:
        raise NotImplementedError

    @property
    def _trained_on(self) -> str:
        raise NotImplementedError

    # -- fitting -----------------------------------------------------------------------------

    def _fit_generator(self, panel: Panel) -> SeriesGenerator:
        return fit_series_generator(
            self.generator,
            panel,
            window=self.window,
            sp=self.sp,
            decomposition=self.decomposition,
            random_state=derive_seed(self._seed, "generator"),
        )

    def _fit_forecaster(self, panel: Panel, fh: ForecastingHorizon | None) -> None:
        versions: list[Panel] = []
        if self.series_generator_ is not None:
            seed = derive_seed(self._seed, "sample")
            versions = synthesize(self.series_generator_, panel, self.n_series_, seed, **self._how)
        self._pooled = PooledFit(self.forecaster, self._trained_on, self._targets)
        self._pooled.fit(panel, versions, fh)
        self.forecaster_ = self._pooled.forecaster

    def _check_types(self) -> None:
        if not hasattr(self.forecaster, "get_tag"):
            raise TypeError(f"forecaster must be an sktime forecaster, got {self.forecaster!r}")
        if not (hasattr(self.generator, "fit") and hasattr(self.generator, "sample")):
            raise TypeError(
                f"generator must be an estimator with fit and sample, got {self.generator!r}"
            )

    def _check_exogenous(self, X: pd.DataFrame | None, where: str) -> None:
        found = None if X is None else list(X.columns)
        if found != self._exogenous:
            raise ValueError(
                f"X has the columns {found} in {where}, but fit saw {self._exogenous}"
            )

    def _end_together(self, panel: Panel) -> bool:
        """Whether a pooled forecaster will date its forecasts rightly; warn if not."""
        times = panel.index.get_level_values(-1)
        ends = pd.Series(times, panel.index.get_level_values(0)).groupby(level=0).max()
        if ends.nunique() == 1 or not pools(self.forecaster):
            return True
        warnings.warn(
            f"the series end at different times, from {ends.min()} to {ends.max()}. sktime's "
            "pooled forecasters date all forecasts by the latest end: cut the series to one end, "
            "or fit those of each end apart",
            UserWarning,
            stacklevel=4,  # where fit was called
        )
        return False

    def _check_horizon(self, panel: Panel, fh: ForecastingHorizon | None) -> None:
        shortest = shortest_of(panel)
        steps = furthest_step(fh, panel)
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
        numbers = {k: self._names.index(name) for k, name in enumerate(names)}
        return renumbered(panel, panel.index.get_level_values(0).map(numbers))

    def _named(self, panel: Panel) -> pd.DataFrame:
        """Give forecasts the index that ``y`` had."""
        forecasts = panel.sort_index()
        numbers, times = forecasts.index.get_level_values(0), forecasts.index.get_level_values(-1)
        if self._frame.index.nlevels == 1:
            forecasts.index = times.rename(self._frame.index.names[-1])
            return forecasts
        keys = [(*self._names[number], time) for number, time in zip(numbers, times, strict=True)]
        forecasts.index = pd.MultiIndex.from_tuples(keys, names=self._frame.index.names)
        return forecasts


def _side_by_side(y: pd.DataFrame, X: pd.DataFrame | None) -> pd.DataFrame:
    """Put targets before exogenous variables, under names that cannot be alike."""
    named = y.set_axis([f"y {k}" for k in range(y.shape[1])], axis=1)
    return named if X is None else pd.concat([named, _exogenous(X)], axis=1)


def _exogenous(X: pd.DataFrame) -> pd.DataFrame:
    # As strings: sktime's reducers put them beside names of their own, which are.
    return X.set_axis([f"X {name}" for name in X.columns], axis=1)


def furthest_step(fh: ForecastingHorizon | None, panel: Panel) -> int:
    """Return the furthest timestep of a horizon; 0 if none is given."""
    if fh is None:
        return 0
    last = panel.index.get_level_values(-1).max()
    cutoff = pd.Index([last]) if not isinstance(last, pd.Period) else pd.PeriodIndex([last])
    return max(1, int(np.max(fh.to_relative(cutoff).to_numpy())))
