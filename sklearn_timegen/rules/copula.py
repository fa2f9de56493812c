"""Scores of discrete values, drawn given all else that is known of a series.

What is discrete (categories, flags, counts, whether a value is there) is an interval of a normal
score. Drawn within it whatever the rest of a series is, the score loses most of what the value has
to do with the rest: if ``B = 1(z > t)`` has the probability p, a model that is linear in z gives
back ``phi(t)^2 / (p (1 - p))`` of the difference that B makes to the mean of a number, 64% at
most. Drawn within the interval *given the other coordinates*, scores are those of a Gaussian
copula with discrete margins (Hoff 2007), and differences come back whole, as far as they can in a
normal distribution.

Symbols: ``z`` is the score of one coordinate, ``a <= z <= b`` the interval of its value, ``x`` the
other coordinates, standardised; ``z = beta' x + sigma e``, with e a first-order autoregression
along time of correlation ``rho`` (:mod:`sklearn_timegen.rules.latent`). Of what is constant in a
series, there is one z, and x are means along time. ``beta`` is a ridge regression by the
correlations of the normal distribution that is behind what is known of intervals
(:mod:`sklearn_timegen.rules.polyserial`). Coordinates are drawn in turn, given those before them
as they were drawn. What is known of others has to tell something of held-out series, or z stays
as it is.

References
----------
P. Hoff (2007), "Extending the rank likelihood for semiparametric copula estimation", Annals of
Applied Statistics 1(1). https://arxiv.org/abs/math/0610383
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_timegen.rules.filling import moments
from sklearn_timegen.rules.latent import BORDER, END, LARGEST, draw_between, salted, series_keys
from sklearn_timegen.rules.polyserial import (
    N_HERMITE,
    association,
    hermite_means,
    polyserial_correlations,
)
from sklearn_timegen.rules.rule import Block, Key, observed_mean

__all__ = ["DiscreteCopula", "Margin", "margins_of"]

Array = NDArray[np.float64]

FEWEST = 30  # series, before anything is learned
MOST_SERIES = 1000  # that are learned from
MOST_CELLS = 15_000  # timesteps of series that are learned from
N_FOLDS = 5
N_RUNS = 25  # of series that follow each other, and may overlap: each is in one fold
RIDGES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # beside the variance of x, which is 1
CHANCE = 0.01  # that something is taken for associated with a score, though nothing is
N_ITERATIONS = 4  # of regressions, and of draws by them
N_PASSES = 4  # of draws, with what was learned
FARTHEST = 4.0  # standard deviations that a predictor counts as, at most
MOST_EXPLAINED = 0.97  # of the variance of a score


class Scored(Protocol):
    """A rule with coordinates of which values of the data are intervals."""

    def score_columns(self) -> dict[Key, bool]:
        """Return these coordinates, and whether each is constant along time."""

    def intervals(self, key: Key, scores: Block) -> tuple[Array, Array]:
        """Return between which scores of one coordinate stand for the same value.

        ``scores`` has the columns of all these coordinates; those that are constant along time
        have one timestep. Where the values of the data do not depend on this one, the ends are
        NaN.
        """


@dataclass(frozen=True)
class Margin:
    """One of the coordinates of which values of the data are intervals.

    Parameters
    ----------
    key : int or tuple
        What it is called.
    positions : dict
        Where it is among all coordinates, and where the others of the rule are.
    rule : Rule
        What it is a coordinate of.
    """

    key: Key
    positions: dict[Key, int]
    rule: Scored

    @property
    def position(self) -> int:
        """Where it is among all coordinates."""
        return self.positions[self.key]

    @property
    def static(self) -> bool:
        """Whether it is constant along time."""
        return self.rule.score_columns()[self.key]

    def told(self, u: Array) -> tuple[Array, Array, Array]:
        """Return ``z``, ``a`` and ``b``, of what is constant along time one column of each.

        Intervals end somewhat within their ends; of values without one they are z itself. Where a
        score tells nothing of the data, all three are NaN: it says nothing of any other. There is
        none beyond the end of a series, and whether timesteps are there is no question in a
        series that is missing as a whole.
        """
        static = self.rule.score_columns()
        scores = {
            key: observed_mean(u[:, :, k]) if static[key] else u[:, :, k]
            for key, k in self.positions.items()
        }
        z = scores[self.key]
        a, b = self.rule.intervals(self.key, scores)
        border = np.where(np.isnan(z), np.nan, np.minimum(BORDER, (b - a) / 4))
        return np.where(np.isnan(a + b), np.nan, z), a + border, b - border


def margins_of(rules: Sequence[Any], keys: Sequence[Key]) -> list[Margin]:
    """Return the coordinates that are scores, and that no later rule has rewritten."""
    found: list[Margin] = []
    for k, rule in enumerate(rules):
        if not hasattr(rule, "score_columns"):
            continue
        later = {key for other in rules[k + 1 :] for key in other.keys if other.kind != "bounds"}
        positions = {key: list(keys).index(key) for key in rule.score_columns() if key in keys}
        found += [Margin(key, positions, rule) for key in positions if key not in later]
    return found


@dataclass(frozen=True)
class _Regression:
    """What is expected of one score given other coordinates."""

    beta: Array
    spread: float
    rho: float

    def draw(self, x: Array, a: Array, b: Array, keys: NDArray[np.uint64]) -> Array:
        """Draw ``z`` between ``a`` and ``b`` given ``x``."""
        # Not by a matrix product, whose rounding would depend on what stands beside a series.
        mean = (x * self.beta).sum(axis=2)
        e = draw_between((a - mean) / self.spread, (b - mean) / self.spread, self.rho, keys)
        drawn: Array = (mean + self.spread * e).clip(a, b)
        return drawn


class DiscreteCopula:
    """Regressions of scores on the other coordinates of a series, and draws by them.

    Parameters
    ----------
    margins : sequence of Margin
        The coordinates that are scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Category, Structure
    >>> rng = np.random.default_rng(0)
    >>> kind = rng.integers(2, size=(300, 1))
    >>> height = kind + rng.normal(size=(300, 1)) + np.zeros((300, 4))
    >>> x = np.stack([kind + 0 * height, height], axis=2).astype(np.float32)
    >>> u = Structure([Category(0)]).fit_transform(x)
    >>> bool(np.corrcoef(u[:, 0, 0], u[:, 0, 1])[0, 1] > 0.5)  # kind, height: 0.45
    True
    """

    def __init__(self, margins: Sequence[Margin]) -> None:
        self._margins = list(margins)
        self._regressions: dict[int, _Regression] = {}

    def __bool__(self) -> bool:
        return bool(self._regressions)

    def fit(self, blocks: Sequence[Array]) -> DiscreteCopula:
        """Learn from coordinates ``(n_series, n_timesteps, n_coordinates)``, NaN where missing."""
        self._learn_scale(blocks)
        blocks = _some(blocks)
        ridges = {k: self._choose_ridge(m, blocks) for k, m in enumerate(self._margins)}
        targets = {k: ridge for k, ridge in ridges.items() if ridge is not None}
        if not targets:
            return self
        scores = [self._hermite_means(margin, blocks) for margin in self._margins]
        self._regressions = self._regress(targets, scores, blocks)
        for _ in range(N_ITERATIONS - 1):
            drawn = [self.redraw(u) for u in blocks]
            self._regressions = self._regress(targets, scores, drawn)
        return self

    def redraw(self, u: Array) -> Array:
        """Return coordinates with scores drawn anew within their intervals, given the others.

        The draws are a function of the series: equal ones get equal draws, whatever stands
        beside them. Without regressions, coordinates are as they were.
        """
        if not self:
            return u
        state = _State(u, [self._margins[k] for k in self._regressions])
        for sweep in range(N_PASSES):
            for k, regression in self._regressions.items():
                margin = self._margins[k]
                state.draw(margin, regression, self._predictors(margin, state.u), sweep)
        return state.u

    # -- regressions -------------------------------------------------------------------------

    def _regress(
        self, targets: dict[int, float], scores: Sequence[list[Array]], drawn: Sequence[Array]
    ) -> dict[int, _Regression]:
        """Return regressions with these ridges, by how coordinates as drawn are correlated."""
        statics = {self._margins[k].static for k in targets}
        correlations = {static: self._correlations(static, scores, drawn) for static in statics}
        found: dict[int, _Regression] = {}
        for k, ridge in targets.items():
            margin = self._margins[k]
            beta, explained = _solve(correlations[margin.static], margin.position, ridge)
            x = [self._predictors(margin, u) for u in drawn]
            rho = _persistence(beta, x, [margin.told(u)[0] for u in drawn])
            found[k] = _Regression(beta, float(np.sqrt(1 - min(explained, MOST_EXPLAINED))), rho)
        return found

    def _correlations(
        self, static: bool, scores: Sequence[list[Array]], drawn: Sequence[Array]
    ) -> Array:
        """Return how coordinates are correlated, at a timestep or, if ``static``, their means."""
        rows = _flat([self._standardised(u, static=static) for u in drawn])
        n_timesteps = [1 if static else u.shape[1] for u in drawn]
        known: dict[int, Array] = {}
        for margin, h in zip(self._margins, scores, strict=True):
            if margin.static or not static:  # means of what changes are numbers like any others
                shaped = [
                    np.broadcast_to(block, (*block.shape[:2], n))
                    for block, n in zip(h, n_timesteps, strict=True)
                ]
                known[margin.position] = np.concatenate(
                    [block.reshape(len(block), -1) for block in shaped], axis=1
                )
        of = np.arange(sum(map(len, drawn)))
        lengths = np.repeat(n_timesteps, [len(u) for u in drawn])
        return polyserial_correlations(rows, known, np.repeat(of, lengths))

    def _hermite_means(
        self, margin: Margin, blocks: Sequence[Array], n: int = N_HERMITE
    ) -> list[Array]:
        """Return what is known of a score, for each block."""
        told = [margin.told(u) for u in blocks]
        return [np.where(np.isnan(z), np.nan, hermite_means(a, b, z, n)) for z, a, b in told]

    # -- predictors --------------------------------------------------------------------------

    def _learn_scale(self, blocks: Sequence[Array]) -> None:
        """Learn mean and spread of each coordinate, and of its means along time."""
        means = [observed_mean(u) for u in blocks]
        self._scales = {static: _scale(_flat(x)) for static, x in ((False, blocks), (True, means))}

    def _standardised(self, u: Array, *, static: bool) -> Array:
        """Return coordinates, or their means along time, with mean 0 and spread 1."""
        mean, unit = self._scales[static]
        x: Array = ((observed_mean(u) if static else u) - mean) * unit
        return x.clip(-FARTHEST, FARTHEST)

    def _predictors(self, margin: Margin, u: Array) -> Array:
        """Return ``x``, with 0 in the place of z, and the mean in that of what is missing."""
        x = np.nan_to_num(self._standardised(u, static=margin.static))
        x[:, :, margin.position] = 0.0
        return x

    # -- what is associated ------------------------------------------------------------------

    def _choose_ridge(self, margin: Margin, blocks: Sequence[Array]) -> float | None:
        """Return the ridge by which held-out scores are predicted; ``None`` if hardly by any.

        Predicted are the means of their intervals, which do not depend on what was drawn.
        """
        expected = [h[0] for h in self._hermite_means(margin, blocks, 1)]
        return _best_ridge([self._predictors(margin, u) for u in blocks], expected)


class _State:
    """Series whose scores are drawn, one coordinate after another."""

    def __init__(self, u: Array, margins: Iterable[Margin]) -> None:
        self.u = np.array(u, dtype=np.float64)
        self._keys = series_keys(self.u.reshape(len(u), -1))
        # A score may move within its interval, and never leaves it.
        self._intervals = {m.position: _free_if_missing(*m.told(self.u)[1:]) for m in margins}

    def draw(self, margin: Margin, regression: _Regression, x: Array, sweep: int) -> None:
        """Draw a score given its predictors."""
        a, b = self._intervals[margin.position]
        keys = salted(self._keys, (margin.key, "copula", sweep))
        z = regression.draw(x, a, b, keys)
        known = np.isfinite(self.u[:, :, margin.position])
        self.u[:, :, margin.position] = np.where(known, z, np.nan)


def _free_if_missing(a: Array, b: Array) -> tuple[Array, Array]:
    """Return intervals, everything where none is known."""
    return np.where(np.isnan(a), -END, a), np.where(np.isnan(b), END, b)


def _scale(x: Array) -> tuple[Array, Array]:
    """Return the means of columns, and what makes their spreads 1: of constant ones, 0."""
    mean, variance = moments(x)
    spread = np.sqrt(variance)
    varies = spread > 1e-6 * np.maximum(np.abs(mean), 1e-6)
    return mean, np.where(varies, 1 / np.where(varies, spread, 1.0), 0.0)


def _some(blocks: Sequence[Array]) -> list[Array]:
    """Return as many of the series, from beginning to end, as are learned from."""
    n = sum(map(len, blocks))
    n_cells = sum(u.shape[0] * u.shape[1] for u in blocks)
    step = int(np.ceil(max(1.0, n / MOST_SERIES, n_cells / MOST_CELLS)))
    if len(blocks) == 1:
        return [blocks[0][::step]]
    return list(blocks)[::step]


def _flat(blocks: Sequence[Array]) -> Array:
    """Return all timesteps of all series as rows."""
    return np.concatenate([block.reshape(-1, block.shape[2]) for block in blocks])


def _rows(x: Sequence[Array], z: Sequence[Array]) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return predictors and scores of all timesteps at which these are known, and whose."""
    lengths = np.concatenate([np.full(len(block), block.shape[1]) for block in z])
    flat = np.concatenate([block.ravel() for block in z])
    known = np.isfinite(flat)
    return _flat(x)[known], flat[known], np.repeat(np.arange(len(lengths)), lengths)[known]


def _best_ridge(x: Sequence[Array], y: Sequence[Array]) -> float | None:
    """Return the ridge by which held-out series are predicted best; ``None`` if hardly by any."""
    rows, target, series = _rows(x, y)
    n_series = int(series.max()) + 1 if len(series) else 0
    limit = -ndtri(CHANCE / 2 / rows.shape[1])
    if n_series < FEWEST or (np.abs(association(rows, target, series)) < limit).all():
        return None
    fold = series * N_RUNS // n_series % N_FOLDS
    gains, unit = np.zeros((len(RIDGES), n_series)), np.eye(rows.shape[1])
    for k in range(N_FOLDS):
        held = fold == k
        if held.all() or not held.any():
            continue
        n_left = int((~held).sum())
        gram, moment = (rows[~held].T @ y / n_left for y in (rows[~held], target[~held]))
        for i, ridge in enumerate(RIDGES):
            missed = target[held] - rows[held] @ np.linalg.solve(gram + ridge * unit, moment)
            gain = target[held] ** 2 - missed**2
            gains[i] += np.bincount(series[held], gain, minlength=n_series)
    best = gains[int(gains.sum(axis=1).argmax())]
    if best.sum() <= 0:
        return None
    # Means of intervals have less to do with the others than scores: of the ridges that are no
    # worse, beyond chance, the least, or what is associated closely would be loosened.
    enough = [(best - gain).sum() <= np.sqrt(np.square(best - gain).sum()) for gain in gains]
    return RIDGES[enough.index(True)]


def _solve(r: Array, position: int, ridge: float) -> tuple[Array, float]:
    """Return the regression of one coordinate on the others, and how much that explains of it."""
    others = np.arange(len(r)) != position
    gram, moment = r[np.ix_(others, others)], r[others, position]
    beta = np.zeros(len(r))
    beta[others] = np.linalg.solve(gram + ridge * np.eye(len(gram)), moment)
    return beta, float(beta @ r @ beta)


def _persistence(beta: Array, x: Sequence[Array], z: Sequence[Array]) -> float:
    """Return the correlation of what is not predicted of neighbours in time."""
    both = square = 0.0
    for predictors, score in zip(x, z, strict=True):
        e = score - predictors @ beta
        pairs = e[:, 1:] * e[:, :-1]
        known = np.isfinite(pairs)
        both += float(pairs[known].sum())
        square += float((np.square(e[:, 1:])[known].sum() + np.square(e[:, :-1])[known].sum()) / 2)
    return float(np.clip(both / square, -LARGEST, LARGEST)) if square > 0 else 0.0
