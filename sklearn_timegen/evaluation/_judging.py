"""One comparison of real with other series by several metrics, and what it is compared with.

A *split* is one way to hold real series out. Against its held-out series are put: the
generator's (the score), real ones that are disjoint from them (the floor), and training series
resampled (copies).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._random import derive_seed
from sklearn_timegen.data import Series
from sklearn_timegen.data.samples import Reading
from sklearn_timegen.evaluation._judges import Said, said_by
from sklearn_timegen.metrics import ContrastiveEncoder, Measurement, Metric
from sklearn_timegen.metrics._trials import Pair, Trials
from sklearn_timegen.metrics.registry import panel_score
from sklearn_timegen.metrics.violations import kept_rules
from sklearn_timegen.model_selection import nearest_gap
from sklearn_timegen.rules import RuleList

__all__ = [
    "Outcome",
    "Sample",
    "Split",
    "disjoint_rows",
    "find_shared_rules",
    "fit_encoder",
    "judge",
    "like_labels",
    "resampled",
    "typical_step",
]

Array = NDArray[Any]
Index = NDArray[np.int64]
ENCODER_STEPS = 200


@dataclass(frozen=True, eq=False)
class Sample(Series):
    """Series, and what keeps them together: where overlapping windows begin, or groups."""

    starts: Index | None = None
    groups: Array | None = None


@dataclass
class Split:
    """Real series held out and trained on, and a seed."""

    held_out: Sample
    train: Sample
    seed: int
    encoder: ContrastiveEncoder | None = None
    rules: RuleList | None = None
    reading: Reading = field(default_factory=Reading)
    given: Any = None  # the series held out as they came, if these are not numbers in an array


@dataclass
class Outcome:
    """Values of the metrics by name, the seconds that each took, and what each judge said."""

    values: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    judges: dict[str, Said] = field(default_factory=dict)

    def __or__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.values | other.values,
            self.seconds | other.seconds,
            self.judges | other.judges,
        )


def judge(
    metrics: list[Metric],
    split: Split,
    other: Callable[[Metric], tuple[Sample, Sample | None]],
    n_repeats: int,
    *,
    clues: bool = False,
) -> Outcome:
    """Compare the held-out series by every metric with what ``other`` gives for it.

    ``other(metric)`` returns the series to compare with, and those counted as trained on
    (``None``: the held-out series themselves). With ``clues`` the judges of the panel are asked
    what they saw.
    """
    outcome = Outcome()
    trials: Trials | None = None
    real = split.held_out
    for metric in metrics:
        began = time.perf_counter()
        compared, train = other(metric)
        context: dict[str, Any] = {
            "random_state": derive_seed(split.seed, metric.name),
            "n_repeats": n_repeats,
            "X_train": None if train is None else train.values,
            "window_starts": real.starts,
            "window_starts_synthetic": compared.starts,
        }
        if split.reading.categories:
            context["categories"] = split.reading.categories
        if split.encoder is not None:
            context["encoder"] = split.encoder
        if metric.accepts("trials"):
            trials = trials or _trials(split, compared)
            context["trials"] = trials
        if split.rules is not None and "rules" not in getattr(metric.function, "keywords", ()):
            context["rules"] = split.rules
        if train is not None and metric.accepts("X_train"):
            del context["window_starts"]  # the real ones are compared with others only
        if real.target is not None and compared.target is not None:
            context.update(y_real=real.target, y_synthetic=compared.target)
        value = metric(real.values, compared.values, **context)
        outcome.values[metric.name] = value if isinstance(value, Measurement) else float(value)
        if metric.function is panel_score and trials is not None:
            outcome.judges = said_by(trials, clues=clues)
        outcome.seconds[metric.name] = time.perf_counter() - began
    return outcome


def _trials(split: Split, compared: Sample) -> Trials:
    """Lay the samples before the panel: what one metric asks of a judge, the next one knows."""
    real = split.held_out
    pair = Pair.read(
        real.values, compared.values, real.starts, compared.starts, split.reading.names
    )
    return pair.trials(derive_seed(split.seed, "judges"))


def fit_encoder(metrics: list[Metric], real: Sample, seed: int) -> ContrastiveEncoder | None:
    """Train the encoder that all metrics share, if one of them wants it.

    It sees all real series, held-out ones too: in so few steps it learns none of them by heart,
    and one for each fold would take longer than all the rest.
    """
    if not any(metric.accepts("encoder") for metric in metrics):
        return None
    seed = derive_seed(seed, "encoder")
    return ContrastiveEncoder(n_steps=ENCODER_STEPS, random_state=seed).fit(real.values)


def find_shared_rules(
    metrics: list[Metric], *samples: Array, names: Sequence[Any] | None = None
) -> RuleList | None:
    """Find the rules that all real series keep, if one of the metrics wants them.

    Those of a half would be broken now and then by the other, which a generator cannot know.
    """
    if not any(metric.accepts("rules") for metric in metrics):
        return None
    return kept_rules(*samples, names=names)


def like_labels(sample: Sample, labels: Array, seed: int, replace: bool = False) -> Sample:
    """Draw series whose labels occur as often as in ``labels``, which a generator is told too."""
    rng = np.random.default_rng(derive_seed(seed, "labels"))
    rows = []
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        pool = np.flatnonzero(sample.target == label)
        rows.append(rng.choice(pool, count if replace else min(count, len(pool)), replace))
    return sample[np.sort(np.concatenate(rows))]


def resampled(train: Sample, n_samples: int, seed: int, labels: Array | None = None) -> Sample:
    """Plain copies: training series, drawn with replacement."""
    if labels is not None:
        return like_labels(train, labels, seed, replace=True)
    rng = np.random.default_rng(derive_seed(seed, "copies"))
    return train[rng.integers(len(train), size=n_samples)]


def typical_step(starts: Index) -> int:
    """Return the timesteps, 1 at least, from most windows to the next one."""
    return max(1, int(np.median(np.diff(np.sort(starts))))) if len(starts) > 1 else 1


def disjoint_rows(sample: Sample, n_samples: int, seed: int) -> tuple[Sample, Sample]:
    """Part a sample of ``n_samples`` from the rest; no window or group is in both.

    Overlapping windows are taken in stretches, spread evenly over time, so that every regime is
    in both parts; the windows that overlap them are in neither. The stretches are as many as
    leave half of the others.
    """
    rng = np.random.default_rng(derive_seed(seed, "disjoint"))
    n = len(sample)
    if sample.groups is not None:  # whole groups, until there are enough
        names, which = np.unique(sample.groups, return_inverse=True)
        order = rng.permutation(len(names))
        sizes = np.bincount(which)[order]
        inside = np.isin(which, order[np.cumsum(sizes) - sizes < n_samples])
        return sample[inside][:n_samples], sample[~inside]
    if sample.starts is None:
        order = rng.permutation(n)
        return sample[order[:n_samples]], sample[order[n_samples:]]
    order = np.argsort(sample.starts, kind="stable")
    length = sample.values.shape[1]
    # windows that overlap one, on either side
    window = max(1, length // typical_step(sample.starts))
    n_stretches = max(1, min(n_samples, (n - n_samples) // (4 * window)))
    stretch = -(-n_samples // n_stretches)
    offset = rng.random() * max(0.0, n / n_stretches - stretch)
    firsts = (np.arange(n_stretches) * n / n_stretches + offset).astype(int)
    chosen = (firsts[:, None] + np.arange(stretch)).ravel()
    chosen = order[np.unique(chosen[chosen < n])]
    gaps = nearest_gap(sample.starts, np.sort(sample.starts[chosen]))
    return sample[chosen], sample[np.flatnonzero(gaps >= length)]
