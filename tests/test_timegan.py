"""TimeGAN as an estimator: phases, stopping, latents, ablations, bad input."""

import pickle
import signal
from typing import ClassVar

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler

from sklearn_timegen import TimeGAN
from sklearn_timegen.datasets import make_labelled_sines, make_sines

from .global_seed import GLOBAL_RANDOM_SEED as SEED

SMALL = {"hidden_dim": 6, "n_layers": 2, "batch_size": 16, "random_state": SEED}
BRIEF = {"embedding_epochs": 3, "supervised_epochs": 2, "max_epochs": 2}


def series(n_samples=32, n_timesteps=8):
    return make_sines(n_samples, n_timesteps, 2, random_state=SEED)


@pytest.fixture(scope="module")
def fitted():
    return TimeGAN(**SMALL, **BRIEF, rules=None).fit(series())


def phases(generator):
    return [row["phase"] for row in generator.history_]


# -- phases ----------------------------------------------------------------------------------


def test_one_history_holds_all_phases(fitted):
    assert phases(fitted) == ["embedding"] * 3 + ["supervision"] * 2 + ["joint"] * 2
    assert fitted.n_iter_ == 2
    rows = list(fitted.history_)
    assert [row["epoch"] for row in rows] == list(range(1, 8))
    assert all("reconstruction_loss" in row for row in rows if row["phase"] != "supervision")
    assert all("supervised_loss" in row for row in rows if row["phase"] != "embedding")
    known = {"generator_loss", "discriminator_loss", "discriminator_accuracy", "train_distance"}
    assert all(known <= row.keys() for row in rows if row["phase"] == "joint")


def test_early_losses_fall():
    made = TimeGAN(**SMALL, embedding_epochs=30, supervised_epochs=15, max_epochs=1)
    rows = list(made.fit(series()).history_)
    assert rows[29]["reconstruction_loss"] < 0.9 * rows[0]["reconstruction_loss"]
    assert rows[44]["supervised_loss"] < 0.8 * rows[30]["supervised_loss"]


def test_going_on_goes_on_with_the_last_phase():
    X = series()
    made = TimeGAN(**SMALL, **BRIEF, warm_start=True).fit(X)
    assert phases(made.fit(X))[7:] == ["joint"] * 2
    assert phases(made.partial_fit(X))[9:] == ["joint"]
    begun = TimeGAN(**SMALL, **BRIEF).partial_fit(X)
    assert phases(begun) == ["embedding"] * 3 + ["supervision"] * 2 + ["joint"]


def test_going_on_at_other_rates():
    X = series()
    made = TimeGAN(**SMALL, **BRIEF, warm_start=True, lr_end=1.0).fit(X)
    made.set_params(lr=0.5e-3, discriminator_lr=0.25e-3).fit(X)
    assert [group["lr"] for group in made.net_.optimizer_.param_groups] == [
        0.5e-3,
        0.5e-3,
        0.25e-3,
    ]
    with pytest.raises(ValueError, match="gamma changed"):
        made.set_params(gamma=0.5).fit(X)


class AtOnce(Callback):
    """End each phase before its first epoch, as skorch's callbacks do."""

    def on_epoch_begin(self, net, **kwargs):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("n_series", "max_epochs", "n_epochs"),
    [(1000, None, 4000 // 100), (1000, 7, 7), (10, None, 2000)],  # few are not seen without end
)
def test_default_epochs_are_so_many_batches(n_series, max_epochs, n_epochs):
    early = {"embedding_epochs": 1, "supervised_epochs": 1}
    made = TimeGAN(batch_size=10, hidden_dim=2, **early, max_epochs=max_epochs)
    made.set_params(callbacks=[AtOnce()]).fit(series(n_series, 3))
    assert made.net_.n_epochs_ == 2 + n_epochs
    assert made.n_iter_ == 0


def test_each_phase_stops_by_itself_and_keeps_its_best():
    made = TimeGAN(
        **SMALL,
        embedding_epochs=40,
        supervised_epochs=40,
        max_epochs=40,
        n_iter_no_change=2,
        tol=1.0,  # nothing improves by so much
        validation_fraction=0.25,
    ).fit(series())
    assert phases(made) == [p for p in ("embedding", "supervision", "joint") for _ in range(3)]
    row = made.history_[0]
    assert {"valid_reconstruction_loss", "valid_distance"} <= row.keys()
    assert not made.interrupted_


class Snap(Callback):
    """Keeps a phase's weights after its first epoch."""

    kept: ClassVar[dict] = {}  # shared by its copies: callbacks are cloned

    def on_epoch_end(self, net, **kwargs):
        if net.phase_ not in self.kept:
            state = net.module_.synthesis.embedder.state_dict()
            self.kept[net.phase_] = {name: value.clone() for name, value in state.items()}


def test_best_weights_of_a_phase_begin_the_next_one():
    Snap.kept.clear()
    made = TimeGAN(**SMALL, **{**BRIEF, "embedding_epochs": 4}, n_iter_no_change=1, tol=1.0)
    made.set_params(callbacks=[Snap()]).fit(series())
    # The first epoch was the best by so great a tolerance, and the next phase leaves embedding be.
    assert phases(made)[:2] == ["embedding"] * 2
    before, after = Snap.kept["embedding"], Snap.kept["supervision"]
    assert all(torch.equal(before[name], after[name]) for name in before)


class Interrupt(Callback):
    """Presses Ctrl-C in the second epoch of a phase, once."""

    pressed: ClassVar[list] = []

    def __init__(self, phase="embedding"):
        self.phase = phase

    def on_epoch_begin(self, net, **kwargs):
        n = sum(row.get("phase") == self.phase for row in net.history)
        if n == 1 and net.phase_ == self.phase and not self.pressed:
            self.pressed.append(True)
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("phase", "n_epochs"), [("embedding", 1), ("supervision", 4), ("joint", 6)]
)
def test_an_interrupted_fit_can_be_used_and_gone_on_with(phase, n_epochs):
    X = series()
    Interrupt.pressed.clear()
    made = TimeGAN(**SMALL, **BRIEF, callbacks=[Interrupt(phase)], warm_start=True)
    with pytest.warns(UserWarning, match="of 7 epochs"):
        made.fit(X)
    assert made.interrupted_
    assert len(made.history_) == n_epochs
    assert np.isfinite(made.sample(3)).all()
    made.fit(X)  # what is left of the early phases, and the last one
    expected = {"embedding": 3, "supervision": 2, "joint": 2 + (phase == "joint")}
    assert {name: phases(made).count(name) for name in expected} == expected


class Compare(Callback):
    """Notes after each epoch whether averaged weights are the trained ones."""

    seen: ClassVar[list] = []

    def on_epoch_end(self, net, **kwargs):
        trained = dict(net.module_.synthesis.named_parameters())
        averaged = dict(net.module_.averaged.named_parameters())
        same = all(torch.equal(averaged[name], trained[name]) for name in averaged)
        self.seen.append((net.phase_, same, bool(averaged)))


def test_the_average_begins_with_the_joint_phase():
    Compare.seen.clear()
    made = TimeGAN(**SMALL, **BRIEF, ema_decay=0.99, callbacks=[Compare()]).fit(series())
    early = [("embedding", True, True)] * 3 + [("supervision", True, True)] * 2
    assert Compare.seen == early + [("joint", False, True)] * 2
    trained = {name.split(".")[0] for name in dict(made.net_.module_.averaged.named_parameters())}
    assert trained == {"embedder", "recovery", "generator", "supervisor"}


class Stop(Callback):
    """Ends training within a phase, as skorch's callbacks do."""

    def __init__(self, event="on_epoch_begin"):
        self.event = event

    def _stop(self, net):
        if net.phase_ == "embedding" and len(net.history) == 2:
            raise KeyboardInterrupt

    def on_epoch_begin(self, net, **kwargs):
        if self.event == "on_epoch_begin":
            self._stop(net)

    def on_grad_computed(self, net, **kwargs):
        if self.event == "on_grad_computed":
            self._stop(net)

    def on_batch_end(self, net, **kwargs):
        if self.event == "on_batch_end":
            self._stop(net)


@pytest.mark.parametrize("event", ["on_epoch_begin", "on_grad_computed", "on_batch_end"])
def test_a_callback_ends_a_phase_anywhere(event):
    made = TimeGAN(**SMALL, **BRIEF, lr=1e-3, callbacks=[Stop(event)]).fit(series())
    assert phases(made) == ["embedding"] + ["supervision"] * 2 + ["joint"] * 2
    assert [group["lr"] for group in made.net_.optimizer_.param_groups] == [1e-3] * 3
    assert all("dur" in row for row in made.history_)


def test_schedulers_that_set_rates_find_them_as_they_left_them():
    schedule = LRScheduler("LambdaLR", lr_lambda=constant_rate)
    made = TimeGAN(**SMALL, **BRIEF, lr=1e-3, callbacks=[schedule]).fit(series())
    assert [group["lr"] for group in made.net_.optimizer_.param_groups] == [1e-3] * 3


def constant_rate(epoch):
    return 1.0


def test_divergence_names_the_rate_of_its_phase():
    with pytest.raises(FloatingPointError, match=r"embedding phase.*1e\+30"):
        TimeGAN(**SMALL, **BRIEF, embedding_lr=1e30).fit(series())


# -- what comes out --------------------------------------------------------------------------


def test_no_sample_depends_on_later_noise(fitted):
    networks = fitted.net_.module_.averaged
    z = networks.draw(8, 3, torch.Generator().manual_seed(SEED))
    later = z.clone()
    later[5:] += 1
    before, after = (networks.generate(noise, None) for noise in (z, later))
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert (before[:, 5:] != after[:, 5:]).any()


@pytest.mark.parametrize(("noise", "width"), [("uniform", 5), ("wiener", 5), ("both", 10)])
def test_noise(noise, width):
    made = TimeGAN(**SMALL, **BRIEF, noise=noise, latent_dim=5).fit(series())
    z = made.net_.module_.synthesis.draw(100, 4000, torch.Generator().manual_seed(SEED))
    assert z.shape == (100, 4000, width)
    if noise != "wiener":
        steps = z[..., :5].flatten()
        assert ((steps >= 0) & (steps <= 1)).all()
        assert float(steps.var()) == pytest.approx(1 / 12, rel=0.02)
    if noise != "uniform":  # begins as a standard normal, and grows by variance t / n_timesteps
        path = z[..., -5:]
        assert float(path[0].var()) == pytest.approx(1, rel=0.05)
        assert float(path[-1].var()) == pytest.approx(1.99, rel=0.05)
        assert float(path.diff(dim=0).var()) == pytest.approx(1 / 100, rel=0.02)


def test_the_supervisor_sees_no_future(fitted):
    networks = fitted.net_.module_.synthesis
    h = torch.rand(8, 3, 6)
    later = h.clone()
    later[5:] = 0
    before, after = (networks.follow(one, None) for one in (h, later))
    torch.testing.assert_close(before[:5], after[:5])


def test_latents_are_the_embedding(fitted):
    X = series()
    Z = fitted.transform(X)
    assert Z.shape == (32, 8 * 6)
    module = fitted.net_.module_
    h = module.averaged.embed(torch.from_numpy(fitted.representation_.transform(X)))
    np.testing.assert_allclose(Z, h.transpose(0, 1).flatten(1).detach().numpy(), atol=1e-5)
    np.testing.assert_array_equal(fitted.inverse_transform(Z), fitted.reconstruct(X))
    assert fitted.interpolate(X[:2], X[2:4], n=3).shape == (2, 3, 8, 2)
    assert list(fitted.get_feature_names_out()[:1]) == ["timegan0"]


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_pooled_embeddings(fitted, pooling):
    X = series()
    whole = fitted.transform(X).reshape(32, 8, 6)
    pooled = pickle.loads(pickle.dumps(fitted)).set_params(pooling=pooling)
    expected = whole.mean(axis=1) if pooling == "mean" else whole[:, -1]
    np.testing.assert_allclose(pooled.transform(X), expected, atol=1e-6)
    assert not hasattr(pooled, "inverse_transform")
    assert not hasattr(pooled, "reconstruct")


@pytest.mark.exhaustive
def test_series_come_back_from_a_trained_embedding():
    X = series(64)
    made = TimeGAN(**{**SMALL, "hidden_dim": 12}, **BRIEF)
    made.set_params(embedding_epochs=80).fit(X)
    lost = np.square(made.reconstruct(X) - X).mean() / X.var()
    assert lost < 0.2


@pytest.mark.parametrize("left_out", ["embedding", "supervised", "joint"])
def test_ablations(left_out):
    X = series()
    epochs = {key: value for key, value in BRIEF.items() if key != f"{left_out}_epochs"}
    made = TimeGAN(**SMALL, **epochs, **{left_out: False}).fit(X)
    assert made.sample(4).shape == (4, 8, 2)
    assert hasattr(made, "transform") == (left_out != "embedding")
    names = {"embedding": "embedding", "supervised": "supervision"}
    assert names.get(left_out) not in phases(made)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("representation", ["standard", "quantile"])
def test_cells_and_representations(cell, representation):
    X = series()
    made = TimeGAN(**SMALL, **BRIEF, cell=cell, representation=representation).fit(X)
    assert np.isfinite(made.sample(20)).all()
    stack = made.net_.module_.synthesis.generator.stack
    assert isinstance(stack, torch.nn.GRU if cell == "gru" else torch.nn.LSTM)


def test_conditions_reach_the_networks():
    X, y = make_labelled_sines(40, 8, random_state=SEED)
    made = TimeGAN(**SMALL, **BRIEF, conditional=True).fit(X, y)
    drawn = [made.sample(5, y=label, random_state=SEED + 1) for label in ("fast", "slow")]
    assert not np.array_equal(*drawn)
    assert made.inverse_transform(made.transform(X)).shape == X.shape  # no labels needed


# -- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["embedding_epochs", "supervised_epochs", "max_epochs"])
def test_phases_of_no_epochs_are_refused(name):
    with pytest.raises(ValueError, match=f"'{name}' parameter.*Got 0"):
        TimeGAN(**{name: 0}).fit(series())


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"embedding": False, "embedding_epochs": 3}, "embedding_epochs=3, but embedding=False"),
        ({"supervised": False, "supervised_epochs": 3}, "supervised_epochs=3, but supervised"),
        ({"embedding": False, "joint": False}, "joint=False, but embedding=False"),
        ({"representation": "cosine"}, "no time axis"),
        ({"cell": "rnn"}, "cell"),
        ({"pooling": "max"}, "pooling"),
        ({"noise": "normal"}, "noise"),
    ],
)
def test_what_contradicts_itself_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        TimeGAN(**params).fit(series())


def test_series_of_one_timestep_are_refused():
    with pytest.raises(ValueError, match=r"1 timestep.*at least 2"):
        TimeGAN().fit(np.zeros((5, 1, 3)))


def test_no_latents_without_an_embedder():
    made = TimeGAN(embedding=False)
    for method in ("transform", "inverse_transform", "reconstruct", "interpolate"):
        with pytest.raises(AttributeError) as error:
            getattr(made, method)
        assert "embedding=False" in str(error.value.__cause__)
