"""Evaluate series from anywhere, without a generator: one sample, or several beside each other."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState
from sklearn_timegen.data.checks import check_fraction
from sklearn_timegen.evaluation._comparing import comparison_of
from sklearn_timegen.evaluation._data import check_names
from sklearn_timegen.evaluation._run import summarise
from sklearn_timegen.evaluation._samples import run_samples
from sklearn_timegen.metrics.registry import MetricSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_samples", "compare_samples", "evaluate_samples"]


def evaluate_samples(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    X_train: ArrayLike | None = None,
    y_real: ArrayLike | None = None,
    y_synthetic: ArrayLike | None = None,
    window_starts: ArrayLike | None = None,
    id_columns: Any = None,
    time_column: Hashable = None,
    window: int | str = "auto",
    layout: str = "channels-last",
    metrics: MetricSpec = "default",
    max_samples: int = 1500,
    n_splits: int = 5,
    n_repeats: int = 2,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 1,
) -> pd.DataFrame:
    """Tell how good given synthetic series are, whatever made them.

    The real series are halved several times. Each time one half is compared with synthetic
    series, with the other half (the floor), and with training series resampled (copies), in
    equal numbers.

    Tables of series are cut alike: compared are whole series, with their lengths, words and
    holes, if there are at least eight real ones of at most 100 timesteps; if not, windows of
    real and of synthetic series, which never go from one series into the next. All windows of a
    series are in one half, if there are at least eight series.

    Parameters
    ----------
    X_real : array-like of shape (n_samples, n_timesteps[, n_channels]), or table of series
        Real series; not those trained on, if there are others. Read as a table if the index
        holds dates or several levels, or with one of the three parameters on tables.
    X_synthetic : array-like of shape (n_synthetic, n_timesteps[, n_channels]), or table
        Synthetic series. The columns of a table may stand in another order.
    X_train : array-like of shape (n_train, n_timesteps[, n_channels]), or table, default=None
        The series that the generator was trained on. Without it, ``X_real`` is taken for them by
        metrics of memorisation, and ``membership_inference_auc`` cannot be told.
    y_real, y_synthetic : array-like of shape (n_samples,), or dict, default=None
        Labels, for ``tstr_score``; of tables one for each series, in their order, or by their
        names.
    window_starts : array-like of int of shape (n_samples,), default=None
        Start of each real window, if they overlap; noticed without if they are in time order.
    id_columns : str or list of str, default=None
        Of long tables: the column, or columns, that name the series of each row.
    time_column : str, default=None
        Of long tables: the column of times.
    window : int or "auto", default="auto"
        Of tables: timesteps of the windows that are compared. ``"auto"`` compares short series
        whole, and of others windows of an eighth of the longest, at most 24 timesteps.
    layout : {"channels-last", "channels-first"}, default="channels-last"
        The order of the axes of arrays: ``"channels-first"`` is ``(n_samples, n_channels,
        n_timesteps)``, or a list of ``(n_channels, n_timesteps)``, as in aeon and sktime.
    metrics : {"default", "quick", "all"}, str, callable, Metric or list, default="default"
        What to compute.
    max_samples : int, default=1500
        At most so many series of each kind are compared at a time, drawn anew for each half;
        metrics of memorisation know all real ones for all that.
    n_splits : int, default=5
        How often the real series are halved.
    n_repeats : int, default=2
        Recurrent judges to train for each comparison, where one is asked for: ten are better for
        a paper, and take five times as long.
    n_jobs : int or None, default=None
        Halvings at a time, as in scikit-learn.
    random_state : int, RandomState, Generator or None, default=0
        Seed.
    verbose : int, default=1
        Whether to tell progress: a bar on a terminal; in scripts and logs a line every ten
        seconds.

    Returns
    -------
    table : DataFrame
        As :func:`evaluate_generator` returns it; ``std`` is over the halvings, which share
        series: it shows the noise of the metrics, not that of training.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, there are fewer than 4 real series,
        or most of them are among ``X_train``.

    See Also
    --------
    compare_samples : Several samples in one table, with ranks.

    Examples
    --------
    >>> from sklearn_timegen import evaluate_samples
    >>> from sklearn_timegen.datasets import make_ar
    >>> X = make_ar(300, 24, random_state=0)
    >>> table = evaluate_samples(X[:200], X[200:] + 1, metrics="mmd", n_splits=2)
    >>> bool(table.loc["mmd", "score"] > 10 * abs(table.loc["mmd", "floor"]))
    True
    """
    evaluation = run_samples(
        X_real,
        {"X_synthetic": X_synthetic},
        X_train,
        y_real=y_real,
        y_synthetic=y_synthetic,
        window_starts=window_starts,
        id_columns=id_columns,
        time_column=time_column,
        window=window,
        layout=layout,
        metrics=metrics,
        max_samples=max_samples,
        n_splits=n_splits,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    scores = evaluation.outcomes["X_synthetic"]
    return summarise(evaluation.metrics, scores, evaluation.floors, evaluation.copies)


def compare_samples(
    samples: Mapping[str, ArrayLike],
    X_real: ArrayLike,
    *,
    X_train: ArrayLike | None = None,
    window_starts: ArrayLike | None = None,
    id_columns: Any = None,
    time_column: Hashable = None,
    window: int | str = "auto",
    layout: str = "channels-last",
    metrics: MetricSpec = "default",
    max_samples: int = 1500,
    n_splits: int = 10,
    n_repeats: int = 2,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    alpha: float = 0.05,
    verbose: int = 1,
) -> pd.DataFrame:
    """Rank several samples of synthetic series, whatever made them, in one table.

    All are compared with the same halves of the real series, in equal numbers, beside the same
    floor and copies, as :func:`evaluate_samples` does. Differences between them are tested as by
    :func:`compare_generators`, allowing for the real series that halves share: with 10 halvings
    a difference has to be 2.4 standard deviations between halvings. What is ranked are these
    samples; how much their generators vary from one training to the next, one sample of each
    cannot show.

    Parameters
    ----------
    samples : dict of str to array-like or table
        The samples by name, two at least, each like ``X_real``.
    X_real, X_train, window_starts, id_columns, time_column, window, layout, metrics, \
max_samples, n_repeats, n_jobs, random_state, verbose
        As for :func:`evaluate_samples`.
    n_splits : int, default=10
        How often the real series are halved.
    alpha : float, default=0.05
        Level of the tests.

    Returns
    -------
    table : DataFrame
        As :func:`compare_generators` returns it, with rows (metric, sample).

    Raises
    ------
    ValueError
        If there are fewer than two samples, ``alpha`` is not between 0 and 1, or as for
        :func:`evaluate_samples`.

    Examples
    --------
    >>> from sklearn_timegen import compare_samples
    >>> from sklearn_timegen.datasets import make_ar
    >>> X = make_ar(300, 24, random_state=0)
    >>> samples = {"theirs": X[100:200] + 2, "ours": X[:100]}
    >>> table = compare_samples(samples, X[200:], metrics="mmd")
    >>> table.loc["mmd", "ties_with_best"].to_dict()
    {'ours': True, 'theirs': False}
    """
    check_samples(samples)
    alpha = check_fraction(alpha, "alpha")
    evaluation = run_samples(
        X_real,
        dict(samples),
        X_train,
        window_starts=window_starts,
        id_columns=id_columns,
        time_column=time_column,
        window=window,
        layout=layout,
        metrics=metrics,
        max_samples=max_samples,
        n_splits=n_splits,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    return comparison_of(evaluation, alpha)


def check_samples(samples: Any) -> None:
    """Refuse what is no dict of two samples at least."""
    if not isinstance(samples, Mapping):
        raise TypeError(
            "samples must be a dict of samples by name, such as {'theirs': ..., 'ours': ...}; got "
            f"{type(samples).__name__}. For a single one there is evaluate_samples(X_real, "
            "X_synthetic)"
        )
    check_names(samples, "samples")
    if len(samples) < 2:
        raise ValueError(
            f"a comparison needs two samples at least, got {len(samples)}; for a single one there "
            "is evaluate_samples(X_real, X_synthetic)"
        )
