"""Owners of series in training: who takes part in a step, and the gradient of each."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_timegen.data import Series
from sklearn_timegen.training.data import cell_weights

if TYPE_CHECKING:
    from sklearn_timegen.training.net import GeneratorNet

__all__ = ["OwnerGradients", "OwnerSampler", "steps_in_epoch"]

MOST_SERIES = 64  # of an owner, in one step: others wait for another one
MOST_NUMBERS = 20_000_000  # in gradients that are held at once


class OwnerSampler:
    """Poisson samples of owners, with some of their series each.

    Parameters
    ----------
    series : Series
        As tensors, with ``owners``.
    sample_rate : float
        q.
    rng : numpy.random.Generator
        Decides who takes part.
    varies : ndarray of bool of shape (n_timesteps, n_channels) or None
        Which cells count in the loss; None is all.
    """

    def __init__(
        self,
        series: Series,
        sample_rate: float,
        rng: np.random.Generator,
        varies: NDArray[np.bool_] | None = None,
    ) -> None:
        self.series = replace(series, weights=cell_weights(series, varies))
        self.sample_rate = sample_rate
        self.rng = rng
        codes = series.owners.cpu().numpy()
        order = np.argsort(codes, kind="stable")
        ends = np.flatnonzero(np.diff(codes[order])) + 1
        self.rows = np.split(order, ends)  # of each owner

    def __len__(self) -> int:
        return steps_in_epoch(self.sample_rate)

    def __iter__(self) -> Iterator[Series]:
        for _ in range(len(self)):
            chosen = np.flatnonzero(self.rng.random(len(self.rows)) < self.sample_rate)
            rows = [self._some(self.rows[owner]) for owner in chosen]
            yield self.series[torch.from_numpy(np.concatenate([np.empty(0, np.int64), *rows]))]

    def _some(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if len(rows) <= MOST_SERIES:
            return rows
        return self.rng.choice(rows, MOST_SERIES, replace=False)


class OwnerGradients:
    """Gradients of the mean loss of each owner's series, as an objective sees these alone.

    Owners with equally many series in a batch are differentiated together (``torch.func.vmap``),
    where networks and objective allow it; recurrent layers do not, nor what goes through numpy.
    Then owner by owner, with the same gradients, but for draws.

    Parameters
    ----------
    net : GeneratorNet
        With its module, objective and noise.
    """

    def __init__(self, net: GeneratorNet) -> None:
        self.net = net
        self.task = _Task(net)
        self.together: bool | None = None  # not known before the first batch

    def of_owners(self, batch: Series, parameters: Sequence[Tensor]) -> Iterator[Tensor]:
        """Yield rows of float64, one for each owner of a batch, some owners at a time.

        Series of an owner stand together in it.
        """
        at_once = max(1, MOST_NUMBERS // sum(parameter.numel() for parameter in parameters))
        for group in _alike(batch):
            if self.together is None:
                self.together = self._can_be_together(group, parameters)
            if self.together:
                for some in group.split(at_once):
                    yield self._together(some, parameters).double()
            else:
                for one in group.split(1):
                    yield self._alone(one, parameters).double()

    def _alone(self, group: Series, parameters: Sequence[Tensor]) -> Tensor:
        series = Series(**{name: part[0] for name, part in _parts(group)})
        loss = self.net.batch_loss(series)
        found = torch.autograd.grad(loss, list(parameters), allow_unused=True)
        rows = [
            (parameter.new_zeros(parameter.shape) if part is None else part).flatten()
            for part, parameter in zip(found, parameters, strict=True)
        ]
        return torch.cat(rows)[None]

    def _together(self, group: Series, parameters: Sequence[Tensor]) -> Tensor:
        names = [name for name, _ in _parts(group)]

        def loss(weights: dict[str, Tensor], *parts: Tensor) -> Tensor:
            series = Series(**dict(zip(names, parts, strict=True)))
            value: Tensor = torch.func.functional_call(self.task, weights, (series,))
            return value

        known = {id(parameter): name for name, parameter in self.task.named_parameters()}
        weights = {known[id(parameter)]: parameter.detach() for parameter in parameters}
        axes = (None, *[0] * len(names))
        of_each = torch.func.vmap(torch.func.grad(loss), axes, randomness="different")
        with warnings.catch_warnings():  # of attention, which is alone among the rest
            warnings.filterwarnings("ignore", message="There is a performance drop")
            found = of_each(weights, *(part for _, part in _parts(group)))
        return torch.cat([found[name].reshape(len(group), -1) for name in weights], dim=1)

    def _can_be_together(self, group: Series, parameters: Sequence[Tensor]) -> bool:
        if any(isinstance(module, nn.RNNBase) for module in self.task.modules()):
            return False
        try:
            self._together(group[:1], parameters)
        except (RuntimeError, TypeError, ValueError):
            return False  # alone, an error that is one comes again
        return True


class _Task(nn.Module):
    """The mean loss of a batch as a module, whose weights ``functional_call`` can exchange."""

    def __init__(self, net: GeneratorNet) -> None:
        super().__init__()
        self.module, self.criterion = net.module_, net.criterion_
        self.net = [net]  # not one of its modules

    def forward(self, series: Series) -> Tensor:
        return self.net[0].batch_loss(series)


def steps_in_epoch(sample_rate: float) -> int:
    """Return in how many steps each owner takes part once, on average."""
    return math.ceil(1 / sample_rate - 1e-9)


def _alike(batch: Series) -> Iterator[Series]:
    """Yield owners with equally many series: arrays of shape (n_owners, n_series, ...)."""
    if len(batch) == 0:
        return
    _, counts = torch.unique_consecutive(batch.owners, return_counts=True)
    starts = counts.cumsum(0) - counts
    for n in counts.unique().tolist():
        rows = starts[counts == n][:, None] + torch.arange(n, device=starts.device)
        yield Series(**{name: part[rows] for name, part in _parts(batch)})


def _parts(series: Series) -> list[tuple[str, Any]]:
    """Return what an objective may look at."""
    names = ("values", "conditions", "weights")
    held = [(name, getattr(series, name)) for name in names]
    return [(name, part) for name, part in held if part is not None]
