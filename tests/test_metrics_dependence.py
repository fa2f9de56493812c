"""How channels go with each other: known answers, kinds, holes, and what changes nothing."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import PCAMixture, evaluate_generator, evaluate_samples
from sklearn_timegen.metrics import (
    METRICS,
    contingency_similarity,
    correlation_similarity,
    global_utility,
    utility_by_channel,
)

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def frames(n, seed, tied=True):
    """Weather of n series: rain is cold and grey; if not tied, each as often but by itself."""
    rng = np.random.default_rng(seed)
    series = []
    for length in rng.integers(8, 14, n):
        rain = rng.random(length) < 0.4
        other = rain if tied else rng.permutation(rain)
        heat = np.where(other, 5.0, 20.0) + rng.normal(size=length)
        sky = np.where(rain, "grey", "blue")
        part = pd.DataFrame({"rain": rain, "sky": sky, "heat": heat})
        series.append(part.assign(feel=2 * part["heat"] + rng.normal(size=length)))
    return series


def test_pairs_of_categories_that_are_torn_apart_are_seen():
    real, like, torn = frames(80, SEED), frames(80, SEED + 1), frames(80, SEED + 2, tied=False)
    assert contingency_similarity(real, like) > 0.9
    assert contingency_similarity(real, torn) < contingency_similarity(real, like) - 0.1
    # The shares of each are right, and so nothing is seen by the one that looks at each alone.
    assert METRICS["category_difference"](real, torn) < 0.1


def test_contingency_as_published():
    # Shares (sun, open) 1/2, (rain, shut) 1/2 against (sun, open) 1/4, (sun, shut) 1/4,
    # (rain, shut) 1/2: half of the absolute differences is 1/4.
    real = [
        pd.DataFrame({"a": ["sun", "sun", "rain", "rain"], "b": ["open", "open", "shut", "shut"]})
    ]
    other = [real[0].assign(b=["open", "shut", "shut", "shut"])]
    assert contingency_similarity(real, other) == pytest.approx(0.75)
    coded = [
        np.array([[[0, 0], [0, 0], [1, 1], [1, 1]]]),
        np.array([[[0, 0], [0, 1], [1, 1], [1, 1]]]),
    ]
    assert contingency_similarity(*coded, categories=[[0], [1]]) == pytest.approx(0.75)


def test_correlations_as_published():
    rng = np.random.default_rng(SEED)
    for of_real, of_other in ((0.9, 0.9), (0.9, -0.3), (0.0, 0.5)):
        cov = [np.array([[1, r], [r, 1]]) for r in (of_real, of_other)]
        pair = [rng.multivariate_normal([0, 0], c, size=(400, 20)) for c in cov]
        expected = 1 - abs(of_real - of_other) / 2
        assert correlation_similarity(*pair) == pytest.approx(expected, abs=0.03)


def test_values_that_are_missing_change_little():
    rng = np.random.default_rng(SEED)
    x = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=(300, 10))
    holes = np.where(rng.random(x.shape) < 0.3, np.nan, x)
    assert correlation_similarity(x, holes) > 0.97
    assert global_utility(x, holes, random_state=SEED) > 0.85


def test_utility_of_the_truth_and_of_what_is_torn_apart():
    real, like, torn = frames(150, SEED), frames(150, SEED + 1), frames(150, SEED + 2, tied=False)
    assert global_utility(real, like, random_state=0) > 0.93
    table = utility_by_channel(real, torn, random_state=0)
    assert list(table.index) == ["rain", "sky", "heat", "feel"]
    assert table.loc["feel", "ratio"] > 0.9  # it still goes with the heat
    assert table.loc["heat", "real"] > 0.9
    rng = np.random.default_rng(SEED)
    apart = [part.apply(lambda column: rng.permutation(column)) for part in like]
    assert global_utility(real, apart, random_state=0) < 0.3


def test_nothing_to_predict_or_to_pair_is_perfect_by_definition():
    rng = np.random.default_rng(SEED)
    x, other = rng.normal(size=(60, 10, 1)), rng.normal(size=(60, 10, 1))
    assert global_utility(x, other, random_state=0) == 1
    assert correlation_similarity(x, other) == contingency_similarity(x, other) == 1
    assert np.isnan(utility_by_channel(x, other, random_state=0)["ratio"]).all()


def test_one_channel_is_predicted_from_its_past():
    walk = np.random.default_rng(SEED).normal(size=(100, 20, 1)).cumsum(axis=1)
    assert utility_by_channel(walk, walk, random_state=0).loc["channel 0", "real"] > 0.8
    assert global_utility(walk, walk[:, ::-1] * 0 + np.arange(20.0)[:, None], random_state=0) < 0.7


def test_cost_is_bounded():
    wide = np.random.default_rng(SEED).normal(size=(10, 8, 30))
    assert len(utility_by_channel(wide, wide, random_state=0)) == 20


def test_in_tables_beside_floor_and_copies():
    names = ["contingency_similarity", "correlation_similarity", "global_utility"]
    table = evaluate_samples(frames(60, SEED), frames(60, SEED + 1), metrics=names, n_splits=2)
    assert (table["direction"] == "higher").all()
    assert (table[["score", "floor", "copies"]] > 0.7).all(axis=None)
    x = np.random.default_rng(SEED).normal(size=(60, 6, 2))
    judged = evaluate_generator(PCAMixture(), x, cv=2, metrics=names)
    assert np.isfinite(judged["score"]).all()


def test_bad_input_is_refused():
    x = np.zeros((3, 4, 2))
    with pytest.raises(ValueError, match="numbers of columns from 0 to 1"):
        contingency_similarity(x, x, categories=[[2]])
    with pytest.raises(ValueError, match="1 real series cannot be halved"):
        global_utility(x[:1], x, random_state=0)
    with pytest.raises(ValueError, match="must be alike"):
        correlation_similarity(x, x[:, :, :1])
