"""What the channels of a data set are: kinds, types, categories, and how they come back.

Generators work on numbers. A channel of another kind is written as numbers on the way in, and
comes back as what it was: categories by their numbers, flags as 0 and 1, dates as days since the
first one. What is missing is NaN, whatever the type had for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_timegen.data.kinds import (
    check_categories,
    decimals_of,
    in_steps_of,
    kind_of,
    of_one_type,
)

__all__ = ["CHANNEL_KINDS", "OTHER", "Channel", "Schema"]

Array = NDArray[np.float64]

CHANNEL_KINDS = ("continuous", "integer", "binary", "categorical", "ordinal", "date")
OTHER = "other"  # what rare and unseen categories become
DAY = 86_400.0  # seconds
MOST_DAYS = 106_000.0  # before and after 1970: nanoseconds, in which dates are counted, end there


@dataclass(frozen=True)
class Channel:
    """What one channel holds.

    Parameters
    ----------
    name : object
        What it is called: a column's name, or its position.
    kind : str
        One of ``CHANNEL_KINDS``.
    dtype : object
        The dtype in which it comes back.
    categories : tuple
        The values of a categorical or ordinal channel, in the order of their numbers; of a
        binary one, what stands for 0 and 1.
    merged : tuple
        Categories that were too rare, and became ``"other"``.
    decimals : int or None
        Digits behind the point that its values have, if they are few.
    origin : object
        The first date.
    unit : float
        Days that dates are multiples of: 1 if they have no time of day.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_timegen.data.schema import Channel
    >>> channel = Channel.of(pd.Series(["sun", "rain", None, "sun"]), name="weather")
    >>> channel.kind, channel.categories, channel.encode(pd.Series(["rain", "sun"])).tolist()
    ('categorical', ('rain', 'sun'), [0.0, 1.0])
    """

    name: Any
    kind: str = "continuous"
    dtype: Any = "float64"
    categories: tuple[Any, ...] = ()
    merged: tuple[Any, ...] = ()
    decimals: int | None = None
    origin: Any = None
    unit: float = 1.0
    unseen: str = "error"

    # -- learning -----------------------------------------------------------------------------

    @classmethod
    def of(
        cls,
        column: pd.Series,
        *,
        name: Any,
        kind: str = "auto",
        series: NDArray[Any] | None = None,
        rare: int = 1,
        unseen: str = "error",
    ) -> Channel:
        """Return what a column holds.

        Parameters
        ----------
        column : Series
            All values of the channel.
        name : object
            What it is called.
        kind : str, default="auto"
            Its kind; ``"auto"`` tells by the dtype, and by the values where that is ``object``.
        series : ndarray or None, default=None
            Which series each value belongs to.
        rare : int, default=1
            Series that a category must occur in, not to be merged into ``"other"``.
        unseen : {"error", "other"}, default="error"
            What is made of categories that are new.

        Raises
        ------
        ValueError
            If values are of several kinds, of none that is known, or not of the one asked for.
        """
        column = of_one_type(column, name)
        found = kind_of(column, name)
        kind = found if kind == "auto" else kind
        if kind in ("categorical", "ordinal"):
            return cls._of_categories(column, name, kind, series, rare, unseen)
        if kind == "binary":
            return cls._of_flags(column, name, found)
        if found in ("categorical", "ordinal"):
            raise ValueError(
                f"channel {name!r} holds {column.dropna().iloc[0]!r}, which is no {kind} value"
            )
        if (kind == "date") != (found == "date"):
            raise ValueError(f"channel {name!r} is of {column.dtype}, and cannot be {kind}")
        if kind == "date":
            return cls._of_dates(column, name)
        decimals = decimals_of(column) if kind == "continuous" else 0
        return cls(name, kind, column.dtype, decimals=decimals)

    @classmethod
    def _of_categories(
        cls,
        column: pd.Series,
        name: Any,
        kind: str,
        series: NDArray[Any] | None,
        rare: int,
        unseen: str,
    ) -> Channel:
        known = column.dropna()
        if isinstance(column.dtype, pd.CategoricalDtype):
            categories = [c for c in column.cat.categories if (known == c).any()]
        else:
            categories = sorted(known.unique().tolist(), key=lambda c: (str(type(c)), c))
        if series is None:
            series = np.arange(len(column))
        n_series = pd.Series(series[column.notna().to_numpy()]).groupby(
            known.astype(object).to_numpy()
        )
        spread = n_series.nunique()
        merged = [c for c in categories if spread[c] < rare]
        kept = [c for c in categories if c not in merged]
        if merged or (unseen == OTHER and OTHER not in kept):
            kept.append(OTHER)
        check_categories(column, kept, name, len(np.unique(series)))
        if not kept:
            raise ValueError(f"channel {name!r} has no category: all of it is missing")
        return cls(name, kind, column.dtype, tuple(kept), tuple(merged), unseen=unseen)

    @classmethod
    def _of_flags(cls, column: pd.Series, name: Any, found: str) -> Channel:
        values = sorted(column.dropna().unique().tolist(), key=str)
        if found == "binary":
            return cls(name, "binary", column.dtype, (False, True))
        if len(values) > 2:
            raise ValueError(
                f"channel {name!r} is to be binary, but has {len(values)} values: "
                f"{', '.join(map(repr, values[:5]))}, ..."
            )
        return cls(name, "binary", column.dtype, tuple(values))

    @classmethod
    def _of_dates(cls, column: pd.Series, name: Any) -> Channel:
        known = column.dropna()
        origin = known.min()
        seconds = (known - origin).dt.total_seconds().to_numpy()
        unit = next(
            u for u in (DAY, 3600.0, 60.0, 1.0, 1e-3) if u == 1e-3 or in_steps_of(seconds, u)
        )
        return cls(name, "date", column.dtype, origin=origin, unit=unit / DAY)

    # -- there and back --------------------------------------------------------------------------

    def encode(self, column: pd.Series) -> Array:
        """Return a column's values as numbers, NaN for what is missing.

        Raises
        ------
        ValueError
            If a category is none of those known.
        """
        column = of_one_type(column, self.name)
        if not self.categories:
            self._check_kind(column)
        if self.kind == "date" and not column.isna().all():
            days: Array = ((column - self.origin).dt.total_seconds() / DAY).to_numpy(np.float64)
            return days
        if self.categories:
            return self._codes(column)
        values: Array = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return values

    def _check_kind(self, column: pd.Series) -> None:
        """Refuse words and dates in the place of numbers, and what is no date in that of dates."""
        if column.isna().all():
            return
        found = kind_of(column, self.name)
        if found in ("categorical", "ordinal") or (found == "date") != (self.kind == "date"):
            raise ValueError(
                f"channel {self.name!r} holds {column.dropna().iloc[0]!r}, but was {self.kind} in "
                "training"
            )

    def _codes(self, column: pd.Series) -> Array:
        number = {category: float(k) for k, category in enumerate(self.categories)}
        if OTHER in number:
            number |= dict.fromkeys(self.merged, number[OTHER])
        there = ~column.isna().to_numpy()
        codes = np.full(len(column), np.nan)
        values = column.astype(object).to_numpy()[there]
        of_known = np.full(len(values), np.nan)
        for category in pd.unique(values):
            code = number.get(category)
            if code is None and self.unseen == OTHER:
                code = number.get(OTHER)
            if code is None:
                known = ", ".join(map(repr, self.categories[:10]))
                raise ValueError(
                    f"channel {self.name!r} holds {category!r}, which was not in training; known "
                    f"are {known}. Leave these series out, or fit with unseen_categories='other'"
                )
            of_known[values == category] = code
        codes[there] = of_known
        return codes

    def decode(self, values: Array) -> pd.Series:
        """Return numbers as what they stand for, in the dtype that the channel had."""
        missing = ~np.isfinite(values)
        if self.kind == "date":
            days = np.rint(np.where(missing, 0, values) / self.unit) * self.unit
            since_1970 = self.origin.timestamp() / DAY
            days = days.clip(-MOST_DAYS - since_1970, MOST_DAYS - since_1970)
            dates = self.origin + pd.to_timedelta(np.rint(days * DAY * 1e3), unit="ms")
            return pd.Series(dates).mask(missing).astype(self.dtype)
        if self.categories:
            codes = np.rint(np.where(missing, 0, values)).astype(int)
            found = np.asarray([*self.categories, None], dtype=object)[
                np.where(missing, len(self.categories), codes.clip(0, len(self.categories) - 1))
            ]
            return self._as_dtype(pd.Series(found, dtype=object))
        if self.decimals is not None:
            values = np.round(values, self.decimals)
        return _cast(values, self.dtype)

    def _as_dtype(self, found: pd.Series) -> pd.Series:
        dtype = self.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            if found.isin([OTHER]).any() and OTHER not in dtype.categories:
                categories = [*dtype.categories, OTHER]
                dtype = pd.CategoricalDtype(categories, dtype.ordered)
            return found.astype(dtype)
        if found.isna().any() and isinstance(dtype, np.dtype) and dtype.kind in "biu":
            return found
        if OTHER in self.categories and not pd.api.types.is_object_dtype(dtype):
            return found if (found == OTHER).any() else found.astype(dtype)
        return found.astype(dtype)


def _cast(values: Array, dtype: Any) -> pd.Series:
    number = np.dtype(getattr(dtype, "numpy_dtype", dtype))  # of pandas' own dtypes
    if number.kind in "iu":
        limits = np.iinfo(number)
        highest = float(limits.max)
        if int(highest) > limits.max:  # the greatest integers are not floats: the next below is
            highest = np.nextafter(highest, 0)
        values = np.rint(values).clip(float(limits.min), highest)
        if isinstance(dtype, np.dtype) and np.isnan(values).any():
            return pd.Series(values)  # what is missing has no place among integers
    if number.kind not in "iuf":
        return pd.Series(values)
    return pd.Series(values).astype(dtype)


# -- all channels --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Schema:
    """The channels of a data set.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_timegen.data.schema import Schema
    >>> frame = pd.DataFrame({"t": [1.5, 2.0], "on": [True, False]})
    >>> schema = Schema.of(frame)
    >>> schema.encode(frame).tolist()
    [[1.5, 1.0], [2.0, 0.0]]
    >>> schema.decode(schema.encode(frame)).equals(frame)
    True
    """

    channels: tuple[Channel, ...] = field(default=())

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        *,
        kinds: str | Mapping[Any, str] = "auto",
        series: NDArray[Any] | None = None,
        rare: int | None = None,
        unseen: str = "error",
    ) -> Schema:
        """Return what the columns of a frame hold; ``series`` tells whose each row is."""
        asked = {} if isinstance(kinds, str) else dict(kinds)
        names = list(frame.columns)
        unknown = [name for name in asked if name not in names and not _is_position(name, names)]
        if unknown:
            raise ValueError(
                f"channel_kinds names {unknown[0]!r}; the channels are "
                f"{', '.join(map(repr, names[:12]))}"
            )
        wrong = [kind for kind in asked.values() if kind not in CHANNEL_KINDS]
        if wrong:
            raise ValueError(
                f"channel_kinds has {wrong[0]!r}; the kinds are {', '.join(CHANNEL_KINDS)}"
            )
        return cls(
            tuple(
                Channel.of(
                    frame.iloc[:, k],
                    name=name,
                    kind=asked.get(name, asked.get(k, "auto")),
                    series=series,
                    rare=rare or 1,
                    unseen=unseen,
                )
                for k, name in enumerate(names)
            )
        )

    @property
    def names(self) -> list[Any]:
        return [channel.name for channel in self.channels]

    @property
    def plain(self) -> bool:
        """Whether all channels are real numbers."""
        return all(channel.kind in ("continuous", "integer") for channel in self.channels)

    def encode(self, frame: pd.DataFrame) -> Array:
        """Return the values of a frame as numbers ``(n_rows, n_channels)``."""
        columns = [channel.encode(frame.iloc[:, k]) for k, channel in enumerate(self.channels)]
        return np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))

    def decode(self, values: Array) -> pd.DataFrame:
        """Return numbers as a frame of what they stand for."""
        columns = {k: channel.decode(values[:, k]) for k, channel in enumerate(self.channels)}
        frame = pd.DataFrame(columns)
        frame.columns = pd.Index(self.names)
        return frame


def _is_position(name: Any, names: Sequence[Any]) -> bool:
    return isinstance(name, Integral) and 0 <= int(name) < len(names)
