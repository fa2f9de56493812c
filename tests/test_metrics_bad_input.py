"""What every metric accepts, refuses and leaves alone; and the number that it returns."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from sklearn_timegen import BlockBootstrap, PCAMixture, compare_generators, evaluate_samples
from sklearn_timegen.metrics import (
    METRICS,
    Measurement,
    convolutional,
    discriminative,
    mmd,
    near_copy_fraction,
    panel_judges,
    predictive,
    tstr_score,
)
from sklearn_timegen.metrics import encoder as encoder_module

from .global_seed import GLOBAL_RANDOM_SEED as SEED

REAL = np.random.default_rng(SEED).normal(size=(40, 6, 2)).cumsum(axis=1)
SYNTHETIC = np.random.default_rng(SEED + 1).normal(size=(31, 6, 2)).cumsum(axis=1)
TRAIN = np.random.default_rng(SEED + 2).normal(size=(30, 6, 2)).cumsum(axis=1)

every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
SLOW = {"discriminative_score_panel": pytest.mark.exhaustive}  # four judges, and a floor
every_metric_often = pytest.mark.parametrize(
    "metric", [pytest.param(m, id=name, marks=SLOW.get(name, ())) for name, m in METRICS.items()]
)
seeded = pytest.mark.parametrize(
    "metric",
    [pytest.param(m, id=m.name) for m in METRICS.values() if m.accepts("random_state")],
)


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(discriminative, "N_STEPS", 3)
    monkeypatch.setattr(predictive, "N_STEPS", 3)

    # As strict as boosting about what it is given, and quicker.
    def quick(**params):
        return LogisticRegression()

    monkeypatch.setattr(panel_judges, "HistGradientBoostingClassifier", quick)
    monkeypatch.setattr(convolutional, "N_EPOCHS", 1)


def value_of(metric, real=REAL, synthetic=SYNTHETIC, train=None, seed=0):
    context = {"encoder": "flat", "n_repeats": 1, "random_state": seed}
    if metric.name == "membership_inference_auc" or train is not None:
        context["X_train"] = TRAIN if train is None else train
    return metric(real, synthetic, **context)


# Others have no bound that is theirs, or none that these series come near.
MOST = {
    "discriminative_score_boosting": 0.5,
    "discriminative_score": 0.5,
    "discriminative_score_panel": 0.5,
    "marginal_difference": 1.0,
    "rule_violations": 1.0,
    "tstr_score": 1.0,
    "coverage": 1.0,
    "near_copy_fraction": 1.0,
    "membership_inference_auc": 1.0,
}


@every_metric
def test_values_are_floats_within_their_range(metric):
    value = value_of(metric)
    assert isinstance(value, float)
    assert np.isfinite(value)
    assert value >= 0 or metric.name in ("mmd", "tstr_score")
    assert value <= MOST.get(metric.name, np.inf)


@every_metric_often
def test_layouts_and_types_that_hold_the_same_series_give_the_same(metric):
    one = REAL[:, :, 0], SYNTHETIC[:, :, 0], TRAIN[:, :, 0]
    flat = float(value_of(metric, *one))
    assert float(value_of(metric, *(x[:, :, None] for x in one))) == flat
    assert float(value_of(metric, *(x.tolist() for x in one))) == flat
    # Sums run in another order where columns lie together.
    for kind in (pd.DataFrame, np.asfortranarray):
        assert float(value_of(metric, *map(kind, one))) == pytest.approx(flat, rel=1e-9)
    whole = tuple(x.round(3).astype(np.float32) for x in (REAL, SYNTHETIC, TRAIN))
    wide = tuple(x.astype(np.float64) for x in whole)
    assert float(value_of(metric, *whole)) == float(value_of(metric, *wide))
    assert float(value_of(metric, *(torch.from_numpy(x) for x in whole))) == float(
        value_of(metric, *wide)
    )


@every_metric
def test_units_do_not_count(metric):
    units, levels = np.array([1024.0, 0.125]), np.array([-2.0, 64.0])
    if metric.name == "discriminative_score_panel":  # which compares channels
        units, levels = units[0], levels[1]
    given = [x * units + levels for x in (REAL, SYNTHETIC, TRAIN)]
    changed = float(value_of(metric, *given))
    assert changed == pytest.approx(float(value_of(metric, train=TRAIN)), rel=1e-3, abs=1e-4)


@every_metric
def test_integers_and_constants_are_series_too(metric):
    whole = [np.round(3 * x).astype(np.int64) for x in (REAL, SYNTHETIC, TRAIN)]
    assert np.isfinite(value_of(metric, *whole))
    for x in whole:
        x[:, :, 1] = 7
    assert np.isfinite(value_of(metric, *whole))


@every_metric
@pytest.mark.parametrize("name", ["X_real", "X_synthetic"])
def test_values_that_are_infinite_are_named_and_missing_ones_are_not(metric, name):
    given = {"real": REAL.copy(), "synthetic": SYNTHETIC.copy()}
    given[name[2:]][3, 4, 1] = np.nan
    assert np.isfinite(value_of(metric, **given))
    given[name[2:]][3, 4, 1] = np.inf
    place = "sample 3, timestep 4, channel 1"
    with pytest.raises(ValueError, match=f"{name} contains 0 NaN and 1.*{place}"):
        value_of(metric, **given)


@every_metric
def test_series_of_other_sizes_are_refused(metric):
    with pytest.raises(ValueError, match=r"X_real .*\(6, 2\), X_synthetic of \(5, 2\)"):
        value_of(metric, synthetic=SYNTHETIC[:, :5])
    with pytest.raises(ValueError, match=r"X_real .*\(6, 2\), X_synthetic of \(6, 1\)"):
        value_of(metric, synthetic=SYNTHETIC[:, :, 0])


WRONG = {
    "empty": (SYNTHETIC[:0], r"not empty, got shape \(0, 6, 2\)"),
    "no timestep": (SYNTHETIC[:, :0], r"not empty, got shape \(31, 0, 2\)"),
    "1-d": (SYNTHETIC[:, 0, 0], r"must be 2-d .* or 3-d .* got shape \(31,\)"),
    "4-d": (SYNTHETIC[None], r"got shape \(1, 31, 6, 2\)"),
    "ragged": ([[1.0, 2.0], [1.0]], r"\[0\]"),  # one channel, the others have two
    "strings": ([["a", "b"], ["c", "d"]], r"\[0\]"),
    "number": (3.0, r"got shape \(\)"),
}


@every_metric
@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_sample_of_series_is_refused_by_name(metric, kind):
    wrong, message = WRONG[kind]
    with pytest.raises(ValueError, match=f"X_synthetic.*{message}"):
        value_of(metric, synthetic=wrong)
    with pytest.raises(ValueError, match=f"X_real.*{message}"):
        value_of(metric, real=wrong)


@seeded
def test_seeds_repeat(metric):
    values = [float(value_of(metric, seed=3)) for _ in range(2)]
    values.append(float(value_of(metric, seed=np.random.default_rng(SEED + 3))))
    again = float(value_of(metric, seed=np.random.default_rng(SEED + 3)))
    assert values[0] == values[1]
    assert values[2] == again
    for wrong in (-1, "seed", 0.5):
        with pytest.raises(ValueError, match="random_state must be"):
            value_of(metric, seed=wrong)


@every_metric
def test_inputs_and_global_streams_are_left_alone(metric):
    given = [REAL.copy(), SYNTHETIC.copy(), TRAIN.copy()]
    for x in given:
        x.flags.writeable = False
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    value_of(metric, *given)
    value_of(metric, *given, seed=None)
    assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if m.accepts("encoder")])
def test_the_default_encoder_is_trained(monkeypatch, name):
    made = []

    class Small(encoder_module.ContrastiveEncoder):
        def __init__(self, random_state=None):
            super().__init__(5, 4, n_steps=2, random_state=random_state)
            made.append(self)

    monkeypatch.setattr(encoder_module, "ContrastiveEncoder", Small)
    first, again = (METRICS[name](REAL, SYNTHETIC, random_state=SEED) for _ in range(2))
    assert float(first) == float(again)
    assert len(made) == 2


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if m.accepts("max_samples")])
def test_at_most_so_many_series_are_used(name):
    metric = METRICS[name]
    context = {"X_train": TRAIN, "encoder": "flat", "n_repeats": 1, "judge": LogisticRegression()}
    values = {
        float(metric(REAL, SYNTHETIC + 3, max_samples=12, random_state=k, **context))
        for k in range(9)
    }
    assert len(values) > 1
    if name != "discriminative_score":  # which draws its splits by the seed too
        whole = {
            float(metric(REAL, REAL, max_samples=40, random_state=k, **context)) for k in range(3)
        }
        assert len(whole) == 1 or np.ptp(list(whole)) < 1e-12


# -- the number -------------------------------------------------------------------------------

SCORE = Measurement(0.25, std=0.01, floor=0.02, values=np.array([0.24, 0.26]))


@pytest.mark.parametrize(
    "copied",
    [
        SCORE,
        copy.copy(SCORE),
        copy.deepcopy(SCORE),
        *(pickle.loads(pickle.dumps(SCORE, protocol)) for protocol in range(6)),
    ],
)
def test_a_measurement_is_copied_with_all_it_knows(copied):
    assert type(copied) is Measurement
    assert (copied, copied.std, copied.floor, copied.values) == (0.25, 0.01, 0.02, (0.24, 0.26))
    assert repr(copied) == str(copied) == "0.2500 ± 0.0100 (floor 0.0200)"


def test_a_measurement_is_a_float():
    assert isinstance(SCORE, float)
    assert {0.25: "found"}[SCORE] == "found"
    for result in (SCORE + 1, -SCORE, abs(SCORE), SCORE * 2, max(SCORE, 0.0) / 1, sum([SCORE])):
        assert type(result) is float
    assert np.array([SCORE, SCORE]).dtype == np.float64
    assert sorted([SCORE, 0.1]) == [0.1, 0.25]
    assert f"{SCORE:.1f}" == "0.2"
    assert repr(Measurement(1)) == "1.0000"
    assert (Measurement(1).std, Measurement(1).floor, Measurement(1).values) == (None, None, ())


@pytest.mark.parametrize("bandwidth", [0, -1.0, float("nan")])
def test_mmd_refuses_a_bandwidth_that_is_not_positive(bandwidth):
    with pytest.raises(ValueError, match="bandwidth must be a positive number"):
        mmd(REAL, SYNTHETIC, bandwidth=bandwidth)


@pytest.mark.parametrize("name", ["mmd", "effective_sample_ratio"])
def test_one_series_makes_no_pair(name):
    with pytest.raises(ValueError, match="40 real and 1 synthetic series"):
        METRICS[name](REAL, SYNTHETIC[:1])


@pytest.mark.parametrize("value", ["a word", None, np.array([0.1, 0.2]), 1 + 1j, True, {"a": 1}])
def test_numbers_that_are_none_are_named(value):
    with pytest.raises(ValueError, match="quantile must be a number between 0 and 1, got"):
        near_copy_fraction(REAL, SYNTHETIC, quantile=value)
    with pytest.raises(ValueError, match="alpha must be a number between 0 and 1, got"):
        compare_generators([PCAMixture(), BlockBootstrap()], REAL, alpha=value)
    with pytest.raises(TypeError, match="predictor must be an estimator"):
        tstr_score(REAL, SYNTHETIC, predictor=0 if value is None else value)
    with pytest.raises((TypeError, ValueError), match="a metric is a function|is no metric"):
        evaluate_samples(REAL, SYNTHETIC, metrics=value)


@pytest.mark.parametrize("bandwidth", [1e300, 0.0, -1.0, np.nan, Fraction(1, 2), "wide", True])
def test_a_bandwidth_is_a_positive_number(bandwidth):
    with pytest.raises(ValueError, match="bandwidth must be a positive number, got"):
        mmd(REAL, SYNTHETIC, bandwidth=bandwidth)
