"""Channels that are read now and then, and straight or still in between.

Symbols: ``p`` is the period of readings, ``phase`` the timestep of the first one within a series,
``y`` the readings (knots). Between two readings a channel is linear, or it keeps the last one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_timegen.rules.grid import grid_of
from sklearn_timegen.rules.latent import draw_between
from sklearn_timegen.rules.rule import (
    Block,
    Key,
    Mask,
    Rule,
    cells,
    channel_of,
    is_complete,
    observed,
)

__all__ = ["ROUNDED", "Clock", "bends"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

KNOTS = 1e-6  # of a reading: what it may be off where a line was drawn on
ROUNDED = 2e-5  # of a channel's spread: what a straight line may be off in float32


class Clock(Rule):
    """Channels that are read every ``period`` timesteps, at the same time, and interpolated.

    The coordinates are the readings: each stands at the timesteps that lead up to it. Where series
    begin at several times of the clock, the phase is a column of its own, and readings are
    laid out evenly, the same number in each series.

    What is observed between two readings tells both of them, if there are two values, or one of a
    channel that keeps its reading. All other readings next to missing values are missing; so is
    all of a series that does not show its phase.

    Parameters
    ----------
    *channels : int or str
        Channels that are read at the same timesteps.
    period : int
        Timesteps from one reading to the next.
    how : {"linear", "hold"}, default="linear"
        Whether channels are straight between readings, or keep the last one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Clock, find_rules
    >>> rng = np.random.default_rng(0)
    >>> hours = rng.normal(size=400).cumsum()
    >>> minutes = np.interp(np.arange(2388) / 6, np.arange(400), hours)
    >>> find_rules(minutes[None, :, None], names=["wind"])
    wind is straight between readings every 6 timesteps: 2,388 cells, none broken
    """

    kind = "clock"
    learned = "_tolerance"
    judges_unlearned = False

    def __init__(self, *channels: Any, period: int, how: str = "linear") -> None:
        super().__init__(*channels)
        if period < 2:
            raise ValueError(f"the period of a Clock must be 2 timesteps or more, got {period!r}")
        if how not in ("linear", "hold"):
            raise ValueError(f"how={how!r} must be 'linear' or 'hold'")
        self.period = int(period)
        self.how = how
        self._grids: dict[Key, tuple[float, float]] = {}  # step and offset of readings
        self._together, self._phase = True, 0

    def statement(self) -> str:
        what = "straight" if self.how == "linear" else "still"
        verb = "are" if len(self.keys) > 1 else "is"
        when = f"every {self.period} timesteps"
        return f"{', '.join(self.labels)} {verb} {what} between readings {when}"

    # -- phases -----------------------------------------------------------------------------

    def learn(self, blocks: Sequence[Block]) -> None:
        self._tolerance = {
            key: ROUNDED * max(float(cells(blocks, key).std()), 1e-30)
            + 4e-7 * float(np.abs(cells(blocks, key)).max())
            for key in self.keys
        }
        self._grids = {}
        self._phase = 0
        told = np.concatenate([self._phases(b)[self._kinks(b).any(axis=1)] for b in blocks])
        self._together = len(np.unique(told)) <= 1
        self._phase = int(np.bincount(told).argmax()) if len(told) else 0
        phases = [self._phases(block) for block in blocks]
        for key in self.keys:
            knots = [
                row[phase :: self.period]
                for block, of_block in zip(blocks, phases, strict=True)
                for row, phase in zip(block[key], of_block, strict=True)
            ]
            values = observed(np.concatenate(knots))
            # Without a grid, as many decimals as float32 has left after a line was drawn on.
            decimal = float(10.0 ** np.ceil(np.log10(1e-6 * max(np.abs(values).max(), 1e-24))))
            step, offset = grid_of(values, KNOTS) or (decimal, 0.0)
            # A reading of 0 is 0, if the grid leads there.
            off = abs(offset - np.rint(offset / step) * step)
            through_0 = off <= KNOTS * float(np.abs(values).max())
            self._grids[key] = step, 0.0 if through_0 else offset
        sure = [p[self._tells_phase(b)] for b, p in zip(blocks, phases, strict=True)]
        number = np.bincount(np.concatenate(sure), minlength=self.period)
        self._edges = ndtri(np.concatenate([[0], np.cumsum(number) / number.sum()])).clip(-8, 8)

    def _kinks(self, block: Block) -> NDArray[np.bool_]:
        """Return where any of the channels bends ``(n_series, n_timesteps)``."""
        some = next(iter(block.values()))
        kinks = np.zeros(some.shape, dtype=bool)
        for key in self.keys:
            kinks |= bends(block[key], self.how, self._tolerance[key])
        return kinks

    def _phases(self, block: Block) -> Integers:
        """Return for each series the timestep, below the period, at which it is read."""
        kinks = self._kinks(block)
        by_phase = np.stack(
            [kinks[:, phase :: self.period].sum(axis=1) for phase in range(self.period)], axis=1
        )
        # A series without a kink is straight whatever its phase: that of most will do.
        phases: Integers = np.where(by_phase.any(axis=1), by_phase.argmax(axis=1), self._phase)
        return phases

    def _tells_phase(self, block: Block) -> NDArray[np.bool_]:
        """Return of which series the phase is known, or without meaning since none bends."""
        whole: Any = is_complete(block, self.keys).all(axis=1)
        sure: NDArray[np.bool_] = whole | self._kinks(block).any(axis=1)
        return np.ones_like(sure) if self._together else sure

    def broken(self, block: Block) -> Mask:
        kinks = self._kinks(block)
        t = np.arange(kinks.shape[1])
        allowed = (t[None] - self._phases(block)[:, None]) % self.period == 0
        mask: Mask = kinks & ~allowed
        return mask

    # -- coordinates ------------------------------------------------------------------------

    def encode(self, block: Block) -> Block:
        phases = self._phases(block)
        out = dict(block)
        sure = self._tells_phase(block)[:, None]
        for key in self.keys:
            knots = self._on_step(key, self._knots(self._filled(block[key], phases), phases))
            if not sure.all():
                knots = np.where(sure, knots, np.nan)
            out[key] = self._laid_out(knots, phases, block[key].shape[1])
            if self.how == "linear" and self._together:
                first = np.broadcast_to(knots[:, :1], block[key].shape)
                out[_before(key)] = first
        if not self._together:
            # A state of each series: an interval of a normal score, as other states are.
            a, b = self._edges[phases][:, None], self._edges[phases + 1][:, None]
            z = draw_between(np.concatenate([a, a], 1), np.concatenate([b, b], 1), 0.0)[:, :1]
            out[self._phase_key] = np.broadcast_to(np.where(sure, z, np.nan), block[key].shape)
        return out

    def decode(self, block: Block) -> Block:
        out = dict(block)
        some = block[self.keys[0]]
        if self._together:
            phases = np.full(len(some), self._phase)
        else:
            z = out.pop(self._phase_key).mean(axis=1)
            phases = np.searchsorted(self._edges[1:-1], z, side="right")
        for key in self.keys:
            first = out.pop(_before(key), None)
            knots = self._gathered(out[key], phases, first)
            knots = self._on_step(key, knots)
            out[key] = self._between(knots, phases, some.shape[1])
        return out

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        fixed = {key: np.broadcast_to(known[key], block[key].shape) for key in self.keys}
        seen = {key: np.where(fixed[key], block[key], np.nan) for key in self.keys}
        phases, sure = self._phases(seen), self._tells_phase(seen)
        out = {**block, **{key: block[key].copy() for key in self.keys}}
        for i in np.flatnonzero(~is_complete(seen, self.keys).all(axis=1)):
            # Where no kink tells it: the phase at which what is known lies nearest to the lines.
            tried = [phases[i]] if sure[i] else range(self.period)
            fits = [
                [self._nearest(key, block[key][i], fixed[key][i], phase) for key in self.keys]
                for phase in tried
            ]
            misses = [sum(miss for _, miss in fit) for fit in fits]
            for key, (line, _) in zip(self.keys, fits[int(np.argmin(misses))], strict=True):
                out[key][i] = np.where(fixed[key][i], block[key][i], line)
        return out

    def _nearest(self, key: Key, x: Array, fixed: Mask, phase: int) -> tuple[Array, float]:
        """Return the channel of a phase that is nearest to a series, and goes through fixed cells.

        Together with how far it misses these, in units of the tolerance.
        """
        n_knots = len(self._times(0, len(x))) + 1
        lines = self._between(np.eye(n_knots), np.full(n_knots, phase), len(x)).T
        knots: Array = np.linalg.lstsq(lines, x, rcond=None)[0].astype(np.float64)
        if fixed.any():
            left = (x - lines @ knots)[fixed]
            knots += np.linalg.lstsq(lines[fixed], left, rcond=None)[0]

        def miss(line: Array) -> float:
            off = np.abs(line - x)[fixed].max(initial=0.0)
            return max(0.0, float(off) / self._tolerance[key] - 0.1)

        line, on_step = lines @ knots, lines @ self._on_step(key, knots)
        line = on_step if miss(on_step) == 0 else line
        return line, miss(line)

    def held(self, column: Array, how: str) -> Array:
        """Return a column with one value at all timesteps of a reading: the first, or the mean."""
        out = np.empty_like(column)
        segment = self._segment(self._phase, column.shape[1])
        for k in np.unique(segment):
            cells_of = column[:, segment == k]
            value = cells_of[:, :1] if how == "first" else cells_of.mean(axis=1, keepdims=True)
            out[:, segment == k] = value
        return out

    def _on_step(self, key: Key, knots: Array) -> Array:
        step, offset = self._grids[key]
        rounded: Array = offset + np.rint((knots - offset) / step) * step
        return rounded

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        new = dict(units)
        if self.how == "linear" and self._together:
            new |= {_before(key): units[key] for key in self.keys if key in units}
        if not self._together:
            new[self._phase_key] = "free"
        return new

    @property
    def _phase_key(self) -> Key:
        return channel_of(self.keys[0]), "phase"

    def _times(self, phase: int, n_timesteps: int) -> Integers:
        """Return the times of readings: one before the series, and on until after it."""
        last = phase + self.period * (-(-(n_timesteps - 1 - phase) // self.period))
        return np.arange(phase - self.period, last + 1, self.period)

    def _segments(self, phase: int, n_timesteps: int) -> Iterator[slice]:
        """Yield the timesteps between two readings: with both, where a line goes through both."""
        for start, stop in pairwise([*self._times(phase, n_timesteps), n_timesteps + self.period]):
            yield slice(max(start, 0), stop + (self.how == "linear"))

    def _filled(self, column: Array, phases: Integers) -> Array:
        """Return a column with what is missing but follows from the same two readings."""
        if not np.isnan(column).any():
            return column
        out = column.copy()
        for phase in np.unique(phases):
            rows = np.flatnonzero(phases == phase)
            segments = list(self._segments(phase, column.shape[1]))
            for segment in segments + segments[::-1]:  # a reading that follows tells the next
                part = out[rows, segment]
                if part.shape[1]:
                    line = _line(part) if self.how == "linear" else _any_of(part)
                    out[rows, segment] = np.where(np.isnan(part), line, part)
        return out

    def _knots(self, column: Array, phases: Integers) -> Array:
        """Return the readings of each series, those outside of it by the straight line there."""
        n_timesteps = column.shape[1]
        knots = np.zeros((len(column), len(self._times(0, n_timesteps)) + 1))
        for phase in np.unique(phases):
            rows, times = np.flatnonzero(phases == phase), self._times(phase, n_timesteps)
            x, inside = column[rows], (times >= 0) & (times < n_timesteps)
            y = np.zeros((len(rows), len(times)))
            y[:, inside] = x[:, times[inside]]
            if self.how == "linear":
                y = self._extended(y, x, times, inside)
            else:
                y[:, ~inside] = np.where(times[~inside] < 0, x[:, :1], y[:, inside][:, -1:])
            padded = np.concatenate([y, np.repeat(y[:, -1:], knots.shape[1] - y.shape[1], 1)], 1)
            knots[rows] = padded
        return knots

    def _extended(self, y: Array, x: Array, times: Integers, inside: NDArray[np.bool_]) -> Array:
        p, n_timesteps, at = self.period, x.shape[1], np.flatnonzero(inside)
        first, last = times[at[0]], times[at[-1]]
        # What lies outside is where the straight line leads; nothing is known without one.
        slope = (x[:, first] - x[:, 0]) / first if first > 0 else np.zeros(len(x))
        y[:, at[0] - 1] = y[:, at[0]] - p * slope
        if at[-1] + 1 < len(times):
            beyond = n_timesteps - 1 - last
            slope = (x[:, -1] - x[:, last]) / beyond if beyond else np.zeros(len(x))
            y[:, at[-1] + 1] = y[:, at[-1]] + p * slope
        return y

    def _segment(self, phase: int, n_timesteps: int) -> Integers:
        """Return for each timestep the number of the reading that it stands for."""
        if self._together:  # the one that it leads up to, or is
            return (np.arange(n_timesteps) - phase + self.period - 1) // self.period + 1
        n_knots = len(self._times(0, n_timesteps)) + 1
        return np.arange(n_timesteps) * n_knots // n_timesteps

    def _laid_out(self, knots: Array, phases: Integers, n_timesteps: int) -> Array:
        out = np.zeros((len(knots), n_timesteps))
        for phase in np.unique(phases):
            rows = phases == phase
            out[rows] = knots[rows][:, self._segment(phase, n_timesteps)]
        return out

    def _gathered(self, column: Array, phases: Integers, first: Array | None) -> Array:
        n_timesteps = column.shape[1]
        knots = np.zeros((len(column), len(self._times(0, n_timesteps)) + 1))
        for phase in np.unique(phases):
            rows, segment = phases == phase, self._segment(phase, n_timesteps)
            for k in np.unique(segment):
                knots[rows, k] = column[rows][:, segment == k].mean(axis=1)
            if self._together:
                knots[rows, segment[-1] + 1 :] = knots[rows, segment[-1]][:, None]
        if self._together:
            knots[:, 0] = knots[:, 1] if first is None else first.mean(axis=1)
        return knots

    def _between(self, knots: Array, phases: Integers, n_timesteps: int) -> Array:
        """Return the channel between its readings."""
        out, t = np.empty((len(knots), n_timesteps)), np.arange(n_timesteps)
        for phase in np.unique(phases):
            rows = phases == phase
            position = (t - phase + self.period) / self.period
            k = np.floor(position).astype(int)
            y, w = knots[rows], position - k
            if self.how == "hold":
                out[rows] = y[:, k]
            else:
                later = np.minimum(k + 1, y.shape[1] - 1)
                out[rows] = y[:, k] + (y[:, later] - y[:, k]) * w
        return out


def _before(key: Key) -> Key:
    return channel_of(key), "reading before"


def _line(x: Array) -> Array:
    """Return the straight line through two observed values of each row, NaN if there are none."""
    seen, last = ~np.isnan(x), x.shape[1] - 1
    a, b = seen.argmax(axis=1)[:, None], last - seen[:, ::-1].argmax(axis=1)[:, None]
    left, right = np.take_along_axis(x, a, axis=1), np.take_along_axis(x, b, axis=1)
    slope = np.where(b > a, (right - left) / np.maximum(b - a, 1), np.nan)
    line: Array = left + slope * (np.arange(x.shape[1]) - a)
    return line


def _any_of(x: Array) -> Array:
    """Return the first observed value of each row, NaN if there is none."""
    return np.take_along_axis(x, (~np.isnan(x)).argmax(axis=1)[:, None], axis=1)


def bends(column: Array, how: str, tolerance: float) -> NDArray[np.bool_]:
    """Return where a channel is not straight, or still; next to what is missing, nowhere."""
    bent = np.zeros(column.shape, dtype=bool)
    if how == "linear":
        bent[:, 1:-1] = np.abs(np.diff(column, n=2, axis=1)) > tolerance
    else:
        bent[:, 1:] = np.abs(np.diff(column, axis=1)) > tolerance
    return bent
