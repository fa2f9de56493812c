"""Bins of training values, as many values in each, and repeated values as bins of their own.

Symbols: v_td a represented value of channel d at timestep t. What is binned is v_td itself, or the
step that led there, v_td - v_(t-1)d. A bin is an interval, in which the density is 1 / width; in
the outermost it falls exponentially from the inner edge on, by as much as training values lie
beyond it on average. A bin that holds one value, a mass, is that value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Binning", "Bins", "fit_binning"]

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

REPEATED = 5  # values in a bin at least, and as often a value has to occur to be a mass
ROUNDING = 4e-6  # of a channel's reach: what a difference of float32 is known by
STILL = 0.01  # of the steps of a channel, from which on standing still has a probability


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of each channel in ascending order, in rows of one length.

    Parameters
    ----------
    low, high : ndarray of shape (n_channels, n_bins), float32
        Ends of each bin, which are equal for a mass.
    share : ndarray of shape (n_channels, n_bins), float32
        Of the training values; 0 for bins that a channel does not have.
    scale : ndarray of shape (n_channels, n_bins), float32
        Mean distance of the values of an outermost bin from its inner edge; 0 for others.
    """

    low: FloatArray
    high: FloatArray
    share: FloatArray
    scale: FloatArray

    @property
    def masses(self) -> Mask:
        """Which bins are one value each."""
        masses: Mask = (self.share > 0) & (self.low == self.high)
        return masses

    @property
    def cuts(self) -> FloatArray:
        """Border between each bin and the next; infinite where there is none."""
        between = (self.high[:, :-1] + self.low[:, 1:]) / 2
        return np.where(self.share[:, 1:] > 0, between, np.float32(np.inf))


@dataclass(frozen=True, eq=False)
class Binning:
    """What is binned of each channel, and how.

    Parameters
    ----------
    first : Bins
        Of the values at the first timestep.
    later : Bins
        Of what moves at those that follow.
    by_step : ndarray of bool of shape (n_channels,)
        Whether that is the step, and not the value that it leads to.
    still : ndarray of shape (n_channels,), float32
        Share of the steps that are exactly 0; 0 for channels in which that is no more than chance.
    """

    first: Bins
    later: Bins
    by_step: Mask
    still: FloatArray

    @property
    def without_density(self) -> NDArray[np.int64]:
        """Channels in which values, or steps, have a probability of their own."""
        masses = self.first.masses.any(axis=1) | self.later.masses.any(axis=1)
        return np.flatnonzero(masses | (self.still > 0))


def fit_binning(v: FloatArray, counts: Mask, observed: Mask, n_bins: int) -> Binning:
    """Learn from represented series ``(n_samples, n_timesteps, n_channels)``.

    A channel is binned by its steps where these are known more closely than its values are when
    nothing else is known of either: by the lower entropy, a mass being as wide as rounding.

    Parameters
    ----------
    v : ndarray of shape (n_samples, n_timesteps, n_channels)
        Represented series.
    counts : ndarray of bool of that shape
        Cells that were observed, and vary.
    observed : ndarray of bool of that shape
        Cells that were observed, whether they vary or not.
    n_bins : int
        Most bins of a channel.
    """
    first, later, by_step, still = [], [], [], []
    for d in range(v.shape[2]):
        x, known, there = v[:, :, d], counts[:, :, d], observed[:, :, d]
        width = ROUNDING * float(np.abs(x).max(initial=0.0)) or 1.0
        told = known[:, 1:] & there[:, :-1]
        stays = x[:, 1:] == x[:, :-1]
        share = float(np.mean(stays[told])) if told.any() else 0.0
        # Whether a cell moved is known beside its past alone, and asked where channels stand
        # still; of others all cells are drawn from bins.
        moved = told & ~stays if share >= STILL else known[:, 1:]
        after, before = x[:, 1:][moved].astype(np.float64), x[:, :-1][moved]
        values = _bins_of(after, n_bins, width)
        steps = _bins_of(after - before, n_bins, width)
        by_step.append(_entropy(steps, width) < _entropy(values, width))
        first.append(_bins_of(x[:, 0][known[:, 0]].astype(np.float64), n_bins, width))
        later.append(steps if by_step[-1] else values)
        still.append(share if share >= STILL else 0.0)
    widest = max(map(len, [*first, *later]))
    return Binning(
        _beside_each_other(first, widest),
        _beside_each_other(later, widest),
        np.array(by_step),
        np.array(still, np.float32),
    )


def _bins_of(a: Array, n_bins: int, width: float) -> Array:
    """Return a row a bin: its ends, its share and its scale. Rounding to ``width`` is undone."""
    if len(a) == 0:  # an interval that nothing is going to be in
        return np.array([[0.0, 1.0, 1.0, 0.0]])
    a = np.sort(a)
    _, start, counts = np.unique(np.rint(a / width), return_index=True, return_counts=True)
    value = a[start]
    borders = _borders(counts, n_bins)
    between = np.concatenate([value[:1], (value[1:] + a[start[1:] - 1]) / 2, a[-1:]])
    # Rare values of a grid are masses, too, where all of it has bins.
    on_grid = len(borders) == len(value) < len(a) / REPEATED
    rows = []
    for i, j in zip(borders, [*borders[1:], len(value)], strict=True):
        is_mass = j == i + 1 and (len(value) == 1 or on_grid or counts[i] >= REPEATED)
        low, high = (value[i], value[i]) if is_mass else (between[i], between[j])
        inside, scale = a[start[i] : start[i] + counts[i:j].sum()], 0.0
        if not is_mass and i == 0:
            scale = float(np.mean(high - inside))
        elif not is_mass and j == len(value):
            scale = float(np.mean(inside - low))
        rows.append((low, high, len(inside) / len(a), scale))
    return np.array(rows)


def _borders(counts: NDArray[np.int64], n_bins: int) -> list[int]:
    """Return at which distinct value each bin begins, of values that occur so often."""
    n = int(counts.sum())
    if len(counts) <= n_bins and n > REPEATED * len(counts):
        return list(range(len(counts)))
    n_bins = max(2, min(n_bins, n // REPEATED))
    of = np.repeat(np.arange(len(counts)), counts)
    begins, n_times = np.unique(of[np.arange(n_bins) * n // n_bins], return_counts=True)
    # What fills more than one bin is one of its own.
    ends = begins[n_times > 1] + 1
    borders = np.union1d(begins, ends[ends < len(counts)])
    return [int(i) for i in borders]


def _entropy(rows: Array, width: float) -> float:
    """Return the entropy of what falls into bins: of an exponential part, 1 + log of its scale."""
    low, high, share, scale = rows.T
    spread = np.where(scale > 0, np.e * scale, high - low).clip(width)
    return float(np.sum(share * (np.log(spread) - np.log(share))))


def _beside_each_other(channels: list[Array], widest: int) -> Bins:
    """Return the bins of all channels, so many of each: beyond its own as the last that it has."""
    table = np.stack(
        [np.pad(rows, ((0, widest - len(rows)), (0, 0)), "edge") for rows in channels]
    )
    there = np.arange(widest) < np.array([len(rows) for rows in channels])[:, None]
    low, high, share, scale = np.moveaxis(table, 2, 0).astype(np.float32)
    return Bins(low, high, np.where(there, share, np.float32(0)), scale)
