"""scikit-learn's own checks: all of them pass, none is expected to fail, none is left out."""

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
    GAN,
    VAE,
    AugmentedClassifier,
    AugmentedRegressor,
    BlockBootstrap,
    FlowMatching,
    OneStepGenerator,
    PCAMixture,
    TimeVAE,
    TSTRClassifier,
    TSTRRegressor,
)
from sklearn_timegen.datasets import make_labelled_sines
from sklearn_timegen.representation import ChannelReducer

from .generators import CAPABLE, GENERATORS, name, of_each_kind

TRANSFORMER_CHECKS = [
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
]
OTHER_CHECKS = ["check_inplace_ensure_writeable", "check_param_validation"]

# For contracts of public methods, which settings of one class share, to the function.
KINDS = of_each_kind(GENERATORS)
TRANSFORMERS = [generator for generator in KINDS if hasattr(generator, "transform")]

SUPERVISED = [
    TSTRClassifier(clone(CAPABLE).set_params(max_epochs=10), LogisticRegression()),
    TSTRClassifier(
        clone(CAPABLE).set_params(max_epochs=10, conditional=True),
        LogisticRegression(),
        train_on="both",
    ),
    TSTRRegressor(CAPABLE, Ridge()),
    AugmentedClassifier(LogisticRegression(), PCAMixture(), class_shares="equal", cv=2),
    AugmentedRegressor(Ridge(), PCAMixture(), cv=2),
]


@parametrize_with_checks([*GENERATORS, *SUPERVISED])
@pytest.mark.filterwarnings(f"ignore::{SkipTestWarning.__module__}.SkipTestWarning")
def test_check_estimator(estimator, check):
    check(estimator)


# These checks mix data frames and arrays on purpose.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.filterwarnings("ignore:X has feature names, but:UserWarning")
@pytest.mark.parametrize("check", TRANSFORMER_CHECKS)
@pytest.mark.parametrize("generator", TRANSFORMERS, ids=name)
def test_checks_of_transformers_beyond_check_estimator(generator, check):
    getattr(estimator_checks, check)(type(generator).__name__, clone(generator))


@pytest.mark.parametrize("check", OTHER_CHECKS)
@pytest.mark.parametrize("estimator", [*GENERATORS, *SUPERVISED], ids=lambda e: type(e).__name__)
def test_checks_beyond_check_estimator(estimator, check):
    getattr(estimator_checks, check)(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize("estimator", [*KINDS, *SUPERVISED], ids=lambda e: type(e).__name__)
def test_names_of_columns(estimator):
    check = estimator_checks.check_dataframe_column_names_consistency
    check(type(estimator).__name__, clone(estimator))


def test_metadata_routing():
    with config_context(enable_metadata_routing=True):
        for estimator in (*KINDS, TSTRClassifier(PCAMixture(), LogisticRegression())):
            results = check_estimator(estimator, on_skip=None)
            left = {(row["check_name"], row["status"]) for row in results} - {
                (row["check_name"], "passed") for row in results
            }
            assert left <= {("check_array_api_input", "skipped")}  # unless SCIPY_ARRAY_API=1
        for generator in GENERATORS:  # what is routed is read off the signatures of each class
            kind = next(one for one in KINDS if of_each_kind([one, generator]) == [one])
            assert repr(generator.get_metadata_routing()) == repr(kind.get_metadata_routing())
        X, y = make_labelled_sines(40, 12, random_state=0)
        scores = cross_val_score(make_pipeline(StandardScaler(), GENERATORS[3]), X, y, cv=2)
        assert scores.shape == (2,)


def test_every_family_has_a_kind():
    for family in (VAE, TimeVAE, PCAMixture, BlockBootstrap, GAN, FlowMatching, OneStepGenerator):
        assert any(isinstance(kind, family) for kind in KINDS), family


def test_conditional_generators_pass_all_but_array_api():
    conditional = clone(GENERATORS[1]).set_params(conditional=True)
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
