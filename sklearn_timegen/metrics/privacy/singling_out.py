"""Singling out: does a predicate that fits one synthetic series fit exactly one real owner?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen.data.checks import check_count, check_fraction
from sklearn_timegen.data.samples import read_samples
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics.privacy._owners import Codes, Mask, owners_of_both
from sklearn_timegen.metrics.privacy.attack import binomial_interval

__all__ = ["SinglingOut", "count_singled_out", "singling_out"]

TRIES = 20  # for each predicate that is asked for: many fit several synthetic series


@dataclass(frozen=True)
class SinglingOut:
    """How many predicates single out an owner.

    Parameters
    ----------
    n_predicates : int
        Predicates that fit exactly one synthetic series.
    n_members : int
        How many of these fit the series of exactly one owner of the training series.
    n_others : int
        The same, of as many owners that were not trained on.

    Examples
    --------
    >>> from sklearn_timegen.metrics import SinglingOut
    >>> result = SinglingOut(n_predicates=200, n_members=90, n_others=30)
    >>> result.rate, result.floor
    (0.45, 0.15)
    """

    n_predicates: int
    n_members: int
    n_others: int

    @property
    def rate(self) -> float:
        """Fraction of predicates that single out an owner that was trained on."""
        return self.n_members / self.n_predicates if self.n_predicates else float("nan")

    @property
    def floor(self) -> float:
        """Fraction that single out one that was not: what chance and the population explain."""
        return self.n_others / self.n_predicates if self.n_predicates else float("nan")

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return Clopper and Pearson's interval of the rate, for these series and others drawn.

        It tells of the choice of predicates alone, and not of other owners.

        Parameters
        ----------
        confidence : float, default=0.95
            How often such intervals are to hold the true rate, at least.

        Returns
        -------
        low, high : float
            Its ends; NaN without predicates.
        """
        level = 1 - check_fraction(confidence, "confidence")
        if not self.n_predicates:
            return float("nan"), float("nan")
        return binomial_interval(self.n_members, self.n_predicates, level)


def singling_out(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    X_train: ArrayLike,
    owners: ArrayLike | None = None,
    train_owners: ArrayLike | None = None,
    n_predicates: int = 300,
    n_conditions: int = 3,
    random_state: RandomState = None,
) -> SinglingOut:
    """Count predicates learned from synthetic series that single out an owner.

    A predicate is a conjunction of conditions on single values, such as "above 7.2 at t=3": those
    of a synthetic series that is drawn at random, at cells that are drawn at random, each on its
    side of the median. Of these the ones are kept that fit no other synthetic series. One singles
    out an owner if it fits series of that owner, and of no other. The population explains some
    of that: so the same is counted among as many owners that were not trained on.

    Parameters
    ----------
    X_real, X_synthetic, X_train : array-like of shape (n_samples, n_timesteps[, n_channels]), \
or list
        As for :func:`membership_attack`.
    owners, train_owners : array-like, default=None
        As for :func:`membership_attack`.
    n_predicates : int, default=300
        How many predicates are wanted. Twenty times as many are tried: there may be fewer.
    n_conditions : int, default=3
        Conditions of each.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the predicates, and of which owners are compared.

    Returns
    -------
    result : SinglingOut
        The counts, with rates.

    Raises
    ------
    ValueError
        If samples are infinite or not alike, a number is below 1, or owners are not one a series
        or are in both samples.

    References
    ----------
    M. Giomi, F. Boenisch, C. Wehmeyer and B. Tasnadi (2023), "A unified framework for quantifying
    privacy risk in synthetic data", PoPETs. https://arxiv.org/abs/2211.10459

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import singling_out
    >>> train, held_out = np.random.default_rng(0).normal(size=(2, 100, 12))
    >>> result = singling_out(held_out, train, X_train=train, random_state=0)
    >>> result.rate, result.floor < 0.6
    (1.0, True)
    """
    n_predicates = check_count(n_predicates, "n_predicates")
    n_conditions = check_count(n_conditions, "n_conditions")
    names = ("X_real", "X_synthetic", "X_train")
    (real, synthetic, train), _ = read_samples(X_real, X_synthetic, X_train, names=names)
    owner_of, is_member = owners_of_both(train_owners, len(train), owners, len(real))
    return count_singled_out(
        np.concatenate([train, real]),
        owner_of,
        is_member,
        ~is_member,
        synthetic,
        n_predicates=n_predicates,
        n_conditions=n_conditions,
        rng=np.random.default_rng(draw_seed(random_state)),
    )


def count_singled_out(
    x: Array,
    owner_of: Codes,
    is_member: Mask,
    is_other: Mask,
    synthetic: Array,
    *,
    n_predicates: int,
    n_conditions: int,
    rng: np.random.Generator,
) -> SinglingOut:
    """Count predicates that fit exactly one of as many members, and of others."""
    n = min(int(is_member.sum()), int(is_other.sum()))
    members, others = (
        _series_of(rng.choice(np.flatnonzero(mask), n, replace=False), x, owner_of)
        for mask in (is_member, is_other)
    )
    drawn = synthetic.reshape(len(synthetic), -1)
    known = np.isfinite(drawn).any(axis=0)
    medians = np.full(drawn.shape[1], np.nan)
    medians[known] = np.nanmedian(drawn[:, known], axis=0)
    found = tried = 0
    singled = np.zeros(2, dtype=int)
    while found < n_predicates and tried < TRIES * n_predicates:
        tried += 1
        source = drawn[rng.integers(len(drawn))]
        cells = np.flatnonzero(np.isfinite(source))
        cells = rng.choice(cells, min(n_conditions, len(cells)), replace=False)
        above = source[cells] >= medians[cells]
        if _fits(drawn, source, cells, above).sum() != 1:
            continue
        found += 1
        for k, (rows, own) in enumerate((members, others)):
            singled[k] += len(np.unique(own[_fits(rows, source, cells, above)])) == 1
    return SinglingOut(found, int(singled[0]), int(singled[1]))


def _series_of(chosen: Codes, x: Array, owner_of: Codes) -> tuple[Array, Codes]:
    rows = np.isin(owner_of, chosen)
    return x[rows].reshape(int(rows.sum()), -1), owner_of[rows]


def _fits(rows: Array, source: Array, cells: Codes, above: Mask) -> Mask:
    """Return which rows lie at each cell beyond the source's value, or at it; NaN never does."""
    values = rows[:, cells]
    # In single precision, which samples may have been rounded to.
    slack = 1e-6 * np.abs(source[cells])
    over, under = values >= source[cells] - slack, values <= source[cells] + slack
    return np.asarray(np.where(above, over, under).all(axis=1))
