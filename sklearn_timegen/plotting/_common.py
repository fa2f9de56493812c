"""What the displays share: colours, the samples they compare, and the places they draw in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data.axes import layout_of
from sklearn_timegen.data.conditions import as_conditions
from sklearn_timegen.data.samples import read_real, read_samples

if TYPE_CHECKING:
    import matplotlib.axes
    from matplotlib.figure import FigureBase
    from matplotlib.legend import Legend

__all__ = [
    "LINES",
    "PALETTE",
    "REAL",
    "SYNTHETIC",
    "WIDTH",
    "Array",
    "Axes",
    "as_series",
    "channel_panels",
    "channel_title",
    "check_labels",
    "check_numbers",
    "chosen_channels",
    "divided_place",
    "label_axes",
    "legend_above",
    "panels_legend",
    "real_and_synthetic",
    "require_matplotlib",
    "sequential_colours",
    "single_place",
]

Array = NDArray[Any]
Axes: TypeAlias = "matplotlib.axes.Axes"

REAL, SYNTHETIC = "#0072B2", "#D55E00"
# The rest of Okabe and Ito's colours, with a marker and a line style each; those of real and
# synthetic series are left out, so that they mean nothing else.
PALETTE = (
    ("#000000", "o", "-"),
    ("#009E73", "s", "--"),
    ("#CC79A7", "^", "-."),
    ("#E69F00", "D", ":"),
    ("#56B4E9", "v", (0, (5, 1, 1, 1, 1, 1))),
    ("#B8AD00", "P", (0, (1, 1))),  # their yellow, darker: it is faint on white
)
LINES: dict[str, dict[str, Any]] = {
    "real": {"color": REAL, "linestyle": "-", "linewidth": 1.2},
    "synthetic": {"color": SYNTHETIC, "linestyle": "--", "linewidth": 1.2},
}
WIDTH = 3.5  # of a figure, in inches: a printed column
MOST_PANELS = 6


def require_matplotlib() -> Any:
    """Return pyplot, or say how to install it.

    Returns
    -------
    pyplot : module
        ``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install matplotlib") from error
    return plt


def sequential_colours(n: int) -> Array:
    """Return ``n`` colours from dark to light, none of them too pale for a line."""
    return np.asarray(require_matplotlib().get_cmap("viridis")(np.linspace(0, 0.9, n)))


# -- samples ---------------------------------------------------------------------------------


def real_and_synthetic(
    generator: GeneratorLike,
    X: ArrayLike,
    y: ArrayLike | None,
    random_state: RandomState,
    *trained: ArrayLike,
) -> list[Array]:
    """Return ``X`` and as many samples, given ``y`` if the generator is conditional; all 3-d.

    Those trained on, if they are given, come last.
    """
    if y is not None and not getattr(generator, "conditional", False):
        raise ValueError(
            f"{type(generator).__name__} is not conditional, so that y would change nothing: "
            "leave it out, or fit the generator with conditional=True"
        )
    conditions = {} if y is None else {"y": y}
    told = _told_of_series(generator)
    real, _ = read_real(X, "X", **told)
    synthetic = generator.sample(len(real), random_state=random_state, **conditions)
    names = ("X", "the sample", "X_train")[: 2 + len(trained)]
    return read_samples(X, synthetic, *trained, names=names, **told)[0]


def as_series(generator: GeneratorLike, X: ArrayLike, name: str) -> Array:
    """Read ``X`` as 3-d series, flat rows with the generator's number of channels."""
    return read_real(X, name, **_told_of_series(generator))[0]


def _told_of_series(generator: GeneratorLike) -> dict[str, Any]:
    # What fit found counts: a generator fitted to 3-d series keeps its n_channels=1.
    n_channels = getattr(generator, "n_channels", 1)
    found = int(getattr(generator, "series_shape_", (0, n_channels))[1])
    return {"n_channels": found, "layout": layout_of(generator)}


def chosen_channels(channels: ArrayLike | None, n_channels: int, most: int = MOST_PANELS) -> Array:
    """Return the channels to draw: those asked for, each once, or the first ``most``."""
    if channels is None:
        return np.arange(min(most, n_channels))
    held = f"the series have {n_channels} channel(s)"
    return np.array(list(dict.fromkeys(check_numbers(channels, "channels", n_channels, held))))


def check_numbers(numbers: ArrayLike, name: str, n: int, held: str) -> list[int]:
    """Return one or more of the numbers below ``n``; ``held`` says what there is."""
    chosen = np.atleast_1d(np.asarray(numbers))
    if chosen.ndim != 1 or chosen.size == 0 or chosen.dtype.kind not in "iu":
        raise ValueError(f"{name} must be one or more integers, got {numbers!r}")
    outside = [int(k) for k in chosen if not 0 <= k < n]
    if outside:
        raise ValueError(
            f"{name}={np.asarray(numbers).tolist()} holds {outside}, but {held}, counted from 0: "
            f"at most {n - 1}"
        )
    return [int(k) for k in chosen]


def channel_title(channel: int, n_channels: int) -> str:
    """Name a channel, where there are several."""
    return f"channel {channel}" if n_channels > 1 else ""


def check_labels(y: ArrayLike, n_samples: int) -> Array:
    """Return ``y`` as an array of one label for each series."""
    labels = as_conditions(y)
    if labels.ndim != 1:
        raise ValueError(f"y must be 1-d, a label for each series, got shape {labels.shape}")
    if len(labels) != n_samples:
        raise ValueError(f"y has {len(labels)} entries for {n_samples} series")
    return labels


# -- places ----------------------------------------------------------------------------------


def single_place(ax: Axes | None, height: float = 2.8) -> Axes:
    """Return ``ax``, or the axes of a new figure."""
    if ax is not None:
        return ax
    plt = require_matplotlib()
    return plt.subplots(figsize=(WIDTH, height), layout="constrained")[1]


def divided_place(
    ax: Axes | None, n_rows: int, n_columns: int, height: float, **sharing: Any
) -> tuple[FigureBase | None, Array]:
    """Divide the place of ``ax``, or a new figure.

    Returns the panels, after the figure that is theirs alone: ``None`` if there is none.
    """
    plt = require_matplotlib()
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if ax is None:
        host = plt.figure(figsize=(WIDTH, height), layout="constrained")
        return host, host.subplots(n_rows, n_columns, squeeze=False, **sharing)
    place, figure = ax.get_subplotspec(), ax.figure
    if place is None:
        raise ValueError(
            f"ax must be a subplot, whose place can be divided into panels, got {ax!r} at a "
            "fixed position"
        )
    ax.remove()
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        host = figure.add_subfigure(place)
        return host, host.subplots(n_rows, n_columns, squeeze=False, **sharing)
    # Other layouts make no room for a figure's legend, and cannot place figures in figures.
    grid = place.subgridspec(n_rows, n_columns)
    return None, grid.subplots(squeeze=False, **sharing)


def channel_panels(
    ax: Axes | None, n_panels: int, **sharing: Any
) -> tuple[FigureBase | None, Array]:
    """Make a panel for each channel, two beside each other; return their host, and them."""
    n_columns = min(2, n_panels)
    n_rows = -(-n_panels // n_columns)
    height = 2.8 if n_panels == 1 else 0.7 + 1.4 * n_rows
    host, grid = divided_place(ax, n_rows, n_columns, height, **sharing)
    panels = grid.ravel()
    for unused in panels[n_panels:]:
        unused.remove()
        panels[n_panels - n_columns].tick_params(labelbottom=True)  # now the last of its column
    return host, panels[:n_panels]


def label_axes(
    ax: Axes,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    title_at: Literal["left", "center", "right"] = "center",
) -> None:
    """Write on the axes, in sizes that suit a column.

    As it is: a name that holds dollars is no formula.
    """
    looks: dict[str, Any] = {"fontsize": "small", "parse_math": False}
    ax.set_xlabel(xlabel, **looks)
    ax.set_ylabel(ylabel, **looks)
    ax.set_title(title, loc=title_at, **looks)
    ax.tick_params(labelsize="x-small")
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_offset_text().set_fontsize("x-small")


def legend_above(ax: Axes, n_columns: int = 2) -> Legend:
    """Put the legend above the axes, where it hides nothing."""
    legend = ax.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=n_columns,
        fontsize="small",
        frameon=False,
        columnspacing=1.2,
        handletextpad=0.5,
    )
    return _as_it_is(legend)


def panels_legend(
    host: FigureBase | None, panels: Sequence[Axes] | Array, n_columns: int = 2
) -> Legend:
    """Put one legend of all that the panels show above all panels."""
    handles: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    style: dict[str, Any] = {"ncols": n_columns, "fontsize": "small", "frameon": False}
    if host is None:
        style |= {"ncols": 1}
        return _as_it_is(panels[0].legend(handles.values(), handles, loc="best", **style))
    legend = host.legend(handles.values(), handles, loc="outside upper center", **style)
    return _as_it_is(legend)


def _as_it_is(legend: Legend) -> Legend:
    for text in legend.get_texts():
        text.set_parse_math(False)
    return legend
