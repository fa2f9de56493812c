"""Train a regressor on real and synthetic pairs of series and target, or on the latter alone."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, is_regressor
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_array, column_or_1d

from sklearn_timegen._checks import HasMethods
from sklearn_timegen._types import CrossValidation, GeneratorLike
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.data.checks import check_resolution
from sklearn_timegen.synthetic_training.amount import Folds, window_folds
from sklearn_timegen.synthetic_training.common import GeneratorFirst, SyntheticTraining
from sklearn_timegen.synthetic_training.pairs import PairSource, find_step
from sklearn_timegen.synthetic_training.predictor import check_kind, check_y_given
from sklearn_timegen.synthetic_training.sources import RecentFit, Trainer

__all__ = ["AugmentedRegressor", "TSTRRegressor"]

FloatArray = NDArray[np.float32]


@estimator
class AugmentedRegressor(RegressorMixin, SyntheticTraining):
    """Train a regressor on real and synthetic pairs of series and target, as many as help.

    The generator learns the joint window. Targets of univariate series become further timesteps
    at their end, those of multivariate ones further channels, constant along time and averaged
    on the way back.

    A forecaster's window table, as sktime's ``make_reduction`` cuts it, is recognised: 2-d rows
    that are all windows of one series, in order, and one target each, the value of that series
    ``h`` timesteps after the window. The generator then learns windows one timestep longer than
    the rows, for whatever ``h``, and synthetic windows go on to the target. Clones of one
    estimator share the latest such fit, so that the direct strategy, which fits a clone to the
    same windows for each step of its horizon, trains the generator once. That holds for
    ``random_state=None``, too: consecutive clones that are fitted on the same series, with the
    same parameters of the generator, have the same generator. (With ``n_synthetic="auto"``,
    the generators of the inner folds are not shared.)

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_timegen import AugmentedRegressor, PCAMixture
    >>> from sklearn_timegen.datasets import make_ar
    >>> windows = make_ar(20, 25, random_state=0)[:, :, 0]
    >>> X, y = windows[:, :-1], windows[:, -1]
    >>> augmented = AugmentedRegressor(Ridge(), PCAMixture(), random_state=0).fit(X, y)
    >>> sorted(augmented.auto_scores_)
    [0.0, 0.25, 1.0, 3.0]
    """

    regressor: BaseEstimator = param(
        kw_only=False, doc="The predictor; cloned.", check=[HasMethods(["fit", "predict"])]
    )
    generator: GeneratorLike = param(
        kw_only=False,
        doc="""Any estimator with ``fit`` and ``sample``, as for :class:`AugmentedClassifier`, and
        not conditional; cloned.""",
        check=[HasMethods(["fit", "sample"])],
    )
    n_synthetic: float | int | Literal["auto"] = param(
        default="auto",
        doc="""Number of synthetic series: a float is a ratio to the training series, an int a
        number. ``"auto"`` cross-validates the ratios 0, 0.25, 1 and 3; see
        :class:`AugmentedClassifier`.""",
    )
    cv: CrossValidation = param(
        default=None,
        doc="""Inner cross-validation of ``n_synthetic="auto"``. ``None`` is 5 splits:
        ``WindowKFold`` for overlapping windows of one series in their order, and else ``KFold``,
        not shuffled and with fewer splits for less than 10 series. If there are less than 4, or
        if windows that overlap no test window are too few, no series are added, or one for each
        real one with ``train_on="synthetic"``, and a warning says so.""",
    )

    regressor_: BaseEstimator = fitted("The fitted regressor.", type="regressor")
    generator_: GeneratorLike | None = fitted(
        "The fitted generator; ``None`` if there are no synthetic series.",
        type="generator or None",
    )

    _predictor: ClassVar[str] = "regressor"

    def _fit(self, X: ArrayLike, y: ArrayLike) -> None:
        self._check_params()
        targets = self._check_targets(y)
        self.regressor_, generators = self._train(X, targets, self.regressor)
        self.generator_ = generators[0] if generators else None

    def _check_targets(self, y: Any) -> NDArray[np.float64]:
        check_y_given(self, y)
        if getattr(self.generator, "conditional", False):
            raise ValueError(
                f"the generator of {type(self).__name__} learns series and target jointly: set "
                "its conditional=False"
            )
        check_kind(self.regressor, "regressor", is_regressor)
        targets: NDArray[np.float64] = check_array(
            y, ensure_2d=False, dtype=np.float64, input_name="y"
        )
        if not self.__sklearn_tags__().target_tags.multi_output:
            targets = column_or_1d(targets, warn=True)
        if self.train_on != "real":
            check_resolution(targets.reshape(len(targets), -1, 1), name="y")
        return targets

    def _source(self, trainer: Trainer, *, final: bool = False) -> PairSource:
        # An inner fold's generator must not push out the one that clones will ask for.
        recent: RecentFit | None = self.__dict__.get("_recent") if final else None
        return PairSource(trainer, self._layout, recent)

    def _inner_folds(self, x: FloatArray, y: NDArray[Any]) -> Folds:
        step = find_step(x, y.reshape(len(y), -1)) or 0
        return window_folds(self.cv, x, y, gap=step)

    def __sklearn_clone__(self) -> Self:
        """Clone, and let the clones share the latest fit of a generator to a window table."""
        cloned: Self = super().__sklearn_clone__()
        cloned._recent = self.__dict__.setdefault("_recent", RecentFit())
        return cloned

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if hasattr(self.regressor, "__sklearn_tags__"):
            tags.target_tags.multi_output = get_tags(self.regressor).target_tags.multi_output
        return tags


@estimator
class TSTRRegressor(AugmentedRegressor, GeneratorFirst):
    """Train a regressor on synthetic pairs of series and target, to be tested on real ones.

    :class:`AugmentedRegressor` with other defaults, and the generator as the first argument.

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

    n_synthetic: float | int | Literal["auto"] = 1.0
    train_on: Literal["synthetic", "real", "both"] = "synthetic"

    generator_: GeneratorLike | None = fitted(
        "The fitted generator; ``None`` if trained on real series.", type="generator or None"
    )
