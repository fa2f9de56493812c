"""Logarithms that know no unit: of what moves in proportion to its height above some floor.

Symbols: ``x`` are the values of a channel, ``s`` the shift, ``-s`` the floor, ``z = log(x + s)``.
Prices in dollars have their floor near 0; scaled to the range from 0 to 1 they have it below 0,
and ``z`` is the same but for a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import skew

__all__ = ["ROOM", "Bend", "ShiftedLog", "find_shift"]

Array = NDArray[np.float64]

ROOM = float(np.log(1000))  # beyond training, for what is written as a logarithm
WIDE = 5.0  # times that x + s has to reach over
GAIN = (
    0.02  # of log-likelihood for each step, over steps that know of no level, times log(reach)^2
)
SURE = 10.0  # of log-likelihood in all
FEWEST = 10  # values to hold a line against, which goes through all of as many as its numbers
USUAL = 0.9  # of values, among which not as much as that may be lost
NEAREST = 0.005  # of what lies between least value and median: how near to it the floor may be
SYMMETRIC = 0.5  # skewness of logarithms that is none to speak of
MOST_STEPS = 10_000  # that are looked at, evenly taken
N_TRIED = 24  # floors, before the best one is refined


@dataclass(frozen=True)
class Bend:
    """All numbers to positive ones, and back: those above some value stay as they are.

    Parameters
    ----------
    at : float or None, default=None
        Below which values are bent towards 0, which is never reached; ``None`` bends none.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen._shifted_log import Bend
    >>> positive = Bend(0.5).inverse_transform(np.array([-1.0, 0.2, 3.0]))
    >>> positive.round(3), Bend(0.5).transform(positive).round(3)
    (array([0.025, 0.274, 3.   ]), array([-1. ,  0.2,  3. ]))
    """

    at: float | None = None

    @classmethod
    def of(cls, x: Array, *, positive: bool) -> Bend:
        """Return the bend at half of the least value, if values are to be positive."""
        return cls(float(x.min()) / 2 if positive else None)

    def transform(self, x: Array) -> Array:
        if self.at is None:
            return x
        straight: Array = np.where(x < self.at, self.at * (1 + np.log(self._part(x))), x)
        return straight

    def inverse_transform(self, x: Array) -> Array:
        if self.at is None:
            return x
        bent: Array = np.where(
            x < self.at, self.at * np.exp(np.clip(x / self.at - 1, -ROOM, 0)), x
        )
        return bent

    def log_slope(self, x: Array) -> Array:
        """Return the logarithm of the slope of ``transform``."""
        return np.zeros_like(x) if self.at is None else -np.log(self._part(x))

    def _part(self, x: Array) -> Array:
        """Return which part of the bend values are; 1 above it."""
        part: Array = np.clip(x / (self.at or 1.0), np.exp(-ROOM), 1.0)
        return part


@dataclass(frozen=True)
class ShiftedLog:
    """``log(x + s)``, and a straight line below half of the least ``x + s`` of training.

    The line makes of it a map of all numbers, so that nothing is lost of new values below the
    floor. Values more than a thousand times above training are cut off on the way back. Where
    values are positive, they are bent before: with s = 0, line and bend are the logarithm again.

    Parameters
    ----------
    shift : float, default=0.0
        What is added, s.
    least, most : float
        Of ``x + s``: where the line begins, and the greatest one of training.
    bend : Bend
        What keeps values positive, if anything does.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen._shifted_log import ShiftedLog
    >>> log = ShiftedLog.of(np.array([0.5, 3.0]), shift=1.0)
    >>> z = log.transform(np.array([0.0, 3.0, -2.0]))
    >>> z.round(3), log.inverse_transform(z).round(3)
    (array([ 0.   ,  1.386, -2.621]), array([ 0.,  3., -2.]))
    """

    shift: float = 0.0
    least: float = 1.0
    most: float = 1.0
    bend: Bend = Bend()

    @classmethod
    def of(cls, x: Array, shift: float, *, positive: bool = False) -> ShiftedLog:
        """Return the logarithm for values of training, all of them above ``-shift``."""
        low, high = float(x.min()), float(x.max())
        return cls(shift, (low + shift) / 2, high + shift, Bend.of(x, positive=positive))

    def height(self, x: Array) -> Array:
        """Return ``x + s``, and half of the least one of training where it is less."""
        height: Array = np.maximum(x + self.shift, self.least)
        return height

    def transform(self, x: Array) -> Array:
        x = self.bend.transform(x)
        height = self.height(x)
        # Series that have run away are infinite, and stay so.
        z: Array = np.log(height) + np.minimum(x + self.shift - self.least, 0.0) / self.least
        return z

    def inverse_transform(self, z: Array) -> Array:
        low = np.log(self.least)
        above = np.exp(np.clip(z, low, np.log(self.most) + ROOM))
        return self.bend.inverse_transform(
            above + self.least * np.minimum(z - low, 0.0) - self.shift
        )

    def log_slope(self, x: Array) -> Array:
        """Return the logarithm of the slope of ``transform``."""
        height = self.height(self.bend.transform(x))
        slope: Array = self.bend.log_slope(x) - np.log(height)
        return slope


def find_shift(
    columns: Sequence[Array], reach: float = WIDE, skewness: float = SYMMETRIC
) -> float | None:
    """Return the shift of a channel that moves in proportion to its height above a floor.

    What a line through the two values before leaves of ``z = log(x + s)`` is taken for Laplace
    variables of one scale, those of prices have heavy tails, and s is the most likely one. (Steps
    alone would take a day's steep hours for a proportion.) As s grows, this becomes the model in
    which steps know of no level, whose likelihood has to be surpassed clearly. All of it is the
    same for ``a x + b``, with ``a s - b`` for s.

    Parameters
    ----------
    columns : sequence of ndarray of shape (n_series, n_timesteps)
        The channel, NaN where values are missing.
    reach : float, default=5
        Times that ``x + s`` has to reach over. The gain in likelihood that is asked for goes with
        the square of its logarithm, as the gain itself does.
    skewness : float, default=0.5
        Of ``log(x + s)``, that is never too much.

    Returns
    -------
    shift : float or None
        ``None`` if there is no such floor: values are too few to tell; steps are as large
        everywhere, or but for rare spikes;
        ``x + s`` reaches over less, or its logarithm is more skewed than that, and than ``x``.

    References
    ----------
    G. Box and D. Cox (1964), "An analysis of transformations", Journal of the Royal Statistical
    Society B 26 (the shifted family, and its profile likelihood).
    https://doi.org/10.1111/j.2517-6161.1964.tb00553.x

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen._shifted_log import find_shift
    >>> rng = np.random.default_rng(0)
    >>> price = np.exp(rng.normal(0.001, 0.03, size=(1, 3000)).cumsum(axis=1))
    >>> s = find_shift([price])
    >>> bool(abs(s) < price.mean()), bool(abs(find_shift([9 * price + 7]) - (9 * s - 7)) < 1e-3)
    (True, True)
    >>> find_shift([rng.normal(size=(1, 3000)).cumsum(axis=1)]) is None
    True
    """
    x = np.concatenate([column.ravel() for column in columns])
    x = x[~np.isnan(x)]
    # Of single values, the next one to compare with is that of another series.
    columns = [column.T if column.shape[1] == 1 else column for column in columns]
    here, then = _steps(columns)  # the values before, and those that follow
    if len(then) < FEWEST or np.array_equal(here[:, -1], then):
        return None
    low, middle, high = float(x.min()), float(np.median(x)), float(x.max())
    nearest, farthest = NEAREST * (middle - low), (high - low) / (reach - 1)
    if not 0 < nearest < farthest:
        return None
    minus_gain = partial(_minus_gain, past=here - low, then=then - low)
    tried = np.linspace(np.log(nearest), np.log(farthest), N_TRIED)
    best = int(np.argmin([minus_gain(room) for room in tried]))
    if best == N_TRIED - 1:  # x + s would reach over less
        return None
    ends = tried[max(best - 1, 0)], tried[best + 1]
    found = minimize_scalar(minus_gain, bounds=ends, method="bounded", options={"xatol": 1e-8})
    n_steps = sum(_n_steps(column) for column in columns)
    gain = GAIN * np.log(reach) ** 2
    if -found.fun < max(gain, SURE / n_steps):
        return None
    # A jump to a rare spike, and back, tells of no proportion.
    usual = np.maximum(here.max(axis=1), then) <= np.quantile(x, USUAL)
    if _minus_gain(found.x, here[usual] - low, then[usual] - low) > gain:
        return None
    shift = float(np.exp(found.x)) - low
    left = abs(float(skew(np.log(x + shift))))
    return shift if left <= max(skewness, abs(float(skew(x)))) else None


def _minus_gain(log_room: float, past: Array, then: Array) -> float:
    """Return how much less likely values are, one by one, than without a logarithm.

    Values are heights above the least one, and ``log_room`` tells how far that is above the floor.
    """
    if not len(then):
        return np.inf
    room, size = np.exp(log_room), _unforeseen(past, then)
    if size == 0:
        return np.inf
    z = np.log(then + room)
    # Of growth by one rate nothing is left but rounding, that of logarithms of ratios.
    left = max(_unforeseen(np.log(past + room), z), np.finfo(float).eps)
    return float(np.log(left / size) + z.mean())


def _unforeseen(past: Array, then: Array) -> float:
    """Return the mean size of what a line through the values before leaves of values."""
    before = past - past.mean(axis=0)
    of_mean = then - then.mean()
    slopes = np.linalg.lstsq(before, of_mean, rcond=None)[0]
    return float(np.abs(of_mean - before @ slopes).mean())


def _n_steps(column: Array) -> int:
    there = ~np.isnan(column)
    return int((there[:, 1:] & there[:, :-1]).sum())


def _steps(columns: Sequence[Array]) -> tuple[Array, Array]:
    """Return the two values before each, or the one, and these, evenly taken of all."""
    n_before = min(2, max(column.shape[1] for column in columns) - 1)
    if n_before < 1:
        return np.empty((0, 1)), np.empty(0)
    runs = [
        np.lib.stride_tricks.sliding_window_view(column, n_before + 1, axis=1)
        for column in columns
        if column.shape[1] > n_before
    ]
    values = np.concatenate([run.reshape(-1, n_before + 1) for run in runs])
    there = np.flatnonzero(~np.isnan(values).any(axis=1))
    some = values[there[np.linspace(0, len(there) - 1, min(len(there), MOST_STEPS)).astype(int)]]
    return some[:, :-1], some[:, -1]
