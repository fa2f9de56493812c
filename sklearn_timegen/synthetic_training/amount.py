"""How many synthetic series: asked for, or found out by inner cross-validation."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold, check_cv

from sklearn_timegen._checks import Interval, RealNotInt
from sklearn_timegen._choosing import shows_gain
from sklearn_timegen._types import CrossValidation
from sklearn_timegen.data.conditions import allocate
from sklearn_timegen.data.labels import shown_label
from sklearn_timegen.model_selection import (
    WindowKFold,
    WindowTimeSeriesSplit,
    check_cv_parameter,
    find_window_starts,
)

__all__ = [
    "AMOUNT",
    "RATIOS",
    "TooFewSeries",
    "best_ratio",
    "count_rows",
    "fill_up",
    "label_folds",
    "share_classes",
    "window_folds",
]

Index = NDArray[np.int64]
Folds = list[tuple[Index, Index]]

# Valid amounts: an integer is a number, a float a ratio.
AMOUNT = [
    Interval(Integral, 0, None, closed="left"),
    Interval(RealNotInt, 0, None, closed="left"),
]
# Numbers of synthetic series that "auto" tries, as ratios to the real ones.
RATIOS = (0.25, 1.0, 3.0)
N_SPLITS = 5
# A fold of windows that keeps less than this fraction of them for training says little.
LEAST_TRAINING_FRACTION = 0.25


class TooFewSeries(ValueError):
    """There are too few series to cross-validate on; the message says of what."""


def count_rows(n_synthetic: float | int, n_real: int) -> int:
    """Return how many synthetic series: an integer is a number, a float a ratio."""
    if isinstance(n_synthetic, Integral) or n_synthetic == 0:
        return int(n_synthetic)
    return max(1, round(n_synthetic * n_real))


def share_classes(counts: Index, total: int, n_synthetic: Any) -> Index:
    """Split ``total`` over classes in their training frequencies; each has to get one."""
    if total < len(counts):
        raise ValueError(
            f"n_synthetic={n_synthetic!r} gives {total} series, which cannot cover "
            f"{len(counts)} classes (an int is a number, a float a ratio)"
        )
    return allocate(counts, total)


def fill_up(counts: Index, total: int) -> Index:
    """Split ``total`` over classes that have ``counts``, the smallest first, until all are alike.

    What is left then is split in equal parts.
    """
    order = np.argsort(counts, kind="stable")
    for n_filled in range(len(counts), 0, -1):
        filled = order[:n_filled]
        level, left = divmod(total + int(counts[filled].sum()), n_filled)
        if level >= counts[filled[-1]]:
            break
    added = np.zeros_like(counts)
    added[filled] = level - counts[filled]
    added[filled[:left]] += 1
    return added


def best_ratio(scores: dict[float, NDArray[np.float64]]) -> float:
    """Return the ratio of the best mean score; 0 if that shows no gain on 0, fold by fold."""
    best = max(scores, key=lambda ratio: float(np.mean(scores[ratio])))
    if 0.0 not in scores or best == 0.0:
        return best
    return best if shows_gain(scores[best] - scores[0.0]) else 0.0


def label_folds(cv: CrossValidation, x: NDArray[Any], y: NDArray[Any], least: int) -> Folds:
    """Return inner folds of labelled series, of which each class has to have ``least``."""
    if cv is None:
        classes, counts = np.unique(y, return_counts=True)
        if counts.min() < least:
            raise TooFewSeries(
                f"class {shown_label(classes[counts.argmin()])} has {counts.min()} series, and "
                f"cross-validation needs {least} of each"
            )
        cv = StratifiedKFold(min(N_SPLITS, int(counts.min())))
    return list(check_cv(check_cv_parameter(cv), y, classifier=True).split(x, y))


def window_folds(cv: CrossValidation, x: NDArray[Any], y: NDArray[Any], gap: int) -> Folds:
    """Return inner folds of series, which leak nothing if these are windows of one series.

    ``gap`` timesteps more are left out there: how far ahead of its window a target lies.
    """
    starts = find_window_starts(x)
    if cv is None:
        return _series_folds(x) if starts is None else _purged_folds(x, starts, gap)
    if isinstance(cv, Integral):
        cv = KFold(cv) if starts is None else WindowKFold(int(cv), gap=gap)
    if isinstance(cv, WindowKFold | WindowTimeSeriesSplit):
        return list(cv.split(x, y, window_starts=starts))
    return list(check_cv(check_cv_parameter(cv)).split(x, y))


def _series_folds(x: NDArray[Any]) -> Folds:
    if len(x) < 4:
        raise TooFewSeries(f"there are {len(x)} series, and cross-validation needs 4")
    return list(KFold(min(N_SPLITS, len(x) // 2)).split(x))


def _purged_folds(x: NDArray[Any], starts: Index, gap: int) -> Folds:
    try:
        folds = list(WindowKFold(N_SPLITS, gap=gap).split(x, window_starts=starts))
    except ValueError:  # a fold without a training window
        folds = []
    # Fewer splits would not help: larger test blocks leave fewer windows.
    if min((len(train) for train, _ in folds), default=0) < LEAST_TRAINING_FRACTION * len(x):
        raise TooFewSeries(
            f"the {len(x)} windows of {x.shape[1]} timesteps come from one series too short to "
            "leave enough of them that overlap no test window"
        )
    return folds
