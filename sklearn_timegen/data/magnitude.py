"""What float32, in which generators work, can hold of a channel's values, and what it cannot.

It has seven digits of a number between 1e-38 and 3e38. A channel whose values lie outside, or
whose variation drowns in the rounding of its values, is refused rather than learned as something
else; the error says which factor or offset helps.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_magnitude", "is_lost_in_float32", "to_float32"]

EPS, EPS64 = float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps)
SMALLEST = float(np.finfo(np.float32).tiny)  # below, digits are lost one by one
LARGEST = float(np.finfo(np.float32).max)
ROOM = 1e6  # samples may lie so many times as far out as the data


def check_magnitude(x: NDArray[Any], name: str) -> None:
    """Refuse 3-d series, integers or floats, of which float32 does not hold what varies.

    What varies by float64's own rounding only is a constant, and is none of this.
    """
    number: Any = float if x.dtype.kind == "f" else int
    for k in range(x.shape[2]):
        channel = x[:, :, k]
        if number is float and np.isnan(channel.min()):  # what is missing, has no magnitude
            channel = channel[~np.isnan(channel)][:, None]
            if channel.size == 0:
                continue
        low, high = number(channel.min()), number(channel.max())
        largest = float(max(abs(low), abs(high)))
        if not math.isfinite(largest) or low == high:
            continue  # what is not finite is refused in other words
        rounding = 16 * largest * EPS64 if number is float else 0.0
        if largest > LARGEST / ROOM:
            i, t = np.argwhere(x[:, :, k] == (low if -low > high else high))[0]
            raise ValueError(
                f"channel {k} of {name} holds values of {largest:.3g} (sample {i}, timestep {t}): "
                "float32, in which generators work, leaves samples no room beyond "
                f"{LARGEST / ROOM:.2g}; {_factor(largest)} first"
            )
        if high - low > rounding:
            _check_spread(channel, low, high, f"channel {k} of {name}")
            _check_movement(channel, f"channel {k} of {name}")


def is_lost_in_float32(channel: NDArray[np.float64]) -> bool:
    """Whether float32 cannot tell what makes series ``(n_series, n_timesteps)`` differ, or move.

    What is a float32 number already loses nothing, whatever was lost before it came.
    """
    if np.array_equal(channel, channel.astype(np.float32)):
        return False
    low, high = float(channel.min()), float(channel.max())
    largest = max(abs(low), abs(high))
    if high - low <= 16 * largest * EPS64:
        return False  # a constant
    return float(channel.std()) < 8 * largest * EPS or _movement(channel) is not None


def _check_movement(channel: NDArray[Any], name: str) -> None:
    """Refuse a movement within series that is lost beside their level."""
    if channel.dtype.itemsize <= 4 and channel.dtype.kind == "f":
        return  # rounded before it came
    lost = _movement(channel)
    if lost is not None:
        raise ValueError(
            f"{name} moves by {lost[0]:.3g} within series, around values of about {lost[1]:.3g}: "
            "most of that is lost in float32, in which generators work; subtract each series' "
            "level first, or learn changes, as SeriesGenerator does with transform='difference'"
        )


def _movement(channel: NDArray[Any]) -> tuple[float, float] | None:
    """Return spread within series and size of their values, if float32 loses most of the first."""
    low, high = channel.min(axis=1), channel.max(axis=1)
    largest = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
    reach = (high - low).astype(np.float64)
    moves = reach > 16 * largest * EPS64
    limit = 8 * EPS * largest
    # The spread is at least range / (2 sqrt(n)): mostly, the range decides.
    if (reach[moves] / (2 * channel.shape[1] ** 0.5) > limit[moves]).all():
        return None
    spread = (channel[moves] - low[moves, None]).astype(np.float64).std(axis=1)
    moved, size = (float(np.sqrt(np.mean(x**2))) for x in (spread, limit[moves]))
    return (moved, size / (8 * EPS)) if moved < size else None


def _check_spread(channel: NDArray[Any], low: Any, high: Any, name: str) -> None:
    largest, reach = float(max(abs(low), abs(high))), float(high - low)
    rounded = channel.dtype.kind == "f" and channel.dtype.itemsize <= 4  # before it came
    limit = max(0.0 if rounded else 8 * largest * EPS, SMALLEST)
    # The spread is at least range / (2 sqrt(n)): mostly, the range decides.
    if reach / (2 * channel.size**0.5) > limit:
        return
    if channel.dtype.itemsize < 8:
        channel = channel.astype(np.float64)
    # In units of the range: squares of tiny numbers would be 0.
    spread = reach * float(((channel - low).astype(np.float64) / reach).std())
    if spread < SMALLEST:
        raise ValueError(
            f"{name} varies by {spread:.3g}: float32, in which generators work, loses values that "
            f"small; {_factor(largest)} first"
        )
    if spread < limit:
        raise ValueError(
            f"{name} varies by {spread:.3g} around values of about {largest:.3g}: most of that is "
            "lost in float32, in which generators work; subtract an offset first"
        )


def _factor(largest: float) -> str:
    power = -math.floor(math.log10(largest))
    return f"multiply it by 1e{power}" if power > 0 else f"divide it by 1e{-power}"


def to_float32(v: NDArray[Any]) -> NDArray[np.float32]:
    """Return numbers in float32; those beyond its range become the largest that it has.

    A series far from all that a generator has seen lies far out in its representation, too, and
    farther than that is told from it no more.
    """
    return np.clip(v, -LARGEST, LARGEST).astype(np.float32)
