"""What each judge of the panel said in an evaluation, and what it saw most, in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_timegen._random import derive_seed
from sklearn_timegen.metrics._trials import Trials
from sklearn_timegen.metrics.panel import certain
from sklearn_timegen.metrics.panel_judges import JUDGES

__all__ = ["Judges", "Said", "judges_in_words", "judges_table_rows", "said_by", "summarise_judges"]

NOTHING = "nothing that it is sure of"
# Of each judge by name: score, auc, floor, n_certain, saw.
Judges = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Said:
    """What one judge said of two samples.

    Parameters
    ----------
    score : float
        Distance of its accuracy from 1/2.
    auc : float
        Area under the ROC curve.
    saw : str
        What it relied on most; empty if nobody asked.
    """

    score: float
    auc: float
    saw: str = ""


def said_by(trials: Trials, *, clues: bool) -> dict[str, Said]:
    """Return what all judges said; with ``clues``, what they saw, too."""
    said = {}
    for name, trial in trials.all().items():
        saw = ""
        if clues and certain(trial.auc, 1) <= trials.n_series:
            saw = trial.saw_most(derive_seed(trials.seed, "clues"))
        said[name] = Said(trial.score, trial.auc, saw)
    return said


def summarise_judges(
    scores: Sequence[Mapping[str, Said]], floors: Sequence[Mapping[str, Said]]
) -> dict[str, dict[str, Any]]:
    """Return of each judge the means over the folds, and what it saw most.

    Empty if the panel was not asked. Plain numbers and words, as pandas compares attributes.
    """
    if not all((*scores, *floors)):
        return {}
    return {
        judge: {
            "score": float(np.mean([said[judge].score for said in scores])),
            "auc": (auc := float(np.mean([said[judge].auc for said in scores]))),
            "floor": float(np.mean([said[judge].score for said in floors])),
            "n_certain": certain(auc, len(JUDGES)),
            "saw": _most([said[judge].saw for said in scores]),
        }
        for judge in JUDGES
    }


def judges_in_words(judges: Judges) -> str:
    """Return a sentence on the judge of the highest AUC; empty if the panel was not asked."""
    if not judges:
        return ""
    if all(said["saw"] == NOTHING for said in judges.values()):
        return "No judge of the panel relies on anything that it is sure of."
    name, best = max(judges.items(), key=lambda item: item[1]["auc"])
    # Only on the first fold was it asked what it saw, and there it may not have been sure.
    by = "" if best["saw"] == NOTHING else f", by {best['saw']}"
    many = _number(best["n_certain"], "no number of")
    return (
        f"Of the panel, {_called(name)} sees most{by}: {many} series of each kind make it sure "
        "(p < 0.01)."
    )


def judges_table_rows(judges: Judges, label: str = "") -> list[dict[str, Any]]:
    """Return the rows of a report's table; those of one of several begin with its name."""
    return [
        {
            "judge": f"{label}: {_called(name)}" if label else _called(name),
            "is right": f"{0.5 + said['score']:.1%}",
            "of real series": f"{0.5 + said['floor']:.1%}",
            "AUC": f"{said['auc']:.3f}",
            "series to be sure": _number(said["n_certain"]),
            "saw most": said["saw"],
            "first": bool(label) and k == 0,
        }
        for k, (name, said) in enumerate(judges.items())
    ]


def _most(seen: Sequence[str]) -> str:
    """Return what was seen most often, the first of equals."""
    counts = Counter(filter(None, seen))
    return counts.most_common(1)[0][0] if counts else NOTHING


def _called(judge: str) -> str:
    return {"CNN": "a CNN", "simple": "logistic regression on summaries"}.get(judge, judge)


def _number(n: float, infinite: str = "no number") -> str:
    return f"{n:,.0f}" if math.isfinite(n) else infinite
