"""Displays draw what they are given."""

import builtins
import inspect
import sys
import types
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_timegen.datasets import make_labelled_sines, make_sines
from sklearn_timegen.plotting import (
    REAL,
    SYNTHETIC,
    AutocorrelationDisplay,
    EmbeddingDisplay,
    MarginalsDisplay,
    MemorisationDisplay,
    SamplesDisplay,
)

from .generators import Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED


def test_samples_display_by_class():
    X, y = make_labelled_sines(50, 12, random_state=SEED)
    fitted = Resampler(conditional=True).fit(X, y)
    display = SamplesDisplay.from_estimator(fitted, X, y, n_series=5, random_state=SEED)
    assert display.axes_.shape == (2, 2)
    assert [row[0].get_ylabel() for row in display.axes_] == ["class fast", "class slow"]
    left = display.axes_[0, 0]
    assert len(left.lines) == 5 + 3
    middle = left.lines[6].get_ydata()
    assert np.allclose(middle, np.median(X[y == "fast"], axis=0), atol=1e-6)
    assert left.lines[0].get_color() == REAL
    assert display.axes_[0, 1].lines[0].get_color() == SYNTHETIC
    assert left.get_ylim() == display.axes_[0, 1].get_ylim()


def test_samples_display_by_channel_in_a_given_place():
    X = make_sines(30, 12, 4, random_state=SEED)
    figure, ax = plt.subplots()
    display = SamplesDisplay.from_samples(X, X[:10], channels=[3, 1], ax=ax)
    assert display.figure_ is figure
    assert [row[0].get_ylabel() for row in display.axes_] == ["channel 3", "channel 1"]
    assert SamplesDisplay.from_samples(X, X).axes_.shape == (3, 2)
    assert SamplesDisplay.from_samples(X[:, :1], X[:, :1]).axes_.shape == (3, 2)


def test_embedding_display_is_fitted_on_both():
    X = make_sines(30, 12, 2, random_state=SEED)
    display = EmbeddingDisplay.from_samples(X, X[:20] + 5)
    assert display.real.shape == (30, 2)
    assert display.synthetic.shape == (20, 2)
    assert np.allclose(np.concatenate([display.real, display.synthetic]).mean(axis=0), 0)
    assert display.ax_.get_xlabel().startswith("component 1 (")
    assert EmbeddingDisplay.from_estimator(Resampler().fit(X), X, n_series=7).real.shape == (7, 2)
    assert EmbeddingDisplay.from_samples(np.zeros((3, 1)), np.ones((4, 1))).real.shape == (3, 2)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_embeddings_of_few_or_equal_series(method):
    zeros, ones = np.zeros((3, 5)), np.ones((4, 5))
    for real, synthetic in ((zeros, zeros), (zeros[:1], ones[:1]), (zeros[:, :1], ones[:, :1])):
        display = EmbeddingDisplay.from_samples(real, synthetic, method=method)
        assert np.isfinite(display.real).all()
        assert display.synthetic.shape == (len(synthetic), 2)
    apart = EmbeddingDisplay.from_samples(zeros, ones, method=method)
    assert np.ptp(apart.real[:, 0]) < np.abs(
        apart.real[:, 0].mean() - apart.synthetic[:, 0].mean()
    )


def test_tsne_parts_what_differs_and_is_seeded():
    X = make_sines(20, 12, 1, random_state=SEED)
    display = EmbeddingDisplay.from_samples(X, X + 9, method="tsne", random_state=SEED + 3)
    assert display.ax_.get_xlabel() == "t-SNE 1"
    gap = np.linalg.norm(display.real.mean(axis=0) - display.synthetic.mean(axis=0))
    assert gap > display.real.std(axis=0).max()
    again = EmbeddingDisplay.from_samples(X, X + 9, method="tsne", random_state=SEED + 3)
    assert np.array_equal(display.real, again.real)


def test_umap_is_optional(monkeypatch):
    X = make_sines(10, 12, 1, random_state=SEED)
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match="pip install umap-learn"):
        EmbeddingDisplay.from_samples(X, X, method="umap")

    class UMAP:
        def __init__(self, n_components, n_neighbors, **others):
            assert (n_components, n_neighbors) == (2, 15)
            assert {"random_state", "n_jobs"} == set(others)

        def fit_transform(self, x):
            warnings.warn("it warns of much", UserWarning, stacklevel=2)
            return x[:, :2]

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=UMAP))
    display = EmbeddingDisplay.from_samples(X, X[:8], method="umap")
    assert (len(display.real), len(display.synthetic)) == (10, 8)
    assert display.labels == ("UMAP 1", "UMAP 2")
    with pytest.raises(ValueError, match="at least 4 series in all, got 2"):
        EmbeddingDisplay.from_samples(X[:1], X[:1], method="umap")


COMPARING = [SamplesDisplay, MarginalsDisplay, AutocorrelationDisplay]
ALL_COMPARING = [*COMPARING, EmbeddingDisplay, MemorisationDisplay]


@pytest.mark.parametrize("display", ALL_COMPARING)
@pytest.mark.parametrize("shape", [(12,), (12, 1), (12, 3), (1,), (1, 2)])
def test_any_series_and_numbers(display, shape):
    rng = np.random.default_rng(SEED)
    real, synthetic = rng.normal(size=(9, *shape)), rng.normal(size=(6, *shape))
    shown = display.from_samples(real, synthetic)
    shown.figure_.canvas.draw()
    panels = np.ravel(shown.axes_ if hasattr(shown, "axes_") else shown.ax_)
    assert panels[0].get_ylabel()
    assert panels[-1].get_xlabel()


@pytest.mark.parametrize("display", ALL_COMPARING)
def test_flat_rows_of_several_channels(display):
    X = make_sines(12, 8, 3, random_state=SEED)
    flat = Resampler(n_channels=3).fit(X.reshape(12, -1))
    shaped = Resampler().fit(X)
    shown = [
        display.from_estimator(generator, x, random_state=SEED)
        for generator in (flat, shaped)
        for x in (X, X.reshape(12, -1))
    ]
    for other in shown[1:]:
        if isinstance(shown[0].real, dict):
            assert list(other.real) == ["channel 0", "channel 1", "channel 2"]
            assert all(np.allclose(other.real[k], shown[0].real[k]) for k in other.real)
            assert all(
                np.allclose(other.synthetic[k], shown[0].synthetic[k], atol=1e-5)
                for k in other.real
            )
        else:
            assert np.allclose(other.real, shown[0].real, atol=1e-5)


@pytest.mark.parametrize("display", COMPARING)
def test_channels_out_of_range_are_named(display):
    X = make_sines(5, 8, 2, random_state=SEED)
    with pytest.raises(ValueError, match=r"\[0, 2\] holds \[2\].* 2 channel\(s\)"):
        display.from_samples(X, X, channels=[0, 2])
    with pytest.raises(ValueError, match=r"holds \[-1\]"):
        display.from_samples(X, X, channels=-1)
    for channels in ([], [0.5], "open", [True, False]):
        with pytest.raises(ValueError, match="one or more integers, got"):
            display.from_samples(X, X, channels=channels)


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
def test_places_in_a_figure(layout):
    X = make_sines(12, 8, 3, random_state=SEED)
    figure, axes = plt.subplots(2, 2, layout=layout)
    for display, ax in zip(COMPARING, axes.ravel(), strict=False):
        assert display.from_samples(X, X, ax=ax).figure_ is figure
    last = EmbeddingDisplay.from_samples(X, X, ax=axes[1, 1])
    assert last.ax_ is axes[1, 1]
    figure.canvas.draw()
    fixed = figure.add_axes((0.1, 0.1, 0.2, 0.2))
    with pytest.raises(ValueError, match="ax must be a subplot"):
        SamplesDisplay.from_samples(X, X, ax=fixed)


def test_bad_input_is_refused():
    X = make_sines(10, 12, 2, random_state=SEED)
    with pytest.raises(ValueError, match=r"\(12, 2\), X_synthetic of \(11, 2\)"):
        EmbeddingDisplay.from_samples(X, X[:, :11])
    with pytest.raises(ValueError, match=r"X_real must be 2-d .* got shape \(2,\)"):
        SamplesDisplay.from_samples(X[0, 0], X)
    with pytest.raises(ValueError, match="9 entries for 10 series"):
        SamplesDisplay.from_samples(X, X, y_real=np.zeros(9), y_synthetic=np.zeros(10))
    with pytest.raises(ValueError, match="classes"):
        SamplesDisplay.from_samples(X, X, y_real=np.zeros(10), y_synthetic=np.ones(10))
    with pytest.raises(ValueError, match="must be one of .*, got 'lda'"):
        EmbeddingDisplay.from_samples(X, X, method="lda")
    with pytest.raises(ValueError, match="n_series must be an integer of at least 1, got 0"):
        SamplesDisplay.from_samples(X, X, n_series=0)
    with pytest.raises(ValueError, match="X_synthetic contains 0 NaN and 24 inf"):
        EmbeddingDisplay.from_samples(X, np.full_like(X[:1], np.inf))


def test_missing_matplotlib_says_what_to_install(monkeypatch):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    X = make_sines(10, 12, 1, random_state=SEED)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        EmbeddingDisplay.from_samples(X, X)


OF_GENERATORS = [
    AutocorrelationDisplay,
    EmbeddingDisplay,
    MarginalsDisplay,
    MemorisationDisplay,
    SamplesDisplay,
]


@pytest.mark.parametrize("display", OF_GENERATORS)
def test_what_is_drawn_of_a_generator_takes_what_is_drawn_of_samples(display):
    of_samples = inspect.signature(display.from_samples).parameters
    of_estimator = inspect.signature(display.from_estimator).parameters
    by_generator = {"X_real", "X_synthetic", "y_real", "y_synthetic"}
    assert set(of_samples) - by_generator <= set(of_estimator)
    assert not any(p.kind is p.VAR_KEYWORD for p in of_estimator.values())
    for name in set(of_samples) & set(of_estimator):
        assert of_samples[name].default == of_estimator[name].default
