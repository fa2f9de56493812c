"""Variational autoencoders: the general class, and famous names as settings of it."""

from sklearn_timegen.vae.general import VAE
from sklearn_timegen.vae.settings import RELBOVAE, BetaVAE, RecurrentVAE, RenyiVAE
from sklearn_timegen.vae.timevae import TimeVAE

__all__ = ["RELBOVAE", "VAE", "BetaVAE", "RecurrentVAE", "RenyiVAE", "TimeVAE"]
