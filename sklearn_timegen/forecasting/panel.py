"""sktime's classifiers and regressors of series as scikit-learn estimators.

sktime takes panels as ``(n_instances, n_variables, n_timepoints)``, and the estimators here hold
series as ``(n_samples, n_timesteps, n_channels)``: the adapters swap the axes, and make of a time
series classifier one that ``cross_val_score`` and the estimators of this package can work with.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d

from sklearn_timegen._checks import HasMethods
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.base.declaration import Declared
from sklearn_timegen.base.state import rollback_on_error
from sklearn_timegen.data.checks import SeriesLayout, check_series
from sklearn_timegen.synthetic_training.common import check_labels, check_y_given

__all__ = ["PanelClassifier", "PanelRegressor"]


@estimator
class PanelPredictor(MetaEstimatorMixin, Declared):
    """What both share: the door, and the way to sktime's layout."""

    _predictor: ClassVar[str]  # the parameter that holds sktime's estimator
    _layout: ClassVar[SeriesLayout]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return what sktime's estimator predicts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Series of the sizes seen in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predictions.
        """
        return np.asarray(self._fitted().predict(self._panel(X)))

    def _fit(self, X: ArrayLike, y: NDArray[Any]) -> Any:
        x, layout = check_series(X, estimator=self)
        if len(y) != len(x):
            raise ValueError(f"y has {len(y)} entries, but X has {len(x)} series")
        self.__dict__["_layout"] = layout
        return clone(getattr(self, self._predictor)).fit(_as_panel(x), y)

    def _fitted(self) -> Any:
        check_is_fitted(self, f"{self._predictor}_")
        return getattr(self, f"{self._predictor}_")

    def _panel(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        return _as_panel(check_series(X, estimator=self, layout=self._layout)[0])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
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

    classifier: Any = param(
        kw_only=False,
        doc="""``RocketClassifier()``, say; cloned. Its parameters are reached as
        ``classifier__...``, its ``random_state`` too.""",
        check=[HasMethods(["fit", "predict", "predict_proba"])],
    )

    classifier_: Any = fitted("The fitted classifier.", type="sktime classifier")
    classes_: NDArray[Any] = fitted("The labels.", type="ndarray")

    _predictor: ClassVar[str] = "classifier"

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Series.
        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        with rollback_on_error(self):
            self._validate_params()
            labels = check_labels(self, y)
            self.classes_, codes = np.unique(labels, return_inverse=True)
            # Codes: sktime's checks refuse some kinds of labels, and its forests return strings.
            self.classifier_ = self._fit(X, codes)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the labels of series ``X``."""
        codes = super().predict(X).astype(np.int64)
        labels: NDArray[Any] = self.classes_[codes]
        return labels

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return class probabilities, of shape (n_samples, n_classes), for series ``X``."""
        return np.asarray(self._fitted().predict_proba(self._panel(X)))


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

    regressor: Any = param(
        kw_only=False,
        doc="""``TimeSeriesForestRegressor()``, say; cloned. Its parameters are reached as
        ``regressor__...``, its ``random_state`` too.""",
        check=[HasMethods(["fit", "predict"])],
    )

    regressor_: Any = fitted("The fitted regressor.", type="sktime regressor")

    _predictor: ClassVar[str] = "regressor"

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the regressor.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Series.
        y : array-like of shape (n_samples,)
            Their targets.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        with rollback_on_error(self):
            self._validate_params()
            check_y_given(self, y)
            targets = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
            self.regressor_ = self._fit(X, column_or_1d(targets, warn=True))
        return self


def _as_panel(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Swap the axes to sktime's "numpy3D", in the precision that sktime works in."""
    return np.ascontiguousarray(x.transpose(0, 2, 1), dtype=np.float64)
