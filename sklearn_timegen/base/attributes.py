"""Series with given attributes: those among many draws that have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.checks import SeriesLayout
from sklearn_timegen.rules import Category, Structure
from sklearn_timegen.rules.rule import channel_of

__all__ = ["Attributes", "read_attributes"]

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]

CANDIDATES = 20  # draws for each series that is asked for
FEWEST_CANDIDATES = 500
MOST_ROUNDS = 40  # of drawing candidates, before categories are taken to be too rare


@dataclass(frozen=True)
class Attributes:
    """What series are to have, one value for all timesteps of each.

    Parameters
    ----------
    channels : list of int
        The channels that hold attributes.
    names : list
        What they are called.
    values : ndarray of shape (n_series, n_attributes)
        Their values as numbers: of categories, the codes.
    exact : ndarray of bool of shape (n_attributes,)
        Which are categories, and have to be met; of numbers, the nearest will do.
    """

    channels: list[int]
    names: list[Any]
    values: Array
    exact: NDArray[np.bool_]

    def __getitem__(self, rows: slice) -> Attributes:
        return replace(self, values=self.values[rows])

    def choose(
        self,
        draw: Callable[[int, int], tuple[FloatArray, Array]],
        n_series: int,
        c: FloatArray | None,
    ) -> FloatArray:
        """Return one draw for each series, those that are nearest to what is asked for.

        ``draw(n, i)`` returns represented series given the conditions of series i, and their
        attributes ``(n, n_attributes)``.

        Raises
        ------
        ValueError
            If categories are too rare to be met by drawing.
        """
        asked = self.values if c is None else np.column_stack([self.values, c])
        _, first, of = np.unique(asked, axis=0, return_index=True, return_inverse=True)
        out: FloatArray | None = None
        for k, i in enumerate(first):
            rows = np.flatnonzero(of.ravel() == k)
            v = self._nearest(draw, int(i), len(rows))
            out = np.empty((n_series, *v.shape[1:]), dtype=v.dtype) if out is None else out
            out[rows] = v
        return cast(FloatArray, out)

    def _nearest(self, draw: Any, i: int, n_wanted: int) -> FloatArray:
        """Return so many draws that are like series i."""
        asked, n_pool = self.values[i], max(FEWEST_CANDIDATES, CANDIDATES * n_wanted)
        found: list[FloatArray] = []
        distances: list[Array] = []
        for _ in range(MOST_ROUNDS):
            v, drawn = draw(n_pool, i)
            alike = (drawn[:, self.exact] == asked[self.exact]).all(axis=1)
            spread = np.where(drawn.std(axis=0) > 0, drawn.std(axis=0), 1.0)
            gap = ((drawn - asked) / spread)[alike][:, ~self.exact]
            found.append(v[alike])
            distances.append(np.square(gap).sum(axis=1))
            if sum(map(len, found)) >= n_wanted:
                order = np.argsort(np.concatenate(distances), kind="stable")
                return np.concatenate(found)[order[:n_wanted]]
        raise ValueError(self._too_rare(sum(map(len, found)), MOST_ROUNDS * n_pool))

    def _too_rare(self, n_found: int, n_drawn: int) -> str:
        which = ", ".join(
            str(name) for name, exact in zip(self.names, self.exact, strict=True) if exact
        )
        return (
            f"only {n_found} of {n_drawn:,} draws have the asked combination of {which}: it is "
            "too rare to be met by drawing. Ask for fewer attributes at once, or fit with "
            "conditional=True and the attributes as y"
        )


def read_attributes(
    attributes: Any, n_series: int, structure: Structure, layout: SeriesLayout
) -> Attributes:
    """Return what is asked for as numbers.

    Raises
    ------
    ValueError
        If an attribute is none, a category is unknown, or there is not one value for each series.
    """
    rules = {rule.keys[0]: rule for rule in structure.coordinates_.attributes}
    names: list[Any] = list(range(layout.n_channels))
    if layout.schema is not None:
        names = layout.schema.names
    known = ", ".join(repr(names[channel_of(key)]) for key in rules) or "none"
    if not isinstance(attributes, Mapping) or not attributes:
        raise ValueError(
            f"attributes must be a dict of names and values, got {attributes!r}; channels that "
            f"are constant in each series: {known}"
        )
    channels, columns = [], []
    for name, value in attributes.items():
        channel = names.index(name) if name in names else name
        if channel not in rules:
            raise ValueError(
                f"attributes has {name!r}, which is no channel that is constant in each series; "
                f"these are: {known}"
            )
        scalar = np.ndim(value) == 0
        column = [value] * n_series if scalar else list(value)
        if len(column) != n_series:
            raise ValueError(
                f"attributes[{name!r}] has {len(column)} values for {n_series} series: pass one, "
                "or one for each"
            )
        channels.append(int(channel))
        columns.append(_numbers(column, channel, layout, name))
    exact = np.array([isinstance(rules[channel], Category) for channel in channels])
    return Attributes(channels, list(attributes), np.stack(columns, axis=1), exact)


def _numbers(column: list[Any], channel: int, layout: SeriesLayout, name: Any) -> Array:
    import pandas as pd  # which takes a while

    if layout.schema is None:
        numbers = pd.to_numeric(pd.Series(column)).to_numpy(dtype=np.float64)
    else:
        of = layout.schema.channels[channel]
        numbers = of.encode(pd.Series(pd.to_datetime(column) if of.kind == "date" else column))
    if not np.isfinite(numbers).all():
        raise ValueError(f"attributes[{name!r}] has values that are missing, or no numbers")
    return numbers
