"""What the latents of a VAE are good for, and bounds that samples keep."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_timegen import VAE, PCAMixture, TimeVAE
from sklearn_timegen.datasets import make_labelled_sines, make_sines

from .generators import DENSE
from .global_seed import GLOBAL_RANDOM_SEED as SEED

QUICK = {**DENSE, "max_epochs": 40, "lr": 5e-3, "random_state": SEED}


@pytest.fixture(scope="module")
def X():
    return make_sines(60, 8, 2, version="timevae", random_state=SEED)


# -- uses of the latents ----------------------------------------------------------------------


def test_denoising_comes_nearer_to_the_truth():
    clean = make_sines(300, 12, 1, version="timevae", random_state=SEED)
    noise = np.random.default_rng(SEED).normal(0, 0.5, clean.shape)
    fitted = VAE(**{**QUICK, "hidden_dims": (32,)}, decoder_noise="learned").fit(clean + noise)
    error = np.square(fitted.denoise(clean + noise) - clean).mean()
    assert error < 0.6 * np.square(noise).mean()
    assert error < 1.05 * np.square(fitted.reconstruct(clean + noise) - clean).mean()
    one = fitted.denoise((clean + noise)[4:5])
    assert np.allclose(one, fitted.denoise(clean + noise)[4:5], atol=1e-5)
    bent = VAE(**QUICK, representation="quantile").fit(np.exp(clean + noise))
    assert bent.denoise(np.exp(clean)).mean() > bent.reconstruct(np.exp(clean)).mean()


def test_interpolation_has_reconstructions_at_its_ends(X):
    fitted = VAE(**DENSE, max_epochs=5, random_state=SEED).fit(X)
    ways = fitted.interpolate(X[:3], X[3:6], n=5)
    assert ways.shape == (3, 5, 8, 2)
    assert np.allclose(ways[:, 0], fitted.reconstruct(X[:3]), atol=1e-5)
    assert np.allclose(ways[:, -1], fitted.reconstruct(X[3:6]), atol=1e-5)
    flat = VAE(**DENSE, max_epochs=1, n_channels=2).fit(X.reshape(60, -1))
    assert flat.interpolate(X[:2].reshape(2, -1), X[2:4].reshape(2, -1), 3).shape == (2, 3, 16)
    for arguments, message in (((X[:3], X[:2]), "pass pairs"), ((X, X, 1), "at least 2")):
        with pytest.raises(ValueError, match=message):
            fitted.interpolate(*arguments)


def test_latents_are_features():
    X, y = make_labelled_sines(60, 12, random_state=SEED)
    features = TimeVAE(hidden_dims=(8, 16), latent_dim=3, max_epochs=60, random_state=SEED)
    pipeline = make_pipeline(features, LogisticRegression())
    assert cross_val_score(pipeline, X, y, cv=3, error_score="raise").mean() > 0.9


# -- bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [PCAMixture, lambda **p: VAE(**DENSE, max_epochs=2, **p)])
def test_samples_keep_bounds_exactly(make):
    X = np.random.default_rng(SEED).exponential(size=(80, 6, 2)).clip(0.1, 3.3)
    fitted = make(bounds=(0.1, [None, 3.3]), random_state=SEED).fit(X)
    S = fitted.sample(500).astype(np.float64)
    assert S.min() >= 0.1
    assert S[:, :, 1].max() <= 3.3
    free = make(random_state=SEED).fit(X)
    clipped = free.sample(500).clip(np.float32(0.1), np.float32([np.inf, 3.3]))
    assert np.array_equal(np.float32(S), clipped)


def test_further_training_keeps_to_the_bounds():
    X = np.random.default_rng(SEED).exponential(size=(20, 6))
    vae = VAE(**DENSE, max_epochs=1, bounds=(0, None)).fit(X)
    with pytest.raises(ValueError, match="is below 0"):
        vae.partial_fit(-X)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((1.0, None), r"value\(s\) beyond bounds; the first, .* is below 1"),
        ((None, 0.5), "is above 0.5"),
        ((2, 1), "low 2 of channel 0 is above high 1"),
        ((0, [1, 2, 3]), "low and high must each be None, a number, or 2"),
        ((0,), r"must be a pair \(low, high\)"),
        ((0, "much"), "low and high must each be None"),
        ((0.1, 0.1), "no float32 value lies between"),
    ],
)
def test_bounds_that_cannot_be(bounds, message):
    X = np.random.default_rng(SEED).exponential(size=(20, 6, 2))
    with pytest.raises(ValueError, match=message):
        PCAMixture(bounds=bounds).fit(X)
