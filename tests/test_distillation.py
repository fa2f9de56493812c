"""Students of flows: pairs share their noise, closed form, what is frozen, what is refused."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from skorch.callbacks import Callback
from torch import nn

from sklearn_timegen import VAE, Diffusion, FlowMatching, OneStepGenerator
from sklearn_timegen.datasets import make_labelled_sines, make_sines
from sklearn_timegen.representation import fit_representation

from .global_seed import GLOBAL_RANDOM_SEED as SEED

FLOW = {
    "rules": None,
    "hidden_dim": 16,
    "n_layers": 1,
    "max_epochs": 40,
    "lr": 1e-2,
    "warmup_steps": 0,
    "representation": "cosine-quantile",
    "random_state": SEED,
}
PLAY = {"adversarial_weight": 0.1}
TINY = {"n_pairs": 64, "max_epochs": 3, "discriminator_hidden_dims": (8,), "random_state": SEED}


@pytest.fixture(scope="module")
def X():
    return make_sines(60, 8, 2, random_state=SEED)


@pytest.fixture(scope="module")
def flow(X):
    return FlowMatching(**FLOW).fit(X)


# -- the closed form ----------------------------------------------------------------------------


class GaussianField(nn.Module):
    """The exact field of N(0, S) on the straight path, and a free linear map at its beginning.

    In coordinates of variance l, E[x_1 | x_t] = t l x_t / (t^2 l + (1 - t)^2), and F follows. At
    t = 0, where it is 0, a student may learn what it likes.
    """

    def __init__(self, S):
        super().__init__()
        variances, axes = np.linalg.eigh(S)
        self.register_buffer("variances", torch.tensor(variances, dtype=torch.float32))
        self.register_buffer("axes", torch.tensor(axes, dtype=torch.float32))
        self.free = nn.Linear(len(S), len(S))
        nn.init.zeros_(self.free.weight)
        nn.init.zeros_(self.free.bias)

    def forward(self, x, t, c=None):
        t, flat = t[:, None], x.flatten(1)
        gain = t * (1 - t) * (self.variances - 1) / (t**2 * self.variances + (1 - t) ** 2)
        exact = ((flat @ self.axes) * gain) @ self.axes.T
        return (exact + (t == 0) * self.free(flat)).reshape(x.shape)


def test_a_gaussian_teacher_is_recovered():
    rng = np.random.default_rng(SEED)
    X = (rng.normal(size=(500, 8)) @ rng.normal(size=(8, 8)) + 3).reshape(-1, 4, 2)
    _, v, _ = fit_representation("standard", X.astype(np.float32))
    S = np.cov(v.reshape(-1, 8).T, bias=True)
    teacher = FlowMatching(
        network=lambda *sizes: GaussianField(S),
        representation="standard",
        solver="rk4",
        n_steps=64,
        max_epochs=1,
        random_state=SEED,
    ).fit(X)
    student = OneStepGenerator(
        teacher=teacher, n_pairs=512, max_epochs=60, lr=1e-2, random_state=0
    ).fit(X)
    variances, axes = np.linalg.eigh(S)
    z = rng.normal(size=(1000, 8))
    mapped = (z @ axes * np.sqrt(variances)) @ axes.T
    wanted = X.mean(axis=0) + X.std(axis=0) * mapped.reshape(-1, 4, 2)
    error = np.abs(student.inverse_transform(z) - wanted) / X.std(axis=0)
    assert error.max() < 1e-3


# -- pairs --------------------------------------------------------------------------------------


def test_student_and_teacher_share_their_noise(X, flow):
    student = OneStepGenerator(
        teacher=flow, n_pairs=512, max_epochs=20, lr=5e-3, random_state=0
    ).fit(X)
    drawn = student.sample(40, random_state=SEED + 7)
    pairs = flow.sample(40, random_state=SEED + 7)
    others = flow.sample(40, random_state=SEED + 8)
    near, far = (np.square(drawn - series).mean() for series in (pairs, others))
    assert near < 0.1 * far
    # And by the same latents: those that the teacher's flow leads back to.
    error = np.square(student.reconstruct(X) - X).mean()
    assert error < 0.2 * np.square(X - X.mean(axis=0)).mean()
    assert np.array_equal(student.transform(X), flow.transform(X))


class Pairs(Callback):
    """Keep what a net is trained on."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.seen_ = X.values, X.latents


def pairs_of(student, X):
    """The series and the noise that a student learns from."""
    student.set_params(callbacks=[Pairs()]).fit(X)
    return dict(student.net_.callbacks_)["Pairs"].seen_


def test_pairs_are_the_teachers_solutions_of_their_noise(X, flow):
    series, noise = pairs_of(OneStepGenerator(teacher=flow, **TINY, n_teacher_steps=64), X)
    solved, others = (
        flow.representation_.transform(flow.inverse_transform(z)) for z in (noise, noise.flip(0))
    )
    error, wrong = (np.abs(series.numpy() - x) for x in (solved, others))
    assert np.quantile(error, 0.99) < 0.15  # .03 to .08; single cells far out are .6 off
    assert wrong.mean() > 20 * error.mean()


def test_fewer_steps_of_the_teacher_are_other_pairs(X, flow):
    def pairs(n):
        return pairs_of(OneStepGenerator(teacher=flow, **TINY, n_teacher_steps=n), X)

    (a, noise), (b, same), (given, _) = pairs(1), pairs(flow.n_steps), pairs(None)
    assert torch.equal(noise, same)
    assert not torch.allclose(a, b, atol=0.1)
    assert torch.equal(b, given)  # the teacher's own number


def test_the_discriminator_sees_the_noise(X, flow):
    student = OneStepGenerator(teacher=flow, **TINY, **PLAY)
    series, noise = (a[:8] for a in pairs_of(student, X))
    judge = student.net_.networks.discriminator
    values = judge(series, noise)
    assert values.shape == (8,)
    assert not torch.allclose(values, judge(series, noise.flip(0)))


def test_without_an_adversarial_loss_there_is_no_discriminator(X, flow):
    student = OneStepGenerator(teacher=flow, **TINY).fit(X)
    assert student.net_.module_.discriminator is None
    assert "train_loss" in student.history_[-1]
    played = OneStepGenerator(teacher=flow, **TINY, **PLAY).fit(X)
    assert "train_distance" in played.history_[-1]


def test_a_smaller_student(X, flow):
    student = OneStepGenerator(teacher=flow, **TINY, hidden_dim=8).fit(X)
    blocks = student.net_.module_.generator.field.network.blocks
    assert len(blocks) == 1
    assert blocks[0].feed_forward[0].in_features == 8


# -- the teacher's weights ------------------------------------------------------------------------


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_frozen_weights_stay_and_others_move(X, flow):
    student = OneStepGenerator(teacher=flow, **TINY, method="adversarial").fit(X)
    network = student.net_.networks.generator.field.network
    teacher = flow.net_.module_
    before, after = state(teacher.average.module), network.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    trained = {name for name, _ in network.named_parameters()}
    assert moved == trained
    assert {"output.weight", "embed.weight", "identities", "output.bias"} <= trained
    assert "blocks.0.modulation.weight" not in trained
    frozen = sum(before[name].numel() for name in before if name not in trained)
    assert 0.5 < frozen / sum(value.numel() for value in before.values()) <= 0.85


def test_an_adversarial_student_starts_from_the_teachers_averaged_weights(X, flow):
    still = {**TINY, "max_epochs": 1, "lr": 1e-9}
    student = OneStepGenerator(teacher=flow, **still, method="adversarial").fit(X)
    z = torch.randn(9, 8, 2)
    with torch.no_grad():
        wanted, _ = flow.net_.module_.eval().predict_ends(z, 0.0, None)
        made = student.net_.networks.eval().sample(z.flatten(1), None)
    assert torch.allclose(made, wanted, atol=1e-5)


def test_all_of_a_network_can_be_trained(X, flow):
    student = OneStepGenerator(teacher=flow, **TINY, method="adversarial", frozen_fraction=0).fit(
        X
    )
    network = student.net_.networks.generator.field.network
    assert (
        dict(network.named_parameters()).keys()
        == dict(flow.net_.module_.network.named_parameters()).keys()
    )


@pytest.mark.parametrize("share", [0.3, 0.8, 0.95])
def test_frozen_tensors_are_the_largest(X, flow, share):
    student = OneStepGenerator(teacher=flow, **TINY, method="adversarial", frozen_fraction=share)
    network = student.fit(X).net_.networks.generator.field.network
    sizes = {name: p.numel() for name, p in flow.net_.module_.network.named_parameters()}
    trained = sorted(p.numel() for p in network.parameters())
    frozen = [size for name, size in sizes.items() if name not in dict(network.named_parameters())]
    assert frozen
    assert sum(trained) + sum(frozen) == sum(sizes.values())
    assert trained[-1] <= min(frozen)
    assert sum(trained[:-1]) < (1 - share) * sum(sizes.values()) <= sum(trained)


# -- teachers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("freeze", [lambda flow: flow, FrozenEstimator])
def test_a_fitted_teacher_is_used_as_it_is(X, flow, freeze):
    before = pickle.dumps(flow.net_.module_.state_dict())
    student = OneStepGenerator(teacher=freeze(flow), **TINY).fit(X[:5])
    assert pickle.dumps(flow.net_.module_.state_dict()) == before
    assert np.array_equal(student.teacher_.sample(3), flow.sample(3))
    assert student.series_shape_ == (8, 2)
    assert student.n_features_in_ == flow.n_features_in_


def test_an_unfitted_teacher_is_fitted(X):
    teacher = FlowMatching(**{**FLOW, "max_epochs": 2, "random_state": None})
    student = OneStepGenerator(teacher=teacher, **TINY)
    first, second = student.fit(X).sample(3), clone(student).fit(X).sample(3)
    assert not teacher.__sklearn_is_fitted__()
    assert student.teacher_.n_iter_ == 2
    assert np.array_equal(first, second)
    assert student.sample(2).shape == (2, 8, 2)


@pytest.mark.parametrize("prediction", ["preconditioned", "velocity", "data", "noise"])
@pytest.mark.parametrize("path", ["linear", "ddpm"])
def test_every_teacher_will_do(X, path, prediction):
    teacher = FlowMatching(
        **{**FLOW, "max_epochs": 5}, path=path, prediction=prediction, solver="ddim"
    )
    student = OneStepGenerator(teacher=teacher, **TINY).fit(X)
    assert np.isfinite(student.sample(20)).all()


def test_diffusion_is_a_teacher_too(X):
    teacher = Diffusion(**FLOW, n_steps=10)
    student = OneStepGenerator(teacher=teacher, **TINY).fit(X)
    assert np.isfinite(student.sample(5)).all()


@pytest.mark.parametrize(("method", "least"), [("paired", 0.5), ("adversarial", 0.05)])
def test_conditions_are_the_teachers(method, least):
    X, y = make_labelled_sines(100, 12, random_state=SEED)
    teacher = FlowMatching(**FLOW, conditional=True, guidance=1.5)
    student = OneStepGenerator(
        teacher=teacher, **{**TINY, "n_pairs": 256, "max_epochs": 15, "lr": 3e-3}, method=method
    )
    assert student.conditional
    student.fit(X, y)
    assert list(student.classes_) == ["fast", "slow"]
    fast, slow = (student.sample(50, y=label).mean() for label in ("fast", "slow"))
    # The teachers' are .7 to .8 apart. A short game is .1 to .95, depending on its start.
    assert fast > slow + least
    assert student.transform(X, y).shape == (100, 12)
    assert student.interpolate(X[:2], X[2:4], n=3, y="fast").shape == (2, 3, 12)
    with pytest.raises(ValueError, match="y is missing"):
        student.sample(3)
    with pytest.raises(ValueError, match="y is missing"):
        clone(student).fit(X)


def test_cloned_pickled_and_trained_on(X, flow):
    student = OneStepGenerator(teacher=FrozenEstimator(flow), **TINY, **PLAY)
    assert not student.conditional
    assert "conditional" not in student.get_params()
    student = clone(student).fit(X)
    again = pickle.loads(pickle.dumps(student))
    assert np.array_equal(again.sample(4), student.sample(4))
    assert student.partial_fit(X).n_iter_ == 4
    assert student.set_params(warm_start=True, max_epochs=2, n_pairs=50).fit(X).n_iter_ == 6
    with pytest.raises(ValueError, match="hidden_dim changed"):
        student.set_params(hidden_dim=4).fit(X)
    with pytest.raises(NotFittedError):
        clone(student).sample()


# -- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"teacher": VAE()}, "'teacher' parameter .* 'sklearn_timegen.flow.general.FlowMatching'"),
        ({"teacher": FrozenEstimator(VAE())}, "must be a FlowMatching or a Diffusion"),
        ({"teacher": Diffusion(solver="ddpm")}, "solver='ddpm' draws new noise"),
        ({"method": "other"}, "'method' parameter"),
        ({"n_pairs": 0}, "'n_pairs' parameter"),
        ({"method": "adversarial", "hidden_dim": 8}, "a network of hidden_dim=8 cannot have"),
        ({"method": "adversarial", "n_layers": 1}, "a network of n_layers=1 cannot have"),
        ({"method": "adversarial", "adversarial_weight": 0.1}, "no other loss"),
        ({"method": "adversarial", "n_teacher_steps": 3}, "n_teacher_steps=3 needs"),
        (
            {"hidden_dim": 8, "frozen_fraction": 0.5},
            "frozen_fraction=0.5 .* of hidden_dim=8",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_training(X, params, words):
    teacher = FlowMatching(callbacks=["no callback: fitting would fail"])
    with pytest.raises(ValueError, match=words):
        OneStepGenerator(**{"teacher": teacher, **params}).fit(X)


def test_other_windows_than_the_teachers_are_refused(X, flow):
    with pytest.raises(ValueError, match="6 timesteps .* 8 timesteps"):
        OneStepGenerator(teacher=flow, **TINY).fit(X[:, :6])
    with pytest.raises(NotFittedError):
        OneStepGenerator(teacher=FrozenEstimator(FlowMatching()), **TINY).fit(X)


def test_a_discriminator_needs_the_time_axis_that_it_slides_along(X, flow):
    with pytest.raises(ValueError, match="'convolutional' slides along time"):
        OneStepGenerator(teacher=flow, **TINY, **PLAY, discriminator="convolutional").fit(X)
