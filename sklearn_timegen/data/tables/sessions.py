"""Calendars of sessions: the same times on every day, or every business day, and nothing between.

A day's trading from 9:30 to 16:00, or a shop's hours: the night is no gap in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sessions", "find_sessions"]

COMPLETE = 0.9  # of the times of all sessions that have to be there
FEWEST_DAYS = 3
NIGHT = 0.75  # of a day, that sessions leave out at least a quarter of


@dataclass(frozen=True)
class Sessions:
    """The step from one time of a session to the next, and from its end to the next session.

    Parameters
    ----------
    times_of_day : tuple of Timedelta
        The times of a session, since midnight by the clock on the wall.
    days : {"D", "B"}
        Whether there is one on every day, or on Monday to Friday.
    """

    times_of_day: tuple[Any, ...]
    days: str

    def __str__(self) -> str:
        first, last = (
            str(t).split()[-1][:5] for t in (self.times_of_day[0], self.times_of_day[-1])
        )
        which = "day" if self.days == "D" else "business day"
        return f"sessions of {len(self.times_of_day)} timesteps, {first} to {last}, every {which}"

    @property
    def period(self) -> int:
        """Timesteps of a session."""
        return len(self.times_of_day)

    def position(self, time: Any) -> int:
        """Return the number of a time, counted from any day.

        Raises
        ------
        ValueError
            If there is no session at that time.
        """
        wall = time.tz_localize(None)
        since = wall - wall.normalize()
        day = np.datetime64(wall.date(), "D")
        if since not in self.times_of_day or not (self.days == "D" or np.is_busday(day)):
            raise ValueError(f"there is no session at that time; there are {self}")
        return int(self._day_number(day)) * self.period + self.times_of_day.index(since)

    def positions(self, index: pd.DatetimeIndex) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the number of each time as :meth:`position` has it, and which lie in a session.

        Of others, the number is that of the last time of a session before them.
        """
        import pandas as pd

        wall = index.tz_localize(None)
        days = wall.normalize()
        since, day = (wall - days).to_numpy(), days.to_numpy().astype("datetime64[D]")
        known = pd.TimedeltaIndex(self.times_of_day).to_numpy()
        slots = np.searchsorted(known, since, side="right") - 1
        is_day = np.ones(len(day), bool) if self.days == "D" else np.is_busday(day)
        numbers = np.asarray(self._day_number(day), np.int64) * self.period
        return numbers + np.where(is_day, slots, -1), is_day & (known[slots] == since)

    def times(self, start: Any, n_timesteps: int) -> pd.DatetimeIndex:
        """Return the times of so many timesteps from one of them on."""
        import pandas as pd

        slot = self.position(start) % self.period
        n_days = -(-(slot + n_timesteps) // self.period)
        days = pd.date_range(start.tz_localize(None).normalize(), periods=n_days, freq=self.days)
        wall = np.add.outer(days.to_numpy(), pd.TimedeltaIndex(self.times_of_day).to_numpy())
        index = pd.DatetimeIndex(wall.ravel()[slot : slot + n_timesteps])
        if start.tz is None:
            return index
        return index.tz_localize(start.tz, ambiguous=False, nonexistent="shift_forward")

    def _day_number(self, day: Any) -> Any:
        if self.days == "D":
            return day.astype(np.int64)
        return np.busday_count(np.datetime64("1970-01-01"), day)


def find_sessions(index: pd.DatetimeIndex) -> Sessions | None:
    """Return the calendar of times that leave out the nights, if they have one."""
    import pandas as pd

    wall = index.tz_localize(None)
    days = wall.normalize()
    own = days.unique()
    since = pd.TimedeltaIndex(wall - days)
    counts = since.value_counts()
    times = counts[counts >= len(own) / 2].index.sort_values()
    if len(own) < FEWEST_DAYS or len(times) < 2 or len(times) < len(counts):
        return None
    span = times[-1] - times[0]
    if span > NIGHT * pd.Timedelta("1D") or len(index) < COMPLETE * len(own) * len(times):
        return None
    business = bool(np.is_busday(own.to_numpy().astype("datetime64[D]")).all())
    return Sessions(tuple(times), "B" if business else "D")
