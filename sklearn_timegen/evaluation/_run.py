"""The work behind ``evaluate_generator`` and ``compare_generators``: tasks over folds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from tqdm.auto import tqdm

from sklearn_timegen._random import RandomState, derive_seed, draw_seed, seed_estimator
from sklearn_timegen._types import CrossValidation, GeneratorLike
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.samples import padded, rows_of
from sklearn_timegen.evaluation import _data as data
from sklearn_timegen.evaluation._judging import (
    Outcome,
    Sample,
    Split,
    disjoint_rows,
    find_shared_rules,
    fit_encoder,
    judge,
    like_labels,
    resampled,
)
from sklearn_timegen.metrics import ContrastiveEncoder, Metric, resolve_metrics
from sklearn_timegen.metrics._reading import traits_of
from sklearn_timegen.metrics.registry import MetricSpec
from sklearn_timegen.metrics.scorer import draw_series
from sklearn_timegen.synthetic_training.sources import fit_generator

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
    generator: GeneratorLike
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
    generators: dict[str, GeneratorLike],
    X: ArrayLike,
    y: ArrayLike | None,
    *,
    cv: CrossValidation,
    groups: ArrayLike | None,
    window_starts: ArrayLike | None,
    metrics: MetricSpec,
    n_repeats: int,
    n_jobs: int | None,
    random_state: RandomState,
    verbose: int,
) -> Evaluation:
    """Judge every generator on every fold, all by the same splits, floors and encoders."""
    n_repeats = check_count(n_repeats, "n_repeats")
    seed = draw_seed(random_state)
    data.check_generators(generators)
    X, x, reading = data.as_series(X, list(generators.values()))
    chosen = resolve_metrics(metrics, x.shape[1:], traits_of(reading, x))
    data.check_metrics(chosen, compared=len(generators) > 1)
    target = data.check_target(y, len(x))
    labels = data.labels_of(generators, target)
    everything = data.as_sample(x, labels, groups, window_starts, cv)
    folds = data.make_folds(cv, everything, target, seed)
    if target is not None and _any_conditional(generators):
        data.check_classes(folds, target)
    rules = find_shared_rules(chosen, x, names=reading.names)
    splits = [
        Split(
            everything[test],
            everything[train],
            derive_seed(seed, f"fold {k}"),
            rules=rules,
            reading=reading,
            given=None if reading.schema is None else rows_of(X, test),
        )
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
                delayed(_named)(name, clone(generator), X, target, fold, split, chosen, n_repeats)
                for name, generator in generators.items()
                for fold, split in zip(folds, splits, strict=True)
            ),
            n_jobs,
            bar,
        )
    n = len(splits)
    fitted = {name: fits[k * n : (k + 1) * n] for k, name in enumerate(generators)}
    floors, copies = [floor for floor, _, _ in references], [copy for _, copy, _ in references]
    return Evaluation(chosen, splits, floors, copies, fitted)


def _any_conditional(generators: dict[str, GeneratorLike]) -> bool:
    return any(getattr(generator, "conditional", False) for generator in generators.values())


def run_tasks(tasks: Iterable[Any], n_jobs: int | None, bar: tqdm) -> list[Any]:
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
            sum(outcome.seconds[name] for outcome in (*scores, *floors, *copies)),
        ]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)
    table.index.name = "metric"
    table.attrs["folds"] = {
        metric.name: {
            kind: [float(outcome.values[metric.name]) for outcome in outcomes]
            for kind, outcomes in (("score", scores), ("floor", floors), ("copies", copies))
        }
        for metric in metrics
    }
    return table


# -- tasks ---------------------------------------------------------------------------------------


def _refer(
    metrics: list[Metric], split: Split, n_repeats: int
) -> tuple[Outcome, Outcome, ContrastiveEncoder | None]:
    """What real series and copies score on a split, and its encoder."""
    split.encoder = fit_encoder(metrics, split.train, split.seed)
    floor = judge(metrics, split, floor_of(split), n_repeats)
    copied = resampled(split.train, len(split.held_out), split.seed, split.held_out.target)
    copies = judge(metrics, split, lambda metric: (copied, split.train), n_repeats)
    return floor, copies, split.encoder


def floor_of(split: Split) -> Callable[[Metric], tuple[Sample, Sample]]:
    """Real series beside the held-out ones: of the training side, which is all one could know.

    For metrics of memorisation they must not be trained on themselves: then they are parted from
    the training series, of which at least half (of overlapping windows, three quarters) stay.
    """
    train = split.train
    most = len(train) // (2 if train.starts is None else 4)
    n = len(split.held_out)
    if split.held_out.target is not None and train.starts is None:
        plain = like_labels(train, split.held_out.target, split.seed)
    else:
        plain = disjoint_rows(train, min(n, len(train)), split.seed)[0]
    fresh, rest = disjoint_rows(train, max(1, min(n, most)), split.seed)
    if len(rest) < 2:
        raise ValueError(
            f"the {len(train)} training series of a fold overlap, or belong together, so much "
            "that they cannot be parted for the floor of memorisation; give more of them, or "
            "cut windows with a greater stride"
        )
    return lambda metric: (fresh, rest) if metric.accepts("X_train") else (plain, train)


def _named(name: str, *task: Any) -> Fitted:
    """Fit and judge, and name the generator that failed."""
    try:
        return _fit_and_judge(*task)
    except Exception as error:
        error.add_note(f"raised by the generator {name!r}: {task[0]!r}")
        raise


def _fit_and_judge(
    generator: GeneratorLike,
    X: Any,
    y: NDArray[Any] | None,
    fold: tuple[NDArray[np.int64], NDArray[np.int64]],
    split: Split,
    metrics: list[Metric],
    n_repeats: int,
) -> Fitted:
    train, test = fold
    generator = seed_estimator(generator, derive_seed(split.seed, "generator"))
    began = time.perf_counter()
    fit_generator(generator, rows_of(X, train), None if y is None else y[train])
    fitted = time.perf_counter()
    seed = derive_seed(split.seed, "sample")
    asked = None if y is None else y[test]
    synthetic, labels = draw_series(generator, len(test), asked, seed)
    sampled = time.perf_counter()
    sample = Sample(_as_asked(synthetic, split), target=labels)
    outcome = judge(metrics, split, lambda metric: (sample, split.train), n_repeats)
    return Fitted(outcome, fitted - began, sampled - fitted, generator, sample)


def _as_asked(synthetic: Any, split: Split) -> NDArray[np.float64]:
    """Return what a generator drew as numbers, of the shape of the held-out series."""
    shape = split.held_out.values.shape
    if split.reading.schema is None:
        x = np.asarray(synthetic, dtype=np.float64)
        if not (x.shape == shape or x.shape == (shape[0], shape[1] * shape[2])):
            raise ValueError(f"it drew an array of shape {x.shape}, but {shape} was asked for")
        return x.reshape(shape)
    x = split.reading.read(synthetic, "the sample", "X")
    if len(x) != shape[0] or x.shape[1] > shape[1]:
        raise ValueError(
            f"it drew {len(x)} series of up to {x.shape[1]} timesteps, but {shape[0]} of at most "
            f"{shape[1]}, the longest of the data, were asked for"
        )
    return padded(x, shape[1])
