"""What may hold series, and what only looks as if it did: said before anything is converted."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Set
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_pandas", "is_dated", "is_panel", "refuse_dated", "without_na"]

EXPECTED = "an array, a DataFrame or a list of series"
# Labels of timesteps: numbers, times of day, or these after one letter.
TIMESTEP = re.compile(r"[a-zA-Z]?_?\d[\d:.]*")
MOST_SHOWN = 60  # characters of what is refused
FEW = 8  # timesteps in rows that have dates: a table of as many channels is likelier


def as_pandas(X: Any, name: str = "X") -> Any:
    """Return frames of other libraries, such as polars, as frames of pandas.

    Raises
    ------
    TypeError
        If ``X`` is nothing that holds series.
    """
    if isinstance(X, list | tuple):
        _refuse_items(X, name)
        return [as_pandas(x, name) for x in X] if X and hasattr(X[0], "to_pandas") else X
    _refuse_no_series(X, name)
    if isinstance(X, np.ma.MaskedArray):
        is_whole = not np.ma.is_masked(X)
        return np.asarray(X) if is_whole else np.ma.filled(X.astype(np.float64), np.nan)
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1 and _holds_series(X):
        return list(X)
    return X.to_pandas() if hasattr(X, "to_pandas") else X


def without_na(X: Any) -> Any:
    """Return numbers with NaN in the place of what else is missing, as None, NA and NaT."""
    pd = sys.modules.get("pandas")
    if pd is None:
        return X
    if isinstance(X, pd.DataFrame) and any(not isinstance(t, np.dtype) for t in X.dtypes):
        numbers = X.to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.DataFrame(numbers, columns=X.columns, index=X.index)
    values = _as_array(X) if isinstance(X, list | tuple) else X
    if not isinstance(values, np.ndarray | pd.DataFrame) or np.asarray(values).dtype != object:
        return X
    missing = pd.isna(values)
    if not np.asarray(missing).any():
        return X
    if isinstance(values, pd.DataFrame):
        return values.mask(missing, np.nan)
    values = values.copy()
    values[missing] = np.nan
    return values


def is_panel(X: Any) -> bool:
    """Whether ``X`` is a frame or column of several series, each with its times."""
    pd = sys.modules.get("pandas")
    if pd is None or not isinstance(X, pd.Series | pd.DataFrame):
        return False
    if not isinstance(X.index, pd.MultiIndex):
        return False
    # Rows may be series with several names: then columns are timesteps.
    return isinstance(X, pd.Series) or X.shape[1] == 1 or not _are_timesteps(X.columns)


def is_dated(index: pd.Index) -> bool:
    """Whether an index holds times, and no numbers."""
    import pandas as pd

    return isinstance(index, pd.DatetimeIndex | pd.PeriodIndex | pd.TimedeltaIndex)


def refuse_dated(X: Any, name: str) -> str | None:
    """Refuse a frame whose rows are times where they are to be series; or return a warning."""
    pd = sys.modules.get("pandas")
    if pd is None or not isinstance(X, pd.Series | pd.DataFrame) or not is_dated(X.index):
        return None
    what = (
        f"{name} has a {type(X.index).__name__}, so that its rows are timesteps, but a sample of "
        "series is expected, one in each row"
    )
    remedy = (
        f"make_windows({name}, n_timesteps) cuts windows, and SeriesGenerator learns from "
        f"{name} as it is. If each row is a series, say so: {name}.reset_index(drop=True)"
    )
    if isinstance(X, pd.Series) or X.shape[1] == 1 or not _are_timesteps(X.columns):
        raise ValueError(f"{what}: {remedy}")
    return (
        f"{what}; taken as {len(X)} series of {X.shape[1]} timesteps. Otherwise: {remedy}"
        if (X.shape[1] < FEW)
        else None
    )


def _are_timesteps(columns: pd.Index) -> bool:
    """Whether labels of columns are numbers or times, and no names of channels."""
    if is_dated(columns) or columns.dtype.kind in "iuf":
        return True
    return all(
        TIMESTEP.fullmatch(label) if isinstance(label, str) else hasattr(label, "hour")
        for label in columns
    )


def _refuse_no_series(X: Any, name: str) -> None:
    if sparse.issparse(X):
        raise TypeError(
            f"Sparse data was passed for {name}, but dense series are required: {name}.toarray()"
        )
    remedy = _remedy(X, name)
    if remedy is not None:
        shown = repr(X)
        shown = "" if X is None or len(shown) > MOST_SHOWN else f" {shown}"
        kind = "None" if X is None else type(X).__name__
        raise TypeError(f"{name} must be {EXPECTED}, got {kind}{shown}{remedy}")


def _remedy(X: Any, name: str) -> str | None:
    """Return what to do about what holds no series; ``None`` if it may hold some."""
    if isinstance(X, str | bytes | PathLike):
        return ": read the file first, for example by pd.read_csv or np.load"
    if isinstance(X, Mapping):
        values, table = f"list({name}.values())", f"pd.DataFrame({name})"
        return f": pass {values} if each entry is a series, {table} if each is a column"
    if isinstance(X, Set):
        return ", which has no order: pass a list"
    if isinstance(X, Iterator):
        return f", which can be read once only: pass list({name})"
    if hasattr(X, "collect") and not hasattr(X, "__len__"):  # as lazy frames
        return f", which is not computed yet: pass {name}.collect()"
    if getattr(getattr(X, "dtype", None), "names", None):
        return f", records with the fields {list(X.dtype.names)}: pass pd.DataFrame({name})"
    holds_values = any(hasattr(X, method) for method in ("__len__", "__array__", "to_pandas"))
    is_value = not isinstance(X, type) and (holds_values or np.isscalar(X))
    return None if is_value else ""


def _refuse_items(X: Any, name: str) -> None:
    first = X[0] if len(X) else None
    if isinstance(first, Mapping):
        raise TypeError(
            f"{name} must be {EXPECTED}, got a list of {type(first).__name__}: such rows make a "
            f"table, pd.DataFrame({name})"
        )
    if isinstance(first, PathLike | Iterator) or sparse.issparse(first):
        raise TypeError(
            f"{name} must be {EXPECTED}, got a list of {type(first).__name__}: read each into an "
            "array or a frame first"
        )


def _holds_series(X: Any) -> bool:
    return len(X) > 0 and all(isinstance(x, np.ndarray | list | tuple) for x in X)


def _as_array(X: Any) -> Any:
    try:
        return np.asarray(X)
    except ValueError:  # ragged, which is told of elsewhere
        return None
