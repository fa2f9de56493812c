"""Time indexes: checked on the way in, made anew on the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Timeline"]


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
        is_time = isinstance(index, pd.DatetimeIndex | pd.PeriodIndex)
        if not is_time and index.dtype.kind not in "iu":
            raise ValueError(
                f"the time index{where} is a {type(index).__name__} of {index.dtype}; it has to "
                "be a DatetimeIndex, a PeriodIndex or of integers. pd.to_datetime may help"
            )
        if index.hasnans:
            raise ValueError(f"the time index{where} has missing timestamps")
        if index.has_duplicates:
            twice = index[index.duplicated()][0]
            raise ValueError(f"the time index{where} has duplicated timestamps, the first {twice}")
        if not index.is_monotonic_increasing:
            raise ValueError(
                f"the time index{where} is unsorted: sort the rows of each series by time "
                "(sort_index, or sort_values in a long table)"
            )
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

    def start(self, asked: Any) -> Any:
        """Return ``given`` as a time of this index, or its first one for ``None``."""
        if asked is None:
            return self.index[0]
        try:
            time = self._parse(asked)
            self.position(time)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"start={asked!r} is no time of a {type(self.index).__name__}: {error}"
            ) from error
        return time

    def _parse(self, asked: Any) -> Any:
        import pandas as pd

        if isinstance(self.index, pd.PeriodIndex):
            return pd.Period(asked, freq=self.step)
        if not isinstance(self.index, pd.DatetimeIndex):
            return _as_integer(asked)
        time = pd.Timestamp(asked)
        is_naive = self.index.tz is not None and time.tz is None
        return time.tz_localize(self.index.tz) if is_naive else time

    def make(self, start: Any, n_timesteps: int) -> pd.Index:
        """Return ``n_timesteps`` times from ``start`` on, in an index of the same kind."""
        import pandas as pd

        index = self.index
        if isinstance(index, pd.PeriodIndex):
            return pd.period_range(start, periods=n_timesteps, freq=self.step, name=index.name)
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
        raise ValueError(
            f"the time index{where} is irregular: steps of {usual} and, after {index[odd]}, of "
            f"{steps[odd]}. Give it a frequency with X.asfreq(...), which makes missing values of "
            "the gaps; pd.offsets.CustomBusinessDay(holidays=...) is one without gaps for trading "
            "days. Or count timesteps: X.reset_index(drop=True)"
        )

    def _refuse_other_step(self, where: str) -> None:
        import pandas as pd

        if self.step is None or len(self.index) < 2:
            return
        expected = pd.date_range(self.index[0], periods=len(self.index), freq=self.step)
        if not expected.equals(self.index):
            raise ValueError(
                f"the time index{where} does not have the frequency {self.step.freqstr} of the "
                "longest series: fit series of different frequencies apart"
            )

    @staticmethod
    def _refuse_gaps(ordinals: Any, step: int, where: str) -> None:
        odd = ordinals[1:] - ordinals[:-1] != step
        if odd.any():
            raise ValueError(
                f"the time index{where} is irregular: a gap after its entry {int(odd.argmax())}. "
                "Reindex it: values in the gap are missing then, and may be"
            )


def _as_integer(asked: Any) -> int:
    if isinstance(asked, bool) or int(asked) != asked:
        raise ValueError("an integer is expected")
    return int(asked)
