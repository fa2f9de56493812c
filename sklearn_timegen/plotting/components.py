"""The components that a series is the sum of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data.axes import channels_last, layout_of
from sklearn_timegen.data.checks import as_3d, check_count, check_finite
from sklearn_timegen.plotting._common import (
    PALETTE,
    Array,
    Axes,
    channel_title,
    check_numbers,
    chosen_channels,
    divided_place,
    label_axes,
    panels_legend,
)

__all__ = ["ComponentsDisplay"]

MOST_SERIES = 3


class ComponentsDisplay:
    """A few series above the components that they are the sum of, in the units of ``X``.

    A row of its own for each component, with a vertical axis of its own; the grey bar beside it
    is equally long, in those units, in all rows. Components that are zero are left out.

    Parameters
    ----------
    components : dict of str to ndarray of shape (n_series, n_timesteps)
        The components of the series, by name.
    names : sequence of str, default=None
        What the series are called; ``None`` counts them from 0.
    title : str, default=""
        What is drawn.

    Attributes
    ----------
    whole : ndarray of shape (n_series, n_timesteps)
        The series: the sum of their components.
    axes_ : ndarray of shape (n_rows,) of Axes
        The panels: the series, and each component.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    ComponentsDisplay.from_estimator, ComponentsDisplay.from_components

    Examples
    --------
    >>> from sklearn_timegen import TimeVAE
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.plotting import ComponentsDisplay
    >>> X = make_sines(32, 24, 1, random_state=0)
    >>> generator = TimeVAE(trend_degree=1, seasonalities=[(4, 1)], hidden_dims=(4,),
    ...                     max_epochs=2, random_state=0).fit(X)
    >>> display = ComponentsDisplay.from_estimator(generator, X, series=[0, 3])
    >>> [panel.get_ylabel() for panel in display.axes_]
    ['series', 'level', 'trend', 'season_1', 'residual', 'noise']
    >>> drawn = generator.sample_components(5, random_state=0)
    >>> ComponentsDisplay.from_components(drawn).axes_.shape
    (5,)
    """

    def __init__(
        self,
        components: dict[str, Array],
        *,
        names: Sequence[str] | None = None,
        title: str = "",
    ) -> None:
        self.components = components
        self.whole: Array = np.stack(list(components.values())).sum(axis=0, dtype=np.float64)
        self.names = names
        self.title = title

    @classmethod
    def from_components(
        cls,
        components: Mapping[str, ArrayLike],
        *,
        series: ArrayLike | None = None,
        channel: int = 0,
        n_channels: int = 1,
        ax: Axes | None = None,
    ) -> ComponentsDisplay:
        """Draw components that ``decompose`` or ``sample_components`` have returned.

        Parameters
        ----------
        components : mapping of str to array-like of shape (n_samples, n_timesteps[, n_channels])
            Components by name, alike in shape.
        series : array-like of int, default=None
            Which series to draw; ``None`` is the first three.
        channel : int, default=0
            Which of their channels to draw.
        n_channels : int, default=1
            Number of channels in the rows of 2-d components.
        ax : Axes, default=None
            Where to draw; its place is divided.

        Returns
        -------
        display : ComponentsDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If components are not finite or differ in shape, or a series or the channel is out
            of range.
        """
        parts = _check_components(components, check_count(n_channels, "n_channels"))
        n_samples, _, n_channels = next(iter(parts.values())).shape
        (chosen,) = chosen_channels(channel, n_channels)
        rows = _chosen_series(series, n_samples)
        return cls(
            {name: part[rows, :, chosen] for name, part in parts.items()},
            names=[f"series {i}" for i in rows],
            title=channel_title(chosen, n_channels),
        ).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        generator: GeneratorLike,
        X: ArrayLike,
        y: Any = None,
        *,
        series: ArrayLike | None = None,
        channel: int = 0,
        ax: Axes | None = None,
    ) -> ComponentsDisplay:
        """Decompose series of ``X`` and draw their components.

        Parameters
        ----------
        generator : generator
            Fitted, with ``decompose``.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Series, or flat rows of all channels.
        y : label, vector, calendar or array-like, default=None
            Their conditions, if the generator is conditional.
        series, channel, ax : object
            As for :meth:`from_components`.

        Returns
        -------
        display : ComponentsDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the generator has no ``decompose``.
        ValueError
            If a series or the channel is out of range.
        """
        if not hasattr(generator, "decompose"):
            raise TypeError(
                "ComponentsDisplay needs a generator of components, but "
                f"{type(generator).__name__} has no decompose"
            )
        layout = layout_of(generator)
        parts = {
            name: channels_last(part, layout, f"component {name!r}")
            for name, part in generator.decompose(X, y).items()
        }
        width = getattr(generator, "series_shape_", (0, 1))[1]
        return cls.from_components(parts, series=series, channel=channel, n_channels=width, ax=ax)

    def plot(self, *, ax: Axes | None = None) -> ComponentsDisplay:
        """Draw into the place of ``ax``, or into a new figure; returns the display."""
        rows = {"series": self.whole, **_without_zeros(self.components)}
        host, grid = divided_place(ax, len(rows), 1, 0.7 + 0.85 * len(rows), sharex=True)
        self.axes_, self.figure_ = grid[:, 0], grid[0, 0].get_figure(root=True)
        names = self.names or [f"series {i}" for i in range(len(self.whole))]
        for panel, (row, lines) in zip(self.axes_, rows.items(), strict=True):
            for i, (line, name) in enumerate(zip(lines, names, strict=True)):
                colour, marker, style = PALETTE[i % len(PALETTE)]
                looks = {"color": colour, "linestyle": style, "label": name}
                panel.plot(line, linewidth=1.0, marker=marker if len(line) == 1 else None, **looks)
            label_axes(panel, ylabel=row, title=self.title if row == "series" else "")
        label_axes(self.axes_[-1], "timestep", self.axes_[-1].get_ylabel())
        _draw_bars(self.axes_, [float(np.ptp(lines)) for lines in rows.values()])
        self.figure_.align_ylabels(self.axes_)
        panels_legend(host, self.axes_[:1], n_columns=3)
        return self


def _check_components(components: Any, n_channels: int) -> dict[str, Array]:
    """Return components as 3-d arrays that are alike in shape."""
    if not isinstance(components, Mapping) or not components:
        raise ValueError(
            "components must map names to series, as decompose and sample_components return "
            f"them; got {type(components).__name__}"
        )
    if "series" in components:
        raise ValueError(
            "a component is named 'series', which is the row of their sum: give it another name"
        )
    parts: dict[str, Array] = {}
    for name, part in components.items():
        values = np.asarray(part, dtype=np.float64)
        if values.ndim not in (2, 3) or 0 in values.shape:
            raise ValueError(
                f"component {name!r} must be 2-d or 3-d and not empty, got shape {values.shape}"
            )
        if values.ndim == 3 and n_channels not in (1, values.shape[2]):
            raise ValueError(
                f"n_channels={n_channels}, but component {name!r} of shape {values.shape} has "
                f"{values.shape[2]} channels; n_channels is needed for 2-d components only"
            )
        parts[name] = as_3d(values, n_channels)
        check_finite(parts[name], f"component {name!r}")
    shapes = {name: part.shape for name, part in parts.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"components must be alike in shape, got {shapes}")
    return parts


def _chosen_series(series: ArrayLike | None, n_samples: int) -> Array:
    """Return the series to draw: those asked for, or the first few."""
    if series is None:
        return np.arange(min(MOST_SERIES, n_samples))
    return np.array(check_numbers(series, "series", n_samples, f"there are {n_samples} series"))


def _without_zeros(components: dict[str, Array]) -> dict[str, Array]:
    """Leave out what is zero, or no more than the rounding of a sum in float32."""
    largest = max(np.abs(part).max() for part in components.values())
    least = 4 * largest * np.finfo(np.float32).eps
    return {name: part for name, part in components.items() if np.abs(part).max() > least}


def _draw_bars(panels: Array, spans: Sequence[float]) -> None:
    """Draw a bar of one length, in the units of the vertical axis, beside each panel."""
    length = 0.7 * min((span for span in spans if span > 0), default=0.0)
    for panel in panels:
        low, high = panel.get_ylim()
        middle = (low + high) / 2
        panel.set_ylim(low, high)
        panel.plot(
            [1.03, 1.03],
            [middle - length / 2, middle + length / 2],
            transform=panel.get_yaxis_transform(),
            color="0.6",
            linewidth=3,
            solid_capstyle="butt",
            clip_on=False,
        )
