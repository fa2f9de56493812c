"""Densities of latents: against known ones, their own samples, and what they must not touch."""

import copy
import pickle

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf
from sklearn.datasets import make_moons
from sklearn.mixture import GaussianMixture

import sklearn_timegen.vae._priors as priors
from sklearn_timegen.training import GeneratorNet
from sklearn_timegen.vae.coupling import CouplingFlow

from .global_seed import GLOBAL_RANDOM_SEED as SEED

PRIORS = priors.PRIORS
NAMES = sorted(PRIORS)


def moons(n, seed=0):
    return make_moons(n, noise=0.1, random_state=seed)[0].astype(np.float32)


def bimodal(n, seed=0):
    rng = np.random.default_rng(SEED + seed)
    z = rng.normal(size=(n, 1)) * 0.3 + np.where(rng.random((n, 1)) < 0.3, -1, 1)
    return z.astype(np.float32)


def labels(n, n_classes=2):
    return np.eye(n_classes, dtype=np.float32)[np.arange(n) % n_classes]


def rng(seed=0):
    return torch.Generator().manual_seed(SEED + seed)


def repeated(c, n):
    return torch.tensor(c, dtype=torch.float32).expand(n, -1)


@pytest.fixture(scope="module", autouse=True)
def few_steps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(priors, "N_STEPS", 40)
        yield


@pytest.fixture(scope="module")
def vectors():
    """z given c is normal: its mean is linear in c, its covariance is known."""
    rng = np.random.default_rng(SEED)
    n, slope = 600, np.array([[1.0, -0.5], [0.0, 2.0]])
    spread = np.array([[0.5, 0.3], [0.3, 0.8]])
    c = rng.normal(size=(n, 2))
    z = c @ slope + rng.normal(size=(n, 2)) @ np.linalg.cholesky(spread).T + [1, -1]
    return z.astype(np.float32), c.astype(np.float32), slope, spread


# Fitted once; the conditional ones with a condition to ask for.
CASES = {
    "two": (lambda: (moons(400), None, False, None)),
    "one": (lambda: (bimodal(300), None, False, None)),
    "label": (lambda: (moons(400) + 2 * labels(400), labels(400), False, [0.0, 1.0])),
    "vector": (lambda: (bimodal(300) * 0.5, bimodal(300), True, [0.8])),
}


@pytest.fixture(scope="module", params=[(name, case) for name in NAMES for case in CASES])
def fitted(request):
    name, case = request.param
    z, c, is_vector, asked = CASES[case]()
    return PRIORS[name](z.shape[1], is_vector).fit(z, c, 0), asked


# -- densities --------------------------------------------------------------------------------


def grid(latent_dim):
    axis = torch.linspace(-6, 8, 2801 if latent_dim == 1 else 401, dtype=torch.float64)
    points = torch.cartesian_prod(*[axis] * latent_dim).reshape(-1, latent_dim)
    return points, float(axis[1] - axis[0]) ** latent_dim


def test_density_integrates_to_one_and_samples_follow_it(fitted):
    prior, asked = fitted
    z, cell = grid(prior.latent_dim)
    c = None if asked is None else repeated(asked, len(z))
    p = prior.log_density(z, c).exp() * cell
    assert p.sum() == pytest.approx(1, abs=2e-3)
    n = 10000
    drawn = prior.sample(n, None if asked is None else c[:1].expand(n, -1), rng()).double()
    assert drawn.shape == (n, prior.latent_dim)
    mean = p @ z
    spread = (z - mean).T @ ((z - mean) * p[:, None])
    unit = spread.diagonal().sqrt()
    assert ((drawn.mean(dim=0) - mean).abs() < 0.05 * unit).all()
    gap = drawn.T.cov().reshape(spread.shape) - spread
    assert (gap.abs() < 0.06 * torch.outer(unit, unit)).all()


def test_leading_dimensions_precision_and_conditions(fitted):
    prior, asked = fitted
    z = torch.randn(5, 3, 2, prior.latent_dim, generator=rng(), dtype=torch.float64)
    c = None
    if asked is not None:  # another one for each series
        c = labels(5) if len(asked) == 2 else np.linspace(-1, 1, 5)[:, None]
        c = torch.tensor(c, dtype=torch.float32)
    density = prior.log_density(z, c)
    assert (density.shape, density.dtype) == ((5, 3, 2), torch.float64)
    for i in range(5):
        alone = prior.log_density(z[i, 1, 1:], None if c is None else c[i : i + 1])
        assert torch.allclose(alone, density[i, 1, 1:], atol=1e-9)
    single = prior.log_density(z.float(), c)
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), density, rtol=1e-3, atol=1e-2)
    assert not density.requires_grad
    assert prior.sample(5, c, rng()).dtype == torch.float32


def corners(n, n_corners):
    """Tight clusters, far from each other, of equally many series."""
    which = np.arange(n) % n_corners
    centres = 10 * np.stack([which // 2, which % 2], axis=1)
    return (centres + 0.1 * np.random.default_rng(SEED).normal(size=(n, 2))).astype(np.float32)


def normal_density(rows, z):
    """log p(z) of the normal of the rows, whose variances are a little wider."""
    covariance = np.cov(rows.T, bias=True) + priors.REG_COVAR * np.eye(rows.shape[1])
    return multivariate_normal(rows.mean(axis=0), covariance).logpdf(z)


def test_mixture_has_the_density_of_sklearns():
    z = corners(400, 4).astype(np.float64)
    prior = PRIORS["mixture"](2).fit(z.astype(np.float32), None, 0)
    made = GaussianMixture(4, reg_covar=priors.REG_COVAR, n_init=10, random_state=SEED + 1).fit(z)
    found = prior.log_density(torch.tensor(z), None)
    assert np.allclose(found, made.score_samples(z), rtol=1e-4, atol=1e-3)
    assert found.mean() > normal_density(z, z).mean() + 2


def test_mixture_conditions_a_normal_exactly(vectors):
    z, c, _, _ = vectors
    prior = PRIORS["mixture"](2, is_vector=True).fit(z, c, 0)
    # log p(z | c) = log p(c, z) - log p(c), each of one normal.
    both = np.concatenate([c, z], axis=1).astype(np.float64)
    expected = normal_density(both, both) - normal_density(both[:, :2], both[:, :2])
    found = prior.log_density(torch.tensor(z).double(), torch.tensor(c))
    assert np.allclose(found, expected)


@pytest.mark.parametrize("name", ["mixture", "flow"])
def test_vectors_are_learned(name, vectors, monkeypatch):
    monkeypatch.setattr(priors, "N_STEPS", 100)
    z, c, slope, spread = vectors
    prior = PRIORS[name](2, True).fit(z, c, 0)
    centre = c @ slope + [1, -1]
    truth = multivariate_normal(np.zeros(2), spread).logpdf(z - centre)
    found = prior.log_density(torch.tensor(z), torch.tensor(c))
    assert found.mean() == pytest.approx(truth.mean(), abs=0.1)
    asked = np.array([1.0, -1.0])
    drawn = prior.sample(4000, repeated(asked, 4000), rng()).numpy()
    assert np.allclose(drawn.mean(axis=0), asked @ slope + [1, -1], atol=0.3)
    assert np.allclose(np.cov(drawn.T), spread, atol=0.25)


@pytest.mark.parametrize("name", ["mixture", "flow"])
def test_moons_are_likelier_than_under_a_normal(name, monkeypatch):
    monkeypatch.setattr(priors, "N_STEPS", 150)
    held_out = torch.tensor(moons(500, seed=1))
    own = PRIORS[name](2, False).fit(moons(1000), None, 0).log_density(held_out, None).mean()
    rows = moons(1000)
    normal = multivariate_normal(rows.mean(axis=0), np.cov(rows.T)).logpdf(held_out).mean()
    assert own > normal + 0.4


def test_labels_have_their_own_mixtures():
    z = bimodal(200) + 8 * labels(200)[:, 1:]
    prior = PRIORS["mixture"](1).fit(z, labels(200), 0)
    drawn = prior.sample(200, torch.tensor(labels(200)), rng()).numpy()
    assert drawn[0::2].max() < 4 < drawn[1::2].min()
    partial = PRIORS["mixture"](1).fit(z[::2], labels(200)[::2], 0)
    with pytest.raises(ValueError, match="class number 1"):
        partial.sample(2, torch.tensor(labels(2)), rng())


def test_draws_of_a_series_are_no_further_series():
    many = np.repeat(moons(12)[:, None], 50, axis=1)
    many = many + np.float32(1e-2) * np.random.default_rng(SEED).normal(size=many.shape)
    rows = many.reshape(-1, 2)
    found = PRIORS["mixture"](2).fit(many, None, 0).log_density(torch.tensor(rows), None)
    assert np.allclose(found, normal_density(rows, rows))  # twelve series are enough for one
    flow = PRIORS["flow"](2).fit(many, None, 0)
    assert torch.isfinite(flow.log_density(torch.tensor(many[:, 0]), None)).all()


@pytest.mark.parametrize(("n", "n_normals"), [(40, 8), (39, 4), (20, 4), (19, 2)])
def test_each_normal_has_five_series_a_latent(n, n_normals):
    which = np.arange(n) % 8  # pairs of pairs of pairs: each doubling of the normals pays
    centres = 1000 * (which // 4) + 100 * (which // 2 % 2) + 10 * (which % 2)
    z = centres[:, None] + 0.1 * np.random.default_rng(SEED).normal(size=(n, 1))
    found = PRIORS["mixture"](1).fit(z.astype(np.float32), None, 0)
    found = found.log_density(torch.tensor(z), None)
    fixed = {"reg_covar": priors.REG_COVAR, "n_init": 10, "random_state": SEED + 1}
    for k in (1, 2, 4, 8):
        others = GaussianMixture(k, **fixed).fit(z).score_samples(z)
        assert np.allclose(found, others, atol=1e-2) == (k == n_normals)


# -- the flow ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("latent_dim", "n_conditions"), [(1, 0), (1, 2), (2, 0), (5, 3), (8, 0)])
def test_flow_is_inverted_exactly_and_knows_its_jacobian(latent_dim, n_conditions):
    factor = np.tril(np.random.default_rng(SEED).normal(size=(latent_dim,) * 2), -1)
    factor += 1.5 * np.eye(latent_dim)
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        flow = CouplingFlow(np.arange(latent_dim), factor, n_conditions).double()
        z = torch.randn(6, 2, latent_dim, dtype=torch.float64)
        c = torch.randn(6, n_conditions, dtype=torch.float64) if n_conditions else None
        # The identity over the normal, before weights are anything.
        u, log_det = flow(z, c)
        back = u @ flow.factor.T + flow.mean
        assert torch.allclose(back, z)
        assert torch.allclose(log_det, -torch.linalg.slogdet(flow.factor)[1])
        for parameter in flow.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    u, log_det = flow(z, c)
    assert not torch.allclose(u @ flow.factor.T + flow.mean, z, atol=0.1)
    assert torch.allclose(flow.inverse(u, c), z, atol=1e-6)
    assert torch.allclose(flow(flow.inverse(z, c), c)[0], z, atol=1e-6)
    for i in range(3):
        given = None if c is None else c[i : i + 1]
        jacobian = torch.autograd.functional.jacobian(
            lambda one, given=given: flow(one[None], given)[0][0], z[i, 0]
        )
        assert torch.allclose(torch.linalg.slogdet(jacobian)[1], log_det[i, 0])


def test_flow_that_gains_nothing_stays_the_fitted_normal():
    z = np.random.default_rng(SEED).normal(size=(30, 3)).astype(np.float32)
    for rows in (z, z[:5], z[:1], z[:, :1]):
        prior = PRIORS["flow"](rows.shape[1]).fit(rows, None, 0)
        wide, n_dims = rows.astype(np.float64), rows.shape[1]
        covariance = priors.REG_COVAR * np.eye(n_dims)
        if len(rows) > 1:
            covariance += ledoit_wolf(wide)[0]
        expected = multivariate_normal(wide.mean(axis=0), covariance).logpdf(z[:, :n_dims])
        found = prior.log_density(torch.tensor(z[:, : rows.shape[1]]).double(), None)
        assert np.allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_interrupted_training_says_so(monkeypatch):
    train = GeneratorNet.partial_fit

    def interrupted(net, *args, **kwargs):
        train(net, *args, **kwargs)
        net.interrupted_ = True
        return net

    monkeypatch.setattr(GeneratorNet, "partial_fit", interrupted)
    with pytest.warns(UserWarning, match="prior was interrupted after"):
        prior = PRIORS["flow"](2).fit(moons(20), None, 0)
    assert prior.interrupted_


# -- edges and repeatability ------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("latent_dim", [1, 6])
@pytest.mark.parametrize("shape", [(1,), (1, 4), (3,), (3, 2), (12,)])
@pytest.mark.parametrize("equal", [False, True])
def test_few_or_equal_series(name, latent_dim, shape, equal, monkeypatch):
    monkeypatch.setattr(priors, "N_EPOCHS", 3)
    z = np.random.default_rng(SEED).normal(size=(*shape, latent_dim)).astype(np.float32)
    z = np.full_like(z, 0.3) if equal else z
    one_of_a_kind = np.eye(2, dtype=np.float32)[(np.arange(len(z)) == 0).astype(int)]
    level = np.linspace(-1, 1, len(z), dtype=np.float32)[:, None]
    for c, is_vector in ((None, False), (one_of_a_kind, False), (level, True)):
        prior = PRIORS[name](latent_dim, is_vector).fit(z, c, 0)
        given = None if c is None else torch.tensor(c)
        drawn = prior.sample(len(z), given, rng())
        assert drawn.shape == (len(z), latent_dim)
        assert torch.isfinite(drawn).all()
        assert torch.isfinite(prior.log_density(torch.tensor(z), given)).all()
        if equal and name != "normal":
            assert (drawn - 0.3).abs().max() < 0.1


def test_few_series_are_not_taken_for_all_there_is():
    z = np.random.default_rng(SEED).normal(size=(300, 8)).astype(np.float32)
    for name in ("mixture", "flow"):
        prior = PRIORS[name](8, False).fit(z[:5], None, 0)
        assert prior.log_density(torch.tensor(z), None).mean() > -30


@pytest.mark.parametrize("name", NAMES)
def test_repeatable_copied_pickled_and_no_global_streams(name, monkeypatch):
    monkeypatch.setattr(priors, "N_STEPS", 40)
    z, c = moons(200), labels(200)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    prior = PRIORS[name](2, False).fit(z, c, 3)
    again = PRIORS[name](2, False).fit(z, c, 3)
    given = torch.tensor(c)
    drawn, density = prior.sample(200, given, rng(1)), prior.log_density(torch.tensor(z), given)
    for other in (again, copy.deepcopy(prior), pickle.loads(pickle.dumps(prior))):
        assert torch.equal(other.sample(200, given, rng(1)), drawn)
        assert torch.equal(other.log_density(torch.tensor(z), given), density)
    assert not torch.equal(prior.sample(200, given, rng(2)), drawn)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
