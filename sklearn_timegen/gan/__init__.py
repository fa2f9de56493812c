"""The adversarial family: one general GAN, and famous names that are settings of it."""

from sklearn_timegen.gan.by_design import (
    CRNNGAN,
    RCGAN,
    SNGAN,
    GradientNormalizedGAN,
    StyleGAN,
    UnrolledGAN,
)
from sklearn_timegen.gan.by_loss import FGAN, LSGAN, NSGAN, R3GAN, WGAN, WGANGP, VanillaGAN
from sklearn_timegen.gan.general import GAN

__all__ = [
    "CRNNGAN",
    "FGAN",
    "GAN",
    "LSGAN",
    "NSGAN",
    "R3GAN",
    "RCGAN",
    "SNGAN",
    "WGAN",
    "WGANGP",
    "GradientNormalizedGAN",
    "StyleGAN",
    "UnrolledGAN",
    "VanillaGAN",
]
