"""Small classes, filled up by every arm."""

from __future__ import annotations

from functools import cache
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.augmentation.controls import AUTO, GENERATORS, Jitter, Repeat
from benchmarks.augmentation.data import SETS, Labelled
from benchmarks.augmentation.task import Case, Errors, Task
from sklearn_timegen import AugmentedClassifier, Augmenter

Array = NDArray[Any]
N_SEEDS = 3
ARMS = ["none", "repeat", "jitter", *GENERATORS, "auto"]


class Rocket(TransformerMixin, BaseEstimator):
    """Random convolutions, their largest value and the share of positive ones.

    A. Dempster, F. Petitjean and G. Webb (2020), "ROCKET: exceptionally fast and accurate time
    series classification using random convolutional kernels". In numpy and with fewer kernels,
    because sktime's needs numba.
    """

    def __init__(self, n_kernels: int = 300, random_state: int = 0) -> None:
        self.n_kernels = n_kernels
        self.random_state = random_state

    def fit(self, X: Array, y: Any = None) -> Self:
        """Draw the kernels."""
        rng = np.random.default_rng(self.random_state)
        self.kernels_ = [self._draw(rng, *X.shape[1:]) for _ in range(self.n_kernels)]
        return self

    def transform(self, X: Array) -> Array:
        """Return two features for each kernel."""
        # Each series standardised, as in the paper.
        spread = X.std(axis=1, keepdims=True)
        x = (X - X.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
        return np.column_stack([f for kernel in self.kernels_ for f in _features(x, *kernel)])

    def _draw(self, rng: np.random.Generator, n_timesteps: int, n_channels: int) -> Any:
        length = min(int(rng.choice([7, 9, 11])), n_timesteps)
        most = np.log2((n_timesteps - 1) / (length - 1)) if n_timesteps > length else 0.0
        dilation = int(2 ** rng.uniform(0, most))
        n_used = int(2 ** rng.uniform(0, np.log2(n_channels + 1)))
        channels = rng.choice(n_channels, n_used, replace=False)
        weights = rng.standard_normal((n_used, length))
        weights -= weights.mean(axis=1, keepdims=True)
        padding = (length - 1) * dilation // 2 if rng.random() < 0.5 else 0
        return weights, channels, dilation, padding, rng.uniform(-1, 1)


def _features(
    x: Array, weights: Array, channels: Array, dilation: int, padding: int, bias: float
) -> tuple[Array, Array]:
    used = np.pad(x[:, :, channels], ((0, 0), (padding, padding), (0, 0)))
    span = (weights.shape[1] - 1) * dilation + 1
    windows = sliding_window_view(used, span, axis=1)[..., ::dilation]
    out = np.einsum("ntcl,cl->nt", windows, weights, optimize=True) + bias
    return out.max(axis=1), (out > 0).mean(axis=1)


class Flat(TransformerMixin, BaseEstimator):
    """Series as rows."""

    def fit(self, X: Array, y: Any = None) -> Self:
        """Learn nothing."""
        self.fitted_ = True
        return self

    def transform(self, X: Array) -> Array:
        """Return the rows."""
        return np.asarray(X, dtype=np.float64).reshape(len(X), -1)


CLASSIFIERS = {
    "Rocket + ridge": make_pipeline(
        Rocket(), StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, 10))
    ),
    "boosting": make_pipeline(
        Flat(), HistGradientBoostingClassifier(max_iter=30, min_samples_leaf=3, random_state=0)
    ),
}


def generator_of(arm: str) -> Any:
    controls = {"repeat": Repeat(), "jitter": Jitter()}
    return clone({**GENERATORS, **controls, "auto": GENERATORS[AUTO]}[arm])


def classified(data: Labelled, learner: str, fraction: float, arm: str, seed: int) -> float:
    """Return one minus the balanced accuracy on the test part, and half an error."""
    X, y = data.few(fraction, seed)
    classifier: Any = clone(CLASSIFIERS[learner])
    if arm == "auto":
        classifier = AugmentedClassifier(
            classifier,
            generator_of(arm),
            class_shares="equal",
            scoring="balanced_accuracy",
            predictor_input="series",
            random_state=seed,
        )
    elif arm != "none":
        X, y = Augmenter(generator_of(arm), mode="balance", random_state=seed).fit_resample(X, y)
    classifier.fit(X, y)
    score = balanced_accuracy_score(data.y_test, classifier.predict(data.X_test))
    return float(1 - score + 0.5 / len(data.y_test))


@cache
def load_set(name: str, seed: int) -> Labelled:
    return SETS[name](seed)


def cases(quick: bool) -> list[Case]:
    names = ["ItalyPowerDemand", "BasicMotions"] if quick else list(SETS)
    return [
        Case(name, learner, fraction, seed)
        for seed in range(1 if quick else N_SEEDS)
        for name in names
        for fraction in load_set(name, 0).fractions()[: 1 if quick else None]
        for learner in CLASSIFIERS
    ]


def errors(case: Case, arm: str) -> Errors:
    data = load_set(case.data, case.seed)
    return {case.data: classified(data, case.learner, case.fraction, arm, case.seed)}


CLASSIFICATION = Task("classification", cases, lambda case: list(ARMS), errors)
