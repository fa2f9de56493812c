import signal

import matplotlib
import numpy as np
import pytest
import torch

from sklearn_timegen import _joining
from sklearn_timegen.series import _windows

from .global_seed import GLOBAL_RANDOM_SEED, VARIABLE

matplotlib.use("Agg")
# A shell's background jobs have Ctrl-C ignored, which tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header():
    kernels = torch.backends.cpu.get_cpu_capability()
    return f"global random seed: {GLOBAL_RANDOM_SEED} ({VARIABLE}); kernels: {kernels}"


@pytest.fixture(scope="session")
def global_random_seed():
    """The seed that data and fits of a test hang on, whose verdict must not hang on it."""
    return GLOBAL_RANDOM_SEED


@pytest.fixture
def rng():
    """A stream of a test's own: one that tests share would depend on their order."""
    return np.random.default_rng(GLOBAL_RANDOM_SEED)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def quick_joining(monkeypatch):
    """Learn in passing how windows are joined, for tests that ask anything but how well.

    The search for a ridge is most of what fitting a small generator to a series costs.
    """
    monkeypatch.setattr(_joining, "RIDGES", (1e-2, 1.0))
    monkeypatch.setattr(_joining, "N_JOINS", 1)
    monkeypatch.setattr(_windows, "N_LEARNED", 50)
