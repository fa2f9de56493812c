"""Verdicts in plain words, tables that print all of their columns, and progress in logs."""

import numpy as np
import pytest

from sklearn_timegen import EvaluationReport, PCAMixture, evaluate_generator
from sklearn_timegen.datasets import make_ar
from sklearn_timegen.evaluation import _progress
from sklearn_timegen.evaluation._progress import Progress
from sklearn_timegen.evaluation._verdicts import verdicts_of
from sklearn_timegen.metrics import METRICS, Metric

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def folds(score, floor, copies=0.0, noise=1e-3):
    wobble = noise * np.array([-1, 1, -1, 1, 0])
    return {"score": list(score + wobble), "floor": [floor] * 5, "copies": [copies] * 5}


def verdict(name, **values):
    aspect = METRICS[name].aspect
    found = verdicts_of([METRICS[name]], {name: folds(**values)})
    return next(one for one in found if one.aspect == aspect)


@pytest.mark.parametrize(
    ("name", "score", "floor", "copies", "answer", "kind"),
    [
        ("discriminative_score_boosting", 0.02, 0.02, 0.02, "like real", "like"),
        ("discriminative_score_boosting", 0.05, 0.02, 0.02, "hardly told from real", "worse"),
        ("discriminative_score_boosting", 0.15, 0.02, 0.02, "partly told from real", "worse"),
        ("discriminative_score_boosting", 0.45, 0.02, 0.02, "easily told from real", "worse"),
        ("tstr_score", 0.9, 0.9, 0.9, "as useful as real", "like"),
        ("tstr_score", 0.5, 0.9, 0.9, "less useful than real", "worse"),
        ("tstr_score", 0.0, 0.0, 0.0, "cannot be told", "like"),
        ("near_copy_fraction", 0.05, 0.05, 1.0, "no copies found", "like"),
        ("near_copy_fraction", 0.9, 0.05, 1.0, "copies", "worse"),
        ("nearest_record_ratio", 7.0, 1.0, 0.0, "no copies found", "like"),  # far is no fault
        ("nearest_record_ratio", 0.1, 1.0, 0.0, "copies", "worse"),
    ],
)
def test_verdicts(name, score, floor, copies, answer, kind):
    found = verdict(name, score=score, floor=floor, copies=copies)
    assert found.answer.startswith(answer)
    assert found.kind == kind


def test_a_verdict_tells_its_number_and_its_floor():
    found = verdict("discriminative_score_boosting", score=0.12, floor=0.01)
    assert (found.figure, found.floor) == ("62%", "51%")
    assert "Guessing is right in 50%" in found.meaning


def test_a_passed_judge_does_not_hide_the_others():
    metrics = [METRICS["discriminative_score_boosting"], METRICS["mmd"]]
    values = {metrics[0].name: folds(0.01, 0.01), "mmd": folds(0.5, 0.0)}
    fidelity, utility, privacy = verdicts_of(metrics, values)
    assert fidelity.kind == "open"
    assert "found by mmd" in fidelity.meaning
    assert utility.answer == privacy.answer == "not asked"


def test_metrics_of_ones_own_are_counted():
    own = [Metric(lambda a, b: 0.0, name="one"), Metric(lambda a, b: 0.0, name="two")]
    fidelity = verdicts_of(own, {"one": folds(0.0, 0.0), "two": folds(1.0, 0.0)})[0]
    assert (fidelity.figure, fidelity.kind) == ("1 of 2", "worse")


def test_the_page_names_columns_and_begins_with_verdicts(tmp_path):
    rng = np.random.default_rng(SEED)
    pytest.importorskip("matplotlib")
    import pandas as pd

    def table(n):
        part = pd.DataFrame({"shop": np.repeat(np.arange(n), 8), "day": np.tile(np.arange(8), n)})
        low = rng.normal(size=8 * n)
        return part.assign(**{"low $": low, "high $": low + rng.exponential(size=8 * n)})

    report = EvaluationReport.from_samples(
        table(40),
        {"ours": table(40), "theirs": table(40)},
        metrics=["mmd", "rule_violations", "near_copy_fraction"],
        n_splits=2,
        id_columns="shop",
        time_column="day",
    )
    page = report.to_html(tmp_path / "r.html").read_text()
    order = [
        "Verdicts",
        "low $ &lt;= high $",
        "Columns: mean",
        "Pictures",
        "cannot show",
        "Figures",
    ]
    places = [page.index(word) for word in order]
    assert places == sorted(places)
    assert "channel 0" not in page
    assert report._repr_html_().startswith("<iframe srcdoc=")
    assert all(list(picture.images) == ["ours", "theirs"] for picture in report.pictures)


def test_tables_print_scores_and_floors_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    X = make_ar(40, 6, random_state=SEED)
    table = evaluate_generator(PCAMixture(), X, cv=2, metrics=["mmd"])
    for part in (table, table.drop(columns="seconds"), table.round(3)):
        assert all(column in repr(part).split("\n")[0] for column in part.columns)


def test_scripts_and_logs_are_told_of_progress(monkeypatch, capsys):
    def told(verbose):
        progress = Progress("evaluation", verbose)
        progress.tell("reading series")
        with progress.begin(2, "2 folds"):
            progress.update("real series")
        return capsys.readouterr().err.splitlines()

    begun = ["evaluation: reading series", "evaluation: 2 folds"]
    assert told(1) == begun  # of what is quick
    monkeypatch.setattr(_progress, "SOON", 0.0)
    first, second, third = told(1)
    assert [first, second] == begun
    assert third.startswith("evaluation: 1 of 2 (real series), 0:00 gone")
    assert told(0) == []
