"""Training series as models of those that are drawn: their times, and what was taken off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.container import Container, Record
from sklearn_timegen.data.tables.timeline import Timeline
from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.rules import Structure
from sklearn_timegen.series._calendar import calendar_features
from sklearn_timegen.series._transforms import Chain
from sklearn_timegen.series._windows import Own

__all__ = ["Asked", "Models", "crossfade", "cut_apart", "match"]

Array = NDArray[np.float64]


@dataclass
class Asked:
    """A series to draw: which training series it is like, where it starts, how long it is."""

    like: int
    start: Any
    length: int


class Models:
    """How training series were laid out, their times, and the transform fitted to them.

    Series are led to the coordinates of a ``structure`` first. Those that are still in the units
    of the data, or their logarithms, go through the ``chain`` of transforms; the others, as the
    position of a price between two others, have nothing that a difference could be taken of.
    """

    def __init__(
        self,
        container: Container,
        records: list[Record],
        chain: Chain,
        structure: Structure,
        *,
        fit: bool,
    ) -> None:
        self.container, self.records, self.chain = container, records, chain
        self.structure = structure
        series = [record.values for record in records]
        if fit:
            self.coordinates = structure.fit_transform_series(series, container.columns.names)
        else:
            self.coordinates = structure.transform_series(series)
        units = structure.coordinates_.units
        self._moving = [k for k, unit in enumerate(units) if unit != "free"]
        # What takes logarithms itself, or knows its own way, is given the data.
        self._logged = [
            k for k, j in enumerate(self._moving) if units[j] == "log" and chain.takes_data
        ]
        self.values = [u[chain.n_lost :].copy() for u in self.coordinates]
        if not self._moving:
            return
        sources = structure.coordinates_.sources(self._moving)
        moving = [
            Record(self._in_data_units(u), record.timeline, record.key)
            for u, record in zip(self.coordinates, records, strict=True)
        ]
        if chain.steps:
            _keep_positive(moving, [np.isfinite(x[:, sources]) for x in series])
        columns = container.columns.select(sources)
        for values, moved in zip(self.values, chain.fit_transform(moving, columns), strict=True):
            values[:, self._moving] = moved

    def _in_data_units(self, u: Array) -> Array:
        moving = u[:, self._moving]
        moving[:, self._logged] = np.exp(moving[:, self._logged])
        return moving

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

    def own(self, asked: list[Asked]) -> Own | None:
        """Return what the series that are asked for have of those that they are like."""
        columns = self.structure.coordinates_.static
        if not columns or len(self.records) == 1:
            return None
        first = [self.coordinates[item.like][0, columns] for item in asked]
        return Own(columns, np.stack(first))

    def undo(self, values: Array, asked: Asked) -> Array:
        """Return the coordinates of a drawn series before the chain."""
        record, n_lost = self.records[asked.like], self.chain.n_lost
        index = record.timeline.make(asked.start, asked.length)
        position = record.timeline.position(asked.start)
        kept = values[: max(0, asked.length - n_lost)]
        # At the timesteps that the chain brings back, all are those of the training series.
        known = self.coordinates[asked.like]
        first = known[np.clip(position + np.arange(n_lost), 0, len(known) - 1)]
        u = np.concatenate([first, kept])
        if self._moving:
            moved = kept[:, self._moving]
            moving = np.array(self.chain.inverse(moved, asked.like, position, index))
            positive = np.maximum(moving[:, self._logged], np.finfo(np.float32).tiny)
            moving[:, self._logged] = np.log(positive)
            u[:, self._moving] = moving
        return u[: asked.length]

    def anchored(self, u: Array, asked: Asked) -> Array:
        """Return the coordinates of a series that ends where the one it is like does."""
        end, coordinates = self.records[asked.like].values[-1], self.coordinates[asked.like]
        filled = self.structure.inverse_transform_series(coordinates, present=True)[-1]
        return self.structure.ending_at(u, np.where(np.isnan(end), filled, end))

    def finish(self, u: Array, asked: Asked, i: int) -> Record:
        """Lead the i-th drawn series back to the data, and put times and a name to it."""
        record = self.records[asked.like]
        index = record.timeline.make(asked.start, asked.length)
        values = self.structure.inverse_transform_series(u)
        # What is missing is NaN; other values are none only where coordinates are none.
        holes = self.structure.generates_missing and np.isfinite(u).all()
        if not (np.isfinite(values).all() or (holes and not np.isinf(values).any())):
            raise FloatingPointError(
                "undoing the transform turned generated values into some that are not finite: the "
                "generator has left the range in which it can be undone"
            )
        # The series' own name within a panel is made anew; what stands above it is kept.
        key = record.key or ("",)
        name = i if isinstance(key[-1], int | np.integer) else f"synthetic_{i}"
        timeline = Timeline(index, "", record.timeline.step)
        return Record(values, timeline, (*key[:-1], name), asked.like)


def cut_apart(series: list[Array], window: int) -> Array:
    """Return the windows of series that do not overlap."""
    return np.concatenate([np.asarray(make_windows(u, window, window)[0]) for u in series])


def _keep_positive(moving: list[Record], observed: list[NDArray[np.bool_]]) -> None:
    """Let draws for what is missing of a positive channel not fall below what was observed."""
    pairs = zip(moving, observed, strict=True)
    low = np.min([np.where(seen, one.values, np.inf).min(axis=0) for one, seen in pairs], axis=0)
    floor = np.where((low > 0) & np.isfinite(low), low, -np.inf)
    for one, seen in zip(moving, observed, strict=True):
        one.values[~seen] = np.maximum(one.values, floor)[~seen]


def match(values: Array, actual: Array) -> Array:
    """Bring each channel to the mean and spread of the actual one; a constant stays one."""
    if len(values) == 0:  # all timesteps are those that the transform brings back
        return values
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
