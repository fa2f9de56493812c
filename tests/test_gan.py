"""The adversarial family: the players' steps, the axes, the names, what is refused and watched."""

import copy
import pickle
import re
import warnings
from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.base import clone
from skorch.callbacks import Callback
from torch import nn

from sklearn_timegen import (
    CRNNGAN,
    FGAN,
    GAN,
    LSGAN,
    NSGAN,
    R3GAN,
    RCGAN,
    SNGAN,
    WGAN,
    WGANGP,
    GradientNormalizedGAN,
    StyleGAN,
    UnrolledGAN,
    VanillaGAN,
)
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_labelled_sines, make_sines
from sklearn_timegen.gan import _latents
from sklearn_timegen.gan.generators import GENERATORS
from sklearn_timegen.metrics import effective_sample_ratio
from sklearn_timegen.nn.adversaries import Adversaries
from sklearn_timegen.nn.discriminator import BODIES
from sklearn_timegen.objectives.adversarial import HingeLoss
from sklearn_timegen.training import AdversarialNet
from sklearn_timegen.training.monitor import ReferenceSeries

from .flows import Identity
from .global_seed import GLOBAL_RANDOM_SEED as SEED

SMALL = {
    "hidden_dims": (8,),
    "latent_dim": 3,
    "encoder_steps": 5,
    "rules": None,
    "random_state": SEED,
}
DENSE = {**SMALL, "generator": "dense", "discriminator": "dense"}
NAMES = {
    CRNNGAN: {"generator": "recurrent", "discriminator": "bidirectional", "feature_matching": 1.0},
    FGAN: {},
    LSGAN: {"loss": "least-squares"},
    NSGAN: {"loss": "non-saturating"},
    R3GAN: {"loss": "relativistic", "penalty": "zero-centred"},
    RCGAN: {"generator": "recurrent", "discriminator": "recurrent"},
    SNGAN: {"normalization": "spectral"},
    WGAN: {"loss": "wasserstein", "normalization": "clip"},
    WGANGP: {"loss": "wasserstein", "penalty": "gradient"},
    GradientNormalizedGAN: {"normalization": "gradient"},
    StyleGAN: {"generator": "style", "discriminator": "style"},
    UnrolledGAN: {"unroll_steps": 5},
    VanillaGAN: {"loss": "minimax"},
}


@pytest.fixture(scope="module")
def X():
    return make_sines(60, 8, 2, random_state=SEED)


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(before, module):
    return {n for n, value in module.state_dict().items() if not torch.equal(value, before[n])}


class Own(nn.Module):
    """A generator or a discriminator, of the right shapes or not."""

    def __init__(self, n_timesteps, n_channels, *sizes, n_conditions=0, shape=None):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.shape = shape or (n_timesteps, n_channels)

    def forward(self, x, c=None):
        return (
            self.layer(x.flatten(1).mean(dim=1, keepdim=True))
            .expand(-1, int(np.prod(self.shape)))
            .unflatten(1, self.shape)
        )


class OwnJudge(Own):
    def __init__(self, *sizes, n_conditions=0):
        super().__init__(*sizes, shape=(1,))

    def forward(self, x, c=None):
        return super().forward(x, c).squeeze(1)


class Mute(OwnJudge):
    def forward(self, x, c=None):
        return super().forward(x, c).sum()


class Narrow(Own):
    def __init__(self, n_timesteps, n_channels, *sizes, n_conditions=0):
        super().__init__(n_timesteps, n_channels - 1)


def players_and_batch(gan, X):
    """A fitted net, ready for single steps, and a batch for it."""
    net = gan.fit(X).net_
    net.module_.train()
    return net, Series(torch.from_numpy(gan.representation_.transform(X[:16])))


# -- steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "axes",
    [
        {},
        {"loss": "hinge", "penalty": None, "normalization": "spectral"},
        {"loss": "hinge", "penalty": None, "normalization": "gradient"},
        {"loss": "non-saturating", "unroll_steps": 2},
        {"feature_matching": 0.5},
        {"penalty": ["r1", "path-length"]},
    ],
)
def test_a_step_of_one_player_leaves_the_other_alone(X, axes):
    net, batch = players_and_batch(GAN(**DENSE, max_epochs=1, **axes), X)
    generator, judge = net.networks.generator, net.networks.discriminator
    before, of_judge = weights(generator), weights(judge)
    net.n_critic = 100  # none of the generator's steps is due
    net.train_step(batch)
    assert not changed(before, generator)
    assert changed(of_judge, judge) >= {n for n, _ in judge.named_parameters() if "weight" in n}
    net.n_critic = 1
    net.optimizer_.param_groups[1]["lr"] = 0.0  # the discriminator's step leads nowhere
    iterated = copy.deepcopy(judge)
    if hasattr(iterated, "iterate"):  # which belongs to its own step, and to no other
        iterated.iterate()
    steps = [int(net.optimizer_.state[p]["step"]) for p in judge.parameters()]
    net.train_step(batch)
    assert changed(before, generator) >= {"body.0.weight", "output.weight"}
    assert not changed(weights(iterated), judge)
    taken = [int(net.optimizer_.state[p]["step"]) for p in judge.parameters()]
    assert taken == [n + 1 for n in steps]


@pytest.mark.parametrize("n_critic", [1, 3])
def test_the_critics_steps_are_counted(X, n_critic):
    gan = GAN(**DENSE, n_critic=n_critic, batch_size=10, max_epochs=4).fit(X)  # 24 batches
    assert gan.net_.n_steps_ == {"discriminator": 24, "generator": 24 // n_critic}
    gan.partial_fit(X)
    assert gan.net_.n_steps_ == {"discriminator": 30, "generator": 30 // n_critic}
    state = gan.net_.optimizer_.state
    steps = [int(state[next(iter(g["params"]))]["step"]) for g in gan.net_.optimizer_.param_groups]
    assert steps == [30 // n_critic, 30]


def test_an_epoch_too_short_for_the_generator_has_no_loss_of_it(X):
    gan = WGANGP(**DENSE, n_critic=5, batch_size=30, max_epochs=3).fit(X)  # 2 batches an epoch
    assert ["generator_loss" in row for row in gan.history_] == [False, False, True]


def test_unrolling_gives_discriminator_and_optimizer_back(X):
    """Looking ahead changes the generator's steps, and nothing of the discriminator's."""
    ahead, batch = players_and_batch(UnrolledGAN(**DENSE, max_epochs=2, unroll_steps=3), X)
    plain = pickle.loads(pickle.dumps(ahead))
    plain.unroll_steps = 0
    for net in (ahead, plain):
        net.train_step(batch)
    assert not changed(weights(plain.networks.discriminator), ahead.networks.discriminator)
    theirs, ours = (
        [net.optimizer_.state[p] for p in net.networks.discriminator.parameters()]
        for net in (plain, ahead)
    )
    assert ours
    for a, b in zip(theirs, ours, strict=True):
        assert a.keys() == b.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(a[name], b[name]) for name in a)
    assert changed(weights(plain.networks.generator), ahead.networks.generator) >= {
        "output.weight"
    }


@pytest.mark.parametrize("loss", ["minimax", "wasserstein", "relativistic", "hellinger"])
def test_the_generator_looks_through_the_steps_ahead(X, loss, monkeypatch):
    """Its gradient is that of the game's value at the discriminator after the steps, by autograd.

    The values of real series are part of that: the steps depend on what was generated.
    """
    gan = GAN(**DENSE, max_epochs=1, loss=loss, penalty="r1", unroll_steps=1, ema_decay=0.0)
    net, batch = players_and_batch(gan, X)
    x = batch.values
    net.optimizer_ = torch.optim.SGD(net.optimizer_.param_groups, lr=0.1)
    # The generator's own step leads nowhere, so that its gradient can be found again.
    for group, lr in zip(net.optimizer_.param_groups, (0.0, 0.1), strict=True):
        group["lr"] = lr
    drawn, draw = [], net.networks.draw
    monkeypatch.setattr(net.networks, "draw", lambda *a: drawn.append(draw(*a)) or drawn[-1])
    net.train_step(Series(x))
    game, judge = net.criterion_, net.networks.discriminator
    fake = net.networks.generate(drawn[-1][0], None)
    weights = dict(judge.named_parameters())
    loss_now = game.of_discriminator(judge, x, fake, net.noise_)[0]
    slopes = torch.autograd.grad(loss_now, list(weights.values()), create_graph=True)
    later = {name: w - 0.1 * s for (name, w), s in zip(weights.items(), slopes, strict=True)}

    def critic(series):
        return torch.func.functional_call(judge, later, (series,))

    if game.zero_sum:
        expected = -game.loss.discriminator(critic(x), critic(fake)).mean()
    else:
        expected = game.loss.generator(critic(x), critic(fake)).mean()
    parameters = list(net.networks.generator.parameters())
    wanted = torch.autograd.grad(expected, parameters, retain_graph=True)
    for p, gradient in zip(parameters, wanted, strict=True):
        assert torch.allclose(p.grad, gradient, rtol=1e-3, atol=1e-7)
        assert gradient.abs().max() > 1e-6
    # At the discriminator as it is, it would be another one.
    now = game.of_generator(judge, None, x, fake)
    near = torch.autograd.grad(now, parameters)
    assert not torch.allclose(near[0], wanted[0], rtol=1e-2)


def test_penalties_are_lazy_and_weigh_as_much(X, monkeypatch):
    from sklearn_timegen.objectives.penalties import ZeroCentredPenalty

    calls = []
    plain = ZeroCentredPenalty.__call__
    monkeypatch.setattr(
        ZeroCentredPenalty, "__call__", lambda *a: calls.append(0) or plain(*a), raising=True
    )
    R3GAN(**DENSE, penalty_interval=4, batch_size=10, max_epochs=2).fit(X)
    assert len(calls) == 3  # steps 0, 4 and 8 of 12
    net, batch = players_and_batch(R3GAN(**DENSE, penalty_interval=4, penalty_weight=2.0), X)
    x = batch.values
    game, rng = net.criterion_, net.noise_
    fake = torch.zeros_like(x)
    with_it = game.of_discriminator(net.networks.discriminator, x, fake, rng, 4)[0]
    without = game.of_discriminator(net.networks.discriminator, x, fake, rng, None)[0]
    each = []
    for series in (x, fake):
        rows = series.clone().requires_grad_()
        (slope,) = torch.autograd.grad(net.networks.discriminator(rows).sum(), rows)
        each.append(0.5 * slope.flatten(1).square().sum(1).mean())
    assert float((with_it - without).detach()) == pytest.approx(
        4 * 2.0 * float(sum(each)), rel=1e-4
    )


@pytest.mark.exhaustive
def test_the_average_follows_the_generator(X):
    net, batch = players_and_batch(GAN(**DENSE, ema_decay=0.9), X)
    networks = net.networks
    before = weights(networks.average.module)
    networks.average.n_averaged.fill_(1000)
    net.train_step(batch)
    now = dict(networks.generator.named_parameters())
    averages = dict(networks.average.module.named_parameters())
    assert averages.keys() == now.keys()
    for name, value in averages.items():
        assert torch.allclose(value, 0.9 * before[name] + 0.1 * now[name], atol=1e-6)
    z, _ = networks.draw(5, net.noise_)
    assert not torch.allclose(networks.sample(z, None), networks.generate(z, None))
    plain, _ = players_and_batch(GAN(**DENSE, ema_decay=0.0), X)
    assert torch.equal(plain.networks.sample(z, None), plain.networks.generate(z, None))


def test_learning_rates_fall_along_a_cosine_and_come_back(X):
    class Seen(Callback):
        lrs: list = []

        def on_grad_computed(self, net, **kwargs):  # by each player, in its step
            self.lrs.append([group["lr"] for group in net.optimizer_.param_groups])

    gan = GAN(**DENSE, max_epochs=4, lr_end=0.2, discriminator_lr=4e-3, callbacks=[Seen()]).fit(X)
    share = 0.2 + 0.8 * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2
    assert np.allclose(Seen.lrs, np.outer(np.repeat(share, 2), [1e-3, 4e-3]))
    assert [g["lr"] for g in gan.net_.optimizer_.param_groups] == pytest.approx([1e-3, 4e-3])
    gan.partial_fit(X)
    assert Seen.lrs[-1] == pytest.approx([1e-3, 4e-3])


def test_label_smoothing_and_instance_noise_act(X):
    fits = [
        GAN(**DENSE, max_epochs=2, loss="non-saturating", penalty=None, **more).fit(X)
        for more in ({}, {"label_smoothing": 0.2}, {"instance_noise": 0.5})
    ]
    losses = [fitted.history_[-1]["discriminator_loss"] for fitted in fits]
    assert len(set(losses)) == 3


class Silent(Own):
    def forward(self, z, c=None):
        return 0 * super().forward(z, c)


class Seeing(OwnJudge):
    """Remembers, on the class, how far the series that it judges are spread."""

    seen: ClassVar[list] = []

    def forward(self, x, c=None):
        self.seen.append(float(x.detach().std()))
        return super().forward(x, c)


def test_instance_noise_is_on_all_series_and_falls_to_nothing():
    X = 1e-3 * np.random.default_rng(SEED).normal(size=(2000, 8, 2))
    Seeing.seen.clear()
    networks = {"generator": Silent, "discriminator": Seeing, "representation": Identity()}
    game = {"loss": "non-saturating", "penalty": None, "instance_noise": 0.5}
    GAN(**SMALL, **networks, **game, batch_size=2000, max_epochs=4).fit(X)
    left = 0.5 * (1 - np.arange(4) / 4)
    # In each epoch real and generated ones, and in the generator's step generated ones again.
    assert Seeing.seen[-12:] == pytest.approx(np.repeat(left, 3), rel=0.03)


def test_clipped_weights_stay_within(X):
    gan = WGAN(**DENSE, n_critic=1, max_epochs=3, clip_value=0.02).fit(X)
    judge = gan.net_.networks.discriminator
    assert max(float(p.detach().abs().max()) for p in judge.parameters()) <= 0.02


def test_one_optimizer_serves_schedulers_for_both(X):
    from skorch.callbacks import LRScheduler
    from torch.optim.lr_scheduler import StepLR

    halved = LRScheduler(StepLR, step_size=1, gamma=0.5, monitor=None)
    gan = GAN(**DENSE, max_epochs=3, lr=1e-3, discriminator_lr=2e-3, callbacks=[halved]).fit(X)
    lrs = [group["lr"] for group in gan.net_.optimizer_.param_groups]
    assert lrs[1] == pytest.approx(2 * lrs[0])
    assert lrs[0] < 1e-3


# -- axes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("discriminator", sorted(BODIES))
@pytest.mark.parametrize("generator", sorted(GENERATORS))
def test_any_generator_plays_any_discriminator(X, generator, discriminator):
    networks = {"generator": generator, "discriminator": discriminator}
    fitted = GAN(**SMALL, **networks, max_epochs=1, penalty=["gradient", "r2"]).fit(X)
    assert fitted.sample(3).shape == (3, 8, 2)
    assert fitted.inverse_transform(fitted.transform(X[:2])).shape == (2, 8, 2)


@pytest.mark.parametrize("condition", ["projection", "concatenation"])
@pytest.mark.parametrize("setting", list(NAMES), ids=lambda s: s.__name__)
def test_every_name_takes_conditions(setting, condition):
    X, y = make_labelled_sines(24, 6, random_state=SEED)
    small = {**SMALL, "hidden_dims": (6,), "max_epochs": 1, "conditional": True}
    fitted = setting(**small, condition=condition).fit(X, y)
    assert fitted.sample(2, y="fast").shape == (2, 6)
    fitted.fit(X, np.linspace(0, 1, 48).reshape(24, 2))
    assert fitted.sample(2, y=[[0, 0], [1, 1]]).shape == (2, 6)


@pytest.mark.parametrize("setting", list(NAMES), ids=lambda s: s.__name__)
def test_a_name_is_a_setting(X, setting):
    y = np.arange(60) % 2
    small = {**SMALL, "max_epochs": 1}
    named = setting(**small)
    for name, value in NAMES[setting].items():
        assert getattr(named, name) == value
        if name not in named.get_params():
            with pytest.raises(TypeError, match=name):
                setting(**{name: None})
    general = GAN(**{name: getattr(named, name) for name in GAN().get_params()})
    if setting is FGAN:
        general.loss = named.divergence
    ours, theirs = named.fit(X, y), general.fit(X, y)
    label = 1 if named.conditional else None
    assert np.array_equal(ours.sample(3, y=label), theirs.sample(3, y=label))
    assert clone(named).get_params() == named.get_params()
    assert np.array_equal(pickle.loads(pickle.dumps(ours)).transform(X), ours.transform(X))


def test_networks_of_ones_own(X):
    fitted = GAN(**SMALL, generator=Own, discriminator=OwnJudge, max_epochs=1).fit(X)
    assert isinstance(fitted.net_.networks.generator, Own)
    assert fitted.sample(2).shape == (2, 8, 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"generator": Narrow}, r"generator's series \(Narrow\) must have the shape \(2, 8, 2\)"),
        ({"discriminator": Mute}, r"discriminator's values \(Mute\) must have the shape \(2,\)"),
        (
            {"discriminator": OwnJudge, "feature_matching": 0.5},
            r"method features\(x, c\), which OwnJudge has not",
        ),
        ({"discriminator": OwnJudge, "n_kernels": 4}, "n_kernels=4 belongs to"),
        (
            {"discriminator": "transformer", "normalization": "spectral", "penalty": None},
            "spectral normalization cannot take a TransformerBody",
        ),
        ({"loss": "least-squared"}, "'least-squares'"),
        ({"penalty": "r3"}, "penalty='r3' is not known; known are gradient, one-sided"),
        ({"penalty": ["r1", "r1"]}, "counts r1 twice"),
        ({"penalty": ["r1", "zero-centred"]}, r"twice"),
        ({"penalty_weight": [1.0, 2.0]}, "2 weights for 1 penalties"),
        ({"penalty_weight": -1.0}, "penalty_weight must be positive, got -1.0"),
        ({"penalty": None, "penalty_weight": 1.0}, "weighs nothing"),
        ({"normalization": "layer"}, "'spectral'"),
        ({"n_critic": 0}, "n_critic"),
        ({"generator": "gru"}, "'recurrent'"),
        ({"discriminator": "gru"}, "'bidirectional'"),
        ({"betas": (0.5, 1.0)}, "betas must be two numbers"),
        ({"hidden_dims": ()}, "hidden_dims must name at least one layer"),
        ({"discriminator_hidden_dims": (0,)}, "each of discriminator_hidden_dims"),
        ({"loss": "wasserstein", "penalty": None}, "nothing bounds the discriminator's slope"),
        ({"loss": "hinge", "label_smoothing": 0.1}, "label"),
        ({"penalty": "gradient", "n_kernels": 4}, r"penalty=\['gradient'\].*single points"),
        ({"penalty": None, "normalization": "gradient", "n_kernels": 4}, "single series"),
        ({"normalization": "gradient"}, r"penalty=\['zero-centred'\] is about"),
        ({"normalization": "clip", "unroll_steps": 2}, "cannot look through"),
        ({"feature_matching": 1, "unroll_steps": 2}, "changes nothing with feature_matching=1"),
        ({"truncation": 0.5}, "truncation=0.5 needs generator='style'"),
        ({"lipschitz": 2.0}, "lipschitz=2.0 needs normalization='spectral'"),
        ({"clip_value": 0.5}, "clip_value=0.5 needs normalization='clip'"),
        ({"penalty": None, "penalty_interval": 4}, "there is nothing to take"),
        ({"instance_noise": np.inf}, "'instance_noise' parameter"),
        ({"loss": HingeLoss}, "is a class: pass one of its objects"),
        ({"lr_end": 0.0}, "lr_end"),
        ({"net_params": {"compile": True}}, "would do nothing"),
        ({"net_params": {"optimizer__param_groups": []}}, "use discriminator_lr"),
        ({"representation": "cosine", "discriminator": "recurrent"}, "'recurrent' slides along"),
        ({"representation": "cosine", "encoder": "style"}, "'style' slides along time"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(X, wrong, message, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("training began")

    monkeypatch.setattr(AdversarialNet, "partial_fit", never)
    with pytest.raises(ValueError, match=message):
        GAN(**{**DENSE, **wrong}).fit(X)


def test_a_loss_of_ones_own_gets_values_of_both(X):
    class Gap:
        def discriminator(self, real, fake):
            return (fake - real).tanh()

        def generator(self, real, fake):
            return (real - fake).tanh()

    assert np.isfinite(GAN(**DENSE, loss=Gap(), max_epochs=2).fit(X).sample(3)).all()


def test_truncation_of_what_has_no_style_is_refused_later_too(X):
    gan = GAN(**DENSE, max_epochs=1).fit(X).set_params(truncation=0.5)
    with pytest.raises(ValueError, match="needs generator='style'"):
        gan.sample()


def test_betas_stay_beside_other_arguments_of_the_optimizer(X):
    more = {"optimizer__weight_decay": 1e-4}
    gan = GAN(**DENSE, max_epochs=1, betas=(0.3, 0.8), net_params=more).fit(X)
    assert gan.net_.optimizer_.param_groups[1]["betas"] == (0.3, 0.8)
    assert gan.net_.optimizer_.param_groups[1]["weight_decay"] == 1e-4
    plain = {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.5}
    assert np.isfinite(GAN(**DENSE, max_epochs=1, net_params=plain).fit(X).sample(2)).all()


def test_a_conditional_network_needs_y(X):
    with pytest.raises(ValueError, match="y is missing"):
        RCGAN(**SMALL, max_epochs=1).fit(X)


# -- conditions -------------------------------------------------------------------------------


def test_features_are_matched_label_by_label(global_random_seed):
    y = np.where(np.arange(64) % 4 == 0, "rare", "usual")
    few = {**DENSE, "hidden_dims": (16,), "max_epochs": 40, "batch_size": 32, "lr": 1e-2}
    gan = GAN(**few, loss="non-saturating", penalty=None, feature_matching=1.0, conditional=True)
    for seed in range(3 * global_random_seed, 3 * global_random_seed + 3):
        noise = np.random.default_rng(SEED + seed).normal(scale=0.1, size=(64, 6))
        fitted = gan.set_params(random_state=seed).fit(noise + (y == "rare")[:, None], y)
        gap = fitted.sample(100, y="rare").mean() - fitted.sample(100, y="usual").mean()
        assert 0.8 < gap < 1.2  # matched over the batch alone, it was between -0.2 and 0.3


# -- latents ----------------------------------------------------------------------------------


def linear(n_samples=400):
    """Series that a dense network can learn: four numbers make each."""
    rng = np.random.default_rng(SEED)
    return (rng.normal(size=(n_samples, 3)) @ rng.normal(size=(3, 12))).reshape(n_samples, 6, 2)


@pytest.fixture(scope="module")
def learned():
    # Generated series and not real ones are what the encoder is taught, so the game may be short.
    sizes = {"hidden_dims": (32,), "latent_dim": 3, "encoder_steps": 300}
    return R3GAN(
        generator="dense", discriminator="dense", **sizes, max_epochs=30, lr=3e-3, random_state=0
    ).fit(linear())


def test_latents_of_samples_are_found(learned):
    networks, represented = learned.net_.networks, learned.representation_
    z, _ = networks.draw(300, torch.Generator().manual_seed(SEED))
    with torch.no_grad():
        x = networks.sample(z, None).numpy()
    found = learned.transform(represented.inverse_transform(x))
    assert np.square(found - z.numpy()).mean() < 0.5 * np.square(z.numpy()).mean()
    again = represented.transform(learned.inverse_transform(found))
    assert np.square(again - x).mean() < 0.2 * np.square(x - x.mean(axis=0)).mean()


def test_refining_comes_nearer_and_is_reported(learned):
    X = linear()[:50]
    rough = np.square(learned.reconstruct(X) - X).mean(axis=(1, 2))
    refined = clone(learned)
    refined.__dict__.update(learned.__dict__)
    refined.set_params(refine=50)
    fine = np.square(refined.reconstruct(X) - X).mean(axis=(1, 2))
    assert fine.mean() < 0.99 * rough.mean()  # .77 to .97: the game was short
    assert np.median(fine / rough) < 0.95
    assert np.allclose(refined.transform(X[3:5]), refined.transform(X)[3:5], atol=1e-4)
    assert 0 < learned.reconstruction_error_ < 1
    v, again = map(learned.representation_.transform, (linear(), learned.reconstruct(linear())))
    missed = v - again
    expected = np.square(missed).sum() / np.square(v - v.mean(axis=0)).sum()
    assert learned.reconstruction_error_ == pytest.approx(expected, rel=1e-4)


def test_refining_knows_the_condition_without_being_told():
    X, y = make_labelled_sines(120, 12, random_state=SEED)
    sizes = {"hidden_dims": (16,), "latent_dim": 2, "encoder_steps": 200, "max_epochs": 30}
    networks = {"generator": "dense", "discriminator": "dense"}
    gan = R3GAN(**sizes, **networks, lr=5e-3, conditional=True, random_state=SEED).fit(X, y)
    drawn = gan.sample(120, y=y)
    rough = np.square(gan.reconstruct(drawn, y) - drawn).mean()
    gan.set_params(refine=40)
    assert np.square(gan.reconstruct(drawn, y) - drawn).mean() < 0.8 * rough
    vectors = (y == "fast").astype(float).reshape(-1, 1)
    assert gan.fit(X, vectors).transform(X).shape == (120, 2)


@pytest.fixture
def after_training(monkeypatch):
    """What to do, once the players are trained, whenever series are drawn from them."""
    instead = []
    train, sample = AdversarialNet.partial_fit, Adversaries.sample

    def trained(net, *args, **params):
        train(net, *args, **params)
        monkeypatch.setattr(Adversaries, "sample", lambda *args: instead[0](sample, *args))
        return net

    monkeypatch.setattr(AdversarialNet, "partial_fit", trained)
    return instead


def test_series_for_the_regression_are_drawn_a_few_at_a_time(X, after_training, monkeypatch):
    drawn = []

    def watched(sample, networks, z, *rest):
        drawn.append(z)
        return sample(networks, z, *rest)

    after_training.append(watched)
    monkeypatch.setattr(_latents, "MOST_VALUES", 2 * 128 * (8 * 2 + 3))
    gan = GAN(**DENSE, max_epochs=1).fit(X)  # 5 steps of 128
    assert [len(z) for z in drawn[:3]] == [256, 256, 128]
    assert len(gan.encoder_.history) == 3
    assert len({tuple(z[0].tolist()) for z in drawn[:3]}) == 3


def test_further_training_goes_on_with_the_encoder(X):
    gan = GAN(**DENSE, max_epochs=2).fit(X)
    n_before = len(gan.encoder_.history)
    gan.partial_fit(X)
    assert len(gan.encoder_.history) > n_before
    gan.set_params(warm_start=True, refine=2).fit(X)
    assert gan.n_iter_ == 5


def test_truncation_draws_samples_to_the_centre(X):
    gan = StyleGAN(**SMALL, max_epochs=3).fit(X)
    free = gan.sample(200)
    centred = gan.set_params(truncation=0.3).sample(200)
    assert centred.std(axis=0).mean() < 0.8 * free.std(axis=0).mean()
    assert np.isfinite(gan.set_params(truncation=0.0).sample(2)).all()


# -- what is watched --------------------------------------------------------------------------


def test_the_history_tells_what_to_trust(X):
    gan = R3GAN(**DENSE, max_epochs=3, validation_fraction=0.3).fit(X)
    for row in gan.history_:
        for name in (
            "generator_loss",
            "discriminator_loss",
            "generator_gradient",
            "discriminator_gradient",
            "discriminator_accuracy",
            "train_distance",
            "valid_distance",
            "effective_sample_ratio",
        ):
            assert np.isfinite(row[name]), name
        assert 0 <= row["discriminator_accuracy"] <= 1


def test_the_distance_is_that_between_samples_and_series(X):
    rng = np.random.default_rng(SEED)
    a, b = rng.normal(size=(2, 40, 5, 2)).astype(np.float32)
    distance = ReferenceSeries(Series(torch.from_numpy(a))).distance(torch.from_numpy(b))
    rows = [x.reshape(40, -1).astype(float) for x in (a, b)]
    # Means over pairs of different series, in units of the distance within the data.
    within = [cdist(x, x).sum() / (40 * 39) for x in rows]
    expected = (2 * cdist(*rows).mean() - sum(within)) / within[0]
    assert distance == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("n_conditions", [0, 2])
def test_the_effective_ratio_is_the_metric(global_random_seed, n_conditions):
    rng = np.random.default_rng(global_random_seed)
    x, drawn = (rng.normal(size=(2, 40, 5, 2)) * [1, 9]).astype(np.float32)
    c = torch.from_numpy(rng.normal(size=(40, n_conditions))) if n_conditions else None
    monitor = ReferenceSeries(Series(torch.from_numpy(x), c))
    for fake in (drawn, drawn / 2, np.repeat(drawn[:4], 10, axis=0)):
        ratio = monitor.effective_ratio(torch.from_numpy(fake))
        assert ratio == pytest.approx(effective_sample_ratio(x, fake), rel=1e-9)
    assert ratio == pytest.approx(0.1, abs=0.02)


def test_the_histories_effective_ratio_is_that_of_samples(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = rng.normal(size=(250, 6, 2)) * [1, 100]
    few = {**DENSE, "random_state": global_random_seed, "latent_dim": 1, "ema_decay": 0.0}
    gan = R3GAN(**few, max_epochs=20, lr=1e-2).fit(X)
    ratio = gan.history_[-1]["effective_sample_ratio"]
    drawn = (gan.sample(250, random_state=seed) for seed in range(5))
    measured = [effective_sample_ratio(X, one) for one in drawn]
    assert ratio < 0.5
    assert ratio == pytest.approx(np.mean(measured), rel=0.3)


def test_early_stopping_keeps_the_weights_of_the_least_distance(X):
    gan = R3GAN(**DENSE, max_epochs=60, lr=3e-2, validation_fraction=0.3, lr_end=1.0)
    stopped = clone(gan).set_params(n_iter_no_change=4).fit(X)
    assert stopped.n_iter_ < 60
    distances = [row["valid_distance"] for row in stopped.history_]
    best = int(np.argmin(distances))
    assert stopped.n_iter_ == best + 5
    shorter = gan.set_params(max_epochs=best + 1).fit(X)
    assert [row["valid_distance"] for row in shorter.history_] == distances[: best + 1]
    assert np.array_equal(stopped.sample(9), shorter.sample(9))
    state = shorter.net_.module_.state_dict()
    assert not changed(state, stopped.net_.module_)


def test_divergence_is_an_error_that_loses_nothing(X):
    gan = NSGAN(**DENSE, max_epochs=1).fit(X)
    before, steps = gan.sample(3), dict(gan.net_.n_steps_)
    gan.set_params(lr=1e25)
    with pytest.raises(FloatingPointError, match="smaller lr"):
        gan.partial_fit(X)
    assert np.array_equal(gan.sample(3), before)
    assert gan.net_.n_steps_ == steps


class Tells(Callback):
    """Writes other numbers into the history, and that there were steps enough to judge."""

    def __init__(self, early, late):
        self.early = early
        self.late = late

    def on_epoch_end(self, net, **kwargs):
        net.n_steps_["generator"] = 500
        for name, value in (self.early if len(net.history) <= 6 else self.late).items():
            net.history.record(name, value)


HEALTHY = {"train_distance": 0.1, "discriminator_accuracy": 0.7, "effective_sample_ratio": 0.9}


def warnings_of(X, early, late):
    """What a fit warns of, whose history tells that."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        GAN(**DENSE, max_epochs=12, callbacks=[Tells(early, late)]).fit(X)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ({"effective_sample_ratio": 0.05}, "mode collapse: .* 5%"),
        ({"discriminator_accuracy": 0.999}, "saturated: .* 99.9%"),
        ({"train_distance": 0.5}, "rose from 0.1 .* to 0.5"),
    ],
)
def test_symptoms_come_with_remedies(X, last, message):
    (warned,) = warnings_of(X, HEALTHY, {**HEALTHY, **last})
    assert re.search(message, warned)
    assert "Try " in warned


def test_what_is_well_or_near_is_not_told(X):
    assert warnings_of(X, HEALTHY, HEALTHY) == []
    # From below 0, by chance, to what is near: twice as far means nothing there.
    early, late = ({**HEALTHY, "train_distance": distance} for distance in (-0.001, 0.01))
    assert warnings_of(X, early, late) == []


def test_a_generator_without_a_step_is_told(X):
    with pytest.warns(UserWarning, match=r"has not been trained: n_critic=9 .* there were 2\b"):
        WGANGP(**DENSE, n_critic=9, max_epochs=2).fit(X)


def test_mode_collapse_is_told():
    X = np.random.default_rng(SEED).normal(size=(400, 6, 2))
    gan = NSGAN(**{**DENSE, "latent_dim": 1}, max_epochs=26, batch_size=20, lr=1e-2)
    with pytest.warns(UserWarning, match=r"mode collapse.*Try penalty='zero-centred'"):
        gan.fit(X)
