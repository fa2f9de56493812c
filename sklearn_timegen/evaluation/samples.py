"""Evaluate series from anywhere: two arrays, no generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.data.checks import check_count, check_window_starts
from sklearn_timegen.data.conditions import as_conditions
from sklearn_timegen.data.samples import read_samples
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
from sklearn_timegen.evaluation._run import run_tasks, summarise
from sklearn_timegen.metrics import Metric, resolve_metrics
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._reading import traits_of
from sklearn_timegen.metrics.registry import MetricSpec
from sklearn_timegen.model_selection import find_window_starts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["evaluate_samples"]


def evaluate_samples(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    X_train: ArrayLike | None = None,
    y_real: ArrayLike | None = None,
    y_synthetic: ArrayLike | None = None,
    window_starts: ArrayLike | None = None,
    metrics: MetricSpec = "default",
    n_splits: int = 5,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 1,
) -> pd.DataFrame:
    """Tell how good given synthetic series are, whatever made them.

    The real series are halved several times. Each time one half is compared with synthetic
    series, with the other half (the floor), and with training series resampled (copies), in
    equal numbers.

    Parameters
    ----------
    X_real : array-like of shape (n_samples, n_timesteps[, n_channels])
        Real series; not those trained on, if there are others.
    X_synthetic : array-like of shape (n_synthetic, n_timesteps[, n_channels])
        Synthetic series.
    X_train : array-like of shape (n_train, n_timesteps[, n_channels]), default=None
        The series that the generator was trained on. Without it, ``X_real`` is taken for them by
        metrics of memorisation, and ``membership_inference_auc`` cannot be told.
    y_real, y_synthetic : array-like of shape (n_samples,), default=None
        Labels, for ``tstr_score``.
    window_starts : array-like of int of shape (n_samples,), default=None
        Start of each real window, if they overlap; noticed without if they are in time order.
    metrics : {"default", "quick", "all"}, str, callable, Metric or list, default="default"
        What to compute.
    n_splits : int, default=5
        How often the real series are halved.
    n_repeats : int, default=5
        Recurrent judges to train for each comparison.
    n_jobs : int or None, default=None
        Halvings at a time, as in scikit-learn.
    random_state : int, RandomState, Generator or None, default=0
        Seed.
    verbose : int, default=1
        Whether to show a progress bar (on a terminal).

    Returns
    -------
    table : DataFrame
        As :func:`evaluate_generator` returns it; ``std`` is over the halvings, which share
        series: it shows the noise of the metrics, not that of training.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, there are fewer than 4 real series,
        or most of them are among ``X_train``.

    Examples
    --------
    >>> from sklearn_timegen import evaluate_samples
    >>> from sklearn_timegen.datasets import make_ar
    >>> X = make_ar(300, 24, random_state=0)
    >>> table = evaluate_samples(X[:200], X[200:] + 1, metrics="mmd", n_splits=2)
    >>> bool(table.loc["mmd", "score"] > 10 * abs(table.loc["mmd", "floor"]))
    True
    """
    n_splits, n_repeats = check_count(n_splits, "n_splits"), check_count(n_repeats, "n_repeats")
    seed = draw_seed(random_state)
    trained = () if X_train is None else (X_train,)
    names = ("X_real", "X_synthetic", "X_train")[: 2 + len(trained)]
    (real_values, synthetic_values, *known_values), reading = read_samples(
        X_real, X_synthetic, *trained, names=names
    )
    real = _as_sample(real_values, y_real, "y_real")
    synthetic = _as_sample(synthetic_values, y_synthetic, "y_synthetic")
    if (real.target is None) != (synthetic.target is None):
        raise ValueError("y_real and y_synthetic belong together: one is missing")
    if len(real) < 4:
        raise ValueError(f"{len(real)} real series cannot be halved: at least 4 are needed")
    if window_starts is None:
        real = replace(real, starts=find_window_starts(real.values))
    else:
        real = replace(real, starts=check_window_starts(window_starts, len(real)))
    train = None
    if known_values:
        train = Sample(known_values[0])
        _check_held_out(real.values, train.values)
    traits = traits_of(reading, real.values, synthetic.values)
    chosen = resolve_metrics(metrics, real.values.shape[1:], traits)
    if train is None:
        chosen = _without_train(chosen, metrics)
    if real.target is not None and not any(metric.accepts("y_real") for metric in chosen):
        raise ValueError(
            "y_real and y_synthetic would change nothing: tstr_score reads labels, and none of "
            f"the metrics {', '.join(metric.name for metric in chosen)} does"
        )
    encoder = fit_encoder(chosen, real, seed)
    known = (real,) if train is None else (real, train)
    rules = find_shared_rules(chosen, *(part.values for part in known), names=reading.names)
    seeds = [derive_seed(seed, f"half {k}") for k in range(n_splits)]
    wholes = [Split(real, known[-1], seed, encoder, rules, reading) for seed in seeds]
    with tqdm(total=n_splits, desc="evaluation", disable=None if verbose else True) as bar:
        tasks = (
            delayed(_judge_half)(chosen, whole, synthetic, train, n_repeats) for whole in wholes
        )
        scores, floors, copies = zip(*run_tasks(tasks, n_jobs, bar), strict=True)
    return summarise(chosen, list(scores), list(floors), list(copies))


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


def _as_sample(x: Array, y: ArrayLike | None, name: str) -> Sample:
    labels = None if y is None else as_conditions(y)
    if labels is not None and labels.shape != (len(x),):
        raise ValueError(f"{name} has shape {labels.shape} for {len(x)} series")
    return Sample(x, target=labels)


def _judge_half(
    metrics: list[Metric],
    whole: Split,
    synthetic: Sample,
    train: Sample | None,
    n_repeats: int,
) -> list[Outcome]:
    """Outcomes of the synthetic series, of real ones (the floor), and of copies."""
    real, seed = whole.held_out, whole.seed
    other, half = disjoint_rows(real, len(real) // 2, seed)
    n = min(len(half), len(other), len(synthetic))
    if n < 2:
        raise ValueError(
            f"of the {len(real)} real and {len(synthetic)} synthetic series no two disjoint "
            "samples are left: give more, or windows with a greater stride"
        )
    rng = np.random.default_rng(derive_seed(seed, "equal numbers"))
    half, other, synthetic = (_cut(sample, n, rng) for sample in (half, other, synthetic))
    # Without training series all real ones are taken for them: then any copy counts.
    memory = [metric for metric in metrics if metric.accepts("X_train")]
    fidelity = [metric for metric in metrics if metric not in memory]
    outcomes = []
    for kind, sample in (
        ("score", synthetic),
        ("floor", other),
        ("copies", resampled(whole.train, n, seed)),
    ):
        split = replace(whole, held_out=half)
        outcome = judge(fidelity, split, _always(sample, None), n_repeats)
        if train is None and kind != "floor":
            split = whole
        outcome |= judge(memory, split, _always(sample, train), n_repeats)
        outcomes.append(outcome)
    return outcomes


def _cut(sample: Sample, n: int, rng: np.random.Generator) -> Sample:
    return sample[np.sort(rng.choice(len(sample), n, replace=False))]


def _always(
    sample: Sample, train: Sample | None
) -> Callable[[Metric], tuple[Sample, Sample | None]]:
    return lambda metric: (sample, train)
