"""Adversarial losses, penalties and unrolled steps, against integrals and closed forms."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import nn
from torch.autograd import grad, gradcheck, gradgradcheck
from torch.autograd.functional import jacobian
from torch.distributions import Normal
from torch.func import functional_call
from torch.nn.functional import binary_cross_entropy, mse_loss

from sklearn_timegen.objectives.adversarial import (
    DIVERGENCES,
    LOSSES,
    FDivergenceLoss,
    NonSaturatingLoss,
    RelativisticLoss,
    WassersteinLoss,
    feature_matching,
    make_loss,
    pairwise_accuracy,
)
from sklearn_timegen.objectives.penalties import (
    PENALTIES,
    GradientPenalty,
    OneSidedPenalty,
    PathLengthPenalty,
    ZeroCentredPenalty,
)
from sklearn_timegen.objectives.unrolling import AdamStep, GradientStep, unrolled

from .global_seed import GLOBAL_RANDOM_SEED as SEED

NAMES = [*LOSSES, *DIVERGENCES]
LABELLED = [name for name in LOSSES if LOSSES[name].has_labels]
OF_D = [name for name in PENALTIES if PENALTIES[name].player == "discriminator"]
ON_LINES = [name for name in OF_D if PENALTIES[name].on_interpolates]


def tensor(values):
    return torch.as_tensor(values, dtype=torch.float64)


def draws(*shape, seed=0):
    return torch.randn(
        *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(SEED + seed)
    )


# -- losses by integration --------------------------------------------------------------------

GRID = tensor(np.linspace(-16, 20, 18_001))


class Pair:
    """Real series from p and fakes from q, both normal and on a grid."""

    def __init__(self, p, q):
        log_p, log_q = (Normal(*map(tensor, moments)).log_prob(GRID) for moments in (p, q))
        self.p, self.q, self.log_u = log_p.exp(), log_q.exp(), log_p - log_q

    def expected(self, of_real, of_fake):
        return torch.trapezoid(self.p * of_real + self.q * of_fake, GRID)

    def cost(self, loss, v):
        """The discriminator's loss, for losses that are a term of real plus a term of fakes."""
        none = torch.zeros_like(v)
        both = self.expected(loss.discriminator(v, none), loss.discriminator(none, v))
        return both - loss.discriminator(none, none)[0]


FAR = Pair((5.0, 1.0), (3.0, 1.5))
NEAR = Pair((0.0, 1.0), (1.0, 1.0))


def others(v):
    """Functions beside v, near and far."""
    for i, size in enumerate((1e-2, 0.1, 0.5)):
        yield v + size
        yield v - size
        yield (1 + size) * v
        yield v + size * torch.sin((i + 1) * GRID + i)


@pytest.mark.parametrize("name", ["minimax", "non-saturating"])
@pytest.mark.parametrize(
    ("pair", "js", "value"), [(FAR, 0.253193, -0.879908), (NEAR, 0.111421, -1.163451)]
)
def test_best_discriminator_measures_jensen_shannon(name, pair, js, value):
    loss, (p, q) = LOSSES[name](), (pair.p, pair.q)
    v = pair.log_u  # D* = p / (p + q)
    best = pair.cost(loss, v)
    log_d = -torch.nn.functional.softplus(-v)
    assert -best.item() == pytest.approx(value, abs=1e-6)
    assert (0.5 * (math.log(4) - best)).item() == pytest.approx(js, abs=1e-6)
    middle = 0.5 * (p + q)
    by_integral = 0.5 * pair.expected((p / middle).log(), (q / middle).log())
    assert by_integral.item() == pytest.approx(js, abs=1e-6)
    assert all(pair.cost(loss, other) > best + 1e-6 for other in others(v))
    # What the generator descends are means of logarithms: of 1 - D, and of D.
    none = torch.zeros_like(p)
    pays = pair.expected(none, loss.generator(None, v))
    plain = (q / (p + q)).log() if name == "minimax" else -log_d
    assert torch.allclose(pays, pair.expected(none, plain), rtol=0, atol=1e-6)


def test_best_discriminator_by_value():
    got = [FAR.log_u.sigmoid()[(GRID - x).abs().argmin()] for x in (5, 4, 3)]
    assert torch.allclose(tensor(got), tensor([0.7849, 0.5319, 0.1687]), rtol=0, atol=5e-5)


@pytest.mark.parametrize("pair", [FAR, NEAR])
def test_best_discriminators_of_the_bounded_losses(pair):
    p, q = pair.p, pair.q
    for name, v, value in (
        ("least-squares", p / (p + q), 0.5 * pair.expected(q / (p + q), 0 * q)),
        ("hinge", (p - q).sign(), 2 * torch.trapezoid(torch.minimum(p, q), GRID)),
    ):
        best = pair.cost(LOSSES[name](), v)
        assert torch.allclose(best, value, rtol=0, atol=1e-6)
        assert all(pair.cost(LOSSES[name](), other) > best for other in others(v))


F_OF = {  # f(u), and D_f(N(0, 1) || N(1, 1))
    "kl": (lambda u: u * u.log(), 0.5),
    "reverse-kl": (lambda u: -u.log(), 0.5),
    "pearson": (lambda u: (u - 1).square(), 1.718282),
    "hellinger": (lambda u: (u.sqrt() - 1).square(), 0.235006),
    "jensen-shannon": (lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(), 0.222843),
    "gan": (lambda u: u * u.log() - (u + 1) * (u + 1).log(), -1.163451),
}
V_BEST = {  # D's value for which T is f'(u)
    "kl": lambda log_u: 1 + log_u,
    "pearson": lambda log_u: 2 * torch.expm1(log_u),
    "hellinger": lambda log_u: 0.5 * log_u,
}


def best_value(name, log_u):
    return V_BEST.get(name, lambda log_u: log_u)(log_u)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_f_divergences(name):
    (f, value), divergence, loss = F_OF[name], DIVERGENCES[name], FDivergenceLoss(name)
    v = best_value(name, NEAR.log_u)
    u = NEAR.log_u[3500:13000].exp().requires_grad_()
    slope = grad(f(u).sum(), u)[0]
    T, conjugate = (of(v)[3500:13000] for of in (divergence.output, divergence.conjugate))
    assert torch.allclose(T, slope, rtol=1e-9, atol=1e-9)
    assert torch.allclose(conjugate, (u * slope - f(u)).detach(), rtol=1e-6, atol=1e-9)
    best = NEAR.cost(loss, v)
    assert -best.item() == pytest.approx(value, abs=1e-6)
    by_integral = torch.trapezoid(NEAR.q * f(NEAR.log_u.exp()), GRID)
    assert by_integral.item() == pytest.approx(value, abs=1e-6)
    assert all(NEAR.cost(loss, other) > best + 1e-6 for other in others(v))
    free = v.clone().requires_grad_()
    assert grad(NEAR.cost(loss, free), free)[0].abs().max() < 1e-9


def test_the_jensen_shannon_of_f_gan_is_twice_it():
    v = NEAR.log_u
    twice = -NEAR.cost(FDivergenceLoss("jensen-shannon"), v)
    assert (0.5 * twice).item() == pytest.approx(0.111421, abs=1e-6)
    gan, minimax = make_loss("gan"), make_loss("minimax")
    assert torch.allclose(gan.discriminator(v, -v), minimax.discriminator(v, -v))
    assert torch.allclose(gan.generator(v, -v), minimax.generator(v, -v))


SD = 0.8


def divergence_of(name, mean):
    log_p = Normal(tensor(0.0), 1.0).log_prob(GRID)
    log_q = Normal(mean, SD).log_prob(GRID)
    return torch.trapezoid(log_q.exp() * F_OF[name][0]((log_p - log_q).exp()), GRID)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_generators_descend_the_divergence_itself(name):
    """q = N(mean, 0.8^2): its gradient in the mean, through the samples, the critic held."""
    mean, loss = tensor(0.7).requires_grad_(), FDivergenceLoss(name)
    z = tensor(np.linspace(-20, 20, 8001))

    def log_u(x):
        return Normal(tensor(0.0), 1.0).log_prob(x) - Normal(tensor(0.7), SD).log_prob(x)

    v, density = best_value(name, log_u(mean + SD * z)), Normal(tensor(0.0), 1.0).log_prob(z).exp()
    got = grad(torch.trapezoid(density * loss.generator(None, v), z), mean, retain_graph=True)[0]
    wanted = grad(divergence_of(name, mean), mean)[0]
    assert torch.allclose(got, wanted, rtol=1e-6)
    if name == "kl":  # ascending T would descend the reverse KL
        heuristic = -torch.trapezoid(density * loss.divergence.output(v), z)
        reverse = grad(divergence_of("reverse-kl", mean), mean)[0]
        assert torch.allclose(grad(heuristic, mean)[0], reverse, rtol=1e-6)
        assert not torch.allclose(reverse, wanted, rtol=0.1)


# -- losses by formula ------------------------------------------------------------------------


def labels(like, value):
    return torch.full_like(like, value)


@pytest.mark.parametrize("shape", [(6,), (6, 4)])
def test_formulas(shape):
    real, fake = draws(*shape), draws(*shape, seed=1)
    D = {"real": real.sigmoid(), "fake": fake.sigmoid()}
    plain = -D["real"].log() - (1 - D["fake"]).log()
    pairs = (real - fake).sigmoid()
    zero = torch.zeros_like(real)
    for name, of_d, of_g in (
        ("minimax", plain, (1 - D["fake"]).log()),
        ("non-saturating", plain, -D["fake"].log()),
        ("least-squares", 0.5 * (real - 1) ** 2 + 0.5 * fake**2, 0.5 * (fake - 1) ** 2),
        ("hinge", torch.maximum(zero, 1 - real) + torch.maximum(zero, 1 + fake), -fake),
        ("wasserstein", fake - real, -fake),
        ("relativistic", -pairs.log(), -(1 - pairs).log()),
    ):
        loss = make_loss(name)
        got_d, got_g = loss.discriminator(real, fake), loss.generator(real, fake)
        assert got_d.shape == got_g.shape == shape
        assert torch.allclose(got_d, of_d, rtol=0, atol=1e-12)
        assert torch.allclose(got_g, of_g, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", LABELLED)
def test_smoothed_labels_are_those_of_the_real_alone(name):
    real, fake = draws(9), draws(9, seed=1)
    loss = make_loss(name, smoothing=0.1)
    if name == "least-squares":
        of_real = 0.5 * mse_loss(real, labels(real, 0.9), reduction="none")
        of_fake = 0.5 * fake.square()
    else:
        of_real = binary_cross_entropy(real.sigmoid(), labels(real, 0.9), reduction="none")
        of_fake = binary_cross_entropy(fake.sigmoid(), labels(fake, 0.0), reduction="none")
    assert torch.allclose(loss.discriminator(real, fake), of_real + of_fake)
    assert torch.equal(loss.generator(None, fake), make_loss(name).generator(None, fake))


@pytest.mark.parametrize("name", NAMES)
def test_values_of_any_size(name):
    ends = torch.tensor([-1e4, 0.0, 1e4]).requires_grad_()
    real, fake = torch.cartesian_prod(ends, ends).unbind(dim=1)
    loss = make_loss(name)
    losses = loss.discriminator(real, fake), loss.generator(real, fake)
    if name in ("kl", "reverse-kl", "hellinger"):  # truly larger than any float
        assert not any(one.isnan().any() for one in losses)
        return
    for one in losses:
        assert one.isfinite().all()
        assert grad(one.sum(), ends, retain_graph=True)[0].isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_flags_tell_what_a_loss_needs(name):
    loss, real, fake = make_loss(name), draws(3), draws(3, seed=1)
    if loss.generator_needs_real:
        assert not torch.equal(loss.generator(real, fake), loss.generator(real + 1, fake))
    else:
        assert torch.equal(loss.generator(real, fake), loss.generator(None, fake))
    # Without bound, as D's scale grows: D has to be held.
    assert loss.needs_lipschitz == (name == "wasserstein")


def test_a_discriminator_that_is_constant_costs_both_players_log_2_in_relativistic():
    loss, same = RelativisticLoss(), labels(draws(5), 3.7)
    for player in (loss.discriminator, loss.generator):
        assert torch.allclose(player(same, same), labels(same, math.log(2)))


class MyLoss:
    def discriminator(self, real, fake):
        return fake - real

    def generator(self, real, fake):
        return -fake


def test_losses_by_name():
    mine = MyLoss()
    assert make_loss(mine) is mine
    assert isinstance(make_loss("minimax"), LOSSES["minimax"])
    assert make_loss("kl").divergence is DIVERGENCES["kl"]
    with pytest.raises(ValueError, match=r"one of \['minimax', .*'gan'\], got 'vanilla'"):
        make_loss("vanilla")
    with pytest.raises(ValueError, match="methods discriminator and generator; got 3"):
        make_loss(3)
    for name in ("hinge", "wasserstein", "relativistic", "kl", mine):
        with pytest.raises(ValueError, match=r"smoothing=0.1 .*\['minimax', 'non-saturating'"):
            make_loss(name, smoothing=0.1)


@pytest.mark.parametrize("name", [*NAMES, *PENALTIES])
def test_pickles(name):
    thing = PENALTIES[name]() if name in PENALTIES else make_loss(name)
    for other in (pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing)):
        assert type(other) is type(thing)
    if name in NAMES:
        real, fake = draws(3), draws(3, seed=1)
        assert torch.equal(other.discriminator(real, fake), thing.discriminator(real, fake))


# -- beside the loss --------------------------------------------------------------------------


def test_feature_matching():
    real, fake = draws(5, 3), draws(7, 3, seed=1)
    plain = sum((real[:, i].mean() - fake[:, i].mean()) ** 2 for i in range(3))
    assert torch.allclose(feature_matching(real, fake), plain)
    stacked = [torch.stack([one, -2 * one], dim=1) for one in (real, fake)]  # two timesteps
    assert torch.allclose(feature_matching(*stacked), 5 * plain)
    # Means are compared, so that the spread is free.
    assert feature_matching(real, 2 * real - real.mean(dim=0)) < 1e-30


def test_features_of_labels_are_matched_label_by_label():
    real, fake = draws(10, 3), draws(10, 3, seed=1)
    label = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
    one_hot = torch.nn.functional.one_hot(label, 4).to(real.dtype)  # none of the fourth
    expected = sum(
        (label == k).double().mean() * feature_matching(real[label == k], fake[label == k])
        for k in range(3)
    )
    assert torch.allclose(feature_matching(real, fake, one_hot), expected, rtol=1e-9)
    stacked = [torch.stack([one, -2 * one], dim=1) for one in (real, fake)]  # two timesteps
    assert torch.allclose(feature_matching(*stacked, one_hot), 5 * expected, rtol=1e-9)
    # Labels taken for one another are seen by this alone.
    swapped = real[[5, 6, 7, 8, 9, 0, 1, 2, 3, 4]]
    assert feature_matching(real, swapped) < 1e-30
    assert feature_matching(real, swapped, one_hot) > 0.1
    # A label of all, and one series of each, are what they would be without labels.
    one = torch.ones(10, 1, dtype=real.dtype)
    assert torch.equal(feature_matching(real, fake, one), feature_matching(real, fake))
    each = feature_matching(real, fake, torch.eye(10, dtype=real.dtype))
    assert torch.allclose(each, (real - fake).square().sum(dim=1).mean(), rtol=1e-9)


def test_features_of_vectors_are_matched_by_the_best_linear_function():
    c, noise = draws(40, 2), draws(40, 3, seed=1)
    c = torch.cat([c, c[:, :1] + 1], dim=1)  # the third follows from the first
    design = np.column_stack([np.ones(40), c[:, :2]])
    fake = draws(40, 3, seed=2)
    real = fake + noise + tensor(design @ np.arange(9.0).reshape(3, 3))
    fitted = design @ np.linalg.lstsq(design, (real - fake).numpy(), rcond=None)[0]
    expected = tensor((fitted**2).sum(axis=1).mean())
    assert torch.allclose(feature_matching(real, fake, c), expected, rtol=1e-9)
    # Units of the conditions do not matter.
    assert torch.allclose(feature_matching(real, fake, 7 * c - 2), expected, rtol=1e-9)
    f = draws(12, 2, seed=3).requires_grad_()
    assert gradcheck(lambda f: feature_matching(draws(12, 2), f, c[:12]), f)


def test_pairwise_accuracy():
    a, b = tensor([1.0, 2.0, 2.0]), tensor([0.0, 2.0])
    assert pairwise_accuracy(a, b).item() == pytest.approx(4 / 6)  # of six pairs, two are ties
    assert pairwise_accuracy(b, a).item() == pytest.approx(2 / 6)
    assert pairwise_accuracy(a, a) == 0.5
    assert pairwise_accuracy(a + 2, b) == 1
    # Judgements of one series count as their mean.
    assert pairwise_accuracy(tensor([[3.0, -1.0]]), tensor([[0.0, 1.0]])) == 1


# -- penalties --------------------------------------------------------------------------------


def never(x):
    raise AssertionError("the critic has been run")


def pay(name, critic, real, fake, e=None):
    """A penalty as a step of the discriminator would take it."""
    penalty = PENALTIES[name]()
    real, fake = real.clone(), fake.clone()
    for series in ("real", "fake"):
        if series in penalty.uses:
            {"real": real, "fake": fake}[series].requires_grad_()
    values = critic(real), critic(fake)
    return penalty(critic if penalty.on_interpolates else never, real, fake, *values, e)


class Linear:
    def __init__(self, a):
        self.a = a

    def __call__(self, x):
        return (x * self.a).sum(dim=(1, 2))


BATCH = draws(6, 4, 3), draws(6, 4, 3, seed=1)
E = tensor(np.random.default_rng(SEED).uniform(size=6))


@pytest.mark.parametrize("size", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("e", [0 * E, E, 1 + 0 * E])
def test_linear_critics(size, e):
    a = draws(4, 3, seed=2)
    critic = Linear(size * a / a.norm())
    gap = size - 1
    for name, value in {
        "gradient": gap**2,
        "one-sided": max(0, gap) ** 2,
        "r1": 0.5 * size**2,
        "r2": 0.5 * size**2,
        "zero-centred": size**2,
    }.items():
        paid = pay(name, critic, *BATCH, e)
        assert paid.shape == (6,)
        assert torch.allclose(paid, labels(paid, value), rtol=0, atol=1e-12)


def curved(x):
    return (x[:, 1:] * x[:, :-1].sin()).sum(dim=(1, 2))


def judging(x):
    return (x[:, 1:] * x[:, :-1].sin()).sum(dim=2)


@pytest.mark.parametrize("critic", [curved, judging])
def test_every_series_has_a_point_and_a_norm_of_its_own(critic):
    for name in OF_D:
        paid = pay(name, critic, *BATCH, E)
        # Neither the number nor the order of the others matters.
        assert torch.allclose(paid[2:3], pay(name, critic, *(x[2:3] for x in BATCH), E[2:3]))
        for i, (x, x_fake) in enumerate(zip(*BATCH, strict=True)):
            points = {"r1": [x], "r2": [x_fake], "zero-centred": [x, x_fake]}
            norms = [
                jacobian(lambda x: critic(x[None]).mean(), point).norm()
                for point in points.get(name, [E[i] * x + (1 - E[i]) * x_fake])
            ]
            plain = {
                "gradient": lambda norm: (norm - 1) ** 2,
                "one-sided": lambda norm: max(norm - 1, 0 * norm) ** 2,
            }.get(name, lambda norm: norm**2 / 2)
            assert torch.allclose(paid[i], sum(map(plain, norms)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", OF_D)
def test_gradients_of_penalties(name):
    def paid(A, b):
        return pay(name, lambda x: (x.flatten(1) @ A).tanh() @ b, *BATCH, E)

    A, b = draws(12, 3, seed=3), draws(3, seed=4)
    if name == "one-sided":  # on some series: slopes are proportional to b
        slopes = 1 + paid(A, 1e3 * b).sqrt()
        b = 1e3 * b / slopes.sort().values[2:4].mean()  # far from the kink
    free = [w.requires_grad_() for w in (A, b)]
    if name == "one-sided":
        assert 0 < (paid(*free) > 0).sum() < 6
    assert gradcheck(paid, free)
    assert gradgradcheck(paid, free)


@pytest.mark.parametrize("name", OF_D)
def test_flat_critics_have_gradients(name):
    a = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    paid = pay(name, Linear(a), *BATCH, E)
    assert torch.equal(paid, labels(paid, 1.0 if name == "gradient" else 0.0))
    assert torch.equal(grad(paid.sum(), a)[0], torch.zeros_like(a))


@pytest.mark.parametrize("name", OF_D)
def test_what_an_unrolled_step_sees_of_the_generator(name):
    """Fakes that carry gradients keep them: the slope there depends on the generator."""
    shift = tensor(0.3).requires_grad_()

    def paid(shift):
        real, fake = BATCH[0].clone().requires_grad_(), BATCH[1] + shift
        penalty = PENALTIES[name]()
        return penalty(curved, real, fake, curved(real), curved(fake), E).sum()

    assert gradcheck(paid, shift) if name != "r1" else not paid(shift).isnan()


def test_default_weights():
    weights = {name: penalty.default_weight for name, penalty in PENALTIES.items()}
    assert weights.pop("path-length") == 2
    assert weights.pop("gradient") == weights.pop("one-sided") == 10
    assert set(weights.values()) == {1}
    assert ON_LINES == ["gradient", "one-sided"]


# -- path length ------------------------------------------------------------------------------


def test_lengths_of_a_linear_generator():
    """At an average of 0, where it starts, the penalty is the squared length."""
    A, n = draws(5, 4, 3), 20_000
    w, noise = draws(n, 5, seed=1).requires_grad_(), draws(n, 4, 3, seed=2)
    squares = PathLengthPenalty().eval()(w, torch.einsum("bi,itd->btd", w, A), noise).detach()
    error = squares.std() / math.sqrt(n)
    assert error < 0.01 * squares.mean()
    assert (squares.mean() - A.square().sum() / 4).abs() < 4.5 * error
    # Not normalised over the batch: a series' length is the same by itself.
    w = w[:1].detach().requires_grad_()
    alone = PathLengthPenalty().eval()(w, torch.einsum("bi,itd->btd", w, A), noise[:1])
    assert torch.allclose(alone, squares[:1])


def test_lengths_by_jacobian():
    A, w, noise = draws(5, 4, 3), draws(6, 5, seed=1), draws(6, 4, 3, seed=2)

    def generate(w):
        return torch.einsum("bi,itd->btd", w, A).sin()

    free = w.clone().requires_grad_()
    got = PathLengthPenalty().eval()(free, generate(free), noise)
    for i in range(6):
        J = jacobian(lambda w: generate(w[None])[0], w[i])
        length = torch.einsum("tdi,td->i", J, noise[i]).norm() / 2
        assert torch.allclose(got[i], length**2)


def test_average_length_follows_slowly_and_is_constant_to_the_gradient():
    A, noise = draws(5, 4, 3).requires_grad_(), draws(6, 4, 3, seed=2)
    w = draws(6, 5, seed=1).requires_grad_()
    penalty = PathLengthPenalty()

    def lengths():
        J = torch.einsum("itd,btd->bi", A, noise) / 2
        return J.norm(dim=1)

    average = 0.0
    for _ in range(3):
        paid = penalty(w, torch.einsum("bi,itd->btd", w, A), noise)
        average += 0.01 * (lengths().mean().item() - average)
        assert penalty.mean_length.item() == pytest.approx(average, rel=1e-6)
        plain = (lengths() - penalty.mean_length).square()
        assert torch.allclose(paid, plain)
        assert torch.allclose(grad(paid.sum(), A)[0], grad(plain.sum(), A)[0])
    fresh = PathLengthPenalty()
    fresh.load_state_dict(penalty.state_dict())
    for other in (fresh, pickle.loads(pickle.dumps(penalty)), copy.deepcopy(penalty)):
        assert other.mean_length == penalty.mean_length
    penalty.eval()(w, torch.einsum("bi,itd->btd", w, A), noise)
    assert other.mean_length == penalty.mean_length


def test_gradients_of_path_lengths():
    noise = draws(2, 4, 3, seed=2)

    def paid(w, A):
        return PathLengthPenalty().eval()(w, torch.einsum("bi,itd->btd", w, A).sin(), noise)

    free = draws(2, 5, seed=1).requires_grad_(), draws(5, 4, 3).requires_grad_()
    assert gradcheck(paid, free)
    assert gradgradcheck(paid, free)


# -- learned ----------------------------------------------------------------------------------


def quantiles(mean, sd, n):
    """A sample of a normal distribution that is as even as can be, as series of one cell."""
    values = norm(mean, sd).ppf((np.arange(n) + 0.5) / n)
    return torch.as_tensor(values, dtype=torch.float32).reshape(-1, 1, 1)


def learned(loss, real, fake, penalty=None, weight=0.0, n_steps=250):
    rng = torch.Generator().manual_seed(SEED)
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        D = nn.Sequential(
            nn.Flatten(),
            nn.Linear(real[0].numel(), 32),
            nn.LeakyReLU(),
            nn.Linear(32, 1),
            nn.Flatten(0),
        )
    optimizer = torch.optim.Adam(D.parameters(), 3e-2, betas=(0.5, 0.9))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for _ in range(n_steps):
        x = real[torch.randperm(len(real), generator=rng)]
        values = D(x), D(fake)
        cost = loss.discriminator(*values).mean()
        if penalty is not None:
            e = torch.rand(len(x), generator=rng)
            cost = cost + weight * penalty(D, x, fake, *values, e).mean()
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        schedule.step()
    return D


def test_discriminators_learn_the_ratio_of_densities():
    loss, real, fake = NonSaturatingLoss(), quantiles(5, 1, 500), quantiles(3, 1.5, 500)
    D = learned(loss, real, fake)
    with torch.no_grad():
        cost = loss.discriminator(D(real), D(fake)).mean().item()
        at = D(torch.tensor([5.0, 4.0, 3.0]).reshape(3, 1, 1)).sigmoid().double()
    assert 0.5 * (math.log(4) - cost) == pytest.approx(0.253193, rel=0.03)
    assert torch.allclose(at, tensor([0.7849, 0.5319, 0.1687]), rtol=0, atol=0.03)


WEIGHT = 100  # published weights overstate W1: the test of the gradient penalty says how much


@pytest.mark.parametrize(("mean", "sd", "distance"), [(2, 1, 2.0), (0, 2, math.sqrt(2 / math.pi))])
def test_critics_learn_the_distance(mean, sd, distance):
    loss = WassersteinLoss()
    D = learned(loss, quantiles(0, 1, 256), quantiles(mean, sd, 256), OneSidedPenalty(), WEIGHT)
    with torch.no_grad():
        real, fake = D(quantiles(0, 1, 20_000)), D(quantiles(mean, sd, 20_000))
    assert -loss.discriminator(real, fake).mean().item() == pytest.approx(distance, rel=0.02)


@pytest.mark.parametrize("weight", [10, WEIGHT])
def test_critics_learn_the_distance_under_the_gradient_penalty(weight):
    # In two dimensions: in one, a slope of the wrong sign would have to pass 0 to turn.
    real = draws(512, 1, 2).float()
    fake = draws(512, 1, 2, seed=1).float()
    real, fake = real - real.mean(dim=0), fake - fake.mean(dim=0) + torch.tensor([2.0, 0.0])
    D = learned(WassersteinLoss(), real, fake, GradientPenalty(), weight)
    with torch.no_grad():
        gap = (D(real).mean() - D(fake).mean()).item()
    assert gap == pytest.approx(2 * (1 + 2 / (2 * weight)), rel=0.03)


@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_dirac_gan(gamma):
    """Real series are 0, fakes are theta, D(x) = psi x; both players step at the same time.

    Near 0 the players turn at the rate 1/2, and steps of h carry them outwards; from afar they
    are drawn to a circle, of radius sqrt(2 h), and never to 0. With gamma, eigenvalues are the
    roots of s^2 + 2 gamma s + 1/4: here both are -1/2.
    """
    loss, penalty, h = RelativisticLoss(), ZeroCentredPenalty(), 0.3
    theta, psi = (torch.full((1, 1, 1), 0.2, requires_grad=True) for _ in range(2))
    real, apart, signs = torch.zeros(1, 1, 1, requires_grad=True), [], []
    for _ in range(300):
        fake, critic = theta.detach().requires_grad_(), Linear(psi)
        values = critic(real), critic(fake)
        paid = loss.discriminator(*values) + gamma * penalty(critic, real, fake, *values)
        of_psi = grad(paid.sum(), psi)[0]
        of_theta = grad(loss.generator(critic(real), critic(theta)).sum(), theta)[0]
        with torch.no_grad():
            psi -= h * of_psi
            theta -= h * of_theta
        apart.append(math.hypot(theta.item(), psi.item()))
        signs.append(theta.item() > 0)
    if gamma:
        assert apart[-1] < 1e-6
    else:
        assert min(apart) > 0.2 * math.sqrt(2)
        assert apart[-1] == pytest.approx(math.sqrt(2 * h), rel=0.05)
        assert np.diff(signs).sum() > 5


# -- unrolling --------------------------------------------------------------------------------


@pytest.mark.parametrize("n_steps", [0, 1, 3, 7])
def test_gradient_through_the_steps(n_steps):
    """F = x y: while y ascends to y + K eta x, x has the gradient y + 2 K eta x."""
    x, y, eta = tensor(0.7).requires_grad_(), tensor(-0.4).requires_grad_(), 0.1
    after = unrolled({"y": y}, lambda at: -x * at["y"], n_steps, GradientStep(eta))["y"]
    assert torch.allclose(after, y + n_steps * eta * x)
    (x * after).backward()
    assert torch.allclose(x.grad, y + 2 * n_steps * eta * x, rtol=0, atol=1e-15)
    assert y.grad is None
    assert y == -0.4


@pytest.mark.parametrize("warm", [0, 4])
def test_adam_goes_on_as_the_optimizer_would(warm):
    x = draws(8, 3)
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        module = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    optimizer = torch.optim.Adam(module.parameters(), 0.03, betas=(0.5, 0.9))

    def loss(weights):
        y = x.sum(dim=1, keepdim=True).sin()
        return (functional_call(module, weights, (x,)) - y).square().mean()

    def step():
        optimizer.zero_grad()
        loss(dict(module.named_parameters())).backward()
        optimizer.step()

    for _ in range(warm):
        step()
    start = dict(module.named_parameters())
    state = {name: optimizer.state.get(p, {}) for name, p in start.items()}
    kept = copy.deepcopy((state, module.state_dict()))

    ours = unrolled(start, loss, 3, AdamStep(0.03, (0.5, 0.9), state=state))
    now = (state, module.state_dict())
    for was, still in zip(kept, now, strict=True):
        torch.testing.assert_close(still, was, rtol=0, atol=0)
    for _ in range(3):
        step()
    for name, p in module.named_parameters():
        assert torch.allclose(ours[name], p, rtol=0, atol=1e-12)


@pytest.mark.parametrize("state", [None, {"y": {"step": 5, "exp_avg_sq": tensor([0.2, 0.1])}}])
@pytest.mark.parametrize("step", [GradientStep, AdamStep])
def test_gradients_through_the_steps_are_finite_differences(state, step):
    made = step(0.1) if step is GradientStep else step(0.1, state=state)

    def after(x):
        def loss(at):
            return ((x - at["y"].exp()) ** 2).sum()

        return unrolled({"y": tensor([0.3, -0.2])}, loss, 3, made)["y"]

    assert gradcheck(after, tensor([0.5, 1.5]).requires_grad_())


def test_adam_at_rest_has_gradients():
    x = tensor([0.0, 1.0]).requires_grad_()
    still = {"y": tensor([2.0, 2.0]), "unused": tensor(1.0)}
    after = unrolled(still, lambda at: (x * at["y"]).sum(), 2, AdamStep(0.1))
    assert torch.equal(after["unused"], still["unused"])
    assert grad(after["y"].sum(), x)[0].isfinite().all()


def modes_found(n_unrolled, n_steps=200):
    """How many of eight modes on a ring a small GAN draws from, if its D is slow."""
    turn = torch.arange(8) * math.pi / 4
    modes, rng = (
        2 * torch.stack([turn.cos(), turn.sin()], dim=1),
        torch.Generator().manual_seed(SEED),
    )

    def noise(*shape):
        return torch.randn(*shape, generator=rng)

    def network(n_in, n_out):
        return nn.Sequential(
            nn.Linear(n_in, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, n_out)
        )

    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        G, D, loss = network(8, 2), network(2, 1), NonSaturatingLoss()
    of_g, of_d = (
        torch.optim.Adam(player.parameters(), lr, betas=(0.5, 0.999))
        for player, lr in ((G, 6e-3), (D, 2e-3))
    )
    for _ in range(n_steps):
        x = modes[torch.randint(8, (128,), generator=rng)] + 0.05 * noise(128, 2)
        fake, start = G(noise(128, 8)), dict(D.named_parameters())
        values = [lambda w, x=x: functional_call(D, w, (x,)) for x in (x, fake, fake.detach())]
        state = {name: of_d.state.get(p, {}) for name, p in start.items()}
        ahead = unrolled(
            start,
            lambda w, v=values: loss.discriminator(v[0](w), v[1](w)).mean(),
            n_unrolled,
            AdamStep(2e-3, (0.5, 0.999), state=state),
        )
        of_g.zero_grad()
        loss.generator(None, values[1](ahead)).mean().backward()
        of_g.step()
        of_d.zero_grad()
        loss.discriminator(values[0](start), values[2](start)).mean().backward()
        of_d.step()
    with torch.no_grad():
        distance, nearest = torch.cdist(G(noise(2000, 8)), modes).min(dim=1)
    return sum((nearest[distance < 0.4] == k).sum() > 20 for k in range(8)).item()


@pytest.mark.exhaustive
def test_looking_ahead_finds_all_modes_of_a_ring():
    assert modes_found(0) < 8
    assert modes_found(6) == 8
