"""The table of metrics, and metrics as scorers of scikit-learn."""

import pickle
from functools import partial

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_timegen import PCAMixture, metrics
from sklearn_timegen.base import estimator
from sklearn_timegen.datasets import make_labelled_sines
from sklearn_timegen.metrics import (
    METRICS,
    Metric,
    get_generation_scorer,
    make_generation_scorer,
    mmd,
    near_copy_fraction,
    resolve_metrics,
    tstr_score,
)

from .generators import Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED

X = np.random.default_rng(SEED).normal(size=(40, 6, 2)).astype(np.float32)


def mean_gap(X_real, X_synthetic):
    return abs(np.mean(X_real) - np.mean(X_synthetic))


@estimator
class Constant(Resampler):
    """Draws one represented value only."""

    value: float = 0.0

    def _draw(self, n_samples, c, rng):
        return np.full((n_samples, *self._rows.shape[1:]), self.value, dtype=np.float32)


# -- table ------------------------------------------------------------------------------------


def test_goodness_grows_towards_the_best_value():
    lower, higher = Metric(mean_gap), Metric(mean_gap, "higher")
    near = Metric(mean_gap, "near", 0.5)
    assert (lower.goodness(2.0), higher.goodness(2.0), near.goodness(2.0)) == (-2.0, 2.0, -1.5)
    assert near.goodness(0.25) == near.goodness(0.75) == -0.25
    assert (lower.best, higher.best, near.best) == ("lower", "higher", "near 0.5")
    enough = Metric(mean_gap, enough=0.05)
    assert enough.goodness(0.0) == enough.goodness(0.05) > enough.goodness(0.06)
    assert METRICS["membership_inference_auc"].enough == 0.5


def test_a_metric_hands_on_what_its_function_accepts():
    assert Metric(mean_gap)(X, X + 1, random_state=SEED, X_train=X) == pytest.approx(1.0)
    bound = Metric(partial(mmd, bandwidth=2.0))
    assert bound.name == "mmd"
    assert bound.accepts("random_state")
    assert bound(X, X[:20], random_state=SEED) == mmd(X, X[:20], bandwidth=2.0, random_state=SEED)
    assert Metric(lambda a, b: 0.0, name="zero").name == "zero"


def test_wrong_metrics_are_refused():
    with pytest.raises(ValueError, match="a metric is a function"):
        Metric("mmd")
    with pytest.raises(ValueError, match="direction must be 'lower', 'higher' or 'near'"):
        Metric(mean_gap, "best")


def test_sets_names_and_functions_are_resolved():
    assert resolve_metrics("all") == list(METRICS.values())
    quick, default = resolve_metrics("quick"), resolve_metrics("default")
    assert {m.name for m in quick} < {m.name for m in default} < set(METRICS)
    assert resolve_metrics(mmd) == [METRICS["mmd"]] == resolve_metrics("mmd")
    assert resolve_metrics([tstr_score])[0].direction == "higher"
    assert [m.name for m in resolve_metrics(["coverage", mean_gap])] == ["coverage", "mean_gap"]
    assert resolve_metrics(mean_gap)[0].direction == "lower"
    short = {m.name for m in resolve_metrics("all", (1, 2))}
    assert set(METRICS) - short == {"tstr_score", "predictive_score"}
    univariate = {m.name for m in resolve_metrics("all", (5, 1))}
    pairs = {"cross_correlation_difference", "correlational_score"}
    pairs |= {"correlation_similarity", "contingency_similarity"}
    assert set(METRICS) - univariate == pairs
    assert [m.name for m in resolve_metrics({"a": "mmd", "b": mean_gap})] == ["a", "b"]
    assert resolve_metrics(["quick", "density"])[-1].name == "density"


def test_unknown_and_doubled_names_are_refused():
    for call in (resolve_metrics, make_generation_scorer, get_generation_scorer):
        with pytest.raises(ValueError, match=r"'fid' is no metric.*; known are .*mmd.*quick"):
            call("fid")
    with pytest.raises(ValueError, match=r"twice there are \['mmd'\]"):
        resolve_metrics(["mmd", mmd])
    with pytest.raises(ValueError, match="one at least"):
        resolve_metrics([])
    with pytest.raises(ValueError, match="a metric is a function"):
        resolve_metrics(None)
    with pytest.raises(ValueError, match="'quick' is a set of"):
        make_generation_scorer("quick")
    with pytest.raises(ValueError, match="mmd takes no 'judge'"):
        make_generation_scorer("mmd", judge="boosting")
    with pytest.raises(ValueError, match="mmd takes no 'X_train'"):
        make_generation_scorer("mmd", X_train=X)


def test_the_table_can_be_pickled():
    for metric in pickle.loads(pickle.dumps(METRICS)).values():
        assert metric == METRICS[metric.name]


# -- scorers ----------------------------------------------------------------------------------


def test_scores_have_the_sign_of_a_scorer():
    generator = Constant(value=2.0).fit(X)
    made = [
        make_generation_scorer(Metric(mean_gap, *kind))
        for kind in (("lower",), ("higher",), ("near", 0.5))
    ]
    gap = mean_gap(X, generator.sample())
    assert gap > 1
    assert [one(generator, X) for one in made] == pytest.approx([-gap, gap, 0.5 - gap], rel=1e-5)


def test_scorer_draws_as_many_as_asked():
    seen = []

    def numbers(X_real, X_synthetic):
        seen.append((X_real.shape, X_synthetic.shape))
        return 0.0

    generator = Resampler().fit(X)
    make_generation_scorer(numbers)(generator, X[:7])
    make_generation_scorer(numbers, n_samples=19)(generator, X[:7])
    flat = Resampler(n_channels=2).fit(X.reshape(40, -1))
    make_generation_scorer(numbers)(flat, X[:7].reshape(7, -1))
    assert seen == [((7, 6, 2), (7, 6, 2)), ((7, 6, 2), (19, 6, 2)), ((7, 6, 2), (7, 6, 2))]


def test_scorer_is_the_metric_of_a_draw_and_repeats():
    generator = PCAMixture().fit(X[:20])
    drawn = []

    def kept(X_real, X_synthetic):
        drawn.append(X_synthetic)
        return 0.0

    make_generation_scorer(kept)(generator, X[20:])
    scorer = make_generation_scorer("mmd", bandwidth=1.5)
    assert scorer(generator, X[20:]) == scorer(generator, X[20:])
    assert scorer(generator, X[20:]) == -mmd(X[20:], drawn[0], bandwidth=1.5)
    other = make_generation_scorer("mmd", bandwidth=1.5, random_state=SEED + 1)
    assert other(generator, X[20:]) != scorer(generator, X[20:])


def test_scorers_work_in_searches_and_can_be_pickled():
    scorer = get_generation_scorer("sliced_wasserstein")
    copied = pickle.loads(pickle.dumps(scorer))
    assert repr(copied) == repr(scorer) == "make_generation_scorer('sliced_wasserstein')"
    far = X + 3
    grid = {"value": [0.0, 3.0]}
    search = GridSearchCV(Constant(), grid, scoring=copied, cv=3, refit=False).fit(far)
    # "standard": 0 is the mean of the data, 3 three deviations from it.
    assert search.best_params_ == {"value": 0.0}
    scores = cross_val_score(Resampler(), far, scoring=scorer, cv=4)
    assert scores.shape == (4,)
    assert (scores < 0).all()


def test_scorers_lead_samples_back_through_a_pipeline():
    rows = X.reshape(40, -1) * 100 + 500
    whole = make_pipeline(StandardScaler(), PCAMixture(n_channels=2, random_state=SEED)).fit(rows)
    assert get_generation_scorer("sliced_wasserstein")(whole, rows) > -1
    assert make_generation_scorer(mean_gap)(whole, rows) > -50
    alone = make_pipeline(PCAMixture(n_channels=2, random_state=SEED)).fit(rows)
    bare = PCAMixture(n_channels=2, random_state=SEED).fit(rows)
    scorer = make_generation_scorer("cross_correlation_difference")
    assert scorer(alone, rows) == scorer(bare, rows) != 0
    search = GridSearchCV(
        whole, {"pcamixture__n_components": [1, 5]}, scoring=scorer, cv=2, error_score="raise"
    )
    assert search.fit(rows).best_score_ < 0


def test_conditional_generators_are_judged_given_y():
    series, y = make_labelled_sines(60, 12, random_state=SEED)
    generator = Resampler(conditional=True).fit(series, y)
    scorer = get_generation_scorer("tstr_score")
    with pytest.raises(ValueError, match="conditional: it cannot be judged without y"):
        scorer(generator, series)
    assert scorer(generator, series, y) > 0.95
    swapped = np.where(y == "slow", "fast", "slow")
    assert scorer(generator, series, swapped) < 0.05
    kept = []

    def labels(X_real, X_synthetic, y_real, y_synthetic):
        kept.append((y_real, y_synthetic))
        return 0.0

    make_generation_scorer(labels, n_samples=90)(generator, series, y)
    assert np.array_equal(kept[0][0], y)
    assert np.array_equal(kept[0][1], np.concatenate([y, y[:30]]))


def test_training_series_of_a_search_are_those_that_are_not_held_out():
    seen = []

    def trained(X_real, X_synthetic, X_train):
        seen.append((X_real, X_train))
        return 0.0

    scorer = make_generation_scorer(trained, X_train=X.tolist())
    cross_val_score(Resampler(), X, scoring=scorer, cv=KFold(4))
    for (real, train), (rest, held_out) in zip(seen, KFold(4).split(X), strict=True):
        assert np.array_equal(real, X[held_out])
        assert np.array_equal(train, X[rest])


def test_memorisation_as_a_scorer_finds_copies():
    copies = make_generation_scorer(near_copy_fraction, X_train=X)
    scores = cross_val_score(Resampler(), X, scoring=copies, cv=4, error_score="raise")
    assert (scores == -1).all()
    flat = X.reshape(40, -1)
    scorer = make_generation_scorer("nearest_record_ratio", X_train=flat)
    scores = cross_val_score(Resampler(n_channels=2), flat, scoring=scorer, cv=4)
    assert (scores == 0).all()  # 1 or more is best
    invents = cross_val_score(PCAMixture(random_state=SEED), X, scoring=copies, cv=4)
    assert (invents > -1).all()


def test_boosting_splits_few_series_too():
    few = np.random.default_rng(SEED).normal(size=(15, 8))
    assert METRICS["discriminative_score_boosting"](few, few + 9, random_state=SEED) > 0.4


def test_the_old_name_of_a_metric_works_and_warns():
    with pytest.warns(FutureWarning, match="called near_copy_fraction now"):
        assert metrics.near_copy_share is near_copy_fraction
    with pytest.warns(FutureWarning, match="called near_copy_fraction now") as caught:
        (metric,) = resolve_metrics("near_copy_share")
    assert metric is METRICS["near_copy_fraction"]
    assert caught[0].filename == __file__
    with pytest.raises(AttributeError, match="no attribute 'near_copies'"):
        metrics.near_copies
