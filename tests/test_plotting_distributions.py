"""Displays of values, of memory along time, and of copies."""

import numpy as np
import pytest

from sklearn_timegen.datasets import make_ar, make_labelled_sines, make_sines
from sklearn_timegen.metrics import near_copy_fraction
from sklearn_timegen.plotting import (
    REAL,
    SYNTHETIC,
    AutocorrelationDisplay,
    MarginalsDisplay,
    MemorisationDisplay,
)

from .generators import Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED


def test_marginals_count_every_value_on_common_bins():
    rng = np.random.default_rng(SEED)
    real, synthetic = rng.normal(size=(60, 10)), 2 + rng.normal(size=(40, 10))
    display = MarginalsDisplay.from_samples(real, synthetic, n_bins=12)
    edges = display.edges[""]
    assert display.real[""].sum() == pytest.approx(1)
    assert display.synthetic[""].sum() == pytest.approx(1)
    assert len(display.real[""]) == 12 + sum(display.gathers[""])
    centres = (edges[1:] + edges[:-1]) / 2
    for shares, x in ((display.real[""], real), (display.synthetic[""], synthetic)):
        assert centres @ shares == pytest.approx(x.mean(), abs=0.1)
        assert shares[0] == pytest.approx((x < edges[1]).mean())
        assert shares[-1] == pytest.approx((x >= edges[-2]).mean())
    assert display.axes_[0].get_xlabel() == "value"
    assert display.axes_[0].get_ylabel() == "share of values"


def test_marginals_stay_legible():
    rng = np.random.default_rng(SEED)
    real = rng.normal(size=(50, 20, 1))
    tails = rng.standard_cauchy((50, 20, 1))
    heavy = MarginalsDisplay.from_samples(tails, tails[:30])
    assert heavy.gathers[""] == (True, True)
    assert np.ptp(heavy.edges[""]) < 30  # though values lie hundreds apart
    far = MarginalsDisplay.from_samples(real, real + 1000)
    assert far.gathers[""][1]
    assert far.synthetic[""][-1] == 1
    assert np.ptp(far.edges[""]) < 4 * np.ptp(real)
    assert far.axes_[0].get_xlim() == (far.edges[""][0], far.edges[""][-1])
    near = MarginalsDisplay.from_samples(real, real + 4)
    assert near.synthetic[""][-1] < 0.1  # outside the real range, and yet resolved
    light = MarginalsDisplay.from_samples(rng.uniform(size=(50, 20)), rng.uniform(size=(50, 20)))
    assert light.gathers[""] == (False, False)


@pytest.mark.parametrize("level", [0.0, 5.0, -1e9])
def test_marginals_of_constants(level):
    constant = np.full((4, 6), level)
    same = MarginalsDisplay.from_samples(constant, constant)
    assert same.real[""].max() == same.synthetic[""].max() == 1
    other = MarginalsDisplay.from_samples(constant, constant + np.linspace(0, 100, 6))
    assert other.real[""].max() == 1
    assert other.synthetic[""].max() < 1


def test_panels_of_many_channels():
    X = make_sines(20, 8, 8, random_state=SEED)
    for display in (MarginalsDisplay, AutocorrelationDisplay):
        assert len(display.from_samples(X, X[:9]).axes_) == 6
        three = display.from_samples(X, X[:9], channels=[7, 0, 2])
        assert list(three.real) == ["channel 7", "channel 0", "channel 2"]
        assert len(three.figure_.axes) == len(three.axes_) == 3
    bottom = three.axes_[1]  # nothing below it
    assert bottom.get_xlabel() == "lag (timesteps)"
    assert bottom.xaxis.get_tick_params()["labelbottom"]
    assert [panel.get_title() for panel in three.axes_] == list(three.real)


def test_autocorrelation_is_drawn():
    real = make_ar(300, 20, coefficients=(0.9,), random_state=SEED)
    other = make_ar(200, 20, coefficients=(0.3,), random_state=SEED)
    display = AutocorrelationDisplay.from_samples(real, other, max_lag=3)
    assert np.allclose(display.real[""], 0.9 ** np.arange(4), atol=0.08)
    assert np.allclose(display.synthetic[""], 0.3 ** np.arange(4), atol=0.08)
    lines = {line.get_label(): line for line in display.axes_[0].lines}
    assert np.array_equal(lines["real"].get_ydata(), display.real[""])
    assert lines["real"].get_color() == REAL
    assert lines["synthetic"].get_color() == SYNTHETIC
    assert lines["real"].get_linestyle() != lines["synthetic"].get_linestyle()
    assert len(AutocorrelationDisplay.from_samples(real, other).real[""]) == 20
    assert AutocorrelationDisplay.from_samples(real[:, :1], other[:, :1]).real[""] == [1]
    with pytest.raises(ValueError, match="max_lag=20 must be below the 20 timesteps"):
        AutocorrelationDisplay.from_samples(real, other, max_lag=20)
    with pytest.raises(ValueError, match="max_lag must be an integer of at least 1, got 0"):
        AutocorrelationDisplay.from_samples(real, other, max_lag=0)


def test_memorisation_agrees_with_the_metric():
    train, held_out, fresh = np.random.default_rng(SEED).normal(size=(3, 60, 6, 2))
    mixed = np.concatenate([train[:20], fresh[:40]])
    display = MemorisationDisplay.from_samples(held_out, mixed, train)
    assert display.near_copy_fraction_ == near_copy_fraction(held_out, mixed, X_train=train)
    assert (display.synthetic[:20] == 0).all()
    assert (display.real <= display.threshold_).mean() == pytest.approx(0.05, abs=0.02)
    lines = {line.get_label(): line for line in display.ax_.lines}
    assert lines["near copies"].get_xdata()[0] == display.threshold_
    # A third of the synthetic curve stands at 0, the real one comes later.
    x, fraction = lines["synthetic"].get_data()
    assert fraction[x <= 0].max() == pytest.approx(1 / 3)
    assert "nearest training series" in display.ax_.get_xlabel()
    alone = MemorisationDisplay.from_samples(train, mixed)
    assert (alone.real > 0).all()
    with pytest.warns(FutureWarning, match="called near_copy_fraction_ now"):
        assert display.near_copy_share_ == display.near_copy_fraction_


def test_memorisation_of_a_generator():
    X, y = make_labelled_sines(60, 12, random_state=SEED)
    copier = Resampler(conditional=True).fit(X[:40], y[:40])
    display = MemorisationDisplay.from_estimator(
        copier, X[40:], y[40:], X_train=X[:40], random_state=0
    )
    assert display.near_copy_fraction_ == 1
    assert len(display.synthetic) == 20
    with pytest.raises(ValueError, match=r"X_train of \(11, 1\)"):
        MemorisationDisplay.from_estimator(copier, X[40:], y[40:], X_train=X[:40, :11])
    constant = MemorisationDisplay.from_samples(np.zeros((5, 3)), np.zeros((4, 3)))
    assert constant.threshold_ == 0
