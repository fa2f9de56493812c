"""What follows from the parameters of a generator of series, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from sklearn_timegen._warning import warn_user
from sklearn_timegen.rules import Structure
from sklearn_timegen.series._calendar import CALENDARS
from sklearn_timegen.series._container import Record
from sklearn_timegen.series._transforms import Chain

if TYPE_CHECKING:
    from sklearn_timegen.series.generator import SeriesGenerator

__all__ = ["check_settings", "make_generator", "make_structure"]


def check_settings(settings: SeriesGenerator, records: list[Record]) -> int:
    """Refuse what does not fit together before anything is trained; return the overlap."""
    needed = settings.window + Chain(settings.transform, 1).n_lost
    lengths = sorted({len(record.values) for record in records})
    if lengths[0] < needed:
        also = f", and {len(records)} series up to {lengths[-1]}" if len(records) > 1 else ""
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


def make_structure(settings: SeriesGenerator) -> Structure:
    """Return an unfitted structure of series, of which windows will be cut."""
    own, theirs = settings.rules, settings.generator.get_params(deep=False)
    said = not (isinstance(own, str) and own == "auto")
    return Structure(
        own if said else theirs.get("rules", "auto"),
        theirs.get("bounds"),
        on_violation=theirs.get("on_violation", "warn"),
    )


def make_generator(settings: SeriesGenerator) -> Any:
    """Return an unfitted generator of windows, which are coordinates already."""
    generator = clone(settings.generator)
    known = generator.get_params(deep=False)
    done = {"rules": None, "bounds": None}
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
