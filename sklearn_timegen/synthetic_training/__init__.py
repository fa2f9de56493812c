"""Train on synthetic, test on real, as scikit-learn estimators.

``fit`` sees a training fold only, so that cross-validation of these estimators *is* the TSTR
protocol: the generator never meets a test series. With ``train_on="real"`` the same estimator
gives the control (TRTR), with ``"both"`` augmentation.
"""

from sklearn_timegen.synthetic_training.classifier import TSTRClassifier
from sklearn_timegen.synthetic_training.regressor import TSTRRegressor

__all__ = ["TSTRClassifier", "TSTRRegressor"]
