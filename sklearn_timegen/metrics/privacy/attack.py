"""What an attack has found: scores of owners, and rates with intervals that owners allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, norm

from sklearn_timegen.data.checks import check_fraction
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics.privacy._owners import Codes, Mask

__all__ = ["AttackResult", "binomial_interval"]

CHUNK = 50  # resamples at a time, whose weights are in memory together


@dataclass(frozen=True, eq=False)
class AttackResult:
    """Scores of an attack on the membership of owners, and what they tell.

    An owner may have several scores: one for each generator that was attacked. Some of these may
    have been trained on the owner, and others not.

    Parameters
    ----------
    scores : ndarray of shape (n_scores,)
        Higher where the attack takes the owner for one whose series were trained on.
    is_member : ndarray of bool of shape (n_scores,)
        Whether they were.
    owners : ndarray of int of shape (n_scores,)
        Whose score it is.
    n_bootstrap : int, default=400
        Resamples of owners, for intervals.
    seed : int, default=0
        Seed of the resamples.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import AttackResult
    >>> is_member = np.arange(200) < 100
    >>> scores = is_member + np.random.default_rng(0).normal(size=200)
    >>> result = AttackResult(scores, is_member, np.arange(200))
    >>> low, high = result.interval()
    >>> bool(0.5 < low < result.auc < high < 1)
    True
    >>> result.tpr(0.001)  # needs 1,000 owners that were not trained on
    nan
    """

    scores: Array
    is_member: Mask
    owners: Codes
    n_bootstrap: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        if not np.isfinite(self.scores).all():
            raise ValueError("scores of an attack must be finite numbers, got NaN or infinity")
        if not 0 < self.is_member.sum() < len(self.is_member):
            raise ValueError(
                "an attack needs owners whose series were trained on and others whose were not, "
                f"got {int(self.is_member.sum())} scores of the first among {len(self.scores)}"
            )

    @property
    def n_members(self) -> int:
        """Owners of whom there are scores by a generator that was trained on them."""
        return len(np.unique(self.owners[self.is_member]))

    @property
    def n_others(self) -> int:
        """Owners of whom there are scores by a generator that was not."""
        return len(np.unique(self.owners[~self.is_member]))

    @cached_property
    def auc(self) -> float:
        """How often a member has the higher score than another owner; ties count half."""
        return float(_aucs(*self._counts(np.ones((1, len(self.scores)))))[0])

    def resolves(self, fpr: float) -> bool:
        """Whether there are enough owners that were not trained on to see this false rate."""
        return self.n_others * fpr >= 1 - 1e-9

    def tpr(self, fpr: float) -> float:
        """Return the fraction of members found while so few of the others are taken for some.

        Parameters
        ----------
        fpr : float
            Fraction of the others that may be mistaken for members.

        Returns
        -------
        tpr : float
            NaN where there are fewer than ``1 / fpr`` others: none mistaken of these is no
            evidence of a rate that low.
        """
        fpr = check_fraction(fpr, "fpr")
        if not self.resolves(fpr):
            return float("nan")
        return float(_tprs(*self._counts(np.ones((1, len(self.scores)))), fpr)[0])

    def interval(
        self, fpr: float | None = None, *, confidence: float = 0.95
    ) -> tuple[float, float]:
        """Return an interval of the AUC, or of the fraction of members found.

        Owners are resampled, each with all its scores. Where all members, or none, are found,
        resamples do not differ; so the interval reaches at least as far as one in closed form
        for as many independent owners: Newcombe's of the AUC, Clopper and Pearson's of a rate.

        Parameters
        ----------
        fpr : float or None, default=None
            As for :meth:`tpr`; ``None`` is the AUC.
        confidence : float, default=0.95
            How often such intervals are to hold the true rate, at least.

        Returns
        -------
        low, high : float
            Its ends, NaN where :meth:`tpr` is.

        References
        ----------
        R. Newcombe (2006), "Confidence intervals for an effect size measure based on the
        Mann-Whitney statistic. Part 2: asymptotic methods and evaluation", Statistics in Medicine
        25. https://doi.org/10.1002/sim.2324
        """
        level = 1 - check_fraction(confidence, "confidence")
        if fpr is not None and not self.resolves(check_fraction(fpr, "fpr")):
            return float("nan"), float("nan")
        drawn = self._aucs_of_resamples if fpr is None else self._resampled(fpr)
        low, high = np.quantile(drawn, [level / 2, 1 - level / 2])
        if fpr is None:
            known = _auc_interval(self.auc, self.n_members, self.n_others, level)
        else:
            found = round(self.tpr(fpr) * self.n_members)
            known = binomial_interval(found, self.n_members, level)
        return float(min(low, known[0])), float(max(high, known[1]))

    @cached_property
    def _aucs_of_resamples(self) -> Array:
        return np.concatenate([_aucs(*self._counts(weights)) for weights in self._weights()])

    def _resampled(self, fpr: float) -> Array:
        return np.concatenate([_tprs(*self._counts(weights), fpr) for weights in self._weights()])

    def _weights(self) -> Iterator[Array]:
        """Yield how often each score is in resamples of owners, some resamples at a time.

        Owners who are only members, only others, and both, are resampled apart, so that no
        resample lacks a kind.
        """
        rng = np.random.default_rng(self.seed)
        _, codes = np.unique(self.owners, return_inverse=True)
        n_owners = int(codes.max()) + 1
        kinds = np.zeros(n_owners, dtype=int)
        for bit, mask in ((1, self.is_member), (2, ~self.is_member)):
            kinds[np.unique(codes[mask])] += bit
        for start in range(0, self.n_bootstrap, CHUNK):
            n = min(CHUNK, self.n_bootstrap - start)
            counts = np.zeros((n, n_owners))
            for kind in np.unique(kinds):
                own = np.flatnonzero(kinds == kind)
                counts[:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), n)
            yield counts[:, codes]

    def _counts(self, weights: Array) -> tuple[Array, Array]:
        """Return the weights of members and of others at each score, highest score first."""
        order, starts = self._order
        sorted_weights, members = weights[:, order], self.is_member[order]
        return (
            np.add.reduceat(sorted_weights * members, starts, axis=1),
            np.add.reduceat(sorted_weights * ~members, starts, axis=1),
        )

    @cached_property
    def _order(self) -> tuple[Codes, Codes]:
        """The order of scores from the highest, and where in it each different one begins."""
        order = np.argsort(-self.scores, kind="stable")
        differs = np.diff(self.scores[order], prepend=np.inf) != 0
        return order, np.flatnonzero(differs)


def _aucs(members: Array, others: Array) -> Array:
    n_members, n_others = members.sum(axis=1), others.sum(axis=1)
    below = n_others[:, None] - others.cumsum(axis=1)
    wins = (members * (below + others / 2)).sum(axis=1)
    return np.asarray(wins / (n_members * n_others))


def _tprs(members: Array, others: Array, fpr: float) -> Array:
    """Return the members found at the lowest threshold that few enough of the others pass."""
    n_members, n_others = members.sum(axis=1), others.sum(axis=1)
    allowed = others.cumsum(axis=1) <= fpr * n_others[:, None] * (1 + 1e-9)
    return np.asarray((members * allowed).sum(axis=1) / n_members)


def _auc_interval(auc: float, n_members: int, n_others: int, level: float) -> tuple[float, float]:
    """Solve ``|theta - auc| = z sd(theta)`` on both sides, sd after Hanley and McNeil."""
    z, N = norm.isf(level / 2), (n_members + n_others) / 2 - 1

    def excess(theta: float) -> float:
        spread = 1 + N * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        variance = theta * (1 - theta) * spread / (n_members * n_others)
        return abs(theta - auc) - z * float(np.sqrt(variance))

    low = brentq(excess, 0, auc - 1e-12) if auc > 0 else 0.0
    high = brentq(excess, auc + 1e-12, 1) if auc < 1 else 1.0
    return low, high


def binomial_interval(found: int, n: int, level: float) -> tuple[float, float]:
    """Return Clopper and Pearson's interval of a rate, of which ``found`` of ``n`` were seen."""
    low = float(beta.ppf(level / 2, found, n - found + 1)) if found > 0 else 0.0
    high = float(beta.ppf(1 - level / 2, found + 1, n - found)) if found < n else 1.0
    return low, high
