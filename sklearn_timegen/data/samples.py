"""Samples of series as numbers that can be compared: real series tell how others are read.

Kinds of channels are those of the real sample. Each becomes one column of numbers, or, if it holds
categories without an order, one column for each of these; what is missing, or lies beyond the end
of a series, is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.checks import (
    as_3d,
    check_known,
    check_resolution,
    check_sample,
    ends_early,
)
from sklearn_timegen.data.forms import is_panel
from sklearn_timegen.data.magnitude import check_magnitude
from sklearn_timegen.data.reading import ReadingOptions, as_sample, needs_schema, without_na

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.data.schema import Channel, Schema

__all__ = [
    "Reading",
    "in_columns",
    "padded",
    "read_real",
    "read_samples",
    "rows_of",
    "same_length",
]

Array = NDArray[np.float64]
MOST_CATEGORIES = 50  # of a channel that have a column each; the rarer ones have none


@dataclass(frozen=True, eq=False)
class Reading:
    """How the real sample was read, and with it all others.

    Parameters
    ----------
    n_channels : int, default=1
        Channels in the rows of 2-d samples.
    schema : Schema or None, default=None
        The channels, if they are not just numbers in an array.
    codes : tuple of tuple of int, default=()
        Of each channel the numbers of the categories that have a column; empty if the channel is
        one itself.
    columns : list or None, default=None
        Names of the columns of 2-d frames, which other frames have to agree with.
    layout : {"channels-last", "channels-first"}, default="channels-last"
        The order of the axes of 3-d samples.
    """

    n_channels: int = 1
    schema: Schema | None = None
    codes: tuple[tuple[int, ...], ...] = ()
    columns: list[Any] | None = None
    layout: str = "channels-last"

    @property
    def names(self) -> list[str] | None:
        """Names of the columns; ``None`` if nobody gave any."""
        if self.schema is None:
            return None
        names = []
        for channel, own in zip(self.schema.channels, self.codes, strict=True):
            name = f"channel {channel.name}" if isinstance(channel.name, int) else channel.name
            names += [f"{name} = {channel.categories[k]}" for k in own] or [str(name)]
        return names

    @property
    def categories(self) -> list[list[int]]:
        """Of each channel of categories its columns: one of their numbers, or one for each."""
        if self.schema is None:
            return []
        found, at = [], 0
        for channel, own in zip(self.schema.channels, self.codes, strict=True):
            width = max(1, len(own))
            if channel.categories:
                found.append(list(range(at, at + width)))
            at += width
        return found

    def read(self, X: Any, name: str, of: str = "X_real") -> Array:
        """Return another sample as ``(n_samples, n_timesteps, n_columns)``, NaN where missing.

        Raises
        ------
        ValueError
            If its channels are others, or hold what those of the real sample could not.
        """
        X = as_sample(X, name, first=False, layout=self.layout)
        if self.schema is None:
            X = without_na(X)
            columns = list(getattr(X, "columns", ()))
            if self.columns and columns and columns != self.columns:
                raise ValueError(f"the columns of {of} and {name} differ in name or order")
            return _parted(check_sample(X, name, missing=True), X, self.n_channels)
        return self._typed(_frames(X, self.n_channels, name), name, of)

    def _typed(self, parts: list[pd.DataFrame], name: str, of: str) -> Array:
        import pandas as pd

        assert self.schema is not None
        for k, part in enumerate(parts):
            if list(part.columns) != self.schema.names:
                raise ValueError(
                    f"series {k} of {name} has the channels {list(part.columns)}, but those of "
                    f"{of} are {self.schema.names}"
                )
        whole, lengths = pd.concat(parts, ignore_index=True), [len(part) for part in parts]
        columns = []
        for k, (channel, own) in enumerate(zip(self.schema.channels, self.codes, strict=True)):
            values = _encoded(channel, whole.iloc[:, k], name, of)
            missing = np.isnan(values)
            columns += [np.where(missing, np.nan, values == code) for code in own] or [values]
        x = np.full((len(parts), max(lengths), len(columns)), np.nan)
        x[np.arange(max(lengths)) < np.asarray(lengths)[:, None]] = np.stack(columns, axis=1)
        check_known(x, name, empty=True)
        return x


def read_real(
    X: Any,
    name: str = "X_real",
    *,
    n_channels: int = 1,
    typed: bool | None = None,
    one_hot: bool = True,
    layout: str = "channels-last",
) -> tuple[Array, Reading]:
    """Return the real sample as numbers, and how it was read.

    Parameters
    ----------
    X : array-like of series, or list of series
        Series of numbers, words, flags or dates; those of a list may differ in length.
    name : str, default="X_real"
        What it is called in errors.
    n_channels : int, default=1
        Channels in the rows of a 2-d ``X``.
    typed : bool or None, default=None
        Whether channels have kinds; ``None`` tells by ``X``.
    one_hot : bool, default=True
        Whether categories without an order have a column each; else their numbers are in one.
    layout : {"channels-last", "channels-first"}, default="channels-last"
        The order of the axes of a 3-d ``X``.

    Returns
    -------
    x : ndarray of shape (n_samples, n_timesteps, n_columns)
        The series, NaN where values are missing.
    reading : Reading
        How others are read.

    Raises
    ------
    ValueError
        If it is empty, infinite, of no known kind, or varies by less than float32 holds.
    """
    options = ReadingOptions(n_channels)
    X = as_sample(X, name, n_channels=n_channels, layout=layout)
    if not (needs_schema(X, options) if typed is None else typed):
        X = without_na(X)
        x = check_sample(X, name, missing=True)
        check_resolution(X, name=name)
        reading = Reading(n_channels, columns=list(getattr(X, "columns", ())), layout=layout)
        return _parted(x, X, n_channels), reading
    import pandas as pd

    from sklearn_timegen.data.schema import Schema

    parts = _frames(X, n_channels, name)
    names = list(parts[0].columns)
    for k, part in enumerate(parts):
        if list(part.columns) != names:
            raise ValueError(
                f"series {k} of {name} has the channels {list(part.columns)}, but series 0 has "
                f"{names}"
            )
    whole = pd.concat(parts, ignore_index=True)
    schema = Schema.of(whole)
    codes = tuple(
        _shown(channel, whole.iloc[:, k]) if one_hot else ()
        for k, channel in enumerate(schema.channels)
    )
    reading = Reading(n_channels, schema, codes, layout=layout)
    x = reading._typed(parts, name, name)
    check_magnitude(x, name)
    return x, reading


def read_samples(
    X_real: Any,
    *others: Any,
    names: Sequence[str] = ("X_real", "X_synthetic"),
    n_channels: int = 1,
    one_hot: bool = True,
    layout: str = "channels-last",
) -> tuple[list[Array], Reading]:
    """Return samples of series, the real one first, as numbers, and how they were read.

    They may differ in number. Where series end at different times, those of all samples are as
    long as the longest of any; NaN lies beyond their ends.

    Parameters
    ----------
    X_real, *others : array-like of series, or list of series
        The samples.
    names : sequence of str, default=("X_real", "X_synthetic")
        What they are called in errors.
    n_channels : int, default=1
        Channels in the rows of 2-d samples.
    one_hot : bool, default=True
        As for :func:`read_real`.
    layout : {"channels-last", "channels-first"}, default="channels-last"
        The order of the axes of 3-d samples.

    Returns
    -------
    samples : list of ndarray of shape (n_samples, n_timesteps, n_columns)
        The series, NaN where values are missing.
    reading : Reading
        How others are read.

    Raises
    ------
    ValueError
        If one is empty, infinite or of no known kind, or if they are not alike.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.data.samples import read_samples
    >>> real = [np.array(["a", "b"]), np.array(["a", "a", "b"])]
    >>> (x, s), reading = read_samples(real, [np.array(["b"])])
    >>> reading.names, s[0].tolist()
    (['channel 0 = a', 'channel 0 = b'], [[0.0, 1.0], [nan, nan], [nan, nan]])
    """
    options = ReadingOptions(n_channels)
    given = [
        as_sample(X, name, first=False, layout=layout)
        for X, name in zip((X_real, *others), names, strict=True)
    ]
    typed = any(needs_schema(X, options) for X in given)
    real, reading = read_real(
        given[0], names[0], n_channels=n_channels, typed=typed, one_hot=one_hot
    )
    samples = [real]
    for X, name in zip(given[1:], names[1:], strict=True):
        samples.append(reading.read(X, name, names[0]))
        if samples[-1].shape[2] != real.shape[2]:
            raise ValueError(_unlike(real, samples[-1], names[0], name))
    samples = same_length(reading, *samples)
    for x, name in zip(samples, names, strict=True):
        if x.shape[1] != samples[0].shape[1]:
            raise ValueError(_unlike(real, x, names[0], name))
    return samples, replace(reading, layout=layout)  # in which others will come


def same_length(reading: Reading, *samples: Array) -> list[Array]:
    """Return samples of which the shorter series go on as NaN, if lengths may differ at all."""
    lengths = {x.shape[1] for x in samples}
    if len(lengths) == 1 or not (reading.schema or any(map(ends_early, samples))):
        return list(samples)
    return [padded(x, max(lengths)) for x in samples]


def padded(x: Array, n_timesteps: int) -> Array:
    """Return series that go on as NaN to so many timesteps."""
    beyond = np.full((len(x), n_timesteps - x.shape[1], x.shape[2]), np.nan)
    return np.concatenate([x, beyond], axis=1)


def in_columns(x: NDArray[Any], schema: Schema) -> NDArray[Any]:
    """Return series in which each category without an order has a column of 0 and 1.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_timesteps, n_channels)
        Series in which channels of categories hold their numbers; NaN where values are missing.
    schema : Schema
        The channels.

    Returns
    -------
    columns : ndarray of shape (n_samples, n_timesteps, n_columns)
        The series, in the type of ``x``.
    """
    columns = []
    for d, channel in enumerate(schema.channels):
        values = x[:, :, d]
        codes = range(len(channel.categories)) if channel.kind == "categorical" else ()
        missing = np.isnan(values)
        columns += [np.where(missing, np.nan, values == k) for k in codes] or [values]
    return np.stack(columns, axis=2).astype(x.dtype)


def rows_of(X: Any, rows: NDArray[Any]) -> Any:
    """Return some of the series of a sample in its own form, by their numbers or a mask."""
    X = as_sample(X, first=False) if is_panel(X) else X
    if isinstance(X, list | tuple):
        return [X[k] for k in np.arange(len(X))[rows]]
    return X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows]


def _frames(X: Any, n_channels: int, name: str) -> list[pd.DataFrame]:
    from sklearn_timegen.data.typed import frames_of

    parts, _ = frames_of(X, ReadingOptions(n_channels), name)
    for k, part in enumerate(parts):
        if len(part) == 0:
            raise ValueError(f"series {k} of {name} is empty: leave it out")
    return parts


def _parted(x: Array, X: Any, n_channels: int) -> Array:
    """Return the channels of rows that hold several, each timestep after the other."""
    return as_3d(x[:, :, 0], n_channels) if np.ndim(X) == 2 else x


def _shown(channel: Channel, column: pd.Series) -> tuple[int, ...]:
    """Return the numbers of the categories that have a column: the most frequent ones."""
    if channel.kind != "categorical":
        return ()
    codes = channel.encode(column)
    found, counts = np.unique(codes[np.isfinite(codes)], return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]
    return tuple(sorted(int(code) for code in found[frequent]))


def _encoded(channel: Channel, column: pd.Series, name: str, of: str) -> Array:
    """Return a channel as numbers; categories that the real sample lacks are one more."""
    from sklearn_timegen.data.schema import OTHER

    if channel.categories:
        known = channel.categories
        channel = replace(
            channel, categories=known if OTHER in known else (*known, OTHER), unseen=OTHER
        )
    try:
        return channel.encode(column)
    except (ValueError, TypeError) as error:
        there = column.dropna()
        held = f", such as {there.iloc[0]!r}" if len(there) else ""
        raise ValueError(
            f"channel {channel.name!r} is {channel.kind} in {of}, but in {name} it holds values "
            f"of {column.dtype}{held}, which are not: {error}"
        ) from error


def _unlike(real: Array, other: Array, of: str, name: str) -> str:
    return (
        f"{of} has series of shape {real.shape[1:]}, {name} of {other.shape[1:]} (timesteps, "
        "channels): they must be alike"
    )
