"""Several generators in one table, ranked, with a test of whether the ranks mean anything."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import CrossValidation
from sklearn_timegen.data.checks import check_fraction
from sklearn_timegen.evaluation._comparing import comparison_of
from sklearn_timegen.evaluation._run import Evaluation, run_evaluation
from sklearn_timegen.metrics.registry import MetricSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare_generators", "named", "table_of_comparison"]


def compare_generators(
    generators: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    cv: CrossValidation = 5,
    groups: ArrayLike | None = None,
    window_starts: ArrayLike | None = None,
    id_columns: Any = None,
    time_column: Hashable = None,
    window: int | str = "auto",
    metrics: MetricSpec = "default",
    n_repeats: int = 2,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    alpha: float = 0.05,
    verbose: int = 1,
) -> pd.DataFrame:
    """Evaluate several generators on the same folds, rank them, and test the differences.

    For each metric, generators are ranked on every fold. Whether one is worse than the best is
    asked of the differences of their scores, fold by fold, by the corrected resampled t test of
    Nadeau and Bengio, which allows for the training series that folds share; Holm's adjustment
    allows for the number of pairs. With 5 folds a difference has to be 1.9 standard deviations
    between folds, with 3 folds 3.9, with 2 folds 15.6: so few folds can hardly ever tell.
    ``cv=RepeatedKFold(n_splits=5, n_repeats=4)`` needs 1.2.

    Parameters
    ----------
    generators : dict of str to generator, or list of generators
        What to compare; a list is named by class.
    X, y, cv, groups, window_starts, id_columns, time_column, window, metrics, n_repeats, \
n_jobs, random_state, verbose
        As for :func:`evaluate_generator`. The labels ``y`` are judged by only if every generator
        is conditional.
    alpha : float, default=0.05
        Level of the tests.

    Returns
    -------
    table : DataFrame
        Rows are pairs (metric, generator), best first; columns those of
        :func:`evaluate_generator`, and ``rank`` (mean over the folds, 1 is best), ``p_value``
        (could it be as good as the best, in view of the folds? 1 for the best itself), and
        ``ties_with_best`` (whether that is above ``alpha``). Last stands the metric ``"mean
        rank"``: the mean of the ranks over all metrics, of which some measure nearly the same;
        its test is of the mean over the metrics, each divided by its standard deviation.
        ``table.attrs`` has ``least_effect`` (how many standard deviations between folds a
        difference has to be, to be told, where two are compared), and ``folds`` (the values of
        each fold), ``fit_seconds`` and ``sample_seconds`` by generator.

    Raises
    ------
    ValueError
        If there are fewer than two generators, ``alpha`` is not between 0 and 1, or as for
        :func:`evaluate_generator`.

    References
    ----------
    C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine Learning 52.
    https://doi.org/10.1023/A:1024068626366

    S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6.

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
        id_columns=id_columns,
        time_column=time_column,
        window=window,
        metrics=metrics,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    return table_of_comparison(evaluation, alpha)


def table_of_comparison(evaluation: Evaluation, alpha: float) -> pd.DataFrame:
    """Return the table of all generators, and how long each took."""
    table = comparison_of(evaluation, alpha)
    for key in ("fit_seconds", "sample_seconds"):
        table.attrs[key] = {
            name: float(np.mean([getattr(fit, key) for fit in fits]))
            for name, fits in evaluation.fitted.items()
        }
    return table


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
