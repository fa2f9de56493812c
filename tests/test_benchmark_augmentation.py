from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sktime")

from benchmarks.augmentation import classification, controls, data, forecasting, report
from benchmarks.augmentation.__main__ import TASKS, run_task
from benchmarks.augmentation.data import Labelled, Series
from benchmarks.augmentation.task import Case
from sklearn_timegen import TimeVAE
from sklearn_timegen.datasets import make_labelled_sines
from sklearn_timegen.forecasting import augmented

from .global_seed import GLOBAL_RANDOM_SEED as SEED

pytestmark = pytest.mark.filterwarnings("ignore")  # sktime's, and what "auto" has to say

MARKER = 1e4  # among values of about 10
# What is fitted or draws, and the method that sees the data.
WATCHED = {
    **{type(made): "fit" for made in controls.GENERATORS.values()},
    controls.Repeat: "fit",
    controls.SeriesBootstrap: "_transform",
    controls.MovingBlockBootstrapTransformer: "_transform",
    controls.STLBootstrapTransformer: "_transform",
}


def make_series(n=30):
    noise = np.random.default_rng(SEED).standard_normal(n)
    return Series(10 + np.sin(np.pi * np.arange(n) / 2) + 0.3 * noise, sp=4, n_folds=1)


def marked(series, start, stop=None):
    values = series.values.copy()
    values[start:stop] = MARKER
    return replace(series, values=values)


def make_labelled():
    X, y = make_labelled_sines(80, 24, random_state=SEED)
    X = 10 + X[:, :, None]
    return Labelled(X[:40], y[:40], X[40:], y[40:])


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setitem(controls.GENERATORS, "TimeVAE", TimeVAE(max_epochs=1))
    monkeypatch.setattr(augmented, "AMOUNTS", (0, 1))
    monkeypatch.setattr(forecasting, "N_BAGGED", 2)
    monkeypatch.setattr(forecasting, "N_VERSIONS", 1)
    monkeypatch.setitem(data.HORIZONS, 4, 3)
    monkeypatch.setitem(data.WINDOWS, 4, 4)


@pytest.fixture
def seen(monkeypatch):
    """All that any generator or bootstrap is shown."""
    arrays = []

    def watch(cls, method):
        original = getattr(cls, method)

        def recording(self, X, *args, **kwargs):
            arrays.append(np.array(X, dtype=np.float64))
            return original(self, X, *args, **kwargs)

        monkeypatch.setattr(cls, method, recording)

    for cls, method in WATCHED.items():
        watch(cls, method)
    return arrays


def bagged(series, arm):
    return forecasting.bagged(series, "Theta", 1.0, arm, 0)


def reduced(series, arm):
    return forecasting.reduced(series, "ridge", 1.0, arm, 0)


def pooled(series, arm):
    short = series.values[-22:]  # enough for two periods of the past, for "auto"
    panel = {"one": replace(series, values=short), "other": replace(series, values=2 * short)}
    return forecasting.pooled(panel, "ridge", 1.0, arm, 0)["one"]


FORECASTS = [
    *((bagged, arm) for arm in forecasting.BAGGING_ARMS),
    *((reduced, arm) for arm in forecasting.REDUCTION_ARMS),
    *((pooled, arm) for arm in forecasting.GLOBAL_ARMS),
]


def fits_something(run, arm):
    return arm != "none" and (run, arm) not in [(reduced, "repeat"), (reduced, "jitter")]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("run", "arm"), FORECASTS, ids=lambda v: getattr(v, "__name__", v))
def test_no_generator_sees_the_future(run, arm, seen):
    series = make_series()
    error = run(series, arm)
    before = list(seen)
    seen.clear()
    assert run(marked(series, -series.horizon), arm) > 100 * error  # it was forecast
    assert bool(before) == fits_something(run, arm)
    assert len(seen) == len(before)
    for now, then in zip(seen, before, strict=True):
        np.testing.assert_array_equal(now, then)
        assert np.abs(now).max() < MARKER / 100


@pytest.mark.parametrize("arm", ["MBB", "PCAMixture"])
@pytest.mark.parametrize("run", [bagged, reduced, pooled])
def test_a_marker_in_the_past_is_found(run, arm, seen):
    series = make_series()
    run(series, arm)
    before = list(seen)
    seen.clear()
    run(marked(series, 20, 22), arm)
    assert not any(map(np.array_equal, seen, before))


@pytest.mark.exhaustive
@pytest.mark.parametrize("arm", classification.ARMS)
def test_no_generator_sees_the_test_part(arm, seen):
    labelled = make_labelled()
    classification.classified(labelled, "boosting", 1.0, arm, 0)
    before = list(seen)
    seen.clear()
    planted = replace(labelled, X_test=np.full_like(labelled.X_test, MARKER))
    classification.classified(planted, "boosting", 1.0, arm, 0)
    assert bool(before) == (arm != "none")
    for now, then in zip(seen, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_all_arms_are_in_each_task():
    generated = {"PCAMixture", "TimeVAE", "BlockBootstrap"}
    blocks = {"MBB", "STL"}
    expected = {
        "bagging": {
            *("none", "jitter"),
            *blocks,
            *generated,
            *(f"{name}, free end" for name in generated),
        },
        "reduction": {"none", "repeat", "jitter", "auto", *blocks, *generated},
        "global": {"none", "repeat", "jitter", "auto", *blocks, *generated},
        "classification": {
            *("none", "repeat", "jitter", "auto", "NeighbourInterpolation"),
            *generated,
        },
    }
    seasonal = {"global": "hourly", "classification": "BasicMotions"}
    found = {
        name: set(task.arms(Case(seasonal.get(name, "airline"), "ridge", 1.0)))
        for name, task in TASKS.items()
        if name != "global"
    }
    found["global"] = set(forecasting.GLOBAL_ARMS)
    assert found == expected


@pytest.mark.parametrize("name", ["bagging", "reduction"])
def test_cases_are_complete(name, monkeypatch):
    monkeypatch.setattr(forecasting, "is_there", lambda one: not one.startswith("energy"))
    cases = TASKS[name].cases(False)
    assert len(set(cases)) == len(cases)
    assert {case.fraction for case in cases} == {0.1, 0.3, 1.0}
    assert {"airline", "lynx", "shampoo", "sunspots"} <= {case.data for case in cases}
    assert len({case.learner for case in cases}) == 2
    # Three seasons of 120 months are more than 10%, and nearly 30% of them.
    assert [case.fraction for case in cases if case.data == "airline"][::2] == [0.1, 1.0]


def test_small_classes_keep_a_fifth():
    X, y = make_labelled_sines(400, 24, random_state=SEED)
    labelled = Labelled(X[:, :, None], y, X[:, :, None], y)
    for fraction, counts in {1.0: [40, 200], 0.3: [12, 60], 0.1: [4, 20]}.items():
        labels = labelled.few(fraction, 0)[1]
        assert sorted(np.unique(labels, return_counts=True)[1]) == counts


@pytest.mark.parametrize("name", list(TASKS))
def test_a_case_runs_is_kept_and_reported(name, tmp_path, monkeypatch):
    monkeypatch.setattr(forecasting, "load", lambda _: make_series())
    monkeypatch.setattr(forecasting, "is_there", lambda _: True)
    monkeypatch.setattr(classification, "load_set", lambda name, seed: make_labelled())
    learner = {"bagging": "Theta", "classification": "boosting"}.get(name, "ridge")
    group = "monthly" if name == "global" else "airline"
    task = replace(TASKS[name], arms=lambda case: ["none", "jitter", "PCAMixture"])
    cases = [Case(group, learner, 0.1)]
    assert len(list(run_task(task, cases, tmp_path))) == 3
    kept = (tmp_path / f"{name}.json").read_text()
    list(run_task(task, cases, tmp_path))  # all of it is there
    assert (tmp_path / f"{name}.json").read_text() == kept
    text = report.as_markdown(tmp_path, "a test")
    assert f"## {name.capitalize()}" in text
    assert "| 10% | PCAMixture | " in text


def rows_of(ratios, arm="auto", fraction="100%"):
    return [
        report.Row("task", f"d{i}", ("task", f"d{i}"), fraction, arm, ratio, 1.0)
        for i, ratio in enumerate(ratios)
    ]


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([1.0, 1.0, 0.9, 1.02], ": within"),
        ([1.01, 1.01, 0.5, 1.0], "NOT within"),  # half of them worse
        ([1.0, 1.0, 1.0, 1.1], "NOT within"),  # 2.4% lost on average
    ],
)
def test_the_verdict_on_auto(ratios, verdict):
    assert all(verdict in line for line in report.say_auto(rows_of(ratios)))


def test_the_verdict_on_few_data():
    few = [
        *rows_of([1.0, 1.0, 1.0], "none", "10%"),
        *rows_of([0.8, 0.9, 0.7], "PCAMixture", "10%"),
        *rows_of([1.0, 1.1, 0.9], "repeat", "10%"),
        *rows_of([0.9, 1.0, 0.8], "MBB", "10%"),
    ]
    verdict = "On average better than repeat, MBB: {0}; with all intervals below 1: {0}."
    assert verdict.format("PCAMixture") in report.say_few(few, "task")
    worse = [row if row.arm != "MBB" else replace(row, ratio=0.1) for row in few]
    assert verdict.format("none") in report.say_few(worse, "task")
