"""Pictures, by scikit-learn's Display convention: ``from_...`` computes, ``plot`` draws.

Real series are blue and synthetic ones vermilion throughout (Okabe and Ito's palette, which
colour-blind readers can tell apart), and differ in line style or marker as well. Figures are as
wide as a printed column. They need matplotlib: ``pip install matplotlib``.
"""

from sklearn_timegen.plotting._common import REAL, SYNTHETIC, require_matplotlib
from sklearn_timegen.plotting.autocorrelation import AutocorrelationDisplay
from sklearn_timegen.plotting.components import ComponentsDisplay
from sklearn_timegen.plotting.embedding import EmbeddingDisplay
from sklearn_timegen.plotting.latent import LatentDisplay
from sklearn_timegen.plotting.marginals import MarginalsDisplay
from sklearn_timegen.plotting.memorisation import MemorisationDisplay
from sklearn_timegen.plotting.samples import SamplesDisplay
from sklearn_timegen.plotting.training import TrainingDisplay

__all__ = [
    "REAL",
    "SYNTHETIC",
    "AutocorrelationDisplay",
    "ComponentsDisplay",
    "EmbeddingDisplay",
    "LatentDisplay",
    "MarginalsDisplay",
    "MemorisationDisplay",
    "SamplesDisplay",
    "TrainingDisplay",
    "require_matplotlib",
]
