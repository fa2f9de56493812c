import matplotlib
import pytest
import torch

from sklearn_timegen import _joining
from sklearn_timegen.series import _windows

matplotlib.use("Agg")
# Tiny networks: a second thread only costs.
torch.set_num_threads(1)


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
