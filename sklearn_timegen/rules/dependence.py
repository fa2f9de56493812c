"""Channels that are functions of others.

Symbols: ``y`` is the target, ``s`` the others at the same timestep, ``P`` a polynomial; the rest
``y - P(s)`` is judged on blocks of timesteps that ``P`` has not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.normal_score import find_normal_scores
from sklearn_timegen.rules.polynomial import Polynomial, degrees_for
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
MOST_CELLS = 4000  # that are fitted
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
        y, s, follows = _observed(blocks, self.keys)
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


class _Fitted:
    """How much a polynomial of some degree leaves of a channel, where it was not fitted."""

    def __init__(self, y: Array, s: Array, follows: Mask, degree: int) -> None:
        block = np.arange(len(y)) * N_BLOCKS // len(y)
        fitted, judged = block % 2 == 0, block % 2 == 1
        polynomial = Polynomial(*_thinned(s[fitted], y[fitted, None]), degree)
        off = y - polynomial(s)[:, 0]
        self.degree = degree
        self.rest = float(off[judged].std() / y.std())
        moves = (follows & judged & np.roll(judged, 1))[1:]
        steps, of_rest = np.diff(y)[moves], np.diff(off)[moves]
        self.moving = float(of_rest.std() / steps.std()) if steps.size and steps.std() else 0.0

    @classmethod
    def best(cls, y: Array, s: Array, follows: Mask) -> _Fitted | None:
        """Return the degree that leaves the least, of those that so many cells can tell."""
        if len(y) < FEWEST or np.ptp(y) == 0 or (np.ptp(s, axis=0) == 0).any():
            return None
        n_fitted = min(len(y) // 2, MOST_CELLS)
        degrees = degrees_for(n_fitted, s.shape[1], HIGHEST)
        fits = [cls(y, s, follows, degree) for degree in degrees]
        return min(fits, key=lambda fit: fit.rest, default=None)

    @property
    def believable(self) -> bool:
        return self.rest <= CLOSE and self.moving <= MOVING


def _thinned(s: Array, y: Array) -> tuple[Array, Array]:
    some = np.linspace(0, len(s) - 1, min(len(s), MOST_CELLS)).astype(int)
    return s[some], y[some]


def _observed(blocks: Sequence[Block], keys: Sequence[Key]) -> tuple[Array, Array, Mask]:
    """Return a column, and others beside each other, where none of them is missing.

    Together with whether a cell follows directly on the one before it.
    """
    x = np.stack(columns(blocks, keys), axis=1)
    there = ~np.isnan(x).any(axis=1)
    begins = [np.arange(block[keys[0]].size) % block[keys[0]].shape[1] == 0 for block in blocks]
    follows = there & np.roll(there, 1) & ~np.concatenate(begins)
    return x[there, 0], x[there, 1:], follows[there]


def find_dependences(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the channels that are functions of a few others, the closest ones first."""
    keys: list[Key] = [key for key in blocks[0] if isinstance(key, int)]
    # Values that occur often would not, as what is left of them.
    with_masses = {key for rule in find_normal_scores(blocks, units) for key in rule.keys}
    targets = [key for key in keys if key not in with_masses]
    tried = {key: _closest(blocks, key, keys) for key in targets}
    found: list[Rule] = []
    written: set[Key] = set()
    for key in sorted(targets, key=lambda key: tried[key][0]):
        rest, others = tried[key]
        if written & set(others):
            rest, others = _closest(blocks, key, [k for k in keys if k not in written])
        if others and (rest <= EXACT or _is_curved(blocks, key, others, rest)):
            rule = Dependence(key, *others)
            rule.learn(blocks)
            if not any(rule.broken(block).any() for block in blocks):
                found.append(rule)
                written.add(key)
    return found


def _is_curved(blocks: Sequence[Block], key: Key, others: Sequence[Key], rest: float) -> bool:
    """Whether a plane leaves much more of a channel: what is linear, networks see as it is."""
    plane = _Fitted(*_observed(blocks, [key, *others]), 1)
    return rest < CURVED * plane.rest


def _closest(blocks: Sequence[Block], key: Key, keys: Sequence[Key]) -> tuple[float, list[Key]]:
    """Return the others that a channel is a function of, and what they leave of it.

    The fewest that leave hardly more than any.
    """
    tried: list[tuple[float, list[Key]]] = []
    for others in _sets_of_others(blocks, key, keys):
        if tried and tried[-1][0] <= EXACT and len(others) > len(tried[-1][1]):
            break
        fitted = _Fitted.best(*_observed(blocks, [key, *others]))
        if fitted is not None and fitted.believable:
            tried.append((fitted.rest, list(others)))
            tried.sort(key=lambda one: -one[0])
    if not tried:
        return np.inf, []
    least = max(EXACT, HARDLY * tried[-1][0])
    return min((one for one in tried if one[0] <= least), key=lambda one: (len(one[1]), one[0]))


def _sets_of_others(
    blocks: Sequence[Block], key: Key, keys: Sequence[Key]
) -> Iterator[tuple[Key, ...]]:
    rest = [k for k in keys if k != key]
    if len(rest) > N_CANDIDATES:
        strength = [_correlation(*_observed(blocks, [key, k])[:2]) for k in rest]
        rest = [rest[j] for j in sorted(np.argsort(strength)[::-1][:N_CANDIDATES])]
    for n_others in range(1, MOST_OTHERS + 1):
        yield from combinations(rest, n_others)


def _correlation(y: Array, s: Array) -> float:
    """Return how much of a channel follows from another, on a line or a parabola."""
    if len(y) < FEWEST or np.ptp(y) == 0 or np.ptp(s) == 0:
        return 0.0
    s, target = _thinned(s, y[:, None])
    rest = target - Polynomial(s, target, 2)(s)
    return 1 - float(rest.var() / target.var())
