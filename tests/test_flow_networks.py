"""Networks of flows: shapes, gradients, what each output depends on, and by-hand formulas."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_timegen.flow.modulated import ModulatedBlock, ModulatedNorm
from sklearn_timegen.flow.networks import FIELDS
from sklearn_timegen.flow.times import TimeEmbedding
from sklearn_timegen.nn.transformer import TransformerBlock

from .global_seed import GLOBAL_RANDOM_SEED as SEED

SIZES = [(1, 1), (1, 4), (2, 1), (7, 3), (24, 5), (33, 2), (5, 200), (1000, 1)]


def random(*shape, seed=0):
    return torch.randn(
        *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(SEED + seed)
    )


def times(n_rows, seed=9):
    generator = torch.Generator().manual_seed(SEED + seed)
    return torch.rand(n_rows, dtype=torch.float64, generator=generator)


def seeded(make, *args, seed=0, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(SEED + seed)
        return make(*args, **kwargs).to(torch.float64)


def field(name, n_timesteps=7, n_channels=3, hidden_dim=8, n_layers=2, n_conditions=0):
    return seeded(FIELDS[name], n_timesteps, n_channels, hidden_dim, n_layers, n_conditions)


def moved(module, seed=0):
    """Move the weights away from where they start, where modulations hardly do anything."""
    with torch.no_grad():
        for k, parameter in enumerate(module.parameters()):
            parameter.add_(0.3 * random(*parameter.shape, seed=seed + k))
    return module


def without_gradient(module):
    return [n for n, p in module.named_parameters() if p.grad is None or not p.grad.abs().max()]


def changes(module, x, other, t=0.5):
    """Where outputs differ: ``(n_timesteps, n_channels)``."""
    t = torch.full((len(x),), t, dtype=x.dtype)
    return ((module(x, t) - module(other, t)).abs() > 1e-9).any(dim=0)


# -- all networks -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_conditions", [0, 2])
@pytest.mark.parametrize(("n_timesteps", "n_channels"), SIZES)
@pytest.mark.parametrize("name", FIELDS)
def test_velocities_are_of_the_shape_of_series_and_small_at_first(
    name, n_timesteps, n_channels, n_conditions
):
    module = field(name, n_timesteps, n_channels, 16, n_conditions=n_conditions)
    for n_rows in (1, 6):
        x = random(n_rows, n_timesteps, n_channels)
        c = random(n_rows, n_conditions) if n_conditions else None
        v = module(x, times(n_rows), c)
        assert v.shape == x.shape
        assert v.dtype == torch.float64
        assert v.isfinite().all()
    if v.numel() > 20:
        assert 0.01 < v.square().mean().sqrt() < 0.15


@pytest.mark.parametrize("n_conditions", [0, 2])
@pytest.mark.parametrize(("n_timesteps", "n_channels"), [(1, 1), (1, 4), (2, 1), (7, 3)])
@pytest.mark.parametrize("name", FIELDS)
def test_every_parameter_of_a_field_gets_a_gradient_at_once(
    name, n_timesteps, n_channels, n_conditions
):
    module = field(name, n_timesteps, n_channels, 8, 3, n_conditions).float()
    x = random(4, n_timesteps, n_channels).float()
    c = random(4, n_conditions, seed=1).float() if n_conditions else None
    target = random(*x.shape, seed=2).float()
    F.mse_loss(module(x, times(4).float(), c), target).backward()
    assert without_gradient(module) == []


@pytest.mark.parametrize("name", FIELDS)
def test_a_velocity_depends_on_its_own_series_only(name):
    module = moved(field(name, n_conditions=2))
    x, t, c = random(6, 7, 3), times(6), random(6, 2, seed=1)
    alone = torch.cat([module(x[i : i + 1], t[i : i + 1], c[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(module(x, t, c), alone, rtol=0, atol=1e-12)
    assert torch.equal(module.train()(x, t, c), module.eval()(x, t, c))


@pytest.mark.parametrize("name", FIELDS)
def test_time_and_condition_matter(name):
    module, x, t = field(name, n_conditions=2), random(6, 7, 3), times(6)
    c = random(6, 2, seed=1)
    v = module(x, t, c)
    for other in (module(x, t * 0.9, c), module(x, t, c + 1)):
        assert ((v - other).flatten(1).abs().amax(dim=1) > 1e-6).all()


@pytest.mark.parametrize("name", FIELDS)
def test_copies_and_pickles_of_a_field_are_equal(name):
    module, x, t = field(name, n_conditions=2), random(3, 7, 3), times(3)
    c = random(3, 2, seed=1)
    fresh = moved(field(name, n_conditions=2))
    fresh.load_state_dict(module.state_dict())
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), fresh):
        assert torch.equal(twin(x, t, c), module(x, t, c))


@pytest.mark.parametrize("name", FIELDS)
def test_float32_is_float64_rounded(name):
    module, x, t = field(name, hidden_dim=16), random(3, 7, 3), times(3)
    rounded = copy.deepcopy(module).float()(x.float(), t.float())
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded.double(), module(x, t), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", FIELDS)
def test_every_timestep_and_channel_sees_all_others(name):
    module, x = moved(field(name, 12, 3, n_layers=3)), random(2, 12, 3)
    for timestep, channel in ((0, 0), (11, 2), (5, 1)):
        other = x.clone()
        other[:, timestep, channel] += 1
        assert changes(module, x, other).all()


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_learns_to_lead_noise_to_one_series(name):
    """The velocity towards a single series y is ``(y - x_t) / (1 - t)``, whatever the noise."""
    module, y = field(name, 6, 2, 16).float(), random(6, 2, seed=3).float()
    optimizer, losses = torch.optim.Adam(module.parameters(), lr=5e-3), []
    for step in range(40):
        x_0, t = random(16, 6, 2, seed=step).float(), times(16, seed=step).float()
        x_t = x_0 + t.view(-1, 1, 1) * (y - x_0)
        loss = F.mse_loss(module(x_t, t), y - x_0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])


def test_only_the_channel_transformer_does_without_a_time_axis():
    without = [name for name, made in FIELDS.items() if not made.needs_time_axis]
    assert without == ["channel-transformer"]


# -- time and condition -----------------------------------------------------------------------


def test_times_are_told_apart_near_and_far():
    embedding = seeded(TimeEmbedding, 16)
    t = torch.linspace(0, 1, 501, dtype=torch.float64)  # 0.002 apart
    distances = torch.cdist(embedding(t), embedding(t)) + torch.eye(501, dtype=torch.float64)
    typical = distances.median()
    assert distances.min() > 0.1 * typical
    assert distances[0, -1] > 0.5 * typical


def test_what_a_condition_does_depends_on_time():
    embedding, c = seeded(TimeEmbedding, 16, 2), random(1, 2).expand(2, -1)
    t = torch.tensor([0.2, 0.8], dtype=torch.float64)
    early, late = embedding(t, c) - embedding(t, torch.zeros_like(c))
    assert (early - late).norm() > 0.1 * early.norm()


# -- modulated blocks -------------------------------------------------------------------------


def test_modulated_block_with_fixed_modulations_is_a_transformer_block():
    """With shifts, scales and gates that no embedding changes, it is the block of LayerNorms."""
    block, plain = seeded(ModulatedBlock, 8), moved(seeded(TransformerBlock, 8))
    shift, scale, gate, ff_shift, ff_scale, ff_gate = random(6, 8)
    with torch.no_grad():
        nn.init.zeros_(block.modulation.weight)
        block.modulation.bias.copy_(torch.cat([shift, scale, gate, ff_shift, ff_scale, ff_gate]))
        for norm, b, s in (
            (plain.attention_norm, shift, scale),
            (plain.feed_forward[0], ff_shift, ff_scale),
        ):
            norm.weight.copy_(1 + s)
            norm.bias.copy_(b)
        block.qkv.load_state_dict(plain.qkv.state_dict())
        block.mix.load_state_dict(plain.mix.state_dict())
        for layer, its in zip(block.feed_forward, plain.feed_forward[1:], strict=True):
            layer.load_state_dict(its.state_dict())
        for last, g in ((plain.mix, gate), (plain.feed_forward[3], ff_gate)):
            last.weight.mul_(g.unsqueeze(1))
            last.bias.mul_(g)
    x = random(3, 5, 8)
    torch.testing.assert_close(block(x, random(3, 8, seed=1)), plain(x))


def test_modulated_norm_by_hand():
    norm, x, embedding = moved(seeded(ModulatedNorm, 8)), random(3, 5, 8), random(3, 8, seed=1)
    layer = norm.modulation
    shift, scale = (F.silu(embedding) @ layer.weight.T + layer.bias).chunk(2, dim=1)
    for i in range(3):
        centred = x[i] - x[i].mean(dim=1, keepdim=True)
        deviation = (x[i].var(dim=1, correction=0, keepdim=True) + 1e-5).sqrt()
        expected = shift[i] + (1 + scale[i]) * centred / deviation
        torch.testing.assert_close(norm(x, embedding)[i], expected)


# -- transformers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "axis"), [("channel-transformer", 2), ("temporal-transformer", 1)]
)
def test_tokens_differ_by_their_identities_only(name, axis):
    module, x, t = moved(field(name, 6, 5)), random(4, 6, 5), times(4)
    order = torch.randperm(x.shape[axis], generator=torch.Generator().manual_seed(SEED))
    v, shuffled = module(x, t), x.index_select(axis, order)
    assert not torch.allclose(module(shuffled, t), v.index_select(axis, order), atol=1e-3)
    with torch.no_grad():
        module.identities.copy_(module.identities[order])
    torch.testing.assert_close(module(shuffled, t), v.index_select(axis, order))


def test_temporal_transformer_sees_order_at_first():
    module, x = field("temporal-transformer", 12), random(4, 12, 3)
    t = times(4)
    assert not torch.allclose(module(x.flip(1), t).flip(1), module(x, t), rtol=0, atol=1e-3)


# -- u-net ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_timesteps", "n_layers", "n_lengths"),
    [(1, 3, 1), (2, 3, 2), (3, 5, 3), (4, 5, 3), (5, 9, 4), (24, 3, 3), (1000, 4, 4)],
)
def test_u_net_halves_as_often_as_the_length_allows(n_timesteps, n_layers, n_lengths):
    module = field("u-net", n_timesteps, 1, 4, n_layers)
    assert len(module.shorten) == len(module.lengthen) == n_lengths - 1


@pytest.mark.parametrize("n_timesteps", [5, 11, 13, 15])
def test_u_net_keeps_odd_lengths_in_place(n_timesteps):
    """What is passed over is added where it came from: a field that copies its input can."""
    module = field("u-net", n_timesteps, 2, 4, 3)
    for block in (*module.up, *module.middle, *module.down):
        for parameter in block.parameters():
            nn.init.zeros_(parameter)
    nn.init.zeros_(module.positions)
    width = module.embed.out_features
    with torch.no_grad():  # the last block lets through what is beside, at full length
        module.up[-1].around.weight[:, width:] = torch.eye(width)
    x, t = random(3, n_timesteps, 2), times(3)
    passed = F.layer_norm(module.embed(x), (n_timesteps, width))
    torch.testing.assert_close(module(x, t), module.output(F.silu(passed)))


def test_u_net_knows_the_timestep():
    module, t = field("u-net", 32, 1, 8, 2), times(1)
    inner = module(torch.zeros(1, 32, 1, dtype=torch.float64), t)[0, 12:20, 0]
    assert inner.std() > 1e-3
