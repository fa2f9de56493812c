"""Values that a channel cannot leave."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bounds"]

FloatArray = NDArray[np.float32]


class Bounds:
    """The least and the greatest value of each channel; series are clipped to them.

    Parameters
    ----------
    bounds : (low, high) or None
        Each ``None``, a number, or one for each channel (``None`` where a channel has none).
    n_channels : int
        Number of channels.

    Attributes
    ----------
    low, high : ndarray of shape (n_channels,), float32
        Rounded inwards, so that what keeps them in float32 keeps the given ones in float64.

    Raises
    ------
    ValueError
        If ``bounds`` is no pair, has the wrong number of values, or a low above a high.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Bounds
    >>> Bounds((0, [None, 10]), 2).clip(np.float32([[[-1, 12]]]))
    array([[[ 0., 10.]]], dtype=float32)
    """

    def __init__(self, bounds: Any, n_channels: int) -> None:
        pair = (None, None) if bounds is None else bounds
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(
                "bounds must be a pair (low, high), each None, a number or one for each channel; "
                f"got {bounds!r}"
            )
        low, high = (
            _one_for_each(side, free, n_channels, bounds)
            for side, free in zip(pair, (-np.inf, np.inf), strict=True)
        )
        if (low > high).any():
            k = int(np.argmax(low > high))
            raise ValueError(f"bounds: low {low[k]:g} of channel {k} is above high {high[k]:g}")
        with np.errstate(over="ignore"):  # too far for float32 is no bound
            self.low, self.high = low.astype(np.float32), high.astype(np.float32)
        self.low = np.where(self.low < low, np.nextafter(self.low, np.float32(np.inf)), self.low)
        self.high = np.where(
            self.high > high, np.nextafter(self.high, np.float32(-np.inf)), self.high
        )
        if (self.low > self.high).any():
            k = int(np.argmax(self.low > self.high))
            raise ValueError(
                f"bounds: no float32 value lies between {low[k]!r} and {high[k]!r} (channel {k})"
            )
        self.bind = bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def check(self, x: FloatArray) -> None:
        """Raise a ``ValueError`` that names the first value of ``x`` beyond the bounds."""
        if not self.bind:
            return
        # Training data are rounded to float32 themselves: by one step they may be beyond.
        below = x < np.nextafter(self.low, np.float32(-np.inf))
        above = x > np.nextafter(self.high, np.float32(np.inf))
        if not (below.any() or above.any()):
            return
        i, t, d = np.argwhere(below | above)[0]
        side, limit = ("below", self.low[d]) if below[i, t, d] else ("above", self.high[d])
        raise ValueError(
            f"X has {int((below | above).sum())} value(s) beyond bounds; the first, "
            f"{x[i, t, d]:g} at sample {i}, timestep {t}, channel {d}, is {side} {limit:g}. Clip "
            "the data, or widen bounds"
        )

    def clip(self, x: FloatArray) -> FloatArray:
        """Return series with no value beyond the bounds."""
        return np.clip(x, self.low, self.high) if self.bind else x


def _one_for_each(side: Any, free: float, n_channels: int, bounds: Any) -> NDArray[np.float64]:
    values = np.atleast_1d(np.asarray(side, dtype=object))
    try:
        numbers = np.array([free if v is None else float(v) for v in values])
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if np.isnan(numbers).any() or len(numbers) not in (1, n_channels):
        raise ValueError(
            f"bounds={bounds!r}: low and high must each be None, a number, or {n_channels} of "
            "these, one for each channel"
        )
    return np.broadcast_to(numbers, (n_channels,))
