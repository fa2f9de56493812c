"""A generator as sktime's bootstrap: one series in, a panel of series like it out."""

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd
from sktime.transformations.base import BaseTransformer

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.base.state import rollback_on_error
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.forecasting._synthesis import (
    as_panel,
    fit_series_generator,
    seed_of,
    synthesize,
)

__all__ = ["GeneratorBootstrap"]


class GeneratorBootstrap(BaseTransformer):
    """Synthetic versions of a series by a generator, for bagging and augmentation in sktime.

    Takes the place of sktime's ``STLBootstrapTransformer`` where a bootstrap is asked for, as in
    ``BaggingForecaster``. A forecaster starts from the end of each version, so that versions have
    to stay where the actual series is: Box-Cox and an STL decomposition part it into trend, season
    and remainder; the generator learns the remainder's windows, what it draws is brought to the
    actual remainder's mean and spread, and trend and season are put back. Without the
    decomposition a version is a series of its own, and bagging over such ones forecasts from
    somewhere else.

    Values may be missing: in versions they are, too, as often and elsewhere, unless the generator
    has ``missing="complete"``.

    Several columns are generated together. There is no form of it for
    ``TransformedTargetForecaster``, whose steps map one series to one series and have to map the
    forecast back: a synthetic series in place of the actual one has nothing to map back with.

    Parameters
    ----------
    generator : generator
        What learns the windows of the remainder: any generator of this library; cloned.
    n_series : int, default=10
        Number of synthetic versions.
    window : int or "auto", default="auto"
        Timesteps of a window. ``"auto"`` is two seasons, or 12 without one, and at most a third
        of the series.
    sp : int or "auto", default="auto"
        Timesteps of a season; 1 is none. ``"auto"`` goes by the frequency of the index, if two
        seasons fit.
    decomposition : {"stl", "stl-robust"} or None, default="stl"
        Whether to generate what trend and season leave over, or the series itself. The robust
        STL leaves outliers, and some of a changing season, to the remainder.
    anchor_end : bool, default=True
        Whether a version ends as the actual series does: over its last half window the generated
        remainder goes over into the actual one. Forecasts then start from the present, and what
        differs between them is what was learned.
    return_actual : bool, default=True
        Whether the actual series, called ``"actual"``, comes first.
    return_indices : bool, default=False
        Whether a column ``"resampled_index"`` is added, as sktime's bootstraps do: the timestep
        of the actual series whose trend and season a value stands on, which is its own. With
        ``decomposition=None`` no value stands on an actual one, and the column is refused.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the versions, and of the generator if its own is ``None``.

    Attributes
    ----------
    series_generator_ : SeriesGenerator
        The fitted generator of series.

    See Also
    --------
    sklearn_timegen.SeriesGenerator : The same without sktime, in any container.

    References
    ----------
    C. Bergmeir, R. Hyndman and J. Benitez (2016), "Bagging exponential smoothing methods using
    STL decomposition and Box-Cox transformation", International Journal of Forecasting 32.
    https://doi.org/10.1016/j.ijforecast.2015.07.002

    F. Petropoulos, R. Hyndman and C. Bergmeir (2018), "Exploring the sources of uncertainty: Why
    does bagging for time series forecasting work?", European Journal of Operational Research 268.
    https://doi.org/10.1016/j.ejor.2018.01.045

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.forecasting import GeneratorBootstrap
    >>> y = load_airline()
    >>> panel = GeneratorBootstrap(PCAMixture(), n_series=2, random_state=0).fit_transform(y)
    >>> panel.index.get_level_values("series_id").unique().tolist()
    ['actual', 'synthetic_0', 'synthetic_1']
    """

    _tags: ClassVar[dict[str, Any]] = {
        "authors": "the sklearn-timegen developers",
        "python_dependencies": "statsmodels",
        "scitype:transform-input": "Series",
        "scitype:transform-output": "Panel",
        "scitype:transform-labels": "None",
        "scitype:instancewise": True,
        "X_inner_mtype": "pd.DataFrame",
        "y_inner_mtype": "None",
        "capability:inverse_transform": False,
        "skip-inverse-transform": True,
        "capability:multivariate": True,
        "capability:missing_values": True,
        "capability:bootstrap_index": True,
        "capability:categorical_in_X": False,
        "X-y-must-have-same-index": False,
        "fit_is_empty": False,
        "transform-returns-same-time-index": False,
        "capability:random_state": True,
        "property:randomness": "derandomized",
    }

    def __init__(
        self,
        generator: GeneratorLike,
        n_series: int = 10,
        window: int | str = "auto",
        sp: int | str = "auto",
        decomposition: str | None = "stl",
        anchor_end: bool = True,
        return_actual: bool = True,
        return_indices: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.generator = generator
        self.n_series = n_series
        self.window = window
        self.sp = sp
        self.decomposition = decomposition
        self.anchor_end = anchor_end
        self.return_actual = return_actual
        self.return_indices = return_indices
        self.random_state = random_state
        super().__init__()

    def fit(self, X: Any, y: Any = None) -> Any:  # noqa: D102 (the parent's, below)
        with rollback_on_error(self):  # sktime forgets an older fit before it begins
            return super().fit(X, y)

    fit.__doc__ = BaseTransformer.fit.__doc__

    def _fit(self, X: pd.DataFrame, y: None = None) -> GeneratorBootstrap:
        check_count(self.n_series, "n_series")
        if self.return_indices and self.decomposition is None:
            raise ValueError(
                "return_indices=True needs decomposition='stl': series that are generated whole "
                "do not stand on timesteps of the actual one"
            )
        self._seed = seed_of(self.random_state)
        self.series_generator_ = fit_series_generator(
            self.generator,
            as_panel(X)[0],
            window=self.window,
            sp=self.sp,
            decomposition=self.decomposition,
            random_state=self._seed,
        )
        return self

    def _transform(self, X: pd.DataFrame, y: None = None) -> pd.DataFrame:
        versions = synthesize(
            self.series_generator_,
            as_panel(X)[0],
            self.n_series,
            self._seed,
            match_spread=self.decomposition is not None,
            anchor_end=self.anchor_end,
        )
        named = {f"synthetic_{k}": version.droplevel(0) for k, version in enumerate(versions)}
        if self.return_actual:
            named = {"actual": X, **named}
        if self.return_indices:
            named = {
                name: version.assign(resampled_index=range(len(version)))
                for name, version in named.items()
            }
        return pd.concat(named, names=["series_id", "time_index"])

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters that sktime's checks are run with."""
        from sklearn_timegen.classical import BlockBootstrap, PCAMixture

        return [
            {"generator": PCAMixture(), "n_series": 2},
            {
                "generator": BlockBootstrap(),
                "n_series": 3,
                "window": 3,
                "sp": 3,
                "return_actual": False,
                "random_state": 0,
            },
            {"generator": PCAMixture(), "n_series": 1, "decomposition": None, "window": 4},
        ]
