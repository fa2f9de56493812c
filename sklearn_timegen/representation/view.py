"""What a representation is, and the door that leads series through one."""

from __future__ import annotations

import copy
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_timegen.data.checks import all_finite
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.representation.basis import CosineTransform
from sklearn_timegen.representation.bounds import Bounds
from sklearn_timegen.representation.channels import ChannelReducer
from sklearn_timegen.representation.grid import GridSnapper
from sklearn_timegen.representation.own_scale import OwnScaleTransform
from sklearn_timegen.representation.scaling import QuantileScaler, SeriesScaler
from sklearn_timegen.representation.space import Space
from sklearn_timegen.representation.whitening import WhiteningTransform

__all__ = ["REPRESENTATIONS", "Representation", "SeriesView", "make_representation"]

FloatArray = NDArray[np.float32]


@runtime_checkable
class Representation(Protocol):
    """What a ``representation=`` object has to offer: three methods on 3-d float32 arrays.

    Two optional members are used where present: ``keeps_time_axis`` (False for a change of basis
    along time, which networks that slide along time refuse) and
    ``log_abs_det_jacobian(x) -> (n_samples,)``, which ``score_samples`` needs.
    """

    def fit(self, x: FloatArray) -> Any: ...
    def transform(self, x: FloatArray) -> FloatArray: ...
    def inverse_transform(self, v: FloatArray) -> FloatArray: ...


class SeriesView:
    """The way of series into a representation: leave out channels, represent; and back, in bounds.

    Channels that are read on a grid come back on it, and ``calibrated`` ones stand still as
    often as in training. They are represented as they are, so that densities stay what they were.

    Parameters
    ----------
    representation : str or object
        A name, or an unfitted prototype.
    bounds : (low, high) or None, default=None
        Values that the way back never leaves.
    """

    def __init__(self, representation: str | Representation, bounds: Any = None) -> None:
        self.reducer = ChannelReducer()
        self.snapper = GridSnapper()
        self.inner: Any = make_representation(representation)
        self.given_bounds = bounds

    def fit(self, x: FloatArray) -> SeriesView:
        self.fit_transform(x)
        return self

    def fit_transform(self, x: FloatArray) -> FloatArray:
        """Learn the way, and in ``space_`` where it leads to; return the represented series."""
        self.bounds = Bounds(self.given_bounds, x.shape[2])
        self.bounds.check(x)
        kept = self.reducer.fit_transform(x)
        self.inner.fit(self.snapper.fit_transform(kept))
        v = self.transform(x)
        if v.ndim != 3 or len(v) != len(x):
            raise ValueError(
                f"representation={self.inner!r} turned series of shape {x.shape} into shape "
                f"{v.shape}; it has to return arrays of shape (n_samples, n_timesteps, n_channels)"
            )
        self.space_ = Space.of(v, bool(getattr(self.inner, "keeps_time_axis", True)))
        return v

    @property
    def needs_calibration(self) -> bool:
        """Whether ``calibrated`` would change anything."""
        return bool(self.snapper.grids_)

    def calibrated(self, v: FloatArray) -> SeriesView:
        """Return a view that knows how often the paths in a generator's series stand still."""
        made = copy.copy(self)
        made.snapper = copy.deepcopy(self.snapper)
        made.snapper.calibrate(np.asarray(self.inner.inverse_transform(v)))
        return made

    def transform(self, x: FloatArray) -> FloatArray:
        """Represent series; of any that are finite, it has to make finite ones."""
        v = np.asarray(self.inner.transform(self.reducer.transform(x)))
        v = np.ascontiguousarray(v if v.dtype == np.float32 else to_float32(v))
        if not all_finite(v):
            bad = ~np.isfinite(v).reshape(len(v), -1).all(axis=1)
            raise ValueError(
                f"representation={self.inner!r} turned {int(bad.sum())} of {len(v)} series, the "
                f"first at sample {int(bad.argmax())}, into values that are not finite"
            )
        return v

    def inverse_transform(self, v: FloatArray) -> FloatArray:
        kept = self.snapper.inverse_transform(np.asarray(self.inner.inverse_transform(v)))
        x = self.reducer.inverse_transform(kept)
        return self.bounds.clip(np.asarray(x, dtype=np.float32))

    def log_abs_det_jacobian(self, x: FloatArray) -> NDArray[np.float64]:
        """Log-volume by which ``transform`` stretches each series, over the kept channels."""
        if not hasattr(self.inner, "log_abs_det_jacobian"):
            raise TypeError(
                f"representation={self.inner!r} has no log_abs_det_jacobian(x), which a density "
                "in the units of X needs"
            )
        return np.asarray(self.inner.log_abs_det_jacobian(self.reducer.transform(x)))


REPRESENTATIONS: dict[str, Representation] = {
    "standard": SeriesScaler("standard"),
    "minmax": SeriesScaler("minmax"),
    "quantile": QuantileScaler(),
    "cosine": CosineTransform("standard"),
    "cosine-quantile": CosineTransform("quantile"),
    "own-scale": OwnScaleTransform(),
    "pca": WhiteningTransform("standard"),
    "pca-quantile": WhiteningTransform("quantile"),
}


def make_representation(representation: str | Representation) -> Representation:
    """Return a new, unfitted representation for a name or a prototype.

    Parameters
    ----------
    representation : str or object
        One of ``REPRESENTATIONS``, or an object to clone.

    Returns
    -------
    representation : object
        With ``fit``, ``transform`` and ``inverse_transform``.
    """
    if isinstance(representation, str):
        representation = REPRESENTATIONS[representation]
    made: Representation = clone(representation, safe=False)
    return made
