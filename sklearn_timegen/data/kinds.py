"""Of what kind the values of a channel are, told by dtype, and by what objects hold."""

from __future__ import annotations

import decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["check_categories", "decimals_of", "in_steps_of", "kind_of", "of_one_type"]

Array = NDArray[np.float64]

MOST_DECIMALS = 12
FEWEST_NUMBERS = 10  # categories that are all numbers, before they are taken for these


def of_one_type(column: pd.Series, name: Any) -> pd.Series:
    """Return a column of one type: what objects hold decides."""
    if column.dtype != object:
        return column
    known = column.dropna()
    types = {type(value) for value in known}
    if any(issubclass(t, list | tuple | dict | set | np.ndarray) for t in types):
        raise ValueError(f"channel {name!r} holds {known.iloc[0]!r}: one value a timestep")
    if not len(known):
        return column.astype(np.float64)
    if all(issubclass(t, bool | np.bool_) for t in types):
        return column.astype("boolean") if len(known) < len(column) else column.astype(bool)
    if any(issubclass(t, bool | np.bool_) for t in types):
        _refuse_mixture(known, name)
    if all(issubclass(t, Integral) for t in types):
        return column.astype("Int64") if len(known) < len(column) else column.astype(np.int64)
    if all(issubclass(t, Real | decimal.Decimal) for t in types):
        return column.where(column.notna(), np.nan).astype(np.float64)
    if any(issubclass(t, Real | decimal.Decimal) for t in types):
        _refuse_mixture(known, name)
    if all(hasattr(t, "year") for t in types):
        return pd.to_datetime(column)
    if not all(issubclass(t, str) for t in types):
        _refuse_mixture(known, name)
    return column


def check_categories(column: pd.Series, kept: list[Any], name: Any, n_series: int) -> None:
    """Refuse words that are numbers, or names that hardly occur twice."""
    words = [c for c in kept if isinstance(c, str)]
    if len(words) == len(kept) >= FEWEST_NUMBERS and all(map(_is_number, words)):
        raise ValueError(
            f"channel {name!r} holds words that are numbers, such as {words[0]!r}: make them "
            "numbers, with .astype(float)"
        )
    if len(kept) > n_series and 2 * len(kept) > column.notna().sum():
        raise ValueError(
            f"channel {name!r} has {len(kept)} categories in {int(column.notna().sum())} cells of "
            f"{n_series} series: names, which tell nothing of other series. Leave it out, or "
            "merge what is rare with rare_categories="
        )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _refuse_mixture(known: pd.Series, name: Any) -> None:
    first = known.iloc[0]
    other = next((v for v in known if type(v) is not type(first)), first)
    raise ValueError(
        f"channel {name!r} holds values of several kinds, such as {first!r} and {other!r}: make "
        "them all numbers, or all words"
    )


def kind_of(column: pd.Series, name: Any) -> str:
    """Return of what kind a column is, whose values are of one type."""
    dtype, types = column.dtype, pd.api.types
    if isinstance(dtype, pd.CategoricalDtype):
        return "ordinal" if dtype.ordered else "categorical"
    if types.is_bool_dtype(dtype):
        return "binary"
    if types.is_integer_dtype(dtype):
        return "integer"
    if types.is_float_dtype(dtype):
        return "continuous"
    if types.is_datetime64_any_dtype(dtype):
        return "date"
    if types.is_object_dtype(dtype) or types.is_string_dtype(dtype):
        return "categorical"
    advice = ""
    if types.is_timedelta64_dtype(dtype):
        advice = ": make it a number, with .dt.total_seconds()"
    elif isinstance(dtype, pd.PeriodDtype):
        advice = ": make it dates, with .dt.to_timestamp()"
    raise ValueError(f"channel {name!r} is of {dtype}, which is no kind of channel{advice}")


def decimals_of(column: pd.Series) -> int | None:
    """Return how many digits behind the point all values have, if they are few."""
    values = column.dropna().to_numpy(dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values) == 0 or column.dtype != np.float64:
        return None
    for decimals in range(MOST_DECIMALS + 1):
        if (np.round(values[:500], decimals) == values[:500]).all() and (
            np.round(values, decimals) == values
        ).all():
            return decimals
    return None


def in_steps_of(seconds: Array, unit: float) -> bool:
    """Whether all numbers are multiples of a unit."""
    return bool((np.abs(seconds / unit - np.rint(seconds / unit)) < 1e-9).all())
