"""What every generator does.

The public method validates, the private one works. ``fit`` lets series in by one door
(``check_series``), represents them and hands them to ``_fit``; ``sample`` asks ``_draw`` for
represented series and leads them all the way back, in batches.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._distance import relative_energy_distance
from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._warning import SingleSeriesWarning, warn_user
from sklearn_timegen.base.attributes import read_attributes
from sklearn_timegen.base.completion import Completing
from sklearn_timegen.base.data_parameters import DataParameters
from sklearn_timegen.base.declaration import estimator, fitted, param
from sklearn_timegen.base.drawing import Drawing, draw_some, learn_filling, why_not_finite
from sklearn_timegen.base.hooks import check_hooks, check_returned
from sklearn_timegen.base.preprocessing import learn_preprocessing
from sklearn_timegen.base.state import note_interruption, rollback_on_error
from sklearn_timegen.data import Series
from sklearn_timegen.data.checks import SeriesLayout, all_finite, check_count, check_lengths
from sklearn_timegen.data.conditions import ConditionEncoder
from sklearn_timegen.representation import Space
from sklearn_timegen.rules import RuleList, Structure

__all__ = ["BaseGenerator"]

FloatArray = NDArray[np.float32]
ONE_SERIES = (
    "there is one series to learn from, and samples will be that series, or variations of it, "
    "which hide nothing of it: fit to several series, or to windows of a long one (make_windows, "
    "SeriesGenerator)"
)


@estimator
class BaseGenerator(Completing, DataParameters, ABC):
    """Base of all generators: ``fit``, ``sample`` and ``score``.

    A subclass implements ``_fit(series)``, on a :class:`~sklearn_timegen.data.Series` of
    represented values, encoded conditions (or ``None``) and which cells were observed (``None``
    for all), and ``_draw(n_samples, c, rng)``, which returns represented values.
    """

    conditional: bool = param(
        default=False, doc="Whether to learn the distribution given ``y``.", check=["boolean"]
    )
    random_state: RandomState = param(
        default=None,
        doc="Seed of all that is random: weights, batches, noise, samples.",
        check=["random_state", np.random.Generator],
        mutable=True,
    )

    interrupted_: bool = fitted("Whether Ctrl-C has cut the last call of ``fit`` short.")
    n_features_in_: int = fitted(
        "``X.shape[1]`` of the ``X`` seen in ``fit``, if channels are last."
    )
    feature_names_in_: NDArray[Any] = fitted(
        "Column names, if ``X`` had string ones.", type="ndarray"
    )

    # Series drawn and undone at a time: large enough to be fast, small enough not to be seen
    # beside the result.
    _sample_batch_size: ClassVar[int] = 1024

    # -- what fit has learned of the data ------------------------------------------------------

    @property
    def series_shape_(self) -> tuple[int, int]:
        """``(n_timesteps, n_channels)``."""
        return self._layout.shape

    @property
    def rules_(self) -> RuleList:
        """The rules that all samples keep, with their evidence."""
        return self._structure.rules_

    @property
    def representation_(self) -> Any:
        """The fitted representation."""
        return self._preprocessing.representation

    @property
    def postprocess_(self) -> Any:
        """What is done to series that leave the representation; ``None`` if nothing is."""
        return self._preprocessing.postprocess

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels, if conditional on labels."""
        return self._told_of_labels("classes_")

    @property
    def class_counts_(self) -> NDArray[np.int64]:
        """How often each label occurred in training, if conditional on labels."""
        return self._told_of_labels("class_counts_")

    @property
    def _layout(self) -> SeriesLayout:
        return self._preprocessing.layout

    @property
    def _structure(self) -> Structure:
        return self._preprocessing.structure

    @property
    def _space(self) -> Space:
        return self._preprocessing.space

    # -- public ------------------------------------------------------------------------------

    def fit(self, X: ArrayLike, y: Any = None) -> Any:
        """Learn the distribution of the series in ``X``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Series, one a row. 2-d rows are univariate, or ``n_timesteps * n_channels`` values
            with the parameter ``n_channels``. The parameter ``layout`` tells of other 3-d arrays.
        y : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            Labels or vectors to condition on; read only if ``conditional=True``.

        Returns
        -------
        self : object
            The fitted generator. Ctrl-C during training and after it keeps what is trained:
            ``interrupted_`` is true then, and a warning says what is missing. An error, or Ctrl-C
            before training, leaves the generator as it was.

        Raises
        ------
        ValueError
            If ``X`` is not finite, ragged, empty or of another rank, if ``y`` is missing while
            ``conditional=True``, or if a parameter is out of its range.

        Warns
        -----
        SingleSeriesWarning
            If ``X`` holds one series, of which all samples are variations.
        """
        return self._fit_anew(X, y)

    def sample(
        self,
        n_samples: int = 1,
        y: Any = None,
        *,
        n_timesteps: Any = None,
        attributes: Mapping[Any, Any] | None = None,
        random_state: RandomState = None,
    ) -> Any:
        """Draw synthetic series.

        Parameters
        ----------
        n_samples : int, default=1
            Number of series to draw.
        y : label, vector or array-like, default=None
            What to draw them given, if the generator is conditional: one label or vector for
            all, or one for each of the ``n_samples``.
        n_timesteps : int, array-like or None, default=None
            How many timesteps each series is to have, at most as many as the longest in
            training; ``None`` draws lengths as training has them.
        attributes : dict or None, default=None
            Values of channels that are constant in each series, by name or position: one for
            all, or one for each. Of many draws those are taken that have these categories, and
            the nearest numbers; ``None`` draws them as training has them.
        random_state : int, RandomState, Generator or None, default=None
            Seed of this draw. ``None`` means the generator's own ``random_state``: an integer
            there gives the same series at every call, as in scikit-learn's mixtures.

        Returns
        -------
        X : ndarray of shape (n_samples, n_timesteps[, n_channels]), float32, or list
            Series in the units, the layout and the types of the ``X`` seen in ``fit``.

        Raises
        ------
        ValueError
            If ``n_samples`` is below 1, ``y`` is missing, unseen, of the wrong length, or given
            to a generator that is not conditional, or there are no such timesteps or attributes.
        """
        check_is_fitted(self)
        n_samples = check_count(n_samples, "n_samples")
        c = self._encode_conditions(y, n_samples)
        lengths = check_lengths(n_timesteps, n_samples, self.series_shape_[0])
        asked = None
        if attributes is not None:
            asked = read_attributes(attributes, n_samples, self._structure, self._layout)
        seed = draw_seed(self.random_state if random_state is None else random_state)
        x = self._sample(n_samples, c, seed, asked=asked, lengths=lengths)
        return self._layout.restore(x if lengths is None else x[:, : lengths.max()])

    def score(self, X: ArrayLike, y: Any = None, sample_weight: None = None) -> float:
        """Return minus the relative energy distance between ``X`` and as many samples.

        With psi the values and first differences of each channel, each divided by its standard
        deviation in training, and S the samples, the score is
        ``-(2 E|psi X - psi S| - E|psi X - psi X'| - E|psi S - psi S'|) / E|psi X - psi X'|``,
        estimated without bias. It is on one scale for all generators: 0 on average for samples
        that follow the distribution of ``X`` (a little above by chance), about -0.4 for a
        constant. A conditional generator draws given ``y``, and the distance is that of the
        pairs (series, condition).

        Parameters
        ----------
        X : array-like of series
            Real series, preferably not those of ``fit``.
        y : array-like, default=None
            Their conditions, if the generator is conditional; else not read.
        sample_weight : None
            Only there for metadata routing; must be ``None``.

        Returns
        -------
        score : float
            Higher is better. Deterministic if ``random_state`` is an integer.

        References
        ----------
        G. Szekely and M. Rizzo (2013), "Energy statistics: a class of statistics based on
        distances", Journal of Statistical Planning and Inference 143.
        https://doi.org/10.1016/j.jspi.2013.03.018
        """
        check_is_fitted(self)
        if sample_weight is not None:
            raise ValueError("sample_weight is not supported: all series count alike")
        x = self._read(X)
        c = self._conditions_of_data(y, len(x))
        drawn = self._sample(len(x), c, derive_seed(draw_seed(self.random_state), "score"))
        known = self._preprocessing
        real, synthetic = (known.embedding(known.comparable(part), c) for part in (x, drawn))
        return -relative_energy_distance(real, synthetic)

    # -- for subclasses ----------------------------------------------------------------------

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_hooks(cls)

    @abstractmethod
    def _fit(self, series: Series) -> None: ...

    @abstractmethod
    def _draw(self, n_samples: int, c: FloatArray | None, rng: Any) -> FloatArray: ...

    def _fit_anew(self, X: ArrayLike, y: Any, **how: Any) -> Any:
        with rollback_on_error(self):
            self.interrupted_ = False
            self._validate_params()
            series = self._preprocess(X, y, fit=True)
            self._fit(series, **how)
            self._finish(series)
        return self

    def _preprocess(self, X: ArrayLike, y: Any, *, fit: bool) -> Series:
        """Return represented series and encoded conditions, with ``fit`` learning how to."""
        if fit:
            series = self._fit_preprocessing(X, y)
            self._check_space(self._space)
            return series
        x = self._read(X)
        self._structure.limits_.check(x)
        return self._preprocessing.encode(x, self._conditions_of_data(y, len(x)))

    def _fit_preprocessing(self, X: ArrayLike, y: Any) -> Series:
        """Learn sizes, conditions and representation, and apply them."""
        self._preprocessing, series = learn_preprocessing(self, X)
        if len(series) == 1:
            warn_user(ONE_SERIES, SingleSeriesWarning)
        encoder = self._make_condition_encoder(self._layout) if self.conditional else None
        self._condition_encoder = None if encoder is None else encoder.fit(y, len(series))
        return replace(series, conditions=self._conditions_of_data(y, len(series)))

    def _check_space(self, space: Space) -> None:
        """Refuse parameters that contradict each other, or the data, before training starts."""

    def _make_condition_encoder(self, layout: SeriesLayout) -> Any:
        """Return an unfitted encoder of ``y``, for series that are laid out so."""
        return ConditionEncoder()

    def _finish(self, series: Series) -> None:
        """Learn what is learned from the fitted model, which Ctrl-C in here leaves as it is."""
        if self.postprocess_ is None:
            return
        n_draws = getattr(self.postprocess_, "n_draws", 500)
        try:
            drawn = draw_some(self, series.conditions, n_draws)
            self._preprocessing = self._preprocessing.calibrated(drawn)
        except KeyboardInterrupt:
            note_interruption(
                self,
                "the calibration of channels that stand still was interrupted: samples take their "
                "values from training, but may move more often than they should",
            )

    # -- series in ---------------------------------------------------------------------------

    def _read(self, X: ArrayLike) -> FloatArray:
        """Return series like those of ``fit`` as numbers, NaN where values are missing."""
        x = self._preprocessing.read(X, self)
        if not all_finite(x) and not self._structure.can_fill:
            learn_filling(self)
        return x

    def _represent(self, X: ArrayLike) -> FloatArray:
        v: FloatArray = self._preprocessing.encode(self._read(X)).values
        return v

    # -- series out --------------------------------------------------------------------------

    def _sample(self, n_samples: int, c: FloatArray | None, seed: int, **asked: Any) -> FloatArray:
        """Draw 3-d series, as ``Drawing.series`` is asked to."""
        rng = self._make_rng(derive_seed(seed, "sample"))
        return Drawing(self, rng).series(n_samples, c, **asked)

    def _as_represented(self, v: Any, n_samples: int, hook: str) -> FloatArray:
        """Return what a hook returned, if it is as many represented series as it has to be."""
        shape = (n_samples, *self._space.shape)
        meaning = f"{n_samples} series of the shape of those that _fit was given"
        return check_returned(v, shape, f"{type(self).__name__}.{hook}", meaning)

    def _to_data_units(self, v: FloatArray, *, decoded: bool = False, **asked: Any) -> FloatArray:
        """Lead represented series that a model has drawn, or decoded, back into the units of X."""
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            x = self._preprocessing.decode(v, **asked)
        if not self._preprocessing.is_sound(x, v, cut=asked.get("lengths") is not None):
            raise FloatingPointError(why_not_finite(self, v, decoded=decoded))
        return x

    def _batches(self, n_samples: int, weight: int = 1) -> Iterator[slice]:
        """Slices of at most ``_sample_batch_size`` rows, of which each counts ``weight`` times."""
        step = max(1, self._sample_batch_size // weight)
        return (slice(start, start + step) for start in range(0, n_samples, step))

    def _make_rng(self, seed: int) -> Any:
        return np.random.default_rng(seed)

    # -- conditions --------------------------------------------------------------------------

    def _encode_conditions(self, y: Any, n_samples: int) -> FloatArray | None:
        if self._condition_encoder is not None:
            return self._condition_encoder.encode(y, n_samples)
        if y is not None:
            switch = next(
                (n for n in self.get_params() if n.endswith("conditional")), "conditional"
            )
            raise ValueError(
                f"this {type(self).__name__} is not conditional, so that y would change nothing: "
                f"leave it out, or set {switch}=True and fit it again to series and their y"
            )
        return None

    def _conditions_of_data(self, y: Any, n_samples: int) -> FloatArray | None:
        """Encode the ``y`` beside ``X``, which scikit-learn hands on to all alike."""
        return None if self._condition_encoder is None else self._encode_conditions(y, n_samples)

    def _told_of_labels(self, name: str) -> NDArray[Any]:
        told: NDArray[Any] | None = getattr(self._condition_encoder, name, None)
        if told is None:
            raise AttributeError(f"this {type(self).__name__} is not conditional on labels")
        return told

    @property
    def _given_vectors(self) -> bool:
        return self._condition_encoder is not None and self._condition_encoder.classes_ is None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_preprocessing")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "error"
        tags.target_tags.required = self.conditional
        tags.non_deterministic = False
        return tags
