"""PCAMixture of more cells than it keeps directions for, against normals known by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

from sklearn_timegen import PCAMixture
from sklearn_timegen.classical import directions
from sklearn_timegen.representation import SeriesScaler

from .global_seed import GLOBAL_RANDOM_SEED as SEED

T, D = 4, 2
CELLS = T * D
K, MOST = 2, 3  # components of the mixture, directions that are kept


@pytest.fixture(autouse=True)
def few_directions(monkeypatch):
    monkeypatch.setattr(directions, "MOST", MOST)


@pytest.fixture(scope="module")
def X():
    """Series of two strong directions, and noise of another size in each cell."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(4000, 2)) @ rng.normal(size=(2, CELLS)) * 3
    noise = rng.normal(size=x.shape) * np.linspace(0.1, 1, CELLS)
    return (x + noise + np.arange(CELLS)).reshape(-1, T, D).astype(np.float32)


def fit(X, **params):
    params = {"n_components": K, "n_mixture_components": 1, "rules": None, **params}
    scaler = SeriesScaler("standard", per="channel")
    return PCAMixture(representation=scaler, random_state=SEED, **params).fit(X)


def moments(generator, X):
    """Mean and covariance that the model states, in the units of X."""
    scaler = generator.representation_
    scale, shift = (
        np.broadcast_to(a, X.shape[1:]).ravel() for a in (scaler.scale_, scaler.shift_)
    )
    W, mu = generator.pca_.components_, generator.pca_.mean_
    assert len(W) == MOST
    part, tail = generator._parts[0], generator._directions.tail
    inner = np.zeros((MOST, MOST))
    inner[:K, :K] = part.mixture.covariances_[0]
    inner[K:, K:] = np.diag(part.residual_variance[0])
    z = np.concatenate([part.mixture.means_[0], part.residual_mean[0]])
    off = np.eye(CELLS) - W.T @ W
    covariance = W.T @ inner @ W + off @ np.diag(tail.psi) @ off
    return (z @ W + mu) * scale + shift, covariance * np.outer(scale, scale)


def rows_of(X):
    return np.asarray(X, dtype=np.float64).reshape(len(X), -1)


def test_the_model_has_the_variances_of_the_data(X):
    _, covariance = moments(fit(X), X)
    assert_allclose(np.diag(covariance), rows_of(X).var(axis=0), rtol=0.02)


def test_samples_are_of_the_model(X):
    generator = fit(X)
    mean, covariance = moments(generator, X)
    drawn = rows_of(generator.sample(20_000, random_state=SEED + 1))
    unit = np.sqrt(np.diag(covariance) / len(drawn))
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * unit).all()
    gap = np.cov(drawn.T) - covariance
    assert (np.abs(gap) < 5 * np.sqrt(2 * len(drawn)) * np.outer(unit, unit)).all()


def test_density_is_that_of_the_model(X):
    generator = fit(X)
    mean, covariance = moments(generator, X)
    by_hand = multivariate_normal(mean, covariance).logpdf(rows_of(X[:50]))
    assert_allclose(generator.score_samples(X[:50]), by_hand, atol=1e-3)


@pytest.mark.parametrize("n_unknown", [1, 3, CELLS - MOST, CELLS - 1])
def test_density_of_what_is_there_and_fills_are_those_of_the_model(X, n_unknown):
    generator = fit(X)
    mean, covariance = moments(generator, X)
    rng = np.random.default_rng(SEED + n_unknown)
    unknown = np.isin(np.arange(CELLS), rng.choice(CELLS, n_unknown, replace=False))
    rows = rows_of(X[:30])
    gappy = np.where(unknown, np.nan, rows).reshape(-1, T, D)
    inner = covariance[np.ix_(~unknown, ~unknown)]
    by_hand = multivariate_normal(mean[~unknown], inner).logpdf(rows[:, ~unknown])
    assert_allclose(generator.score_samples(gappy), by_hand, atol=1e-3)

    filled = rows_of(generator.impute(np.repeat(gappy[:1], 4000, axis=0)))[:, unknown]
    slope = np.linalg.solve(inner, covariance[np.ix_(~unknown, unknown)])
    expected = mean[unknown] + (rows[0] - mean)[~unknown] @ slope
    rest = covariance[np.ix_(unknown, unknown)] - covariance[np.ix_(unknown, ~unknown)] @ slope
    unit = np.sqrt(np.diag(rest) / len(filled))
    assert (np.abs(filled.mean(axis=0) - expected) < 5 * unit).all()
    gap = np.cov(filled.T).reshape(rest.shape) - rest
    assert (np.abs(gap) < 5 * np.sqrt(2 * len(filled)) * np.outer(unit, unit)).all()


def test_bootstrapped_tails_belong_to_their_scores(X):
    generator = fit(X[:40], residual="bootstrap")
    W = generator.pca_.components_[:K]

    def residuals(x):
        rows = (x - generator.representation_.shift_) / generator.representation_.scale_
        rows = rows.reshape(len(x), -1) - generator.pca_.mean_
        return rows - rows @ W.T @ W

    drawn, real = residuals(generator.sample(30)), residuals(X[:40])
    assert (np.abs(drawn[:, None] - real).max(axis=2).min(axis=1) < 1e-4).all()


def test_without_residual_nothing_lies_off_the_directions(X):
    generator = fit(X, residual=None)
    drawn = rows_of(generator.sample(50))
    assert np.linalg.matrix_rank(drawn - drawn.mean(axis=0), tol=1e-3) == K


def test_what_never_varies_is_not_made_to_vary(X):
    still = X.copy()
    still[:, 2] = still[:1, 2]
    drawn = fit(still).sample(100)
    assert_allclose(drawn[:, 2], np.broadcast_to(still[0, 2], (100, D)), atol=0.02)
