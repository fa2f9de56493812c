"""The work behind ``evaluate_samples`` and ``compare_samples``: real series halved several times.

Each time one half is compared with each of the samples, with the other half (the floor), and
with training series resampled (copies), in equal numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.data.axes import channels_last
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.conditions import as_conditions
from sklearn_timegen.data.overlaps import known_starts
from sklearn_timegen.data.reading import as_pandas
from sklearn_timegen.data.samples import Reading, read_samples
from sklearn_timegen.data.tables.labels import read_labels
from sklearn_timegen.evaluation._data import check_metrics
from sklearn_timegen.evaluation._judging import (
    Outcome,
    Sample,
    Split,
    disjoint_rows,
    find_shared_rules,
    fit_encoder,
    judge,
    resampled,
)
from sklearn_timegen.evaluation._pieces import (
    LONGEST,
    Cut,
    Pieces,
    check_window,
    parts_of,
    usual_window,
)
from sklearn_timegen.evaluation._progress import Progress, by_measures, preparing
from sklearn_timegen.evaluation._run import Evaluation, run_tasks
from sklearn_timegen.evaluation._tables import read_as_table
from sklearn_timegen.metrics import Metric, resolve_metrics
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._reading import traits_of
from sklearn_timegen.metrics.registry import MetricSpec

__all__ = ["run_samples"]

ENOUGH_SERIES = 8  # of a table, to keep the windows of a series in one half
FLOOR, COPIES = "real series", "copies"
OVERLAP = 1.0  # of halves: as many series held out as there are others


def run_samples(
    X_real: Any,
    samples: dict[str, Any],
    X_train: Any = None,
    *,
    y_real: ArrayLike | None = None,
    y_synthetic: ArrayLike | None = None,
    window_starts: ArrayLike | None = None,
    id_columns: Any = None,
    time_column: Hashable = None,
    window: int | str = "auto",
    layout: str = "channels-last",
    metrics: MetricSpec,
    max_samples: int,
    n_splits: int,
    n_repeats: int,
    n_jobs: int | None,
    random_state: RandomState,
    verbose: int,
) -> Evaluation:
    """Judge every sample by the same halves, floors and copies."""
    n_splits, n_repeats = check_count(n_splits, "n_splits"), check_count(n_repeats, "n_repeats")
    max_samples = check_count(max_samples, "max_samples", least=2)
    seed = draw_seed(random_state)
    progress = Progress("evaluation", verbose)
    progress.tell("reading series")
    given = [X_real, *samples.values(), *([] if X_train is None else [X_train])]
    if (y_real is None) != (y_synthetic is None):
        raise ValueError("y_real and y_synthetic belong together: one is missing")
    names = ["X_real", *samples, *([] if X_train is None else ["X_train"])]
    given = [
        channels_last(as_pandas(X, name), layout, name)
        for X, name in zip(given, names, strict=True)
    ]
    table = any(read_as_table(X, id_columns, time_column, window) for X in given)
    if table:
        if window_starts is not None:
            raise ValueError(
                "window_starts tells where windows begin, but X_real is a table, whose times "
                "tell it: leave window_starts out"
            )
        targets = (y_real, y_synthetic)
        read, reading, description = _read_tables(
            given, names, targets, id_columns, time_column, window
        )
    else:
        arrays, reading = read_samples(given[0], *given[1:], names=names)
        read = [Sample(x) for x in arrays]
        read[0] = replace(read[0], starts=known_starts(read[0].values, window_starts))
        if y_real is not None:
            read[0] = _with_labels(read[0], y_real, "y_real")
        if y_synthetic is not None:
            read[1] = _with_labels(read[1], y_synthetic, "y_synthetic")
        description = f"{read[0].values.shape} real (series, timesteps, channels)"
    real, synthetic = read[0], dict(zip(samples, read[1:], strict=False))
    train = None if X_train is None else read[-1]
    if len(real) < 4:
        raise ValueError(f"{len(real)} real series cannot be halved: at least 4 are needed")
    if train is not None:
        _check_held_out(real.values, train.values)
    traits = traits_of(reading, real.values, *(sample.values for sample in synthetic.values()))
    chosen = resolve_metrics(metrics, real.values.shape[1:], traits)
    check_metrics(chosen, compared=len(samples) > 1)
    if train is None:
        chosen = _without_train(chosen, metrics)
    if real.target is not None and not any(metric.accepts("y_real") for metric in chosen):
        raise ValueError(
            "y_real and y_synthetic would change nothing: tstr_score reads labels, and none of "
            f"the metrics {', '.join(metric.name for metric in chosen)} does"
        )
    progress.tell(preparing(chosen))
    encoder = fit_encoder(chosen, real, seed)
    known = (real,) if train is None else (real, train)
    rules = find_shared_rules(chosen, *(part.values for part in known), names=reading.names)
    seeds = [derive_seed(seed, f"half {k}") for k in range(n_splits)]
    wholes = [Split(real, known[-1], own, encoder, rules, reading) for own in seeds]
    compared = [FLOOR, COPIES, *synthetic]
    smallest = min(map(len, synthetic.values()))
    most = smallest, max_samples
    tasks = (
        delayed(_judge_half)(
            chosen, whole, kind, synthetic.get(kind), train, most, n_repeats, clues=k == 0
        )
        for k, whole in enumerate(wholes)
        for kind in compared
    )
    labels = [f"half {k + 1}, {kind}" for k in range(n_splits) for kind in compared]
    with progress.begin(len(labels), _begun(len(real), *most, n_splits, chosen)):
        outcomes = run_tasks(tasks, n_jobs, progress, labels)
    of = {kind: outcomes[k :: len(compared)] for k, kind in enumerate(compared)}
    return Evaluation(
        chosen,
        wholes,
        of[FLOOR],
        of[COPIES],
        {name: of[name] for name in samples},
        OVERLAP,
        compared="samples",
        samples=synthetic,
        description=description,
    )


# -- reading -------------------------------------------------------------------------------------


def _read_tables(
    given: Sequence[Any],
    names: Sequence[str],
    labels: tuple[Any, Any],
    id_columns: Any,
    time_column: Hashable,
    window: int | str,
) -> tuple[list[Sample], Reading, str]:
    """Cut the series of all tables alike; windows have the labels of their series."""
    real = parts_of(given[0], id_columns, time_column, name=names[0])
    others = [
        parts_of(X, id_columns, time_column, real, name)
        for X, name in zip(given[1:], names[1:], strict=True)
    ]
    lengths = [len(part.frame) for part in real]
    asked = check_window(window)
    whole = asked is None and max(lengths) <= LONGEST and len(lengths) >= ENOUGH_SERIES
    cut = Cut() if whole else Cut.into(asked or usual_window(lengths), lengths)
    pieces = [Pieces.of([part.frame for part in parts], cut) for parts in (real, *others)]
    values, reading = read_samples(
        pieces[0].frames, *(own.frames for own in pieces[1:]), names=names
    )
    samples = [Sample(x, starts=own.starts) for x, own in zip(values, pieces, strict=True)]
    for k, (y, name) in enumerate(zip(labels, ("y_real", "y_synthetic"), strict=True)):
        known = read_labels(y, [part.key for part in (real, *others)[k]], name)
        if known is not None:
            own = as_conditions(known)[pieces[k].series]
            samples[k] = replace(samples[k], target=own)
    if not whole and len(real) >= ENOUGH_SERIES:
        samples[0] = replace(samples[0], groups=pieces[0].series)
    compared = "whole series" if whole else f"{len(pieces[0])} windows of {cut.window} timesteps"
    return samples, reading, f"{len(real)} real series; compared are {compared}"


def _with_labels(sample: Sample, y: ArrayLike, name: str) -> Sample:
    labels = as_conditions(y)
    if labels.shape != (len(sample),):
        raise ValueError(f"{name} has shape {labels.shape} for {len(sample)} series")
    return replace(sample, target=labels)


def _without_train(chosen: list[Metric], asked: Any) -> list[Metric]:
    """Leave out of a set what cannot be told without the training series."""
    kept = [metric for metric in chosen if not metric.needs_train]
    if len(kept) < len(chosen) and not isinstance(asked, str):
        names = [metric.name for metric in chosen if metric.needs_train]
        raise ValueError(f"{', '.join(names)} cannot be told without X_train")
    return kept


def _check_held_out(real: Array, train: Array) -> None:
    """Refuse training series in the place of held-out ones: beside them, copies look fresh."""
    known = {row.tobytes() for row in train}
    n_known = sum(row.tobytes() in known for row in real)
    if 2 * n_known > len(real):
        raise ValueError(
            f"{n_known} of the {len(real)} real series are among X_train: pass series that were "
            "not trained on as X_real, or leave X_train out"
        )


# -- judging -------------------------------------------------------------------------------------


def _judge_half(
    metrics: list[Metric],
    whole: Split,
    kind: str,
    synthetic: Sample | None,
    train: Sample | None,
    most: tuple[int, int],
    n_repeats: int,
    *,
    clues: bool,
) -> Outcome:
    """Compare a half with the other one (the floor), with copies, or with a sample."""
    real, seed = whole.held_out, whole.seed
    other, half = disjoint_rows(real, len(real) // 2, seed)
    n = min(len(half), len(other), *most)
    if n < 2:
        raise ValueError(
            f"of the {len(real)} real and {most[0]} synthetic series no two disjoint "
            "samples are left: give more, or windows with a greater stride"
        )
    rng = np.random.default_rng(derive_seed(seed, "equal numbers"))
    half, other = _cut(half, n, rng), _cut(other, n, rng)
    if synthetic is not None:
        compared = _cut(synthetic, n, rng)  # samples of one size are cut alike
    else:
        compared = other if kind == FLOOR else resampled(whole.train, n, seed)
    # Without training series all real ones are taken for them: then any copy counts.
    memory = [metric for metric in metrics if metric.accepts("X_train")]
    fidelity = [metric for metric in metrics if metric not in memory]
    split = replace(whole, held_out=half)
    asked = clues and synthetic is not None
    outcome = judge(fidelity, split, _always(compared, None), n_repeats, clues=asked)
    if train is None and kind != FLOOR:
        split = whole
    return outcome | judge(memory, split, _always(compared, train), n_repeats)


def _begun(
    n_real: int, n_synthetic: int, max_samples: int, n_splits: int, metrics: list[Metric]
) -> str:
    """Say what will be compared, and whether series are left out to save time."""
    words = f"{n_splits} halvings of {n_real:,} real series, {by_measures(metrics)}"
    if max_samples >= min(n_real // 2, n_synthetic):
        return words
    return (
        f"{words}; compared each time are {max_samples:,} of each kind, drawn at random: "
        "max_samples= asks for more"
    )


def _cut(sample: Sample, n: int, rng: np.random.Generator) -> Sample:
    return sample[np.sort(rng.choice(len(sample), n, replace=False))]


def _always(
    sample: Sample, train: Sample | None
) -> Callable[[Metric], tuple[Sample, Sample | None]]:
    return lambda metric: (sample, train)
