"""For tests and the examples in docstrings alike."""

from importlib.util import find_spec

if find_spec("sktime") is not None:
    from sktime.forecasting.base import BaseForecaster

    # sktime 1.2 announces the default of 1.3 in every forecaster that is constructed. A config
    # that is set on an instance comes too late for that; here the new default is taken early.
    BaseForecaster._config["remember_data"] = False
