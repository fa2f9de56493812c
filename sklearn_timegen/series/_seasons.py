"""Which calendar fields series follow, by what they are worth on blocks of time held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from sklearn_timegen.data.tables.container import Record

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["choose_calendar"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]
DAY = 86_400.0  # seconds
# Fields from the finest on, each given those before it: what it counts, and its cycle in seconds.
FIELDS = {"hour": DAY, "weekday": 7 * DAY, "month": 365.25 * DAY}
MOST_BLOCKS, FEWEST_CYCLES = 8, 4
LEAST_GAIN = 0.05  # of the variance within a block
LEVEL = 0.01  # of the test that a gain is none, shared by the channels
N_READ = 200  # series that are looked at
STEPS = ("difference", "log", "box-cox")  # transforms that leave a season where it is


@dataclass(frozen=True)
class _Rows:
    """All rows of several series behind each other, those of a series with its number."""

    values: Array
    series: Index
    times: pd.DatetimeIndex

    @classmethod
    def of(cls, records: Sequence[Record], columns: Sequence[int]) -> _Rows | None:
        """Return the rows of series at dates; ``None`` if they are at others."""
        import pandas as pd

        records = records[:N_READ]
        indexes = [record.timeline.index for record in records]
        indexes = [i.to_timestamp() if isinstance(i, pd.PeriodIndex) else i for i in indexes]
        if not columns or not all(isinstance(index, pd.DatetimeIndex) for index in indexes):
            return None
        # The hour is that of each series' own clock.
        indexes = [index.tz_localize(None) for index in indexes]
        values = np.concatenate([record.values[:, list(columns)] for record in records])
        series = np.repeat(np.arange(len(records)), [len(index) for index in indexes])
        times = indexes[0].append(indexes[1:]) if len(indexes) > 1 else indexes[0]
        return cls(values, series, times)


def choose_calendar(
    records: Sequence[Record], columns: Sequence[int], transform: Any = None
) -> tuple[str, ...]:
    """Return the fields whose means tell of values at other times, the finest first.

    Time is cut into blocks of whole cycles, the same ones for all series. Within a block values
    are taken around the mean of their series, so that neither levels nor trends count. A field
    is followed if the means of its values (0 to 23 o'clock, say) on the other blocks explain a
    twentieth or more of the variance of one channel in the block that is held out, and a t test
    over the blocks says that this is no accident.

    Parameters
    ----------
    records : list of Record
        The series, NaN where values are missing.
    columns : sequence of int
        Channels whose means make sense.
    transform : object, default=None
        What is done to series before windows are cut: one that knows seasons leaves none.

    Returns
    -------
    fields : tuple of str
        Of "hour", "weekday" and "month" those that are followed; there may be none.
    """
    steps = transform if isinstance(transform, list | tuple) else [transform]
    if any(step is not None and not (isinstance(step, str) and step in STEPS) for step in steps):
        return ()
    rows = _Rows.of(records, columns)
    if rows is None:
        return ()
    chosen: list[str] = []
    for field, cycle in FIELDS.items():
        if _could_follow(rows, field, cycle) and _is_followed(rows, field, cycle, chosen):
            chosen.append(field)
    return tuple(chosen)


def _could_follow(rows: _Rows, field: str, cycle: float) -> bool:
    """Whether times are so dense that a cycle has two of them at least, and cycles enough."""
    same = np.diff(rows.series) == 0
    gaps = np.diff(rows.times.to_numpy()).astype("timedelta64[s]").astype(np.float64)[same]
    if not len(gaps) or np.median(gaps) > cycle / 2:
        return False
    span = (rows.times.max() - rows.times.min()).total_seconds()
    return span > (FEWEST_CYCLES - 0.5) * cycle and len(np.unique(_phase(rows, field))) > 1


def _phase(rows: _Rows, field: str) -> Index:
    return np.asarray(getattr(rows.times, field), dtype=np.int64)


def _is_followed(rows: _Rows, field: str, cycle: float, given: Sequence[str]) -> bool:
    """Whether the means of a field, beside those of others, tell of blocks held out."""
    seconds = (rows.times - rows.times.min()).total_seconds().to_numpy()
    number = (seconds // cycle).astype(np.int64)
    step = np.median(np.diff(np.unique(seconds)))
    n_cycles = int((seconds.max() + step) // cycle)  # of the last one there may be a part only
    n_blocks = min(MOST_BLOCKS, n_cycles)
    block = np.minimum(number, n_cycles - 1) * n_blocks // n_cycles
    values = np.where((number < n_cycles)[:, None], rows.values, np.nan)
    centred = _centred(values, rows.series * n_blocks + block)
    gains = []
    for k in range(n_blocks):
        held_out = block == k
        left = centred
        for other in given:
            left = left - _means(left, _phase(rows, other), ~held_out)
        after = left - _means(left, _phase(rows, field), ~held_out)
        error, without = (np.nansum(x[held_out] ** 2, axis=0) for x in (after, left))
        before = np.nansum(centred[held_out] ** 2, axis=0)
        gains.append(np.where(before > 0, (without - error) / np.maximum(before, 1e-300), 0.0))
    gain = np.array(gains)
    mean, error = gain.mean(axis=0), gain.std(axis=0, ddof=1) / np.sqrt(n_blocks)
    quantile = scipy.stats.t.ppf(1 - LEVEL / gain.shape[1], n_blocks - 1)
    return bool(((mean > LEAST_GAIN) & (mean > quantile * error)).any())


def _centred(values: Array, group: Index) -> Array:
    """Return values around the mean of their group."""
    return values - _means(values, group, np.ones(len(values), dtype=bool))


def _means(values: Array, group: Index, of: NDArray[np.bool_]) -> Array:
    """Return for each row the mean of its group among the rows ``of``; 0 if there is none."""
    n = int(group.max()) + 1
    means = np.zeros_like(values)
    for j, column in enumerate(values.T):
        known = of & np.isfinite(column)
        count = np.bincount(group[known], minlength=n)
        total = np.bincount(group[known], weights=column[known], minlength=n)
        means[:, j] = (total / np.maximum(count, 1))[group]
    return means
