"""Tables of series under evaluation: what is compared, what is held out, and what is learned.

What generators of series are fitted to is a panel: a row each timestep, a series or a stretch of
one each key. Generators of windows are fitted to the pieces that are compared.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, check_cv

from sklearn_timegen._random import derive_seed
from sklearn_timegen._types import CrossValidation, GeneratorLike
from sklearn_timegen.data.axes import channels_last
from sklearn_timegen.data.conditions import as_conditions
from sklearn_timegen.data.reading import as_pandas, has_times
from sklearn_timegen.data.samples import read_real
from sklearn_timegen.data.tables.container import Part
from sklearn_timegen.data.tables.labels import read_labels
from sklearn_timegen.evaluation import _data as data
from sklearn_timegen.evaluation._judging import Sample
from sklearn_timegen.evaluation._pieces import (
    LONGEST,
    Cut,
    Pieces,
    blocks_of,
    check_window,
    parts_of,
    usual_window,
)
from sklearn_timegen.evaluation._subject import Subject, as_asked
from sklearn_timegen.metrics.scorer import draw_series
from sklearn_timegen.model_selection import WindowKFold, WindowTimeSeriesSplit, check_cv_parameter
from sklearn_timegen.synthetic_training.sources import fit_generator

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TableSubject", "names_for", "read_as_table", "reads_tables"]

ENOUGH_SERIES = 4  # a fold, to hold whole series out


def reads_tables(generator: Any) -> bool:
    """Whether a generator is one of series, which reads times and names itself."""
    return hasattr(generator, "get_params") and "time_column" in generator.get_params(deep=False)


def read_as_table(X: Any, id_columns: Any, time_column: Hashable, window: Any) -> bool:
    """Whether ``X`` is read as a table of series, and not as a sample of windows."""
    named = id_columns is not None or time_column is not None
    return named or check_window(window) is not None or has_times(X)


def names_for(
    generators: dict[str, GeneratorLike], id_columns: Any, time_column: Hashable
) -> tuple[Any, Hashable]:
    """Return the columns of names and times: those given, or those that generators read.

    Raises
    ------
    ValueError
        If two generators read other columns.
    """
    named = {"id_columns": id_columns, "time_column": time_column}
    for name, generator in generators.items():
        if not reads_tables(generator):
            continue
        for parameter, theirs in _columns_of(generator).items():
            ours = named[parameter]
            if theirs is None or _as_list(ours) == _as_list(theirs):
                continue
            if ours is not None:
                raise ValueError(
                    f"{parameter}={ours!r}, but the generator {name!r} reads "
                    f"{parameter}={theirs!r}: all are fitted to the same table"
                )
            named[parameter] = theirs
    return named["id_columns"], named["time_column"]


def _columns_of(generator: Any) -> dict[str, Any]:
    params = generator.get_params(deep=False)
    ids = params.get("id_columns")
    return {
        "id_columns": params.get("series_column") if ids is None else ids,
        "time_column": params.get("time_column"),
    }


def _as_list(names: Any) -> list[Any]:
    return list(names) if isinstance(names, list | tuple) else [names]


def _dating_for(generators: dict[str, GeneratorLike]) -> dict[str, Any]:
    """Return how generators of series take gaps and irregular times.

    Raises
    ------
    ValueError
        If two of them do so in different ways, so that they would be compared on other series.
    """
    dating: dict[str, Any] = {}
    for name, generator in generators.items():
        params = generator.get_params(deep=False) if reads_tables(generator) else {}
        for parameter in ("gaps", "time"):
            theirs = params.get(parameter)
            if theirs is not None and dating.setdefault(parameter, theirs) != theirs:
                raise ValueError(
                    f"the generator {name!r} has {parameter}={theirs!r}, and another one "
                    f"{parameter}={dating[parameter]!r}: set one for all, which are compared on "
                    "the same series"
                )
    return dating


@dataclass(eq=False)
class TableSubject(Subject):
    """Series of a table. Folds hold whole series out, or a block of time of each.

    Parameters
    ----------
    parts : list of Part
        The series.
    pieces : Pieces
        What of them is compared.
    cut : Cut
        How they were cut.
    held_out : list of ndarray
        Of each fold the numbers of the series that are held out; empty if they are blocks of time.
    dating : dict
        How gaps and irregular times are read: ``gaps`` and ``time`` of the generators.
    labels : ndarray or None, default=None
        A label for each series, which generators are fitted to and draw given.
    """

    parts: list[Part]
    pieces: Pieces
    cut: Cut
    held_out: list[NDArray[np.int64]]
    dating: dict[str, Any]
    labels: NDArray[Any] | None = None

    @classmethod
    def of(
        cls,
        generators: dict[str, GeneratorLike],
        X: Any,
        y: ArrayLike | None,
        *,
        cv: CrossValidation,
        groups: ArrayLike | None,
        window_starts: ArrayLike | None,
        id_columns: Any,
        time_column: Hashable,
        window: Any,
        seed: int,
    ) -> TableSubject:
        """Take a table apart, and choose what is compared and what is held out."""
        _refuse_other(window_starts, cv)
        layout = data.shared_layout(list(generators.values()))
        dating = _dating_for(generators)
        parts = parts_of(channels_last(as_pandas(X), layout), id_columns, time_column, **dating)
        labels = _labels_of(parts, y)
        groups = _groups_of(parts, groups)
        asked = check_window(window)
        lengths = [len(part.frame) for part in parts]
        length = asked or _window_of(generators) or usual_window(lengths)
        by_time = groups is None and _by_time(cv, lengths, length)
        whole = asked is None and not by_time and max(lengths) <= LONGEST
        cut = Cut() if whole else Cut.into(length, lengths)
        n_blocks = int(cv) if by_time and isinstance(cv, int | np.integer) else 1
        pieces = Pieces.of([part.frame for part in parts], cut, n_blocks)
        values, reading = read_real(pieces.frames, "X")
        told = None if labels is None else labels[pieces.series]
        # What reads tables draws given labels, if it is fitted to some.
        others = {name: g for name, g in generators.items() if not reads_tables(g)}
        judged = data.labels_of(others, told)
        sample = Sample(
            values,
            starts=pieces.starts,
            groups=None if by_time or whole else pieces.series,
            target=judged,
        )
        if by_time:
            blocks = [pieces.block == k for k in range(n_blocks)]
            folds = [(np.flatnonzero(~inside), np.flatnonzero(inside)) for inside in blocks]
            return cls(sample, reading, folds, parts, pieces, cut, [], dating, labels)
        held_out = _series_of_folds(cv, len(parts), groups, labels, seed)
        folds = [
            (np.flatnonzero(~inside), np.flatnonzero(inside))
            for inside in (np.isin(pieces.series, series) for series in held_out)
        ]
        if told is not None:
            data.check_classes(folds, told)
        return cls(sample, reading, folds, parts, pieces, cut, held_out, dating, labels)

    @property
    def description(self) -> str:
        n_channels = self.parts[0].frame.shape[1]
        lengths = sorted({len(part.frame) for part in self.parts})
        long = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        compared = "whole series"
        if self.cut.window is not None:
            compared = f"{len(self.pieces)} windows of {self.cut.window} timesteps"
        folds = "whole series" if self.held_out else "blocks of time"
        return (
            f"{len(self.parts)} series of {long} timesteps and {n_channels} channel(s); compared "
            f"are {compared}, held out {folds}"
        )

    def given(self, rows: NDArray[Any]) -> Any:
        return [self.pieces.frames[k] for k in rows]

    def fit(self, generator: Any, fold: int) -> None:
        # Frames name their channels, whatever the order of axes in an array was.
        laid = [name for name in generator.get_params() if name.split("__")[-1] == "layout"]
        generator.set_params(**dict.fromkeys(laid, "channels-last"))
        if not reads_tables(generator):
            rows = self.folds[fold][0]
            fit_generator(generator, self.given(rows), self._labels(self.pieces.series[rows]))
            return
        known = generator.get_params(deep=False)
        names = ("id_columns", "series_column", "time_column")
        # The panel has names and times in its index.
        generator.set_params(**{name: None for name in names if known.get(name) is not None})
        frames, series = self._stretches(fold)
        fit_generator(generator, _panel(frames), self._labels(series))

    def draw(self, generator: GeneratorLike, fold: int, seed: int) -> Sample:
        n, shape = len(self.folds[fold][1]), self.sample.values.shape[1:]
        if not reads_tables(generator):
            told = self._labels(self.pieces.series[self.folds[fold][1]])
            drawn, target = draw_series(generator, n, told, seed)
            return Sample(as_asked(drawn, self.reading, (n, *shape)), target=target)
        series = self.held_out[fold] if self.held_out else np.arange(len(self.parts))
        if self.held_out:
            panel = generator.sample(len(series), random_state=seed, **self._asked(series))
            parts = parts_of(panel, None, None, self.parts, "the sample", **self.dating)
            frames = [part.frame for part in parts]
        else:
            frames = self._blocks_drawn(generator, fold, seed)
        pieces = Pieces.of(frames, self.cut).at_most(n, derive_seed(seed, "pieces"))
        values = as_asked(pieces.frames, self.reading, (len(pieces), *shape))
        return Sample(values, starts=pieces.starts, target=self._labels(series[pieces.series]))

    def _labels(self, series: NDArray[np.int64]) -> NDArray[Any] | None:
        """Return the labels of series, by their numbers."""
        return None if self.labels is None else self.labels[series]

    def _asked(self, series: NDArray[np.int64]) -> dict[str, Any]:
        """Return what a generator of series is told to draw given."""
        return {} if self.labels is None else {"y": self.labels[series]}

    def _stretches(self, fold: int) -> tuple[list[pd.DataFrame], NDArray[np.int64]]:
        """Return what a fold trains on, with times, and of which series each stretch is.

        The longest of each series come first.
        """
        if self.held_out:
            kept = np.setdiff1d(np.arange(len(self.parts)), self.held_out[fold])
            return [_dated(self.parts[k]) for k in kept], kept
        first, others, series = [], [], list(range(len(self.parts)))
        for k, part in enumerate(self.parts):
            begin, end = blocks_of(len(part.frame), len(self.folds))[fold]
            dated = _dated(part)
            stretches = sorted((dated.iloc[:begin], dated.iloc[end:]), key=len, reverse=True)
            first.append(stretches[0])
            long = [x for x in stretches[1:] if len(x) >= 2 * (self.cut.window or 1)]
            others += long
            series += [k] * len(long)
        return [*first, *others], np.array(series)

    def _blocks_drawn(self, generator: Any, fold: int, seed: int) -> list[pd.DataFrame]:
        """Draw of each series what was held out: as long, and from the same time on."""
        asked: dict[tuple[Any, int], list[int]] = {}
        for k, part in enumerate(self.parts):
            begin, end = blocks_of(len(part.frame), len(self.folds))[fold]
            asked.setdefault((part.timeline.index[begin], end - begin), []).append(k)
        drawn: dict[int, pd.DataFrame] = {}
        for (start, length), series in asked.items():
            own = derive_seed(seed, f"{start} {length}")
            asked_for = self._asked(np.arange(max(series) + 1))
            panel = generator.sample(max(series) + 1, length, start, random_state=own, **asked_for)
            parts = parts_of(panel, None, None, self.parts, "the sample", **self.dating)
            drawn |= {k: parts[k].frame for k in series}
        return [drawn[k] for k in range(len(self.parts))]


def _labels_of(parts: list[Part], y: Any) -> NDArray[Any] | None:
    """Return the label of each series; segments have that of theirs."""
    keys = list(dict.fromkeys(part.key for part in parts))
    labels = read_labels(y, keys)
    if labels is None:
        return None
    of_key = dict(zip(keys, labels, strict=True))
    return as_conditions([of_key[part.key] for part in parts])


def _refuse_other(window_starts: ArrayLike | None, cv: CrossValidation) -> None:
    if window_starts is not None:
        raise ValueError(
            "window_starts tells where windows begin, but X is a table, whose times tell it: "
            "leave window_starts out"
        )
    if isinstance(cv, WindowKFold | WindowTimeSeriesSplit):
        raise ValueError(
            f"{cv!r} splits windows, but X is a table: pass a number of folds, which are whole "
            "series, or blocks of time if there are few series"
        )


def _window_of(generators: dict[str, GeneratorLike]) -> int | None:
    """Return the longest window of generators of series, if one of them says it."""
    windows = [
        generator.get_params(deep=False).get("window")
        for generator in generators.values()
        if reads_tables(generator)
    ]
    return max((int(window) for window in windows if window is not None), default=None)


def _by_time(cv: CrossValidation, lengths: list[int], window: int) -> bool:
    """Whether there are too few series to hold whole ones out, and long ones enough to cut."""
    if not isinstance(cv, int | np.integer) or isinstance(cv, bool) or cv < 2:
        return False
    few = len(lengths) < ENOUGH_SERIES * cv
    long = min(lengths) // int(cv) >= window
    if few and not long and len(lengths) < 2 * cv:
        raise ValueError(
            f"X holds {len(lengths)} series, the shortest of {min(lengths)} timesteps: too few to "
            f"hold whole series out in {cv} folds, and too short to hold {cv} blocks of time out, "
            f"each of at least one window of {window} timesteps. Use fewer folds (cv=), or a "
            "shorter window"
        )
    return few and long


def _series_of_folds(
    cv: CrossValidation,
    n_series: int,
    groups: ArrayLike | None,
    labels: NDArray[Any] | None,
    seed: int,
) -> list[NDArray[np.int64]]:
    """Return of each fold the numbers of the series that are held out."""
    rows = np.arange(n_series)
    if labels is not None:
        classes, counts = np.unique(labels, return_counts=True)
        if counts.min() < 2:
            data.refuse_class(classes[counts.argmin()], 1)
    values = None if groups is None else data.check_groups(groups, n_series)
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        if cv < 2:
            raise ValueError(f"cv must be a number of folds, 2 at least, or a splitter; got {cv}")
        if values is not None:
            folds = GroupKFold(int(cv)).split(rows, None, values)
        else:
            kind = KFold if labels is None else StratifiedKFold
            shuffled = kind(int(cv), shuffle=True, random_state=derive_seed(seed, "folds"))
            folds = shuffled.split(rows, labels)
    else:
        folds = check_cv(check_cv_parameter(cv)).split(rows[:, None], labels, values)
    held_out = [np.asarray(test) for _, test in folds]
    if any(len(test) == n_series or len(test) == 0 for test in held_out):
        raise ValueError(f"cv={cv!r} leaves a fold of the {n_series} series with none on one side")
    return held_out


def _groups_of(parts: list[Part], groups: ArrayLike | None) -> Any:
    """Return groups that keep the segments of a series together, if there are several of one."""
    numbers = {key: k for k, key in enumerate(dict.fromkeys(part.key for part in parts))}
    if len(numbers) == len(parts) or len(numbers) == 1:  # blocks of time of a single one
        return groups
    series = np.array([numbers[part.key] for part in parts])
    return series if groups is None else data.check_groups(groups, len(numbers))[series]


def _dated(part: Part) -> pd.DataFrame:
    return part.frame.set_axis(part.timeline.index)


def _panel(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    panel = pd.concat(frames, keys=range(len(frames)))
    return panel.rename_axis(["series", frames[0].index.name])
