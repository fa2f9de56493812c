"""Series on the training device, in batches that are slices of tensors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Subset

from sklearn_timegen.data import Series

__all__ = ["BatchIterator", "HoldOut", "cell_weights", "resolve_device"]


class BatchIterator:
    """Batches as slices of tensors that are permuted once an epoch.

    A ``DataLoader`` collates item by item, which costs more than a training step of a small
    network does.

    Parameters
    ----------
    dataset : Series or Subset
        All series, as tensors.
    batch_size : int
        Series in a batch; -1 is all of them.
    rng : torch.Generator or None
        Of the permutations; None leaves the series as they are.
    varies : ndarray of bool of shape (n_timesteps, n_channels) or None
        Which cells count in the loss; None is all.
    """

    def __init__(
        self,
        dataset: Series | Subset[Any],
        batch_size: int,
        rng: torch.Generator | None = None,
        varies: NDArray[np.bool_] | None = None,
    ) -> None:
        index: Any = slice(None)
        while isinstance(dataset, Subset):  # what a skorch train_split makes
            index = torch.as_tensor(dataset.indices)[index]
            dataset = dataset.dataset  # type: ignore[assignment]
        series = dataset[index]
        self.series: Series = replace(series, weights=cell_weights(series, varies))
        self.batch_size = len(self.series) if batch_size == -1 else batch_size
        self.rng = rng

    def __len__(self) -> int:
        return math.ceil(len(self.series) / self.batch_size)

    def __iter__(self) -> Iterator[Series]:
        series = self.series
        if self.rng is not None:
            order = torch.randperm(len(series), generator=self.rng)
            series = series[order.to(series.values.device)]
        return series.split(self.batch_size)


def cell_weights(series: Series, varies: NDArray[np.bool_] | None) -> Tensor | None:
    """Return what each cell counts in a loss: 0 where it never varies, or was not observed.

    ``None`` is 1 everywhere, which objectives need not multiply by.
    """
    values, counts = series.values, series.observed
    if varies is not None:
        moves = torch.as_tensor(varies, device=values.device)
        counts = moves if counts is None else moves & counts
    if counts is None or counts.all():
        return None
    return counts.to(values.dtype).expand_as(values)


class HoldOut:
    """A skorch ``train_split`` that holds a fraction of the series out, at random but seeded."""

    def __init__(self, fraction: float, seed: int) -> None:
        self.fraction = fraction
        self.seed = seed

    def __call__(self, dataset: Any, y: Any = None) -> tuple[Subset[Any], Subset[Any]]:
        n_valid = math.ceil(self.fraction * len(dataset))
        if n_valid >= len(dataset):
            raise ValueError(
                f"validation_fraction={self.fraction} of {len(dataset)} series leaves none to "
                "train on"
            )
        order = np.random.default_rng(self.seed).permutation(len(dataset))
        train, valid = order[n_valid:].tolist(), order[:n_valid].tolist()
        return Subset(dataset, train), Subset(dataset, valid)


def resolve_device(device: str) -> str:
    """Return the torch device that ``device`` names; ``"auto"`` is CUDA where there is one."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if re.fullmatch(r"cpu|cuda(:\d+)?", device) is None:
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda' or 'cuda:N', got {device!r}")
    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device != "cpu" and (torch.device(device).index or 0) >= n_devices:
        seen = "no CUDA device" if n_devices == 0 else f"{n_devices} CUDA device(s)"
        raise ValueError(
            f"device={device!r} was asked for, but torch sees {seen} here; use device='cpu' or "
            "device='auto'"
        )
    return device
