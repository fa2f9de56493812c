"""Train a regressor on synthetic pairs of series and target, test it on real ones."""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    RegressorMixin,
    is_regressor,
)
from sklearn.utils import Tags, get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_array, column_or_1d

from sklearn_timegen._random import derive_seed
from sklearn_timegen._validation import as_3d, check_resolution
from sklearn_timegen.base import estimator
from sklearn_timegen.synthetic_training.common import (
    Labelled,
    SyntheticTraining,
    check_kind,
    check_y_given,
)

__all__ = ["TSTRRegressor"]

FloatArray = NDArray[np.float32]


@estimator
class TSTRRegressor(RegressorMixin, SyntheticTraining):
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

    _predictor: ClassVar[str] = "regressor"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SyntheticTraining._parameter_constraints,
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
        check_y_given(self, y)
        if getattr(self.generator, "conditional", False):
            raise ValueError(
                "the generator of a TSTRRegressor learns series and target jointly: set its "
                "conditional=False"
            )
        check_kind(self.regressor, "regressor", is_regressor)
        targets = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if not self.__sklearn_tags__().target_tags.multi_output:
            targets = column_or_1d(targets, warn=True)
        if self.train_on != "real":
            check_resolution(targets.reshape(len(targets), -1, 1), name="y")
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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if hasattr(self.regressor, "__sklearn_tags__"):
            tags.target_tags.multi_output = get_tags(self.regressor).target_tags.multi_output
        return tags
