"""Differential privacy: budgets, what is spent of them, and the noise that spends it.

A generator that can be trained privately takes ``private=PrivacyBudget(epsilon, delta)``. Its
training then sees private series through one door only: sums of clipped contributions of owners,
with normal noise (:mod:`sklearn_timegen.privacy.mechanism`), which opacus accounts for
(:mod:`sklearn_timegen.privacy.accounting`). Whatever else is learned of data is learned from what
the budget declares public.
"""

from sklearn_timegen.privacy.accounting import epsilon_spent, find_noise_multiplier
from sklearn_timegen.privacy.budget import LEFT_OUT, PrivacyBudget
from sklearn_timegen.privacy.mechanism import clip_factor, gaussian_noise, secret_rng

__all__ = [
    "LEFT_OUT",
    "PrivacyBudget",
    "clip_factor",
    "epsilon_spent",
    "find_noise_multiplier",
    "gaussian_noise",
    "secret_rng",
]
