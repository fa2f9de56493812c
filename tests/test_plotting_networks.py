"""Displays of what a network has learned, and how."""

import types

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sklearn_timegen import VAE
from sklearn_timegen.datasets import make_labelled_sines, make_sines
from sklearn_timegen.plotting import LatentDisplay, TrainingDisplay
from sklearn_timegen.plotting._common import PALETTE

from .generators import DENSE, Resampler

QUICK = {**DENSE, "max_epochs": 2, "random_state": 0}


class Line:
    """A generator whose latents are known: the first is the level, the second the slope."""

    def transform(self, X):
        X = np.asarray(X)
        return np.column_stack([X[:, 0], X[:, 1] - X[:, 0]])

    def inverse_transform(self, Z):
        return Z[:, :1] + Z[:, 1:] * np.arange(6)


def test_latents_and_traversal():
    rng = np.random.default_rng(0)
    Z = np.column_stack([rng.uniform(0, 10, 200), rng.normal(size=200)])
    display = LatentDisplay.from_estimator(Line(), Line().inverse_transform(Z))
    assert np.allclose(display.latents, Z)
    low, high = np.quantile(Z[:, 0], (0.05, 0.95))
    assert np.allclose(display.path[:, 0], np.linspace(low, high, 7))
    assert np.allclose(display.path[:, 1], np.median(Z[:, 1]))
    assert np.allclose(display.traversal, Line().inverse_transform(display.path))
    left, right = display.axes_
    assert len(right.lines) == 7
    assert len(np.unique([line.get_color() for line in right.lines], axis=0)) == 7
    assert (left.get_xlabel(), left.get_ylabel()) == ("latent 1", "latent 2")
    assert right.get_xlabel() == "timestep"
    assert np.allclose(left.collections[-1].get_offsets(), display.path)


def test_classes_differ_in_colour_and_marker():
    Z = np.random.default_rng(0).normal(size=(90, 2))
    X, labels = Line().inverse_transform(Z), np.arange(90) % 3
    display = LatentDisplay.from_estimator(Line(), X, labels, n_steps=3)
    points = display.axes_[0].collections
    assert [c.get_label() for c in points[:3]] == ["class 0", "class 1", "class 2"]
    assert np.allclose(points[1].get_offsets(), Z[labels == 1])
    assert len({tuple(c.get_facecolor()[0][:3]) for c in points[:3]}) == 3
    assert len({len(c.get_paths()[0]) for c in points[:3]}) == 3
    many = LatentDisplay.from_estimator(Line(), X, np.arange(90) // 2).axes_[0].collections
    assert [c.get_label() for c in many].count("other classes") == 1
    assert len(many) == len(PALETTE) + 1
    assert len(LatentDisplay.from_estimator(Line(), X, Z[:, 0]).axes_[0].collections) == 2
    with pytest.raises(ValueError, match="9 entries for 90 series"):
        LatentDisplay.from_estimator(Line(), X, labels[:9])


def test_conditional_traversal():
    X, y = make_labelled_sines(30, 12, random_state=0)
    vae = VAE(conditional=True, **QUICK).fit(X, y)
    display = LatentDisplay.from_estimator(vae, X, y)
    assert display.title == "class fast"
    assert np.allclose(display.traversal, vae.inverse_transform(display.path, y="fast"))
    slow = LatentDisplay.from_estimator(vae, X, condition="slow")
    assert np.allclose(slow.traversal, vae.inverse_transform(slow.path, y="slow"))
    assert slow.axes_[1].get_ylabel() == "class slow"
    for vectors in (X[:, :2], X[:, :1], X[:, 0]):
        given = VAE(conditional=True, **QUICK).fit(X, vectors)
        shown = LatentDisplay.from_estimator(given, X, vectors)
        assert shown.title == ""
        assert shown.labels is None
    with pytest.raises(ValueError, match="y is missing"):
        LatentDisplay.from_estimator(given, X)


def test_one_latent_flat_rows_and_one_timestep():
    X = make_sines(20, 6, 2, random_state=0)
    one = VAE(**{**QUICK, "latent_dim": 1}, n_channels=2).fit(X.reshape(20, -1))
    display = LatentDisplay.from_estimator(one, X.reshape(20, -1), channel=1)
    assert display.latents.shape == (20, 1)
    flat = one.inverse_transform(display.path)
    assert np.allclose(display.traversal, flat[:, 1::2])
    assert display.axes_[1].get_ylabel() == "channel 1"
    with pytest.raises(ValueError, match=r"holds \[2\].* 2 channel\(s\)"):
        LatentDisplay.from_estimator(one, X, channel=2)
    short = VAE(**QUICK).fit(X[:, :1])
    LatentDisplay.from_estimator(short, X[:, :1]).figure_.canvas.draw()


def test_generators_without_latents_or_network_are_named():
    X = make_sines(10, 6, 1, random_state=0)
    fitted = Resampler().fit(X)
    with pytest.raises(TypeError, match="Resampler has no transform and no inverse_transform"):
        LatentDisplay.from_estimator(fitted, X)
    with pytest.raises(TypeError, match="Resampler has no net_"):
        TrainingDisplay.from_estimator(fitted)
    with pytest.raises(NotFittedError, match="VAE"):
        TrainingDisplay.from_estimator(VAE())


def test_losses_of_a_training():
    X = make_sines(30, 6, 1, random_state=0)
    vae = VAE(**{**QUICK, "max_epochs": 4}, validation_fraction=0.3).fit(X)
    display = TrainingDisplay.from_estimator(vae)
    assert list(display.losses) == ["train_loss", "valid_loss"]
    valid = vae.history_[:, "valid_loss"]
    assert np.allclose(display.losses["valid_loss"], valid)
    assert display.best_epoch_ == 1 + int(np.argmin(valid))
    lines = {line.get_label(): line for line in display.ax_.lines}
    assert lines["valid loss"].get_xdata().tolist() == [1, 2, 3, 4]
    assert lines[f"best epoch ({display.best_epoch_})"].get_ydata()[0] == min(valid)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("epoch", "loss")
    plain = TrainingDisplay.from_estimator(VAE(**QUICK).fit(X))
    assert plain.best_epoch_ is None
    assert list(plain.losses) == ["train_loss"]


def with_history(rows):
    return types.SimpleNamespace(net_=types.SimpleNamespace(history=rows))


def test_losses_of_other_histories():
    rows = [
        {"epoch": 1, "critic_loss": 900.0, "train_loss": 1.0, "train_loss_best": True},
        {"epoch": 2, "critic_loss": 0.5, "note_loss": "none", "dur": 1.0},
    ]
    display = TrainingDisplay.from_estimator(with_history(rows))
    assert list(display.losses) == ["train_loss", "critic_loss"]
    assert np.isnan(display.losses["train_loss"][1])
    assert display.ax_.get_yscale() == "log"
    rows[1] |= {"critic_loss": -0.5, "valid_loss": np.nan}
    assert TrainingDisplay.from_estimator(with_history(rows)).ax_.get_yscale() == "linear"
    with pytest.raises(ValueError, match="holds no loss: 1 epochs"):
        TrainingDisplay.from_estimator(with_history([{"epoch": 1}]))
