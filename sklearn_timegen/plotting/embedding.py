"""Real and synthetic series in one plane."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.metrics._common import subset
from sklearn_timegen.metrics._reading import complete_pair
from sklearn_timegen.plotting._common import (
    REAL,
    SYNTHETIC,
    Array,
    Axes,
    label_axes,
    legend_above,
    real_and_synthetic,
    single_place,
)

__all__ = ["EmbeddingDisplay"]


@dataclass(eq=False, repr=False)
class EmbeddingDisplay:
    """Real and synthetic series in one plane.

    The plane is fitted to both samples together, every cell standardised; a generator that fails
    shows as points where the other kind has none. In the plane of the first two principal
    components distances mean something; t-SNE and UMAP keep neighbourhoods only, and their
    clusters, gaps and densities are no evidence by themselves.

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

    References
    ----------
    L. van der Maaten and G. Hinton (2008), "Visualizing data using t-SNE", Journal of Machine
    Learning Research 9.

    L. McInnes, J. Healy and J. Melville (2018), "UMAP: uniform manifold approximation and
    projection for dimension reduction". https://arxiv.org/abs/1802.03426

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.plotting import EmbeddingDisplay
    >>> real, other = make_sines(50, random_state=0), make_sines(60, random_state=1)
    >>> display = EmbeddingDisplay.from_samples(real, other)
    >>> display.real.shape, display.synthetic.shape
    ((50, 2), (60, 2))
    """

    real: Array
    synthetic: Array
    _: KW_ONLY
    labels: tuple[str, str]

    @classmethod
    def from_samples(
        cls,
        X_real: ArrayLike,
        X_synthetic: ArrayLike,
        *,
        method: str = "pca",
        n_series: int = 1000,
        random_state: RandomState = 0,
        ax: Axes | None = None,
    ) -> EmbeddingDisplay:
        """Embed and draw two samples of series.

        Parameters
        ----------
        X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
            The series; the two numbers may differ.
        method : {"pca", "tsne", "umap"}, default="pca"
            How they are embedded; ``"umap"`` needs ``pip install umap-learn``.
        n_series : int, default=1000
            At most so many of each are used, drawn at random.
        random_state : int, RandomState, Generator or None, default=0
            Seed of that draw and of the method.
        ax : Axes, default=None
            Where to draw.

        Returns
        -------
        display : EmbeddingDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the samples are infinite or not alike, or the method is unknown or
            needs more series.
        ImportError
            If the method is ``"umap"``, and umap-learn is not installed.
        """
        if method not in METHODS:
            raise ValueError(f"method must be one of {list(METHODS)}, got {method!r}")
        most, seed = check_count(n_series, "n_series"), draw_seed(random_state)
        rows = [
            subset(x.reshape(len(x), -1), most, np.random.default_rng(derive_seed(seed, name)))
            for x, name in zip(
                complete_pair(X_real, X_synthetic), ("real", "synthetic"), strict=True
            )
        ]
        both = StandardScaler().fit_transform(np.concatenate(rows))
        if both.shape[1] == 1:  # series of one value: nothing to project
            both = np.column_stack([both, np.zeros(len(both))])
        plane, labels = METHODS[method](both, derive_seed(seed, "embedding"))
        n_real = len(rows[0])
        return cls(plane[:n_real], plane[n_real:], labels=labels).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        generator: GeneratorLike,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        method: str = "pca",
        n_series: int = 1000,
        random_state: RandomState = 0,
        ax: Axes | None = None,
    ) -> EmbeddingDisplay:
        """Embed and draw ``X`` and as many samples of a fitted generator.

        Parameters
        ----------
        generator : generator
            Fitted.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series, or flat rows of all channels.
        y : array-like of shape (n_samples,), default=None
            Their labels, if the generator is conditional.
        method, n_series, ax : object
            As for :meth:`from_samples`.
        random_state : int, RandomState, Generator or None, default=0
            Seed of the samples and of the method.

        Returns
        -------
        display : EmbeddingDisplay
            The drawn display.
        """
        real, synthetic = real_and_synthetic(generator, X, y, random_state)
        return cls.from_samples(
            real, synthetic, method=method, n_series=n_series, random_state=random_state, ax=ax
        )

    def plot(self, *, ax: Axes | None = None) -> EmbeddingDisplay:
        """Draw into ``ax``, or into a new figure; returns the display."""
        ax = single_place(ax, height=3.5)
        self.ax_, self.figure_ = ax, ax.get_figure(root=True)
        (x, y), (u, v) = self.real.T, self.synthetic.T
        style: dict[str, Any] = {"s": 12, "alpha": 0.5, "linewidths": 0.8}
        ax.scatter(x, y, c=REAL, marker="o", edgecolors="none", label="real", **style)
        ax.scatter(u, v, c=SYNTHETIC, marker="x", label="synthetic", **style)
        label_axes(ax, *self.labels)
        for handle in filter(None, legend_above(ax).legend_handles):
            handle.set_alpha(1)
        return self


def _pca(x: Array, seed: int) -> tuple[Array, tuple[str, str]]:
    fractions, plane = np.zeros(2), np.zeros((len(x), 2))
    if x.any():  # else all series are alike: there is no variance to have fractions of
        pca = PCA(2, random_state=seed)
        plane, fractions = pca.fit_transform(x), pca.explained_variance_ratio_
    first, second = (f"component {k + 1} ({fractions[k]:.0%} of variance)" for k in range(2))
    return plane, (first, second)


def _tsne(x: Array, seed: int) -> tuple[Array, tuple[str, str]]:
    plane = np.zeros((len(x), 2))
    if x.any():  # its first plane, that of the PCA, is divided by its spread
        perplexity = min(30.0, (len(x) - 1) / 3)
        plane = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(x)
    return plane, ("t-SNE 1", "t-SNE 2")


def _umap(x: Array, seed: int) -> tuple[Array, tuple[str, str]]:
    labels = ("UMAP 1", "UMAP 2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extras that it lacks, of small or uniform samples
        try:
            umap = importlib.import_module("umap")
        except ImportError as error:
            raise ImportError(
                "method='umap' needs umap-learn, which is not installed: pip install umap-learn"
            ) from error
        if len(x) < 4:
            raise ValueError(f"method='umap' needs at least 4 series in all, got {len(x)}")
        if not x.any():
            return np.zeros((len(x), 2)), labels
        reducer = umap.UMAP(
            n_components=2, n_neighbors=min(15, len(x) - 1), random_state=seed, n_jobs=1
        )
        return np.asarray(reducer.fit_transform(x)), labels


METHODS = {"pca": _pca, "tsne": _tsne, "umap": _umap}
