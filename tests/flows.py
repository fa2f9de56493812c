"""Flows that are known in closed form, by networks that need no training."""

from functools import partial

import numpy as np
import torch
from torch import nn

from sklearn_timegen import FlowMatching
from sklearn_timegen.flow._field import FlowField
from sklearn_timegen.flow._solvers import SOLVERS, Flow, solve, times  # noqa: F401 (for tests)
from sklearn_timegen.flow.paths import PATHS, PREDICTIONS

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def seeded(seed):
    return torch.Generator().manual_seed(SEED + seed)


class Zero(nn.Module):
    """The exact flow of independent N(0, 1) cells."""

    def __init__(self, *sizes):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x, t, c=None):
        return self.weight * x


class Normal(Zero):
    """The exact flow of cells that are N(0, covariance), as a "preconditioned" prediction.

    By E[x_1 | x_t] = alpha C (alpha^2 C + sigma^2 I)^-1 x_t, in the eigenvectors of C.
    """

    def __init__(self, covariance, *sizes, path="linear"):
        super().__init__()
        variances, axes = torch.linalg.eigh(torch.as_tensor(covariance, dtype=torch.float64))
        self.path = PATHS[path]
        self.register_buffer("variances", variances)
        self.register_buffer("axes", axes)

    def forward(self, x, t, c=None):
        alpha, sigma = self.path.alpha(t)[:, None], self.path.sigma(t)[:, None]
        axes, variances = self.axes.to(x), self.variances.to(x)
        turned = (alpha * sigma) * (variances - 1) / (alpha**2 * variances + sigma**2)
        f = (x.flatten(1) @ axes * turned) @ axes.T
        return f.reshape(x.shape) + self.weight


class Switch(Zero):
    """One constant where the condition counts, and another where it does not; counts its calls."""

    def __init__(self, known, free, *sizes):
        super().__init__()
        self.known, self.free, self.n_calls = known, free, 0

    def forward(self, x, t, c=None):
        self.n_calls += 1
        counts = c[:, -1:, None]
        return (self.known * counts + self.free * (1 - counts)).expand(x.shape) + self.weight


class Dense(nn.Module):
    """A network that learns, and hardly takes time."""

    def __init__(self, n_timesteps, n_channels, hidden_dim, n_layers, n_conditions):
        super().__init__()
        n = n_timesteps * n_channels
        self.layers = nn.Sequential(
            nn.Linear(n + 1 + n_conditions, 16), nn.SiLU(), nn.Linear(16, n)
        )

    def forward(self, x, t, c=None):
        rows = [x.flatten(1), t[:, None], *([] if c is None else [c])]
        return self.layers(torch.cat(rows, dim=1)).reshape(x.shape)


class Counted(Dense):
    """Counts its calls."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.n_calls = 0

    def forward(self, x, t, c=None):
        self.n_calls += 1
        return super().forward(x, t, c)


class Identity:
    """A representation that changes nothing."""

    def fit(self, x):
        return self

    def transform(self, x):
        return x

    inverse_transform = transform

    def log_abs_det_jacobian(self, x):
        return np.zeros(len(x))


def known_flow(X, y=None, *, network=Zero, **params):
    """Fit a flow whose network is what it is."""
    fixed = {"max_epochs": 1, "lr": 1e-30, "ema_decay": 0.0, "random_state": SEED}
    fixed["representation"] = "cosine-quantile"
    return FlowMatching(network=network, **{**fixed, **params}).fit(X, y)


def normal_flow(covariance, shape, **params):
    """The exact flow of series that are N(0, covariance)."""
    X = np.random.default_rng(SEED).normal(size=(4, *shape))
    return known_flow(X, network=partial(Normal, covariance), representation=Identity(), **params)


def normal_field(covariance, shape, path="linear"):
    """The field of the same, in float64."""
    return field_of(Normal(covariance, path=path), shape, path)


def field_of(network, shape, path="linear", prediction="preconditioned", reach=1e9):
    varies = np.ones(shape, dtype=bool)
    field = FlowField(network, PATHS[path], PREDICTIONS[prediction], varies, reach, 0.0)
    return field.to(torch.float64).eval().requires_grad_(False)


def covariance_of(n, seed=0):
    """A covariance far from independence."""
    root = np.random.default_rng(SEED + seed).normal(size=(n, n)) / np.sqrt(n)
    return root @ root.T + 0.1 * np.eye(n)


def normal_series(n_series, shape, seed=0):
    """Correlated normal series with a mean, not of unit variance."""
    rng = np.random.default_rng(SEED + seed)
    root = np.linalg.cholesky(covariance_of(int(np.prod(shape))))
    rows = rng.normal(size=(n_series, len(root))) @ root.T
    return (2 * rows + 3).reshape(n_series, *shape).astype(np.float32)
