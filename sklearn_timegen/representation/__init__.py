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

from sklearn_timegen.representation.basis import CosineTransform
from sklearn_timegen.representation.bounds import Bounds
from sklearn_timegen.representation.channels import ChannelReducer
from sklearn_timegen.representation.grid import GridSnapper
from sklearn_timegen.representation.own_scale import OwnScaleTransform
from sklearn_timegen.representation.scaling import QuantileScaler, SeriesScaler
from sklearn_timegen.representation.space import Space
from sklearn_timegen.representation.view import (
    REPRESENTATIONS,
    Representation,
    SeriesView,
    make_representation,
)
from sklearn_timegen.representation.whitening import WhiteningTransform

__all__ = [
    "REPRESENTATIONS",
    "Bounds",
    "ChannelReducer",
    "CosineTransform",
    "GridSnapper",
    "OwnScaleTransform",
    "QuantileScaler",
    "Representation",
    "SeriesScaler",
    "SeriesView",
    "Space",
    "WhiteningTransform",
    "make_representation",
]
