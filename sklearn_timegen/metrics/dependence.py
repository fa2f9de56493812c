"""How channels go with each other: shares of pairs of categories, correlations, predictability.

Every timestep of every series is a row here, so that lengths may differ and values be missing;
dependence in time is for other metrics, but that :func:`global_utility` also shows a predictor
the timestep before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_timegen.data.samples import Reading, read_samples
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._reading import channel_names
from sklearn_timegen.metrics.patterns import check_columns, joint_codes, total_variation

if TYPE_CHECKING:
    from sklearn_timegen.metrics.patterns import Codes

__all__ = ["Channels", "contingency_similarity", "correlation_similarity"]

Categories = Sequence[Sequence[int]] | None
N_BINS = 10  # of a number, where it is counted beside categories


@dataclass(frozen=True, eq=False)
class Channels:
    """Two samples with one column for each channel: numbers, or the numbers of categories.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_samples, n_timesteps, n_channels)
        The samples, NaN where values are missing.
    is_category : ndarray of bool of shape (n_channels,)
        Which channels hold categories.
    names : list of str
        What the channels are called.
    """

    real: Array
    synthetic: Array
    is_category: NDArray[np.bool_]
    names: list[str]

    @classmethod
    def of(
        cls, X_real: ArrayLike, X_synthetic: ArrayLike, categories: Categories = None
    ) -> Channels:
        """Read two samples; ``categories`` are as for :func:`category_difference`."""
        (real, synthetic), reading = read_samples(X_real, X_synthetic)
        chosen = reading.categories if categories is None else categories
        check_columns(chosen, real.shape[2])
        titles = channel_names(reading.names, real.shape[2])
        owner = {column: tuple(own) for own in chosen for column in own}
        groups = list(dict.fromkeys(owner.get(d, (d,)) for d in range(real.shape[2])))
        pairs = [_column(real, synthetic, own, own[0] in owner) for own in groups]
        return cls(
            np.stack([pair[0] for pair in pairs], axis=2),
            np.stack([pair[1] for pair in pairs], axis=2),
            np.array([own[0] in owner for own in groups]),
            [_title(titles, own, reading) for own in groups],
        )

    def rows(self) -> tuple[Array, Array]:
        """Return every timestep of every series as a row."""
        n_channels = self.real.shape[2]
        return self.real.reshape(-1, n_channels), self.synthetic.reshape(-1, n_channels)


def contingency_similarity(
    X_real: ArrayLike, X_synthetic: ArrayLike, *, categories: Categories = None
) -> float:
    """Return how alike the shares of pairs of categories are, on average over pairs of channels.

    Of each two channels of which one at least holds categories, ``1 - TV`` with TV the total
    variation distance of the shares of pairs of values at one timestep; numbers are put into ten
    bins, by the deciles of the real ones. Range [0, 1], higher is better; 1 by definition if there
    is no such pair. A perfect sample is below 1 by chance, with K pairs of values by about
    ``0.4 sqrt(K) sqrt(1 / N + 1 / M)`` for N and M timesteps in all: read it beside its floor.

    Parameters
    ----------
    X_real, X_synthetic : list of frames, or array-like of shape (n_samples, n_timesteps[, \
n_channels])
        The two samples; their numbers may differ.
    categories : sequence of sequence of int or None, default=None
        As for :func:`category_difference`.

    Returns
    -------
    similarity : float
        The mean over pairs of channels.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or ``categories`` names no column of them.

    References
    ----------
    DataCebo (2023), "Synthetic Data Metrics", ContingencySimilarity, whose name and formula it
    has. https://docs.sdv.dev/sdmetrics/data-metrics/quality/contingencysimilarity

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_timegen.metrics import contingency_similarity
    >>> sky = np.tile(["sun", "rain"], 50)
    >>> real = [pd.DataFrame({"sky": sky, "roof": np.where(sky == "sun", "open", "shut")})]
    >>> other = [real[0].assign(roof=real[0]["roof"].to_numpy()[::-1])]
    >>> contingency_similarity(real, real), contingency_similarity(real, other)
    (1.0, 0.0)
    """
    channels = Channels.of(X_real, X_synthetic, categories)
    real, synthetic = channels.rows()
    codes = [
        _coded(real[:, d], synthetic[:, d], bool(channels.is_category[d]))
        for d in range(real.shape[1])
    ]
    found = [
        1 - _pair_distance(codes[i], codes[j])
        for i, j in combinations(range(len(codes)), 2)
        if channels.is_category[i] or channels.is_category[j]
    ]
    return float(np.mean(found)) if found else 1.0


def correlation_similarity(
    X_real: ArrayLike, X_synthetic: ArrayLike, *, categories: Categories = None
) -> float:
    """Return how alike the correlations of numeric channels are, on average over their pairs.

    ``1 - |r_real - r_synthetic| / 2`` with r Pearson's correlation over all timesteps of all
    series at which both channels are known. Range [0, 1], higher is better; 1 by definition if
    there are no two numeric channels, and r is 0 for a channel that never varies. A perfect sample
    is below 1 by chance, by about ``0.4 sqrt(1 / N + 1 / M)`` for N and M timesteps in all that
    are independent, more where they are not.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels]), or list
        The two samples; their numbers may differ.
    categories : sequence of sequence of int or None, default=None
        As for :func:`category_difference`: such columns are left out.

    Returns
    -------
    similarity : float
        The mean over pairs of channels.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or ``categories`` names no column of them.

    See Also
    --------
    cross_correlation_difference : The difference of these correlations within windows.

    References
    ----------
    DataCebo (2023), "Synthetic Data Metrics", CorrelationSimilarity, whose name and formula it
    has. https://docs.sdv.dev/sdmetrics/data-metrics/quality/correlationsimilarity

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import correlation_similarity
    >>> x = np.random.default_rng(0).normal(size=(50, 10, 1))
    >>> along, against = np.concatenate([x, x], axis=2), np.concatenate([x, -x], axis=2)
    >>> round(correlation_similarity(along, along), 6)
    1.0
    >>> round(correlation_similarity(along, against), 6)
    0.0
    """
    channels = Channels.of(X_real, X_synthetic, categories)
    numbers = np.flatnonzero(~channels.is_category)
    found = []
    for i, j in combinations(numbers, 2):
        first, second = (_correlation(x[:, i], x[:, j]) for x in channels.rows())
        found.append(1 - abs(first - second) / 2)
    return float(np.mean(found)) if found else 1.0


def _column(
    real: Array, synthetic: Array, own: tuple[int, ...], is_category: bool
) -> tuple[Array, Array]:
    if not is_category:
        return real[:, :, own[0]], synthetic[:, :, own[0]]
    pair = joint_codes(real[:, :, list(own)], synthetic[:, :, list(own)])
    first, second = (np.where(codes < 0, np.nan, codes) for codes in pair)
    return first, second


def _title(titles: list[str], own: tuple[int, ...], reading: Reading) -> str:
    """Return the name of a channel, of which each category may have a column."""
    if reading.schema is None or len(own) == 1:
        return titles[own[0]]
    return titles[own[0]].split(" = ")[0]


def _coded(real: Array, synthetic: Array, is_category: bool) -> tuple[Codes, Codes]:
    """Number the values of a channel; -1 where they are missing."""
    pair = [real, synthetic]
    if not is_category and np.isfinite(real).any():
        inner = np.linspace(0, 1, N_BINS + 1)[1:-1]
        edges = np.unique(np.quantile(real[np.isfinite(real)], inner))
        pair = [np.where(np.isnan(x), np.nan, np.searchsorted(edges, x)) for x in pair]
    first, second = (np.where(np.isnan(x), -1, x).astype(np.int64) for x in pair)
    return first, second


def _pair_distance(first: tuple[Codes, Codes], second: tuple[Codes, Codes]) -> float:
    known = [(a >= 0) & (b >= 0) for a, b in zip(first, second, strict=True)]
    real, synthetic = ((a[both], b[both]) for a, b, both in zip(first, second, known, strict=True))
    return total_variation(real, synthetic)


def _correlation(a: Array, b: Array) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 2 or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return 0.0
    return float(np.corrcoef(a[both], b[both])[0, 1])
