"""Sums over the levels of a hierarchy, which sktime calls ``__total``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sklearn_timegen._warning import warn_user

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.data.tables.container import Key

__all__ = ["TOTAL", "add_totals", "find_totals"]

TOTAL = "__total"
Pattern = tuple[bool, ...]  # which parts of a key are sums


def find_totals(frames: dict[Key, pd.DataFrame]) -> tuple[Pattern, ...]:
    """Return which sums there are beside the series, if they are sums of these.

    Parameters
    ----------
    frames : dict
        The rows of each series and sum, by its key; times are the last level of the index.
    """
    patterns = dict.fromkeys(_pattern(key) for key in frames)
    sums = tuple(pattern for pattern in patterns if any(pattern))
    bottom = {key: frame for key, frame in frames.items() if not any(_pattern(key))}
    if not sums or not bottom:
        return ()
    numeric = all(frame.dtypes.map(lambda d: d.kind in "iuf").all() for frame in bottom.values())
    if numeric:
        made = _sums(list(bottom.values()), list(bottom), sums)
        wrong = [
            key for key in frames if any(_pattern(key)) and not _alike(frames[key], made[key])
        ]
    else:
        wrong = [key for key in frames if any(_pattern(key))]
    if wrong:
        warn_user(
            f"the rows of {wrong[0]} are not the sums of the other series: rows of {TOTAL!r} are "
            "left out, here and of samples"
        )
        return ()
    return sums


def add_totals(
    frames: list[pd.DataFrame], keys: Sequence[Key], patterns: tuple[Pattern, ...]
) -> tuple[list[pd.DataFrame], list[Key]]:
    """Return series, dated by their index, and the sums of them after these."""
    made = _sums(frames, keys, patterns)
    return [*frames, *made.values()], [*keys, *made]


def _sums(
    frames: list[pd.DataFrame], keys: Sequence[Key], patterns: tuple[Pattern, ...]
) -> dict[Key, pd.DataFrame]:
    import pandas as pd

    groups: dict[Key, list[pd.DataFrame]] = {}
    for pattern in patterns:
        for frame, key in zip(frames, keys, strict=True):
            above = tuple(
                TOTAL if is_sum else part for part, is_sum in zip(key, pattern, strict=True)
            )
            groups.setdefault(above, []).append(frame)
    return {
        key: pd.concat(own).groupby(level=-1).sum(min_count=1).astype(own[0].dtypes.to_dict())
        for key, own in groups.items()
    }


def _alike(frame: pd.DataFrame, other: pd.DataFrame) -> bool:
    own = frame.droplevel(list(range(frame.index.nlevels - 1)))
    if not own.index.equals(other.index):
        return False
    pair = (own.to_numpy(dtype=np.float64), other.to_numpy(dtype=np.float64))
    return bool(np.allclose(*pair, rtol=1e-5, atol=1e-8, equal_nan=True))


def _pattern(key: Key) -> Pattern:
    return tuple(isinstance(part, str) and part == TOTAL for part in key)
