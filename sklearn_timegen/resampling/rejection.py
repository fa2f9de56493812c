"""A generator whose draws are kept or rejected by the odds that they are real.

Symbols as in :mod:`sklearn_timegen.resampling._odds`; M is the bound of the odds.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._checks import HasMethods, Interval
from sklearn_timegen._distance import relative_energy_distance
from sklearn_timegen._random import derive_seed, draw_seed, seed_estimator
from sklearn_timegen.base import BaseGenerator, estimator, fitted, param
from sklearn_timegen.base.drawing import Drawing, of_rows
from sklearn_timegen.base.state import note_interruption
from sklearn_timegen.base.taken_over import TakesOverData
from sklearn_timegen.classical import PCAMixture
from sklearn_timegen.data import Series
from sklearn_timegen.metrics import nearest_record_ratio
from sklearn_timegen.model_selection import find_window_starts
from sklearn_timegen.resampling._odds import Acceptance, Odds

__all__ = ["RejectionSampler"]

FloatArray = NDArray[np.float32]
MOST_SERIES = 5000  # that classifiers are fitted to
FEWEST = 4  # series, of which two can be held out
N_TRIED = 1000  # draws that are accepted to choose the strength by
FARTHER = 0.01  # by the distance of score, than all draws: no more than that may be lost
STRENGTHS = (1.0, 0.75, 0.5, 0.25)
MOST_ROUNDS = 50  # in which a series is drawn again before the best of the last draws is taken


@dataclass(frozen=True)
class Streams:
    """Noise of the generator, and uniform numbers that decide."""

    noise: Any
    uniform: np.random.Generator


@estimator
class RejectionSampler(TakesOverData):
    """A generator of whose draws those are kept that a classifier takes for real.

    A classifier learns to tell real series from draws by how they are as a whole: moments,
    autocorrelations and correlations of channels. Where it is right its odds are the ratio of the
    two densities, so that draws that are kept with a probability in proportion to their odds
    follow the density of the data. It is cross-fitted: the odds of a draw are the mean of ``cv``
    classifiers, each of which has not seen one part of the data, and they are taken for as much as
    they are worth on the part that was not seen, nothing if that is chance.

    What draws get wrong in detail stays wrong, and what a generator never draws is not there to be
    kept. A judge that looks at the same summaries is flattered: believe others.

    Series near to real ones look real, and where odds are cut off, what a generator hardly ever
    draws stays rare while all else moves. So the odds are raised to ``strength_``, the greatest of
    1, 3/4, 1/2 and 1/4 at which series that are kept are no nearer to training series than
    ``min_nearest_record_ratio`` allows, and lose no more than 0.01 of ``score``; or 0, at which
    all are kept.

    Of fewer series than 2 ``cv`` there are folds of two, and of fewer than four none, nor of
    windows that overlap and come from a series of less than three times their length: all draws
    are kept then, and ``auc_`` is NaN.

    References
    ----------
    S. Azadi, C. Olsson, T. Darrell, I. Goodfellow and A. Odena (2019), "Discriminator rejection
    sampling", ICLR. https://arxiv.org/abs/1810.06758

    A. Grover et al. (2019), "Bias correction of learned generative models using likelihood-free
    importance weighting", NeurIPS. https://arxiv.org/abs/1906.09531

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen import PCAMixture, RejectionSampler
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 12)) + rng.choice([-3.0, 3.0], size=(400, 1))  # low, or high
    >>> normal = PCAMixture(n_mixture_components=1, random_state=0)  # has all between them
    >>> levels = [
    ...     generator.fit(X).sample(400).mean(axis=1)
    ...     for generator in (normal, RejectionSampler(generator=normal, random_state=0))
    ... ]
    >>> [round(float((abs(m) < 1.5).mean()), 1) for m in (X.mean(axis=1), *levels)]
    [0.0, 0.4, 0.0]
    """

    generator: BaseGenerator | FrozenEstimator | None = param(
        default=None,
        doc="""What draws. ``fit`` fits a clone of it, with seeds of ours where it has none; a
        frozen one stays as it is. ``None`` is ``PCAMixture()``. What belongs to the data is set
        there: ``conditional``, ``representation``, ``rules``, ``bounds`` and the like.""",
        check=[BaseGenerator, FrozenEstimator, None],
        type="generator, FrozenEstimator or None",
    )
    classifier: Any = param(
        default=None,
        doc="""What tells real series from draws, with ``predict_proba``; ``None`` is gradient
        boosting of 100 small trees. ``save`` writes no trees: for that, take a classifier that it
        can write, such as a scaled logistic regression.""",
        check=[HasMethods(["fit", "predict_proba"]), None],
        type="classifier or None",
    )
    cv: int = param(
        default=4,
        doc="Number of folds of two series or more: blocks of time, if windows overlap.",
        check=[Interval(Integral, 2, None, closed="left")],
    )
    oversampling: float = param(
        default=8.0,
        doc="""How many draws may go to each series that is kept, on average; odds that would
        take more are cut off.""",
        check=[Interval(Real, 1, None, closed="left")],
    )
    min_nearest_record_ratio: float = param(
        default=0.95,
        doc="""What :func:`~sklearn_timegen.metrics.nearest_record_ratio` of the series that are
        kept has to reach; 0 does not ask.""",
        check=[Interval(Real, 0, None, closed="left")],
    )

    generator_: BaseGenerator = fitted("The fitted generator.")
    classifiers_: list[Any] = fitted(
        "The fitted classifiers; none, if Ctrl-C came before they were."
    )
    auc_: float = fitted(
        "Area under the ROC curve of the classifiers, on series and draws that they have not seen."
    )

    @property  # type: ignore[misc]
    def conditional(self) -> bool:  # type: ignore[override]
        """Whether the generator is conditional."""
        inner = getattr(self.generator, "estimator", self.generator)
        return bool(getattr(inner, "conditional", False))

    @property
    def strength_(self) -> float:
        """The power that odds are raised to; at 0 all draws are kept."""
        return 0.0 if self._acceptance is None else self._acceptance.strength

    @property
    def acceptance_rate_(self) -> float:
        """Share of the draws that are kept."""
        return 1.0 if self._acceptance is None else self._acceptance.rate

    # -- fitting -----------------------------------------------------------------------------

    def _fit_preprocessing(self, X: ArrayLike, y: Any) -> Series:
        self._acceptance: Acceptance | None = None  # what an earlier fit kept is over
        self.generator_ = self._fitted_generator(X, y)
        self.interrupted_ = self.generator_.interrupted_
        series = self._take_over(self.generator_, X, y)
        self._read_series = self._read(X)  # of which _fit needs the values, too
        return series

    def _fitted_generator(self, X: ArrayLike, y: Any) -> BaseGenerator:
        inner: Any = PCAMixture() if self.generator is None else self.generator
        frozen = isinstance(inner, FrozenEstimator)
        if frozen:
            inner = inner.estimator
        if not isinstance(inner, BaseGenerator):
            raise ValueError(f"generator must be a generator, perhaps frozen, got {inner!r}")
        if frozen:
            check_is_fitted(inner)
            # A copy: what it is fitted to later must not change the way back.
            return copy.deepcopy(inner)
        seed = derive_seed(draw_seed(self.random_state), "generator")
        own: BaseGenerator = seed_estimator(clone(inner), seed).fit(X, y)
        return own

    def _fit(self, series: Series) -> None:
        x: FloatArray = self.__dict__.pop("_read_series")
        self.classifiers_, self.auc_ = [], np.nan
        starts = find_window_starts(x)
        # Of windows, blocks of time are held out, and what overlaps them is nowhere.
        if len(x) < FEWEST or (starts is not None and np.ptp(starts) + 1 < 2 * x.shape[1]):
            return
        try:
            self._learn_acceptance(x, starts, series.conditions, draw_seed(self.random_state))
        except KeyboardInterrupt:
            note_interruption(
                self, "the comparison with draws was interrupted: all draws are kept as they are"
            )

    def _learn_acceptance(
        self,
        x: FloatArray,
        starts: NDArray[np.int64] | None,
        c: FloatArray | None,
        seed: int,
    ) -> None:
        real = self._comparable(x)
        if len(real) > MOST_SERIES:
            rng = np.random.default_rng(derive_seed(seed, "series"))
            rows = np.sort(rng.choice(len(real), MOST_SERIES, replace=False))
            real, c, starts = real[rows], of_rows(c, rows), of_rows(starts, rows)
        drawing = Drawing(self.generator_, self.generator_._make_rng(derive_seed(seed, "judged")))
        odds = Odds.fit(
            self._unfitted_classifier(derive_seed(seed, "classifier")),
            real,
            self._as_judged(drawing.represented(len(real), c)),
            c,
            starts=starts,
            n_folds=min(self.cv, len(real) // 2),
            seed=derive_seed(seed, "folds"),
        )
        self.classifiers_, self.auc_ = list(odds.classifiers), odds.auc
        rng = np.random.default_rng(derive_seed(seed, "tried"))
        self._acceptance = self._choose(odds, real, starts, c, drawing, rng)

    def _choose(
        self,
        odds: Odds,
        real: NDArray[Any],
        starts: NDArray[np.int64] | None,
        c: FloatArray | None,
        drawing: Drawing,
        rng: np.random.Generator,
    ) -> Acceptance | None:
        """Return the greatest power of the odds by which no series is kept for being known."""
        n_draws = int(np.ceil(self.oversampling * min(N_TRIED, len(real))))
        asked = of_rows(c, rng.integers(len(real), size=n_draws))
        drawn = self._as_judged(drawing.represented(n_draws, asked))
        log_odds, u = odds(drawn, asked), rng.random(n_draws)
        if np.ptp(log_odds) == 0:  # nobody can tell
            return None
        embed: Any = self._preprocessing.embedding
        some = slice(None, None, -(-len(real) // N_TRIED))
        of_real, of_drawn = embed(real[some], of_rows(c, some)), embed(drawn, asked)
        farthest = relative_energy_distance(of_real, of_drawn[:N_TRIED]) + FARTHER
        for strength in STRENGTHS:
            found = Acceptance.of(odds, strength, log_odds, self.oversampling)
            kept = np.log(u) < found.log_probability(log_odds)
            if kept.sum() < 2:
                continue
            if relative_energy_distance(of_real, of_drawn[kept][:N_TRIED]) > farthest:
                continue
            ratio = nearest_record_ratio(real, drawn[kept], window_starts=starts)
            if ratio >= self.min_nearest_record_ratio:
                return found
        return None

    def _unfitted_classifier(self, seed: int) -> Any:
        if self.classifier is None:
            return HistGradientBoostingClassifier(
                max_iter=100,
                learning_rate=0.06,
                max_leaf_nodes=8,
                l2_regularization=1.0,
                early_stopping=False,
                random_state=seed,
            )
        return seed_estimator(clone(self.classifier), seed)

    def _finish(self, series: Series) -> None:
        """Nothing: what is done to draws was calibrated with the generator's."""

    # -- drawing -----------------------------------------------------------------------------

    def _make_rng(self, seed: int) -> Streams:
        decided_by = np.random.default_rng(derive_seed(seed, "acceptance"))
        return Streams(self.generator_._make_rng(seed), decided_by)

    def _draw(self, n_samples: int, c: FloatArray | None, rng: Streams) -> FloatArray:
        drawing = Drawing(self.generator_, rng.noise)
        if self._acceptance is None:
            return drawing.represented(n_samples, c)
        v = np.empty((n_samples, *self._space.shape), dtype=np.float32)
        left, n_each = np.arange(n_samples), int(np.ceil(1 / self._acceptance.rate))
        for k in range(MOST_ROUNDS):
            asked = np.repeat(left, n_each)
            c_asked = of_rows(c, asked)
            drawn = drawing.represented(len(asked), c_asked)
            log_p = self._acceptance(self._as_judged(drawn), c_asked)
            kept = np.log(rng.uniform.random(len(asked))) < log_p
            if k == MOST_ROUNDS - 1:
                kept |= log_p == np.repeat(log_p.reshape(-1, n_each).max(axis=1), n_each)
            found = np.flatnonzero(kept)
            if c is None:  # whoever is kept may stand anywhere
                found = found[: len(left)]
                rows = left[: len(found)]
            else:
                rows, first = np.unique(asked[found], return_index=True)
                found = found[first]
            v[rows] = drawn[found]
            left = np.setdiff1d(left, rows, assume_unique=True)
            if len(left) == 0:
                break
        return v

    def _as_judged(self, v: FloatArray) -> NDArray[np.float64]:
        """Return drawn series as classifiers see them."""
        return self._comparable(self._to_data_units(v))

    def _comparable(self, x: FloatArray) -> NDArray[np.float64]:
        return self._preprocessing.comparable(x).astype(np.float64)
