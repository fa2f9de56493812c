"""States that follow each other, brought into an order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["discriminating_order", "neighbouring_order", "rate_of_change", "shares_of_changes"]


def neighbouring_order(states: Iterable[NDArray[Any]], n_states: int) -> list[int]:
    """Return states in an order in which those that follow each other are neighbours.

    By the Fiedler vector of how often they do: then a normal process that moves on a little
    crosses a threshold between states that follow each other.

    Parameters
    ----------
    states : iterable of ndarray of shape (n_series, n_timesteps)
        Numbers of states; where one is NaN, none is known.
    n_states : int
        How many there are.

    Returns
    -------
    order : list of int
        All states, each once.

    References
    ----------
    M. Fiedler (1973), "Algebraic connectivity of graphs", Czechoslovak Mathematical Journal 23.
    https://doi.org/10.21136/CMJ.1973.101168

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.states import neighbouring_order
    >>> round_trips = np.tile([0, 2, 1, 2], 9)[None]
    >>> neighbouring_order([round_trips], 3) in ([0, 2, 1], [1, 2, 0])
    True
    """
    follows = _changes(states, n_states)
    together = follows + follows.T
    np.fill_diagonal(together, 0)
    laplacian = np.diag(together.sum(axis=1)) - together
    if n_states < 2:
        return list(range(n_states))
    return [int(k) for k in np.argsort(np.linalg.eigh(laplacian)[1][:, 1])]


def discriminating_order(
    codes: NDArray[np.int64], features: NDArray[np.float64], n_states: int
) -> list[int]:
    """Return categories in the order of the direction of features that tells them best apart.

    What depends on the category rises or falls along such an order, as a normal distribution
    can tell.

    Parameters
    ----------
    codes : ndarray of shape (n_series,)
        Category of each series.
    features : ndarray of shape (n_series, n_features)
        What is known of each; NaN where it is not.
    n_states : int
        How many categories there are.

    Returns
    -------
    order : list of int
        All categories, each once.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.states import discriminating_order
    >>> codes = np.array([0, 1, 2] * 20)
    >>> height = np.array([1.0, 9.0, 5.0])[codes] + np.linspace(0, 1, 60)
    >>> discriminating_order(codes, height[:, None], 3) in ([0, 2, 1], [1, 2, 0])
    True
    """
    known = np.isfinite(features)
    n = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, features - np.where(known, features, 0).sum(axis=0) / n, 0.0)
    centred /= np.maximum(np.sqrt((centred**2).sum(axis=0) / n), 1e-12)
    member = codes[:, None] == np.arange(n_states)
    counts = np.maximum(member.sum(axis=0), 1)[:, None]
    means = member.T.astype(np.float64) @ centred / counts
    within = np.maximum(np.square(centred - means[codes]).mean(axis=0), 1e-6)
    # Means that are as far apart as by chance say nothing.
    apart = means / np.sqrt(within) * np.sqrt(counts)
    direction = np.linalg.svd(apart, full_matrices=False)[2][:1]
    if not direction.size:
        return list(range(n_states))
    return [int(k) for k in np.argsort(means @ direction[0], kind="stable")]


def rate_of_change(blocks: Sequence[NDArray[Any]]) -> float:
    """Return how often a channel is not what it was a timestep before, where both are known."""
    changes = [np.diff(column, axis=1).ravel() for column in blocks]
    known = np.concatenate(changes)
    known = known[np.isfinite(known)]
    return float(np.mean(known != 0)) if len(known) else 0.0


def shares_of_changes(states: Iterable[NDArray[Any]], which: Sequence[int]) -> NDArray[np.float64]:
    """Return how often some states are followed by each, of the steps of which both are known."""
    counts = _changes(states, max(which) + 1)
    found: NDArray[np.float64] = counts[np.ix_(which, which)]
    return found / max(1.0, found.sum())


def _changes(states: Iterable[NDArray[Any]], n_states: int) -> NDArray[np.float64]:
    """Return in how many steps each state is followed by each; where one is NaN, none is known."""
    counts = np.zeros((n_states, n_states))
    for state in states:
        before, after = state[:, :-1].ravel(), state[:, 1:].ravel()
        known = np.isfinite(before) & np.isfinite(after)
        np.add.at(counts, (before[known].astype(int), after[known].astype(int)), 1)
    return counts
