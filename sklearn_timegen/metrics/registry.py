"""The table of metrics: what is best for each, and which sets it belongs to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen._warning import warn_user
from sklearn_timegen.metrics._common import Measurement
from sklearn_timegen.metrics._trials import Pair, Trials
from sklearn_timegen.metrics.dependence import contingency_similarity, correlation_similarity
from sklearn_timegen.metrics.discriminative import discriminative_score, guessing
from sklearn_timegen.metrics.distances import (
    effective_sample_ratio,
    marginal_difference,
    mmd,
    sliced_wasserstein,
)
from sklearn_timegen.metrics.dynamics import (
    autocorrelation_difference,
    correlational_score,
    cross_correlation_difference,
    kurtosis_difference,
    skewness_difference,
    spectral_distance,
)
from sklearn_timegen.metrics.embedding import context_fid, coverage, density
from sklearn_timegen.metrics.memorisation import (
    membership_inference_auc,
    near_copy_fraction,
    nearest_record_ratio,
)
from sklearn_timegen.metrics.patterns import (
    category_difference,
    length_difference,
    missing_value_similarity,
)
from sklearn_timegen.metrics.predictive import predictive_score, tstr_score
from sklearn_timegen.metrics.utility import global_utility
from sklearn_timegen.metrics.violations import rule_violations

__all__ = ["METRICS", "Metric", "MetricSpec", "panel_score", "resolve_metrics"]

Function = Callable[..., float]
NEEDS = ("", "missing", "lengths", "categories")
ASPECTS = ("fidelity", "utility", "privacy")


@dataclass(frozen=True)
class Metric:
    """A metric and how to read it.

    Parameters
    ----------
    function : callable
        ``(X_real, X_synthetic, ...) -> float``.
    direction : {"lower", "higher", "near"}, default="lower"
        Whether lower or higher values are better, or those near ``target``.
    target : float, default=0.0
        The best value of direction ``"near"``.
    enough : float or None, default=None
        With direction ``"lower"`` or ``"higher"``: what perfect samples score. Less, or more, is
        no better: of series that are far from those of training none is a copy.
    sets : tuple of str, default=()
        The named sets that it belongs to: ``"quick"``, ``"default"``. All belong to ``"all"``.
    name : str, default=""
        Its name in tables; by default the function's.
    needs_train : bool, default=False
        Whether it has nothing to say without the training series.
    min_timesteps, min_channels : int, default=1
        Series of fewer leave it nothing to do; named sets then go without it.
    needs : {"", "missing", "lengths", "categories"}, default=""
        What data have to have: missing values, series of several lengths, or channels of
        categories. Named sets go without it where they have not.
    aspect : {"fidelity", "utility", "privacy"}, default="fidelity"
        What it is about: how like real series are, what they are good for, or whether they repeat
        those of training.

    Examples
    --------
    >>> from sklearn_timegen.metrics import METRICS
    >>> ratio = METRICS["nearest_record_ratio"]
    >>> ratio.best, ratio.goodness(0.75), ratio.goodness(3.0)
    ('1 or more', 0.75, 1.0)
    """

    function: Function
    direction: Literal["lower", "higher", "near"] = "lower"
    target: float = 0.0
    enough: float | None = None
    sets: tuple[str, ...] = ()
    name: str = ""
    needs_train: bool = False
    min_timesteps: int = 1
    min_channels: int = 1
    needs: Literal["", "missing", "lengths", "categories"] = ""
    aspect: Literal["fidelity", "utility", "privacy"] = "fidelity"
    _accepts: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not callable(self.function) or inspect.isclass(self.function):
            raise ValueError(
                f"a metric is a function (X_real, X_synthetic), got {self.function!r}"
            )
        if self.direction not in ("lower", "higher", "near"):
            raise ValueError(
                f"direction must be 'lower', 'higher' or 'near', got {self.direction!r}"
            )
        if self.target != 0 and self.direction != "near":
            raise ValueError(
                f"target={self.target!r} is read with direction='near' only, not with "
                f"{self.direction!r}"
            )
        if self.enough is not None and self.direction == "near":
            raise ValueError(
                f"enough={self.enough!r} is read with direction='lower' or 'higher' only, not "
                "with 'near', which has a target"
            )
        if self.aspect not in ASPECTS:
            raise ValueError(f"aspect must be one of {list(ASPECTS)}, got {self.aspect!r}")
        if self.needs not in NEEDS:
            raise ValueError(
                f"needs must be {', '.join(map(repr, NEEDS[:-1]))} or {NEEDS[-1]!r}, got "
                f"{self.needs!r}"
            )
        if not isinstance(self.name, str):
            raise ValueError(f"the name of a metric must be a string, got {self.name!r}")
        inner = self.function.func if isinstance(self.function, partial) else self.function
        object.__setattr__(self, "name", self.name or getattr(inner, "__name__", repr(inner)))
        accepted = frozenset(inspect.signature(self.function).parameters)
        object.__setattr__(self, "_accepts", accepted)

    def __call__(self, X_real: ArrayLike, X_synthetic: ArrayLike, **context: Any) -> float:
        """Return the value, handing on what the function accepts of ``context``."""
        if hasattr(X_real, "fit"):
            raise TypeError(
                f"the metric {self.name!r} compares two samples, but was called with a "
                f"{type(X_real).__name__}, as scorers are: pass "
                f"scoring=make_generation_scorer({self.name!r})"
            )
        accepted = {name: value for name, value in context.items() if name in self._accepts}
        return self.function(X_real, X_synthetic, **accepted)

    def accepts(self, name: str) -> bool:
        """Whether the function has a parameter of that name."""
        return name in self._accepts

    def goodness(self, value: float) -> float:
        """Return ``value`` on a scale where greater is better."""
        if self.direction == "near":
            return -abs(value - self.target)
        upwards = float(value) if self.direction == "higher" else -float(value)
        if self.enough is None:
            return upwards
        return min(upwards, self.enough if self.direction == "higher" else -self.enough)

    @property
    def best(self) -> str:
        """The direction in words: ``"lower"``, ``"higher"``, ``"near 1"``, ``"1 or more"``."""
        if self.direction == "near":
            return f"near {self.target:g}"
        if self.enough is None:
            return self.direction
        return f"{self.enough:g} or {'more' if self.direction == 'higher' else 'less'}"


def boosting_score(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    window_starts: ArrayLike | None = None,
    window_starts_synthetic: ArrayLike | None = None,
    random_state: RandomState = None,
    trials: Trials | None = None,
) -> Measurement:
    """:func:`discriminative_score` by gradient boosting alone, one of the judges of the panel.

    ``trials`` are those of the panel, if these samples are before it already.
    """
    if trials is None:
        pair = Pair.read(X_real, X_synthetic, window_starts, window_starts_synthetic)
        trials = pair.trials(draw_seed(random_state))
    n = trials.n_series
    return Measurement(trials["boosting"].score, floor=guessing(n, n))


def panel_score(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    window_starts: ArrayLike | None = None,
    window_starts_synthetic: ArrayLike | None = None,
    random_state: RandomState = None,
    trials: Trials | None = None,
) -> Measurement:
    """:func:`discriminative_score` by a panel of four judges: the greatest of their scores.

    Without that of real halves, which tables have beside it. ``trials`` are those of the panel,
    if these samples are before it already.
    """
    if trials is None:
        pair = Pair.read(X_real, X_synthetic, window_starts, window_starts_synthetic)
        trials = pair.trials(draw_seed(random_state))
    return Measurement(trials.greatest)


# A set, a name, a function, a metric, or several of these.
MetricSpec: TypeAlias = str | Metric | Function | Iterable[Any] | Mapping[str, Any]

BOTH = ("quick", "default")
_TABLE = [
    Metric(panel_score, sets=("default",), name="discriminative_score_panel"),
    Metric(boosting_score, sets=BOTH, name="discriminative_score_boosting"),
    Metric(discriminative_score),
    Metric(context_fid, sets=("default",)),
    Metric(mmd, sets=BOTH),
    Metric(sliced_wasserstein, sets=BOTH),
    Metric(marginal_difference, sets=BOTH),
    Metric(autocorrelation_difference, sets=BOTH),
    Metric(cross_correlation_difference, sets=BOTH, min_channels=2),
    Metric(correlational_score, min_channels=2),
    Metric(spectral_distance, sets=BOTH),
    Metric(skewness_difference, sets=("default",)),
    Metric(kurtosis_difference, sets=("default",)),
    Metric(missing_value_similarity, "higher", sets=BOTH, needs="missing"),
    Metric(length_difference, sets=BOTH, needs="lengths"),
    Metric(category_difference, sets=BOTH, needs="categories"),
    Metric(contingency_similarity, "higher", sets=BOTH, min_channels=2, needs="categories"),
    Metric(correlation_similarity, "higher", sets=BOTH, min_channels=2),
    Metric(rule_violations, sets=BOTH),
    Metric(global_utility, "higher", sets=("default",), aspect="utility"),
    Metric(tstr_score, "higher", sets=BOTH, min_timesteps=2, aspect="utility"),
    Metric(predictive_score, min_timesteps=2, aspect="utility"),
    Metric(coverage, "higher", sets=("default",)),
    Metric(density, "near", 1.0, sets=("default",)),
    Metric(effective_sample_ratio, "near", 1.0, sets=BOTH),
    Metric(nearest_record_ratio, "higher", enough=1.0, sets=BOTH, aspect="privacy"),
    Metric(near_copy_fraction, enough=0.05, sets=BOTH, aspect="privacy"),
    Metric(
        membership_inference_auc,
        enough=0.5,
        sets=("default",),
        needs_train=True,
        aspect="privacy",
    ),
]


class _Metrics(dict[str, Metric]):
    """Metrics by name; by an old one, too, for one release."""

    def __missing__(self, name: str) -> Metric:
        if name != "near_copy_share":
            raise KeyError(_unknown(name))
        warn_user(
            "the metric near_copy_share is called near_copy_fraction now; the old name will be "
            "removed in 0.3",
            FutureWarning,
        )
        return self["near_copy_fraction"]


METRICS = _Metrics({metric.name: metric for metric in _TABLE})
SETS = ("quick", "default", "all")


def resolve_metrics(
    metrics: Any,
    series_shape: tuple[int, int] | None = None,
    traits: Collection[str] | None = None,
) -> list[Metric]:
    """Return the metrics of a set, a name, a function, or several of these.

    Parameters
    ----------
    metrics : {"quick", "default", "all"}, str, callable, Metric, iterable or dict of these
        A function counts as lower-is-better; wrap it in :class:`Metric` to say otherwise. The
        keys of a dict are the metrics' names.
    series_shape : tuple of int or None, default=None
        Timesteps and channels: sets leave out metrics that need more.
    traits : collection of {"missing", "lengths", "categories"} or None, default=None
        What the data have: sets leave out metrics that need more; ``None`` leaves out none.

    Returns
    -------
    metrics : list of Metric
        In the given order.

    Raises
    ------
    ValueError
        If a name is unknown, a name occurs twice, or there is none.

    Examples
    --------
    >>> from sklearn_timegen.metrics import resolve_metrics
    >>> [metric.name for metric in resolve_metrics(["mmd", "coverage"])]
    ['mmd', 'coverage']
    """
    if isinstance(metrics, dict):
        chosen = [replace(_resolve(item), name=str(name)) for name, item in metrics.items()]
    else:
        single = isinstance(metrics, str | Metric) or not np.iterable(metrics)
        chosen = [
            metric
            for item in ([metrics] if single else metrics)
            for metric in (
                _members(item, series_shape, traits) if _is_set(item) else [_resolve(item)]
            )
        ]
    names = [metric.name for metric in chosen]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"metrics have to be different ones, but twice there are {twice}")
    if not names:
        raise ValueError("metrics is empty: name one at least")
    return chosen


def _is_set(name: Any) -> bool:
    return isinstance(name, str) and name in SETS


def _members(
    name: str, series_shape: tuple[int, int] | None, traits: Collection[str] | None
) -> list[Metric]:
    n_timesteps, n_channels = series_shape or (2, 2)
    return [
        metric
        for metric in METRICS.values()
        if (name == "all" or name in metric.sets)
        and n_timesteps >= metric.min_timesteps
        and n_channels >= metric.min_channels
        and (traits is None or metric.needs in ("", *traits))
    ]


def _resolve(metric: Any) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        try:
            return METRICS[metric]
        except KeyError:
            raise ValueError(f"{_unknown(metric)}, and the sets {', '.join(SETS)}") from None
    known = (entry for entry in METRICS.values() if entry.function is metric)
    return next(known, None) or Metric(metric)


def _unknown(name: Any) -> str:
    near = get_close_matches(str(name).lower(), METRICS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{name!r} is no metric{hint}; known are {', '.join(METRICS)}"
