"""How far the columns of two tables are apart, one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["categories_off", "columns_off", "numbers_off"]


def columns_off(real: pd.DataFrame, made: pd.DataFrame) -> dict[str, float]:
    """Return for each column the distance of its distributions: KS, or total variation.

    Where values are missing in either, how far their shares are apart stands beside it.
    """
    off = {}
    for name in real.columns:
        a, b = real[name], made[name]
        missing = float(abs(a.isna().mean() - b.isna().mean()))
        if a.isna().any() or b.isna().any():
            off[f"{name} missing"] = missing
        if a.dtype.kind == "M":
            a, b = a.astype("int64"), b.astype("int64")
        if pd.api.types.is_numeric_dtype(a) and not pd.api.types.is_bool_dtype(a):
            off[name] = numbers_off(a, b)
        else:
            off[name] = categories_off(a, b)
    return off


def numbers_off(a: pd.Series, b: pd.Series) -> float:
    """Return the Kolmogorov-Smirnov distance of two columns of numbers."""
    x, y = np.sort(a.dropna()), np.sort(b.dropna())
    at = np.concatenate([x, y])
    below = [np.searchsorted(part, at, "right") / len(part) for part in (x, y)]
    return float(np.abs(below[0] - below[1]).max())


def categories_off(a: pd.Series, b: pd.Series) -> float:
    """Return the total variation between the shares of two columns' values."""
    p, q = (s.dropna().astype(str).value_counts(normalize=True) for s in (a, b))
    return float(p.sub(q, fill_value=0).abs().sum() / 2)
