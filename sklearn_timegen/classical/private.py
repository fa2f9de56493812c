"""Mean and covariance of rows with noise, and rows that have just these.

Symbols: r_o is the mean of an owner's rows and S_o that of their outer products, of rows v that
are clipped to the norm R; there are N owners and D cells; sigma is the noise multiplier.

An owner contributes (r_o / R, S_o / R^2) / sqrt(2), with S_o as a vector of its distinct entries,
those off the diagonal times sqrt(2). That has a norm of at most 1, so that one Gaussian mechanism
answers for both. N is taken for public. What follows is free of charge: the noise of S is a random
symmetric matrix, whose eigenvalues reach 2 s sqrt(D), with s the standard deviation of an entry,
and 2.02 s D^(-1/6) further in one case of a hundred (C. Tracy and H. Widom (1996), "On orthogonal
and symplectic matrix ensembles", https://doi.org/10.1007/BF02099545). Eigenvalues of the
covariance that are not beyond may be all noise, and their mean takes their place (probabilistic
principal components); those beyond are freed of what noise adds to them on average (F. Benaych-
Georges and R. Nadakuditi (2011), "The eigenvalues and eigenvectors of finite, low rank
perturbations of large random matrices", https://arxiv.org/abs/0910.2120).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.privacy import clip_factor, gaussian_noise

__all__ = ["contributions", "noisy_normal", "rows_of_normal", "without_noise"]

Array = NDArray[np.float64]
RARELY_BEYOND = 2.02  # the 99 % quantile of the Tracy-Widom distribution of symmetric matrices


def contributions(rows: Array, owners: NDArray[np.int64], most: float) -> Array:
    """Return what each owner contributes to the moments, of norm 1 at most: one a row.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_cells)
        v.
    owners : ndarray of shape (n_rows,)
        Whose they are, counted from 0.
    most : float
        R.

    Returns
    -------
    contributions : ndarray of shape (n_owners, n_cells + n_cells (n_cells + 1) / 2)
        Of each owner.
    """
    factors = np.array([clip_factor(norm, most) for norm in np.linalg.norm(rows, axis=1)])
    v = rows * (factors / most)[:, None]
    upper = np.triu_indices(rows.shape[1])
    twice = np.where(upper[0] == upper[1], 1.0, math.sqrt(2))
    n_owners = int(owners.max()) + 1
    total = np.zeros((n_owners, rows.shape[1] + len(twice)))
    for owner, row in zip(owners, v, strict=True):
        total[owner, : len(row)] += row
        total[owner, len(row) :] += row[upper[0]] * row[upper[1]] * twice
    counts = np.bincount(owners, minlength=n_owners)[:, None]
    of_owners: Array = total / counts / math.sqrt(2)
    return of_owners


def noisy_normal(
    rows: Array,
    owners: NDArray[np.int64],
    most: float,
    noise_multiplier: float,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """Return mean, variances and directions of a normal distribution of rows, by noisy moments.

    Parameters
    ----------
    rows, owners, most
        As for :func:`contributions`.
    noise_multiplier : float
        sigma.
    rng : numpy.random.Generator
        Of the noise.

    Returns
    -------
    mean : ndarray of shape (n_cells,)
    variances : ndarray of shape (n_cells,)
        In falling order, none below 0.
    directions : ndarray of shape (n_cells, n_cells)
        Theirs, one a row.
    """
    n_cells, n_owners = rows.shape[1], int(owners.max()) + 1
    told = contributions(rows, owners, most).sum(axis=0)
    told += gaussian_noise(len(told), noise_multiplier, 1.0, rng)
    told *= math.sqrt(2) / n_owners
    mean, second = told[:n_cells] * most, np.zeros((n_cells, n_cells))
    upper = np.triu_indices(n_cells)
    off = upper[0] != upper[1]
    second[upper] = told[n_cells:] * most**2 / np.where(off, math.sqrt(2), 1.0)
    second = second + second.T - np.diag(np.diag(second))
    variances, directions = np.linalg.eigh(second - np.outer(mean, mean))
    spread = noise_multiplier * most**2 / n_owners  # of an entry off the diagonal
    return mean, without_noise(variances[::-1], spread), directions.T[::-1]


def without_noise(variances: Array, spread: float) -> Array:
    """Return falling eigenvalues without what symmetric noise of this spread adds to them."""
    n_cells = len(variances)
    edge = 2 * spread * math.sqrt(n_cells)
    n_kept = int((variances > edge + RARELY_BEYOND * spread * n_cells ** (-1 / 6)).sum())
    kept = variances[:n_kept]
    kept = (kept + np.sqrt(kept**2 - edge**2)) / 2
    found = np.zeros(n_cells)
    found[:n_kept] = kept
    if n_kept < n_cells:
        found[n_kept:] = max(0.0, float(variances.sum() - kept.sum())) / (n_cells - n_kept)
    return found


def rows_of_normal(mean: Array, variances: Array, directions: Array) -> Array:
    """Return 2 n_cells rows whose mean and covariance are exactly these.

    Parameters
    ----------
    mean, variances, directions
        As :func:`noisy_normal` returns them.

    Returns
    -------
    rows : ndarray of shape (2 n_cells, n_cells)
        On either side of the mean, along each direction.
    """
    ways = directions * np.sqrt(len(mean) * variances)[:, None]
    return np.concatenate([mean + ways, mean - ways])
