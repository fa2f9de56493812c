"""The loop that TimeGAN's cost is compared with does what it says."""

import numpy as np
import pytest
import torch

from benchmarks.timegan import contestants, iterations
from benchmarks.timegan_plain import KINDS, Cells, Layers, PlainTimeGAN
from sklearn_timegen.timegan.training import TimeGANNet

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def test_cells_unrolled_are_layers():
    layers, cells = Layers(2, 3, 2), Cells(2, 3, 2)
    for k, cell in enumerate(cells.cells):
        for name, parameter in cell.named_parameters():
            parameter.data = getattr(layers.layers, f"{name}_l{k}").data
    x = torch.randn(5, 4, 2, generator=torch.Generator().manual_seed(SEED))
    torch.testing.assert_close(cells(x), layers(x))


@pytest.mark.parametrize("kind", KINDS)
def test_an_iteration_trains_all_networks(kind):
    x = np.random.default_rng(SEED).random((20, 6, 2))
    plain = PlainTimeGAN(x, kind, hidden_dim=4, n_layers=2, batch_size=8)
    networks = ("embedder", "recovery", "generator", "supervisor", "discriminator")
    before = {name: getattr(plain, name).output.weight.detach().clone() for name in networks}
    plain.joint_iteration()
    for name in networks:
        assert not torch.equal(before[name], getattr(plain, name).output.weight)


def test_contestants_do_as_many_iterations(monkeypatch):
    x = np.random.default_rng(SEED).random((200, 5, 2)).astype(np.float32)
    monkeypatch.setattr("benchmarks.timegan.stocks", lambda: x)
    assert iterations(200) == 1  # two batches
    done, ours = [], []
    take = TimeGANNet.train_step
    monkeypatch.setattr(
        TimeGANNet, "train_step", lambda net, *batch: ours.append(net.phase_) or take(net, *batch)
    )
    monkeypatch.setattr(PlainTimeGAN, "joint_iteration", lambda self: done.append(1))
    runs, n = contestants("gru")
    assert n == 2
    ours.clear()
    runs["ours"]()
    runs["cells"]()
    assert len(done) == n
    assert ours == ["joint"] * (2 * n)  # of the generator, for each one of the discriminator
