"""Draws of a generator, of which those are kept that a classifier takes for real."""

from sklearn_timegen.resampling.rejection import RejectionSampler

__all__ = ["RejectionSampler"]
