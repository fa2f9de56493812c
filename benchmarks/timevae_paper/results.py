"""What is kept of the cells, read again, and means with their intervals."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from benchmarks.cells import has_result

__all__ = [
    "CUTS",
    "FEWEST_SEEDS",
    "PREDICTORS",
    "REAL",
    "Cells",
    "Mean",
    "Rows",
    "arms_of",
    "mean_of",
    "models_of",
    "percents_of",
    "pooled",
    "ratio_of",
    "read",
    "shown",
]

REAL = "real"
FEWEST_SEEDS = 3  # for an interval over them
PREDICTORS = ("GRU", "ridge", "boosting")
CUTS = ("right", "published")
Rows = list[dict[str, Any]]  # of the seeds of a cell
Cells = dict[tuple[int, str], Rows]  # by percent and model


@dataclass(frozen=True)
class Mean:
    """A mean with the half-width of its 95% interval (Student's t)."""

    value: float
    half: float

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.value - self.half

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.value + self.half

    def __str__(self) -> str:
        return f"{self.value:.4f} ± {self.half:.4f}"


def mean_of(values: list[float]) -> Mean:
    n = len(values)
    if n < 2:
        return Mean(float(np.mean(values)), float("nan"))
    half = student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    return Mean(float(np.mean(values)), float(half))


def pooled(rows: Rows, *path: str) -> list[float]:
    """All values of all seeds at a place that not every row has."""
    found: list[float] = []
    for row in rows:
        value: Any = row
        for name in path:
            value = value.get(name) if value is not None else None
        if value is not None:
            found += value if isinstance(value, list) else [value]
    return found


def shown(values: list[float]) -> str:
    if not values:
        return ""
    mean = mean_of(values)
    return f"{mean.value:.4f}" if np.isnan(mean.half) else str(mean)


def read(folder: Path, part: str) -> dict[str, Cells]:
    """The rows of each set, by percent and model."""
    sets: dict[str, Cells] = {}
    for path in sorted(folder.glob(f"{part}-*.json")):
        cells: Cells = defaultdict(list)
        rows = json.loads(path.read_text())
        rows = {key: row for key, row in rows.items() if has_result(row)}
        for key in sorted(rows, key=lambda key: int(key.split(" / ")[2])):  # by seed
            percent, model, _ = key.split(" / ")
            cells[int(percent), model].append(rows[key])
        sets[path.stem.removeprefix(f"{part}-").replace("-", " ")] = dict(cells)
    return sets


def models_of(cells: Cells) -> list[str]:
    return list(dict.fromkeys(model for _, model in cells if model != REAL))


def percents_of(cells: Cells) -> list[int]:
    return sorted({percent for percent, _ in cells})


def ratio_of(cells: Cells, percent: int, model: str, arm: str, predictor: str) -> Mean | None:
    """Mean logarithm of an arm's errors relative to *original*'s.

    Pairs are repeats of the same seed; the interval is over seeds where there are enough.
    """
    originals = cells.get((percent, REAL), [])
    logs = []
    for row, original in zip(cells.get((percent, model), []), originals, strict=False):
        if arm not in row["errors"]:
            return None
        pair = (np.array(one[predictor]) for one in (row["errors"][arm], base(original)))
        logs.append(np.log(np.divide(*pair)))
    if not logs:
        return None
    by_seed = len(logs) >= FEWEST_SEEDS
    return mean_of([float(one.mean()) for one in logs] if by_seed else list(logs[0]))


def base(original: dict[str, Any]) -> dict[str, list[float]]:
    errors: dict[str, list[float]] = original["errors"]["original"]
    return errors


def arms_of(cells: Cells) -> list[tuple[str, str]]:
    """Pairs of a model, or *real*, and what it gives predictors to train on."""
    found = {
        (model, arm): None
        for (_, model), rows in cells.items()
        for row in rows
        for arm in row["errors"]
    }
    return [pair for pair in found if pair[1] != "original"]
