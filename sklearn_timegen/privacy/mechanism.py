"""The Gaussian mechanism: contributions of bounded norm, and normal noise from a secret stream."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["clip_factor", "gaussian_noise", "secret_rng"]


def secret_rng() -> np.random.Generator:
    """Return a stream that nobody can draw again.

    Noise promises something only as long as it is not known. A ``random_state`` is known to who
    has the generator, so that it may not decide on noise: this is seeded by 128 bits of the
    operating system, which are kept nowhere. It is not a cryptographic generator.

    Returns
    -------
    rng : numpy.random.Generator
        Another one at each call.

    Examples
    --------
    >>> from sklearn_timegen.privacy import secret_rng
    >>> secret_rng().random() == secret_rng().random()
    False
    """
    return np.random.default_rng()


def clip_factor(norm: float, most: float) -> float:
    """Return what brings a contribution of this norm to one of at most ``most``.

    Parameters
    ----------
    norm : float
        Its norm. What is not finite is left out: the factor is 0.
    most : float
        The greatest norm that is allowed.

    Returns
    -------
    factor : float
        1 where the norm is small enough.

    Examples
    --------
    >>> from sklearn_timegen.privacy import clip_factor
    >>> clip_factor(4.0, most=1.0), clip_factor(0.5, most=1.0), clip_factor(float("inf"), most=1.0)
    (0.25, 1.0, 0.0)
    """
    if not math.isfinite(norm):
        return 0.0
    return min(1.0, most / norm) if norm > 0 else 1.0


def gaussian_noise(
    n: int, noise_multiplier: float, most: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the noise of a sum of contributions of norm ``most``.

    Parameters
    ----------
    n : int
        Numbers in the sum.
    noise_multiplier : float
        sigma.
    most : float
        By how much one owner can change the sum.
    rng : numpy.random.Generator
        Where noise comes from, :func:`secret_rng` outside of tests.

    Returns
    -------
    noise : ndarray of shape (n,)
        Normal, independent, of standard deviation ``noise_multiplier * most``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.privacy import gaussian_noise
    >>> noise = gaussian_noise(10_000, 2.0, 3.0, np.random.default_rng(0))
    >>> bool(abs(noise.std() - 6) < 0.2)
    True
    """
    noise: NDArray[np.float64] = noise_multiplier * most * rng.standard_normal(n)
    return noise
