"""What judges of rows are shown of a series, in named families of columns.

Everything is on the scale of the real series, so that units do not count; only where two
channels are compared do common units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._rows import channel_scale
from sklearn_timegen.data.checks import all_finite
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._reading import mean as observed_mean
from sklearn_timegen.metrics._reading import std as observed_std

__all__ = ["Family", "as_rows", "levels", "levels_and_steps", "relations", "summaries"]

MOST_CHANNELS_IN_PAIRS = 8  # beyond, pairs are too many to show all
ALIKE = 4.0  # channels whose spreads differ by less may well have the same unit
N_LAGS = 5


@dataclass(frozen=True, eq=False)
class Family:
    """Columns of one kind, of one channel or pair of channels.

    ``first`` is the timestep of the first column; ``None`` if the columns have no time. ``words``
    say what the columns are together, where their name does not.
    """

    name: str
    values: Array
    first: int | None = None
    words: str = ""

    @property
    def kind(self) -> str:
        """In words, what the columns are."""
        return self.words or self.name

    def column_name(self, k: int) -> str:
        return self.name if self.first is None else f"{self.name} at t={self.first + k}"


def as_rows(families: Sequence[Family]) -> Array:
    """Lay families side by side, one row a series."""
    return np.concatenate([family.values for family in families], axis=1)


def levels(real: Array, x: Array, names: Sequence[str]) -> list[Family]:
    """Standardised values of each channel."""
    standard = (x - real.mean(axis=(0, 1))) / channel_scale(real)
    return _each(standard, names, "", 0, "values of ")


def levels_and_steps(real: Array, x: Array, names: Sequence[str]) -> list[Family]:
    """Standardised values, and first differences on the scale of the real ones."""
    return levels(real, x, names) + _differences(real, x, names, 1, "first difference of ")


def relations(real: Array, x: Array, names: Sequence[str]) -> list[Family]:
    """Values, differences of channels, second differences, and how often channels stand still.

    Trees compare a column with a threshold: what is a relation of two columns takes them many
    splits, unless it is a column itself.
    """
    families = levels(real, x, names)
    scale = channel_scale(real)
    for i, j in _pairs(real):
        low, high = sorted((scale[i], scale[j]))
        # What holds between channels in one unit (low below high) holds at exactly 0 of their
        # plain difference. Beside a channel of another size the smaller one would vanish.
        if high < ALIKE * low:
            difference = (x[:, :, i] - x[:, :, j]) / high
        else:
            difference = families[i].values - families[j].values
        name = f"{names[i]} - {names[j]}"
        both = f"differences of {names[i]} and {names[j]}"
        families.append(Family(name, difference, 0, both))
        # A relation that is broken now and then is broken in few series at any one timestep.
        families.append(Family(f"least {name}", difference.min(axis=1)[:, None], words=both))
        families.append(Family(f"greatest {name}", difference.max(axis=1)[:, None], words=both))
    families += _differences(real, x, names, 2, "second difference of ")
    if x.shape[1] > 1:
        still = (np.diff(x, axis=1) == 0).mean(axis=1)
        families += _each(still[:, None], names, "fraction of zero increments of ", None)
    return families


def summaries(real: Array, x: Array, names: Sequence[str]) -> list[Family]:
    """Moments, autocorrelations and cross-correlations of what was observed of each series."""
    scale = channel_scale(real)
    mean, spread = observed_mean(x, axis=1), observed_std(x, axis=1)
    centre = real.mean(axis=(0, 1))
    if not all_finite(x):
        mean = np.where(np.isfinite(x).any(axis=1), mean, centre)
    # Of a channel that stands still, all but rounding is left at 0.
    safe = np.where(spread > 1e-6 * scale, spread, np.inf)
    z = (x - mean[:, None]) / safe[:, None]
    columns = {
        "mean of ": (mean - centre) / scale,
        # Spreads of regimes differ by factors.
        "log spread of ": np.log(np.maximum(spread / scale, 1e-6)),
        "skewness of ": observed_mean(z**3, axis=1),
        "kurtosis of ": observed_mean(z**4, axis=1),
    }
    for lag in range(1, min(N_LAGS, x.shape[1] - 1) + 1):
        products = z[:, lag:] * z[:, :-lag]
        columns[f"autocorrelation at lag {lag} of "] = observed_mean(products, axis=1)
    families = [
        family
        for kind, values in columns.items()
        for family in _each(values[:, None], names, kind, None)
    ]
    for i, j in _pairs(real):
        together = observed_mean(z[:, :, i] * z[:, :, j], axis=1)[:, None]
        families.append(Family(f"correlation of {names[i]} and {names[j]}", together))
    return families


def _each(
    x: Array, names: Sequence[str], kind: str, first: int | None, words: str = ""
) -> list[Family]:
    return [
        Family(f"{kind}{name}", x[:, :, d], first, f"{words or kind}{name}")
        for d, name in enumerate(names)
    ]


def _differences(
    real: Array, x: Array, names: Sequence[str], order: int, kind: str
) -> list[Family]:
    """Differences of that order on the scale of the real ones; at t, the middle or last step."""
    if x.shape[1] <= order:
        return []
    scaled = np.diff(x, order, axis=1) / channel_scale(np.diff(real, order, axis=1))
    return _each(scaled, names, kind, 1, kind.replace("difference", "differences"))


def _pairs(real: Array) -> list[tuple[int, int]]:
    """All pairs of up to 8 channels; of more, each with the two most correlated to it."""
    n_channels = real.shape[2]
    if n_channels <= MOST_CHANNELS_IN_PAIRS:
        return list(combinations(range(n_channels), 2))
    standard = ((real - real.mean(axis=(0, 1))) / channel_scale(real)).reshape(-1, n_channels)
    correlation: NDArray[np.float64] = np.abs(standard.T @ standard)
    np.fill_diagonal(correlation, -1)
    nearest = np.argsort(-correlation, axis=1, kind="stable")[:, :2]
    return sorted({(min(i, j), max(i, j)) for i, two in enumerate(nearest.tolist()) for j in two})
