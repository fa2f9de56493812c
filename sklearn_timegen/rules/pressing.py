"""Whether values that are never below 0 are so by no accident."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["BY_CHANCE", "near_zero", "presses_on_zero"]

Array = NDArray[np.float64]

NEAR = 0.02  # of a standard deviation: what counts as touching 0
CLOSE = 0.1  # of a standard deviation: what has to come close to 0 where few values can touch it
TOUCHED = 0.002  # of the values that have to touch, or to come close
FEWEST_TOUCH = 5  # different ones that have to touch, to be proof enough
FEWEST_CLOSE = 2  # that have to come close
BY_CHANCE = 0.01  # of the values that have to be below 0 by chance, or it is no news
EXPECTED = 10.0  # values below 0 that normal ones would have: none has a chance of exp(-10)


def near_zero(x: Array) -> NDArray[np.bool_]:
    """Return which of some nonnegative values are hardly any."""
    near: NDArray[np.bool_] = x <= NEAR * x.std()
    return near


def presses_on_zero(x: Array, marks: Array, n_independent: float) -> bool:
    """Whether nonnegative values come to 0 so often that it must be a border.

    Either they touch it time and again; or, in small tables, they come close to it, and as many
    independent normal values of their mean and standard deviation would have gone below.

    Parameters
    ----------
    x : ndarray
        The values, none below 0, not all equal.
    marks : ndarray
        A number for each: equal ones are one observation, as in windows that overlap.
    n_independent : float
        How many of them say something of their own.
    """
    touching = near_zero(x)
    if touching.mean() >= TOUCHED and len(np.unique(marks[touching])) >= FEWEST_TOUCH:
        return True
    close = x <= CLOSE * x.std()
    if close.mean() < TOUCHED or len(np.unique(marks[close])) < FEWEST_CLOSE:
        return False
    chance = float(ndtr(-x.mean() / x.std()))
    return chance >= BY_CHANCE and chance * n_independent >= EXPECTED
