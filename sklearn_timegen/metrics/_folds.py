"""Which series a judge is trained on and which it is tested on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import KFold

from sklearn_timegen.data.checks import check_window_starts
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.model_selection import WindowKFold

__all__ = [
    "Fold",
    "Index",
    "Split",
    "Starts",
    "check_starts",
    "fewer",
    "folds_of_both",
    "halves",
    "splits",
]

Index = NDArray[np.int64]
Split = tuple[Index, Index]  # rows to train on, rows to test on
Starts = tuple[Index | None, Index | None]  # of real and of synthetic windows


class Fold(NamedTuple):
    """A split of the real series and one of the synthetic ones."""

    real: Split
    synthetic: Split


def check_starts(starts: ArrayLike | None, n_samples: int, name: str) -> Index | None:
    return None if starts is None else check_window_starts(starts, n_samples, name)


def splits(
    x: Array, starts: Index | None, n_folds: int, seed: int, n_blocks: int = 1
) -> list[Split]:
    """Folds at random, or blocks of time if the windows' starts are known, in random order."""
    if starts is None:
        return list(KFold(n_folds, shuffle=True, random_state=seed).split(x))
    folds = list(WindowKFold(n_folds, n_blocks=n_blocks).split(x, window_starts=starts))
    order = np.random.default_rng(seed).permutation(n_folds)
    return [folds[k] for k in order]


def fewer(
    x: Array, starts: Index | None, n: int | None, rng: np.random.Generator
) -> tuple[Array, Index | None]:
    """Return at most ``n`` series, drawn at random and in their old order, and their starts."""
    if n is None or len(x) <= n:
        return x, starts
    rows = np.sort(rng.choice(len(x), n, replace=False))
    return x[rows], None if starts is None else starts[rows]


def folds_of_both(
    real: Array, synthetic: Array, starts: Starts, n_folds: int, seed: int
) -> list[Fold]:
    """Folds of both samples, in which a copy goes with the real series that it repeats.

    A judge trained on a series under one name, and tested on it under the other, is misled:
    copies would be told by an accuracy below one half. Where so few series are repeated that a
    fold would be left without any, the sample gives itself away, and folds stay as they were.
    """
    known = {row.tobytes(): i for i, row in reversed(list(enumerate(real)))}
    original = np.array([known.get(row.tobytes(), -1) for row in synthetic])
    copied = original >= 0
    of_real, of_synthetic = (
        splits(x, own, n_folds, seed, _n_blocks(x, own, n_folds))
        for x, own in ((real, starts[0]), (synthetic, starts[1]))
    )

    def with_originals(rows: Index, real_rows: Index) -> Index:
        return np.union1d(rows[~copied[rows]], np.flatnonzero(np.isin(original, real_rows)))

    moved = [
        (with_originals(train, train_r), with_originals(test, test_r))
        for (train_r, test_r), (train, test) in zip(of_real, of_synthetic, strict=True)
    ]
    if all(len(train) and len(test) for train, test in moved):
        of_synthetic = moved
    return [Fold(*both) for both in zip(of_real, of_synthetic, strict=True)]


def halves(x: Array, starts: Index | None, seed: int) -> Split:
    """Rows of two random halves; of overlapping windows, halves that share no timestep."""
    rng = np.random.default_rng(seed)
    if starts is None:
        first, second = np.array_split(rng.permutation(len(x)), 2)
        return np.sort(first), np.sort(second)
    splitter = WindowKFold(2, n_blocks=_n_blocks(x, starts, 2))
    both = list(splitter.split(x, window_starts=starts))
    return both[rng.integers(2)]


def _n_blocks(x: Array, starts: Index | None, n_folds: int) -> int:
    """Blocks of time a fold, so that each fold holds several regimes.

    A regime that only synthetic series show in training would be taken for synthetic. Blocks are
    eight windows long at least, or few windows would be left between them.
    """
    if starts is None:
        return 1
    span = int(starts.max() - starts.min()) + x.shape[1]
    return min(8, max(1, span // (8 * x.shape[1] * n_folds)))
