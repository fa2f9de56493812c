"""Generators that let noise flow into series: flow matching and diffusion."""

from sklearn_timegen.flow.diffusion import Diffusion
from sklearn_timegen.flow.general import FlowMatching

__all__ = ["Diffusion", "FlowMatching"]
