"""The mixture that a flow's network is added to: against sums over series, and closed forms."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from sklearn_timegen import FlowMatching
from sklearn_timegen.flow import baseline
from sklearn_timegen.flow.baseline import Baseline, fit_mixture
from sklearn_timegen.flow.normal import normal_of
from sklearn_timegen.flow.paths import PATHS, PREDICTIONS

from .flows import Dense, Identity, covariance_of, known_flow, normal_series
from .global_seed import GLOBAL_RANDOM_SEED as SEED

SHAPE = (3, 2)


def two_groups(n, seed=0, apart=6.0):
    """Two groups of normal series, and of which each is."""
    rng = np.random.default_rng(SEED + seed)
    y = np.arange(n) % 2
    x = rng.normal(size=(n, 6)) @ np.linalg.cholesky(covariance_of(6)).T
    return (x + apart * y[:, None]).reshape(n, *SHAPE).astype(np.float32), y


def fitted(v, labels=None, path="linear", prediction="preconditioned"):
    varies = (v != v[:1]).any(axis=0)
    normal = normal_of(v, varies)
    mixture = fit_mixture(v, varies, normal, labels, SEED)
    tensors = tuple(torch.from_numpy(part).float() for part in normal)
    return Baseline(mixture, PATHS[path], PREDICTIONS[prediction]), tensors


def by_sums(v, x_t, path, t):
    """Both ends behind points of the path, by weighing all series by how near they are."""
    alpha, sigma = float(PATHS[path].alpha(t)), float(PATHS[path].sigma(t))
    rows, x_t = v.reshape(len(v), -1), x_t.reshape(len(x_t), -1)
    square = ((x_t[:, None] - alpha * rows) ** 2).sum(axis=2) / sigma**2
    weight = np.exp(-0.5 * (square - square.min(axis=1, keepdims=True)))
    x_1 = weight @ rows / weight.sum(axis=1, keepdims=True)
    return x_1, (x_t - alpha * x_1) / sigma


@pytest.mark.parametrize("path", sorted(PATHS))
@pytest.mark.parametrize("prediction", sorted(PREDICTIONS))
def test_the_estimate_is_the_mean_of_series_behind_a_point(path, prediction):
    v, _ = two_groups(20_000)
    baseline, normal = fitted(v[:4000], path=path, prediction=prediction)
    assert len(baseline.means) == 2
    t = torch.tensor(0.5)
    rng = np.random.default_rng(SEED)
    noise = rng.normal(size=(50, *SHAPE)).astype(np.float32)
    alpha, sigma = PATHS[path].alpha(t), PATHS[path].sigma(t)
    x_t = alpha * torch.from_numpy(v[:50]) + sigma * torch.from_numpy(noise)
    f = baseline(x_t, t.expand(50), None, normal)
    ends = PREDICTIONS[prediction].predict_ends(PATHS[path], x_t, f, t.expand(50))
    for found, expected in zip(ends, by_sums(v, x_t.numpy(), path, t), strict=True):
        gap = found.numpy().reshape(50, -1) - expected
        assert np.sqrt((gap**2).mean()) < 0.15 * expected.std()


def test_both_ends_are_finite_at_both_ends_of_the_path():
    v, _ = two_groups(400)
    baseline, normal = fitted(v)
    x = torch.from_numpy(v[:20])
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(SEED))
    assert torch.allclose(  # noise says nothing of the series, and F is the mean
        baseline(noise, torch.zeros(20), None, normal).flatten(1), normal[0], atol=1e-4
    )
    assert torch.isfinite(baseline(x, torch.ones(20), None, normal)).all()


def test_a_flow_whose_network_says_nothing_is_the_mixture():
    v = normal_series(800, SHAPE)
    flow = known_flow(v, baseline="mixture", representation=Identity(), n_latent_steps=64)
    rows = v.reshape(800, -1)
    expected = multivariate_normal(rows.mean(axis=0), np.cov(rows.T)).logpdf(rows[:20])
    assert flow.score_samples(v[:20], n_probes=None) == pytest.approx(expected, abs=0.15)
    drawn = flow.sample(4000).reshape(4000, -1)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(rows.T)), (drawn - rows.mean(axis=0)).T)
    assert np.cov(white) == pytest.approx(np.eye(6), abs=0.25)


def test_groups_come_out_apart_and_labels_choose_between_them():
    v, y = two_groups(1000)
    free = known_flow(v, baseline="mixture", representation=Identity(), n_steps=16)
    means = free.sample(400).mean(axis=(1, 2))
    assert ((means < 2) | (means > 4)).mean() > 0.97  # none between 0 and 6
    assert 0.4 < (means > 3).mean() < 0.6
    settings = {"representation": Identity(), "conditional": True, "n_steps": 16}
    chosen = known_flow(v, y, baseline="mixture", **settings)
    labels = np.repeat([0, 1], 50)
    means = chosen.sample(100, y=labels).mean(axis=(1, 2))
    assert ((means > 3) == labels).mean() > 0.98


def test_cells_that_stand_still_have_no_part():
    v, _ = two_groups(400)
    v[:, 1, 0] = 3
    baseline, normal = fitted(v)
    assert baseline.means.shape[1] == 5
    x, t = torch.from_numpy(v[:5]), torch.full((5,), 0.7)
    moved = x.clone()
    moved[:, 1, 0] = -7
    assert torch.equal(baseline(x, t, None, normal), baseline(moved, t, None, normal))


def test_there_is_a_mixture_only_where_asked_and_possible():
    v, _ = two_groups(40)
    vectors = v[:, 0]
    settings = {"network": Dense, "max_epochs": 1, "rules": None, "random_state": SEED}
    assert FlowMatching(**settings).fit(v).flow_.field.baseline is None
    settings["baseline"] = "mixture"
    assert FlowMatching(**settings).fit(v).flow_.field.baseline is not None
    given = FlowMatching(conditional=True, **settings).fit(v, vectors)
    assert len(given.flow_.field.baseline.probabilities) == 1  # vectors are the network's matter
    rng = np.random.default_rng(SEED)
    wide = rng.normal(size=(4, 1100, 2))
    assert FlowMatching(**settings).fit(wide).flow_.field.baseline is None
    with pytest.raises(ValueError, match="baseline"):
        FlowMatching(baseline="normal").fit(v)


def test_the_network_learns_what_the_mixture_does_not_say(monkeypatch):
    monkeypatch.setattr(baseline, "PER_SCORE", 150)  # two normals at most, for a ring
    angle = np.random.default_rng(SEED).uniform(0, 2 * np.pi, 600)
    v = np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, None].astype(np.float32)
    settings = {"representation": Identity(), "rules": None, "n_steps": 8, "random_state": SEED}
    sizes = {"hidden_dim": 32, "n_layers": 1, "max_epochs": 120}
    alone = known_flow(v, baseline="mixture", **settings)
    flow = FlowMatching(**sizes, baseline="mixture", **settings).fit(v)
    off = [
        np.abs(np.linalg.norm(one.sample(500)[:, 0], axis=1) - 1).mean() for one in (alone, flow)
    ]
    assert off[1] < 0.5 * off[0]
