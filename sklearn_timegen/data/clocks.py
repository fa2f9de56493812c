"""Steps of time: the one that most rows take, the one that all lie on, and how many there are.

A table's times need no frequency for this: some rows may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_timegen.data.tables.gaps import full_times
from sklearn_timegen.data.tables.sessions import Sessions, find_sessions

__all__ = ["common_step", "count_steps", "follows", "usual_step"]

MOSTLY = 0.9  # of the steps in time are one duration, if that is the frequency for certain
HALF = 0.5  # of them have to be, for times to have a frequency at all
LENGTHS = (24, 12, 6, 4)  # of stretches by which calendars are told: gaps leave short ones whole
MOST_STRETCHES = 30
PRESENT = 0.5  # of the times on a step that have to be there, if all series are to go on by it


def usual_step(indexes: Sequence[pd.Index]) -> Any:
    """Return the step that most times of some series take to the next, or ``None``.

    Parameters
    ----------
    indexes : sequence of Index
        Times of each series, sorted: dates, periods, durations or integers.

    Returns
    -------
    step : offset, Sessions, timedelta64, int or None
        A calendar of sessions where there are some, whose nights are no gaps; ``None`` if times
        are irregular, or there is a single one.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_timegen.data.clocks import usual_step
    >>> days = pd.date_range("2024-01-01", periods=60, freq="B")
    >>> usual_step([days.delete(slice(10, 20))])
    <BusinessDay>
    """
    longest = max(indexes, key=len)
    if isinstance(longest, pd.PeriodIndex):
        return longest.freq
    if not isinstance(longest, pd.DatetimeIndex):
        step, _ = _most_frequent([np.diff(_numbers(index)) for index in indexes])
        return step if isinstance(step, np.timedelta64 | None) else int(step)
    if longest.freq is not None:
        return longest.freq
    sessions = find_sessions(longest)
    if sessions is not None:
        return sessions
    on_the_wall = [index.tz_localize(None) for index in indexes]
    duration, fraction = _most_frequent([np.diff(index.to_numpy()) for index in on_the_wall])
    step = None if duration is None else _offset(pd.Timedelta(duration))
    if fraction >= MOSTLY:
        return step
    for calendar in _calendars(longest):
        agreed = follows(longest, calendar).mean()
        if agreed > max(fraction, HALF):
            step, fraction = calendar, agreed
    return step


def common_step(indexes: Sequence[pd.Index]) -> Any:
    """Return a step that all times of some series lie on, most of its times there; or ``None``.

    It is the usual one, if all lie on that, or else one that fewer rows take.

    Parameters
    ----------
    indexes : sequence of Index
        Times of each series, sorted: dates, periods or integers.

    Returns
    -------
    step : offset, Sessions, int or None
        The step, from the first time of each series on.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_timegen.data.clocks import common_step, usual_step
    >>> numbers = [pd.Index([0, 2, 4, 6, 9, 11])]
    >>> usual_step(numbers), common_step(numbers)
    (2, 1)
    """
    steps = _candidates(indexes)
    return next((step for step in steps if step is not None and _fits(step, indexes)), None)


def _candidates(indexes: Sequence[pd.Index]) -> Iterator[Any]:
    """Yield the usual step, and those which fewer rows take."""
    yield usual_step(indexes)
    longest = max(indexes, key=len)
    steps = np.diff(_numbers(longest))
    if isinstance(longest, pd.PeriodIndex) or len(steps) == 0:
        return
    if not isinstance(longest, pd.DatetimeIndex):
        yield int(np.gcd.reduce(steps))
        return
    yield from _calendars(longest)
    values, counts = np.unique(steps, return_counts=True)
    yield _offset(pd.Timedelta(values[counts.argmax()]))


def _fits(step: Any, indexes: Sequence[pd.Index]) -> bool:
    """Whether all times lie on the step, and half of those that do are there."""
    n_rows, n_times = 0, 0
    for index in indexes:
        if _is_far(step, index):
            return False
        try:
            full, _ = full_times(index, step)
        except ValueError:
            return False
        n_rows, n_times = n_rows + len(index), n_times + len(full)
    return n_rows >= PRESENT * n_times


def _is_far(step: Any, index: pd.Index) -> bool:
    """Whether there would be far more times than rows, which need not be written out then."""
    span, n_most = index[-1] - index[0], len(index) / PRESENT + 1000
    if isinstance(step, int):
        return bool(span / step > n_most)
    if isinstance(step, pd.offsets.Tick) and isinstance(index, pd.DatetimeIndex):
        return bool(span / pd.Timedelta(step) > n_most)
    return False


def follows(times: pd.Index, step: Any) -> NDArray[np.bool_]:
    """Tell of each time but the first whether it lies one step after the one before it."""
    if isinstance(step, Sessions):
        at, known = step.positions(times)
        return np.asarray((np.diff(at) == 1) & known[1:] & known[:-1])
    duration = _duration(times, step)
    if duration is not None:
        return np.asarray(np.diff(_numbers(times)) == duration)
    at = _grid(times, step).get_indexer(times)
    return np.asarray((np.diff(at) == step.n) & (at[1:] >= 0) & (at[:-1] >= 0))


def count_steps(times: pd.Index, step: Any) -> NDArray[np.int64]:
    """Return how many whole steps each time lies after the earliest one."""
    if isinstance(step, Sessions):
        at, _ = step.positions(times)
        return np.asarray(at - at.min(), dtype=np.int64)
    duration = _duration(times, step)
    if duration is not None:
        numbers = _numbers(times)
        return np.asarray((numbers - numbers.min()) // duration, dtype=np.int64)
    at = _grid(times, step).searchsorted(times, side="right") - 1
    return np.asarray((at - at.min()) // step.n, dtype=np.int64)


def _numbers(times: pd.Index) -> NDArray[Any]:
    if isinstance(times, pd.PeriodIndex):
        return np.asarray(times.asi8)
    if isinstance(times, pd.DatetimeIndex):
        return (times if times.tz is None else times.tz_convert(None)).to_numpy()
    return times.to_numpy() if times.dtype.kind == "m" else times.to_numpy(np.int64)


def _grid(times: pd.DatetimeIndex, step: Any) -> pd.DatetimeIndex:
    """Return all times of a calendar between the first and the last one."""
    return pd.date_range(times.min(), times.max(), freq=step.base)


def _duration(times: pd.Index, step: Any) -> Any:
    """Return how long a step is, if all are of one length."""
    if isinstance(times, pd.PeriodIndex):
        return step.n
    if not isinstance(times, pd.DatetimeIndex):
        return step
    if isinstance(step, pd.offsets.Tick):
        return pd.Timedelta(step).to_timedelta64()
    # Summer time makes a day an hour shorter.
    is_fixed = isinstance(step, pd.offsets.Day) and times.tz is None
    return np.timedelta64(step.n, "D") if is_fixed else None


def _offset(duration: pd.Timedelta) -> Any:
    days, rest = divmod(duration, pd.Timedelta(days=1))
    return pd.tseries.frequencies.to_offset(duration) if rest else pd.offsets.Day(days)


def _most_frequent(steps: Sequence[NDArray[Any]]) -> tuple[Any, float]:
    """Return the most frequent step, and how frequent it is; ``None`` if that is not half."""
    values, counts = np.unique(np.concatenate(steps), return_counts=True)
    if len(values) == 0:
        return None, 0.0
    fraction = float(counts.max() / counts.sum())
    return (values[counts.argmax()] if fraction >= HALF else None), fraction


def _calendars(index: pd.DatetimeIndex) -> list[Any]:
    """Return the calendars, such as business days or ends of months, of stretches of an index.

    Those of long stretches come first.
    """
    names: dict[str | None, None] = {}
    for length in LENGTHS:
        starts = np.arange(0, len(index) - length + 1, length)
        for start in starts[:: -(-len(starts) // MOST_STRETCHES) or 1]:
            names[pd.infer_freq(index[start : start + length])] = None
    steps = [pd.tseries.frequencies.to_offset(name) for name in names if name is not None]
    # Sessions are told by their times of day, of which a gap may be left out.
    return [step for step in steps if not isinstance(step, _NO_CALENDARS)]


_NO_CALENDARS = (pd.offsets.Tick, pd.offsets.Day, pd.offsets.BusinessHour)
