"""Displays draw what they are given."""

import builtins

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_timegen.datasets import make_labelled_sines, make_sines
from sklearn_timegen.plotting import REAL, SYNTHETIC, EmbeddingDisplay, SamplesDisplay

from .generators import Resampler


def test_samples_display_by_class():
    X, y = make_labelled_sines(50, 12, random_state=0)
    fitted = Resampler(conditional=True).fit(X, y)
    display = SamplesDisplay.from_estimator(fitted, X, y, n_series=5, random_state=0)
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
    X = make_sines(30, 12, 4, random_state=0)
    figure, ax = plt.subplots()
    display = SamplesDisplay.from_samples(X, X[:10], channels=[3, 1], ax=ax)
    assert display.figure_ is figure
    assert [row[0].get_ylabel() for row in display.axes_] == ["channel 3", "channel 1"]
    assert SamplesDisplay.from_samples(X, X).axes_.shape == (3, 2)
    assert SamplesDisplay.from_samples(X[:, :1], X[:, :1]).axes_.shape == (3, 2)


def test_embedding_display_is_fitted_on_both():
    X = make_sines(30, 12, 2, random_state=0)
    display = EmbeddingDisplay.from_samples(X, X[:20] + 5)
    assert display.real.shape == (30, 2)
    assert display.synthetic.shape == (20, 2)
    assert np.allclose(np.concatenate([display.real, display.synthetic]).mean(axis=0), 0)
    assert display.ax_.get_xlabel().startswith("component 1 (")
    assert EmbeddingDisplay.from_estimator(Resampler().fit(X), X, n_series=7).real.shape == (7, 2)
    assert EmbeddingDisplay.from_samples(np.zeros((3, 1)), np.ones((4, 1))).real.shape == (3, 2)


def test_bad_input_is_refused():
    X = make_sines(10, 12, 2, random_state=0)
    with pytest.raises(ValueError, match=r"\(12, 2\), X_synthetic of \(11, 2\)"):
        EmbeddingDisplay.from_samples(X, X[:, :11])
    with pytest.raises(ValueError, match="X_real must be 2-d or 3-d"):
        SamplesDisplay.from_samples(X[0, 0], X)
    with pytest.raises(ValueError, match="9 entries for 10 series"):
        SamplesDisplay.from_samples(X, X, y_real=np.zeros(9), y_synthetic=np.zeros(10))
    with pytest.raises(ValueError, match="classes"):
        SamplesDisplay.from_samples(X, X, y_real=np.zeros(10), y_synthetic=np.ones(10))
    with pytest.raises(ValueError, match="X_synthetic contains 24 NaN"):
        EmbeddingDisplay.from_samples(X, np.full_like(X[:1], np.nan))


def test_missing_matplotlib_says_what_to_install(monkeypatch):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    X = make_sines(10, 12, 1, random_state=0)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-timegen\[plot\]'"):
        EmbeddingDisplay.from_samples(X, X)
