"""Estimators that answer for series by a predictor that they own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, assert_all_finite, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from sklearn_timegen.base import estimator
from sklearn_timegen.base.declaration import Declared
from sklearn_timegen.base.state import rollback_on_error
from sklearn_timegen.data.checks import SeriesLayout, all_finite
from sklearn_timegen.data.labels import as_target, check_known
from sklearn_timegen.data.reading import ReadingOptions, read_series
from sklearn_timegen.data.samples import in_columns

__all__ = [
    "SeriesPredictor",
    "check_kind",
    "check_labels",
    "check_y_given",
    "takes_missing",
]

FloatArray = NDArray[np.float32]


@estimator
class SeriesPredictor(MetaEstimatorMixin, Declared):
    """Checked series in, and the answer of the predictor that was fitted to such ones.

    Series may miss values (NaN), be of several lengths (a list), and hold words, flags or dates
    beside numbers. A predictor is shown all of them as long as the longest, NaN beyond their ends,
    and for a channel of words 0 or 1 for each. That asks for one that takes NaN.
    """

    _predictor: ClassVar[str]  # the parameter that holds the predictor
    _layout: ClassVar[SeriesLayout]  # of the series that fit saw

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to real series and what is to be predicted of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Real series, or a list of series of several lengths, arrays or frames.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their labels, or targets.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``X``, ``y`` or the parameters are not valid, or do not fit each other, or if
            ``X`` misses values and the predictor takes none that are missing.
        """
        with rollback_on_error(self):
            self._fit(X, y)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the predictor's answer for real series.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.

        Returns
        -------
        y : ndarray
            Predictions.
        """
        return np.asarray(self._fitted_predictor().predict(self._feed(X)))

    @abstractmethod
    def _fit(self, X: ArrayLike, y: ArrayLike) -> None: ...

    @abstractmethod
    def _shape_for_predictor(self, x: FloatArray) -> NDArray[Any]:
        """Return 3-d series as the predictor takes them."""

    def _check_series(self, X: ArrayLike, y: NDArray[Any]) -> FloatArray:
        """Return the series to be fitted to, and keep their layout."""
        x, layout = read_series(X, estimator=self, options=self._reading_options)
        if len(y) != len(x):
            raise ValueError(f"y has {len(y)} entries, but X has {len(x)} series")
        self.__dict__["_layout"] = layout
        return x

    def _feed(self, X: ArrayLike) -> NDArray[Any]:
        check_is_fitted(self)
        x, _ = read_series(X, estimator=self, options=self._reading_options, layout=self._layout)
        self._check_missing(x, self._fitted_predictor())
        return self._shape_for_predictor(x)

    @property
    def _reading_options(self) -> ReadingOptions:
        return ReadingOptions()

    def _numbers(self, x: FloatArray) -> NDArray[Any]:
        """Return series in which each category has a channel."""
        return x if self._layout.schema is None else in_columns(x, self._layout.schema)

    def _check_missing(self, x: FloatArray, predictor: BaseEstimator) -> None:
        """Refuse missing values, if a predictor does not say that it takes them."""
        if all_finite(x) or self._takes_missing(predictor):
            return
        i, t, d = np.argwhere(np.isnan(x))[0]
        ends = "series that end before the longest, or " if self._layout.ragged else ""
        raise ValueError(
            f"X contains {int(np.isnan(x).sum())} NaN ({ends}missing values), the first at sample "
            f"{i}, timestep {t}, channel {d}, and {type(predictor).__name__} takes none. Use a "
            "predictor whose tag allow_nan says that it does, such as "
            "HistGradientBoostingClassifier, or put an imputer before it: "
            "make_pipeline(SimpleImputer(keep_empty_features=True), ...). To train on synthetic "
            "series of one length alone, a generator with missing='complete' will do"
        )

    def _takes_missing(self, predictor: BaseEstimator) -> bool:
        return takes_missing(predictor)

    def _fitted_predictor(self) -> BaseEstimator:
        check_is_fitted(self, f"{self._predictor}_")
        return getattr(self, f"{self._predictor}_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def takes_missing(estimator: Any) -> bool:
    """Whether an estimator says that values may be missing (NaN) in what it is given.

    Pipelines and searches do not say it for those within.
    """
    if isinstance(estimator, Pipeline):
        return _pass_missing([step for _, step in estimator.steps])
    if hasattr(estimator, "__sklearn_tags__") and get_tags(estimator).input_tags.allow_nan:
        return True
    inner = getattr(estimator, "estimator", None)
    return inner is not None and takes_missing(inner)


def _pass_missing(steps: list[Any]) -> bool:
    """Whether steps one after the other take missing values, until one fills them in."""
    for step in steps:
        if step is None or isinstance(step, str):  # "passthrough"
            continue
        if not takes_missing(step):
            return False
        scales = type(step).__module__.startswith("sklearn.preprocessing")
        if not scales:  # these leave NaN where they are
            return True
    return True


def check_kind(
    predictor: BaseEstimator, name: str, is_kind: Callable[[BaseEstimator], bool]
) -> None:
    """Refuse the wrong kind of predictor before a generator is trained for it."""
    if hasattr(predictor, "__sklearn_tags__") and not is_kind(predictor):
        raise ValueError(f"{name} must be a {name}, got {predictor!r}")


def check_labels(estimator: BaseEstimator, y: Any) -> NDArray[Any]:
    """Return labels as a 1-d array, or refuse what is none."""
    check_y_given(estimator, y)
    labels: NDArray[Any] = column_or_1d(as_target(y), warn=True)
    assert_all_finite(labels, input_name="y")
    check_known(labels)
    check_classification_targets(labels)
    return labels


def check_y_given(estimator: BaseEstimator, y: Any) -> None:
    """Refuse a missing target in the words that scikit-learn's checks look for."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        )
