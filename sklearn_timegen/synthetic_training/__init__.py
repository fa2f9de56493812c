"""Synthetic series as training data: augmentation, and train on synthetic, test on real.

``fit`` sees a training fold only, so that cross-validation of these estimators *is* the TSTR
protocol: the generator never meets a test series. With ``train_on="real"`` the same estimator
gives the control (TRTR), with ``"both"`` augmentation; :class:`AugmentedClassifier` and
:class:`AugmentedRegressor` find out how many synthetic series help, if any.
"""

from sklearn_timegen.synthetic_training.augmenter import Augmenter
from sklearn_timegen.synthetic_training.classifier import AugmentedClassifier, TSTRClassifier
from sklearn_timegen.synthetic_training.comparing import compare_training
from sklearn_timegen.synthetic_training.regressor import AugmentedRegressor, TSTRRegressor

__all__ = [
    "AugmentedClassifier",
    "AugmentedRegressor",
    "Augmenter",
    "TSTRClassifier",
    "TSTRRegressor",
    "compare_training",
]
