"""How many synthetic series help, found out on the past."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._choosing import shows_gain
from sklearn_timegen.forecasting._synthesis import Panel, shortest_of

__all__ = ["choose_amount", "temporal_folds"]

Errors = dict[int, NDArray[np.float64]]


def temporal_folds(
    panel: Panel, horizon: int, n_splits: int, shortest_training: int
) -> list[tuple[Panel, Panel]]:
    """Part a panel into pasts and the ``horizon`` timesteps that follow each, the latest last.

    Test periods do not overlap, and end where each series ends.
    """
    most = max(0, (shortest_of(panel) - shortest_training) // horizon)
    folds = []
    by_series = panel.groupby(level=0, group_keys=False)
    from_end = by_series.cumcount(ascending=False).to_numpy()
    for k in range(min(n_splits, most), 0, -1):
        past = panel[from_end >= k * horizon]
        future = panel[(from_end < k * horizon) & (from_end >= (k - 1) * horizon)]
        folds.append((past, future))
    return folds


def scaled_errors(past: Panel, future: Panel, forecast: Panel, sp: int) -> NDArray[np.float64]:
    """Return one mean absolute error a series, in units of the naive seasonal one in the past."""
    errors = []
    for number, part in future.groupby(level=0):
        before = past.xs(number, level=0).to_numpy(dtype=np.float64)
        lag = sp if len(before) > sp else 1
        unit = np.abs(before[lag:] - before[:-lag]).mean()
        # By their times: a forecast that is missing is a KeyError, and not a shift.
        predicted = forecast.loc[part.index].to_numpy()
        gap = np.abs(predicted - part.to_numpy(dtype=np.float64))
        errors.append(gap.mean() / (unit if unit > 0 else 1.0))
    return np.asarray(errors)


def choose_amount(errors: Errors) -> int:
    """Return the amount with the least error if it shows a gain on none, else 0.

    Parameters
    ----------
    errors : dict of int to ndarray
        One error a fold (and series) for each amount, 0 included.
    """
    if len(errors[0]) < 2:
        return 0
    best = min(errors, key=lambda amount: (errors[amount].mean(), amount))
    return best if best and shows_gain(errors[0] - errors[best]) else 0


def warn_too_short(shortest: int, needed: int) -> None:
    """Say why nothing could be chosen."""
    warnings.warn(
        f"n_series='auto' cannot be chosen: two folds need {needed} timesteps, and the shortest "
        f"series has {shortest}. No synthetic series are used; give n_series as a number to have "
        "them all the same",
        UserWarning,
        stacklevel=7,  # where fit was called
    )
