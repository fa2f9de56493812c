"""Where windows begin that were cut from one series, told by what they share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_timegen.data.checks import check_window_starts

__all__ = ["find_window_starts", "known_starts"]

Index = NDArray[np.int64]


def find_window_starts(windows: ArrayLike) -> Index | None:
    """Return where windows begin that were cut from one series, if they overlap.

    Parameters
    ----------
    windows : array-like of shape (n_windows, n_timesteps[, n_channels])
        Windows in time order. Missing values (NaN) are like any other.

    Returns
    -------
    starts : ndarray of shape (n_windows,) or None
        Start of each window, the first at 0; ``None`` if the windows do not overlap, or are not
        in time order.

    Examples
    --------
    >>> from sklearn_timegen.model_selection import find_window_starts, make_windows
    >>> windows, _ = make_windows(range(10), n_timesteps=6, stride=2)
    >>> find_window_starts(windows)
    array([0, 2, 4])
    """
    windows = np.asarray(windows)
    if windows.ndim not in (2, 3):
        raise ValueError(f"windows must be 2-d or 3-d, got shape {windows.shape}")
    windows = windows.reshape(*windows.shape[:2], -1)
    few = windows[:9]
    for stride in range(1, windows.shape[1] - 1):
        if len(windows) < 2 or not _agree(few[1:, :-stride], few[:-1, stride:]):
            continue
        shared = windows[1:, :-stride]
        # Series that merely begin and end alike, padded with zeros say, share no variation.
        reach = np.fmax.reduce(shared, axis=1) - np.fmin.reduce(shared, axis=1)
        if (reach > 0).any(axis=1).mean() > 0.5 and _agree(shared, windows[:-1, stride:]):
            return np.arange(len(windows)) * stride
    return None


def known_starts(
    x: NDArray[Any], given: ArrayLike | None, name: str = "window_starts"
) -> Index | None:
    """Return where windows begin: as it was said, or found.

    Whoever is not told would split windows of one series at random, and judges that remember it
    would tell fresh draws of the very same process.
    """
    return find_window_starts(x) if given is None else check_window_starts(given, len(x), name)


def _agree(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether windows are equal, but for what is missing from either; most share something."""
    if np.array_equal(a, b):
        return True
    equal = a == b
    missing = (a != a) | (b != b)
    return bool((equal | missing).all() and equal.any(axis=(1, 2)).mean() > 0.5)
