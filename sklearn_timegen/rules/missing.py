"""What is missing, as something to generate: whether a value is there, beside the value.

A cell is observed where a normal process ``z`` lies above a threshold, which is that of its
timestep; the process behind what was seen is drawn as for flags
(:mod:`sklearn_timegen.rules.latent`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_timegen.data.checks import ends_of
from sklearn_timegen.rules.chain import StateChain
from sklearn_timegen.rules.latent import draw_between, draw_once, keys_of
from sklearn_timegen.rules.latent_paths import END, estimate_correlation
from sklearn_timegen.rules.rule import Block, Key, Mask, Rule, as_array, as_block, channel_of

__all__ = ["Missing", "end_of", "find_missing"]

Array = NDArray[np.float64]

PER_TIMESTEP = 50  # series, before each timestep has a share of its own
INTACT = 0.05  # series by which more are intact than expected, to be told from others


class Missing(Rule):
    """Channels whose values are missing now and then, all of them at the same time.

    Whether they are there is a column of its own. If they are missing in some series from
    beginning to end, or in some not at all, that is another one, constant along time.

    Parameters
    ----------
    *channels : int or str
        The channels.
    ragged : bool, default=False
        Whether what lies behind the last timestep with any value is beyond the end of a series,
        and not missing.

    Attributes
    ----------
    fraction_ : float
        Of the cells within the series that are missing.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.missing import Missing
    >>> x = np.random.default_rng(0).normal(size=(100, 8, 1))
    >>> x[::2, 3] = np.nan
    >>> rule = Missing(0)
    >>> u = rule.fit_transform(x)
    >>> rule
    channel 0 is missing in 6.2% of cells
    >>> np.array_equal(np.isnan(rule.inverse_transform(np.nan_to_num(u))), np.isnan(x))
    True
    """

    kind = "missing"

    def __init__(self, *channels: Any, ragged: bool = False) -> None:
        super().__init__(*channels)
        self.ragged = ragged

    def statement(self) -> str:
        label = ", ".join(self.labels)
        verb, how = ("are", " together") if len(self.labels) > 1 else ("is", "")
        share = f" in {self.fraction_:.1%} of cells" if hasattr(self, "fraction_") else ""
        return f"{label} {verb} missing{how}{share}"

    def broken(self, block: Block) -> Mask:
        return np.zeros(block[self.keys[0]].shape, dtype=bool)

    # -- what is known --------------------------------------------------------------------

    def learn(self, blocks: Sequence[Block]) -> None:
        masks = [self._mask(block) for block in blocks]
        cells = np.concatenate([mask.ravel() for mask in masks])
        self.fraction_ = float(np.mean(cells[np.isfinite(cells)] == 0))
        self._intact = self._many_are_intact(masks)
        levels = np.concatenate([self._level(mask) for mask in masks])
        shares = np.bincount(levels.astype(int), minlength=3) / len(levels)
        ends = np.array([_score(shares[0]), _score(shares[:2].sum())])
        self._part_ends = None if shares[1] == 1 else ends
        masks = [self._within(mask) for mask in masks]
        cells = np.concatenate([mask.ravel() for mask in masks])
        cells = cells[np.isfinite(cells)]
        self._threshold: Array | None = None
        self._chain: StateChain | None = None
        if len(cells) and cells.min() == 0:
            self._threshold = np.array([_threshold(cells)])
            self._chain = StateChain.of(masks, 2)
            if len(masks) == 1 and len(masks[0]) >= PER_TIMESTEP:
                self._look_at_timesteps(masks[0])
            self._rho = estimate_correlation(*self._interval(max(masks, key=np.size)))

    def _look_at_timesteps(self, mask: Array) -> None:
        """Take a threshold for each timestep, unless a chain explains how often each is there."""
        if self._chain is not None:
            drawn = self._chain.states(np.random.default_rng(0).normal(size=(2000, mask.shape[1])))
            n = np.maximum(np.isfinite(mask).sum(axis=0), 1)
            found, expected = np.nan_to_num(mask).sum(axis=0) / n, drawn.mean(axis=0)
            by_chance = np.sqrt(expected * (1 - expected) * (1 / n + 1 / len(drawn)))
            if (np.abs(found - expected) <= 0.02 + 4 * by_chance).all():
                return
        self._chain = None
        self._threshold = np.array([_threshold(column) for column in mask.T])

    def _mask(self, block: Block) -> Array:
        """Return 1 where there are values, 0 where they are missing, NaN beyond the end."""
        observed = np.logical_or.reduce([np.isfinite(block[key]) for key in self.keys])
        mask = observed.astype(np.float64)
        if self.ragged:
            mask[np.arange(mask.shape[1]) >= end_of(block)[:, None]] = np.nan
        return mask

    def _many_are_intact(self, masks: list[Array]) -> bool:
        """Whether more series miss nothing than if cells were missing whatever others do."""
        intact = np.concatenate([np.nanmin(mask, axis=1) == 1 for mask in masks])
        lengths = np.concatenate([np.isfinite(mask).sum(axis=1) for mask in masks])
        some = [mask[np.nanmax(mask, axis=1) == 1] for mask in masks]
        chain = StateChain.of(some, 2)
        if chain is None:
            cells = np.concatenate([mask.ravel() for mask in some])
            expected = (np.nanmean(cells) ** lengths).mean() if len(cells) else 0.0
        else:
            drawn = chain.states(np.random.default_rng(0).normal(size=(2000, lengths.max())))
            until = np.logical_and.accumulate(drawn == 1, axis=1).mean(axis=0)
            expected = until[lengths - 1].mean()
        return bool(0 < intact.mean() < 1 and intact.mean() > expected + INTACT)

    def _level(self, mask: Array) -> Array:
        """Return 0 for series that are missing as a whole, 2 for those that are intact, else 1."""
        level = np.where(np.nanmax(mask, axis=1) == 0, 0.0, 1.0)
        return np.where(np.nanmin(mask, axis=1) == 1, 2.0, level) if self._intact else level

    def _within(self, mask: Array) -> Array:
        """Return the mask of series of which a part is missing; NaN of others."""
        if self._part_ends is None:
            return mask
        return np.where(self._level(mask)[:, None] == 1, mask, np.nan)

    def _interval(self, mask: Array) -> tuple[Array, Array]:
        at: Array = np.broadcast_to(self._thresholds(mask.shape[1]), mask.shape)
        return np.where(mask == 1, at, -END), np.where(mask == 0, at, END)

    def _thresholds(self, n_timesteps: int) -> Array:
        threshold = np.zeros(1) if self._threshold is None else self._threshold
        if len(threshold) in (1, n_timesteps):
            return threshold
        return np.full(1, np.median(threshold))  # of series of another length

    # -- coordinates ----------------------------------------------------------------------

    def encode(self, block: Block) -> Block:
        mask, out = self._mask(block), dict(block)
        if self._part_ends is not None:
            a, b = _between(self._part_ends, self._level(mask).astype(int)[:, None])
            z = draw_once(a, b, keys_of(block.values(), self._part))
            out[self._part] = np.broadcast_to(z, mask.shape)
        if self._threshold is not None:
            # Of series that are missing as a whole, any: nobody will ask.
            inside, mask = np.isfinite(mask), self._within(mask)
            # Many series miss the same: drawn by their masks alone, they would be one point.
            keys = keys_of(block.values(), self._whether)
            if self._chain is None:
                z = draw_between(*self._interval(mask), self._rho, keys)
            else:
                z = draw_between(*self._chain.intervals(mask), 0.0, keys)
            out[self._whether] = np.where(inside, z, np.nan)
        return out

    def decode(self, block: Block) -> Block:
        out = dict(block)
        missing = np.zeros(block[self.keys[0]].shape, dtype=bool)
        intact = np.zeros(len(missing), dtype=bool)
        if self._part_ends is not None:
            level = np.searchsorted(self._part_ends, out.pop(self._part).mean(axis=1))
            missing |= level[:, None] == 0
            intact = level == 2
        if self._threshold is not None:
            z = out.pop(self._whether)
            if self._chain is None:
                missing |= z < self._thresholds(z.shape[1])
            else:
                missing |= self._chain.states(z) == 0
        missing &= ~intact[:, None]
        for key in self.keys:
            out[key] = np.where(missing, np.nan, out[key])
        return out

    def score_columns(self) -> dict[Key, bool]:
        """Return the columns that the rule adds, and whether each is constant along time."""
        return {key: key == self._part for key in self.columns}

    def intervals(self, key: Key, scores: Block) -> tuple[Array, Array]:
        """Return between which scores all tell the same of what is there.

        Of series of which nothing is there, or everything, the timesteps tell nothing.
        """
        asked = np.ones(1, dtype=bool)
        if self._part_ends is not None:
            level = np.searchsorted(self._part_ends, scores[self._part])
            if key == self._part:
                return _between(self._part_ends, level)
            asked = level == 1
        z = scores[key]
        asked = asked & np.isfinite(z)
        observed = z >= self._thresholds(z.shape[1])
        if self._chain is not None:
            observed = self._chain.states(np.where(asked, z, 0.0)) == 1
        mask = np.where(asked, observed, np.nan)
        a, b = self._interval(mask) if self._chain is None else self._chain.intervals(mask)
        return np.where(asked, a, np.nan), np.where(asked, b, np.nan)

    def fit_transform(self, X: Any) -> Array:
        """Learn from series ``(n_samples, n_timesteps, n_channels)``; return coordinates."""
        self.learn([as_block(X)])
        return self.transform(X)

    def units(self, units: dict[Key, str]) -> dict[Key, str]:
        return {**units, **dict.fromkeys(self.columns, "free")}

    @property
    def columns(self) -> list[Key]:
        """The columns that the rule adds."""
        part = [] if self._part_ends is None else [self._part]
        return part + ([] if self._threshold is None else [self._whether])

    @property
    def _whether(self) -> Key:
        return channel_of(self.keys[0]), "observed"

    @property
    def _part(self) -> Key:
        return channel_of(self.keys[0]), "present"


def _threshold(observed: Array) -> float:
    """Return above which ``z`` a cell is observed, by how often it is; NaN does not count."""
    known = observed[np.isfinite(observed)]
    return _score(1 - known.mean() if len(known) else 0.0)


def _between(ends: Array, k: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the beginnings and ends of some intervals, of which the first has no beginning."""
    return np.append(-END, ends)[k], np.append(ends, END)[k]


def _score(fraction: float) -> float:
    """Return below which ``z`` a fraction of a standard normal lies."""
    return float(np.clip(ndtri(min(fraction, 1.0)), -END, END))


def end_of(block: Block) -> NDArray[np.int64]:
    """Return how many timesteps each series has, up to the last one with any value."""
    return ends_of(as_array(block))


def find_missing(blocks: Sequence[Block], *, ragged: bool = False) -> list[Missing]:
    """Return what is missing, channels that are so together in one rule."""
    groups: dict[bytes, list[Key]] = {}
    ends = [end_of(block) for block in blocks] if ragged else None
    for key in blocks[0]:
        masks = [np.isfinite(block[key]) for block in blocks]
        if ends is not None:
            masks = [
                mask | (np.arange(mask.shape[1]) >= end[:, None])
                for mask, end in zip(masks, ends, strict=True)
            ]
        if not all(mask.all() for mask in masks):
            pattern = b"".join(np.packbits(mask).tobytes() for mask in masks)
            groups.setdefault(pattern, []).append(key)
    return [Missing(*keys, ragged=ragged) for keys in groups.values()]
