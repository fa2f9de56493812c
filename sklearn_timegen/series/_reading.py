"""Series as a generator of series takes them: with their times, gaps and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_timegen._warning import warn_user
from sklearn_timegen.data.axes import channels_last
from sklearn_timegen.data.reading import as_pandas
from sklearn_timegen.data.tables.container import Container, Part, Record, shown
from sklearn_timegen.data.tables.labels import read_labels
from sklearn_timegen.data.tables.layouts import take_apart
from sklearn_timegen.data.tables.records import read_parts
from sklearn_timegen.data.tables.timeline import IrregularTimeline
from sklearn_timegen.series._irregular import Gaps
from sklearn_timegen.series._parameters import SeriesParameters
from sklearn_timegen.series._settings import reading_options

__all__ = ["Known", "read_known", "without_short"]


@dataclass(frozen=True)
class Known:
    """Series that are known.

    Parameters
    ----------
    container : Container
        How they were laid out.
    records : list of Record
        The series, or segments of them between gaps.
    labels : list or None
        A label for each.
    gaps : Gaps or None
        The last channel, if times are irregular.
    """

    container: Container
    records: list[Record]
    labels: list[Any] | None
    gaps: Gaps | None


def read_known(settings: SeriesParameters, X: Any, y: Any, like: Known | None = None) -> Known:
    """Return series, which are read as those of ``like`` were, if there are such."""
    time = settings.time
    if like is not None:
        time = "regular" if like.gaps is None else "irregular"
    X = channels_last(as_pandas(X), settings.layout)
    container, parts = take_apart(
        X, settings.id_columns, settings.time_column, gaps=settings.gaps, time=time
    )
    labels = _labels(y, parts)
    options = reading_options(settings)
    _refuse_gaps(parts, missing=options.missing)
    gaps = None
    if isinstance(parts[0].timeline, IrregularTimeline):
        gaps = _gaps(settings, container, parts) if like is None else like.gaps
        assert gaps is not None
        container, parts = gaps.put_beside(container, parts)
    learned = None if like is None else like.container
    container, records = read_parts(container, parts, options, learned)
    return Known(container, records, labels, gaps)


def without_short(known: Known, n_least: int) -> Known:
    """Return series without segments that are too short, if there are others."""
    kept = [k for k, record in enumerate(known.records) if len(record.values) >= n_least]
    n_left_out = len(known.records) - len(kept)
    if n_left_out == 0 or not kept:
        return known
    n_rows = sum(len(record.values) for record in known.records)
    n_kept = sum(len(known.records[k].values) for k in kept)
    warn_user(
        f"gaps='segments' leaves {n_left_out} of {len(known.records)} segments, {n_rows - n_kept} "
        f"of {n_rows} rows, that are shorter than {n_least} timesteps: nothing is learned from "
        "them. gaps='missing' learns from all rows, and so does a shorter window"
    )
    labels = None if known.labels is None else [known.labels[k] for k in kept]
    return Known(known.container, [known.records[k] for k in kept], labels, known.gaps)


def _labels(y: Any, parts: list[Part]) -> list[Any] | None:
    """Return the label of each part; segments have that of their series."""
    keys = list(dict.fromkeys(part.key for part in parts))
    labels = read_labels(y, keys)
    if labels is None:
        return None
    of_key = dict(zip(keys, labels, strict=True))
    return [of_key[part.key] for part in parts]


def _refuse_gaps(parts: list[Part], *, missing: bool) -> None:
    for part in parts:
        if part.rows is None or missing:
            continue
        gap = int(np.argmax(np.diff(part.rows) > 1))
        index = part.timeline.index
        name = f" of series {shown(part.key)}" if part.key else ""
        raise ValueError(
            f"rows{name} are left out after {index[part.rows[gap]]}, but the generator has "
            "missing='error': set it to 'generate' or 'complete', or gaps='segments'"
        )


def _gaps(settings: SeriesParameters, container: Container, parts: list[Part]) -> Gaps:
    asked = () if isinstance(settings.calendar, str) else tuple(settings.calendar)
    if settings.transform is not None or asked:
        what = f"calendar={list(asked)}"
        if settings.transform is not None:
            what = f"transform={settings.transform!r}"
        where = f" of series {shown(parts[0].key)}" if parts[0].key else ""
        raise ValueError(
            f"{what} needs regular times, but those{where} have no common step, or less than half "
            "of the timesteps that it would take: resample them (X.resample(...)), or leave it out"
        )
    return Gaps.of(container, parts)
