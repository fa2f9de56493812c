"""The order of the axes of series: channels last, as in this library, or first, as in others.

aeon and sktime hold a sample as ``(n_series, n_channels, n_timesteps)`` ("numpy3D"), and series of
several lengths as a list of ``(n_channels, n_timesteps)`` (aeon's "np-list").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["LAYOUTS", "channels_last", "laid_out", "layout_of", "said_of"]

LAYOUTS = ("channels-last", "channels-first")


def channels_last(X: Any, layout: str, name: str = "X") -> Any:
    """Return series, whose axes are in the order of ``layout``, with channels last.

    Parameters
    ----------
    X : 3-d array, or list of 2-d arrays
        Series. With ``layout="channels-last"`` anything, which is returned as it is.
    layout : {"channels-last", "channels-first"}
        Which axis of each series is which.
    name : str, default="X"
        What it is called in errors.

    Raises
    ------
    ValueError
        If there is no such layout, or the axes of ``X`` are no others than it has.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.data.axes import channels_last
    >>> channels_last(np.zeros((5, 2, 24)), "channels-first").shape
    (5, 24, 2)
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be {' or '.join(map(repr, LAYOUTS))}, got {layout!r}")
    if layout == "channels-last":
        return X
    swapped = _swapped(X)
    if swapped is None:
        shape = f" of shape {tuple(X.shape)}" if hasattr(X, "shape") else ""
        raise ValueError(
            f"layout='channels-first' is said of 3-d arrays (n_series, n_channels, n_timesteps) "
            f"and of lists of arrays (n_channels, n_timesteps), but {name} is a "
            f"{type(X).__name__}{shape}: leave layout at 'channels-last', which rows of values "
            "and frames are read with"
        )
    return swapped


def laid_out(series: Any, layout: str) -> Any:
    """Return series with channels last, an array or a list of arrays, as ``layout`` has them."""
    return series if layout == "channels-last" else _swapped(series)


def layout_of(estimator: Any) -> str:
    """Return the layout of the series that an unfitted estimator is to be given."""
    return str(said_of(estimator, "layout", "channels-last"))


def said_of(estimator: Any, name: str, default: Any) -> Any:
    """Return a parameter of an estimator, or else of one within it, as a teacher."""
    known: Mapping[str, Any] = estimator.get_params() if hasattr(estimator, "get_params") else {}
    if name in known:
        return known[name]
    within = [value for key, value in known.items() if key.endswith(f"__{name}")]
    return within[0] if within else getattr(estimator, name, default)


def _swapped(X: Any) -> Any:
    """Return series with the two axes of each swapped; ``None`` if there are no such axes."""
    if isinstance(X, list | tuple):
        items = [_transposed(item) for item in X]
        return None if any(item is None for item in items) else items
    if getattr(X, "ndim", 0) != 3:
        return None
    # Laid out anew in memory: sums along axes, and with them last digits, are those of any array.
    return np.ascontiguousarray(np.asarray(X).swapaxes(1, 2))


def _transposed(item: Any) -> Any:
    if isinstance(item, list | tuple):
        try:  # as objects: words beside numbers stay what they are
            values = np.asarray(item, dtype=object)
        except ValueError:
            return None
        return values.T.tolist() if values.ndim == 2 else None
    is_array = getattr(item, "ndim", 0) == 2 and not hasattr(item, "iloc")
    return np.ascontiguousarray(np.asarray(item).T) if is_array else None
