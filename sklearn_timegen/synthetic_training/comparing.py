"""Predictors trained on real series, on synthetic ones and on both, beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from joblib import Memory
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen._types import CrossValidation, GeneratorLike, Scoring
from sklearn_timegen.synthetic_training.classifier import TSTRClassifier
from sklearn_timegen.synthetic_training.regressor import TSTRRegressor

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare_training"]

WAYS: dict[str, Literal["real", "synthetic", "both"]] = {
    "real (TRTR)": "real",
    "synthetic (TSTR)": "synthetic",
    "both": "both",
}
FLOOR = "floor: a constant"


def compare_training(
    generator: GeneratorLike,
    predictors: Mapping[str, Any],
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: CrossValidation = 5,
    scoring: Scoring = None,
    memory: Memory | str | None = None,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
) -> pd.DataFrame:
    """Cross-validate predictors trained on real, on synthetic and on both kinds of series.

    Held-out series are real ones throughout, which neither the generator nor a predictor has
    seen. Synthetic series are worth training on if they come near the real ones (TSTR near
    TRTR); they help if both together are better than these.

    Parameters
    ----------
    generator : generator
        What makes the synthetic series; cloned.
    predictors : dict of str to classifier or regressor
        The predictors by name, all of one kind; cloned.
    X : array-like of shape (n_samples, n_timesteps[, n_channels])
        Real series.
    y : array-like of shape (n_samples,)
        Their classes or targets.
    cv : int, splitter or iterable, default=5
        Number of folds, shuffled (of classes stratified), or what makes folds.
    scoring : str, callable or None, default=None
        As for ``cross_val_score``; ``None`` is accuracy or R2.
    memory : str, Memory or None, default=None
        Where the generator of a fold is kept, so that predictors share it; ``None`` is a directory
        that is removed afterwards.
    n_jobs : int or None, default=None
        Folds at a time, as in scikit-learn.
    random_state : int, RandomState, Generator or None, default=0
        Seed of folds and generators.

    Returns
    -------
    table : DataFrame
        A row a predictor, with the mean of its scores for each way of training, and that of a
        constant. ``table.attrs["std"]`` has the standard deviations.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> from sklearn_timegen.synthetic_training import compare_training
    >>> X, y = make_labelled_sines(60, 24, random_state=0)
    >>> predictors = {"logistic": LogisticRegression()}
    >>> compare_training(PCAMixture(), predictors, X, y, cv=2)
              real (TRTR)  synthetic (TSTR)  both  floor: a constant
    logistic          1.0               1.0   1.0                0.5
    """
    import pandas as pd

    classify = all(map(is_classifier, predictors.values()))
    if not predictors or classify != any(map(is_classifier, predictors.values())):
        raise ValueError(
            f"predictors must be classifiers or regressors, at least one and all of one kind, got "
            f"{dict(predictors)!r}"
        )
    seed = draw_seed(random_state)
    if isinstance(cv, int):
        folds = StratifiedKFold if classify else KFold
        cv = folds(cv, shuffle=True, random_state=seed)
    trained: Any = TSTRClassifier if classify else TSTRRegressor
    constant = DummyClassifier() if classify else DummyRegressor()
    how: dict[str, Any] = {"cv": cv, "scoring": scoring, "n_jobs": n_jobs, "error_score": "raise"}
    rows: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as folder:
        kept = Memory(folder, verbose=0) if memory is None else memory
        for name, predictor in predictors.items():
            rows[name] = {FLOOR: cross_val_score(constant, X, y, **how)}
            for way, train_on in WAYS.items():
                estimator = trained(
                    clone(generator), predictor, train_on=train_on, memory=kept, random_state=seed
                )
                rows[name][way] = cross_val_score(estimator, X, y, **how)
    scores = pd.DataFrame.from_dict(rows, orient="index")[[*WAYS, FLOOR]]
    table = scores.map(lambda values: float(values.mean()))
    table.attrs["std"] = scores.map(lambda values: float(values.std()))
    return table
