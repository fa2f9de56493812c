"""Forecasters that train on many series and forecast some of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from sklearn_timegen.forecasting._synthesis import Panel, renumbered

__all__ = ["PooledFit", "pools"]

ANNOUNCEMENT = "The default of config ``remember_data``"


def pools(forecaster: BaseForecaster) -> bool:
    """Whether a forecaster, and all within it, train one model on all series of a panel."""
    members = [forecaster, *_forecasters_within(forecaster)]
    return all("pd-multiindex" in member.get_tag("y_inner_mtype") for member in members)


def _forecasters_within(forecaster: BaseForecaster) -> list[BaseForecaster]:
    values = forecaster.get_params(deep=True).values()
    tagged = [value for value in values if hasattr(value, "get_tag")]
    return [value for value in tagged if value.get_tag("object_type", None, False) == "forecaster"]


@contextmanager
def _announced_once() -> Iterator[None]:
    """Leave it at what sktime has told whoever made the forecaster.

    sktime 1.2 announces the coming default of ``remember_data`` in every constructor, so in every
    clone and refit, even of a forecaster whose config is set: clones are configured only after
    they are constructed. The config stays as it was given.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ANNOUNCEMENT, FutureWarning)
        show = warnings.showwarning

        def show_others(message: Any, *where: Any, **more: Any) -> None:
            if not str(message).startswith(ANNOUNCEMENT):
                show(message, *where, **more)

        # sktime's conversion of a horizon leaves a filter of its own before ours.
        warnings.showwarning = show_others
        yield


class PooledFit:
    """A forecaster that was fitted to actual series, synthetic versions of them, or both.

    Versions stand behind the actual series in one panel: version k of series i has the number
    ``(k + 1) * n_actual + i``. One that was trained on versions alone is shown the actual series,
    to forecast from, if it can go on from series that it was not trained on; of any other, what it
    says of all versions of a series is averaged.
    """

    def __init__(self, forecaster: BaseForecaster, train_on: str, targets: pd.Index) -> None:
        with _announced_once():
            self.forecaster = forecaster.clone()
        self.train_on = train_on
        # Pipelines fit their transformers to the series that they know.
        goes_on = pools(forecaster) and not _forecasters_within(forecaster)
        self.averages = not goes_on if train_on == "synthetic" else not pools(forecaster)
        self.targets = targets  # names of the first columns; the others are exogenous

    def fit(
        self, actual: Panel, versions: list[Panel], fh: ForecastingHorizon | None
    ) -> PooledFit:
        """Fit to the panels that ``train_on`` names."""
        self.n_actual = actual.index.get_level_values(0).nunique()
        self.n_versions = len(versions)
        parts = [] if self.train_on == "synthetic" else [actual]
        numbered = [self._number(version, k + 1) for k, version in enumerate(versions)]
        parts += [] if self.train_on == "real" else numbered
        y, X = self._split(pd.concat(parts))
        with _announced_once():
            self.forecaster.fit(y, X=X, fh=fh)
        if self.train_on == "synthetic" and not self.averages:
            # The actual series are shown to be forecast from, not to be trained on.
            y, X = self._split(actual)
            self.forecaster.update(y, X=X, update_params=False)
        return self

    def update(self, new: Panel) -> PooledFit:
        """Show what has happened since to be forecast from: no parameters change."""
        # Versions have to be as long; what they go on with is never trained on nor forecast.
        held = self._held()
        y, X = self._split(pd.concat([self._number(new, k) for k in held]))
        self.forecaster.update(y, X=X, update_params=False)
        return self

    def predict(self, fh: ForecastingHorizon | None, X: Panel | None) -> Panel:
        """Forecast the actual series; ``X`` holds their future exogenous values."""
        exogenous = None
        if X is not None:
            exogenous = pd.concat([self._number(X, k) for k in self._held()])
        found = self.forecaster.predict(fh=fh, X=exogenous)
        numbers = found.index.get_level_values(0).to_numpy()
        if not self.averages:
            return found[numbers < self.n_actual]
        times = found.index.get_level_values(-1)
        names = found.index.names
        return found.groupby([numbers % self.n_actual, times]).mean().rename_axis(names)

    def _held(self) -> range:
        """Which copies of the panel the forecaster knows: 0 is the actual one."""
        first = 1 if self.train_on == "synthetic" and self.averages else 0
        return range(first, 1 + (0 if self.train_on == "real" else self.n_versions))

    def _number(self, panel: Panel, copy: int) -> Panel:
        return renumbered(panel, panel.index.get_level_values(0) + copy * self.n_actual)

    def _split(self, panel: Panel) -> tuple[Panel, Panel | None]:
        panel = panel.astype(np.float64).sort_index()
        n_targets = len(self.targets)
        y, X = panel.iloc[:, :n_targets], panel.iloc[:, n_targets:]
        return y.set_axis(self.targets, axis=1), None if X.shape[1] == 0 else X
