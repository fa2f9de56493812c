"""What an evaluation is given: generators, series, labels, groups and folds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, check_cv

from sklearn_timegen._checks import refuse_search
from sklearn_timegen._random import derive_seed
from sklearn_timegen._types import CrossValidation, GeneratorLike
from sklearn_timegen._warning import warn_user
from sklearn_timegen.data.labels import as_target, check_known, holds_labels, shown_label
from sklearn_timegen.data.overlaps import known_starts
from sklearn_timegen.data.reading import reading_options
from sklearn_timegen.data.samples import Reading, read_real
from sklearn_timegen.evaluation._judging import Sample, typical_step
from sklearn_timegen.metrics import Metric
from sklearn_timegen.model_selection import (
    WindowKFold,
    WindowTimeSeriesSplit,
    check_cv_parameter,
    find_window_starts,
    nearest_gap,
)

__all__ = [
    "MEAN_RANK",
    "Folds",
    "as_sample",
    "as_series",
    "check_classes",
    "check_generators",
    "check_groups",
    "check_metrics",
    "check_names",
    "check_target",
    "labels_of",
    "make_folds",
    "refuse_class",
    "shared_layout",
]

Array = NDArray[Any]
MOST_BLOCKS = 5
MEAN_RANK = "mean rank"  # over all metrics, in the place of a metric
Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]


def check_generators(generators: dict[str, GeneratorLike]) -> None:
    """Refuse what can neither be fitted nor sampled from, and what is no name."""
    check_names(generators, "generators")
    for name, generator in generators.items():
        refuse_search(generator, repr(name))
        last = generator.steps[-1][1] if hasattr(generator, "steps") else generator
        if isinstance(last, type) or not (hasattr(last, "fit") and hasattr(last, "sample")):
            raise TypeError(
                f"{name!r} must be a generator, an instance with fit and sample; got {generator!r}"
            )


def check_names(named: Mapping[Any, Any], what: str) -> None:
    """Refuse what is no name."""
    for name in named:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(
                f"{what} must be named by strings that are not empty, got {name!r}: the "
                "names head rows of tables and pictures"
            )


def check_metrics(metrics: list[Metric], compared: bool) -> None:
    """Refuse a metric under the name of what a comparison adds to them."""
    if compared and any(metric.name == MEAN_RANK for metric in metrics):
        raise ValueError(
            f"a metric is named {MEAN_RANK!r}, which is what a comparison calls its last rows: "
            "give it another name"
        )


def as_series(X: ArrayLike, generators: list[GeneratorLike]) -> tuple[Any, Array, Reading]:
    """Return ``X`` for the generators, and as 3-d numbers for the metrics, and how it was read.

    Numbers go to the generators as an array, anything else as it came.
    """
    if isinstance(X, tuple) and len(X) == 2 and np.ndim(X[1]) == 1:
        raise ValueError("X is a pair; make_windows returns windows and starts: pass the windows")
    n_channels = {reading_options(generator).n_channels for generator in generators}
    layout = shared_layout(generators)
    x, reading = read_real(X, "X", n_channels=min(n_channels), layout=layout)
    if reading.schema is None:
        X = np.asarray(X)
        if X.ndim == 2 and len(n_channels) > 1:
            raise ValueError(f"the generators disagree about n_channels: {sorted(n_channels)}")
    return X, x, reading


def shared_layout(generators: list[GeneratorLike]) -> str:
    """Return the order of axes of 3-d series for which generators are made, all of them."""
    layouts = sorted({reading_options(generator).layout for generator in generators})
    if len(layouts) > 1:
        raise ValueError(
            f"the generators disagree about layout: {layouts}, but all are fitted to the same X"
        )
    return layouts[0]


def check_target(y: ArrayLike | None, n_samples: int) -> Array | None:
    """Return ``y`` as an array: labels, if it holds such, or else what it holds."""
    if y is None:
        return None
    values = as_target(y)
    if values.ndim == 0 or len(values) != n_samples:
        n_entries = len(values) if values.ndim else 1
        raise ValueError(f"y has {n_entries} entries, but X has {n_samples} series")
    if not holds_labels(values):
        return values
    labels = values.reshape(-1)
    check_known(labels)
    return labels


def labels_of(generators: dict[str, GeneratorLike], y: Array | None) -> Array | None:
    """Labels to judge by: only if every generator is conditional on them."""
    conditional = [
        bool(getattr(generator, "conditional", False)) for generator in generators.values()
    ]
    if y is None:
        if any(conditional):
            raise ValueError("y is missing: a conditional generator cannot be judged without it")
        return None
    return y if all(conditional) and holds_labels(y) else None


def as_sample(
    x: Array,
    labels: Array | None,
    groups: ArrayLike | None,
    window_starts: ArrayLike | None,
    cv: CrossValidation,
) -> Sample:
    """Put beside the series where they begin, if they are overlapping windows, or their groups."""
    if groups is None:
        return Sample(x, target=labels, starts=known_starts(x, window_starts))
    if window_starts is not None:
        raise ValueError(
            "groups (of series that belong together) and window_starts were both given: pass one"
        )
    if isinstance(cv, WindowKFold | WindowTimeSeriesSplit):
        raise ValueError(
            f"{cv!r} splits by where windows begin: pass that as window_starts; groups are of "
            "series that belong together"
        )
    return Sample(x, target=labels, groups=check_groups(groups, len(x)))


def make_folds(cv: CrossValidation, sample: Sample, y: Array | None, seed: int) -> Folds:
    """Blocks of time for overlapping windows, whole groups, or shuffled, stratified by labels."""
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        folds = _folds_of_number(int(cv), sample, y, seed)
    elif isinstance(cv, WindowKFold | WindowTimeSeriesSplit):
        folds = list(cv.split(sample.values, window_starts=sample.starts))
    else:
        folds = list(check_cv(check_cv_parameter(cv)).split(sample.values, y, sample.groups))
    starts = sample.starts if sample.groups is None else find_window_starts(sample.values)
    _warn_of_overlap(folds, starts, sample.values.shape[1])
    return folds


def _folds_of_number(n_folds: int, sample: Sample, y: Array | None, seed: int) -> Folds:
    x, starts = sample.values, sample.starts
    if n_folds < 2:
        raise ValueError(f"cv must be a number of folds, 2 at least, or a splitter; got {n_folds}")
    if starts is not None:
        # Several blocks a fold, for as many regimes, while each is long beside what it costs:
        # the training windows on both of its sides that reach into it.
        n_blocks = len(x) * typical_step(starts) // (n_folds * 4 * x.shape[1])
        splitter = WindowKFold(n_folds, n_blocks=min(max(n_blocks, 1), MOST_BLOCKS))
        return list(splitter.split(x, window_starts=starts))
    if sample.groups is not None:
        return list(GroupKFold(n_folds).split(x, y, sample.groups))
    shuffled = {"shuffle": True, "random_state": derive_seed(seed, "folds")}
    if y is not None and holds_labels(y):
        return list(StratifiedKFold(n_folds, **shuffled).split(x, y))
    return list(KFold(n_folds, **shuffled).split(x))


def check_groups(groups: ArrayLike | None, n_samples: int) -> Array:
    """Return the group of each series, all of one type."""
    values = np.asarray(groups)
    if values.shape != (n_samples,):
        raise ValueError(
            f"groups must hold the group of each of the {n_samples} series, got shape "
            f"{values.shape}"
        )
    try:
        n_groups = len(np.unique(values))
    except TypeError as error:  # None, or words among numbers
        raise ValueError(f"groups must be of one type, without gaps: {error}") from error
    if n_groups == n_samples:
        warn_user(
            f"groups holds {n_samples} different groups for {n_samples} series, which keeps none "
            "together. If it tells where windows begin, pass it as window_starts"
        )
    return values


def check_classes(folds: Folds, y: Array) -> None:
    """Refuse folds that hold a class which their training series lack."""
    if not holds_labels(y):
        return
    for train, test in folds:
        unseen = np.setdiff1d(y[test], y[train])
        if len(unseen):
            refuse_class(unseen[0], int((y == unseen[0]).sum()))


def refuse_class(label: Any, count: int) -> None:
    """Say of which class no series is left to learn from."""
    raise ValueError(
        f"all {count} series of class {shown_label(label)} fall into one fold, which leaves "
        "nothing to learn it from: give more of them, or use fewer folds"
    )


def _warn_of_overlap(folds: Folds, starts: Array | None, length: int) -> None:
    if starts is None:
        return
    leaks = [
        (nearest_gap(starts[test], np.sort(starts[train])) < length).mean()
        for train, test in folds
    ]
    if max(leaks) > 0:
        warn_user(
            f"up to {max(leaks):.0%} of the windows of a test fold overlap training windows: "
            "memorising pays. Use WindowKFold, or a number of folds without groups (where windows "
            "begin is window_starts=)"
        )
