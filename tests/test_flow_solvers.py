"""Solvers of flows and the density along them, on flows that are known in closed form."""

import numpy as np
import pytest
import scipy.linalg
import torch
from scipy.stats import multivariate_normal

from sklearn_timegen.flow._density import hutchinson_probes
from sklearn_timegen.flow.normal import Normal

from .flows import (
    Flow,
    covariance_of,
    known_flow,
    normal_field,
    normal_flow,
    normal_series,
    seeded,
    solve,
    times,
)
from .global_seed import GLOBAL_RANDOM_SEED as SEED

ORDERS = {"euler": 1, "ddim": 1, "midpoint": 2, "heun": 2, "dpm": 2, "rk4": 4}


def noise(n, shape, seed=0):
    return torch.randn(n, *shape, dtype=torch.float64, generator=seeded(seed))


# -- solvers ----------------------------------------------------------------------------------


def error_of(solver, path, n_steps, *, backwards=False):
    """Error, by the size of the noise, in leading it to normal cells: z -> tau z."""
    tau = torch.tensor([[0.3, 0.7], [1.5, 2.5]], dtype=torch.float64)
    flow = Flow(normal_field(torch.diag(tau.flatten() ** 2), (2, 2), path))
    z = noise(20, (2, 2))
    if backwards:
        found = solve(flow, tau * z, times(n_steps, backwards=True), solver)
        return float((found / z - 1).abs().max())
    return float((solve(flow, z, times(n_steps), solver) / z - tau).abs().max())


@pytest.mark.parametrize("path", ["linear", "cosine"])
@pytest.mark.parametrize("solver", ORDERS)
def test_the_error_of_solvers_falls_at_their_order(solver, path):
    steps = (40, 80) if solver == "rk4" else (48, 96)
    coarse, fine = (error_of(solver, path, n) for n in steps)
    # On the straight path, symmetry gives the midpoint one order more than it promises.
    order = ORDERS[solver] + (solver == "midpoint" and path == "linear")
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.4)
    assert fine < 0.1


@pytest.mark.parametrize("solver", ORDERS)
def test_solvers_go_backwards(solver):
    coarse, fine = (error_of(solver, "linear", n, backwards=True) for n in (30, 60))
    assert fine < 0.3
    assert coarse / fine > 1.7


@pytest.mark.parametrize("solver", ["ddim", "dpm", "heun"])
def test_solvers_find_the_end_of_the_path_of_ddpm(solver):
    coarse, fine = (error_of(solver, "ddpm", n) for n in (25, 100))
    assert fine < min(0.15, coarse / 2)


def knowing(flow, mean, covariance):
    variances, directions = np.linalg.eigh(covariance)
    flow.field.know_normal(Normal(mean, directions, variances))
    flow.field.double()
    return flow


@pytest.mark.parametrize("path", ["linear", "cosine"])
def test_the_exponential_solver_takes_the_flow_of_the_normal_distribution_exactly(path):
    covariance = covariance_of(6)
    flow = knowing(Flow(normal_field(covariance, (3, 2), path)), np.zeros(6), covariance)
    z = noise(20, (3, 2))
    root = torch.from_numpy(scipy.linalg.sqrtm(covariance))
    expected = (z.flatten(1) @ root).reshape(z.shape)
    assert torch.allclose(solve(flow, z, times(1), "exponential"), expected, atol=1e-5)
    assert (solve(flow, z, times(1), "midpoint") - expected).abs().max() > 0.1


def test_the_exponential_solver_is_of_second_order_beyond_it():
    covariance = covariance_of(6)
    z, errors = noise(20, (3, 2)), []
    exact = solve(Flow(normal_field(covariance, (3, 2))), z, times(400), "rk4")
    for n in (24, 48):
        mistaken = covariance + 0.5 * np.eye(6)
        flow = knowing(Flow(normal_field(covariance, (3, 2))), 0.3 * np.ones(6), mistaken)
        errors.append(float((solve(flow, z, times(n), "exponential") - exact).abs().max()))
    assert errors[1] < 0.02
    assert np.log2(errors[0] / errors[1]) > 1.6


def test_there_and_back_again():
    flow, z = Flow(normal_field(covariance_of(6), (3, 2))), noise(5, (3, 2))
    there = solve(flow, z, times(40, 2.0), "rk4")
    assert torch.allclose(solve(flow, there, times(40, 2.0, backwards=True), "rk4"), z, atol=1e-4)
    assert (there - z).abs().max() > 0.1


def test_on_the_straight_path_ddim_is_euler():
    flow, z = Flow(normal_field(covariance_of(6), (3, 2))), noise(5, (3, 2))
    both = [solve(flow, z, times(7), name) for name in ("ddim", "euler")]
    assert torch.allclose(*both)
    curved = Flow(normal_field(covariance_of(6), (3, 2), "cosine"))
    both = [solve(curved, z, times(7), name) for name in ("ddim", "euler")]
    assert not torch.allclose(*both, atol=1e-3)


@pytest.mark.parametrize("path", ["linear", "cosine", "ddpm"])
def test_ddpm_draws_the_right_variance_by_new_noise(path):
    tau = torch.tensor([[0.4], [1.0], [2.0]], dtype=torch.float64)
    flow = Flow(normal_field(torch.diag(tau.flatten() ** 2), (3, 1), path))
    z = noise(4000, (3, 1))
    made = solve(flow, z, times(100), "ddpm", seeded(1))
    assert (made.std(dim=0) / tau).flatten().tolist() == pytest.approx([1, 1, 1], abs=0.1)
    assert (made * z).mean(dim=0).abs().max() < 0.2
    again = solve(flow, z, times(100), "ddpm", seeded(1))
    assert torch.equal(made, again)


def test_times_are_denser_near_the_series():
    assert times(4) == [0, 0.25, 0.5, 0.75, 1]
    assert times(2, 2.0) == [0, 0.75, 1]
    assert times(2, 2.0, backwards=True) == [1, 0.75, 0]


# -- density ----------------------------------------------------------------------------------


def test_the_density_of_whitened_normal_series():
    X = normal_series(500, (3, 2))
    flow = known_flow(X, representation="pca", n_latent_steps=6)
    rows = X.reshape(500, -1).astype(np.float64)
    true = multivariate_normal(rows.mean(axis=0), np.cov(rows.T, bias=True)).logpdf(rows[:20])
    for n_probes in (None, 3):
        assert flow.score_samples(X[:20], n_probes=n_probes) == pytest.approx(true, abs=2e-3)


def test_the_density_of_a_linear_flow():
    covariance = covariance_of(4)
    flow = normal_flow(covariance, (2, 2))
    x = np.random.default_rng(SEED + 1).normal(size=(5, 2, 2))
    true = multivariate_normal(np.zeros(4), covariance).logpdf(np.float32(x).reshape(5, -1))
    errors = []
    for n_steps in (4, 8, 16):
        found = flow.set_params(n_latent_steps=n_steps).score_samples(x, n_probes=None)
        errors.append(np.abs(found - true).max())
    assert errors[2] < 5e-3
    assert errors[0] > 5 * errors[1] > 25 * errors[2]
    assert flow.score_samples(x, n_probes=4) == pytest.approx(found, abs=1e-9)
    assert np.abs(flow.score_samples(x, n_probes=2) - found).max() > 1e-4


def test_estimated_densities_are_right_on_average():
    flow = normal_flow(covariance_of(6), (3, 2), n_latent_steps=1)
    x = np.random.default_rng(SEED + 1).normal(size=(1, 3, 2))
    exact = flow.score_samples(x, n_probes=None)[0]
    found = [flow.score_samples(x, n_probes=2, random_state=k)[0] for k in range(30)]
    assert np.mean(found) == pytest.approx(exact, abs=4 * np.std(found) / 30**0.5)
    assert np.std(found) > 0.05
    assert flow.score_samples(x) == flow.score_samples(x, random_state=SEED)


def test_probes_are_orthogonal_and_leave_out_what_never_varies():
    varies = np.ones((3, 2), dtype=bool)
    varies[1, 1] = False
    e = hutchinson_probes(varies, 3, seeded(0)).flatten(1)
    assert torch.allclose(e @ e.T, 5 * torch.eye(3, dtype=torch.float64))
    assert e[:, 3].abs().max() == 0
    many = [hutchinson_probes(varies, 2, seeded(k)).flatten(1) for k in range(400)]
    mean = sum(e.T @ e for e in many) / 800
    assert torch.allclose(mean, torch.diag(torch.from_numpy(varies).flatten().double()), atol=0.2)


def test_what_never_varies_has_no_density_and_no_latent():
    X = normal_series(200, (4, 1))
    plain = known_flow(X, representation="standard", n_latent_steps=6)
    more = np.concatenate([X, np.full_like(X, 7.0), X, 2 * X - 1], axis=2)
    wide = known_flow(more, representation="standard", n_latent_steps=6)
    assert wide.transform(more).shape == (200, 4)
    assert wide.score_samples(more) == pytest.approx(plain.score_samples(X))
    assert wide.transform(more) == pytest.approx(plain.transform(X), abs=1e-6)
    X[:, 2] = 5.0  # a cell, and no channel
    held = known_flow(X, representation="standard", n_latent_steps=6)
    short = known_flow(X[:, [0, 1, 3]], representation="standard", n_latent_steps=6)
    assert held.score_samples(X) == pytest.approx(short.score_samples(X[:, [0, 1, 3]]))
    assert (held.sample(20)[:, 2] == 5).all()
