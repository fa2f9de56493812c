"""The work behind ``evaluate_generator`` and ``compare_generators``: tasks over folds."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone

from sklearn_timegen._random import RandomState, derive_seed, draw_seed, seed_estimator
from sklearn_timegen._types import CrossValidation, GeneratorLike
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.evaluation import _data as data
from sklearn_timegen.evaluation._judges import summarise_judges
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
from sklearn_timegen.evaluation._progress import Progress, by_measures, preparing
from sklearn_timegen.evaluation._reading import summary
from sklearn_timegen.evaluation._subject import Subject, WindowSubject
from sklearn_timegen.evaluation._tables import (
    TableSubject,
    names_for,
    read_as_table,
    reads_tables,
)
from sklearn_timegen.metrics import Metric, resolve_metrics
from sklearn_timegen.metrics._reading import traits_of
from sklearn_timegen.metrics.registry import MetricSpec

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
    """Everything that was measured; tables are views of it.

    Parameters
    ----------
    metrics : list of Metric
        What was measured.
    splits : list of Split
        Ways to hold real series out.
    floors, copies : list of Outcome
        Of each split, what real series and resampled ones score.
    outcomes : dict of str to list of Outcome
        Of each generator or sample, what it scores on each split.
    overlap : float
        Series held out by series trained on, as the test of differences asks for it.
    compared : {"generator", "samples"}
        What ``outcomes`` are of.
    fitted : dict of str to list of Fitted
        The generators, if these are compared.
    samples : dict of str to Sample
        The samples, if these are compared.
    description : str
        What is compared, in words.
    """

    metrics: list[Metric]
    splits: list[Split]
    floors: list[Outcome]
    copies: list[Outcome]
    outcomes: dict[str, list[Outcome]]
    overlap: float
    compared: str = "generator"
    fitted: dict[str, list[Fitted]] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    description: str = ""


def run_evaluation(
    generators: dict[str, GeneratorLike],
    X: ArrayLike,
    y: ArrayLike | None,
    *,
    cv: CrossValidation,
    groups: ArrayLike | None,
    window_starts: ArrayLike | None,
    id_columns: Any,
    time_column: Hashable,
    window: int | str,
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
    progress = Progress("evaluation", verbose)
    progress.tell("reading series")
    ids, time_name = names_for(generators, id_columns, time_column)
    read: dict[str, Any] = {
        "cv": cv,
        "groups": groups,
        "window_starts": window_starts,
        "seed": seed,
    }
    subject: Subject
    if read_as_table(X, ids, time_name, window) or any(map(reads_tables, generators.values())):
        read |= {"id_columns": ids, "time_column": time_name, "window": window}
        subject = TableSubject.of(generators, X, y, **read)
    else:
        subject = WindowSubject.of(generators, X, y, **read)
    x, reading = subject.sample.values, subject.reading
    chosen = resolve_metrics(metrics, x.shape[1:], traits_of(reading, x))
    data.check_metrics(chosen, compared=len(generators) > 1)
    progress.tell(preparing(chosen))
    rules = find_shared_rules(chosen, x, names=reading.names)
    encoder = fit_encoder(chosen, subject.sample, seed)
    shared = {"rules": rules, "encoder": encoder}
    splits = [subject.split(k, seed, **shared) for k in range(len(subject.folds))]
    n_tasks = len(splits) * (1 + len(generators))
    with progress.begin(n_tasks, f"{len(splits)} folds, {by_measures(chosen)}"):
        # The references come first: what a metric has to say against the data is said before
        # any training.
        references = run_tasks(
            (delayed(_refer)(chosen, split, n_repeats) for split in splits),
            n_jobs,
            progress,
            ["real series"] * len(splits),
        )
        fits = run_tasks(
            (
                delayed(_named)(name, clone(generator), subject, k, split, chosen, n_repeats)
                for name, generator in generators.items()
                for k, split in enumerate(splits)
            ),
            n_jobs,
            progress,
            [name for name in generators for _ in splits],
        )
    n = len(splits)
    fitted = {name: fits[k * n : (k + 1) * n] for k, name in enumerate(generators)}
    return Evaluation(
        chosen,
        splits,
        [floor for floor, _ in references],
        [copy for _, copy in references],
        {name: [fit.outcome for fit in own] for name, own in fitted.items()},
        float(np.mean([len(test) / len(train) for train, test in subject.folds])),
        fitted=fitted,
        description=subject.description,
    )


def run_tasks(
    tasks: Iterable[Any], n_jobs: int | None, progress: Progress, names: Iterable[str]
) -> list[Any]:
    """Run joblib's delayed calls, and tell as each ends."""
    done = []
    results = Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    for result, name in zip(results, names, strict=True):
        done.append(result)
        progress.update(name)
    return done


def summarise(
    metrics: list[Metric], scores: list[Outcome], floors: list[Outcome], copies: list[Outcome]
) -> pd.DataFrame:
    """Lay the means over the splits out, a row a metric."""
    from sklearn_timegen.evaluation._table import EvaluationTable  # pandas takes a while

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
    table = EvaluationTable.from_dict(rows, orient="index", columns=COLUMNS)
    table.index.name = "metric"
    table.attrs["judges"] = summarise_judges(
        [outcome.judges for outcome in scores], [outcome.judges for outcome in floors]
    )
    table.attrs["folds"] = {
        metric.name: {
            kind: [float(outcome.values[metric.name]) for outcome in outcomes]
            for kind, outcomes in (("score", scores), ("floor", floors), ("copies", copies))
        }
        for metric in metrics
    }
    table.attrs["summary"] = summary(table, metrics)[1]
    return table


# -- tasks ---------------------------------------------------------------------------------------


def _refer(metrics: list[Metric], split: Split, n_repeats: int) -> tuple[Outcome, Outcome]:
    """What real series and copies score on a split."""
    floor = judge(metrics, split, floor_of(split), n_repeats)
    copied = resampled(split.train, len(split.held_out), split.seed, split.held_out.target)
    copies = judge(metrics, split, lambda metric: (copied, split.train), n_repeats)
    return floor, copies


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
    subject: Subject,
    fold: int,
    split: Split,
    metrics: list[Metric],
    n_repeats: int,
) -> Fitted:
    generator = seed_estimator(generator, derive_seed(split.seed, "generator"))
    began = time.perf_counter()
    subject.fit(generator, fold)
    fitted = time.perf_counter()
    sample = subject.draw(generator, fold, derive_seed(split.seed, "sample"))
    sampled = time.perf_counter()
    other = sample, split.train
    # What judges see takes a second or two to find, and is much the same on all folds.
    outcome = judge(metrics, split, lambda metric: other, n_repeats, clues=fold == 0)
    return Fitted(outcome, fitted - began, sampled - fitted, generator, sample)
