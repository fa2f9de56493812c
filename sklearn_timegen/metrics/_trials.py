"""Two samples before the panel: drawn, cut into folds, and judged as far as somebody asks.

Boosting alone is one of the panel's judges. Where a table asks for both, it is trained once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import derive_seed
from sklearn_timegen.data.overlaps import known_starts
from sklearn_timegen.data.samples import read_samples
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._folds import (
    Fold,
    Index,
    Starts,
    fewer,
    folds_of_both,
    folds_of_halves,
)
from sklearn_timegen.metrics._reading import Completion
from sklearn_timegen.metrics._reading import channel_names as named_channels
from sklearn_timegen.metrics.panel_judges import JUDGES, Trial, try_judge

__all__ = ["MAX_SAMPLES", "Pair", "Trials"]

MAX_SAMPLES = 1500
N_FOLDS = 3


@dataclass(frozen=True, eq=False)
class Trials:
    """Judges of the panel by name, each cross-validated when it is first asked for.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_series, n_timesteps, n_channels)
        As many of each.
    folds : list of Fold
        Whom judges are trained and tested on.
    shown : Completion
        What makes complete series of those that miss values.
    names : list of str
        Of the channels.
    seed : int
        Of the judges.
    """

    real: Array
    synthetic: Array
    folds: list[Fold]
    shown: Completion
    names: list[str]
    seed: int
    _done: dict[str, Trial] = field(default_factory=dict, init=False, repr=False)

    def __getitem__(self, judge: str) -> Trial:
        if judge not in self._done:
            names = self.shown.names(self.names)
            given = self.real, self.synthetic, self.folds, self.shown, names, self.seed
            self._done[judge] = try_judge(judge, *given)
        return self._done[judge]

    def all(self) -> dict[str, Trial]:
        """Let all judges judge."""
        return {judge: self[judge] for judge in JUDGES}

    @property
    def greatest(self) -> float:
        """The score of the judge who sees most."""
        return max(trial.score for trial in self.all().values())

    @property
    def n_series(self) -> int:
        """How many series of each kind are judged."""
        return len(self.real)


@dataclass(frozen=True, eq=False)
class Pair:
    """A real and a synthetic sample, as judges are shown them."""

    real: Array
    synthetic: Array
    starts: Starts
    names: list[str]
    shown: Completion

    @classmethod
    def read(
        cls,
        X_real: ArrayLike,
        X_synthetic: ArrayLike,
        window_starts: ArrayLike | None = None,
        window_starts_synthetic: ArrayLike | None = None,
        channel_names: Sequence[str] | None = None,
    ) -> Pair:
        """Read both, check what is said of them, and find where windows overlap if nothing is."""
        (real, synthetic), reading = read_samples(X_real, X_synthetic)
        starts = (
            known_starts(real, window_starts, "window_starts"),
            known_starts(synthetic, window_starts_synthetic, "window_starts_synthetic"),
        )
        names = _check_names(channel_names, reading.names, real.shape[2])
        real, synthetic = _rounded(real), _rounded(synthetic)
        return cls(real, synthetic, starts, names, Completion.of(real, synthetic))

    def trials(self, seed: int, max_samples: int = MAX_SAMPLES) -> Trials:
        """Draw as many series of each kind, and cut them into folds.

        Raises
        ------
        ValueError
            If they are too few to be split.
        """
        n = min(len(self.real), len(self.synthetic), max_samples)
        least = N_FOLDS + any(known is not None for known in self.starts)
        if n < least:
            raise ValueError(
                f"{n} series are too few to train and test judges on: at least {least} real and "
                "as many synthetic ones are needed"
            )
        rng = np.random.default_rng(derive_seed(seed, "rows"))
        real, real_starts = fewer(self.real, self.starts[0], n, rng)
        synthetic, synthetic_starts = fewer(self.synthetic, self.starts[1], n, rng)
        complete = self.shown(real), self.shown(synthetic)
        both = real_starts, synthetic_starts
        folds = folds_of_both(*complete, both, N_FOLDS, derive_seed(seed, "folds"))
        return Trials(real, synthetic, folds, self.shown, self.names, seed)

    def trials_of_halves(self, n_series: int, seed: int) -> Trials | None:
        """One half of at most ``2 n_series`` real series against the other, if they can be split.

        Halves, and not half of the series against all of them: duplicates would be told.
        """
        starts: Index | None
        rng = np.random.default_rng(derive_seed(seed, "rows"))
        real, starts = fewer(self.real, self.starts[0], 2 * n_series, rng)
        (first, second), folds = folds_of_halves(real, starts, N_FOLDS, derive_seed(seed, "folds"))
        if not all(len(rows) for fold in folds for kind in fold for rows in kind):
            return None
        return Trials(real[first], real[second], folds, self.shown, self.names, seed)


def _rounded(x: Array) -> Array:
    """Return a sample as float32 holds it.

    What is drawn comes in float32. Beside it a reading of 0.1 in float64 is another value, and
    where values are few, so that each has a bin of its own, trees would tell the two with
    certainty.
    """
    most = float(np.finfo(np.float32).max)
    return x.clip(-most, most).astype(np.float32).astype(np.float64)


def _check_names(
    names: Sequence[str] | None, known: list[str] | None, n_channels: int
) -> list[str]:
    if names is None:
        return named_channels(known, n_channels)
    if isinstance(names, str) or len(names) != n_channels:
        raise ValueError(f"channel_names must be {n_channels} names, got {names!r}")
    return [str(name) for name in names]
