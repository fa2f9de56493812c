"""Train a classifier on synthetic series, test it on real ones."""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    ClassifierMixin,
    is_classifier,
)
from sklearn.utils import Tags, assert_all_finite, get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from sklearn_timegen._conditions import allocate
from sklearn_timegen._random import derive_seed
from sklearn_timegen._validation import as_3d
from sklearn_timegen.base import estimator
from sklearn_timegen.synthetic_training.common import (
    Labelled,
    SyntheticTraining,
    check_kind,
    check_y_given,
)

__all__ = ["TSTRClassifier"]

FloatArray = NDArray[np.float32]


def has_method(method: str) -> Any:
    """Check for ``available_if``: whether the classifier, fitted or not, has ``method``."""

    def check(self: TSTRClassifier) -> bool:
        getattr(getattr(self, "classifier_", self.classifier), method)
        return True

    return check


@estimator
class TSTRClassifier(ClassifierMixin, SyntheticTraining):
    """Train a classifier on synthetic series, to be tested on real ones.

    A conditional generator is fitted once and draws by class; of any other generator one clone
    is fitted for each class. Classes are drawn in their training frequencies.

    Parameters
    ----------
    generator : generator
        Any estimator with ``fit(X)`` and ``sample(n, random_state=...)``, which returns series
        as ``X`` holds them; cloned. ``KernelDensity`` is one, for 2-d ``X``.
    classifier : classifier
        The predictor; cloned.
    n_synthetic : float or int, default=1.0
        Number of synthetic series: a float is a ratio to the training series, an int a number.
    train_on : {"synthetic", "real", "both"}, default="synthetic"
        What the classifier is trained on: TSTR, TRTR, or augmentation.
    predictor_input : {"auto", "flat", "series"}, default="auto"
        Whether the classifier is fed rows of ``n_timesteps * n_channels`` values, or series
        ``(n_samples, n_timesteps, n_channels)``. ``"auto"`` means series for a classifier whose
        scikit-learn tags say that it takes 3-d arrays, and else rows.
    memory : str, object with ``cache`` or None, default=None
        Cache of fitted generators, as in ``Pipeline``: several classifiers, or ``"synthetic"``
        and ``"both"``, then share one fit for each fold. Give the generator a ``random_state``.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the sampling, and of generator, classifier and what is within them where theirs
        is ``None``.

    Attributes
    ----------
    classifier_ : classifier
        The fitted classifier.
    generators_ : list
        The fitted generators: one, or one for each class; none if trained on real series.
    classes_ : ndarray
        The labels.
    n_features_in_ : int
        ``X.shape[1]`` of the ``X`` seen in ``fit``.
    feature_names_in_ : ndarray
        Column names, if ``X`` had string ones.

    References
    ----------
    C. Esteban, S. Hyland and G. Raetsch (2017), "Real-valued (medical) time series generation
    with recurrent conditional GANs". https://arxiv.org/abs/1706.02633

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_timegen import TimeVAE, TSTRClassifier
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> X, y = make_labelled_sines(60, 24, random_state=0)
    >>> generator = TimeVAE(conditional=True, max_epochs=20, random_state=0)
    >>> tstr = TSTRClassifier(generator, LogisticRegression(), random_state=0)
    >>> bool(cross_val_score(tstr, X, y, cv=3).mean() > 0.9)
    True
    """

    classifier: Any = field(kw_only=False)

    _predictor: ClassVar[str] = "classifier"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SyntheticTraining._parameter_constraints,
        "classifier": [HasMethods(["fit", "predict"])],
    }

    def fit(self, X: ArrayLike, y: ArrayLike) -> TSTRClassifier:
        """Fit the generator to real series, and the classifier to what ``train_on`` names.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Real series.
        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``X`` or ``y`` are not valid, or the synthetic series cannot cover all classes.
        """
        self._validate_params()
        check_y_given(self, y)
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        check_kind(self.classifier, "classifier", is_classifier)
        self.generators_: list[Any] = []
        self.classifier_ = self._fit(X, labels, self.classifier)
        return self

    def _synthesize(self, x: FloatArray, y: NDArray[Any], seed: int) -> Labelled:
        classes, counts = np.unique(y, return_counts=True)
        if self._n_rows(len(x)) < len(classes):
            raise ValueError(
                f"n_synthetic={self.n_synthetic!r} gives {self._n_rows(len(x))} series, which "
                f"cannot cover {len(classes)} classes (an int is a number, a float a ratio)"
            )
        shares = allocate(counts, self._n_rows(len(x)))
        X = self._layout.restore(x)
        if getattr(self.generator, "conditional", False):
            self.generators_ = [self._fit_generator(X, y, derive_seed(seed, "generator"))]
            labels = np.repeat(classes, shares)
            drawn = self._draw(self.generators_[0], len(labels), seed, y=labels)
        else:
            parts = []
            for k, (label, share) in enumerate(zip(classes, shares, strict=True)):
                one = derive_seed(seed, f"generator {k}")
                self.generators_.append(self._fit_generator(X[y == label], None, one))
                parts.append(self._draw(self.generators_[-1], int(share), one))
            drawn, labels = np.concatenate(parts), np.repeat(classes, shares)
        # Shuffled: some predictors read their rows in order.
        order = np.random.default_rng(derive_seed(seed, "order")).permutation(len(labels))
        return as_3d(drawn, self._layout.n_channels)[order], labels[order]

    @available_if(has_method("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return class probabilities, of shape (n_samples, n_classes), for real series ``X``."""
        return np.asarray(self._fitted_predictor().predict_proba(self._feed(X)))

    @available_if(has_method("predict_log_proba"))
    def predict_log_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return log-probabilities, of shape (n_samples, n_classes), for real series ``X``."""
        return np.asarray(self._fitted_predictor().predict_log_proba(self._feed(X)))

    @available_if(has_method("decision_function"))
    def decision_function(self, X: ArrayLike) -> NDArray[Any]:
        """Return the classifier's confidence scores for real series ``X``."""
        return np.asarray(self._fitted_predictor().decision_function(self._feed(X)))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if hasattr(self.classifier, "__sklearn_tags__"):
            inner = get_tags(self.classifier).classifier_tags
            tags.classifier_tags.multi_class = inner is None or inner.multi_class
        return tags
