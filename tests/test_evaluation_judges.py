"""The panel of judges in evaluations: what is trained, what is told, and what is left out."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from sklearn_timegen import EvaluationReport, compare_samples, evaluate_generator, evaluate_samples
from sklearn_timegen.classical import PCAMixture
from sklearn_timegen.evaluation._judges import judges_in_words, judges_table_rows
from sklearn_timegen.evaluation._progress import by_measures
from sklearn_timegen.metrics import Metric, convolutional, panel_judges, resolve_metrics

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 120, 6
JUDGES = ["boosting", "boosting of channels", "CNN", "simple"]
PANEL, BOOSTING = "discriminative_score_panel", "discriminative_score_boosting"


@pytest.fixture(autouse=True)
def boosted(monkeypatch):
    """Quick judges; the list grows by one as each model of boosting is made."""
    made = []

    def few_trees(**params):
        made.append(params)
        return HistGradientBoostingClassifier(max_iter=20, **params)

    monkeypatch.setattr(convolutional, "N_EPOCHS", 2)
    monkeypatch.setattr(panel_judges, "HistGradientBoostingClassifier", few_trees)
    return made


def low_and_high(n, seed):
    low = np.random.default_rng(seed).normal(size=(n, T)).cumsum(axis=1)
    gap = np.exp(np.random.default_rng(seed + 100).normal(-2, 1, size=low.shape))
    return np.stack([low, low + gap], axis=2)


def contradicting(n, seed):
    """Lows that are above their highs at a third of the timesteps."""
    x = low_and_high(n, seed)
    swapped = np.random.default_rng(seed).random((n, T)) < 0.3
    x[swapped] = x[swapped][:, ::-1]
    return x


def evaluated(metrics, **params):
    real, synthetic = low_and_high(2 * N, SEED), contradicting(N, SEED + 1)
    params = {"n_splits": 2, "verbose": 0, "random_state": SEED} | params
    return evaluate_samples(real, synthetic, metrics=metrics, **params)


def test_the_panel_is_the_strong_judge_of_the_default_set_and_quick_has_one_of_it():
    named = {kind: [m.name for m in resolve_metrics(kind)] for kind in ("default", "quick")}
    # The row of its first judge costs nothing beside it, and makes tables of both sets comparable.
    assert [name for name in named["default"] if "discriminative" in name] == [PANEL, BOOSTING]
    assert [name for name in named["quick"] if "discriminative" in name] == [BOOSTING]


@pytest.mark.parametrize(
    "metrics",
    [
        [PANEL, BOOSTING],
        pytest.param([BOOSTING, PANEL], marks=pytest.mark.exhaustive),
    ],
)
def test_each_judge_is_trained_once_for_both_metrics(boosted, metrics):
    table = evaluated(metrics)
    n_judged = 2 * 3 * 3  # halves, what they are compared with, folds
    assert len(boosted) == 2 * n_judged
    assert table.loc[BOOSTING, "score"] == table.attrs["judges"]["boosting"]["score"]
    boosted.clear()
    alone = evaluated([BOOSTING])
    assert len(boosted) == n_judged
    assert alone.loc[BOOSTING, "score"] == table.loc[BOOSTING, "score"]
    assert alone.attrs["judges"] == {}


def test_what_judges_saw_is_told_in_words():
    table = evaluated([PANEL])
    judges = table.attrs["judges"]
    assert list(judges) == list(JUDGES)
    relations = judges["boosting of channels"]
    assert relations["saw"] == "differences of channel 0 and channel 1"
    assert relations["auc"] > 0.8
    assert relations["n_certain"] < N
    assert relations["floor"] < 0.2
    assert table.loc[PANEL, "score"] >= max(judge["score"] for judge in judges.values())


@pytest.mark.exhaustive
def test_of_what_is_like_nothing_is_seen():
    real, synthetic = low_and_high(2 * N, SEED), low_and_high(N, SEED + 1)
    table = evaluate_samples(real, synthetic, metrics=[PANEL], n_splits=2, verbose=0)
    seen = [judge["saw"] for judge in table.attrs["judges"].values()]
    assert (
        "nothing that it is sure of" in seen
    )  # four judges on one half: one of them may be misled


def test_reports_show_the_judges_of_one_and_of_several(tmp_path):
    pytest.importorskip("matplotlib")
    real, synthetic = low_and_high(2 * N, SEED), contradicting(N, SEED + 1)

    def page(given, metrics):
        report = EvaluationReport.from_samples(real, given, metrics=metrics, n_splits=2, verbose=0)
        return report, report.to_html(tmp_path / "report.html").read_text()

    report, one = page(synthetic, [PANEL])
    assert "What the judges of the panel saw" in one
    assert "differences of channel 0 and channel 1" in one
    assert "Of the panel, " in repr(report)
    _, without = page(synthetic, ["mmd"])
    assert "What the judges of the panel saw" not in without


@pytest.mark.exhaustive
def test_reports_show_the_judges_of_each_that_is_compared(tmp_path):
    pytest.importorskip("matplotlib")
    samples = {"theirs": contradicting(N, SEED + 1), "ours": low_and_high(N, SEED + 2)}
    report = EvaluationReport.from_samples(
        low_and_high(2 * N, SEED), samples, metrics=[PANEL], n_splits=2, verbose=0
    )
    page = report.to_html(tmp_path / "report.html").read_text()
    assert "theirs: boosting of channels" in page
    assert "ours: boosting of channels" in page


@pytest.mark.exhaustive
def test_comparisons_and_generators_have_them_too():
    real = low_and_high(2 * N, SEED)
    both = {"theirs": contradicting(N, SEED + 1), "ours": low_and_high(N, SEED + 2)}
    table = compare_samples(both, real, metrics=[PANEL], n_splits=2, verbose=0)
    theirs, ours = (table.attrs["judges"][name] for name in both)
    assert theirs["boosting of channels"]["auc"] > ours["boosting of channels"]["auc"]
    table = evaluate_generator(PCAMixture(), real, cv=2, metrics=[PANEL], verbose=0)
    assert set(table.attrs["judges"]) == set(JUDGES)


def test_it_is_not_said_of_all_judges_what_one_of_them_saw():
    nothing = "nothing that it is sure of"

    def said(auc, saw):
        return {"auc": auc, "saw": saw, "n_certain": 80.0}

    assert judges_in_words({"CNN": said(0.7, "values of x"), "simple": said(0.6, nothing)}) == (
        "Of the panel, a CNN sees most, by values of x: 80 series of each kind make it sure "
        "(p < 0.01)."
    )
    assert judges_in_words({"CNN": said(0.6, "values of x"), "boosting": said(0.7, nothing)}) == (
        "Of the panel, boosting sees most: 80 series of each kind make it sure (p < 0.01)."
    )
    assert judges_in_words({"CNN": said(0.6, nothing), "simple": said(0.7, nothing)}) == (
        "No judge of the panel relies on anything that it is sure of."
    )


def test_where_no_number_of_series_is_enough_it_is_said():
    judges = {
        "CNN": {
            "score": 0.1,
            "auc": 0.5,
            "floor": 0.1,
            "n_certain": np.inf,
            "saw": "values of x",
        }
    }
    assert "by values of x: no number of series of each kind make it sure" in (
        judges_in_words(judges)
    )
    assert judges_table_rows(judges)[0]["series to be sure"] == "no number"


def test_the_panel_is_known_by_what_it_does():
    assert by_measures(resolve_metrics({"judges": PANEL})) == (
        "by 1 measure, a panel of judges among them"
    )
    other = Metric(resolve_metrics("mmd")[0].function, name=PANEL)
    assert by_measures([other]) == "by 1 measure"


def test_large_samples_are_cut_and_it_is_said(capsys):
    sizes = set()

    def size(X_real, X_synthetic):
        sizes.add((len(X_real), len(X_synthetic)))
        return 0.0

    evaluated([size], max_samples=50, verbose=1)
    assert sizes == {(50, 50)}
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "evaluation: reading series"
    assert said[2] == (
        "evaluation: 2 halvings of 240 real series, by 1 measure; compared each time are 50 of "
        "each kind, drawn at random: max_samples= asks for more"
    )
    evaluated([size], max_samples=N, verbose=1)
    assert "max_samples" not in capsys.readouterr().err
    with pytest.raises(ValueError, match="max_samples must be an integer of at least 2, got 1"):
        evaluated([size], max_samples=1)
