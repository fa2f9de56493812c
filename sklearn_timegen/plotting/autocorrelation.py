"""How far series remember."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.metrics._reading import read_pair
from sklearn_timegen.metrics.dynamics import autocorrelation
from sklearn_timegen.plotting._common import (
    LINES,
    Array,
    Axes,
    channel_panels,
    channel_title,
    chosen_channels,
    label_axes,
    panels_legend,
    real_and_synthetic,
)

__all__ = ["AutocorrelationDisplay"]

MARKERS = {"real": "o", "synthetic": "x"}


@dataclass(eq=False, repr=False)
class AutocorrelationDisplay:
    """Autocorrelation of real and synthetic series against the lag, a panel for each channel.

    The autocorrelation is that of all series together, around one mean a channel. Where levels
    differ between windows they dominate it, and it stays near 1: display the increments then,
    ``np.diff(X, axis=1)``.

    Parameters
    ----------
    real, synthetic : dict of str to ndarray of shape (max_lag + 1,)
        The autocorrelation at each lag, by the panel's title.

    Attributes
    ----------
    axes_ : ndarray of shape (n_panels,) of Axes
        The panels.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    AutocorrelationDisplay.from_samples, AutocorrelationDisplay.from_estimator
    sklearn_timegen.metrics.autocorrelation_difference : The gap as one number.

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_ar
    >>> from sklearn_timegen.plotting import AutocorrelationDisplay
    >>> real = make_ar(200, 24, coefficients=(0.9,), random_state=0)
    >>> other = make_ar(200, 24, coefficients=(0.5,), random_state=0)
    >>> display = AutocorrelationDisplay.from_samples(real, other, max_lag=1)
    >>> bool(display.real[""][1] > display.synthetic[""][1])
    True
    """

    real: dict[str, Array]
    synthetic: dict[str, Array]

    @classmethod
    def from_samples(
        cls,
        X_real: ArrayLike,
        X_synthetic: ArrayLike,
        *,
        channels: ArrayLike | None = None,
        max_lag: int | None = None,
        ax: Axes | None = None,
    ) -> AutocorrelationDisplay:
        """Compute and draw the autocorrelations of two samples of series.

        Parameters
        ----------
        X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
            The series; the two numbers may differ.
        channels : array-like of int, default=None
            Which channels to draw; ``None`` is the first six.
        max_lag : int, default=None
            The last lag; ``None`` is ``n_timesteps - 1``.
        ax : Axes, default=None
            Where to draw; its place is divided.

        Returns
        -------
        display : AutocorrelationDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the samples are infinite or not alike, a channel is out of range, or
            ``max_lag`` is not below ``n_timesteps``.
        """
        pair = read_pair(X_real, X_synthetic)
        _, n_timesteps, n_channels = pair[0].shape
        lags = n_timesteps - 1 if max_lag is None else check_count(max_lag, "max_lag")
        if lags >= n_timesteps:
            raise ValueError(f"max_lag={max_lag} must be below the {n_timesteps} timesteps")
        chosen = chosen_channels(channels, n_channels)
        titles = [channel_title(channel, n_channels) for channel in chosen]
        real, synthetic = (
            dict(zip(titles, autocorrelation(x[:, :, chosen], lags).T, strict=True)) for x in pair
        )
        return cls(real, synthetic).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        generator: GeneratorLike,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        channels: ArrayLike | None = None,
        max_lag: int | None = None,
        ax: Axes | None = None,
        random_state: RandomState = None,
    ) -> AutocorrelationDisplay:
        """Compute and draw the autocorrelations of ``X`` and of as many samples.

        Parameters
        ----------
        generator : generator
            Fitted.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series, or flat rows of all channels.
        y : array-like of shape (n_samples,), default=None
            Their labels, if the generator is conditional.
        channels, max_lag, ax : object
            As for :meth:`from_samples`.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the samples.

        Returns
        -------
        display : AutocorrelationDisplay
            The drawn display.
        """
        real, synthetic = real_and_synthetic(generator, X, y, random_state)
        return cls.from_samples(real, synthetic, channels=channels, max_lag=max_lag, ax=ax)

    def plot(self, *, ax: Axes | None = None) -> AutocorrelationDisplay:
        """Draw into the place of ``ax``, or into a new figure; returns the display."""
        host, panels = channel_panels(ax, len(self.real), sharex=True, sharey=True)
        self.axes_, self.figure_ = panels, panels[0].get_figure(root=True)
        for k, (title, panel) in enumerate(zip(self.real, panels, strict=True)):
            panel.axhline(0, color="0.6", linewidth=0.6)
            for name, rho in (("real", self.real[title]), ("synthetic", self.synthetic[title])):
                panel.plot(
                    np.arange(len(rho)),
                    rho,
                    marker=MARKERS[name],
                    markersize=3.5,
                    markevery=-(-len(rho) // 12),  # apart, however many lags
                    label=name,
                    **LINES[name],
                )
            panel.xaxis.get_major_locator().set_params(integer=True)
            label_axes(
                panel,
                "lag (timesteps)" if k >= len(panels) - 2 else "",
                "autocorrelation" if k % 2 == 0 else "",
                title,
            )
        panels_legend(host, panels)
        return self
