"""Bounds of log p(x) and their gradients, against a model in which all of them are known."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import nn
from torch.autograd import grad, gradcheck
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from sklearn_timegen.data import Series
from sklearn_timegen.vae import objectives as bounds
from sklearn_timegen.vae.autoencoder import NOISE_SHAPES, DecoderNoise, tilted
from sklearn_timegen.vae.objectives import ERRORS, gaussian_kl, gaussian_renyi, renyi_bound

from .global_seed import GLOBAL_RANDOM_SEED as SEED

NEARLY_1 = 1 - 1e-9
ORDERS = (0.9, 0.5, 0.2, 0.05)
CELLS = (2, 2)


def tensor(values):
    return torch.as_tensor(values, dtype=torch.float64)


def draws(*shape, seed=0):
    return torch.randn(
        *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(SEED + seed)
    )


GRID = tensor(np.linspace(-14, 14, 20_001))
I2 = tensor(np.eye(2))
PRIOR = MultivariateNormal(tensor([0.0, 0.0]), I2)


def noise_precision(name, log_precision):
    """Precision matrix of all cells' noise, from the log-precision of each cell."""
    n_timesteps, n_channels = log_precision.shape
    inner = np.eye(n_channels) + (name == "squared-and-mean") / n_channels**2
    root = (0.5 * log_precision).exp().flatten()
    return root[:, None] * tensor(np.kron(np.eye(n_timesteps), inner)) * root


# -- terms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [-1.3, 0.0, 0.5])
@pytest.mark.parametrize("sd", [0.3, 0.8, 1.2])
def test_divergences_and_tilted_posteriors_are_their_integrals(mean, sd):
    q, p = Normal(tensor(mean), tensor(sd)), Normal(tensor(0.0), tensor(1.0))
    log_q, log_p, moments = q.log_prob(GRID), p.log_prob(GRID), (q.mean, q.variance.log())
    kl = gaussian_kl(*moments)
    assert torch.allclose(kl, kl_divergence(q, p), atol=1e-12)
    assert torch.allclose(kl, torch.trapezoid(log_q.exp() * (log_q - log_p), GRID), atol=1e-9)
    for alpha in (*ORDERS, 0.999):
        product = (alpha * log_q + (1 - alpha) * log_p).exp()
        total = torch.trapezoid(product, GRID)
        assert torch.allclose(
            gaussian_renyi(*moments, alpha), total.log() / (alpha - 1), atol=1e-8
        )
        centre, spread = tilted(*moments, alpha)
        density = Normal(centre, (0.5 * spread).exp()).log_prob(GRID).exp()
        assert torch.allclose(density, product / total, atol=1e-10)
    assert torch.allclose(gaussian_renyi(*moments, NEARLY_1), kl, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("alpha", "value"), [(0.5, 0.100912), (0.9, 0.156525), (0.999, 0.168031), (1, 0.168144)]
)
def test_divergences_by_value(alpha, value):
    ours = gaussian_renyi(tensor(0.5), tensor(0.64).log(), alpha)
    assert ours.item() == pytest.approx(value, abs=5e-7)


@pytest.mark.parametrize("alpha", [0.1, 0.5, NEARLY_1, 1])
def test_gradients_of_the_divergence(alpha):
    assert gradcheck(lambda m: gaussian_renyi(*m, alpha), (draws(2, 5).requires_grad_(),))


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("shape", [(), (1, 3), (2, 3)])
def test_likelihood_and_noise_are_normal(name, shape):
    (x, x_hat), log_precision = draws(2, 5, 2, 3), draws(shape, seed=1)
    covariance = torch.linalg.inv(noise_precision(name, log_precision.expand(2, 3)))
    ours = bounds.log_likelihood(x, x_hat, log_precision, ERRORS[name])
    theirs = multivariate_normal(np.zeros(6), covariance).logpdf((x - x_hat).flatten(1))
    assert np.allclose(ours, theirs, atol=1e-9)
    # Noise is a linear map of normal draws: the map of unit vectors is a root of the covariance.
    units = tensor(np.eye(6)).reshape(6, 2, 3)
    root = ((-0.5 * log_precision).exp() * ERRORS[name].correlate(units)).flatten(1)
    assert torch.allclose(root.T @ root, covariance, atol=1e-12)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("shape", [(), (1, 3), (2, 3)])
def test_likelihood_of_what_was_observed_is_the_marginal(name, shape):
    (x, x_hat), log_precision = draws(2, 40, 2, 3), draws(shape, seed=1)
    weights = (draws(40, 2, 3, seed=2) > 0).double()  # timesteps of none to all channels
    covariance = torch.linalg.inv(noise_precision(name, log_precision.expand(2, 3))).numpy()
    ours = bounds.log_likelihood(x, x_hat, log_precision, ERRORS[name], weights)
    for k, cells in enumerate(weights.flatten(1).numpy() > 0):
        if not cells.any():  # nothing was observed, and nothing is said
            assert float(ours[k]) == 0
            continue
        left = (x - x_hat)[k].flatten().numpy()[cells]
        marginal = multivariate_normal(np.zeros(len(left)), covariance[np.ix_(cells, cells)])
        assert float(ours[k]) == pytest.approx(marginal.logpdf(left))
    everywhere = bounds.log_likelihood(
        x, x_hat, log_precision, ERRORS[name], torch.ones_like(weights)
    )
    assert torch.allclose(everywhere, bounds.log_likelihood(x, x_hat, log_precision, ERRORS[name]))


@pytest.mark.parametrize("kind", NOISE_SHAPES)
def test_decoder_noise(kind):
    noise = DecoderNoise(kind, 4, 3, start=1.7)
    assert noise().shape == {"per-channel": (1, 3), "per-cell": (4, 3)}.get(kind, ())
    assert torch.allclose(noise(), torch.tensor(1.7), atol=1e-5)
    if kind == "fixed":
        assert not list(noise.parameters())
        return
    assert (grad(noise().sum(), noise.change)[0] > 1).all()
    noise.change.data += 1
    assert ((noise() > 11) & (noise() < 12)).all()
    noise.change.data += 1e4
    assert torch.allclose(noise(), torch.tensor(1e8).log())


# -- exact bounds of a linear model -----------------------------------------------------------


class LinearModel(nn.Module):
    """x = A z + b + noise, two latents and four cells, and a posterior q that is wrong."""

    def __init__(self, name="squared-and-mean", alpha=1.0):
        super().__init__()
        rng = np.random.default_rng(SEED + 3)
        self.A, self.b, self.x = (tensor(rng.normal(size=size)) for size in ((4, 2), 4, 4))
        self.log_precision = tensor(rng.normal(0, 0.5, size=CELLS))
        self.error, self.alpha = ERRORS[name], alpha
        self.P = noise_precision(name, self.log_precision)
        gain = self.A.T @ self.P
        covariance = torch.linalg.inv(I2 + gain @ self.A)
        self.mean = covariance @ gain @ (self.x - self.b) + tensor([0.3, -0.2])
        self.log_var = (1.4 * covariance.diagonal()).log()
        covariance = torch.linalg.inv(self.P) + self.A @ self.A.T
        self.evidence = MultivariateNormal(self.b, covariance).log_prob(self.x)

    def forward(self, x, noise, c=None):
        mean, log_var = (m.expand(len(x), -1) for m in (self.mean, self.log_var))
        centre, spread = tilted(mean, log_var, self.alpha)
        draws = noise[:, None] if noise.ndim == 2 else noise
        z = centre[:, None] + (0.5 * spread).exp()[:, None] * draws
        x_hat = (z @ self.A.mT + self.b).unflatten(-1, CELLS)
        if noise.ndim == 2:
            x_hat, z = x_hat[:, 0], z[:, 0]
        return x_hat, z, mean, log_var, self.log_precision

    def losses(self, criterion, n):
        x = self.x.reshape(1, *CELLS).expand(n, -1, -1)
        return criterion(self, Series(x), torch.Generator().manual_seed(SEED + 1))

    def log_weights(self, n_draws):
        noise, x = draws(1, n_draws, 2, seed=5), self.x.reshape(1, 1, *CELLS)
        x_hat, z, _, log_var, log_precision = self(x[0], noise)
        fit = bounds.log_likelihood(x, x_hat, log_precision, self.error)
        return bounds.log_weights(fit, -0.5 * z.square().sum(dim=-1), noise, log_var)[0]

    @property
    def q(self):
        return MultivariateNormal(self.mean, self.log_var.exp().diag())

    def s(self, alpha):
        mean, log_var = tilted(self.mean, self.log_var, alpha)
        return MultivariateNormal(mean, log_var.exp().diag())

    def fit(self, z):
        """E log p(x | z) under a normal distribution of z."""
        at_mean = MultivariateNormal(self.A @ z.mean + self.b, precision_matrix=self.P)
        spread = (self.A.T @ self.P @ self.A @ z.covariance_matrix).trace()
        return at_mean.log_prob(self.x) - 0.5 * spread

    def elbo(self, z):
        return self.fit(z) - kl_divergence(z, PRIOR)

    def relbo(self, alpha):
        return self.fit(self.s(alpha)) - gaussian_renyi(self.mean, self.log_var, alpha).sum()

    def renyi(self, alpha):
        """1 / (1 - alpha) times the log-integral of q^alpha p(x, z)^(1 - alpha), a Gaussian."""
        sharp, gain = self.q.precision_matrix, self.A.T @ self.P
        H = alpha * sharp + (1 - alpha) * (I2 + gain @ self.A)
        h = alpha * sharp @ self.mean + (1 - alpha) * gain @ (self.x - self.b)
        log_p_x = MultivariateNormal(self.b, precision_matrix=self.P).log_prob(self.x)
        log_p, log_q = log_p_x + PRIOR.log_prob(PRIOR.mean), self.q.log_prob(PRIOR.mean)  # at 0
        volume = 0.5 * (h @ torch.linalg.inv(H) @ h - H.logdet()) + math.log(2 * math.pi)
        return (alpha * log_q + (1 - alpha) * log_p + volume) / (1 - alpha)


def shortfall(sigma, rho, alpha):
    power = (1 - alpha) * sigma**2
    return 0.5 * ((power - power.log1p()) / (1 - alpha) + rho**2 * power / (1 + power)).sum()


MODEL = LinearModel()


def test_order_and_limits_of_the_bounds():
    rising = [MODEL.elbo(MODEL.q), *map(MODEL.renyi, ORDERS), MODEL.evidence]
    assert (np.diff(rising) > 1e-3).all()
    assert torch.isclose(MODEL.renyi(1e-9), MODEL.evidence, rtol=0, atol=1e-6)
    assert torch.isclose(MODEL.relbo(1 - 1e-8), MODEL.elbo(MODEL.q), rtol=0, atol=1e-6)
    assert torch.isclose(MODEL.relbo(1e-9), MODEL.fit(PRIOR), rtol=0, atol=1e-6)
    # RELBO is on neither side of q's ELBO.
    assert MODEL.relbo(0.5) < MODEL.elbo(MODEL.q)
    far = LinearModel()
    far.mean *= 4
    assert far.relbo(0.5) > far.elbo(far.q)


@pytest.mark.parametrize("alpha", ORDERS)
def test_identities(alpha):
    relbo, renyi = MODEL.relbo(alpha), MODEL.renyi(alpha)
    assert renyi - relbo > 1e-3
    W, s = torch.linalg.cholesky(MODEL.P).T, MODEL.s(alpha)  # W'W: the noise's precision
    U, sigma, _ = torch.linalg.svd(W @ MODEL.A @ s.scale_tril, full_matrices=False)
    rho = U.T @ W @ (MODEL.x - MODEL.b - MODEL.A @ s.mean)
    assert torch.isclose(renyi - relbo, shortfall(sigma, rho, alpha), rtol=0, atol=1e-8)
    of_s = MODEL.elbo(s) - alpha / (1 - alpha) * kl_divergence(s, MODEL.q)
    assert torch.isclose(relbo, of_s, rtol=0, atol=1e-8)


def test_linearised_shortfall_is_no_bound():
    """x = tanh(z) + N(0, 1 / 4), seen at 0, order 1/2, and the prior for a posterior."""
    prior = Normal(tensor(0.0), 1).log_prob(GRID).exp()
    fit = -2 * GRID.tanh() ** 2 - 0.5 * math.log(math.pi / 2)
    inner = [torch.trapezoid(prior * (g * fit).exp(), GRID) for g in (1, 0.5)]
    evidence, renyi = inner[0].log(), 2 * inner[1].log()
    relbo = torch.trapezoid(prior * fit, GRID)  # s = q = p, and no divergence
    assert relbo < renyi < evidence
    linearised = shortfall(tensor([2.0]), tensor([0.0]), alpha=0.5)  # slope 1, noise 1/2
    assert relbo + linearised > evidence + 0.7
    assert linearised > 9 * (renyi - relbo)


# -- losses -----------------------------------------------------------------------------------

CRITERIA = [
    (bounds.NegativeELBO, {"beta": 1.7}),
    (bounds.NegativeRenyiBound, {"alpha": 0.0}),
    (bounds.NegativeRenyiBound, {"alpha": 0.4}),
    (bounds.NegativeRELBO, {"alpha": 0.4}),
]


def constant(name, start):
    """The normaliser that losses leave out: of the precision before training."""
    precision = noise_precision(name, tensor(start).expand(CELLS))
    return 0.5 * (precision.logdet() - 4 * math.log(2 * math.pi))


def assert_mean(values, expected, within):
    error = values.std(dim=0) / math.sqrt(len(values))
    assert (error < within).all()
    assert ((values.mean(dim=0) - expected).abs() < 4.5 * error).all()


@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.5, 0.9])
def test_draws_raise_the_bound_from_the_elbo_to_where_it_converges(alpha):
    log_w = MODEL.log_weights(200_000)
    power = ((1 - alpha) * (log_w - MODEL.evidence)).exp()
    error = power.std() / power.mean() / math.sqrt(len(log_w)) / (1 - alpha)
    expected = MODEL.renyi(alpha) if alpha else MODEL.evidence
    assert error < 0.01
    assert (renyi_bound(log_w, alpha) - expected).abs() < 4.5 * error
    means = [renyi_bound(log_w[:4096].reshape(-1, k), alpha).mean() for k in (1, 4, 16, 64)]
    assert (np.diff(means) > 0).all()
    for order in (NEARLY_1, 1):
        elbo = renyi_bound(log_w[:4096].reshape(-1, 8), order).mean()
        assert torch.isclose(means[0], elbo, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize(
    ("made", "alpha", "n_draws", "n", "bound"),
    [
        (bounds.NegativeELBO, None, 3, 30_000, "elbo"),
        (bounds.NegativeRELBO, 0.3, 1, 30_000, "relbo"),
        (bounds.NegativeRELBO, 0.8, 3, 30_000, "relbo"),
        (bounds.NegativeRELBO, 1.0, 1, 30_000, "elbo"),
        (bounds.NegativeRenyiBound, 0.4, 1, 30_000, "elbo"),
        (bounds.NegativeRenyiBound, 0.4, 4000, 50, "renyi"),
    ],
)
def test_losses_are_minus_their_bounds_on_average(name, made, alpha, n_draws, n, bound):
    model = LinearModel(name, alpha if bound == "relbo" else 1.0)
    criterion = made(2, model.error, n_draws, 0.4, **({"alpha": alpha} if alpha else {}))
    expected = model.elbo(model.q) if bound == "elbo" else getattr(model, bound)(alpha)
    assert_mean(constant(name, 0.4) - model.losses(criterion, n), expected, within=0.05)


@pytest.mark.parametrize(("made", "kwargs"), CRITERIA)
def test_gradients_are_finite_differences(made, kwargs):
    model = LinearModel(alpha=0.4 if made is bounds.NegativeRELBO else 1.0)
    loss = made(2, model.error, n_draws=3, **kwargs)

    def of(*values):
        model.mean, model.log_var, model.A, model.log_precision = values
        return model.losses(loss, 2)

    values = model.mean, model.log_var, model.A, model.log_precision
    assert gradcheck(of, [v.clone().requires_grad_() for v in values])


@pytest.mark.parametrize("alpha", [1.0, 0.4])
def test_expected_gradient_is_the_gradient_of_the_expectation(alpha):
    model, n = LinearModel(alpha=alpha), 20_000
    free = [v.requires_grad_() for v in (model.mean, model.log_var, model.A)]
    expected = grad(-model.relbo(alpha), free)
    # Every series has parameters of its own, so that each draw gives a gradient.
    free = [v.detach().expand(n, *v.shape).clone().requires_grad_() for v in free]
    model.mean, model.log_var, model.A = free
    criterion = bounds.NegativeRELBO(2, model.error, alpha=alpha)
    for values, wanted in zip(grad(model.losses(criterion, n).sum(), free), expected, strict=True):
        assert_mean(values, wanted, within=0.1)


@pytest.mark.parametrize("made", [bounds.NegativeELBO, bounds.NegativeRELBO])
def test_free_bits(made):
    moments = tensor([[[0.1, 2.0], [0.2, 0.0]], [[-0.1, 0.0], [0.1, 0.0]]]).requires_grad_()
    none = tensor(np.zeros((2, 1, 2)))
    losses = made(2, ERRORS["squared"], free_bits=0.3).loss(none[..., 0], none, none, *moments)
    plain = gaussian_kl(*moments) if made is bounds.NegativeELBO else gaussian_renyi(*moments, 0.5)
    # On average over the two series, the first latent costs less than 0.3, the second more.
    assert torch.allclose(losses, 0.3 + plain[:, 1])
    got, wanted = grad(losses.sum(), moments)[0], grad(plain.sum(), moments)[0]
    assert (wanted[..., 0] != 0).all()
    assert (got[..., 0] == 0).all()
    assert torch.equal(got[..., 1], wanted[..., 1])


@pytest.mark.parametrize(("made", "kwargs"), CRITERIA)
def test_share_of_the_divergence_counts_in_training_only(made, kwargs):
    loss = made(2, ERRORS["squared"], **kwargs)
    cost, given = draws(5, 3), (*draws(2, 5, 3, 2, seed=1), *draws(2, 5, 2, seed=2))
    plain = loss.loss(cost, *given)
    if made is bounds.NegativeELBO:
        assert torch.allclose(plain, cost.mean(dim=1) + 1.7 * gaussian_kl(*given[2:]).sum(dim=1))
    loss.kl_share = 0.0
    order = kwargs["alpha"] if made is bounds.NegativeRenyiBound else 1
    assert torch.allclose(loss.loss(cost, *given), -renyi_bound(-cost, order))
    assert torch.equal(loss.eval().loss(cost, *given), plain)
    assert not torch.allclose(loss.loss(cost, *given), -renyi_bound(-cost, order))
