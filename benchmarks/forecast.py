"""Forecasts by ``forecast`` beside textbook ones: ``python -m benchmarks.forecast``.

From each of several origins, 12 steps of real series are forecast by draws. Measured: the CRPS by
its unbiased estimator, in units of the channel's in-sample mean absolute change, and how often
the truth lies in the central 80% of the draws. All see the values before the origin only; what
is trained, is trained on the values before the first origin of a block. Where a series has no
level to come back to, windows hold its changes (``log``: of logarithms), and forecasts are added
up. Smoothing is fitted anew at every origin, on the latest ``MEMORY`` values.

Stocks and energy are looked for in the directory that ``SKLEARN_TIMEGEN_DATA`` names. The table
goes to ``benchmarks/results/forecast.md``.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from benchmarks.forecast_data import CASES, Case
from sklearn_timegen import FlowMatching

__all__ = ["METHODS", "Method", "crps", "evaluate"]

Array = NDArray[np.float64]
HORIZON, SEEN, N_DRAWS, MEMORY = 12, 24, 200, 480
RIVAL = "smoothing (ETS)"
RESULTS = Path(__file__).parent / "results" / "forecast.md"


def crps(draws: Array, truth: Array) -> Array:
    """Unbiased estimate of ``E|X - y| - E|X - X'| / 2`` from draws ``(n, ...)`` of X."""
    n = len(draws)
    ranks = (2 * np.arange(1, n + 1) - n - 1).reshape(-1, *[1] * truth.ndim)
    half_spread = (ranks * np.sort(draws, axis=0)).sum(axis=0) / (n * (n - 1))
    error: Array = np.abs(draws - truth).mean(axis=0) - half_spread
    return error


class Method(Protocol):
    """A way to forecast; a past is an array ``(n, D)``."""

    def fit(self, past: Array, case: Case) -> None:
        """Learn what is learned once for several origins."""
        ...

    def draw(self, past: Array, n_draws: int, seed: int) -> Array:
        """Return ``(n_draws, HORIZON, D)``."""
        ...


class Naive:
    """The last value and a random walk of centred in-sample changes."""

    def fit(self, past: Array, case: Case) -> None:
        changes = np.diff(past, axis=0)
        self.steps = changes - changes.mean(axis=0)

    def draw(self, past: Array, n_draws: int, seed: int) -> Array:
        picked = np.random.default_rng(seed).integers(len(self.steps), size=(n_draws, HORIZON))
        return past[-1] + self.steps[picked].cumsum(axis=1)


class SeasonalNaive:
    """The last season, and its in-sample changes from season to season, drawn again."""

    def fit(self, past: Array, case: Case) -> None:
        self.period = case.period
        self.changes = past[self.period :] - past[: -self.period]

    def draw(self, past: Array, n_draws: int, seed: int) -> Array:
        picked = np.random.default_rng(seed).integers(len(self.changes), size=(n_draws, HORIZON))
        last = past[len(past) - self.period + np.arange(HORIZON) % self.period]
        return last + self.changes[picked]


class Smoothing:
    """Exponential smoothing with additive errors, by channel, with the trend of least AICc."""

    def fit(self, past: Array, case: Case) -> None:
        self.period = case.period

    def draw(self, past: Array, n_draws: int, seed: int) -> Array:
        drawn = [self._draw(past[-MEMORY:, d], n_draws, seed + d) for d in range(past.shape[1])]
        return np.stack(drawn, axis=2)

    def _draw(self, y: Array, n_draws: int, seed: int) -> Array:
        season = {"seasonal": "add", "seasonal_periods": self.period} if self.period > 1 else {}
        trends: list[dict[str, Any]] = [{}, {"trend": "add"}]
        trends.append({"trend": "add", "damped_trend": True})
        scale = y.std() or 1.0
        fits = [
            ETSModel(y / scale, **season, **trend, initialization_method="heuristic").fit(
                disp=False, maxiter=200
            )
            for trend in trends
        ]
        best = min(fits, key=lambda fitted: fitted.aicc)
        rng = np.random.default_rng(seed)
        errors = np.sqrt(best.mse) * rng.standard_normal((HORIZON, n_draws))
        drawn = best.simulate(HORIZON, anchor="end", repetitions=n_draws, random_errors=errors)
        made: Array = np.asarray(drawn, dtype=float).reshape(HORIZON, n_draws).T * scale
        return made


class Windows:
    """What is learned from all windows of a past, of values or of changes."""

    def fit(self, past: Array, case: Case) -> None:
        self.differenced = case.differenced
        series = self._enter(past)
        cut = np.lib.stride_tricks.sliding_window_view(series, SEEN + HORIZON, axis=0)
        self.learn(cut.transpose(0, 2, 1))

    def draw(self, past: Array, n_draws: int, seed: int) -> Array:
        made = self.go_on(self._enter(past)[-SEEN:], n_draws, seed)
        return past[-1] + made.cumsum(axis=1) if self.differenced else made

    def _enter(self, past: Array) -> Array:
        return np.diff(past, axis=0) if self.differenced else past

    def learn(self, windows: Array) -> None:
        raise NotImplementedError

    def go_on(self, seen: Array, n_draws: int, seed: int) -> Array:
        raise NotImplementedError


class NormalWindows(Windows):
    """The normal distribution with the windows' mean and shrunk covariance, given the past."""

    def learn(self, windows: Array) -> None:
        rows = windows.reshape(len(windows), -1)
        self.mean, self.scale = rows.mean(axis=0), rows.std(axis=0)
        covariance, _ = ledoit_wolf((rows - self.mean) / self.scale)
        n = SEEN * windows.shape[2]
        self.gain = np.linalg.solve(covariance[:n, :n], covariance[:n, n:])
        self.left = covariance[n:, n:] - covariance[n:, :n] @ self.gain

    def go_on(self, seen: Array, n_draws: int, seed: int) -> Array:
        rng, n = np.random.default_rng(seed), seen.size
        mean = ((seen.ravel() - self.mean[:n]) / self.scale[:n]) @ self.gain
        drawn = rng.multivariate_normal(mean, self.left, size=n_draws)
        made: Array = (self.mean[n:] + self.scale[n:] * drawn).reshape(n_draws, HORIZON, -1)
        return made


@dataclass
class Flow(Windows):
    """``forecast`` of a small flow, trained for the case's number of batches."""

    flow: Any

    def fit(self, past: Array, case: Case) -> None:
        self.n_batches = case.n_batches
        super().fit(past, case)

    def learn(self, windows: Array) -> None:
        n_epochs = round(self.n_batches / np.ceil(len(windows) / self.flow.batch_size))
        self.flow.set_params(max_epochs=max(1, n_epochs)).fit(windows.astype(np.float32))

    def go_on(self, seen: Array, n_draws: int, seed: int) -> Array:
        made = self.flow.forecast(
            seen[None].astype(np.float32), HORIZON, n_draws, random_state=seed
        )
        return np.asarray(made[:, 0], dtype=float)


@dataclass
class Levels(Windows):
    """Another method, on windows of levels whatever the case says."""

    method: Windows

    def fit(self, past: Array, case: Case) -> None:
        self.method.fit(past, replace(case, differenced=False))

    def draw(self, past: Array, n_draws: int, seed: int) -> Array:
        return self.method.draw(past, n_draws, seed)


FLOW = FlowMatching(
    representation="cosine-quantile",
    hidden_dim=48,
    n_layers=2,
    batch_size=64,
    lr=1e-3,
    ema_decay=0.99,
    random_state=0,
    device="cpu",
)
METHODS: dict[str, Method] = {
    "naive": Naive(),
    "seasonal naive": SeasonalNaive(),
    RIVAL: Smoothing(),
    "normal windows": NormalWindows(),
    "FlowMatching": Flow(FLOW),
    "FlowMatching, levels": Levels(Flow(FLOW)),
}


@dataclass
class Scores:
    """Of one method on one case: arrays ``(n_origins, HORIZON, D)``, and what they cost."""

    crps: Array
    inside: NDArray[np.bool_]
    cpu_seconds: float


def evaluate(method: Method, case: Case) -> Scores:
    """Forecast from every origin of a case."""
    began = time.process_time()
    found, inside = [], []
    blocks = np.array_split(np.asarray(case.origins(HORIZON)), case.n_fits)
    first = case.values[: blocks[0][0]]
    unit = np.abs(np.diff(first, axis=0)).mean(axis=0)
    for block in blocks:
        method.fit(case.enter(case.values[: block[0]]), case)
        for origin in block:
            past, truth = case.values[:origin], case.values[origin : origin + HORIZON]
            draws = case.leave(method.draw(case.enter(past), N_DRAWS, int(origin)))
            found.append(crps(draws, truth) / unit)
            low, high = np.quantile(draws, [0.1, 0.9], axis=0)
            inside.append((low <= truth) & (truth <= high))
    return Scores(np.stack(found), np.stack(inside), time.process_time() - began)


def rows_of(case: Case) -> list[str]:
    """Return the rows of a case's table."""
    scores = {
        name: evaluate(method, case)
        for name, method in METHODS.items()
        if (case.period > 1 or not isinstance(method, SeasonalNaive))
        and (case.trended or not isinstance(method, Levels))
    }
    rows = []
    for name, one in scores.items():
        of_origins = one.crps.mean(axis=(1, 2))
        lost = of_origins - scores[RIVAL].crps.mean(axis=(1, 2))
        error = lost.std(ddof=1) / np.sqrt(len(lost))
        against = "" if name == RIVAL else f"{lost.mean():+.3f} +- {error:.3f}"
        rows.append(
            f"| {case.name} | {name} | {of_origins.mean():.3f} | {against} "
            f"| {one.crps[:, :3].mean():.3f} | {one.crps[:, -3:].mean():.3f} "
            f"| {one.inside.mean():.0%} | {one.cpu_seconds:.1f} |"
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Run all cases and write the table."""
    warnings.simplefilter("ignore")  # smoothing that does not converge, scipy's and numpy's
    torch.set_num_threads(1)
    began = time.process_time()
    lines = [
        "# Probabilistic forecasts of twelve steps",
        "",
        f"CRPS (unbiased, {N_DRAWS} draws) in units of the mean absolute change of a step before "
        "the first origin: mean over origins, steps and channels; what it is beyond smoothing's, "
        "with the standard error over origins; at the first and the last three steps. Inside: "
        "truth in the central 80% of the draws. Flows see "
        f"{SEEN} steps, and have learned from all windows of {SEEN + HORIZON}. "
        f"They are small: {FLOW.n_layers} layers of {FLOW.hidden_dim}. "
        "Seconds: CPU, fits and draws.",
        "",
        "| data | method | CRPS | beyond smoothing | steps 1-3 | steps 10-12 | inside | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    notes = []
    for make in CASES:
        case = make()
        lines += rows_of(case)
        notes.append(f"- {case.name}: {case.told(HORIZON)}")
    lines += ["", *notes, ""]
    minutes = (time.process_time() - began) / 60
    lines += [f"`python -m benchmarks.forecast`, one thread, {minutes:.1f} CPU minutes.", ""]
    RESULTS.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
