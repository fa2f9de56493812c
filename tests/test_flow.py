"""Flows: latents, guidance, what may change after ``fit``, what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import logsumexp
from torch import nn

from sklearn_timegen import Diffusion, FlowMatching
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.flow.networks import FIELDS

from .flows import (
    SOLVERS,
    Dense,
    Flow,
    Identity,
    Normal,
    Switch,
    Zero,
    covariance_of,
    field_of,
    known_flow,
    normal_flow,
    normal_series,
    seeded,
    solve,
    times,
)
from .global_seed import GLOBAL_RANDOM_SEED as SEED

TINY = {"hidden_dim": 8, "n_layers": 1, "max_epochs": 1, "random_state": SEED}


@pytest.fixture(scope="module")
def X():
    return make_sines(40, 8, 2, random_state=SEED)


@pytest.fixture(scope="module")
def flow(X):
    fixed = {"max_epochs": 30, "lr": 1e-2, "batch_size": 20, "random_state": SEED}
    fixed["representation"] = "cosine-quantile"
    return FlowMatching(network=Dense, n_latent_steps=16, **fixed).fit(X)


@pytest.fixture(scope="module")
def conditional(X):
    fixed = {"max_epochs": 30, "lr": 1e-2, "batch_size": 20, "random_state": SEED}
    fixed["representation"] = "cosine-quantile"
    fixed["n_latent_steps"] = 4
    y = np.arange(40) % 4 == 0
    return FlowMatching(network=Dense, conditional=True, **fixed).fit(X + y[:, None, None], y)


def noise(n, shape, seed=0):
    return torch.randn(n, *shape, dtype=torch.float64, generator=seeded(seed))


# -- latents ----------------------------------------------------------------------------------


def test_series_come_back_from_their_latents_the_nearer_the_more_steps(flow, X):
    errors = []
    for n_steps in (4, 8, 16):
        flow.set_params(n_latent_steps=n_steps)
        errors.append(np.abs(flow.reconstruct(X) - X).max())
    assert errors[0] > 8 * errors[1] > 64 * errors[2]
    assert errors[2] < 1e-5
    z = flow.transform(X)
    assert z.shape == (40, 16)
    assert z.dtype == np.float32
    assert np.array_equal(flow.inverse_transform(z), flow.reconstruct(X))


def test_latents_of_a_normal_flow_are_whitened():
    covariance = covariance_of(6)
    flow = normal_flow(covariance, (3, 2))
    variances, axes = np.linalg.eigh(covariance)
    x = np.random.default_rng(SEED + 1).normal(size=(5, 6))
    z = x @ axes / np.sqrt(variances) @ axes.T
    assert flow.transform(x.reshape(5, 3, 2)) == pytest.approx(z, abs=2e-3)
    assert flow.inverse_transform(z).reshape(5, 6) == pytest.approx(x, abs=2e-3)


@pytest.mark.parametrize("solver", sorted(set(SOLVERS) - {"ddpm"}))
def test_samples_are_what_their_noise_flows_into(solver):
    flow = normal_flow(covariance_of(6), (3, 2), solver=solver, n_steps=40)
    z = flow.transform(flow.sample(500))
    assert np.cov(z.T) == pytest.approx(np.eye(6), abs=0.25)
    flow.set_params(n_steps=80)
    assert np.abs(flow.transform(flow.sample(500)) - z).max() < 0.2  # the same noise


def test_interpolation_keeps_noise_as_far_from_zero_as_it_is(flow, X):
    ways = flow.interpolate(X[:3], X[3:6], n=5)
    assert ways.shape == (3, 5, 8, 2)
    assert np.allclose(ways[:, 0], flow.reconstruct(X[:3]), atol=1e-4)
    assert np.allclose(ways[:, -1], flow.reconstruct(X[3:6]), atol=1e-4)
    rng = np.random.default_rng(SEED)
    a, b = rng.normal(size=(2, 4, 50)).astype(np.float32)
    b[0], b[1], b[2] = a[0], 2 * a[1], b[2] / np.linalg.norm(b[2]) * np.linalg.norm(a[2])
    # Series that are their own latents.
    same = normal_flow(np.eye(50), (25, 2), n_latent_steps=32)
    arcs = same.interpolate(a.reshape(4, 25, 2), b.reshape(4, 25, 2), n=5).reshape(4, 5, 50)
    lengths = np.linalg.norm(arcs, axis=2)
    assert lengths[2] == pytest.approx([lengths[2, 0]] * 5, rel=1e-5)
    assert arcs[0] == pytest.approx(np.repeat(a[:1], 5, axis=0), abs=1e-5)
    assert arcs[1] == pytest.approx(np.linspace(1, 2, 5)[:, None] * a[1], abs=1e-4)
    steps = (arcs[2, 1:] * arcs[2, :-1]).sum(axis=1)
    assert steps == pytest.approx([steps[0]] * 4, rel=1e-4)  # at equal angles


def test_without_y_latents_are_those_of_the_flow_without_conditions(X):
    y = np.arange(40) % 2
    network = lambda *sizes: Switch(0.7, 0.0, *sizes)  # noqa: E731
    flow = known_flow(X, y, network=network, conditional=True, n_latent_steps=8)
    free = known_flow(X, n_latent_steps=8)
    assert flow.transform(X) == pytest.approx(free.transform(X), abs=1e-5)
    assert np.abs(flow.transform(X, y) - free.transform(X)).min() > 0.1
    assert flow.inverse_transform(free.transform(X)) == pytest.approx(X, abs=1e-4)
    for given in (y, 1, None):
        assert flow.reconstruct(X, given) == pytest.approx(X, abs=1e-4)
    assert flow.interpolate(X[:2], X[2:4], 3, y=1)[:, 0] == pytest.approx(X[:2], abs=1e-4)
    strict = known_flow(X, y, network=network, conditional=True, condition_dropout=0.0)
    strict.set_params(n_latent_steps=8)
    for method in (strict.transform, strict.reconstruct):
        with pytest.raises(ValueError, match="condition_dropout=0 trains none"):
            method(X)
    assert np.array_equal(strict.transform(X, y), flow.transform(X, y))


def test_without_y_the_density_is_averaged_over_labels(conditional, X):
    labels = conditional.classes_
    each = [conditional.score_samples(X[:5], y=label, n_probes=None) for label in labels]
    mixed = logsumexp(np.stack(each) + np.log([[0.75], [0.25]]), axis=0)
    assert conditional.score_samples(X[:5], n_probes=None) == pytest.approx(mixed)
    assert np.abs(each[0] - each[1]).min() > 1e-3
    guided = conditional.score_samples(X[:5], y=True)
    conditional.set_params(guidance=3.0)
    assert np.array_equal(conditional.score_samples(X[:5], y=True), guided)
    conditional.set_params(guidance=1.0)


# -- guidance ---------------------------------------------------------------------------------


@pytest.mark.parametrize("guidance", [0.0, 0.5, 1.0, 3.0])
def test_guidance_adds_what_the_condition_adds(guidance):
    a, b = 0.3, -0.2
    x, c = noise(4, (3, 2)), torch.ones(4, 2, dtype=torch.float64)
    network = Switch(a, b)
    flow = Flow(field_of(network, (3, 2)), c, guidance)
    simple = Flow(field_of(lambda x, t, c: torch.full_like(x, b + guidance * (a - b)), (3, 2)))
    assert torch.allclose(flow.velocity(x, 0.3), simple.velocity(x, 0.3))
    assert network.n_calls == (1 if guidance in (0.0, 1.0) else 2)
    for solver in ("dpm", "heun"):
        assert torch.allclose(*(solve(f, x, times(5), solver) for f in (flow, simple)))


def test_samples_follow_guidance_set_after_fit(X):
    y = np.arange(40) % 2
    flow = known_flow(X, y, network=lambda *sizes: Switch(0.4, 0.1), conditional=True)
    network = flow.net_.module_.network
    network.n_calls = 0
    plain = flow.sample(5, y=1)
    assert network.n_calls == 2 * flow.n_steps  # of the exponential solver
    guided = flow.set_params(guidance=2.0).sample(5, y=1)
    assert network.n_calls == 6 * flow.n_steps
    assert not np.allclose(guided, plain, atol=0.01)
    other = known_flow(X, y, network=lambda *sizes: Switch(0.7, 0.1), conditional=True)
    assert guided == pytest.approx(other.sample(5, y=1), abs=1e-5)


# -- after fit --------------------------------------------------------------------------------


@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("made", [FlowMatching, Diffusion])
def test_every_solver_draws(X, made, solver, n_steps):
    fitted = made(network=Dense, max_epochs=1, random_state=SEED).fit(X)
    S = fitted.set_params(solver=solver, n_steps=n_steps).sample(4)
    assert S.shape == (4, 8, 2)
    assert np.isfinite(S).all()
    assert np.array_equal(S, fitted.sample(4))
    assert not np.array_equal(S, fitted.sample(4, random_state=SEED + 1))


def test_what_is_set_after_fit_counts(flow):
    before = flow.sample(3)
    assert not np.array_equal(flow.set_params(n_steps=3).sample(3), before)
    three = flow.sample(3)
    assert not np.array_equal(flow.set_params(solver="heun").sample(3), three)
    flow.set_params(solver="exponential", n_steps=4)
    assert np.array_equal(flow.sample(3), before)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_steps": 0}, "'n_steps' parameter of FlowMatching.*Got 0"),
        ({"n_steps": 2.5}, "'n_steps' parameter of FlowMatching.*Got 2.5"),
        ({"solver": "rk45"}, "'solver'(?=.*'ddim')(?=.*'rk4').*Got 'rk45'"),
        ({"guidance": -1.0}, "'guidance'.*Got -1.0"),
        ({"guidance": 2.0}, "guidance=2.0 needs conditional=True"),
        ({"n_latent_steps": 0}, "'n_latent_steps'.*Got 0"),
    ],
)
def test_what_cannot_be_is_refused_before_and_after_fit(flow, X, params, message):
    with pytest.raises(ValueError, match=message):
        FlowMatching(**TINY, **params).fit(X)
    before = {name: getattr(flow, name) for name in params}
    flow.set_params(**params)
    if "n_latent_steps" in params:
        calls = [flow.transform, flow.score_samples, flow.reconstruct]
    else:
        calls = [lambda X: flow.sample(2)]
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call(X)
    flow.set_params(**before)


# -- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"path": "curved"}, "'path'.*'cosine'.*Got 'curved'"),
        ({"prediction": "score"}, "'prediction'.*'velocity'.*Got 'score'"),
        ({"coupling": "sinkhorn"}, "'coupling'.*'optimal'.*Got 'sinkhorn'"),
        ({"network": "mlp"}, "'network'.*'u-net'.*Got 'mlp'"),
        ({"time_std": 0.0}, "'time_std'.*Got 0.0"),
        ({"ema_decay": 1.0}, "'ema_decay'.*Got 1.0"),
        ({"lr_end": 1.5}, "'lr_end'.*Got 1.5"),
        ({"condition_dropout": 1.0}, "'condition_dropout'.*Got 1.0"),
        ({"max_epochs": 0}, "'max_epochs'.*Got 0"),
        ({"fourier_weight": 1.0}, "fourier_weight=1.0 needs .* OwnScaleTransform.* has none"),
        ({"fourier_weight": 1.0, "representation": "pca"}, "fourier_weight=1.0 needs"),
        ({"network": "u-net", "representation": "cosine"}, "'u-net' slides along time.*'cosine'"),
        ({"network": lambda *s: nn.Linear(2, 2)}, "forward.* positional arguments"),
        ({"condition_dropout": 0.0, "guidance": 2.0, "conditional": True}, "condition_dropout=0"),
    ],
)
def test_settings_that_cannot_be(X, params, message):
    with pytest.raises((ValueError, TypeError), match=message):
        FlowMatching(**{**TINY, **params}).fit(X, np.arange(40) % 2)


class Narrow(Zero):
    def forward(self, x, t, c=None):
        return self.weight * x[:, :, :1]


def test_a_network_of_the_wrong_shape_is_refused(X):
    with pytest.raises(ValueError, match=r"network returns \(Narrow\).*\(2, 8, 2\).*\(2, 8, 1\)"):
        known_flow(X, network=Narrow)


def test_optimal_coupling_needs_labels(X):
    vectors = np.random.default_rng(SEED).normal(size=(40, 2))
    params = {"network": Dense, "coupling": "optimal", "conditional": True, "max_epochs": 2}
    params["representation"] = "standard"
    with pytest.raises(ValueError, match="coupling='optimal' needs conditions that are labels"):
        FlowMatching(**params).fit(X, vectors)
    fitted = FlowMatching(**params).fit(X, np.arange(40) % 2)
    assert fitted.sample(2, y=1).shape == (2, 8, 2)
    plain = FlowMatching(**{**params, "coupling": "independent"}).fit(X, vectors)
    assert plain.sample(2, y=vectors[:2]).shape == (2, 8, 2)
    with pytest.raises(ValueError, match="y is missing.*a vector"):
        plain.score_samples(X)


def test_values_that_are_not_finite_are_refused(flow, X):
    bad = X.copy()
    bad[3, 2, 1] = np.inf
    for method in (FlowMatching(**TINY).fit, flow.transform, flow.score_samples, flow.partial_fit):
        with pytest.raises(ValueError, match="1 inf.*sample 3, timestep 2, channel 1"):
            method(bad)
    with pytest.raises(ValueError, match="Z has 3 columns.*16 latents"):
        flow.inverse_transform(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="n_probes must be an integer of at least 1, got 0"):
        flow.score_samples(X, n_probes=0)


@pytest.mark.parametrize("network", FIELDS)
@pytest.mark.parametrize("shape", [(1, 1), (9, 1), (11, 40)])
def test_sizes_of_every_kind(network, shape):
    X = np.random.default_rng(SEED).normal(size=(12, *shape))
    sizes = {"n_steps": 2, "n_latent_steps": 2, "representation": "standard"}
    flow = FlowMatching(**TINY, network=network, **sizes).fit(X)
    assert flow.sample(2).shape == (2, *shape)
    assert np.isfinite(flow.score_samples(X[:2], n_probes=1)).all()


def test_long_windows_get_a_network_that_slides():
    X = np.random.default_rng(SEED).normal(size=(6, 1000, 1))
    flow = FlowMatching(**TINY, n_steps=1).fit(X)
    assert type(flow.net_.module_.network).__name__ == "UNet"
    assert flow.representation_.__class__.__name__ == "QuantileScaler"
    assert flow.sample(2).shape == (2, 1000, 1)
    short = FlowMatching(**TINY, representation="cosine").fit(X)
    assert type(short.net_.module_.network).__name__ == "ChannelTransformer"
    assert type(FlowMatching(**TINY).fit(X[:, :128]).net_.module_.network) is type(
        short.net_.module_.network
    )


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_one_series_and_frames():
    one = FlowMatching(**TINY, n_steps=2).fit(np.arange(4.0)[None])
    assert one.sample(3) == pytest.approx(np.tile(np.arange(4.0), (3, 1)), abs=1e-5)
    frame = pd.DataFrame(normal_series(30, (4, 1))[:, :, 0], columns=list("abcd"))
    flow = known_flow(frame)
    assert flow.sample(2).shape == (2, 4)
    assert list(flow.get_feature_names_out()) == [f"flowmatching{k}" for k in range(4)]
    with pytest.raises(ValueError, match="feature names"):
        flow.transform(frame[list("dcba")])


def test_networks_are_given_their_sizes_and_conditions(X):
    seen = []

    def network(*sizes):
        seen.append(sizes)
        return Zero()

    known_flow(X, np.arange(40) % 3, network=network, conditional=True)
    known_flow(X, network=network, hidden_dim=7, n_layers=2)
    assert seen == [(8, 2, 128, 3, 4), (8, 2, 7, 2, 0)]
    assert isinstance(normal_flow(np.eye(2), (2, 1)).net_.module_.network, Normal)
    assert isinstance(known_flow(X, representation=Identity()).representation_, Identity)
