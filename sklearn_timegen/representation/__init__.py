"""Representations: invertible, fitted views of series, in which the networks work.

A representation maps float32 series ``x`` of shape ``(n_samples, n_timesteps, n_channels)`` to
an array ``v`` of the same rank and back. It is where much of a generator's quality is won: what
a network finds easy depends on how its data are scaled and in which basis along time they are
written. Every generator takes one as ``representation=``, by name or as an object.

=====================  ==========================================================================
``"standard"``         zero mean, unit variance
``"minmax"``           the range [0, 1]
``"quantile"``         a standard normal, by the values' own quantiles
``"cosine"``           orthonormal cosine transform along time, each coefficient standardised
``"cosine-quantile"``  the same, each coefficient mapped to a standard normal by its quantiles
``"own-scale"``        level, scale and shape of each window, each number mapped to a normal
``"pca"``              principal coordinates of ``"cosine"``, each of unit variance
``"pca-quantile"``     principal coordinates of ``"cosine-quantile"``, each of unit variance
=====================  ==========================================================================

The first three treat each cell (timestep and channel) by itself, as scikit-learn's scalers do
with the columns of flat rows; pass ``SeriesScaler("standard", per="channel")`` to share one scale
along time.
"""

import importlib
import warnings
from typing import Any

from sklearn_timegen.representation.basis import CosineTransform
from sklearn_timegen.representation.own_scale import OwnScaleTransform
from sklearn_timegen.representation.protocol import (
    REPRESENTATIONS,
    Representation,
    fit_representation,
    make_representation,
    represent,
)
from sklearn_timegen.representation.scaling import QuantileScaler, SeriesScaler
from sklearn_timegen.representation.space import Space
from sklearn_timegen.representation.whitening import WhiteningTransform

__all__ = [
    "REPRESENTATIONS",
    "CosineTransform",
    "OwnScaleTransform",
    "QuantileScaler",
    "Representation",
    "SeriesScaler",
    "Space",
    "WhiteningTransform",
    "fit_representation",
    "make_representation",
    "represent",
]


def __getattr__(name: str) -> Any:
    if name not in ("Bounds", "ChannelReducer", "GridSnapper"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"sklearn_timegen.representation.{name} is sklearn_timegen.rules.{name} now; the old "
        "name will be removed in 0.3",
        FutureWarning,
        stacklevel=2,
    )
    # By name: rooms of one floor do not import each other, but for an old name.
    return getattr(importlib.import_module("sklearn_timegen.rules"), name)
