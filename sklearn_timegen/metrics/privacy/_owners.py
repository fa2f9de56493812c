"""Whose series are whose: attacks count people, shops and patients, not windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.metrics._common import Array

__all__ = [
    "Codes",
    "Mask",
    "check_owners",
    "halves",
    "mean_by_owner",
    "owners_of_both",
    "rows_of_owners",
]

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


def check_owners(owners: Any, n_samples: int, name: str = "owners") -> Codes:
    """Return owners as numbers from 0; without any, each series has its own."""
    if owners is None:
        return np.arange(n_samples)
    import pandas as pd

    if np.ndim(owners) != 1 or len(owners) != n_samples:
        raise ValueError(
            f"{name} must name the owner of each of the {n_samples} series, got an array of shape "
            f"{np.shape(owners)}"
        )
    codes, _ = pd.factorize(pd.Series(list(owners), dtype=object))
    if (codes < 0).any():
        raise ValueError(
            f"{name} has no owner for series {int(np.argmax(codes < 0))}: name one, or leave "
            "series of unknown owners out"
        )
    return np.asarray(codes, dtype=np.int64)


def mean_by_owner(values: Array, codes: Codes, n_owners: int) -> Array:
    """Return the mean of the values of each owner's series; NaN for an owner without any."""
    counts = np.bincount(codes, minlength=n_owners)
    sums = np.bincount(codes, weights=values, minlength=n_owners)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def rows_of_owners(codes: Codes, chosen: Mask) -> Codes:
    """Return the rows of the series of the owners that are chosen."""
    return np.flatnonzero(chosen[codes])


def halves(n_owners: int, n: int, rng: np.random.Generator) -> Iterator[Mask]:
    """Yield ``n`` random halves of the owners, every second one the rest of the one before.

    So each owner is in half of them, which is what in and out scores of one owner need.
    """
    for k in range(n):
        if k % 2 == 0:
            chosen = np.zeros(n_owners, dtype=bool)
            chosen[rng.permutation(n_owners)[: n_owners // 2]] = True
        else:
            chosen = ~chosen
        yield chosen


def owners_of_both(
    train_owners: Any, n_train: int, owners: Any, n_real: int
) -> tuple[Codes, Mask]:
    """Return the owners of training series and of others after them, and which are members."""
    train, real = check_owners(train_owners, n_train, "train_owners"), check_owners(owners, n_real)
    if train_owners is not None and owners is not None:
        both = check_owners([*train_owners, *owners], n_train + n_real)
    else:  # owners of whom one sample has no names are all different
        both = np.concatenate([train, real + train.max() + 1])
    is_member = np.zeros(int(both.max()) + 1, dtype=bool)
    is_member[both[:n_train]] = True
    shared = is_member[both[n_train:]]
    if shared.any():
        raise ValueError(
            f"{int(shared.sum())} series of X_real have an owner whose series are in X_train, the "
            f"first of them series {int(np.argmax(shared))}: leave them out, for an owner was "
            "either trained on or was not"
        )
    return both, is_member
