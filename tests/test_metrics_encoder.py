"""The networks and the objective behind the metrics, and the encoder that is trained by them."""

import math

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn
from torch.nn import functional as F

from sklearn_timegen.datasets import make_sines
from sklearn_timegen.metrics import ContrastiveEncoder
from sklearn_timegen.metrics.contrastive import hierarchical_contrastive_loss
from sklearn_timegen.metrics.dilated import DilatedEncoder
from sklearn_timegen.metrics.recurrent import RepeatedGRU, RepeatedLinear
from sklearn_timegen.nn.layers import DilatedConv

from .global_seed import GLOBAL_RANDOM_SEED as SEED

TINY = {"latent_dim": 6, "hidden_dim": 4, "batch_size": 8, "random_state": SEED}


def random(*shape, seed=0):
    return torch.randn(
        *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(SEED + seed)
    )


def torchs(gru, r):
    """torch's GRU with the weights of the r-th repeat."""
    made = nn.GRU(gru.from_input.weight.shape[2], gru.from_hidden.weight.shape[2]).double()
    for name, layer in {"ih": gru.from_input, "hh": gru.from_hidden}.items():
        getattr(made, f"weight_{name}_l0").data = layer.weight[r].detach().clone()
        getattr(made, f"bias_{name}_l0").data = layer.bias[r, :, 0].detach().clone()
    return made


# -- layers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_timesteps", "n_in", "size"), [(1, 1, 4), (6, 3, 5)])
def test_repeated_gru_is_torchs_with_its_gradients(n_timesteps, n_in, size):
    gru = RepeatedGRU(3, n_in, size).double()
    x = random(n_timesteps, 3, n_in, 7).requires_grad_()
    onto = random(n_timesteps, 3, size, 7, seed=1)
    out = gru(x)
    (out * onto).sum().backward()
    for r in range(3):
        reference = torchs(gru, r)
        own = x.detach()[:, r].transpose(1, 2).clone().requires_grad_()
        expected, _ = reference(own)
        (expected * onto[:, r].transpose(1, 2)).sum().backward()
        pairs = [
            (out[:, r].transpose(1, 2), expected),
            (x.grad[:, r].transpose(1, 2), own.grad),
            (gru.from_input.weight.grad[r], reference.weight_ih_l0.grad),
            (gru.from_input.bias.grad[r, :, 0], reference.bias_ih_l0.grad),
            (gru.from_hidden.weight.grad[r], reference.weight_hh_l0.grad),
            (gru.from_hidden.bias.grad[r, :, 0], reference.bias_hh_l0.grad),
        ]
        for ours, theirs in pairs:
            assert torch.allclose(ours, theirs, atol=1e-12)


def test_gradients_of_the_recurrence_are_its_differences():
    gru = RepeatedGRU(2, 3, 3).double()
    names = [name for name, _ in gru.named_parameters()]
    assert len(names) == 4

    def run(x, *weights):
        return torch.func.functional_call(gru, dict(zip(names, weights, strict=True)), (x,))

    inputs = (random(4, 2, 3, 3).requires_grad_(), *gru.parameters())
    assert torch.autograd.gradcheck(run, inputs)


def test_initial_weights_are_spread_like_torchs():
    gru, size = RepeatedGRU(40, 3, 5), 5
    for parameter in gru.parameters():
        assert parameter.abs().max() <= 1 / math.sqrt(size)
        assert parameter.std().item() == pytest.approx(1 / math.sqrt(3 * size), rel=0.1)
    assert not torch.equal(gru.from_hidden.weight[0], gru.from_hidden.weight[1])


def test_repeated_linear_is_torchs_and_repeats_do_not_meet():
    layer = RepeatedLinear(3, 4, 2).double()
    x = random(5, 3, 4, 6)
    out = layer(x)
    for r in range(3):
        expected = F.linear(x[:, r].transpose(1, 2), layer.weight[r], layer.bias[r, :, 0])
        assert torch.allclose(out[:, r].transpose(1, 2), expected)
    out[:, 1].sum().backward()
    assert not layer.weight.grad[[0, 2]].any()
    assert not layer.bias.grad[[0, 2]].any()
    changed = x.clone()
    changed[:, 0] += 1
    assert torch.equal(layer(changed)[:, 1:], out[:, 1:])


@pytest.mark.parametrize(("n_timesteps", "dilation"), [(1, 1), (4, 4), (5, 4), (9, 2), (9, 16)])
def test_dilated_conv_is_torchs(n_timesteps, dilation):
    ours = DilatedConv(3, 5, dilation).double()
    theirs = nn.Conv1d(3, 5, 3, padding=dilation, dilation=dilation).double()
    theirs.weight.data = ours.weight.data.unflatten(1, (3, 3)).transpose(1, 2)
    theirs.bias.data = ours.bias.data.normal_(generator=torch.Generator().manual_seed(SEED))
    x = random(4, n_timesteps, 3)
    assert torch.allclose(ours(x), theirs(x.transpose(1, 2)).transpose(1, 2))


@pytest.mark.parametrize("n_timesteps", [1, 8, 9])
def test_every_timestep_sees_the_whole_series(n_timesteps):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        encoder = DilatedEncoder(n_timesteps, 2, 4, 3).double()
    x = random(1, n_timesteps, 2).requires_grad_()
    for t in {0, n_timesteps - 1}:
        (seen,) = torch.autograd.grad(encoder(x)[0, t].sum(), x)
        assert seen.abs().sum(dim=2).all()


def test_masked_timesteps_do_not_count():
    encoder = DilatedEncoder(5, 2, 4, 3).double()
    x, mask = random(2, 5, 2), torch.tensor([[1.0, 0, 1, 1, 0]] * 2, dtype=torch.float64)
    changed = x.clone()
    changed[:, [1, 4]] = 9.0
    assert torch.equal(encoder(x, mask), encoder(changed, mask))
    assert not torch.equal(encoder(x), encoder(changed))


# -- objective --------------------------------------------------------------------------------


def dual_loss(a, b):
    """The published loss of each pair of (instance, timestep), in plain loops."""
    n, length, _ = a.shape
    total = 0.0
    for i in range(n):
        for t in range(length):
            for first, second in ((a, b), (b, a)):
                own = first[i, t]
                others = [second[j, t] @ own for j in range(n)]
                others += [first[j, t] @ own for j in range(n) if j != i]
                instance = -np.log(np.exp(second[i, t] @ own) / np.exp(others).sum())
                moments = [second[i, u] @ own for u in range(length)]
                moments += [first[i, u] @ own for u in range(length) if u != t]
                temporal = -np.log(np.exp(second[i, t] @ own) / np.exp(moments).sum())
                total += (instance + temporal) / 2
    return total / (2 * n * length)


@pytest.mark.parametrize(("n", "length"), [(3, 5), (2, 4), (1, 3), (4, 1)])
def test_contrastive_loss_by_plain_loops(n, length):
    r, r_prime = random(n, length, 2), random(n, length, 2, seed=1)
    ours = hierarchical_contrastive_loss(r, r_prime).item()
    a, b, scales = r.numpy(), r_prime.numpy(), []
    while True:
        scales.append(dual_loss(a, b))
        half = a.shape[1] // 2
        if half == 0:
            break
        a, b = (one[:, : 2 * half].reshape(n, half, 2, 2).max(axis=2) for one in (a, b))
    assert ours == pytest.approx(np.mean(scales), abs=1e-12)


def test_contrastive_loss_rewards_views_that_agree():
    r = 3 * random(4, 6, 5)
    agree, differ = (hierarchical_contrastive_loss(r, one) for one in (r, r.flip(0)))
    assert agree < differ


# -- encoder ----------------------------------------------------------------------------------


def disagreement(module, x, seed):
    """The loss of two crops, masked at random, where they overlap."""
    x = torch.from_numpy(x.astype(np.float32))
    masks = torch.rand(2, *x.shape[:2], generator=torch.Generator().manual_seed(SEED + seed)) < 0.5
    a, b = x[:, :9], x[:, 3:]
    with torch.no_grad():
        first = module(a, masks[0, :, :9].float())[:, 3:]
        second = module(b, masks[1, :, 3:].float())[:, :6]
        return float(hierarchical_contrastive_loss(first, second))


def test_encoder_learns():
    X = np.random.default_rng(SEED).normal(size=(60, 12, 2)) * [1, 30]
    losses = []
    for n_steps in (1, 60):
        encoder = ContrastiveEncoder(32, 16, batch_size=8, n_steps=n_steps, random_state=SEED).fit(
            X
        )
        assert encoder.losses_.shape == (n_steps,)
        losses.append([disagreement(encoder.module_, X[:16] / [1, 30], k) for k in range(30)])
    gain = np.subtract(*losses)
    assert gain.mean() > 4 * gain.std() / math.sqrt(30)


def test_encoder_is_deterministic_and_keeps_torchs_stream():
    X = make_sines(20, 7, 2, random_state=SEED)
    before = torch.get_rng_state(), torch.get_num_threads()
    first, again, other = (
        ContrastiveEncoder(**{**TINY, "random_state": seed}, n_steps=3).fit_transform(X)
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]


def test_encodings_do_not_depend_on_the_company():
    X = make_sines(600, 5, 1, random_state=SEED)
    encoder = ContrastiveEncoder(**TINY, n_steps=2).fit(X)
    features = encoder.transform(X)
    assert features.shape == (600, 6)
    assert features.dtype == np.float64
    assert np.allclose(encoder.transform(X[520:523]), features[520:523], atol=1e-6)
    assert np.array_equal(encoder.transform(X[:, :, 0]), features)


def test_encodings_do_not_depend_on_units():
    X = make_sines(30, 6, 2, random_state=SEED).astype(np.float64)
    units = np.array([1000.0, 1e-3])
    plain, scaled = (
        ContrastiveEncoder(**TINY, n_steps=2).fit(x).transform(x)
        for x in (X, X * units + 7 * units)
    )
    assert np.allclose(plain, scaled, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 5, 2), (9, 1, 2), (2, 2, 1)])
def test_encoder_of_little_data(shape):
    X = np.random.default_rng(SEED).normal(size=shape)
    features = ContrastiveEncoder(**TINY, n_steps=4).fit_transform(X)
    assert features.shape == (shape[0], 6)
    assert np.isfinite(features).all()


def test_encoder_of_constant_series():
    features = ContrastiveEncoder(**TINY, n_steps=2).fit_transform(np.full((9, 5, 2), 3.0))
    assert np.isfinite(features).all()
    assert np.ptp(features, axis=0).max() == 0


def test_encoder_refuses_other_sizes_and_wrong_parameters():
    X = np.random.default_rng(SEED).normal(size=(9, 5, 2))
    encoder = ContrastiveEncoder(**TINY, n_steps=1)
    with pytest.raises(NotFittedError):
        encoder.transform(X)
    encoder.fit(X)
    for other in (X[:, :4], X[:, :, :1], X[:, :, 0]):
        with pytest.raises(ValueError, match=r"series of shape \(.*fitted on \(5, 2\)"):
            encoder.transform(other)
    with pytest.raises(ValueError, match="X contains 0 NaN and 1 inf"):
        encoder.fit(np.where(X[0, 0, 0] == X, np.inf, X))
    for wrong in ({"latent_dim": 0}, {"n_steps": "many"}, {"hidden_dim": 2.5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ContrastiveEncoder(**wrong).fit(X)
    assert clone(encoder).get_params() == encoder.get_params()
