"""Windows that lie on a surface of few dimensions.

Symbols: a window ``x`` of ``T`` timesteps has the principal scores ``s``, ``k`` of them, in the
basis ``V``; ``x = P(s)`` with a polynomial ``P``. The scores of training lie on a surface of ``d``
dimensions, ``d <= k``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from sklearn_timegen.rules.polynomial import Polynomial, degrees_for
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, channel_of, inferred
from sklearn_timegen.rules.shape_gaps import completed_windows
from sklearn_timegen.rules.surface import N_ROUNDS, Surface, local_dimension

__all__ = ["SCORES", "Shape", "find_shapes"]

Array = NDArray[np.float64]

FEWEST = 300  # windows, before a surface can be believed
MOST_SCORES = 8  # beyond, training windows are too far apart to tell a surface
HIGHEST = 6  # degree
CLOSE = 1e-3  # of the standard deviation: what windows may be off their polynomial
CURVED = 10.0  # times farther than a polynomial must a plane be, which smooth walks are near, too
FAR = 0.02  # of the standard deviation: where the other windows may see one, at most
MOST_WINDOWS = 5000  # that the polynomial is fitted to
MOST_POINTS = 2000  # that are kept
N_INSIDE = 1000  # of these, evenly taken; the others are at edges
N_EDGES = 6  # times that points beyond an edge are looked for
N_STEPS = 15  # of Gauss and Newton
DETERMINED = 1e-4  # of the greatest eigenvalue: the least one of scores that known cells determine
SCORES = tuple(f"score {j + 1}" for j in range(MOST_SCORES))


class Shape(Rule):
    """Windows of a channel that lie on a surface of few dimensions, as sines do.

    Its coordinates are the first principal scores of a window, each a column that is constant
    along time, from which a polynomial gives the window back. What is drawn is brought to the
    surface near training scores, no farther out than these reach. It is an approximation: training
    windows come back to a thousandth of the channel's standard deviation. It speaks of windows of
    one length, and says nothing about series of another.

    The rule keeps the scores of up to 2,000 training windows, that is, the windows themselves:
    whoever is handed a generator has these.

    Parameters
    ----------
    channel : int or str
        The channel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.rules import find_rules
    >>> X = make_sines(400, 24, 1, random_state=0)
    >>> (shape,) = find_rules(X, include="shape")
    >>> shape
    windows of channel 0 lie on a surface of 2 dimensions: 9,600 cells, none broken
    >>> drawn = shape.inverse_transform(np.random.default_rng(0).normal(size=(5, 24, 3)))
    >>> bool(shape.violations(drawn).any())
    False
    """

    kind = "shape"
    learned = "_surface"
    judges_unlearned = False

    def __init__(self, channel: Any) -> None:
        super().__init__(channel)

    def statement(self) -> str:
        if not hasattr(self, "_surface"):
            return f"windows of {self.labels[0]} lie on a surface of few dimensions"
        d = self._surface.dimension
        of = "a curve" if d == 1 else f"a surface of {d} dimensions"
        return f"windows of {self.labels[0]} lie on {of}"

    # -- the surface --------------------------------------------------------------------------

    def learn(self, blocks: Sequence[Block]) -> None:
        rows = _whole_windows(blocks, self.keys[0])
        found = None if rows is None else _principal(rows)
        if rows is None or found is None:
            raise ValueError(
                f"the rule {self.statement()!r} does not hold: no polynomial of up to "
                f"{MOST_SCORES} principal scores, fewer than half of the timesteps, gives windows "
                f"of one length back to {CLOSE:g} standard deviations. Leave the rule out"
            )
        self._learn_surface(rows, found)

    def _learn_surface(self, rows: Array, found: _Principal) -> None:
        """Learn where the windows lie whose scores have been found."""
        self._mean, self._basis, self._polynomial = found.mean, found.basis, found.polynomial
        self._deviation = float(rows.std())
        scores = self._scores(rows)
        inside = _some(scores, N_INSIDE)
        surface, off = _surface_of(inside, FAR * self._deviation)
        self._surface = _with_edges(surface, scores, CLOSE * self._deviation)
        # New windows of the same kind are as far off as each one of training is from the others.
        self._reach = max(CLOSE * self._deviation, 2 * off)
        # What is farther off breaks it; the rest of training does not.
        farthest = float(self._distance(rows, n_rounds=1).max())
        if farthest <= FAR * self._deviation:
            self._reach = max(self._reach, 1.01 * farthest)

    @property
    def n_timesteps(self) -> int:
        """Length of the windows."""
        return len(self._mean)

    def _scores(self, x: Array) -> Array:
        s: Array = (x - self._mean) @ self._basis
        return s

    def broken(self, block: Block) -> Mask:
        column = block[self.keys[0]]
        mask: Mask = np.zeros(column.shape, dtype=bool)
        if column.shape[1] != self.n_timesteps:
            return mask
        x = inferred(self, block)[self.keys[0]]
        rows = np.isfinite(x).all(axis=1)
        mask[rows] = self._distance(x[rows]) > self._reach
        return mask & np.isfinite(column)

    def _distance(self, x: Array, n_rounds: int = N_ROUNDS) -> Array:
        """Return how far each cell of windows is from their place on the surface."""
        near = self._surface.nearest(self._scores(x), within=False, n_rounds=n_rounds)
        distance: Array = np.abs(x - self._polynomial(near))
        return distance

    # -- coordinates --------------------------------------------------------------------------

    def encode(self, block: Block) -> Block:
        key = self.keys[0]
        out = dict(inferred(self, block))
        column = out.pop(key)
        self._check_length(column)
        s = self._scores(column)
        columns = zip(self._columns, s.T, strict=True)
        return {**out, **{k: np.repeat(one[:, None], column.shape[1], 1) for k, one in columns}}

    def decode(self, block: Block) -> Block:
        out = dict(block)
        columns = [out.pop(key) for key in self._columns]
        self._check_length(columns[0])
        s = np.stack([column.mean(axis=1) for column in columns], axis=1)
        return {**out, self.keys[0]: self._windows_near(s)}

    def _windows_near(self, s: Array) -> Array:
        """Return windows on the surface, near where scores are."""
        x = self._polynomial(self._surface.nearest(s))
        # At a corner of the surface it may be seen otherwise from there than from outside.
        lost = self._distance(x).max(axis=1) > self._reach / 2
        x[lost] = self._polynomial(self._surface.closest_known(s[lost]))
        return x

    def _check_length(self, column: Array) -> None:
        if column.shape[1] != self.n_timesteps:
            raise ValueError(
                f"the rule {self.statement()!r} speaks of windows of {self.n_timesteps} "
                f"timesteps, got {column.shape[1]}: take windows of that length, or rules without "
                "it, as by find_rules(X, exclude='shape')"
            )

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        kept = {key: unit for key, unit in units.items() if key != self.keys[0]}
        return {**kept, **dict.fromkeys(self._columns, "free")}

    @property
    def _columns(self) -> list[Key]:
        k = self._basis.shape[1]
        return [(channel_of(self.keys[0]), word) for word in SCORES[:k]]

    # -- what is not known --------------------------------------------------------------------

    def infer(self, block: Block, known: dict[Key, Mask]) -> tuple[Block, dict[Key, Mask]]:
        key = self.keys[0]
        x, there = block[key], np.broadcast_to(known[key], block[key].shape)
        enough = there.sum(axis=1) > self._basis.shape[1]
        rows = np.flatnonzero(enough & ~there.all(axis=1))
        if len(rows) == 0 or x.shape[1] != self.n_timesteps:
            return block, known
        s, determined = self._from_known(x[rows], there[rows])
        back = self._polynomial(s)
        off = np.where(there[rows], np.abs(x[rows] - back), 0.0).max(axis=1)
        told, back = (
            rows[determined & (off <= self._reach)],
            back[determined & (off <= self._reach)],
        )
        filled, now = x.copy(), there.copy()
        filled[told] = np.where(there[told], x[told], back)
        now[told] = True
        return {**block, key: filled}, {**known, key: now}

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        key = self.keys[0]
        x, there = block[key], np.broadcast_to(known[key], block[key].shape)
        self._check_length(x)
        rows = np.flatnonzero(~there.all(axis=1))
        if len(rows) == 0:
            return block
        s = self._from_known(x[rows], there[rows])[0]
        out = x.copy()
        out[rows] = np.where(there[rows], x[rows], self._polynomial(s))
        # Where what is known leaves room, or hardly tells the scores, the surface tells the rest.
        off = ~(self._distance(out[rows]).max(axis=1) <= self._reach / 2)
        rows, s = rows[off], s[off]
        for _ in range(N_STEPS if len(rows) else 0):
            near = self._surface.nearest(s, n_rounds=1)
            s = near + self._step(near, x[rows], there[rows])[0]
        back = self._polynomial(self._surface.nearest(s))
        out[rows] = np.where(there[rows], x[rows], back)
        return {**block, key: out}

    def _from_known(self, x: Array, known: Mask) -> tuple[Array, Mask]:
        """Return the scores that known cells tell, and whether they are determined by them."""
        windows = self._polynomial(self._surface.points)
        seen = np.where(known, x, 0.0)
        # Squared distances to training windows in known cells, less what is the same for all.
        distance = known @ (windows**2).T - 2 * seen @ windows.T
        s = self._surface.points[distance.argmin(axis=1)]
        low, high = self._surface.points.min(axis=0), self._surface.points.max(axis=0)
        room = (high - low) / 4  # nothing is known of the polynomial far outside
        determined = np.zeros(len(x), dtype=bool)
        for _ in range(N_STEPS):
            step, determined = self._step(s, x, known)
            s = np.clip(s + step, low - room, high + room)
        return s, determined

    def _step(self, s: Array, x: Array, known: Mask) -> tuple[Array, Mask]:
        """Return a step of Gauss and Newton, and which scores known cells determine."""
        slope = self._polynomial.gradient(s)
        all_told = np.linalg.eigvalsh(np.einsum("nti,ntj->nij", slope, slope))[:, -1]
        slope = slope * known[:, :, None]
        off = np.where(known, x - self._polynomial(s), 0.0)
        w, axes = np.linalg.eigh(np.einsum("nti,ntj->nij", slope, slope))
        told = w > DETERMINED * all_told[:, None]
        along = np.einsum("nij,nti,nt->nj", axes, slope, off)
        along = np.where(told, along / np.where(told, w, 1.0), 0.0)
        determined: Mask = np.asarray(told.all(axis=1))
        return np.einsum("nij,nj->ni", axes, along), determined


class _Principal:
    """Windows as a polynomial of their first principal scores."""

    def __init__(self, rows: Array, n_scores: int) -> None:
        self.mean = rows.mean(axis=0)
        centred = rows - self.mean
        last = rows.shape[1] - 1
        basis = scipy.linalg.eigh(
            centred.T @ centred, subset_by_index=(last - n_scores + 1, last)
        )[1]
        self.basis = basis[:, ::-1]
        self.polynomial: Polynomial

    def fitted(self, rows: Array, k: int, degree: int) -> _Principal:
        self.basis = self.basis[:, :k]
        self.polynomial = Polynomial((rows - self.mean) @ self.basis, rows, degree)
        return self


def _principal(rows: Array, curved: float = 0.0) -> _Principal | None:
    """Return the fewest scores that give windows back, if a plane is so much farther away.

    Judged on every second window, which the others do not know.
    """
    n_scores = _most_scores(rows)
    deviation, rows = float(rows.std()), _some(rows, MOST_WINDOWS)
    if n_scores < 1 or deviation == 0:
        return None
    found = _Principal(rows, n_scores)
    s = (rows - found.mean) @ found.basis
    train, test = slice(0, None, 2), slice(1, None, 2)
    for k in range(1, n_scores + 1):
        spreads: list[float] = []
        best = 0
        for degree in degrees_for(len(rows[train]), k, HIGHEST):
            fitted = Polynomial(s[train, :k], rows[train], degree)
            off = (fitted(s[test, :k]) - rows[test]) / deviation
            spreads.append(float(np.sqrt(np.mean(off**2))))
            if np.abs(off).max() <= CLOSE and (not best or spreads[-1] < spreads[best - 1]):
                best = degree
        if best:
            is_curved = spreads[0] >= curved * spreads[best - 1]
            return found.fitted(rows, k, best) if is_curved else None
    return None


def _surface_of(points: Array, far: float) -> tuple[Surface, float]:
    """Return the surface of points, and how far off the others say that each one is."""
    k = points.shape[1]
    for d in range(local_dimension(points), k):
        surface = Surface(points, d)
        moved = surface.nearest(points, within=False, others=True)
        off = float(np.linalg.norm(moved - points, axis=1).max())
        if off <= far:
            return surface, off
    return Surface(points, k), 0.0


def _with_edges(surface: Surface, points: Array, close: float) -> Surface:
    """Return a surface that reaches as far as all points do, or as the most that are kept."""
    for _ in range(N_EDGES):
        off = np.linalg.norm(surface.nearest(points, n_rounds=1) - points, axis=1)
        n_new = min((MOST_POINTS - len(surface.points) + 1) // 2, int((off > close).sum()))
        if n_new == 0:
            break
        farthest = np.sort(np.argsort(off)[-n_new:])
        surface = Surface(np.concatenate([surface.points, points[farthest]]), surface.dimension)
    return surface


def _some(rows: Array, most: int) -> Array:
    """Return at most so many rows, evenly taken."""
    some: Array = rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]
    return some


def _whole_windows(blocks: Sequence[Block], key: Key) -> Array | None:
    """Return the windows of which nothing is missing, if series are windows of one length.

    If they are too few to tell a surface, those that follow from what is known of them.
    """
    if len(blocks) != 1:
        return None
    column = blocks[0][key]
    rows: Array = column[~np.isnan(column).any(axis=1)]
    if len(rows) < FEWEST <= len(column):
        most = _most_scores(column)
        completed = completed_windows(_some(column, MOST_WINDOWS), most, HIGHEST, CLOSE, FEWEST)
        rows = rows if completed is None else completed
    return rows if len(rows) > 1 else None


def _most_scores(rows: Array) -> int:
    return min(MOST_SCORES, (rows.shape[1] - 1) // 2)


def find_shapes(blocks: Sequence[Block], units: dict[Key, str]) -> list[Rule]:
    """Return the channels whose windows lie on a surface that is no plane."""
    found: list[Rule] = []
    for key in blocks[0]:
        if units[key] == "free" or not isinstance(key, int):
            continue
        rows = _whole_windows(blocks, key)
        principal = None if rows is None or len(rows) < FEWEST else _principal(rows, CURVED)
        if rows is None or principal is None:
            continue
        rule = Shape(key)
        rule._learn_surface(rows, principal)
        if not any(rule.broken(block).any() for block in blocks):
            found.append(rule)
    return found
