"""Generators within sktime: bootstraps, augmented forecasters, adapters for its classifiers.

The only part of the package that needs sktime.
"""

try:
    import sktime  # noqa: F401
except ImportError as error:
    raise ImportError(
        "sklearn_timegen.forecasting needs sktime: pip install sktime statsmodels"
    ) from error

from sklearn_timegen.forecasting.augmented import AugmentedForecaster
from sklearn_timegen.forecasting.bootstrap import GeneratorBootstrap
from sklearn_timegen.forecasting.panel import PanelClassifier, PanelRegressor
from sklearn_timegen.forecasting.tstr import TSTRForecaster

__all__ = [
    "AugmentedForecaster",
    "GeneratorBootstrap",
    "PanelClassifier",
    "PanelRegressor",
    "TSTRForecaster",
]
