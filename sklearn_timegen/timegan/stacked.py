"""Stacks of recurrent layers that run side by side.

A network that is small and recurrent spends its time on the overhead of tiny operations, and one
that is trained with others that have the same sizes can share it: all that run at one time go
through the same operations, stacks side by side and their layers in waves.

In wave i, layer l of each stack does timestep ``i - l``: what it needs, its own last state and
the state of the layer below, both come from wave ``i - 1``. So T timesteps of L layers take
``T + L - 1`` rounds and not ``T L``, in each of which a matrix product serves all cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.func import functional_call

__all__ = ["CELLS", "GRUStack", "LSTMStack", "Run", "Workspace", "run_side_by_side"]


class GRUStack(nn.GRU):
    """Layers of gated recurrent units, ``(T, B, n_inputs) -> (T, B, hidden_dim)``."""

    def __init__(self, n_inputs: int, hidden_dim: int, n_layers: int) -> None:
        super().__init__(n_inputs, hidden_dim, n_layers)


class LSTMStack(nn.LSTM):
    """Layers of long short-term memory, ``(T, B, n_inputs) -> (T, B, hidden_dim)``."""

    def __init__(self, n_inputs: int, hidden_dim: int, n_layers: int) -> None:
        super().__init__(n_inputs, hidden_dim, n_layers)


CELLS: dict[str, type[GRUStack] | type[LSTMStack]] = {"gru": GRUStack, "lstm": LSTMStack}


class Workspace:
    """Memory that is used again: to get it anew would cost more than what is computed in it."""

    def __init__(self) -> None:
        self._free: dict[Shape, list[_Board]] = {}

    def take(self, shape: Shape, like: Tensor) -> _Board:
        """Return a board, on which whatever was left is written."""
        free = self._free.get(shape)
        return free.pop() if free else _Board(shape, like)

    def give(self, board: _Board) -> None:
        """Take a board back that nobody looks at any more."""
        self._free.setdefault(board.shape, []).append(board)

    def clear(self) -> None:
        """Let go of all memory."""
        self._free.clear()

    def __reduce__(self) -> Any:  # what is in it is not worth keeping
        return type(self), ()


@dataclass(frozen=True)
class Run:
    """A stack, and the series ``(T, B, n_inputs)`` that it is to read.

    Gradients go through a stack that is ``frozen``, and not into it.
    """

    stack: GRUStack | LSTMStack
    x: Tensor
    frozen: bool = False

    def weights(self, name: str) -> Tensor:
        """Return weights of the stack by their name."""
        found: Tensor = getattr(self.stack, name)
        return found.detach() if self.frozen else found

    def by_torch(self) -> Tensor:
        """Return the states ``(T, B, hidden_dim)`` of the last layer, by torch's own kernel."""
        weights = {name: self.weights(name) for name, _ in self.stack.named_parameters()}
        states: Tensor = functional_call(self.stack, weights, (self.x,))[0]
        return states


def run_side_by_side(runs: Sequence[Run], workspace: Workspace) -> list[Tensor]:
    """Return the states ``(T, B, hidden_dim)`` of the last layer of each run.

    Runs have as many timesteps, rows, layers and units as each other, but may read series of
    different widths. Differentiable once.
    """
    first = runs[0]
    if not isinstance(first.stack, GRUStack) or first.x.device.type != "cpu":
        return [run.by_torch() for run in runs]
    n_layers = first.stack.num_layers
    trained = tuple(not run.frozen for run in runs)
    firsts, rest = _folded(runs, n_layers)
    inputs = [run.x.contiguous() for run in runs]
    plan = _Plan(workspace, n_layers, trained)
    return list(_Waves.apply(plan, *rest, *inputs, *firsts))


def _folded(runs: Sequence[Run], n_layers: int) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Return the weights of first layers, and biases and weights of all cells, layer by layer.

    They are those of ``k = (h + 1) / 2`` in place of h: since ``tanh(u) = 2 sigmoid(2 u) - 1``,
    every gate is a sigmoid then, which costs less than tanh. ``W h = 2 W k - W 1``.
    """

    def stacked(kind: str, layers: range) -> Tensor:
        return torch.stack([run.weights(f"{kind}_l{k}") for k in layers for run in runs])

    size = runs[0].stack.hidden_size
    own = stacked("weight_hh", range(n_layers))
    scale = own.new_ones(3, 1, 1)
    scale[2] = 2
    own = own.unflatten(1, (3, size)) * scale
    b_own = stacked("bias_hh", range(n_layers)).unflatten(1, (3, size)) * scale[..., 0]
    b_own = b_own - own.sum(dim=3)
    b_in = stacked("bias_ih", range(n_layers)).unflatten(1, (3, size)) * scale[..., 0]
    below = own.new_empty(0, 3, size, size)
    if n_layers > 1:
        below = stacked("weight_ih", range(1, n_layers)).unflatten(1, (3, size)) * scale
        head, tail = b_in.split([len(runs), len(b_in) - len(runs)])
        b_in = torch.cat([head, tail - below.sum(dim=3)])
    both = b_own[:, :2] + b_in[:, :2]
    biases = torch.cat([both, b_in[:, 2:], b_own[:, 2:]], dim=1).transpose(0, 1)
    by_row = scale.repeat_interleave(size).view(1, -1)
    firsts = [run.weights("weight_ih_l0").t() * by_row for run in runs]
    return firsts, (
        biases,
        (2 * own).permute(1, 0, 3, 2).contiguous(),
        (2 * below).permute(1, 0, 3, 2).contiguous(),
    )


@dataclass(frozen=True)
class Shape:
    """R stacks of L layers, T timesteps, B rows: cell ``l R + r`` is layer l of stack r."""

    n_runs: int
    n_layers: int
    n_timesteps: int
    n_rows: int
    size: int
    dtype: torch.dtype

    @property
    def n_cells(self) -> int:
        return self.n_runs * self.n_layers

    @property
    def n_waves(self) -> int:
        return self.n_timesteps + self.n_layers - 1

    def at_work(self, wave: int) -> tuple[int, int]:
        """Return from which cell to which one there is work in a wave."""
        lowest, highest = max(0, wave - self.n_timesteps + 1), min(self.n_layers, wave + 1)
        return lowest * self.n_runs, highest * self.n_runs


class _Wave:
    """One wave's part of a board; to cut it out takes as long as to compute in it."""

    def __init__(self, board: _Board, i: int) -> None:
        low, high = board.shape.at_work(i)
        n_runs = board.shape.n_runs
        upper = max(low, n_runs)
        self.cells = low, high
        self.below = slice(upper - n_runs, high - n_runs) if high > upper else None
        gates = [gate[i] for gate in board.gates]
        self.r, self.z, self.s, self.b = (gate[low:high] for gate in gates)
        self.upper = [gate[upper:high] for gate in gates[:3]]
        self.idle = [part for gate in gates for part in (gate[:low], gate[high:]) if len(part)]
        self.state, self.next = board.k[i, low:high], board.k[i + 1, low:high]
        self.grad, self.earlier = board.onward[i + 1, low:high], board.onward[i, low:high]
        self.u, self.v = board.spare[0, low:high], board.spare[1, low:high]
        if self.below is not None:
            self.lower = board.k[i, self.below]
            self.lower_grad = board.onward[i, self.below]


class _Board:
    """What a run needs to remember, and room for its gradients."""

    def __init__(self, shape: Shape, like: Tensor) -> None:
        each = (shape.n_cells, shape.n_rows, shape.size)
        self.shape = shape
        self.gates = like.new_empty(4, shape.n_waves, *each)
        self.k = like.new_empty(shape.n_waves + 1, *each)
        self.onward = like.new_empty(shape.n_waves + 1, *each)
        self.spare = like.new_empty(2, *each)
        self.waves = [_Wave(self, i) for i in range(shape.n_waves)]


@dataclass(frozen=True)
class _Plan:
    """Where to compute, and which runs' weights learn."""

    workspace: Workspace
    n_layers: int
    trained: tuple[bool, ...]


def _parts(weights: Tensor, waves: Sequence[_Wave], below: bool = False) -> list[list[Tensor]]:
    """Return each wave's part of weights ``(3, n_cells, ...)``, gate by gate."""
    cut: dict[tuple[int, int], list[Tensor]] = {}
    found = []
    for wave in waves:
        low, high = (wave.below.start, wave.below.stop) if below and wave.below else wave.cells
        if (low, high) not in cut:
            cut[low, high] = list(weights[:, low:high].unbind())
        found.append(cut[low, high])
    return found


class _Waves(torch.autograd.Function):
    """The recurrence of all cells, with its backward pass by hand.

    With r, z and s the gates after their sigmoids, b the state's part of s before it, and all in
    terms of ``k = (h + 1) / 2``: ``s = sigmoid(a + r b)`` and ``k' = (1 - z) s + z k``.
    """

    @staticmethod
    def forward(
        ctx: Any, plan: _Plan, biases: Tensor, own: Tensor, below: Tensor, *given: Tensor
    ) -> tuple[Tensor, ...]:
        n_runs = len(plan.trained)
        xs, firsts = given[:n_runs], given[n_runs:]
        size = biases.shape[-1]
        n_timesteps, n_rows, _ = xs[0].shape
        shape = Shape(n_runs, plan.n_layers, n_timesteps, n_rows, size, xs[0].dtype)
        board = plan.workspace.take(shape, xs[0])
        board.gates.copy_(biases[:, None, :, None].expand_as(board.gates))
        for run, (x, weight) in enumerate(zip(xs, firsts, strict=True)):
            read = (x.flatten(0, 1) @ weight).unflatten(0, x.shape[:2])
            for gate, part in zip(board.gates, read.split(size, dim=2), strict=False):
                gate[: shape.n_timesteps, run] += part
        board.k[: shape.n_layers] = 0.5  # h_0 = 0, and what is not read must be finite
        board.k[shape.n_timesteps + 1 :] = 0.5
        by_own, by_below = _parts(own, board.waves), _parts(below, board.waves, True)
        for wave, w_own, w_below in zip(board.waves, by_own, by_below, strict=True):
            wave.r.baddbmm_(wave.state, w_own[0])
            wave.z.baddbmm_(wave.state, w_own[1])
            wave.b.baddbmm_(wave.state, w_own[2])
            if wave.below is not None:
                for gate, weight in zip(wave.upper, w_below, strict=True):
                    gate.baddbmm_(wave.lower, weight)
            wave.r.sigmoid_()
            wave.z.sigmoid_()
            wave.s.addcmul_(wave.r, wave.b).sigmoid_()
            torch.lerp(wave.s, wave.state, wave.z, out=wave.next)
        last = board.k[shape.n_layers :, -n_runs:] * 2 - 1
        if any(ctx.needs_input_grad):
            ctx.plan, ctx.board = plan, board
            ctx.save_for_backward(own, below, *given)
        return last.unbind(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        own, below, *given = ctx.saved_tensors
        plan, board = ctx.plan, ctx.board
        if board is None:
            raise RuntimeError("the states of a recurrent stack can be differentiated once")
        ctx.board = None
        shape = board.shape
        board.onward.zero_()
        for run, grad in enumerate(grads):
            torch.mul(grad, 2, out=board.onward[shape.n_layers :, run - shape.n_runs])
        _descend_waves(board, own, below)
        r, z, s, b = board.gates
        into_own = torch.stack([_products(plan, board.k, d, 0) for d in (r, z, b)])
        into_below = below  # of one layer: none
        if shape.n_layers > 1:
            into_below = torch.stack(
                [_products(plan, board.k, d, shape.n_runs) for d in (r, z, s)]
            )
        into_biases = board.gates.sum(dim=1).sum(dim=2)
        into_first = _into_first_layer(ctx, board, given)
        plan.workspace.give(board)
        return None, into_biases, into_own, into_below, *into_first


def _descend_waves(board: _Board, own: Tensor, below: Tensor) -> None:
    """Turn r, z, s and b into the loss's gradient by what goes into them, in place."""
    own, below = own.transpose(2, 3).contiguous(), below.transpose(2, 3).contiguous()
    parts = _parts(own, board.waves), _parts(below, board.waves, True)
    for wave, w_own, w_below in reversed(list(zip(board.waves, *parts, strict=True))):
        for idle in wave.idle:  # where nothing was computed, the bias is left
            idle.zero_()
        r, z, s, b, u, v, grad = wave.r, wave.z, wave.s, wave.b, wave.u, wave.v, wave.grad
        wave.earlier.addcmul_(grad, z)
        torch.addcmul(grad, grad, z, value=-1, out=u)  # the gradient of s
        torch.sub(wave.state, s, out=v).mul_(u)
        z.mul_(v)  # z (1 - z) (k - s) times the gradient
        s.addcmul_(s, s, value=-1).mul_(u)
        torch.mul(s, r, out=u)
        b.mul_(u)
        torch.addcmul(b, b, r, value=-1, out=r)
        b.copy_(u)
        wave.earlier.baddbmm_(r, w_own[0]).baddbmm_(z, w_own[1]).baddbmm_(b, w_own[2])
        if wave.below is not None:
            for d, weight in zip(wave.upper, w_below, strict=True):
                wave.lower_grad.baddbmm_(d, weight)


def _products(plan: _Plan, k: Tensor, d: Tensor, shift: int) -> Tensor:
    """Return the gradient of the weights by which cells read the states ``shift`` cells before.

    States are ``(n_waves + 1, n_cells, B, size)``, what they lead to one wave less.
    """
    n_waves, n_cells, _, size = d.shape
    if all(plan.trained):  # in one axis, no block has to be copied; a few products are for nothing
        n = n_waves * n_cells - shift
        each = k.flatten(0, 1)[:n].transpose(1, 2) @ d.flatten(0, 1)[shift:]
        found = each.new_zeros(n_waves, n_cells, size, size)
        found.flatten(0, 1)[:n] = each
        return found.sum(dim=0)[: n_cells - shift]
    n_runs = len(plan.trained)
    found = k.new_zeros(n_cells - shift, size, size)
    for run in (run for run, trained in enumerate(plan.trained) if trained):
        past = k[:-1, run : n_cells - shift : n_runs]
        into = d[:, run + shift :: n_runs]
        each = past.flatten(0, 1).transpose(1, 2) @ into.flatten(0, 1)
        found[run::n_runs] = each.unflatten(0, past.shape[:2]).sum(dim=0)
    return found


def _into_first_layer(ctx: Any, board: _Board, given: Sequence[Tensor]) -> list[Tensor | None]:
    """Return the gradients by the series that were read, and by the weights that read them."""
    n_runs = board.shape.n_runs
    needed = ctx.needs_input_grad[4:]
    found: list[Tensor | None] = [None] * (2 * n_runs)
    for run in range(n_runs):
        x, weight = given[run], given[n_runs + run]
        into = torch.cat([gate[: len(x), run] for gate in board.gates[:3]], dim=2).flatten(0, 1)
        if needed[run]:
            found[run] = (into @ weight.t()).view_as(x)
        if ctx.plan.trained[run]:
            found[n_runs + run] = x.flatten(0, 1).t() @ into
    return found
