"""Which series a judge is trained on and which it is tested on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import KFold

from sklearn_timegen._random import derive_seed
from sklearn_timegen._rows import flat_rows
from sklearn_timegen.data.checks import check_window_starts
from sklearn_timegen.metrics._common import Array, nearest, rounding
from sklearn_timegen.model_selection import WindowKFold, nearest_gap

__all__ = [
    "Fold",
    "Index",
    "Split",
    "Starts",
    "check_starts",
    "fewer",
    "folds_of_both",
    "folds_of_halves",
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
    copies would be told by an accuracy below one half. Where folds are blocks of time, every
    synthetic window goes with the real one nearest to it: in training, the regime of the tested
    block would else be a synthetic one.
    """
    of_real, of_synthetic = (
        splits(x, own, n_folds, seed, _n_blocks(x, own, n_folds))
        for x, own in ((real, starts[0]), (synthetic, starts[1]))
    )
    rows_s, rows_r = flat_rows(real, synthetic, real)[1:]
    distance, original = nearest(rows_s, rows_r, tolerance=rounding(real))
    original = _among_equals(original, rows_r, derive_seed(seed, "equals"))
    follows = (distance == 0) | (starts[0] is not None)

    def moved(rows: Index, real_rows: Index) -> Index:
        with_original = np.flatnonzero(follows & np.isin(original, real_rows))
        return np.union1d(rows[~follows[rows]], with_original)

    folds = []
    for own_r, own_s in zip(of_real, of_synthetic, strict=True):
        train, test = (moved(*both) for both in zip(own_s, own_r, strict=True))
        if starts[1] is not None and len(test):
            gaps = nearest_gap(starts[1][train], np.sort(starts[1][test]))
            train = train[gaps >= synthetic.shape[1]]
        folds.append(Fold(own_r, (train, test)))
    if all(len(rows) for fold in folds for rows in fold.synthetic):
        return folds
    # So few real series are repeated that some folds hold no copy: the sample gives itself away.
    return [Fold(*both) for both in zip(of_real, of_synthetic, strict=True)]


def _among_equals(original: Index, rows: Array, seed: int) -> Index:
    """Return in place of each row one of those equal to it, by chance.

    Where many series are the same, as dry days are, the first of them would draw all synthetic
    ones like it into its own fold, and leave the judges of the others none to be trained on.
    """
    _, group, n_equal = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    if len(n_equal) == len(rows):
        return original
    group = group.ravel()
    together, first = np.argsort(group, kind="stable"), np.cumsum(n_equal) - n_equal
    of = group[original]
    chosen = np.random.default_rng(seed).integers(n_equal[of])
    equals: Index = together[first[of] + chosen]
    return equals


def folds_of_halves(
    x: Array, starts: Index | None, n_folds: int, seed: int
) -> tuple[Split, list[Fold]]:
    """Rows of two random halves, and folds of both in the same blocks of time.

    Halves of overlapping windows share timesteps. Since chance alone says which window is in
    which half, that tells a judge nothing; halves in blocks of time would differ in regime.
    """
    rng = np.random.default_rng(seed)
    whole = splits(x, starts, n_folds, seed, _n_blocks(x, starts, n_folds))
    is_first = np.zeros(len(x), dtype=bool)
    for _, test in whole:  # fold by fold, so that each holds as many of both
        is_first[rng.permutation(test)[: len(test) // 2]] = True
    first, second = np.flatnonzero(is_first), np.flatnonzero(~is_first)

    def within(half: Index, split: Split) -> Split:
        train, test = (np.flatnonzero(np.isin(half, rows)) for rows in split)
        return train, test

    return (first, second), [Fold(within(first, own), within(second, own)) for own in whole]


def _n_blocks(x: Array, starts: Index | None, n_folds: int) -> int:
    """Blocks of time a fold, so that each fold holds several regimes.

    A regime that only synthetic series show in training would be taken for synthetic. Blocks are
    eight windows long at least, or few windows would be left between them.
    """
    if starts is None:
        return 1
    span = int(starts.max() - starts.min()) + x.shape[1]
    return min(8, max(1, span // (8 * x.shape[1] * n_folds)))
