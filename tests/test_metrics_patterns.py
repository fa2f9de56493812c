"""Metrics, evaluations and reports of series with holes, ends and categories: known answers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

from sklearn_timegen import (
    EvaluationReport,
    PCAMixture,
    compare_generators,
    evaluate_generator,
    evaluate_samples,
)
from sklearn_timegen.data.samples import read_samples
from sklearn_timegen.metrics import (
    METRICS,
    autocorrelation_difference,
    category_difference,
    cross_correlation_difference,
    discriminative_score,
    judge_panel,
    kurtosis_difference,
    length_difference,
    make_generation_scorer,
    marginal_difference,
    missing_value_similarity,
    near_copy_fraction,
    nearest_record_ratio,
    resolve_metrics,
    rule_violations,
    violations_by_rule,
)
from sklearn_timegen.metrics._reading import Completion

from .global_seed import GLOBAL_RANDOM_SEED as SEED
from .test_holes import frames, walks, with_holes

SLOW = {"discriminative_score", "discriminative_score_panel", "predictive_score"}
QUICK = [name for name in METRICS if name not in SLOW]


def cut(x, seed=SEED, shortest=3):
    rng = np.random.default_rng(seed)
    return [row[: int(rng.integers(shortest, len(row) + 1))] for row in x]


def padded(X, n_timesteps=8):
    return np.stack(
        [np.pad(x, ((0, n_timesteps - len(x)), (0, 0)), constant_values=np.nan) for x in X]
    )


KINDS = {
    "holes": (with_holes(walks()), with_holes(walks(seed=SEED + 5), seed=SEED + 6)),
    "lists": (cut(walks()), cut(walks(seed=SEED + 5), SEED + 6)),
    "frames": (frames(40), frames(40, seed=SEED + 5)),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
# What series of a kind are judged by besides: the share that is missing, lengths, categories.
OWN = {
    "holes": ["missing_value_similarity"],
    "lists": ["length_difference"],
    "frames": ["missing_value_similarity", "length_difference", "category_difference"],
}
BOOSTING = "discriminative_score_boosting"


def value(name, real, synthetic):
    metric = METRICS[name]
    context = {"encoder": "flat", "random_state": 0}
    if metric.needs_train:
        return metric(real[:20], synthetic, X_train=real[20:], **context)
    return metric(real, synthetic, **context)


# -- every metric --------------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("name", QUICK)
def test_every_metric_takes_what_generators_give(name, kind):
    real, synthetic = KINDS[kind]
    assert np.isfinite(value(name, real, synthetic))


@every_kind
@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("marginal_difference", 0),
        ("autocorrelation_difference", 0),
        ("cross_correlation_difference", 0),
        ("spectral_distance", 0),
        ("skewness_difference", 0),
        ("sliced_wasserstein", 0),
        ("missing_value_similarity", 1),
        ("length_difference", 0),
        ("category_difference", 0),
        ("rule_violations", 0),
        ("effective_sample_ratio", 1),
        ("nearest_record_ratio", 0),
        ("near_copy_fraction", 1),
        ("coverage", 1),
    ],
)
def test_copies_are_known(name, best, kind):
    real, _ = KINDS[kind]
    assert value(name, real, real) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("name", [n for n in QUICK if n != "membership_inference_auc"])
def test_arrays_that_end_in_nan_are_lists(name):
    real, synthetic = KINDS["lists"]
    of_lists, of_arrays = (
        value(name, *pair) for pair in ((real, synthetic), (padded(real), padded(synthetic)))
    )
    assert of_lists == pytest.approx(of_arrays)


def test_statistics_are_of_what_was_observed():
    x = walks(400)
    for metric in (
        autocorrelation_difference,
        cross_correlation_difference,
        kurtosis_difference,
        marginal_difference,
    ):
        complete = metric(x, walks(400, seed=SEED + 1))
        assert metric(with_holes(x, 0.3), with_holes(walks(400, seed=SEED + 1), 0.3)) < (
            complete + 0.12
        )
    # By the exact values: series of which only some have values, that agree where they do.
    x = np.tile([[1.0], [-1.0], [1.0], [-1.0]], (6, 1, 1))
    x[::2, 1:3] = np.nan
    assert autocorrelation_difference(x, np.nan_to_num(x, nan=0.0)[1::2], max_lag=1) < 0.5


def test_complete_series_are_shown_as_they_are():
    x = walks()
    shown = Completion.of(x, x)
    assert shown(x) is x
    assert shown.beside(x) is x
    holes = with_holes(x)
    holes[:, :, 1] = np.where(np.isnan(holes[:, :, 0]), np.nan, x[:, :, 1])
    shown = Completion.of(holes, x)
    assert shown(holes).shape == (60, 8, 3)  # one more, since both are missing together
    np.testing.assert_array_equal(shown(holes)[:, :, 2], ~np.isnan(holes[:, :, 0]))
    middle = np.nanmedian(holes[:, :, 0])
    assert (shown(holes)[:, :, 0][np.isnan(holes[:, :, 0])] == middle).all()


# -- missing values ------------------------------------------------------------------------------


def test_missing_values_that_never_are():
    x = np.zeros((50, 10, 2))
    x[:, 3, 0] = np.nan
    assert missing_value_similarity(x, np.zeros((50, 10, 2))) == pytest.approx(0.95)
    x = walks(400)
    holes, complete = with_holes(x, 0.3), walks(400, seed=SEED + 1)
    named = ["missing_value_similarity", BOOSTING]
    table = evaluate_samples(holes, complete, metrics=named, n_splits=2, verbose=0)
    seen = table.loc[BOOSTING]
    assert seen["score"] > 0.3
    assert seen["floor"] < 0.1
    seen = table.loc["missing_value_similarity"]
    assert seen["score"] < 0.8 < 0.9 < min(seen["floor"], seen["copies"])


def test_patterns_at_other_times_are_told():
    x, other = walks(300), walks(300, seed=SEED + 1)
    x[:, 2:4], other[:, 5:7] = np.nan, np.nan
    assert missing_value_similarity(x, other) == pytest.approx(0.5)
    assert missing_value_similarity(x, x + 1) == 1
    assert discriminative_score(x, other, judge="boosting", random_state=0) > 0.4


@pytest.mark.exhaustive
def test_what_is_missing_together_is_told_by_a_judge():
    rng = np.random.default_rng(SEED)
    x, other = walks(400), walks(400, seed=SEED + 1)
    x[rng.random(x.shape[:2]) < 0.3] = np.nan
    other[rng.random(other.shape) < 0.3] = np.nan
    assert missing_value_similarity(x, other) > 0.9
    result = judge_panel(x, other, n_halves=0, random_state=0)
    assert result.score > 0.3


# -- lengths -------------------------------------------------------------------------------------


def test_lengths_that_are_all_equal():
    real, other = cut(walks(300)), list(walks(300, seed=SEED + 1))
    assert length_difference(real, other) == pytest.approx(np.mean([len(x) < 8 for x in real]))
    assert length_difference([np.zeros(2), np.zeros(5)], [np.zeros(5), np.zeros(7)]) == 0.5
    table = evaluate_samples(real, other, metrics="quick", n_splits=2, verbose=0)
    seen = table.loc["length_difference"]
    assert seen["score"] > 0.7
    assert max(seen["floor"], seen["copies"]) < 0.3
    assert table.loc["discriminative_score_boosting", "score"] > 0.3
    assert table.loc["discriminative_score_boosting", "floor"] < 0.12
    assert not {"missing_value_similarity", "category_difference"} & set(table.index)


def test_longer_series_are_no_error():
    real, longer = cut(walks()), cut(walks(n_timesteps=12, seed=SEED + 1), SEED + 2)
    assert np.isfinite(marginal_difference(real, longer))
    assert nearest_record_ratio(real, longer) > 0


# -- categories ----------------------------------------------------------------------------------


def weather(p, n=300, seed=SEED):
    rng = np.random.default_rng(seed)
    return [pd.DataFrame({"sky": rng.choice(["sun", "rain"], 9, p=[p, 1 - p])}) for _ in range(n)]


def test_shares_of_a_category():
    fair, sunny = weather(0.5), weather(0.9, seed=SEED + 1)
    # Shares are 0.4 apart; pairs, of which 0.81 are sunny twice, 0.56.
    assert category_difference(fair, sunny) == pytest.approx(0.48, abs=0.05)
    assert category_difference(fair, weather(0.5, seed=SEED + 1)) < 0.06
    named = ["category_difference", BOOSTING]
    table = evaluate_samples(fair, sunny, metrics=named, n_splits=2, verbose=0)
    seen = table.loc["category_difference"]
    assert seen["score"] > 0.4
    assert max(seen["floor"], seen["copies"]) < 0.1
    assert table.loc["discriminative_score_boosting", "score"] > 0.3


def test_order_of_categories():
    one = [np.array(["a", "a", "b", "b"] * 3) for _ in range(60)]
    other = [np.array(["a", "b"] * 6) for _ in range(60)]
    assert category_difference(one, other) > 0.25
    flat = np.tile([0.0, 1.0], (10, 4))[:, :, None]
    assert category_difference(flat, 0 * flat, categories=[[0]]) == pytest.approx(0.75)
    assert category_difference(flat, 0 * flat) == 0  # numbers, for all that is known
    with pytest.raises(ValueError, match="categories must hold numbers of columns from 0 to 0"):
        category_difference(flat, flat, categories=[[1]])


def test_kinds_are_read_as_numbers():
    X = frames(30)
    (x, s), reading = read_samples(X, frames(30, seed=SEED + 1))
    assert reading.names[:4] == [
        "department = east",
        "department = north",
        "department = south",
        "state = rain",
    ]
    assert x.shape[2] == s.shape[2] == len(reading.names) == 10
    there = np.isfinite(x[:, :, 0])
    np.testing.assert_array_equal(x[there][:, :3].sum(axis=1), 1)
    assert (x[there][:, -1] >= 0).all()  # days since the first date
    rating = reading.names.index("rating")
    assert set(np.unique(x[there][:, rating])) == {0, 1, 2}  # in their order


def test_categories_of_synthetic_series_alone():
    X = frames(40)
    other = [frame.assign(state="hail") for frame in frames(40, seed=SEED + 1)]
    assert category_difference(X, other) > 0.3
    assert rule_violations(X, other) == 1
    table = violations_by_rule(X, other)
    assert table.loc["state is one of rain, sun", "timesteps"] == 1
    assert rule_violations(X, frames(40, seed=SEED + 1)) < 0.05


def test_rules_of_a_generator_judge_frames():
    X = frames(60)
    fitted = PCAMixture(random_state=0).fit(X)
    drawn = fitted.sample(40)
    assert rule_violations(X, drawn, rules=fitted.rules_) == 0
    drawn[0]["department"] = ["north", "south", *["north"] * (len(drawn[0]) - 2)]
    assert 0 < rule_violations(X, drawn, rules=fitted.rules_) < 0.05


# -- evaluations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["holes", "lists", pytest.param("frames", marks=pytest.mark.exhaustive)]
)
def test_halves_and_a_generator_are_at_the_floor(kind):
    real = {
        "holes": with_holes(walks(300)),
        "lists": cut(walks(300)),
        "frames": frames(200),
    }[kind]
    half = len(real) // 2
    names = ["marginal_difference", "sliced_wasserstein", "mmd", *OWN[kind]]
    judged = {"metrics": [*names, BOOSTING], "n_splits": 2, "verbose": 0}
    table = evaluate_samples(real[:half], real[half:], **judged)
    assert table.loc[BOOSTING, "score"] < 0.15
    for name in names:
        floor = abs(table.loc[name, "floor"])
        assert table.loc[name, "score"] == pytest.approx(floor, abs=0.1 + 0.3 * floor)
    if kind == "frames":  # a date of each of a hundred people: too few to learn their distribution
        names.remove("sliced_wasserstein")
    table = evaluate_generator(PCAMixture(random_state=0), real, cv=2, metrics=names, verbose=0)
    for name in names:
        floor = abs(table.loc[name, "floor"])
        assert table.loc[name, "score"] == pytest.approx(floor, abs=0.15 + 0.3 * floor)


def test_evaluations_of_frames():
    X = frames(40)
    generators = {"one": PCAMixture(), "all": PCAMixture(n_mixture_components=1)}
    names = ["category_difference", "nearest_record_ratio"]
    table = compare_generators(generators, X, cv=2, metrics=names, verbose=0)
    assert np.isfinite(table.loc[names, "score"]).all()
    held_out = evaluate_samples(
        X[:20],
        frames(20, seed=SEED + 1),
        X_train=X[20:],
        metrics=["membership_inference_auc"],
        n_splits=1,
        verbose=0,
    )
    assert 0.2 < held_out["score"].iloc[0] < 0.8
    search = GridSearchCV(
        PCAMixture(random_state=0),
        {"n_mixture_components": [1, 2]},
        scoring=make_generation_scorer("category_difference"),
        cv=2,
    )
    assert -1 < search.fit(X).best_score_ < 0
    scorer = make_generation_scorer(near_copy_fraction, X_train=X)
    assert scorer(PCAMixture(random_state=0).fit(X[:20]), X[20:]) <= 0


def test_sets_hold_what_the_data_have():
    new = {"missing_value_similarity", "length_difference", "category_difference"}
    assert new <= {metric.name for metric in resolve_metrics("quick")}
    assert not new & {metric.name for metric in resolve_metrics("all", (5, 2), traits=())}
    found = {metric.name for metric in resolve_metrics("default", (5, 2), traits=["lengths"])}
    assert new & found == {"length_difference"}


@every_kind
def test_reports(kind, tmp_path):
    pytest.importorskip("matplotlib")
    real, synthetic = KINDS[kind]
    metrics = ["marginal_difference", "rule_violations"]
    report = EvaluationReport.from_samples(real, synthetic, metrics=metrics, n_splits=1, verbose=0)
    assert report.to_html(tmp_path / "one.html").exists()


def test_reports_of_a_generator(tmp_path):
    pytest.importorskip("matplotlib")
    report = EvaluationReport.from_estimator(
        PCAMixture(random_state=0),
        KINDS["frames"][0],
        cv=2,
        metrics=["marginal_difference", "rule_violations"],
        verbose=0,
    )
    assert len(report.pictures) == 6  # that of latents, too
    assert "department" in report.to_html(tmp_path / "two.html").read_text()


# -- bad input -----------------------------------------------------------------------------------


def test_samples_that_do_not_fit():
    X = frames(10)
    with pytest.raises(ValueError, match="series 0 of X_synthetic has the channels"):
        marginal_difference(X, [frame.drop(columns="flag") for frame in X])
    with pytest.raises(ValueError, match="channel 'amount' is continuous in X_real, but in X_syn"):
        marginal_difference(X, [frame.assign(amount="much") for frame in X])
    with pytest.raises(ValueError, match="series 1 of X_synthetic is empty"):
        marginal_difference(X, [X[0], X[1].iloc[:0]])
    with pytest.raises(ValueError, match=r"series of shape \(8, 2\), X_synthetic of \(7, 2\)"):
        marginal_difference(walks(), walks(n_timesteps=7))
    with pytest.raises(ValueError, match="0 NaN and 1 inf"):
        marginal_difference(walks(), np.where(walks() == walks()[0, 0, 0], np.inf, walks()))
