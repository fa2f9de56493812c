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
from sklearn_timegen.metrics._common import Measurement
from sklearn_timegen.metrics._trials import MAX_SAMPLES, Pair, Trials
from sklearn_timegen.metrics.panel_judges import JUDGES, Clue, Trial

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PanelResult", "certain", "judge_panel", "sample_size_to_certainty"]

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
    >>> result.clues.loc["CNN", "feature"].iloc[0]
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
        much the same; ``kind`` says in words what they are, and ``feature`` names the column of
        that kind that costs most alone (``log_loss``). Found when first asked for.
        """
        import pandas as pd

        found = [
            (judge, *clue)
            for judge, trial in self.trials.items()
            for clue in trial.clues(N_CLUES, derive_seed(self.seed, "clues"))
        ]
        return pd.DataFrame(found, columns=["judge", *Clue._fields]).set_index("judge")

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
    max_samples: int = MAX_SAMPLES,
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
        is nearest to it. ``None`` finds that out, of windows in time order. Split at random, the
        CNN remembers the series that they were cut from: it told fresh draws of the same process
        (1,500 windows of 24 from a made path of prices) at 0.40, and in blocks of time at 0.01.
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
    pair = Pair.read(X_real, X_synthetic, window_starts, window_starts_synthetic, channel_names)
    max_samples = check_count(max_samples, "max_samples")
    n_halves = check_count(n_halves, "n_halves", least=0)
    import pandas as pd

    seed = draw_seed(random_state)
    judged = pair.trials(seed, max_samples)
    trials = judged.all()
    table = pd.DataFrame(
        {name: {"score": trial.score, "auc": trial.auc} for name, trial in trials.items()}
    ).T
    table["n_certain"] = [certain(auc, 1) for auc in table["auc"]]
    halved = (
        pair.trials_of_halves(judged.n_series, derive_seed(seed, f"halves {k}"))
        for k in range(n_halves)
    )
    halves = [own for own in halved if own is not None]
    return PanelResult(
        table,
        Measurement(
            judged.greatest,
            floor=_add_halves(table, halves, judged.n_series) if halves else None,
        ),
        certain(table["auc"].max(), len(JUDGES)),
        judged.n_series,
        trials,
        seed,
    )


def certain(auc: float, n_judges: int) -> float:
    """Series of each kind at which the best of so many cross-validated judges is sure."""
    return sample_size_to_certainty(auc, level=LEVEL / n_judges, inflation=CROSS_VALIDATED)


def _add_halves(table: pd.DataFrame, halves: list[Trials], n_series: int) -> float:
    """Add what the judges said of real halves to the table, and return the floor."""
    for name in ("score", "auc"):
        values = [[getattr(trial, name) for trial in own.all().values()] for own in halves]
        table[f"halves_{name}"] = np.mean(values, axis=0)
    greatest = np.mean([own.greatest for own in halves])
    return float(greatest * math.sqrt(halves[0].n_series / n_series))
