"""Log-densities of series, by a model of represented ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen.data import Series
from sklearn_timegen.representation import REPRESENTATIONS

if TYPE_CHECKING:
    from sklearn_timegen.base.generator import BaseGenerator

Array = NDArray[np.float64]
LogDensity = Callable[[Series], Array]
N_FILLS = 10

__all__ = ["has_density", "log_density_of_series"]


def has_density(*instead: str) -> Callable[[BaseGenerator], bool]:
    """Return a check for ``available_if`` of the representation; it names what to use instead."""

    def check(generator: BaseGenerator) -> bool:
        representation: Any = getattr(generator, "representation_", generator.representation)
        if isinstance(representation, str):  # "auto" is told by what it comes to in fit
            representation = REPRESENTATIONS.get(representation, representation)
        if not hasattr(representation, "log_abs_det_jacobian"):
            raise AttributeError(
                f"representation={representation!r} has no density, which score_samples needs: "
                f"use {', '.join(map(repr, instead[:-1]))} or {instead[-1]!r}"
            )
        return True

    return check


def log_density_of_series(
    generator: BaseGenerator,
    X: ArrayLike,
    y: Any,
    log_density: LogDensity,
    *,
    marginal: bool = False,
) -> Array:
    """Return the log-density of each series in ``X``, in nats and in the units of ``X``.

    ``log_density(series)`` is that of represented series; with ``marginal``, that of those of
    their cells which were observed. Without ``y``, it is averaged over the labels, in their
    training frequencies, if the generator is conditional on labels.

    Of a series with missing values, it is the density of what is there. Where ``marginal`` ones do
    not tell it, it is the mean of p(whole series) / q(fill) over ``N_FILLS`` fills, drawn from a
    normal distribution q given what is there (importance sampling).
    """
    check_is_fitted(generator)
    x, known = generator._read(X), generator._preprocessing
    of_labels = _averaged(generator, y, len(x), log_density)
    gaps = ~np.isfinite(x).all(axis=(1, 2))
    if marginal and known.leaves_cells_apart:
        gaps = np.zeros_like(gaps)
    density = np.empty(len(x))
    whole, rows = np.flatnonzero(~gaps), np.flatnonzero(gaps)
    if len(whole):
        series, log_volume = known.encode_with_volume(x[whole])
        density[whole] = of_labels(series, whole) + log_volume
    if len(rows):
        drawn = known.fills_with_volume(x[rows], N_FILLS)
        each = [of_labels(series, rows) + log_volume for series, log_volume in drawn]
        density[rows] = logsumexp(each, axis=0) - np.log(N_FILLS)
    return density


def _averaged(
    generator: BaseGenerator, y: Any, n_samples: int, log_density: LogDensity
) -> Callable[[Series, NDArray[np.int64]], Array]:
    """Return what gives the log-density of some rows under their conditions."""
    encoder = generator._condition_encoder
    if y is not None or encoder is None or encoder.classes_ is None:
        c = generator._encode_conditions(y, n_samples)
        return lambda series, rows: log_density(_given(series, c, rows))
    labels = [generator._encode_conditions(label, n_samples) for label in encoder.classes_]
    weights = encoder.class_frequencies[:, None]
    return lambda series, rows: logsumexp(
        [log_density(_given(series, c, rows)) for c in labels], axis=0, b=weights
    )


def _given(series: Series, c: Any, rows: NDArray[np.int64]) -> Series:
    return series if c is None else replace(series, conditions=c[rows])
