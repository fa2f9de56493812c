"""How far one channel is above another, on a scale without ends.

Symbols: ``g >= 0`` is the distance, ``e`` a little that is added to it, so that 0 itself is hit,
``b`` where the scale bends. Its coordinate ``z = log(exp((g + e) / b) - 1)`` is a logarithm well
below ``b`` and a straight line well above: a distance of degrees moves by degrees, and comes to 0
now and then; one of prices moves in proportion to itself, and there the logarithm goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._shifted_log import ROOM

__all__ = ["Distance"]

Array = NDArray[np.float64]

LEAST = 0.01  # of the median distance: what is added
BENDS = (np.inf, 3.0, 1.0, 0.3, 0.1, 0.03)  # medians
CLEAR = 0.02  # of log-likelihood for each step, that a bend has to gain
FEWEST = 100  # steps, to tell a bend by
MOST_STEPS = 10_000


@dataclass(frozen=True)
class Distance:
    """``log(exp((g + e) / b) - 1)``, or ``log(g + e)`` for infinite b.

    Parameters
    ----------
    least : float, default=1.0
        What is added, e.
    bend : float, default=inf
        Where the scale bends, b.
    ends : (low, high), default=(-700, 700)
        Between which coordinates may come back.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.distance import Distance
    >>> distance = Distance(least=0.01, bend=0.5)
    >>> z = distance.transform(np.array([0.0, 0.1, 3.0, 4.0]))
    >>> z.round(2)  # a straight line from 0.5 on
    array([-3.9 , -1.4 ,  6.02,  8.02])
    >>> distance.inverse_transform(z).round(6)
    array([0. , 0.1, 3. , 4. ])
    """

    least: float = 1.0
    bend: float = np.inf
    ends: tuple[float, float] = (-700.0, 700.0)

    @classmethod
    def of(cls, columns: Sequence[Array]) -> Distance:
        """Return the scale on which the steps of distances are the most likely.

        Steps are taken for Laplace variables of one size. Only those between distances above 0
        count, which a bend can tell apart.

        Parameters
        ----------
        columns : sequence of ndarray of shape (n_series, n_timesteps)
            Distances, NaN where they are not known.
        """
        g = np.concatenate([column.ravel() for column in columns])
        positive = g[g > 0]
        if not len(positive):
            return cls()
        median = float(np.median(positive))
        here, then = _steps(columns)
        scales = [cls(LEAST * median, bend * median) for bend in BENDS]
        best = scales[0]
        if len(here) >= FEWEST:
            likelihoods = np.array([scale._likelihood(here, then) for scale in scales])
            likelihoods[0] += CLEAR
            best = scales[int(likelihoods.argmax())]
        low, high = best.transform(np.array([0.0, np.exp(ROOM) * positive.max()]))
        return cls(best.least, best.bend, (float(low) - ROOM, float(high)))

    def transform(self, g: Array) -> Array:
        g = g + self.least
        if np.isinf(self.bend):
            return np.log(g)
        z: Array = g / self.bend + np.log(-np.expm1(-g / self.bend))
        return z

    def inverse_transform(self, z: Array) -> Array:
        z = z.clip(*self.ends)
        g = np.exp(z) if np.isinf(self.bend) else self.bend * np.logaddexp(0, z)
        distance: Array = np.maximum(g - self.least, 0)
        return distance

    def log_slope(self, g: Array) -> Array:
        """Return the logarithm of the slope of ``transform``."""
        g = g + self.least
        if np.isinf(self.bend):
            return -np.log(g)
        slope: Array = -np.log(self.bend) - np.log(-np.expm1(-g / self.bend))
        return slope

    def _likelihood(self, here: Array, then: Array) -> float:
        """Return the log-likelihood of steps, one by one."""
        size = np.abs(self.transform(then) - self.transform(here)).mean()
        slope = (self.log_slope(here).mean() + self.log_slope(then).mean()) / 2
        return float(slope - np.log(size)) if size > 0 else -np.inf


def _steps(columns: Sequence[Array]) -> tuple[Array, Array]:
    """Return distances with those that follow them, none of them 0, evenly taken of all."""
    here = np.concatenate([column[:, :-1].ravel() for column in columns])
    then = np.concatenate([column[:, 1:].ravel() for column in columns])
    both = np.flatnonzero((here > 0) & (then > 0))  # and none of them NaN
    some = both[np.linspace(0, len(both) - 1, min(len(both), MOST_STEPS)).astype(int)]
    return here[some], then[some]
