"""Values that nothing leaves on the way back, whatever a model draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.bounds import Bounds
from sklearn_timegen.rules.grid import Grid
from sklearn_timegen.rules.order import Order
from sklearn_timegen.rules.redundant import Copy
from sklearn_timegen.rules.rule import Rule, channel_of

__all__ = ["Limits"]

FloatArray = NDArray[np.float32]


class Limits:
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
    >>> from sklearn_timegen.rules.limits import Limits
    >>> Limits((0, [None, 10]), 2).clip(np.float32([[[-1, 12]]]))
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

    def settle(self, rules: Iterable[Rule], declared: Sequence[Rule]) -> None:
        """Agree with what else channels keep: clipping is the last step back."""
        orders: list[tuple[Any, Any]] = []
        for rule in rules:
            if isinstance(rule, Bounds) and any(r.channels == rule.channels for r in declared):
                self.tighten(channel_of(rule.keys[0]), rule.low, rule.high)
            elif isinstance(rule, Copy):
                copy, of = rule.keys
                orders += [(copy, of), (of, copy)]
            elif isinstance(rule, Order):
                orders += rule.covers()
        for rule in rules:
            if isinstance(rule, Grid):
                self.on_grid(channel_of(rule.keys[0]), rule)
        if orders and self.bind:
            self.keep_order(orders)

    def keep_order(self, pairs: Sequence[tuple[Any, Any]]) -> None:
        """Tighten bounds by those of channels above and below: then clipping keeps the order."""
        self.low, self.high = self.low.copy(), self.high.copy()
        for below, above in [*pairs] * len(pairs):  # until it has come down all the way
            self.low[above] = max(self.low[above], self.low[below])
            self.high[below] = min(self.high[below], self.high[above])
        self._check_room()

    def tighten(self, channel: int, low: float | None, high: float | None) -> None:
        """Take over the bounds of one channel."""
        limits = Limits((low, high), 1)
        self.low, self.high = self.low.copy(), self.high.copy()
        self.low[channel] = max(self.low[channel], limits.low[0])
        self.high[channel] = min(self.high[channel], limits.high[0])
        self.bind |= limits.bind
        self._check_room()

    def on_grid(self, channel: int, grid: Grid) -> None:
        """Move the bounds of a channel inwards to values of its grid."""
        low, high = float(self.low[channel]), float(self.high[channel])
        self.tighten(
            channel,
            None if np.isinf(low) else float(grid.above(np.array(low - 1e-6 * grid.step))),
            None if np.isinf(high) else float(grid.below(np.array(high + 1e-6 * grid.step))),
        )

    def _check_room(self) -> None:
        if (self.low > self.high).any():
            k = int(np.argmax(self.low > self.high))
            raise ValueError(
                f"bounds and rules contradict each other: nothing is left between "
                f"{self.low[k]:g} and {self.high[k]:g} for channel {k}"
            )

    def rules(self) -> list[Bounds]:
        """Return the bounds of each channel that has some."""
        sides = (
            (None if np.isinf(v) else float(v) for v in side) for side in (self.low, self.high)
        )
        pairs = enumerate(zip(*sides, strict=True))
        return [Bounds(k, low, high) for k, (low, high) in pairs if (low, high) != (None, None)]

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
