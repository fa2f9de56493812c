"""When series begin, as numbers that a model can be fitted to, and numbers as times."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.sessions import Sessions
from sklearn_timegen.data.tables.timeline import IrregularTimeline, Timeline

__all__ = ["Beginnings"]

Counts = NDArray[np.int64]
DAY = 86_400 * 10**9  # in nanoseconds


class Beginnings:
    """First times of series, counted from the earliest of them on, in two or three columns.

    What comes again is a column of its own, so that series that begin in the morning, or on
    Mondays, do so in what is drawn: regular times are counted in whole days, or weeks, and steps
    within them; irregular ones in weeks, days of the week, and units within the day.

    Parameters
    ----------
    timelines : list of Timeline
        Those of the series.

    Attributes
    ----------
    steps_ : ndarray of int
        How many steps, or units of irregular times, after the earliest each series begins.
    columns_ : ndarray of int of shape (n_series, n_columns)
        The same number, written in ``bases_``.
    """

    def __init__(self, timelines: list[Timeline]) -> None:
        firsts = [timeline.index[0] for timeline in timelines]
        self._timeline = timelines[int(np.argmin(np.asarray([_order(t) for t in firsts])))]
        # Without a step, of single timesteps, any time may be one.
        stepless = self._timeline.step is None
        self._is_irregular = stepless or isinstance(self._timeline, IrregularTimeline)
        self._origin: Any = self._timeline.index[0]
        self._unit = 1
        if self._is_irregular and hasattr(self._origin, "normalize"):
            self._set_units(firsts)
        self.steps_ = self._count(firsts)
        # Series of one step need not share a time, as those of even days and those of odd ones.
        self._apart: dict[int, Any] = {}
        if not self._is_irregular and not isinstance(self._timeline.step, Sessions):
            pairs = enumerate(zip(firsts, self._own_times(self.steps_), strict=True))
            self._apart = {k: first for k, (first, own) in pairs if not _is_same(first, own)}
        self.bases_ = self._bases()
        self.columns_ = self.written(self.steps_)

    def written(self, steps: Counts) -> Counts:
        """Return numbers in columns, those of the largest unit first."""
        rest, columns = steps, []
        for base in reversed(self.bases_):
            columns.append(rest % base)
            rest = rest // base
        return np.stack([rest, *reversed(columns)], axis=1)

    def counted(self, columns: Counts) -> Counts:
        """Return the number of steps that columns stand for, within those of the series.

        What would begin too early, or too late, does so a week or a day later, or earlier.
        """
        steps, cycle = columns[:, 0].clip(0), 1
        for k, base in enumerate(self.bases_, start=1):
            steps, cycle = steps * base + columns[:, k].clip(0, base - 1), cycle * base
        least, most = int(self.steps_.min()), int(self.steps_.max())
        steps = steps + cycle * (steps < least) - cycle * (steps > most)
        return steps.clip(least, most)

    def times(self, steps: Counts, like: Counts) -> list[Any]:
        """Return the times so many steps after the earliest, at which series ``like`` may begin.

        Those are none of the earliest's own if it and the other never meet.
        """
        times = self._own_times(steps)
        for i, k in enumerate(like.tolist()):
            if k in self._apart:
                n_steps = int(steps[i] - self.steps_[k])
                times[i] = self._apart[k] + n_steps * self._timeline.step
        return times

    def _own_times(self, steps: Counts) -> list[Any]:
        """Return the times so many steps after the earliest."""
        import pandas as pd

        different, of = np.unique(steps, return_inverse=True)
        step = self._timeline.step
        if self._is_irregular:
            found = [self._irregular(n) for n in different.tolist()]
        elif isinstance(step, int) or (isinstance(step, pd.offsets.Tick) and step.nanos < DAY):
            # Not all the times between, of which there may be very many.
            found = [self._origin + n * step for n in different.tolist()]
        else:
            every = self._timeline.make(self._origin, int(different[-1]) + 1)
            found = [every[n] for n in different.tolist()]
        return [found[k] for k in of.ravel()]

    # -- counting ----------------------------------------------------------------------------

    def _count(self, firsts: list[Any]) -> Counts:
        """Return how many whole steps, or units, after the earliest each time is."""
        import pandas as pd

        from sklearn_timegen.data.clocks import count_steps  # pandas takes a while

        if not self._is_irregular:
            zone = getattr(self._origin, "tz", None)
            in_one = firsts if zone is None else [first.tz_convert(zone) for first in firsts]
            return count_steps(pd.Index(in_one), self._timeline.step)
        if not hasattr(self._origin, "normalize"):
            return np.array([int(first) - int(self._origin) for first in firsts], dtype=np.int64)
        since = [(first.tz_localize(None) - self._origin).as_unit("ns").value for first in firsts]
        return np.array(since, dtype=np.int64) // self._unit

    def _bases(self) -> tuple[int, ...]:
        """Return how many of each unit make the next larger one."""
        import pandas as pd

        step = self._timeline.step
        if self._is_irregular:
            dated = hasattr(self._origin, "normalize")
            return (7, DAY // self._unit) if dated else ()
        if isinstance(step, Sessions):
            return (step.period,)
        if isinstance(step, pd.offsets.BusinessDay) and step.n == 1:
            return (5,)
        if not isinstance(self._timeline.index, pd.DatetimeIndex):
            return ()
        if isinstance(step, pd.offsets.Day):
            return (7,) if step.n == 1 else ()
        is_tick = isinstance(step, pd.offsets.Tick) and DAY % step.nanos == 0
        return (DAY // step.nanos,) if is_tick else ()

    # -- irregular times ---------------------------------------------------------------------

    def _set_units(self, firsts: list[Any]) -> None:
        """Count from the Monday before the earliest, by the clock on the wall."""
        import pandas as pd

        wall = [first.tz_localize(None) for first in firsts]
        earliest = min(wall).normalize()
        self._origin = earliest - pd.Timedelta(days=earliest.weekday())
        within = [int((t - t.normalize()).as_unit("ns").value) for t in wall]
        self._unit = int(np.gcd.reduce([DAY, *within]))

    def _irregular(self, n: int) -> Any:
        import pandas as pd

        index = self._timeline.index
        if not isinstance(index, pd.DatetimeIndex):
            return int(self._origin) + n
        wall = self._origin + pd.Timedelta(n * self._unit, unit="ns")
        if index.tz is None:
            return wall
        return wall.tz_localize(index.tz, ambiguous=False, nonexistent="shift_forward")


def _order(time: Any) -> int:
    """Return a number by which times are ordered."""
    return int(time.ordinal if hasattr(time, "freq") else getattr(time, "value", time))


def _is_same(time: Any, other: Any) -> bool:
    """Whether two times are one, in the same time zone."""
    return bool(time == other) and getattr(time, "tz", None) == getattr(other, "tz", None)
