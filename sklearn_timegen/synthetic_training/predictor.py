"""Estimators that answer for series by a predictor that they own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import Tags, assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from sklearn_timegen.base import estimator
from sklearn_timegen.base.declaration import Declared
from sklearn_timegen.base.state import rollback_on_error
from sklearn_timegen.data.checks import SeriesLayout, check_series
from sklearn_timegen.data.labels import as_target, check_known

__all__ = ["SeriesPredictor", "check_kind", "check_labels", "check_y_given"]

FloatArray = NDArray[np.float32]


@estimator
class SeriesPredictor(MetaEstimatorMixin, Declared):
    """Checked series in, and the answer of the predictor that was fitted to such ones."""

    _predictor: ClassVar[str]  # the parameter that holds the predictor
    _layout: ClassVar[SeriesLayout]  # of the series that fit saw

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to real series and what is to be predicted of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Real series.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their labels, or targets.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``X``, ``y`` or the parameters are not valid, or do not fit each other.
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

    def _check_series(self, X: ArrayLike, y: NDArray[Any], n_channels: int = 1) -> FloatArray:
        """Return the series to be fitted to, and keep their layout."""
        x, layout = check_series(X, estimator=self, n_channels=n_channels)
        if len(y) != len(x):
            raise ValueError(f"y has {len(y)} entries, but X has {len(x)} series")
        self.__dict__["_layout"] = layout
        return x

    def _feed(self, X: ArrayLike) -> NDArray[Any]:
        check_is_fitted(self)
        x, _ = check_series(X, estimator=self, layout=self._layout)
        return self._shape_for_predictor(x)

    def _fitted_predictor(self) -> BaseEstimator:
        check_is_fitted(self, f"{self._predictor}_")
        return getattr(self, f"{self._predictor}_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


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
