"""Fits that end at a step of one's choice, by an error or by Ctrl-C.

What a user can hand in passes the fuse: a representation, callbacks, networks, and every step of
an optimizer.
"""

import signal
import sys
from contextlib import contextmanager

import pytest
from skorch.callbacks import Callback
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from sklearn_timegen.flow.tokens import ChannelTransformer
from sklearn_timegen.nn.dense import DenseDecoder, DenseEncoder
from sklearn_timegen.representation import SeriesScaler


class OutOfLuck(RuntimeError):
    pass


def fail():
    raise OutOfLuck


def press():
    signal.raise_signal(signal.SIGINT)


class Fuse:
    """Does something when a step is come to for the n-th time, once."""

    def __init__(self):
        self.stage, self.step, self.left, self.act = "before", None, 0, None

    @contextmanager
    def set(self, step, act, n=1):
        self.stage, self.step, self.left, self.act = "before", step, n, act
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        hook = register_optimizer_step_post_hook(lambda *args: self("step"))
        try:
            yield
        finally:
            hook.remove()
            signal.signal(signal.SIGINT, before)
            assert self.left <= 0, f"{step} was not come to"
            self.step = None

    def __call__(self, step):
        if self.step in (step, f"{step} {self.stage} training"):
            self.left -= 1
            if self.left == 0:
                self.act()


FUSE = Fuse()


@contextmanager
def failing(step, n=1):
    """Let an error come up at a step, and go through."""
    with FUSE.set(step, fail, n), pytest.raises(OutOfLuck):
        yield


@contextmanager
def given_up(step, n=1):
    """Press Ctrl-C at a step at which there is nothing to keep: it goes through."""
    with FUSE.set(step, press, n), pytest.raises(KeyboardInterrupt):
        yield


@contextmanager
def cut_short(step, message, n=1):
    """Press Ctrl-C at a step which ends by that, as a warning at the caller's line tells."""
    caller = sys._getframe(2).f_code.co_filename
    try:
        with FUSE.set(step, press, n), pytest.warns(UserWarning, match=message) as caught:
            yield
    except KeyboardInterrupt:  # which would end the whole run of the tests
        raise AssertionError("Ctrl-C went through") from None
    assert {warning.filename for warning in caught} == {caller}


class Stages(Callback):
    """Tells the fuse how far training has got."""

    def initialize(self):
        FUSE("initialize")

    def on_train_begin(self, net, **kwargs):
        FUSE.stage = "in"
        FUSE("train begin")

    def on_epoch_end(self, net, **kwargs):
        FUSE("epoch end")

    def on_train_end(self, net, **kwargs):
        FUSE.stage = "after"
        FUSE("train end")


class Scaler(SeriesScaler):
    def fit(self, x, y=None):
        FUSE("representation fit")
        return super().fit(x)

    def transform(self, x):
        FUSE("represent")
        return super().transform(x)

    def inverse_transform(self, v):
        FUSE("calibrate")
        return super().inverse_transform(v)


class Fused(nn.Module):
    """A network whose calls pass the fuse."""

    def forward(self, *args):
        FUSE("network")
        return super().forward(*args)


class Encoder(Fused, DenseEncoder):
    pass


class Decoder(Fused, DenseDecoder):
    pass


class Field(Fused, ChannelTransformer):
    pass
