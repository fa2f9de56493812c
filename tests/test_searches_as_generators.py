"""A search in the place of a generator, and a metric in that of a scorer, say what to pass."""

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

from sklearn_timegen import PCAMixture, TSTRClassifier, evaluate_generator
from sklearn_timegen.datasets import make_labelled_sines
from sklearn_timegen.metrics import METRICS, resolve_metrics

X, Y = make_labelled_sines(40, 8, random_state=0)


def test_a_search_is_no_generator():
    search = GridSearchCV(PCAMixture(), {"n_mixture_components": [1, 2]}, cv=2)
    with pytest.raises(TypeError, match=r"GridSearchCV.*search\.fit\(X\)\.best_estimator_"):
        evaluate_generator(search, X, verbose=0)
    with pytest.raises(TypeError, match=r"generator must be.*GridSearchCV.*best_estimator_"):
        TSTRClassifier(search, LogisticRegression()).fit(X, Y)


def test_a_search_may_be_a_predictor():
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    assert TSTRClassifier(PCAMixture(), search, random_state=0).fit(X, Y).predict(X).shape == (40,)


def test_a_metric_is_no_scorer():
    with pytest.raises(TypeError, match=r"PCAMixture.*make_generation_scorer\('mmd'\)"):
        cross_val_score(PCAMixture(), X, cv=2, scoring=METRICS["mmd"], error_score="raise")


def test_names_of_metrics_are_in_small_letters():
    with pytest.raises(KeyError, match="did you mean 'mmd'"):
        METRICS["MMD"]
    with pytest.raises(ValueError, match="did you mean 'mmd'.*the sets quick"):
        resolve_metrics("MMD")
