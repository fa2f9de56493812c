"""Rows after rows, in the container and the types of the first: array, list or data frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["joined", "stacked"]


def joined(real: Any, rows: Any) -> Any:
    """Return ``real`` with ``drawn`` after it; what is real stays bit by bit."""
    new = stacked(real, rows)
    if isinstance(real, list | tuple):
        return [*real, *new]
    if not _is_pandas(real):
        return np.concatenate([np.asarray(real), new])
    import pandas as pd

    return pd.concat([real, new], ignore_index=True)


def stacked(like: Any, rows: Any) -> Any:
    """Return ``drawn`` in the container of ``like``, with its column names and types."""
    if isinstance(rows, list) or _is_pandas(rows):  # laid out as series came
        return rows
    if isinstance(like, list):
        return rows.tolist()
    if not _is_pandas(like):
        like = np.asarray(like)
        return _as_type(rows.reshape(-1, *like.shape[1:]), like.dtype)
    import pandas as pd

    if like.ndim == 1:
        return pd.Series(_as_type(rows, like.dtype), name=like.name, dtype=like.dtype)
    columns = rows.reshape(len(rows), -1).T
    series = [
        pd.Series(_as_type(column, kind), dtype=kind)
        for column, kind in zip(columns, like.dtypes, strict=True)
    ]
    frame = pd.concat(series, axis=1)
    frame.columns = like.columns
    return frame


def _is_pandas(values: Any) -> bool:
    return hasattr(values, "iloc") and hasattr(values, "ndim")


def _as_type(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Cast where numpy knows the type; numbers are rounded to integers, not cut off."""
    if getattr(dtype, "kind", "O") in "iu" and values.dtype.kind == "f":
        values = np.rint(values)
    return values.astype(dtype) if isinstance(dtype, np.dtype) else values
