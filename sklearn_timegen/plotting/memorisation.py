"""Whether synthetic series are too near to the training series."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.metrics.memorisation import nearest_record_distances
from sklearn_timegen.plotting._common import (
    LINES,
    Array,
    Axes,
    label_axes,
    legend_above,
    real_and_synthetic,
    single_place,
)

__all__ = ["MemorisationDisplay"]

NEAR = 0.05  # the quantile of the held-out series' distances that counts as near


class MemorisationDisplay:
    """How near to the training series synthetic and held-out real series are.

    A curve shows which fraction of the series has its nearest training series within a distance.
    Held-out series are the yardstick. If the curves agree, the generator makes series as new as
    fresh data. If the synthetic curve lies left of the real one, it copies, and what it has above
    0 at distance 0 are exact copies; if it lies right of it, its series are unlike any real ones.
    The dotted line marks near copies: only 5% of the held-out series are as near as that, and
    so should be 5% of the synthetic ones.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_samples,)
        The distance of each series to the nearest training series.

    Attributes
    ----------
    threshold_ : float
        The distance up to which a series is a near copy.
    near_copy_fraction_ : float
        The fraction of the synthetic series within it.
    ax_ : Axes
        The panel.
    figure_ : Figure
        The figure that holds it.

    See Also
    --------
    MemorisationDisplay.from_samples, MemorisationDisplay.from_estimator
    sklearn_timegen.metrics.near_copy_fraction : The fraction as a metric.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.plotting import MemorisationDisplay
    >>> train, held_out = np.random.default_rng(0).normal(size=(2, 100, 12))
    >>> display = MemorisationDisplay.from_samples(held_out, train, X_train=train)
    >>> display.near_copy_fraction_
    1.0
    """

    def __init__(self, real: Array, synthetic: Array) -> None:
        self.real = real
        self.synthetic = synthetic
        self.threshold_ = float(np.quantile(real, NEAR, method="lower"))
        self.near_copy_fraction_ = float((synthetic <= self.threshold_).mean())

    @property
    def near_copy_share_(self) -> float:
        """The old name of ``near_copy_fraction_``, for one release."""
        warnings.warn(
            "near_copy_share_ is called near_copy_fraction_ now; the old name will be removed in "
            "0.3",
            FutureWarning,
            stacklevel=2,
        )
        return self.near_copy_fraction_

    @classmethod
    def from_samples(
        cls,
        X_real: ArrayLike,
        X_synthetic: ArrayLike,
        X_train: ArrayLike | None = None,
        *,
        ax: Axes | None = None,
    ) -> MemorisationDisplay:
        """Compute and draw the distances of two samples to the training series.

        Parameters
        ----------
        X_real : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series that were not trained on.
        X_synthetic : array-like of shape (n_synthetic, n_timesteps[, n_channels])
            Synthetic series.
        X_train : array-like of shape (n_train, n_timesteps[, n_channels]), default=None
            The series that the generator was trained on. ``None``: it was trained on
            ``X_real``, and the distance of each to the nearest other one is the yardstick.
        ax : Axes, default=None
            Where to draw.

        Returns
        -------
        display : MemorisationDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the samples are infinite or not alike, or have fewer than two series.
        """
        synthetic, real = nearest_record_distances(X_real, X_synthetic, X_train=X_train)
        return cls(real, synthetic).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        generator: GeneratorLike,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        X_train: ArrayLike | None = None,
        ax: Axes | None = None,
        random_state: RandomState = None,
    ) -> MemorisationDisplay:
        """Compute and draw the distances of ``X`` and of as many samples to the training series.

        Parameters
        ----------
        generator : generator
            Fitted.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series, or flat rows of all channels.
        y : array-like of shape (n_samples,), default=None
            Their labels, if the generator is conditional.
        X_train, ax : object
            As for :meth:`from_samples`.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the samples.

        Returns
        -------
        display : MemorisationDisplay
            The drawn display.
        """
        trained = () if X_train is None else (X_train,)
        real, synthetic, *train = real_and_synthetic(generator, X, y, random_state, *trained)
        return cls.from_samples(real, synthetic, *train, ax=ax)

    def plot(self, *, ax: Axes | None = None) -> MemorisationDisplay:
        """Draw into ``ax``, or into a new figure; returns the display."""
        ax = single_place(ax)
        self.ax_, self.figure_ = ax, ax.get_figure(root=True)
        for name, distances in (("real", self.real), ("synthetic", self.synthetic)):
            ax.ecdf(distances, label=name, **LINES[name])
        ax.axvline(self.threshold_, color="0.3", linewidth=1, linestyle=":", label="near copies")
        # A few far outliers would squeeze what matters, which is on the left.
        far = max(np.quantile(self.real, 0.99), np.quantile(self.synthetic, 0.99))
        if far > 0:
            ax.set_xlim(-0.03 * far, 1.05 * far)
        label_axes(ax, "distance to the nearest training series", "share of series")
        legend_above(ax, n_columns=3)
        return self
