"""The recurrent and the transformer networks: shapes, gradients, and the claims they make."""

import copy
import math
import pickle

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from sklearn_timegen.nn.sequence import RecurrentDecoder, RecurrentEncoder
from sklearn_timegen.nn.transformer import (
    TransformerBlock,
    TransformerDecoder,
    TransformerEncoder,
)

from .global_seed import GLOBAL_RANDOM_SEED as SEED

ENCODERS = [RecurrentEncoder, TransformerEncoder]
DECODERS = [RecurrentDecoder, TransformerDecoder]
SIZES = [  # n_timesteps, n_channels, latent_dim, hidden_dims
    (1, 1, 1, (6,)),
    (5, 1, 2, (4, 4)),
    (1, 3, 2, (3, 8)),
    (7, 2, 3, (8, 6, 5)),
]


def random(*shape, seed=0):
    return torch.randn(
        *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(SEED + seed)
    )


def double(network, *sizes, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(SEED + seed)
        return network(*sizes).to(torch.float64)


def without_gradient(module):
    return [n for n, p in module.named_parameters() if p.grad is None or not p.grad.abs().max()]


# -- encoders and decoders --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_rows", [1, 3])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoder_returns_moments(encoder, sizes, n_rows, dtype):
    n_timesteps, n_channels, latent_dim, _ = sizes
    x = random(n_rows, n_timesteps, n_channels).to(dtype)
    mean, log_var = encoder(*sizes).to(dtype)(x)
    assert mean.shape == log_var.shape == (n_rows, latent_dim)
    assert mean.dtype == log_var.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_conditions", [0, 2])
@pytest.mark.parametrize("n_rows", [1, 3])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("decoder", DECODERS)
def test_decoder_returns_series(decoder, sizes, n_rows, n_conditions, dtype):
    n_timesteps, n_channels, latent_dim, _ = sizes
    z = random(n_rows, latent_dim).to(dtype)
    c = random(n_rows, n_conditions).to(dtype) if n_conditions else None
    x = decoder(*sizes, n_conditions).to(dtype)(z, c)
    assert x.shape == (n_rows, n_timesteps, n_channels)
    assert x.dtype == dtype


@pytest.mark.parametrize("hidden_dims", [(6,), (8, 8), (8, 6, 5)])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_parameter_of_an_encoder_gets_a_gradient(encoder, hidden_dims):
    module = double(encoder, 5, 2, 3, hidden_dims)
    torch.cat(module(random(4, 5, 2)), dim=1).sin().sum().backward()
    assert without_gradient(module) == []


@pytest.mark.parametrize("hidden_dims", [(6,), (8, 8), (8, 6, 5)])
@pytest.mark.parametrize("n_timesteps", [1, 5])
@pytest.mark.parametrize("decoder", DECODERS)
def test_every_parameter_of_a_decoder_gets_a_gradient(decoder, n_timesteps, hidden_dims):
    module = double(decoder, n_timesteps, 2, 3, hidden_dims, 2)
    module(random(4, 3), random(4, 2, seed=1)).sin().sum().backward()
    assert without_gradient(module) == []


@pytest.mark.parametrize("decoder", DECODERS)
def test_latents_and_conditions_reach_every_timestep(decoder):
    z, c = random(2, 3), random(2, 2, seed=1)
    module = double(decoder, 6, 1, 3, (8,), 2)
    for other in (module(z + 1, c), module(z, c + 1)):
        assert ((other - module(z, c)).abs() > 1e-4).all()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_order_of_the_timesteps_matters(encoder):
    module, x = double(encoder, 6, 2, 3, (8,)), random(2, 6, 2)
    swapped = x[:, [0, 2, 1, 3, 4, 5]]
    for moment, other in zip(module(x), module(swapped), strict=True):
        assert ((moment - other).abs() > 1e-6).all()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoder_does_not_see_the_neighbours_of_a_series(encoder):
    module, x = double(encoder, 12, 3, 4, (16, 8)), random(17, 12, 3)
    together = torch.cat(module(x), dim=1)
    alone = torch.cat([torch.cat(module(row), dim=1) for row in x.split(1)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("network", [*ENCODERS, *DECODERS])
def test_copies_and_pickles_answer_alike(network):
    module = double(network, 5, 2, 3, (8, 6))
    x = random(2, 3) if network in DECODERS else random(2, 5, 2)
    for made in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.testing.assert_close(made(x), module(x), rtol=0, atol=0)


@pytest.mark.parametrize("network", [*ENCODERS, *DECODERS])
def test_a_seed_of_the_global_stream_gives_the_weights(network):
    one, same, other = (double(network, 5, 2, 3, (8,), seed=s).state_dict() for s in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("network", [*ENCODERS, *DECODERS])
def test_need_a_time_axis(network):
    assert network.needs_time_axis


# -- recurrent --------------------------------------------------------------------------------


def test_recurrent_decoder_is_an_lstm_that_starts_from_the_latents():
    module = double(RecurrentDecoder, 4, 2, 3, (6, 5))
    z = random(2, 3)
    firsts = [first_state(z).chunk(2, dim=1) for first_state in module.first_states]
    states = [(first.tanh(), memory) for first, memory in firsts]
    cells = [nn.LSTMCell(layer.input_size, layer.hidden_size).double() for layer in module.layers]
    for cell, layer in zip(cells, module.layers, strict=True):
        cell.load_state_dict({n.removesuffix("_l0"): p for n, p in layer.state_dict().items()})
    out = []
    for _ in range(4):
        states[0] = cells[0](z, states[0])
        states[1] = cells[1](states[0][0], states[1])
        out.append(module.output(states[1][0]))
    torch.testing.assert_close(module(z), torch.stack(out, dim=1))


def test_fed_back_outputs_fold_into_the_recurrence():
    """VRAE's decoder with its feedback, and the one without that the docstring equates to it."""
    V, U, W, b, d = (
        random(*s, seed=i) for i, s in enumerate([(5, 5), (5, 2), (2, 5), (5,), (2,)])
    )
    h = random(5, seed=9).tanh()
    folded, outputs, expected = h, [], []
    for _ in range(6):
        x = W @ h + d
        expected.append(x)
        h = torch.tanh(V @ h + U @ x + b)
        outputs.append(W @ folded + d)
        folded = torch.tanh((V + U @ W) @ folded + U @ d + b)
    torch.testing.assert_close(torch.stack(outputs), torch.stack(expected))


# -- transformer ------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "n_heads"), [(8, 1), (8, 2), (6, 3)])
def test_attention_is_the_softmax_of_scaled_products(width, n_heads):
    block = double(TransformerBlock, width, n_heads)
    x, d = random(2, 5, width), width // n_heads
    W_q, W_k, W_v = block.qkv.weight.split(width)
    heads = []
    for h in range(n_heads):
        q, k, v = (x @ W[h * d : (h + 1) * d].T for W in (W_q, W_k, W_v))
        scores = q @ k.transpose(1, 2) / math.sqrt(d)
        weights = scores.exp() / scores.exp().sum(dim=2, keepdim=True)
        heads.append(weights @ v)
    torch.testing.assert_close(block.attention(x), block.mix(torch.cat(heads, dim=2)))


@pytest.mark.parametrize(("width", "n_heads"), [(1, 1), (6, 2), (7, 1), (10, 2), (12, 4)])
def test_heads_divide_the_width(width, n_heads):
    assert TransformerBlock(width).n_heads == n_heads


def test_block_treats_tokens_alike():
    block, x = double(TransformerBlock, 8), random(2, 5, 8)
    order = [3, 0, 4, 1, 2]
    torch.testing.assert_close(block(x)[:, order], block(x[:, order]))


def test_block_with_silent_branches_passes_its_input_on():
    block, x = double(TransformerBlock, 8), random(2, 5, 8)
    for layer in (block.mix, block.feed_forward[-1]):
        nn.init.zeros_(layer.weight)
    torch.testing.assert_close(block(x), x, rtol=0, atol=0)


def test_every_parameter_of_a_block_gets_a_gradient_in_all_its_parts():
    block = double(TransformerBlock, 8)
    block(random(2, 5, 8)).sin().sum().backward()
    assert without_gradient(block) == []
    assert all(part.abs().max() > 0 for part in block.qkv.weight.grad.chunk(3))


def test_second_derivatives_of_a_block():
    block, x = double(TransformerBlock, 4), random(1, 3, 4).requires_grad_()
    with sdpa_kernel(SDPBackend.MATH):
        assert torch.autograd.gradgradcheck(block, (x,))


def test_positions_start_as_sinusoids_and_are_learned():
    positions = TransformerDecoder(4, 1, 2, (5,)).positions
    angles = torch.arange(4).unsqueeze(1) / 10_000 ** (torch.tensor([0, 0, 2, 2, 4]) / 5)
    expected = torch.where(torch.arange(5) % 2 == 0, angles.sin(), angles.cos())
    torch.testing.assert_close(positions.detach(), expected)
    assert positions.requires_grad
