import matplotlib
import pytest
import torch

matplotlib.use("Agg")
# Tiny networks: a second thread only costs.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
