"""Can a judge tell synthetic series from real ones?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from threadpoolctl import threadpool_limits
from torch.nn.functional import binary_cross_entropy_with_logits

from sklearn_timegen._random import (
    RandomState,
    derive_seed,
    draw_seed,
    seed_estimator,
    torch_generator,
)
from sklearn_timegen._rows import channel_scale
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.metrics._common import Array, Measurement, one_torch_thread
from sklearn_timegen.metrics._folds import Index, Starts, check_starts, fewer, splits
from sklearn_timegen.metrics._judges import (
    BATCH_SIZE,
    Judge,
    hidden_size,
    make_judge,
    rows_last,
    scaled,
    train,
)
from sklearn_timegen.metrics._reading import Completion, read_pair
from sklearn_timegen.metrics._trials import MAX_SAMPLES, Pair
from sklearn_timegen.metrics.panel import judge_panel

__all__ = ["discriminative_score", "guessing"]

N_FOLDS_GRU, N_FOLDS = 5, 3
N_STEPS = 2000


def discriminative_score(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    judge: str | BaseEstimator = "gru",
    n_repeats: int | None = None,
    window_starts: ArrayLike | None = None,
    window_starts_synthetic: ArrayLike | None = None,
    max_samples: int | None = None,
    random_state: RandomState = None,
) -> Measurement:
    """Return how far a judge is from guessing which series are real: ``|accuracy - 1/2|``.

    Range [0, 0.5], lower is better. Guessing scores ``0.399 / sqrt(n)`` on average, with n the
    number of series that the judge was tested on: that is the result's ``floor``, and a score at
    or below it says that *this* judge saw nothing. Accuracy is the mean over both kinds, so
    that unequal numbers do no harm.

    The published judge is weak (a few units) and varies from run to run; papers' scores near its
    floor are saturated. Boosting is strong, the panel stronger. Copies of the training series
    pass them all.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.
    judge : {"gru", "boosting", "panel"} or classifier, default="gru"
        ``"gru"`` is the published one: one layer of ``max(4, n_channels // 2)`` units (published:
        ``n_channels // 2``, which is none for a univariate series) on channels scaled by their
        range, 2,000 steps of Adam(1e-3) on 128 real and 128 synthetic series, tested on a fifth
        of each. ``"boosting"`` and ``"panel"`` are those of :func:`judge_panel`: the first of its
        four judges alone, or the greatest score of all, beside that of real halves. Any other
        classifier sees rows of standardised values and first differences, equally many of each
        kind, in 3-fold cross-validation.
    n_repeats : int or None, default=None
        Judges to train, with splits and weights of their own. ``None`` is 5 GRUs, or 1
        cross-validation.
    window_starts : array-like of int of shape (n_samples,), default=None
        Start of each real window, if windows overlap; the real windows are then split into
        blocks of time, and none is trained on that overlaps a tested one. Splits at random
        let the judge memorise. ``None`` splits at random, as published; ``"boosting"`` and
        ``"panel"`` find out then whether windows overlap.
    window_starts_synthetic : array-like of int of shape (n_synthetic,), default=None
        The same for the second sample, if it holds overlapping windows of a real series too.
    max_samples : int or None, default=None
        At most so many series of each kind are used, drawn anew for each repeat of a
        cross-validation. ``None`` is all for ``"gru"`` and 1,500 for the others.
    random_state : int, RandomState, Generator or None, default=None
        Seed of splits, weights and batches.

    Returns
    -------
    score : Measurement
        A float: the mean over the repeats, with ``std``, ``floor`` and ``values``.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, have too few series to be split, or
        ``judge`` is no classifier.

    References
    ----------
    J. Yoon, D. Jarrett and M. van der Schaar (2019), "Time-series generative adversarial
    networks", NeurIPS 32, in the protocol of the published code.
    https://papers.nips.cc/paper/8789-time-series-generative-adversarial-networks

    D. Lopez-Paz and M. Oquab (2017), "Revisiting classifier two-sample tests", ICLR.
    https://arxiv.org/abs/1610.06545

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import discriminative_score
    >>> x = np.random.default_rng(0).normal(size=(200, 10))
    >>> discriminative_score(x[:100], x[100:] + 9, judge="boosting", random_state=0)
    0.5000 ± 0.0000 (floor 0.0282)
    """
    real, synthetic = read_pair(X_real, X_synthetic)
    starts = (
        check_starts(window_starts, len(real), "window_starts"),
        check_starts(window_starts_synthetic, len(synthetic), "window_starts_synthetic"),
    )
    is_gru = isinstance(judge, str) and judge == "gru"
    n_repeats = check_count((5 if is_gru else 1) if n_repeats is None else n_repeats, "n_repeats")
    if max_samples is not None:
        max_samples = check_count(max_samples, "max_samples")
    if isinstance(judge, str) and judge in ("boosting", "panel"):
        by = _by_panel if judge == "panel" else _by_boosting
        most = max_samples or MAX_SAMPLES
        return by(real, synthetic, starts, n_repeats, most, draw_seed(random_state))
    classifier = None if is_gru else _check_judge(judge)
    shown = Completion.of(real, synthetic)
    real, synthetic = shown(real), shown(synthetic)
    n_series = min(len(real), len(synthetic))
    fewest = (N_FOLDS_GRU if is_gru else N_FOLDS) + any(known is not None for known in starts)
    limit = min(n_series, max_samples or n_series)
    if limit < fewest:
        raise ValueError(
            f"{limit} series are too few to train and test a judge on: at least {fewest} real "
            "and as many synthetic ones are needed"
        )
    seed = draw_seed(random_state)
    if classifier is None:
        values, n_tested = _by_gru(real, synthetic, starts, n_repeats, max_samples, seed)
    else:
        most = max_samples or MAX_SAMPLES
        values, n_tested = _by_classifier(
            real, synthetic, starts, classifier, n_repeats, most, seed
        )
    return _measurement(values, float(np.mean([guessing(*tested) for tested in n_tested])))


def guessing(n_real: int, n_synthetic: int) -> float:
    """Mean of ``|accuracy - 1/2|`` of guessing which of so many series are real."""
    return 0.1995 * math.sqrt(1 / n_real + 1 / n_synthetic)


def _measurement(values: Sequence[float], floor: float | None) -> Measurement:
    """Lay the scores of the repeats together."""
    return Measurement(
        float(np.mean(values)), std=float(np.std(values)), floor=floor, values=values
    )


def _check_judge(judge: str | BaseEstimator) -> BaseEstimator:
    if isinstance(judge, str | type) or not hasattr(judge, "fit") or not is_classifier(judge):
        raise ValueError(
            f"judge must be 'gru', 'boosting', 'panel' or a classifier, got {judge!r}"
        )
    return judge


def _accuracy(real_called_real: NDArray[Any], synthetic_called_real: NDArray[Any]) -> float:
    return float(real_called_real.mean() + 1 - synthetic_called_real.mean()) / 2


# -- the published judge -------------------------------------------------------------------------


def _by_gru(
    real: Array,
    synthetic: Array,
    starts: Starts,
    n_repeats: int,
    max_samples: int | None,
    seed: int,
) -> tuple[list[float], list[tuple[int, int]]]:
    rng = np.random.default_rng(derive_seed(seed, "rows"))
    real, real_starts = fewer(real, starts[0], max_samples, rng)
    synthetic, synthetic_starts = fewer(synthetic, starts[1], max_samples, rng)
    of_real, of_synthetic = (
        [
            splits(x, own, N_FOLDS_GRU, derive_seed(seed, f"{kind} {k // N_FOLDS_GRU}"))[
                k % N_FOLDS_GRU
            ]
            for k in range(n_repeats)
        ]
        for x, own, kind in (
            (real, real_starts, "real"),
            (synthetic, synthetic_starts, "synthetic"),
        )
    )
    tensors = scaled(real, synthetic)
    judge = make_judge(n_repeats, real.shape[2], hidden_size(real.shape[2]), seed)
    generator = torch_generator(derive_seed(seed, "batches"))
    sides = [
        (x, *_padded([train_rows for train_rows, _ in splits]))
        for x, splits in zip(tensors, (of_real, of_synthetic), strict=True)
    ]
    target = torch.cat([torch.ones(n_repeats, BATCH_SIZE), torch.zeros(n_repeats, BATCH_SIZE)], 1)

    def loss() -> torch.Tensor:
        batch = []
        for x, rows, counts in sides:
            # With replacement: each repeat has rows of its own, and permuting them all costs more.
            places = torch.rand(n_repeats, BATCH_SIZE, generator=generator) * counts
            batch.append(x[rows.gather(1, places.long())])
        logits = judge(rows_last(torch.cat(batch, dim=1)), last=True)
        # The published loss adds the means of both kinds: twice the mean of the batch.
        error = binary_cross_entropy_with_logits(logits, target, reduction="none")
        return 2 * error.mean(dim=1).sum()

    with one_torch_thread():
        train(judge, N_STEPS, loss)
        with torch.no_grad():
            called = [_called_real(judge, x, n_repeats) for x in tensors]
    values, n_tested = [], []
    for k, ((_, test_r), (_, test_s)) in enumerate(zip(of_real, of_synthetic, strict=True)):
        values.append(abs(_accuracy(called[0][k, test_r], called[1][k, test_s]) - 0.5))
        n_tested.append((len(test_r), len(test_s)))
    return values, n_tested


def _called_real(judge: Judge, x: torch.Tensor, n_repeats: int) -> NDArray[np.bool_]:
    """Which series each judge gives a probability above 1/2, of shape (n_repeats, n_samples)."""
    logits = [
        judge(rows_last(part.expand(n_repeats, *part.shape)), last=True) for part in x.split(1024)
    ]
    return (torch.cat(logits, dim=1) > 0).numpy()


def _padded(rows: list[Index]) -> tuple[torch.Tensor, torch.Tensor]:
    """Lay lists of unequal length out in one array, with their lengths beside it."""
    counts = [len(row) for row in rows]
    table = np.zeros((len(rows), max(counts)), dtype=np.int64)
    for k, row in enumerate(rows):
        table[k, : len(row)] = row
    return torch.from_numpy(table), torch.tensor(counts)[:, None]


# -- classifiers of scikit-learn -----------------------------------------------------------------


def _by_classifier(
    real: Array,
    synthetic: Array,
    starts: Starts,
    classifier: BaseEstimator,
    n_repeats: int,
    max_samples: int,
    seed: int,
) -> tuple[list[float], list[tuple[int, int]]]:
    values = []
    n = min(len(real), len(synthetic), max_samples)
    for k in range(n_repeats):
        own = derive_seed(seed, f"repeat {k}")
        rng = np.random.default_rng(own)
        samples = [
            fewer(x, own_starts, n, rng)
            for x, own_starts in zip((real, synthetic), starts, strict=True)
        ]
        features = [_features(real, x) for x, _ in samples]
        folds_r, folds_s = (splits(x, own_starts, N_FOLDS, own) for x, own_starts in samples)
        called = np.zeros((2, n), dtype=bool)
        for fold, ((train_r, test_r), (train_s, test_s)) in enumerate(
            zip(folds_r, folds_s, strict=True)
        ):
            judge = seed_estimator(clone(classifier), derive_seed(own, f"fold {fold}"))
            X = np.concatenate([features[0][train_r], features[1][train_s]])
            # Two threads gain little at this size, and cost a multiple on a busy machine.
            with threadpool_limits(1, user_api="openmp"):
                judge.fit(X, np.arange(len(X)) < len(train_r))
                for kind, test in enumerate((test_r, test_s)):
                    called[kind, test] = judge.predict(features[kind][test])
        values.append(abs(_accuracy(called[0], called[1]) - 0.5))
    return values, [(n, n)] * n_repeats


def _features(real: Array, x: Array) -> Array:
    """Rows of standardised values, and of first differences on the scale of the real ones."""
    levels = (x - real.mean(axis=(0, 1))) / channel_scale(real)
    parts = [levels]
    if x.shape[1] > 1:
        parts.append(np.diff(x, axis=1) / channel_scale(np.diff(real, axis=1)))
    return np.concatenate([part.reshape(len(x), -1) for part in parts], axis=1)


# -- the panel -----------------------------------------------------------------------------------


def _by_boosting(
    real: Array, synthetic: Array, starts: Starts, n_repeats: int, max_samples: int, seed: int
) -> Measurement:
    """Ask one of the panel's judges only."""
    pair = Pair.read(real, synthetic, *starts)
    trials = [pair.trials(derive_seed(seed, f"repeat {k}"), max_samples) for k in range(n_repeats)]
    scores = [own["boosting"].score for own in trials]
    return _measurement(scores, guessing(trials[0].n_series, trials[0].n_series))


def _by_panel(
    real: Array, synthetic: Array, starts: Starts, n_repeats: int, max_samples: int, seed: int
) -> Measurement:
    scores = [
        judge_panel(
            real,
            synthetic,
            window_starts=starts[0],
            window_starts_synthetic=starts[1],
            max_samples=max_samples,
            random_state=derive_seed(seed, f"panel {k}"),
        ).score
        for k in range(n_repeats)
    ]
    floors = [score.floor for score in scores if score.floor is not None]
    return _measurement(scores, float(np.mean(floors)) if floors else None)
