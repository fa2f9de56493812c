"""Regular times of which some are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.sessions import Sessions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["full_times"]

Rows = NDArray[np.int64]


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
