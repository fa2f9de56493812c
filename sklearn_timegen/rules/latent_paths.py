r"""Where a normal process runs that is only known to lie between thresholds: on a grid, exactly.

The process is cut into states, each a range of values, between which a first-order
autoregression moves. Forward filtering and backward sampling then draw whole paths given all that
is known, however long they stay on one side: from the first timestep on, the probability of each
state given what is known so far; from the last one back, a state given the one after it. The
correlation is the one at which pairs of neighbours are most likely (of thresholds: the polychoric
correlation, Olsson 1979).

Symbols: ``c_i`` is the middle of state ``i``, ``rho`` the correlation of neighbours, ``K_ij`` the
probability to go from ``i`` to ``j``, ``w_j`` the fraction of a state that a cell's interval
leaves.

References
----------
C. Carter and R. Kohn (1994), "On Gibbs sampling for state space models", Biometrika 81.
https://doi.org/10.1093/biomet/81.3.541

U. Olsson (1979), "Maximum likelihood estimation of the polychoric correlation coefficient",
Psychometrika 44. https://doi.org/10.1007/BF02296207
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

__all__ = ["EDGES", "END", "LARGEST", "draw_states", "estimate_correlation"]

Array = NDArray[np.float64]
States = NDArray[np.int64]

END = 8.0  # where a normal ends
EDGES = np.concatenate([[-END], np.linspace(-3.9, 3.9, 40), [END]])
MIDDLES = np.concatenate([[-4.0], (EDGES[1:-2] + EDGES[2:-1]) / 2, [4.0]])
MASSES = np.diff(ndtr(EDGES))
LONGEST = 20_000  # timesteps, beyond which series are cut
TOGETHER = 500_000  # cells that are filtered at once
MOST_PAIRS = 5000  # of neighbours, that tell a correlation
LARGEST = 0.99  # correlation of neighbours
HARDLY = 1e-12  # probability of any step, so that no series is impossible


def draw_states(a: Array, b: Array, rho: float, uniforms: Array) -> States:
    """Draw the states of processes of which each cell is known to lie between ``a`` and ``b``.

    Parameters
    ----------
    a, b : ndarray of shape (n_series, n_timesteps)
        Intervals; a cell that is known has both the same.
    rho : float
        Correlation of neighbours.
    uniforms : ndarray of shape (n_series, n_timesteps)
        Numbers between 0 and 1 that decide.

    Returns
    -------
    states : ndarray of shape (n_series, n_timesteps)
        State ``k`` lies between ``EDGES[k]`` and ``EDGES[k + 1]``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.latent_paths import EDGES, draw_states
    >>> a, b = np.zeros((1, 4)), np.full((1, 4), 8.0)  # above the median, all along
    >>> states = draw_states(a, b, 0.9, np.full((1, 4), 0.5))
    >>> bool((EDGES[states + 1] > 0).all())
    True
    """
    n_series, n_timesteps = a.shape
    n_parts = -(-n_timesteps // LONGEST)
    if n_parts > 1:
        beyond = n_parts * LONGEST - n_timesteps
        shape = n_series * n_parts, LONGEST
        a, b, uniforms = (
            np.pad(x, ((0, 0), (0, beyond)), constant_values=fill).reshape(shape)
            for x, fill in ((a, -END), (b, END), (uniforms, 0.5))
        )
    K = _transitions(rho)
    n_together = max(1, TOGETHER // a.shape[1])
    parts = [slice(k, k + n_together) for k in range(0, len(a), n_together)]
    drawn = np.concatenate([_draw(a[p], b[p], K, uniforms[p]) for p in parts])
    return drawn.reshape(n_series, -1)[:, :n_timesteps]


def estimate_correlation(a: Array, b: Array) -> float:
    """Return the correlation of neighbours at which what is known of them is most likely.

    Pairs of which nothing is known of either tell nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.latent_paths import estimate_correlation
    >>> z = np.random.default_rng(0).normal(size=(2000, 1))
    >>> z = np.hstack([z, 0.8 * z + 0.6 * np.random.default_rng(1).normal(size=z.shape)])
    >>> above = z > 1
    >>> rho = estimate_correlation(np.where(above, 1, -8.0), np.where(above, 8.0, 1))
    >>> 0.7 < rho < 0.9
    True
    """
    told = (a > -END) | (b < END)
    i, t = np.nonzero(told[:, 1:] & told[:, :-1])
    if not len(i):
        return 0.0
    some = np.linspace(0, len(i) - 1, min(len(i), MOST_PAIRS)).round().astype(np.int64)
    i, t = i[some], t[some]
    now, then = (_left(a[i, k], b[i, k]) for k in (t, t + 1))
    now = now * MASSES

    def unlikeliness(rho: float) -> float:
        likelihood = ((now @ _transitions(rho)) * then).sum(axis=1)
        return -float(np.log(likelihood).sum())

    best = minimize_scalar(unlikeliness, bounds=(-LARGEST, LARGEST), method="bounded")
    return float(best.x)


def _transitions(rho: float) -> Array:
    spread = np.sqrt(1 - rho**2)
    K: Array = np.diff(ndtr((EDGES - rho * MIDDLES[:, None]) / spread), axis=1) + HARDLY
    return K / K.sum(axis=1, keepdims=True)


def _left(a: Array, b: Array) -> NDArray[np.float32]:
    """Return the fraction of each state that lies within intervals, of shape (n, n_states)."""
    intervals, which = np.unique(np.stack([a, b]), axis=1, return_inverse=True)
    low, high = intervals[:, :, None]
    inside = ndtr(np.minimum(EDGES[1:], high)) - ndtr(np.maximum(EDGES[:-1], low))
    w: Array = inside.clip(0) / MASSES
    # What is known to a point, or to less than can be told, has one state.
    points = np.flatnonzero(w.sum(axis=1) < HARDLY)
    w[points] = 0
    w[points, _state_of(intervals[:, points].mean(axis=0))] = 1
    return w.astype(np.float32)[which.ravel()]


def _state_of(z: Array) -> States:
    state: States = np.searchsorted(EDGES[1:-1], z, side="right")
    return state


def _draw(a: Array, b: Array, K: Array, uniforms: Array) -> States:
    n_series, n_timesteps = a.shape
    K = K.astype(np.float32)  # which is twice as fast, and as exact as states are
    filtered = np.empty((n_timesteps, n_series, len(MIDDLES)), dtype=np.float32)
    before = np.broadcast_to(MASSES, (n_series, len(MIDDLES)))
    for t in range(n_timesteps):
        filtered[t] = before * _left(a[:, t], b[:, t])
        filtered[t] /= filtered[t].sum(axis=1, keepdims=True)
        before = filtered[t] @ K
    states = np.empty((n_series, n_timesteps), dtype=np.int64)
    given = filtered[-1]
    for t in range(n_timesteps - 1, -1, -1):
        total = np.cumsum(given, axis=1)
        below = total < uniforms[:, t, None].astype(np.float32) * total[:, -1:]
        states[:, t] = below.sum(axis=1)
        given = filtered[t - 1] * K.T[states[:, t]]
    return states
