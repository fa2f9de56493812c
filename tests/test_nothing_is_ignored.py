"""What a method accepts and would ignore is refused, in words that say what to do."""

import inspect
import math

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KernelDensity

from sklearn_timegen import PCAMixture, TimeGAN, TimeVAE, evaluate_samples
from sklearn_timegen.datasets import make_labelled_sines
from sklearn_timegen.metrics import Metric, make_generation_scorer, nearest_record_ratio
from sklearn_timegen.plotting import (
    AutocorrelationDisplay,
    ComponentsDisplay,
    EmbeddingDisplay,
    LatentDisplay,
    MarginalsDisplay,
    MemorisationDisplay,
    SamplesDisplay,
)

from .generators import KINDS, PHASED, name

X, Y = make_labelled_sines(40, 8, random_state=0)
# What scikit-learn hands y to, whether or not it is read.
CONTRACT = {"fit", "partial_fit", "fit_transform", "score"}


def methods_given_y(generator):
    """Public methods that take a ``y`` which is theirs alone, with their other arguments."""
    n_latents = len(generator.get_feature_names_out()) if hasattr(generator, "transform") else 1
    X_, Z = X[:2], np.zeros((2, n_latents), np.float32)
    values = {"X": X_, "X_a": X_, "X_b": X_, "X_past": X_, "Z": Z, "n_timesteps": 2}
    for name_ in dir(type(generator)):
        method = getattr(generator, name_, None)  # some are there with some settings only
        if name_.startswith("_") or name_ in CONTRACT or not inspect.ismethod(method):
            continue
        parameters = inspect.signature(method).parameters
        if "y" in parameters and "set_" not in name_:
            yield method, [values[key] for key in parameters if key in values]


@pytest.mark.parametrize("generator", KINDS, ids=name)
def test_y_of_a_generator_that_is_not_conditional(generator):
    fitted = clone(generator).fit(X, Y)
    methods = list(methods_given_y(fitted))
    assert "sample" in [method.__name__ for method, _ in methods]
    for method, args in methods:
        with pytest.raises(ValueError, match=r"not conditional.*conditional=True"):
            method(*args, y=Y[:2])
    assert np.isfinite(cross_val_score(clone(generator), X, Y, cv=2, error_score="raise")).all()


def test_a_seed_in_the_place_of_y_is_no_seed():
    with pytest.raises(ValueError, match="leave it out"):
        PCAMixture().fit(X).sample(3, 1)


def test_embeddings_are_decoded_under_no_conditions():
    fitted = TimeGAN(**PHASED, conditional=True).fit(X, Y)
    assert isinstance(fitted, TimeGAN)
    assert fitted.reconstruct(X).shape == X.shape
    assert fitted.interpolate(X[:2], X[2:4], 3).shape == (2, 3, 8)
    display = LatentDisplay.from_estimator(fitted, X, Y)
    assert "class" not in display.axes_[1].get_ylabel()
    with pytest.raises(ValueError, match="condition='fast' would change nothing"):
        LatentDisplay.from_estimator(fitted, X, Y, condition="fast")


@pytest.mark.parametrize(
    "display",
    [
        AutocorrelationDisplay,
        EmbeddingDisplay,
        MarginalsDisplay,
        MemorisationDisplay,
        SamplesDisplay,
    ],
)
def test_pictures_of_a_generator_that_is_not_conditional(display):
    with pytest.raises(ValueError, match="PCAMixture is not conditional"):
        display.from_estimator(PCAMixture().fit(X), X, Y)
    # A generator from elsewhere need not know any y.
    flat = KernelDensity().fit(X)
    assert display.from_estimator(flat, X, random_state=0).figure_ is not None


def test_channels_of_components_that_have_an_axis_of_their_own():
    parts = TimeVAE(hidden_dims=(4,), max_epochs=1).fit(X[:, :, None]).sample_components(3)
    with pytest.raises(ValueError, match=r"n_channels=2.*2-d components only"):
        ComponentsDisplay.from_components(parts, n_channels=2)


def test_metrics_say_what_they_do_not_read():
    with pytest.raises(ValueError, match=r"enough=0.1 is read with direction='lower'"):
        Metric(np.mean, "near", 1.0, enough=0.1)
    with pytest.raises(ValueError, match=r"target=1.0 is read with direction='near'"):
        Metric(np.mean, target=1.0)
    assert Metric(np.mean, "near", 1.0).best == "near 1"
    with pytest.raises(ValueError, match="beside X_train"):
        nearest_record_ratio(X, X, X_train=X + 1, window_starts=range(40))
    windows = np.lib.stride_tricks.sliding_window_view(np.sin(np.arange(60.0) ** 1.2), 8)
    scorer = make_generation_scorer("nearest_record_ratio", X_train=windows)
    assert math.isfinite(scorer(PCAMixture().fit(windows[:30]), windows[40:]))


def test_labels_that_no_metric_reads():
    with pytest.raises(ValueError, match="tstr_score reads labels, and none of the metrics mmd"):
        evaluate_samples(X, X, y_real=Y, y_synthetic=Y, metrics="mmd")
