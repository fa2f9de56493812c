"""Scores of discrete values, drawn given all else that is known of a series.

What is discrete (categories, flags, counts, whether a value is there) is an interval of a normal
score. Drawn within it whatever the rest of a series is, the score loses most of what the value has
to do with the rest: if ``B = 1(z > t)`` has the probability p, a model that is linear in z gives
back ``phi(t)^2 / (p (1 - p))`` of the difference that B makes to the mean of a number, 64% at
most. Drawn within the interval *given the other coordinates*, scores are those of a Gaussian
copula with discrete margins (Hoff 2007), and differences come back whole, as far as they can in a
normal distribution.

Symbols: ``z`` is the score of one coordinate, ``a <= z <= b`` the interval of its value, ``x`` the
other coordinates, standardised; z is a ridge regression on x
(:mod:`sklearn_timegen.rules.score_regression`) by the correlations of the normal distribution
that is behind what is known of intervals (:mod:`sklearn_timegen.rules.polyserial`). Of what is
constant in a series, there is one z, and x are means along time. Coordinates are drawn in turn,
given those before them as they were drawn. What is known of others has to tell something of
held-out series, or z stays as it is.

Where the value of the data does not depend on a score, as on whether a customer of the web is one
of the north or of the south, it is not known, and is drawn given x. What it goes with is learned
of the other series, within which x has other means and spreads: whether a score is known depends
on scores of the same category, and thereby on x. These scores themselves tell nothing of it.

References
----------
P. Hoff (2007), "Extending the rank likelihood for semiparametric copula estimation", Annals of
Applied Statistics 1(1). https://arxiv.org/abs/math/0610383
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.filling import moments
from sklearn_timegen.rules.latent import BORDER, salted, series_keys
from sklearn_timegen.rules.latent_paths import END
from sklearn_timegen.rules.polyserial import N_HERMITE, hermite_means
from sklearn_timegen.rules.rule import Block, Key, observed_mean
from sklearn_timegen.rules.score_regression import (
    Evidence,
    Regression,
    as_rows,
    best_ridge,
    persistence,
)

__all__ = ["DiscreteCopula", "Margin", "margins_of"]

Array = NDArray[np.float64]

MOST_SERIES = 1000  # that are learned from
MOST_CELLS = 15_000  # timesteps of series that are learned from
MOST_MEANS = 3000  # series of which means are learned from
N_ITERATIONS = 4  # of regressions, and of draws by them
N_PASSES = 4  # of draws, with what was learned
FARTHEST = 4.0  # standard deviations that a predictor counts as, at most


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
    def together(self) -> list[int]:
        """Where all coordinates of the rule are: none tells anything of another."""
        return list(self.positions.values())

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
        self._regressions: dict[int, Regression] = {}
        self._scales: dict[bool, tuple[Array, Array]] = {}

    def __bool__(self) -> bool:
        return bool(self._regressions)

    def fit(self, blocks: Sequence[Array]) -> DiscreteCopula:
        """Learn from coordinates ``(n_series, n_timesteps, n_coordinates)``, NaN where missing."""
        moving = self._learn(_some(blocks, MOST_SERIES, MOST_CELLS), static=False)
        # Of what belongs to series, there is so much evidence as there are series: their means,
        # once what changes in them has been drawn given the rest.
        some = _some(blocks, MOST_MEANS)
        constant = self._learn(
            [observed_mean(self._redrawn(u, moving)) for u in some], static=True
        )
        self._regressions = moving | constant
        return self

    def _learn(self, blocks: Sequence[Array], *, static: bool) -> dict[int, Regression]:
        """Learn what scores that are constant along time, or those that are not, depend on."""
        self._scales[static] = _scale(as_rows(blocks))
        some = {k: m for k, m in enumerate(self._margins) if m.static == static}
        ridges = {k: self._choose_ridge(margin, blocks) for k, margin in some.items()}
        targets = {k: ridge for k, ridge in ridges.items() if ridge is not None}
        if not targets:
            return {}
        # Means of what changes are numbers like any others.
        scores = {
            margin.position: self._hermite_means(margin, blocks)
            for margin in self._margins
            if margin.static or not static
        }
        found = self._regress(targets, scores, blocks)
        for _ in range(N_ITERATIONS - 1):
            found = self._regress(targets, scores, [self._redrawn(u, found) for u in blocks])
        return found

    def redraw(self, u: Array) -> Array:
        """Return coordinates with scores drawn anew within their intervals, given the others.

        The draws are a function of the series: equal ones get equal draws, whatever stands
        beside them. Without regressions, coordinates are as they were.
        """
        return self._redrawn(u, self._regressions)

    def _redrawn(self, u: Array, regressions: dict[int, Regression]) -> Array:
        if not regressions:
            return u
        state = _State(u, [self._margins[k] for k in regressions])
        for sweep in range(N_PASSES):
            for k, regression in sorted(regressions.items()):
                margin = self._margins[k]
                state.draw(margin, regression, self._predictors(margin, state.u), sweep)
        return state.u

    # -- regressions -------------------------------------------------------------------------

    def _regress(
        self, targets: dict[int, float], scores: dict[int, list[Array]], drawn: Sequence[Array]
    ) -> dict[int, Regression]:
        """Return regressions with these ridges, by how coordinates as drawn are correlated."""
        evidence = self._evidence(self._margins[next(iter(targets))].static, scores, drawn)
        found: dict[int, Regression] = {}
        for k, ridge in targets.items():
            margin = self._margins[k]
            others = ~np.isin(np.arange(evidence.rows.shape[1]), margin.together)
            alpha, beta, sigma = evidence.regression(margin.position, others, ridge)
            x = [self._predictors(margin, u) for u in drawn]
            rho = persistence(alpha, beta, x, [margin.told(u)[0] for u in drawn])
            found[k] = Regression(alpha, beta, sigma, rho)
        return found

    def _evidence(
        self, static: bool, scores: dict[int, list[Array]], drawn: Sequence[Array]
    ) -> Evidence:
        """Return what is known of coordinates at a timestep."""
        rows = as_rows([self._standardised(u, static=static) for u in drawn])
        known: dict[int, Array] = {}
        for position, h in scores.items():
            pairs = zip(h, drawn, strict=True)
            shaped = [np.broadcast_to(one, (*one.shape[:2], u.shape[1])) for one, u in pairs]
            known[position] = np.concatenate([one.reshape(len(one), -1) for one in shaped], axis=1)
        n_series = sum(map(len, drawn))
        series = np.repeat(np.arange(n_series), [u.shape[1] for u in drawn for _ in u])
        apart = [
            pair
            for positions in {tuple(margin.together) for margin in self._margins}
            for pair in combinations(positions, 2)
            if known.keys() >= {*pair}
        ]
        return Evidence(rows, known, series, apart)

    def _hermite_means(
        self, margin: Margin, blocks: Sequence[Array], n: int = N_HERMITE
    ) -> list[Array]:
        """Return what is known of a score, for each block."""
        told = [margin.told(u) for u in blocks]
        return [np.where(np.isnan(z), np.nan, hermite_means(a, b, z, n)) for z, a, b in told]

    # -- predictors --------------------------------------------------------------------------

    def _standardised(self, u: Array, *, static: bool) -> Array:
        """Return coordinates, or their means along time, with mean 0 and spread 1."""
        mean, unit = self._scales[static]
        x: Array = ((observed_mean(u) if static else u) - mean) * unit
        return x.clip(-FARTHEST, FARTHEST)

    def _predictors(self, margin: Margin, u: Array) -> Array:
        """Return ``x``, with 0 in the place of z and of other scores of the same rule.

        The mean stands in the place of what is missing.
        """
        x = np.nan_to_num(self._standardised(u, static=margin.static))
        x[:, :, margin.together] = 0.0
        return x

    # -- what is associated ------------------------------------------------------------------

    def _choose_ridge(self, margin: Margin, blocks: Sequence[Array]) -> float | None:
        """Return the ridge by which held-out scores are predicted; ``None`` if hardly by any.

        Predicted are the means of their intervals, which do not depend on what was drawn.
        """
        expected = [h[0] for h in self._hermite_means(margin, blocks, 1)]
        return best_ridge([self._predictors(margin, u) for u in blocks], expected)


class _State:
    """Series whose scores are drawn, one coordinate after another."""

    def __init__(self, u: Array, margins: Iterable[Margin]) -> None:
        self.u = np.array(u, dtype=np.float64)
        self._keys = series_keys(self.u.reshape(len(u), -1))
        # A score may move within its interval, and never leaves it.
        self._intervals = {m.position: _free_if_missing(*m.told(self.u)[1:]) for m in margins}

    def draw(self, margin: Margin, regression: Regression, x: Array, sweep: int) -> None:
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


def _some(blocks: Sequence[Array], most: int, most_cells: float = np.inf) -> list[Array]:
    """Return as many of the series, from beginning to end, as are learned from."""
    n = sum(map(len, blocks))
    n_cells = sum(int(np.isfinite(u).any(axis=2).sum()) for u in blocks)
    step = int(np.ceil(max(1.0, n / most, n_cells / most_cells)))
    if len(blocks) == 1:
        return [blocks[0][::step]]
    return list(blocks)[::step]
