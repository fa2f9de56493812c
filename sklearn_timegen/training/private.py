"""Training that tells little of any owner: clipped gradients of owners, and noise (DP-SGD).

Source: M. Abadi et al. (2016), "Deep learning with differential privacy",
https://arxiv.org/abs/1607.00133, with owners in the place of examples, as in H. B. McMahan et al.
(2018), "Learning differentially private recurrent language models",
https://arxiv.org/abs/1710.06963.

Symbols: C is the norm to which gradients are clipped, sigma the noise multiplier, q the
probability with which each owner takes part in a step, g_o the gradient of owner o. A step goes
by ``(sum_o g_o min(1, C / |g_o|) + sigma C N(0, I)) / (q n_owners)``, the sum over a Poisson
sample of owners.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback
from skorch.history import History
from torch import Tensor

from sklearn_timegen._random import torch_generator
from sklearn_timegen.data import Series
from sklearn_timegen.privacy import clip_factor, gaussian_noise, secret_rng
from sklearn_timegen.training.averaged import AveragedNet
from sklearn_timegen.training.data import cell_weights
from sklearn_timegen.training.net import GeneratorNet
from sklearn_timegen.training.step import Step

__all__ = ["OwnerSampler", "PrivateAveragedNet", "PrivateNet"]

MOST_SERIES = 64  # of an owner, in one step: others wait for another one


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


class PrivateNet(GeneratorNet):
    """A net whose steps go by noisy sums of clipped gradients, one of each owner.

    The objective is asked for the series of one owner at a time, so that nothing in it that looks
    at a whole batch (a mean, a pairing, times that are spread out) connects owners. Losses are
    not recorded: they would tell of the series, and are not paid for. The streams that decide who
    takes part, on noise, and on the objective's draws are secret and end with the training.

    Parameters
    ----------
    module, criterion, seed, **kwargs
        As for ``GeneratorNet``; ``batch_size`` does not count.
    noise_multiplier, max_grad_norm, sample_rate : float
        sigma, C and q.
    n_private_steps : int
        Steps that are paid for. There are no more.

    Attributes
    ----------
    n_steps_ : int
        Steps that were begun.
    """

    # The streams of a training are not kept: from their state, noise could be drawn again.
    _counted = tuple(n for n in GeneratorNet._counted if n not in ("shuffle_", "noise_"))

    def __init__(
        self,
        module: Callable[[], torch.nn.Module],
        criterion: Callable[[], torch.nn.Module],
        *,
        seed: int,
        noise_multiplier: float,
        max_grad_norm: float,
        sample_rate: float,
        n_private_steps: int,
        **kwargs: Any,
    ) -> None:
        self.noise_multiplier = noise_multiplier
        self.max_grad_norm = max_grad_norm
        self.sample_rate = sample_rate
        self.n_private_steps = n_private_steps
        super().__init__(module, criterion, seed=seed, **kwargs)

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return []  # how long an epoch took tells how many series took part

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        if not training:
            raise ValueError("private training holds no series out")
        return OwnerSampler(dataset, self.sample_rate, self.secret_, self.varies)

    def fit_loop(
        self, X: object, y: object = None, epochs: int | None = None, **params: object
    ) -> PrivateNet:
        public = self.noise_
        self.secret_ = secret_rng()
        self.noise_ = torch_generator(int(self.secret_.integers(2**63)), self.device)
        try:
            super().fit_loop(X, y, epochs, **params)
        finally:
            self.noise_ = public
            del self.secret_
        return self

    def run_single_epoch(
        self,
        iterator: Any,
        training: bool,
        prefix: str,
        step_fn: Callable[..., Step],
        **params: object,
    ) -> None:
        if iterator is None:
            return
        self._set_training(training)
        for _ in self._steps(iterator, training, prefix, step_fn, params):
            pass
        self.history.record(f"{prefix}_batch_count", len(iterator))

    def train_step(self, batch: Series, **params: object) -> Step:
        if self.n_steps_ >= self.n_private_steps:
            raise ValueError(
                f"the budget pays for {self.n_private_steps} steps, which were taken: fit anew"
            )
        self.n_steps_ += 1  # before it: what is interrupted counts
        groups = self.optimizer_.param_groups
        parameters = [parameter for group in groups for parameter in group["params"]]
        total = self.noisy_sum(batch, parameters)
        expected = self.sample_rate * self.n_owners_
        for parameter, part in zip(parameters, _apart(total / expected, parameters), strict=True):
            parameter.grad = part
        self._step(batch, groups)
        return {"loss": total.new_zeros(()), "y_pred": None}

    def noisy_sum(self, batch: Series, parameters: Sequence[Tensor]) -> Tensor:
        """Return the clipped gradients of the owners in a batch, summed, with noise."""
        size = sum(parameter.numel() for parameter in parameters)
        noise = gaussian_noise(size, self.noise_multiplier, self.max_grad_norm, self.secret_)
        total = torch.from_numpy(noise).to(parameters[0].device)
        for series in _by_owner(batch):
            gradient = self._gradient(series, parameters)
            factor = clip_factor(float(gradient.norm()), self.max_grad_norm)
            if factor > 0:  # 0 times what is not finite would not be 0
                total += factor * gradient
        return total.to(parameters[0].dtype)

    def _gradient(self, series: Series, parameters: Sequence[Tensor]) -> Tensor:
        """Return the gradient of the mean loss of an owner's series, in one row of float64."""
        parts = torch.autograd.grad(self.batch_loss(series), parameters, allow_unused=True)
        rows = [
            (parameter.new_zeros(parameter.shape) if part is None else part).flatten()
            for part, parameter in zip(parts, parameters, strict=True)
        ]
        return torch.cat(rows).double()

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        dataset = super().get_dataset(X, y)
        self.n_owners_ = int(dataset.owners.max()) + 1
        return dataset

    def _drop_unfinished_epoch(self) -> None:
        if self.history and "train_batch_count" not in self.history[-1]:
            self.history_ = History(self.history[:-1])


class PrivateAveragedNet(AveragedNet, PrivateNet):
    """The same, of a module that averages its weights: after noisy steps, nothing more is told."""


def steps_in_epoch(sample_rate: float) -> int:
    """Return in how many steps each owner takes part once, on average."""
    return math.ceil(1 / sample_rate - 1e-9)


def _by_owner(batch: Series) -> Iterator[Series]:
    """Yield the series of one owner after the other; those of an owner stand together."""
    if len(batch) == 0:
        return
    codes = batch.owners
    ends = torch.nonzero(codes[1:] != codes[:-1])[:, 0] + 1
    bounds = [0, *ends.tolist(), len(batch)]
    for start, end in pairwise(bounds):
        yield batch[start:end]


def _apart(row: Tensor, parameters: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield the parts of a row in the shapes of the parameters."""
    sizes = [parameter.numel() for parameter in parameters]
    for part, parameter in zip(row.split(sizes), parameters, strict=True):
        yield part.view_as(parameter)
