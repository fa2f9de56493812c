"""Time indexes: checked on the way in, made anew on the way out."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._remedies import InputError, Parameter, Remedy
from sklearn_timegen.data.tables.sessions import Sessions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["IrregularTimeline", "IrregularTimesError", "Timeline", "check_order"]


REMEDY = Remedy(
    "Of SeriesGenerator, gaps='missing' or 'segments' takes gaps, and time='irregular' times that "
    "have no step; elsewhere make missing values of gaps (X.asfreq, X.reindex), or pass the "
    "segments between them as a list",
    "Put series of other frequencies into a file of their own",
)


class IrregularTimesError(InputError):
    """Times that do not go on by one step."""


def check_order(index: pd.Index, where: str) -> None:
    """Refuse times that are no times, are missing, come twice or are unsorted."""
    import pandas as pd

    is_time = isinstance(index, pd.DatetimeIndex | pd.PeriodIndex)
    if not is_time and index.dtype.kind not in "iu":
        advice = "pd.to_datetime may help"
        if index.dtype.kind == "f":
            advice = "of seconds it is made by pd.to_datetime(..., unit='s'), of steps by rounding"
        raise ValueError(
            f"the time index{where} is a {type(index).__name__} of {index.dtype}; it has to "
            f"be a DatetimeIndex, a PeriodIndex or of integers: {advice}"
        )
    if index.hasnans:
        raise ValueError(f"the time index{where} has missing timestamps")
    if index.has_duplicates:
        twice = index[index.duplicated()][0]
        raise InputError(
            f"the time index{where} has duplicated timestamps, the first {twice}: drop the rows "
            "that are there twice, or, if they are of different series, name the columns that "
            "tell these apart by ",
            Parameter("id_columns"),
            Remedy(", beside time_column", ""),
        )
    if not index.is_monotonic_increasing:
        raise ValueError(
            f"the time index{where} is unsorted: sort the rows of each series by time "
            "(sort_index, or sort_values in a long table)"
        )


class Timeline:
    """The steps of one series' time index, which can be gone on with in both directions.

    Parameters
    ----------
    index : DatetimeIndex, PeriodIndex, or Index of integers
        Times of one series, sorted and regular.
    where : str
        What to call the series in an error.
    step : offset or int, optional
        The step that the other series of a panel have, and this one has to have, too.

    Attributes
    ----------
    step : offset, or int
        From one timestep to the next; ``None`` for a single one.
    """

    def __init__(self, index: pd.Index, where: str, step: Any = None) -> None:
        import pandas as pd

        self.index = index
        check_order(index, where)
        if isinstance(index, pd.DatetimeIndex):
            self.step: Any = self._offset(index, where) if step is None else step
            self._refuse_other_step(where)
        elif isinstance(index, pd.PeriodIndex):
            self.step = index.freq
            self._refuse_gaps(index.asi8, self.step.n, where)
        else:
            steps = index[1:] - index[:-1]
            own = int(steps[0]) if len(steps) else getattr(index, "step", 1)
            self.step = own if step is None else step
            self._refuse_gaps(index.to_numpy(), self.step, where)

    def at(self, index: pd.Index) -> Timeline:
        """Return a timeline of other times, which are known to be in order."""
        timeline = copy.copy(self)
        timeline.index = index
        return timeline

    def start(self, asked: Any) -> Any:
        """Return ``given`` as a time of this index, or its first one for ``None``."""
        if asked is None:
            return self.index[0]
        try:
            time = self._parse(asked)
            self.position(time)
        except (ValueError, TypeError) as error:
            raise InputError(
                Parameter("start", asked),
                f" is no time of a {type(self.index).__name__}: {error}",
            ) from error
        return time

    def has(self, asked: Any) -> bool:
        """Whether a series on these steps could begin at a time."""
        try:
            self.start(asked)
        except ValueError:
            return False
        return True

    def _parse(self, asked: Any) -> Any:
        import pandas as pd

        if isinstance(self.index, pd.PeriodIndex):
            return pd.Period(asked, freq=self.step)
        if not isinstance(self.index, pd.DatetimeIndex):
            return _as_integer(asked)
        time = pd.Timestamp(asked)
        if self.index.tz is None:
            if time.tz is not None:
                raise ValueError("it has a time zone, and the times of training have none")
            return time
        zone = self.index.tz
        return time.tz_localize(zone) if time.tz is None else time.tz_convert(zone)

    def make(self, start: Any, n_timesteps: int) -> pd.Index:
        """Return ``n_timesteps`` times from ``start`` on, in an index of the same kind."""
        import pandas as pd

        index = self.index
        if isinstance(index, pd.PeriodIndex):
            return pd.period_range(start, periods=n_timesteps, freq=self.step, name=index.name)
        if isinstance(self.step, Sessions):
            return self.step.times(start, n_timesteps).rename(index.name).as_unit(index.unit)
        if isinstance(index, pd.DatetimeIndex):
            if self.step is None and n_timesteps > 1:
                raise ValueError("a series of a single timestep has no frequency to go on with")
            times = pd.date_range(start, periods=n_timesteps, freq=self.step, name=index.name)
            times = times.as_unit(index.unit)
            return times if index.freq is not None else pd.DatetimeIndex(times, freq=None)
        times = pd.RangeIndex(start, start + n_timesteps * self.step, self.step, name=index.name)
        kept = {"dtype": index.dtype, "name": index.name}
        return times if isinstance(index, pd.RangeIndex) else pd.Index(times.to_numpy(), **kept)

    def position(self, start: Any) -> int:
        """Return how many timesteps ``start`` lies after the first time of the index."""
        import pandas as pd

        first = self.index[0]
        if isinstance(self.index, pd.PeriodIndex):
            steps, rest = divmod(start.ordinal - first.ordinal, self.step.n)
            if rest:
                raise ValueError(
                    f"it does not lie on the frequency {self.step.freqstr} of {first}"
                )
            return int(steps)
        if isinstance(self.step, Sessions):
            return self.step.position(start) - self.step.position(first)
        if isinstance(self.index, pd.DatetimeIndex):
            if start == first:
                return 0
            low, high = min(start, first), max(start, first)
            between = pd.date_range(low, high, freq=self.step)
            ends = (between[0], between[-1]) if len(between) else ()
            if ends != (low, high):
                name = getattr(self.step, "freqstr", None)
                raise ValueError(f"it does not lie on the frequency {name} of {first}")
            return (len(between) - 1) * (1 if start > first else -1)
        steps, rest = divmod(int(start) - int(first), self.step)
        if rest:
            raise ValueError(f"start={start} is no multiple of {self.step} after {first}")
        return steps

    @staticmethod
    def _offset(index: pd.DatetimeIndex, where: str) -> Any:
        import pandas as pd

        if index.freq is not None:
            return index.freq
        if len(index) == 1:
            return None
        if len(index) == 2:
            return pd.tseries.frequencies.to_offset(index[1] - index[0])
        name = pd.infer_freq(index)
        if name is not None:
            return pd.tseries.frequencies.to_offset(name)
        steps = pd.Series(index[1:] - index[:-1])
        usual = steps.mode()[0]
        odd = int((steps != usual).to_numpy().argmax())
        raise IrregularTimesError(
            f"the time index{where} is irregular: steps of {usual} and, after {index[odd]}, of "
            f"{steps[odd]}. ",
            REMEDY,
        )

    def _refuse_other_step(self, where: str) -> None:
        if self.step is None or len(self.index) < 2:
            return
        expected = self.make(self.index[0], len(self.index))
        if not expected.equals(self.index):
            k = int(np.argmax(expected != self.index))
            raise IrregularTimesError(
                f"the time index{where} does not have the frequency "
                f"{getattr(self.step, 'freqstr', self.step)} of the longest series: after "
                f"{self.index[k - 1]} comes {self.index[k]}, and not {expected[k]}. ",
                Remedy("Fit series of different frequencies apart. ", ""),
                REMEDY,
            )

    def _refuse_gaps(self, ordinals: Any, step: int, where: str) -> None:
        odd = ordinals[1:] - ordinals[:-1] != step
        if odd.any():
            k = int(odd.argmax())
            raise IrregularTimesError(
                f"the time index{where} is irregular: a gap after its entry {k}, "
                f"{self.index[k]}. ",
                REMEDY,
            )


class IrregularTimeline(Timeline):
    """Times that go on by no step: those of a new series are told by its gaps.

    Parameters
    ----------
    index : DatetimeIndex or Index of integers
        Times of one series, sorted.
    where : str
        What to call the series in an error.

    Attributes
    ----------
    step : None
        There is none.
    """

    def __init__(self, index: pd.Index, where: str) -> None:
        import pandas as pd

        check_order(index, where)
        if isinstance(index, pd.PeriodIndex):
            raise ValueError(
                f"the time index{where} holds periods, which are irregular: take their "
                "timestamps, X.index.to_timestamp()"
            )
        self.index, self.step = index, None

    def make(self, start: Any, n_timesteps: int) -> pd.Index:
        raise TypeError("irregular times are made of gaps")

    def position(self, start: Any) -> int:
        return 0  # every time may be one

    @property
    def gaps(self) -> NDArray[np.float64]:
        """From each time to the next, in seconds or as integers."""
        import pandas as pd

        if isinstance(self.index, pd.DatetimeIndex):
            seconds: NDArray[np.float64] = (self.index[1:] - self.index[:-1]).total_seconds()
            return np.asarray(seconds)
        return np.diff(self.index.to_numpy()).astype(np.float64)

    def after(self, start: Any, gaps: NDArray[np.float64]) -> pd.Index:
        """Return times that begin at ``start`` and go on by these gaps."""
        import pandas as pd

        since = np.concatenate([[0.0], np.cumsum(gaps)])
        if not isinstance(self.index, pd.DatetimeIndex):
            times = pd.Index((start + np.rint(since)).astype(self.index.dtype))
        else:
            ticks = np.rint(since * 1e6).astype("timedelta64[us]")
            times = (start + pd.TimedeltaIndex(ticks)).as_unit(self.index.unit)
        return times.rename(self.index.name)


def _as_integer(asked: Any) -> int:
    if isinstance(asked, bool) or int(asked) != asked:
        raise ValueError("an integer is expected")
    return int(asked)
