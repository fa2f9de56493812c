"""Evaluate series from anywhere: two arrays, no generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._validation import check_count, check_two_samples
from sklearn_timegen.evaluation._judging import (
    Outcome,
    Sample,
    Split,
    disjoint_rows,
    fit_encoder,
    judge,
    resampled,
)
from sklearn_timegen.evaluation._run import floor_of, run_tasks, summarise
from sklearn_timegen.metrics import Metric, resolve_metrics
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
    groups: ArrayLike | None = None,
    metrics: Any = "default",
    n_splits: int = 5,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 1,
) -> pd.DataFrame:
    """Tell how good given synthetic series are, whatever made them.

    The real series are halved several times. Each time one half is compared with as many
    synthetic series, with the other half (the floor), and with the training series resampled
    (copies).

    Parameters
    ----------
    X_real : array-like of shape (n_samples, n_timesteps[, n_channels])
        Real series; not those trained on, if there are others.
    X_synthetic : array-like of shape (n_synthetic, n_timesteps[, n_channels])
        Synthetic series.
    X_train : array-like of shape (n_train, n_timesteps[, n_channels]), default=None
        The series that the generator was trained on. Without it, one half of ``X_real`` is taken
        for a part of them: metrics of memorisation then see only a part of what was copied.
    y_real, y_synthetic : array-like of shape (n_samples,), default=None
        Labels, for ``tstr_score``.
    groups : array-like of shape (n_samples,), default=None
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
        If the samples are not finite or not alike in shape, or there are fewer than 4 real
        series.

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
    real, synthetic = (
        _as_sample(x, y, name)
        for x, y, name in zip(
            check_two_samples(X_real, X_synthetic),
            (y_real, y_synthetic),
            ("y_real", "y_synthetic"),
            strict=True,
        )
    )
    if (real.y is None) != (synthetic.y is None):
        raise ValueError("y_real and y_synthetic belong together: one is missing")
    if len(real) < 4:
        raise ValueError(f"{len(real)} real series cannot be halved: at least 4 are needed")
    real.starts = find_window_starts(real.x) if groups is None else np.asarray(groups)
    train = None
    if X_train is not None:
        train = Sample(check_two_samples(X_train, real.x, ("X_train", "X_real"))[0])
    chosen = resolve_metrics(metrics, real.x.shape[1])
    encoder = fit_encoder(chosen, real, seed)
    with tqdm(total=n_splits, desc="evaluation", disable=None if verbose else True) as bar:
        tasks = (
            delayed(_judge_half)(
                chosen, real, synthetic, train, encoder, derive_seed(seed, f"half {k}"), n_repeats
            )
            for k in range(n_splits)
        )
        scores, floors, copies = zip(*run_tasks(tasks, n_jobs, bar), strict=True)
    return summarise(chosen, list(scores), list(floors), list(copies))


def _as_sample(x: Any, y: ArrayLike | None, name: str) -> Sample:
    labels = None if y is None else np.asarray(y)
    if labels is not None and labels.shape != (len(x),):
        raise ValueError(f"{name} has shape {labels.shape} for {len(x)} series")
    return Sample(x, labels)


def _judge_half(
    metrics: list[Metric],
    real: Sample,
    synthetic: Sample,
    train: Sample | None,
    encoder: Any,
    seed: int,
    n_repeats: int,
) -> tuple[Outcome, Outcome, Outcome]:
    other, half = disjoint_rows(real, len(real) // 2, seed)
    if len(half) < 2:
        raise ValueError(
            f"the {len(real)} real windows overlap so much that no two disjoint halves are left; "
            "give a longer series, or windows with a greater stride"
        )
    split = Split(half, other if train is None else train, seed, encoder)
    rows = np.random.default_rng(derive_seed(seed, "synthetic")).permutation(len(synthetic))
    drawn = synthetic[rows[: len(other)]]
    copied = resampled(split.train, len(drawn), seed)
    floor = floor_of(Split(half, other, seed))
    return (
        judge(metrics, split, lambda metric: (drawn, split.train), n_repeats),
        judge(metrics, split, floor if train is None else _given(other, train), n_repeats),
        judge(metrics, split, lambda metric: (copied, split.train), n_repeats),
    )


def _given(other: Sample, train: Sample) -> Any:
    """The other half is fresh where the training series are known to be different ones."""
    return lambda metric: (other, train)
