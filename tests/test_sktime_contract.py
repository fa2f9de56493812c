"""sktime's own checks: every class passes all of them, none is left out.

What is wrapped is small and quick, because each class is checked some four hundred times (which
takes long all the same: ``make test-all`` does it);
``python -m benchmarks.sktime_contract`` runs them over every set of ``get_test_params``, which
takes a quarter of an hour.
"""

import pandas as pd
import pytest
from sktime.forecasting.base import BaseForecaster
from sktime.utils.estimator_checks import check_estimator

from sklearn_timegen.forecasting import AugmentedForecaster, GeneratorBootstrap, TSTRForecaster

from .generators import Resampler


class PooledLevel(BaseForecaster):
    """The smallest forecaster of panels: each series stays at its last value.

    Examples
    --------
    >>> PooledLevel()
    PooledLevel()
    """

    _tags = {
        "y_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "X_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "requires-fh-in-fit": False,
        "capability:exogenous": True,
        "capability:update": True,
    }

    def _fit(self, y, X, fh):
        self._level = self._last(y)
        return self

    def _update(self, y, X=None, update_params=True):
        self._level = self._last(y).combine_first(self._level)
        return self

    def _predict(self, fh, X):
        times = fh.to_absolute_index(self.cutoff)
        if not self._nested:
            return pd.concat([self._level] * len(times)).set_axis(times)
        keys = [(key, time) for key in self._level.index for time in times]
        index = pd.MultiIndex.from_tuples(keys, names=self._names)
        return self._level.loc[[key for key, _ in keys]].set_axis(index)

    def _last(self, y):
        self._nested, self._names = y.index.nlevels > 1, y.index.names
        if not self._nested:
            return y.iloc[-1:].set_axis([0])
        return y.groupby(level=0).last()


QUICK = [
    GeneratorBootstrap(Resampler(), n_series=2, window=3, sp=3, random_state=0),
    AugmentedForecaster(PooledLevel(), Resampler(), n_series=1, random_state=0),
    TSTRForecaster(PooledLevel(), Resampler(), n_series=1),
]


@pytest.mark.exhaustive
@pytest.mark.usefixtures("quick_joining")
@pytest.mark.filterwarnings("ignore:the series end at different times:UserWarning")
# sktime's update_predict concatenates in a way that pandas 3 deprecates.
@pytest.mark.filterwarnings(
    "ignore:Sorting by default when concatenating:DeprecationWarning:sktime.forecasting.base"
)
@pytest.mark.parametrize("estimator", QUICK, ids=lambda e: type(e).__name__)
def test_check_estimator(estimator):
    results = check_estimator(estimator, raise_exceptions=True)
    assert len(results) > 150
    assert set(results.values()) == {"PASSED"}


@pytest.mark.parametrize("kind", [GeneratorBootstrap, AugmentedForecaster, TSTRForecaster])
def test_several_sets_of_parameters(kind):
    assert len(kind.get_test_params()) >= 2
