"""Sequences of states, written as what is new in each: a chain whose next state depends on the
last one, and on how long it has lasted.

Symbols: ``s`` is the state, ``d`` for how many timesteps it has been that, ``F`` the distribution
function of the next state given both, in training; the coordinate is
``z ~ Phi^-1(U(F(s'-), F(s')))`` (Rosenblatt 1952). If the states are a semi-Markov chain,
coordinates are independent standard normals, whatever runs of states look like: a generator that
learns no more than that keeps how long states last, which a threshold on a normal process cannot.

References
----------
M. Rosenblatt (1952), "Remarks on a multivariate transformation", Annals of Mathematical
Statistics 23. https://doi.org/10.1214/aoms/1177729394
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_timegen.rules.latent_paths import END

__all__ = ["LONGEST", "StateChain"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

LONGEST = 12  # timesteps that are told apart
FEWEST = 500  # transitions, before a chain is learned
DEPENDENT = 0.05  # by how much states stay more often, or less, than independent ones would
WEIGHT = 20.0  # transitions that a state's own distribution counts for, beside those of a duration


class StateChain:
    """The distribution of each state given the last one and for how long it has lasted.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.chain import StateChain
    >>> rng = np.random.default_rng(0)
    >>> states = (rng.random((200, 12)) < 0.1).cumsum(axis=1) % 2.0
    >>> chain = StateChain.of([states], 2)
    >>> a, b = chain.intervals(states)
    >>> bool((chain.states((a + b) / 2) == states).all())
    True
    """

    def __init__(self, cumulative: Array, start: Array) -> None:
        self._upper = _scores(cumulative)  # (context, state)
        self._start = _scores(start[None])

    @classmethod
    def of(cls, codes: Sequence[Array], n_states: int) -> StateChain | None:
        """Return the chain of sequences of codes, NaN where there is none; ``None`` if they
        hardly depend on each other, or are too few.
        """
        counts = np.zeros((n_states * 2 * LONGEST, n_states))
        start = np.zeros(n_states)
        stays = n_steps = 0
        for block in codes:
            now = _held(block)
            first = now[:, 0][now[:, 0] >= 0]
            start += np.bincount(first, minlength=n_states)
            context = _contexts(now)
            known = np.isfinite(block[:, 1:]) & np.isfinite(block[:, :-1])
            before, after = context[:, :-1][known], now[:, 1:][known]
            np.add.at(counts, (before, after), 1)
            stays += int((now[:, 1:] == now[:, :-1])[known].sum())
            n_steps += int(known.sum())
        share = counts.sum(axis=0) / max(1.0, counts.sum())
        if n_steps < FEWEST or abs(stays / n_steps - (share**2).sum()) < DEPENDENT:
            return None
        own = counts.reshape(n_states, -1, n_states).sum(axis=1)
        none = own.sum(axis=1) == 0  # a state that is only seen at ends
        own[none] = share
        own /= own.sum(axis=1, keepdims=True)
        rows = counts + WEIGHT * np.repeat(own, 2 * LONGEST, axis=0)
        start = start if start.sum() >= WEIGHT else start + WEIGHT * share
        return cls(rows / rows.sum(axis=1, keepdims=True), start / start.sum())

    def intervals(self, codes: Array) -> tuple[Array, Array]:
        """Return between which scores each state lies, given those before it."""
        now = _held(codes)
        context = _contexts(now)
        a, b = np.empty(codes.shape), np.empty(codes.shape)
        for t in range(codes.shape[1]):
            upper = self._start if t == 0 else self._upper[context[:, t - 1]]
            upper = np.broadcast_to(upper, (len(codes), upper.shape[1]))
            state = now[:, t, None]
            b[:, t] = np.take_along_axis(upper, state.clip(0), axis=1)[:, 0]
            below = np.take_along_axis(upper, (state - 1).clip(0), axis=1)[:, 0]
            a[:, t] = np.where(state[:, 0] > 0, below, -END)
        missing = ~np.isfinite(codes)
        return np.where(missing, -END, a), np.where(missing, END, b)

    def states(self, z: Array) -> Integers:
        """Return the states of scores, one after another."""
        n_states = self._upper.shape[1]
        state = np.empty(z.shape, dtype=np.int64)
        lasted = np.ones(len(z), dtype=np.int64)
        first = np.ones(len(z), dtype=np.int64)
        for t in range(z.shape[1]):
            if t == 0:
                upper = np.broadcast_to(self._start, (len(z), n_states))
            else:
                upper = self._upper[_context(state[:, t - 1], lasted, first)]
            state[:, t] = (z[:, t, None] > upper[:, :-1]).sum(axis=1)
            if t > 0:
                stays = state[:, t] == state[:, t - 1]
                lasted = np.where(stays, np.minimum(lasted + 1, LONGEST), 1)
                first &= stays
        return state


def _scores(p: Array) -> Array:
    upper: Array = ndtri(np.cumsum(p, axis=1).clip(0, 1)).clip(-END, END)
    upper[:, -1] = END
    return upper


def _held(codes: Array) -> Integers:
    """Return codes, of unknown ones the last that is known; those of the beginning, 0."""
    known = np.isfinite(codes)
    last = np.maximum.accumulate(np.where(known, np.arange(codes.shape[1]), 0), axis=1)
    held = np.take_along_axis(np.where(known, codes, 0), last, axis=1)
    return held.astype(np.int64)


def _contexts(states: Integers) -> Integers:
    """Return after each timestep what the next state depends on."""
    lasted, first = np.ones(states.shape, dtype=np.int64), np.ones(states.shape, dtype=np.int64)
    for t in range(1, states.shape[1]):
        stays = states[:, t] == states[:, t - 1]
        lasted[:, t] = np.where(stays, np.minimum(lasted[:, t - 1] + 1, LONGEST), 1)
        first[:, t] = first[:, t - 1] & stays
    return _context(states, lasted, first)


def _context(states: Integers, lasted: Integers, first: Integers) -> Integers:
    # The run that a series begins with has lasted longer than is known.
    context: Integers = (states * 2 + first) * LONGEST + lasted - 1
    return context
