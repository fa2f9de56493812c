"""sktime's classifiers and regressors of series as scikit-learn estimators.

sktime takes panels as ``(n_instances, n_variables, n_timepoints)``, and the estimators here hold
series as ``(n_samples, n_timesteps, n_channels)``: the adapters swap the axes, and make of a time
series classifier one that ``cross_val_score`` and the estimators of this package can work with.
Series that miss values, or end before the longest, are handed on with NaN to those that say they
take it; words have a channel of 0 and 1 each.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, column_or_1d

from sklearn_timegen._checks import HasMethods, StrOptions
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.data.axes import LAYOUTS
from sklearn_timegen.data.reading import ReadingOptions
from sklearn_timegen.synthetic_training.predictor import (
    SeriesPredictor,
    check_labels,
    check_y_given,
)

__all__ = ["PanelClassifier", "PanelRegressor"]


@estimator
class PanelPredictor(SeriesPredictor):
    """What both share: the way to sktime's layout."""

    layout: str = param(
        default="channels-last",
        doc="""The order of the axes of a 3-d ``X``: ``"channels-first"`` is ``(n_samples,
        n_channels, n_timesteps)``, as sktime has it, and as generators of this library have with
        the same parameter.""",
        check=[StrOptions(set(LAYOUTS))],
    )

    @property
    def _reading_options(self) -> ReadingOptions:
        return ReadingOptions(layout=self.layout)

    def _fit_panel(self, X: ArrayLike, y: NDArray[Any]) -> Any:
        x, predictor = self._check_series(X, y), getattr(self, self._predictor)
        self._check_missing(x, predictor)
        return clone(predictor).fit(self._shape_for_predictor(x), y)

    def _shape_for_predictor(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        # sktime's "numpy3D", in the precision that sktime works in.
        return np.ascontiguousarray(self._numbers(x).transpose(0, 2, 1), dtype=np.float64)

    def _takes_missing(self, predictor: Any) -> bool:
        """Whether one of sktime's estimators says that it takes missing values."""
        return hasattr(predictor, "get_tag") and bool(
            predictor.get_tag("capability:missing_values", False, raise_error=False)
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = self._takes_missing(getattr(self, self._predictor))
        return tags


@estimator
class PanelClassifier(ClassifierMixin, PanelPredictor):
    """A time series classifier of sktime as a scikit-learn classifier.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_timegen import AugmentedClassifier, PCAMixture
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> from sklearn_timegen.forecasting import PanelClassifier
    >>> from sktime.classification.interval_based import TimeSeriesForestClassifier
    >>> X, y = make_labelled_sines(30, 24, random_state=0)
    >>> forest = PanelClassifier(TimeSeriesForestClassifier(n_estimators=5, random_state=0))
    >>> augmented = AugmentedClassifier(forest, PCAMixture(), n_synthetic=1.0, random_state=0)
    >>> bool(cross_val_score(augmented, X, y, cv=2).mean() > 0.8)
    True
    """

    classifier: BaseEstimator = param(
        kw_only=False,
        doc="""``RocketClassifier()``, say; cloned. Its parameters are reached as
        ``classifier__...``, its ``random_state`` too.""",
        check=[HasMethods(["fit", "predict", "predict_proba"])],
    )

    classifier_: BaseEstimator = fitted("The fitted classifier.", type="sktime classifier")
    classes_: NDArray[Any] = fitted("The labels.", type="ndarray")

    _predictor: ClassVar[str] = "classifier"

    def _fit(self, X: ArrayLike, y: ArrayLike) -> None:
        self._validate_params()
        labels = check_labels(self, y)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        # Codes: sktime's checks refuse some kinds of labels, and its forests return strings.
        self.classifier_ = self._fit_panel(X, codes)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the labels of series ``X``."""
        codes = super().predict(X).astype(np.int64)
        labels: NDArray[Any] = self.classes_[codes]
        return labels

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return class probabilities, of shape (n_samples, n_classes), for series ``X``."""
        return np.asarray(self._fitted_predictor().predict_proba(self._feed(X)))


@estimator
class PanelRegressor(RegressorMixin, PanelPredictor):
    """A time series regressor of sktime as a scikit-learn regressor.

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_ar
    >>> from sklearn_timegen.forecasting import PanelRegressor
    >>> from sktime.regression.interval_based import TimeSeriesForestRegressor
    >>> windows = make_ar(40, 13, 2, random_state=0)
    >>> X, y = windows[:, :-1, :1], windows[:, -1, 0]
    >>> forest = PanelRegressor(TimeSeriesForestRegressor(n_estimators=5, random_state=0))
    >>> bool(forest.fit(X, y).score(X, y) > 0.5)
    True
    """

    regressor: BaseEstimator = param(
        kw_only=False,
        doc="""``TimeSeriesForestRegressor()``, say; cloned. Its parameters are reached as
        ``regressor__...``, its ``random_state`` too.""",
        check=[HasMethods(["fit", "predict"])],
    )

    regressor_: BaseEstimator = fitted("The fitted regressor.", type="sktime regressor")

    _predictor: ClassVar[str] = "regressor"

    def _fit(self, X: ArrayLike, y: ArrayLike) -> None:
        self._validate_params()
        check_y_given(self, y)
        targets = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        self.regressor_ = self._fit_panel(X, column_or_1d(targets, warn=True))
