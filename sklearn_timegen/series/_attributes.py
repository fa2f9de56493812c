"""Columns that belong to a series as a whole: its attributes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.container import Columns, Container, Record, shown
from sklearn_timegen.rules.category import Static

__all__ = ["columns_asked_for", "find_attributes"]

FEWEST = 3  # timesteps of some series, before it is no accident that one has a single value


def find_attributes(
    static_columns: Any, container: Container, records: list[Record]
) -> list[Static]:
    """Return a rule for each column of numbers or dates that has one value a series.

    Of categories, and of many series, rules know it by themselves.

    Parameters
    ----------
    static_columns : "auto", name or list of names
        Columns that have to be attributes.
    container : Container
        Its columns, and those that name series: the names in these may be attributes, too.
    records : list of Record
        The series.

    Raises
    ------
    ValueError
        If a named column is none, or changes within a series.
    """
    columns = container.columns
    names = list(columns.names or range(len(columns.channels)))
    named = columns_asked_for(static_columns)
    _refuse_unknown(named, [*names, *container.name_columns])
    found = []
    for k, channel in enumerate(columns.channels):
        constant = all(_is_constant(record.values[:, k]) for record in records)
        if names[k] in named and not constant:
            _refuse(k, columns, records)
        if constant and not channel.categories and _differs(k, records, channel.kind == "date"):
            found.append(Static(channel.name if columns.names is not None else k))
    return found


def columns_asked_for(static_columns: Any) -> list[Any]:
    """Return the columns that have to be attributes: of ``"auto"``, none."""
    if isinstance(static_columns, str) and static_columns == "auto":
        return []
    return list(static_columns) if isinstance(static_columns, list | tuple) else [static_columns]


def _refuse_unknown(named: list[Any], names: list[Any]) -> None:
    unknown = [name for name in named if not isinstance(name, Hashable) or name not in names]
    if unknown:
        raise ValueError(
            f"static_columns must be 'auto', the name of a channel or a list of names; got "
            f"{unknown[0]!r}, and X has {names}"
        )


def _differs(k: int, records: list[Record], is_date: bool) -> bool:
    """Whether series have different values, each of them for a while."""
    if len(records) == 1:
        return False
    known = [_known(record.values[:, k]) for record in records]
    own = {float(column[0]) for column in known if len(column)}
    return is_date or (len(own) > 1 and max(map(len, known)) >= FEWEST)


def _refuse(k: int, columns: Columns, records: list[Record]) -> None:
    channel = columns.channels[k]
    for record in records:
        x = record.values[:, k]
        known = np.flatnonzero(np.isfinite(x))
        other = known[x[known] != x[known[0]]] if len(known) else known
        if len(other):
            two = channel.decode(x[[known[0], other[0]]]).tolist()
            name = f" of series {shown(record.key)}" if record.key else ""
            raise ValueError(
                f"{columns.label(k)} is one of static_columns, but changes{name} from {two[0]!r} "
                f"to {two[1]!r} at {record.timeline.index[other[0]]}"
            )


def _is_constant(column: NDArray[np.float64]) -> bool:
    known = _known(column)
    return bool((known == known[:1]).all())


def _known(column: NDArray[np.float64]) -> NDArray[np.float64]:
    return column[np.isfinite(column)]
