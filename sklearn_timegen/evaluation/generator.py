"""Evaluate one generator by cross-validation."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import CrossValidation, GeneratorLike
from sklearn_timegen.evaluation._run import Evaluation, run_evaluation, summarise
from sklearn_timegen.metrics.registry import MetricSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["evaluate_generator", "table_of"]


def evaluate_generator(
    generator: GeneratorLike,
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
    verbose: int = 1,
) -> pd.DataFrame:
    """Tell how good a generator's series are, beside real ones and beside plain copies.

    On each fold a clone is fitted to the training series only, draws as many series as are held
    out, and is compared with those by every metric. In its place are then put real series (the
    floor) and training series resampled (copies). A generator at its floor in every row has
    nothing left to gain; one that is at the floor in the rows of fidelity and at the copies in
    those of memorisation repeats its training data.

    A table of series - a long table, a panel, a frame or Series with dates, a list of such - is
    evaluated as what it is. If there are at least four series for each fold, whole series are
    held out, so that a generator is asked for series that it has never seen. If there are fewer,
    a block of time of each series is held out: the generator is fitted to what lies before and
    after, and draws as many timesteps from the same time on. Compared are whole series, with
    their lengths, words and holes, if they have at most 100 timesteps; if not, windows cut from
    real and from drawn series alike, which never go from one series or block into the next. A
    :class:`SeriesGenerator` is fitted to the series, with their times; any other generator to
    what is compared. That asks whether series look alike up to the length of a window, and not
    whether their levels and trends over years do.

    Parameters
    ----------
    generator : generator
        Any estimator with ``fit(X[, y])`` and ``sample(n, random_state=...)``, or a ``Pipeline``
        that ends in one and can be inverted; cloned.
    X : array-like of shape (n_samples, n_timesteps[, n_channels]), or table of series
        Real series. It is read as a table if the generator is a :class:`SeriesGenerator`, if
        its index holds dates or several levels, or with one of the three parameters on tables.
    y : array-like of shape (n_samples,) or dict, default=None
        Labels, handed to ``fit``; of a table one for each series, in their order or by their
        names. A conditional generator draws given the held-out labels, and
        ``tstr_score`` is the accuracy then. Folds are stratified.
    cv : int, splitter or iterable, default=5
        A number means shuffled folds, or, if the windows overlap, blocks of time: up to five for
        each fold, so that it holds more than one regime. Of a table, a splitter is shown one row
        for each series.
    groups : array-like of shape (n_samples,), default=None
        Series that belong together, of one patient say, have the same group, a number or a word:
        a number of folds keeps them on one side, and a splitter of scikit-learn is given them.
    window_starts : array-like of int of shape (n_samples,), default=None
        Start of each window, if windows overlap and are not in time order (if they are, it is
        noticed): folds are then blocks of time.
    id_columns : str or list of str, default=None
        Of a long table: the column, or columns, that name the series of each row. What a
        :class:`SeriesGenerator` reads need not be said again.
    time_column : str, default=None
        Of a long table: the column of its times.
    window : int or "auto", default="auto"
        Of a table: timesteps of the windows that are compared. ``"auto"`` compares short series
        whole, and of others windows as long as those of the :class:`SeriesGenerator`, or of an
        eighth of the longest series, at most 24 timesteps.
    metrics : {"default", "quick", "all"}, str, callable, Metric, list or dict, default="default"
        What to compute; see :mod:`sklearn_timegen.metrics`. ``"quick"`` leaves out all that
        trains a network; the recurrent judge and predictor of papers, which take longer than all
        others, are in ``"all"`` only. A function counts as lower-is-better, unless wrapped in
        ``Metric``.
    n_repeats : int, default=2
        Recurrent judges to train for each comparison, where one is asked for: ten are better for
        a paper, and take five times as long.
    n_jobs : int or None, default=None
        Folds at a time, as in scikit-learn.
    random_state : int, RandomState, Generator or None, default=0
        Seed of folds, samples and metrics, and of the generator if it has none.
    verbose : int, default=1
        Whether to tell progress: a bar on a terminal; in scripts and logs a line every ten
        seconds.

    Returns
    -------
    table : DataFrame
        A row a metric, with columns ``score`` and ``std`` (mean and standard deviation over the
        folds), ``floor`` (real series of the training side, disjoint from the held-out ones, in
        the same number; for metrics of memorisation they are left out of the training series,
        and may be fewer), ``copies`` (training series drawn with replacement), ``direction``
        (whether lower or higher values are better, or those near a number), and ``seconds`` (for
        all folds and all three). ``table.attrs`` has ``folds``, the values of each fold;
        ``judges``, what each judge of the panel said, if it was asked: its ``score``, ``auc`` and
        ``floor``, the series of each kind that would make it sure (``n_certain``) and in words
        what it saw most on the first fold (``saw``); and ``fit_seconds`` and ``sample_seconds``,
        the means of a fold.

    Raises
    ------
    ValueError
        If ``X``, ``y``, the folds or the metrics are not valid, before any training.

    See Also
    --------
    compare_generators : Several generators in one table, with ranks.
    evaluate_samples : Series from elsewhere, without a generator.

    Examples
    --------
    >>> from sklearn_timegen import PCAMixture, evaluate_generator
    >>> from sklearn_timegen.datasets import make_ar
    >>> X = make_ar(200, 24, random_state=0)
    >>> table = evaluate_generator(PCAMixture(), X, cv=2, metrics=["mmd", "nearest_record_ratio"])
    >>> list(table.columns)
    ['score', 'std', 'floor', 'copies', 'direction', 'seconds']
    >>> float(table.loc["nearest_record_ratio", "copies"])
    0.0
    """
    evaluation = run_evaluation(
        {"generator": generator},
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
    return table_of(evaluation, "generator")


def table_of(evaluation: Evaluation, name: str) -> pd.DataFrame:
    """Return the table of one of the generators."""
    fits = evaluation.fitted[name]
    scores = [fit.outcome for fit in fits]
    table = summarise(evaluation.metrics, scores, evaluation.floors, evaluation.copies)
    table.attrs["fit_seconds"] = float(np.mean([fit.fit_seconds for fit in fits]))
    table.attrs["sample_seconds"] = float(np.mean([fit.sample_seconds for fit in fits]))
    return table
