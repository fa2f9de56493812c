"""What is missing is drawn from its distribution given the rest."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest
from torch import nn

from sklearn_timegen import (
    GAN,
    VAE,
    BlockBootstrap,
    CategoricalForcing,
    FlowMatching,
    PCAMixture,
    ProfessorForcing,
    TeacherForcing,
    TimeVAE,
)
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_ar
from sklearn_timegen.vae.autoencoder import DecoderNoise, VariationalAutoencoder
from sklearn_timegen.vae.completion import draw_latents_given
from sklearn_timegen.vae.likelihood import log_standard_normal
from sklearn_timegen.vae.objectives import ERRORS

from .global_seed import GLOBAL_RANDOM_SEED as SEED

T, D = 6, 2
VAE_SIZES = {"hidden_dims": (8,), "encoder": "dense", "decoder": "dense", "latent_dim": 2}


@pytest.fixture(scope="module")
def X():
    """Two regimes, of other levels and spreads."""
    calm, wild = (make_ar(150, T, D, random_state=SEED + k) for k in range(2))
    return np.concatenate([calm, 3 + 2 * wild])


@pytest.fixture(scope="module")
def y():
    return np.repeat(["calm", "wild"], 150)


def with_gaps(x, gaps):
    return np.where(gaps, np.float32(np.nan), x)


def quantiles(density, grid):
    """Return the distribution function of an unnormalised log-density on a grid."""
    weight = np.exp(density - density.max())
    total = np.concatenate([[0], np.cumsum((weight[1:] + weight[:-1]) / 2)])
    return lambda value: np.interp(value, grid, total / total[-1])


# -- principal components ---------------------------------------------------------------------


@pytest.mark.parametrize("representation", ["standard", "minmax"])
@pytest.mark.parametrize("n_components", [4, 100])
def test_a_missing_value_has_the_density_of_the_series_with_it(X, representation, n_components):
    """Along one missing value the density is p(x), but for a constant."""
    mixture = PCAMixture(
        n_components=n_components,
        n_mixture_components=3,
        representation=representation,
        rules=None,
        random_state=SEED,
    ).fit(X)
    grid = np.linspace(-40, 40, 8001, dtype=np.float32)
    for row, (t, d) in ((0, (2, 1)), (200, (5, 0))):
        gaps = np.zeros((T, D), dtype=bool)
        gaps[t, d] = True
        drawn = mixture.impute(with_gaps(X[row], gaps)[None], n_samples=800)[:, 0, t, d]
        filled = np.repeat(X[row][None], len(grid), axis=0)
        filled[:, t, d] = grid
        assert kstest(drawn, quantiles(mixture.score_samples(filled), grid)).pvalue > 1e-3


def test_many_missing_values_follow_the_conditional_normal():
    rng = np.random.default_rng(SEED)
    root = rng.normal(size=(T * D, T * D))
    covariance = root @ root.T / (T * D) + 0.1 * np.eye(T * D)
    X = rng.multivariate_normal(np.zeros(T * D), covariance, 20_000).reshape(-1, T, D)
    mixture = PCAMixture(n_mixture_components=1, rules=None, random_state=SEED).fit(X)
    gaps = np.random.default_rng(3).random((T, D)) < 0.5
    unknown, known = gaps.ravel(), ~gaps.ravel()
    drawn = mixture.impute(with_gaps(X[:1], gaps), n_samples=4000)[:, 0][:, gaps]
    gain = covariance[np.ix_(unknown, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    left = covariance[np.ix_(unknown, unknown)] - gain @ covariance[np.ix_(known, unknown)]
    spread = np.sqrt(np.diag(left))
    assert_allclose((drawn.mean(0) - gain @ X[0].ravel()[known]) / spread, 0, atol=0.15)
    assert_allclose(
        np.cov(drawn.T) / np.outer(spread, spread), left / np.outer(spread, spread), atol=0.15
    )


def test_known_values_tell_the_regime(X):
    mixture = PCAMixture(n_mixture_components=2, random_state=SEED).fit(X)
    gaps = np.ones((T, D), dtype=bool)
    gaps[:2] = False
    level = mixture.impute(with_gaps(X, gaps), n_samples=20)[..., 2:, :].mean(axis=(0, 2, 3))
    assert level[:150].mean() < 1 < 2 < level[150:].mean()


def test_labels_and_vectors_are_given(X, y):
    nothing_known = np.full((40, T, D), np.nan)
    labelled = PCAMixture(conditional=True, random_state=SEED).fit(X, y)
    assert labelled.impute(nothing_known, "calm").mean() < 1 < 2
    assert labelled.impute(nothing_known, "wild").mean() > 2
    with pytest.raises(ValueError, match="y"):
        labelled.impute(nothing_known)
    vectors = PCAMixture(conditional=True, random_state=SEED).fit(X, X.mean(axis=(1, 2))[:, None])
    drawn = vectors.impute(nothing_known, 2.0, n_samples=20)
    assert drawn.mean() == pytest.approx(2, abs=0.3)


# -- variational autoencoders -----------------------------------------------------------------


class Linear(nn.Module):
    """Decodes z to W z, and encodes badly: to a wide normal around the least squares solution."""

    def __init__(self, matrix, log_var):
        super().__init__()
        self.matrix, self.log_var = matrix, log_var

    def encode(self, x):
        mean = x.flatten(1) @ torch.linalg.pinv(self.matrix).T
        return mean, torch.full_like(mean, self.log_var)

    def forward(self, z, c=None):
        return (z @ self.matrix.T).unflatten(1, (3, 2))


@pytest.mark.parametrize("name", ERRORS)
def test_a_chain_ends_in_the_posterior_given_observed_cells(name):
    """Of a linear decoder, it is a normal that is known, however bad the encoder."""
    rng = torch.Generator().manual_seed(SEED)
    matrix = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
    decoder = Linear(matrix, log_var=-0.5)
    encoder = nn.Module()
    encoder.forward = decoder.encode
    module = VariationalAutoencoder(encoder, decoder, DecoderNoise("fixed", 3, 2, start=0.7))
    observed = torch.tensor([[True, False], [True, True], [False, False]])
    x = torch.randn(3, 2, generator=rng)
    n = 4000
    batch = Series(x.expand(n, 3, 2), observed=observed.expand(n, 3, 2))
    z = draw_latents_given(module, batch, log_standard_normal, ERRORS[name], rng)

    extra = 0.25 if name == "squared-and-mean" else 0.0
    noise = torch.linalg.inv(torch.tensor(0.7).exp() * (torch.eye(2) + extra))
    covariance, cells = torch.block_diag(noise, noise, noise), observed.flatten()
    precision = torch.linalg.inv(covariance[cells][:, cells])
    seen = matrix[cells]
    posterior = torch.linalg.inv(torch.eye(2) + seen.T @ precision @ seen)
    mean = posterior @ seen.T @ precision @ x.flatten()[cells]
    spread = posterior.diagonal().sqrt()
    assert ((z.mean(0) - mean) / spread).abs().max() < 0.12
    ratio = torch.cov(z.T) / torch.outer(spread, spread)
    assert torch.allclose(ratio, posterior / torch.outer(spread, spread), atol=0.15)


@pytest.mark.parametrize("name", ERRORS)
def test_noise_is_completed_given_the_rest_of_it(name):
    error, rng = ERRORS[name], torch.Generator().manual_seed(SEED)
    r, e = (torch.randn(4, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    weights = torch.tensor([[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 0, 0]], dtype=torch.float64)
    completed = error.complete(r, e, weights)
    precision = torch.eye(3, dtype=torch.float64) + (name == "squared-and-mean") / 9
    for k, known in enumerate(weights > 0):
        assert torch.equal(completed[k, known], r[k, known])
        if known.all():
            continue
        inner = precision[~known][:, ~known]
        mean = -torch.linalg.solve(inner, precision[~known][:, known] @ r[k, known])
        # A linear map of normal draws is told by where it leads unit vectors.
        units = torch.zeros(3, 3, dtype=torch.float64)
        units[~known, ~known] = 1.0
        moved = error.complete(r[k], units, weights[k])[:, ~known][~known] - mean
        assert torch.allclose(moved.T @ moved, torch.linalg.inv(inner))
    if name == "squared-and-mean":  # with nothing known, it is noise as ever
        assert torch.allclose(completed[3], error.correlate(e[3]))


@pytest.mark.parametrize(
    "generator",
    [
        PCAMixture(),
        PCAMixture(representation="quantile"),
        VAE(**VAE_SIZES, max_epochs=3),
        VAE(**VAE_SIZES, max_epochs=3, decoder_noise="per-cell", prior="mixture"),
        VAE(**VAE_SIZES, max_epochs=3, error="squared-and-mean", decoder_noise="per-channel"),
        TimeVAE(hidden_dims=(8,), latent_dim=2, max_epochs=3),
        TeacherForcing(hidden_dim=8, n_components=2, max_epochs=3),
        ProfessorForcing(hidden_dim=8, cell="gru", coupled=False, max_epochs=2),
        CategoricalForcing(hidden_dim=8, head_dim=4, max_epochs=2),
    ],
    ids=lambda generator: f"{type(generator).__name__}",
)
def test_known_values_come_back_and_rules_are_kept(X, generator):
    low = np.minimum(X[..., 0], X[..., 1])
    priced = np.stack([low, low + np.abs(X[..., 0]) + 0.1 * (X[..., 1] > 0), low - low + 4], -1)
    model = generator.set_params(random_state=SEED).fit(priced.astype(np.float32))
    gaps = np.random.default_rng(SEED).random((12, T, 3)) < 0.3
    gaps[3], gaps[4] = True, False
    x = model.sample(12)
    filled = model.impute(with_gaps(x, gaps), n_samples=3)
    assert filled.shape == (3, 12, T, 3)
    assert filled.dtype == np.float32
    assert np.isfinite(filled).all()
    for each in filled:
        assert_array_equal(each[~gaps], x[~gaps])
    assert all(
        broken == 0
        for broken in (rule.violations(each).sum() for rule in model.rules_ for each in filled)
    )
    assert (filled[0][gaps] != filled[1][gaps]).any()
    again = model.impute(with_gaps(x, gaps), n_samples=3)
    assert_array_equal(again, filled)
    assert_array_equal(model.impute(with_gaps(x, gaps)).shape, x.shape)
    assert_array_equal(model.impute(x), x)


@pytest.mark.parametrize("missing", ["generate", "complete"])
@pytest.mark.parametrize(
    "generator",
    [
        PCAMixture(),
        VAE(**VAE_SIZES, max_epochs=2),
        TeacherForcing(hidden_dim=8, n_components=2, max_epochs=2),
        CategoricalForcing(hidden_dim=8, head_dim=4, max_epochs=2),
        FlowMatching(hidden_dim=8, n_layers=1, max_epochs=2),
    ],
    ids=lambda generator: type(generator).__name__,
)
def test_nothing_is_left_missing(X, generator, missing):
    """Also where series had gaps in fit, and samples have them."""
    gaps = np.random.default_rng(SEED).random(X.shape) < 0.2
    model = generator.set_params(missing=missing, random_state=SEED).fit(with_gaps(X, gaps))
    filled = model.impute(with_gaps(X, gaps)[:10])
    assert np.isfinite(filled).all()
    assert_array_equal(filled[~gaps[:10]], X[:10][~gaps[:10]].astype(np.float32))


def test_a_trained_autoencoder_knows_about_as_much_as_the_closed_form(X):
    params = {**VAE_SIZES, "hidden_dims": (32,), "latent_dim": 6, "decoder_noise": "learned"}
    gaps = np.zeros((T, D), dtype=bool)
    gaps[2:4, 0] = gaps[5, 1] = True
    error = {}
    for model in (PCAMixture(), VAE(**params, max_epochs=60)):
        drawn = model.set_params(random_state=SEED).fit(X).impute(with_gaps(X, gaps), n_samples=20)
        error[type(model).__name__] = np.square(drawn.mean(0) - X)[:, gaps].mean()
    assert error["VAE"] < 2 * error["PCAMixture"] < X.var()


# -- autoregressive networks ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "coupled"),
    [
        ("lstm", True),
        ("gru", False),
        pytest.param("lstm", False, marks=pytest.mark.exhaustive),
        pytest.param("gru", True, marks=pytest.mark.exhaustive),
    ],
)
def test_a_value_in_between_has_the_density_of_the_series_with_it(X, cell, coupled):
    """Also where what it leads to is known, and cells that never vary are there."""
    X = X.copy()
    X[:, 3, 0] = 1.0
    params = {"hidden_dim": 8, "n_components": 2, "max_epochs": 15, "lr": 1e-2}
    model = TeacherForcing(
        cell=cell, coupled=coupled, rules=None, random_state=SEED, **params
    ).fit(X)
    grid = np.linspace(-30, 30, 1501, dtype=np.float32)
    for row, (t, d) in ((0, (2, 1)), (200, (0, 0)), (3, (5, 0))):
        gaps = np.zeros((T, D), dtype=bool)
        gaps[t, d] = True
        drawn = model.impute(with_gaps(X[row], gaps)[None], n_samples=500)[:, 0, t, d]
        filled = np.repeat(X[row][None], len(grid), axis=0)
        filled[:, t, d] = grid
        assert kstest(drawn, quantiles(model.score_samples(filled), grid)).pvalue > 1e-3


def test_particles_agree_with_weighted_samples(X):
    """Two values and all that comes before them are known: importance weights tell the rest."""
    model = TeacherForcing(
        hidden_dim=8, n_components=2, max_epochs=15, lr=1e-2, rules=None, random_state=SEED
    ).fit(X)
    gaps = np.zeros((T, D), dtype=bool)
    gaps[1:4] = gaps[4, 0] = True
    drawn = model.impute(with_gaps(X[:1], gaps), n_samples=1000)[:, 0][:, gaps]
    # Proposals around what was drawn, from a normal that is wider.
    rng, mean = np.random.default_rng(SEED), drawn.mean(0)
    root = np.linalg.cholesky(np.cov(drawn.T))
    e = 1.5 * rng.normal(size=(20_000, gaps.sum()))
    proposed = np.repeat(X[:1], len(e), axis=0)
    proposed[:, gaps] = mean + e @ root.T
    ratio = model.score_samples(proposed) + np.square(e).sum(1) / (2 * 1.5**2)
    weight = np.exp(ratio - ratio.max())
    expected = np.average(proposed[:, gaps], axis=0, weights=weight)
    second = np.average(np.square(proposed[:, gaps] - expected), axis=0, weights=weight)
    assert_allclose((mean - expected) / np.sqrt(second), 0, atol=0.25)
    assert_allclose(drawn.var(0) / second, 1, atol=0.35)


# -- what cannot be ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("generator", "reason"),
    [
        (GAN(), "use PCAMixture, FlowMatching, TeacherForcing, or a VAE"),
        (BlockBootstrap(), "BlockBootstrap knows no distribution"),
        (PCAMixture(representation="cosine"), "use 'standard', 'minmax' or 'quantile'"),
        (PCAMixture(residual="bootstrap"), "use 'gaussian'"),
        (VAE(representation="own-scale"), "use 'standard', 'minmax' or 'quantile'"),
    ],
)
def test_who_cannot_complete_says_who_can(X, generator, reason):
    assert not hasattr(generator, "impute")
    with pytest.raises(AttributeError, match="no attribute 'impute'") as caught:
        generator.impute(X)
    assert reason in str(caught.value.__cause__)
