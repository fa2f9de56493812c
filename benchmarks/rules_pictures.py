"""The pictures of the page on rules: ``python -m benchmarks.rules_pictures``.

One for each kind: real series, what ``PCAMixture`` makes of them as mere numbers
(``rules=None, postprocess=None``), and what it makes of them with their rules. They go to
``docs/images/``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rules import WINDOW, meters, parts, prices, rain, rng, states
from sklearn_timegen import PCAMixture
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.plotting import REAL, SYNTHETIC, require_matplotlib

Array = NDArray[Any]
IMAGES = Path(__file__).parents[1] / "docs" / "images"
TITLES = "real", "as mere numbers", "with rules"
T = np.arange(WINDOW)


def windows(x: Array) -> Array:
    """Return the windows of series that are as long as several."""
    return x.reshape(-1, WINDOW, x.shape[2])


def clocked() -> Array:
    knots = rng(20).normal(size=(400, 8, 1)).cumsum(axis=1).round(1)
    at = T + rng(21).integers(6, size=(400, 1))
    k, w = at // 6, (at % 6)[..., None] / 6
    rows = np.arange(400)[:, None]
    return knots[rows, k] * (1 - w) + knots[rows, k + 1] * w


def degrees() -> Array:
    celsius = 10 + 3 * rng(22).normal(size=(400, WINDOW, 1)).cumsum(axis=1) / 2
    return np.concatenate([celsius, 1.8 * celsius + 32], axis=2)


def whole() -> Array:
    return np.rint(4 * rng(23).normal(size=(400, WINDOW, 1)).cumsum(axis=1) + 200)


def amounts() -> Array:
    steps = rng(24).normal(size=(400, WINDOW, 1)).cumsum(axis=1)
    return np.exp(0.5 * steps + rng(25).normal(size=(400, 1, 1)))


def folded() -> Array:
    """Values that turn round at 0 and 100, and do not stay there."""
    start = 200 * rng(26).random((400, 1, 1))
    walk = start + 8 * rng(27).normal(size=(400, WINDOW, 1)).cumsum(axis=1)
    return 100 - np.abs(walk % 200 - 100)


def levels() -> Array:
    level = 1e4 * rng(28).normal(size=(400, 1, 1))
    phase = 2 * np.pi * rng(30).random((400, 1))
    return level + 0.5 * np.sin(2 * np.pi * T / 12 + phase)[..., None]


def magnus(temperature: Array) -> Array:
    return 17.625 * temperature / (243.04 + temperature)


def dew_points() -> Array:
    """Dew point, temperature and humidity, with noise of 0.03 degrees.

    By the formula of Magnus, as in O. Alduchov and R. Eskridge (1996), "Improved Magnus form
    approximation of saturation vapor pressure", Journal of Applied Meteorology 35.
    """
    temperature = 15 + rng(31).normal(size=(400, WINDOW)).cumsum(axis=1)
    humidity = 100 / (1 + np.exp(-0.3 * rng(32).normal(size=(400, WINDOW)).cumsum(axis=1) - 1))
    gamma = np.log(humidity / 100) + magnus(temperature)
    noise = 0.03 * rng(33).normal(size=gamma.shape)
    point = 243.04 * gamma / (17.625 - gamma) + noise
    return np.stack([point, temperature, humidity], axis=2)


def sines() -> Array:
    return make_sines(2000, WINDOW, 1, random_state=0)


# -- how a kind is drawn: series, colour, axes --------------------------------------------------


def lines(x: Array, colour: str, ax: Any, n: int = 4) -> None:
    for one in x[:n, :, 0]:
        ax.plot(T, one, color=colour, lw=0.9)


def logarithmic(x: Array, colour: str, ax: Any) -> None:
    lines(x, colour, ax, 6)
    ax.set_yscale("symlog", linthresh=0.1, linscale=0.3)
    ax.set_yticks([-100, -1, 0, 1, 100], minor=False)


def movement(x: Array, colour: str, ax: Any) -> None:
    lines(x.astype(np.float64) - x.mean(axis=1, keepdims=True, dtype=np.float64), colour, ax, 3)


def bent(x: Array, colour: str, ax: Any) -> None:
    for one in x[:2, :, 0]:
        ax.plot(T, one, color=colour, lw=0.9, marker=".", ms=3)
        at = np.flatnonzero(np.abs(np.diff(one, n=2)) > 1e-3) + 1
        off = at[at % 6 != np.bincount(at % 6).argmax()] if len(at) else at
        ax.plot(T[off], one[off], "x", color="black", ms=4, mew=1)


def dots(x: Array, colour: str, ax: Any) -> None:
    one = x[0, :12, 0]
    ax.plot(T[:12], one, color=colour, lw=0.9, marker=".", ms=4)
    low, high = np.floor(one.min()) - 1, np.ceil(one.max()) + 1
    ax.set_yticks(np.arange(low, high + 1), minor=True)
    ax.set_ylim(low, high)
    ax.grid(which="minor", axis="y", lw=0.3)


def range_of_day(x: Array, colour: str, ax: Any) -> None:
    first, high, low, last = x[0].T
    ax.vlines(T, low, high, color=colour, lw=1)
    wrong = (low > np.minimum(first, last)) | (high < np.maximum(first, last))
    ax.plot(T, last, ".", color=colour, ms=4)
    ax.plot(T[wrong], last[wrong], "x", color="black", ms=4, mew=1)


def falls(x: Array, colour: str, ax: Any) -> None:
    for one in x[:3, :, 0]:
        one = one - one[0]
        ax.plot(T, one, color=colour, lw=0.9)
        down = np.flatnonzero(np.diff(one) < 0) + 1
        ax.plot(T[down], one[down], "x", color="black", ms=4, mew=1)


def bars(x: Array, colour: str, ax: Any) -> None:
    one = x[0, :, 0]
    ax.bar(T, one, color=np.where(one < 0, "black", colour), width=0.7)


def images(x: Array, colour: str, ax: Any) -> None:
    ax.imshow(x[0].T, aspect="auto", cmap="Greys", vmin=0, vmax=1, interpolation="nearest")


def missing(x: Array, colour: str, ax: Any) -> None:
    """Draw what is left of a total when its parts are taken off."""
    x = x.astype(np.float64)
    for one in x[:3]:
        ax.plot(T, one[:, 0] - one[:, 1:].sum(axis=1), color=colour, lw=0.9)


def off_scale(x: Array, colour: str, ax: Any) -> None:
    """Draw how far degrees Fahrenheit are off those of Celsius."""
    x = x.astype(np.float64)
    for one in x[:3]:
        ax.plot(T, one[:, 1] - (1.8 * one[:, 0] + 32), color=colour, lw=0.9)


def rest(x: Array, colour: str, ax: Any) -> None:
    """Draw what temperature and dew point leave of the humidity."""
    point, temperature, humidity = np.moveaxis(x.astype(np.float64), 2, 0)
    ratio = magnus(point) - magnus(temperature)
    for one in (humidity - 100 * np.exp(ratio))[:4]:
        ax.plot(T, one, color=colour, lw=0.9)


def turning(x: Array, colour: str, ax: Any) -> None:
    """Draw second differences of sines between 0 and 1, over their distance from the middle."""
    away = x[:, 1:-1, 0].astype(np.float64) - 0.5
    bend = np.diff(x[:, :, 0].astype(np.float64), n=2, axis=1) / np.maximum(away, 0.05)
    for one in bend[:8]:
        ax.plot(T[1:-1], one, color=colour, lw=0.9)


PICTURES: dict[str, tuple[Callable[[], Array], Callable[[Array, str, Any], None]]] = {
    "grid": (whole, dots),
    "one_of": (lambda: windows(states()), images),
    "combination": (degrees, off_scale),
    "clock": (clocked, bent),
    "parts": (lambda: windows(parts()), missing),
    "order": (lambda: windows(prices()), range_of_day),
    "monotone": (lambda: windows(meters()), falls),
    "positive": (amounts, logarithmic),
    "dependence": (dew_points, rest),
    "normal_score": (lambda: windows(rain()), bars),
    "shape": (sines, turning),
    "bounds": (folded, lambda x, colour, ax: lines(x, colour, ax, 7)),
    "level": (levels, movement),
}
SHARED = (
    "bounds",
    "combination",
    "parts",
    "positive",
    "dependence",
    "shape",
)  # panels that are to be compared by their scale


def draw(name: str, path: Path) -> None:
    """Draw one picture."""
    plt = require_matplotlib()
    make, put = PICTURES[name]
    real = make().astype(np.float32)
    ways: list[dict[str, Any]] = [{"rules": None, "postprocess": None}, {}]
    fitted = [PCAMixture(**way, random_state=0).fit(real) for way in ways]
    shown = [real, *(made.sample(400) for made in fitted)]
    with plt.rc_context({"font.size": 7}):
        figure, axes = plt.subplots(
            1, 3, figsize=(7.2, 1.5), layout="constrained", sharey=name in SHARED
        )
        for x, ax, title in zip(shown, axes, TITLES, strict=True):
            put(x, REAL if title == "real" else SYNTHETIC, ax)
            ax.set_title(title, fontsize=7.5, loc="left")
            ax.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, dpi=110)
        plt.close(figure)


def main() -> None:
    """Draw all of them."""
    for name in PICTURES:
        draw(name, IMAGES / f"rules_{name}.png")


if __name__ == "__main__":
    main()
