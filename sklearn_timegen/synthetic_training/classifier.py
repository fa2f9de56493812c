"""Train a classifier on real and synthetic series, or on synthetic series alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import available_if

from sklearn_timegen._checks import HasMethods, StrOptions
from sklearn_timegen._types import CrossValidation, GeneratorLike, Scoring
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.synthetic_training.amount import (
    Folds,
    fill_up,
    label_folds,
    share_classes,
)
from sklearn_timegen.synthetic_training.common import GeneratorFirst, SyntheticTraining
from sklearn_timegen.synthetic_training.predictor import check_kind, check_labels
from sklearn_timegen.synthetic_training.sources import ClassSource, Trainer

__all__ = ["AugmentedClassifier", "TSTRClassifier"]

Index = NDArray[np.int64]
FloatArray = NDArray[np.float32]


def has_method(method: str) -> Callable[[AugmentedClassifier], bool]:
    """Check for ``available_if``: whether the classifier, fitted or not, has ``method``."""

    def check(self: AugmentedClassifier) -> bool:
        getattr(getattr(self, "classifier_", self.classifier), method)
        return True

    return check


@estimator
class AugmentedClassifier(ClassifierMixin, SyntheticTraining):
    """Train a classifier on real and synthetic series, as many as help.

    A conditional generator is fitted once and draws by class; of any other generator one clone
    is fitted for each class of which series are needed.

    See Also
    --------
    Augmenter : The same as a step of imbalanced-learn's pipelines.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_timegen import AugmentedClassifier, PCAMixture
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> X, y = make_labelled_sines(30, 24, random_state=0)
    >>> augmented = AugmentedClassifier(LogisticRegression(), PCAMixture(), random_state=0)
    >>> augmented.fit(X, y).n_synthetic_  # perfect without
    0
    >>> augmented.set_params(n_synthetic=2.0).fit(X, y).n_synthetic_
    60
    """

    class_shares: Literal["training", "equal"] = param(
        default="training",
        doc="""Whether classes are drawn in their training frequencies, or so that they become
        alike: the smallest classes are filled up first (together with the real series, with
        ``train_on="both"``), and what is left is split in equal parts.""",
        check=[StrOptions({"training", "equal"})],
    )
    classifier: BaseEstimator = param(
        kw_only=False, doc="The predictor; cloned.", check=[HasMethods(["fit", "predict"])]
    )
    generator: GeneratorLike = param(
        kw_only=False,
        doc="""Any estimator with ``fit(X)`` and ``sample(n, random_state=...)``, which returns
        series as ``X`` holds them; cloned. ``KernelDensity`` is one, for 2-d ``X``.""",
        check=[HasMethods(["fit", "sample"])],
    )
    n_synthetic: float | int | Literal["auto"] = param(
        default="auto",
        doc="""Number of synthetic series: a float is a ratio to the training series, an int a
        number. ``"auto"`` cross-validates the ratios 0, 0.25, 1 and 3 (and the one that balances
        the classes, if ``class_shares="equal"``) on the training series, with one fit of the
        generator a fold. The ratio of the best mean score is taken if its gain over 0, fold by
        fold, passes a one-sided t test at 5 %; otherwise no series are added, and no generator is
        fitted to all series. With ``train_on="synthetic"`` the best ratio is taken.""",
    )
    cv: CrossValidation = param(
        default=None,
        doc="""Inner cross-validation of ``n_synthetic="auto"``. ``None`` is ``StratifiedKFold``
        with 5 splits, or as many as the smallest class has series. If that has 1 (or 2, with a
        generator that is not conditional), nothing can be compared: no series are added, or one
        for each real one with ``train_on="synthetic"``, and a warning says so. Of few series, a
        ``RepeatedStratifiedKFold`` shows a gain that five folds cannot.""",
    )
    scoring: Scoring = param(
        default=None,
        doc="""Inner score; ``None`` is the classifier's own, or balanced accuracy if
        ``class_shares="equal"``.""",
    )

    classifier_: BaseEstimator = fitted("The fitted classifier.", type="classifier")
    generators_: list[GeneratorLike] = fitted(
        """The fitted generators: one, or one for each class that needs series; none if there
        are no synthetic series.""",
        type="list",
    )
    classes_: NDArray[Any] = fitted("The labels.", type="ndarray")

    _predictor: ClassVar[str] = "classifier"

    def _fit(self, X: ArrayLike, y: ArrayLike) -> None:
        self._check_params()
        labels = check_labels(self, y)
        self.classes_ = np.unique(labels)
        check_kind(self.classifier, "classifier", is_classifier)
        self.classifier_, self.generators_ = self._train(X, labels, self.classifier)

    def _source(self, trainer: Trainer, *, final: bool = False) -> ClassSource:
        return ClassSource(trainer, self._layout, self._plan)

    def _plan(self, counts: Index, total: int) -> Index:
        if self.class_shares == "training":
            return share_classes(counts, total, self.n_synthetic)
        if self.train_on == "both":
            return fill_up(counts, total)
        return share_classes(np.ones_like(counts), total, self.n_synthetic)

    def _ratios(self, y: NDArray[Any]) -> tuple[float, ...]:
        ratios = super()._ratios(y)
        if self.class_shares == "training" or self.train_on == "synthetic":
            return ratios
        counts = np.unique(y, return_counts=True)[1]
        return tuple(sorted({*ratios, float((counts.max() - counts).sum() / len(y))}))

    def _auto_amount(self, ratio: float, y: NDArray[Any]) -> int:
        amount = super()._auto_amount(ratio, y)
        # The least that covers all classes, where that is needed.
        return max(amount, len(np.unique(y))) if amount else 0

    def _inner_scoring(self) -> Scoring:
        # Whoever asks for equal classes wants them to count alike.
        equal = self.class_shares == "equal" and self.scoring is None
        return "balanced_accuracy" if equal else self.scoring

    def _inner_folds(self, x: FloatArray, y: NDArray[Any]) -> Folds:
        least = 2 if getattr(self.generator, "conditional", False) else 3
        return label_folds(self.cv, x, y, least)

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


@estimator
class TSTRClassifier(AugmentedClassifier, GeneratorFirst):
    """Train a classifier on synthetic series, to be tested on real ones.

    :class:`AugmentedClassifier` with other defaults, and the generator as the first argument.
    A conditional generator is fitted once and draws by class; of any other generator one clone
    is fitted for each class.

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

    n_synthetic: float | int | Literal["auto"] = 1.0
    train_on: Literal["synthetic", "real", "both"] = "synthetic"

    generators_: list[GeneratorLike] = fitted(
        """The fitted generators: one, or one for each class; none if trained on real series.""",
        type="list",
    )
