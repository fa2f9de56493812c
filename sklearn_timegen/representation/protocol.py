"""What a representation is, and how series are led through one."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_timegen.data.checks import all_finite
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.representation.basis import CosineTransform
from sklearn_timegen.representation.own_scale import OwnScaleTransform
from sklearn_timegen.representation.scaling import QuantileScaler, SeriesScaler
from sklearn_timegen.representation.space import Space
from sklearn_timegen.representation.whitening import WhiteningTransform

__all__ = [
    "REPRESENTATIONS",
    "Representation",
    "fit_representation",
    "make_representation",
    "represent",
]

FloatArray = NDArray[np.float32]


@runtime_checkable
class Representation(Protocol):
    """What a ``representation=`` object has to offer: three methods on 3-d float32 arrays.

    Four optional members are used where present: ``keeps_time_axis`` (False for a change of basis
    along time, which networks that slide along time refuse), ``cell_by_cell`` (True if a value
    depends on that of its cell only, which some generators need for ``impute``),
    ``log_abs_det_jacobian(x) -> (n_samples,)``, which ``score_samples`` needs, and
    ``log_slope(x)``, of each cell, which it needs for an exact density of a part of a series.
    """

    def fit(self, x: FloatArray) -> Any: ...
    def transform(self, x: FloatArray) -> FloatArray: ...
    def inverse_transform(self, v: FloatArray) -> FloatArray: ...


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
    unfitted: Representation = clone(representation, safe=False)
    return unfitted


def fit_representation(
    representation: str | Representation, u: FloatArray
) -> tuple[Representation, FloatArray, Space]:
    """Fit a representation to series.

    Parameters
    ----------
    representation : str or object
        A name, or an unfitted prototype.
    u : ndarray of shape (n_samples, n_timesteps, n_channels), float32
        The series.

    Returns
    -------
    representation : object
        Fitted.
    v : ndarray of rank 3, float32
        The series, represented.
    space : Space
        Where they lie.

    Raises
    ------
    ValueError
        If it makes of the series an array of another rank or length, or values that are not
        finite.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.representation import fit_representation
    >>> u = np.arange(12, dtype=np.float32).reshape(4, 3, 1)
    >>> scaler, v, space = fit_representation("minmax", u)
    >>> v[:, 0, 0].tolist(), space.shape
    ([0.0, 0.3333333432674408, 0.6666666865348816, 1.0], (3, 1))
    """
    fitted = make_representation(representation)
    fitted.fit(u)
    v = represent(fitted, u)
    if v.ndim != 3 or len(v) != len(u):
        raise ValueError(
            f"representation={fitted!r} turned series of shape {u.shape} into shape {v.shape}; "
            "it has to return arrays of shape (n_samples, n_timesteps, n_channels)"
        )
    return fitted, v, Space.of(v, bool(getattr(fitted, "keeps_time_axis", True)))


def represent(representation: Representation, u: FloatArray) -> FloatArray:
    """Represent series; of any that are finite, a representation has to make finite ones.

    Parameters
    ----------
    representation : object
        Fitted.
    u : ndarray of shape (n_samples, n_timesteps, n_channels), float32
        The series.

    Returns
    -------
    v : ndarray of rank 3, float32
        What the representation makes of them, contiguous.

    Raises
    ------
    ValueError
        If values are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.representation import SeriesScaler, represent
    >>> u = np.arange(12, dtype=np.float32).reshape(4, 3, 1)
    >>> represent(SeriesScaler("minmax").fit(u), u + 1).max()
    np.float32(1.1111112)
    """
    v = np.asarray(representation.transform(u))
    v = np.ascontiguousarray(v if v.dtype == np.float32 else to_float32(v))
    if not all_finite(v):
        bad = ~np.isfinite(v).reshape(len(v), -1).all(axis=1)
        raise ValueError(
            f"representation={representation!r} turned {int(bad.sum())} of {len(v)} series, the "
            f"first at sample {int(bad.argmax())}, into values that are not finite"
        )
    return v
