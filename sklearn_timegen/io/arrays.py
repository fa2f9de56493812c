"""Windows in ``.npy`` and ``.npz`` files, as tables of a row for each timestep."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._remedies import InputError, Remedy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ArrayForm", "read_array", "windows_in"]

ROWS = ("sample", "timestep")
LABEL = "label"


@dataclass(frozen=True)
class ArrayForm:
    """How windows are held by a file.

    Parameters
    ----------
    compressed : bool
        Whether it is an ``.npz`` file of ``X`` and perhaps labels ``y``; else it is one array.
    ndim : int
        3 of windows; 2 of windows of one channel, or of one long series.
    is_series : bool
        Whether the rows of a 2-d array are timesteps.
    """

    compressed: bool
    ndim: int = 3
    is_series: bool = False

    left_out: ClassVar[dict[str, str]] = {}

    def write(self, stream: IO[bytes], frame: pd.DataFrame) -> None:
        """Write a table of the columns that were read."""
        X, y = (frame.to_numpy(), None) if self.is_series else windows_in(frame)
        if X.ndim == 3 and self.ndim == 2 and X.shape[2] == 1:
            X = X[:, :, 0]
        if not self.compressed:
            if y is not None:
                raise ValueError("an .npy file holds no labels: write .npz, or .csv")
            np.save(stream, X, allow_pickle=False)
            return
        labels: dict[str, Any] = {} if y is None else {"y": y}
        np.savez_compressed(stream, X=X, **labels)


def read_array(
    path: Path, *, rows_are_time: bool = False
) -> tuple[pd.DataFrame, ArrayForm, list[str]]:
    """Return the windows of a file as a table, how they were held, and what to know.

    With ``rows_are_time``, a 2-d array is one long series.

    Raises
    ------
    ValueError
        If the file holds other arrays, objects, or is damaged.
    """
    import pandas as pd

    X, y = _load(path)
    if X.dtype.kind not in "fiub":
        raise ValueError(f"{path} holds values of type {X.dtype}, not numbers")
    if X.ndim not in (2, 3) or X.size == 0:
        raise ValueError(
            f"{path} holds an array of shape {X.shape}: windows are (n_samples, n_timesteps[, "
            "n_channels]), a long series (n_timesteps, n_channels)"
        )
    form = ArrayForm(path.suffix.lower() == ".npz", X.ndim, rows_are_time)
    if rows_are_time:
        if X.ndim != 2 or y is not None:
            raise InputError(
                f"{path} holds windows already (shape {X.shape}), and no long series: leave out ",
                Remedy("rows_are_time=True", "--window"),
            )
        return pd.DataFrame(X, columns=_channels(X.shape[1])), form, []
    x = X.reshape(*X.shape, 1) if X.ndim == 2 else X
    if y is not None and len(y) != len(x):
        raise ValueError(f"{path} has {len(x)} windows, but {len(y)} labels")
    n_samples, n_timesteps, n_channels = x.shape
    frame = pd.DataFrame(x.reshape(-1, n_channels), columns=_channels(n_channels))
    frame.insert(0, ROWS[0], np.repeat(np.arange(n_samples), n_timesteps))
    frame.insert(1, ROWS[1], np.tile(np.arange(n_timesteps), n_samples))
    if y is not None:
        frame.insert(2, LABEL, np.repeat(y, n_timesteps))
    notes = []
    if X.ndim == 2:
        notes.append(f"its {n_samples} rows are taken for windows of {n_timesteps} timesteps")
    return frame, form, notes


def windows_in(frame: pd.DataFrame) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return the windows of a table with the columns sample and timestep, and their labels.

    Parameters
    ----------
    frame : DataFrame
        A row for each timestep of each window, in their order; the column ``label`` is that of
        the window, the others are channels.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, n_channels)
        The windows.
    y : ndarray of shape (n_samples,) or None
        Their labels.

    Raises
    ------
    ValueError
        If it has other columns than windows have, or they are not of one length.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_timegen.io import windows_in
    >>> columns = {"sample": [0, 0, 1, 1], "timestep": [0, 1, 0, 1], "sold": [3, 1, 4, 1]}
    >>> X, y = windows_in(pd.DataFrame(columns))
    >>> X.shape, y
    ((2, 2, 1), None)
    """
    if tuple(frame.columns[:2]) != ROWS:
        raise ValueError(
            f"a table with the columns {', '.join(map(str, frame.columns[:4]))}, ... fits into no "
            "array of windows: write .csv"
        )
    lengths = frame.groupby(ROWS[0], sort=False).size()
    if lengths.nunique() > 1:
        raise ValueError(
            f"series of {lengths.min()} to {lengths.max()} timesteps fit into no array: write .csv"
        )
    labels = None
    if LABEL in frame:
        labels = frame[LABEL].to_numpy()[:: int(lengths.iloc[0])]
        labels = labels.astype(np.str_) if labels.dtype.kind == "O" else labels
    values = frame.drop(columns=[*ROWS, LABEL], errors="ignore")
    if not all(dtype.kind in "fiub" for dtype in values.dtypes):
        raise ValueError("columns of words or dates fit into no array of numbers: write .csv")
    return values.to_numpy().reshape(len(lengths), int(lengths.iloc[0]), -1), labels


def _channels(n: int) -> list[str]:
    return [f"channel {k}" for k in range(n)]


def _load(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    try:
        with path.open("rb") as stream, warnings.catch_warnings(action="error"):
            held = np.load(stream, allow_pickle=False)
            if isinstance(held, np.ndarray):
                return held, None
            arrays = {name: held[name] for name in held}
    except Exception as error:  # numpy, zipfile and zlib have many for the kinds of damage
        what = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path} holds Python objects or is damaged: {what}") from error
    unknown = set(arrays) - {"X", "y", "data"}
    if not arrays or (unknown and len(arrays) > 1):
        raise ValueError(f"{path} has the arrays {list(arrays)}: call the windows X, the labels y")
    found = next(name for name in ("X", "data", *arrays) if name in arrays)
    y = arrays.get("y")
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y is not None and y.ndim != 1:
        raise ValueError(f"{path}: y must hold one label for each window, got shape {y.shape}")
    return arrays[found], y
