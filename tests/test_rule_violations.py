"""Rules of real series, broken by synthetic ones: counted, tabled, reported, printed."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import (
    EvaluationReport,
    PCAMixture,
    compare_generators,
    evaluate_generator,
    evaluate_samples,
)
from sklearn_timegen.__main__ import main
from sklearn_timegen.metrics import (
    METRICS,
    Metric,
    make_generation_scorer,
    resolve_metrics,
    rule_violations,
    violations_by_rule,
)
from sklearn_timegen.rules import Bounds, Order, RuleList, Structure, find_rules

from .global_seed import GLOBAL_RANDOM_SEED as SEED
from .test_report import Page
from .test_rules import FREE, MADE

OURS = ["mmd", "rule_violations"]


def real_series(name):
    return MADE[name]()


def swapped(x):
    """Prices of which lows are above highs at one timestep of every third series."""
    out = x.copy()
    out[::3, 4, 2] = 1.5 * x[::3, 4, 1]
    return out


def lowered(x):
    """Rain that is negative in a tenth of the cells."""
    return np.where(np.random.default_rng(SEED).random(x.shape) < 0.1, -1.0, x)


def halved(x):
    """Flags that are neither on nor off at two timesteps of each series."""
    out = x.copy()
    out[:, 3:5] = 0.5
    return out


FAULTS = [
    ("prices", swapped, 1 / (3 * 24), 1 / 3),
    ("rain", lowered, None, None),
    ("flags", halved, 2 / 24, 1.0),
]


# -- the metric -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "broken", "timesteps", "series"), FAULTS)
def test_faults_are_counted(name, broken, timesteps, series):
    x = real_series(name)
    synthetic = broken(x)
    if timesteps is None:
        timesteps, series = (synthetic < 0).mean(), (synthetic < 0).any(axis=(1, 2)).mean()
    assert rule_violations(x, synthetic) == pytest.approx(timesteps)
    table = violations_by_rule(x, synthetic)
    worst = table.loc[table["timesteps"].idxmax()]
    assert worst["timesteps"] == pytest.approx(timesteps)
    assert worst["series"] == pytest.approx(series)
    assert "none broken" in worst["evidence"]


@pytest.mark.parametrize("name", MADE)
def test_copies_break_nothing(name):
    x = real_series(name)
    copies = x[np.random.default_rng(SEED).integers(len(x), size=100)]
    assert rule_violations(x, copies.astype(np.float32)) == 0
    assert rule_violations(x.astype(np.float32), copies) == 0


@pytest.mark.parametrize(
    "name",
    [
        name if name in {"prices", "rain"} else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in MADE
    ],
)
def test_floors_and_copies_of_evaluations_break_nothing(name):
    x = real_series(name)
    table = evaluate_samples(x[::2], x[1::2], metrics="rule_violations", n_splits=2)
    assert table.loc["rule_violations", ["floor", "copies"]].tolist() == [0, 0]


@pytest.mark.parametrize("name", ["noise", "walks", "autoregression"])
def test_where_there_is_no_rule_nothing_is_broken(name):
    x = FREE[name]()
    assert rule_violations(x, x[::-1] + 7.3) == 0
    assert violations_by_rule(x, x).empty


@pytest.mark.parametrize("name", ["prices", "rain", "flags", "meters", "states"])
def test_what_generators_keep_the_metric_finds_kept(name):
    x = real_series(name)
    assert rule_violations(x, PCAMixture(random_state=SEED).fit(x).sample(200)) == 0
    anonymous = PCAMixture(rules=None, postprocess=None, random_state=SEED).fit(x)
    assert rule_violations(x, anonymous.sample(200)) > 0.02


def test_a_fault_is_put_down_to_the_rule_that_it_breaks():
    rain = real_series("rain").round(1)
    high = rain + np.random.default_rng(SEED).exponential(size=rain.shape).round(1)
    x = np.concatenate([rain, high], axis=2)
    off = x + 0.05
    broken = violations_by_rule(x, off)["timesteps"]
    steps = [rule for rule in broken.index if "in steps of 0.1" in rule]
    assert len(steps) == 2
    assert (broken[steps] > 0.9).all()
    assert broken.drop(steps).max() < 0.05


def test_given_rules():
    x = np.random.default_rng(SEED).normal(size=(60, 8, 2)) + np.array([0, 9])
    assert rule_violations(x, x[:, :, ::-1]) == 0  # far apart: no news, until it is said
    assert rule_violations(x, x[:, :, ::-1], rules=[Order(0, 1)]) == 1
    with pytest.raises(ValueError, match="'channel 1 <= channel 0' is broken at 480 timesteps"):
        rule_violations(x, x, rules=[Order(1, 0)])
    fitted = PCAMixture(rules=[Order(0, 1)], random_state=SEED).fit(x)
    assert rule_violations(x, x[:, :, ::-1], rules=fitted.rules_) == 1
    named = find_rules(real_series("prices"), names=["open", "high", "low", "close"])
    table = violations_by_rule(real_series("prices"), real_series("prices"), rules=named)
    assert list(table.index) == ["low <= close, open <= high"]
    with pytest.raises(ValueError, match="rules must be 'auto'"):
        rule_violations(x, x, rules="orders")


def test_a_list_of_rules_that_cannot_be_checked_says_so():
    prices = real_series("prices")
    rules = find_rules(prices)
    rule, broken = rules.violations(swapped(prices))[0]
    assert rule is rules[0]
    assert broken.sum() == 100
    with pytest.raises(ValueError, match="cannot be checked: there is no channel 2, channel 3"):
        rules.violations(prices[:, :, :2])
    with pytest.raises(ValueError, match="there is no low, high in these series"):
        RuleList([Order("low", "high")]).violations(prices)


def test_structures_report_what_is_counted():
    prices = real_series("prices").astype(np.float32)
    structure = Structure()
    structure.fit_transform(prices)
    with pytest.warns(UserWarning, match="at 100 timesteps of 100 series, first at series 0"):
        structure.transform(swapped(prices))


# -- evaluations ------------------------------------------------------------------------------


def test_it_is_in_the_quick_set_and_the_default():
    for metrics in ("quick", "default"):
        assert "rule_violations" in {metric.name for metric in resolve_metrics(metrics)}
    assert METRICS["rule_violations"].goodness(0.2) == -0.2


def test_evaluations_compare_with_all_real_series():
    x = real_series("rain")[:120]
    free = PCAMixture(rules=None, random_state=SEED)
    table = evaluate_generator(free, x, cv=3, metrics=OURS)
    row = table.loc["rule_violations"]
    assert row["score"] > 0.1
    assert row["floor"] == row["copies"] == 0
    table = compare_generators({"free": free, "kept": PCAMixture()}, x, cv=3, metrics=OURS)
    assert list(table.loc["rule_violations"].index) == ["kept", "free"]
    assert table.loc[("rule_violations", "kept"), "score"] == 0
    table = evaluate_samples(x[:60], lowered(x[60:]), X_train=x[60:], metrics=OURS, n_splits=3)
    assert table.loc["rule_violations", "score"] > 0.05
    assert table.loc["rule_violations", ["floor", "copies"]].tolist() == [0, 0]


def test_rules_that_a_metric_brings_stay_its_own():
    x = real_series("levels")[:60]
    mine = Metric(partial(rule_violations, rules=[Bounds(0, low=-1e6, high=1e6)]), name="mine")
    table = evaluate_samples(x[:30], x[30:] + 1e7, metrics=[mine], n_splits=2)
    assert table.loc["mine", "score"] == 1


def test_it_scores_searches():
    x = real_series("flags")[:80]
    scorer = make_generation_scorer("rule_violations")
    assert scorer(PCAMixture(random_state=SEED).fit(x), x) == 0
    assert scorer(PCAMixture(rules=None, postprocess=None, random_state=SEED).fit(x), x) < -0.2


# -- the report, and the command line ---------------------------------------------------------


def test_reports_have_a_table_of_rules(tmp_path):
    pytest.importorskip("matplotlib")
    x = real_series("rain")[:80]
    path = tmp_path / "report.html"
    free = PCAMixture(rules=None, random_state=SEED)
    report = EvaluationReport.from_estimator(free, x, cv=2, metrics=OURS)
    page = Page(report.to_html(path).read_text())
    assert page.counts["table"] == 3  # rules, metrics, figures
    share = report.rules["generator"]["timesteps"].iloc[0]
    assert f"{share:.2%}" in page.words
    assert "channel 0 >= 0" in page.text
    assert "none broken" in page.text
    report = EvaluationReport.from_comparison([free, PCAMixture()], x, cv=2, metrics=OURS)
    page = Page(report.to_html(path).read_text())
    assert page.counts["table"] == 5  # verdicts, rules, columns, ranks, figures
    assert page.words.count("0.00%") == 1
    assert "PCAMixture 2" in page.words
    report = EvaluationReport.from_samples(
        x[:40], x[40:], names=["rain"], metrics=OURS, n_splits=2
    )
    assert "rain >= 0" in Page(report.to_html(path).read_text()).text
    noise = FREE["noise"]()
    report = EvaluationReport.from_samples(noise[:40], noise[40:80], metrics=OURS, n_splits=2)
    assert "None was found" in Page(report.to_html(path).read_text()).text


def write(path, x, names):
    table = pd.DataFrame(x.reshape(-1, x.shape[2]), columns=names)
    table.insert(0, "sample", np.repeat(np.arange(len(x)), x.shape[1]))
    table.insert(1, "timestep", np.tile(np.arange(x.shape[1]), len(x)))
    table.to_csv(path, index=False)


def test_the_command_line_prints_rules(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = ["open", "high", "low", "close"]
    prices = real_series("prices")
    write("real.csv", prices, names)
    assert main(["rules", "real.csv"]) == 0
    shown = capsys.readouterr().out
    assert "300 by sample, of 24 timesteps" in shown
    assert "low <= close, open <= high: 7,200 cells, none broken" in shown
    pd.DataFrame(prices.reshape(-1, 4), columns=names).to_csv("long.csv", index=False)
    assert main(["rules", "long.csv"]) == 0
    shown = capsys.readouterr().out
    assert "one, of 7200 timesteps" in shown
    assert "low <= close, open <= high" in shown
    np.save("noise.npy", FREE["noise"]())
    assert main(["rules", "noise.npy"]) == 0
    assert "no rules" in capsys.readouterr().out
    assert main(["rules", "none.csv"]) == 1
    assert "there is no file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["rules", "--help"])
    assert "--time" in capsys.readouterr().out


def test_files_of_others_are_judged_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = ["open", "high", "low", "close"]
    prices = real_series("prices")
    write("real.csv", prices[:150], names)
    write("new.csv", swapped(prices[150:])[:, :, ::-1], names[::-1])
    asked = ["evaluate", "real.csv", "new.csv", "--splits", "2", "--metrics", *OURS]
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert "Rules that all real series keep, and new breaks:" in shown
    assert "low <= close, open <= high: at 1.39% of timesteps, in 33.3% of series" in shown
