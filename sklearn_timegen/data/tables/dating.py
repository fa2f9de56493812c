"""The times of series: regular, regular but for gaps, or irregular."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sklearn_timegen.data.tables.container import Container, Key, Part, shown
from sklearn_timegen.data.tables.gaps import full_times
from sklearn_timegen.data.tables.timeline import (
    IrregularTimeline,
    IrregularTimesError,
    Timeline,
    check_order,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Undated", "date_parts"]

Undated = tuple[Container, list["pd.DataFrame"], list["pd.Index"], list[Key]]


def date_parts(undated: Undated, gaps: str, time: str) -> tuple[Container, list[Part]]:
    """Return series with their times, which go on by one step for all of them.

    Parameters
    ----------
    undated : tuple
        How series are laid out, their rows, the times of these, and their keys.
    gaps : {"missing", "segments", "error"}
        What is made of steps that are left out: rows that are not there, ends of series, or an
        error.
    time : {"auto", "regular", "irregular"}
        Whether times have to have a step; ``"auto"`` takes those that have none for irregular.
    """
    container, frames, indexes, keys = undated
    if not frames:
        return container, []
    if time != "irregular":
        try:
            return container, _regular(frames, indexes, keys)
        except IrregularTimesError:
            if gaps == "error":
                raise
            found = _with_gaps(frames, indexes, keys, gaps)
            if found is not None:
                return replace(container, leaves_out=gaps == "missing"), found
            if time == "regular" or _are_regular_apart(indexes):
                raise
    triples = zip(frames, indexes, keys, strict=True)
    return container, [
        Part(frame, IrregularTimeline(index, _where(key)), key) for frame, index, key in triples
    ]


def _regular(
    frames: list[pd.DataFrame], indexes: list[pd.Index], keys: Sequence[Key]
) -> list[Part]:
    """Return series that have one frequency: that of the longest."""
    longest = max(range(len(indexes)), key=lambda k: len(indexes[k]))
    step = Timeline(indexes[longest], _where(keys[longest])).step
    return [
        Part(frame, Timeline(index, _where(key), step), key)
        for frame, index, key in zip(frames, indexes, keys, strict=True)
    ]


def _with_gaps(
    frames: list[pd.DataFrame], indexes: list[pd.Index], keys: Sequence[Key], gaps: str
) -> list[Part] | None:
    """Return series with gaps, or segments between them; ``None`` if they have no step."""
    from sklearn_timegen.data.clocks import common_step  # pandas takes a while

    for index, key in zip(indexes, keys, strict=True):
        check_order(index, _where(key))
    step = common_step(indexes)
    if step is None:
        return None
    parts = []
    for frame, index, key in zip(frames, indexes, keys, strict=True):
        full, rows = full_times(index, step)
        if gaps == "missing":
            left_out = None if len(rows) == len(full) else rows
            parts.append(Part(frame, Timeline(full, _where(key), step), key, left_out))
            continue
        ends = np.flatnonzero(np.diff(rows) > 1) + 1
        for own in np.split(np.arange(len(rows)), ends):
            parts.append(Part(frame.iloc[own], Timeline(index[own], _where(key), step), key))
    return parts


def _are_regular_apart(indexes: list[pd.Index]) -> bool:
    """Whether each series has a step, and not the same one: rather a mistake than irregular."""
    try:
        for index in indexes:
            Timeline(index, "")
    except IrregularTimesError:
        return False
    return True


def _where(key: Key) -> str:
    return f" of series {shown(key)}" if key else ""
