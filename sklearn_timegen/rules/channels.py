"""Channels that carry nothing new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

__all__ = ["ChannelReducer"]

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]

_STEPS = 4 * float(np.finfo(np.float32).eps)  # of rounding that a sum of rounded terms may be off
_ROWS = 5000  # that a channel is screened on; what passes is checked on all
_RELATIVES = 7  # channels that a combination is looked for among, where many values are missing
_EVIDENCE = 10  # observations for each coefficient, or a fit proves nothing
# Of simple coefficients; those below 1 for changes of units, as from kWh to J.
_DENOMINATORS = (*range(1, 61), *(10.0**k for k in (2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6)))


class ChannelReducer(TransformerMixin, BaseEstimator):
    """Leave out channels that carry nothing new, and put them back exactly.

    A channel that never varies, is an exact copy of an earlier one, or an affine combination of
    others (a total beside its parts, degrees Celsius beside Fahrenheit), cannot be learned
    exactly by a network, and the small difference gives a synthetic series away at once.

    Combinations must hold in all values, to float32 rounding: ``4 * eps * max(abs(channel))``.
    Channels that are merely alike, as a day's highest and lowest price, are kept. What is left out
    of a combination is the channel of the largest values, since its rounding hides the least.
    Coefficients that are integers or simple fractions within their standard errors are made so.
    Others count as found by accident unless there are ten series for each of them, and in any
    case there must be ten observations for each.

    Missing values are NaN. What is observed of several channels at once has to agree; a channel of
    which nothing is observed is kept. Combinations are looked for among the timesteps at which no
    channel is missing; where these are too few, among those of each channel and the seven that it
    depends on most (by partial correlations, from what is observed of each pair).

    Parameters
    ----------
    keep : sequence of int, default=()
        Channels that are kept, whatever they are.

    Attributes
    ----------
    kept_ : ndarray
        Indices of the channels that are kept; one at least.
    source_ : ndarray of shape (n_channels,)
        For each channel, the position among the kept ones that it is restored from; -1 for a
        combination of several or with another scale or level.
    constants_ : ndarray of shape (n_channels,)
        The value of a channel that never varies, else NaN.
    weights_ : ndarray of shape (n_channels, n_kept)
        How each channel is combined from those that are kept: ``x = v @ weights_.T + offsets_``.
    offsets_ : ndarray of shape (n_channels,)
        What is added.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import ChannelReducer
    >>> x = np.random.default_rng(0).normal(size=(50, 4, 4)).astype(np.float32)
    >>> x[:, :, 1], x[:, :, 2] = x[:, :, 0], 7.0
    >>> x[:, :, 3] = 3 * x[:, :, 0] - 1
    >>> reducer = ChannelReducer().fit(x)
    >>> reducer.transform(x).shape
    (50, 4, 1)
    >>> reducer.weights_[:, 0], reducer.offsets_
    (array([1., 1., 0., 3.]), array([ 0.,  0.,  7., -1.]))
    """

    def __init__(self, keep: Sequence[int] = ()) -> None:
        self.keep = keep

    @classmethod
    def keeping_all(cls, n_channels: int) -> ChannelReducer:
        """Return one that leaves out nothing."""
        reducer = cls()
        reducer.constants_ = np.full(n_channels, np.nan, dtype=np.float32)
        reducer.kept_ = reducer.source_ = np.arange(n_channels)
        reducer.weights_, reducer.offsets_ = np.eye(n_channels), np.zeros(n_channels)
        return reducer

    def fit(self, x: FloatArray, y: Any = None) -> ChannelReducer:
        keep = list(self.keep)
        rows = x.reshape(-1, x.shape[2])
        missing = np.isnan(rows)
        known = (~missing).sum(axis=0) >= min(_EVIDENCE, len(rows))
        constant = known & (np.fmax.reduce(rows, axis=0) == np.fmin.reduce(rows, axis=0))
        constant[keep] = False
        first = rows[missing.argmin(axis=0), np.arange(x.shape[2])]
        self.constants_ = np.where(constant, first, np.nan).astype(np.float32)
        distinct, original = _copies(x, np.flatnonzero(~constant), keep)
        combined = _combinations(x, distinct, keep)
        kept = [j for j in distinct if j not in combined] or [0]
        self.kept_ = np.array(kept)
        position = {j: k for k, j in enumerate(kept)}
        self.source_ = np.array(
            [0 if constant[j] else position.get(original[j], -1) for j in range(x.shape[2])]
        )
        self.weights_ = np.zeros((x.shape[2], len(kept)))
        self.offsets_ = np.nan_to_num(self.constants_).astype(np.float64)
        for j in np.flatnonzero(~constant):
            if self.source_[j] >= 0:
                self.weights_[j, self.source_[j]] = 1.0
                continue
            terms, weights, offset = combined[int(original[j])]
            self.weights_[j, [position[i] for i in terms]] = weights
            self.offsets_[j] = offset
        return self

    def transform(self, x: FloatArray) -> FloatArray:
        check_is_fitted(self)
        return x if len(self.kept_) == x.shape[2] else x[:, :, self.kept_]

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        check_is_fitted(self)
        constant = ~np.isnan(self.constants_)
        if len(self.source_) == v.shape[2] and not constant.any():
            return v
        x = v[:, :, self.source_]
        x[:, :, constant] = self.constants_[constant]
        for j in np.flatnonzero(self.source_ < 0):
            terms = np.flatnonzero(self.weights_[j])
            x[:, :, j] = _combine(v, terms, self.weights_[j, terms], self.offsets_[j])
        return x

    def spread(self, v: FloatArray) -> FloatArray:
        """Return the part of all channels that is linear in those kept: without ``offsets_``."""
        check_is_fitted(self)
        out: FloatArray = (v @ self.weights_.T).astype(np.float32)
        return out


def _copies(
    x: FloatArray, candidates: NDArray[Any], keep: list[int]
) -> tuple[list[int], NDArray[np.int64]]:
    """Return the channels that are no copies, and for each channel the first one like it."""
    n = x.shape[0] * x.shape[1]
    glimpse = x.reshape(n, -1)[:: max(1, n // 100)]
    distinct: list[int] = []
    original = np.zeros(x.shape[2], dtype=np.int64)
    for j in candidates:
        a, b = glimpse[:, distinct], glimpse[:, [j]]
        alike = np.flatnonzero(((a == b) | np.isnan(a) | np.isnan(b)).all(axis=0))
        twins = [distinct[k] for k in alike if _is_copy(x[:, :, distinct[k]], x[:, :, j])]
        original[j] = twins[0] if twins and j not in keep else j
        if original[j] == j:
            distinct.append(int(j))
    return distinct, original


def _is_copy(a: FloatArray, b: FloatArray) -> bool:
    """Whether channels are equal wherever both are observed, which has to be often, and vary."""
    if np.array_equal(a, b):
        return True
    both = ~(np.isnan(a) | np.isnan(b))
    enough = 0.25 * min((~np.isnan(a)).sum(), (~np.isnan(b)).sum())
    if both.sum() < max(2 * _EVIDENCE, enough) or not np.array_equal(a[both], b[both]):
        return False
    return bool(np.ptp(a[both]) > 0)


Combination = tuple[list[int], list[float], float]  # channels, their weights, offset


class _Span:
    """The constant and some columns, orthonormalised one by one: ``columns = q @ r``."""

    def __init__(self, n_rows: int, n_columns: int) -> None:
        self.q = np.zeros((n_rows, n_columns + 1))
        self.r = np.zeros((n_columns + 1, n_columns + 1))
        self.q[:, 0], self.r[0, 0] = n_rows**-0.5, n_rows**0.5
        self.size = 1

    def project(self, column: Array) -> tuple[Array, Array]:
        """Return the coordinates of a column within the span, and what is left of it."""
        q = self.q[:, : self.size]
        coordinates = q.T @ column
        rest = column - q @ coordinates
        more = q.T @ rest  # what rounding has left in the first pass
        return coordinates + more, rest - q @ more

    def add(self, coordinates: Array, rest: Array) -> None:
        size = np.linalg.norm(rest)
        self.r[: self.size, self.size], self.r[self.size, self.size] = coordinates, size
        self.q[:, self.size] = rest / size
        self.size += 1

    def solve(self, coordinates: Array, rest: Array) -> tuple[Array, Array]:
        """Return the weights of the columns that give a projection, and their standard errors."""
        inverse = solve_triangular(self.r[: self.size, : self.size], np.eye(self.size))
        spread = np.sqrt(np.mean(rest**2) * (inverse**2).sum(axis=1))
        return (inverse @ coordinates)[1:], spread[1:]


def _combinations(x: FloatArray, candidates: list[int], keep: list[int]) -> dict[int, Combination]:
    """Find the channels that are affine combinations of others, none of which is one."""
    rows, together = _complete_rows(x.reshape(-1, x.shape[2]), candidates)
    if len(together) < len(candidates) and len(candidates) > _RELATIVES + 1:
        return _combinations_of_relatives(x, candidates, keep)
    candidates, n = together, len(rows)
    if n > _ROWS + _EVIDENCE * len(candidates):
        rng = np.random.default_rng(0)
        rows = rows[rng.choice(n, _ROWS + _EVIDENCE * len(candidates), replace=False)]
    reach = np.fmax.reduce(np.abs(x), axis=(0, 1)).astype(np.float64)
    span = _Span(len(rows), min(len(candidates), n // _EVIDENCE))
    found: dict[int, Combination] = {}
    terms: list[int] = []
    for j in sorted(candidates, key=lambda j: reach[j]):
        if _EVIDENCE * (span.size + 1) > n:
            break  # so many coefficients could fit anything
        column = rows[:, j].astype(np.float64)
        coordinates, rest = span.project(column)
        # Where rounding is a part of the variation, what is left may be all that matters.
        tolerance = min(_STEPS * reach[j], 1e-3 * float(column.std()))
        if np.abs(rest).max() > tolerance:
            span.add(coordinates, rest)
            terms.append(j)
        elif terms and j not in keep:
            weights, errors = span.solve(coordinates, rest)
            combination = _simplified(x, rows, j, terms, weights, errors, tolerance)
            if combination is not None:
                found[j] = combination
    return found


def _combinations_of_relatives(
    x: FloatArray, candidates: list[int], keep: list[int]
) -> dict[int, Combination]:
    """Find combinations of a channel and those that it depends on most, one group at a time."""
    rows = x.reshape(-1, x.shape[2])[:, candidates].astype(np.float64)
    known = ~np.isnan(rows)
    candidates = [j for j, n in zip(candidates, known.sum(axis=0), strict=True) if n]
    rows, known = rows[:, known.any(axis=0)], known[:, known.any(axis=0)]
    spread = np.nanstd(rows, axis=0)
    spread[spread == 0] = 1.0  # of a few values that are equal
    z = np.where(known, (rows - np.nanmean(rows, axis=0)) / spread, 0.0)
    both = known.astype(np.float64)
    correlation = (z.T @ z) / np.maximum(both.T @ both, 1)
    # Of pairs with holes it is no proper one: the ridge keeps it from being turned over.
    precision = np.linalg.inv(correlation + 0.05 * np.eye(len(candidates)))
    strength = np.abs(precision) / np.sqrt(np.abs(precision.diagonal()))
    found: dict[int, Combination] = {}
    terms: set[int] = set()
    for k in range(len(candidates)):
        group = [candidates[i] for i in np.argsort(-strength[k])]
        group = [j for j in group if j not in found][: _RELATIVES + 1]
        for j, combination in _combinations(x, sorted(group), keep).items():
            if j not in terms and not set(combination[0]) & found.keys():
                found[j] = combination
                terms.update(combination[0])
    return found


def _complete_rows(rows: FloatArray, candidates: list[int]) -> tuple[FloatArray, list[int]]:
    """Return the rows of which no candidate is missing, and the candidates.

    Those that are missing most often are left out until enough rows are there for the others.
    """
    missing = np.isnan(rows)
    if not missing[:, candidates].any():
        return rows, candidates
    often = sorted(candidates, key=lambda j: missing[:, j].sum())
    while often:
        complete = ~missing[:, often].any(axis=1)
        if complete.sum() >= 2 * _EVIDENCE * (len(often) + 1):
            break
        often.pop()
    return rows[~missing[:, often].any(axis=1)], sorted(often)


def _simplified(
    x: FloatArray,
    rows: FloatArray,
    j: int,
    terms: list[int],
    weights: Array,
    errors: Array,
    tolerance: float,
) -> Combination | None:
    """Make the coefficients of channel ``j`` simple, and check them on all values."""
    fractions = [_fraction(w, 6 * e) for w, e in zip(weights, errors, strict=True)]
    pairs = zip(fractions, weights, strict=True)
    simple = np.array([w if fraction is None else fraction for fraction, w in pairs])
    for tried, is_simple in ((simple, None not in fractions), (weights, False)):
        some = [i for i, w in zip(terms, tried, strict=True) if w != 0]
        found = [float(w) for w in tried if w != 0]
        if not some or _EVIDENCE * (len(some) + 1) > _n_told(x, [j, *some], is_simple):
            continue
        level = float(np.mean(rows[:, j] - rows[:, some].astype(np.float64) @ found))
        for offset in (_roundest(level, tolerance), level):
            error = _combine(x, some, found, offset) - x[:, :, j]
            if np.fmax.reduce(np.abs(error), axis=None) <= tolerance:
                return some, found, offset
    return None


def _n_told(x: FloatArray, channels: list[int], is_simple: bool) -> int:
    """Return at how many timesteps channels are observed, or in how many series they are."""
    told: Any = ~np.isnan(x[:, :, channels]).any(axis=2)
    return int(told.sum() if is_simple else told.any(axis=1).sum())


def _combine(x: FloatArray, terms: Any, weights: Any, offset: float) -> Array:
    total = np.full(x.shape[:2], offset)
    for k, weight in zip(terms, weights, strict=True):
        total += weight * x[:, :, k].astype(np.float64)
    return total


def _fraction(value: float, error: float) -> float | None:
    """Return the fraction of the smallest denominator that is within the error, if any.

    It must be so by no accident: the error is far below the distance between two of them.
    """
    error = max(error, 1e-12 * abs(value))
    for denominator in _DENOMINATORS:
        fraction = round(value * denominator) / denominator
        if abs(fraction - value) <= error < 0.01 / denominator:
            return fraction
    return None


def _roundest(value: float, error: float) -> float:
    """Return the decimal number of the fewest digits that is within the error."""
    for digits in range(16):
        if abs(round(value, digits) - value) <= error:
            return round(value, digits)
    return value
