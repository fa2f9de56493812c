"""Regular times of which some are left out: gaps, as missing rows or as ends of segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.sessions import Sessions, find_sessions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find_step", "full_times"]

Rows = NDArray[np.int64]
PRESENT = 0.5  # of the timesteps that have to be there, or the times are not regular


def find_step(indexes: Sequence[pd.Index]) -> Any:
    """Return the step that all series go on by, but for gaps; ``None`` if there is none.

    An offset, a calendar of sessions, or an integer.
    """
    import pandas as pd

    from sklearn_timegen.data.clocks import calendars  # pandas takes a while

    longest = max(indexes, key=len)
    if isinstance(longest, pd.PeriodIndex):
        candidates: list[Any] = [longest.freq]
    elif isinstance(longest, pd.DatetimeIndex):
        usual = pd.Series(longest[1:] - longest[:-1]).mode()[:1]
        durations = [pd.tseries.frequencies.to_offset(step) for step in usual]
        candidates = [find_sessions(longest), *calendars(longest), *durations]
    else:
        steps = np.diff(longest.to_numpy())
        candidates = [int(np.gcd.reduce(steps))] if len(steps) else [1]
    for step in candidates:
        if step is not None and _fits(step, indexes):
            return step
    return None


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
    import pandas as pd

    span, n_most = index[-1] - index[0], len(index) / PRESENT + 1000
    if isinstance(step, int):
        return bool(span / step > n_most)
    if isinstance(step, pd.offsets.Tick) and isinstance(index, pd.DatetimeIndex):
        return bool(span / pd.Timedelta(step) > n_most)
    return False


def full_times(index: pd.Index, step: Any) -> tuple[pd.Index, Rows]:
    """Return all times from the first to the last, and which of them are those of ``index``.

    Raises
    ------
    ValueError
        If some of ``index`` do not lie on the step.
    """
    import pandas as pd

    first, last = index[0], index[-1]
    if isinstance(step, Sessions):
        full = step.times(first, step.position(last) - step.position(first) + 1)
        full = full.as_unit(index.unit)
    elif isinstance(index, pd.DatetimeIndex):
        full = pd.date_range(first, last, freq=step).as_unit(index.unit)
        full = pd.DatetimeIndex(full, freq=None)
    elif isinstance(index, pd.PeriodIndex):
        full = pd.period_range(first, last, freq=step)
    else:
        full = pd.Index(np.arange(first, last + 1, step), dtype=index.dtype)
    rows = full.get_indexer(index)
    if (rows < 0).any():
        odd = index[int((rows < 0).argmax())]
        raise ValueError(f"{odd} does not lie on the step {step} from {first}")
    return full.rename(index.name), rows.astype(np.int64)
