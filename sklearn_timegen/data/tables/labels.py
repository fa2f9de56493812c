"""Labels of series, one for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sklearn_timegen.data.labels import as_target, holds_labels
from sklearn_timegen.data.tables.container import Key, shown

__all__ = ["read_labels"]


def read_labels(y: Any, keys: Sequence[Key], name: str = "y") -> list[Any] | None:
    """Return the label of each series: in the order of the series, or by their names.

    Raises
    ------
    ValueError
        If there is not one label for each series, or they are no labels.
    """
    if y is None:
        return None
    if hasattr(y, "to_dict") and getattr(y, "ndim", 0) == 1 and _names(keys) <= set(y.index):
        y = y.to_dict()
    if isinstance(y, Mapping):
        missing = [key for key in keys if _name(key) not in y]
        if missing:
            raise ValueError(f"{name} has no label of series {shown(missing[0])}")
        y = [y[_name(key)] for key in keys]
    labels = as_target(y, name)
    if labels.ndim != 1 or len(labels) != len(keys):
        raise ValueError(
            f"{name} has shape {labels.shape}, but X holds {len(keys)} series: pass one label "
            "for each, in the order of the series, or a dict by their names. What varies along "
            "time is a column of X"
        )
    if not holds_labels(labels):
        raise ValueError(
            f"{name} holds numbers such as {labels[0]}, which are no labels: let them be a column "
            "of X, as an attribute"
        )
    return [value.item() if isinstance(value, np.generic) else value for value in labels]


def _name(key: Key) -> Any:
    return key[0] if len(key) == 1 else key


def _names(keys: Sequence[Key]) -> set[Any]:
    return {_name(key) for key in keys}
