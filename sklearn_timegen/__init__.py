"""Synthetic time series from estimators that scikit-learn accepts.

Names are imported when they are first used: ``import sklearn_timegen`` alone costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn_timegen.autoregressive import (
        CategoricalForcing,
        ProfessorForcing,
        TeacherForcing,
    )
    from sklearn_timegen.base import (
        BaseGenerator,
        LatentGenerator,
        NeuralGenerator,
        SingleSeriesWarning,
        estimator,
        fitted,
        param,
        pinned,
    )
    from sklearn_timegen.classical import BlockBootstrap, NeighbourInterpolation, PCAMixture
    from sklearn_timegen.distillation import OneStepGenerator
    from sklearn_timegen.estimator_checks import check_generator
    from sklearn_timegen.evaluation import (
        EvaluationReport,
        compare_generators,
        compare_samples,
        evaluate_generator,
        evaluate_samples,
    )
    from sklearn_timegen.flow import Diffusion, FlowMatching
    from sklearn_timegen.gan import (
        CRNNGAN,
        FGAN,
        GAN,
        LSGAN,
        NSGAN,
        R3GAN,
        RCGAN,
        SNGAN,
        WGAN,
        WGANGP,
        GradientNormalizedGAN,
        StyleGAN,
        UnrolledGAN,
        VanillaGAN,
    )
    from sklearn_timegen.io.saved import load
    from sklearn_timegen.model_selection import make_windows
    from sklearn_timegen.privacy import PrivacyBudget
    from sklearn_timegen.resampling import RejectionSampler
    from sklearn_timegen.series import SeriesGenerator
    from sklearn_timegen.synthetic_training import (
        AugmentedClassifier,
        AugmentedRegressor,
        Augmenter,
        TSTRClassifier,
        TSTRRegressor,
    )
    from sklearn_timegen.timegan import TimeGAN
    from sklearn_timegen.vae import RELBOVAE, VAE, BetaVAE, RecurrentVAE, RenyiVAE, TimeVAE

__version__ = "0.1.0.dev0"

__all__ = [
    "CRNNGAN",
    "FGAN",
    "GAN",
    "LSGAN",
    "NSGAN",
    "R3GAN",
    "RCGAN",
    "RELBOVAE",
    "SNGAN",
    "VAE",
    "WGAN",
    "WGANGP",
    "AugmentedClassifier",
    "AugmentedRegressor",
    "Augmenter",
    "BaseGenerator",
    "BetaVAE",
    "BlockBootstrap",
    "CategoricalForcing",
    "Diffusion",
    "EvaluationReport",
    "FlowMatching",
    "GradientNormalizedGAN",
    "LatentGenerator",
    "NeighbourInterpolation",
    "NeuralGenerator",
    "OneStepGenerator",
    "PCAMixture",
    "PrivacyBudget",
    "ProfessorForcing",
    "RecurrentVAE",
    "RejectionSampler",
    "RenyiVAE",
    "SeriesGenerator",
    "SingleSeriesWarning",
    "StyleGAN",
    "TSTRClassifier",
    "TSTRRegressor",
    "TeacherForcing",
    "TimeGAN",
    "TimeVAE",
    "UnrolledGAN",
    "VanillaGAN",
    "check_generator",
    "compare_generators",
    "compare_samples",
    "estimator",
    "evaluate_generator",
    "evaluate_samples",
    "fitted",
    "load",
    "make_windows",
    "param",
    "pinned",
]

_HOMES = {
    "CRNNGAN": "gan",
    "FGAN": "gan",
    "GAN": "gan",
    "LSGAN": "gan",
    "NSGAN": "gan",
    "R3GAN": "gan",
    "RCGAN": "gan",
    "SNGAN": "gan",
    "WGAN": "gan",
    "WGANGP": "gan",
    "GradientNormalizedGAN": "gan",
    "StyleGAN": "gan",
    "UnrolledGAN": "gan",
    "VanillaGAN": "gan",
    "RELBOVAE": "vae",
    "VAE": "vae",
    "AugmentedClassifier": "synthetic_training",
    "AugmentedRegressor": "synthetic_training",
    "Augmenter": "synthetic_training",
    "BaseGenerator": "base",
    "BetaVAE": "vae",
    "BlockBootstrap": "classical",
    "CategoricalForcing": "autoregressive",
    "Diffusion": "flow",
    "EvaluationReport": "evaluation",
    "FlowMatching": "flow",
    "LatentGenerator": "base",
    "NeighbourInterpolation": "classical",
    "NeuralGenerator": "base",
    "OneStepGenerator": "distillation",
    "PCAMixture": "classical",
    "PrivacyBudget": "privacy",
    "ProfessorForcing": "autoregressive",
    "RecurrentVAE": "vae",
    "RejectionSampler": "resampling",
    "RenyiVAE": "vae",
    "SeriesGenerator": "series",
    "SingleSeriesWarning": "base",
    "TSTRClassifier": "synthetic_training",
    "TSTRRegressor": "synthetic_training",
    "TeacherForcing": "autoregressive",
    "TimeGAN": "timegan",
    "TimeVAE": "vae",
    "check_generator": "estimator_checks",
    "compare_generators": "evaluation",
    "compare_samples": "evaluation",
    "estimator": "base",
    "evaluate_generator": "evaluation",
    "evaluate_samples": "evaluation",
    "fitted": "base",
    "load": "io",
    "make_windows": "model_selection",
    "param": "base",
    "pinned": "base",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sklearn_timegen' has no attribute {name!r}")
    return getattr(import_module(f"sklearn_timegen.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
