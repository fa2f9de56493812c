"""The axes of the VAE, and the names that are settings of it."""

import os

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from torch import nn

from sklearn_timegen import (
    RELBOVAE,
    VAE,
    BetaVAE,
    RecurrentVAE,
    RenyiVAE,
    check_generator,
)
from sklearn_timegen.datasets import load_stocks, make_ar, make_labelled_sines, make_sines
from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.representation import SeriesScaler
from sklearn_timegen.vae import _priors
from sklearn_timegen.vae.objectives import (
    NegativeELBO,
    NegativeRELBO,
    NegativeRenyiBound,
)

from .generators import DENSE
from .global_seed import GLOBAL_RANDOM_SEED as SEED

PER_CHANNEL = SeriesScaler("standard", per="channel")
QUICK = {**DENSE, "max_epochs": 40, "lr": 5e-3, "random_state": SEED}
COLLAPSED = "ignore:the posterior has collapsed:UserWarning"


@pytest.fixture(scope="module")
def X():
    return make_sines(60, 8, 2, version="timevae", random_state=SEED)


def linear_gaussian(n_samples):
    """x = A z + noise whose standard deviations are .3 and .6 in the two channels."""
    rng = np.random.default_rng(SEED)
    A = rng.normal(size=(2, 6, 2))
    z = rng.normal(size=(n_samples, 2))
    noise = rng.normal(size=(n_samples, 6, 2)) * [0.3, 0.6]
    return np.einsum("nk,ktd->ntd", z, A) + noise, A


# -- the decoder's noise ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def noisy():
    return 3 * make_ar(1000, 16, noise_scale=0.6, random_state=SEED) + 10


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param("learned", marks=pytest.mark.exhaustive),
        pytest.param("per-channel", marks=pytest.mark.exhaustive),
        "per-cell",
    ],
)
def test_learned_noise_brings_the_variance_back(noisy, noise):
    fitted = VAE(**QUICK, decoder_noise=noise).fit(noisy)
    assert fitted.sample(4000).var() == pytest.approx(noisy.var(), rel=0.1)


def test_without_learned_noise_samples_are_too_calm(noisy):
    assert VAE(**QUICK).fit(noisy).sample(4000).var() < 0.85 * noisy.var()


def test_a_linear_gaussian_process_is_recovered():
    X, A = linear_gaussian(1000)
    params = {**QUICK, "latent_dim": 2, "max_epochs": 60}
    fitted = VAE(**params, representation=PER_CHANNEL, decoder_noise="per-channel").fit(X)
    spread = torch.exp(-0.5 * fitted.net_.module_.noise()).detach().numpy()
    spread = (spread * fitted.representation_.scale_).ravel()
    assert spread == pytest.approx([0.3, 0.6], rel=0.1)
    S = fitted.sample(5000).reshape(5000, -1)
    rows = A.reshape(2, -1)
    covariance = rows.T @ rows + np.diag(np.tile([0.3, 0.6], 6) ** 2)
    assert np.diag(np.cov(S.T)) == pytest.approx(np.diag(covariance), rel=0.25)
    assert S.var() == pytest.approx(X.var(), rel=0.1)
    assert np.corrcoef(np.cov(S.T).ravel(), covariance.ravel())[0, 1] > 0.97
    # The bound is that of the model that was fitted, and the truth is hardly better.
    from scipy.stats import multivariate_normal

    truth = multivariate_normal(np.zeros(12), covariance).logpdf(X.reshape(1000, -1)).mean()
    assert truth - 1.0 < fitted.score_samples(X).mean() < truth + 0.5


def test_noise_is_part_of_samples_only(X):
    fitted = VAE(**DENSE, max_epochs=2, decoder_noise="learned", random_state=SEED).fit(X)
    z = fitted.prior_.sample(5, None, torch.Generator().manual_seed(SEED))
    smooth = fitted.inverse_transform(z.numpy())
    assert np.array_equal(smooth, fitted.inverse_transform(z.numpy()))
    assert not np.allclose(fitted.sample(5, random_state=SEED), smooth)


@pytest.mark.parametrize("noise", ["fixed", "learned", "per-channel", "per-cell"])
def test_cells_that_never_vary_count_for_nothing(noise):
    A = np.random.default_rng(SEED).normal(size=(300, 4))
    B = np.column_stack([np.zeros((300, 12)), A])
    params = {**QUICK, "max_epochs": 30, "decoder_noise": noise}
    alone, beside = VAE(**params).fit(A), VAE(**params).fit(B)
    scores = [alone.score_samples(A).mean(), beside.score_samples(B).mean()]
    assert scores[0] == pytest.approx(scores[1], abs=0.3)
    S = beside.sample(2000)
    assert (S[:, :12] == 0).all()
    assert S[:, 12:].var() == pytest.approx(alone.sample(2000).var(), rel=0.15)


@pytest.mark.skipif("SKLEARN_TIMEGEN_DATA" not in os.environ, reason="needs the stocks")
def test_stocks_get_their_variance_back():
    X = make_windows(load_stocks(), 24, 8)[0]
    vae = VAE(**{**QUICK, "hidden_dims": (64,)}, decoder_noise="per-channel", prior="mixture")
    ratio = vae.fit(X).sample(4000).var(axis=(0, 1)) / X.var(axis=(0, 1))
    assert ratio == pytest.approx(np.ones(6), abs=0.1)


# -- the bound --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "kind", "n_draws"),
    [
        ({}, NegativeELBO, 1),
        ({"beta": 2.0, "free_bits": 0.1}, NegativeELBO, 1),
        ({"alpha": 1.0, "n_importance_samples": 5}, NegativeELBO, 5),
        ({"alpha": 0.5}, NegativeRenyiBound, 8),
        ({"alpha": 0.5, "n_importance_samples": 3}, NegativeRenyiBound, 3),
        ({"n_importance_samples": 4}, NegativeRenyiBound, 4),
        ({"alpha": 0.5, "bound": "relbo"}, NegativeRELBO, 1),
    ],
)
def test_parameters_name_a_bound(X, params, kind, n_draws):
    criterion = VAE(**DENSE, max_epochs=1, random_state=SEED, **params).fit(X).net_.criterion_
    assert type(criterion) is kind
    assert criterion.n_draws == n_draws
    if kind is NegativeRenyiBound:
        assert criterion.alpha == (params.get("alpha") or 0.0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alpha": 0.0}, "'alpha' parameter"),
        ({"alpha": -1.0}, "'alpha' parameter"),
        ({"beta": -1.0}, "'beta' parameter"),
        ({"alpha": 0.5, "beta": 4.0}, "beta=4 is undefined for the Renyi bound"),
        ({"n_importance_samples": 5, "beta": 4.0}, "beta=4 is undefined for the importance"),
        ({"alpha": 0.5, "free_bits": 0.1}, "free_bits=0.1 is undefined"),
        ({"alpha": 0.5, "n_importance_samples": 1}, "alpha=0.5 needs n_importance_samples of at"),
        ({"bound": "relbo"}, "bound='relbo' needs an alpha above 0 and at most 1, got None"),
        ({"bound": "relbo", "alpha": 2.0}, "got 2.0"),
        ({"bound": "relbo", "alpha": 0.5, "beta": 2.0}, "beta=2 is undefined for RELBO"),
        ({"prior": "uniform"}, "'prior' parameter"),
        ({"decoder_noise": "loud"}, "'decoder_noise' parameter"),
        ({"kl_warmup": -1}, "'kl_warmup' parameter"),
        ({"kl_warmup": 2}, "kl_warmup=2 must not exceed max_epochs=1"),
    ],
)
def test_what_does_not_go_together_is_refused(X, params, message):
    vae = VAE(**DENSE, max_epochs=1, **params)
    with pytest.raises(ValueError, match=message):
        vae.fit(X)
    assert not hasattr(vae, "net_")


def test_warmup_raises_the_weight_and_holds_early_stopping_back(X):
    from skorch.callbacks import Callback

    class Shares(Callback):
        seen = []

        def on_epoch_end(self, net, **kwargs):
            self.seen.append(net.criterion_.kl_share)

    vae = VAE(
        **DENSE, max_epochs=30, kl_warmup=4, n_iter_no_change=2, tol=1e9, callbacks=[Shares()]
    )
    vae.fit(X)
    assert Shares.seen[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert 4 < vae.n_iter_ < 30


@pytest.mark.filterwarnings(COLLAPSED)
def test_free_bits_keep_latents_in_use():
    X = make_sines(100, 8, 1, version="timevae", random_state=SEED)
    params = {**DENSE, "max_epochs": 60, "lr": 5e-3, "reconstruction_weight": 0.2}

    def divergence(free_bits):
        vae = VAE(**params, free_bits=free_bits, random_state=SEED).fit(X)
        with torch.no_grad():
            v = torch.from_numpy(vae.representation_.transform(X.astype(np.float32)))
            mean, log_var = vae.net_.module_.eval().posterior(v)
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).mean(dim=0)

    # One step of Adam may carry a latent a little below, where nothing holds it any more.
    assert divergence(0.5).min() > 0.35
    assert divergence(0.0).min() < 0.2


def test_collapse_is_told_with_its_remedy():
    X = np.random.default_rng(SEED).normal(size=(60, 8))
    vae = VAE(**DENSE, max_epochs=100, lr=5e-3, beta=500.0, random_state=SEED)
    with pytest.warns(UserWarning, match="collapsed: no latent tells .* kl_warmup, free_bits"):
        vae.fit(X)


@pytest.mark.exhaustive
def test_relbo_latents_are_those_of_the_tilted_posterior():
    """A linear decoder of known noise: p(z | x) is known, and the tilted posterior is near it."""
    X, _ = linear_gaussian(600)
    params = {**QUICK, "latent_dim": 2, "max_epochs": 60, "representation": PER_CHANNEL}
    fitted = RELBOVAE(alpha=0.3, **params, decoder_noise="per-channel").fit(X)
    module = fitted.net_.module_
    x = torch.from_numpy(fitted.representation_.transform(X.astype(np.float32)))
    with torch.no_grad():
        _, wide = module.posterior(x)
        _, narrow = module.encoder(x)
    assert (wide > narrow).all()
    gap = fitted.score_samples(X, n_samples=200) - fitted.score_samples(X, n_samples=1)
    assert gap.mean() < 0.5  # one draw from a good posterior is nearly as good as many


# -- the prior --------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", ["mixture", pytest.param("flow", marks=pytest.mark.exhaustive)])
def test_a_fitted_prior_closes_the_gap(prior):
    rng = np.random.default_rng(SEED)
    sign = rng.choice([-1.0, 1.0], size=(300, 1))
    X = sign * np.linspace(1, 2, 8) + rng.normal(0, 0.05, (300, 8))
    params = {**QUICK, "latent_dim": 1, "reconstruction_weight": 50.0, "beta": 0.1}
    fitted = VAE(**params, prior=prior).fit(X)
    plain = VAE(**params).fit(X)
    between = [np.abs(one.sample(2000)[:, 4] / 1.5).round(1) for one in (fitted, plain)]
    assert fitted.score_samples(X).mean() > plain.score_samples(X).mean()
    if prior == "mixture":  # one latent has nothing to couple: the flow stays a normal
        inside = [(values < 0.7).mean() for values in between]
        assert inside[0] < 0.02 < inside[1]


@pytest.mark.parametrize("prior", ["mixture", "flow"])
@pytest.mark.parametrize("vectors", [False, True])
def test_priors_are_conditional(prior, vectors):
    X, y = make_labelled_sines(80, 8, random_state=SEED)
    given = (y == "fast").astype(float)[:, None] if vectors else y
    fitted = VAE(**QUICK, prior=prior, conditional=True).fit(X, given)
    drawn = [fitted.sample(300, y=given[y == one][:1].repeat(300, 0)) for one in ("fast", "slow")]
    real = [X[y == label] for label in ("fast", "slow")]
    near = [[np.abs(s.std(axis=0) - r.std(axis=0)).mean() for r in real] for s in drawn]
    assert near[0][0] < near[0][1]
    assert near[1][1] < near[1][0]


def test_warm_start_fits_the_prior_anew(X):
    vae = VAE(**DENSE, max_epochs=2, warm_start=True, prior="mixture", random_state=SEED).fit(X)
    before = vae.prior_
    assert vae.fit(X).prior_ is not before
    assert vae.n_iter_ == 4


def test_further_training_keeps_the_priors_of_other_classes():
    X, y = make_labelled_sines(40, 8, random_state=SEED)
    vae = VAE(**DENSE, max_epochs=1, prior="mixture", conditional=True, random_state=SEED)
    vae.fit(X, y).partial_fit(X[y == "fast"], y[y == "fast"])
    assert vae.sample(3, y="slow").shape == (3, 8)


def test_the_prior_may_change_between_fits(X):
    vae = VAE(**DENSE, max_epochs=1, warm_start=True, random_state=SEED).fit(X)
    assert type(vae.set_params(prior="mixture").fit(X).prior_).__name__ == "MixturePrior"


def test_an_interrupted_prior_leaves_the_normal_one(X, monkeypatch):
    def press(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(GaussianMixture, "fit", press)
    vae = VAE(**DENSE, max_epochs=1, prior="mixture", random_state=SEED)
    with pytest.warns(UserWarning, match="the fit of the prior was interrupted"):
        vae.fit(X)
    assert vae.interrupted_
    assert vae.sample(3).shape == (3, 8, 2)


@pytest.mark.exhaustive
def test_the_laws_hold_with_a_flow(monkeypatch):
    # Enough for the flow to be kept where classes differ, which is where it pays.
    monkeypatch.setattr(_priors, "N_EPOCHS", 40)
    monkeypatch.setattr(_priors, "N_STEPS", 400)
    check_generator(VAE(**DENSE, max_epochs=2, prior="flow"))


# -- networks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["convolutional", "dense", "recurrent", "transformer"])
@pytest.mark.parametrize("other", ["convolutional", "dense", "recurrent", "transformer"])
def test_any_encoder_goes_with_any_decoder(X, network, other):
    vae = VAE(encoder=network, decoder=other, hidden_dims=(8,), max_epochs=1, random_state=SEED)
    assert vae.fit(X).sample(3).shape == (3, 8, 2)


@pytest.mark.parametrize("network", ["convolutional", "recurrent", "transformer"])
def test_networks_that_slide_along_time_refuse_a_basis(X, network):
    with pytest.raises(ValueError, match=f"the network '{network}' slides along time"):
        VAE(encoder=network, decoder="dense", representation="cosine").fit(X)


class Wrong(nn.Module):
    def __init__(self, n_timesteps, n_channels, latent_dim, hidden_dims, n_conditions=0):
        super().__init__()
        self.layer = nn.Linear(latent_dim, 3)

    def forward(self, z, c=None):
        return self.layer(z)


class OnlyMean(nn.Module):
    def __init__(self, n_timesteps, n_channels, latent_dim, hidden_dims):
        super().__init__()
        self.layer = nn.Linear(n_channels, latent_dim)

    def forward(self, x):
        return self.layer(x.mean(dim=1))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"decoder": Wrong}, r"the decoder's series \(Wrong\) must have the shape \(2, 8, 2\)"),
        ({"encoder": OnlyMean}, "the encoder OnlyMean must return mean and log-variance"),
    ],
)
def test_networks_of_wrong_shapes_are_named_before_training(X, params, message):
    vae = VAE(**{**DENSE, **params})
    with pytest.raises(ValueError, match=message):
        vae.fit(X)
    assert not hasattr(vae, "net_")


# -- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "general", "pinned"),
    [
        (BetaVAE, {"beta": 4.0}, "alpha"),
        (RenyiVAE, {"alpha": 0.5}, "beta"),
        (RELBOVAE, {"alpha": 0.5, "bound": "relbo"}, "bound"),
        (
            RecurrentVAE,
            {"encoder": "recurrent", "decoder": "recurrent", "hidden_dims": (64,)},
            "encoder",
        ),
    ],
)
@pytest.mark.filterwarnings(COLLAPSED)
def test_a_name_is_a_setting(X, setting, general, pinned):
    small = {"max_epochs": 1, "random_state": SEED, "latent_dim": 2}
    named, spelled = setting(**small).fit(X), VAE(**small, **general).fit(X)
    assert np.array_equal(named.sample(4), spelled.sample(4))
    with pytest.raises(TypeError, match=pinned):
        setting(**{pinned: None})
    assert pinned not in named.get_params()
    assert clone(named).get_params() == named.get_params()
