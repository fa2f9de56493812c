"""Generators, discriminators and their normalisations: shapes, gradients, and by-hand formulas."""

import copy
import pickle
import threading

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from sklearn_timegen.gan.generators import GENERATORS
from sklearn_timegen.nn.differentiation import differentiated_twice
from sklearn_timegen.nn.discriminator import BODIES, Discriminator, MinibatchDiscrimination
from sklearn_timegen.nn.layers import DilatedConv, StridedConv, StridedConvTranspose
from sklearn_timegen.nn.normalization import (
    GradientNormalized,
    SpectralNormalized,
    clip_weights_,
    double_backward,
)
from sklearn_timegen.nn.style import ModulatedConv, StyleGenerator

from .global_seed import GLOBAL_RANDOM_SEED as SEED

STEPWISE = {"recurrent", "bidirectional"}
RECURRENT = sorted(STEPWISE)
NORMALIZABLE = sorted(BODIES.keys() - {"transformer"})
HIDDEN_DIMS = (8, 6)


def random(*shape, seed=0):
    return torch.randn(
        *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(SEED + seed)
    )


def seeded(make, *args, seed=0, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(SEED + seed)
        return make(*args, **kwargs).to(torch.float64)


def discriminator(name, n_timesteps=5, n_channels=2, n_conditions=0, **kwargs):
    sizes = (BODIES[name], n_timesteps, n_channels, HIDDEN_DIMS, n_conditions)
    return seeded(Discriminator, *sizes, **kwargs)


def generator(name, n_timesteps=5, n_channels=2, n_conditions=0, hidden_dims=HIDDEN_DIMS):
    return seeded(GENERATORS[name], n_timesteps, n_channels, 3, hidden_dims, n_conditions)


def latents(module, n_rows, seed=0):
    return random(n_rows, getattr(module, "n_latents", 3), seed=seed)


def without_gradient(module):
    return [n for n, p in module.named_parameters() if p.grad is None or not p.grad.abs().max()]


def largest_singular_values(weights):
    return [torch.linalg.matrix_norm(weight.flatten(1), 2) for weight in weights.values()]


def slope_penalty(module, x, c=None):
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(module(x, c).sum(), x, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


# -- discriminators ---------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [None, "projection", "concatenation"])
@pytest.mark.parametrize("n_kernels", [0, 3])
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("n_timesteps", [1, 2, 7, 24])
@pytest.mark.parametrize("name", BODIES)
def test_discriminator_returns_values(name, n_timesteps, n_channels, n_kernels, condition):
    how = {"n_kernels": n_kernels, "condition": condition or "projection"}
    module = discriminator(name, n_timesteps, n_channels, 2 if condition else 0, **how)
    assert module.sees_batch == (n_kernels > 0)
    for n_rows in (1, 5):
        x, c = random(n_rows, n_timesteps, n_channels), random(n_rows, 2) if condition else None
        values, features = module(x, c), module.features(x, c)
        rows = (n_rows, n_timesteps) if name in STEPWISE else (n_rows,)
        assert values.shape == rows
        assert features.shape == (*rows, module.body.n_features)
        assert values.isfinite().all()


@pytest.mark.parametrize("condition", ["projection", "concatenation"])
@pytest.mark.parametrize("name", BODIES)
def test_every_parameter_of_a_discriminator_gets_a_gradient(name, condition):
    module = discriminator(name, 7, 2, 2, condition=condition, n_kernels=3)
    module(random(4, 7, 2), random(4, 2, seed=1)).sin().sum().backward()
    assert without_gradient(module) == []


@pytest.mark.parametrize("name", BODIES)
def test_a_value_depends_on_its_own_series_only(name):
    module, x = discriminator(name), random(6, 5, 2)
    alone = torch.cat([module(row) for row in x.split(1)])
    torch.testing.assert_close(module(x), alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["convolutional", "recurrent"])
def test_projection_by_hand(name):
    module, x, c = discriminator(name, n_conditions=3), random(4, 5, 2), random(4, 3, seed=1)
    phi = module.features(x, c)
    for i in range(4):
        weight = module.output.weight[0] + module.projection.weight @ c[i]
        torch.testing.assert_close(module(x, c)[i], phi[i] @ weight + module.output.bias[0])


def test_concatenated_condition_is_a_constant_channel():
    module = discriminator("recurrent", n_conditions=1, condition="concatenation")
    x, c = random(4, 5, 2), random(4, 1, seed=1)
    beside = torch.stack([torch.cat([x[:, t], c], dim=1) for t in range(5)], dim=1)
    torch.testing.assert_close(module.features(x, c), module.body(beside), rtol=0, atol=0)


def test_one_direction_sees_the_past_and_two_see_all():
    x, other = random(2, 5, 2), random(2, 5, 2)
    other[:, -1] += 1
    for name, blind in (("recurrent", True), ("bidirectional", False)):
        body = discriminator(name).body
        assert torch.equal(body(x)[:, :-1], body(other)[:, :-1]) == blind


# -- minibatch discrimination -----------------------------------------------------------------


def test_closeness_by_hand():
    module, phi = seeded(MinibatchDiscrimination, 4, 3), random(5, 4)
    M = (phi @ module.kernels.weight.T).reshape(5, 3, 5)
    for i in range(5):
        others = [torch.exp(-(M[i] - M[j]).abs().sum(dim=1)) for j in range(5) if j != i]
        expected = torch.cat([phi[i], torch.stack(others).mean(dim=0)])
        torch.testing.assert_close(module(phi)[i], expected)


def test_copies_are_closest_and_a_single_series_has_no_others():
    module, phi = seeded(MinibatchDiscrimination, 4, 3), random(6, 4)
    torch.testing.assert_close(
        module.closeness(phi[:1].repeat(6, 1)), torch.ones(6, 3, dtype=torch.float64)
    )
    assert (module.closeness(phi) < 0.99).all()
    assert not module.closeness(phi[:1]).any()


def test_real_and_fake_are_not_mixed():
    module, real = discriminator("dense", n_kernels=3), random(4, 5, 2)
    fake = random(1, 5, 2, seed=1).expand(4, -1, -1)
    together = module(torch.cat([real, fake]))
    assert not torch.allclose(together[:4], module(real))
    assert not torch.allclose(together[4:], module(fake))


# -- generators -------------------------------------------------------------------------------


@pytest.mark.parametrize("n_conditions", [0, 2])
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("n_timesteps", [1, 2, 7, 24])
@pytest.mark.parametrize("name", ["recurrent", "style"])
def test_generator_returns_series(name, n_timesteps, n_channels, n_conditions):
    module = generator(name, n_timesteps, n_channels, n_conditions)
    for n_rows in (1, 5):
        c = random(n_rows, n_conditions) if n_conditions else None
        series = module(latents(module, n_rows), c)
        assert series.shape == (n_rows, n_timesteps, n_channels)
        assert series.isfinite().all()


@pytest.mark.parametrize("hidden_dims", [(6,), (8, 8), (8, 6, 5)])
@pytest.mark.parametrize("n_conditions", [0, 2])
@pytest.mark.parametrize("name", GENERATORS)
def test_every_parameter_of_a_generator_gets_a_gradient(name, n_conditions, hidden_dims):
    module = generator(name, 7, 2, n_conditions, hidden_dims)
    given = [latents(module, 4), random(4, 2, seed=1) if n_conditions else None]
    if hasattr(module, "n_noise"):
        given.append(random(4, module.n_noise, seed=2))
    module(*given).sin().sum().backward()
    assert without_gradient(module) == []


def test_recurrent_generator_has_noise_of_its_own_for_every_timestep():
    module = generator("recurrent", 6, 1, 2)
    z, c = random(3, 6, 3), random(3, 2, seed=1)
    other = z.clone()
    other[:, 4] += 1
    change = (module(z.flatten(1), c) - module(other.flatten(1), c)).abs()
    assert not change[:, :4].any()
    assert (change[:, 4:].amax(dim=(0, 2)) > 1e-5).all()
    moved = (module(z.flatten(1), c) - module(z.flatten(1), c + 1)).abs()
    assert (moved.amax(dim=(0, 2)) > 1e-5).all()  # at every timestep


# -- style ------------------------------------------------------------------------------------


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize(("n_timesteps", "n_taps"), [(1, 3), (2, 3), (7, 3), (7, 1)])
def test_modulated_conv_is_a_convolution_with_each_seriess_weights(
    n_timesteps, n_taps, demodulate
):
    module = seeded(ModulatedConv, 3, 4, 5, demodulate, n_taps)
    x, w = random(6, n_timesteps, 3), random(6, 5, seed=1)
    made = module(x, w)
    for i in range(6):
        s = 1 + module.style(w[i])
        weight = module.weight.unflatten(1, (n_taps, 3)).transpose(1, 2) * s[:, None]
        if demodulate:
            weight = weight / (weight.square().sum(dim=(1, 2), keepdim=True) + 1e-8).sqrt()
        expected = F.conv1d(x[i].T, weight, padding=n_taps // 2).T
        torch.testing.assert_close(made[i], expected, rtol=0, atol=1e-10)


def test_noise_is_as_strong_as_learned_and_reaches_all_timesteps():
    module, z = generator("style", 7), random(3, 3)
    noise = random(3, module.n_noise, seed=1)
    assert module.block_lengths == [4, 8]
    torch.testing.assert_close(module(z, None, noise), module(z))
    for block in module.blocks:
        nn.init.ones_(block.noise_strength)
    assert ((module(z, None, noise) - module(z)).abs() > 1e-4).all()


def test_only_the_direction_of_latents_counts_unless_there_is_one():
    module, z = generator("style"), random(4, 3)
    torch.testing.assert_close(module(3 * z), module(z))
    single = seeded(StyleGenerator, 5, 2, 1, HIDDEN_DIMS)
    assert not torch.allclose(single(3 * z[:, :1]), single(z[:, :1]))


@pytest.mark.parametrize("n_conditions", [0, 2])
def test_truncation_leads_to_the_mean_style_of_a_condition(n_conditions):
    module, z = generator("style", n_conditions=n_conditions), random(6, 3)
    c = torch.eye(2, dtype=torch.float64)[[0, 1, 0, 0, 1, 1]] if n_conditions else None
    torch.testing.assert_close(module(z, c, truncation=1.0), module(z, c), rtol=0, atol=0)
    series = module(z, c, truncation=0.0)
    labels = torch.tensor([0, 1, 0, 0, 1, 1]) * (n_conditions > 0)
    for label in labels.unique():
        same = series[labels == label]
        torch.testing.assert_close(same, same[:1].expand_as(same))
    assert torch.allclose(series[0], series[1]) == (n_conditions == 0)
    given = None if c is None else c[:1].expand(len(module.probes), -1)
    w, centre = module.map(z, c), module.map(module.probes, given).mean(dim=0)
    halfway = module.synthesize(centre + 0.5 * (w[:1] - centre))
    torch.testing.assert_close(module(z, c, truncation=0.5)[:1], halfway)


def test_style_body_has_linear_ways_around_its_convolutions():
    body, x = discriminator("style", 7).body, random(3, 7, 2)
    for block in body.blocks:
        nn.init.zeros_(block.inner[2].weight)
    x_in = body.from_series(x)
    first, second = (block.around for block in body.blocks)
    expected = second(first(x_in[:, ::2])[:, ::2]) / 2
    torch.testing.assert_close(body.blocks(x_in), expected)


def test_paths_of_styles_can_be_differentiated_twice():
    module = generator("style")
    w = module.map(random(2, 3)).detach().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda w: module.synthesize(w)[:, :2], (w,))


# -- spectral normalisation -------------------------------------------------------------------


def moved(module, seed=0):
    """Move the weights away from where u and v were made for them."""
    with torch.no_grad():
        for k, parameter in enumerate(module.parameters()):
            parameter.add_(0.3 * random(*parameter.shape, seed=seed + k))
    return module


@pytest.mark.parametrize("name", NORMALIZABLE)
def test_largest_singular_values_are_one(name):
    module = SpectralNormalized(discriminator(name, 7, 2, 2, n_kernels=3))
    matrices = {n for n, p in module.module.named_parameters() if p.ndim > 1}
    assert set(module.normalized()) == matrices
    for largest in largest_singular_values(module.normalized()):
        torch.testing.assert_close(largest.item(), 1.0)
    moved(module)
    # Steps in the hundreds, for singular values that lie close together.
    for _ in range(600):
        module.iterate()
    for largest in largest_singular_values(module.normalized()):
        assert abs(largest - 1) < 1e-3


@pytest.mark.parametrize("name", RECURRENT)
def test_lstms_are_normalised_in_every_layer_and_direction(name):
    directions = ("", "_reverse") if name == "bidirectional" else ("",)
    expected = {
        f"body.layers.{layer}.weight_{what}_l0{direction}"
        for layer in range(2)
        for what in ("ih", "hh")
        for direction in directions
    }
    assert set(SpectralNormalized(discriminator(name)).names) == expected | {"output.weight"}


@pytest.mark.parametrize("name", NORMALIZABLE)
def test_normalised_weights_are_what_is_computed_with(name):
    module = SpectralNormalized(moved(discriminator(name, n_conditions=2)))
    x, c = random(3, 5, 2), random(3, 2, seed=1)
    plain = copy.deepcopy(module.module)
    state = {**plain.state_dict(), **module.normalized()}
    before = plain(x, c)
    plain.load_state_dict(state)
    torch.testing.assert_close(module(x, c), plain(x, c), rtol=0, atol=0)
    torch.testing.assert_close(module.features(x, c), plain.features(x, c), rtol=0, atol=0)
    torch.testing.assert_close(module.module(x, c), before, rtol=0, atol=0)


def test_slope_of_a_normalised_dense_discriminator_is_at_most_one():
    module = SpectralNormalized(moved(discriminator("dense")))
    x, y = random(500, 5, 2), random(500, 5, 2, seed=1)
    distance = (x - y).flatten(1).norm(dim=1)
    assert ((module(x) - module(y)).abs() <= distance * (1 + 1e-12)).all()


def test_singular_vectors_move_in_iterate_only():
    module = moved(SpectralNormalized(discriminator("bidirectional")))
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    for training in (True, False):
        module.train(training)(random(3, 5, 2)).sum().backward()
    assert all(torch.equal(before[name], b) for name, b in module.named_buffers())
    value = module(random(3, 5, 2)).sum()
    module.iterate()
    value.backward()  # although u and v are others by now
    assert not torch.equal(before["u_0"], module.u_0)
    assert not torch.equal(before["v_0"], module.v_0)
    assert set(before) <= set(module.state_dict())


def test_gradients_go_through_the_weights_and_not_through_u_and_v():
    linear = seeded(nn.Linear, 3, 2, bias=False)
    module, x = SpectralNormalized(linear), random(4, 3)
    u, _, v = torch.linalg.svd(linear.weight.detach())
    W = linear.weight.detach().clone().requires_grad_()
    expected = F.linear(x, W / (u[:, 0] @ W @ v[0]))
    (by_hand,) = torch.autograd.grad(expected.sin().sum(), W)
    functional_call(module.module, module.normalized(), (x,)).sin().sum().backward()
    torch.testing.assert_close(linear.weight.grad, by_hand)


@pytest.mark.parametrize("layer", [nn.Linear, StridedConv, StridedConvTranspose])
def test_layers_alone_can_be_normalised(layer):
    assert SpectralNormalized(seeded(layer, 2, 3)).names == ["weight"]


def test_nested_modules_of_torch_can_be_normalised():
    convs = [seeded(nn.Conv1d, 2, 4, 3), seeded(DilatedConv, 2, 3, 1), nn.LayerNorm(3)]
    module = SpectralNormalized(nn.Sequential(*convs))
    assert module.names == ["0.weight", "1.weight"]
    for largest in largest_singular_values(module.normalized()):
        torch.testing.assert_close(largest.item(), 1.0)


@pytest.mark.parametrize(
    ("module", "named"),
    [
        (discriminator("transformer"), "TransformerBody: dot-product attention"),
        (nn.Sequential(nn.MultiheadAttention(4, 2)), "MultiheadAttention: dot-product"),
        (nn.Sequential(nn.Linear(2, 3), nn.GRU(3, 2)), "GRU: it has matrices .* LSTM"),
        (nn.Embedding(3, 2), "Embedding: it has matrices .* use a discriminator made of Linear"),
    ],
)
def test_what_cannot_be_normalised_is_refused_by_name(module, named):
    with pytest.raises(ValueError, match=named):
        SpectralNormalized(module)


# -- gradient normalisation and clipping ------------------------------------------------------


class Product(nn.Module):
    """f(x) = a x, the sum over all values of a series."""

    def __init__(self, a):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a, dtype=torch.float64))

    def forward(self, x, c=None):
        return (self.a * x).sum(dim=(1, 2))


@pytest.mark.parametrize("a", [0.01, 1.0, 30.0])
def test_gradient_normalised_product_by_hand(a):
    x = random(6, 1, 1)
    expected = (x / (1 + x.abs()))[:, 0, 0]
    torch.testing.assert_close(GradientNormalized(Product(a))(x), expected)


@pytest.mark.parametrize("name", BODIES)
def test_gradient_normalisation_does_not_know_the_scale(name):
    module, x = discriminator(name), random(4, 5, 2)
    values = GradientNormalized(module)(x)
    assert values.shape == (4,)
    assert (values.abs() < 1).all()
    with torch.no_grad():
        for parameter in module.output.parameters():
            parameter.mul_(7)
    torch.testing.assert_close(GradientNormalized(module)(x), values)


@pytest.mark.parametrize("name", BODIES)
def test_gradient_normalised_can_be_trained_and_can_train(name):
    module, x = GradientNormalized(discriminator(name)), random(3, 5, 2).requires_grad_()
    module(x).sin().sum().backward()
    assert without_gradient(module) == []
    assert x.grad.abs().min() > 0


def test_slope_of_what_is_gradient_normalised():
    module, x = GradientNormalized(discriminator("dense")), random(50, 5, 2).requires_grad_()
    assert torch.autograd.gradcheck(module, (x[:2],))
    (slope,) = torch.autograd.grad(module(x).sum(), x)
    assert slope.flatten(1).norm(dim=1).max() <= 1


def test_gradient_normalised_without_gradients():
    module, x = GradientNormalized(discriminator("recurrent", n_kernels=2)), random(3, 5, 2)
    expected = module(x)
    with torch.no_grad():
        values = module(x)
    assert expected.requires_grad
    assert not values.requires_grad
    assert not x.requires_grad
    assert all(p.grad is None for p in module.parameters())
    torch.testing.assert_close(values, expected.detach(), rtol=0, atol=0)
    assert not GradientNormalized(Product(0.0))(x).any()


def test_wrappers_hand_on_features_and_say_whether_they_see_the_batch():
    x, c = random(3, 5, 2), random(3, 2, seed=1)
    for n_kernels in (0, 2):
        inner = discriminator("dense", n_conditions=2, n_kernels=n_kernels)
        module = GradientNormalized(inner)
        assert torch.equal(module.features(x, c), inner.features(x, c))
        assert module.sees_batch == SpectralNormalized(inner).sees_batch == (n_kernels > 0)


def test_clipped_weights():
    module = discriminator("bidirectional")
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    clip_weights_(module, 0.05)
    for name, parameter in module.named_parameters():
        assert torch.equal(parameter, before[name].clamp(-0.05, 0.05))


# -- all discriminators as the trainer uses them ----------------------------------------------

WRAPPED = [(name, kind) for name in BODIES for kind in (None, "gradient", "spectral")]
WRAPPED.remove(("transformer", "spectral"))


def wrapped(name, kind, **kwargs):
    module = discriminator(name, **kwargs)
    return {None: lambda m: m, "gradient": GradientNormalized, "spectral": SpectralNormalized}[
        kind
    ](module)


@pytest.mark.parametrize(("name", "kind"), WRAPPED)
def test_copies_and_pickles_after_a_step_answer_alike(name, kind):
    module, x = wrapped(name, kind), random(3, 5, 2)
    module(x).sum().backward()
    for made in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.testing.assert_close(made(x), module(x), rtol=0, atol=0)
        moved(made)
        assert not torch.allclose(made(x), module(x))


@pytest.mark.parametrize(("name", "kind"), WRAPPED)
def test_called_with_other_weights(name, kind):
    module, x = wrapped(name, kind), random(3, 5, 2)
    before = module(x)
    other = moved(copy.deepcopy(module), seed=5)
    weights = {n: p.detach().clone().requires_grad_() for n, p in other.named_parameters()}
    values = functional_call(module, weights, (x, None))
    torch.testing.assert_close(values, other(x), rtol=0, atol=0)
    assert not torch.allclose(values, before)
    gradients = torch.autograd.grad(values.sin().sum(), list(weights.values()))
    assert all(g.abs().max() > 0 for g in gradients)
    torch.testing.assert_close(module(x), before, rtol=0, atol=0)
    with torch.no_grad():  # the module's own weights are in place again
        for parameter in module.parameters():
            parameter.add_(0.1)
    assert not torch.allclose(module(x), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_timesteps", [1, 5])
@pytest.mark.parametrize(("name", "kind"), WRAPPED)
def test_penalties_on_gradients_can_be_differentiated(name, kind, n_timesteps, dtype):
    module, x = wrapped(name, kind, n_timesteps=n_timesteps), random(3, n_timesteps, 2)
    with double_backward():
        slope_penalty(module, x).backward()
    expected = {n: p.grad for n, p in module.named_parameters()}
    assert any(g is not None and g.abs().max() > 0 for g in expected.values())
    if dtype == torch.float32:  # the kernels are others
        module = wrapped(name, kind, n_timesteps=n_timesteps).to(dtype)
        with double_backward():
            slope_penalty(module, x.to(dtype)).backward()
        for n, p in module.named_parameters():
            if expected[n] is not None:
                torch.testing.assert_close(p.grad.double(), expected[n], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("bidirectional", None), ("transformer", None), ("style", None), ("recurrent", "spectral")],
)
def test_second_derivatives(name, kind):
    module, x = wrapped(name, kind, n_timesteps=3, n_channels=1, n_kernels=2), random(2, 3, 1)
    names, weights = zip(*module.named_parameters(), strict=True)
    chosen = [k for k, n in enumerate(names) if n.endswith(("hh_l0", "qkv.weight", "0.bias"))]
    given = [weights[k].detach().requires_grad_() for k in chosen]

    def values(x, *given):
        parameters = dict(zip([names[k] for k in chosen], given, strict=True))
        return functional_call(module, parameters, (x, None))

    with double_backward():
        assert torch.autograd.gradgradcheck(values, (x.requires_grad_(), *given), fast_mode=True)


def test_attention_is_the_same_with_second_derivatives():
    module, x = discriminator("transformer"), random(3, 5, 2)
    with double_backward():
        values = module(x)
    torch.testing.assert_close(values, module(x))


def test_second_derivatives_are_for_the_thread_and_the_block_that_asks():
    answers = []
    with double_backward():
        with double_backward():
            assert differentiated_twice()
        assert differentiated_twice()
        thread = threading.Thread(target=lambda: answers.append(differentiated_twice()))
        thread.start()
        thread.join()
    assert answers == [False]
    assert not differentiated_twice()
    with pytest.raises(ZeroDivisionError), double_backward():
        1 / 0
    assert not differentiated_twice()


def test_lstms_do_without_cudnn_where_there_is_one(monkeypatch):
    before = torch.backends.cudnn.enabled
    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: True)
    with double_backward(), double_backward():
        assert not torch.backends.cudnn.enabled
    assert torch.backends.cudnn.enabled == before


@pytest.mark.parametrize("name", BODIES)
def test_a_seed_of_the_global_stream_gives_the_weights(name):
    one, same = discriminator(name).state_dict(), discriminator(name).state_dict()
    assert all(torch.equal(one[key], same[key]) for key in one)
