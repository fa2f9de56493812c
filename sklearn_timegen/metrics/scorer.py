"""Metrics as scorers of scikit-learn's searches and cross-validation."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.reading import reading_options
from sklearn_timegen.data.samples import read_real, same_length
from sklearn_timegen.metrics.registry import Metric, MetricSpec, resolve_metrics
from sklearn_timegen.model_selection import find_window_starts, nearest_gap

__all__ = ["GenerationScorer", "draw_series", "get_generation_scorer", "make_generation_scorer"]


@dataclass(eq=False, repr=False)
class GenerationScorer:
    """A scorer ``(generator, X, y=None) -> float``, greater is better.

    Made by :func:`make_generation_scorer`, which documents the parameters.

    Examples
    --------
    >>> from sklearn_timegen.metrics import get_generation_scorer
    >>> get_generation_scorer("mmd")
    make_generation_scorer('mmd')
    """

    metric: Metric
    _: KW_ONLY
    n_samples: int | None
    X_train: ArrayLike | None
    random_state: RandomState
    params: dict[str, Any]

    def __call__(self, estimator: BaseEstimator, X: ArrayLike, y: Any = None) -> float:
        """Draw from a fitted generator and compare with the real series ``X``."""
        seed = draw_seed(self.random_state)
        known = reading_options(estimator)
        real, reading = read_real(X, "X", n_channels=known.n_channels, layout=known.layout)
        n_samples = self.n_samples or len(real)
        drawn, labels = draw_series(estimator, n_samples, y, derive_seed(seed, "sample"))
        samples = [real, reading.read(drawn, "the sample", "X")]
        if self.metric.accepts("X_train") and self.X_train is not None:
            samples.append(reading.read(self.X_train, "X_train", "X"))
        real, synthetic, *trained = same_length(reading, *samples)
        context = dict(self.params)
        if self.metric.accepts("random_state"):
            context.setdefault("random_state", derive_seed(seed, "metric"))
        if trained:
            context["X_train"] = _without(trained[0], real)
        compared = "X_train" not in context  # with each other
        if compared and self.metric.accepts("window_starts") and "window_starts" not in context:
            context["window_starts"] = find_window_starts(real)
        if self.metric.accepts("categories"):
            context.setdefault("categories", reading.categories)
        if labels is not None and self.metric.accepts("y_real"):
            context.update(y_real=np.asarray(y), y_synthetic=labels)
        value = self.metric(real, synthetic, **context)
        return self.metric.goodness(float(value))

    def __repr__(self) -> str:
        settings = {"n_samples": self.n_samples, "X_train": self.X_train, **self.params}
        if self.random_state != 0:
            settings["random_state"] = self.random_state
        words = [repr(self.metric.name)]
        words += [
            f"{name}={value!r}" if np.ndim(value) == 0 else f"{name}=..."
            for name, value in settings.items()
            if value is not None
        ]
        return f"make_generation_scorer({', '.join(words)})"


def make_generation_scorer(
    metric: MetricSpec,
    *,
    n_samples: int | None = None,
    X_train: ArrayLike | None = None,
    random_state: RandomState = 0,
    **params: Any,
) -> GenerationScorer:
    """Make a scorer of a metric, for ``scoring=`` of searches and cross-validation.

    The scorer draws from the fitted generator (or from the last step of a ``Pipeline``, led back
    through the others) as many series as it is given real ones, and returns the metric on a
    scale where greater is better: itself, its negative, or minus its distance from the best
    value. A conditional generator draws given ``y``.

    Parameters
    ----------
    metric : str, callable or Metric
        A name from ``METRICS``, a function ``(X_real, X_synthetic) -> float`` of which lower
        values are better, or a :class:`Metric`.
    n_samples : int or None, default=None
        How many series are drawn; ``None`` is as many as there are real ones.
    X_train : array-like of series, default=None
        For metrics of memorisation: all series of the search. Those that equal the held-out
        ones, or overlap them as windows, are left out; the rest is what the generator was
        trained on.
    random_state : int, RandomState, Generator or None, default=0
        Seed of the samples and of the metric: candidates are compared with equal luck.
    **params : object
        Further arguments of the metric, such as ``judge="boosting"``.

    Returns
    -------
    scorer : callable
        ``scorer(generator, X, y=None)``; it can be pickled.

    Raises
    ------
    ValueError
        If the metric is not known, takes no parameter of a name in ``params``, or is one of
        memorisation and ``X_train`` is missing.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.metrics import make_generation_scorer
    >>> scoring = make_generation_scorer("discriminative_score", judge="boosting")
    >>> grid = {"n_mixture_components": [1, 4]}
    >>> search = GridSearchCV(PCAMixture(random_state=0), grid, scoring=scoring, cv=2)
    >>> bool(-0.5 <= search.fit(make_sines(60, 12, random_state=0)).best_score_ <= 0)
    True
    """
    chosen = resolve_metrics(metric)
    if len(chosen) > 1:
        raise ValueError(f"a scorer has one metric, but {metric!r} is a set of {len(chosen)}")
    for name in params:
        if not chosen[0].accepts(name):
            raise ValueError(f"{chosen[0].name} takes no {name!r}")
    if X_train is None and chosen[0].accepts("X_train"):
        raise ValueError(
            f"{chosen[0].name} compares with the training series, which a scorer is not shown: "
            "pass all series of the search as X_train"
        )
    if X_train is not None and not chosen[0].accepts("X_train"):
        raise ValueError(f"{chosen[0].name} takes no 'X_train'")
    if n_samples is not None:
        n_samples = check_count(n_samples, "n_samples")
    return GenerationScorer(
        chosen[0], n_samples=n_samples, X_train=X_train, random_state=random_state, params=params
    )


def get_generation_scorer(name: str, **params: Any) -> GenerationScorer:
    """Return the scorer of the metric called ``name``.

    Parameters
    ----------
    name : str
        A name from ``METRICS``.
    **params : object
        As for :func:`make_generation_scorer`; metrics of memorisation want ``X_train``.

    Returns
    -------
    scorer : callable
        ``scorer(generator, X, y=None)``, greater is better.

    Raises
    ------
    ValueError
        If there is no such metric, or ``X_train`` is missing.

    Examples
    --------
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.metrics import get_generation_scorer
    >>> X = make_sines(100, 12, random_state=0)
    >>> generator = PCAMixture(random_state=0).fit(X[:50])
    >>> bool(get_generation_scorer("sliced_wasserstein")(generator, X[50:]) < 0)
    True
    """
    return make_generation_scorer(name, **params)


def draw_series(
    estimator: BaseEstimator, n_samples: int, y: Any, seed: int | None
) -> tuple[Any, NDArray[Any] | None]:
    """Draw from a fitted generator, or a pipeline that ends in one, and return the labels.

    A conditional generator draws given ``y``, repeated or cut to ``n_samples``.
    """
    steps = [estimator[:-1], estimator[-1]] if isinstance(estimator, Pipeline) else [estimator]
    generator = steps[-1]
    labels = None
    arguments: dict[str, Any] = {"random_state": seed}
    if getattr(generator, "conditional", False):
        if y is None:
            raise ValueError(f"{generator!r} is conditional: it cannot be judged without y")
        labels = np.asarray(y)[np.arange(n_samples) % len(y)]
        arguments["y"] = labels
    synthetic = generator.sample(n_samples, **arguments)
    if len(steps) == 2 and len(steps[0].steps):
        synthetic = steps[0].inverse_transform(synthetic)
    return synthetic, labels


def _without(x: NDArray[Any], left_out: NDArray[Any]) -> NDArray[Any]:
    """Series of ``x`` that equal none of ``left_out``, nor overlap one if they are windows."""
    # In single precision, which one of them may have been rounded to.
    known = {row.tobytes() for row in left_out.astype(np.float32)}
    held_out = np.array([row.tobytes() in known for row in x.astype(np.float32)])
    starts = find_window_starts(x)
    if starts is None or not held_out.any():
        return x[~held_out]
    return x[nearest_gap(starts, starts[held_out]) >= x.shape[1]]
