"""When rows of a table are left out: where in the day or the week gaps begin, and how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.sessions import Sessions

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.data.tables.timeline import Timeline

__all__ = ["CellHoles", "RowGaps"]

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]


class RowGaps:
    """A semi-Markov process of rows that are there and rows that are not.

    A gap begins with a probability that hangs on the phase, the time of day or the day of the
    week, and on the series; how long it is is that of a gap of training which begins in the same
    phase. Windows know no gap that is longer than they are, and so do not tell this.

    Parameters
    ----------
    timelines : list of Timeline
        Those of the series.
    there : list of ndarray of bool
        Which of their rows are there.

    Attributes
    ----------
    lengths_ : dict
        By phase, how long gaps are that begin there.
    hazard_ : ndarray
        By phase, how often one begins where the row before is there.
    """

    def __init__(self, timelines: list[Timeline], there: list[Mask]) -> None:
        phases = [phases_of(one.index, one.step) for one in timelines]
        n_phases = 1 + max(int(phase.max()) for phase in phases)
        begun, exposed = np.zeros(n_phases), np.zeros(n_phases)
        self.lengths_: dict[int, list[int]] = {}
        for phase, mask in zip(phases, there, strict=True):
            starts, lengths = _runs(mask)
            np.add.at(begun, phase[starts], 1)
            np.add.at(exposed, phase[_could_begin(mask)], 1)
            for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
                self.lengths_.setdefault(int(phase[start]), []).append(length)
        self.hazard_ = begun / np.maximum(exposed, 1)

    def rate(self, timeline: Timeline, there: Mask) -> float:
        """Return how many times as often as in all series gaps begin in one."""
        phase = phases_of(timeline.index, timeline.step)
        expected = float(self._hazard(phase)[_could_begin(there)].sum())
        return len(_runs(there)[0]) / expected if expected > 0 else 1.0

    def draw(self, index: pd.Index, step: Any, rate: float, rng: np.random.Generator) -> Mask:
        """Return which rows of a series are there; the first and the last one are."""
        phase = phases_of(index, step)
        begins = rng.random(len(phase)) < rate * self._hazard(phase)
        there = np.ones(len(phase), dtype=bool)
        end = 1  # before which no gap may begin: the row before it has to be there
        for start in np.flatnonzero(begins).tolist():
            if start < end:
                continue
            length = int(rng.choice(self.lengths_[int(phase[start])]))
            if start + length < len(there):
                there[start : start + length] = False
                end = start + length + 1
        return there

    def _hazard(self, phase: Counts) -> NDArray[np.float64]:
        known = phase < len(self.hazard_)
        hazard: NDArray[np.float64] = np.where(known, self.hazard_[np.where(known, phase, 0)], 0.0)
        return hazard


class CellHoles:
    """Which missing cells are so in rows that are there, by how many of a channel are in a row.

    To a channel, a row that is left out is a missing value as any other, and so it is to what
    generates the channel. Rows are left out by :class:`RowGaps`: of the holes that a channel has
    beside, those stay which would have been in rows that are there, by their length.

    Parameters
    ----------
    series : list of ndarray of shape (n_timesteps, n_channels)
        Series, NaN where values are missing.
    there : list of ndarray of bool
        Which of their rows are there.
    """

    def __init__(self, series: list[NDArray[np.float64]], there: list[Mask]) -> None:
        n_channels, n_sizes = series[0].shape[1], 1 + _sizes(np.array([max(map(len, series))]))[0]
        cells, inside = np.zeros((2, n_channels, n_sizes))
        for x, mask in zip(series, there, strict=True):
            for k in range(n_channels):
                starts, lengths = _runs(np.isfinite(x[:, k]))
                np.add.at(cells[k], _sizes(lengths), lengths)
                ends = zip(starts, starts + lengths, strict=True)
                within = np.array([mask[a:b].sum() for a, b in ends])
                np.add.at(inside[k], _sizes(lengths), within)
        self.kept_ = inside / np.maximum(cells, 1)

    def draw(self, values: NDArray[np.float64], rng: np.random.Generator) -> Mask:
        """Return which cells of a drawn series are missing in rows that are there."""
        missing = np.zeros(values.shape, dtype=bool)
        for k in range(values.shape[1]):
            starts, lengths = _runs(np.isfinite(values[:, k]))
            sizes = _sizes(lengths).clip(0, self.kept_.shape[1] - 1)
            stays = rng.random(len(starts)) < self.kept_[k, sizes]
            for start, length in zip(starts[stays], lengths[stays], strict=True):
                missing[start : start + length, k] = True
        return missing


def phases_of(index: pd.Index, step: Any) -> Counts:
    """Return where times stand in the day, or days in the week; 0 for all others."""
    import pandas as pd

    nothing = np.zeros(len(index), dtype=np.int64)
    if not isinstance(index, pd.DatetimeIndex):
        return nothing
    if isinstance(step, Sessions):
        return step.positions(index)[0] % step.period
    if isinstance(step, pd.offsets.Day) and step.n == 1:
        return np.asarray(index.weekday, dtype=np.int64)
    if not isinstance(step, pd.offsets.Tick) or pd.Timedelta(step) >= pd.Timedelta("1D"):
        return nothing
    wall = index.tz_localize(None)
    return np.asarray((wall - wall.normalize()) // pd.Timedelta(step), dtype=np.int64)


def _could_begin(there: Mask) -> Mask:
    """Return the rows at which a gap begins or might have: those after a row that is there."""
    return np.concatenate([[False], there[:-1]])


def _sizes(lengths: Counts) -> Counts:
    """Return numbers of lengths that are about as long: 1, 2 to 3, 4 to 7 and so on."""
    return np.floor(np.log2(np.maximum(lengths, 1))).astype(np.int64)


def _runs(there: Mask) -> tuple[Counts, Counts]:
    """Return where gaps begin, and how long they are."""
    change = np.diff(np.concatenate([[True], there, [True]]).astype(np.int8))
    starts = np.flatnonzero(change == -1)
    return starts, np.flatnonzero(change == 1) - starts
