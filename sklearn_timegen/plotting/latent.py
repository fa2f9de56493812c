"""What the latents of a generator mean."""

from __future__ import annotations

import inspect
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen.base import LatentGenerator
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.conditions import as_conditions
from sklearn_timegen.plotting._common import (
    PALETTE,
    Array,
    Axes,
    as_series,
    channel_title,
    check_labels,
    chosen_channels,
    divided_place,
    label_axes,
    panels_legend,
    sequential_colours,
)

__all__ = ["LatentDisplay"]

ENDS = (0.05, 0.95)


@dataclass(eq=False, repr=False)
class LatentDisplay:
    """The first two latents of real series and, beside them, series along the first latent.

    The diamonds on the left are the places of which the series on the right, in the same
    colours, are decoded: the first latent from its 5 to its 95% quantile, all others at their
    median. A latent along which nothing changes is not used by the generator.

    Parameters
    ----------
    latents : ndarray of shape (n_samples, latent_dim)
        The latents of the real series; the first two are drawn.
    path : ndarray of shape (n_steps, latent_dim)
        The latents along the traversal.
    traversal : ndarray of shape (n_steps, n_timesteps)
        The series that they stand for.
    labels : ndarray of shape (n_samples,), default=None
        Labels to colour the real series by.
    title : str, default=""
        What the decoded series are.

    Attributes
    ----------
    axes_ : ndarray of shape (2,) of Axes
        The latents, and the traversal.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    LatentDisplay.from_estimator

    Examples
    --------
    >>> from sklearn_timegen import VAE
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> from sklearn_timegen.plotting import LatentDisplay
    >>> X, y = make_labelled_sines(64, 24, random_state=0)
    >>> vae = VAE(hidden_dims=(4,), latent_dim=3, max_epochs=2, random_state=0).fit(X)
    >>> display = LatentDisplay.from_estimator(vae, X, y, n_steps=5)
    >>> display.latents.shape, display.traversal.shape
    ((64, 3), (5, 24))
    """

    latents: Array
    _: KW_ONLY
    path: Array
    traversal: Array
    labels: Array | None = None
    title: str = ""

    @classmethod
    def from_estimator(
        cls,
        generator: LatentGenerator,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        condition: Any = None,
        channel: int = 0,
        n_steps: int = 7,
        ax: Axes | None = None,
    ) -> LatentDisplay:
        """Encode ``X``, decode along the first latent, and draw both.

        Parameters
        ----------
        generator : generator
            Fitted, with latents.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series.
        y : array-like of shape (n_samples,), default=None
            Their labels, whether or not the generator is conditional: the points' colours.
            Numbers that are no labels colour nothing.
        condition : label or vector, default=None
            What to decode given, if the generator is conditional; ``None`` is its first class,
            or the median of the vectors in ``y``.
        channel : int, default=0
            Which channel of the decoded series to draw.
        n_steps : int, default=7
            How many series to decode.
        ax : Axes, default=None
            Where to draw; its place is divided.

        Returns
        -------
        display : LatentDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the generator has no ``transform`` or no ``inverse_transform``.
        ValueError
            If the channel is out of range, or ``y`` does not fit ``X``.
        """
        missing = [n for n in ("transform", "inverse_transform") if not hasattr(generator, n)]
        if missing:
            raise TypeError(
                f"LatentDisplay needs a generator with latents, but {type(generator).__name__} "
                f"has no {' and no '.join(missing)}"
            )
        steps = check_count(n_steps, "n_steps")
        latents = np.asarray(generator.transform(X))
        labels = None if y is None or _are_quantities(y) else check_labels(y, len(latents))
        path = np.tile(np.median(latents, axis=0), (steps, 1))
        start, end = np.quantile(latents[:, 0], ENDS)
        path[:, 0] = np.linspace(start, end, steps)
        conditions = {}
        if _decodes_given(generator):
            conditions["y"] = _first_condition(generator, y) if condition is None else condition
        elif condition is not None:
            raise ValueError(
                f"condition={condition!r} would change nothing: what {type(generator).__name__} "
                "makes of latents does not depend on any; leave it out"
            )
        decoded = as_series(
            generator, generator.inverse_transform(path, **conditions), "the traversal"
        )
        (chosen,) = chosen_channels(channel, decoded.shape[2])
        words = [channel_title(chosen, decoded.shape[2])]
        if conditions and hasattr(generator, "classes_"):
            words.append(f"class {conditions['y']}")
        return cls(
            latents,
            path=path,
            traversal=decoded[:, :, chosen],
            labels=labels,
            title=", ".join(filter(None, words)),
        ).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> LatentDisplay:
        """Draw into the place of ``ax``, or into a new figure; returns the display."""
        host, grid = divided_place(ax, 1, 2, 2.4)
        self.axes_, self.figure_ = grid[0], grid[0, 0].get_figure(root=True)
        colours = sequential_colours(len(self.path))
        left, right = self.axes_
        points, path = _in_a_plane(self.latents), self.path[:, :2]
        if path.shape[1] == 1:
            path = np.column_stack([path, np.full(len(path), 0.5)])
        for rows, style in _groups(self.labels, len(points)):
            left.scatter(*points[rows].T, s=9, alpha=0.6, linewidths=0, **style)
        left.scatter(*path.T, s=30, c=colours, marker="D", edgecolors="white", linewidths=0.8)
        marker = "D" if self.traversal.shape[1] == 1 else None
        for series, colour in zip(self.traversal, colours, strict=True):
            right.plot(series, color=colour, linewidth=1.2, marker=marker)
        second = "latent 2" if self.latents.shape[1] > 1 else "(at random)"
        # On the left, above the axis, is the place of its power of ten.
        label_axes(left, "latent 1", second, "real series", "right")
        label_axes(right, "timestep", self.title or "value", "along latent 1", "right")
        if self.latents.shape[1] == 1:
            left.set_yticks([])
        if self.labels is not None:
            for handle in filter(None, panels_legend(host, [left], n_columns=3).legend_handles):
                handle.set_alpha(1)
        return self


def _in_a_plane(latents: Array) -> Array:
    """The first two latents; a single one is spread at random, for points not to hide others."""
    if latents.shape[1] > 1:
        return latents[:, :2]
    spread = np.random.default_rng(0).uniform(size=len(latents))
    return np.column_stack([latents, spread])


def _groups(labels: Array | None, n_samples: int) -> list[tuple[Array, dict[str, Any]]]:
    """The rows of each class and their looks; rare classes share one, if they are many."""
    if labels is None:
        return [(np.full(n_samples, True), {"c": "0.4", "marker": "o"})]
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) > len(PALETTE):
        classes = np.sort(classes[np.argsort(-counts, kind="stable")[: len(PALETTE) - 1]])
    groups: list[tuple[Array, dict[str, Any]]] = [
        (labels == label, {"c": colour, "marker": marker, "label": f"class {label}"})
        for label, (colour, marker, _) in zip(classes, PALETTE, strict=False)
    ]
    rare = ~np.isin(labels, classes)
    if rare.any():
        groups.insert(0, (rare, {"c": "0.75", "marker": ".", "label": "other classes"}))
    return groups


def _are_quantities(y: ArrayLike) -> bool:
    """Whether ``y`` holds vectors or fractions, and no labels."""
    values = as_conditions(y)
    return values.ndim == 2 or (values.dtype.kind == "f" and bool((values % 1 != 0).any()))


def _decodes_given(generator: LatentGenerator) -> bool:
    """Whether latents are decoded under conditions."""
    takes = "y" in inspect.signature(generator.inverse_transform).parameters
    return takes and bool(getattr(generator, "conditional", False))


def _first_condition(generator: LatentGenerator, y: ArrayLike | None) -> Any:
    """What to decode given, if nothing was said; ``None`` is left for the generator to refuse."""
    if hasattr(generator, "classes_"):
        return generator.classes_[0]
    if y is None:
        return None
    # The one nearest to the middle: the middle itself may be none (a calendar has no hour 11.5).
    conditions = np.asarray(y)
    rows = conditions.reshape(len(conditions), -1).astype(np.float64)
    return conditions[np.abs(rows - np.median(rows, axis=0)).sum(axis=1).argmin()].squeeze()
