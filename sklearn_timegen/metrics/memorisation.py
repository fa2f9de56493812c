"""Does the generator invent, or does it repeat its training data?

Distances are Euclidean, between flattened series whose channels are divided by their spread in
the training series.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import roc_auc_score

from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen._rows import flat_rows
from sklearn_timegen.data.checks import check_fraction, check_window_starts
from sklearn_timegen.data.samples import read_samples
from sklearn_timegen.metrics._common import (
    Array,
    check_limit,
    nearest_distances,
    nearest_others,
    rounding,
    subset,
)
from sklearn_timegen.metrics._reading import Completion, complete_pair, read_pair
from sklearn_timegen.model_selection import find_window_starts

__all__ = [
    "membership_inference_auc",
    "near_copy_fraction",
    "nearest_record_distances",
    "nearest_record_ratio",
]


def nearest_record_ratio(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    X_train: ArrayLike | None = None,
    window_starts: ArrayLike | None = None,
) -> float:
    """Return how near to the training series the synthetic ones are, beside held-out real ones.

    The median distance of synthetic series to their nearest training series, divided by the
    same of real series that were not trained on. Range [0, inf); 1 is best: fresh series from
    the distribution of the data score 1, copies 0. Far below 1 the generator repeats; far above
    it makes series unlike any real one. A generator that copies half of the time can still be at 1
    in the median: see :func:`near_copy_fraction`. Where held-out series come from another regime
    than the training ones, they are far away and the ratio of even a perfect generator is below
    1: its floor in :func:`~sklearn_timegen.evaluate_generator` shows that.

    Parameters
    ----------
    X_real : array-like of shape (n_samples, n_timesteps[, n_channels])
        Real series that were not trained on.
    X_synthetic : array-like of shape (n_synthetic, n_timesteps[, n_channels])
        Synthetic series.
    X_train : array-like of shape (n_train, n_timesteps[, n_channels]), default=None
        The series that the generator was trained on. ``None``: it was trained on ``X_real``, and
        the distance of each real series to the nearest other one stands in for held-out ones.
    window_starts : array-like of int of shape (n_samples,), default=None
        Start of each real window, if windows overlap and there is no ``X_train``: a window that
        shares timesteps is then no other one. Noticed without if the windows are in time order.

    Returns
    -------
    ratio : float
        Nearest-record ratio; infinite if all held-out series are copies and the synthetic
        ones are not, 1 if all are.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or have fewer than two series.

    References
    ----------
    M. Platzer and T. Reutterer (2021), "Holdout-based empirical assessment of mixed-type
    synthetic data", Frontiers in Big Data 4. https://doi.org/10.3389/fdata.2021.679939

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import nearest_record_ratio
    >>> train, held_out = np.random.default_rng(0).normal(size=(2, 200, 12))
    >>> nearest_record_ratio(held_out, train[:50], X_train=train)
    0.0
    """
    synthetic, real = nearest_record_distances(
        X_real, X_synthetic, X_train=X_train, window_starts=window_starts
    )
    far, near = float(np.median(synthetic)), float(np.median(real))
    if near == 0:
        return 1.0 if far == 0 else float("inf")
    return far / near


def near_copy_fraction(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    X_train: ArrayLike | None = None,
    window_starts: ArrayLike | None = None,
    quantile: float = 0.05,
) -> float:
    """Return the fraction of synthetic series that lie suspiciously near to a training series.

    Near means nearer than all but ``quantile`` of the held-out real series are. Fresh series
    from the distribution of the data score ``quantile``, which is the floor; copies score 1.
    Range [0, 1], lower is better, though 0 may also mean that the series are unlike
    any real one. Where ``quantile`` or more of the held-out series are themselves copies of
    training series, near means equal.

    Parameters
    ----------
    X_real : array-like of shape (n_samples, n_timesteps[, n_channels])
        Real series that were not trained on.
    X_synthetic : array-like of shape (n_synthetic, n_timesteps[, n_channels])
        Synthetic series.
    X_train : array-like of shape (n_train, n_timesteps[, n_channels]), default=None
        The series that the generator was trained on; ``None`` as for
        :func:`nearest_record_ratio`.
    window_starts : array-like of int of shape (n_samples,), default=None
        As for :func:`nearest_record_ratio`.
    quantile : float, default=0.05
        What counts as near, and the floor; between 0 and 1.

    Returns
    -------
    fraction : float
        Fraction that are near copies.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, have fewer than two series, or
        ``quantile`` is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import near_copy_fraction
    >>> train, held_out = np.random.default_rng(0).normal(size=(2, 200, 12))
    >>> near_copy_fraction(held_out, train[:50], X_train=train)
    1.0
    """
    quantile = check_fraction(quantile, "quantile")
    synthetic, real = nearest_record_distances(
        X_real, X_synthetic, X_train=X_train, window_starts=window_starts
    )
    near = np.quantile(real, quantile, method="lower")
    return float((synthetic <= near).mean())


def membership_inference_auc(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    X_train: ArrayLike | None = None,
    max_samples: int | None = 5000,
    random_state: RandomState = None,
) -> float:
    """Return how well an attacker tells training series from others by the synthetic ones.

    The attacker calls a real series a training series if a synthetic one is near; the score is
    the area under that attack's ROC curve. 0.5 is best and is what a generator scores that has
    learned the distribution and no series; copies approach 1. Range [0, 1]. Below 0.5 is
    chance, or a sign that held-out series are more typical than training series. Where they come
    from another regime, even a perfect generator is above 0.5: read it beside its floor.

    Parameters
    ----------
    X_real : array-like of shape (n_samples, n_timesteps[, n_channels])
        Real series that were not trained on.
    X_synthetic : array-like of shape (n_synthetic, n_timesteps[, n_channels])
        Synthetic series.
    X_train : array-like of shape (n_train, n_timesteps[, n_channels]), default=None
        The series that the generator was trained on.
    max_samples : int or None, default=5000
        At most so many series of each are used.
    random_state : int, RandomState, Generator or None, default=None
        Seed of that choice.

    Returns
    -------
    auc : float
        Area under the curve.

    Raises
    ------
    ValueError
        If ``X_train`` is missing, or the samples are infinite or not alike.

    References
    ----------
    D. Chen, N. Yu, Y. Zhang and M. Fritz (2020), "GAN-Leaks: a taxonomy of membership inference
    attacks against generative models". https://arxiv.org/abs/1909.03935

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import membership_inference_auc
    >>> train, held_out = np.random.default_rng(0).normal(size=(2, 200, 12))
    >>> bool(membership_inference_auc(held_out, train, X_train=train, random_state=0) > 0.99)
    True
    """
    if X_train is None:
        raise ValueError(
            "membership_inference_auc needs X_train, the series that the generator was trained "
            "on, beside X_real, real series that it was not trained on"
        )
    max_samples = check_limit(max_samples)
    rng = np.random.default_rng(draw_seed(random_state))
    train, real, synthetic = _complete_three(X_train, X_real, X_synthetic)
    members, held_out, published = (
        subset(rows, max_samples, rng) for rows in flat_rows(train, real, synthetic)
    )
    both = np.concatenate([members, held_out])
    attack = -nearest_distances(both, published, tolerance=rounding(train))
    is_member = np.arange(len(attack)) < len(members)
    return float(roc_auc_score(is_member, attack))


def nearest_record_distances(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    X_train: ArrayLike | None = None,
    window_starts: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """Return the distances to the nearest training series: synthetic, and held-out real ones.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        As for :func:`nearest_record_ratio`.
    X_train : array-like of shape (n_train, n_timesteps[, n_channels]), default=None
        As for :func:`nearest_record_ratio`.
    window_starts : array-like of int of shape (n_samples,), default=None
        As for :func:`nearest_record_ratio`.

    Returns
    -------
    synthetic : ndarray of shape (n_synthetic,)
        The distance of each synthetic series to the nearest training series.
    real : ndarray of shape (n_samples,)
        That of each held-out real series.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or have fewer than two series.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import nearest_record_distances
    >>> train, held_out = np.random.default_rng(0).normal(size=(2, 100, 12))
    >>> synthetic, real = nearest_record_distances(held_out, train[:3], X_train=train)
    >>> synthetic
    array([0., 0., 0.])
    """
    if X_train is None:
        real, synthetic = complete_pair(X_real, X_synthetic)
        if len(real) < 2:
            raise ValueError("X_real must have at least 2 series where it is the training data")
        trained, queries = flat_rows(real, synthetic)
        tolerance = rounding(real)
        if window_starts is None:
            starts = find_window_starts(read_pair(X_real, X_synthetic)[0])
        else:
            starts = check_window_starts(window_starts, len(real))
        held_out = nearest_others(
            trained, tolerance=tolerance, starts=starts, length=real.shape[1]
        )
    else:
        if window_starts is not None:
            raise ValueError(
                "window_starts of the real windows would change nothing beside X_train: they tell "
                "which windows of X_real overlap where these were trained on; pass one of the two"
            )
        train, real, synthetic = _complete_three(X_train, X_real, X_synthetic)
        trained, rows, queries = flat_rows(train, real, synthetic)
        tolerance = rounding(train)
        held_out = nearest_distances(rows, trained, tolerance=tolerance)
    return nearest_distances(queries, trained, tolerance=tolerance), held_out


def _complete_three(X_train: ArrayLike, X_real: ArrayLike, X_synthetic: ArrayLike) -> list[Array]:
    """Return three samples as complete series, those trained on first."""
    names = ("X_real", "X_synthetic", "X_train")
    (real, synthetic, train), _ = read_samples(X_real, X_synthetic, X_train, names=names)
    shown = Completion.of(train, real, synthetic)
    return [shown(x) for x in (train, real, synthetic)]
