"""Membership inference from samples alone: is the generator denser here than the world is?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._rows import squared_distances
from sklearn_timegen.data.samples import read_samples
from sklearn_timegen.metrics._common import Array, check_choice, nearest_distances, rounding
from sklearn_timegen.metrics._reading import Completion
from sklearn_timegen.metrics.privacy._owners import mean_by_owner, owners_of_both
from sklearn_timegen.metrics.privacy._spaces import check_encoder, encode, least_distance
from sklearn_timegen.metrics.privacy.attack import AttackResult

__all__ = ["DENSITIES", "log_density_ratio", "membership_attack"]

MOST_COMPONENTS = 8  # of the space in which kernels estimate a density


def membership_attack(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    X_train: ArrayLike,
    X_reference: ArrayLike,
    owners: ArrayLike | None = None,
    train_owners: ArrayLike | None = None,
    density: str = "neighbours",
    encoder: Any = "flat",
    random_state: RandomState = None,
) -> AttackResult:
    """Attack published series with a reference set: whose series were trained on?

    The attacker has the synthetic series and others from the same population, the reference, and
    asks of a series whether the synthetic ones are denser there than the reference: a generator
    that has overfitted is denser at what it was trained on. (Distances to synthetic series alone,
    as in :func:`membership_inference_auc`, take what is typical for what was trained on.) Scores
    of all series of an owner are combined by their mean. 0.5 is the AUC of chance.

    Parameters
    ----------
    X_real : array-like of shape (n_samples, n_timesteps[, n_channels]), or list
        Real series that were not trained on.
    X_synthetic : array-like of shape (n_synthetic, n_timesteps[, n_channels]), or list
        Synthetic series.
    X_train : array-like of shape (n_train, n_timesteps[, n_channels]), or list
        The series that were trained on.
    X_reference : array-like of shape (n_reference, n_timesteps[, n_channels]), or list
        What the attacker knows of the population: real series that are in neither, best of
        other owners, too.
    owners : array-like of shape (n_samples,), default=None
        The owner of each series of ``X_real``; ``None``: each has its own. Windows of one person
        have one owner.
    train_owners : array-like of shape (n_train,), default=None
        The same of ``X_train``; an owner of both is refused.
    density : {"neighbours", "kernel", "boosting"}, default="neighbours"
        How the ratio of densities is estimated: by the distances to the nearest series of each
        sample, by Gaussian kernels on up to 8 principal components, or by boosting that tells the
        two samples apart.
    encoder : {"flat", "summaries", "contrastive"} or transformer, default="flat"
        What is compared: all values, moments and correlations of each series, or encodings, by an
        encoder trained on the reference or by one that is given, fitted.
    random_state : int, RandomState, Generator or None, default=None
        Seed of boosting, the encoder and the intervals.

    Returns
    -------
    result : AttackResult
        The AUC, true-positive rates at low false-positive rates, and intervals.

    Raises
    ------
    ValueError
        If samples are infinite or not alike, owners are not one a series or are in both,
        ``density`` or ``encoder`` is not known, or kernels have one reference series only.

    References
    ----------
    B. van Breugel, H. Sun, Z. Qian and M. van der Schaar (2023), "Membership inference attacks
    against synthetic data through overfitting detection", AISTATS.
    https://arxiv.org/abs/2302.12580

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import membership_attack
    >>> train, held_out, reference = np.random.default_rng(0).normal(size=(3, 100, 12))
    >>> result = membership_attack(held_out, train, X_train=train, X_reference=reference)
    >>> result.auc, result.tpr(0.01)
    (1.0, 1.0)
    """
    check_choice(density, DENSITIES, "density")
    check_encoder(encoder)
    seed = draw_seed(random_state)
    names = ("X_real", "X_synthetic", "X_train", "X_reference")
    samples, _ = read_samples(X_real, X_synthetic, X_train, X_reference, names=names)
    real, synthetic, train, reference = map(Completion.of(*samples), samples)
    owner_of, is_member = owners_of_both(train_owners, len(train), owners, len(real))
    n_owners = len(is_member)
    scores = log_density_ratio(
        np.concatenate([train, real]),
        synthetic,
        reference,
        density=density,
        encoder=encoder,
        seed=seed,
    )
    combined = mean_by_owner(scores, owner_of, n_owners)
    return AttackResult(combined, is_member, np.arange(n_owners), seed=derive_seed(seed, "owners"))


def log_density_ratio(
    queries: Array, synthetic: Array, reference: Array, *, density: str, encoder: Any, seed: int
) -> Array:
    """Return at each series the log of synthetic to reference density, up to a positive factor."""
    first, drawn, at = encode(encoder, reference, synthetic, queries, seed=seed)
    tolerance = rounding(reference) if encoder == "flat" else 1e-9
    return DENSITIES[density](first, drawn, at, tolerance, seed)


def _by_neighbours(
    reference: Array, synthetic: Array, queries: Array, tolerance: float, seed: int
) -> Array:
    """Log of the ratio r_reference / r_synthetic of distances to the nearest series.

    The density of n points at x is about 1 / (n V r^d), r the distance from x to the nearest and
    V the volume of the unit ball in d dimensions; of the log of the ratio, d is the factor that
    is left out, because d is not known.
    """
    far, near = (
        nearest_distances(queries, rows, tolerance=tolerance) for rows in (reference, synthetic)
    )
    least = least_distance(far, tolerance)
    return np.log(np.maximum(far, least)) - np.log(np.maximum(near, least))


def _by_kernels(
    reference: Array, synthetic: Array, queries: Array, tolerance: float, seed: int
) -> Array:
    if len(reference) < 2:
        raise ValueError(
            "density='kernel' goes by the spread of the reference, and that of an attack, or of "
            "its floor in a report, is one series only: give more, or of more owners, or pass "
            "density='neighbours'"
        )
    n_components = min(MOST_COMPONENTS, reference.shape[1], len(reference) - 1)
    space = PCA(n_components, whiten=True, random_state=seed).fit(reference)
    at = space.transform(queries)
    logs = []
    for rows in (synthetic, reference):
        h = len(rows) ** (-1 / (n_components + 4))  # Scott's rule, of unit spreads
        exponents = squared_distances(at, space.transform(rows)) / (-2 * h**2)
        logs.append(logsumexp(exponents, axis=1) - np.log(len(rows)) - n_components * np.log(h))
    return np.asarray(logs[0] - logs[1])


def _by_boosting(
    reference: Array, synthetic: Array, queries: Array, tolerance: float, seed: int
) -> Array:
    """Log-odds of a classifier of synthetic series against those of the reference."""
    rows = np.concatenate([synthetic, reference])
    is_synthetic = np.arange(len(rows)) < len(synthetic)
    model = HistGradientBoostingClassifier(
        max_iter=50, early_stopping=False, class_weight="balanced", random_state=seed
    )
    return np.asarray(model.fit(rows, is_synthetic).decision_function(queries))


DENSITIES: dict[str, Callable[[Array, Array, Array, float, int], Array]] = {
    "neighbours": _by_neighbours,
    "kernel": _by_kernels,
    "boosting": _by_boosting,
}
