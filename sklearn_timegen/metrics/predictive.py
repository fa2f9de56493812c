"""Are synthetic series good to train a predictor on?"""

from __future__ import annotations

from inspect import isclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_timegen._random import RandomState, derive_seed, draw_seed, torch_generator
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.conditions import as_conditions
from sklearn_timegen.data.labels import shown_label
from sklearn_timegen.metrics._common import Array, Measurement, one_torch_thread
from sklearn_timegen.metrics._judges import (
    BATCH_SIZE,
    hidden_size,
    make_judge,
    rows_last,
    scaled,
    train,
)
from sklearn_timegen.metrics._reading import Completion, mean, read_pair

__all__ = ["predictive_score", "tstr_score"]

N_STEPS = 5000


def predictive_score(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    n_repeats: int = 5,
    random_state: RandomState = None,
) -> Measurement:
    """Return the error of one-step predictions of a network trained on synthetic series.

    The published protocol: a GRU with a sigmoid output sees all channels but the last one up to
    timestep t and predicts the last channel at t + 1; 5,000 steps of Adam(1e-3) on batches of
    128; mean absolute error over all real series, channels scaled by their range. Of a
    univariate series, its own past is seen.

    Lower is better, but it is a sanity check and no goal: where the target cannot be predicted
    the best constant is as good. The error of that constant is the result's ``floor``; a score
    near it says nothing about the series.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.
    n_repeats : int, default=5
        Networks to train.
    random_state : int, RandomState, Generator or None, default=None
        Seed of weights and batches.

    Returns
    -------
    score : Measurement
        A float: the mean over the repeats, with ``std``, ``floor`` and ``values``.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or have one timestep only.

    References
    ----------
    J. Yoon, D. Jarrett and M. van der Schaar (2019), "Time-series generative adversarial
    networks", NeurIPS 32, in the protocol of the published code.
    https://papers.nips.cc/paper/8789-time-series-generative-adversarial-networks

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.metrics import predictive_score
    >>> X = make_sines(60, 4, 2, random_state=0)
    >>> score = predictive_score(X[:30], X[30:], n_repeats=1, random_state=0)
    >>> bool(score > 0), bool(score.floor > 0)
    (True, True)
    """
    real, synthetic = read_pair(X_real, X_synthetic)
    if real.shape[1] == 1:
        raise ValueError("series of one timestep leave nothing to predict")
    n_repeats = check_count(n_repeats, "n_repeats")
    seed = draw_seed(random_state)
    shown = Completion.of(real, synthetic)
    x_real, x_synthetic = scaled(shown(real), shown(synthetic))
    target = real.shape[2] - 1  # what says which values are there comes after it
    n_channels = real.shape[2] + shown.n_added
    inputs = [d for d in range(n_channels) if d != target or target == 0]
    judge = make_judge(n_repeats, len(inputs), hidden_size(n_channels), seed)
    generator = torch_generator(derive_seed(seed, "batches"))

    def errors(x: torch.Tensor) -> torch.Tensor:
        """Absolute errors of each repeat, (T - 1, R, B), for ``x`` of (T, R, D, B)."""
        predicted = judge(x[:-1, :, inputs].contiguous()).sigmoid()
        return (predicted - x[1:, :, target]).abs()

    def loss() -> torch.Tensor:
        rows = torch.randint(len(x_synthetic), (n_repeats, BATCH_SIZE), generator=generator)
        return errors(rows_last(x_synthetic[rows])).mean(dim=(0, 2)).sum()

    with one_torch_thread():
        train(judge, N_STEPS, loss)
        with torch.no_grad():
            parts = [
                errors(rows_last(part.expand(n_repeats, *part.shape)))
                for part in x_real.split(1024)
            ]
    values = torch.cat(parts, dim=2).mean(dim=(0, 2)).numpy()
    targets = x_real[:, 1:, target].numpy()
    floor = float(np.abs(targets - np.median(targets)).mean())
    return Measurement(values.mean(), std=float(values.std()), floor=floor, values=values)


def tstr_score(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    y_real: ArrayLike | None = None,
    y_synthetic: ArrayLike | None = None,
    predictor: BaseEstimator | None = None,
) -> float:
    """Return what a predictor achieves on real series after training on synthetic ones.

    With labels, its accuracy (train on synthetic, test on real: TSTR). Without labels, the
    predictor is a regressor that sees a series without its last timestep and predicts the last
    timestep of all channels; the score is R2, its mean over the channels that vary. Higher is
    better. The floor of such a number is what training on as many real series achieves (TRTR),
    and chance is the fraction of the largest class, or 0. Copies of the training data score high:
    usefulness is not originality.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The series to test on, and those to train on.
    y_real, y_synthetic : array-like of shape (n_samples,), default=None
        Their labels; both or none.
    predictor : classifier or regressor, default=None
        Fed rows of ``n_timesteps * n_channels`` values; cloned. ``None`` is logistic or ridge
        regression on standardised values.

    Returns
    -------
    score : float
        Accuracy or R2.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, only one has labels, or there
        are no labels and only one timestep.
    TypeError
        If ``predictor`` is no estimator.

    See Also
    --------
    sklearn_timegen.TSTRClassifier : The same as an estimator, for scikit-learn's own tools.

    References
    ----------
    C. Esteban, S. Hyland and G. Raetsch (2017), "Real-valued (medical) time series generation
    with recurrent conditional GANs". https://arxiv.org/abs/1706.02633

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> from sklearn_timegen.metrics import tstr_score
    >>> X, y = make_labelled_sines(200, 24, random_state=0)
    >>> score = tstr_score(X[:100], X[100:], y_real=y[:100], y_synthetic=y[100:])
    >>> bool(score > 0.9)
    True
    """
    real, synthetic = read_pair(X_real, X_synthetic)
    shown = Completion.of(real, synthetic)
    if predictor is not None and (isclass(predictor) or not hasattr(predictor, "get_params")):
        raise TypeError(
            f"predictor must be an estimator of scikit-learn's kind, got {predictor!r}"
        )
    if (y_real is None) != (y_synthetic is None):
        raise ValueError("y_real and y_synthetic belong together: one is missing")
    if y_real is not None and y_synthetic is not None:
        labels = as_conditions(y_real), as_conditions(y_synthetic)
        for x, y, name in ((real, labels[0], "y_real"), (synthetic, labels[1], "y_synthetic")):
            if y.shape != (len(x),):
                raise ValueError(f"{name} has shape {y.shape} for {len(x)} series")
        unknown = np.setdiff1d(labels[1], labels[0])
        if len(unknown) == len(np.unique(labels[1])):
            raise ValueError(
                "y_synthetic holds none of the labels of y_real, but "
                f"{', '.join(map(shown_label, unknown[:5]))}"
            )
        return _accuracy(shown(real), shown(synthetic), *labels, predictor)
    return _r2(real, synthetic, shown, predictor)


def _accuracy(
    real: Array,
    synthetic: Array,
    y_real: NDArray[Any],
    y_synthetic: NDArray[Any],
    predictor: BaseEstimator | None,
) -> float:
    if predictor is None:
        predictor = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    if not is_classifier(predictor):
        raise ValueError(f"predictor must be a classifier where there are labels: {predictor!r}")
    present = np.unique(y_synthetic)
    if len(present) == 1:  # nothing to learn, which scikit-learn's classifiers mostly refuse
        return float((y_real == present[0]).mean())
    fitted = clone(predictor).fit(synthetic.reshape(len(synthetic), -1), y_synthetic)
    return float((fitted.predict(real.reshape(len(real), -1)) == y_real).mean())


def _r2(
    real: Array, synthetic: Array, shown: Completion, predictor: BaseEstimator | None
) -> float:
    if real.shape[1] == 1:
        raise ValueError("series of one timestep leave nothing to predict the last one from")
    regressor = clone(make_pipeline(StandardScaler(), Ridge()) if predictor is None else predictor)
    n_channels = real.shape[2]
    x, s = (shown(sample) for sample in (real, synthetic))
    regressor.fit(s[:, :-1].reshape(len(s), -1), s[:, -1, :n_channels])
    predicted = regressor.predict(x[:, :-1].reshape(len(x), -1)).reshape(len(x), -1)
    return _r2_of_known(real[:, -1], predicted)


def _r2_of_known(target: Array, predicted: Array) -> float:
    """Mean R2 over the targets that vary, each over the series in which it is known."""
    known = np.isfinite(target)
    error, total = (
        (np.where(known, x - target, 0.0) ** 2).sum(axis=0)
        for x in (predicted, mean(target, axis=0))
    )
    high, low = (over.reduce(target, axis=0) for over in (np.fmax, np.fmin))
    varies = high - low > 1e-9 * np.maximum(np.abs(low), np.abs(high))
    return float((1 - error[varies] / total[varies]).mean()) if varies.any() else 0.0
