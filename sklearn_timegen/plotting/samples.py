"""Real and synthetic series side by side."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data.checks import all_finite, check_count
from sklearn_timegen.metrics._common import subset
from sklearn_timegen.metrics._reading import read_pair
from sklearn_timegen.plotting._common import (
    REAL,
    SYNTHETIC,
    Array,
    Axes,
    channel_title,
    check_labels,
    chosen_channels,
    divided_place,
    label_axes,
    panels_legend,
    real_and_synthetic,
)

__all__ = ["SamplesDisplay"]

QUANTILES = (0.05, 0.5, 0.95)


@dataclass(eq=False, repr=False)
class SamplesDisplay:
    """Real and synthetic series side by side: some of each, and the quantile band of all.

    A row of panels for each class and channel, the real ones on the left; both share their
    vertical axis. The dashed lines and the band are the 5, 50 and 95% quantiles at each timestep.

    Parameters
    ----------
    real, synthetic : dict of str to ndarray of shape (n_samples, n_timesteps)
        The series of each row of panels, by its title.
    n_series : int, default=20
        How many series of each are drawn.

    Attributes
    ----------
    axes_ : ndarray of shape (n_rows, 2) of Axes
        The panels.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    SamplesDisplay.from_samples, SamplesDisplay.from_estimator

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.plotting import SamplesDisplay
    >>> real, other = make_sines(50, random_state=0), make_sines(60, random_state=1)
    >>> display = SamplesDisplay.from_samples(real, other, channels=[0, 1])
    >>> display.axes_.shape
    (2, 2)
    """

    real: dict[str, Array]
    synthetic: dict[str, Array]
    _: KW_ONLY
    n_series: int = 20

    @classmethod
    def from_samples(
        cls,
        X_real: ArrayLike,
        X_synthetic: ArrayLike,
        *,
        y_real: ArrayLike | None = None,
        y_synthetic: ArrayLike | None = None,
        channels: ArrayLike | None = None,
        n_series: int = 20,
        ax: Axes | None = None,
    ) -> SamplesDisplay:
        """Draw two samples of series.

        Parameters
        ----------
        X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
            The series; the two numbers may differ.
        y_real, y_synthetic : array-like of shape (n_samples,), default=None
            Labels: a row of panels for each.
        channels : array-like of int, default=None
            Which channels to draw; ``None`` is the first three.
        n_series : int, default=20
            How many series of each are drawn.
        ax : Axes, default=None
            Where to draw; its place is divided.

        Returns
        -------
        display : SamplesDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the samples are infinite or not alike, their classes differ, or a
            channel is out of range.
        """
        real, synthetic = read_pair(X_real, X_synthetic)
        chosen = chosen_channels(channels, real.shape[2], most=3)
        left = _rows_of_panels(real, y_real, chosen)
        right = _rows_of_panels(synthetic, y_synthetic, chosen)
        if list(left) != list(right):
            raise ValueError(
                f"the real series have the rows {list(left)}, the synthetic ones {list(right)}: "
                "y_real and y_synthetic must hold the same classes"
            )
        return cls(left, right, n_series=check_count(n_series, "n_series")).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        generator: GeneratorLike,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        channels: ArrayLike | None = None,
        n_series: int = 20,
        ax: Axes | None = None,
        random_state: RandomState = None,
    ) -> SamplesDisplay:
        """Draw ``X`` and as many samples of a fitted generator.

        Parameters
        ----------
        generator : generator
            Fitted.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series, or flat rows of all channels.
        y : array-like of shape (n_samples,), default=None
            Their labels, if the generator is conditional.
        channels, n_series, ax : object
            As for :meth:`from_samples`.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the samples.

        Returns
        -------
        display : SamplesDisplay
            The drawn display.
        """
        real, synthetic = real_and_synthetic(generator, X, y, random_state)
        labels = y if hasattr(generator, "classes_") else None  # vectors are no rows
        return cls.from_samples(
            real,
            synthetic,
            y_real=labels,
            y_synthetic=labels,
            channels=channels,
            n_series=n_series,
            ax=ax,
        )

    def plot(self, *, ax: Axes | None = None) -> SamplesDisplay:
        """Draw into the place of ``ax``, or into a new figure; returns the display."""
        n_rows = len(self.real)
        host, axes = divided_place(ax, n_rows, 2, 0.9 + 1.3 * n_rows, sharex=True, sharey="row")
        for row, title in enumerate(self.real):
            _series_panel(axes[row, 0], self.real[title], REAL, self.n_series)
            _series_panel(axes[row, 1], self.synthetic[title], SYNTHETIC, self.n_series)
            for panel, side in zip(axes[row], ("real", "synthetic"), strict=True):
                label_axes(
                    panel,
                    xlabel="timestep" if row == n_rows - 1 else "",
                    ylabel=(title or "value") if side == "real" else "",
                    title=side if row == 0 else "",
                )
        panels_legend(host, axes[0])
        self.axes_, self.figure_ = axes, axes[0, 0].get_figure(root=True)
        return self


def _rows_of_panels(x: Array, y: ArrayLike | None, channels: Array) -> dict[str, Array]:
    labels = np.full(len(x), "") if y is None else check_labels(y, len(x))
    rows = {}
    for label in np.unique(labels):
        for channel in channels:
            words = [] if y is None else [f"class {label}"]
            words.append(channel_title(channel, x.shape[2]))
            rows[", ".join(filter(None, words))] = x[labels == label, :, channel]
    return rows


def _series_panel(ax: Axes, x: Array, colour: str, n_series: int) -> None:
    timesteps = np.arange(x.shape[1])
    low, middle, high = _quantiles(x)
    marker = "o" if len(timesteps) == 1 else None
    ax.fill_between(timesteps, low, high, color=colour, alpha=0.15, linewidth=0)
    some = subset(x, n_series, np.random.default_rng(0))
    ax.plot(timesteps, some.T, color=colour, alpha=0.35, linewidth=0.7, marker=marker)
    for line in (low, middle, high):
        ax.plot(timesteps, line, color="black", linewidth=0.9, linestyle="--", marker=marker)
    ax.lines[-1].set_label("5, 50, 95% quantile")


def _quantiles(x: Array) -> Array:
    """Return quantiles of what was observed at each timestep; NaN where nothing was."""
    if all_finite(x):
        return np.quantile(x, QUANTILES, axis=0)
    found = np.full((len(QUANTILES), x.shape[1]), np.nan)
    for t, column in enumerate(x.T):
        if np.isfinite(column).any():
            found[:, t] = np.quantile(column[np.isfinite(column)], QUANTILES)
    return found
