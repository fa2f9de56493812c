"""Which season each timestep of a window belongs to, read from ``y``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_timegen.vae.decomposition import seasons_from

__all__ = ["CalendarEncoder"]


class CalendarEncoder:
    """Encode ``y`` as the season of every timestep, for each seasonality.

    Parameters
    ----------
    kind : {"start", "index"}
        Whether ``y`` holds the position of each window's first timestep, or the season of each
        of its timesteps.
    n_timesteps : int
        T, of a window.
    seasonalities : sequence of (int, int)
        Number and length of the seasons of each of the S seasonalities.

    Attributes
    ----------
    n_conditions_ : int
        ``S * T``: the encoded columns hold all seasons of the first seasonality, then of the
        second, and so on.
    """

    classes_ = None  # as for vectors
    class_counts_ = None

    def __init__(
        self, kind: str, n_timesteps: int, seasonalities: Sequence[tuple[int, int]]
    ) -> None:
        if len(seasonalities) == 0:
            raise ValueError(f"calendar={kind!r} needs seasonalities to be a calendar of")
        self.kind = kind
        self.n_timesteps = n_timesteps
        self.seasonalities = seasonalities
        self.n_conditions_ = len(seasonalities) * n_timesteps

    def fit(self, y: Any, n_samples: int) -> CalendarEncoder:
        """Check the calendar of the training windows."""
        self.encode(y, n_samples)
        return self

    def encode(self, y: Any, n_samples: int) -> NDArray[np.float32]:
        """Return the seasons, one row for each window; one calendar may serve for all."""
        if y is None:
            wanted = {
                "start": "the position of each window's first timestep",
                "index": "the season of each window's timesteps",
            }[self.kind]
            raise ValueError(
                f"y is missing: calendar={self.kind!r} reads {wanted} from it (requires y to be "
                "passed, but the target y is None)"
            )
        values = np.asarray(y)
        if values.dtype.kind not in "fiu":
            raise ValueError(f"y must hold whole numbers, the calendar; got {values.dtype} values")
        # Beyond 2^53 floats skip whole numbers, and what lies beyond 2^63 is no int64.
        usable = (values == np.floor(values)) & (values >= 0) & (values < 2**53)
        if not usable.all():
            raise ValueError(
                "y must hold whole numbers of at least 0, the calendar; got "
                f"{values[~usable].flat[0]}"
            )
        values = values.astype(np.int64)
        rows = self._from_start(values) if self.kind == "start" else self._from_index(values)
        if len(rows) not in (1, n_samples):
            raise ValueError(
                f"y has {len(rows)} entries, but there are {n_samples} series; pass one calendar "
                "for all, or one for each"
            )
        encoded = rows.reshape(len(rows), -1).astype(np.float32)
        return encoded if len(encoded) == n_samples else np.repeat(encoded, n_samples, axis=0)

    def _from_start(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        if values.ndim > 2 or (values.ndim == 2 and values.shape[1] != 1):
            raise ValueError(
                "with calendar='start', y holds one position for each window; got shape "
                f"{values.shape}"
            )
        starts = torch.from_numpy(values.reshape(-1))
        return seasons_from(starts, self.n_timesteps, self.seasonalities).numpy()

    def _from_index(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        given, one = values.shape, (self.n_timesteps, len(self.seasonalities))
        if values.ndim == 1 or (given == one and one[1] > 1):
            values = values[None]
        if values.ndim == 2 and values.shape[1] == one[0] * one[1]:
            values = values.reshape(-1, *one)
        if values.ndim != 3 or values.shape[1:] != one:
            raise ValueError(
                f"with calendar='index', y holds the seasons of all {one[0]} timesteps of each "
                f"window, for each of {one[1]} seasonality(s): shape (n_samples, {one[0]}, "
                f"{one[1]}); got {given}"
            )
        most = np.array([m for m, _ in self.seasonalities])
        if (values >= most).any():
            i, t, k = np.argwhere(values >= most)[0]
            raise ValueError(
                f"y names season {values[i, t, k]} at timestep {t} of window {i}, but "
                f"seasonality {k} has seasons 0 to {most[k] - 1}"
            )
        return values.transpose(0, 2, 1)
