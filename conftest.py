"""For tests and the examples in docstrings alike."""

import os
from importlib.util import find_spec

import pytest

# Read when numpy, scipy and torch are loaded, and by the processes that tests start. What is
# solved here is tiny: a second thread waits four times as long as it works.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# Examples that train recurrent networks for thousands of steps.
LONG_EXAMPLES = {
    "sklearn_timegen.metrics.predictive.predictive_score",
    "sklearn_timegen.metrics.scorer.make_generation_scorer",
}


def pytest_collection_modifyitems(items):
    """Leave long examples to ``make test-all``."""
    for item in items:
        if item.name in LONG_EXAMPLES:
            item.add_marker(pytest.mark.exhaustive)


if find_spec("sktime") is not None:
    from sktime.forecasting.base import BaseForecaster

    # sktime 1.2 announces the default of 1.3 in every forecaster that is constructed. A config
    # that is set on an instance comes too late for that; here the new default is taken early.
    BaseForecaster._config["remember_data"] = False
