"""Series of tables, cut into the pieces that metrics compare.

A *piece* is a whole series, or a window of one; no window goes from one series, or one block of
time, into the next.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._remedies import preceded
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.tables.container import Part
from sklearn_timegen.data.tables.layouts import take_apart

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cut", "Pieces", "check_window", "parts_of", "usual_window"]

Index = NDArray[np.int64]
MOST_AUTO = 24  # timesteps of a window, if neither the user nor a generator says
LONGEST = 100  # timesteps, up to which series are compared whole
ENOUGH = 500  # windows, up to which they overlap
MOST = 5000  # windows, above which some timesteps are in none


@dataclass(frozen=True)
class Cut:
    """How series are cut: into windows of so many timesteps; ``window=None`` keeps them whole."""

    window: int | None = None
    stride: int = 1

    @classmethod
    def into(cls, window: int, lengths: Sequence[int]) -> Cut:
        """Return windows that overlap only where there would be few, and are not too many."""
        total = sum(lengths)
        stride = min(max(1, total // ENOUGH), window)
        return cls(window, max(stride, -(-total // MOST)))

    @property
    def overlaps(self) -> bool:
        return self.window is not None and self.stride < self.window

    def begins(self, length: int) -> Index:
        """Return where the pieces of ``length`` timesteps begin; what is shorter is one piece."""
        if self.window is None or length <= self.window:
            return np.zeros(1, dtype=np.int64)
        return np.arange(0, length - self.window + 1, self.stride)

    def __call__(self, frame: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
        """Return the piece that begins at ``first``, of what ends before ``last``."""
        end = last if self.window is None else min(first + self.window, last)
        return frame.iloc[first:end].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces of series, and where each comes from.

    Parameters
    ----------
    frames : list of DataFrame
        The pieces, a row each timestep.
    series : ndarray of int
        Number of the series that each is of.
    block : ndarray of int
        Number of the block of time that each lies in.
    starts : ndarray of int or None
        Where each begins, on one axis on which the series lie behind each other, further apart
        than a window; ``None`` if no two of them overlap.
    """

    frames: list[pd.DataFrame]
    series: Index
    block: Index
    starts: Index | None

    @classmethod
    def of(cls, frames: Sequence[pd.DataFrame], cut: Cut, n_blocks: int = 1) -> Pieces:
        """Cut the blocks of all series."""
        pieces: list[pd.DataFrame] = []
        series: list[int] = []
        blocks: list[int] = []
        starts: list[int] = []
        offset = 0
        for k, frame in enumerate(frames):
            for block, (first, last) in enumerate(blocks_of(len(frame), n_blocks)):
                begins = first + cut.begins(last - first)
                pieces += [cut(frame, int(begin), last) for begin in begins]
                series += [k] * len(begins)
                blocks += [block] * len(begins)
                starts += [offset + int(begin) for begin in begins]
            offset += len(frame) + (cut.window or 0)
        where = np.array(starts) if cut.overlaps else None
        return cls(pieces, np.array(series), np.array(blocks), where)

    def __len__(self) -> int:
        return len(self.frames)

    def at_most(self, n: int, seed: int) -> Pieces:
        """Return ``n`` pieces, drawn at random, in their old order; all if they are fewer."""
        if len(self) <= n:
            return self
        rows = np.sort(np.random.default_rng(seed).choice(len(self), n, replace=False))
        starts = None if self.starts is None else self.starts[rows]
        frames = [self.frames[k] for k in rows]
        return Pieces(frames, self.series[rows], self.block[rows], starts)


def blocks_of(length: int, n_blocks: int) -> list[tuple[int, int]]:
    """Return where blocks of time begin and end: equal ones, but for rounding."""
    ends = np.linspace(0, length, n_blocks + 1).round().astype(int)
    return [(int(a), int(b)) for a, b in pairwise(ends)]


def check_window(window: Any) -> int | None:
    """Return the length of windows that was asked for; ``None`` for ``"auto"``."""
    if isinstance(window, str) and window == "auto":
        return None
    if not isinstance(window, Integral):
        raise ValueError(
            f"window must be 'auto' or a number of timesteps, 2 at least, got {window!r}"
        )
    return check_count(window, "window", least=2)


def usual_window(lengths: Sequence[int]) -> int:
    """Return the length of windows if nobody says: eight fit into the longest series."""
    return min(MOST_AUTO, max(2, max(lengths) // 8))


def parts_of(
    X: Any,
    id_columns: Any,
    time_column: Hashable,
    like: Sequence[Part] = (),
    name: str = "X",
    *,
    gaps: str = "missing",
    time: str = "auto",
) -> list[Part]:
    """Return the series of a table, their columns in the order of those of others.

    Gaps and irregular times are read as :func:`~sklearn_timegen.data.tables.layouts.take_apart`
    does, but that every timestep has a row: of missing values, where the table has none.

    Raises
    ------
    ValueError
        If the table cannot be taken apart, or has other columns than ``like``.
    """
    if isinstance(id_columns, list | tuple) and len(id_columns) == 1:
        id_columns = id_columns[0]
    try:
        parts = take_apart(X, id_columns, time_column, gaps=gaps, time=time)[1]
    except (ValueError, TypeError) as error:
        raise preceded(f"{name} could not be read as a table of series: ", error) from error
    parts = [_with_all_rows(part) for part in parts]
    if not like:
        return parts
    columns = list(like[0].frame.columns)
    mine = list(parts[0].frame.columns)
    if len(mine) == len(columns) == 1:  # of Series, whose names may tell which one each is
        return [replace(part, frame=part.frame.set_axis(columns, axis=1)) for part in parts]
    if sorted(map(str, mine)) != sorted(map(str, columns)):
        raise ValueError(f"{name} has the columns {mine}, but the real series have {columns}")
    return [Part(part.frame[columns], part.timeline, part.key) for part in parts]


def _with_all_rows(part: Part) -> Part:
    """Return a series with rows of missing values where it has none."""
    from pandas.api import types

    if part.rows is None:
        return part
    frame = part.frame
    nullable = {  # whole numbers and flags stay what they are beside missing ones
        name: "boolean" if types.is_bool_dtype(dtype) else "Int64"
        for name, dtype in frame.dtypes.items()
        if dtype.kind in "biu"
    }
    full = frame.astype(nullable).set_axis(part.rows, axis=0)
    return Part(full.reindex(range(len(part.timeline.index))), part.timeline, part.key)
