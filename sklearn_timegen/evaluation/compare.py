"""Several generators in one table, ranked, with a test of whether the ranks mean anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import CrossValidation
from sklearn_timegen.data.checks import check_fraction
from sklearn_timegen.evaluation._data import MEAN_RANK
from sklearn_timegen.evaluation._run import Evaluation, run_evaluation
from sklearn_timegen.evaluation.generator import table_of
from sklearn_timegen.metrics.registry import MetricSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare_generators", "comparison_of", "critical_difference", "named"]


def compare_generators(
    generators: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    cv: CrossValidation = 5,
    groups: ArrayLike | None = None,
    window_starts: ArrayLike | None = None,
    metrics: MetricSpec = "default",
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    alpha: float = 0.05,
    verbose: int = 1,
) -> pd.DataFrame:
    """Evaluate several generators on the same folds, rank them, and test the ranks.

    For each metric, generators are ranked on every fold; the Friedman test asks whether the ranks
    could be chance, and the Nemenyi test which generators cannot be told from the best one, as
    in critical-difference diagrams. Folds share training data, so that the tests are somewhat
    too sure; with few folds they can hardly ever be sure, which is the truth.

    Parameters
    ----------
    generators : dict of str to generator, or list of generators
        What to compare; a list is named by class.
    X, y, cv, groups, window_starts, metrics, n_repeats, n_jobs, random_state, verbose
        As for :func:`evaluate_generator`. The labels ``y`` are judged by only if every generator
        is conditional.
    alpha : float, default=0.05
        Level of the tests.

    Returns
    -------
    table : DataFrame
        Rows are pairs (metric, generator), best first; columns those of
        :func:`evaluate_generator`, and ``rank`` (mean over the folds, 1 is best), ``p_value`` (of
        the Friedman test; for two generators Wilcoxon's signed-rank test), and
        ``ties_with_best`` (whether it cannot be told from the best: its rank is within the
        critical difference, or the first test finds nothing at ``alpha``). Last stands
        the metric ``"mean rank"``: the mean of the ranks over all metrics, of which some measure
        nearly the same; its test ranks these means on each fold. ``table.attrs`` has
        ``critical_difference``, and ``folds`` (the values of each fold), ``fit_seconds`` and
        ``sample_seconds`` by generator.

    Raises
    ------
    ValueError
        If there are fewer than two generators, ``alpha`` is not between 0 and 1, or as for
        :func:`evaluate_generator`.

    References
    ----------
    J. Demsar (2006), "Statistical comparisons of classifiers over multiple data sets", Journal
    of Machine Learning Research 7. https://jmlr.org/papers/v7/demsar06a.html

    Examples
    --------
    >>> from sklearn_timegen import BlockBootstrap, PCAMixture, compare_generators
    >>> from sklearn_timegen.datasets import make_ar
    >>> X = make_ar(200, 24, coefficients=(0.95,), random_state=0)
    >>> table = compare_generators(
    ...     [BlockBootstrap(), PCAMixture()], X, cv=3, metrics="autocorrelation_difference"
    ... )
    >>> list(table.loc["autocorrelation_difference"].index)
    ['PCAMixture', 'BlockBootstrap']
    """
    chosen = named(generators)
    alpha = check_fraction(alpha, "alpha")
    evaluation = run_evaluation(
        chosen,
        X,
        y,
        cv=cv,
        groups=groups,
        window_starts=window_starts,
        metrics=metrics,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    return comparison_of(evaluation, alpha)


def comparison_of(evaluation: Evaluation, alpha: float) -> pd.DataFrame:
    """Lay the tables of all generators below each other, with ranks and tests."""
    import pandas as pd

    names = list(evaluation.fitted)
    tables = {name: table_of(evaluation, name) for name in names}
    difference = critical_difference(len(names), len(evaluation.splits), alpha)
    blocks, all_ranks = {}, []
    for metric in evaluation.metrics:
        goodness = np.array(
            [
                [metric.goodness(fit.outcome.values[metric.name]) for fit in evaluation.fitted[n]]
                for n in names
            ]
        ).T
        all_ranks.append(_ranks(goodness))
        rows = pd.DataFrame({name: tables[name].loc[metric.name] for name in names}).T
        blocks[metric.name] = _with_ranks(rows, goodness, difference, alpha)
    ranks = np.mean(all_ranks, axis=0)  # (n_folds, n_generators)
    overall = pd.DataFrame(
        {"score": ranks.mean(axis=0), "std": ranks.std(axis=0), "direction": "lower"}, index=names
    ).reindex(columns=tables[names[0]].columns)
    blocks[MEAN_RANK] = _with_ranks(overall, -ranks, difference, alpha)
    table = pd.concat(blocks, names=["metric", "generator"])
    table = table.astype(dict.fromkeys(["score", "std", "floor", "copies", "seconds"], float))
    table.attrs["critical_difference"] = difference
    table.attrs["folds"] = {name: tables[name].attrs["folds"] for name in names}
    for key in ("fit_seconds", "sample_seconds"):
        table.attrs[key] = {name: tables[name].attrs[key] for name in names}
    return table


def critical_difference(n_generators: int, n_folds: int, alpha: float) -> float:
    """Return the Nemenyi test's least significant difference of mean ranks.

    Examples
    --------
    >>> from sklearn_timegen.evaluation.compare import critical_difference
    >>> round(critical_difference(4, 14, 0.05), 2)  # Demsar (2006), section 3.2.2: 2.569 q
    1.25
    """
    q = scipy.stats.studentized_range.ppf(1 - alpha, n_generators, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_generators * (n_generators + 1) / (6 * n_folds)))


def named(generators: Any) -> dict[str, Any]:
    """Name generators by class where they have no names."""
    if not isinstance(generators, dict):
        classes = [type(generator).__name__ for generator in generators]
        twice = {name for name in classes if classes.count(name) > 1}
        names = [
            f"{n} {classes[:k].count(n) + 1}" if n in twice else n for k, n in enumerate(classes)
        ]
        generators = dict(zip(names, generators, strict=True))
    if len(generators) < 2:
        raise ValueError(f"a comparison needs two generators at least, got {len(generators)}")
    return dict(generators)


def _ranks(goodness: NDArray[Any]) -> NDArray[np.float64]:
    """Rank the columns of each row, 1 for the greatest; equal ones share their mean rank.

    What differs by rounding only is equal.
    """
    rounded = [[float(f"{value:.6g}") for value in row] for row in goodness]
    return np.asarray(scipy.stats.rankdata(-np.array(rounded), axis=1))


def _with_ranks(
    rows: pd.DataFrame, goodness: NDArray[Any], difference: float, alpha: float
) -> pd.DataFrame:
    ranks = _ranks(goodness).mean(axis=0)
    p_value = _p_value(goodness)
    # Demsar: pairs are compared only where all being equal was rejected.
    ties = (ranks - ranks.min() <= difference) | (p_value > alpha)
    rows = rows.assign(rank=ranks, p_value=p_value, ties_with_best=ties)
    return rows.sort_values("rank", kind="stable")


def _p_value(goodness: NDArray[Any]) -> float:
    """Could the generators be equally good? ``goodness`` has a row a fold."""
    if (goodness == goodness[:, :1]).all() or len(goodness) < 2:
        return 1.0
    if goodness.shape[1] == 2:
        gaps = goodness[:, 0] - goodness[:, 1]
        return float(scipy.stats.wilcoxon(gaps[np.isfinite(gaps)]).pvalue)
    return float(scipy.stats.friedmanchisquare(*goodness.T).pvalue)
