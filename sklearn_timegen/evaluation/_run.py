"""The work behind ``evaluate_generator`` and ``compare_generators``: tasks over folds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold, check_cv
from sklearn.utils.multiclass import type_of_target
from tqdm.auto import tqdm

from sklearn_timegen._random import RandomState, derive_seed, draw_seed, seed_estimator
from sklearn_timegen._validation import as_3d, check_count, check_two_samples
from sklearn_timegen.evaluation._judging import (
    Outcome,
    Sample,
    Split,
    disjoint_rows,
    fit_encoder,
    judge,
    resampled,
)
from sklearn_timegen.metrics import Metric, resolve_metrics
from sklearn_timegen.metrics.scorer import draw_series
from sklearn_timegen.model_selection import WindowKFold, find_window_starts
from sklearn_timegen.synthetic_training.common import fit_generator

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evaluation", "Fitted", "run_evaluation", "run_tasks", "summarise"]

COLUMNS = ["score", "std", "floor", "copies", "direction", "seconds"]


@dataclass
class Fitted:
    """A generator on one fold: how it scored, how long it took, and what it drew."""

    outcome: Outcome
    fit_seconds: float
    sample_seconds: float
    generator: Any
    drawn: Sample


@dataclass
class Evaluation:
    """Everything that was measured; tables are views of it."""

    metrics: list[Metric]
    splits: list[Split]
    floors: list[Outcome]
    copies: list[Outcome]
    fitted: dict[str, list[Fitted]]


def run_evaluation(
    generators: dict[str, Any],
    X: ArrayLike,
    y: Any,
    *,
    cv: Any,
    groups: ArrayLike | None,
    metrics: Any,
    n_repeats: int,
    n_jobs: int | None,
    random_state: RandomState,
    verbose: int,
) -> Evaluation:
    """Judge every generator on every fold, all by the same splits, floors and encoders."""
    n_repeats = check_count(n_repeats, "n_repeats")
    seed = draw_seed(random_state)
    X = np.asarray(X)
    x = _as_series(X, list(generators.values()))
    chosen = resolve_metrics(metrics, x.shape[1])
    labels = _check_labels(generators, y, len(x))
    starts = find_window_starts(x) if groups is None else np.asarray(groups)
    everything = Sample(x, labels, starts)
    folds = list(_folds(cv, x, y, starts, seed))
    splits = [
        Split(everything[test], everything[train], derive_seed(seed, f"fold {k}"))
        for k, (train, test) in enumerate(folds)
    ]
    n_tasks = len(splits) * (1 + len(generators))
    with tqdm(total=n_tasks, desc="evaluation", disable=None if verbose else True) as bar:
        # The references come first: what a metric has to say against the data is said before
        # any training.
        references = run_tasks(
            (delayed(_refer)(chosen, split, n_repeats) for split in splits), n_jobs, bar
        )
        for split, (_, _, encoder) in zip(splits, references, strict=True):
            split.encoder = encoder
        fits = run_tasks(
            (
                delayed(_fit_and_judge)(clone(generator), X, y, fold, split, chosen, n_repeats)
                for generator in generators.values()
                for fold, split in zip(folds, splits, strict=True)
            ),
            n_jobs,
            bar,
        )
    n = len(splits)
    fitted = {name: fits[k * n : (k + 1) * n] for k, name in enumerate(generators)}
    floors, copies = [one[0] for one in references], [one[1] for one in references]
    return Evaluation(chosen, splits, floors, copies, fitted)


def run_tasks(tasks: Iterable[Any], n_jobs: int | None, bar: Any) -> list[Any]:
    """Run joblib's delayed calls, and move the bar as each ends."""
    done = []
    for result in Parallel(n_jobs=n_jobs, return_as="generator")(tasks):
        done.append(result)
        bar.update()
    return done


def summarise(
    metrics: list[Metric], scores: list[Outcome], floors: list[Outcome], copies: list[Outcome]
) -> pd.DataFrame:
    """Lay the means over the splits out, a row a metric."""
    import pandas as pd

    rows = {}
    for metric in metrics:
        name = metric.name
        values = [outcome.values[name] for outcome in scores]
        rows[name] = [
            np.mean(values),
            np.std(values),
            np.mean([outcome.values[name] for outcome in floors]),
            np.mean([outcome.values[name] for outcome in copies]),
            metric.best,
            sum(one.seconds[name] for outcomes in (scores, floors, copies) for one in outcomes),
        ]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)
    table.index.name = "metric"
    table.attrs["floor_std"] = {
        metric.name: float(np.std([outcome.values[metric.name] for outcome in floors]))
        for metric in metrics
    }
    return table


# -- the data ------------------------------------------------------------------------------------


def _as_series(X: Any, generators: list[Any]) -> Any:
    if X.ndim == 3:
        return check_two_samples(X, X, ("X", "X"))[0]
    n_channels = {int(getattr(generator, "n_channels", 1)) for generator in generators}
    if len(n_channels) > 1:
        raise ValueError(f"the generators disagree about n_channels: {sorted(n_channels)}")
    flat = check_two_samples(X, X, ("X", "X"))[0][:, :, 0]
    return as_3d(flat, n_channels.pop())


def _check_labels(generators: dict[str, Any], y: Any, n_samples: int) -> Any:
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


def _is_labels(y: Any) -> bool:
    return np.ndim(y) == 1 and type_of_target(y) in ("binary", "multiclass")


def _folds(cv: Any, x: Any, y: Any, starts: Any, seed: int) -> Iterable[tuple[Any, Any]]:
    """Blocks of time for overlapping windows, else shuffled folds, stratified if labelled."""
    if not isinstance(cv, int | np.integer):
        return check_cv(cv).split(x, y, starts)
    if starts is not None:
        return WindowKFold(int(cv)).split(x, groups=starts)
    shuffled = {"shuffle": True, "random_state": derive_seed(seed, "folds")}
    if y is not None and _is_labels(np.asarray(y)):
        return StratifiedKFold(cv, **shuffled).split(x, y)
    return KFold(cv, **shuffled).split(x)


# -- tasks ---------------------------------------------------------------------------------------


def _refer(metrics: list[Metric], split: Split, n_repeats: int) -> tuple[Outcome, Outcome, Any]:
    """What real series and copies score on a split, and its encoder."""
    split.encoder = fit_encoder(metrics, split.train, split.seed)
    floor = judge(metrics, split, floor_of(split), n_repeats)
    copied = resampled(split.train, len(split.held_out), split.seed)
    copies = judge(metrics, split, lambda metric: (copied, split.train), n_repeats)
    return floor, copies, split.encoder


def floor_of(split: Split) -> Callable[[Metric], tuple[Sample, Sample]]:
    """Real series beside the held-out ones: of the training side, which is all one could know.

    For metrics of memorisation they must not be trained on themselves: then they are parted from
    the training series, of which at least half (of overlapping windows, three quarters) stay.
    """
    most = len(split.train) // (2 if split.train.starts is None else 4)
    n = len(split.held_out)
    plain = disjoint_rows(Sample(split.train.x, split.train.y), n, split.seed)[0]
    fresh, rest = disjoint_rows(split.train, max(1, min(n, most)), split.seed)
    if len(rest) < 2:  # too few windows to part: the floor of memorisation is not to be had
        rest = split.train
    return lambda metric: (fresh, rest) if metric.accepts("X_train") else (plain, split.train)


def _fit_and_judge(
    generator: Any, X: Any, y: Any, fold: Any, split: Split, metrics: list[Metric], n_repeats: int
) -> Fitted:
    train, test = fold
    made = seed_estimator(generator, derive_seed(split.seed, "generator"))
    given = None if y is None else np.asarray(y)
    began = time.perf_counter()
    fit_generator(made, X[train], None if given is None else given[train])
    fitted = time.perf_counter()
    seed = derive_seed(split.seed, "sample")
    asked = None if given is None else given[test]
    drawn, labels = draw_series(made, len(test), asked, seed)
    sampled = time.perf_counter()
    shape = split.held_out.x.shape
    sample = Sample(np.asarray(drawn, dtype=np.float64).reshape(-1, *shape[1:]), labels)
    outcome = judge(metrics, split, lambda metric: (sample, split.train), n_repeats)
    return Fitted(outcome, fitted - began, sampled - fitted, made, sample)
