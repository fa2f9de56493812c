"""TimeGAN's losses and steps, against hand-written ones on two steps of one channel."""

import numpy as np
import pytest
import torch
from torch.nn.functional import mse_loss, softplus

from sklearn_timegen import TimeGAN
from sklearn_timegen.data import Series
from sklearn_timegen.timegan.objectives import TimeGANLoss, moment_distance
from sklearn_timegen.timegan.training import TimeGANNet

from .global_seed import GLOBAL_RANDOM_SEED as SEED

X = np.array([[0.1, 0.5], [0.4, 0.2], [0.9, 1.0], [0.0, 0.7], [0.3, 0.3]], dtype=np.float32)
NETWORKS = ("embedder", "recovery", "generator", "supervisor", "discriminator")


def column(*values):
    return torch.tensor(values, dtype=torch.float64).reshape(2, 1, 1)


def test_losses_are_those_of_the_published_code():
    loss = TimeGANLoss(gamma=0.5)
    of_autoencoder, error = loss.of_reconstruction(column(0.2, 0.8), column(0.1, 0.6))
    assert float(error) == pytest.approx((0.01 + 0.04) / 2)
    assert float(of_autoencoder) == pytest.approx(10 * np.sqrt(0.025))
    # What is expected after the first timestep is held against the second.
    supervised = loss.of_supervision(column(0.3, 0.9), column(0.5, 123.0))
    assert float(supervised) == pytest.approx(0.4**2)
    y, y_hat, y_e = column(0.2, -1.0), column(0.5, 2.0), column(-0.3, 0.1)
    of_ones, of_zeros = (
        lambda values: np.log1p(np.exp(-values.numpy())).mean(),
        lambda values: np.log1p(np.exp(values.numpy())).mean(),
    )
    assert float(loss.of_discriminator(y, y_hat, y_e)) == pytest.approx(
        of_ones(y) + of_zeros(y_hat) + 0.5 * of_zeros(y_e)
    )
    moments = torch.tensor(0.07, dtype=torch.float64)
    assert float(loss.of_generator(supervised, moments, y_hat, y_e)) == pytest.approx(
        of_ones(y_hat) + 0.5 * of_ones(y_e) + 100 * 0.4 + 100 * 0.07
    )


def test_series_are_held_against_their_range():
    loss = TimeGANLoss(spread=torch.tensor([2.0, 10.0]))
    x = torch.tensor([[[0.0, 5.0], [2.0, 15.0]], [[1.0, 10.0], [1.0, 5.0]]])
    plain = TimeGANLoss()
    within, shifted = x / torch.tensor([2.0, 10.0]), x + torch.tensor([0.2, 2.0])
    torch.testing.assert_close(
        loss.of_reconstruction(x, shifted),
        plain.of_reconstruction(within, within + torch.tensor([0.1, 0.2])),
    )
    assert float(loss.of_moments(x, shifted)) == pytest.approx(0.15, abs=1e-6)


def test_moments_are_compared_cell_by_cell():
    x = torch.tensor([[[1.0], [3.0]], [[0.0], [4.0]]])  # timestep by timestep, two series
    x_hat = torch.tensor([[[2.0], [2.0]], [[1.0], [3.0]]])
    means, spreads = (0 + 0) / 2, (1 + 1) / 2
    assert float(moment_distance(x, x_hat)) == pytest.approx(means + spreads, abs=2e-3)


def make_net(**params):
    """A net that has been trained for an epoch of each phase, on two steps of one channel."""
    small = {"hidden_dim": 2, "n_layers": 2, "latent_dim": 1, "noise": "uniform", **params}
    epochs = {"embedding_epochs": 1, "supervised_epochs": 1, "max_epochs": 1}
    for name, network in (("embedding", "embedding"), ("supervised", "supervised")):
        if not small.get(network, True):
            epochs[f"{name}_epochs"] = None
    made = TimeGAN(**small, **epochs, ema_decay=0.0, random_state=SEED)
    return made.fit(X).net_


def by_hand(network, x):
    """A network of the two layers and the sigmoid that it is made of, by torch's own kernel."""
    states = network.stack(x)[0]
    values = network.output(states)
    return values.sigmoid() if network.bounded else values


def network_of(name):
    return name.removeprefix("synthesis.").split(".")[0]


def step(net, phase, batch):
    """One step of a phase; returns the logs and which parameters moved."""
    before = {name: p.detach().clone() for name, p in net.module_.named_parameters()}
    net.module_.zero_grad()
    net.phase_ = phase
    logs = net.train_step(Series(batch))["logs"]
    after = dict(net.module_.named_parameters())
    moved = {network_of(name) for name, p in before.items() if not torch.equal(p, after[name])}
    return logs, moved


def expected_gradients(loss, *networks):
    parameters = [p for network in networks for p in network.parameters()]
    return dict(zip(map(id, parameters), torch.autograd.grad(loss, parameters), strict=True))


def assert_gradients(net, expected):
    for name, parameter in net.module_.named_parameters():
        if id(parameter) in expected:
            torch.testing.assert_close(
                parameter.grad, expected[id(parameter)], rtol=1e-4, atol=1e-6, msg=name
            )
        else:
            assert parameter.grad is None, f"{name} got a gradient"


def test_a_step_of_the_embedding_phase():
    net = make_net()
    x = torch.from_numpy(X).unsqueeze(2)
    x_tilde = by_hand(
        net.module_.synthesis.recovery, by_hand(net.module_.synthesis.embedder, x.transpose(0, 1))
    )
    error = mse_loss(x_tilde, x.transpose(0, 1)) / net.criterion_.spread.square()
    expected = expected_gradients(
        10 * error.sqrt(), net.module_.synthesis.embedder, net.module_.synthesis.recovery
    )
    logs, moved = step(net, "embedding", x)
    assert float(logs["reconstruction_loss"]) == pytest.approx(float(error.detach()), rel=1e-5)
    assert moved == {"embedder", "recovery"}
    assert_gradients(net, expected)


def test_a_step_of_the_supervised_phase():
    net = make_net()
    x = torch.from_numpy(X).unsqueeze(2)
    with torch.no_grad():
        h = by_hand(net.module_.synthesis.embedder, x.transpose(0, 1))
    error = mse_loss(by_hand(net.module_.synthesis.supervisor, h)[0], h[1])
    expected = expected_gradients(error, net.module_.synthesis.supervisor)
    logs, moved = step(net, "supervision", x)
    assert float(logs["supervised_loss"]) == pytest.approx(float(error.detach()), rel=1e-5)
    assert moved == {"supervisor"}
    assert_gradients(net, expected)


@pytest.mark.parametrize("gamma", [1.0, 0.3])
def test_a_joint_step_is_that_of_separate_passes(gamma, monkeypatch):
    """The published code runs every network anew for each loss; the gradients are the same."""
    net = make_net(gamma=gamma, generator_steps=1000)
    m = net.module_.synthesis
    z = torch.rand(2, len(X), 1, generator=torch.Generator().manual_seed(SEED + 1))
    monkeypatch.setattr(m, "draw", lambda *_: z)
    x = torch.from_numpy(X).unsqueeze(2)
    real = x.transpose(0, 1)

    h, e_hat = by_hand(m.embedder, real), by_hand(m.generator, z)
    h_hat = by_hand(m.supervisor, e_hat)
    x_hat = by_hand(m.recovery, h_hat)
    y_hat, y_e = (
        by_hand(net.module_.discriminator, h_hat),
        by_hand(net.module_.discriminator, e_hat),
    )
    supervised = mse_loss(by_hand(m.supervisor, h)[:-1], h[1:])
    scaled = [one / net.criterion_.spread for one in (x_hat, real)]
    variances = ((one.var(1, correction=0) + 1e-6).sqrt() for one in scaled)
    spreads = torch.stack(list(variances)).diff(dim=0).abs().mean()
    moments = spreads + (scaled[0].mean(1) - scaled[1].mean(1)).abs().mean()
    of_generator = softplus(-y_hat).mean() + gamma * softplus(-y_e).mean()
    of_generator = of_generator + 100 * supervised.sqrt() + 100 * moments
    expected = expected_gradients(of_generator, m.generator, m.supervisor)

    h = by_hand(m.embedder, real)
    supervised = mse_loss(by_hand(m.supervisor, h)[:-1], h[1:])
    error = mse_loss(by_hand(m.recovery, h), real) / net.criterion_.spread.square()
    of_embedder = 10 * error.sqrt() + 0.1 * supervised
    expected |= expected_gradients(of_embedder, m.embedder, m.recovery)

    logs, moved = step(net, "joint", x)
    assert moved == {"embedder", "recovery", "generator", "supervisor"}
    assert float(logs["generator_loss"]) == pytest.approx(float(of_generator.detach()), rel=1e-4)
    assert float(logs["supervised_loss"]) == pytest.approx(float(supervised.detach()), rel=1e-4)
    assert float(logs["reconstruction_loss"]) == pytest.approx(float(error.detach()), rel=1e-4)
    assert_gradients(net, expected)


def discriminator_step(net, x):
    """A step of the discriminator alone, on what a joint pass made; which networks moved."""
    made = net.module_.synthesis.join(x, net.module_.synthesis.draw(2, len(x), net.noise_), None)
    before = {name: p.detach().clone() for name, p in net.module_.named_parameters()}
    net.module_.zero_grad()
    logs = net._discriminator_step(made, Series(x))
    after = dict(net.module_.named_parameters())
    moved = {network_of(name) for name, p in before.items() if not torch.equal(p, after[name])}
    return made, logs, moved, before


def test_the_discriminators_step_leaves_the_others_alone():
    net = make_net(gamma=0.3)
    x = torch.from_numpy(X).unsqueeze(2)
    weights = {n: p.detach().clone() for n, p in net.module_.discriminator.named_parameters()}
    made, logs, moved, _ = discriminator_step(net, x)
    assert moved == {"discriminator"}
    for name in NETWORKS[:4]:
        assert all(p.grad is None for p in getattr(net.module_.synthesis, name).parameters())

    found = {n: p.grad for n, p in net.module_.discriminator.named_parameters()}
    net.module_.discriminator.load_state_dict(weights)  # as they were for the loss
    y, y_hat, y_e = (
        by_hand(net.module_.discriminator, h.detach()) for h in (made.h, made.h_hat, made.e_hat)
    )
    loss = softplus(-y).mean() + softplus(y_hat).mean() + 0.3 * softplus(y_e).mean()
    assert float(logs["discriminator_loss"]) == pytest.approx(float(loss.detach()), rel=1e-5)
    wanted = torch.autograd.grad(loss, list(net.module_.discriminator.parameters()))
    for (name, gradient), right in zip(found.items(), wanted, strict=True):
        torch.testing.assert_close(gradient, right, rtol=1e-4, atol=1e-6, msg=name)


def test_a_discriminator_that_is_good_enough_waits():
    x = torch.from_numpy(X).unsqueeze(2)
    assert discriminator_step(make_net(discriminator_threshold=100.0), x)[2] == set()
    assert discriminator_step(make_net(discriminator_threshold=0.0), x)[2] == {"discriminator"}


def test_steps_of_the_others_for_each_of_the_discriminator():
    x = torch.from_numpy(X).unsqueeze(2)
    net = make_net(generator_steps=3)
    net.n_steps_ = dict.fromkeys(TimeGANNet.NETWORKS, 0)
    stepped = ["discriminator" in step(net, "joint", x)[1] for _ in range(6)]
    assert stepped == [False, False, True, False, False, True]


def test_without_joint_training_embedder_and_recovery_stay():
    x = torch.from_numpy(X).unsqueeze(2)
    assert step(make_net(joint=False, generator_steps=1000), "joint", x)[1] == {
        "generator",
        "supervisor",
    }


def test_without_embedding_series_are_their_own_embedding():
    net = make_net(embedding=False, generator_steps=1000)
    x = torch.from_numpy(X).unsqueeze(2)
    made = net.module_.synthesis.join(x, net.module_.synthesis.draw(2, len(x), net.noise_), None)
    assert torch.equal(made.h, x.transpose(0, 1))
    assert torch.equal(made.x_hat, made.h_hat)
    assert step(net, "joint", x)[1] == {"generator", "supervisor"}
    assert net.module_.synthesis.embedder is None
    assert net.module_.synthesis.recovery is None


def test_without_supervision_the_generator_makes_embeddings():
    net = make_net(supervised=False, generator_steps=1)
    x = torch.from_numpy(X).unsqueeze(2)
    made = net.module_.synthesis.join(x, net.module_.synthesis.draw(2, len(x), net.noise_), None)
    assert torch.equal(made.h_hat, made.e_hat)
    logs, moved = step(net, "joint", x)
    assert "supervised_loss" not in logs
    assert moved == {"embedder", "recovery", "generator", "discriminator"}
