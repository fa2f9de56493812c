"""What follows from the parameters of a generator of series, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from sklearn_timegen._remedies import InputError, Parameter
from sklearn_timegen._warning import warn_user
from sklearn_timegen.classical import PCAMixture
from sklearn_timegen.data.axes import layout_of
from sklearn_timegen.data.reading import ReadingOptions
from sklearn_timegen.data.tables.container import Record, shown
from sklearn_timegen.rules import Structure
from sklearn_timegen.rules.category import rules_of_kinds
from sklearn_timegen.series._attributes import find_attributes
from sklearn_timegen.series._calendar import CALENDARS
from sklearn_timegen.series._parameters import SeriesParameters
from sklearn_timegen.series._seasons import choose_calendar
from sklearn_timegen.series._transforms import Chain
from sklearn_timegen.series._window import are_windows, choose_window

if TYPE_CHECKING:
    from sklearn_timegen.series._reading import Known

__all__ = [
    "Plan",
    "check_lengths",
    "generator_of",
    "make_generator",
    "make_plan",
    "make_structure",
    "reading_options",
]


WITH_MEANS = ("continuous", "integer", "binary", "ordinal")


@dataclass(frozen=True)
class Plan:
    """What the parameters of a generator of series come to for some data.

    Parameters
    ----------
    generator : BaseGenerator
        The unfitted generator of windows that was asked for, or the default one.
    window, overlap, period : int
        Timesteps.
    whole : bool
        Whether windows are whole series.
    calendar : tuple of str
        The fields of dates that windows are generated given.
    """

    generator: Any
    window: int
    overlap: int
    period: int
    whole: bool = False
    calendar: tuple[str, ...] = ()


def generator_of(settings: SeriesParameters) -> Any:
    """Return the generator of windows that is asked for, or the default one."""
    return PCAMixture() if settings.generator is None else settings.generator


def make_plan(settings: SeriesParameters, known: Known, period: int) -> Plan:
    """Return what is to be done, before anything is trained.

    Raises
    ------
    ValueError
        If parameters do not fit each other, or the data.
    """
    generator, records = generator_of(settings), known.records
    is_auto = isinstance(settings.calendar, str)
    calendar = () if is_auto else tuple(settings.calendar)
    n_lost = Chain(settings.transform, 1).n_lost
    series = [record.values for record in records]
    joined = settings.transform is not None or calendar or settings.joining != "auto"
    whole = settings.window is None and not joined and are_windows(series)
    if is_auto and not whole:
        calendar = _choose_calendar(settings, generator, known)
    _check_generator(settings, generator, calendar, known.labels)
    if whole:
        longest = max(map(len, series))
        return Plan(generator, longest, longest - 1, period, whole=True)
    if settings.window is None:
        check_lengths(2, n_lost, records)
        window = choose_window(series, n_lost, period)
    else:
        window = int(settings.window)
        check_lengths(window, n_lost, records)
    overlap = _choose_overlap(settings, window, calendar)
    return Plan(generator, window, overlap, period, calendar=calendar)


def _choose_calendar(settings: SeriesParameters, generator: Any, known: Known) -> tuple[str, ...]:
    """Return the fields that series follow; none where nothing could be generated given them."""
    schema = known.container.columns.schema
    if known.gaps is not None or "conditional" not in generator.get_params() or schema is None:
        return ()
    with_means = [k for k, c in enumerate(schema.channels) if c.kind in WITH_MEANS]
    return choose_calendar(known.records, with_means, settings.transform)


def check_lengths(window: int, n_lost: int, records: list[Record], *, whole: bool = False) -> None:
    """Refuse series that are shorter than a window; where windows are whole, longer ones."""
    lengths = [len(record.values) for record in records]
    if whole:
        longest = records[int(np.argmax(lengths))]
        if max(lengths) > window:
            raise ValueError(
                f"X holds a series of {max(lengths)} timesteps ({shown(longest.key)}), but those "
                f"of fit, which are windows of their own, had {window} at most"
            )
        return
    shortest = records[int(np.argmin(lengths))]
    if min(lengths) >= window + n_lost:
        return
    name = f" (series {shown(shortest.key)})" if shortest.key else ""
    also = f", and {len(lengths)} series up to {max(lengths)}" if len(lengths) > 1 else ""
    raise InputError(
        Parameter("window", window),
        f" is longer than the shortest series, of {min(lengths)} timesteps"
        f"{name}{also}{f' ({n_lost} of them go into the transform)' if n_lost else ''}: take a "
        "shorter window, or leave such series out",
    )


def _check_generator(
    settings: SeriesParameters,
    generator: Any,
    calendar: tuple[str, ...],
    labels: list[Any] | None,
) -> None:
    if layout_of(generator) != "channels-last":
        raise ValueError(
            f"the generator has layout={layout_of(generator)!r}, but is shown windows that "
            "SeriesGenerator cuts: leave its layout at 'channels-last', and set SeriesGenerator's"
        )
    unknown = [name for name in calendar if name not in list(CALENDARS)]
    if unknown:
        raise ValueError(f"calendar has {unknown[0]!r}; known are {', '.join(CALENDARS)}")
    if calendar and "conditional" not in generator.get_params():
        raise ValueError(
            f"calendar={list(calendar)} needs a generator with the parameter "
            f"conditional, got {generator!r}"
        )
    if labels is not None and "conditional" not in generator.get_params():
        raise ValueError(
            f"y needs a generator with the parameter conditional, got {generator!r}: let the "
            "labels be a column of X, which is an attribute"
        )
    conditional = getattr(generator, "conditional", False)
    if conditional and not calendar and labels is None:
        raise ValueError(
            f"{generator!r} is conditional, but there is no calendar to condition it on, and no "
            "y: pass one of them, or set its conditional=False"
        )
    if settings.joining == "continue" and not hasattr(generator, "forecast"):
        raise ValueError(
            f"joining='continue' needs a generator with the method forecast, got "
            f"{generator!r}; use 'search'"
        )


def reading_options(settings: SeriesParameters) -> ReadingOptions:
    """Return what the generator's parameters say about channels: it is said of the series."""
    said = generator_of(settings).get_params(deep=False)
    return ReadingOptions(
        missing=said.get("missing", "generate") != "error",
        kinds=said.get("channel_kinds", "auto"),
        rare=said.get("rare_categories"),
        unseen=said.get("unseen_categories", "error"),
    )


def make_structure(settings: SeriesParameters, known: Known, plan: Plan) -> Structure:
    """Return an unfitted structure of series, of which windows will be cut."""
    own, theirs = settings.rules, generator_of(settings).get_params(deep=False)
    said = not (isinstance(own, str) and own == "auto")
    columns, records = known.container.columns, known.records
    assert columns.schema is not None
    dating = [] if known.gaps is None else [known.gaps.rule()]
    rules = rules_of_kinds(columns.schema, own if said else theirs.get("rules", "auto"))
    return Structure(
        [*find_attributes(settings.static_columns, known.container, records), *dating, *rules],
        theirs.get("bounds"),
        on_violation=theirs.get("on_violation", "warn"),
        missing=theirs.get("missing", "generate"),
        ragged=plan.whole and len({len(record.values) for record in records}) > 1,
    )


def make_generator(settings: SeriesParameters, *, conditional: bool) -> Any:
    """Return an unfitted generator of windows, which are coordinates already."""
    generator = clone(generator_of(settings))
    known = generator.get_params(deep=False)
    done = {"rules": None, "bounds": None, "channel_kinds": "auto"}
    if known.get("postprocess") == "auto":  # of joined series, and not of windows
        done["postprocess"] = None
    generator.set_params(**{name: value for name, value in done.items() if name in known})
    if conditional:
        generator.set_params(conditional=True)
    return generator


def _choose_overlap(settings: SeriesParameters, window: int, calendar: tuple[str, ...]) -> int:
    """Return the overlap: one that lets windows be joined where training windows begin.

    Windows that are cut at midnight only know how days go on from midnight.
    """
    overlap = max(1, window // 2) if settings.overlap is None else int(settings.overlap)
    if overlap >= window:
        raise ValueError(f"overlap={overlap} must be less than window={window}")
    if (window - overlap) % settings.stride == 0:
        return overlap
    n_strides = max(1, (window - overlap) // settings.stride)
    nearest = window - n_strides * settings.stride
    if settings.overlap is None and nearest >= 1:
        return nearest
    if not calendar:
        warn_user(
            f"training windows begin every stride={settings.stride} timesteps, but are joined "
            f"every {window - overlap}: a season that they all begin at the same time of "
            f"is lost in longer series. Use a stride of which window - overlap is a multiple, "
            f"such as {_divisor(window - overlap, settings.stride)}, or calendar="
        )
    return overlap


def _divisor(n: int, most: int) -> int:
    """Return the greatest divisor of ``n`` that is no more than ``most``."""
    return max(d for d in range(1, min(n, most) + 1) if n % d == 0)
