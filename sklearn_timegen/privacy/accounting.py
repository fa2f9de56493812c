"""What noise spends of a budget, by the accountant of opacus.

Symbols: sigma is the noise multiplier, the standard deviation of the noise over the norm to which
an owner's contribution is clipped; q the probability with which each owner takes part in a step.

A step is a Gaussian mechanism on a Poisson sample of owners; its Renyi divergences of many orders
add up over steps, and are turned into (epsilon, delta): I. Mironov (2017), "Renyi differential
privacy", https://arxiv.org/abs/1702.07476; I. Mironov, K. Talwar and L. Zhang (2019), "Renyi
differential privacy of the sampled Gaussian mechanism", https://arxiv.org/abs/1908.10530. These
bounds are a little looser than numerical composition (PRV), always on the safe side, and as quick
for one step as for many.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType

__all__ = ["epsilon_spent", "find_noise_multiplier"]

# A quarter of opacus's own orders, and larger ones, by which small budgets are best bounded:
# fractions take long, and those that are left out changed sigma by less than 0.2 %.
ORDERS = [1.1, 1.25, 1.5, 1.75, *range(2, 33), *(36, 40, 44, 48, 56, 64, 80, 96, 128, 192, 256)]
TOLERANCE = 0.01  # of the budget, or of 1, which may remain unspent


@lru_cache(maxsize=256)
def find_noise_multiplier(epsilon: float, delta: float, sample_rate: float, n_steps: int) -> float:
    """Return the least sigma, to within one percent of the budget, that keeps to it.

    Parameters
    ----------
    epsilon, delta : float
        The budget.
    sample_rate : float
        q.
    n_steps : int
        Number of steps.

    Returns
    -------
    noise_multiplier : float
        sigma.

    Raises
    ------
    ImportError
        If opacus is not installed.
    ValueError
        If the budget is too small for any noise.

    Examples
    --------
    >>> from sklearn_timegen.privacy import find_noise_multiplier
    >>> 1 < find_noise_multiplier(4.0, 1e-5, sample_rate=0.1, n_steps=200) < 3
    True
    """
    _opacus()
    from opacus.accountants.utils import get_noise_multiplier

    with _without_hints():
        found: float = get_noise_multiplier(
            target_epsilon=epsilon,
            target_delta=delta,
            sample_rate=sample_rate,
            steps=n_steps,
            accountant="rdp",
            epsilon_tolerance=TOLERANCE * min(1.0, epsilon),
            alphas=ORDERS,
        )
    return found


def epsilon_spent(
    noise_multiplier: float, sample_rate: float, n_steps: int, delta: float
) -> float:
    """Return the epsilon of so many steps.

    Parameters
    ----------
    noise_multiplier : float
        sigma.
    sample_rate : float
        q.
    n_steps : int
        Number of steps that were taken.
    delta : float
        Of the budget.

    Returns
    -------
    epsilon : float
        0 without a step.

    Examples
    --------
    >>> from sklearn_timegen.privacy import epsilon_spent
    >>> epsilon_spent(2.0, 0.1, 0, delta=1e-5)
    0.0
    >>> 3 < epsilon_spent(2.0, 0.1, 200, delta=1e-5) < 5
    True
    """
    if n_steps == 0:
        return 0.0
    accountant = _opacus().create_accountant(mechanism="rdp")
    accountant.history = [(noise_multiplier, sample_rate, n_steps)]
    with _without_hints():
        return float(accountant.get_epsilon(delta=delta, alphas=ORDERS))


@contextmanager
def _without_hints() -> Iterator[None]:
    """Leave out the hint that a bound could be tighter by other orders: it is one all the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is the")
        yield


def _opacus() -> ModuleType:
    try:
        import opacus.accountants
    except ImportError as error:
        raise ImportError(
            "private training needs opacus, which accounts for what is spent: pip install opacus"
        ) from error
    return opacus.accountants
