"""Which of several is the best, and from which others it can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from sklearn_timegen.evaluation._data import MEAN_RANK
from sklearn_timegen.evaluation._judging import Outcome
from sklearn_timegen.evaluation._run import Evaluation, summarise
from sklearn_timegen.metrics import Metric

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["comparison_of", "corrected_p_value", "least_effect"]

Array = NDArray[np.float64]


def comparison_of(evaluation: Evaluation, alpha: float) -> pd.DataFrame:
    """Lay the tables of all that are compared below each other, with ranks and tests."""
    import pandas as pd

    from sklearn_timegen.evaluation._table import EvaluationTable

    names = list(evaluation.outcomes)
    references = evaluation.floors, evaluation.copies
    tables = {
        name: summarise(evaluation.metrics, outcomes, *references)
        for name, outcomes in evaluation.outcomes.items()
    }
    blocks, ranks, scores = {}, [], []
    for metric in evaluation.metrics:
        goodness = np.array(
            [_goodness(metric, outcomes) for outcomes in evaluation.outcomes.values()]
        ).T
        if metric.aspect == "privacy":
            # To be farther from the training series than real ones are is no merit.
            floor = _goodness(metric, evaluation.floors)
            goodness = np.minimum(goodness, np.array(floor)[:, None])
        ranks.append(_ranks(goodness))
        scores.append(_standardised(goodness))
        rows = pd.DataFrame({name: tables[name].loc[metric.name] for name in names}).T
        blocks[metric.name] = _with_tests(rows, ranks[-1], goodness, evaluation.overlap, alpha)
    mean_ranks = np.mean(ranks, axis=0)  # (n_folds, n_compared)
    overall = pd.DataFrame(
        {"score": mean_ranks.mean(axis=0), "std": mean_ranks.std(axis=0), "direction": "lower"},
        index=names,
    ).reindex(columns=tables[names[0]].columns)
    score = np.mean(scores, axis=0)
    blocks[MEAN_RANK] = _with_tests(overall, mean_ranks, score, evaluation.overlap, alpha)
    table = EvaluationTable(pd.concat(blocks, names=["metric", evaluation.compared]))
    table = table.astype(dict.fromkeys(["score", "std", "floor", "copies", "seconds"], float))
    table.attrs["least_effect"] = least_effect(len(mean_ranks), evaluation.overlap, alpha)
    for kind in ("folds", "judges"):
        table.attrs[kind] = {name: tables[name].attrs[kind] for name in names}
    return table


def _goodness(metric: Metric, outcomes: list[Outcome]) -> list[float]:
    """Return how good values are, fold by fold."""
    return [metric.goodness(outcome.values[metric.name]) for outcome in outcomes]


def corrected_p_value(gaps: Array, overlap: float) -> float:
    """Return the two-sided p value of the corrected resampled t test.

    Folds share training series, so that differences between two generators are correlated from
    fold to fold, and a plain t test is too sure. Nadeau and Bengio put ``1 / J + overlap`` in the
    place of ``1 / J`` before their variance.

    Parameters
    ----------
    gaps : ndarray of shape (n_folds,)
        Differences between two, fold by fold.
    overlap : float
        Number of held-out series divided by the number of those trained on.

    Returns
    -------
    p_value : float
        1 if they never differ, or there is but one fold.

    References
    ----------
    C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine Learning 52.
    https://doi.org/10.1023/A:1024068626366

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.evaluation._comparing import corrected_p_value
    >>> round(corrected_p_value(np.array([0.30, 0.35, 0.25, 0.32, 0.28]), overlap=0.25), 4)
    0.0003
    """
    n = len(gaps)
    if n < 2 or not gaps.any():
        return 1.0
    if not np.isfinite(gaps).all():  # infinitely worse on some fold, or not a number
        return 1.0 if np.isnan(gaps).any() else 0.0
    spread = gaps.std(ddof=1) * np.sqrt(1 / n + overlap)
    if spread <= 1e-12 * abs(gaps.mean()):
        return 0.0
    return float(2 * scipy.stats.t.sf(abs(gaps.mean()) / spread, n - 1))


def least_effect(n_folds: int, overlap: float, alpha: float) -> float:
    """Return how many standard deviations between folds a difference has to be, to be told."""
    if n_folds < 2:
        return float("inf")
    return float(scipy.stats.t.isf(alpha / 2, n_folds - 1) * np.sqrt(1 / n_folds + overlap))


def _ranks(goodness: Array) -> Array:
    """Rank the columns of each row, 1 for the greatest; equal ones share their mean rank.

    What differs by rounding only is equal.
    """
    rounded = [[float(f"{value:.6g}") for value in row] for row in goodness]
    return np.asarray(scipy.stats.rankdata(-np.array(rounded), axis=1))


def _standardised(goodness: Array) -> Array:
    """Bring metrics to one scale: the spread over folds and generators, of what is finite."""
    finite = np.isfinite(goodness)
    if not finite.any():
        return np.zeros_like(goodness)
    low, spread = goodness[finite].min(), goodness[finite].std()
    known = np.where(finite, goodness, low - spread)
    return (known - known.mean()) / (spread or 1.0)


def _with_tests(
    rows: pd.DataFrame, ranks: Array, goodness: Array, overlap: float, alpha: float
) -> pd.DataFrame:
    """Put ranks beside the rows, and whether each can be told from the best."""
    mean_ranks = ranks.mean(axis=0)
    best = int(mean_ranks.argmin())
    n = goodness.shape[1]
    p_values = np.full((n, n), 1.0)
    pairs = np.triu_indices(n, 1)
    with np.errstate(invalid="ignore"):  # inf - inf, of two that are infinitely bad
        raw = [
            corrected_p_value(goodness[:, i] - goodness[:, j], overlap)
            for i, j in zip(*pairs, strict=True)
        ]
    p_values[pairs] = _holm(np.array(raw))
    p_values = np.minimum(p_values, p_values.T)
    # The best by rank may not be the best on average: nothing is told from it then.
    behind = goodness.mean(axis=0) < goodness[:, best].mean()
    against_best = np.where(behind, p_values[best], 1.0)
    ties = against_best > alpha
    rows = rows.assign(rank=mean_ranks, p_value=against_best, ties_with_best=ties)
    return rows.sort_values("rank", kind="stable")


def _holm(p_values: Array) -> Array:
    """Return p values adjusted for their number, by Holm (1979)."""
    order = np.argsort(p_values)
    n = len(p_values)
    adjusted = np.maximum.accumulate(p_values[order] * (n - np.arange(n)))
    result: Array = np.empty(n)
    result[order] = np.minimum(adjusted, 1.0)
    return result
