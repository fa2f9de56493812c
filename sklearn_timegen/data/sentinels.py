"""Numbers that may stand for what is missing: far from all others, and again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._remedies import InputWarning, Remedy
from sklearn_timegen._warning import warn_user

__all__ = ["sentinels_told", "suspected_sentinel", "warn_of_sentinels"]

FEWEST = 3  # cells that hold it
OTHERS = 10  # different values beside it, at least: codes and flags may lie anywhere
FAR = 2.0  # ranges of the others that it is away from them
USUAL = (-1e5, -99999.0, -9999.0, -999.0, -200.0, -99.0, -9.0, 99.0, 999.0, 9999.0, 99999.0)
NEAR = 0.3  # ranges, for a number that many instruments write

_TOLD: ContextVar[bool] = ContextVar("_TOLD", default=False)


def suspected_sentinel(x: NDArray[Any]) -> float | None:
    """Return the number that may stand for what is missing among values, if there is one.

    It is the least or the greatest, occurs three times or more, and lies farther from all others
    than twice their range; for numbers that are often used so, as -9999, a third of it is enough.

    Parameters
    ----------
    x : ndarray
        The values of one channel; NaN do not count.

    Returns
    -------
    value : float or None
        The suspicion.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.data.sentinels import suspected_sentinel
    >>> carbon_monoxide = np.random.default_rng(0).gamma(2.0, size=500)
    >>> carbon_monoxide[::20] = -200
    >>> suspected_sentinel(carbon_monoxide)
    -200.0
    """
    flat = x[np.isfinite(x)]
    if flat.size == 0:
        return None
    for value in (float(flat.min()), float(flat.max())):
        is_it = flat == value
        rest = flat[~is_it]
        if is_it.sum() < FEWEST or rest.size == 0 or len(np.unique(rest[:1000])) < OTHERS:
            continue
        low, high = float(rest.min()), float(rest.max())
        distance = max(low - value, value - high)
        if distance > (NEAR if value in USUAL else FAR) * (high - low):
            return value
    return None


def warn_of_sentinels(x: NDArray[Any], names: Sequence[Any] | None = None) -> None:
    """Warn of channels of 3-d series that hold a number which may stand for what is missing."""
    if _TOLD.get():
        return
    for k in range(x.shape[2]):
        channel = x[:, :, k]
        value = suspected_sentinel(channel)
        if value is None:
            continue
        rest = channel[np.isfinite(channel) & (channel != value)]
        name = f"channel {k}" if names is None else f"channel {names[k]!r}"
        warn_user(
            InputWarning(
                f"{name} holds {value:g} in {np.mean(channel == value):.1%} of its cells, far "
                f"from all other values ({rest.min():g} to {rest.max():g}): if it stands for what "
                "is missing, ",
                Remedy("replace it by NaN", "leave those cells empty"),
                ", or samples will hold it, too",
            )
        )


@contextmanager
def sentinels_told() -> Iterator[None]:
    """Let nobody in here warn of sentinels: of the data that these are made of, it is done."""
    token = _TOLD.set(True)
    try:
        yield
    finally:
        _TOLD.reset(token)
