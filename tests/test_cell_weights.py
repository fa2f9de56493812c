"""Losses count the cells that were observed, and no other."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from sklearn_timegen import (
    VAE,
    CategoricalForcing,
    FlowMatching,
    ProfessorForcing,
    TeacherForcing,
)
from sklearn_timegen.autoregressive.networks import RecurrentMixture
from sklearn_timegen.autoregressive.objectives import TeacherForcedLikelihood
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.flow.objectives import FlowLoss
from sklearn_timegen.flow.paths import PATHS, PREDICTIONS
from sklearn_timegen.vae.autoencoder import VariationalAutoencoder
from sklearn_timegen.vae.objectives import (
    ERRORS,
    NegativeELBO,
    NegativeRELBO,
    NegativeRenyiBound,
    log_likelihood,
)

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T, D = 8, 5, 3
VAE_SIZES = {"hidden_dims": (6,), "encoder": "dense", "decoder": "dense", "latent_dim": 2}
LEARNED = {**VAE_SIZES, "error": "squared-and-mean", "decoder_noise": "per-channel"}
FLOW_SIZES = {"hidden_dim": 8, "n_layers": 1, "warmup_steps": 0}
KINDS = [
    (VAE, VAE_SIZES),
    (VAE, {**LEARNED, "n_importance_samples": 3}),
    (FlowMatching, FLOW_SIZES),
    (TeacherForcing, {"hidden_dim": 6, "n_components": 2}),
    (CategoricalForcing, {"hidden_dim": 6, "head_dim": 4}),
    (ProfessorForcing, {"hidden_dim": 6, "n_components": 2, "game_interval": 2}),
]


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(SEED + seed))


def observing(kind, observed):
    """Return a kind of generator for which only some of the represented cells were observed."""

    class Observing(kind):
        def _fit(self, series, n_epochs=None):
            cells = np.broadcast_to(observed, series.values.shape).copy()
            super()._fit(replace(series, observed=cells), n_epochs)

    return Observing


@pytest.mark.parametrize(("kind", "params"), KINDS)
def test_what_is_observed_everywhere_is_learned_as_ever(kind, params):
    X = make_sines(20, T, D, random_state=SEED)
    made = [
        each(**params, max_epochs=2, batch_size=7, random_state=SEED).fit(X).sample(3)
        for each in (kind, observing(kind, True))
    ]
    assert_array_equal(*made)


@pytest.mark.parametrize(("kind", "params"), KINDS)
def test_what_is_observed_in_part_is_learned_from(kind, params):
    X = make_sines(20, T, D, random_state=SEED)
    whole, part = (
        each(**params, max_epochs=2, validation_fraction=0.2, random_state=SEED).fit(X)
        for each in (kind, observing(kind, np.arange(D) > 0))
    )
    assert np.isfinite(part.sample(3)).all()
    assert whole.history_[-1]["train_loss"] != part.history_[-1]["train_loss"]
    assert whole.history_[-1]["valid_loss"] != part.history_[-1]["valid_loss"]


class Blind(torch.nn.Module):
    """A field or an autoencoder that does not look at the series."""

    path, prediction = PATHS["linear"], PREDICTIONS["data"]

    def __init__(self, log_precision=0.0):
        super().__init__()
        self.answer = torch.nn.Parameter(randn(N, T, D, seed=1))
        self.log_precision = torch.nn.Parameter(torch.as_tensor(log_precision))

    def forward(self, x, noise, c, *_):
        if noise.ndim == 1:  # times of a flow
            return self.answer
        mean, log_var = randn(N, 2, seed=2), randn(N, 2, seed=3)
        shown = self.answer if noise.ndim == 2 else self.answer[:, None].expand(N, 4, T, D)
        return shown, noise, mean, log_var, self.log_precision


LOSSES = [
    *(
        bound(2, error, n_draws, **more)
        for error in ERRORS.values()
        for bound, n_draws, more in (
            (NegativeELBO, 1, {}),
            (NegativeELBO, 4, {}),
            (NegativeRenyiBound, 4, {"alpha": 0.5}),
            (NegativeRELBO, 1, {}),
        )
    ),
    FlowLoss(),
    FlowLoss(fourier_weight=0.5),
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_targets_that_were_not_observed_make_no_difference(loss):
    observed = randn(N, T, D, seed=4) > 0
    module = Blind(torch.zeros(D).numpy())

    def of(x):
        batch = Series(x, weights=observed.float())
        losses = loss(module, batch, torch.Generator().manual_seed(SEED))
        module.zero_grad()
        losses.sum().backward()
        return losses.detach(), module.answer.grad.clone()

    x = randn(N, T, D, seed=5)
    losses, gradient = of(x)
    assert (gradient[observed] != 0).any()
    others, other_gradient = of(torch.where(observed, x, x + 7))
    torch.testing.assert_close(others, losses)
    torch.testing.assert_close(other_gradient, gradient)
    if getattr(loss, "fourier_weight", 0) == 0:
        assert not gradient[~observed].any()
    moved, _ = of(x + observed)
    assert not torch.isclose(moved, losses).any()


def test_a_precision_is_learned_from_observed_cells():
    """Where it ends, the mean square of what was observed, by the gradient's zero."""
    observed, x = randn(N, T, D, seed=4) > 0, randn(N, T, D, seed=5)
    left = (x - randn(N, T, D, seed=1)).square() * observed
    best = observed.sum(dim=(0, 1)) / left.sum(dim=(0, 1))
    module = Blind(best.log().numpy())
    loss = NegativeELBO(2, ERRORS["squared"])
    loss(module, Series(x, weights=observed.float()), torch.Generator()).sum().backward()
    assert module.log_precision.grad.abs().max() < 1e-4


def test_a_timestep_is_as_likely_as_what_was_observed_of_it():
    """The last timestep is read by none: what is not observed of it is integrated out."""
    sizes = (D, 6, 1, 3, 0, "gru", False, 1e-3)
    constant = torch.zeros(T, D)
    network = RecurrentMixture(
        *sizes, constant == 0, constant, constant[0] - 9, constant[0] + 9
    ).double()
    x, observed = randn(N, T, D).double(), torch.ones(N, T, D, dtype=torch.bool)
    observed[:, -1, 1] = False
    loss, weights = TeacherForcedLikelihood(), observed.double()
    ours = loss(network, Series(x, weights=weights), None)
    moved = loss(network, Series(x - 3 * ~observed, weights=weights), None)
    torch.testing.assert_close(moved, ours)
    # By the integral over the value that is missing.
    grid = torch.linspace(-60, 60, 40_001, dtype=torch.float64)
    with torch.no_grad():
        one = network(x[:1])
        filled = x[:1].repeat(len(grid), 1, 1)
        filled[:, -1, 1] = grid
        density = -loss.of(one, Series(filled))
    integral = torch.logsumexp(density, 0) + torch.log(grid[1] - grid[0])
    assert float(-ours[0].detach()) == pytest.approx(float(integral), abs=1e-6)


def test_a_bound_is_that_of_what_was_observed(monkeypatch):
    """With draws of the prior, the bound is the mean of the likelihoods of observed cells."""
    X = make_sines(30, T, D, random_state=SEED)
    params = {**VAE_SIZES, "error": "squared-and-mean"}
    vae = VAE(**params, max_epochs=3, random_state=SEED).fit(X)
    v, observed = vae.representation_.transform(X), randn(30, T, D, seed=4).numpy() > 0
    monkeypatch.setattr(
        VariationalAutoencoder, "posterior", lambda _, x: 2 * [x.new_zeros(len(x), 2)]
    )
    noise = randn(50, 2, seed=6).double()
    ours = vae._bound(Series(v, observed=observed), noise)
    module = vae.net_.module_.double()
    with torch.no_grad():
        fit = log_likelihood(
            torch.from_numpy(v).double()[:, None],
            module.decoder(noise),
            module.noise(),
            ERRORS["squared-and-mean"],
            torch.from_numpy(observed).double()[:, None],
        )
    np.testing.assert_allclose(ours, torch.logsumexp(fit, 1) - np.log(50))
