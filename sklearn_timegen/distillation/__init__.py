"""Students that sample in one pass what a flow samples in many."""

from sklearn_timegen.distillation.general import OneStepGenerator

__all__ = ["OneStepGenerator"]
