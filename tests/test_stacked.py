"""Recurrent stacks that run side by side are torch's own, one by one."""

import copy
import pickle

import pytest
import torch

from sklearn_timegen.timegan.stacked import (
    CELLS,
    GRUStack,
    LSTMStack,
    Run,
    Workspace,
    run_side_by_side,
)

from .global_seed import GLOBAL_RANDOM_SEED as SEED

T, B, SIZE = 5, 4, 3


def make_runs(n_runs, n_layers, frozen=(), cell=GRUStack):
    rng = torch.Generator().manual_seed(n_runs + 10 * n_layers)
    runs = []
    for k in range(n_runs):
        stack = cell(2 + k, SIZE, n_layers).double()
        for parameter in stack.parameters():
            parameter.data = torch.randn(parameter.shape, generator=rng, dtype=torch.float64)
        x = torch.randn(T, B, 2 + k, generator=rng, dtype=torch.float64, requires_grad=True)
        runs.append(Run(stack, x, k in frozen))
    return runs


def gradients(runs, states):
    """Of a loss that weighs every state differently, by series and weights."""
    rng = torch.Generator().manual_seed(SEED)
    loss = sum((h * torch.randn(h.shape, generator=rng, dtype=h.dtype)).sum() for h in states)
    inputs = [run.x for run in runs]
    inputs += [p for run in runs if not run.frozen for p in run.stack.parameters()]
    return torch.autograd.grad(loss, inputs)


@pytest.mark.parametrize("n_layers", [1, 2, 4])
@pytest.mark.parametrize(("n_runs", "frozen"), [(1, ()), (3, ()), (3, (1,)), (2, (0, 1))])
def test_states_and_gradients_are_those_of_torch(n_runs, frozen, n_layers):
    workspace = Workspace()
    runs = make_runs(n_runs, n_layers, frozen)
    expected = [run.by_torch() for run in runs]
    wanted = gradients(runs, expected)
    for _ in range(2):  # the second time, on a board that is not clean
        states = run_side_by_side(runs, workspace)
        for found, right in zip(states, expected, strict=True):
            torch.testing.assert_close(found, right)
        for found, right in zip(gradients(runs, states), wanted, strict=True):
            torch.testing.assert_close(found, right)


def test_a_frozen_stack_gets_no_gradient():
    runs = make_runs(2, 2, frozen=(0,))
    sum(h.sum() for h in run_side_by_side(runs, Workspace())).backward()
    assert all(p.grad is None or not p.grad.any() for p in runs[0].stack.parameters())
    assert all(p.grad.any() for p in runs[1].stack.parameters())
    assert runs[0].x.grad.any()  # but lets gradients through


def test_fewer_timesteps_than_layers():
    runs = [Run(run.stack, run.x[:2].detach().requires_grad_()) for run in make_runs(2, 4)]
    expected = [run.by_torch() for run in runs]
    states = run_side_by_side(runs, Workspace())
    for found, right in zip(states, expected, strict=True):
        torch.testing.assert_close(found, right)
    for found, right in zip(gradients(runs, states), gradients(runs, expected), strict=True):
        torch.testing.assert_close(found, right)


def test_runs_that_are_alive_at_once_do_not_share_memory():
    workspace = Workspace()
    runs = make_runs(1, 2)
    (first,) = run_side_by_side(runs, workspace)
    (other,) = run_side_by_side([Run(runs[0].stack, 2 * runs[0].x)], workspace)
    other.sum().backward()
    torch.testing.assert_close(gradients(runs, [first]), gradients(runs, [runs[0].by_torch()]))


def test_it_can_be_differentiated_once():
    runs = make_runs(1, 2)
    (states,) = run_side_by_side(runs, Workspace())
    states.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="once"):
        states.sum().backward()


def test_long_memory_layers_go_by_torch():
    runs = make_runs(2, 2, frozen=(1,), cell=LSTMStack)
    for run, states in zip(runs, run_side_by_side(runs, Workspace()), strict=True):
        torch.testing.assert_close(states, run.stack(run.x)[0])


@pytest.mark.parametrize("cell", CELLS)
def test_no_state_depends_on_what_follows(cell):
    (run,) = make_runs(1, 3, cell=CELLS[cell])
    later = run.x.detach().clone()
    later[3:] += 1
    before, after = (run_side_by_side([Run(run.stack, x)], Workspace())[0] for x in (run.x, later))
    torch.testing.assert_close(before[:3], after[:3])
    assert (before[3:] != after[3:]).all()


class Watched(Workspace):
    """Remembers which boards were taken, and for what."""

    def __init__(self):
        super().__init__()
        self.taken = []

    def take(self, shape, like):
        self.taken.append((super().take(shape, like), shape, like))
        return self.taken[-1][0]


def test_memory_is_used_again():
    workspace = Watched()
    for _ in range(3):
        (states,) = run_side_by_side(make_runs(1, 1), workspace)
        states.sum().backward()
        del states
    boards = [board for board, _, _ in workspace.taken]
    assert len(boards) == 3
    assert boards[0] is boards[1] is boards[2]


def test_a_workspace_is_not_kept():
    workspace = Watched()
    (states,) = run_side_by_side(make_runs(1, 1), workspace)
    states.sum().backward()
    ((board, *asked),) = workspace.taken
    board.known = True
    assert workspace.take(*asked).known
    workspace.give(board)
    for other in (pickle.loads(pickle.dumps(workspace)), copy.deepcopy(workspace)):
        assert not hasattr(other.take(*asked), "known")
    workspace.clear()
    assert not hasattr(workspace.take(*asked), "known")
