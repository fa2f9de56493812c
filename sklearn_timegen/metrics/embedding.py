"""Metrics in the space of an encoder: Frechet distance, coverage and density."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_array

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._rows import squared_distances
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.metrics._common import Array, Measurement, check_limit, subset
from sklearn_timegen.metrics._reading import read_pair
from sklearn_timegen.metrics.encoder import encode_both

__all__ = ["context_fid", "coverage", "density", "frechet_distance"]


def context_fid(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    encoder: str | BaseEstimator = "contrastive",
    random_state: RandomState = None,
) -> Measurement:
    """Return the Frechet distance between encodings of real and synthetic series.

    The encoder is trained on the real series only. Range [0, inf), lower is better. Its scale is
    that of the encoder: compare generators by one encoder, not by published numbers. The
    estimate is biased upwards by about ``n_features / n_samples``, so that perfect samples do
    not score 0 either: the result's ``floor`` is what two random halves of the real series
    score, scaled to the numbers compared, as that bias goes with one over them.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; their numbers may differ.
    encoder : {"contrastive", "flat"} or fitted transformer, default="contrastive"
        ``"contrastive"`` trains a :class:`ContrastiveEncoder` on ``X_real``; ``"flat"`` takes the
        values themselves, each channel divided by its spread.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the encoder and of the halves. The score is deterministic for a seed.

    Returns
    -------
    score : Measurement
        A float, with ``floor`` (``None`` for fewer than 4 real series).

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or one has fewer than 2 series.

    References
    ----------
    P. Jeha, M. Bohlke-Schneider, P. Mercado, S. Kapoor, R. Nirwan, V. Flunkert, J. Gasthaus and
    T. Januschowski (2022), "PSA-GAN: progressive self attention GANs for synthetic time series",
    ICLR. https://arxiv.org/abs/2108.00981

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.metrics import context_fid
    >>> X = make_sines(400, 12, random_state=0)
    >>> score = context_fid(X[:200], X[200:] + 0.5, encoder="flat", random_state=0)
    >>> bool(score > 5 * score.floor)
    True
    """
    real, synthetic = read_pair(X_real, X_synthetic)
    seed = draw_seed(random_state)
    u, v = encode_both(encoder, real, synthetic, seed)
    score = frechet_distance(u, v)
    if len(u) < 4:
        return Measurement(score)
    order = np.random.default_rng(derive_seed(seed, "halves")).permutation(len(u))
    halves = np.array_split(order, 2)
    noise = frechet_distance(u[halves[0]], u[halves[1]])
    ratio = (1 / len(u) + 1 / len(v)) / (1 / len(halves[0]) + 1 / len(halves[1]))
    return Measurement(score, floor=noise * ratio)


def frechet_distance(U: ArrayLike, V: ArrayLike) -> float:
    """Return the squared Frechet distance between normals fitted to two samples of features.

    ``|m_U - m_V|^2 + tr(S_U + S_V - 2 (S_U^(1/2) S_V S_U^(1/2))^(1/2))``: the squared
    Wasserstein-2 distance of the two normals.

    Parameters
    ----------
    U, V : array-like of shape (n_samples, n_features)
        Two samples; their numbers may differ.

    Returns
    -------
    distance : float
        0 for equal means and covariances.

    Raises
    ------
    ValueError
        If a sample is not finite, has fewer than two rows, or their widths differ.

    References
    ----------
    D. Dowson and B. Landau (1982), "The Frechet distance between multivariate normal
    distributions", Journal of Multivariate Analysis 12.
    https://doi.org/10.1016/0047-259X(82)90077-X

    Examples
    --------
    >>> from sklearn_timegen.metrics import frechet_distance
    >>> round(frechet_distance([[0.0], [2.0]], [[3.0], [5.0]]), 6)
    9.0
    """
    u, v = (
        check_array(sample, dtype=np.float64, input_name=name)
        for sample, name in ((U, "U"), (V, "V"))
    )
    if min(len(u), len(v)) < 2:
        raise ValueError(f"{len(u)} and {len(v)} rows: at least two of each have a covariance")
    if u.shape[1] != v.shape[1]:
        raise ValueError(f"U has {u.shape[1]} features, V has {v.shape[1]}")
    s_u, s_v = (np.atleast_2d(np.cov(sample, rowvar=False)) for sample in (u, v))
    values, vectors = np.linalg.eigh(s_u)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ s_v @ root).clip(0)).sum()
    gap = ((u.mean(axis=0) - v.mean(axis=0)) ** 2).sum()
    return max(0.0, float(gap + np.trace(s_u) + np.trace(s_v) - 2 * shared))


def coverage(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    n_neighbors: int = 5,
    encoder: str | BaseEstimator = "contrastive",
    max_samples: int | None = 5000,
    random_state: RandomState = None,
) -> float:
    """Return the fraction of real series that have a synthetic one in their neighbourhood.

    The neighbourhood of a real series reaches to its ``n_neighbors``-th nearest other one, in
    the encoder's space. Range [0, 1], higher is better; a perfect sample of equal size scores
    about ``1 - 2^-n_neighbors``. It falls when modes are missing. Copies of the training series
    score as high as a perfect sample.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; equal numbers are used, as the value depends on them.
    n_neighbors : int, default=5
        What a neighbourhood is.
    encoder : {"contrastive", "flat"} or fitted transformer, default="contrastive"
        As for :func:`context_fid`.
    max_samples : int or None, default=5000
        At most so many series of each are used.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the encoder and of the choice of series.

    Returns
    -------
    fraction : float
        Fraction of the real series that are covered.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or have too few series for the
        neighbourhoods.

    References
    ----------
    M. Naeem, S. Oh, Y. Uh, Y. Choi and J. Yoo (2020), "Reliable fidelity and diversity metrics
    for generative models", ICML. https://arxiv.org/abs/2002.09797

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import coverage
    >>> x = np.random.default_rng(0).normal(size=(400, 2))
    >>> collapsed = np.repeat(x[:1], 200, axis=0)
    >>> bool(coverage(x[:200], x[200:], encoder="flat") > 0.9)
    True
    >>> bool(coverage(x[:200], collapsed, encoder="flat") < 0.1)
    True
    """
    distances, radii = _neighbourhoods(
        X_real, X_synthetic, n_neighbors, encoder, max_samples, random_state
    )
    return float((distances.min(axis=1) <= radii).mean())


def density(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    n_neighbors: int = 5,
    encoder: str | BaseEstimator = "contrastive",
    max_samples: int | None = 5000,
    random_state: RandomState = None,
) -> float:
    """Return in how many real neighbourhoods a synthetic series lies, beside the expected number.

    Neighbourhoods as for :func:`coverage`; the mean number of them that hold a synthetic series,
    divided by ``n_neighbors``. Range [0, inf); a perfect sample scores about 1. Below, series lie
    where no real ones do; above, they crowd where real ones are densest. It says nothing about
    missing modes.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        The two samples; equal numbers are used.
    n_neighbors : int, default=5
        What a neighbourhood is.
    encoder : {"contrastive", "flat"} or fitted transformer, default="contrastive"
        As for :func:`context_fid`.
    max_samples : int or None, default=5000
        At most so many series of each are used.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the encoder and of the choice of series.

    Returns
    -------
    density : float
        The ratio.

    Raises
    ------
    ValueError
        As for :func:`coverage`.

    References
    ----------
    M. Naeem, S. Oh, Y. Uh, Y. Choi and J. Yoo (2020), "Reliable fidelity and diversity metrics
    for generative models", ICML. https://arxiv.org/abs/2002.09797

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import density
    >>> x = np.random.default_rng(0).normal(size=(400, 2))
    >>> density(x[:200], x[200:] + 10, encoder="flat")
    0.0
    """
    distances, radii = _neighbourhoods(
        X_real, X_synthetic, n_neighbors, encoder, max_samples, random_state
    )
    return float((distances <= radii[:, None]).sum(axis=0).mean()) / n_neighbors


def _neighbourhoods(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    n_neighbors: int,
    encoder: str | BaseEstimator,
    max_samples: int | None,
    random_state: RandomState,
) -> tuple[Array, Array]:
    """Distances (real, synthetic) in the encoder's space, and the radius of each real one."""
    real, synthetic = read_pair(X_real, X_synthetic)
    n_neighbors = check_count(n_neighbors, "n_neighbors")
    max_samples = check_limit(max_samples)
    seed = draw_seed(random_state)
    u, v = encode_both(encoder, real, synthetic, seed)
    rng = np.random.default_rng(derive_seed(seed, "rows"))
    n = min(len(u), len(v), max_samples or len(u))
    u, v = subset(u, n, rng), subset(v, n, rng)
    if len(u) <= n_neighbors:
        raise ValueError(
            f"{len(u)} series of each kind have no {n_neighbors} neighbours: give more series "
            "or a smaller n_neighbors"
        )
    radii = NearestNeighbors(n_neighbors=n_neighbors + 1).fit(u).kneighbors(u)[0][:, -1]
    distances = np.sqrt(squared_distances(u, v))
    rounding = 1e-6 * np.sqrt((u**2).sum(axis=1).max())
    return distances, radii + rounding
