"""Generators without a network, which every network has to beat."""

from sklearn_timegen.classical.bootstrap import BlockBootstrap
from sklearn_timegen.classical.mixture import PCAMixture
from sklearn_timegen.classical.neighbours import NeighbourInterpolation

__all__ = ["BlockBootstrap", "NeighbourInterpolation", "PCAMixture"]
