"""What series owe to their categories: a profile along time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from sklearn_timegen.series._calendar import calendar_features
from sklearn_timegen.series._effects import Effects

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.series._settings import Plan

__all__ = ["Profiles", "functions_of"]

Array = NDArray[np.float64]
RIDGE = 0.01  # of the variance of a function of time


class Profiles:
    """Profiles by category, which are taken off before windows are cut, and put back.

    A generator of windows knows a rare category from few of them, and makes each like the others:
    of a level that is twice as high in one of twenty series it gave back a half of that. And to a
    linear model, the hour of the day and the category only add up. So windows are learned around
    what their category adds to a series: some functions of time, times a coefficient each.

    Parameters
    ----------
    columns : sequence of int
        The coordinates that have profiles.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.series._profiles import Profiles
    >>> rng = np.random.default_rng(0)
    >>> codes = np.repeat([[0.0], [1.0]], 10, axis=0)
    >>> time = np.column_stack([np.ones(6), np.arange(6)])
    >>> series = [time[:, [1]] * code + 0.01 * rng.normal(size=(6, 1)) for code in codes]
    >>> profiles = Profiles([0]).fit(series, [time] * 20, codes)
    >>> (profiles.of(codes[-1], time) - profiles.of(codes[0], time))[:, 0].round()
    array([0., 1., 2., 3., 4., 5.])
    """

    def __init__(self, columns: Sequence[int]) -> None:
        self._columns = list(columns)

    def fit(self, series: Sequence[Array], functions: Sequence[Array], codes: Array) -> Profiles:
        """Learn from series and their categories.

        Parameters
        ----------
        series : sequence of ndarray of shape (n_timesteps, n_coordinates)
            The series.
        functions : sequence of ndarray of shape (n_timesteps, n_functions)
            Of each, the functions of time.
        codes : ndarray of shape (n_series, n_words)
            Its categories.
        """
        pairs = zip(series, functions, strict=True)
        found = [_coefficients(x[:, self._columns], f).ravel() for x, f in pairs]
        self._effects = Effects().fit(np.stack(found), codes)
        return self

    def of(self, codes: Array, functions: Array) -> Array:
        """Return what one series owes to its categories, at each timestep in each column."""
        coefficients = self._effects.of(codes[None])[0]
        profile: Array = functions @ coefficients.reshape(functions.shape[1], len(self._columns))
        return profile

    def add(self, x: Array, codes: Array, functions: Array) -> Array:
        """Return a series with what it owes to its categories."""
        x = x.copy()
        x[:, self._columns] += self.of(codes, functions)
        return x

    def take_off(self, x: Array, codes: Array, functions: Array) -> Array:
        """Return a series without what it owes to its categories."""
        x = x.copy()
        x[:, self._columns] -= self.of(codes, functions)
        return x


def functions_of(plan: Plan, times: pd.Index | range) -> Array:
    """Return the functions of time that profiles are made of ``(n_timesteps, n_functions)``.

    Of series that are windows, which begin alike, cosines of all frequencies: any profile is a sum
    of these, and a smooth one of a few, so that what is chance in the others can be told. Of other
    series a mean, and where windows are generated given a calendar, what it tells.
    """
    if plan.whole:
        cosines: Array = np.asarray(
            dct(np.eye(plan.window), norm="ortho", axis=0), dtype=np.float64
        )
        return cosines.T
    level = np.ones((len(times), 1))
    return np.hstack([level, calendar_features(times, plan.calendar)]) if plan.calendar else level


def _coefficients(x: Array, functions: Array) -> Array:
    """Return by which coefficients functions of time make a series, in each column.

    A little less than they do it best, so that two months tell nothing wild of a whole year.
    """
    gram = functions.T @ functions
    penalty = np.where(np.ptp(functions, axis=0) > 0, RIDGE, 0.0) * np.diag(gram)
    found = np.linalg.lstsq(gram + np.diag(penalty), functions.T @ x)[0]
    return np.asarray(found, dtype=np.float64)
