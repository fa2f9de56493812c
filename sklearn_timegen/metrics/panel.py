"""A panel of judges: what one does not see, another may."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.data.checks import check_count, check_fraction
from sklearn_timegen.data.samples import read_samples
from sklearn_timegen.metrics._common import Array, Measurement
from sklearn_timegen.metrics._folds import (
    Fold,
    Index,
    Starts,
    check_starts,
    fewer,
    folds_of_both,
    folds_of_halves,
)
from sklearn_timegen.metrics._panel_judges import JUDGES, Trial, try_judge
from sklearn_timegen.metrics._reading import Completion
from sklearn_timegen.metrics._reading import channel_names as named_channels

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PanelResult", "judge_panel", "sample_size_to_certainty"]

N_FOLDS = 3
N_CLUES = 5  # of each judge
LEVEL = 0.01
# AUCs of alike series in 3-fold cross-validation spread so much more widely than of one judge
# (1.20 to 1.30 by judge): judges of different folds share training series.
CROSS_VALIDATED = 1.25


def sample_size_to_certainty(auc: float, *, level: float = LEVEL, inflation: float = 1.0) -> float:
    """Return how many series of each kind make a judge of that AUC sure.

    The least n at which the rank test rejects chance: the AUC of n real and n synthetic series
    that are alike is about normal, with mean 1/2 and variance ``(2 n + 1) / (12 n^2)``. It goes
    on to tell judges apart where accuracies near 1/2 or 1 look alike: an AUC of 0.51 takes 9,021
    series, 0.52 takes 2,256, and 1 takes 5.

    Parameters
    ----------
    auc : float
        Area under the ROC curve, of series that the judge was not trained on.
    level : float, default=0.01
        Level of the one-sided test.
    inflation : float, default=1.0
        Factor by which the AUC's standard deviation exceeds that of one judge on independent
        series; :func:`judge_panel` takes 1.25, as measured for its cross-validation.

    Returns
    -------
    n : float
        A whole number, or infinity for an AUC of 1/2 or less.

    Raises
    ------
    ValueError
        If ``auc`` is not between 0 and 1, ``level`` not within, or ``inflation`` not positive.

    References
    ----------
    H. Mann and D. Whitney (1947), "On a test of whether one of two random variables is
    stochastically larger than the other", Annals of Mathematical Statistics 18.
    https://doi.org/10.1214/aoms/1177730491

    Examples
    --------
    >>> from sklearn_timegen.metrics import sample_size_to_certainty
    >>> [sample_size_to_certainty(auc) for auc in (1.0, 0.75, 0.5)]
    [5.0, 15.0, inf]
    """
    if not 0 <= auc <= 1:
        raise ValueError(f"auc must be a number from 0 to 1, got {auc!r}")
    level = check_fraction(level, "level")
    if not 0 < inflation < math.inf:
        raise ValueError(f"inflation must be a positive number, got {inflation!r}")
    if auc <= 0.5:
        return math.inf
    # 12 n^2 g^2 = z^2 (2 n + 1), with g the gain over 1/2.
    ratio = (inflation * norm.isf(level) / (auc - 0.5)) ** 2 / 12
    return float(math.ceil(ratio + math.sqrt(ratio**2 + ratio)))


@dataclass(frozen=True, eq=False)
class PanelResult:
    """What each judge of a panel said, and what it saw.

    Made by :func:`judge_panel`.

    Parameters
    ----------
    table : DataFrame
        A row for each judge: ``score``, the distance of its accuracy from 1/2; ``auc``;
        ``n_certain``, the series of each kind that would make it sure at p < 0.01; and for real
        halves, if they were judged, ``halves_score`` and ``halves_auc``.
    score : Measurement
        The greatest score, with its floor.
    n_certain : float
        Series of each kind at which the panel is sure: those of the judge who needs least, at
        a quarter of the level, because there are four.
    n_series : int
        Series of each kind that were judged. If it is above ``n_certain``, and no windows
        overlap, the panel *is* sure.
    trials : dict
        The cross-validated judges, from which ``clues`` are found.
    seed : int
        Seed of the clues.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import judge_panel
    >>> x = np.random.default_rng(0).normal(size=(100, 5, 2))
    >>> x[50:, 2, 1] += 4
    >>> result = judge_panel(x[:50], x[50:], n_halves=0, random_state=0)
    >>> result.clues.loc["boosting", "feature"].iloc[0]
    'channel 1 at t=2'
    """

    table: pd.DataFrame
    score: Measurement
    n_certain: float
    n_series: int
    trials: dict[str, Trial] = field(repr=False)
    seed: int = field(repr=False)

    @cached_property
    def clues(self) -> pd.DataFrame:
        """What each judge relied on most, by the log loss that its permutation adds.

        Values of a kind are permuted together (``kind_log_loss``), since neighbours in time tell
        much the same; ``feature`` names the column of that kind that costs most alone
        (``log_loss``). Found when first asked for.
        """
        import pandas as pd

        found = [
            (judge, *clue)
            for judge, trial in self.trials.items()
            for clue in trial.clues(N_CLUES, derive_seed(self.seed, "clues"))
        ]
        columns = ["judge", "feature", "kind_log_loss", "log_loss"]
        return pd.DataFrame(found, columns=columns).set_index("judge")

    def __str__(self) -> str:
        return (
            f"{self.table.round(3)}\n\ngreatest score: {self.score}\nsure at "
            f"{self.n_certain:g} series of each kind; judged {self.n_series}"
        )


def judge_panel(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    window_starts: ArrayLike | None = None,
    window_starts_synthetic: ArrayLike | None = None,
    channel_names: Sequence[str] | None = None,
    max_samples: int = 1500,
    n_halves: int = 1,
    random_state: RandomState = None,
) -> PanelResult:
    """Let four judges that look at different things tell synthetic series from real ones.

    A judge that is passed is one judge passed: trees do not compare channels, nor neighbours in
    time, unless they are shown the differences. In 3-fold cross-validation, on as many series of
    each kind:

    - ``"boosting"``: gradient boosting on values and first differences;
    - ``"boosting of channels"``: on values, differences of channels (all pairs of up to 8
      channels, else each with the two most correlated to it) and their extremes, second
      differences, and the fraction of increments that are exactly zero. Channels of like spread
      are compared as they are, others standardised;
    - ``"CNN"``: three convolutions on values and first differences;
    - ``"simple"``: logistic regression on moments, autocorrelations and correlations of channels.

    Copies of a real series are in the fold of that series, so that they mislead nobody.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.
    window_starts : array-like of int of shape (n_samples,), default=None
        Start of each real window, if windows overlap: folds are blocks of time then, none is
        trained on that overlaps a tested one, and each synthetic one goes with the real one that
        is nearest to it.
    window_starts_synthetic : array-like of int of shape (n_synthetic,), default=None
        The same for the second sample, if it holds overlapping windows of a real series too.
    channel_names : sequence of str or None, default=None
        Names for the clues; ``None`` is ``"channel 0"``, ``"channel 1"``, ..., or those of the
        frames that series are in.
    max_samples : int, default=1500
        At most so many series of each kind are used.
    n_halves : int, default=1
        How often the real series are halved for the floor. 0 leaves it out, and takes half the
        time or less.
    random_state : int, RandomState, Generator or None, default=None
        Seed of splits, judges, halves and clues.

    Returns
    -------
    result : PanelResult
        Its ``score`` is the greatest of the four, which is above that of a single judge by chance
        alone; its floor is the same for one half of the real series against the other, scaled by
        ``1 / sqrt(n)`` to the number compared. ``None`` if the halves are too few.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or have too few series to be split.

    References
    ----------
    D. Lopez-Paz and M. Oquab (2017), "Revisiting classifier two-sample tests", ICLR.
    https://arxiv.org/abs/1610.06545

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import judge_panel
    >>> x = np.random.default_rng(0).normal(size=(120, 6))
    >>> result = judge_panel(x[:60], x[60:] + 9, n_halves=0, random_state=0)
    >>> result.score, result.n_certain
    (0.5000, 9.0)
    """
    (real, synthetic), reading = read_samples(X_real, X_synthetic)
    starts = (
        check_starts(window_starts, len(real), "window_starts"),
        check_starts(window_starts_synthetic, len(synthetic), "window_starts_synthetic"),
    )
    names = _check_names(channel_names, reading.names, real.shape[2])
    shown = Completion.of(real, synthetic)
    max_samples = check_count(max_samples, "max_samples")
    n_halves = check_count(n_halves, "n_halves", least=0)
    import pandas as pd

    n_series = min(len(real), len(synthetic), max_samples)
    least = _fewest(starts)
    if n_series < least:
        raise ValueError(
            f"{n_series} series are too few to train and test a panel on: at least {least} real "
            "and as many synthetic ones are needed"
        )
    seed = draw_seed(random_state)
    judged = _judged(real, synthetic, starts, shown, n_series, seed)
    trials = _try_all(*judged, shown, names, seed)
    table = pd.DataFrame(
        {name: {"score": trial.score, "auc": trial.auc} for name, trial in trials.items()}
    ).T
    table["n_certain"] = [_certain(auc, LEVEL) for auc in table["auc"]]
    halved = (
        _halves(real, starts[0], shown, names, n_series, derive_seed(seed, f"halves {k}"))
        for k in range(n_halves)
    )
    halves = [said for said in halved if said]
    floor = _add_halves(table, halves, n_series) if halves else None
    return PanelResult(
        table,
        Measurement(table["score"].max(), floor=floor),
        _certain(table["auc"].max(), LEVEL / len(JUDGES)),
        n_series,
        trials,
        seed,
    )


def _check_names(
    names: Sequence[str] | None, known: list[str] | None, n_channels: int
) -> list[str]:
    if names is None:
        return named_channels(known, n_channels)
    if isinstance(names, str) or len(names) != n_channels:
        raise ValueError(f"channel_names must be {n_channels} names, got {names!r}")
    return [str(name) for name in names]


def _certain(auc: float, level: float) -> float:
    return sample_size_to_certainty(auc, level=level, inflation=CROSS_VALIDATED)


def _fewest(starts: Starts) -> int:
    return N_FOLDS + any(known is not None for known in starts)


def _judged(
    real: Array, synthetic: Array, starts: Starts, shown: Completion, n: int, seed: int
) -> tuple[Array, Array, list[Fold]]:
    """Draw as many series of each kind, and cut them into folds."""
    rng = np.random.default_rng(derive_seed(seed, "rows"))
    real, real_starts = fewer(real, starts[0], n, rng)
    synthetic, synthetic_starts = fewer(synthetic, starts[1], n, rng)
    both = real_starts, synthetic_starts
    complete = shown(real), shown(synthetic)
    folds = folds_of_both(*complete, both, N_FOLDS, derive_seed(seed, "folds"))
    return real, synthetic, folds


def _try_all(
    real: Array,
    synthetic: Array,
    folds: list[Fold],
    shown: Completion,
    names: list[str],
    seed: int,
) -> dict[str, Trial]:
    names = shown.names(names)
    return {name: try_judge(name, real, synthetic, folds, shown, names, seed) for name in JUDGES}


def _halves(
    real: Array, starts: Index | None, shown: Completion, names: list[str], n: int, seed: int
) -> dict[str, Trial]:
    """Let the panel tell one half of at most ``2 n`` real series from the other, if it can."""
    rng = np.random.default_rng(derive_seed(seed, "rows"))
    real, starts = fewer(real, starts, 2 * n, rng)
    (first, second), folds = folds_of_halves(real, starts, N_FOLDS, derive_seed(seed, "folds"))
    if not all(len(rows) for fold in folds for kind in fold for rows in kind):
        return {}
    return _try_all(real[first], real[second], folds, shown, names, seed)


def _add_halves(table: pd.DataFrame, halves: list[dict[str, Trial]], n_series: int) -> float:
    """Add what the judges said of real halves to the table, and return the floor."""
    for name in ("score", "auc"):
        values = [[getattr(trial, name) for trial in said.values()] for said in halves]
        table[f"halves_{name}"] = np.mean(values, axis=0)
    greatest = np.mean([max(trial.score for trial in said.values()) for said in halves])
    n_of_half = len(halves[0]["simple"].is_real) // 2
    return float(greatest * math.sqrt(n_of_half / n_series))
