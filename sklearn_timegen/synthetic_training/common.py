"""What the estimators for classes and for numbers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    MetaEstimatorMixin,
    clone,
)
from sklearn.utils import Tags, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_is_fitted, check_memory

from sklearn_timegen._random import RandomState, derive_seed, draw_seed, seed_estimator
from sklearn_timegen._validation import check_series
from sklearn_timegen.base import estimator
from sklearn_timegen.base.declaration import Declared

__all__ = ["Labelled", "SyntheticTraining", "check_kind", "check_y_given", "fit_generator"]

FloatArray = NDArray[np.float32]
Labelled = tuple[FloatArray, NDArray[Any]]


@estimator
class SyntheticTraining(MetaEstimatorMixin, Declared):
    """What both share: the rows that the predictor is trained on, and how it is fed."""

    generator: Any = field(kw_only=False)
    n_synthetic: float | int = 1.0
    train_on: Literal["synthetic", "real", "both"] = "synthetic"
    predictor_input: Literal["auto", "flat", "series"] = "auto"
    memory: Any = None
    random_state: RandomState = None

    _predictor: ClassVar[str]  # the parameter that holds the predictor

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
        return check_memory(self.memory).cache(fit_generator)(made, X, y)

    def _draw(self, generator: Any, n: int, seed: int, **given: Any) -> NDArray[Any]:
        own = None if self.random_state is None else derive_seed(seed, "sample")
        drawn = generator.sample(n, random_state=own, **given)
        return np.asarray(drawn, dtype=np.float32)

    def _seeded(self, made: Any, seed: int) -> Any:
        return made if self.random_state is None else seed_estimator(made, seed)

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
        check_is_fitted(self, f"{self._predictor}_")
        return getattr(self, f"{self._predictor}_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def fit_generator(generator: Any, X: NDArray[Any], y: NDArray[Any] | None) -> Any:
    """Fit, and pass an interruption on."""
    fitted = generator.fit(X) if y is None else generator.fit(X, y)
    if getattr(fitted, "interrupted_", False):
        # Half-trained, it must be neither cached nor judged: whoever pressed Ctrl-C meant all.
        raise KeyboardInterrupt
    return fitted


def check_kind(predictor: Any, name: str, is_kind: Callable[[Any], bool]) -> None:
    """Refuse the wrong kind of predictor before a generator is trained for it."""
    if hasattr(predictor, "__sklearn_tags__") and not is_kind(predictor):
        raise ValueError(f"{name} must be a {name}, got {predictor!r}")


def check_y_given(estimator: Any, y: Any) -> None:
    """Refuse a missing target in the words that scikit-learn's checks look for."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        )
