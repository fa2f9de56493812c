"""How often each value occurs, channel by channel."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.metrics._reading import read_pair
from sklearn_timegen.plotting._common import (
    LINES,
    REAL,
    Array,
    Axes,
    channel_panels,
    channel_title,
    chosen_channels,
    label_axes,
    panels_legend,
    real_and_synthetic,
)

__all__ = ["MarginalsDisplay"]

MOST_BINS = 40
BROAD = 2.5  # how broad the bins for all beyond are drawn, to be seen


@dataclass(eq=False, repr=False)
class MarginalsDisplay:
    """Histograms of the values of real and synthetic series, a panel for each channel.

    All timesteps are pooled. Both samples have the same bins, which span 98% of the real values
    and reach out to synthetic ones by at most as much again on either side. What lies further
    out, tails and failures alike, is gathered in one more bin on its side, which is shaded: heavy
    tails do not squeeze the rest, and both histograms show all of their values.

    Parameters
    ----------
    real, synthetic : dict of str to ndarray of shape (n_bins,)
        The fraction of the values in each bin, by the panel's title.
    edges : dict of str to ndarray of shape (n_bins + 1,)
        The bins' edges.
    gathers : dict of str to tuple of bool
        Whether the first and the last bin are such, for all values beyond.

    Attributes
    ----------
    axes_ : ndarray of shape (n_panels,) of Axes
        The panels.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    MarginalsDisplay.from_samples, MarginalsDisplay.from_estimator

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.plotting import MarginalsDisplay
    >>> real, other = make_sines(50, random_state=0), make_sines(60, random_state=1)
    >>> display = MarginalsDisplay.from_samples(real, other, channels=[0, 2])
    >>> list(display.real)
    ['channel 0', 'channel 2']
    """

    real: dict[str, Array]
    synthetic: dict[str, Array]
    _: KW_ONLY
    edges: dict[str, Array]
    gathers: dict[str, tuple[bool, bool]]

    @classmethod
    def from_samples(
        cls,
        X_real: ArrayLike,
        X_synthetic: ArrayLike,
        *,
        channels: ArrayLike | None = None,
        n_bins: int | None = None,
        ax: Axes | None = None,
    ) -> MarginalsDisplay:
        """Count and draw the values of two samples of series.

        Parameters
        ----------
        X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
            The series; the two numbers may differ.
        channels : array-like of int, default=None
            Which channels to draw; ``None`` is the first six.
        n_bins : int, default=None
            Number of bins, without those for all beyond; ``None`` is twice the cube root of the
            smaller sample's number of values, but between 5 and 40.
        ax : Axes, default=None
            Where to draw; its place is divided.

        Returns
        -------
        display : MarginalsDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the samples are infinite or not alike, or a channel is out of range.
        """
        pair = read_pair(X_real, X_synthetic)
        n_channels = pair[0].shape[2]
        if n_bins is None:
            n_values = min(x.shape[0] * x.shape[1] for x in pair)
            n_bins = int(np.clip(round(2 * n_values ** (1 / 3)), 5, MOST_BINS))
        check_count(n_bins, "n_bins")
        display = cls({}, {}, edges={}, gathers={})
        for channel in chosen_channels(channels, n_channels):
            title = channel_title(channel, n_channels)
            real, synthetic = (x[:, :, channel][np.isfinite(x[:, :, channel])] for x in pair)
            # A sample in which a channel has no value at all has no fraction anywhere.
            held = [x for x in (real, synthetic) if len(x)] or [np.zeros(1)]
            display.edges[title], display.gathers[title] = _bins(held[0], held[-1], n_bins)
            display.real[title] = _fractions(real, display.edges[title])
            display.synthetic[title] = _fractions(synthetic, display.edges[title])
        return display.plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        generator: GeneratorLike,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        channels: ArrayLike | None = None,
        n_bins: int | None = None,
        ax: Axes | None = None,
        random_state: RandomState = None,
    ) -> MarginalsDisplay:
        """Count and draw the values of ``X`` and of as many samples of a fitted generator.

        Parameters
        ----------
        generator : generator
            Fitted.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series, or flat rows of all channels.
        y : array-like of shape (n_samples,), default=None
            Their labels, if the generator is conditional.
        channels, n_bins, ax : object
            As for :meth:`from_samples`.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the samples.

        Returns
        -------
        display : MarginalsDisplay
            The drawn display.
        """
        real, synthetic = real_and_synthetic(generator, X, y, random_state)
        return cls.from_samples(real, synthetic, channels=channels, n_bins=n_bins, ax=ax)

    def plot(self, *, ax: Axes | None = None) -> MarginalsDisplay:
        """Draw into the place of ``ax``, or into a new figure; returns the display."""
        host, panels = channel_panels(ax, len(self.real))
        self.axes_, self.figure_ = panels, panels[0].get_figure(root=True)
        for k, (title, panel) in enumerate(zip(self.real, panels, strict=True)):
            edges = self.edges[title]
            panel.stairs(self.real[title], edges, fill=True, color=REAL, alpha=0.2)
            for name, fractions in (("real", self.real), ("synthetic", self.synthetic)):
                panel.stairs(fractions[title], edges, label=name, **LINES[name])
            for end, gathers in zip((edges[:2], edges[-2:]), self.gathers[title], strict=True):
                if gathers:
                    panel.axvspan(*end, color="0.88", linewidth=0, zorder=0, label="all beyond")
            panel.set_xlim(edges[0], edges[-1])
            panel.set_ylim(bottom=0)
            label_axes(panel, title or "value", "share of values" if k % 2 == 0 else "")
        panels_legend(host, panels, n_columns=3)
        return self


def _bins(real: Array, synthetic: Array, n_bins: int) -> tuple[Array, tuple[bool, bool]]:
    """Edges of the bins, and whether the outer two are for all values beyond the others."""
    low, high = _span(real, synthetic)
    edges = np.linspace(low, high, n_bins + 1)
    step = BROAD * (edges[1] - edges[0])
    below = bool(min(real.min(), synthetic.min()) < low)
    above = bool(max(real.max(), synthetic.max()) > high)
    if below:
        edges = np.insert(edges, 0, low - step)
    if above:
        edges = np.append(edges, high + step)
    return edges, (below, above)


def _span(real: Array, synthetic: Array) -> tuple[float, float]:
    """Where the bins lie."""
    low, high = _core(real)
    reach = high - low
    core = _core(synthetic)
    if reach > 0:
        low, high = max(min(low, core[0]), low - reach), min(max(high, core[1]), high + reach)
    else:  # a constant has no scale: that of the others counts
        low, high = min(low, core[0]), max(high, core[1])
    if high - low > 1e-9 * max(abs(low), abs(high)):  # by more than rounding
        return low, high
    margin = 0.5 * abs(low) or 0.5
    return low - margin, high + margin


def _core(x: Array) -> tuple[float, float]:
    """From the 1 to the 99% quantile, but at most 4 interquartile ranges from the quartiles."""
    low, first, third, high = (float(q) for q in np.quantile(x, (0.01, 0.25, 0.75, 0.99)))
    most = 4 * (third - first)
    if most > 0:
        low, high = max(low, first - most), min(high, third + most)
    # Only tails are cut off: what lies hardly further out is taken in.
    margin = 0.25 * (high - low)
    least, greatest = float(x.min()), float(x.max())
    return (
        least if least >= low - margin else low,
        greatest if greatest <= high + margin else high,
    )


def _fractions(x: Array, edges: Array) -> Array:
    inside = np.clip(x, edges[0], edges[-1])
    return np.histogram(inside, edges)[0] / max(len(x), 1)
