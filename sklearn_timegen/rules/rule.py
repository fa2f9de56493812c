"""What a rule is: something that every series keeps, and coordinates that cannot break it.

Rules work on *blocks*: a block holds the columns of series of equal length by their keys, each
an array ``(n_series, n_timesteps)``. Windows are one block, series of several lengths one each.
``encode`` puts coordinates in the place of the columns that a rule speaks of; ``decode`` makes of
any finite coordinates columns that keep it. A channel's key is its position; a column that a rule
adds has the pair of a position and a word for its key.

A missing value is NaN. It is evidence for nothing and breaks no rule, and the coordinates that
need it are NaN, too; ``decode`` is given complete coordinates.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from sklearn_timegen._shifted_log import ShiftedLog

__all__ = [
    "Block",
    "Evidence",
    "Key",
    "Mask",
    "Rule",
    "as_array",
    "as_block",
    "cells",
    "channel_of",
    "check_columns",
    "check_finite",
    "columns",
    "forward_filled",
    "inferred",
    "is_complete",
    "label_of",
    "observed",
    "observed_mean",
    "steps",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Key = int | tuple[int, str]
Block = dict[Key, Array]


@dataclass(frozen=True)
class Evidence:
    """How much training data have to say for a rule.

    Parameters
    ----------
    n_cells : int
        Timesteps of series that were looked at: those at which no channel of the rule is missing.
    n_broken : int, default=0
        Timesteps of series at which it is broken. Where there are none, the true rate is below
        ``3 / n_cells`` with a confidence of 95%.
    touched : float or None, default=None
        Fraction of cells that lie at the border of what the rule allows.

    Examples
    --------
    >>> from sklearn_timegen.rules import Evidence
    >>> print(Evidence(87_864, touched=0.014))
    87,864 cells, none broken, touched in 1.4%
    """

    n_cells: int
    n_broken: int = 0
    touched: float | None = None

    def __str__(self) -> str:
        broken = "none broken" if self.n_broken == 0 else f"{self.n_broken:,} broken"
        share = f"{self.touched or 0:.1%}"
        touched = "" if share == "0.0%" else f", touched in {share}"
        return f"{self.n_cells:,} cells, {broken}{touched}"


class Rule(ABC):
    """What every series of a data set keeps.

    Parameters
    ----------
    *channels : int or str
        The channels that it speaks of, by position or by name.

    Attributes
    ----------
    evidence : Evidence or None
        What the data have to say for it, once there are data.
    keys : tuple
        Of its columns, once there are data.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import find_rules
    >>> x = np.random.default_rng(0).normal(size=(50, 12, 1)) * [1.0, 2.0]
    >>> rule = find_rules(x, names=["single", "double"])[0]
    >>> rule
    double = 2 single: 600 cells, none broken
    >>> rule.violations(x + [0.0, 1.0]).all()
    np.True_
    """

    # In whose place in the order of rules it is found and applied (``rules.structure``).
    kind: ClassVar[str]
    # Whether it speaks of columns of the data, and not of other rules' coordinates.
    of_data: bool = True
    # What ``learn`` sets, where coordinates are unknown without it, and violations may be.
    learned: ClassVar[str | None] = None
    judges_unlearned: ClassVar[bool] = True

    def __init__(self, *channels: Any) -> None:
        self.channels = channels
        self.labels = tuple(label_of(c, ()) if isinstance(c, int) else str(c) for c in channels)
        positions = (int(c) if isinstance(c, np.integer) else c for c in channels)
        self.keys: tuple[Key, ...] = tuple(c for c in positions if isinstance(c, int | tuple))
        self.evidence: Evidence | None = None

    # -- what a kind of rule has to say -------------------------------------------------------

    @abstractmethod
    def statement(self) -> str:
        """Say in a few words what is kept."""

    @abstractmethod
    def broken(self, block: Block) -> Mask:
        """Return at which timesteps ``(n_series, n_timesteps)`` observed values break it."""

    def choose(self, blocks: Sequence[Block]) -> None:  # noqa: B027 (most have no choice)
        """Choose the form of the coordinates, by series in which no timestep occurs twice."""

    def learn(self, blocks: Sequence[Block]) -> None:  # noqa: B027 (many have nothing to learn)
        """Learn what the coordinates need; of data that keep the rule."""

    def encode(self, block: Block) -> Block:
        """Return the block with coordinates in the place of the columns.

        A coordinate is NaN if it needs a missing value.
        """
        return block

    def decode(self, block: Block) -> Block:
        """Return the block with columns in the place of the coordinates, which are complete."""
        return block

    def infer(self, block: Block, known: dict[Key, Mask]) -> tuple[Block, dict[Key, Mask]]:
        """Return the block with the cells that follow from known ones, and what is known then."""
        return block, known

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        """Return the block with cells that are not known changed so that the rule is kept.

        The columns are those of the data; known cells keep the rule among each other, and the
        others hold any finite values. Masks are ``(n_series, n_timesteps)``, as the columns are.
        """
        return block

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        """Return in which units the columns of an encoded block are, given those before.

        ``"data"``, their logarithm (``"log"``), or ``"free"``: a coordinate of its own, on which
        no further transform makes sense.
        """
        return units

    def logs(self) -> dict[Key, ShiftedLog]:
        """Return by which logarithm columns are written that are in no units of the data."""
        return {}

    def renamed(self) -> dict[Key, str]:
        """Return what columns are called that are no channels any more."""
        return {}

    def log_slope(self, block: Block) -> Array | float:
        """Return the log-volume by which ``encode`` stretches each series ``(n_series,)``."""
        raise TypeError(
            f"{self.statement()!r} has coordinates that have no density: leave such channels out, "
            "or, where they hold numbers, fit with rules=None"
        )

    # -- what all have ----------------------------------------------------------------------

    def bind(self, names: Sequence[Any]) -> Self:
        """Return a copy that knows the positions of its channels among ``names``."""
        bound = copy.copy(self)
        bound.keys = tuple(position_of(channel, names) for channel in self.channels)
        bound.labels = tuple(label_of(key, names) for key in bound.keys)
        return bound

    def measure(self, blocks: Iterable[Block]) -> None:
        """Look at how well data keep the rule."""
        n_broken = sum(int(self.broken(block).sum()) for block in blocks)
        self.evidence = Evidence(self.n_observed(blocks), n_broken, self.touched(blocks))

    def n_observed(self, blocks: Iterable[Block]) -> int:
        """Return at how many timesteps of series no column of the rule is missing."""
        return sum(int(is_complete(block, self.keys).sum()) for block in blocks)

    def touched(self, blocks: Iterable[Block]) -> float | None:
        """Return the fraction of cells at the border of what is allowed, if there is one."""
        return None

    def violations(self, X: Any) -> Mask:
        """Return at which timesteps of series the rule is broken.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_channels)
            Series with the channels that the rule was found in, or bound to; of one channel,
            ``(n_samples, n_timesteps)``, too.

        Returns
        -------
        broken : ndarray of bool of shape (n_samples, n_timesteps)
            True where it is broken.
        """
        return self.broken(self._ready(as_block(X), unlearned=self.judges_unlearned))

    def transform(self, X: Any) -> Array:
        """Return series ``(n_samples, n_timesteps, n_channels)`` with the rule's coordinates."""
        block = self.encode(self._ready(as_block(X)))
        return as_array({key: block[key] for key in sorted(block, key=order_of)})

    def inverse_transform(self, U: Any) -> Array:
        """Return series of coordinates; whatever these are, the rule is kept."""
        self._ready({})
        u = np.asarray(U, dtype=np.float64)
        keys = self._encoded_keys(u.shape[2])
        block = self.decode({key: u[:, :, k] for k, key in enumerate(keys)})
        return as_array({key: block[key] for key in sorted(block, key=order_of)})

    def _ready(self, block: Block, *, unlearned: bool = False) -> Block:
        """Return a block, if the rule knows which columns it speaks of, and what they are like."""
        if len(self.keys) < len(self.channels):
            raise ValueError(
                f"the rule {self.statement()!r} knows its channels by name only: say where they "
                "are by bind, as Order('low', 'high').bind(['low', 'high'])"
            )
        if not (unlearned or self.learned is None or hasattr(self, self.learned)):
            raise NotFittedError(
                f"the rule {self.statement()!r} has seen no data yet, of which it has to learn: "
                "take it from find_rules(X), or from the rules_ of what it was declared to, as "
                "PCAMixture(rules=[rule]).fit(X).rules_"
            )
        if block:
            check_columns(self, block)
        return block

    def _encoded_keys(self, n_coordinates: int) -> list[Key]:
        """Return the keys of so many columns, encoded: tried with more channels, and fewer."""
        for n_channels in range(1, n_coordinates + len(self.keys) + 1):
            if n_channels > max((key for key in self.keys if isinstance(key, int)), default=0):
                keys = self.units(dict.fromkeys(range(n_channels), "data"))
                if len(keys) == n_coordinates:
                    return sorted(keys, key=order_of)
        raise ValueError(f"{n_coordinates} channels cannot be coordinates of {self.statement()!r}")

    def __repr__(self) -> str:
        if self.evidence is None:
            return self.statement()
        return f"{self.statement()}: {self.evidence}"


def check_columns(rule: Rule, block: Block) -> None:
    """Refuse series, or a list of rules, in which a rule has nothing to look at."""
    missing = [
        label for key, label in zip(rule.keys, rule.labels, strict=False) if key not in block
    ]
    if len(rule.keys) < len(rule.labels):  # given by names, and bound to no data
        missing = list(rule.labels)
    if missing:
        raise ValueError(
            f"the rule {rule.statement()!r} cannot be checked: there is no {', '.join(missing)} "
            "in these series, or in what the rules before it make of them"
        )


def check_finite(what: str, value: Any) -> None:
    """Refuse what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ValueError(f"{what} must be a finite number, got {value!r}")


def position_of(channel: Any, names: Sequence[Any]) -> Key:
    """Return the position of a channel that is given by position or name."""
    if channel in list(names):
        return list(names).index(channel)
    if isinstance(channel, int | np.integer) and 0 <= channel < len(names):
        return int(channel)
    shown = ", ".join(map(str, names)) if len(names) <= 12 else f"{len(names)} channels"
    raise ValueError(f"there is no channel {channel!r}; there are {shown}")


def label_of(key: Key, names: Sequence[Any]) -> str:
    """Return what a column is called."""
    if isinstance(key, tuple):
        return f"{key[1]} of {label_of(key[0], names)}"
    name = names[key] if key < len(names) else key  # nobody has said a name
    return f"channel {name}" if isinstance(name, int) else str(name)


def channel_of(key: Key) -> int:
    """Return the position of the channel that a column belongs to."""
    return key if isinstance(key, int) else key[0]


def order_of(key: Key) -> tuple[int, str]:
    """Return where a column stands: those that are added behind the channels."""
    return (10**9 + key[0], key[1]) if isinstance(key, tuple) else (key, "")


def as_block(X: Any) -> Block:
    """Return the columns of series by their positions."""
    x = np.asarray(X, dtype=np.float64)
    if x.ndim == 2:  # rows, each a series of one channel
        x = x[:, :, None]
    if x.ndim != 3:
        raise ValueError(
            "X must be of shape (n_samples, n_timesteps, n_channels), or (n_samples, n_timesteps) "
            f"with one channel, got {x.shape}"
        )
    return {k: x[:, :, k] for k in range(x.shape[2])}


def as_array(block: Block) -> Array:
    """Return the columns of a block, in its order, as channels."""
    return np.stack(list(block.values()), axis=2)


def observed(x: Array) -> Array:
    """Return the values of a flat array that are not missing."""
    missing = np.isnan(x)
    return x[~missing] if missing.any() else x


def cells(blocks: Iterable[Block], key: Key) -> Array:
    """Return all observed values of a column, flat."""
    return observed(np.concatenate([block[key].ravel() for block in blocks]))


def columns(blocks: Sequence[Block], keys: Iterable[Key]) -> list[Array]:
    """Return all cells of each column, flat, with NaN where they are missing."""
    return [np.concatenate([block[key].ravel() for block in blocks]) for key in keys]


def steps(blocks: Iterable[Block], key: Key) -> Array:
    """Return all first differences of a column, flat, with NaN where an end is missing."""
    return np.concatenate([np.diff(block[key], axis=1).ravel() for block in blocks])


def inferred(rule: Rule, block: Block) -> Block:
    """Return the block without the missing values that follow from what is observed."""
    seen = {key: ~np.isnan(column) for key, column in block.items() if key in rule.keys}
    return block if all(map(np.all, seen.values())) else rule.infer(block, seen)[0]


def is_complete(block: Block, keys: Iterable[Key]) -> Mask:
    """Return at which timesteps ``(n_series, n_timesteps)`` none of some columns is missing."""
    missing: Mask = np.logical_or.reduce([np.isnan(block[key]) for key in keys])
    return ~missing


def observed_mean(column: Array) -> Array:
    """Return the mean of what is observed of each series ``(n_series, 1)``; NaN of nothing.

    Of columns beside each other, ``(n_series, n_timesteps, n_columns)``, that of each.
    """
    missing = np.isnan(column)
    if not missing.any():
        mean: Array = column.mean(axis=1, keepdims=True)
        return mean
    number = (~missing).sum(axis=1, keepdims=True)
    total = np.where(missing, 0.0, column).sum(axis=1, keepdims=True)
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return mean


def forward_filled(column: Array) -> Array:
    """Return a column with the last observed value in the place of missing ones, if any is."""
    latest = np.where(np.isnan(column), 0, np.arange(column.shape[1]))
    filled: Array = np.take_along_axis(column, np.maximum.accumulate(latest, axis=1), axis=1)
    return filled
