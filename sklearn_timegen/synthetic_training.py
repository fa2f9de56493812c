"""Train on synthetic, test on real, as scikit-learn estimators.

``fit`` sees a training fold only, so that cross-validation of these estimators *is* the TSTR
protocol: the generator never meets a test series. With ``train_on="real"`` the same estimator
gives the control (TRTR), with ``"both"`` augmentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    ClassifierMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    clone,
    is_classifier,
    is_regressor,
)
from sklearn.utils import Tags, assert_all_finite, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, check_memory, column_or_1d

from sklearn_timegen._conditions import allocate
from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._validation import as_3d, check_series
from sklearn_timegen.base import estimator
from sklearn_timegen.base.declaration import Declared

__all__ = ["TSTRClassifier", "TSTRRegressor"]

FloatArray = NDArray[np.float32]
Labelled = tuple[FloatArray, NDArray[Any]]


@estimator
class _SyntheticTraining(MetaEstimatorMixin, Declared):
    """What both share: the rows that the predictor is trained on, and how it is fed."""

    generator: Any = field(kw_only=False)
    n_synthetic: float | int = 1.0
    train_on: Literal["synthetic", "real", "both"] = "synthetic"
    predictor_input: Literal["auto", "flat", "series"] = "auto"
    memory: Any = None
    random_state: RandomState = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "generator": [HasMethods(["fit", "sample"])],
        "n_synthetic": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, None, closed="neither"),
        ],
        "train_on": [StrOptions({"synthetic", "real", "both"})],
        "predictor_input": [StrOptions({"auto", "flat", "series"})],
        "memory": [str, HasMethods(["cache"]), None],
        "random_state": ["random_state", np.random.Generator],
    }

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

    # -- training ----------------------------------------------------------------------------

    def _fit(self, X: ArrayLike, y: NDArray[Any], predictor: Any) -> Any:
        """Fit the predictor, on the rows that ``train_on`` names, and return it."""
        n_channels = getattr(self.generator, "n_channels", 1)
        x, self._layout = check_series(X, estimator=self, n_channels=n_channels)
        if len(y) != len(x):
            raise ValueError(f"y has {len(y)} entries, but X has {len(x)} series")
        self._flat = self._is_fed_flat(predictor)
        seed = draw_seed(self.random_state)
        parts = [] if self.train_on == "synthetic" else [(x, y)]
        if self.train_on != "real":
            parts.append(self._synthesize(x, y, seed))
        rows = np.concatenate([part[0] for part in parts])
        targets = np.concatenate([part[1] for part in parts])
        made = self._seeded(clone(predictor), derive_seed(seed, "predictor"))
        return made.fit(self._shape_for_predictor(rows), targets)

    def _synthesize(self, x: FloatArray, y: NDArray[Any], seed: int) -> Labelled:
        raise NotImplementedError

    def _n_rows(self, n_real: int) -> int:
        """How many synthetic series: an integer is a number, a float a ratio."""
        if isinstance(self.n_synthetic, Integral):
            return int(self.n_synthetic)
        return max(1, round(self.n_synthetic * n_real))

    def _fit_generator(
        self, X: NDArray[Any], y: NDArray[Any] | None, seed: int, **params: Any
    ) -> Any:
        """Fit a clone of the generator, from the cache if the same fit was done before."""
        made = self._seeded(clone(self.generator), seed)
        made.set_params(**params)
        return check_memory(self.memory).cache(_fit_one)(made, X, y)

    def _draw(self, generator: Any, n: int, seed: int, **given: Any) -> NDArray[Any]:
        own = None if self.random_state is None else derive_seed(seed, "sample")
        drawn = generator.sample(n, random_state=own, **given)
        return np.asarray(drawn, dtype=np.float32)

    def _seeded(self, made: Any, seed: int) -> Any:
        """Give an estimator, and those within it, seeds of ours where they have none."""
        if self.random_state is not None:
            for name, value in made.get_params(deep=True).items():
                if name.split("__")[-1] == "random_state" and value is None:
                    made.set_params(**{name: derive_seed(seed, name)})
        return made

    # -- feeding the predictor ---------------------------------------------------------------

    def _is_fed_flat(self, predictor: Any) -> bool:
        if self.predictor_input == "auto":
            return not (
                hasattr(predictor, "__sklearn_tags__")
                and get_tags(predictor).input_tags.three_d_array
            )
        return self.predictor_input == "flat"

    def _shape_for_predictor(self, x: FloatArray) -> NDArray[Any]:
        # Rows in float64, the precision that scikit-learn's predictors work in.
        return x.reshape(len(x), -1).astype(np.float64) if self._flat else x

    def _feed(self, X: ArrayLike) -> NDArray[Any]:
        check_is_fitted(self)
        x, _ = check_series(X, estimator=self, layout=self._layout)
        return self._shape_for_predictor(x)

    def _fitted_predictor(self) -> Any:
        raise NotImplementedError


def _fit_one(generator: Any, X: NDArray[Any], y: NDArray[Any] | None) -> Any:
    fitted = generator.fit(X) if y is None else generator.fit(X, y)
    if getattr(fitted, "interrupted_", False):
        # Half-trained, it must be neither cached nor judged: whoever pressed Ctrl-C meant all.
        raise KeyboardInterrupt
    return fitted


def _check_kind(predictor: Any, name: str, is_kind: Callable[[Any], bool]) -> None:
    """Refuse the wrong kind of predictor before a generator is trained for it."""
    if hasattr(predictor, "__sklearn_tags__") and not is_kind(predictor):
        raise ValueError(f"{name} must be a {name}, got {predictor!r}")


def _has(method: str) -> Any:
    """Check for ``available_if``: whether the classifier, fitted or not, has ``method``."""

    def check(self: TSTRClassifier) -> bool:
        getattr(getattr(self, "classifier_", self.classifier), method)
        return True

    return check


@estimator
class TSTRClassifier(ClassifierMixin, _SyntheticTraining):
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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_SyntheticTraining._parameter_constraints,
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
        _check_y_given(self, y)
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        _check_kind(self.classifier, "classifier", is_classifier)
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

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return class probabilities, of shape (n_samples, n_classes), for real series ``X``."""
        return np.asarray(self._fitted_predictor().predict_proba(self._feed(X)))

    @available_if(_has("predict_log_proba"))
    def predict_log_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return log-probabilities, of shape (n_samples, n_classes), for real series ``X``."""
        return np.asarray(self._fitted_predictor().predict_log_proba(self._feed(X)))

    @available_if(_has("decision_function"))
    def decision_function(self, X: ArrayLike) -> NDArray[Any]:
        """Return the classifier's confidence scores for real series ``X``."""
        return np.asarray(self._fitted_predictor().decision_function(self._feed(X)))

    def _fitted_predictor(self) -> Any:
        check_is_fitted(self, "classifier_")
        return self.classifier_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        if hasattr(self.classifier, "__sklearn_tags__"):
            inner = get_tags(self.classifier).classifier_tags
            tags.classifier_tags.multi_class = inner is None or inner.multi_class
        return tags


@estimator
class TSTRRegressor(RegressorMixin, _SyntheticTraining):
    """Train a regressor on synthetic pairs of series and target, to be tested on real ones.

    The generator learns the joint window. Targets of univariate series become further timesteps
    at their end (the window table of a forecaster), those of multivariate ones further channels,
    constant along time and averaged on the way back.

    Parameters
    ----------
    generator : generator
        Any estimator with ``fit`` and ``sample``, as for :class:`TSTRClassifier`, and not
        conditional; cloned.
    regressor : regressor
        The predictor; cloned.
    n_synthetic : float or int, default=1.0
        Number of synthetic series: a float is a ratio to the training series, an int a number.
    train_on : {"synthetic", "real", "both"}, default="synthetic"
        What the regressor is trained on: TSTR, TRTR, or augmentation.
    predictor_input : {"auto", "flat", "series"}, default="auto"
        Whether the regressor is fed rows or series; see :class:`TSTRClassifier`.
    memory : str, object with ``cache`` or None, default=None
        Cache of fitted generators; see :class:`TSTRClassifier`.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the sampling, and of generator and regressor if theirs is ``None``.

    Attributes
    ----------
    regressor_ : regressor
        The fitted regressor.
    generator_ : generator or None
        The fitted generator; ``None`` if trained on real series.
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
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_timegen import TimeVAE, TSTRRegressor
    >>> from sklearn_timegen.datasets import make_ar
    >>> windows = make_ar(100, 13, random_state=0)[:, :, 0]
    >>> X, y = windows[:, :-1], windows[:, -1]
    >>> tstr = TSTRRegressor(TimeVAE(max_epochs=2), Ridge(), random_state=0).fit(X, y)
    >>> tstr.predict(X).shape
    (100,)
    """

    regressor: Any = field(kw_only=False)

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_SyntheticTraining._parameter_constraints,
        "regressor": [HasMethods(["fit", "predict"])],
    }

    def fit(self, X: ArrayLike, y: ArrayLike) -> TSTRRegressor:
        """Fit the generator to real pairs, and the regressor to what ``train_on`` names.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Real series.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``X`` or ``y`` are not valid, or the generator is conditional.
        """
        self._validate_params()
        _check_y_given(self, y)
        if getattr(self.generator, "conditional", False):
            raise ValueError(
                "the generator of a TSTRRegressor learns series and target jointly: set its "
                "conditional=False"
            )
        _check_kind(self.regressor, "regressor", is_regressor)
        targets = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if not self.__sklearn_tags__().target_tags.multi_output:
            targets = column_or_1d(targets, warn=True)
        self.generator_ = None
        self.regressor_ = self._fit(X, targets, self.regressor)
        return self

    def _synthesize(self, x: FloatArray, y: NDArray[Any], seed: int) -> Labelled:
        targets = y.reshape(len(y), -1).astype(np.float32)
        n_timesteps, n_targets = x.shape[1], targets.shape[1]
        one_channel = x.shape[2] == 1
        if one_channel:
            joint = np.concatenate([x, targets[:, :, None]], axis=1)
            joint = joint[:, :, 0] if self._layout.flat else joint
        else:
            along = np.repeat(targets[:, None, :], n_timesteps, axis=1)
            joint = np.concatenate([x, along], axis=2)
        params = {"n_channels": 1} if hasattr(self.generator, "n_channels") else {}
        self.generator_ = self._fit_generator(
            joint, None, derive_seed(seed, "generator"), **params
        )
        drawn = as_3d(self._draw(self.generator_, self._n_rows(len(x)), seed))
        if one_channel:
            series, drawn_targets = drawn[:, :n_timesteps], drawn[:, n_timesteps:, 0]
        else:
            series, along = drawn[:, :, :-n_targets], drawn[:, :, -n_targets:]
            drawn_targets = along.mean(axis=1)
        return series, drawn_targets.reshape(-1, *y.shape[1:]).astype(y.dtype)

    def _fitted_predictor(self) -> Any:
        check_is_fitted(self, "regressor_")
        return self.regressor_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        if hasattr(self.regressor, "__sklearn_tags__"):
            tags.target_tags.multi_output = get_tags(self.regressor).target_tags.multi_output
        return tags


def _check_y_given(estimator: Any, y: Any) -> None:
    """Refuse a missing target in the words that scikit-learn's checks look for."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        )
