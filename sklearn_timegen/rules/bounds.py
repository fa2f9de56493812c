"""Values that a channel cannot leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, observed

__all__ = ["Bounds", "Limits", "find_bounds", "touched_bound"]

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]

NEAR = 0.02  # of a standard deviation: what counts as touching
TOUCHED = 0.002  # of cells that have to touch
AROUND = 5  # times as far: what values beside a bound are compared with
CROWDED = 1.5  # times as dense beside a bound as around it: it is where series linger
CROSSINGS = 15  # that are to be expected of series that do not know of a bound


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
    >>> from sklearn_timegen.rules.bounds import Limits
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

    def on_grid(self, channel: int, step: float) -> None:
        """Move the bounds of a channel inwards to multiples of a step."""
        low, high = float(self.low[channel]), float(self.high[channel])
        self.tighten(
            channel,
            None if np.isinf(low) else float(np.ceil(low / step - 1e-6) * step),
            None if np.isinf(high) else float(np.floor(high / step + 1e-6) * step),
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


class Bounds(Rule):
    """Values that a channel never leaves.

    What would leave them is clipped. A bound that is found, hardly ever taken, and not crowded
    either, as those of walks that turn round before it, is a mirror: clipped values would pile up
    where there are none.

    Parameters
    ----------
    channel : int or str
        The channel.
    low, high : float or None, default=None
        The least and the greatest value, if there are such.

    Examples
    --------
    >>> from sklearn_timegen.rules import Bounds
    >>> Bounds("humidity", low=0, high=100)
    0 <= humidity <= 100
    """

    kind = "bounds"

    def __init__(self, channel: Any, low: float | None = None, high: float | None = None) -> None:
        super().__init__(channel)
        if low is None and high is None:
            raise ValueError(f"Bounds of {channel!r} need a low, a high, or both")
        self.low, self.high = low, high
        self.mirrors = False, False  # at the low, and at the high

    def statement(self) -> str:
        low = "" if self.low is None else f"{self.low:g} <= "
        high = "" if self.high is None else f" <= {self.high:g}"
        return f"{low}{self.labels[0]}{high}"

    def broken(self, block: Block) -> Mask:
        x = block[self.keys[0]]
        # Rounded to float32, a value on a bound may be beyond it by one step.
        mask: Mask = np.zeros(x.shape, dtype=bool)
        if self.low is not None:
            mask |= x < self.low - 1.2e-7 * abs(self.low)
        if self.high is not None:
            mask |= x > self.high + 1.2e-7 * abs(self.high)
        return mask

    def decode(self, block: Block) -> Block:
        x = block[self.keys[0]]
        for bound, mirrors, sign in zip((self.low, self.high), self.mirrors, (1, -1), strict=True):
            if mirrors and bound is not None:
                x = np.where(sign * (x - bound) < 0, 2 * bound - x, x)
        return {**block, self.keys[0]: np.clip(x, self.low, self.high)}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        key = self.keys[0]
        return {**block, key: np.where(known[key], block[key], self.decode(block)[key])}

    def log_slope(self, block: Block) -> float:
        return 0.0


def find_bounds(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the bounds that channels come close to again and again, and never leave."""
    found: list[Rule] = []
    for key in blocks[0]:
        if units[key] != "data" or not isinstance(key, int):
            continue
        columns = [block[key] for block in blocks]
        low = touched_bound(columns)
        high = touched_bound([-column for column in columns])
        if low is not None or high is not None:
            rule = Bounds(key, low, None if high is None else -high)
            x = observed(np.concatenate([column.ravel() for column in columns]))
            rule.mirrors = _is_mirror(x, rule.low), _is_mirror(x, rule.high)
            found.append(rule)
    return found


def _is_mirror(x: Array, bound: float | None) -> bool:
    """Whether the bound itself is hardly ever taken, nor the values beside it more than others."""
    if bound is None or (x == np.float32(bound)).mean() >= TOUCHED:
        return False
    distance = np.abs(x - bound)
    beside, around = (np.mean(distance <= k * NEAR * x.std()) for k in (1, AROUND))
    return bool(beside * AROUND <= CROWDED * around)


def touched_bound(columns: Sequence[Array]) -> float | None:
    """Return the lower bound of series that would have crossed it often, were they free to.

    From a value ``x`` close to the bound ``b`` a series that moves up and down alike would cross
    it if its next step is greater than ``x - b`` and goes down: these steps are counted, once
    each, since windows that overlap hold a step several times.
    """
    x = observed(np.concatenate([column.ravel() for column in columns]))
    if len(x) == 0:
        return None
    low, spread = float(x.min()), float(x.std())
    level = low + NEAR * spread
    if spread == 0 or (x < level).mean() < TOUCHED:
        return None
    pairs = [np.stack([c[:, :-1].ravel(), c[:, 1:].ravel()]) for c in columns]
    here, then = np.concatenate(pairs, axis=1)
    close = (here < level) & ~np.isnan(then)
    here, then = np.unique(np.stack([here[close], then[close]]), axis=1)
    gap, step = here - low, np.abs(then - here)
    return _roundest_below(low, NEAR * spread) if (step > gap).sum() / 2 >= CROSSINGS else None


def _roundest_below(low: float, room: float) -> float:
    """Return the number of the fewest digits that is below a value, by no more than a little."""
    for digits in range(-6, 8):
        rounded = float(np.floor(low * 10.0**digits) / 10.0**digits)
        if low - rounded <= room:
            return rounded
    return low
