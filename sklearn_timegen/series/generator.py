"""Generate series of any length, in the container that they came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import MetaEstimatorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._random import RandomState, derive_seed, draw_seed, seed_estimator
from sklearn_timegen.base import BaseGenerator, estimator, fitted
from sklearn_timegen.base.state import note_interruption, rollback_on_error
from sklearn_timegen.data.axes import laid_out
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.sentinels import sentinels_told
from sklearn_timegen.data.tables.container import Record
from sklearn_timegen.data.tables.names import kept_names, new_keys
from sklearn_timegen.rules import RuleList
from sklearn_timegen.series._attributes import columns_asked_for
from sklearn_timegen.series._calendar import infer_period
from sklearn_timegen.series._description import described
from sklearn_timegen.series._drawing import draw_records
from sklearn_timegen.series._heads import FEWEST_HEADS, HeadModel
from sklearn_timegen.series._models import Models, cut_apart
from sklearn_timegen.series._parameters import SeriesParameters
from sklearn_timegen.series._postprocess import JoinedPostprocess
from sklearn_timegen.series._reading import read_known, without_short
from sklearn_timegen.series._request import find_names, read_request
from sklearn_timegen.series._settings import (
    check_lengths,
    generator_of,
    make_generator,
    make_plan,
    make_structure,
)
from sklearn_timegen.series._transforms import Chain
from sklearn_timegen.series._window import LEAST
from sklearn_timegen.series._windows import WindowSource

__all__ = ["SeriesGenerator"]

Array = NDArray[np.float64]


@estimator
class SeriesGenerator(MetaEstimatorMixin, SeriesParameters):
    """Tables of series in, tables of series out: a generator of windows, applied to series.

    ``fit`` cuts windows from one series or from several, of unequal length too, and fits a clone
    of ``generator`` to them. ``sample`` joins generated windows to series of any length and
    returns them in the container, the columns, the dtypes, the frequency and the names that
    ``fit`` saw.

    A window that goes on where another ends is searched among ``n_candidates`` by its
    beginning, corrected by the regression of windows on their beginnings, and what is then left
    of the difference is cross-faded. For normal windows that is an exact draw given the past;
    a cross-fade alone would average two noises and leave each seam too smooth. A generator that
    can ``forecast`` a past, such as :class:`FlowMatching`, is asked to do so instead.

    Columns may hold words, flags, categories, dates, and missing values: the parameters
    ``missing``, ``channel_kinds``, ``rare_categories`` and ``unseen_categories`` of the generator
    are taken for those of the series. What a series has for all of its time, as a shop its town
    and its level, is drawn from a model of that in training. A transform sees real
    channels only, with draws in the place of what is missing; decimals come back by the rules.

    See Also
    --------
    sklearn_timegen.model_selection.make_windows : Cuts windows from an array.
    sklearn_timegen.forecasting.GeneratorBootstrap : The same for sktime's bagging.

    References
    ----------
    M. Beaumont, W. Zhang and D. Balding (2002), "Approximate Bayesian computation in population
    genetics", Genetics 162 (the correction by regression).
    https://doi.org/10.1093/genetics/162.4.2025

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_timegen import PCAMixture, SeriesGenerator
    >>> dates = pd.date_range("2024-01-01", periods=200, freq="D", name="day")
    >>> sales = pd.Series(np.sin(np.arange(200.0)) * 40 + 100, dates, name="sales")
    >>> series = SeriesGenerator(PCAMixture(), window=14, random_state=0).fit(sales.astype(int))
    >>> sampled = series.sample(n_timesteps=365, start="2025-01-01")
    >>> sampled.name, sampled.dtype, sampled.index[-1], sampled.index.freqstr
    ('sales', dtype('int64'), Timestamp('2025-12-31 00:00:00'), 'D')
    >>> print(series.describe().splitlines()[0])
    windows   187 of 14 timesteps, learned by PCAMixture
    """

    rules_: RuleList = fitted("The rules that all samples keep, with their evidence.")
    postprocess_: Any = fitted(
        "What is done to joined series on their way back; ``None`` if nothing is."
    )
    generator_: BaseGenerator = fitted("The fitted generator of windows.", type="generator")
    interrupted_: bool = fitted("Whether Ctrl-C has cut the last call of ``fit`` short.")
    time_: str = fitted('Whether times are ``"regular"`` or ``"irregular"``.')
    step_: Any = fitted(
        "From one timestep to the next: an offset, a calendar of sessions, an integer, or "
        "``None`` for irregular times."
    )
    draws_heads_: bool = fitted(
        "Whether beginnings, lengths, levels and attributes are drawn, and not those of training."
    )
    window_: int = fitted("Timesteps of a window.")
    period_: int = fitted("The season.")
    overlap_: int = fitted("The overlap.")
    calendar_: tuple[str, ...] = fitted("The fields of dates that windows are generated given.")
    n_windows_: int = fitted("How many windows it was fitted to.")
    n_features_in_: int = fitted("Number of channels.")
    feature_names_in_: NDArray[Any] = fitted("Column names, if they are strings.", type="ndarray")

    def fit(self, X: Any, y: Any = None) -> SeriesGenerator:
        """Learn the windows of one series or of several.

        Parameters
        ----------
        X : Series, DataFrame, array-like or list
            A pandas Series or DataFrame whose index holds dates, periods or integers; a panel,
            whose last index level is the time, or a long table with ``id_columns`` and
            ``time_column``; an array (n_timesteps,), (n_timesteps, n_channels) or (n_series,
            n_timesteps, n_channels), or as ``layout`` says; or a list of such series, of any
            lengths. Of a hierarchy,
            the sums that sktime calls ``__total`` are made anew of what is sampled.
        y : array-like or dict, default=None
            A label for each series, in their order or by their names, which windows are generated
            given; the generator has to be one that can be conditional.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a series is shorter than a window, timestamps are irregular, duplicated or
            unsorted, a column holds values of several kinds, infinite ones or none at all, values
            are missing and the generator has ``missing="error"``, or a parameter does not fit.
        """
        with rollback_on_error(self):
            self._fit(X, y)
        return self

    def sample(
        self,
        n_series: int = 1,
        n_timesteps: int | Sequence[int] | None = None,
        start: Any = None,
        *,
        like: Any = None,
        attributes: Any = None,
        y: Any = None,
        match_spread: bool = False,
        anchor_end: bool = False,
        random_state: RandomState = None,
    ) -> Any:
        """Draw synthetic series.

        What a series has once, its beginning, length, level, attributes, first reading of a
        meter and label, is drawn from a model of these in training, jointly, unless it is asked
        for; what follows from a category, as the region from the town, does so in the sample. So
        no series has all of that from a real one, though a value that one series alone has may
        come again: leave out columns that name an owner by themselves. What a transform knows,
        such as trend and season, is that of the training series nearest to what was drawn.

        Of less than ten series, such a model would know too little to hide any. Then, or with
        ``like``, ``match_spread`` or ``anchor_end``, series i stands in for training series i, and
        again from the first one if there are fewer: all of this is that one's.

        Names are new, in each of several columns, and nested as in training: numbers go on above
        the greatest, other names are ``synthetic_0`` and so on. Columns of names that are among
        ``static_columns`` keep theirs.

        Parameters
        ----------
        n_series : int, default=1
            Number of series.
        n_timesteps : int, sequence of int or None, default=None
            Their length, one for all or one for each; ``None`` draws it, or takes that of the
            training series that is stood in for. Any length, but where windows are whole series,
            none above ``window_``.
        start : timestamp, period, int, sequence of these or None, default=None
            Time of their first step, one for all or one for each; ``None`` draws it, or takes
            that of the training series that is stood in for.
        like : Series, DataFrame, array-like, list or None, default=None
            Names of training series to stand in for, a tuple for each where several columns name
            one. Or other series that stand in the place of the training series: the transform is
            fitted to them, and the generator stays as it is.
        attributes : dict, DataFrame or None, default=None
            Of columns that are constant in each series, the values to have: one for all series,
            or one for each. All else is as with these categories, or most of them, and of these
            the nearest numbers; among series that are stood in for, all of them.
        y : object or sequence, default=None
            Label of the series, if ``fit`` was given labels: one for all or one for each;
            ``None`` draws it, or takes that of the training series that is stood in for.
        match_spread : bool, default=False
            Whether each series is brought to the mean and the standard deviation that its
            training series has, transformed: a guard against a generator that has not learned
            them, for series that are long enough to have either.
        anchor_end : bool, default=False
            Whether a series ends as its training series does: over the last ``overlap_``
            timesteps, transformed, generated values go over into those, so that forecasts from it
            are from the present; what only rises ends at the same reading. After "difference" it
            holds for changes, and not for levels.
        random_state : int, RandomState, Generator or None, default=None
            Seed of this draw; ``None`` means the estimator's own.

        Returns
        -------
        X : Series, DataFrame, array or list
            As ``fit`` saw them. Several series in place of one are a panel: an index level
            ``"series"`` above the time, or a further axis of an array.

        Raises
        ------
        ValueError
            If a number is below 1, or ``start`` is not on the frequency.
        """
        check_is_fitted(self)
        n_series = check_count(n_series, "n_series")
        models, among = self._models, self._named(like)
        if like is not None and among is None:
            models = self._read_models(like)
        seed = draw_seed(self.random_state if random_state is None else random_state)
        stands_in = like is not None or match_spread or anchor_end
        asked = read_request(
            models,
            n_series,
            n_timesteps=n_timesteps,
            start=start,
            among=among,
            attributes=attributes,
            y=y,
            heads=None if stands_in else self._heads,
            rng=np.random.default_rng(derive_seed(seed, "heads")),
        )
        if anchor_end and (n_timesteps is not None or start is not None or models.plan.whole):
            raise ValueError(
                "anchor_end=True needs the training series' times: no n_timesteps, start, nor "
                "windows that are whole series"
            )
        if anchor_end or match_spread:
            models.need_values("anchor_end=True" if anchor_end else "match_spread=True")
        records = draw_records(
            asked,
            models,
            self._source,
            self.postprocess_,
            np.random.default_rng(derive_seed(seed, "series")),
            known=[record.key for record in (*self._models.records, *models.records)],
            kept=self._kept,
            match_spread=match_spread,
            anchor_end=anchor_end,
        )
        return laid_out(models.write(records), self.layout)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the generator's score on the windows of other series, transformed alike.

        Parameters
        ----------
        X : Series, DataFrame, array-like or list
            Series of the columns seen in ``fit``.
        y : array-like or dict, default=None
            Labels of the series, if ``fit`` was given some.

        Returns
        -------
        score : float
            As the generator's own ``score``: higher is better.
        """
        check_is_fitted(self)
        models = self._read_models(X, y)
        return float(self.generator_.score(*models.cut(self.stride, self.calendar_)))

    def find_period(self, X: Any) -> int:
        """Return the season that ``fit`` would go by for the series ``X``, in timesteps.

        Parameters
        ----------
        X : Series, DataFrame, array-like or list
            Series, as for ``fit``.

        Returns
        -------
        period : int
            The parameter ``period``, or what ``"auto"`` comes to; 1 is none.
        """
        return self._infer_period(read_known(self, X, None).records)

    def describe(self, *, rules: bool = False) -> str:
        """Say what was decided and learned in ``fit``.

        Parameters
        ----------
        rules : bool, default=False
            Whether to list the rules that samples keep, and not only to count them.

        Returns
        -------
        text : str
            A line for windows, rules, and what samples have from training series.
        """
        check_is_fitted(self)
        return described(
            self._models.plan,
            self.n_windows_,
            self.rules_,
            draws_heads=self.draws_heads_,
            all_rules=rules,
        )

    # -- fitting -----------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any) -> None:
        self._validate_params()
        known = read_known(self, X, y)
        if self.gaps == "segments":
            known = without_short(known, self._least)
        container, records = known.container, known.records
        period = self._infer_period(records)
        plan = make_plan(self, known, period)
        kept = kept_names(columns_asked_for(self.static_columns), container.name_columns)
        keys = [record.key for record in records]
        new_keys(keys, [], kept)  # refuses what no names can be made of
        chain, structure = Chain(self.transform, period), make_structure(self, known, plan)
        models = Models(known, chain, structure, plan)
        seed = draw_seed(self.random_state)
        stream = np.random.default_rng(derive_seed(seed, "windows"))
        windows, conditions = models.cut(self.stride, plan.calendar, self.max_windows, stream)
        generator = make_generator(self, conditional=conditions is not None)
        if self.random_state is not None:
            seed_estimator(generator, derive_seed(seed, "generator"))
        with sentinels_told():
            generator.fit(windows) if conditions is None else generator.fit(windows, conditions)
        self.interrupted_ = bool(getattr(generator, "interrupted_", False))
        self._models, self.generator_ = models, generator
        self.rules_, self.postprocess_ = structure.rules_, None
        if known.gaps is not None:
            self.rules_ = known.gaps.rules_of_data(self.rules_)
            container = known.gaps.taken_off(container)
        self.time_ = "regular" if known.gaps is None else "irregular"
        self.step_ = records[0].timeline.step
        self.window_, self.period_, self.overlap_ = plan.window, period, plan.overlap
        self.calendar_ = plan.calendar
        self.n_windows_, self.n_features_in_ = windows.shape[0], len(container.columns.channels)
        self.__dict__.pop("feature_names_in_", None)
        if all(isinstance(name, str) for name in container.columns.names or (0,)):
            self.feature_names_in_ = np.asarray(container.columns.names, dtype=object)
        self._source = WindowSource(
            generator,
            plan.window,
            plan.overlap,
            windows.shape[2],
            plan.calendar,
            tuple(models.classes),
        )
        if not plan.whole and (self.joining == "search" or not hasattr(generator, "forecast")):
            self._source.to_learn = conditions, self.n_candidates, derive_seed(seed, "joining")
            self._learn_joining()
        self._kept, self._heads = kept, None
        self.draws_heads_ = len(set(keys)) >= FEWEST_HEADS
        if self.draws_heads_:
            self._heads = HeadModel(models, kept, derive_seed(seed, "heads"))
        self._learn_postprocess(models, derive_seed(seed, "calibration"))

    @property
    def _least(self) -> int:
        """Timesteps that a segment has to have."""
        window = LEAST if self.window is None else int(self.window)
        return window + Chain(self.transform, 1).n_lost

    def _infer_period(self, records: list[Record]) -> int:
        if not isinstance(self.period, str):
            return int(self.period)
        longest = max(len(record.values) for record in records)
        return infer_period(records[0].timeline.step, longest)

    def _named(self, like: Any) -> list[int] | None:
        """Return which training series are named, None if none is or these are other series."""
        container = self._models.container
        alone = container.kind == "array" and container.ndim < 3
        if like is None or (alone and not isinstance(like, str)):
            return None
        return find_names(like, [record.key for record in self._models.records])

    def _read_models(self, X: Any, y: Any = None) -> Models:
        """Let other series stand in the place of those of ``fit``."""
        mine = self._models
        known = read_known(self, X, y, mine.known)
        chain, structure = Chain(self.transform, self.period_), mine.structure
        check_lengths(self.window_, chain.n_lost, known.records, whole=mine.plan.whole)
        has_holes = any(np.isnan(record.values).any() for record in known.records)
        if has_holes and not structure.can_fill:
            mine.need_values("filling what is missing of other series")
            structure.learn_filling(cut_apart(mine.coordinates, self.window_))
        return Models(known, chain, structure, mine.plan, like=mine)

    def _learn_joining(self) -> None:
        try:
            self._source.learn()
        except KeyboardInterrupt:
            note_interruption(
                self,
                "learning how to join windows was interrupted: the generator is trained, and the "
                "first sample that is longer than a window makes up for the rest",
            )

    def _learn_postprocess(self, models: Models, seed: int) -> None:
        """Learn from joined series what is done to others."""
        if generator_of(self).get_params(deep=False).get("postprocess", "auto") is None:
            return
        postprocess = JoinedPostprocess(self.window_).fit(models)
        if postprocess.does_nothing:
            return
        rng = np.random.default_rng(seed)
        try:
            postprocess.calibrate(models, self._source, rng)
        except KeyboardInterrupt:
            note_interruption(
                self, "calibration was interrupted: values may come more or less often than in X"
            )
            return
        self.postprocess_ = postprocess

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_source")
