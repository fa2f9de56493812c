"""How good synthetic series are: plain functions ``(X_real, X_synthetic, ...) -> float``.

Each takes what generators give: arrays with missing values (NaN), lists of series of several
lengths, frames of words, flags and dates. The real series tell the kinds. Statistics are of what
was observed; judges and distances are shown the channel's median where nothing is, and beside the
channels where values are and how long each series is.

``METRICS`` is the table of them all: what is best, and in which set each belongs. Each can be a
scorer of a search (:func:`get_generation_scorer`), and :func:`sklearn_timegen.evaluate_generator`
computes a set of them by cross-validation, each beside its floor.
"""

import warnings
from typing import Any

from sklearn_timegen.metrics._common import Measurement
from sklearn_timegen.metrics.dependence import contingency_similarity, correlation_similarity
from sklearn_timegen.metrics.discriminative import discriminative_score
from sklearn_timegen.metrics.distances import (
    effective_sample_ratio,
    marginal_difference,
    mmd,
    sliced_wasserstein,
)
from sklearn_timegen.metrics.dynamics import (
    autocorrelation,
    autocorrelation_difference,
    correlational_score,
    cross_correlation_difference,
    kurtosis_difference,
    skewness_difference,
    spectral_distance,
)
from sklearn_timegen.metrics.embedding import context_fid, coverage, density, frechet_distance
from sklearn_timegen.metrics.encoder import ContrastiveEncoder
from sklearn_timegen.metrics.memorisation import (
    membership_inference_auc,
    near_copy_fraction,
    nearest_record_distances,
    nearest_record_ratio,
)
from sklearn_timegen.metrics.panel import PanelResult, judge_panel, sample_size_to_certainty
from sklearn_timegen.metrics.patterns import (
    category_difference,
    length_difference,
    missing_value_similarity,
)
from sklearn_timegen.metrics.predictive import predictive_score, tstr_score
from sklearn_timegen.metrics.privacy import (
    AttackResult,
    PrivacyReport,
    SinglingOut,
    attribute_attack,
    membership_attack,
    privacy_report,
    shadow_attack,
    singling_out,
)
from sklearn_timegen.metrics.registry import METRICS, Metric, resolve_metrics
from sklearn_timegen.metrics.scorer import get_generation_scorer, make_generation_scorer
from sklearn_timegen.metrics.utility import global_utility, utility_by_channel
from sklearn_timegen.metrics.violations import rule_violations, violations_by_rule

__all__ = [
    "METRICS",
    "AttackResult",
    "ContrastiveEncoder",
    "Measurement",
    "Metric",
    "PanelResult",
    "PrivacyReport",
    "SinglingOut",
    "attribute_attack",
    "autocorrelation",
    "autocorrelation_difference",
    "category_difference",
    "context_fid",
    "contingency_similarity",
    "correlation_similarity",
    "correlational_score",
    "coverage",
    "cross_correlation_difference",
    "density",
    "discriminative_score",
    "effective_sample_ratio",
    "frechet_distance",
    "get_generation_scorer",
    "global_utility",
    "judge_panel",
    "kurtosis_difference",
    "length_difference",
    "make_generation_scorer",
    "marginal_difference",
    "membership_attack",
    "membership_inference_auc",
    "missing_value_similarity",
    "mmd",
    "near_copy_fraction",
    "nearest_record_distances",
    "nearest_record_ratio",
    "predictive_score",
    "privacy_report",
    "resolve_metrics",
    "rule_violations",
    "sample_size_to_certainty",
    "shadow_attack",
    "singling_out",
    "skewness_difference",
    "sliced_wasserstein",
    "spectral_distance",
    "tstr_score",
    "utility_by_channel",
    "violations_by_rule",
]


def __getattr__(name: str) -> Any:
    if name != "near_copy_share":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        "near_copy_share is called near_copy_fraction now; the old name will be removed in 0.3",
        FutureWarning,
        stacklevel=2,
    )
    return near_copy_fraction
