"""What the estimators for classes and for numbers share."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import Tags, get_tags

from sklearn_timegen._checks import HasMethods, StrOptions
from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen._types import Cache, CrossValidation, GeneratorLike, Scoring
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.data import Series
from sklearn_timegen.data.axes import laid_out
from sklearn_timegen.data.reading import ReadingOptions, reading_options
from sklearn_timegen.synthetic_training.amount import (
    AMOUNT,
    RATIOS,
    Folds,
    TooFewSeries,
    best_ratio,
    count_rows,
)
from sklearn_timegen.synthetic_training.predictor import (
    SeriesPredictor,
    takes_missing,
)
from sklearn_timegen.synthetic_training.sources import Source, Trainer

__all__ = ["GeneratorFirst", "SyntheticTraining"]

FloatArray = NDArray[np.float32]


@dataclass(eq=False, repr=False)
class GeneratorFirst:
    """As the last base, makes ``generator`` the first argument of the constructor.

    Fields are collected from the last base to the class itself, each at its first occurrence.
    """

    generator: GeneratorLike = field(kw_only=False)


@estimator
class SyntheticTraining(SeriesPredictor):
    """What both share: the rows that the predictor is trained on, and how it is fed."""

    n_synthetic: float | int | Literal["auto"] = param(
        default="auto",
        doc="""Number of synthetic series: a float is a ratio to the training series, an int a
        number; ``"auto"`` finds one out.""",
        check=[*AMOUNT, StrOptions({"auto"})],
    )
    train_on: Literal["synthetic", "real", "both"] = param(
        default="both",
        doc="What the predictor is trained on: TSTR, TRTR, or augmentation.",
        check=[StrOptions({"synthetic", "real", "both"})],
    )
    cv: CrossValidation = param(
        default=None,
        doc="""Inner cross-validation of ``n_synthetic="auto"``.""",
        check=["cv_object"],
        type="int, splitter or None",
    )
    scoring: Scoring = param(
        default=None,
        doc="Inner score; ``None`` is the predictor's own.",
        check=[StrOptions(set(get_scorer_names())), callable, None],
        type="str, callable or None",
    )
    predictor_input: Literal["auto", "flat", "series"] = param(
        default="auto",
        doc="""Whether the predictor is fed rows of ``n_timesteps * n_channels`` values, or
        series ``(n_samples, n_timesteps, n_channels)``. ``"auto"`` means series for a predictor
        whose scikit-learn tags say that it takes 3-d arrays, and else rows. Series that end
        early are padded with NaN, and words have a channel of 0 and 1 each.""",
        check=[StrOptions({"auto", "flat", "series"})],
    )
    memory: Cache = param(
        default=None,
        doc="""Cache of fitted generators, as in ``Pipeline``: several predictors, or
        ``"synthetic"`` and ``"both"``, then share one fit for each fold. Give the generator a
        ``random_state``.""",
        check=[str, HasMethods(["cache"]), None],
        type="str, object with ``cache`` or None",
    )
    random_state: RandomState = param(
        default=None,
        doc="""Seed of the sampling, and of generator, predictor and what is within them where
        theirs is ``None``.""",
        check=["random_state", np.random.Generator],
    )

    n_synthetic_: int = fitted("Number of synthetic series that the predictor was trained on.")
    auto_scores_: dict[Any, Any] = fitted(
        """For each ratio its scores, an ndarray of shape (n_splits,); with
        ``n_synthetic="auto"``.""",
        type="dict",
    )

    if TYPE_CHECKING:
        generator: GeneratorLike  # a field of the subclasses, after the predictor

    # -- training ----------------------------------------------------------------------------

    def _check_params(self) -> None:
        self._validate_params()
        if self.train_on == "synthetic" and self.n_synthetic == 0:
            raise ValueError(
                f"n_synthetic={self.n_synthetic!r} leaves nothing to train on with "
                "train_on='synthetic': ask for some series, or set train_on='both'"
            )

    def _train(
        self, X: ArrayLike, y: NDArray[Any], predictor: BaseEstimator
    ) -> tuple[BaseEstimator, list[GeneratorLike]]:
        """Fit the predictor, on the rows that ``train_on`` names; return it and the generators."""
        x = self._check_series(X, y)
        if not self._draws_complete:
            self._check_missing(x, predictor)
        self._flat = self._is_fed_flat(predictor)
        seeded = self.random_state is not None
        trainer = Trainer(self.generator, draw_seed(self.random_state), seeded, self.memory)
        self.__dict__.pop("auto_scores_", None)
        real = Series(x, target=y)
        self.n_synthetic_ = self._find_amount(real, predictor, trainer)
        source, synthetic = self._source(trainer, final=True), []
        if self.n_synthetic_ > 0:
            synthetic = source.generate(real, [self.n_synthetic_])
        fitted = self._fit_predictor(predictor, trainer, [*self._trained_on(real), *synthetic])
        return fitted, source.generators

    @abstractmethod
    def _source(self, trainer: Trainer, *, final: bool = False) -> Source:
        """Return the source of synthetic series; ``final`` is not for an inner fold."""

    def _trained_on(self, real: Series) -> list[Series]:
        return [] if self.train_on == "synthetic" else [real]

    def _fit_predictor(
        self, predictor: BaseEstimator, trainer: Trainer, parts: list[Series]
    ) -> Any:
        rows = np.concatenate([part.values for part in parts])
        targets = np.concatenate([part.target for part in parts])
        predictor = trainer.seed_into(clone(predictor), "predictor")
        return predictor.fit(self._shape_for_predictor(rows), targets)

    # -- how many ----------------------------------------------------------------------------

    def _find_amount(self, real: Series, predictor: BaseEstimator, trainer: Trainer) -> int:
        if self.train_on == "real":
            return 0
        if self.n_synthetic != "auto":
            return count_rows(self.n_synthetic, len(real))
        self.auto_scores_: dict[float, NDArray[np.float64]] = {}
        try:
            folds = self._inner_folds(real.values, real.target)
        except TooFewSeries as reason:
            ratio = 0.0 if self.train_on == "both" else 1.0
            warnings.warn(
                f"n_synthetic='auto' is taken as {ratio}: {reason}. Pass a number to decide "
                "yourself, or cv",
                UserWarning,
                stacklevel=4,
            )
            return self._auto_amount(ratio, real.target)
        ratios = self._ratios(real.target)
        scorer = check_scoring(predictor, scoring=self._inner_scoring())
        scores = [
            self._score_fold(real, fold, ratios, predictor, scorer, trainer.named(f"fold {k}"))
            for k, fold in enumerate(folds)
        ]
        self.auto_scores_ = dict(zip(ratios, np.transpose(scores), strict=True))
        return self._auto_amount(best_ratio(self.auto_scores_), real.target)

    def _score_fold(
        self,
        real: Series,
        fold: tuple[NDArray[np.int64], NDArray[np.int64]],
        ratios: tuple[float, ...],
        predictor: BaseEstimator,
        scorer: Callable[..., float],
        trainer: Trainer,
    ) -> list[float]:
        """Score each ratio on one fold: one fit of the generator, nested sets of its series."""
        train, test = (real[rows] for rows in fold)
        amounts = [self._auto_amount(ratio, train.target) for ratio in ratios]
        asked = [amount for amount in amounts if amount > 0]
        synthetic = dict(zip(asked, self._source(trainer).generate(train, asked), strict=True))
        scores: list[float] = []
        for amount in amounts:
            parts = self._trained_on(train) + ([synthetic[amount]] if amount else [])
            fitted = self._fit_predictor(predictor, trainer, parts)
            score = scorer(fitted, self._shape_for_predictor(test.values), test.target)
            try:
                scores.append(float(score))
            except (TypeError, ValueError):
                raise TypeError(
                    f"scoring has to return a number, but returned {score!r}"
                ) from None
        return scores

    def _inner_scoring(self) -> Scoring:
        return self.scoring

    def _ratios(self, y: NDArray[Any]) -> tuple[float, ...]:
        return RATIOS if self.train_on == "synthetic" else (0.0, *RATIOS)

    def _auto_amount(self, ratio: float, y: NDArray[Any]) -> int:
        return count_rows(float(ratio), len(y))

    @abstractmethod
    def _inner_folds(self, x: FloatArray, y: NDArray[Any]) -> Folds: ...

    # -- feeding the predictor ---------------------------------------------------------------

    def _is_fed_flat(self, predictor: BaseEstimator) -> bool:
        if self.predictor_input == "auto":
            return not (
                hasattr(predictor, "__sklearn_tags__")
                and get_tags(predictor).input_tags.three_d_array
            )
        return self.predictor_input == "flat"

    def _shape_for_predictor(self, x: FloatArray) -> NDArray[Any]:
        # Rows in float64, the precision that scikit-learn's predictors work in.
        x = laid_out(self._numbers(x), self._layout.axes)  # as the predictor was meant to see X
        return x.reshape(len(x), -1).astype(np.float64) if self._flat else x

    @property
    def _reading_options(self) -> ReadingOptions:
        options = reading_options(self.generator, missing=takes_missing(self.generator))
        return replace(options, missing=True) if self.train_on == "real" else options

    @property
    def _draws_complete(self) -> bool:
        """Whether the predictor is trained on complete series, whatever ``X`` misses."""
        completes = self.generator.get_params().get("missing") == "complete"
        return self.train_on == "synthetic" and completes and not self._layout.ragged

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._reading_options.missing and takes_missing(
            getattr(self, self._predictor)
        )
        return tags
