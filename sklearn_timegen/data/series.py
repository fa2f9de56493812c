"""The record that travels: series, and what is known about each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

__all__ = ["Series"]


@dataclass(frozen=True, eq=False)
class Series:
    """Series of one length, with what belongs to each: arrays of numpy, or tensors of torch.

    Parameters
    ----------
    values : array of shape (n_samples, n_timesteps, n_channels)
        The series.
    conditions : array of shape (n_samples, n_conditions) or None, default=None
        What each is to be generated from, encoded.
    latents : array of shape (n_samples, n_latents) or None, default=None
        What each was made of by a generator, where that is known.
    observed : array of bool of the shape of ``values`` or None, default=None
        Which cells are known; None if all are.
    lengths : array of int of shape (n_samples,) or None, default=None
        Timesteps of each, at most ``n_timesteps``; None if all have as many.
    target : array of shape (n_samples,) or (n_samples, n_targets) or None, default=None
        What is to be predicted of each: a label, or numbers.
    owners : array of int of shape (n_samples,) or None, default=None
        Whose each is, by a number, where owners are to be protected together.
    weights : array of the shape of ``values`` or None, default=None
        What each cell counts in a loss, as a net in training tells its objective; None if all
        count 1.

    Raises
    ------
    ValueError
        If what belongs to the series is of another number or shape.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.data import Series
    >>> series = Series(np.zeros((6, 4, 1)), conditions=np.arange(6.0)[:, None])
    >>> len(series), series[[0, 3]].conditions.ravel().tolist()
    (6, [0.0, 3.0])
    >>> [len(batch) for batch in series.split(4)]
    [4, 2]
    """

    values: Any
    conditions: Any = None
    latents: Any = None
    observed: Any = None
    lengths: Any = None
    target: Any = None
    owners: Any = None
    weights: Any = None

    def __post_init__(self) -> None:
        for name, part in self._parts():
            if len(part) != len(self.values):
                raise ValueError(f"there are {len(self.values)} series, but {len(part)} {name}")
        for name, cells in (("observed", self.observed), ("weights", self.weights)):
            if cells is not None and cells.shape != self.values.shape:
                raise ValueError(
                    f"{name} has shape {tuple(cells.shape)}, the values {tuple(self.values.shape)}"
                )
        if self.lengths is not None and not bool(
            ((self.lengths >= 1) & (self.lengths <= self.values.shape[1])).all()
        ):
            raise ValueError(
                f"lengths have to lie between 1 and {self.values.shape[1]}, the number of "
                f"timesteps, got {self.lengths}"
            )

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> Self:
        """Return some of the series: by a slice, or by an array or list of row numbers."""
        if isinstance(rows, int | np.integer):
            raise TypeError(f"series are taken by a slice, an array or a list, not by {rows!r}")
        return self._map(lambda part: part[rows])

    def split(self, batch_size: int) -> Iterator[Self]:
        """Return the series in batches, the last of which may be smaller."""
        for start in range(0, len(self), batch_size):
            yield self[start : start + batch_size]

    def to(self, device: Any) -> Self:
        """Return the same as tensors of torch, on a device."""
        import torch

        return self._map(lambda part: torch.as_tensor(part).to(device))

    def numpy(self) -> Self:
        """Return the same as arrays of numpy."""
        return self._map(
            lambda part: part if isinstance(part, np.ndarray) else part.detach().cpu().numpy()
        )

    def _parts(self) -> list[tuple[str, Any]]:
        return [(name, part) for name, part in vars(self).items() if part is not None]

    def _map(self, change: Any) -> Self:
        return replace(self, **{name: change(part) for name, part in self._parts()})
