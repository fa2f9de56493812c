"""What follows from the parameters of a generator of series, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_timegen._warning import warn_user
from sklearn_timegen.data.reading import ReadingOptions
from sklearn_timegen.data.tables.container import Columns, Record
from sklearn_timegen.rules import Structure
from sklearn_timegen.rules.category import Static, rules_of_kinds
from sklearn_timegen.series._calendar import CALENDARS
from sklearn_timegen.series._transforms import Chain

if TYPE_CHECKING:
    from sklearn_timegen.series.generator import SeriesGenerator

__all__ = ["check_settings", "make_generator", "make_structure", "reading_options"]


def check_settings(settings: SeriesGenerator, lengths: list[int]) -> int:
    """Refuse what does not fit together before anything is trained; return the overlap."""
    needed = settings.window + Chain(settings.transform, 1).n_lost
    n_series, lengths = len(lengths), sorted(lengths)
    if lengths[0] < needed:
        also = f", and {n_series} series up to {lengths[-1]}" if n_series > 1 else ""
        lost = needed - settings.window
        raise ValueError(
            f"window={settings.window} is longer than the shortest series, of {lengths[0]} "
            f"timesteps{also}{f' ({lost} of them go into the transform)' if lost else ''}"
        )
    unknown = [name for name in settings.calendar if name not in list(CALENDARS)]
    if unknown:
        raise ValueError(f"calendar has {unknown[0]!r}; known are {', '.join(CALENDARS)}")
    if settings.calendar and "conditional" not in settings.generator.get_params():
        raise ValueError(
            f"calendar={list(settings.calendar)} needs a generator with the parameter "
            f"conditional, got {settings.generator!r}"
        )
    if not settings.calendar and getattr(settings.generator, "conditional", False):
        raise ValueError(
            f"{settings.generator!r} is conditional, but there is no calendar to condition it on: "
            "pass calendar, or set its conditional=False"
        )
    if settings.joining == "continue" and not hasattr(settings.generator, "forecast"):
        raise ValueError(
            f"joining='continue' needs a generator with the method forecast, got "
            f"{settings.generator!r}; use 'search'"
        )
    return _choose_overlap(settings)


def reading_options(settings: SeriesGenerator) -> ReadingOptions:
    """Return what the generator's parameters say about channels: it is said of the series."""
    said = settings.generator.get_params(deep=False)
    return ReadingOptions(
        missing=said.get("missing", "generate") != "error",
        kinds=said.get("channel_kinds", "auto"),
        rare=said.get("rare_categories"),
        unseen=said.get("unseen_categories", "error"),
    )


def make_structure(
    settings: SeriesGenerator, columns: Columns, records: list[Record]
) -> Structure:
    """Return an unfitted structure of series, of which windows will be cut."""
    own, theirs = settings.rules, settings.generator.get_params(deep=False)
    said = not (isinstance(own, str) and own == "auto")
    assert columns.schema is not None
    rules = rules_of_kinds(columns.schema, own if said else theirs.get("rules", "auto"))
    return Structure(
        [*_own_dates(columns, records), *rules],
        theirs.get("bounds"),
        on_violation=theirs.get("on_violation", "warn"),
        missing=theirs.get("missing", "generate"),
    )


def _own_dates(columns: Columns, records: list[Record]) -> list[Static]:
    """Return a rule for each date that belongs to a series as a whole, as its first day."""
    return [
        Static(channel.name)
        for k, channel in enumerate(columns.channels)
        if channel.kind == "date" and len(records) > 1
        if all(len(np.unique(_known(record.values[:, k]))) <= 1 for record in records)
    ]


def _known(column: NDArray[np.float64]) -> NDArray[np.float64]:
    return column[np.isfinite(column)]


def make_generator(settings: SeriesGenerator) -> Any:
    """Return an unfitted generator of windows, which are coordinates already."""
    generator = clone(settings.generator)
    known = generator.get_params(deep=False)
    done = {"rules": None, "bounds": None, "channel_kinds": "auto"}
    if known.get("postprocess") == "auto":  # of joined series, and not of windows
        done["postprocess"] = None
    generator.set_params(**{name: value for name, value in done.items() if name in known})
    if settings.calendar:
        generator.set_params(conditional=True)
    return generator


def _choose_overlap(settings: SeriesGenerator) -> int:
    """Return the overlap: one that lets windows be joined where training windows begin.

    Windows that are cut at midnight only know how days go on from midnight.
    """
    overlap = max(1, settings.window // 2) if settings.overlap is None else int(settings.overlap)
    if overlap >= settings.window:
        raise ValueError(f"overlap={overlap} must be less than window={settings.window}")
    if (settings.window - overlap) % settings.stride == 0:
        return overlap
    n_strides = max(1, (settings.window - overlap) // settings.stride)
    nearest = settings.window - n_strides * settings.stride
    if settings.overlap is None and nearest >= 1:
        return nearest
    if not settings.calendar:
        warn_user(
            f"training windows begin every stride={settings.stride} timesteps, but are joined "
            f"every {settings.window - overlap}: a season that they all begin at the same time of "
            f"is lost in longer series. Use a stride of which window - overlap is a multiple, "
            f"such as {_divisor(settings.window - overlap, settings.stride)}, or calendar="
        )
    return overlap


def _divisor(n: int, most: int) -> int:
    """Return the greatest divisor of ``n`` that is no more than ``most``."""
    return max(d for d in range(1, min(n, most) + 1) if n % d == 0)
