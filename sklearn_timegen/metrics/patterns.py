"""Which values are missing, when series end, and which categories there are, in what order.

Each is 0, or 1 for a similarity, by definition where the data have no such thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_timegen.data.checks import ends_of
from sklearn_timegen.data.samples import read_samples
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._reading import read_pair, within_lengths

__all__ = [
    "category_difference",
    "check_columns",
    "joint_codes",
    "length_difference",
    "missing_value_similarity",
    "total_variation",
]

Codes = NDArray[np.int64]


def missing_value_similarity(X_real: ArrayLike, X_synthetic: ArrayLike) -> float:
    """Return how alike the fractions of missing values are, on average over cells.

    ``1 - |p_real - p_synthetic|`` with p the fraction of series whose value is missing in a cell
    (timestep, channel), of those that last so long; timesteps count by the number of series that
    reach them. Range [0, 1], higher is better; a perfect sample is below 1 by chance only, by
    about ``0.8 sqrt(p (1 - p) (1 / n + 1 / m))``. It does not see which values are missing
    together: judges do, since they are shown where values are.

    Unlike the published similarity, which compares columns of tables, cells are compared, so that
    values that are missing at other times count.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels]), or list
        The two samples; their numbers may differ.

    Returns
    -------
    similarity : float
        The weighted mean over cells; 1 if nothing is missing in either.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike.

    References
    ----------
    DataCebo (2023), "Synthetic Data Metrics", MissingValueSimilarity.
    https://docs.sdv.dev/sdmetrics/data-metrics/quality/missingvaluesimilarity

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import missing_value_similarity
    >>> x = np.random.default_rng(0).normal(size=(100, 10))
    >>> holes = np.where(np.arange(10) == 3, np.nan, x)
    >>> missing_value_similarity(holes, x), missing_value_similarity(holes, holes)
    (0.9, 1.0)
    """
    fractions, weights = [], []
    pair = read_pair(X_real, X_synthetic)
    for x, inside in zip(pair, within_lengths(*pair), strict=True):
        n_lasting = inside.sum(axis=0)
        n_missing = (np.isnan(x) & inside[:, :, None]).sum(axis=0)
        fractions.append(n_missing / np.maximum(n_lasting, 1)[:, None])
        weights.append(n_lasting / len(x))
    weight = np.minimum(*weights)
    gap = np.abs(fractions[0] - fractions[1]).mean(axis=1)
    return float(1 - (weight * gap).sum() / weight.sum())


def length_difference(X_real: ArrayLike, X_synthetic: ArrayLike) -> float:
    """Return how far the distributions of the series' lengths are apart.

    The Kolmogorov-Smirnov statistic: the greatest difference between the fractions of series
    that have ended after so many timesteps. Range [0, 1], lower is better; 0 if all series have
    one length. A perfect sample is above 0 by chance, by about ``0.87 sqrt(1 / n + 1 / m)``, less
    where there are few different lengths. The complement of SDMetrics' SequenceLengthSimilarity.

    Parameters
    ----------
    X_real, X_synthetic : list of series, or array-like of shape (n_samples, n_timesteps[, \
n_channels])
        The two samples; their numbers may differ. A series in an array ends after the last
        timestep at which it has any value.

    Returns
    -------
    difference : float
        The statistic.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike.

    References
    ----------
    DataCebo (2023), "Synthetic Data Metrics", SequenceLengthSimilarity.
    https://docs.sdv.dev/sdmetrics/data-metrics/quality/sequencelengthsimilarity

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import length_difference
    >>> short, long = np.zeros((3, 1)), np.ones((6, 1))
    >>> length_difference([short, long], [long, long])
    0.5
    """
    real, synthetic = (ends_of(x) for x in read_pair(X_real, X_synthetic))
    lengths = np.union1d(real, synthetic)
    ended = [
        np.searchsorted(np.sort(ends), lengths, side="right") / len(ends)
        for ends in (real, synthetic)
    ]
    return float(np.abs(ended[0] - ended[1]).max())


def category_difference(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    categories: Sequence[Sequence[int]] | None = None,
) -> float:
    """Return how far shares of categories, and of transitions between them, are apart.

    Of each channel that holds categories, the total variation distance of their shares, and that
    of the shares of pairs of categories at neighbouring timesteps; the mean of both, over these
    channels. Range [0, 1], lower is better; 0 by definition if no channel holds categories. A
    perfect sample is above 0 by chance, with K categories by about ``0.4 K sqrt(1 / N + 1 / M)``
    for N and M timesteps in all: read it beside its floor. Dependence between channels does not
    count.

    Parameters
    ----------
    X_real, X_synthetic : list of frames, or array-like of shape (n_samples, n_timesteps[, \
n_channels])
        The two samples; their numbers may differ. Words, flags and pandas' categories are
        categories; of more than 50 in a channel without an order, the rarest count as one.
    categories : sequence of sequence of int or None, default=None
        Of each channel of categories the columns that tell it in 3-d arrays: a single one holds
        their numbers, several hold 0 or 1 for one category each. ``None`` tells by the kinds.

    Returns
    -------
    difference : float
        The mean total variation distance.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or ``categories`` names no column of them.

    References
    ----------
    DataCebo (2023), "Synthetic Data Metrics": complements of TVComplement, of shares, and of
    ContingencySimilarity, of pairs. https://docs.sdv.dev/sdmetrics/data-metrics/quality

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import category_difference
    >>> real = np.tile(["sun", "rain"], (50, 6))
    >>> category_difference(real, np.where(real == "rain", "snow", real))
    0.75
    """
    (real, synthetic), reading = read_samples(X_real, X_synthetic)
    chosen = reading.categories if categories is None else categories
    check_columns(chosen, real.shape[2])
    found = [
        _channel_difference(real[:, :, own], synthetic[:, :, own]) for own in map(list, chosen)
    ]
    return float(np.mean(found)) if found else 0.0


def check_columns(categories: Any, n_columns: int) -> None:
    """Refuse numbers of columns that there are not."""
    for own in categories:
        wrong = [k for k in own if not isinstance(k, Integral) or not 0 <= int(k) < n_columns]
        if wrong or not len(own):
            raise ValueError(
                f"categories must hold numbers of columns from 0 to {n_columns - 1}, one at least "
                f"for each channel of categories, got {list(own)}"
            )


def _channel_difference(real: Array, synthetic: Array) -> float:
    pair = joint_codes(real, synthetic)
    shares = [(codes[codes >= 0],) for codes in pair]
    distances = [total_variation(*shares)]
    if real.shape[1] > 1:
        follows = [(codes[:, :-1] >= 0) & (codes[:, 1:] >= 0) for codes in pair]
        steps = [
            (codes[:, :-1][both], codes[:, 1:][both])
            for codes, both in zip(pair, follows, strict=True)
        ]
        distances.append(total_variation(*steps))
    return float(np.mean(distances))


def joint_codes(real: Array, synthetic: Array) -> tuple[Codes, Codes]:
    """Number the categories at each timestep; -1 where they are missing."""
    both = np.concatenate([real, synthetic])
    missing = np.isnan(both).any(axis=2)
    if both.shape[2] > 1:
        # All zeros: a category that has no column.
        codes = np.where((both > 0).any(axis=2), np.argmax(both > 0, axis=2), both.shape[2])
    else:
        codes = np.unique(both[:, :, 0], return_inverse=True)[1].reshape(both.shape[:2])
    codes = np.where(missing, -1, codes).astype(np.int64)
    return codes[: len(real)], codes[len(real) :]


def total_variation(real: tuple[Codes, ...], synthetic: tuple[Codes, ...]) -> float:
    """Distance of the shares of what occurs, categories or pairs; 1 if only one has any."""
    n, m = len(real[0]), len(synthetic[0])
    if n == 0 or m == 0:
        return float(n != m)
    both = np.stack([np.concatenate(columns) for columns in zip(real, synthetic, strict=True)])
    number = np.unique(both, axis=1, return_inverse=True)[1].ravel()
    size = int(number.max()) + 1
    shares = [np.bincount(part, minlength=size) / len(part) for part in (number[:n], number[n:])]
    return float(np.abs(shares[0] - shares[1]).sum()) / 2
