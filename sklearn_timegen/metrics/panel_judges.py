"""The four judges of the panel, and how one is cross-validated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_timegen._random import derive_seed, seed_estimator
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._features import (
    Family,
    as_rows,
    levels,
    levels_and_steps,
    relations,
    summaries,
)
from sklearn_timegen.metrics._folds import Fold
from sklearn_timegen.metrics._reading import Completion
from sklearn_timegen.metrics.convolutional import ConvolutionalJudge

__all__ = ["JUDGES", "Clue", "Trial", "try_judge"]

Features = Callable[[Array, Array, Sequence[str]], list[Family]]


def _boosting(n_series: int, n_channels: int) -> Any:
    """Gradient boosting of small trees on coarse bins.

    On 500 windows of stocks they tell samples apart as well as trees of 31 leaves on 255 bins that
    see every column at each split (AUC 0.72 and 0.60 for 0.72 and 0.58), in a sixth of the time.
    """
    return HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_leaf_nodes=8,
        max_bins=63,
        # Columns are many and much alike: a fifth of them at each split will do.
        max_features=0.2,
        # Leaves of 20, the default, would leave few series unsplit, and any sample perfect.
        min_samples_leaf=min(20, max(2, n_series // 10)),
    )


def _logistic(n_series: int, n_channels: int) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _convolutional(n_series: int, n_channels: int) -> Any:
    return ConvolutionalJudge(n_channels)


# name: (what it is shown, the untrained classifier)
JUDGES: dict[str, tuple[Features, Callable[[int, int], Any]]] = {
    "boosting": (levels_and_steps, _boosting),
    "boosting of channels": (relations, _boosting),
    "CNN": (levels, _convolutional),
    "simple": (summaries, _logistic),
}


class Clue(NamedTuple):
    """What a judge relied on.

    Parameters
    ----------
    feature : str
        The column that costs most alone if its values are permuted.
    kind : str
        In words, the columns of its kind, which are permuted together.
    kind_log_loss, log_loss : float
        The log loss that these permutations add: of the kind, and of the column.
    """

    feature: str
    kind: str
    kind_log_loss: float
    log_loss: float


@dataclass(frozen=True, eq=False)
class Trial:
    """A judge after cross-validation: what it was shown, its classifiers, what they said."""

    families: list[Family]  # of all series, the real ones first
    classifiers: list[Any]
    tested: list[NDArray[np.int64]]
    is_real: NDArray[np.bool_]
    shares: list[float]  # of real series among those that each classifier was trained on
    probability: Array  # of being real, from the classifier that was not trained on the series

    @property
    def score(self) -> float:
        """Distance of the accuracy from 1/2, with equal weight for both kinds."""
        right = (self.probability > 0.5) == self.is_real
        return abs(float(right[self.is_real].mean() + right[~self.is_real].mean()) / 2 - 0.5)

    @property
    def auc(self) -> float:
        """Area under the ROC curve, averaged over folds, whose scales differ."""
        areas = [roc_auc_score(self.is_real[test], self.probability[test]) for test in self.tested]
        return float(np.mean(areas))

    def clues(self, n: int, seed: int) -> list[Clue]:
        """Return the families whose permutation costs most, each by its best column."""
        X = as_rows(self.families)
        found = []
        for family, columns, loss in self._dearest(X, seed)[:n]:
            each = [self._loss_without(X, columns[[c]], seed) for c in range(len(columns))]
            best = int(np.argmax(each))
            found.append(Clue(family.column_name(best), family.kind, loss, each[best]))
        return found

    def saw_most(self, seed: int) -> str:
        """Return in words the kind of the first of these clues, without looking for its column."""
        return self._dearest(as_rows(self.families), seed)[0][0].kind

    def _dearest(self, X: Array, seed: int) -> list[tuple[Family, NDArray[np.int64], float]]:
        """Return families, their columns and what permuting these costs, the dearest first."""
        ends = np.cumsum([family.values.shape[1] for family in self.families])
        columns = np.split(np.arange(X.shape[1]), ends[:-1])
        losses = [self._loss_without(X, own, seed) for own in columns]
        return [(self.families[k], columns[k], losses[k]) for k in np.argsort(losses)[::-1]]

    def _loss_without(self, X: Array, columns: NDArray[np.int64], seed: int) -> float:
        """Log loss that is added if the columns belong to other series of the test fold."""
        rng = np.random.default_rng(seed)
        added = []
        folds = zip(self.classifiers, self.tested, self.shares, strict=True)
        for classifier, test, share in folds:
            shuffled = X[test]
            shuffled[:, columns] = X[rng.permutation(test)][:, columns]
            after = _probability(classifier, shuffled, share)
            added.append(
                self._log_loss(test, after) - self._log_loss(test, self.probability[test])
            )
        return float(np.mean(added))

    def _log_loss(self, test: NDArray[np.int64], probability: Array) -> float:
        right = np.where(self.is_real[test], probability, 1 - probability)
        return -float(np.log(right.clip(1e-15)).mean())


def try_judge(
    name: str,
    real: Array,
    synthetic: Array,
    folds: list[Fold],
    shown: Completion,
    names: Sequence[str],
    seed: int,
) -> Trial:
    """Cross-validate a judge of the panel."""
    show, make = JUDGES[name]
    both = np.concatenate([real, synthetic])
    # Summaries are of what was observed; other features take complete series.
    x = shown.beside(both) if show is summaries else shown(both)
    families = show(shown(real), x, names)
    X = as_rows(families)
    is_real = np.arange(len(X)) < len(real)
    probability = np.zeros(len(X))
    classifiers, tested, shares = [], [], []
    for k, fold in enumerate(folds):
        train, test = (
            np.concatenate([rows_r, rows_s + len(real)])
            for rows_r, rows_s in zip(fold.real, fold.synthetic, strict=True)
        )
        judge = seed_estimator(make(len(real), x.shape[2]), derive_seed(seed, f"{name} {k}"))
        with threadpool_limits(1):
            judge.fit(X[train], is_real[train])
        share = float(is_real[train].mean())
        probability[test] = _probability(judge, X[test], share)
        classifiers.append(judge)
        tested.append(test)
        shares.append(share)
    return Trial(families, classifiers, tested, is_real, shares, probability)


def _probability(classifier: Any, X: Array, share: float) -> Array:
    """Return how probable it is that series are real, if half of all were.

    Synthetic series follow the real ones that they are near to into a fold, so that there are not
    as many of both; a judge that was shown more of one kind would call most series so.
    """
    # Two threads gain little at this size, and cost a multiple on a busy machine.
    with threadpool_limits(1):
        p: Array = classifier.predict_proba(X)[:, 1]
    real, synthetic = p * (1 - share), (1 - p) * share
    probability: Array = real / (real + synthetic)
    return probability
