"""Windows with gaps, completed by the surface that all of them lie on.

Symbols: ``x`` is a window, ``s`` its ``k`` scores and ``P`` the polynomial with ``x = P(s)``, all
of them unknown where values are missing. In turn the polynomial is fitted to what is known at
each timestep, and scores to what is known of each window: least squares that see no cell that was
filled in. Fills only decide in which directions scores are looked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.filling import NormalFiller
from sklearn_timegen.rules.polynomial import Polynomial, degrees_for

__all__ = ["completed_windows"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PROMISING = 0.1  # of the standard deviation: what a first polynomial leaves of known cells
N_ROUNDS = 20
N_FIRST = 5  # of these, after which known cells are nearly as close as they are to be
NEARLY = 5.0  # times
SETTLED = 1e-3  # times that: by which fills still change, at about the rounding of float32
N_STEPS = 2  # of Gauss and Newton in each
STEADY = 1e-6  # of the trace: keeps a step from going where nothing is known
LARGEST_LEVERAGE = 50.0  # of any cell of a window in what is known of it: beyond, it is a guess
SURE = 4.0  # standard errors of a cell, by which it is close


def completed_windows(
    rows: Array, most_scores: int, highest: int, close: float, fewest: int
) -> Array | None:
    """Return windows whose gaps the others tell; ``None`` if they lie on no surface.

    Parameters
    ----------
    rows : ndarray of shape (n_windows, n_timesteps)
        Windows, NaN where values are missing.
    most_scores, highest : int
        Scores of a window, and degree of the polynomial, at most.
    close : float
        How far known cells may be off, in standard deviations.
    fewest : int
        Windows that the surface is to be known by.

    Returns
    -------
    completed : ndarray of shape (n_completed, n_timesteps) or None
        Those windows of which so much is known that it tells the rest; known cells as they were.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.rules.shape_gaps import completed_windows
    >>> x = make_sines(400, 24, 1, random_state=0)[:, :, 0].astype(float)
    >>> gaps = np.random.default_rng(0).random(x.shape) < 0.2
    >>> completed = completed_windows(np.where(gaps, np.nan, x), 8, 6, 1e-3, 300)
    >>> completed.shape[0] > 350, bool(np.isfinite(completed).all())
    (True, True)
    """
    enough = np.isfinite(rows).sum(axis=1) >= rows.shape[1] // 2
    rows = rows[enough]
    deviation = float(np.nanstd(rows)) if len(rows) >= fewest else 0.0
    if deviation == 0 or not np.isfinite(rows).any(axis=0).all():
        return None
    known, u = np.isfinite(rows), rows[:, :, None]
    filled = NormalFiller().fit([u]).draw(u)[:, :, 0]
    for k in range(1, most_scores + 1):
        degrees = list(degrees_for(len(rows) // 2, k, highest))
        if not degrees:
            return None
        s = _scores(filled, k)
        off = np.where(known, Polynomial(s, filled, degrees[-1])(s) - rows, 0.0)
        if np.sqrt((off**2).sum() / known.sum()) > PROMISING * deviation:
            continue
        completed, told = _completed(rows, filled, k, degrees, close * deviation)
        if told.sum() >= fewest:
            return completed[told]
    return None


def _scores(rows: Array, k: int) -> Array:
    """Return the first principal scores of windows."""
    centred = rows - rows.mean(axis=0)
    axes: Array = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :k]
    return centred @ axes


def _completed(
    rows: Array, filled: Array, k: int, degrees: list[int], close: float
) -> tuple[Array, Mask]:
    """Return windows, and which are told by what is known of them; none, if that is not close."""
    known, none = np.isfinite(rows), np.zeros(len(rows), dtype=bool)
    off, told = np.zeros(rows.shape), none
    for turn in range(N_ROUNDS):
        if turn == N_FIRST and np.sqrt((off**2).sum() / known.sum()) > NEARLY * close:
            return filled, none
        s = _scores(filled, k)
        # A high degree follows the first scores, which are those of fills that are off.
        polynomial = Polynomial(s, rows, degrees[min(turn + 1, len(degrees) - 1)])
        low, high = s.min(axis=0), s.max(axis=0)
        for _ in range(N_STEPS):
            slope = polynomial.gradient(s)
            square, right = _normal_equations(slope * known[:, :, None], rows - polynomial(s))
            s = np.clip(s + np.linalg.solve(square, right)[:, :, 0], low, high)
        value, before = polynomial(s), filled
        filled = np.where(known, rows, value)
        off = np.where(known, rows - value, 0.0)
        leverage = ((slope @ np.linalg.inv(square)) * slope).sum(axis=2).max(axis=1)
        # By the error of known cells: that of the others.
        error = leverage * (off**2).sum() / known.sum()
        told = (leverage <= LARGEST_LEVERAGE) & (error <= (close / SURE) ** 2)
        if told.any() and np.abs(filled - before)[told].max() <= SETTLED * close:
            break
    return filled, told if np.abs(off[told]).max(initial=0.0) <= close else none


def _normal_equations(slope: Array, off: Array) -> tuple[Array, Any]:
    across = np.swapaxes(slope, 1, 2)
    square = across @ slope
    trace = np.trace(square, axis1=1, axis2=2)[:, None, None]
    k = slope.shape[2]
    steady = square + np.maximum(STEADY * trace / k, 1e-300) * np.eye(k)
    return steady, across @ np.nan_to_num(off)[:, :, None]
