"""Fidelity, utility, privacy: a verdict each, with its number, its floor and what it means.

Each is read from one metric, the strongest of its aspect that was computed; the others of the
aspect are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sklearn_timegen.evaluation._reading import COPIES, UNDECIDED, WORSE, passes, read
from sklearn_timegen.metrics import Metric

__all__ = ["Verdict", "verdicts_of"]

Folds = Mapping[str, dict[str, list[float]]]
# The first of these that there is speaks for its aspect.
SPEAKERS = {
    "fidelity": (
        "discriminative_score_panel",
        "discriminative_score_boosting",
        "discriminative_score",
    ),
    "utility": ("global_utility", "tstr_score"),
    "privacy": ("near_copy_fraction", "nearest_record_ratio", "membership_inference_auc"),
}
QUESTIONS = {
    "fidelity": "Do they look like real series?",
    "utility": "Are they as useful as real series?",
    "privacy": "Do they repeat the training series?",
}
# How far the rate at which judges are right may be above that for real series.
HARDLY, PARTLY = 0.05, 0.2


@dataclass(frozen=True)
class Verdict:
    """An answer in plain words.

    Parameters
    ----------
    aspect : str
        ``"fidelity"``, ``"utility"`` or ``"privacy"``.
    question : str
        What is asked.
    answer : str
        The verdict.
    kind : {"like", "worse", "open"}
        Whether something was found against the series.
    figure, floor : str
        The number, and that of real series in their place.
    meaning : str
        What the number is, in a sentence.
    """

    aspect: str
    question: str
    answer: str
    kind: str
    figure: str = ""
    floor: str = ""
    meaning: str = ""


def verdicts_of(metrics: list[Metric], folds: Folds) -> list[Verdict]:
    """Return the three verdicts; of an aspect that nothing was computed of, that it was not."""
    return [_verdict(aspect, metrics, folds) for aspect in SPEAKERS]


def _verdict(aspect: str, metrics: list[Metric], folds: Folds) -> Verdict:
    question = QUESTIONS[aspect]
    own = {metric.name: metric for metric in metrics if metric.aspect == aspect}
    if not own:
        meaning = f"None of the metrics that were asked for is about {aspect}."
        return Verdict(aspect, question, "not asked", "open", meaning=meaning)
    readings = {name: read(metric, folds[name]) for name, metric in own.items()}
    name = next((name for name in SPEAKERS[aspect] if name in own), None)
    if name is None:
        return _by_count(aspect, readings)
    score, floor = (float(np.mean(folds[name][kind])) for kind in ("score", "floor"))
    speech = SPEECHES[name]
    answer, meaning = speech.answer(readings[name], score, floor), speech.meaning
    kind = _kind(readings[name])
    others = {other: reading for other, reading in readings.items() if other != name}
    against = [other for other, reading in others.items() if reading in (WORSE, COPIES)]
    if against and kind == "like":
        answer, kind = f"{answer}, but not by all measures", "open"
    if others:
        found = f"found by {', '.join(against)}" if against else "found by none of them"
        meaning += f" Other measures of {aspect}: {len(others)}; something against the series is "
        meaning += f"{found}."
    figure, of_real = speech.figure(score), speech.figure(floor)
    return Verdict(aspect, question, answer, kind, figure, of_real, meaning)


def _kind(reading: str) -> str:
    return "like" if passes(reading) else "open" if reading == UNDECIDED else "worse"


def _by_count(aspect: str, readings: dict[str, str]) -> Verdict:
    """Count the measures that find nothing, where none of them speaks for all."""
    n_passed = sum(map(passes, readings.values()))
    kinds = [_kind(reading) for reading in readings.values()]
    kind = next((kind for kind in ("worse", "open") if kind in kinds), "like")
    answer = {"like": "nothing found", "open": "undecided", "worse": "something found"}[kind]
    return Verdict(
        aspect,
        QUESTIONS[aspect],
        answer,
        kind,
        f"{n_passed} of {len(readings)}",
        "",
        f"Measures that find nothing against the series, of {', '.join(readings)}.",
    )


def _by_judge(reading: str, score: float, floor: float) -> str:
    excess = score - floor
    if passes(reading):
        return "like real"
    if reading == UNDECIDED:
        return "undecided"
    if excess < HARDLY:
        return "hardly told from real"
    return "partly told from real" if excess < PARTLY else "easily told from real"


def _by_tstr(reading: str, score: float, floor: float) -> str:
    if floor <= 0.05 and passes(reading):
        return "cannot be told: real series do not let it be predicted either"
    return _useful(reading, score, floor)


def _useful(reading: str, score: float, floor: float) -> str:
    return {WORSE: "less useful than real", UNDECIDED: "undecided"}.get(
        reading, "as useful as real"
    )


def _private(reading: str, score: float, floor: float) -> str:
    return {COPIES: "copies", WORSE: "nearer than real series are", UNDECIDED: "undecided"}.get(
        reading, "no copies found"
    )


def _accuracy(score: float) -> str:
    return f"{0.5 + score:.0%}"


@dataclass(frozen=True)
class Speech:
    """What a metric says: an answer, figures, and what they are."""

    answer: Callable[[str, float, float], str]
    figure: Callable[[float], str]
    meaning: str


JUDGE = Speech(
    _by_judge,
    _accuracy,
    "How often a judge is right that was trained to tell synthetic from real series, on series "
    "that it has not seen. Guessing is right in 50%.",
)
PANEL_OF_JUDGES = Speech(
    _by_judge,
    _accuracy,
    "How often the best of four judges is right that were trained to tell synthetic from real "
    "series, each by other features, on series that it has not seen. Guessing is right in 50%, "
    "the best of four by chance in somewhat more, as beside real series.",
)
SPEECHES = {
    "discriminative_score_panel": PANEL_OF_JUDGES,
    "discriminative_score_boosting": JUDGE,
    "discriminative_score": JUDGE,
    "global_utility": Speech(
        _useful,
        "{:.0%}".format,
        "How well each column is predicted from the others by models trained on synthetic and "
        "tested on real series, as a fraction of how well models trained on real ones do.",
    ),
    "tstr_score": Speech(
        _by_tstr,
        "{:.2f}".format,
        "How well a model predicts real series (the class, or the end from the beginning; 1 is "
        "perfect) that was trained on synthetic ones.",
    ),
    "near_copy_fraction": Speech(
        _private,
        "{:.0%}".format,
        "How many series lie nearer to a training series than all but 5% of real ones do that "
        "were not trained on. By chance 5% do. It finds copies, and no other leak: "
        "privacy_report attacks the generator itself.",
    ),
    "nearest_record_ratio": Speech(
        _private,
        "{:.2f}".format,
        "Distance to the nearest training series, divided by that of real series that were not "
        "trained on. Copies have 0. It finds copies, and no other leak: privacy_report attacks "
        "the generator itself.",
    ),
    "membership_inference_auc": Speech(
        _private,
        "{:.0%}".format,
        "How often a simple attack tells which of two series was trained on. Guessing is right "
        "in 50%. It goes by distances and finds copies; the attacks of privacy_report find more.",
    ),
}
