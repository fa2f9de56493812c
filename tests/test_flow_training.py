"""The training of flows: learning rates, averaged weights, early ends; its length and settings."""

import copy
import os
import pickle
import signal

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler

from sklearn_timegen import Diffusion, FlowMatching
from sklearn_timegen.nn.averaging import WeightAverage

from .flows import Dense, Zero
from .global_seed import GLOBAL_RANDOM_SEED as SEED


def series(n=48, seed=0):
    return (
        np.random.default_rng(SEED + seed).normal(size=(n, 4, 1)).cumsum(axis=1).astype(np.float32)
    )


def dense(**params):
    fixed = {"batch_size": 16, "warmup_steps": 0, "random_state": SEED, "ema_decay": 0.9}
    return FlowMatching(network=Dense, **{**fixed, "max_epochs": 3, **params})


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.network.parameters()])


def averages(module):
    return torch.cat([a.flatten() for a in module.average.parameters()])


class Steps(Callback):
    """Remember learning rates and weights, step by step."""

    def initialize(self):
        self.rates_, self.weights_ = [], []
        return self

    def on_train_begin(self, net, **kwargs):
        if not self.weights_:
            self.weights_.append(weights(net.module_))

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.rates_.append(net.optimizer_.param_groups[0]["lr"])

    def on_batch_end(self, net, training, **kwargs):
        if training:
            self.weights_.append(weights(net.module_))


def steps_of(flow):
    return dict(flow.net_.callbacks_)["Steps"]


def test_the_learning_rate_rises_once_and_falls_along_a_cosine():
    X = series()  # 3 batches
    flow = dense(lr=0.01, warmup_steps=5, lr_end=0.2, max_epochs=4, callbacks=[Steps]).fit(X)
    fall = 0.2 + 0.8 * (1 + np.cos(np.pi * np.arange(12) / 12)) / 2
    rise = np.minimum(1, np.arange(1, 13) / 5)
    assert steps_of(flow).rates_ == pytest.approx(0.01 * rise * fall)
    flow.partial_fit(X)
    assert steps_of(flow).rates_[12:] == pytest.approx([0.01] * 3)
    flow.set_params(warm_start=True, max_epochs=2, lr=0.02).fit(X)
    fall = 0.2 + 0.8 * (1 + np.cos(np.pi * np.arange(6) / 6)) / 2
    assert steps_of(flow).rates_[15:] == pytest.approx(0.02 * fall)
    assert flow.net_.n_steps_ == 21


def test_the_learning_rate_rises_over_several_trainings():
    flow = dense(lr=0.01, warmup_steps=5, callbacks=[Steps])
    for _ in range(3):
        flow.partial_fit(series())
    assert steps_of(flow).rates_ == pytest.approx(0.01 * np.minimum(1, np.arange(1, 10) / 5))


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        (
            lambda: LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5),
            [1, 0.5, 0.25],
        ),
        (
            lambda: LRScheduler(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda k: 1 + k),
            [1, 2, 3],
        ),
    ],
)
def test_callbacks_may_set_learning_rates(scheduler, expected):
    flow = dense(lr=0.01, warmup_steps=4, lr_end=0.0, callbacks=[scheduler(), Steps]).fit(series())
    fall = (1 + np.cos(np.pi * np.arange(9) / 9)) / 2 * np.minimum(1, np.arange(1, 10) / 4)
    assert steps_of(flow).rates_ == pytest.approx(0.01 * fall * np.repeat(expected, 3))


def test_weights_are_averaged_as_by_hand():
    flow = dense(lr=0.05, ema_decay=0.6, callbacks=[Steps]).fit(series())
    average, *trained = steps_of(flow).weights_
    for n, now in enumerate(trained, start=1):
        decay = min(0.6, n / (n + 9))
        average = decay * average + (1 - decay) * now
    assert len(trained) == 9
    assert torch.allclose(averages(flow.net_.module_), average, atol=1e-6)
    assert not torch.allclose(average, trained[-1], atol=1e-3)
    # Samples are drawn by the average: with it in the network's place, nothing changes.
    before = flow.sample(5)
    for p, a in zip(
        flow.net_.module_.network.parameters(), flow.net_.module_.average.parameters(), strict=True
    ):
        p.data.copy_(a)
    assert np.array_equal(flow.sample(5), before)
    flow.net_.module_.average = None
    assert np.array_equal(flow.sample(5), before)


def test_the_average_is_not_trained_and_is_copied_with_the_network():
    flow = dense(ema_decay=0.6).fit(series())
    net, module = flow.net_, flow.net_.module_
    held = {id(p) for group in net.optimizer_.param_groups for p in group["params"]}
    assert held == {id(p) for p in module.network.parameters()}
    for copied in (copy.deepcopy(flow), pickle.loads(pickle.dumps(flow))):
        assert torch.equal(averages(copied.net_.module_), averages(module))
        assert not any(p.requires_grad for p in copied.net_.module_.average.parameters())


def test_an_averaged_network_has_the_buffers_of_the_trained_one():
    network = torch.nn.BatchNorm1d(2)
    average = WeightAverage(network, 0.5)
    network(torch.randn(8, 2, generator=torch.Generator().manual_seed(SEED)))
    average.update_parameters(network)
    assert float(network.running_mean.abs().min()) > 0
    assert torch.equal(average.module.running_mean, network.running_mean)


def test_no_average_is_kept_without_decay():
    flow = dense(ema_decay=0.0).fit(series())
    assert not any("average" in name for name in flow.net_.module_.state_dict())


class Validation(Callback):
    """Keep what is held out, and the stream of noise that it is judged by."""

    def on_train_begin(self, net, **kwargs):
        self.batches_, self.noise_ = [], []

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        if not training:
            self.batches_.append(batch)
            self.noise_.append(net.noise_.get_state())


def test_validation_is_by_averaged_weights_and_the_same_noise():
    X = series()
    still = dense(lr=1e-30, validation_fraction=0.25, weight_decay=0.0).fit(X)
    assert len({row["valid_loss"] for row in still.history_}) == 1
    assert len({row["train_loss"] for row in still.history_}) == 3
    flow = dense(lr=0.05, validation_fraction=0.25, callbacks=[Validation()]).fit(X)
    net, seen = flow.net_, dict(flow.net_.callbacks_)["Validation"]
    assert [len(batch) for batch in seen.batches_] == [12] * 3
    found = []
    for module in (net.module_.eval(), copy.deepcopy(net.module_).train()):
        noise = torch.Generator()
        noise.set_state(seen.noise_[-1])
        with torch.no_grad():
            found.append(float(net.criterion_(module, seen.batches_[-1], noise).mean()))
    assert flow.history_[-1]["valid_loss"] == pytest.approx(found[0], rel=1e-5)
    assert flow.history_[-1]["valid_loss"] != pytest.approx(found[1], rel=1e-3)


class Breaks(Callback):
    """Press Ctrl-C, or fail, after a number of steps."""

    def __init__(self, n_steps, how):
        self.n_steps = n_steps
        self.how = how

    def on_batch_end(self, net, **kwargs):
        if net.n_steps_ == self.n_steps:
            if self.how == "fail":
                raise RuntimeError("the disk is full")
            os.kill(os.getpid(), signal.SIGINT)


def test_a_failed_training_leaves_all_as_it_was():
    X = series()
    flow = dense(lr=0.01, warmup_steps=6, callbacks=[Breaks(11, "fail")]).fit(X)
    same = pickle.loads(pickle.dumps(flow))
    with pytest.raises(RuntimeError, match="disk is full"):
        flow.partial_fit(X)
    assert flow.net_.n_steps_ == 9
    assert flow.net_.optimizer_.param_groups[0]["lr"] == 0.01
    for name, value in same.net_.module_.state_dict().items():
        assert torch.equal(flow.net_.module_.state_dict()[name], value), name
    for each in (flow, same):
        each.net_.set_params(callbacks__Breaks__n_steps=-1)
        each.partial_fit(X)
    assert torch.equal(averages(flow.net_.module_), averages(same.net_.module_))


def test_an_interrupted_training_goes_on_at_full_rate():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        flow = dense(lr=0.01, lr_end=0.1, max_epochs=5, callbacks=[Breaks(8, "press"), Steps])
        with pytest.warns(UserWarning, match="interrupted after 2 of 5 epochs"):
            flow.fit(series())
    finally:
        signal.signal(signal.SIGINT, before)
    assert flow.net_.n_steps_ == 8
    flow.partial_fit(series())
    assert steps_of(flow).rates_[-3:] == pytest.approx([0.01] * 3)


def test_pickled_in_the_midst_of_training_it_goes_on_alike():
    X = series()
    flow = dense(warmup_steps=20, warm_start=True).fit(X)
    copy = pickle.loads(pickle.dumps(flow))
    assert copy.net_.n_steps_ == 9
    flow.fit(X)
    copy.fit(X)
    assert np.array_equal(flow.sample(3), copy.sample(3))
    assert torch.equal(weights(flow.net_.module_), weights(copy.net_.module_))


class AtOnce(Callback):
    """End training before its first epoch, as skorch's callbacks do."""

    def on_epoch_begin(self, net, **kwargs):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("n_series", "batch_size", "n_epochs"),
    [(128, 128, 1000), (1280, 128, 500), (1281, 128, 455), (12000, 1, 1), (10, 1, 500)],
)
def test_a_training_of_no_given_length_is_5000_batches(n_series, batch_size, n_epochs):
    fixed = {"network": Zero, "batch_size": batch_size, "representation": "standard"}
    flow = FlowMatching(**fixed, callbacks=[AtOnce()]).fit(series(n_series))
    assert flow.net_.n_epochs_ == n_epochs
    assert flow.set_params(max_epochs=7).fit(series(n_series)).net_.n_epochs_ == 7
    assert flow.n_iter_ == 0


def test_diffusion_is_a_setting():
    theirs, ours = FlowMatching().get_params(), Diffusion().get_params()
    changed = {name: value for name, value in ours.items() if theirs[name] != value}
    assert changed == {
        "path": "ddpm",
        "prediction": "noise",
        "solver": "ddim",
        "n_steps": 100,
        "time_std": 1.7,
    }
    with pytest.raises(ValueError, match="'path' parameter of Diffusion.*'linear'"):
        Diffusion(path="linear").fit(series())
    drawn = Diffusion(network=Zero, max_epochs=1, path="cosine").fit(series()).sample(2)
    assert drawn.shape == (2, 4, 1)
