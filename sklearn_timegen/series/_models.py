"""Training series as models of those that are drawn: their times, and what was taken off them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.container import Key, Record
from sklearn_timegen.data.tables.timeline import IrregularTimeline
from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.rules import Structure
from sklearn_timegen.rules.latent import series_keys
from sklearn_timegen.rules.normal_score import own_value
from sklearn_timegen.rules.rule import channel_of
from sklearn_timegen.series._calendar import calendar_features, with_label
from sklearn_timegen.series._levels import Levels
from sklearn_timegen.series._profiles import Profiles, functions_of
from sklearn_timegen.series._request import Asked
from sklearn_timegen.series._row_gaps import CellHoles, RowGaps
from sklearn_timegen.series._transforms import Chain
from sklearn_timegen.series._windows import Own
from sklearn_timegen.series._words import Words

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.series._reading import Known
    from sklearn_timegen.series._settings import Plan

__all__ = ["Models", "cut_apart"]

Array = NDArray[np.float64]


class Models:
    """How training series were laid out, their times, and the transform fitted to them.

    Series are led to the coordinates of a ``structure`` first. Those that are still in the units
    of the data, or their logarithms, go through the ``chain`` of transforms; the others, as the
    position of a price between two others, have nothing that a difference could be taken of.
    Beside them stand the levels that belong to the series. What a series owes to its categories is
    taken off, and what it owes to those that are drawn is put back.

    Parameters
    ----------
    known : Known
        The series, and how they were laid out.
    chain : Chain
        The transform, unfitted.
    structure : Structure
        What series keep; unfitted, if there is nothing to be read ``like``.
    plan : Plan
        Whether windows are whole series, and how long.
    like : Models or None, default=None
        The series of training, if these are others.
    """

    def __init__(
        self,
        known: Known,
        chain: Chain,
        structure: Structure,
        plan: Plan,
        *,
        like: Models | None = None,
    ) -> None:
        self.has_values = True
        self.known, self.chain, self.structure, self.plan = known, chain, structure, plan
        self.container, self.records, self.labels = known.container, known.records, known.labels
        container, records, labels = self.container, self.records, self.labels
        self._longest = int(np.argmax([len(record.values) for record in records]))
        self._leaves_out: bool = container.leaves_out or (like is not None and like._leaves_out)
        series = [self._padded(record.values) for record in records]
        if like is None:
            self.coordinates = structure.fit_transform_series(series, container.columns.names)
        else:
            self.coordinates = structure.transform_series(series)
        columns = structure.coordinates_
        self.attribute_channels = [channel_of(rule.keys[0]) for rule in columns.attributes]
        self.attributes = self._own_values(self.attribute_channels)
        self._moving = [k for k, unit in enumerate(columns.units) if unit != "free"]
        # What takes logarithms itself, or knows its own way, is given the data.
        takes_data = enumerate(self._moving) if chain.takes_data else ()
        self._logs = {k: columns.logs[j] for k, j in takes_data if j in columns.logs}
        self.values = [u[chain.n_lost :].copy() for u in self.coordinates]
        if self._moving:
            self._transform(series)
        self.levels: Levels = Levels() if like is None else like.levels
        if like is None:
            self.levels.fit([] if plan.whole else self.values, columns.static)
        self._level = self.levels.of(self.values)
        self._learned = self.levels.apart(self.values, self._level)
        n_levels = self._level.shape[1]
        n_coordinates = len(columns.keys)
        self.static = [*columns.static, *range(n_coordinates, n_coordinates + n_levels)]
        self.own_of_each: Array = np.stack([x[0, self.static] for x in self._learned])
        # The rule of each attribute, and where its coordinates are among those of a series.
        self.attribute_rules = {
            channel_of(rule.keys[0]): (
                rule,
                [self.static.index(columns.keys.index(key)) for key in rule.columns],
            )
            for rule in columns.attributes
        }
        self.words = Words(self.attribute_rules.values())
        self._take_profiles_off(like)
        self.classes: list[Any] = like.classes if like is not None else _classes(labels)
        self._row_gaps: RowGaps | None = None if like is None else like._row_gaps
        self._holes: CellHoles | None = None if like is None else like._holes
        self._gap_rates = np.ones(len(records))
        if self._leaves_out and structure.generates_missing:
            self._learn_row_gaps()

    REAL_DATA: ClassVar[Mapping[str, str]] = {"records": "the training series"}

    def _without_real_data(self) -> tuple[Models, str]:
        """Return models without the values of series, which a transform could not be undone by."""
        if self.chain.steps:
            raise ValueError(
                "the transform puts samples on the training series that they are like"
            )
        bare = copy.copy(self)
        bare.records = [
            replace(record, values=np.full_like(record.values, np.nan)) for record in self.records
        ]
        bare.known = replace(self.known, records=bare.records)
        constant = [*self.structure.coordinates_.static, *self.structure.coordinates_.lengths]
        bare.coordinates = [_without_values(u, constant) for u in self.coordinates]
        bare.values = [_without_values(u, constant) for u in self.values]
        bare._learned = [_without_values(u, self.static) for u in self._learned]
        bare.has_values = False
        return bare, "names, times, levels and attributes of the training series"

    def need_values(self, what: str) -> None:
        """Refuse what cannot be had of series whose values were left out of a file."""
        if not self.has_values:
            raise ValueError(
                f"{what} needs the values of the training series, which were left out of the file "
                'that this was loaded from (real_data="thin"): save it with real_data="keep"'
            )

    def _take_profiles_off(self, like: Models | None) -> None:
        """Let series be around what they owe to their categories.

        Of these, scores then say no more than the word: what a score has to do with a series
        within its category, a normal model would take for a part of what categories differ by.
        """
        codes = self.words.codes(self.own_of_each)
        keys = series_keys(np.stack([x.mean(axis=0) for x in self._learned]))
        learned = [x.copy() for x in self._learned]
        for x, own in zip(learned, self.words.anew(self.own_of_each, keys), strict=True):
            x[:, self.static] = own
        functions = [
            functions_of(self.plan, record.timeline.index[self.chain.n_lost :])
            for record in self.records
        ]
        if like is None:
            constant = {*self.static, *self.levels.columns_}
            around = [k for k in range(self.values[0].shape[1]) if k not in constant]
            self.profiles = Profiles(around).fit(learned, functions, codes)
        else:
            self.profiles = like.profiles
        triples = zip(learned, codes, functions, strict=True)
        self._learned = [self.profiles.take_off(*one) for one in triples]

    def _padded(self, values: Array) -> Array:
        """Return a series as long as the longest one, where windows are whole series."""
        if not self.plan.whole:
            return values
        n_beyond = self.plan.window - len(values)
        return np.pad(values, ((0, n_beyond), (0, 0)), constant_values=np.nan)

    def _own_values(self, channels: list[int]) -> Array:
        """Return what each series has for all of its time."""
        own = np.full((len(self.records), self.records[0].values.shape[1]), np.nan)
        for k in channels:
            for i, record in enumerate(self.records):
                own[i, k] = own_value(record.values[None, :, k])[0, 0]
        return own

    def _learn_row_gaps(self) -> None:
        """Learn when rows are left out, of all series and of each."""
        timelines = [record.timeline for record in self.records]
        there = [self._rows_there(record.values) for record in self.records]
        if self._row_gaps is None:
            self._row_gaps = RowGaps(timelines, there)
            self._holes = CellHoles([record.values for record in self.records], there)
        pairs = zip(timelines, there, strict=True)
        self._gap_rates = np.array([self._row_gaps.rate(*pair) for pair in pairs])

    def _rows_there(self, values: Array) -> NDArray[np.bool_]:
        """Return which rows hold anything but what is constant in a series."""
        changing = [k for k in range(values.shape[1]) if k not in self.attribute_channels]
        known = np.isfinite(values[:, changing or self.attribute_channels])
        there: NDArray[np.bool_] = np.any(known, axis=1)
        return there

    def _transform(self, series: list[Array]) -> None:
        """Transform what is in the units of the data."""
        sources = self.structure.coordinates_.sources(self._moving)
        moving = [
            Record(self._in_data_units(u), record.timeline, record.key)
            for u, record in zip(self.coordinates, self.records, strict=True)
        ]
        if self.chain.steps:
            _keep_positive(moving, [np.isfinite(x[:, sources]) for x in series])
        columns = self.container.columns.select(sources)
        transformed = self.chain.fit_transform(moving, columns)
        for own, moved in zip(self.values, transformed, strict=True):
            own[:, self._moving] = moved

    def _in_data_units(self, u: Array) -> Array:
        moving = u[:, self._moving]
        for k, log in self._logs.items():
            moving[:, k] = log.inverse_transform(moving[:, k])
        return moving

    @property
    def needs_labels(self) -> bool:
        """Whether windows are generated given the label of their series."""
        return bool(self.classes)

    def label_of(self, k: int) -> Any:
        """Return the label of a series; there may be none."""
        return None if self.labels is None else self.labels[k]

    def cut(
        self,
        stride: int,
        calendar: tuple[str, ...],
        most: int | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[Array, Any]:
        """Return windows of all series, and what they are generated given.

        The calendar features of their beginnings, or the labels of their series, or both. Of more
        than ``most`` windows, so many are drawn by ``rng``.
        """
        n_windows = [(len(x) - self.plan.window) // stride + 1 for x in self._learned]
        total = sum(n_windows)
        taken = np.ones(total, dtype=bool)
        if most is not None and total > most:
            assert rng is not None
            taken[rng.permutation(total)[most:]] = False
        windows, conditions = [], []
        ends = np.cumsum(n_windows)
        for k, (values, record) in enumerate(zip(self._learned, self.records, strict=True)):
            own = taken[ends[k] - n_windows[k] : ends[k]]
            if not own.any():
                continue
            cut, starts = make_windows(values, self.plan.window, stride)
            windows.append(cut[own])
            if calendar:
                times = record.timeline.index[starts[own] + self.chain.n_lost]
                features = calendar_features(times, calendar)
                conditions.append(with_label(features, self.label_of(k), self.classes))
            elif self.needs_labels:
                conditions.append(np.repeat(np.asarray([self.label_of(k)]), len(windows[-1])))
        return np.concatenate(windows), np.concatenate(conditions) if conditions else None

    def own(self, asked: list[Asked]) -> Own | None:
        """Return what the series that are asked for have of those that they are like."""
        if not self.static or len(self.records) == 1:
            return None
        own = np.stack([self._own(item) for item in asked])
        return Own(self.static, own, self.words)

    def _own(self, asked: Asked) -> Array:
        return self.own_of_each[asked.like] if asked.own is None else asked.own

    def at_level(self, x: Array, asked: Asked) -> Array:
        """Return a drawn series at its level, and with what it owes to its categories."""
        own = self._own(asked)
        n_others = len(self.static) - self._level.shape[1]
        times: pd.Index | range = range(len(x))
        if self.plan.calendar:
            timeline, n_lost = self.records[asked.like].timeline, self.chain.n_lost
            times = timeline.make(asked.start, len(x) + n_lost)[n_lost:]
        codes = self.words.codes(own[None])[0]
        whole = self.profiles.add(x, codes, functions_of(self.plan, times))
        return self.levels.together(whole, own[n_others:])

    def coordinates_of_lengths(self, lengths: NDArray[np.int64], k: int) -> Array:
        """Return, where the length of a series is its own coordinate ``k``, that of others."""
        known = np.array([len(record.timeline.index) for record in self.records])
        order = np.argsort(known, kind="stable")
        return np.interp(lengths, known[order], self.own_of_each[order, k])

    def undo(self, values: Array, asked: Asked) -> Array:
        """Return the coordinates of a drawn series before the chain."""
        n_lost = self.chain.n_lost
        kept = values[: max(0, asked.length - n_lost)]
        if not self.chain.steps:
            return kept
        timeline = self.records[asked.like].timeline
        index = timeline.make(asked.start, asked.length)
        position = timeline.position(asked.start)
        # At the timesteps that the chain brings back, all are those of the training series.
        known = self.coordinates[asked.like]
        first = known[np.clip(position + np.arange(n_lost), 0, len(known) - 1)]
        u = np.concatenate([first, kept])
        if self._moving:
            moved = kept[:, self._moving]
            moving = np.array(self.chain.inverse(moved, asked.like, position, index))
            for k, log in self._logs.items():
                moving[:, k] = log.transform(moving[:, k])
            u[:, self._moving] = moving
        return u[: asked.length]

    def anchored(self, u: Array, asked: Asked) -> Array:
        """Return the coordinates of a series that ends where the one it is like does."""
        end, coordinates = self.records[asked.like].values[-1], self.coordinates[asked.like]
        filled = self.structure.inverse_transform_series(coordinates, present=True)[-1]
        return self.structure.ending_at(u, np.where(np.isnan(end), filled, end))

    def finish(self, u: Array, asked: Asked, key: Key, rng: np.random.Generator) -> Record:
        """Lead a drawn series back to the data, and put times and a name to it."""
        u = self._to_its_end(u)
        values = self.structure.inverse_transform_series(u)[: asked.length]
        there = self._drawn_rows(asked, rng)
        if there is not None:
            assert self._holes is not None
            filled = self.structure.inverse_transform_series(u, present=True)[: asked.length]
            values = np.where(self._holes.draw(values, rng), np.nan, filled)
            there &= self._rows_there(values)
        # What is missing is NaN; other values are none only where coordinates are none.
        holes = self.structure.generates_missing and np.isfinite(u).all()
        if not (np.isfinite(values).all() or (holes and not np.isinf(values).any())):
            raise FloatingPointError(
                "undoing the transform turned generated values into some that are not finite: the "
                "generator has left the range in which it can be undone"
            )
        settled = asked.attributes
        if asked.own is None:
            like = {k: self.attributes[asked.like, k] for k in self.attribute_channels}
            settled = like | settled
        for k, own in settled.items():
            values[np.isfinite(values[:, k]), k] = own
        values, index = self._dated(values, asked)
        if there is not None:
            values, index = values[there], index[there]
        return Record(values, self.records[asked.like].timeline.at(index), key, asked.like)

    def _dated(self, values: Array, asked: Asked) -> tuple[Array, pd.Index]:
        """Return the values of a series, and their times."""
        timeline = self.records[asked.like].timeline
        if self.known.gaps is not None:
            assert isinstance(timeline, IrregularTimeline)
            return values[:, :-1], self.known.gaps.times(timeline, asked.start, values[:, -1])
        return values, timeline.make(asked.start, asked.length)

    def _drawn_rows(self, asked: Asked, rng: np.random.Generator) -> NDArray[np.bool_] | None:
        """Return which rows of a series are there, if some are left out."""
        if self._row_gaps is None:
            return None
        timeline = self.records[asked.like].timeline
        index = timeline.make(asked.start, asked.length)
        rate = float(self._gap_rates[asked.like])
        return self._row_gaps.draw(index, timeline.step, rate, rng)

    def write(self, records: list[Record]) -> Any:
        """Lay drawn series out as those of training were."""
        gaps, container = self.known.gaps, self.container
        return (container if gaps is None else gaps.taken_off(container)).write(records)

    def _to_its_end(self, u: Array) -> Array:
        """Return coordinates of a series that ends where its window does."""
        if not self.plan.whole:
            return u
        u = u.copy()
        for k in self.structure.coordinates_.lengths:
            u[:, k] = self.coordinates[self._longest][0, k]
        return u


def _classes(labels: list[Any] | None) -> list[Any]:
    return [] if labels is None else list(dict.fromkeys(labels))


def _without_values(u: Array, constant: Sequence[int]) -> Array:
    """Return a series of which only is known what it has for all of its time."""
    bare = np.full_like(u, np.nan)
    bare[:, list(constant)] = u[:, list(constant)]
    return bare


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
