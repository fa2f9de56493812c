"""A small convolutional network that judges series laid out as rows."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_timegen._random import (
    RandomState,
    derive_seed,
    draw_seed,
    seeded_weights,
    torch_generator,
)
from sklearn_timegen.metrics._common import Array, one_torch_thread

__all__ = ["ConvolutionalJudge"]

N_FILTERS, KERNEL = 32, 3
N_EPOCHS, BATCH_SIZE = 20, 128
FARTHEST = 1e3  # standard deviations: beyond, float32 would overflow within the network


class ConvolutionalNetwork(nn.Module):
    """Three layers along time, the mean and the maximum of what they find, and one logit."""

    def __init__(self, n_inputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in (n_inputs, N_FILTERS, N_FILTERS):
            layers += [
                nn.Conv1d(size, N_FILTERS, KERNEL, padding="same"),
                nn.BatchNorm1d(N_FILTERS),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers)
        self.output = nn.Linear(2 * N_FILTERS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B,)`` for ``(B, D, T)``."""
        found = self.layers(x)
        pooled = torch.cat([found.mean(dim=2), found.amax(dim=2)], dim=1)
        logits: Tensor = self.output(pooled).squeeze(1)
        return logits


class ConvolutionalJudge(ClassifierMixin, BaseEstimator):
    """Classifies rows of ``n_channels`` channels, one after the other, by their values and steps.

    Steps are shown on a scale of their own: beside levels they would hardly be seen.
    """

    def __init__(self, n_channels: int = 1, random_state: RandomState = None) -> None:
        self.n_channels = n_channels
        self.random_state = random_state

    def fit(self, X: Array, y: NDArray[np.bool_]) -> ConvolutionalJudge:
        """Train on standardised rows; the answers are booleans."""
        self.classes_ = np.array([False, True])
        seed = draw_seed(self.random_state)
        x = self._series(X)
        self.step_scale_ = np.maximum(_steps(x).std(axis=(0, 2)), 1e-6)[:, None]
        inputs, target = self._inputs(x), torch.from_numpy(y.astype(np.float32))
        with seeded_weights(derive_seed(seed, "weights")):
            self.network_ = ConvolutionalNetwork(inputs.shape[1])
        with one_torch_thread():
            self._train(inputs, target, torch_generator(derive_seed(seed, "batches")))
        return self

    def predict_proba(self, X: Array) -> Array:
        """Return the probabilities of both answers."""
        self.network_.eval()
        with one_torch_thread(), torch.no_grad():
            parts = self._inputs(self._series(X)).split(1024)
            real = torch.cat([self.network_(part) for part in parts]).sigmoid().double().numpy()
        return np.stack([1 - real, real], axis=1)

    def _train(self, inputs: Tensor, target: Tensor, generator: torch.Generator) -> None:
        n = len(target)
        n_batches = -(-n // BATCH_SIZE)
        optimizer = torch.optim.AdamW(self.network_.parameters(), lr=3e-3, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LinearLR(
            optimizer, 1.0, 0.05, total_iters=N_EPOCHS * n_batches
        )
        self.network_.train()
        for _ in range(N_EPOCHS):
            # Batches of nearly equal size: none of a single series, which has no spread.
            for rows in torch.randperm(n, generator=generator).tensor_split(n_batches):
                optimizer.zero_grad(set_to_none=True)
                logits = self.network_(inputs[rows])
                F.binary_cross_entropy_with_logits(logits, target[rows]).backward()
                optimizer.step()
                schedule.step()

    def _series(self, X: Array) -> Array:
        return X.reshape(len(X), self.n_channels, -1).clip(-FARTHEST, FARTHEST)

    def _inputs(self, x: Array) -> Tensor:
        steps = (_steps(x) / self.step_scale_).clip(-FARTHEST, FARTHEST)
        return torch.from_numpy(np.concatenate([x, steps], axis=1).astype(np.float32))


def _steps(x: Array) -> Array:
    """First differences along time, as many as there are timesteps."""
    return np.diff(x, axis=2, prepend=x[:, :, :1])
