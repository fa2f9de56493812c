"""What each coordinate of a structure is: whose, in which units, and of what kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.angle import CALM, SINE
from sklearn_timegen.rules.latent import series_keys
from sklearn_timegen.rules.normal_score import NormalScore
from sklearn_timegen.rules.rule import Key, channel_of, label_of, order_of
from sklearn_timegen.rules.rule_list import RuleList
from sklearn_timegen.rules.shape import SCORES
from sklearn_timegen.rules.smoothing import States

__all__ = ["Coordinates"]

Array = NDArray[np.float64]

# Columns beside the channels: those of which values of the data are intervals, and those that are
# constant along time.
IN_PARTS = ("phase", "observed", "present", "length", CALM)
CONSTANT = ("level", "start", "beginning", "phase", "reading before", "present", "length", *SCORES)


class Coordinates:
    """The columns that rules lead to, in their order.

    Parameters
    ----------
    rules : RuleList
        What leads to them.
    units : dict
        Of each, whether it is in the units of the data (``"data"``), their logarithm (``"log"``)
        or its own (``"free"``).

    Examples
    --------
    >>> from sklearn_timegen.rules import RuleList
    >>> from sklearn_timegen.rules.coordinates import Coordinates
    >>> columns = Coordinates(RuleList(), {1: "log", 0: "data", (1, "level"): "free"})
    >>> columns.keys, columns.units, columns.static
    ([0, 1, (1, 'level')], ['data', 'log', 'free'], [2])
    """

    def __init__(self, rules: RuleList, units: dict[Key, str]) -> None:
        self._scores = [rule for rule in rules if isinstance(rule, NormalScore)]
        self.keys = sorted(units, key=order_of)
        self.units = [units[key] for key in self.keys]
        found = {key: log for rule in rules for key, log in rule.logs().items()}
        self.logs = {k: found[key] for k, key in enumerate(self.keys) if key in found}

    def check_known(self, encoded: Sequence[Array]) -> None:
        """Refuse blocks of coordinates of which one is known nowhere."""
        known = np.any([np.isfinite(u).any(axis=(0, 1)) for u in encoded], axis=0)
        if not known.all():
            key = self.keys[int(np.argmin(known))]
            raise ValueError(
                f"{label_of(channel_of(key), ())} has no value in any series, or too few to learn "
                "what is between them: leave it out"
            )

    def sources(self, positions: Sequence[int]) -> list[int]:
        """Return the channels that some coordinates belong to."""
        return [channel_of(self.keys[k]) for k in positions]

    def _positions(self, keys: set[Key], words: Sequence[str]) -> list[int]:
        """Return where these columns are, and those that are called so."""
        named = {key for key in self.keys if isinstance(key, tuple) and key[1] in words}
        return [k for k, key in enumerate(self.keys) if key in keys | named]

    @property
    def scored(self) -> list[int]:
        """Positions of those in which values of the data are intervals."""
        return self._positions({key for rule in self._scores for key in rule.columns}, IN_PARTS)

    @property
    def static(self) -> list[int]:
        """Positions of those that are constant along time."""
        return self._positions({key for r in self.attributes for key in r.columns}, CONSTANT)

    @property
    def directions(self) -> list[int]:
        """Positions of cosines and sines, of which one stands still only if the other does."""
        sines = {key for key in self.keys if isinstance(key, tuple) and key[1] == SINE}
        return self._positions({channel_of(key) for key in sines}, (SINE,))

    @property
    def starts(self) -> list[int]:
        """Positions of those that a channel which only rises begins with."""
        return self._positions(set(), ("start",))

    @property
    def lengths(self) -> list[int]:
        """Positions of those that tell where series end."""
        return self._positions(set(), ("length",))

    @property
    def states(self) -> dict[tuple[int, ...], States]:
        """What is known of those whose intervals are states that come and go."""
        found = {tuple(map(self.keys.index, rule.columns)): rule.states for rule in self._scores}
        return {k: states for k, states in found.items() if states is not None}

    @property
    def attributes(self) -> list[NormalScore]:
        """Rules of the channels that have one value a series."""
        return [rule for rule in self._scores if rule.static]

    def with_attributes(self, u: NDArray[Any], channels: list[int], values: Array) -> NDArray[Any]:
        """Return coordinates of series that have these attributes ``(n_series, n_channels)``.

        Scores that stand for what is asked for stay as they are, and with them what they have to
        do with the rest of their series; others are drawn, for each series by itself.
        """
        u = np.array(u)
        keys = series_keys(u.reshape(len(u), -1).astype(np.float64))
        for rule in self.attributes:
            if rule.keys[0] in channels:
                own = {
                    key: u[:, :, self.keys.index(key)].astype(np.float64).mean(1, keepdims=True)
                    for key in rule.columns
                }
                asked = values[:, channels.index(channel_of(rule.keys[0])), None]
                for key, z in rule.scores_of(asked, own, keys).items():
                    u[:, :, self.keys.index(key)] = z
        return u
