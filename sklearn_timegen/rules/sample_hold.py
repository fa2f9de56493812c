"""Channels that now and then hold their last value, whatever values they have.

Symbols: ``x`` is a path as it was drawn, ``y`` the same path once it holds. At time t, ``s`` is
the size of the increment ``x[t] - y[t-1]`` that the path wishes for, ``a`` that of the one before;
a hold begins at t with the probability ``p``, and goes on after d timesteps with ``c[d - 1]``.
Of values that are known, it is seen whether they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen.rules.rule import forward_filled

__all__ = ["SampleHolder", "carried"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

N_BEFORE = 6  # classes of a, and one of the first increment, which has none before
N_SIZES = 10  # classes of s
N_QUANTILES = 200  # at most, and
FROM = 5  # increments or more for each of them, so that they are no list
LONGEST = 50  # timesteps; holds go on after more as they did then
ENOUGH = 20  # holds, to say how many of them go on
BY_CHANCE = 1e-4  # that holds begin as unevenly along time, if they do not hang on it
MOST = 3.0  # times as often may holds begin to make up for those that are not allowed
LEAST = 1e-3  # of a probability that is multiplied
N_ROUNDS = 3
NONE = 1e-4  # of the scale of increments: what is so small is none
FINE = 1e3  # parts of that scale, from whose number chance is taken


@dataclass
class _Seen:
    """The timesteps at which a hold could begin: which class each is of, and what happened."""

    open: Mask  # (n_series, n_timesteps - 1)
    held: Mask  # likewise
    s: Array  # likewise
    a: Array  # likewise; -1 if there is none before

    def classes(self, edges: Array) -> NDArray[np.intp]:
        """Return the class of a, 0 where there is none before."""
        before: NDArray[np.intp] = np.where(self.a < 0, 0, 1 + np.searchsorted(edges, self.a))
        return before

    def edges(self) -> Array:
        """Return what separates the classes of a."""
        a = self.a[self.open & (self.a >= 0)]
        if not len(a):
            return np.zeros(N_BEFORE - 1)
        edges: Array = np.quantile(a, np.arange(1, N_BEFORE) / N_BEFORE)
        return edges


@dataclass
class _Hold:
    """How one channel, or several at once, hold their last value."""

    scale: Array  # (n_channels,), of increments that are not 0
    rate: float = 0.0  # of increments that are 0
    moved: list[Array] = field(default_factory=list)  # quantiles of s that did not hold, by class
    share: Array = field(default_factory=lambda: np.zeros(0))  # of holds that begin, by class
    begun: Array = field(default_factory=lambda: np.zeros((2, 0)))  # at t, and how many could
    c: Array = field(default_factory=lambda: np.zeros(0))
    back: float = 0.0  # how often nothing moved, of timesteps between two equal values
    edges: Array = field(default_factory=lambda: np.zeros(0))  # of the classes of a
    sizes: list[Array] = field(default_factory=list)  # edges of the classes of s, by that of a
    p: Array = field(default_factory=lambda: np.zeros(0))  # (N_BEFORE + 1, N_SIZES)
    along: Array = field(default_factory=lambda: np.zeros(0))  # by how much more at t; or nothing

    @classmethod
    def of(cls, x: Array, *, along: bool) -> _Hold:
        w = np.diff(x, axis=1)
        known, held = (np.asarray(cells.all(axis=2)) for cells in (np.isfinite(w), w == 0))
        squares = np.where((known & ~held)[:, :, None], w**2, 0.0).sum(axis=(0, 1))
        scale = np.sqrt(squares / max((known & ~held).sum(), 1))
        hold = cls(np.where(scale > 0, scale, 1.0), float(held.sum() / max(known.sum(), 1)))
        seen = hold._seen(w, held)
        before = seen.classes(seen.edges())
        for b in range(N_BEFORE + 1):
            those = seen.open & (before == b)
            hold.moved.append(_quantiles(seen.s[those & ~held]))
        number = np.bincount(before[seen.open], minlength=N_BEFORE + 1)
        begun = np.bincount(before[seen.open & held], minlength=N_BEFORE + 1)
        hold.share = begun / np.maximum(number, 1)
        if along:
            hold.begun = np.stack([(seen.open & held).sum(axis=0), seen.open.sum(axis=0)])
        hold.c = _continued(held, known)
        returns = (x[:, 2:] == x[:, :-2]).all(axis=2) & known[:, :-1] & known[:, 1:]
        hold.back = float((held[:, :-1] & returns).sum() / max(returns.sum(), 1))
        return hold

    def calibrate(self, x: Array, more: float) -> None:
        """Learn of drawn paths which of their increments to hold, so many times as often."""
        share = (more * self.share).clip(max=1.0)
        self.p = self.along = np.zeros(0)
        for _ in range(N_ROUNDS):  # what a path wishes for depends on what was held before
            seen = self._follow(x)[1]
            edges = seen.edges()
            before = seen.classes(edges)
            sizes, p = [], np.zeros((N_BEFORE + 1, N_SIZES))
            for b in range(N_BEFORE + 1):
                s = seen.s[seen.open & (before == b)]
                sizes.append(np.zeros(N_SIZES - 1))
                if len(s):
                    sizes[b] = np.quantile(s, np.arange(1, N_SIZES) / N_SIZES)
                    p[b] = _excess(s, self.moved[b], sizes[b], float(share[b]))
            self.edges, self.sizes, self.p, self.along = edges, sizes, p, np.zeros(0)
            self.along = self._uneven(seen, more)

    def _uneven(self, seen: _Seen, more: float) -> Array:
        """Return by what to multiply probabilities at each timestep, to begin as often there.

        Nothing, where that is chance, or series are of another length.
        """
        begun, number = self.begun
        begun = np.minimum(more * begun, number)
        if seen.open.shape[1] != len(begun):
            return np.zeros(0)
        p = np.stack([self._begins(s, a, 0) for s, a in zip(seen.s.T, seen.a.T, strict=True)])
        is_open = seen.open.T
        rate = (p * is_open).sum(axis=1) / np.maximum(is_open.sum(axis=1), 1)
        expected, rate = number * rate, rate.clip(1e-6, 1 - 1e-6)
        unlike = ((begun - expected) ** 2 / np.maximum(number * rate * (1 - rate), 1e-9)).sum()
        if chi2.sf(unlike, len(begun)) > BY_CHANCE:
            return np.zeros(0)
        wanted = begun / np.maximum(number, 1)
        return np.array(
            [_factor(q[those], own) for q, those, own in zip(p, is_open, wanted, strict=True)]
        )

    def transform(self, x: Array) -> Array:
        if not len(self.p) or not len(x):
            return x
        still = np.asarray((np.abs(np.diff(x, axis=1)) <= NONE * self.scale).all(axis=2))
        # A series of training has its holds already: one, or half as many as usual.
        holds = still.sum(axis=1) >= max(1.0, self.rate * still.shape[1] / 2)
        y = self._follow(x)[0]
        for k in range(x.shape[2]):  # equal but for rounding
            y[holds, :, k] = carried(x[holds, :, k], still[holds])
        return y

    def complete(self, x: Array, known: Mask) -> Array:
        """Return paths that hold where nothing is known of them."""
        return self._follow(x, known)[0] if len(self.p) and len(x) else x

    def _seen(self, w: Array, held: Mask) -> _Seen:
        """Return what is seen of increments, where it is said which are holds."""
        s = self._size(w)
        a = np.concatenate([np.full((len(s), 1), -1.0), s[:, :-1]], axis=1)
        before = np.concatenate([np.zeros((len(s), 1), bool), held[:, :-1]], axis=1)
        # Of what is missing nothing is known, and of what comes after.
        return _Seen(~before & np.isfinite(s) & np.isfinite(a), held, s, a)

    def _follow(self, x: Array, known: Mask | None = None) -> tuple[Array, _Seen]:
        """Return paths ``(n_series, n_timesteps, n_channels)`` that hold, and what they wished."""
        y = x.copy()
        n, n_steps = len(x), x.shape[1] - 1
        s, a = np.zeros((n, n_steps)), np.full((n, n_steps), -1.0)
        held, is_open = np.zeros((n, n_steps), bool), np.zeros((n, n_steps), bool)
        lasted = np.zeros(n, dtype=np.intp)
        chance = _chance(x / self.scale)
        ahead = None if known is None else _next_known(x, known)
        for t in range(n_steps):
            s[:, t] = self._size(x[:, t + 1] - y[:, t])
            if t:
                a[:, t] = self._size(y[:, t] - y[:, t - 1])
            is_open[:, t] = lasted == 0
            if not len(self.p):
                continue
            goes_on = (lasted > 0) & (chance[:, t + 1] < self.c[lasted.clip(1, len(self.c)) - 1])
            begins = is_open[:, t] & (chance[:, t + 1] < self._begins(s[:, t], a[:, t], t))
            held[:, t] = goes_on | begins
            new = np.where(held[:, t, None], y[:, t], x[:, t + 1])
            if known is not None and ahead is not None:
                # Where the next known value is the last one, most often nothing moved.
                returns = (ahead[:, t + 1] == y[:, t]).all(axis=1)
                held[returns, t] = chance[returns, t + 1] < self.back
                told, same = known[:, t + 1], x[:, t + 1] == y[:, t]
                held[:, t] = np.where(told.any(axis=1), (same | ~told).all(axis=1), held[:, t])
                new = np.where(held[:, t, None] & ~told, y[:, t], x[:, t + 1])
            y[:, t + 1] = new
            lasted = np.where(held[:, t], lasted + 1, 0)
        return y, _Seen(is_open, held, s, a)

    def _begins(self, s: Array, a: Array, t: int) -> Array:
        """Return the probability that a hold begins."""
        before = np.where(a < 0, 0, 1 + np.searchsorted(self.edges, a))
        p = np.zeros(len(s))
        for b in np.unique(before):
            those = before == b
            p[those] = self.p[b, np.searchsorted(self.sizes[b], s[those])]
        return (p + LEAST) * self.along[t] if t < len(self.along) else p

    def _size(self, w: Array) -> Array:
        size: Array = np.sqrt(np.mean((w / self.scale) ** 2, axis=-1))
        return size


def _excess(s: Array, moved: Array, edges: Array, share: float) -> Array:
    """Return how often to hold increments by the class of their size, so many of them in all.

    What is left is to have the sizes that increments have in training if they are none; smaller
    ones are never held less often than larger ones.
    """
    drawn, real = (
        np.bincount(np.searchsorted(edges, z), minlength=N_SIZES) / max(len(z), 1)
        for z in (s, moved)
    )
    wanted = 1 - (1 - share) * np.divide(real, drawn, out=np.ones(N_SIZES), where=drawn > 0)
    order = IsotonicRegression(increasing=False, y_min=0.0, y_max=1.0)
    p: Array = order.fit_transform(np.arange(N_SIZES), wanted, sample_weight=drawn + 1e-9)
    total = float((drawn * p).sum())
    if total <= 0:
        return np.full(N_SIZES, share)
    return (p * share / total).clip(max=1.0)


def _quantiles(s: Array) -> Array:
    """Return quantiles: what is kept of training is no list of its increments."""
    if not len(s):
        return s
    n = min(N_QUANTILES, 1 + len(s) // FROM)
    quantiles: Array = np.quantile(s, (np.arange(n) + 0.5) / n)
    return quantiles


def _factor(p: Array, wanted: float) -> float:
    """Return the factor of probabilities, 1 at most, by which they have the wanted mean."""
    low, high = 0.0, 1 / LEAST
    for _ in range(50):
        middle = (low + high) / 2
        enough = np.minimum((p + LEAST) * middle, 1.0).mean() >= wanted if len(p) else True
        low, high = (low, middle) if enough else (middle, high)
    return high


def _continued(held: Mask, known: Mask) -> Array:
    """Return the fraction of holds that go on after d timesteps, among those that could."""
    lasted = np.zeros(len(held), dtype=np.intp)
    went_on, number = np.zeros(LONGEST), np.zeros(LONGEST)
    for now, seen in zip(held.T, known.T, strict=True):
        d = lasted.clip(max=LONGEST)
        np.add.at(number, d[(lasted > 0) & seen] - 1, 1)
        np.add.at(went_on, d[(lasted > 0) & now] - 1, 1)
        lasted = np.where(now, lasted + 1, 0)
    n = min(
        np.count_nonzero(number >= ENOUGH), LONGEST - 1
    )  # it never rises with d; the rest is taken together
    went_on = np.append(went_on[:n], went_on[n:].sum())
    c: Array = went_on / np.maximum(np.append(number[:n], number[n:].sum()), 1)
    return c


def carried(x: NDArray[Any], still: Mask) -> Array:
    """Return a channel with the value before wherever it stands still ``(n, n_timesteps - 1)``."""
    first = np.zeros((len(x), 1), dtype=bool)
    return forward_filled(np.where(np.concatenate([first, still], axis=1), np.nan, x))


def _next_known(x: Array, known: Mask) -> Array:
    """Return what is known next of each channel, from each timestep on; NaN if nothing is."""
    back = np.where(known, x, np.nan)[:, ::-1]
    columns = [forward_filled(back[:, :, k])[:, ::-1] for k in range(x.shape[2])]
    return np.stack(columns, axis=2)


def _chance(x: Array) -> Array:
    """Return numbers from 0 to 1, one for each timestep, that hang on nothing but its values.

    Those of a series are then the same whatever is drawn beside it. Far digits decide, so that
    they are as good as random; not the last ones, which hang on the order of sums.
    """
    parts = np.rint(FINE * x).clip(-(2.0**53), 2.0**53).astype(np.int64).view(np.uint64)
    mixed = np.zeros(x.shape[:2], dtype=np.uint64)
    for k in range(x.shape[2]):  # the finalizer of splitmix64
        mixed = mixed + parts[:, :, k] + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    chance: Array = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    return chance


class SampleHolder(TransformerMixin, BaseEstimator):
    """Let channels hold their last value as often as in training.

    Where sensors miss a reading, prices a trade, and tables a row that was filled forward, the
    last value stands once more, to the last digit: no network draws that. In paths whose values
    are not on a grid (:class:`GridSnapper`), holds begin as often as in training after increments
    of such a size, and of these where increments are more often small than in training; they
    last as long, and several channels that hold at once do so again. Where sizes do not tell at
    which timestep of a window holds begin, that is learned, too.

    Which increments are too many depends on how a generator's paths move, which ``calibrate`` is
    shown; until then, paths are left as they are. Those that hold already, half as often as usual
    or more, are, too, so that most real series come back. Chance is taken from the digits of a
    path: the same path holds in the same places.

    Parameters
    ----------
    groups : sequence of sequence of int
        The channels, those that hold at once together.
    along : bool, default=True
        Whether the timestep of a window may tell how often holds begin.

    Attributes
    ----------
    holds_ : list of object
        What is known of each group; ``rate`` is the fraction of its increments that are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import SampleHolder
    >>> rng = np.random.default_rng(0)
    >>> path = rng.normal(size=(300, 24, 2)).cumsum(axis=1)
    >>> readings = path.copy()
    >>> for t in range(1, 24):
    ...     held = rng.random(300) < 0.1
    ...     readings[held, t] = readings[held, t - 1]
    >>> holder = SampleHolder([(0, 1)]).fit(readings).calibrate(path)
    >>> still = np.diff(holder.transform(path), axis=1) == 0
    >>> bool(abs(still.mean() - 0.1) < 0.01), np.array_equal(still[..., 0], still[..., 1])
    (True, True)
    """

    n_draws: ClassVar[int] = 1000

    def __init__(self, groups: Sequence[Sequence[int]], *, along: bool = True) -> None:
        self.groups = groups
        self.along = along

    @property
    def channels_(self) -> list[int]:
        """The channels that hold."""
        return [d for group in self.groups for d in group]

    def fit(self, x: NDArray[Any], y: Any = None) -> SampleHolder:
        """Learn from training series how often channels hold; what is missing is NaN."""
        beyond = [d for d in self.channels_ if not 0 <= d < x.shape[2]]
        if beyond:
            raise ValueError(
                f"groups name the channels {beyond}, and these series have {x.shape[2]}: "
                "take positions from 0 on"
            )
        self.holds_ = [_Hold.of(_columns(x, group), along=self.along) for group in self.groups]
        return self

    def calibrate(self, drawn: NDArray[Any], more: Sequence[float] | None = None) -> SampleHolder:
        """Learn from series that were drawn which of their increments to hold.

        Holds of each group begin so many times ``more`` often as in training, if that is given.
        """
        check_is_fitted(self)
        finite = drawn[np.isfinite(drawn).all(axis=(1, 2))][: self.n_draws]
        if finite.shape[1] > 1 and len(finite):
            factors = more or [1.0] * len(self.groups)
            for group, hold, factor in zip(self.groups, self.holds_, factors, strict=True):
                hold.calibrate(_columns(finite, group), factor)
        return self

    def lacking(self, made: NDArray[Any]) -> list[float]:
        """Return by which factor series made so hold too rarely, 1 to 3, of each group."""
        factors = []
        for group, hold in zip(self.groups, self.holds_, strict=True):
            held = (np.diff(made[:, :, list(group)], axis=1) == 0).all(axis=2).mean()
            factors.append(float(np.clip(hold.rate / max(held, 1e-9), 1.0, MOST)))
        return factors

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return series of which the channels hold."""
        return self._each(x, None)

    def complete(self, x: NDArray[Any], known: Mask) -> NDArray[Any]:
        """Return series that hold where they are not ``known``, and go on from where they are."""
        return self._each(x, known)

    def _each(self, x: NDArray[Any], known: Mask | None) -> NDArray[Any]:
        check_is_fitted(self)
        out = x.copy()
        # What is not finite stays so, or nobody would learn that a generator has diverged.
        finite = np.isfinite(x).all(axis=(1, 2))
        for group, hold in zip(self.groups, self.holds_, strict=True):
            columns = _columns(x[finite], group)
            told = None if known is None else known[finite][:, :, list(group)]
            held = hold.transform(columns) if told is None else hold.complete(columns, told)
            for k, d in enumerate(group):
                out[finite, :, d] = held[:, :, k]
        return out


def _columns(x: NDArray[Any], group: Sequence[int]) -> Array:
    columns: Array = x[:, :, list(group)].astype(np.float64)
    return columns
