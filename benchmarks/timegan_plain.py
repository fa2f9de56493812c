"""The published training loop of TimeGAN, written down in torch as it stands.

After https://github.com/jsyoon0823/TimeGAN (``timegan.py``), from its description: five networks
of their own, of which every solver runs those that its loss needs, on batches of its own; two
steps of generator and embedder for each of the discriminator, whose loss is computed once to
decide whether it steps and once to step. ``kind="cells"`` is ``MultiRNNCell`` under
``dynamic_rnn``, which goes from timestep to timestep and, at each, from layer to layer;
``kind="layers"`` is what ports make of it, one ``torch.nn.GRU`` a network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import mse_loss

__all__ = ["KINDS", "PlainTimeGAN"]

KINDS = ("cells", "layers")


class Cells(nn.Module):
    """Layers of cells, unrolled along time."""

    def __init__(self, n_inputs: int, hidden_dim: int, n_layers: int) -> None:
        super().__init__()
        widths = [n_inputs] + [hidden_dim] * (n_layers - 1)
        self.cells = nn.ModuleList(nn.GRUCell(width, hidden_dim) for width in widths)
        self.hidden_dim = hidden_dim

    def forward(self, x: Tensor) -> Tensor:
        states = [x.new_zeros(len(x), self.hidden_dim) for _ in self.cells]
        outputs = []
        for t in range(x.shape[1]):
            h = x[:, t]
            for k, cell in enumerate(self.cells):
                h = states[k] = cell(h, states[k])
            outputs.append(h)
        return torch.stack(outputs, dim=1)


class Layers(nn.Module):
    """The same by torch's own layers."""

    def __init__(self, n_inputs: int, hidden_dim: int, n_layers: int) -> None:
        super().__init__()
        self.layers = nn.GRU(n_inputs, hidden_dim, n_layers, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        states: Tensor = self.layers(x)[0]
        return states


class Network(nn.Module):
    def __init__(self, kind: str, sizes: tuple[int, int, int, int], bounded: bool = True) -> None:
        super().__init__()
        n_inputs, n_outputs, hidden_dim, n_layers = sizes
        self.body = (Cells if kind == "cells" else Layers)(n_inputs, hidden_dim, n_layers)
        self.output = nn.Linear(hidden_dim, n_outputs)
        self.bounded = bounded

    def forward(self, x: Tensor) -> Tensor:
        y = self.output(self.body(x))
        return y.sigmoid() if self.bounded else y


class PlainTimeGAN:
    """The five networks, their solvers, and one iteration of the joint phase."""

    def __init__(
        self, x: NDArray[Any], kind: str, hidden_dim: int, n_layers: int, batch_size: int
    ) -> None:
        self.x, self.batch_size = x.astype(np.float32), batch_size
        _, self.n_timesteps, width = x.shape
        self.embedder = Network(kind, (width, hidden_dim, hidden_dim, n_layers))
        self.recovery = Network(kind, (hidden_dim, width, hidden_dim, n_layers))
        self.generator = Network(kind, (width, hidden_dim, hidden_dim, n_layers))
        self.supervisor = Network(kind, (hidden_dim, hidden_dim, hidden_dim, n_layers - 1))
        self.discriminator = Network(kind, (hidden_dim, 1, hidden_dim, n_layers), bounded=False)
        self.rng = np.random.default_rng(0)
        of_autoencoder = [*self.embedder.parameters(), *self.recovery.parameters()]
        of_generator = [*self.generator.parameters(), *self.supervisor.parameters()]
        self.solvers = {
            "embedder": torch.optim.Adam(of_autoencoder),
            "generator": torch.optim.Adam(of_generator),
            "discriminator": torch.optim.Adam(self.discriminator.parameters()),
        }

    def _series(self) -> Tensor:
        order = self.rng.permutation(len(self.x))[: self.batch_size]
        return torch.from_numpy(np.stack([self.x[i] for i in order]))

    def _noise(self) -> Tensor:
        shape = (self.n_timesteps, self.x.shape[2])
        drawn = [self.rng.uniform(0, 1, shape) for _ in range(self.batch_size)]
        return torch.from_numpy(np.stack(drawn).astype(np.float32))

    def _step(self, solver: str, loss: Tensor) -> None:
        own = self.solvers[solver].param_groups[0]["params"]
        self.solvers[solver].zero_grad()
        loss.backward(inputs=own)  # a solver is told which variables are its own
        self.solvers[solver].step()

    def _supervision(self, h: Tensor) -> Tensor:
        return mse_loss(self.supervisor(h)[:, :-1], h[:, 1:])

    def _generator_loss(self, x: Tensor, z: Tensor) -> Tensor:
        h, e_hat = self.embedder(x), self.generator(z)
        h_hat = self.supervisor(e_hat)
        x_hat = self.recovery(h_hat)
        y_hat, y_hat_e = self.discriminator(h_hat), self.discriminator(e_hat)
        loss_u = cross_entropy(y_hat, torch.ones_like(y_hat))
        loss_u_e = cross_entropy(y_hat_e, torch.ones_like(y_hat_e))
        spread, spread_hat = ((one.var(0, correction=0) + 1e-6).sqrt() for one in (x, x_hat))
        moments = (spread_hat - spread).abs().mean() + (x_hat.mean(0) - x.mean(0)).abs().mean()
        return loss_u + loss_u_e + 100 * self._supervision(h).sqrt() + 100 * moments

    def _embedder_loss(self, x: Tensor) -> Tensor:
        h = self.embedder(x)
        error = mse_loss(self.recovery(h), x)
        return 10 * error.sqrt() + 0.1 * self._supervision(h)

    def _discriminator_loss(self, x: Tensor, z: Tensor) -> Tensor:
        h, e_hat = self.embedder(x), self.generator(z)
        y, y_hat = self.discriminator(h), self.discriminator(self.supervisor(e_hat))
        y_hat_e = self.discriminator(e_hat)
        of_real = cross_entropy(y, torch.ones_like(y))
        of_fake = (cross_entropy(each, torch.zeros_like(each)) for each in (y_hat, y_hat_e))
        return of_real + sum(of_fake)

    def joint_iteration(self) -> None:
        """Take two steps of generator and embedder, and one of the discriminator."""
        for _ in range(2):
            x, z = self._series(), self._noise()
            self._step("generator", self._generator_loss(x, z))
            self._step("embedder", self._embedder_loss(x))
        x, z = self._series(), self._noise()
        with torch.no_grad():
            steps = self._discriminator_loss(x, z) > 0.15
        if steps:
            self._step("discriminator", self._discriminator_loss(x, z))
