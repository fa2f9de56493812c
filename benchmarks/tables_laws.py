"""What a sampled table is held to: the form of the real one, its order in time, its constants.

Each function returns sentences on what is not as it should be; none, if all is well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tables_data import Table

__all__ = [
    "by_position",
    "faults_of_form",
    "faults_of_names",
    "faults_of_time",
    "faults_of_values",
]


def as_frame(X: Any) -> pd.DataFrame:
    """Return a table whose names and times are columns, wherever they were."""
    frame = X.to_frame() if isinstance(X, pd.Series) else X
    if isinstance(frame.index, pd.RangeIndex):
        return frame
    levels = [f"level {k}" for k in range(frame.index.nlevels)]
    return frame.set_axis(frame.index.set_names(levels)).reset_index()


def names_and_time(X: Any, table: Table) -> tuple[list[str], str]:
    """Return the columns of :func:`as_frame` that name series, and that of times."""
    if table.time is not None:
        return list(table.ids), table.time
    n_levels = X.index.nlevels
    return [f"level {k}" for k in range(n_levels - 1)], f"level {n_levels - 1}"


def each_series(X: Any, table: Table) -> Iterator[tuple[Any, pd.DataFrame]]:
    ids, _ = names_and_time(X, table)
    frame = as_frame(X)
    yield from frame.groupby(ids, sort=False) if ids else [((), frame)]


def bottom(X: Any) -> Any:
    """Return a hierarchy without its sums."""
    if not isinstance(X.index, pd.MultiIndex):
        return X
    names = X.index.droplevel(-1).to_frame()
    return X[~(names == "__total").any(axis=1).to_numpy()]


def by_position(X: Any, table: Table) -> tuple[pd.DataFrame, list[str], str]:
    """Return a table in which the number of a row in its series stands in the place of its time.

    Where times have no step, a column says how many seconds passed since the row before.
    """
    ids, time = names_and_time(X, table)
    frame = as_frame(bottom(X)).copy()
    if not ids:
        frame.insert(0, "series", 0)
        ids = ["series"]
    groups = frame.groupby(ids, sort=False)
    if table.irregular:
        passed = groups[time].diff().dt.total_seconds()  # 0 for the first row
        frame["seconds since"] = passed.fillna(0.0)
    frame[time] = groups.cumcount()
    return frame, ids, time


def faults_of_form(real: Any, made: Any, table: Table) -> list[str]:
    """Columns, dtypes, categories, index, decimals, order of rows."""
    if type(real) is not type(made):
        return [f"a {type(made).__name__} in place of a {type(real).__name__}"]
    faults = []
    if isinstance(real, pd.Series):
        faults += [f"name {made.name!r}"] if real.name != made.name else []
        real, made = real.to_frame(), made.to_frame()
    if list(real.columns) != list(made.columns):
        return [*faults, f"columns {list(made.columns)}"]
    for name in real.columns:
        a, b = real[name].dtype, made[name].dtype
        if a != b and not (name in table.ids and isinstance(a, pd.CategoricalDtype)):
            faults.append(f"{name} is {b}, was {a}")
        if a.kind == "f" and decimals(real[name]) < decimals(made[name]):
            faults.append(f"{name} has {decimals(made[name])} decimals")
    if real.index.names != made.index.names or type(real.index) is not type(made.index):
        faults.append(f"index {type(made.index).__name__} {list(made.index.names)}")
    for k in range(real.index.nlevels):
        a, b = (x.index.get_level_values(k) for x in (real, made))
        if a.dtype != b.dtype:
            faults.append(f"index level {k} is {b.dtype}, was {a.dtype}")
    if getattr(real.index, "freq", None) != getattr(made.index, "freq", None):
        faults.append(f"frequency {made.index.freq}")
    if table.time is not None:
        sorted_by_time = [as_frame(x)[table.time].is_monotonic_increasing for x in (real, made)]
        if sorted_by_time[0] != sorted_by_time[1]:
            faults.append("rows are in another order")
    return faults


def decimals(column: pd.Series) -> int:
    """Return the digits after the point that all values can be told by, 12 at most."""
    values = column.dropna().to_numpy(float)
    scale = np.maximum(np.abs(values), 1.0)
    for k in range(12):
        if (np.abs(values - values.round(k)) <= 1e-9 * scale).all():
            return k
    return 12


def faults_of_time(real: Any, made: Any, table: Table) -> list[str]:
    """Times that go back or stand still where real ones do not, or that leave the calendar."""
    _, time = names_and_time(real, table)
    faults, steps, clocks = [], [], []
    for X in (real, made):
        own, clock = set(), set()
        for _, part in each_series(X, table):
            times = part[time]
            if pd.api.types.is_string_dtype(times):
                times = pd.to_datetime(times)
            if isinstance(times.dtype, pd.PeriodDtype):
                times = times.dt.to_timestamp()
            own.update(times.diff().iloc[1:].unique())
            if not table.irregular and times.dtype.kind == "M":
                clock.update(times.dt.strftime("%H:%M:%S"))
        steps.append(own)
        clocks.append(clock)
    least = [min(own) for own in steps]
    still = least[1] - least[1]
    if least[1] < still or least[1] == still < least[0]:
        faults.append(f"least step {least[1]}, was {least[0]}")
    if not table.irregular and steps[1] - steps[0]:
        faults.append(f"steps that no real series has: {sorted(steps[1] - steps[0])[:3]}")
    if len(clocks[0]) <= 100 and clocks[1] - clocks[0]:  # more are those of no calendar
        faults.append(f"times that no real series has: {sorted(clocks[1] - clocks[0])[:3]}")
    return faults


def faults_of_names(real: Any, made: Any, table: Table) -> list[str]:
    """Names of training series, and numbers of series that were not asked for."""
    names = [[name for name, _ in each_series(bottom(X), table)] for X in (real, made)]
    faults = []
    if names[0] != [()] and set(names[0]) & set(names[1]):
        again = sorted(set(names[0]) & set(names[1]), key=str)
        faults.append(f"{len(again)} names of training series, as {again[0]}")
    if len(names[0]) != len(names[1]):
        faults.append(f"{len(names[1])} series, asked were {len(names[0])}")
    return faults


def faults_of_values(made: Any, table: Table) -> list[str]:
    """What the table was made to keep: constants, orders, meters, sums."""
    faults = []
    for _, part in each_series(made, table):
        faults += [f"{c} varies in a series" for c in table.static if part[c].nunique() > 1]
        faults += [f"{a} > {b}" for a, b in table.ordered if (part[a] > part[b]).any()]
        faults += [f"{c} is negative" for c in table.from_zero if (part[c] < 0).any()]
        faults += [f"{c} falls" for c in table.rising if (part[c].dropna().diff() < 0).any()]
    if isinstance(made.index, pd.MultiIndex) and len(bottom(made)) < len(made):
        faults += _wrong_sums(made)
    return sorted(set(faults))


def _wrong_sums(made: pd.DataFrame) -> list[str]:
    from sktime.transformations.hierarchical.aggregate import Aggregator

    anew = Aggregator().fit_transform(bottom(made)).sort_index()
    same = made.sort_index()
    if not anew.index.equals(same.index):
        return ["other sums than those of the real table"]
    off = np.abs(anew.to_numpy() - same.to_numpy()).max()
    return [f"sums are off by {off:.3g}"] if off > 1e-6 * np.abs(same.to_numpy()).max() else []
