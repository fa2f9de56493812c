import os

import matplotlib
import pytest
import torch

from sklearn_timegen import _joining
from sklearn_timegen.series import _windows

matplotlib.use("Agg")
# Tiny networks: a second thread only costs.
torch.set_num_threads(1)

SEED_VARIABLE = "SKLEARN_TIMEGEN_TESTS_GLOBAL_RANDOM_SEED"


def _global_random_seed() -> int:
    given = os.environ.get(SEED_VARIABLE, "0")
    if not given.isdigit():
        raise pytest.UsageError(f"{SEED_VARIABLE}={given!r}: expected an integer of at least 0")
    return int(given)


def pytest_report_header():
    kernels = torch.backends.cpu.get_cpu_capability()
    return f"global random seed: {_global_random_seed()} ({SEED_VARIABLE}); kernels: {kernels}"


@pytest.fixture(scope="session")
def global_random_seed():
    """The seed that data and fits of a test hang on, whose verdict must not hang on it.

    As scikit-learn's fixture of the same name: read from the environment, 0 if not given.
    """
    return _global_random_seed()


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
