"""Series from and to files: ``.npy``, ``.npz`` and ``.csv``, never through pickle."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.io import atomic_write
from sklearn_timegen.model_selection import find_window_starts, make_windows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SUFFIXES", "SeriesFile", "holds_windows", "read_series", "write_series"]

SUFFIXES = (".csv", ".npy", ".npz")


@dataclass
class SeriesFile:
    """What a file held.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_timesteps, n_channels)
        The windows.
    y : ndarray of shape (n_samples,) or None
        Their labels.
    starts : ndarray of shape (n_samples,) or None
        Where each window begins, if they were, or seem to be, cut from one long series.
    channels : list of str
        Names of the channels.
    notes : list of str
        What a reader of the result should know.
    """

    X: NDArray[Any]
    y: NDArray[Any] | None
    starts: NDArray[np.int64] | None
    channels: list[str]
    notes: list[str]


def read_series(
    path: str | Path, window: int | None = None, stride: int = 1, *, whole: bool = False
) -> SeriesFile:
    """Read windows, or one long series to cut into windows of ``window`` timesteps.

    A CSV is one long series: rows are time, columns are channels; or it holds windows, if its
    first columns are called sample and timestep, as :func:`write_series` writes them. An
    ``.npy`` file holds one array, an ``.npz`` file ``X`` and perhaps labels ``y``; 3-d arrays are
    windows, and so are 2-d ones (univariate, one a row) unless ``window`` is given, which makes
    rows time. With ``whole``, a long series need not be cut.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    notes: list[str] = []
    y = None
    if _kind(path) == ".csv":
        table = _read_table(path)
        if _is_long_format(table):
            values, y, channels = _windows_of(table, path)
        else:
            values, channels = _read_csv(table, path, notes)
        if window is None and values.ndim == 2 and whole:
            values = values[None]
        elif window is None and values.ndim == 2:
            raise ValueError(
                f"{path} is one long series of {len(values)} timesteps: give --window"
            )
    elif _kind(path) in (".npy", ".npz"):
        values, y = _read_arrays(path)
        channels = []
    else:
        raise ValueError(f"{path} must end in one of {', '.join(SUFFIXES)}")
    _check_finite(values, path, channels)
    starts = None
    if window is not None:
        if values.ndim == 3:
            raise ValueError(f"{path} holds windows already (shape {values.shape}): no --window")
        if y is not None:
            raise ValueError(f"{path} holds labels of windows, which --window would cut anew")
        if not channels and values.ndim == 2 and values.shape[1] > 1:
            notes.append(
                f"rows are taken for time, and the {values.shape[1]} columns for channels"
            )
        values, starts = make_windows(values, window, stride)
    elif values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3:
        raise ValueError(
            f"{path} holds an array of shape {values.shape}: one long series needs --window"
        )
    if y is not None and len(y) != len(values):
        raise ValueError(f"{path} has {len(values)} windows, but {len(y)} labels")
    if starts is None:
        starts = find_window_starts(values)
        if starts is not None:
            notes.append(
                f"the windows overlap ({starts[1]} timestep(s) apart): folds are blocks of time"
            )
    channels = channels or [f"channel {k}" for k in range(values.shape[2])]
    return SeriesFile(values, y, starts, channels, notes)


def holds_windows(path: str | Path) -> bool:
    """Whether a file says itself that it holds windows, and not one long series."""
    path = Path(path)
    if not path.is_file() or _kind(path) not in SUFFIXES:
        return False  # which reading it will say better
    if _kind(path) == ".csv":
        return _is_long_format(_read_table(path))
    values, y = _read_arrays(path)
    return values.ndim == 3 or y is not None


def write_series(
    path: str | Path,
    X: NDArray[Any],
    y: NDArray[Any] | None = None,
    channels: list[str] | None = None,
) -> None:
    """Write windows; a CSV has a row for each timestep of each sample, and says which."""
    path = Path(path)
    if _kind(path) == ".npy":
        with atomic_write(path) as stream:
            np.save(stream, X, allow_pickle=False)
    elif _kind(path) == ".npz":
        arrays: dict[str, Any] = {} if y is None else {"y": np.asarray(y, dtype=np.str_)}
        with atomic_write(path) as stream:
            np.savez_compressed(stream, X=X, **arrays)
    elif _kind(path) == ".csv":
        import pandas as pd

        x = X.reshape(len(X), X.shape[1], -1)
        n_samples, n_timesteps, n_channels = x.shape
        names = channels or [f"channel {k}" for k in range(n_channels)]
        table = pd.DataFrame(x.reshape(-1, n_channels), columns=names)
        table.insert(0, "sample", np.repeat(np.arange(n_samples), n_timesteps))
        table.insert(1, "timestep", np.tile(np.arange(n_timesteps), n_samples))
        if y is not None:
            table.insert(2, "label", np.repeat(np.asarray(y), n_timesteps))
        with atomic_write(path, "utf-8") as stream:
            table.to_csv(stream, index=False)
    else:
        raise ValueError(f"{path} must end in one of {', '.join(SUFFIXES)}")


def _check_finite(values: NDArray[Any], path: Path, channels: list[str]) -> None:
    if values.dtype.kind not in "fiub":
        raise ValueError(f"{path} holds values of type {values.dtype}, not numbers")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        where = ", ".join(f"axis {k}: {i}" for k, i in enumerate(bad[0]))
        if channels:
            where = f"row {bad[0][0]} of column {channels[bad[0][1]]!r}"
        raise ValueError(
            f"{path} contains {len(bad)} NaN or infinite values, the first at {where}; impute or "
            "drop them"
        )


def _read_table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no table of comma-separated values: {error}") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError(f"{path} has more values in a row than names in its header")
    if not _is_header(table.columns):
        raise ValueError(f"{path} has no header: its first row is {', '.join(table.columns)}")
    return table


def _is_long_format(table: pd.DataFrame) -> bool:
    """Whether a row is a timestep of a window, which is named."""
    return list(table.columns[:2]) == ["sample", "timestep"] and table.shape[1] > 2


def _windows_of(
    table: pd.DataFrame, path: Path
) -> tuple[NDArray[Any], NDArray[Any] | None, list[str]]:
    """Lay the rows of a table out as windows, in the order of their samples and timesteps."""
    table = table.sort_values(["sample", "timestep"], kind="stable")
    lengths = table.groupby("sample").size()
    if lengths.nunique() != 1:
        raise ValueError(
            f"{path}: its samples have between {lengths.min()} and {lengths.max()} timesteps; "
            "windows are of one length"
        )
    shape = (len(lengths), int(lengths.iloc[0]))
    y = None
    if "label" in table:
        y = table["label"].to_numpy().reshape(shape)[:, 0]
    channels = [str(name) for name in table.columns if name not in ("sample", "timestep", "label")]
    try:
        values = table[channels].to_numpy(dtype=np.float64)
    except ValueError as error:
        raise ValueError(f"{path} has columns that are not numeric: {error}") from error
    return values.reshape(*shape, len(channels)), y, channels


def _read_csv(table: pd.DataFrame, path: Path, notes: list[str]) -> tuple[NDArray[Any], list[str]]:
    table = _without_index(table, notes)
    numbers = table.select_dtypes("number")
    left_out = [str(name) for name in table.columns if name not in numbers.columns]
    for name in left_out:
        _check_is_text(table[name], path)
    if left_out:
        notes.append(f"left out columns that are not numeric: {', '.join(left_out)}")
    if numbers.shape[1] == 0:
        raise ValueError(
            f"{path} has no numeric column (columns: {', '.join(left_out)}); values have to be "
            "separated by commas, with decimal points"
        )
    return numbers.to_numpy(dtype=np.float64), [str(name) for name in numbers.columns]


def _is_header(names: Any) -> bool:
    """Whether names could be a header: words, or the consecutive integers that pandas writes."""
    if not all(_is_number(name) for name in names):
        return True
    if not all(str(name).isdigit() for name in names):
        return False
    return bool((np.diff([int(name) for name in names]) == 1).all())


def _without_index(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Leave out columns without names, and a first one that only counts."""
    empty = [n for n in table if str(n).startswith("Unnamed: ") and table[n].isna().all()]
    if empty:
        notes.append("left out empty columns without a name")
        table = table.drop(columns=empty)
    first = table.columns[0]
    steps = np.diff(table[first]) if table[first].dtype.kind in "iuf" and len(table) > 2 else []
    counts = len(steps) > 0 and steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-9, atol=0)
    if str(first) == "Unnamed: 0" or (counts and table.shape[1] > 1):
        notes.append(f"left out the first column, {first!r}: it is an index")
        table = table.drop(columns=first)
    return table


def _kind(path: Path) -> str:
    """The ending that tells what a file holds, however it is written."""
    return path.suffix.lower()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_is_text(column: pd.Series, path: Path) -> None:
    """Refuse a column of numbers that a few other values have turned into text."""
    held = [str(value) for value in column.dropna()]
    # Decimal commas are numbers, too, in a file that is separated by something else.
    odd = [value for value in held if not _is_number(value.replace(",", "."))]
    if held and len(odd) < len(held) / 2:
        example = odd[0] if odd else held[0]
        raise ValueError(f"{path}: column {column.name!r} is of numbers, but for {example!r}")


def _as_labels(y: NDArray[Any], path: Path) -> NDArray[Any]:
    flat = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if flat.ndim != 1:
        raise ValueError(f"{path}: y must hold one label for each window, got shape {y.shape}")
    return flat


def _read_arrays(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    try:
        if _kind(path) == ".npy":
            arrays = {"X": np.load(path, allow_pickle=False)}
        else:
            with np.load(path, allow_pickle=False) as held:
                arrays = {name: held[name] for name in held}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} holds Python objects or is damaged: {error}") from error
    unknown = set(arrays) - {"X", "y", "data"}
    if not arrays or (unknown and len(arrays) > 1):
        raise ValueError(f"{path} has the arrays {list(arrays)}: call the windows X, the labels y")
    if "y" in arrays:
        arrays["y"] = _as_labels(arrays["y"], path)
    found = next(name for name in ("X", "data", *arrays) if name in arrays)
    return arrays[found], arrays.get("y")
