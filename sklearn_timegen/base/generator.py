"""What every generator does.

The public method validates, the private one works. ``fit`` lets series in by one door
(``check_series``), represents them and hands them to ``_fit``; ``sample`` asks ``_draw`` for
represented series and leads them all the way back, in batches.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._checks import HasMethods, Interval, StrOptions
from sklearn_timegen._distance import SeriesEmbedding, relative_energy_distance
from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.base.attributes import Attributes, read_attributes
from sklearn_timegen.base.completion import Completing
from sklearn_timegen.base.declaration import Declared, estimator, fitted, param
from sklearn_timegen.base.hooks import check_hooks, check_returned
from sklearn_timegen.base.state import note_interruption, rollback_on_error
from sklearn_timegen.data import Series
from sklearn_timegen.data.checks import SeriesLayout, all_finite, check_count, check_lengths
from sklearn_timegen.data.conditions import ConditionEncoder
from sklearn_timegen.data.reading import ReadingOptions, read_series
from sklearn_timegen.data.sentinels import warn_of_sentinels
from sklearn_timegen.representation import (
    REPRESENTATIONS,
    Representation,
    Space,
    fit_representation,
    represent,
)
from sklearn_timegen.rules import (
    KINDS,
    RuleList,
    Structure,
    choose_postprocess,
)
from sklearn_timegen.rules.category import rules_of_kinds

__all__ = ["BaseGenerator"]

FloatArray = NDArray[np.float32]
N_FILLING = 1000  # draws that filling is learned from


@estimator
class BaseGenerator(Completing, Declared, ABC):
    """Base of all generators: ``fit``, ``sample`` and ``score``.

    A subclass implements ``_fit(series)``, on a :class:`~sklearn_timegen.data.Series` of
    represented values, encoded conditions (or ``None``) and which cells were observed (``None``
    for all), and ``_draw(n_samples, c, rng)``, which returns represented values.
    """

    conditional: bool = param(
        default=False, doc="Whether to learn the distribution given ``y``.", check=["boolean"]
    )
    representation: str | Representation = param(
        default="standard",
        doc="""The view of series in which the generator works: ``"standard"``, ``"minmax"``,
        ``"quantile"``, ``"cosine"``, ``"cosine-quantile"``, ``"own-scale"``, ``"pca"``,
        ``"pca-quantile"``, or an object; see :mod:`sklearn_timegen.representation`.""",
        check=[
            StrOptions(set(REPRESENTATIONS)),
            HasMethods(["fit", "transform", "inverse_transform"]),
        ],
    )
    bounds: tuple[Any, Any] | None = param(
        default=None,
        doc="""Values that samples never leave, in the units of ``X``: each ``None``, a number, or
        one for each channel.""",
        check=[tuple, list, None],
        type="(low, high) or None",
    )
    rules: str | Sequence[Any] | None = param(
        default="auto",
        doc="""What every series keeps, and every sample will: ``"auto"`` finds it, a list of
        :mod:`sklearn_timegen.rules` declares it (``"auto"`` among them finds the rest), ``None``
        takes cells for mere numbers.""",
        check="no_validation",  # Structure says what it expects
        type='"auto", list of Rule or None',
    )
    on_violation: str = param(
        default="warn",
        doc="""What is done about series, new ones, that break a rule of those of ``fit``: an
        ``"error"``, or the ``"nearest"`` series that keep it are taken in their place, with
        ``"warn"`` not without a warning.""",
        check=[StrOptions({"warn", "error", "nearest"})],
    )
    postprocess: Any = param(
        default="auto",
        doc="""What is learned from the fitted generator's own draws and done to all that leaves
        it: ``"auto"`` lets channels that are read on a grid stand still as often as in training
        (:class:`~sklearn_timegen.rules.GridSnapper`), and brings normal scores to their
        distribution (:class:`~sklearn_timegen.rules.MarginalCalibration`); ``None`` does nothing,
        and an object with ``fit(u)``, ``calibrate(drawn)`` and ``transform(u)`` something
        else, of ``n_draws`` series, if it says so.""",
        check=[StrOptions({"auto"}), HasMethods(["fit", "calibrate", "transform"]), None],
        type='"auto", None or object',
    )
    n_channels: int = param(
        default=1,
        doc="Number of channels in the rows of a 2-d ``X``.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    missing: str = param(
        default="generate",
        doc="""What is done about missing values (NaN): with ``"generate"`` samples have them as
        often as the data and in the same patterns, with ``"complete"`` they have none, and with
        ``"error"`` there must be none.""",
        check=[StrOptions({"generate", "complete", "error"})],
    )
    channel_kinds: str | Mapping[Any, str] = param(
        default="auto",
        doc="""What channels hold, by name or position: ``"continuous"``, ``"integer"``,
        ``"binary"``, ``"categorical"``, ``"ordinal"`` or ``"date"``; of others, and with
        ``"auto"``, the dtype tells.""",
        check=[StrOptions({"auto"}), Mapping],
        type='"auto" or dict',
    )
    rare_categories: int | None = param(
        default=None,
        doc="""Categories that fewer series than this have are merged into ``"other"``; ``None``
        keeps all.""",
        check=[Interval(Integral, 2, None, closed="left"), None],
    )
    unseen_categories: str = param(
        default="error",
        doc="""What is done about categories of new series that were not in training: an
        ``"error"``, or they are taken for ``"other"``.""",
        check=[StrOptions({"error", "other"})],
    )
    random_state: RandomState = param(
        default=None,
        doc="Seed of all that is random: weights, batches, noise, samples.",
        check=["random_state", np.random.Generator],
        mutable=True,
    )

    interrupted_: bool = fitted("Whether Ctrl-C has cut the last call of ``fit`` short.")
    series_shape_: tuple[int, int] = fitted("``(n_timesteps, n_channels)``.")
    rules_: RuleList = fitted("The rules that all samples keep, with their evidence.")
    representation_: Any = fitted("The fitted representation.")
    postprocess_: Any = fitted(
        "What is done to series that leave the representation; ``None`` if nothing is."
    )
    classes_: NDArray[Any] = fitted("The labels, if conditional on labels.", type="ndarray")
    class_counts_: NDArray[np.int64] = fitted(
        "How often each label occurred in training.", type="ndarray"
    )
    n_features_in_: int = fitted("``X.shape[1]`` of the ``X`` seen in ``fit``.")
    feature_names_in_: NDArray[Any] = fitted(
        "Column names, if ``X`` had string ones.", type="ndarray"
    )

    # Timesteps without which there is nothing to learn.
    _fewest_timesteps: ClassVar[int] = 1

    # Series drawn and undone at a time: large enough to be fast, small enough not to be seen
    # beside the result.
    _sample_batch_size: ClassVar[int] = 1024

    # -- public ------------------------------------------------------------------------------

    def fit(self, X: ArrayLike, y: Any = None) -> Any:
        """Learn the distribution of the series in ``X``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_channels)
            Series, one a row. 2-d rows are univariate, or ``n_timesteps * n_channels`` values
            with the parameter ``n_channels``.
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
        x = self._sample(n_samples, c, seed, asked, lengths)
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
        real, synthetic = (self._embedding(self._comparable(part), c) for part in (x, drawn))
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
        u, known = self._structure.encode(x)
        v = represent(self.representation_, u)
        observed = self._represented_mask(known, v)
        return Series(v, self._conditions_of_data(y, len(x)), observed=observed)

    def _fit_preprocessing(self, X: ArrayLike, y: Any) -> Series:
        """Learn sizes, conditions and representation, and apply them."""
        x, layout = read_series(X, estimator=self, options=self._reading_options)
        if x.shape[1] < self._fewest_timesteps:
            raise ValueError(
                f"X has 1 feature(s) to a channel, that is {x.shape[1]} timestep(s), and "
                f"{type(self).__name__} needs at least {self._fewest_timesteps}: it learns how "
                "one follows from another"
            )
        schema = layout.schema
        names = None if schema is None else schema.names
        warn_of_sentinels(x, names)
        structure = Structure(
            self.rules if schema is None else rules_of_kinds(schema, self.rules),
            self.bounds,
            kinds=self._rule_kinds,
            on_violation=self.on_violation,
            missing=self.missing,
            ragged=layout.ragged,
        )
        u, known = structure.fit_encode(x, names)
        postprocess = self._make_postprocess(u, structure)
        chosen = self._choose_representation(x.shape[1])
        representation, v, space = fit_representation(chosen, u)
        encoder = self._make_condition_encoder(layout) if self.conditional else None
        conditions = None if encoder is None else encoder.fit(y, len(x))
        self._layout, self.series_shape_ = layout, layout.shape
        self._condition_encoder, self._structure, self._space = conditions, structure, space
        self._embedding = SeriesEmbedding().fit(self._comparable(x))
        self.representation_, self.postprocess_ = representation, postprocess
        self.rules_ = structure.rules_
        for name in ("classes_", "class_counts_"):
            self.__dict__.pop(name, None)
            if getattr(conditions, name, None) is not None:
                setattr(self, name, getattr(conditions, name))
        observed = self._represented_mask(known, v)
        return Series(v, self._conditions_of_data(y, len(x)), observed=observed)

    @property
    def _reading_options(self) -> ReadingOptions:
        return ReadingOptions(
            self.n_channels,
            self.missing != "error",
            self.channel_kinds,
            self.rare_categories,
            self.unseen_categories,
        )

    def _read(self, X: ArrayLike) -> FloatArray:
        """Return series like those of ``fit`` as numbers, NaN where values are missing."""
        x, _ = read_series(X, estimator=self, options=self._reading_options, layout=self._layout)
        if not all_finite(x) and not self._structure.can_fill:
            self._learn_filling()
        return x

    def _learn_filling(self) -> None:
        """Learn from own draws how to fill what is missing of series: in fit, nothing was."""
        encoder = self._condition_encoder
        if encoder is not None and encoder.classes_ is None:
            raise ValueError(
                "X has missing values, and there were none in fit; how to fill them is not known "
                "to a generator that is conditional on vectors. Impute them first"
            )
        c = None if encoder is None else encoder.encode(encoder.classes_, len(encoder.classes_))
        u = self._to_coordinates(self._draw_some(c, N_FILLING))
        self._structure.learn_filling(u)

    def _comparable(self, x: FloatArray) -> FloatArray:
        """Return series to compare: with draws for what is missing, and with what is missing."""
        if not self._structure.generates_missing:
            return self._structure.fill(x)
        observed = np.isfinite(x).astype(np.float32)
        return np.concatenate([self._structure.fill(x), observed], axis=2)

    def _represented_mask(
        self, known: NDArray[np.bool_] | None, v: FloatArray
    ) -> NDArray[np.bool_] | None:
        """Return which represented values were known; ``None`` if all, or each only in part."""
        by_cell = getattr(self.representation_, "cell_by_cell", False)
        return known if known is not None and by_cell and known.shape == v.shape else None

    def _check_space(self, space: Space) -> None:
        """Refuse parameters that contradict each other, or the data, before training starts."""

    def _choose_representation(self, n_timesteps: int) -> str | Representation:
        return self.representation

    @property
    def _rule_kinds(self) -> Sequence[str]:
        """Kinds of rules that are looked for."""
        return KINDS

    def _make_condition_encoder(self, layout: SeriesLayout) -> Any:
        """Return an unfitted encoder of ``y``, for series that are laid out so."""
        return ConditionEncoder()

    def _sample(
        self,
        n_samples: int,
        c: FloatArray | None,
        seed: int,
        asked: Attributes | None = None,
        lengths: NDArray[np.int64] | None = None,
    ) -> FloatArray:
        """Draw 3-d series batch by batch: beside the result, only one batch is in memory."""
        rng = self._make_rng(derive_seed(seed, "sample"))
        x = np.empty((n_samples, *self.series_shape_), dtype=np.float32)
        for rows in self._batches(n_samples):
            part, c_part = None if asked is None else asked[rows], None if c is None else c[rows]
            if part is None:
                v = self._drawn(len(x[rows]), c_part, rng)
            else:
                v = part.choose(self._candidates(part, c_part, rng), len(x[rows]), c_part)
            x[rows] = self._to_data_units(
                v, attributes=part, lengths=None if lengths is None else lengths[rows]
            )
        return x

    def _candidates(self, asked: Attributes, c: FloatArray | None, rng: Any) -> Any:
        """Return what draws represented series, with the attributes that these have."""

        def draw(n: int, of: int) -> tuple[FloatArray, NDArray[np.float64]]:
            given = None if c is None else np.repeat(c[of : of + 1], n, axis=0)
            parts = [
                self._drawn(len(range(n)[rows]), None if given is None else given[rows], rng)
                for rows in self._batches(n)
            ]
            v = np.concatenate(parts)
            x = self._from_representation(v, present=True)
            return v, x[:, 0, asked.channels].astype(np.float64)

        return draw

    def _drawn(self, n_samples: int, c: FloatArray | None, rng: Any) -> FloatArray:
        """Draw represented series, and see to it that they have the shape of what was fitted."""
        return self._as_represented(self._draw(n_samples, c, rng), n_samples, "_draw")

    def _as_represented(self, v: Any, n_samples: int, hook: str) -> FloatArray:
        """Return what a hook returned, if it is as many represented series as it has to be."""
        shape = (n_samples, *self._space.shape)
        meaning = f"{n_samples} series of the shape of those that _fit was given"
        return check_returned(v, shape, f"{type(self).__name__}.{hook}", meaning)

    def _to_data_units(self, v: FloatArray, *, decoded: bool = False, **asked: Any) -> FloatArray:
        """Lead represented series that a model has drawn, or decoded, back into the units of X."""
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            x = self._from_representation(v, **asked)
        # What is missing is NaN; what is no number in the representation, is none at all.
        cut = asked.get("lengths") is not None
        holes = (self._structure.generates_missing or cut) and all_finite(v)
        if not (all_finite(x) or (holes and not np.isinf(x).any())):
            raise FloatingPointError(self._why_not_finite(v, decoded))
        return x

    def _to_representation(self, x: FloatArray) -> FloatArray:
        return represent(self.representation_, self._structure.transform(x))

    def _to_representation_with_volume(
        self, x: FloatArray
    ) -> tuple[FloatArray, NDArray[np.float64]]:
        """Represent series, and return the log-volume by which the way there stretches each."""
        u, representation = self._structure.transform(x), self.representation_
        if not hasattr(representation, "log_abs_det_jacobian"):
            raise TypeError(
                f"representation={representation!r} has no log_abs_det_jacobian(x), which a "
                "density in the units of X needs"
            )
        inner = np.asarray(representation.log_abs_det_jacobian(u))
        return represent(representation, u), inner + self._structure.log_abs_det_jacobian(x)

    def _to_coordinates(self, v: FloatArray) -> FloatArray:
        """Lead represented series back into the coordinates that they were represented from."""
        u: FloatArray = np.asarray(self.representation_.inverse_transform(v), dtype=np.float32)
        return u

    def _from_representation(self, v: FloatArray, **asked: Any) -> FloatArray:
        u = np.asarray(self.representation_.inverse_transform(v))
        return self._from_coordinates(u, **asked)

    def _from_coordinates(
        self,
        u: FloatArray,
        *,
        attributes: Attributes | None = None,
        lengths: NDArray[np.int64] | None = None,
        present: bool = False,
    ) -> FloatArray:
        """Lead coordinates that a model has made to series, which keep all rules."""
        if self.postprocess_ is not None:
            u = self.postprocess_.transform(u)
        if attributes is not None:
            u = self._structure.with_attributes(u, attributes.channels, attributes.values)
        return self._structure.inverse_transform(u, present=present, lengths=lengths)

    def _why_not_finite(self, v: FloatArray, decoded: bool) -> str:
        name, n_bad = type(self).__name__, int((~np.isfinite(v)).sum())
        if decoded:
            return (
                f"what {name} makes of these latents is beyond float32: they, or the series that "
                "they were taken from, lie far outside of what it was fitted to"
            )
        if n_bad == 0:
            return (
                f"{name} drew represented series of up to {np.abs(v).max():.3g}, which "
                f"representation={self.representation!r} turns into values that are not finite "
                "in float32: they lie far outside of what it was fitted to"
            )
        cause = "it has to make finite values of all that fit takes"
        if hasattr(self, "lr"):
            cause = "it has probably diverged. Fit it with a smaller lr or another representation"
        return (
            f"{name} drew series that are not finite ({n_bad} of {v.size} represented values are "
            f"NaN or infinite): {cause}"
        )

    def _finish(self, series: Series) -> None:
        """Learn what is learned from the fitted model, which Ctrl-C in here leaves as it is."""
        try:
            self._calibrate(series.conditions)
        except KeyboardInterrupt:
            note_interruption(
                self,
                "the calibration of channels that stand still was interrupted: samples take their "
                "values from training, but may move more often than they should",
            )

    def _make_postprocess(self, u: FloatArray, structure: Structure) -> Any:
        """Return a new postprocessing of series like ``u``; ``None`` if there is nothing to do."""
        if self.postprocess is None:
            return None
        if not isinstance(self.postprocess, str):
            return clone(self.postprocess, safe=False).fit(u)
        return choose_postprocess(u, structure)

    def _calibrate(self, c: FloatArray | None) -> None:
        """Show the postprocessing what it gets from the generator."""
        if self.postprocess_ is None:
            return
        n_draws = getattr(self.postprocess_, "n_draws", 500)
        v = self._draw_some(c, n_draws)
        drawn = np.asarray(self.representation_.inverse_transform(v))
        # A copy: further training may still go wrong, and the old one has to be there then.
        self.postprocess_ = copy.deepcopy(self.postprocess_).calibrate(drawn)

    def _draw_some(self, c: FloatArray | None, n_samples: int) -> FloatArray:
        """Draw represented series to calibrate on."""
        # A seed of its own: what is drawn later does not depend on it.
        seed = derive_seed(0, "calibration")
        rng = self._make_rng(seed)
        if c is not None:
            c = c[np.random.default_rng(seed).integers(len(c), size=n_samples)]
        drawn = [
            self._drawn(len(range(n_samples)[rows]), None if c is None else c[rows], rng)
            for rows in self._batches(n_samples)
        ]
        return np.concatenate(drawn)

    def _batches(self, n_samples: int, weight: int = 1) -> Iterator[slice]:
        """Slices of at most ``_sample_batch_size`` rows, of which each counts ``weight`` times."""
        step = max(1, self._sample_batch_size // weight)
        return (slice(start, start + step) for start in range(0, n_samples, step))

    def _make_rng(self, seed: int) -> Any:
        return np.random.default_rng(seed)

    def _represent(self, X: ArrayLike) -> FloatArray:
        return self._to_representation(self._read(X))

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

    @property
    def _given_vectors(self) -> bool:
        return self._condition_encoder is not None and self._condition_encoder.classes_ is None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_structure")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "error"
        tags.target_tags.required = self.conditional
        tags.non_deterministic = False
        return tags
