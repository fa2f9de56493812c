"""The judges of the scores, and the predictors of the claims."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.quality import Array
from sklearn_timegen.metrics import discriminative, discriminative_score, predictive_score
from sklearn_timegen.metrics._judges import rows_last

__all__ = ["accuracy_above", "discriminated", "predicted", "prediction_errors"]

LOGIT_PUBLISHED = 0.5  # where the published code cut
N_LAGS = 8
N_ROWS_BOOSTING = 20_000


def accuracy_above(cut: float, real_logits: NDArray[Any], synthetic_logits: NDArray[Any]) -> float:
    """Accuracy of calling real what has a logit above ``cut``; the mean over both kinds."""
    return float((real_logits > cut).mean() + (synthetic_logits <= cut).mean()) / 2


def discriminated(real: Array, synthetic: Array, n_judges: int, seed: int) -> dict[str, Any]:
    """DS of the same judges with both thresholds, its floor, and that of boosting."""
    published: list[float] = []

    def logits_of(judge: Any, x: torch.Tensor, n_repeats: int) -> NDArray[Any]:
        parts = [
            judge(rows_last(part.expand(n_repeats, *part.shape)), last=True)
            for part in x.split(1024)
        ]
        return torch.cat(parts, dim=1).numpy()

    def accuracy(real_logits: NDArray[Any], synthetic_logits: NDArray[Any]) -> float:
        at_published = accuracy_above(LOGIT_PUBLISHED, real_logits, synthetic_logits)
        published.append(abs(at_published - 0.5))
        return accuracy_above(0.0, real_logits, synthetic_logits)

    # The library keeps only which side of 0 a logit is on: have it keep the logits.
    with (
        patch.object(discriminative, "_called_real", logits_of),
        patch.object(discriminative, "_accuracy", accuracy),
    ):
        score = discriminative_score(real, synthetic, n_repeats=n_judges, random_state=seed)
    strong = discriminative_score(real, synthetic, judge="boosting", random_state=seed)
    return {
        "right": list(score.values),
        "published": published,
        "floor": score.floor,
        "boosting": list(strong.values),
    }


def predicted(real: Array, synthetic: Array, n_judges: int, seed: int) -> dict[str, Any]:
    """PS and the error of the best constant."""
    score = predictive_score(real, synthetic, n_repeats=n_judges, random_state=seed)
    return {"ps": list(score.values), "constant": score.floor}


def prediction_errors(
    train: Array, test: Array, truth: Array | None, channels: slice, n_repeats: int, seed: int
) -> dict[str, list[float]]:
    """Mean absolute errors, in ranges of the predicted channel, of each repeat of a predictor."""
    x, y = lagged(test)
    if truth is not None:
        y = lagged(truth)[1]
    span = float(np.ptp(test[:, :, -1]))
    gru = predictive_score(
        test[:, :, channels], train[:, :, channels], n_repeats=n_repeats, random_state=seed
    )
    errors: dict[str, list[float]] = {"GRU": list(gru.values), "ridge": [], "boosting": []}
    for k in range(n_repeats):
        rng = np.random.default_rng([seed, k])
        x_train, y_train = lagged(train[rng.integers(len(train), size=len(train))])
        rows = rng.permutation(len(x_train))[:N_ROWS_BOOSTING]
        ridge = make_pipeline(StandardScaler(), Ridge()).fit(x_train, y_train)
        errors["ridge"].append(float(np.abs(ridge.predict(x) - y).mean()) / span)
        with threadpool_limits(1, user_api="openmp"):
            boosting = HistGradientBoostingRegressor(random_state=k)
            boosting.fit(x_train[rows], y_train[rows])
            errors["boosting"].append(float(np.abs(boosting.predict(x) - y).mean()) / span)
    return errors


def lagged(x: Array) -> tuple[Array, Array]:
    """Rows of the last values of all channels, and the next value of the last channel."""
    windows = np.lib.stride_tricks.sliding_window_view(x, N_LAGS, axis=1)[:, :-1]
    return windows.reshape(-1, x.shape[2] * N_LAGS), x[:, N_LAGS:, -1].reshape(-1)
