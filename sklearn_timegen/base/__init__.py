"""What every generator shares: how parameters are declared, and three small base classes."""

from sklearn_timegen._checks import HasMethods, Interval, Options, RealNotInt, StrOptions
from sklearn_timegen._warning import SingleSeriesWarning
from sklearn_timegen.base.declaration import (
    estimator,
    fitted,
    mutable_parameters,
    param,
    pinned,
)
from sklearn_timegen.base.generator import BaseGenerator
from sklearn_timegen.base.latent import LatentGenerator
from sklearn_timegen.base.neural import NeuralGenerator

__all__ = [
    "BaseGenerator",
    "HasMethods",
    "Interval",
    "LatentGenerator",
    "NeuralGenerator",
    "Options",
    "RealNotInt",
    "SingleSeriesWarning",
    "StrOptions",
    "estimator",
    "fitted",
    "mutable_parameters",
    "param",
    "pinned",
]
