"""What a row of a table says in a word, fold by fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.stats

from sklearn_timegen.evaluation._judges import judges_in_words
from sklearn_timegen.metrics import Metric

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COPIES", "LIKE", "NO_NEARER", "UNDECIDED", "WORSE", "passes", "read", "summary"]

LIKE, WORSE, COPIES, UNDECIDED = "like real", "worse", "copies", "undecided"
NO_NEARER = "no nearer than real"  # to the training series, by a metric of privacy
FEW = 4  # folds, below which not to be worse says nothing


def read(metric: Metric, folds: dict[str, list[float]]) -> str:
    """Compare a metric's scores with its floors, paired by fold, one-sided at 5%."""
    goodness = {kind: np.array([metric.goodness(v) for v in folds[kind]]) for kind in folds}
    gaps = goodness["score"] - goodness["floor"]
    n = len(gaps)
    if n < 2 or not np.isfinite(gaps).all():
        return WORSE if goodness["score"].min() == -np.inf else UNDECIDED
    noise = scipy.stats.t.ppf(0.95, n - 1) * gaps.std(ddof=1) / np.sqrt(n)
    if gaps.mean() + noise < 0:
        to_copies = np.mean(folds["score"]) - np.mean(folds["copies"])
        to_floor = np.mean(folds["score"]) - np.mean(folds["floor"])
        repeats = metric.accepts("X_train") and abs(to_copies) < abs(to_floor)
        return COPIES if repeats else WORSE
    if n < FEW and gaps.mean() < 0:
        return UNDECIDED
    return NO_NEARER if metric.aspect == "privacy" else LIKE


def passes(reading: str) -> bool:
    """Whether a metric finds nothing against the series."""
    return reading in (LIKE, NO_NEARER)


def summary(table: pd.DataFrame, metrics: list[Metric]) -> tuple[dict[str, str], str]:
    """Return the reading of each row, and all of them in a sentence."""
    readings = {m.name: read(m, table.attrs["folds"][m.name]) for m in metrics}
    worse = [name for name, reading in readings.items() if reading in (WORSE, COPIES)]
    open_ = [name for name, reading in readings.items() if reading == UNDECIDED]
    n_like = len(readings) - len(worse) - len(open_)
    text = f"{n_like} of {len(readings)} measures find nothing against the series."
    text += f" These do: {', '.join(worse)}." if worse else ""
    text += f" Undecided: {', '.join(open_)}." if open_ else ""
    seen = judges_in_words(table.attrs.get("judges", {}))
    return readings, f"{text} {seen}".strip()
