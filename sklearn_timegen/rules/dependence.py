"""Channels that are functions of others.

Symbols: ``y`` is the target, ``s`` the others at the same timestep, ``P`` a polynomial; the rest
``y - P(s)`` is judged on blocks of timesteps that ``P`` has not seen.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.normal_score_finding import find_normal_scores
from sklearn_timegen.rules.polynomial import Polynomial, degrees_for, values_by_degree
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, columns

__all__ = ["Dependence", "find_dependences"]

Array = NDArray[np.float64]

CURVED = 0.5  # of what a plane leaves of a channel, that a function may leave
EXACT = 1e-4  # of the standard deviation: what the rest of a channel is that is left out
CLOSE = 0.1  # of the standard deviation: the rest of a channel in whose place it stands
MOVING = 0.5  # of the steps' standard deviation: what walks that only happen to be alike are not
HARDLY = 1.2  # times what the best others leave
MOST_OTHERS = 3
N_CANDIDATES = 6  # others that are tried together, of those most correlated
HIGHEST = 3  # degree
N_BLOCKS = 20  # of neighbouring cells, of which every second one is fitted
MOST_CELLS = 2000  # that are fitted: a hundred for each coefficient of three variables
FEWEST = 200  # cells, before a function can be believed
N_STEPS = 10  # of Newton
ROOM = 0.1  # of the range of the others in training: as far beyond it a function may go on


class Dependence(Rule):
    """A channel that is a function of others at the same timestep.

    The function is a polynomial of degree 3 at most. If it gives the channel to a ten-thousandth
    of its standard deviation, the channel is left out, and restored as the function says.
    Otherwise its coordinate is what the function leaves, a small number, and the rule restricts
    nothing: errors of a generator are those of the rest, and not of the channel.

    Parameters
    ----------
    target : int or str
        The channel.
    *others : int or str
        Of which it is a function.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import find_rules
    >>> x = np.random.default_rng(0).normal(size=(50, 24, 3))
    >>> x[:, :, 2] = x[:, :, 0] * x[:, :, 1] + x[:, :, 0]
    >>> find_rules(x, names=["a", "b", "c"])
    c = f(a, b): 1,200 cells, none broken
    """

    kind = "dependence"
    learned = "_polynomial"
    judges_unlearned = False

    def __init__(self, target: Any, *others: Any) -> None:
        if not others or len({target, *others}) <= len(others):
            raise ValueError(
                "Dependence takes a channel and the different others that it is a function of, as "
                f"Dependence('dew point', 'temperature', 'humidity'), got {(target, *others)!r}"
            )
        super().__init__(target, *others)
        self.is_exact = True

    def statement(self) -> str:
        target, *others = self.labels
        return f"{target} = f({', '.join(others)}){'' if self.is_exact else ' + rest'}"

    def learn(self, blocks: Sequence[Block]) -> None:
        y, s, follows = _Cells(blocks, self.keys).of(*self.keys)
        fitted = _Fitted.best(y, s, follows)
        if fitted is None:
            raise ValueError(
                f"the rule {self.statement()!r} cannot be judged: there are {len(y)} cells at "
                "which all of its channels are observed, too few for a polynomial of them, or "
                "they do not vary. Leave the rule out"
            )
        if fitted.rest > CLOSE:
            raise ValueError(
                f"the rule {self.statement()!r} does not hold: a polynomial of degree {HIGHEST} "
                f"leaves {fitted.rest:.2g} standard deviations, more than {CLOSE:g}. Leave the "
                "rule out"
            )
        self._polynomial = Polynomial(*_thinned(s, y[:, None]), fitted.degree)
        room = ROOM * np.ptp(s, axis=0)
        self._range = s.min(axis=0) - room, s.max(axis=0) + room
        off = float(np.abs(y - self._polynomial(s)[:, 0]).max())
        deviation = float(y.std())
        self.is_exact = fitted.rest <= EXACT and off <= 10 * EXACT * deviation
        self._reach = max(2 * off, EXACT * deviation) if self.is_exact else np.inf

    def _value(self, block: Block) -> Array:
        s = np.stack([block[key].ravel() for key in self.keys[1:]], axis=1)
        if (
            not self.is_exact
        ):  # far beyond training, a polynomial that is only close leads anywhere
            s = s.clip(*self._range)
        value: Array = self._polynomial(s)[:, 0].reshape(block[self.keys[1]].shape)
        return value

    def broken(self, block: Block) -> Mask:
        mask: Mask = np.abs(block[self.keys[0]] - self._value(block)) > self._reach
        return mask

    def encode(self, block: Block) -> Block:
        key = self.keys[0]
        if self.is_exact:
            return {k: column for k, column in block.items() if k != key}
        return {**block, key: block[key] - self._value(block)}

    def decode(self, block: Block) -> Block:
        value = self._value(block)
        return {**block, self.keys[0]: value if self.is_exact else value + block[self.keys[0]]}

    def infer(self, block: Block, known: dict[Key, Mask]) -> tuple[Block, dict[Key, Mask]]:
        if not self.is_exact:
            return block, known
        key, *others = self.keys
        told = np.logical_and.reduce([known[k] for k in others]) & ~known[key]
        filled = np.where(told, self._value(block), block[key])
        return {**block, key: filled}, {**known, key: known[key] | told}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        if not self.is_exact:
            return block
        key, *others = self.keys
        # What is known of the target moves the others that are not, as little as will do.
        out = dict(block)
        free = np.stack([~known[k] & known[key] for k in others], axis=2)
        s = np.stack([block[k] for k in others], axis=2)
        rows = free.any(axis=2)
        some, y = s[rows], block[key][rows]
        for _ in range(N_STEPS if len(some) else 0):
            slope = self._polynomial.gradient(some)[:, 0] * free[rows]
            size = (slope**2).sum(axis=1, keepdims=True)
            off = (y - self._polynomial(some)[:, 0])[:, None]
            some = some + np.where(size > 0, slope * off / np.where(size > 0, size, 1.0), 0.0)
        s[rows] = some
        out |= {k: s[:, :, j] for j, k in enumerate(others)}
        return {**out, key: np.where(known[key], block[key], self._value(out))}

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        if self.is_exact:
            return {key: unit for key, unit in units.items() if key != self.keys[0]}
        return {**units, self.keys[0]: "free"}

    def renamed(self) -> dict[Key, str]:
        return {} if self.is_exact else {self.keys[0]: f"rest of {self.labels[0]}"}

    def log_slope(self, block: Block) -> float:
        return 0.0  # what is taken off depends on other channels only


@dataclass(frozen=True)
class _Fitted:
    """How much a polynomial of some degree leaves of a channel, where it was not fitted."""

    degree: int
    rest: float  # in standard deviations of the channel
    moving: float  # in those of its steps

    @classmethod
    def of(cls, y: Array, s: Array, follows: Mask, degrees: Sequence[int]) -> list[_Fitted]:
        """Fit a polynomial of each degree to every second block of cells."""
        judged = np.arange(len(y)) * N_BLOCKS // len(y) % 2 == 1
        moves = (follows & judged & np.roll(judged, 1))[1:]
        steps = np.diff(y)[moves]
        spread, moving = y.std(), steps.std() if steps.size else 0.0
        fitted = _thinned(s[~judged], y[~judged, None])
        fits = []
        for degree, value in zip(degrees, values_by_degree(*fitted, degrees, s), strict=True):
            off = y - value[:, 0]
            still = float(np.diff(off)[moves].std() / moving) if moving else 0.0
            fits.append(cls(degree, float(off[judged].std() / spread), still))
        return fits

    @classmethod
    def best(cls, y: Array, s: Array, follows: Mask) -> _Fitted | None:
        """Return the degree that leaves the least, of those that so many cells can tell."""
        if len(y) < FEWEST or np.ptp(y) == 0 or (np.ptp(s, axis=0) == 0).any():
            return None
        n_fitted = min(len(y) // 2, MOST_CELLS)
        degrees = list(degrees_for(n_fitted, s.shape[1], HIGHEST))
        fits = cls.of(y, s, follows, degrees)
        return min(fits, key=lambda fit: fit.rest, default=None)

    @property
    def believable(self) -> bool:
        return self.rest <= CLOSE and self.moving <= MOVING


def _thinned(s: Array, y: Array) -> tuple[Array, Array]:
    if len(s) <= MOST_CELLS:
        return s, y
    some = _spread_out(len(s))
    return s[some], y[some]


def _spread_out(n: int) -> NDArray[np.int64]:
    """Return which of ``n`` cells are fitted."""
    some: NDArray[np.int64] = np.linspace(0, n - 1, min(n, MOST_CELLS)).astype(int)
    return some


class _Cells:
    """Columns, flat, and where their values are."""

    def __init__(self, blocks: Sequence[Block], keys: Sequence[Key]) -> None:
        self._columns = dict(zip(keys, columns(blocks, keys), strict=True))
        self._there = {key: ~np.isnan(column) for key, column in self._columns.items()}
        shapes = [block[keys[0]].shape for block in blocks] if keys else []
        self._goes_on = np.concatenate(
            [
                np.zeros(0, dtype=bool),
                *(np.arange(n * length) % length != 0 for n, length in shapes),
            ]
        )

    def of(self, key: Key, *others: Key) -> tuple[Array, Array, Mask]:
        """Return a column, and others beside each other, where none of them is missing.

        Together with whether a cell follows directly on the one before it.
        """
        y, s = self._columns[key], np.stack([self._columns[k] for k in others], axis=1)
        there = np.logical_and.reduce([self._there[k] for k in (key, *others)])
        if there.all():
            return y, s, self._goes_on
        follows = there & np.roll(there, 1) & self._goes_on
        return y[there], s[there], follows[there]

    def correlations(
        self, targets: Sequence[Key], keys: Sequence[Key]
    ) -> dict[Key, dict[Key, float]]:
        """Return how much of each target follows from each column, on a line or a parabola.

        What all targets with values at the same cells leave is told by one fit.
        """
        alike: dict[bytes, list[Key]] = {}
        for target in targets:
            alike.setdefault(np.packbits(self._there[target]).tobytes(), []).append(target)
        found: dict[Key, dict[Key, float]] = {target: {} for target in targets}
        for key in keys:
            for together in alike.values():
                strengths = self._strengths(together, key)
                for target, strength in zip(together, strengths, strict=True):
                    found[target][key] = float(strength)
        return found

    def _strengths(self, targets: Sequence[Key], key: Key) -> Array:
        there = np.flatnonzero(self._there[targets[0]] & self._there[key])
        strengths = np.zeros(len(targets))
        if len(there) < FEWEST:
            return strengths
        there = there[_spread_out(len(there))]
        s = self._columns[key][there, None]
        y = np.stack([self._columns[target][there] for target in targets])
        varies = (np.ptp(y, axis=1) > 0) & (np.ptp(s) > 0)
        y = y[varies]
        rest = y - Polynomial(s, y.T, 2)(s).T
        strengths[varies] = 1 - rest.var(axis=1) / y.var(axis=1)
        return strengths


def find_dependences(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the channels that are functions of a few others, the closest ones first."""
    keys: list[Key] = [key for key in blocks[0] if isinstance(key, int)]
    # Values that occur often would not, as what is left of them.
    with_masses = {key for rule in find_normal_scores(blocks, units) for key in rule.keys}
    targets = [key for key in keys if key not in with_masses]
    search = _Search(blocks, targets, keys)
    tried = {key: search.closest(key) for key in targets}
    found: list[Rule] = []
    written: set[Key] = set()
    for key in sorted(targets, key=lambda key: tried[key][0]):
        rest, others = tried[key]
        if written & set(others):
            rest, others = search.closest(key, written)
        if others and (rest <= EXACT or search.is_curved(key, others, rest)):
            rule = Dependence(key, *others)
            rule.learn(blocks)
            if not any(rule.broken(block).any() for block in blocks):
                found.append(rule)
                written.add(key)
    return found


class _Search:
    """The search for what each of some channels is a function of."""

    def __init__(
        self, blocks: Sequence[Block], targets: Sequence[Key], keys: Sequence[Key]
    ) -> None:
        self._keys = keys
        self._cells = _Cells(blocks, keys)
        many = len(keys) > N_CANDIDATES + 1
        self._strengths = self._cells.correlations(targets, keys) if many else {}

    def closest(self, key: Key, without: Container[Key] = ()) -> tuple[float, list[Key]]:
        """Return the others that a channel is a function of, and what they leave of it.

        The fewest that leave hardly more than any.
        """
        tried: list[tuple[float, list[Key]]] = []
        for others in self._sets_of_others(key, without):
            if tried and tried[-1][0] <= EXACT and len(others) > len(tried[-1][1]):
                break
            fitted = _Fitted.best(*self._cells.of(key, *others))
            if fitted is not None and fitted.believable:
                tried.append((fitted.rest, list(others)))
                tried.sort(key=lambda one: -one[0])
        if not tried:
            return np.inf, []
        least = max(EXACT, HARDLY * tried[-1][0])
        near = [one for one in tried if one[0] <= least]
        return min(near, key=lambda one: (len(one[1]), one[0]))

    def is_curved(self, key: Key, others: Sequence[Key], rest: float) -> bool:
        """Whether a plane leaves much more of it: what is linear, networks see as it is."""
        (plane,) = _Fitted.of(*self._cells.of(key, *others), [1])
        return rest < CURVED * plane.rest

    def _sets_of_others(self, key: Key, without: Container[Key]) -> Iterator[tuple[Key, ...]]:
        rest = [k for k in self._keys if k != key and k not in without]
        if len(rest) > N_CANDIDATES:
            strength = [self._strengths[key][k] for k in rest]
            rest = [rest[j] for j in sorted(np.argsort(strength)[::-1][:N_CANDIDATES])]
        for n_others in range(1, MOST_OTHERS + 1):
            yield from combinations(rest, n_others)
