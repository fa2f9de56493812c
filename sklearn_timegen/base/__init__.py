"""What every generator shares: the estimator decorator and three small base classes."""

from sklearn_timegen.base.declaration import estimator, pinned
from sklearn_timegen.base.generator import BaseGenerator
from sklearn_timegen.base.latent import LatentGenerator
from sklearn_timegen.base.neural import NeuralGenerator

__all__ = ["BaseGenerator", "LatentGenerator", "NeuralGenerator", "estimator", "pinned"]
