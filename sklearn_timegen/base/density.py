"""Log-densities of series, by a model of represented ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen.data import Series
from sklearn_timegen.representation import REPRESENTATIONS

if TYPE_CHECKING:
    from sklearn_timegen.base.generator import BaseGenerator

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
    log_density: Callable[[Series], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the log-density of each series in ``X``, in nats and in the units of ``X``.

    ``log_density(series)`` is that of represented series. Without ``y``, it is averaged over the
    labels, in their training frequencies, if the generator is conditional on labels.
    """
    check_is_fitted(generator)
    series, log_volume = generator._preprocessing.encode_with_volume(generator._read(X))
    v = series.values
    encoder = generator._condition_encoder
    if y is None and encoder is not None and hasattr(generator, "classes_"):
        labels = [generator._encode_conditions(label, len(v)) for label in generator.classes_]
        each = [log_density(Series(v, c)) for c in labels]
        density = logsumexp(each, axis=0, b=encoder.class_frequencies[:, None])
    else:
        density = log_density(Series(v, generator._encode_conditions(y, len(v))))
    return density + log_volume
