"""What ``sample`` is asked for: one record for each series to draw."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._remedies import InputError, Parameter
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.labels import shown_label
from sklearn_timegen.data.tables.container import Key, shown

if TYPE_CHECKING:
    from sklearn_timegen.data.tables.container import Record
    from sklearn_timegen.series._heads import HeadModel
    from sklearn_timegen.series._models import Models

__all__ = ["Asked", "find_names", "read_request"]

Array = NDArray[np.float64]
MOST_NAMED = 6


@dataclass
class Asked:
    """A series to draw.

    Parameters
    ----------
    like : int
        Which training series it stands in for, or has a head most like that of.
    start : timestamp, period or int
        Its first time.
    length : int
        Its timesteps.
    label : object
        Of a generator that was given labels, its own.
    attributes : dict
        By channel, the attributes that it has in the place of those of the training series, or of
        what its coordinates stand for.
    own : ndarray or None
        Its coordinates that are constant along time; ``None`` for those of the training series.
    place : int or None
        The training series whose place in the nesting of names it takes; ``None`` for the one
        that it is like.
    """

    like: int
    start: Any
    length: int
    label: Any = None
    attributes: dict[int, float] = field(default_factory=dict)
    own: Array | None = None
    place: int | None = None


def find_names(like: Any, keys: Sequence[Key]) -> list[int] | None:
    """Return which training series are named, or None if these are no names but series."""
    places: dict[Hashable, list[int]] = {}  # of segments there are several
    for k, key in enumerate(keys):
        places.setdefault(key[0] if len(key) == 1 else key, []).append(k)
    named = like if isinstance(like, list) else [like]
    is_name = [isinstance(name, str | tuple | int | np.integer) for name in named]
    if not named or not all(is_name):
        return None
    unknown = [name for name in named if name not in places]
    if unknown:
        known = ", ".join(shown(key) for key in keys[:MOST_NAMED] if key) or "none has a name"
        more = ", ..." if len(keys) > MOST_NAMED else ""
        raise ValueError(
            f"like names {unknown[0]!r}, which is no training series; these are {known}{more}"
        )
    return [k for name in named for k in places[name]]


def read_request(
    models: Models,
    n_series: int,
    *,
    n_timesteps: Any = None,
    start: Any = None,
    among: list[int] | None = None,
    attributes: Any = None,
    y: Any = None,
    heads: HeadModel | None = None,
    rng: np.random.Generator,
) -> list[Asked]:
    """Return the series that are asked for.

    Parameters
    ----------
    models : Models
        The series that stand behind those that are drawn.
    n_series : int
        How many.
    n_timesteps, start, y : object or sequence
        One for all series, or one for each.
    among : list of int or None
        The series that may be stood in for, in turn; ``None`` is all.
    attributes : mapping, DataFrame or None
        Attributes by name, one for all series or one for each.
    heads : HeadModel or None
        What draws the beginnings, lengths, labels and attributes that are not asked for; ``None``
        takes those of series that are stood in for.
    rng : Generator
        The stream of random numbers for heads.

    Returns
    -------
    asked : list of Asked
        One for each.
    """
    lengths = _for_each(n_timesteps, n_series, "n_timesteps")
    starts = _for_each(start, n_series, "start")
    if models.container.stamps is not None:  # a day may come before the month
        starts = [models.container.stamps.read(one) for one in starts]
    labels = _labels(models, y, n_series)
    values = _attributes(models, attributes, n_series)
    if heads is None:
        asked = _standing_in(models, among, labels, values, starts)
    else:
        places = _places(models.records, n_series, rng)
        asked = heads.draw(values, labels, places, rng)
    for item, length, first in zip(asked, lengths, starts, strict=True):
        if length is not None:
            item.length = _checked_length(models, length)
        if first is not None:
            if heads is not None:
                everybody = range(len(models.records))
                item.like = _that_begins(models.records, item.like, everybody, first)
            item.start = models.records[item.like].timeline.start(first)
    return asked


def _standing_in(
    models: Models,
    among: list[int] | None,
    labels: list[Any],
    attributes: list[dict[int, float]],
    starts: list[Any],
) -> list[Asked]:
    """Return series that stand in for those of training that have what is asked for, in turn."""
    asked, used = [], dict[Any, int]()
    for label, own, start in zip(labels, attributes, starts, strict=True):
        fitting = _fitting(models, among, label, own)
        turn = used.setdefault(tuple(fitting), 0)
        used[tuple(fitting)] += 1
        k = _that_begins(models.records, fitting[turn % len(fitting)], fitting, start)
        index = models.records[k].timeline.index
        label = label if label is not None else models.label_of(k)
        asked.append(Asked(k, index[0], len(index), label, own))
    return asked


def _that_begins(records: list[Record], k: int, among: Sequence[int], start: Any) -> int:
    """Return series ``k`` if it could begin at a time, else the next one among others that could.

    Those of a panel may be read on the hour or at half past, or live in several time zones. A
    time that is on the steps of none is refused by those of ``k``.
    """
    if start is None or records[k].timeline.has(start):
        return k
    in_turn = [*(j for j in among if j > k), *(j for j in among if j < k)]
    return next((j for j in in_turn if records[j].timeline.has(start)), k)


def _places(records: list[Record], n_series: int, rng: np.random.Generator) -> list[int]:
    """Return whose places in the nesting of names series take: those below one name together."""
    groups: dict[Hashable, list[int]] = {}
    for k, record in enumerate(records):
        groups.setdefault(record.key[:1], []).append(k)
    own = list(groups.values())
    places: list[int] = []
    while len(places) < n_series:
        for g in rng.permutation(len(own)):
            places += own[g]
            if len(places) >= n_series:
                break
    return places[:n_series]


def _checked_length(models: Models, asked: Any) -> int:
    length = check_count(asked, "n_timesteps")
    if models.plan.whole and length > models.plan.window:
        raise InputError(
            Parameter("n_timesteps", length),
            f" is longer than the longest training series, of {models.plan.window}: whole series "
            "are the windows here. Pass a ",
            Parameter("window"),
            " that is shorter than all series, and windows will be joined",
        )
    return length


def _for_each(value: Any, n_series: int, name: str) -> list[Any]:
    """Return one value for each series."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return [value] * n_series
    values = list(value)
    if len(values) != n_series:
        raise ValueError(
            f"{name} has {len(values)} values for n_series={n_series}: pass one for all series, "
            "or one for each"
        )
    return values


def _labels(models: Models, y: Any, n_series: int) -> list[Any]:
    if y is None:
        if models.labels is None and models.needs_labels:
            raise ValueError("the generator has learned labels: pass y, the label of each series")
        return [None] * n_series
    if not models.needs_labels:
        raise ValueError(
            "y is asked for, but fit was given no labels: pass fit(X, y), with one label a series"
        )
    known = models.classes
    labels = [
        value.item() if isinstance(value, np.generic) else value
        for value in _for_each(y, n_series, "y")
    ]
    unknown = [label for label in labels if label not in known]
    if unknown:
        names = ", ".join(map(shown_label, known[:MOST_NAMED]))
        raise ValueError(f"y holds {shown_label(unknown[0])}, but fit saw {names}")
    return labels


def _attributes(models: Models, attributes: Any, n_series: int) -> list[dict[int, float]]:
    """Return for each series its attributes, as numbers, by channel."""
    if attributes is None:
        return [{} for _ in range(n_series)]
    columns = models.container.columns
    names = list(columns.names or range(len(columns.channels)))
    own = models.attribute_channels
    known = ", ".join(repr(names[k]) for k in own) or "none"
    if hasattr(attributes, "to_dict") and not isinstance(attributes, Mapping):
        attributes = attributes.to_dict(orient="list")
    if not isinstance(attributes, Mapping) or not attributes:
        raise ValueError(
            f"attributes must be a dict or a DataFrame of names and values, got {attributes!r}; "
            f"columns that are constant in each series: {known}"
        )
    found: list[dict[int, float]] = [{} for _ in range(n_series)]
    for name, value in attributes.items():
        if name not in names or names.index(name) not in own:
            raise ValueError(
                f"attributes has {name!r}, which is no column that is constant in each series; "
                f"these are: {known}"
            )
        k = names.index(name)
        numbers = _encoded(
            columns.channels[k], _for_each(value, n_series, f"attributes[{name!r}]"), name
        )
        for one, number in zip(found, numbers, strict=True):
            one[k] = float(number)
    return found


def _encoded(channel: Any, values: list[Any], name: Any) -> Array:
    import pandas as pd

    column = pd.Series(pd.to_datetime(values) if channel.kind == "date" else values)
    numbers: Array = channel.encode(column)
    if not np.isfinite(numbers).all():
        raise ValueError(f"attributes[{name!r}] has values that are missing, or no numbers")
    return numbers


def _fitting(
    models: Models, among: list[int] | None, label: Any, attributes: dict[int, float]
) -> list[int]:
    """Return the series that have a label and the categories, and the nearest numbers."""
    fitting = list(range(len(models.records))) if among is None else among
    if label is not None and models.labels is not None:
        fitting = [k for k in fitting if models.labels[k] == label]
    if not attributes:
        return _or_refuse(fitting, f"the label {shown_label(label)}")
    channels = models.container.columns.channels
    exact = [k for k in attributes if channels[k].categories]
    for k in exact:
        fitting = [j for j in fitting if models.attributes[j, k] == attributes[k]]
    wanted = ", ".join(
        f"{channels[k].name}={channels[k].categories[int(attributes[k])]!r}" for k in exact
    )
    _or_refuse(fitting, wanted)
    numbers = [k for k in attributes if k not in exact]
    if not numbers:
        return fitting
    known = models.attributes[:, numbers]
    spread = np.nanstd(known, axis=0)
    asked = np.array([attributes[k] for k in numbers])
    distance = (np.abs(known[fitting] - asked) / np.where(spread > 0, spread, 1)).sum(axis=1)
    if not np.isfinite(distance).any():
        return fitting
    nearest = np.flatnonzero(distance <= np.nanmin(distance))
    return [fitting[j] for j in nearest]


def _or_refuse(fitting: list[int], wanted: str) -> list[int]:
    if not fitting:
        raise ValueError(
            f"no training series has {wanted}: a series has its level and its other attributes "
            "from one that has those that are asked for. Ask for fewer at once"
        )
    return fitting
