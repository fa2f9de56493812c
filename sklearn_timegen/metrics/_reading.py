"""What metrics make of two samples: numbers with NaN, or complete ones that say what is missing.

A metric that knows missing values takes ``read_pair``. Any other is shown complete series: the
median of the real channel where there is no value, and beside the channels, as further ones, where
values are and how long each series is. So it cannot be misled by what was filled in, and sees
where patterns differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.checks import all_finite, ends_early, ends_of
from sklearn_timegen.data.samples import Reading, read_samples
from sklearn_timegen.metrics._common import Array

__all__ = [
    "Completion",
    "channel_names",
    "complete_pair",
    "mean",
    "read_pair",
    "std",
    "traits_of",
    "within_lengths",
]

NAMES = ("X_real", "X_synthetic")


def read_pair(
    X_real: Any, X_synthetic: Any, names: tuple[str, str] = NAMES
) -> tuple[Array, Array]:
    """Return two samples as 3-d float64 arrays, NaN where values are missing."""
    (real, synthetic), _ = read_samples(X_real, X_synthetic, names=names)
    return real, synthetic


def complete_pair(
    X_real: Any, X_synthetic: Any, names: tuple[str, str] = NAMES
) -> tuple[Array, Array]:
    """Return two samples as complete 3-d float64 arrays; complete numbers are as they were."""
    real, synthetic = read_pair(X_real, X_synthetic, names)
    shown = Completion.of(real, synthetic)
    return shown(real), shown(synthetic)


def within_lengths(*samples: Array) -> list[NDArray[np.bool_]]:
    """Return at which timesteps series go on; at all, if in no sample they end early."""
    if not any(map(ends_early, samples)):
        return [np.ones(x.shape[:2], dtype=bool) for x in samples]
    return [np.arange(x.shape[1]) < ends_of(x)[:, None] for x in samples]


def traits_of(reading: Reading, *samples: Array) -> frozenset[str]:
    """Return which of "missing", "lengths" and "categories" samples have."""
    if all(map(all_finite, samples)):
        return frozenset(["categories"] if reading.categories else [])
    found = {
        "missing": any(
            (np.isnan(x) & inside[:, :, None]).any()
            for x, inside in zip(samples, within_lengths(*samples), strict=True)
        ),
        "lengths": any(map(ends_early, samples)),
        "categories": bool(reading.categories),
    }
    return frozenset(name for name, there in found.items() if there)


@dataclass(frozen=True, eq=False)
class Completion:
    """Makes complete series of those that miss values or end early, and says which.

    Parameters
    ----------
    medians : ndarray of shape (n_channels,)
        What is put where a channel has no value.
    indicators : tuple of int
        Channels beside which another one says where they have values.
    with_length : bool
        Whether a channel says how many timesteps a series has.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics._reading import Completion
    >>> x = np.array([[[1.0], [2.0], [5.0]], [[3.0], [np.nan], [1.0]]])
    >>> Completion.of(x)(x)[1].tolist()
    [[3.0, 1.0], [2.0, 0.0], [1.0, 1.0]]
    """

    medians: Array
    indicators: tuple[int, ...]
    with_length: bool

    @classmethod
    def of(cls, real: Array, *others: Array, more: bool = False) -> Completion:
        """Learn from samples what differs in what they miss, and from the real one what fills.

        With ``more``, other samples will come, which may miss values though these do not.
        """
        samples = (real, *others)
        if all(map(all_finite, samples)) and not more:
            return cls(np.zeros(0), (), False)
        observed = real.reshape(-1, real.shape[2])
        medians = [
            float(np.median(column[np.isfinite(column)])) if np.isfinite(column).any() else 0.0
            for column in observed.T
        ]
        return cls(np.array(medians), _indicators(samples), any(map(ends_early, samples)))

    def __call__(self, x: Array) -> Array:
        """Return complete series, with the channels that say what is not there."""
        if not self.n_added and all_finite(x):
            return x
        return self._extended(np.where(np.isfinite(x), x, self.medians), x)

    def beside(self, x: Array) -> Array:
        """Return the series as they are, NaN where values are missing, with the same channels."""
        return self._extended(x, x) if self.n_added else x

    def names(self, names: list[str]) -> list[str]:
        """Return the names of the channels of complete series."""
        there = [f"presence of {names[d]}" for d in self.indicators]
        return names + there + ["length"] * self.with_length

    @property
    def n_added(self) -> int:
        """How many channels stand beside those of the series."""
        return len(self.indicators) + self.with_length

    def _extended(self, values: Array, x: Array) -> Array:
        parts = [values, np.isfinite(x[:, :, self.indicators]).astype(np.float64)]
        if self.with_length:
            lengths = ends_of(x)[:, None, None].astype(np.float64)
            parts.append(np.broadcast_to(lengths, (*x.shape[:2], 1)))
        return np.concatenate(parts, axis=2)


def _indicators(samples: tuple[Array, ...]) -> tuple[int, ...]:
    """Channels that miss values in some places and not in others; those that agree, once."""
    found: dict[bytes, int] = {}
    for d in range(samples[0].shape[2]):
        masks = [np.isfinite(x[:, :, d]) for x in samples]
        if any(mask.any() for mask in masks) and not all(mask.all() for mask in masks):
            found.setdefault(b"".join(np.packbits(mask).tobytes() for mask in masks), d)
    return tuple(found.values())


def channel_names(names: list[str] | None, n_channels: int) -> list[str]:
    """Return names of channels, numbers where nobody gave any."""
    return [f"channel {d}" for d in range(n_channels)] if names is None else names


# -- of what was observed ------------------------------------------------------------------------


def mean(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return the mean of what was observed, 0 where nothing was."""
    if all_finite(x):
        return np.asarray(x.mean(axis=axis))
    observed = np.isfinite(x)
    total: Array = np.where(observed, x, 0.0).sum(axis=axis)
    return total / np.maximum(observed.sum(axis=axis), 1)


def std(x: Array, axis: int) -> Array:
    """Return the standard deviation of what was observed, 0 where nothing was."""
    if all_finite(x):
        return np.asarray(x.std(axis=axis))
    return np.sqrt(mean((x - np.expand_dims(mean(x, axis), axis)) ** 2, axis))
