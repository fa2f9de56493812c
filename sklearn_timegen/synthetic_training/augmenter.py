"""Synthetic series as a resampling step, in the manner of imbalanced-learn."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MetaEstimatorMixin, OneToOneFeatureMixin
from sklearn.utils import InputTags, Tags, assert_all_finite
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_timegen._checks import HasMethods, StrOptions
from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen._types import Cache, GeneratorLike
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.base.declaration import Declared
from sklearn_timegen.base.state import rollback_on_error
from sklearn_timegen.data import Series
from sklearn_timegen.data.checks import check_resolution
from sklearn_timegen.data.labels import as_target, shown_label
from sklearn_timegen.data.reading import read_series, reading_options
from sklearn_timegen.synthetic_training._containers import joined, stacked
from sklearn_timegen.synthetic_training.amount import AMOUNT, count_rows, share_classes
from sklearn_timegen.synthetic_training.pairs import PairSource
from sklearn_timegen.synthetic_training.predictor import (
    check_y_given,
    takes_missing,
)
from sklearn_timegen.synthetic_training.sources import ClassSource, Source, Trainer

__all__ = ["Augmenter"]

Index = NDArray[np.int64]


# imbalanced-learn asks for more tags than scikit-learn has.
@dataclass
class FrameTags(InputTags):
    """Input that may be a data frame."""

    dataframe: bool = True


@dataclass
class SamplerTags:
    """What a sampler keeps; synthetic series have no indices among the real ones."""

    sample_indices: bool = False


@dataclass
class ResamplerTags(Tags):
    """Tags of an estimator that resamples."""

    sampler_tags: SamplerTags = field(default_factory=SamplerTags)


@estimator
class Augmenter(OneToOneFeatureMixin, MetaEstimatorMixin, Declared):
    """Add synthetic series to real ones, put them in their place, or balance classes with them.

    A step of imbalanced-learn's ``Pipeline``, which resamples training folds only. A conditional
    generator is fitted once and draws by class; of any other generator one clone is fitted for
    each class of which series are needed. With a continuous ``y``, one generator learns series
    and targets jointly, as in :class:`AugmentedRegressor`. Whole numbers, floats too, are taken
    for labels, as scikit-learn takes them.

    See Also
    --------
    AugmentedClassifier : Augmentation without imbalanced-learn, which finds the amount out.

    Notes
    -----
    Real series and their targets come back bit by bit, in their own type. Synthetic ones have
    float32's precision in whatever type those have; where it is an integer, they are rounded.
    Series may miss values (NaN), be of several lengths (a list), and hold words, flags or dates;
    synthetic ones come in the same form: frames for frames, with their types.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen import Augmenter, PCAMixture
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> X, y = make_labelled_sines(40, 24, random_state=0)
    >>> X, y = X[:30][y[:30] != "slow"], y[:30][y[:30] != "slow"]
    >>> X, y = np.concatenate([X, X[:5] + 1]), np.concatenate([y, ["high"] * 5])
    >>> augmenter = Augmenter(PCAMixture(), mode="balance", random_state=0)
    >>> X_resampled, y_resampled = augmenter.fit_resample(X, y)
    >>> np.unique(y_resampled, return_counts=True)[1]
    array([15, 15])
    """

    generator: GeneratorLike = param(
        kw_only=False,
        doc="Any estimator with ``fit(X)`` and ``sample(n, random_state=...)``; cloned.",
        check=[HasMethods(["fit", "sample"])],
    )
    mode: Literal["append", "replace", "balance"] = param(
        kw_only=False,
        default="append",
        doc="""What is returned: the real series and synthetic ones after them, synthetic series
        only, or the real series and as many synthetic ones as make all classes as large as the
        largest. The first two draw classes in their training frequencies.""",
        check=[StrOptions({"append", "replace", "balance"})],
    )
    n_synthetic: float | int = param(
        default=1.0,
        doc="""Number of synthetic series: a float is a ratio to the real series, an int a number.
        With ``mode="balance"`` the classes decide, and another value than the default is
        refused.""",
        check=AMOUNT,
    )
    memory: Cache = param(
        default=None,
        doc="Cache of fitted generators, as in ``Pipeline``.",
        check=[str, HasMethods(["cache"]), None],
        type="str, object with ``cache`` or None",
    )
    random_state: RandomState = param(
        default=None,
        doc="""Seed of the sampling, and of the generator and what is within it where theirs is
        ``None``.""",
        check=["random_state", np.random.Generator],
    )

    sampling_strategy_: dict[Any, Any] = fitted(
        "For each label the number of synthetic series; only if ``y`` holds labels.", type="dict"
    )
    generators_: list[GeneratorLike] = fitted(
        "The generators that ``fit_resample`` fitted.", type="list"
    )

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Check the input and count what ``fit_resample`` would draw; no generator is fitted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Real series, or a list of series of several lengths, arrays or frames.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their labels, or numbers.

        Returns
        -------
        self : object
            The augmenter.
        """
        with rollback_on_error(self):
            self._check(X, y)
        return self

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Fit the generator to real series and return the resampled ones.

        Parameters
        ----------
        X, y : array-like
            As for :meth:`fit`.

        Returns
        -------
        X_resampled : array-like
            Series, in the type and layout of ``X``.
        y_resampled : array-like
            Their labels or numbers, in the type of ``y``.

        Raises
        ------
        ValueError
            If ``X`` or ``y`` are not valid or do not suit ``mode``, or if the generator cannot
            be fitted to the series of a class.
        """
        with rollback_on_error(self):
            real, amount = self._check(X, y)
            trainer = Trainer(
                self.generator,
                draw_seed(self.random_state),
                seeded=self.random_state is not None,
                memory=self.memory,
            )
            source = self._source(trainer)
            self.generators_ = source.generators
            if amount == 0:
                return X, y
            (synthetic,) = source.generate(real, [amount])
            put = joined if self.mode != "replace" else stacked
            return put(X, self._layout.restore(synthetic.values)), put(y, synthetic.target)

    def _source(self, trainer: Trainer) -> Source:
        if self._numeric:
            return PairSource(trainer, self._layout)
        return ClassSource(trainer, self._layout, self._plan)

    def _plan(self, counts: Index, total: int) -> Index:
        if self.mode == "balance":
            return counts.max() - counts
        return share_classes(counts, total, self.n_synthetic)

    # -- checks ------------------------------------------------------------------------------

    def _check(self, X: Any, y: Any) -> tuple[Series, int]:
        """Return series with their targets, and the number to draw."""
        self._validate_params()
        self._check_mode()
        check_y_given(self, y)
        targets = self._check_target(y)
        options = reading_options(self.generator, missing=takes_missing(self.generator))
        x, self._layout = read_series(X, estimator=self, options=options)
        if len(targets) != len(x):
            raise ValueError(f"y has {len(targets)} entries, but X has {len(x)} series")
        self.__dict__.pop("sampling_strategy_", None)
        if self._numeric:
            return Series(x, target=targets), count_rows(self.n_synthetic, len(x))
        classes, counts = np.unique(targets, return_counts=True)
        if self.mode == "balance" and len(classes) == 1:
            raise ValueError(
                f"y holds one class, {shown_label(classes[0])}: mode='balance' needs at least two"
            )
        asked = 0 if self.mode == "balance" else count_rows(self.n_synthetic, len(x))
        # 0 of each where none are asked for, which the plan has not to cover all classes with.
        idle = self.mode != "balance" and asked == 0
        plan = np.zeros_like(counts) if idle else self._plan(counts, asked)
        self.sampling_strategy_ = dict(zip(classes.tolist(), plan.tolist(), strict=True))
        return Series(x, target=targets), int(plan.sum())

    def _check_mode(self) -> None:
        if self.mode == "balance" and self.n_synthetic != 1.0:
            raise ValueError(
                f"n_synthetic={self.n_synthetic!r} has no meaning with mode='balance', where the "
                "classes decide: leave it at 1.0, or use AugmentedClassifier(..., "
                "class_shares='equal')"
            )
        if self.mode == "replace" and self.n_synthetic == 0:
            raise ValueError(
                f"n_synthetic={self.n_synthetic!r} leaves nothing with mode='replace': ask for "
                "some series"
            )

    def _check_target(self, y: Any) -> NDArray[Any]:
        y = as_target(y)
        kind = type_of_target(y, input_name="y")
        self._numeric = kind.startswith("continuous")
        if kind.startswith("multilabel") or kind == "multiclass-multioutput":
            raise ValueError(
                "Multilabel and multioutput targets are not supported. y must hold one label for "
                f"each series, or numbers; got {kind}"
            )
        if not self._numeric:
            labels = column_or_1d(y)
            assert_all_finite(labels, input_name="y")
            return labels
        targets = np.asarray(y, dtype=np.float64)
        assert_all_finite(targets, input_name="y")
        if self.mode == "balance":
            raise ValueError(
                f"Unknown label type: {kind}. mode='balance' needs classes; numbers go with "
                "mode='append' or 'replace'"
            )
        if getattr(self.generator, "conditional", False):
            raise ValueError(
                f"y is {kind}, and the generator learns series and numbers jointly: set its "
                "conditional=False"
            )
        check_resolution(targets.reshape(len(targets), -1, 1), name="y")
        return targets

    def __sklearn_tags__(self) -> ResamplerTags:
        tags = super().__sklearn_tags__()
        known = {item.name: getattr(tags, item.name) for item in fields(tags)}
        known["estimator_type"] = "sampler"
        known["input_tags"] = FrameTags(
            three_d_array=True, allow_nan=takes_missing(self.generator)
        )
        known["target_tags"].required = True
        return ResamplerTags(**known)
