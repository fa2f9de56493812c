"""Densities of series with missing values are those of what is there."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

from sklearn_timegen import VAE, CategoricalForcing, FlowMatching, PCAMixture, TeacherForcing
from sklearn_timegen.rules import Order, Structure
from sklearn_timegen.rules.filling import NormalFiller

from .global_seed import GLOBAL_RANDOM_SEED as SEED

T, D = 4, 2
CELLS = T * D


@pytest.fixture(scope="module")
def normal():
    """Normal series, their mean and covariance."""
    rng = np.random.default_rng(SEED)
    root = rng.normal(size=(CELLS, CELLS))
    mean, covariance = np.arange(CELLS), root @ root.T / CELLS + 0.2 * np.eye(CELLS)
    X = rng.multivariate_normal(mean, covariance, 8000).reshape(-1, T, D).astype(np.float32)
    return X, mean, covariance


@pytest.fixture(scope="module")
def known():
    mask = np.random.default_rng(SEED + 1).random((40, T, D)) < 0.6
    mask[0], mask[1] = True, False
    return mask


def with_gaps(X, known):
    return np.where(known, X[: len(known)], np.float32(np.nan))


def closed_form(normal, known):
    X, mean, covariance = normal
    densities = []
    for row, mask in zip(
        X[: len(known)].reshape(-1, CELLS), known.reshape(-1, CELLS), strict=True
    ):
        inner = covariance[np.ix_(mask, mask)]
        one = multivariate_normal(mean[mask], inner) if mask.any() else None
        densities.append(one.logpdf(row[mask]) if one else 0.0)
    return np.array(densities)


@pytest.mark.parametrize("representation", ["standard", "minmax"])
def test_a_mixture_has_the_exact_density_of_what_is_there(normal, known, representation):
    mixture = PCAMixture(
        n_mixture_components=1, representation=representation, rules=None, random_state=SEED
    ).fit(normal[0])
    densities = mixture.score_samples(with_gaps(normal[0], known))
    assert_allclose(densities, closed_form(normal, known), atol=0.3)
    assert densities[0] == pytest.approx(mixture.score_samples(normal[0][:1])[0])
    assert densities[1] == pytest.approx(0, abs=1e-6)


def test_fills_agree_with_the_exact_density(normal, known):
    """A change of basis leaves the density of normal series as it is, but no cells apart."""
    mixture = PCAMixture(
        n_mixture_components=1, representation="cosine", rules=None, random_state=SEED
    ).fit(normal[0])
    densities = mixture.score_samples(with_gaps(normal[0], known))
    assert_allclose(densities, closed_form(normal, known), atol=1.0)
    assert abs((densities - closed_form(normal, known)).mean()) < 0.2


def test_densities_of_regimes_are_weighted(normal, known):
    X = np.concatenate([normal[0], 5 + 2 * normal[0]])
    y = np.repeat(["calm", "wild"], len(normal[0]))
    mixture = PCAMixture(conditional=True, n_mixture_components=1, rules=None).fit(X, y)
    gaps = with_gaps(normal[0], known)
    each = [mixture.score_samples(gaps, label) for label in ("calm", "wild")]
    assert_allclose(mixture.score_samples(gaps), np.logaddexp(*each) - np.log(2), atol=1e-9)
    assert_allclose(each[0], closed_form(normal, known), atol=0.3)


@pytest.mark.parametrize(
    "generator",
    [
        TeacherForcing(hidden_dim=8, n_components=1, max_epochs=3),
        CategoricalForcing(hidden_dim=8, head_dim=4, max_epochs=3),
        FlowMatching(
            hidden_dim=8, n_layers=1, max_epochs=2, n_latent_steps=2, representation="standard"
        ),
        VAE(hidden_dims=(8,), encoder="dense", decoder="dense", latent_dim=2, max_epochs=2),
    ],
    ids=lambda generator: type(generator).__name__,
)
def test_networks_score_what_is_there(normal, known, generator):
    X, known = normal[0][:120], known[:10]
    model = generator.set_params(rules=None, random_state=SEED).fit(X)
    gaps = with_gaps(X, known)
    densities = model.score_samples(gaps)
    assert np.isfinite(densities).all()
    assert_allclose(densities[0], model.score_samples(X[:1])[0], rtol=1e-5)
    assert np.array_equal(densities, model.score_samples(gaps))
    assert_allclose(model.score_samples(gaps[5:9]), densities[5:9], rtol=1e-5)


def test_a_density_of_fills_is_the_conditional_normal():
    rng = np.random.default_rng(SEED)
    z = rng.normal(size=(4000, 2))
    u = np.stack([z[:, 0], 3 + 2 * (0.6 * z[:, 0] + 0.8 * z[:, 1]), np.full(4000, 7.0)], 1)[
        ..., None
    ]
    filler = NormalFiller().fit([u])
    holes = u.copy()
    holes[:, 1:] = np.nan
    drawn, log_q = filler.draw_with_density(holes, 1)
    expected = multivariate_normal(0, 1.6**2).logpdf(drawn[:, 1, 0] - 3 - 1.2 * u[:, 0, 0])
    assert_allclose(log_q, expected, atol=0.5)
    assert abs((log_q - expected).mean()) < 0.05
    other, _ = filler.draw_with_density(holes, 2)
    assert (other[:, 1] != drawn[:, 1]).all()


def test_what_has_no_density_says_so(normal, known):
    X = normal[0][:200]
    holes = X.copy()
    holes[::3, 2, 1] = np.nan
    with pytest.raises(TypeError, match=r"channel 1 is missing .* missing='complete'"):
        PCAMixture(rules=None).fit(holes).score_samples(X)
    complete = PCAMixture(rules=None, missing="complete").fit(holes)
    assert np.isfinite(complete.score_samples(holes)).all()
    ends = X.copy()
    ends[::2, 3:] = np.nan
    with pytest.raises(TypeError, match="cut them to one length"):
        PCAMixture(rules=None).fit(ends).score_samples(X)


def test_known_values_without_a_coordinate_have_no_density():
    low = np.random.default_rng(SEED).normal(size=(100, T))
    x = np.stack([low, low + np.exp(low)], axis=2).astype(np.float32)
    structure = Structure([Order(0, 1)])
    structure.fit_transform(x)
    whole = structure.log_abs_det_jacobian(x)
    above, others = x.copy(), x.copy()
    above[:, [0, 2, 3]] = np.nan
    others[:, 1, 1] = np.nan  # the lower one is told without what is above it
    parts = [structure.log_abs_det_jacobian(part) for part in (above, others)]
    assert_allclose(np.sum(parts, axis=0), whole, atol=1e-9)
    x[:, 1, 0] = np.nan
    with pytest.raises(TypeError, match="has no coordinate"):
        structure.log_abs_det_jacobian(x)
