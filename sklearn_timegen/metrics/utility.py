"""Global utility: each channel predicted from the others, trained on synthetic or on real rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._folds import check_starts, splits
from sklearn_timegen.metrics.dependence import Channels

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["global_utility", "utility_by_channel"]

MOST_ROWS = 2000  # timesteps to train a predictor on, and as many to test it on
MOST_CHANNELS = 20  # that are predicted
LITTLE = 0.05  # a skill below which nothing can be predicted
SETTINGS = {"max_iter": 50, "max_leaf_nodes": 15, "early_stopping": False}


def global_utility(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    categories: Sequence[Sequence[int]] | None = None,
    window_starts: ArrayLike | None = None,
    random_state: RandomState = None,
) -> float:
    """Return how well synthetic series train predictors of each channel, relative to real ones.

    For each channel gradient boosting predicts its value from the other channels at the same
    timestep, and from all of them at the timestep before. It is trained on synthetic rows, and on
    as many rows of one half of the real series, and tested on the other half. Skill is R2 of
    numbers, and of categories the accuracy above that of the most frequent one, as a fraction of
    what is left above that; no less than 0. The result is the sum of skills from synthetic rows,
    divided by that from real ones. Higher is better, and a perfect sample has 1, but for chance; 1
    by definition where real series let nothing be predicted. Copies of the training data score 1:
    usefulness is not originality.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels]), or list
        The two samples; their numbers may differ, and values may be missing.
    categories : sequence of sequence of int or None, default=None
        As for :func:`category_difference`.
    window_starts : array-like of int of shape (n_real,), default=None
        Start of each real window, if they overlap: halves are blocks of time then.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the halves and the rows.

    Returns
    -------
    utility : float
        The ratio of sums, over the channels that can be predicted.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, there are fewer than two real series, or
        ``categories`` names no column of them.

    See Also
    --------
    utility_by_channel : The skills, channel by channel.
    tstr_score : One task instead of all.

    References
    ----------
    X. Jiang, N. Simidjievski and M. Jamnik (2025), "TabStruct: measuring structural fidelity of
    tabular data", for tables, where it is the mean over columns of such ratios, by an ensemble of
    tuned predictors. https://arxiv.org/abs/2509.11950

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import global_utility
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=(60, 20, 1))
    >>> real, unrelated = np.concatenate([a, a], axis=2), rng.normal(size=(60, 20, 2))
    >>> global_utility(real, real, random_state=0) > 0.9
    True
    >>> global_utility(real, unrelated, random_state=0)
    0.0
    """
    skills = _skills(X_real, X_synthetic, categories, window_starts, random_state)
    known = [pair for pair in skills.values() if pair[0] >= LITTLE]
    if not known:
        return 1.0
    of_real, of_synthetic = np.sum(known, axis=0)
    return float(of_synthetic / of_real)


def utility_by_channel(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    categories: Sequence[Sequence[int]] | None = None,
    window_starts: ArrayLike | None = None,
    random_state: RandomState = None,
) -> pd.DataFrame:
    """Return how well each channel is predicted after training on real and on synthetic series.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels]), or list
        The two samples.
    categories : sequence of sequence of int or None, default=None
        As for :func:`global_utility`, with which this shares all that follows.
    window_starts : array-like of int of shape (n_real,), default=None
        Start of each real window, if they overlap.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the halves and the rows.

    Returns
    -------
    table : DataFrame
        A row a channel, with columns ``real`` and ``synthetic``, the skills, and ``ratio``, NaN
        where real series let nothing be predicted.

    Raises
    ------
    ValueError
        As for :func:`global_utility`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import utility_by_channel
    >>> a = np.random.default_rng(0).normal(size=(60, 20, 1))
    >>> real, other = np.concatenate([a, a], axis=2), np.concatenate([a, -a], axis=2)
    >>> table = utility_by_channel(real, other, random_state=0)
    >>> table["synthetic"].tolist()
    [0.0, 0.0]
    """
    import pandas as pd

    skills = _skills(X_real, X_synthetic, categories, window_starts, random_state)
    table = pd.DataFrame.from_dict(skills, orient="index", columns=["real", "synthetic"])
    table.index.name = "channel"
    predictable = table["real"] >= LITTLE
    return table.assign(ratio=(table["synthetic"] / table["real"]).where(predictable))


def _skills(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    categories: Sequence[Sequence[int]] | None,
    window_starts: ArrayLike | None,
    random_state: RandomState,
) -> dict[str, tuple[float, float]]:
    """Return of each channel the skill after training on real rows, and on synthetic ones."""
    channels = Channels.of(X_real, X_synthetic, categories)
    if len(channels.real) < 2:
        raise ValueError(
            f"{len(channels.real)} real series cannot be halved into some to train on and some to "
            "test on: at least 2 are needed"
        )
    seed = draw_seed(random_state)
    starts = check_starts(window_starts, len(channels.real), "window_starts")
    train, test = splits(channels.real, starts, 2, seed)[0]
    rng = np.random.default_rng(seed)
    real, held_out = _rows(channels.real[train]), _rows(channels.real[test])
    synthetic = _rows(channels.synthetic)
    n_channels = channels.real.shape[2]
    chosen = np.arange(n_channels)
    if n_channels > MOST_CHANNELS:
        chosen = np.sort(rng.choice(n_channels, MOST_CHANNELS, replace=False))
    coded = np.concatenate([channels.is_category, channels.is_category])
    skills = {}
    for d in map(int, chosen):
        known = [rows[np.isfinite(rows[:, d])] for rows in (real, synthetic, held_out)]
        n = min(MOST_ROWS, len(known[0]), len(known[1]))
        if n < 2 or len(known[2]) < 2:
            skills[channels.names[d]] = (0.0, 0.0)
            continue
        tested = _some(known[2], MOST_ROWS, rng)
        of_real, of_synthetic = (
            _skill(_some(rows, n, rng), tested, d, coded, seed) for rows in known[:2]
        )
        skills[channels.names[d]] = (of_real, of_synthetic)
    return skills


def _rows(x: Array) -> Array:
    """Return a row for each timestep: all channels, and all of them one timestep before."""
    before = np.full_like(x, np.nan)
    before[:, 1:] = x[:, :-1]
    return np.concatenate([x, before], axis=2).reshape(-1, 2 * x.shape[2])


def _some(rows: Array, n: int, rng: np.random.Generator) -> Array:
    return rows if len(rows) <= n else rows[rng.choice(len(rows), n, replace=False)]


def _skill(train: Array, test: Array, d: int, coded: NDArray[np.bool_], seed: int) -> float:
    """Predict column ``d`` from all others."""
    target, truth = train[:, d], test[:, d]
    if np.ptp(truth) == 0 or np.ptp(target) == 0:  # nothing to predict, or nothing learned of it
        return 0.0
    others = np.delete(np.arange(train.shape[1]), d)
    # A column of which training shows nothing, as of the timestep before the only one.
    others = others[np.isfinite(train[:, others]).any(axis=0)]
    if len(others) == 0:
        return 0.0
    params: dict[str, Any] = {"categorical_features": coded[others], "random_state": seed}
    params |= SETTINGS
    if coded[d]:
        model = HistGradientBoostingClassifier(**params).fit(train[:, others], target)
        accuracy = float((model.predict(test[:, others]) == truth).mean())
        base = float(np.unique(truth, return_counts=True)[1].max() / len(truth))
        return max(0.0, (accuracy - base) / (1 - base))
    regressor = HistGradientBoostingRegressor(**params).fit(train[:, others], target)
    error = float(((regressor.predict(test[:, others]) - truth) ** 2).mean())
    return max(0.0, 1 - error / float(truth.var()))
