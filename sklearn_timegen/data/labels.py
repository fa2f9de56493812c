"""Labels and other targets, of whatever type and container they come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.multiclass import type_of_target

__all__ = ["as_target", "check_known", "codes_of", "holds_labels", "shown", "shown_label"]

Array = NDArray[Any]


def as_target(y: Any, name: str = "y") -> Array:
    """Return ``y`` as an array of the type that its entries have, or refuse it if some lack.

    Lists, pandas' nullable columns and arrays of objects hold whole numbers, flags and numbers
    as often as arrays of these do, and are told by what they hold.

    Raises
    ------
    ValueError
        If entries are missing (None, NaN or NA), or lists in it are of unequal length.
    TypeError
        If it is sparse, a dict, a set or an iterator.
    """
    _refuse_no_array(y, name)
    try:
        values = np.asarray(y)
    except ValueError as error:
        raise ValueError(f"{name} is ragged: {error}") from error
    if values.dtype.kind == "T":  # numpy's strings of any length
        return values.astype(object)
    if values.dtype.kind != "O":
        return values
    flat = values.ravel().tolist()
    missing = [k for k, value in enumerate(flat) if _is_missing(value)]
    if missing:
        raise ValueError(
            f"{name} has {len(missing)} missing labels or numbers (None, NaN or NA), the first at "
            f"{missing[0]}: leave their series out, or give them a label of their own"
        )
    if not flat:
        return values
    if all(isinstance(v, bool | np.bool_) for v in flat):
        return values.astype(bool)
    if any(isinstance(v, bool | np.bool_) for v in flat):
        return values
    if all(isinstance(v, Integral) for v in flat):
        return np.array([int(v) for v in flat]).reshape(values.shape)
    if all(isinstance(v, Real) for v in flat):
        return values.astype(np.float64)
    return values


def _refuse_no_array(y: Any, name: str) -> None:
    if sparse.issparse(y):
        raise TypeError(
            f"{name} is sparse ({type(y).__name__}), but an array is expected: {name}.toarray()"
        )
    if isinstance(y, Mapping | Set | Iterator):
        raise TypeError(
            f"{name} is a {type(y).__name__}, but an array or a list is expected, with an entry "
            "for each series in their order"
        )


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Real) and value != value


def holds_labels(values: Array) -> bool:
    """Whether a target is labels: one for each series, and no fractions."""
    if values.ndim == 2 and values.shape[1] == 1 and values.dtype.kind != "f":
        values = values[:, 0]
    return values.ndim == 1 and type_of_target(values) != "continuous"


def check_known(values: Array, name: str = "y") -> None:
    """Refuse labels of a type that scikit-learn's classifiers do not know."""
    if values.dtype.kind == "O" and values.size and type_of_target(values) == "unknown":
        raise ValueError(
            f"{name} holds labels of type {type(values.flat[0]).__name__}, which scikit-learn's "
            "classifiers do not know: give them as strings or whole numbers"
        )


def codes_of(values: Array, classes: Array) -> NDArray[np.int64]:
    """Return the position of each label among the classes, -1 for those that are none of them."""
    if classes.dtype.kind == "M" and values.dtype.kind in "MUO":
        try:
            values = values.astype(classes.dtype)
        except (TypeError, ValueError, OverflowError):
            return np.full(len(values), -1)
    known = {label: code for code, label in enumerate(_plain(classes))}
    distinct, where = values, np.arange(len(values))
    if values.dtype.kind != "O":
        distinct, where = np.unique(values, return_inverse=True)
    codes = [known.get(label, -1) if _can_be_label(label) else -1 for label in _plain(distinct)]
    return np.asarray(codes, dtype=np.int64)[where]


def _plain(values: Array) -> list[Any]:
    # Dates stay numpy's: some of them would become whole numbers.
    return list(values) if values.dtype.kind in "mM" else values.tolist()


def _can_be_label(value: Any) -> bool:
    return getattr(type(value), "__hash__", None) is not None


def shown(labels: Any) -> str:
    """Return at most ten different labels as text."""
    text = list(dict.fromkeys(map(shown_label, np.asarray(labels).ravel())))
    return ", ".join(text[:10]) + (", ..." if len(text) > 10 else "")


def shown_label(label: Any) -> str:
    """Return a label as its owner would write it: ``'a'``, and not ``np.str_('a')``."""
    if isinstance(label, np.datetime64 | np.timedelta64):
        return str(label)
    return repr(label.item() if isinstance(label, np.generic) else label)
