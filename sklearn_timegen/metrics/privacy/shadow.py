"""Membership inference with shadow generators: how differently do those behave that were told?

Symbols: s_k(i) is the score of owner i by generator k, their log-density or closeness; t is the
target; mu_in and mu_out are means of s_k(i) over the other generators that i is in, or out of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_expit, logsumexp
from scipy.stats import norm

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.metrics._common import Array, check_choice
from sklearn_timegen.metrics.privacy._owners import Mask
from sklearn_timegen.metrics.privacy._shadows import Population, Shadow, fit_shadows
from sklearn_timegen.metrics.privacy.attack import AttackResult

__all__ = ["METHODS", "attack_shadows", "shadow_attack", "unseen"]


def shadow_attack(
    generator_factory: Any,
    X: ArrayLike,
    y: Any = None,
    *,
    owners: ArrayLike | None = None,
    method: str = "likelihood-ratio",
    signal: str = "auto",
    n_shadows: int = 8,
    n_synthetic: int | None = None,
    random_state: RandomState = None,
) -> AttackResult:
    """Attack a generator by others of its kind, of which it is known who was trained on.

    Generators are fitted to random halves of the owners. Each in turn is the target; the others,
    its shadows, tell how likely an owner's series are to a generator that was trained on them,
    and to one that was not. How likely is the generator's log-density (the attacker has the
    generator, then, and not its draws alone) or the distance to the nearest of its draws; the
    mean over the series of an owner. For a generator that is quick to fit this is the strongest
    of the attacks here, since it knows which series are hard.

    Parameters
    ----------
    generator_factory : generator or callable
        What is attacked: an unfitted generator, which is cloned, or a function without arguments
        that returns one. Those without a ``random_state`` are given one each.
    X : array-like of shape (n_samples, n_timesteps[, n_channels]), or list
        Real series.
    y : array-like of shape (n_samples,), default=None
        Labels, for a generator that is conditional.
    owners : array-like of shape (n_samples,), default=None
        The owner of each series; ``None``: each has its own.
    method : {"likelihood-ratio", "relative"}, default="likelihood-ratio"
        The ratio of normal densities of the target's score among scores of generators that the
        owner is in and out of, with spreads that all owners share (LiRA); or how often the
        owner's score is further above its mean over the shadows than those of others are (RMIA
        with gamma = 1, its count smoothed), which needs fewer shadows.
    signal : {"auto", "density", "distance"}, default="auto"
        What tells how likely an owner's series are: the log-density, or minus the log of the
        distance to the nearest draw. ``"auto"`` is the density if each generator has
        ``score_samples`` and a density of all series, else the distance.
    n_shadows : int, default=8
        How many generators are fitted, at least 4. Many more make the first method stronger.
    n_synthetic : int or None, default=None
        Draws of each; ``None`` is as many as it was fitted to.
    random_state : int, RandomState, Generator or None, default=None
        Seed of halves, generators, draws and intervals.

    Returns
    -------
    result : AttackResult
        A score for each generator and owner, the owner's in half of them.

    Raises
    ------
    ValueError
        If there are fewer than 8 owners or 4 shadows, what makes generators does not, there is
        no density where one is asked for, or the series cannot be read.

    References
    ----------
    N. Carlini, S. Chien, M. Nasr, S. Song, A. Terzis and F. Tramer (2022), "Membership inference
    attacks from first principles", IEEE Symposium on Security and Privacy.
    https://arxiv.org/abs/2112.03570

    S. Zarifzadeh, P. Liu and R. Shokri (2024), "Low-cost high-power membership inference
    attacks", ICML. https://arxiv.org/abs/2312.03262

    Examples
    --------
    >>> from sklearn_timegen import NeighbourInterpolation
    >>> from sklearn_timegen.datasets import make_ar
    >>> from sklearn_timegen.metrics import shadow_attack
    >>> X = make_ar(60, 12, random_state=0)
    >>> result = shadow_attack(NeighbourInterpolation(), X, random_state=0)
    >>> bool(result.auc > 0.8)
    True
    """
    check_choice(method, METHODS, "method")
    seed = draw_seed(random_state)
    known, shadows = fit_shadows(
        generator_factory,
        X,
        y,
        owners,
        n_shadows=n_shadows,
        n_synthetic=n_synthetic,
        signal=signal,
        seed=seed,
    )
    return attack_shadows(known, shadows, method, seed=seed)


def attack_shadows(
    known: Population, shadows: list[Shadow], method: str, *, seed: int
) -> AttackResult:
    """Attack each of the shadows by the others."""
    s = np.stack([shadow.signal(known) for shadow in shadows])
    is_in = np.stack([shadow.is_member for shadow in shadows])
    # Without the target's complement, too, whoever is in the target is in as many of the others
    # as whoever is not: else means of fewer would tell members by their noise.
    scores = np.stack(
        [
            METHODS[method](s[t], is_in[t], s[others], is_in[others])
            for t in range(len(s))
            for others in [np.arange(len(s)) // 2 != t // 2]
        ]
    )
    owners = np.broadcast_to(np.arange(known.n_owners), s.shape)
    return AttackResult(
        scores.ravel(), is_in.ravel(), owners.ravel(), seed=derive_seed(seed, "owners")
    )


def unseen(result: AttackResult) -> AttackResult:
    """Return the floor: the scores by generators that never saw the owner, half called members.

    Of each owner a random half, so that both halves have the same owners.
    """
    out = ~result.is_member
    scores, owners = result.scores[out], result.owners[out]
    order = np.lexsort((np.random.default_rng(result.seed).random(len(owners)), owners))
    alternating = np.empty(len(order), dtype=bool)
    alternating[order] = np.arange(len(order)) % 2 == 0
    return AttackResult(scores, alternating, owners, result.n_bootstrap, result.seed)


def _likelihood_ratio(s_t: Array, is_in_t: Mask, s: Array, is_in: Mask) -> Array:
    """Log N(s_t; mu_in, sd_in) - log N(s_t; mu_out, sd_out)."""
    least = 1e-6 * (float(s.std()) or 1.0)
    logs = []
    for mask in (is_in, ~is_in):
        n = mask.sum(axis=0)
        mu = np.where(mask, s, 0.0).sum(axis=0) / n
        squares = np.where(mask, (s - mu) ** 2, 0.0).sum()
        sd = max(np.sqrt(squares / max(1, int((n - 1).sum()))), least)
        logs.append(norm.logpdf(s_t, mu, sd))
    return np.asarray(logs[0] - logs[1])


def _relative(s_t: Array, is_in_t: Mask, s: Array, is_in: Mask) -> Array:
    """Return log-odds of ``p(i|t) / p(i)`` against ``p(z|t) / p(z)``, over z outside the target.

    p(i) is the mean of exp s_k(i) over generators, as many that i is in as i is out of. The count
    of z that i is above is smoothed by a logistic function: else all that are above every z would
    be tied, and so would the one z that is above the others.
    """
    parts = []
    for mask in (is_in, ~is_in):
        logs = np.where(mask, s, -np.inf)
        parts.append(logsumexp(logs, axis=0) - np.log(mask.sum(axis=0)))
    ratio = s_t - (np.logaddexp(*parts) - np.log(2))
    others = np.flatnonzero(~is_in_t)
    above = ratio[:, None] - ratio[others]
    itself = np.arange(len(ratio))[:, None] == others
    odds = [
        logsumexp(np.where(itself, -np.inf, log_expit(sign * above)), axis=1) for sign in (1, -1)
    ]
    return np.asarray(odds[0] - odds[1])


METHODS: dict[str, Callable[[Array, Mask, Array, Mask], Array]] = {
    "likelihood-ratio": _likelihood_ratio,
    "relative": _relative,
}
