"""The display of the components that a series is the sum of."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_timegen import TimeVAE
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.plotting import ComponentsDisplay

from .generators import Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED

QUICK = {"hidden_dims": (4,), "latent_dim": 2, "max_epochs": 1, "random_state": SEED}
T = np.arange(12.0)


def made(n_samples=5, n_channels=2):
    scale = 1 + np.arange(n_samples * n_channels).reshape(n_samples, 1, n_channels)
    level = np.broadcast_to(100.0 * scale, (n_samples, 12, n_channels))
    return {
        "level": level,
        "trend": scale * T[:, None],
        "season_1": scale * (T % 3 - 1)[:, None],
        "season_2": np.zeros_like(level),
        "noise": level * 1e-8,  # the rounding of a sum
    }


def lines_of(panel):
    return [line.get_ydata() for line in panel.lines[:-1]]  # the last is the bar


def colours_of(panel):
    return [line.get_color() for line in panel.lines[:-1]]


def test_rows_are_the_series_and_its_components():
    parts = made()
    display = ComponentsDisplay.from_components(parts, series=[4, 1], channel=1)
    names = ["series", "level", "trend", "season_1"]
    assert [panel.get_ylabel() for panel in display.axes_] == names
    whole = sum(parts.values())[[4, 1], :, 1]
    assert np.allclose(display.whole, whole)
    assert np.allclose(lines_of(display.axes_[0]), whole)
    for panel, name in zip(display.axes_[1:], names[1:], strict=True):
        assert np.allclose(lines_of(panel), parts[name][[4, 1], :, 1])
        assert colours_of(panel) == colours_of(display.axes_[0])
    shown = set(colours_of(display.axes_[0]))
    assert len(shown) == 2
    assert not shown & {"#0072B2", "#D55E00"}, "those of real and of synthetic series"
    assert [line.get_label() for line in display.axes_[0].lines[:-1]] == ["series 4", "series 1"]
    assert display.axes_[0].get_title() == "channel 1"
    assert display.axes_[-1].get_xlabel() == "timestep"
    assert display.axes_[0].get_shared_x_axes().joined(*display.axes_[[0, -1]])
    assert len(ComponentsDisplay.from_components(parts).whole) == 3
    assert len(ComponentsDisplay.from_components(made(2)).whole) == 2


def test_bars_are_equally_long_in_the_units_of_the_rows():
    display = ComponentsDisplay.from_components(made(), series=2)
    bars = [np.ptp(panel.lines[-1].get_ydata()) for panel in display.axes_]
    assert np.allclose(bars, bars[0])
    assert 0 < bars[0] < np.ptp(made()["season_1"][2, :, 0])


def test_a_generator_decomposes_in_any_layout():
    X = make_sines(20, 12, 2, random_state=SEED)
    given = {"trend_degree": 1, "seasonalities": [(3, 1)], **QUICK}
    shaped = TimeVAE(**given).fit(X)
    flat = TimeVAE(**given, n_channels=2).fit(X.reshape(20, -1))
    shown = [
        ComponentsDisplay.from_estimator(generator, x, channel=1)
        for generator in (shaped, flat)
        for x in (X, X.reshape(20, -1))
    ]
    for display in shown:
        assert list(display.components) == ["level", "trend", "season_1", "residual", "noise"]
        assert np.allclose(display.whole, X[:3, :, 1], atol=1e-5)
    rows = flat.sample_components(4, random_state=SEED)
    drawn = ComponentsDisplay.from_components(rows, n_channels=2)
    assert np.allclose(drawn.whole, flat.sample(4, random_state=SEED)[:3, ::2], atol=1e-5)
    starts = np.arange(20) % 3
    dated = TimeVAE(**given, calendar="start", conditional=True).fit(X, starts)
    ComponentsDisplay.from_estimator(dated, X, starts)


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
def test_places_in_a_figure(layout):
    figure, axes = plt.subplots(1, 2, layout=layout)
    display = ComponentsDisplay.from_components(made(), ax=axes[1])
    assert display.figure_ is figure
    figure.canvas.draw()
    again = display.plot()
    assert again is display
    assert display.figure_ is not figure


@pytest.mark.parametrize("value", [0.0, 1.0, 1e6])
def test_components_that_never_vary(value):
    for shape in ((3, 8), (1, 1), (3, 8, 2)):
        display = ComponentsDisplay.from_components({"level": np.full(shape, value)})
        assert len(display.axes_) == 1 + (value > 0)
        display.figure_.canvas.draw()


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_bad_input_is_refused():
    parts = made()
    with pytest.raises(TypeError, match="Resampler has no decompose"):
        ComponentsDisplay.from_estimator(Resampler().fit(T[None]), T[None])
    with pytest.raises(ValueError, match=r"channels=2 holds \[2\].* 2 channel\(s\)"):
        ComponentsDisplay.from_components(parts, channel=2)
    with pytest.raises(ValueError, match=r"series=\[0, 5\] holds \[5\], but there are 5 series"):
        ComponentsDisplay.from_components(parts, series=[0, 5])
    for series in ([], [0.5], "all", [True]):
        with pytest.raises(ValueError, match="series must be one or more integers, got"):
            ComponentsDisplay.from_components(parts, series=series)
    for components in ({}, [parts["level"]], parts["level"]):
        with pytest.raises(ValueError, match="components must map names to series"):
            ComponentsDisplay.from_components(components)
    with pytest.raises(ValueError, match="'trend' must be 2-d or 3-d and not empty, got"):
        ComponentsDisplay.from_components(parts | {"trend": T})
    with pytest.raises(ValueError, match="alike in shape, got .*'trend': \\(4, 12, 2\\)"):
        ComponentsDisplay.from_components(parts | {"trend": parts["trend"][:4]})
    with pytest.raises(ValueError, match="component 'trend' contains 120 NaN"):
        ComponentsDisplay.from_components(parts | {"trend": np.nan * parts["trend"]})
    with pytest.raises(ValueError, match="n_channels=5 does not divide"):
        ComponentsDisplay.from_components({"level": np.zeros((2, 12))}, n_channels=5)
