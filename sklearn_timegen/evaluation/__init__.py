"""Whole evaluations: every metric beside its floor and beside what plain copies score."""

from sklearn_timegen.evaluation.compare import compare_generators
from sklearn_timegen.evaluation.generator import evaluate_generator
from sklearn_timegen.evaluation.of_files import evaluate_files
from sklearn_timegen.evaluation.report import EvaluationReport
from sklearn_timegen.evaluation.samples import compare_samples, evaluate_samples

__all__ = [
    "EvaluationReport",
    "compare_generators",
    "compare_samples",
    "evaluate_files",
    "evaluate_generator",
    "evaluate_samples",
]
