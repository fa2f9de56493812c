"""Pictures, by scikit-learn's Display convention: ``from_...`` computes, ``plot`` draws.

Real series are blue and synthetic ones vermilion throughout (Okabe and Ito's palette, which
colour-blind readers can tell apart), and differ in line style or marker as well. matplotlib is
an extra: ``pip install 'sklearn-timegen[plot]'``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._validation import as_3d, check_finite

__all__ = ["EmbeddingDisplay", "SamplesDisplay", "require_matplotlib"]

REAL, SYNTHETIC = "#0072B2", "#D55E00"
QUANTILES = (0.05, 0.5, 0.95)

Array = NDArray[Any]


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

    def __init__(
        self, real: dict[str, Array], synthetic: dict[str, Array], *, n_series: int = 20
    ) -> None:
        self.real = real
        self.synthetic = synthetic
        self.n_series = n_series

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
        ax: Any = None,
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
        """
        real, synthetic = _two_samples(X_real, X_synthetic)
        chosen = np.arange(min(3, real.shape[2])) if channels is None else np.atleast_1d(channels)
        left = _rows_of_panels(real, y_real, chosen)
        right = _rows_of_panels(synthetic, y_synthetic, chosen)
        if list(left) != list(right):
            raise ValueError(
                f"the real series have the rows {list(left)}, the synthetic ones {list(right)}: "
                "y_real and y_synthetic must hold the same classes"
            )
        return cls(left, right, n_series=n_series).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        generator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        channels: ArrayLike | None = None,
        n_series: int = 20,
        random_state: RandomState = None,
        ax: Any = None,
    ) -> SamplesDisplay:
        """Draw ``X`` and as many samples of a fitted generator, given ``y`` if conditional.

        Parameters
        ----------
        generator : generator
            Fitted.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series.
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
        drawn, labels = _drawn_like(generator, X, y, random_state)
        return cls.from_samples(
            X,
            drawn,
            y_real=labels,
            y_synthetic=labels,
            channels=channels,
            n_series=n_series,
            ax=ax,
        )

    def plot(self, *, ax: Any = None) -> SamplesDisplay:
        """Draw into ``ax``, or into a new figure; returns the display."""
        plt = require_matplotlib()
        n_rows = len(self.real)
        if ax is None:
            figure, axes = plt.subplots(
                n_rows,
                2,
                figsize=(7, 1.2 + 1.9 * n_rows),
                sharex=True,
                sharey="row",
                squeeze=False,
                layout="constrained",
            )
        else:
            figure = ax.figure
            grid = ax.get_subplotspec().subgridspec(n_rows, 2)
            axes = grid.subplots(sharex=True, sharey="row", squeeze=False)
            ax.remove()
        self.figure_, self.axes_ = figure, axes
        for row, title in enumerate(self.real):
            _series_panel(axes[row, 0], self.real[title], REAL, self.n_series)
            _series_panel(axes[row, 1], self.synthetic[title], SYNTHETIC, self.n_series)
            axes[row, 0].set_ylabel(title or "value")
        axes[0, 0].set_title("real")
        axes[0, 1].set_title("synthetic")
        axes[0, 1].legend(loc="best", fontsize="x-small", framealpha=0.9)
        for panel in axes[-1]:
            panel.set_xlabel("timestep")
        return self


class EmbeddingDisplay:
    """Real and synthetic series in one plane.

    The plane is that of the first two principal components of both samples together, every cell
    standardised; a generator that fails shows as points where the other kind has none.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_samples, 2)
        The embedded series.
    labels : tuple of str
        What the two axes are.

    Attributes
    ----------
    ax_ : Axes
        The panel.
    figure_ : Figure
        The figure that holds it.

    See Also
    --------
    EmbeddingDisplay.from_samples, EmbeddingDisplay.from_estimator

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.plotting import EmbeddingDisplay
    >>> real, other = make_sines(50, random_state=0), make_sines(60, random_state=1)
    >>> display = EmbeddingDisplay.from_samples(real, other)
    >>> display.real.shape, display.synthetic.shape
    ((50, 2), (60, 2))
    """

    def __init__(self, real: Array, synthetic: Array, *, labels: tuple[str, str]) -> None:
        self.real = real
        self.synthetic = synthetic
        self.labels = labels

    @classmethod
    def from_samples(
        cls,
        X_real: ArrayLike,
        X_synthetic: ArrayLike,
        *,
        n_series: int = 1000,
        random_state: RandomState = 0,
        ax: Any = None,
    ) -> EmbeddingDisplay:
        """Embed and draw two samples of series.

        Parameters
        ----------
        X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
            The series; the two numbers may differ.
        n_series : int, default=1000
            At most so many of each are used, drawn at random.
        random_state : int, RandomState, Generator or None, default=0
            Seed of that draw.
        ax : Axes, default=None
            Where to draw.

        Returns
        -------
        display : EmbeddingDisplay
            The drawn display.
        """
        seed = draw_seed(random_state)
        pair = _two_samples(X_real, X_synthetic)
        rows = [
            _subset(x.reshape(len(x), -1), n_series, derive_seed(seed, name))
            for x, name in zip(pair, ("real", "synthetic"), strict=True)
        ]
        both = StandardScaler().fit_transform(np.concatenate(rows))
        if both.shape[1] == 1:  # series of one value: nothing to project
            both = np.column_stack([both, np.zeros(len(both))])
        pca = PCA(2, random_state=0)
        plane = pca.fit_transform(both)
        shares = pca.explained_variance_ratio_
        labels = tuple(f"component {k + 1} ({shares[k]:.0%} of variance)" for k in range(2))
        n_real = len(rows[0])
        return cls(plane[:n_real], plane[n_real:], labels=(labels[0], labels[1])).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        generator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        n_series: int = 1000,
        random_state: RandomState = 0,
        ax: Any = None,
    ) -> EmbeddingDisplay:
        """Embed and draw ``X`` and as many samples of a fitted generator.

        Parameters
        ----------
        generator : generator
            Fitted.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series.
        y : array-like of shape (n_samples,), default=None
            Their labels, if the generator is conditional.
        n_series, ax : object
            As for :meth:`from_samples`.
        random_state : int, RandomState, Generator or None, default=0
            Seed of the samples.

        Returns
        -------
        display : EmbeddingDisplay
            The drawn display.
        """
        drawn, _ = _drawn_like(generator, X, y, random_state)
        return cls.from_samples(X, drawn, n_series=n_series, random_state=random_state, ax=ax)

    def plot(self, *, ax: Any = None) -> EmbeddingDisplay:
        """Draw into ``ax``, or into a new figure; returns the display."""
        if ax is None:
            _, ax = require_matplotlib().subplots(figsize=(4.2, 4), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        style = {"s": 14, "alpha": 0.5, "linewidths": 0.8}
        ax.scatter(*self.real.T, c=REAL, marker="o", edgecolors="none", label="real", **style)
        ax.scatter(*self.synthetic.T, c=SYNTHETIC, marker="x", label="synthetic", **style)
        ax.set_xlabel(self.labels[0])
        ax.set_ylabel(self.labels[1])
        for handle in ax.legend(loc="upper right", framealpha=0.9).legend_handles:
            handle.set_alpha(1)
        return self


def require_matplotlib() -> Any:
    """Return pyplot, or say how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "pictures need matplotlib: pip install 'sklearn-timegen[plot]'"
        ) from error
    return plt


def _drawn_like(
    generator: Any, X: ArrayLike, y: ArrayLike | None, random_state: RandomState
) -> tuple[Array, ArrayLike | None]:
    """As many samples as ``X`` has series, and the labels that they were drawn given."""
    labels = y if getattr(generator, "conditional", False) else None
    return generator.sample(len(np.asarray(X)), y=labels, random_state=random_state), labels


def _two_samples(X_real: ArrayLike, X_synthetic: ArrayLike) -> tuple[Array, Array]:
    pair = []
    for X, name in ((X_real, "X_real"), (X_synthetic, "X_synthetic")):
        values = np.asarray(X, dtype=np.float64)
        if values.ndim not in (2, 3) or len(values) == 0:
            raise ValueError(f"{name} must be 2-d or 3-d and not empty, got shape {values.shape}")
        pair.append(as_3d(values))
        check_finite(pair[-1], name)
    if pair[0].shape[1:] != pair[1].shape[1:]:
        raise ValueError(
            f"X_real has series of shape {pair[0].shape[1:]}, X_synthetic of {pair[1].shape[1:]}"
        )
    return pair[0], pair[1]


def _rows_of_panels(x: Array, y: ArrayLike | None, channels: Array) -> dict[str, Array]:
    labels = np.full(len(x), "") if y is None else np.asarray(y)
    if len(labels) != len(x):
        raise ValueError(f"y has {len(labels)} entries for {len(x)} series")
    rows = {}
    for label in np.unique(labels):
        for channel in channels:
            words = [] if y is None else [f"class {label}"]
            words += [f"channel {channel}"] if x.shape[2] > 1 else []
            rows[", ".join(words)] = x[labels == label, :, channel]
    return rows


def _series_panel(ax: Any, x: Array, colour: str, n_series: int) -> None:
    timesteps = np.arange(x.shape[1])
    low, middle, high = np.quantile(x, QUANTILES, axis=0)
    marker = "o" if len(timesteps) == 1 else None
    ax.fill_between(timesteps, low, high, color=colour, alpha=0.15, linewidth=0)
    drawn = _subset(x, n_series, seed=0)
    ax.plot(timesteps, drawn.T, color=colour, alpha=0.35, linewidth=0.7, marker=marker)
    for line in (low, middle, high):
        ax.plot(timesteps, line, color="black", linewidth=0.9, linestyle="--", marker=marker)
    ax.lines[-1].set_label("5, 50, 95% quantile")


def _subset(x: Array, n: int, seed: int) -> Array:
    if len(x) <= n:
        return x
    return x[np.random.default_rng(seed).choice(len(x), n, replace=False)]
