"""A comparison finds the winner where there is one, and none where there is none."""

import numpy as np
import pytest
from sklearn.model_selection import RepeatedKFold

from sklearn_timegen import compare_generators, compare_samples
from sklearn_timegen.datasets import make_ar
from sklearn_timegen.evaluation import _comparing
from sklearn_timegen.metrics import Metric

from .global_seed import GLOBAL_RANDOM_SEED as SEED


class Draws:
    """Draws from the process itself, shifted."""

    def __init__(self, shift, stream, n_timesteps=12):
        self.shift, self.stream, self.n_timesteps = shift, stream, n_timesteps

    def get_params(self, deep=False):
        return dict(vars(self))

    def set_params(self, **params):
        return self

    def fit(self, X, y=None):
        return self

    def sample(self, n_samples=1, y=None, *, random_state=None):
        seed = (int(random_state) + self.stream) % 2**31
        return make_ar(n_samples, self.n_timesteps, random_state=seed) + self.shift


def test_five_folds_find_the_better_of_two():
    X = make_ar(200, 12, random_state=SEED)
    generators = {"shifted": Draws(2.0, 1), "true": Draws(0.0, 2)}
    table = compare_generators(generators, X, cv=5, metrics=["mmd", "marginal_difference"])
    for metric in ("mmd", "marginal_difference", "mean rank"):
        block = table.loc[metric]
        assert list(block.index) == ["true", "shifted"]
        assert block.loc["shifted", "p_value"] < 0.05
        assert list(block["ties_with_best"]) == [True, False]
    assert 1.8 < table.attrs["least_effect"] < 1.9


def test_two_folds_cannot_tell_and_repeated_ones_can():
    assert _comparing.least_effect(1, 1.0, 0.05) == np.inf
    assert _comparing.least_effect(2, 1.0, 0.05) > 15
    assert _comparing.least_effect(20, 0.25, 0.05) < 1.2
    X = make_ar(60, 12, random_state=SEED)
    table = compare_generators(
        {"shifted": Draws(2.0, 1), "true": Draws(0.0, 2)},
        X,
        cv=RepeatedKFold(n_splits=3, n_repeats=4, random_state=SEED),
        metrics="marginal_difference",
    )
    assert not table.loc[("marginal_difference", "shifted"), "ties_with_best"]


def test_equals_are_told_apart_as_seldom_as_promised():
    # Scores of two generators on folds that share their training series: the differences have
    # the correlation that the test allows for.
    rng = np.random.default_rng(SEED)
    n_folds, overlap, n_tries = 5, 0.25, 4000
    shared = rng.normal(size=(n_tries, 1)) * np.sqrt(overlap)
    gaps = rng.normal(size=(n_tries, n_folds)) + shared
    found = np.mean([_comparing.corrected_p_value(gap, overlap) < 0.05 for gap in gaps])
    assert 0.03 < found < 0.07
    plain = np.mean([_comparing.corrected_p_value(gap, 0.0) < 0.05 for gap in gaps])
    assert plain > 0.09  # which the plain t test is not


@pytest.mark.parametrize(
    ("gaps", "p_value"),
    [
        ([0.0, 0.0, 0.0], 1.0),
        ([0.5], 1.0),
        ([0.5, 0.5, 0.5], 0.0),
        ([np.inf, np.inf], 0.0),
        ([np.nan, 1.0], 1.0),
    ],
)
def test_differences_without_a_spread(gaps, p_value):
    assert _comparing.corrected_p_value(np.array(gaps), 0.5) == p_value


def test_no_winner_is_named_among_equals():
    X = make_ar(60, 6, random_state=SEED)
    generators = {f"{k}": Draws(0.0, k, 6) for k in range(3)}
    named = []
    for k in range(12):
        table = compare_generators(
            generators, X, cv=4, metrics="marginal_difference", random_state=100 * SEED + k
        )
        named.append(not table.loc["marginal_difference", "ties_with_best"].all())
    assert sum(named) <= 4  # of 12 at 5%: more in 2 of 10,000 tries


def test_far_from_the_training_series_is_no_better_than_real():
    X = make_ar(120, 12, random_state=SEED)
    samples = {"alike": make_ar(120, 12, random_state=SEED + 1), "far": X + 50}

    def distance(X_real, X_synthetic):
        return 5.0 if X_synthetic.mean() > 10 else 0.9

    metric = Metric(distance, "higher", aspect="privacy")
    table = compare_samples(samples, X, metrics=metric, n_splits=3, verbose=0)
    assert table.loc["distance", "score"].to_dict() == {"alike": 0.9, "far": 5.0}
    assert (table.loc["distance", "rank"] == 1.5).all()
    assert table.loc["distance", "ties_with_best"].all()
