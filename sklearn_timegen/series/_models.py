"""Training series as models of those that are drawn: their times, and what was taken off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.series._calendar import calendar_features
from sklearn_timegen.series._container import Container, Record
from sklearn_timegen.series._index import Timeline
from sklearn_timegen.series._transforms import Chain

__all__ = ["Asked", "Models", "crossfade", "match"]

Array = NDArray[np.float64]


@dataclass
class Asked:
    """A series to draw: which training series it is like, where it starts, how long it is."""

    like: int
    start: Any
    length: int


class Models:
    """How training series were laid out, their times, and the transform fitted to them."""

    def __init__(self, container: Container, records: list[Record], chain: Chain) -> None:
        self.container, self.records, self.chain = container, records, chain
        self.values = chain.fit_transform(records, container.columns)

    def cut(
        self, window: int, stride: int, calendar: tuple[str, ...]
    ) -> tuple[Array, Array | None]:
        """Return the windows of all series, and the calendar features of their beginnings."""
        windows, conditions = [], []
        for values, record in zip(self.values, self.records, strict=True):
            cut, starts = make_windows(values, window, stride)
            windows.append(cut)
            if calendar:
                times = record.timeline.index[starts + self.chain.n_lost]
                conditions.append(calendar_features(times, calendar))
        return np.concatenate(windows), np.concatenate(conditions) if calendar else None

    def finish(self, values: Array, asked: Asked, i: int) -> Record:
        """Undo the transform of the i-th drawn series, and put times and a name to it."""
        record = self.records[asked.like]
        index = record.timeline.make(asked.start, asked.length)
        position = record.timeline.position(asked.start)
        kept = values[: max(0, asked.length - self.chain.n_lost)]
        values = self.chain.inverse(kept, asked.like, position, index)[: asked.length]
        if not np.isfinite(values).all():
            raise FloatingPointError(
                "undoing the transform turned generated values into some that are not finite: the "
                "generator has left the range in which it can be undone"
            )
        # The series' own name within a panel is made anew; what stands above it is kept.
        key = record.key or ("",)
        name = i if isinstance(key[-1], int | np.integer) else f"synthetic_{i}"
        timeline = Timeline(index, "", record.timeline.step)
        return Record(values, timeline, (*key[:-1], name), asked.like)


def match(values: Array, actual: Array) -> Array:
    """Bring each channel to the mean and spread of the actual one; a constant stays one."""
    spread = values.std(axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    matched: Array = (values - values.mean(axis=0)) / unit * actual.std(axis=0)
    return matched + actual.mean(axis=0)


def crossfade(values: Array, end: Array, n_faded: int) -> Array:
    """Fade into the end of another series; the weights' squares add up to one, as variances do."""
    n_faded = min(n_faded, len(end))
    weight = (np.arange(1, n_faded + 1) / n_faded)[:, None]
    kept, rest = values[: len(end) - n_faded], values[len(end) - n_faded : len(end)]
    mean = end.mean(axis=0)
    met = mean + weight * (end[-n_faded:] - mean) + np.sqrt(1 - weight**2) * (rest - mean)
    return np.concatenate([kept, met])
