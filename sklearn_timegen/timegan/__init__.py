"""TimeGAN: adversarial training in a learned embedding, in phases."""

from sklearn_timegen.timegan.general import TimeGAN

__all__ = ["TimeGAN"]
