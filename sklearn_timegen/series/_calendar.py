"""Where a timestamp stands in its day, week or year, as points on a circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.sessions import Sessions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CALENDARS", "calendar_features", "infer_period", "with_label"]

# Name: where a timestamp stands, and how many there are.
CALENDARS: dict[str, tuple[Any, float]] = {
    "hour": (lambda t: t.hour + t.minute / 60 + t.second / 3600, 24),
    "weekday": (lambda t: t.weekday, 7),
    "day": (lambda t: t.day - 1, 31),
    "month": (lambda t: t.month - 1, 12),
    "dayofyear": (lambda t: t.dayofyear - 1, 366),
}


N_HARMONICS = 3


def calendar_features(index: pd.Index, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Return sines and cosines of each calendar's phase and of its first multiples.

    A linear model needs the multiples to follow a profile that is no sine.
    """
    import pandas as pd

    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex):
        raise ValueError(
            f"calendar={list(names)} needs dates, but the time index is a {type(index).__name__}"
        )
    columns = []
    for name in names:
        place, total = CALENDARS[name]
        phase = 2 * np.pi * np.asarray(place(index), dtype=np.float64) / total
        for k in range(1, N_HARMONICS + 1):
            columns += [np.sin(k * phase), np.cos(k * phase)]
    return np.column_stack(columns)


def with_label(
    features: NDArray[np.float64], label: Any, classes: Sequence[Any]
) -> NDArray[np.float64]:
    """Return calendar features, of several classes a set for each, which is 0 for all others.

    So the profile of a week may be another one in each class, also to a linear model, which would
    only add what the class does to what the weekday does.
    """
    if not classes:
        return features
    with_level = np.column_stack([np.ones(len(features)), features])
    return np.hstack([with_level * float(label == one) for one in classes])


# Timesteps of a season, by the unit of the frequency.
SEASONS = {"Y": 1, "A": 1, "Q": 4, "M": 12, "W": 52, "D": 7, "B": 5, "h": 24, "H": 24}
SECONDS = {"min": 60, "T": 60, "s": 1, "S": 1}


def _standard(step: Any) -> tuple[str, Any]:
    """Return the name of an offset that has none, and the offset that is called so."""
    import pandas as pd

    names = {"years": "YS", "months": "MS", "weeks": "W", "days": "D", "hours": "h"}
    if len(step.kwds) != 1 or next(iter(step.kwds)) not in names:
        return "", step
    ((unit, n),) = step.kwds.items()
    offset = pd.tseries.frequencies.to_offset(f"{n * step.n}{names[unit]}")
    return str(offset.rule_code).split("-")[0], offset


def infer_period(step: Any, n_timesteps: int) -> int:
    """Return the usual season of a frequency, or 1 where none is known or two do not fit.

    A year of quarters, months or weeks, a week of days, a day of hours or less.
    """
    if isinstance(step, Sessions):  # a day of them
        return step.period if n_timesteps >= 2 * step.period else 1
    try:
        name = getattr(step, "rule_code", "").split("-")[0]
    except NotImplementedError:  # of pandas' DateOffset(months=1) and the like
        name, step = _standard(step)
    n = getattr(step, "n", 1)
    unit = name if name in SECONDS else name.removesuffix("S").removesuffix("E")
    unit = {"BM": "M", "BQ": "Q", "BY": "Y", "BA": "Y", "C": "B"}.get(unit, unit)
    season = SEASONS.get(unit, 1)
    if unit in SECONDS:
        season = 24 * 3600 // SECONDS[unit]
    period = season // n if season % n == 0 else 1
    return period if period > 1 and n_timesteps >= 2 * period else 1
