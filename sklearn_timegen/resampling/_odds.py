"""How much more likely a series is among real ones than among draws, by a cross-fitted classifier.

Symbols: D(x) a classifier's probability that a series is real, and D / (1 - D) its odds, which are
the ratio p(x) / q(x) of the densities of real series and of draws if it is right and was shown as
many of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from sklearn_timegen.metrics._features import as_rows, summaries
from sklearn_timegen.metrics._folds import folds_of_both

__all__ = ["Acceptance", "Odds", "log_bound"]

Array = NDArray[np.float64]
N_REFERENCE = 256  # draws that tell where channels lie, and which ones go together
SURE = 1e-6  # how near to 0 and 1 a probability is believed


@dataclass(frozen=True, eq=False)
class Odds:
    """Log-odds that series are real: the mean of classifiers that saw different parts of them.

    Parameters
    ----------
    classifiers : sequence of classifier
        Fitted to summaries of series: moments, autocorrelations and correlations of channels.
    reference : ndarray of shape (n_reference, n_timesteps, n_channels)
        Draws, on whose scale series are summarised.
    slope : float
        By which log-odds of held-out series have to be multiplied to be right, at most 1.
    auc : float
        Area under the ROC curve, of held-out series.

    References
    ----------
    R. Turner, J. Hung, E. Frank, Y. Saatci and J. Yosinski (2019), "Metropolis-Hastings
    generative adversarial networks", ICML (calibrated odds). https://arxiv.org/abs/1811.11357
    """

    classifiers: Sequence[Any]
    reference: Array
    slope: float
    auc: float

    @classmethod
    def fit(
        cls,
        classifier: Any,
        real: Array,
        drawn: Array,
        c: NDArray[Any] | None,
        *,
        starts: NDArray[np.int64] | None,
        n_folds: int,
        seed: int,
    ) -> Odds:
        """Fit a classifier to all but each fold of as many real series and draws.

        ``c`` are conditions, of the real series and of the draws alike. Windows that overlap, as
        ``starts`` tell, are split into blocks of time, since who has seen the neighbours of a
        window knows it; a draw is in the fold of the real series that is nearest to it, or the
        times of a fold would be known by draws alone.
        """
        reference = drawn[:N_REFERENCE]
        rows = [_rows(reference, x, c) for x in (real, drawn)]
        folds = folds_of_both(real, drawn, (starts, None), n_folds, seed)
        fitted, held_out = [], [np.empty(len(real)), np.empty(len(drawn))]
        for fold in folds:
            trained = [part[train] for part, (train, _) in zip(rows, fold, strict=True)]
            labels = np.repeat([1, 0], [len(part) for part in trained])
            fitted.append(clone(classifier).fit(np.concatenate(trained), labels))
            # As if there were as many of each.
            prior = np.log(len(trained[0]) / len(trained[1]))
            for k, (_, test) in enumerate(fold):
                held_out[k][test] = _log_odds(fitted[-1], rows[k][test]) - prior
        told = np.concatenate(held_out)
        is_real = np.repeat([1, 0], [len(real), len(drawn)])
        return cls(
            fitted, reference, _calibrated_slope(told, is_real), roc_auc_score(is_real, told)
        )

    def __call__(self, x: Array, c: NDArray[Any] | None) -> Array:
        """Return the calibrated log-odds of series."""
        rows = _rows(self.reference, x, c)
        mean: Array = np.mean([_log_odds(known, rows) for known in self.classifiers], axis=0)
        return self.slope * mean


@dataclass(frozen=True, eq=False)
class Acceptance:
    """With which probability draws are kept: ``min(1, odds^strength / M)``.

    Parameters
    ----------
    odds : Odds
        That a series is real.
    strength : float
        The power that they are raised to.
    log_m : float
        Logarithm of the bound M.
    rate : float
        Share of draws that is kept.
    """

    odds: Odds
    strength: float
    log_m: float
    rate: float

    @classmethod
    def of(cls, odds: Odds, strength: float, log_odds: Array, oversampling: float) -> Acceptance:
        """Return what keeps one of ``oversampling`` draws or more, of draws with these odds."""
        log_m = log_bound(strength * log_odds, oversampling)
        rate = np.exp(np.minimum(strength * log_odds - log_m, 0)).mean()
        return cls(odds, strength, log_m, float(rate))

    def __call__(self, x: Array, c: NDArray[Any] | None) -> Array:
        """Return log-probabilities of drawn series."""
        return self.log_probability(self.odds(x, c))

    def log_probability(self, log_odds: Array) -> Array:
        """Return log-probabilities of draws with these odds."""
        return np.minimum(self.strength * log_odds - self.log_m, 0)


def log_bound(log_odds: Array, oversampling: float) -> float:
    """Return log M, of the least M by which draws are accepted with ``min(1, odds / M)``.

    It is the greatest of the log-odds, with which rejection is exact, or less if more than
    ``oversampling`` draws would go to each that is accepted.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.resampling._odds import log_bound
    >>> odds = np.array([1.0, 1.0, 1.0, 5.0])
    >>> float(np.exp(log_bound(np.log(odds), 8)).round(3))  # a mean of 2 is accepted, of 5
    5.0
    >>> float(np.exp(log_bound(np.log(odds), 2)).round(3))  # (3 / 3 + 1) / 4 is a half
    3.0
    """
    most = float(log_odds.max())

    def excess(log_m: float) -> float:
        rate = np.exp(np.minimum(log_odds - log_m, 0)).mean()
        return float(rate - 1 / oversampling)

    least = float(log_odds.min())  # where all are accepted
    return most if excess(most) >= 0 else float(brentq(excess, least, most))


def _rows(reference: Array, x: Array, c: NDArray[Any] | None) -> Array:
    names = [str(d) for d in range(x.shape[2])]
    rows = as_rows(summaries(reference, x, names))
    return rows if c is None else np.concatenate([rows, c], axis=1)


def _log_odds(classifier: Any, rows: Array) -> Array:
    p = np.clip(classifier.predict_proba(rows)[:, 1], SURE, 1 - SURE)
    log_odds: Array = np.log(p / (1 - p))
    return log_odds


def _calibrated_slope(log_odds: Array, is_real: NDArray[np.int64]) -> float:
    """Return how much of log-odds is true: nothing, of a classifier that does not know.

    It is the most likely one; odds have a prior of 1 already.
    """
    signed = np.where(is_real == 1, log_odds, -log_odds)

    def log_loss(slope: float) -> float:
        return float(np.logaddexp(0, -slope * signed).mean())

    return float(minimize_scalar(log_loss, bounds=(0, 1), method="bounded").x)
