"""Values of a normal process behind what is only known to lie between two thresholds.

A flag that stays on for hours is a normal process that stays above a threshold. Drawn anew at
each timestep, what is behind it would jump about, and a generator that learned it would switch
the flag as often. So the draws follow a first-order autoregression, given the intervals: a path
of states (:mod:`sklearn_timegen.rules.latent_paths`), and a value within each; then Gibbs
sampling, timesteps of odd and of even numbers in turn, for neighbours to agree within states, too.

Symbols: ``z`` is the process, ``a <= z <= b`` the interval of each cell, ``rho`` the correlation
of neighbours.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from sklearn_timegen.rules.latent_paths import EDGES, draw_states

__all__ = [
    "BORDER",
    "draw_between",
    "draw_once",
    "keys_of",
    "salted",
    "series_keys",
    "truncated_normals",
    "uniforms",
]

Array = NDArray[np.float64]

N_SWEEPS = 3
BORDER = 1e-5  # from the ends of an interval, which float32 can tell apart


def draw_between(a: Array, b: Array, rho: float, keys: NDArray[np.uint64] | None = None) -> Array:
    """Draw ``z`` between ``a`` and ``b``, each ``(n_series, n_timesteps)``.

    The draws are a function of the intervals, or of ``keys``, a number for each series: equal
    series get equal draws, whatever stands beside them.
    """
    z, free = a.copy(), b > a
    if not free.any():
        return z
    key = _key(a, b) if keys is None else keys
    halves = [_Cells(free, parity, a, b, key) for parity in (0, 1)]
    low, high = a, b
    if rho != 0:
        states = draw_states(a, b, rho, uniforms(salted(key, "states"), a.shape[1]))
        low, high = np.maximum(a, EDGES[states]), np.minimum(b, EDGES[states + 1])
        low, high = np.where(low < high, low, a), np.where(low < high, high, b)
    for half in halves:
        half.begin(z, low, high)
    for sweep in range(1, N_SWEEPS + 1 if rho != 0 else 1):
        for half in halves:
            half.draw(z, rho, sweep)
    return z


class _Cells:
    """The cells that are to be drawn at timesteps of one parity."""

    def __init__(
        self, free: NDArray[np.bool_], parity: int, a: Array, b: Array, key: NDArray[np.uint64]
    ) -> None:
        odd = np.arange(free.shape[1]) % 2 == parity
        self.i, self.t = np.nonzero(free & odd)
        self.a, self.b = a[self.i, self.t], b[self.i, self.t]
        self.key = key[self.i] + _mixed(self.t.astype(np.uint64) + np.uint64(1))
        last = free.shape[1] - 1
        # At an end, the one neighbour; 1 where there is none at all.
        self.before, self.after = np.maximum(self.t - 1, 0), np.minimum(self.t + 1, last)
        self.n_neighbours = (self.t > 0).astype(int) + (self.t < last)

    def begin(self, z: Array, low: Array, high: Array) -> None:
        u = _uniform(self.key, 0)
        between = low[self.i, self.t], high[self.i, self.t]
        z[self.i, self.t] = truncated_normals(0.0, 1.0, *between, u)

    def draw(self, z: Array, rho: float, sweep: int) -> None:
        around = z[self.i, self.before] * (self.t > 0)
        around += z[self.i, self.after] * (self.n_neighbours - (self.t > 0))
        both = self.n_neighbours == 2
        mean = around * np.where(both, rho / (1 + rho**2), rho)
        variance = np.where(self.n_neighbours == 0, 1.0, 1 - rho**2)
        variance = np.where(both, variance / (1 + rho**2), variance)
        u = _uniform(self.key, sweep)
        z[self.i, self.t] = truncated_normals(mean, np.sqrt(variance), self.a, self.b, u)


def truncated_normals(
    mean: Array | float, spread: Array | float, a: Array, b: Array, u: Array
) -> Array:
    """Draw normals between ``a`` and ``b`` from uniforms; the mean decides if none is left."""
    low, high = (a - mean) / spread, (b - mean) / spread
    # In the lower tail float64 tells probabilities apart, in the upper one it does not.
    mirrored = low > 0
    low, high = ndtr(np.where(mirrored, -high, low)), ndtr(np.where(mirrored, -low, high))
    e = ndtri((low + u * (high - low)).clip(1e-300, 1 - 1e-16))
    inside: Array = np.clip(mean + spread * np.where(mirrored, -e, e), a, b)
    return inside


def _key(a: Array, b: Array) -> NDArray[np.uint64]:
    """Return a number for each series, which depends on all of its intervals."""
    return series_keys(np.concatenate([a, b], axis=1))


def draw_once(a: Array, b: Array, keys: NDArray[np.uint64]) -> Array:
    """Draw one ``z`` for each series between ``a`` and ``b``, each ``(n_series, 1)``.

    The draws are a function of the series' ``keys``: of the intervals, they would be the same for
    all series with one value.
    """
    return draw_between(a, b, 0.0, keys)


def keys_of(columns: Iterable[Array], name: object) -> NDArray[np.uint64]:
    """Return a number for each series, which depends on all of its columns.

    And on the name of what is drawn by it: draws of two coordinates have nothing in common.
    """
    return salted(series_keys(np.concatenate([*columns], axis=1)), name)


def salted(keys: NDArray[np.uint64], name: object) -> NDArray[np.uint64]:
    """Return other keys of the same series, by the name of what is drawn by them."""
    return keys + np.uint64(zlib.crc32(repr(name).encode()))


def series_keys(rows: Array, salt: int = 0) -> NDArray[np.uint64]:
    """Return a number for each row, which depends on all of its values."""
    weights = _mixed(np.arange(1, rows.shape[1] + 1, dtype=np.uint64)) | np.uint64(1)
    bits = np.ascontiguousarray(rows).view(np.uint64)
    with np.errstate(over="ignore"):
        key: NDArray[np.uint64] = (_mixed(bits) * weights).sum(axis=1, dtype=np.uint64)
        return key + np.uint64(salt)


def uniforms(keys: NDArray[np.uint64], n: int) -> Array:
    """Return ``n`` uniform numbers between 0 and 1 for each key, which are a function of it."""
    with np.errstate(over="ignore"):
        return _uniform(keys[:, None] + _mixed(np.arange(1, n + 1, dtype=np.uint64))[None], 0)


def _uniform(key: NDArray[np.uint64], sweep: int) -> Array:
    """Return a uniform number between 0 and 1 for each key, in each sweep another."""
    bits = _mixed(key + _mixed(np.asarray([sweep], dtype=np.uint64)))
    uniform: Array = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return uniform


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the SplitMix64 hash of each number (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
