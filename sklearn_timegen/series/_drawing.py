"""From what is asked for to drawn series: windows joined, led back, dated and named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.container import Record
from sklearn_timegen.data.tables.names import new_keys
from sklearn_timegen.series._models import Models
from sklearn_timegen.series._postprocess import JoinedPostprocess
from sklearn_timegen.series._request import Asked
from sklearn_timegen.series._windows import WindowSource

__all__ = ["draw_records"]

Array = NDArray[np.float64]


def draw_records(
    asked: list[Asked],
    models: Models,
    source: WindowSource,
    postprocess: JoinedPostprocess | None,
    rng: np.random.Generator,
    *,
    known: list[Any],
    kept: Sequence[int],
    match_spread: bool,
    anchor_end: bool,
) -> list[Record]:
    """Return the series that are asked for.

    Parameters
    ----------
    asked : list of Asked
        What is asked for.
    models : Models
        The series that they stand in for.
    source : WindowSource
        What draws windows, and joins them.
    postprocess : JoinedPostprocess or None
        What is done to joined series.
    rng : Generator
        The stream of random numbers.
    known : list of tuple
        Keys that series in training have, and these must not.
    kept : sequence of int
        Positions in keys of names that are attributes, and stay as they are.
    match_spread, anchor_end : bool
        As in ``SeriesGenerator.sample``.

    Returns
    -------
    records : list of Record
        The series.
    """
    drawn = source.draw_like(asked, models, rng)
    if postprocess is not None:
        drawn = postprocess.transform_values(drawn)
    if match_spread:
        pairs = zip(drawn, asked, strict=True)
        drawn = [_matched(x, models.values[item.like]) for x, item in pairs]
    if anchor_end:
        pairs = zip(drawn, asked, strict=True)
        drawn = [_crossfaded(x, models.values[item.like], source.overlap) for x, item in pairs]
    u = [models.undo(x, item) for x, item in zip(drawn, asked, strict=True)]
    if postprocess is not None:
        u = postprocess.transform_coordinates(u)
    if anchor_end:
        u = [models.anchored(one, item) for one, item in zip(u, asked, strict=True)]
    places = [item.like if item.place is None else item.place for item in asked]
    keys = new_keys(known, [models.records[k].key or ("",) for k in places], kept)
    triples = zip(u, asked, keys, strict=True)
    return [models.finish(one, item, key, rng) for one, item, key in triples]


def _matched(values: Array, actual: Array) -> Array:
    """Bring each channel to the mean and spread of the actual one; a constant stays one."""
    if len(values) == 0:  # all timesteps are those that the transform brings back
        return values
    spread = values.std(axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    matched: Array = (values - values.mean(axis=0)) / unit * actual.std(axis=0)
    return matched + actual.mean(axis=0)


def _crossfaded(values: Array, end: Array, n_faded: int) -> Array:
    """Fade into the end of another series; the weights' squares add up to one, as variances do."""
    n_faded = min(n_faded, len(end))
    weight = (np.arange(1, n_faded + 1) / n_faded)[:, None]
    kept, rest = values[: len(end) - n_faded], values[len(end) - n_faded : len(end)]
    mean = end.mean(axis=0)
    met = mean + weight * (end[-n_faded:] - mean) + np.sqrt(1 - weight**2) * (rest - mean)
    return np.concatenate([kept, met])
