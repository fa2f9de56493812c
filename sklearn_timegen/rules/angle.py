r"""Directions: 350 degrees are as near to 10 as 30 are.

Symbols: ``theta = 2 pi (x - l) / P`` is the angle of a value ``x`` on a circle of period ``P``
that begins at ``l``; the coordinates are ``cos theta`` and ``sin theta``. Whatever a generator
draws for them has a direction, ``atan2``, and no value lies outside of the circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_timegen.rules.grid import Grid
from sklearn_timegen.rules.latent import draw_between, keys_of
from sklearn_timegen.rules.latent_paths import END, estimate_correlation
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, cells, channel_of, check_finite

__all__ = ["CALM", "SINE", "Angle", "find_angles"]

Array = NDArray[np.float64]

LAST, FIRST = slice(None, -1), slice(1, None)

SINE, CALM = "sine", "calm"  # the columns beside that of the channel, which is the cosine
# What directions are usually given in: where the circle begins, and its period.
CIRCLES = ((0.0, 360.0), (-180.0, 360.0), (0.0, 2 * np.pi), (-np.pi, 2 * np.pi))
ALL_ROUND = 0.05  # of the period: how near to both its ends values come
TURNED = 0.125  # of the period: what steps are at most, on average, if they go round
FEWEST = 20  # steps over the ends, before they can be believed
APART = 2.0  # times as large as others are steps to what is no direction
ROUNDED = 1e-6  # of the period: what float32 may be off


class Angle(Rule):
    """A channel of directions, which go round.

    A wind from 350 degrees that turns to 10 turns by 20, and not back through the south. Where
    directions lie above the beginning of the circle, and up to its end, the beginning itself is
    how a calm is written, as 0 in reports of the weather, where north is 360: then whether there
    is a direction is a coordinate of its own. Steps tell: those to a calm, and from it, are larger
    than others.

    Parameters
    ----------
    channel : int or str
        The channel.
    period : float, default=360.0
        Of the circle, in the units of the channel: 360 for degrees, 24 for hours of a day.
    start : float, default=0.0
        Where the circle begins.
    calm : bool, default=False
        Whether the beginning stands for no direction. It is found in the data, if the rule is.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import find_rules
    >>> rng = np.random.default_rng(0)
    >>> wind = (90 + rng.normal(0, 20, size=(50, 48)).cumsum(axis=1)) % 360
    >>> find_rules(wind[:, :, None], names=["wind"])
    wind goes round from 0 to 360: 2,400 cells, none broken
    """

    kind = "angle"
    learned = "_open"

    def __init__(
        self, channel: Any, period: float = 360.0, start: float = 0.0, *, calm: bool = False
    ) -> None:
        super().__init__(channel)
        check_finite("the period of an Angle", period)
        check_finite("the start of an Angle", start)
        if not period > 0:
            raise ValueError(f"the period of an Angle must be above 0, got {period!r}")
        self.period, self.start, self.calm = float(period), float(start), bool(calm)
        self.grid: Grid | None = None  # to which the channel is rounded after it is decoded

    def statement(self) -> str:
        ends = f"from {self.start:.6g} to {self.start + self.period:.6g}"
        calm = f", and {self.start:g} is no direction" if self.calm else ""
        return f"{self.labels[0]} goes round {ends}{calm}"

    def broken(self, block: Block) -> Mask:
        x, off = block[self.keys[0]], ROUNDED * self.period
        mask: Mask = (x < self.start - off) | (x > self.start + self.period + off)
        return mask

    @property
    def columns(self) -> list[Key]:
        """The coordinates that stand for the channel."""
        channel = channel_of(self.keys[0])
        return [self.keys[0], (channel, SINE), *([(channel, CALM)] if self.calm else [])]

    def learn(self, blocks: Sequence[Block]) -> None:
        x = cells(blocks, self.keys[0])
        off = ROUNDED * self.period
        # Whether the circle's end is written as its beginning.
        self._open = not self.calm and not (x >= self.start + self.period - off).any()
        if self.calm:
            share = float(self._is_calm(x).mean())
            self._threshold = float(ndtri(np.clip(1 - share, 1e-6, 1 - 1e-6)))
            longest = max((block[self.keys[0]] for block in blocks), key=np.size)
            self._correlation = estimate_correlation(*self._interval(longest))

    def _is_calm(self, x: Array) -> Mask:
        calm: Mask = np.abs(x - self.start) <= ROUNDED * self.period
        return calm

    def _interval(self, x: Array) -> tuple[Array, Array]:
        """Return where the process behind calms may be: above a threshold where it is calm."""
        calm, there = self._is_calm(x), np.isfinite(x)
        low = np.where(calm & there, self._threshold, -END)
        return low, np.where(calm | ~there, END, self._threshold)

    def encode(self, block: Block) -> Block:
        x = block[self.keys[0]]
        theta = 2 * np.pi * (x - self.start) / self.period
        if self.calm:  # there is no direction, and none is nearer than the last one
            theta = _held(np.where(self._is_calm(x), np.nan, theta))
            theta = np.where(np.isnan(x), np.nan, theta)
        drawn = [np.cos(theta), np.sin(theta)]
        if self.calm:
            a, b = self._interval(x)
            z = draw_between(a, b, self._correlation, keys_of([x], self.columns[-1]))
            drawn.append(np.where(np.isnan(x), np.nan, z))
        return {**block, **dict(zip(self.columns, drawn, strict=True))}

    def decode(self, block: Block) -> Block:
        out = dict(block)
        cosine, sine, *rest = (out.pop(key) for key in self.columns)
        x = self._within(self.start + self.period * np.arctan2(sine, cosine) / (2 * np.pi))
        for z in rest:
            x = np.where(z > self._threshold, self.start, x)
        return {**out, self.keys[0]: x}

    def _within(self, x: Array) -> Array:
        """Return the same directions on the circle, and on the grid of the channel."""
        end, off = self.start + self.period, ROUNDED * self.period
        turned = x if self.grid is None else self.grid.rounded(x)
        turned = self.start + (turned - self.start) % self.period
        if self._open:
            return np.where(turned >= end - off, self.start, turned)
        return np.where(turned <= self.start + off, end, turned)

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        key = self.keys[0]
        x = block[key]
        calm = self.calm & self._is_calm(x)
        return {**block, key: np.where(known[key] | calm, x, self._within(x))}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, **dict.fromkeys(self.columns, "free")}

    def renamed(self) -> dict[Key, str]:
        return {self.keys[0]: f"cosine of {self.labels[0]}"}

    def log_slope(self, block: Block) -> float:
        raise TypeError(
            f"{self.labels[0]} is written as cosine and sine, which have no density where only "
            "directions are known: fit with rules=None for a density of numbers"
        )


def find_angles(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the channels that fill a circle, over whose ends they go time and again."""
    found: list[Rule] = []
    for key in blocks[0]:
        if units[key] != "data" or not isinstance(key, int):
            continue
        x = cells(blocks, key)
        for start, period in CIRCLES:
            off = ROUNDED * period
            both = all((np.abs(x - end) <= off).any() for end in (start, start + period))
            columns = [block[key] for block in blocks]
            calm = both and _is_no_direction(columns, start, period)
            if _goes_round(columns, start, period, calm):
                found.append(Angle(key, period, start, calm=calm))
                break
    return found


def _is_no_direction(columns: Sequence[Array], start: float, period: float) -> bool:
    """Whether steps to the beginning of a circle, and from it, are larger than all others.

    Where both ends occur because directions were rounded, they are not.
    """
    off = ROUNDED * period
    here, then = (np.concatenate([x[:, s].ravel() for x in columns]) for s in (LAST, FIRST))
    steps = _shorter_way(then - here, period)
    touching = (np.abs(here - start) <= off) ^ (np.abs(then - start) <= off)
    others = np.isfinite(steps) & ~touching
    touching &= np.isfinite(steps)
    if not touching.any() or not others.any():
        return False
    return bool(steps[touching].mean() > APART * steps[others].mean())


def _shorter_way(steps: Array, period: float) -> Array:
    turned: Array = period / 2 - np.abs(np.abs(steps) % period - period / 2)
    return turned


def _goes_round(columns: Sequence[Array], start: float, period: float, calm: bool) -> bool:
    low = min(float(np.nanmin(column, initial=np.inf)) for column in columns)
    high = max(float(np.nanmax(column, initial=-np.inf)) for column in columns)
    off = ROUNDED * period
    within = low >= start - off and high <= start + period + off
    near = ALL_ROUND * period
    if not within or low > start + near or high < start + period - near:
        return False
    if calm:  # which is no direction, and no step to one
        columns = [np.where(np.abs(x - start) <= off, np.nan, x) for x in columns]
    steps = np.concatenate([np.diff(column, axis=1).ravel() for column in columns])
    steps = steps[np.isfinite(steps)]
    over = np.abs(steps) > period / 2
    turned = _shorter_way(steps, period)
    if over.sum() < FEWEST:
        return False
    return bool(max(turned.mean(), turned[over].mean()) < TURNED * period)


def _held(x: Array) -> Array:
    """Return the last value that is known of each series, or the first; 0 where none is."""
    there = np.isfinite(x)
    at = np.maximum.accumulate(np.where(there, np.arange(x.shape[1]), -1), axis=1)
    first = there.argmax(axis=1)[:, None]
    held: Array = np.take_along_axis(x, np.where(at < 0, first, at), axis=1)
    return np.nan_to_num(held)
