"""Recurrent layers that read what was, timestep by timestep."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from sklearn_timegen.nn.layers import with_condition_everywhere

__all__ = ["CELLS", "Reader", "State", "rows_of_state"]

State = Tensor | tuple[Tensor, Tensor] | None  # of a layer; None before it has read
CELLS: dict[str, Callable[..., nn.RNNBase]] = {"gru": nn.GRU, "lstm": nn.LSTM}


class Reader(nn.Module):
    """Layers that each read the timestep before and the states of the layer below.

    Source: A. Graves (2013), "Generating sequences with recurrent neural networks", section 2,
    https://arxiv.org/abs/1308.0850. Before the first timestep is a token of its own, an input
    that is 1 there and 0 elsewhere.

    Parameters
    ----------
    n_values : int
        What is read of a timestep.
    hidden_dim, n_layers : int
        Sizes.
    n_conditions : int
        Width of the condition, which is given at every timestep.
    cell : {"gru", "lstm"}
        The recurrent layers.
    """

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self, n_values: int, hidden_dim: int, n_layers: int, n_conditions: int, cell: str
    ) -> None:
        super().__init__()
        self.n_inputs = n_values + 1 + n_conditions
        widths = [self.n_inputs] + [hidden_dim + self.n_inputs] * (n_layers - 1)
        self.layers = nn.ModuleList(
            CELLS[cell](width, hidden_dim, batch_first=True) for width in widths
        )
        self.n_states = n_layers * hidden_dim

    def begin(self) -> list[State]:
        """Return the states of all layers before they have read."""
        return [None] * len(self.layers)

    def read(
        self, values: Tensor, c: Tensor | None, states: list[State], start: bool
    ) -> tuple[Tensor, list[State]]:
        """Go on reading; return inputs and all layers' states beside each other, and the last."""
        token = torch.zeros_like(values[:, :, :1])
        token[:, 0] = float(start)
        inputs = with_condition_everywhere(torch.cat([values, token], dim=2), c)
        seen, last, read_now = [inputs], [], inputs
        for layer, state in zip(self.layers, states, strict=True):
            h, state = layer(read_now, state)
            seen.append(h)
            last.append(state)
            read_now = torch.cat([h, inputs], dim=2)
        return torch.cat(seen, dim=2), last


def rows_of_state(state: State, rows: Tensor) -> State:
    """Return a layer's states of some rows: a tensor, or two of an LSTM."""
    if isinstance(state, tuple):
        h, cell = state
        return h[:, rows], cell[:, rows]
    return None if state is None else state[:, rows]
