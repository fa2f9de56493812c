"""Networks, bounds and the generators made of them, against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence

from sklearn_timegen import VAE, TimeVAE
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_labelled_sines, make_sines
from sklearn_timegen.nn.convolutional import ConvolutionalDecoder, ConvolutionalEncoder
from sklearn_timegen.nn.layers import StridedConv, StridedConvTranspose
from sklearn_timegen.vae.decomposition import DecompositionDecoder, Level
from sklearn_timegen.vae.objectives import (
    ERRORS,
    NegativeELBO,
    SquaredAndMeanError,
    gaussian_kl,
    log_likelihood,
    log_weights,
    renyi_bound,
)

from .generators import DENSE
from .global_seed import GLOBAL_RANDOM_SEED as SEED

TINY = {"hidden_dims": (4, 6), "latent_dim": 3, "max_epochs": 2, "random_state": SEED}


def generator(seed=0):
    return torch.Generator().manual_seed(SEED + seed)


# -- networks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_timesteps", [1, 2, 3, 7, 24])
def test_strided_conv_is_torchs(n_timesteps):
    ours = StridedConv(3, 5).double()
    theirs = nn.Conv1d(3, 5, 3, stride=2, padding=1).double()
    theirs.weight.data = ours.weight.data.unflatten(1, (3, 3)).transpose(1, 2)
    theirs.bias.data = ours.bias.data.normal_(generator=generator())
    x = torch.randn(4, n_timesteps, 3, dtype=torch.float64, generator=generator())
    assert torch.allclose(ours(x), theirs(x.transpose(1, 2)).transpose(1, 2))


@pytest.mark.parametrize("n_timesteps", [1, 2, 3, 8])
def test_strided_conv_transpose_is_torchs(n_timesteps):
    ours = StridedConvTranspose(3, 5).double()
    theirs = nn.ConvTranspose1d(3, 5, 3, stride=2, padding=1, output_padding=1).double()
    # torch's tap 0 reaches the output before, tap 2 the one after; ours are ordered (0, 1, 2).
    theirs.weight.data = ours.weight.data.unflatten(0, (3, 5)).permute(2, 1, 0)
    theirs.bias.data = ours.bias.data.normal_(generator=generator())
    x = torch.randn(4, n_timesteps, 3, dtype=torch.float64, generator=generator())
    assert torch.allclose(ours(x), theirs(x.transpose(1, 2)).transpose(1, 2))


def test_published_sizes():
    encoder = ConvolutionalEncoder(24, 6, 8, (50, 100, 200))
    decoder = DecompositionDecoder(24, 6, 8, (50, 100, 200))
    count = sum(p.numel() for p in encoder.parameters())
    convolutions = (3 * 6 + 1) * 50 + (3 * 50 + 1) * 100 + (3 * 100 + 1) * 200
    assert count == convolutions + (3 * 200 + 1) * 2 * 8
    level = (8 + 1) * 6 + (6 + 1) * 6
    transposed = (3 * 200 + 0) * 100 + 100 + 3 * 100 * 50 + 50 + 3 * 50 * 6 + 6
    residual = (8 + 1) * 600 + transposed + (24 * 6 + 1) * 24 * 6
    assert sum(p.numel() for p in decoder.parameters()) == level + residual


def test_level_is_constant_along_time_and_the_decoder_a_sum():
    decoder = DecompositionDecoder(7, 2, 3, (4, 5), n_conditions=2)
    z, c = torch.randn(5, 3, generator=generator()), torch.eye(2)[[0, 1, 0, 1, 0]]
    parts = decoder.components(z, c)
    assert list(parts) == ["level", "residual"]
    assert parts["level"].shape == (5, 1, 2)
    assert torch.equal(decoder(z, c), parts["level"] + parts["residual"])
    assert not torch.equal(decoder(z, c), decoder(z, 1 - c))
    assert isinstance(decoder.level, Level)
    assert isinstance(decoder.residual, ConvolutionalDecoder)


# -- bounds -----------------------------------------------------------------------------------


def test_kl_against_torch():
    mean = torch.randn(6, 4, dtype=torch.float64, generator=generator())
    log_var = torch.randn(6, 4, dtype=torch.float64, generator=generator(1))
    posterior = Independent(Normal(mean, (0.5 * log_var).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    assert torch.allclose(
        gaussian_kl(mean, log_var).sum(dim=1), kl_divergence(posterior, prior), atol=1e-12
    )


def test_timevae_error_by_hand():
    x = torch.tensor([[[1.0, 2.0], [0.0, 4.0]]])
    # residuals (1, 2), (0, 4): squares 1 + 4 + 16; means over channels 1.5 and 2.
    assert SquaredAndMeanError()(x).item() == 21 + 1.5**2 + 2**2


def log_precision(w):
    return torch.tensor(math.log(2 * w), dtype=torch.float64)


def noise_covariance(name, n_timesteps, n_channels, w):
    """Covariance of the decoder's noise, flattened, from its precision for each timestep."""
    extra = 1 / n_channels**2 if name == "squared-and-mean" else 0.0
    precision = 2 * w * (np.eye(n_channels) + extra)
    return np.kron(np.eye(n_timesteps), np.linalg.inv(precision))


@pytest.mark.parametrize("name", ERRORS)
def test_likelihood_is_a_normal_density(name):
    x = torch.randn(5, 3, 2, dtype=torch.float64, generator=generator())
    x_hat = torch.randn(5, 3, 2, dtype=torch.float64, generator=generator(1))
    ours = log_likelihood(x, x_hat, log_precision(1.7), ERRORS[name]).numpy()
    covariance = noise_covariance(name, 3, 2, 1.7)
    residuals = (x - x_hat).reshape(5, -1).numpy()
    assert np.allclose(ours, multivariate_normal(np.zeros(6), covariance).logpdf(residuals))


class LinearModel(nn.Module):
    """x = A z + noise and its exact posterior, which is diagonal by choice of A."""

    def __init__(self, name, w, n_timesteps=3, n_channels=2, latent_dim=2):
        super().__init__()
        self.shape = (n_timesteps, n_channels)
        covariance = noise_covariance(name, n_timesteps, n_channels, w)
        q, _ = np.linalg.qr(np.random.default_rng(SEED).normal(size=(6, latent_dim)))
        A = np.linalg.cholesky(covariance) @ q * [2.0, 0.5]  # A' P A is diagonal
        precision = np.linalg.inv(covariance)
        spread = 1 / (1 + np.array([4.0, 0.25]))
        self.evidence = multivariate_normal(np.zeros(6), covariance + A @ A.T)
        self.A = torch.from_numpy(A)
        self.gain = torch.from_numpy(spread[:, None] * A.T @ precision)
        self.log_var = torch.from_numpy(np.log(spread))
        self.log_precision = log_precision(w)

    def encoder(self, x):
        mean = x.flatten(1) @ self.gain.T
        return mean, self.log_var.expand_as(mean)

    def decoder(self, z, c=None):
        return (z @ self.A.T).unflatten(-1, self.shape)

    def forward(self, x, noise, c=None):
        mean, log_var = self.encoder(x)
        z = mean + (0.5 * log_var).exp() * noise
        return self.decoder(z), z, mean, log_var, self.log_precision


def importance_weighted(model, x, z, noise, log_var, error):
    fit = log_likelihood(x[:, None], model.decoder(z), model.log_precision, error)
    log_p_z = -0.5 * z.square().sum(dim=-1)
    return renyi_bound(log_weights(fit, log_p_z, noise, log_var[:, None]), alpha=0.0)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("n_draws", [1, 7])
def test_bound_is_the_evidence_under_the_exact_posterior(name, n_draws):
    w = 0.8
    model = LinearModel(name, w)
    x = torch.randn(4, 3, 2, dtype=torch.float64, generator=generator())
    mean, log_var = model.encoder(x)
    noise = torch.randn(n_draws, 2, dtype=torch.float64, generator=generator(2))
    z = mean[:, None] + torch.exp(0.5 * log_var)[:, None] * noise
    bound = importance_weighted(model, x, z, noise, log_var, ERRORS[name]).numpy()
    expected = model.evidence.logpdf(x.reshape(4, -1).numpy())
    assert np.allclose(bound, expected, atol=1e-9)


@pytest.mark.parametrize("name", ERRORS)
def test_loss_is_the_negative_elbo(name):
    w = 0.8
    model, error = LinearModel(name, w), ERRORS[name]
    x = torch.randn(2, 3, 2, dtype=torch.float64, generator=generator()).repeat(20_000, 1, 1)
    losses = (
        NegativeELBO(2, error, start=math.log(2 * w))(model, Series(x), generator(1))
        .reshape(-1, 2)
        .mean(dim=0)
    )
    constant = log_likelihood(torch.zeros(1, 3, 2), torch.zeros(1, 3, 2), log_precision(w), error)
    expected = model.evidence.logpdf(x[:2].reshape(2, -1).numpy())  # the ELBO is tight here
    assert np.allclose((constant - losses).numpy(), expected, atol=0.05)


def test_more_draws_tighten_the_bound():
    model = LinearModel("squared", 0.8)
    x = torch.randn(300, 3, 2, dtype=torch.float64, generator=generator())
    mean, _ = model.encoder(x)
    log_var = torch.zeros_like(mean)  # a wrong posterior

    def bound(n_draws):
        noise = torch.randn(300, n_draws, 2, dtype=torch.float64, generator=generator(2))
        z = mean[:, None] + noise
        return importance_weighted(model, x, z, noise, log_var, ERRORS["squared"]).mean().item()

    evidence = model.evidence.logpdf(x.reshape(300, -1).numpy()).mean()
    assert bound(1) < bound(10) < bound(1000) < evidence + 0.01
    assert bound(1000) == pytest.approx(evidence, abs=0.02)


# -- estimators -------------------------------------------------------------------------------


@pytest.mark.parametrize("representation", ["standard", "minmax", "quantile"])
def test_density_is_in_the_units_of_X(representation):
    X = make_sines(60, 8, 2, version="timevae", random_state=SEED)
    plain = TimeVAE(**TINY, representation=representation).fit(X)
    doubled = TimeVAE(**TINY, representation=representation).fit(2 * X)
    shift = 8 * 2 * math.log(2)
    ours, theirs = plain.score_samples(X), doubled.score_samples(2 * X)
    assert np.allclose(ours - shift, theirs, atol=0.05)


def test_density_of_a_one_dimensional_series_integrates_to_one():
    X = np.random.default_rng(SEED).normal(3, 2, (300, 1))
    fitted = VAE(**{**DENSE, "latent_dim": 1}, max_epochs=30, random_state=SEED).fit(X)
    grid = np.linspace(-15, 20, 1500)[:, None]
    density = np.exp(fitted.score_samples(grid, n_samples=300))
    assert np.trapezoid(density, grid[:, 0]) == pytest.approx(1, abs=0.05)


def test_score_samples_is_a_function_of_each_series():
    X, y = make_labelled_sines(40, 8, random_state=SEED)
    fitted = TimeVAE(**TINY, conditional=True).fit(X, y)
    bound = fitted.score_samples(X, y)
    assert np.allclose(bound[5:7], fitted.score_samples(X[5:7], y[5:7]), rtol=1e-4)
    one = [fitted.score_samples(X, y, n_samples=1, random_state=s).mean() for s in range(40)]
    assert np.mean(one) < fitted.score_samples(X, y, n_samples=2000).mean()
    both = [fitted.score_samples(X, label) for label in fitted.classes_]
    assert np.allclose(fitted.score_samples(X), np.logaddexp(*both) + math.log(0.5), rtol=1e-4)
    with pytest.raises(ValueError, match="n_samples must be"):
        fitted.score_samples(X, y, n_samples=0)


def test_score_samples_finds_an_anomaly():
    X = make_sines(200, 16, 1, random_state=SEED)
    given = {"max_epochs": 60, "reconstruction_weight": 30, "random_state": SEED}
    fitted = VAE(**DENSE, **given, rules=None).fit(X)
    odd = X[:20].copy()
    odd[:, 8] += 0.5
    assert fitted.score_samples(odd).max() < np.quantile(fitted.score_samples(X), 0.05)


def test_reconstruction_weight_trades_fit_for_order():
    X = make_sines(200, 8, 1, version="timevae", random_state=SEED)

    def error(weight):
        fitted = VAE(**DENSE, max_epochs=60, reconstruction_weight=weight, random_state=SEED).fit(
            X
        )
        return np.square(fitted.reconstruct(X) - X).mean()

    close = error(30.0)
    with pytest.warns(UserWarning, match="the posterior has collapsed"):
        assert close < error(0.05) / 2


def test_networks_of_ones_own():
    class Mean(nn.Module):
        def __init__(self, n_timesteps, n_channels, latent_dim, hidden_dims):
            super().__init__()
            self.moments = nn.Linear(n_channels, 2 * latent_dim)

        def forward(self, x):
            return self.moments(x.mean(dim=1)).chunk(2, dim=1)

    X = make_sines(20, 8, 2, random_state=SEED)
    fitted = VAE(encoder=Mean, decoder="dense", hidden_dims=(8,), max_epochs=1).fit(X)
    assert isinstance(fitted.net_.module_.encoder, Mean)
    assert fitted.transform(X).shape == (20, 8)


def test_conditional_decoding():
    X, y = make_labelled_sines(40, 12, random_state=SEED)
    fitted = TimeVAE(**TINY, conditional=True).fit(X, y)
    Z = fitted.transform(X)  # needs no labels
    fast, slow = (fitted.inverse_transform(Z, y=label) for label in ("fast", "slow"))
    assert not np.array_equal(fast, slow)
    assert np.array_equal(fitted.reconstruct(X, y)[y == "fast"], fast[y == "fast"])
    with pytest.raises(ValueError, match="y is missing"):
        fitted.inverse_transform(Z)


def test_as_a_step_of_a_pipeline():
    X, y = make_labelled_sines(60, 12, random_state=SEED)
    latents = VAE(**DENSE, max_epochs=40, random_state=SEED)
    pipeline = make_pipeline(StandardScaler(), latents, LogisticRegression())
    assert cross_val_score(pipeline, X, y, cv=3, error_score="raise").mean() > 0.9
    search = GridSearchCV(pipeline, {"vae__latent_dim": [1, 2]}, cv=2, error_score="raise")
    assert search.fit(X, y).best_score_ > 0.8


def test_pandas_output():
    X, _ = make_labelled_sines(20, 12, random_state=SEED)
    frame = TimeVAE(**TINY).set_output(transform="pandas").fit_transform(X)
    assert list(frame.columns) == ["timevae0", "timevae1", "timevae2"]


def test_a_capable_generator_learns_the_moments():
    X = make_sines(400, 12, 2, version="timevae", random_state=SEED)
    params = {**DENSE, "latent_dim": 6, "hidden_dims": (64,), "lr": 5e-3, "max_epochs": 80}
    fitted = VAE(**params, reconstruction_weight=5.0, random_state=SEED).fit(X)
    drawn = fitted.sample(2000)
    assert np.abs(drawn.mean(axis=0) - X.mean(axis=0)).max() < 0.2
    assert drawn.std() == pytest.approx(X.std(), rel=0.1)
    assert fitted.score(X) > -0.02
