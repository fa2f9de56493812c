"""What the metrics share: a number that carries its floor, choices of series, and neighbours."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from sklearn_timegen._rows import channel_scale
from sklearn_timegen.data.checks import check_count

__all__ = [
    "Array",
    "Measurement",
    "check_choice",
    "check_limit",
    "nearest",
    "nearest_distances",
    "nearest_others",
    "one_torch_thread",
    "rounding",
    "subset",
]

Array = NDArray[np.float64]
_THREADS_LOCK = threading.Lock()
_THREADS_BEFORE: list[int] = []  # one for each user of the single thread


class Measurement(float):
    """A float that remembers how sure it is, and what would be perfect.

    Parameters
    ----------
    value : float
        The score.
    std : float or None, default=None
        Standard deviation over the repeats.
    floor : float or None, default=None
        What a perfect sample of this size would score.
    values : sequence of float, default=()
        The score of each repeat.

    Examples
    --------
    >>> from sklearn_timegen.metrics import Measurement
    >>> score = Measurement(0.25, std=0.01, floor=0.02)
    >>> score
    0.2500 ± 0.0100 (floor 0.0200)
    >>> score + 1
    1.25
    """

    std: float | None
    floor: float | None
    values: tuple[float, ...]

    def __new__(
        cls,
        value: float,
        *,
        std: float | None = None,
        floor: float | None = None,
        values: Iterable[float] = (),
    ) -> Measurement:
        measurement = super().__new__(cls, value)
        measurement.std, measurement.floor = std, floor
        measurement.values = tuple(map(float, values))
        return measurement

    def __repr__(self) -> str:
        text = f"{float(self):.4f}"
        if self.std is not None:
            text += f" ± {self.std:.4f}"
        return text if self.floor is None else f"{text} (floor {self.floor:.4f})"

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"std": self.std, "floor": self.floor, "values": self.values}
        return (type(self), (float(self),), state)


def rounding(real: Array) -> float:
    """Return the distance that rounding to float32 can put between equal series."""
    size = np.abs(real).max(axis=(0, 1)) / channel_scale(real)
    return float(np.finfo(np.float32).eps * np.sqrt(real.shape[1] * (size**2).sum()))


def check_choice(value: Any, known: Collection[str], name: str) -> None:
    """Refuse what is none of the known strings."""
    if not isinstance(value, str) or value not in known:
        names = ", ".join(map(repr, known))
        raise ValueError(f"{name} must be one of {names}, got {value!r}")


def check_limit(max_samples: Any) -> int | None:
    """Return a limit of the number of series, which has to leave at least two."""
    if max_samples is not None and check_count(max_samples, "max_samples") < 2:
        raise ValueError(f"max_samples must be None or at least 2, got {max_samples!r}")
    return max_samples


def nearest_distances(queries: Array, references: Array, *, tolerance: float) -> Array:
    """Return the Euclidean distance from each row to the nearest of the references.

    Distances within the tolerance are 0.
    """
    return nearest(queries, references, tolerance=tolerance)[0]


def nearest(
    queries: Array, references: Array, *, tolerance: float
) -> tuple[Array, NDArray[np.int64]]:
    """Return these distances, and which of the references each is to."""
    search = NearestNeighbors(n_neighbors=1).fit(references)
    distances, neighbours = search.kneighbors(queries)
    return _rounded(distances[:, 0], references, tolerance), neighbours[:, 0]


def nearest_others(
    rows: Array, *, tolerance: float, starts: NDArray[np.int64] | None = None, length: int = 1
) -> Array:
    """Return the distance from each row to the nearest other one.

    Where windows overlap, to the nearest one that shares no timestep.
    """
    starts = np.arange(len(rows)) * length if starts is None else np.asarray(starts)
    ordered = np.sort(starts)
    first = np.searchsorted(ordered, starts - length, side="right")
    last = np.searchsorted(ordered, starts + length, side="left")
    n_neighbors = int((last - first).max()) + 1  # of which one at least shares nothing
    if n_neighbors > len(rows):
        raise ValueError(
            f"some of the {len(rows)} windows overlap all others, which leaves no distance "
            "between different ones: give a longer series, or X_train"
        )
    search = NearestNeighbors(n_neighbors=n_neighbors).fit(rows)
    distances, neighbours = search.kneighbors(rows)
    apart = np.abs(starts[neighbours] - starts[:, None]) >= length
    nearest: Array = distances[np.arange(len(rows)), apart.argmax(axis=1)]
    return _rounded(nearest, rows, tolerance)


def _rounded(distances: Array, references: Array, tolerance: float) -> Array:
    # The search itself rounds as well, by the square root of float64's precision.
    tolerance += 1e-7 * float(np.sqrt((references**2).sum(axis=1).max()))
    return np.where(distances > tolerance, distances, 0.0)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Run torch on one thread: for networks this small a second one gains little.

    On a busy machine it costs a multiple, and the last bits of a result depend on the number.
    """
    # Threads of one process share the setting: the last one to leave puts it back.
    with _THREADS_LOCK:
        if not _THREADS_BEFORE:
            before = torch.get_num_threads()
            torch.set_num_threads(1)
        else:
            before = _THREADS_BEFORE[0]
        _THREADS_BEFORE.append(before)
    try:
        yield
    finally:
        with _THREADS_LOCK:
            if _THREADS_BEFORE.pop() and not _THREADS_BEFORE:
                torch.set_num_threads(before)


def subset(x: Array, n: int | None, rng: np.random.Generator) -> Array:
    """Return at most ``n`` rows, drawn without replacement in random order."""
    if n is None or len(x) <= n:
        return x
    return x[rng.choice(len(x), n, replace=False)]
