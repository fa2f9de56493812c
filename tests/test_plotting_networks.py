"""Displays of what a network has learned, and how."""

import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sklearn_timegen import R3GAN, VAE
from sklearn_timegen.datasets import make_labelled_sines, make_sines
from sklearn_timegen.plotting import LatentDisplay, TrainingDisplay
from sklearn_timegen.training import COLLAPSED, SATURATED

from .generators import DENSE, TINY, Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED

QUICK = {**DENSE, "max_epochs": 2, "random_state": SEED}


class Line:
    """A generator whose latents are known: the first is the level, the second the slope."""

    def transform(self, X):
        X = np.asarray(X)
        return np.column_stack([X[:, 0], X[:, 1] - X[:, 0]])

    def inverse_transform(self, Z):
        return Z[:, :1] + Z[:, 1:] * np.arange(6)


def test_latents_and_traversal():
    rng = np.random.default_rng(SEED)
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
    Z = np.random.default_rng(SEED).normal(size=(90, 2))
    X, labels = Line().inverse_transform(Z), np.arange(90) % 3
    display = LatentDisplay.from_estimator(Line(), X, labels, n_steps=3)
    points = display.axes_[0].collections
    assert [c.get_label() for c in points[:3]] == ["class 0", "class 1", "class 2"]
    assert np.allclose(points[1].get_offsets(), Z[labels == 1])
    assert len({tuple(c.get_facecolor()[0][:3]) for c in points[:3]}) == 3
    assert len({len(c.get_paths()[0]) for c in points[:3]}) == 3
    many = LatentDisplay.from_estimator(Line(), X, np.arange(90) // 2).axes_[0].collections
    assert [c.get_label() for c in many].count("other classes") == 1
    assert len(many) == 7  # six colours, one of them for the others, and the way
    assert len(LatentDisplay.from_estimator(Line(), X, Z[:, 0]).axes_[0].collections) == 2
    with pytest.raises(ValueError, match="9 entries for 90 series"):
        LatentDisplay.from_estimator(Line(), X, labels[:9])


def test_conditional_traversal():
    X, y = make_labelled_sines(30, 12, random_state=SEED)
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
    X = make_sines(20, 6, 2, random_state=SEED)
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
    X = make_sines(10, 6, 1, random_state=SEED)
    fitted = Resampler().fit(X)
    with pytest.raises(TypeError, match="Resampler has no transform and no inverse_transform"):
        LatentDisplay.from_estimator(fitted, X)
    with pytest.raises(TypeError, match="Resampler has no net_"):
        TrainingDisplay.from_estimator(fitted)
    with pytest.raises(NotFittedError, match="VAE"):
        TrainingDisplay.from_estimator(VAE())


def test_losses_of_a_training():
    X = make_sines(30, 6, 1, random_state=SEED)
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


def game(n_epochs, *without):
    row = {
        "discriminator_loss": -3.0,
        "discriminator_gradient": 0.01,
        "discriminator_accuracy": 0.7,
        "generator_loss": 100.0,
        "generator_gradient": 0.02,
        "train_distance": 0.2,
        "effective_sample_ratio": 0.4,
        "valid_distance": 0.3,
    }
    row = {name: value for name, value in row.items() if name not in without}
    return [{"epoch": k + 1, "dur": 1.0, **row} for k in range(n_epochs)]


def labelled(panel):
    lines = {line.get_label(): line for line in panel.lines}
    return {name: line for name, line in lines.items() if not name.startswith("_")}


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def test_panels_of_a_game():
    X = make_sines(30, 6, 1, random_state=SEED)
    dense = {**TINY, "generator": "dense", "discriminator": "dense", "random_state": SEED}
    gan = R3GAN(**dense | {"max_epochs": 4}, validation_fraction=0.3).fit(X)
    display = TrainingDisplay.from_estimator(gan)
    titles = ["distance", "loss", "gradient norm", "accuracy", "effective ratio"]
    assert [panel.get_ylabel() for panel in display.axes_] == titles
    assert display.ax_ is display.axes_[0]
    assert display.axes_[-1].get_xlabel() == "epoch"
    assert display.ax_.get_shared_x_axes().joined(*display.axes_[[0, -1]])
    assert sorted(display.losses) == ["discriminator_loss", "generator_loss"]
    drawn = [labelled(panel) for panel in display.axes_]
    for panel, label, name in (
        (0, "training series", "train_distance"),
        (0, "held-out series", "valid_distance"),
        (1, "generator", "generator_loss"),
        (1, "discriminator", "discriminator_loss"),
        (2, "generator", "generator_gradient"),
        (2, "discriminator", "discriminator_gradient"),
        (3, "discriminator", "discriminator_accuracy"),
        (4, "training series", "effective_sample_ratio"),
    ):
        assert np.allclose(drawn[panel][label].get_ydata(), gan.history_[:, name])
        assert drawn[panel][label].get_xdata().tolist() == [1, 2, 3, 4]
    valid = gan.history_[:, "valid_distance"]
    assert display.best_epoch_ == 1 + int(np.argmin(valid))
    assert drawn[0][f"best epoch ({display.best_epoch_})"].get_ydata() == [min(valid)]
    assert [len(lines) for lines in drawn] == [3, 2, 2, 1, 1]


def test_levels_and_scales_of_a_game():
    rows = game(3)
    rows[1] |= {"train_distance": 0.1, "discriminator_gradient": 0.0}
    rows[2] |= {"valid_distance": 0.25, "effective_sample_ratio": 3.0}
    display = TrainingDisplay.from_estimator(with_history(rows))
    scales = [panel.get_yscale() for panel in display.axes_]
    assert scales == ["linear", "linear", "log", "linear", "linear"]
    assert display.best_epoch_ == 3
    words = [[text.get_text() for text in panel.texts] for panel in display.axes_]
    assert words == [[], [], [], ["chance", "saturated"], ["as data", "collapsed"]]
    for panel, level, bad in (
        (display.axes_[3], 0.5, (SATURATED, 1.05)),
        (display.axes_[4], 1, (0, COLLAPSED)),
    ):
        assert [level, level] in [list(line.get_ydata()) for line in panel.lines]
        (band,) = panel.patches
        assert np.allclose((band.get_y(), band.get_y() + band.get_height()), bad)
    assert display.axes_[4].get_ylim()[1] > 3
    rows = [row | {"train_distance": 10.0 ** -row["epoch"]} for row in rows]
    rows = [row | {"valid_distance": 0.01, "discriminator_loss": 1.0} for row in rows]
    scales = [p.get_yscale() for p in TrainingDisplay.from_estimator(with_history(rows)).axes_]
    assert scales == ["log", "log", "log", "linear", "linear"]


def test_a_game_that_holds_nothing_out():
    rows = game(3, "valid_distance")
    rows[1]["train_distance"] = -0.01  # of as many samples, it may be
    display = TrainingDisplay.from_estimator(with_history(rows))
    assert display.best_epoch_ == 2
    assert list(labelled(display.ax_)) == ["training series", "best epoch (2)"]


def test_epochs_without_a_step_of_the_generator():
    rare = ("generator_loss", "generator_gradient")
    rows = [game(6, *(() if k % 2 else rare))[k] for k in range(6)]
    display = TrainingDisplay.from_estimator(with_history(rows))
    assert np.isnan(display.losses["generator_loss"]).tolist() == [True, False] * 3
    for panel in display.axes_[1:3]:
        assert labelled(panel)["generator"].get_xdata().tolist() == [2, 4, 6]
        assert labelled(panel)["discriminator"].get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    display = TrainingDisplay.from_estimator(with_history(rows[:2]))
    assert labelled(display.axes_[1])["generator"].get_marker() == "."
    never = TrainingDisplay.from_estimator(with_history(game(2, *rare)))
    assert list(labelled(never.axes_[1])) == ["discriminator"]
    few = game(2, "discriminator_accuracy", "valid_distance", "train_distance")
    display = TrainingDisplay.from_estimator(with_history(few))
    assert [p.get_ylabel() for p in display.axes_] == ["loss", "gradient norm", "effective ratio"]
    assert display.best_epoch_ is None


@pytest.mark.parametrize("rows", [game(1), [{"epoch": 1, "train_loss": 2.0}]])
def test_a_single_epoch(rows):
    display = TrainingDisplay.from_estimator(with_history(rows))
    display.figure_.canvas.draw()
    for panel in display.axes_:
        assert all(line.get_marker() in (".", "*") for line in labelled(panel).values())
    low, high = display.axes_[-1].get_xlim()
    ticks = display.axes_[-1].get_xticks()
    assert ticks[(ticks >= low) & (ticks <= high)].tolist() == [1]


@pytest.mark.parametrize("layout", [None, "tight", "constrained"])
def test_a_game_divides_the_place_it_is_given(layout):
    figure, (left, right) = plt.subplots(1, 2, layout=layout)
    assert TrainingDisplay.from_estimator(with_history([{"train_loss": 1.0}]), ax=left).ax_ is left
    display = TrainingDisplay.from_estimator(with_history(game(3)), ax=right)
    assert display.figure_ is figure
    assert right not in figure.axes
    figure.canvas.draw()
    end = left.get_window_extent().x1
    assert all(panel.get_window_extent().x0 > end for panel in display.axes_)
    series = ["training series", "held-out series", "best epoch (1)"]
    legends = [panel.get_legend() for panel in display.axes_]
    if layout == "constrained":
        (legend,) = figure.subfigs[0].legends
        assert texts(legend) == [*series, "discriminator", "generator"]
        assert legends == [None] * 5
    else:
        assert texts(legends[0]) == series
        assert texts(legends[1]) == ["discriminator", "generator"]
        assert legends[2:] == [None] * 3


def test_other_losses_of_a_game():
    rows = [row | {"encoder_loss": 1.0} for row in game(2)]
    lines = labelled(TrainingDisplay.from_estimator(with_history(rows)).axes_[1])
    assert list(lines) == ["discriminator", "generator", "encoder loss"]
    assert len({line.get_color() for line in lines.values()}) == 3
