"""Channels of an order that stand still: what coordinates of theirs cannot.

The distance of two channels stands still if both do, and a position between two others hardly
ever; so these channels are looked at as they are, and led back to coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen.rules.dependence import Dependence
from sklearn_timegen.rules.order import Order
from sklearn_timegen.rules.redundant import Combination, Copy
from sklearn_timegen.rules.rule import as_block, channel_of
from sklearn_timegen.rules.sample_hold import SampleHolder, carried
from sklearn_timegen.rules.stillness import stand_still
from sklearn_timegen.rules.structure import Structure

__all__ = ["ChannelHolder"]

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Kinds of rules that a value taken from the timestep before could break.
KEPT = (
    "clock",
    "monotone",
    "standardized",
    "parts",
    "multiplicative",
    "angle",
    "one of",
    "static",
    "shape",
)
FUNCTIONS = (Copy, Combination, Dependence)
FOLLOWS = 0.8  # of the timesteps at which all that a channel follows from stands still, it does


@dataclass
class _Follower:
    """A channel that is a function of others, and of a rest if it has a coordinate."""

    channel: int
    column: int | None
    of: list[int]
    exact: Copy | Combination | None  # in units of the data


class ChannelHolder(BaseEstimator):
    """Let channels of an order stand still, though their coordinates do not.

    Temperatures and dew points, highs and lows: coordinates of an order are distances, or
    positions between others, and stand still less often than channels. So channels are brought to
    their grids, or hold their last value, as :class:`GridSnapper` and :class:`SampleHolder` do,
    wherever no rule is broken by that, and none leaves another that it is equal to. What is a
    function of channels that stand still does so, too: but for a rest, if it does in training.

    Parameters
    ----------
    structure : Structure
        The structure, fitted, whose coordinates it is given.

    Attributes
    ----------
    steps_ : list of GridSnapper and SampleHolder
        What lets channels stand still; none, if none does.
    channels_ : list of int
        The channels that these are about.
    pairs_ : list of (int, int)
        Channels of which one is never above the other.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import ChannelHolder, Structure
    >>> rng = np.random.default_rng(0)
    >>> walk = rng.normal(size=(300, 24)).cumsum(axis=1)
    >>> x = np.stack([walk, walk + rng.exponential(size=walk.shape)], axis=2)
    >>> for t in range(1, 24):
    ...     held = (rng.random(300) < 0.1) & (x[:, t - 1, 1] > x[:, t, 0])
    ...     x[held, t, 1] = x[held, t - 1, 1]
    >>> structure = Structure()
    >>> u = structure.fit_transform(x.astype(np.float32))
    >>> holder = ChannelHolder(structure).fit(x.astype(np.float32))
    >>> holder.channels_
    [1]
    """

    n_draws: ClassVar[int] = 1000

    def __init__(self, structure: Structure) -> None:
        self.structure = structure

    def fit(self, x: FloatArray) -> ChannelHolder:
        """Learn from training series ``(n_samples, n_timesteps, n_channels)``, NaN if missing."""
        if not hasattr(self.structure, "rules_"):
            raise ValueError("the structure has seen no data: call its fit_transform(x) first")
        rules = self.structure.rules_
        pairs = [pair for rule in rules if isinstance(rule, Order) for pair in rule.covers()]
        self.pairs_ = [(a, b) for a, b in pairs if isinstance(a, int) and isinstance(b, int)]
        bound = {key for rule in rules if rule.kind in KEPT for key in rule.keys}
        ordered = sorted({k for pair in self.pairs_ for k in pair} - bound)
        self.steps_: list[Any] = []
        if ordered:
            self.steps_ = [*stand_still(self.structure.fill(x), ordered, known=np.isfinite(x))]
        self.channels_ = sorted({d for step in self.steps_ for d in step.channels_})
        self.followers_ = self._find_followers(x)
        return self

    def _find_followers(self, x: FloatArray) -> list[_Follower]:
        """Return what is a function of these channels, or but for a rest that stands still too."""
        found: list[_Follower] = []
        told = set(self.channels_)
        columns = self.structure.coordinates_.keys
        functions = [r for r in self.structure.rules_ if isinstance(r, FUNCTIONS)]
        for rule in functions * len(functions):  # copies of what follows, too, and after it
            key, of = rule.keys[0], sorted({channel_of(k) for k in rule.keys[1:]})
            if told.isdisjoint(of) or not isinstance(key, int) or key in told:
                continue
            if key not in columns or _follows(x, key, of):
                column = columns.index(key) if key in columns else None
                exact = None if isinstance(rule, Dependence) else rule
                found.append(_Follower(key, column, of, exact))
                told.add(key)
        return found

    def calibrate(self, drawn: NDArray[Any]) -> ChannelHolder:
        """Learn from coordinates that were drawn what is to be held of their series."""
        check_is_fitted(self)
        finite = drawn[np.isfinite(drawn).all(axis=(1, 2))][: self.n_draws]
        if len(finite):
            x = self.structure.inverse_transform(finite, present=True)
            self._calibrate(x, None)
            # What rules leave no room for is made up for where they do.
            self._calibrate(x, self._held(x, None))
        return self

    def _calibrate(self, x: FloatArray, made: FloatArray | None) -> None:
        for step in self.steps_:
            if isinstance(step, SampleHolder) and made is not None:
                step.calibrate(x, step.lacking(made))
            else:
                step.calibrate(x)
            x = step.transform(x)

    def transform(self, u: NDArray[Any]) -> NDArray[Any]:
        """Return coordinates as they are: of these channels, series stand still."""
        return u

    def transform_channels(self, x: FloatArray) -> FloatArray:
        """Return series, which have no missing values, of which the channels stand still."""
        return self._each(x, None)

    def complete(self, u: NDArray[Any], known: Mask) -> NDArray[Any]:
        """Return coordinates as they are, as ``transform`` does."""
        return u

    def complete_channels(self, x: FloatArray, known: Mask) -> FloatArray:
        """Return series of which the channels stand still where they are not ``known``."""
        return self._each(x, known)

    def _each(self, x: FloatArray, known: Mask | None) -> FloatArray:
        check_is_fitted(self)
        finite = np.isfinite(x).all(axis=(1, 2))
        if not (self.steps_ and finite.any()):
            return x
        out = x.copy()
        out[finite] = self._held(x[finite], None if known is None else known[finite])
        return out

    def _held(self, x: FloatArray, known: Mask | None) -> FloatArray:
        """Return series of which the channels stand still, where no rule is broken by that."""
        y = x
        for step in self.steps_:
            y = step.transform(y) if known is None else step.complete(y, known)
        for d in self.channels_:  # as few as will do
            wrong, freed = self._wrong(x, y), y.copy()
            freed[:, :, d] = np.where(wrong, x[:, :, d], y[:, :, d])
            y = np.where((wrong & ~self._wrong(x, freed))[:, :, None], freed, y)
        y = self._followed(x, np.where(self._wrong(x, y)[:, :, None], x, y))
        if known is not None:
            y = np.where(known, x, y)
        broken = np.zeros(y.shape[:2], dtype=bool)
        for _, own in self.structure.rules_.violations(y):
            broken |= own
        return np.where(broken[:, :, None], x, y)

    def _wrong(self, x: FloatArray, y: FloatArray) -> Mask:
        """Return at which timesteps new series break an order, or leave what was equal."""
        broken = np.zeros(y.shape[:2], dtype=bool)
        for low, high in self.pairs_:
            broken |= y[:, :, low] > y[:, :, high]
        return broken | (self._touch(x) & ~self._touch(y))

    def _touch(self, x: FloatArray) -> Mask:
        """Return at which timesteps one of the channels is equal to another one of its order."""
        touch = np.zeros(x.shape[:2], dtype=bool)
        for low, high in self.pairs_:
            touch |= x[:, :, low] == x[:, :, high]
        return touch

    def _followed(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return new series with what is a function of the channels, with the rest that it had."""
        new = y if all(own.exact for own in self.followers_) else self._with_rest_of(x, y)
        out = y.copy()
        for own in self.followers_:
            if own.exact is not None:
                block = own.exact.decode(as_block(out))
                out[:, :, own.channel] = block[own.channel]
                continue
            still = (np.diff(out[:, :, own.of], axis=1) == 0).all(axis=2)
            out[:, :, own.channel] = carried(new[:, :, own.channel], still)
        return out

    def _with_rest_of(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return new series, but with what the functions leave as it was in the ones before."""
        before, after = (self.structure.transform(z, tell=False) for z in (x, y))
        columns = [own.column for own in self.followers_ if own.column is not None]
        after[:, :, columns] = before[:, :, columns]
        return self.structure.inverse_transform(after, present=True)


def _follows(x: FloatArray, target: int, others: list[int]) -> bool:
    """Whether a channel stands still where all that it is a function of do."""
    still = (np.diff(x[:, :, others], axis=1) == 0).all(axis=2)
    return bool(still.any() and (np.diff(x[:, :, target], axis=1) == 0)[still].mean() >= FOLLOWS)
