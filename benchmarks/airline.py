"""Bagged exponential smoothing on Airline: generators beside sktime's block bootstrap.

``python -m benchmarks.airline`` forecasts years of airline passengers by
``BaggingForecaster`` over ten versions and the actual series, the same smoothing for all, and
writes mean absolute percentage errors and their ratio to that of ``STLBootstrapTransformer``,
as means over seeds, to ``benchmarks/results/airline.md``.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sktime.datasets import load_airline
from sktime.forecasting.compose import BaggingForecaster
from sktime.forecasting.exp_smoothing import ExponentialSmoothing
from sktime.forecasting.model_evaluation import evaluate
from sktime.performance_metrics.forecasting import MeanAbsolutePercentageError
from sktime.split import ExpandingWindowSplitter
from sktime.transformations.bootstrap import STLBootstrapTransformer

from sklearn_timegen import BlockBootstrap, PCAMixture, TimeVAE
from sklearn_timegen.forecasting import GeneratorBootstrap

SMOOTHING = ExponentialSmoothing(trend="add", seasonal="multiplicative", sp=12)
SPLITS = {
    "5 years, one at a time": ExpandingWindowSplitter(
        initial_window=84, step_length=12, fh=list(range(1, 13))
    ),
    "the last 3 years at once": ExpandingWindowSplitter(
        initial_window=108, step_length=36, fh=list(range(1, 37))
    ),
}
N_SEEDS = 5
BOOTSTRAPS: dict[str, Any] = {
    "STLBootstrapTransformer": STLBootstrapTransformer(sp=12),
    "GeneratorBootstrap(PCAMixture())": GeneratorBootstrap(PCAMixture()),
    '... decomposition="stl-robust"': GeneratorBootstrap(PCAMixture(), decomposition="stl-robust"),
    "... anchor_end=False": GeneratorBootstrap(PCAMixture(), anchor_end=False),
    "... decomposition=None, anchor_end=False": GeneratorBootstrap(
        PCAMixture(), decomposition=None, anchor_end=False
    ),
    "GeneratorBootstrap(BlockBootstrap())": GeneratorBootstrap(BlockBootstrap()),
    "GeneratorBootstrap(TimeVAE())": GeneratorBootstrap(TimeVAE()),
}


def error_of(forecaster: Any, splitter: Any) -> float:
    """Return the mean error over the splitter's test periods."""
    found = evaluate(
        forecaster,
        splitter,
        load_airline(),
        scoring=MeanAbsolutePercentageError(),
        error_score="raise",
    )
    return float(found["test_MeanAbsolutePercentageError"].mean())


def errors_of(bootstrap: Any, splitter: Any) -> NDArray[np.float64]:
    """Return one error a seed."""
    seeded = [bootstrap.clone().set_params(random_state=seed) for seed in range(N_SEEDS)]
    return np.array([error_of(BaggingForecaster(one, SMOOTHING), splitter) for one in seeded])


def main() -> None:
    """Run all and write the table."""
    warnings.simplefilter("ignore")  # sktime's notices of changes to come
    torch.set_num_threads(1)
    lines = [
        "# Bagging on Airline",
        "",
        f"Mean absolute percentage errors, mean and spread over {N_SEEDS} seeds, and the ratio of "
        "means to that of sktime's bootstrap.",
        "",
        "| test periods | bootstrap | error | spread | ratio |",
        "|---|---|---|---|---|",
    ]
    for period, splitter in SPLITS.items():
        lines.append(f"| {period} | none | {error_of(SMOOTHING, splitter):.4f} | | |")
        print(lines[-1], flush=True)
        unit = np.nan
        for name, bootstrap in BOOTSTRAPS.items():
            errors = errors_of(bootstrap, splitter)
            unit = errors.mean() if name.startswith("STL") else unit
            lines.append(
                f"| {period} | `{name}` | {errors.mean():.4f} | {errors.std():.4f} | "
                f"{errors.mean() / unit:.3f} |"
            )
            print(lines[-1], flush=True)
    lines += ["", "`python -m benchmarks.airline`, one thread.", ""]
    (Path(__file__).parent / "results" / "airline.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
