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

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from skorch.callbacks import Callback
from skorch.history import History
from torch import Tensor

from sklearn_timegen._random import torch_generator
from sklearn_timegen.data import Series
from sklearn_timegen.privacy import clip_factor, gaussian_noise, secret_rng
from sklearn_timegen.training.averaged import AveragedNet
from sklearn_timegen.training.net import GeneratorNet
from sklearn_timegen.training.owners import OwnerGradients, OwnerSampler
from sklearn_timegen.training.step import Step

__all__ = ["PrivateAveragedNet", "PrivateNet"]


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
        self.gradients_ = OwnerGradients(self)
        self.noise_ = torch_generator(int(self.secret_.integers(2**63)), self.device)
        try:
            super().fit_loop(X, y, epochs, **params)
        finally:
            self.noise_ = public
            del self.secret_, self.gradients_
        return self

    def _record_steps(self, prefix: str, steps: Iterable[tuple[Series, Step]]) -> None:
        for _ in steps:  # losses would tell of private series
            pass

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
        before = _versions(self.module_)
        for gradients in self.gradients_.of_owners(batch, parameters):
            for gradient, norm in zip(gradients, gradients.norm(dim=1).tolist(), strict=True):
                factor = clip_factor(norm, self.max_grad_norm)
                if factor > 0:  # 0 times what is not finite would not be 0
                    total.add_(gradient, alpha=factor)
        changed = sorted(n for n, v in _versions(self.module_).items() if before.get(n) != v)
        if changed:
            raise ValueError(
                f"private training refuses networks that write to their buffers ({changed[0]}), "
                "as batch normalisation does: statistics of private series would be kept without "
                "noise. Take layers that keep none, such as LayerNorm or GroupNorm"
            )
        return total.to(parameters[0].dtype)

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        dataset = super().get_dataset(X, y)
        self.n_owners_ = int(dataset.owners.max()) + 1
        return dataset

    def _drop_unfinished_epoch(self) -> None:
        if self.history and "train_batch_count" not in self.history[-1]:
            self.history_ = History(self.history[:-1])


class PrivateAveragedNet(AveragedNet, PrivateNet):
    """The same, of a module that averages its weights: after noisy steps, nothing more is told."""


def _versions(module: torch.nn.Module) -> dict[str, tuple[int, int]]:
    """Return what changes when a buffer is written to, or replaced."""
    return {name: (id(buffer), buffer._version) for name, buffer in module.named_buffers()}


def _apart(row: Tensor, parameters: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield the parts of a row in the shapes of the parameters."""
    sizes = [parameter.numel() for parameter in parameters]
    for part, parameter in zip(row.split(sizes), parameters, strict=True):
        yield part.view_as(parameter)
