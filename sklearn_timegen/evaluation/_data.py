"""What an evaluation is given: generators, series, labels, groups and folds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, check_cv
from sklearn.utils.multiclass import type_of_target

from sklearn_timegen._random import derive_seed
from sklearn_timegen._validation import as_3d, check_two_samples
from sklearn_timegen.evaluation._judging import Sample, typical_step
from sklearn_timegen.model_selection import (
    WindowKFold,
    WindowTimeSeriesSplit,
    find_window_starts,
    nearest_gap,
)

__all__ = [
    "as_sample",
    "as_series",
    "check_classes",
    "check_generators",
    "labels_of",
    "make_folds",
]

Array = NDArray[Any]
MOST_BLOCKS = 5
Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]


def check_generators(generators: dict[str, Any]) -> None:
    """Refuse what can neither be fitted nor sampled from."""
    for name, generator in generators.items():
        last = generator.steps[-1][1] if hasattr(generator, "steps") else generator
        if isinstance(last, type) or not (hasattr(last, "fit") and hasattr(last, "sample")):
            raise TypeError(
                f"{name!r} must be a generator, an instance with fit and sample; got {generator!r}"
            )


def as_series(X: Any, generators: list[Any]) -> tuple[Array, Array]:
    """Return ``X`` as an array for the generators, and as 3-d series for the metrics."""
    if isinstance(X, tuple) and len(X) == 2 and np.ndim(X[1]) == 1:
        raise ValueError("X is a pair; make_windows returns windows and starts: pass the windows")
    n_channels = {int(getattr(generator, "n_channels", 1)) for generator in generators}
    x = check_two_samples(X, X, ("X", "X"))[0]
    X = np.asarray(X)
    if X.ndim == 3:
        return X, x
    if len(n_channels) > 1:
        raise ValueError(f"the generators disagree about n_channels: {sorted(n_channels)}")
    return X, as_3d(x[:, :, 0], n_channels.pop())


def labels_of(generators: dict[str, Any], y: Any, n_samples: int) -> Array | None:
    """Labels to judge by: only if every generator is conditional on them."""
    conditional = [bool(getattr(one, "conditional", False)) for one in generators.values()]
    if y is None:
        if any(conditional):
            raise ValueError("y is missing: a conditional generator cannot be judged without it")
        return None
    values = np.asarray(y)
    if len(values) != n_samples:
        raise ValueError(f"y has {len(values)} entries, but X has {n_samples} series")
    return values if all(conditional) and _is_labels(values) else None


def as_sample(x: Array, labels: Array | None, groups: Any, cv: Any) -> Sample:
    """Put beside the series where they begin, if they are overlapping windows, or their groups.

    Integers are starts for folds of windows (a number of folds, or a splitter of ours); what a
    splitter of scikit-learn is given are groups that belong together.
    """
    if groups is None:
        return Sample(x, labels, find_window_starts(x))
    values = np.asarray(groups)
    if values.shape != (len(x),):
        raise ValueError(f"groups has shape {values.shape} for {len(x)} series")
    of_windows = isinstance(cv, int | np.integer | WindowKFold | WindowTimeSeriesSplit)
    if of_windows and values.dtype.kind in "iu":
        return Sample(x, labels, values)
    return Sample(x, labels, None, values)


def make_folds(cv: Any, sample: Sample, y: Any, groups: Any, seed: int) -> Folds:
    """Blocks of time for overlapping windows, whole groups, or shuffled, stratified by labels."""
    x, starts = sample.x, sample.starts
    if not isinstance(cv, int | np.integer):
        given = starts if isinstance(cv, WindowKFold | WindowTimeSeriesSplit) else groups
        folds = list(check_cv(cv).split(x, y, given))
        _warn_of_overlap(folds, starts, x.shape[1])
        return folds
    n_folds = int(cv)
    if starts is not None:
        # Several blocks a fold, for as many regimes, while each is long beside what it costs:
        # the training windows on both of its sides that reach into it.
        n_blocks = len(x) * typical_step(starts) // (n_folds * 4 * x.shape[1])
        splitter = WindowKFold(n_folds, n_blocks=min(max(n_blocks, 1), MOST_BLOCKS))
        return list(splitter.split(x, groups=starts))
    if sample.groups is not None:
        return list(GroupKFold(n_folds).split(x, y, sample.groups))
    shuffled = {"shuffle": True, "random_state": derive_seed(seed, "folds")}
    if y is not None and _is_labels(np.asarray(y)):
        return list(StratifiedKFold(n_folds, **shuffled).split(x, y))
    return list(KFold(n_folds, **shuffled).split(x))


def check_classes(folds: Folds, y: Any) -> None:
    """Refuse folds that hold a class which their training series lack."""
    values = np.asarray(y)
    if not _is_labels(values):
        return
    for train, test in folds:
        unseen = np.setdiff1d(values[test], values[train])
        if len(unseen):
            label, count = unseen.tolist()[0], int((values == unseen[0]).sum())
            raise ValueError(
                f"all {count} series of class {label!r} fall into one fold, which leaves nothing "
                "to learn it from: give more of them, or use fewer folds"
            )


def _is_labels(y: Array) -> bool:
    return y.ndim == 1 and type_of_target(y) in ("binary", "multiclass")


def _warn_of_overlap(folds: Folds, starts: Any, length: int) -> None:
    if starts is None:
        return
    leaks = [
        (nearest_gap(starts[test], np.sort(starts[train])) < length).mean()
        for train, test in folds
    ]
    if max(leaks) > 0:
        warnings.warn(
            f"up to {max(leaks):.0%} of the windows of a test fold overlap training windows: "
            "memorising pays. Use WindowKFold, or a number of folds",
            UserWarning,
            stacklevel=4,
        )
