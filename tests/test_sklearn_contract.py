"""scikit-learn's own checks: all of them pass, none is expected to fail, none is left out.

The checks are of methods, which the settings of one class share to the function: one generator of
each kind goes through all of them at each run, each setting with ``make test-all``.
"""

import os

import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from sklearn_timegen import (
    VAE,
    AugmentedClassifier,
    AugmentedRegressor,
    PCAMixture,
    TSTRClassifier,
    TSTRRegressor,
)
from sklearn_timegen.datasets import make_labelled_sines
from sklearn_timegen.rules import ChannelReducer

from .generators import CAPABLE, DENSE, GENERATORS, KINDS, kind, name

TRANSFORMER_CHECKS = [
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
]
OTHER_CHECKS = ["check_inplace_ensure_writeable", "check_param_validation"]

# What is conditional is held to the checks at the end of this file.
SETTINGS = [
    clone(one).set_params(conditional=False) if one.conditional else one
    for one in GENERATORS
    if one not in KINDS
]
# What a setting can break: its constructor, and what it says of itself.
CHECKS_OF_SETTINGS = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_get_params_invariance",
    "check_no_attributes_set_in_init",
    "check_param_validation",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]
TRANSFORMERS = [generator for generator in KINDS if hasattr(generator, "transform")]

# Whom the predictors learn from; how many parts its mixture has is not searched for at each fit.
SIMPLE = PCAMixture(n_mixture_components=1)
SUPERVISED = [
    TSTRClassifier(SIMPLE, LogisticRegression()),
    TSTRRegressor(SIMPLE, Ridge()),
    AugmentedClassifier(LogisticRegression(), SIMPLE, class_shares="equal", cv=2),
    AugmentedRegressor(Ridge(), SIMPLE, cv=2),
]
OTHER_SUPERVISED = [
    TSTRClassifier(clone(CAPABLE).set_params(max_epochs=10), LogisticRegression()),
    TSTRRegressor(CAPABLE, Ridge()),
    TSTRClassifier(
        clone(CAPABLE).set_params(max_epochs=10, conditional=True),
        LogisticRegression(),
        train_on="both",
    ),
]


@parametrize_with_checks([*KINDS, *SUPERVISED])
@pytest.mark.filterwarnings(f"ignore::{SkipTestWarning.__module__}.SkipTestWarning")
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.exhaustive
@parametrize_with_checks([*SETTINGS, *OTHER_SUPERVISED])
@pytest.mark.filterwarnings(f"ignore::{SkipTestWarning.__module__}.SkipTestWarning")
def test_check_estimator_of_settings(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", CHECKS_OF_SETTINGS)
@pytest.mark.parametrize("generator", SETTINGS, ids=name)
def test_checks_of_settings(generator, check):
    getattr(estimator_checks, check)(type(generator).__name__, clone(generator))


# These checks mix data frames and arrays on purpose.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.filterwarnings("ignore:X has feature names, but:UserWarning")
@pytest.mark.parametrize("check", TRANSFORMER_CHECKS)
@pytest.mark.parametrize("generator", TRANSFORMERS, ids=name)
def test_checks_of_transformers_beyond_check_estimator(generator, check):
    getattr(estimator_checks, check)(type(generator).__name__, clone(generator))


@pytest.mark.parametrize("check", OTHER_CHECKS)
@pytest.mark.parametrize("estimator", [*KINDS, *SUPERVISED], ids=lambda e: type(e).__name__)
def test_checks_beyond_check_estimator(estimator, check):
    getattr(estimator_checks, check)(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize("estimator", [*KINDS, *SUPERVISED], ids=lambda e: type(e).__name__)
def test_names_of_columns(estimator):
    check = estimator_checks.check_dataframe_column_names_consistency
    check(type(estimator).__name__, clone(estimator))


ROUTED = [KINDS[0], TSTRClassifier(SIMPLE, LogisticRegression())]


@pytest.mark.parametrize(
    "estimator",
    [*ROUTED, *(pytest.param(one, marks=pytest.mark.exhaustive) for one in KINDS[1:])],
    ids=lambda e: type(e).__name__,
)
def test_checks_with_metadata_routing(estimator):
    with config_context(enable_metadata_routing=True):
        results = check_estimator(estimator, on_skip=None)
    left = {(row["check_name"], row["status"]) for row in results} - {
        (row["check_name"], "passed") for row in results
    }
    assert left <= {("check_array_api_input", "skipped")}  # unless SCIPY_ARRAY_API=1


def test_metadata_routing():
    of_kinds = {kind(one): one for one in KINDS}
    with config_context(enable_metadata_routing=True):
        for generator in GENERATORS:  # what is routed is read off the signatures of each class
            routed = of_kinds[kind(generator)].get_metadata_routing()
            assert repr(generator.get_metadata_routing()) == repr(routed)
        X, y = make_labelled_sines(40, 12, random_state=0)
        scores = cross_val_score(make_pipeline(StandardScaler(), CAPABLE), X, y, cv=2)
        assert scores.shape == (2,)


def test_conditional_generators_pass_all_but_array_api():
    conditional = VAE(**DENSE, max_epochs=2, conditional=True)
    results = check_estimator(conditional, on_skip=None, on_fail=None)
    (left,) = (row for row in results if row["status"] != "passed")
    assert left["check_name"] == "check_array_api_input"
    # It is skipped, unless with SCIPY_ARRAY_API=1. Then it fits and transforms with labels, but
    # decodes latents without them, which has to be refused.
    asked_for = os.environ.get("SCIPY_ARRAY_API") == "1"
    assert left["status"] == ("failed" if asked_for else "skipped")
    assert ("y is missing: the generator is conditional" in str(left["exception"])) == asked_for


def test_representations_clone_and_print():
    assert repr(clone(ChannelReducer())) == "ChannelReducer()"
