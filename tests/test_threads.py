"""Sampling from several threads leaves a generator as it was."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sklearn_timegen import R3GAN, FlowMatching, TimeGAN
from sklearn_timegen.datasets import make_sines

from .generators import PHASED, SHORT, TINY
from .global_seed import GLOBAL_RANDOM_SEED as SEED


@pytest.fixture
def nervous():
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(
    "generator",
    [R3GAN(**TINY), FlowMatching(**SHORT), TimeGAN(**PHASED)],
    ids=lambda generator: type(generator).__name__,
)
def test_averaged_weights_are_not_exchanged_under_others(generator, nervous):
    X = make_sines(24, 8, 2, random_state=SEED)
    generator.set_params(random_state=SEED).fit(X)
    before = [id(parameter) for parameter in generator.net_.module_.parameters()]
    expected = generator.sample(4, random_state=SEED + 1)
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda _: generator.sample(4, random_state=SEED + 1), range(12)))
    assert all(np.array_equal(one, expected) for one in drawn)
    assert [id(parameter) for parameter in generator.net_.module_.parameters()] == before
    assert generator.partial_fit(X).n_iter_ == 3
