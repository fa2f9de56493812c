"""Recurrent networks, after VRAE (Fabius and van Amersfoort 2014) and recurrent GANs.

The layers are ``torch.nn.LSTM``, which on a CPU takes less time than ``torch.nn.GRU``. The
hand-written backward pass of ``metrics/recurrent.py`` gains nothing for one network.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from sklearn_timegen.nn.encoder import Body, Encoder
from sklearn_timegen.nn.layers import glorot_, with_condition, with_condition_everywhere

__all__ = [
    "BidirectionalBody",
    "RecurrentBody",
    "RecurrentDecoder",
    "RecurrentEncoder",
    "RecurrentGenerator",
]


class RecurrentBody(Body):
    """Recurrent layers, whose state after every timestep is features: ``(B, T, n_features)``.

    The discriminator of RCGAN judges every timestep (Esteban et al. 2017, section 3,
    https://arxiv.org/abs/1706.02633).
    """

    needs_time_axis: ClassVar[bool] = True
    bidirectional: ClassVar[bool] = False

    def __init__(self, n_timesteps: int, n_channels: int, hidden_dims: Sequence[int]) -> None:
        super().__init__()
        self.layers = _lstm_layers([n_channels, *hidden_dims], self.bidirectional)
        self.n_features = (1 + self.bidirectional) * hidden_dims[-1]

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x, _ = layer(x)
        return x


class BidirectionalBody(RecurrentBody):
    """Both directions side by side, so that a timestep is judged by what follows it, too.

    Source: O. Mogren (2016), "C-RNN-GAN: continuous recurrent neural networks with adversarial
    training", section 3, https://arxiv.org/abs/1611.09904
    """

    bidirectional: ClassVar[bool] = True


class RecurrentEncoder(Encoder):
    """Recurrent layers, then dense mean and log-variance of the latents from the last state."""

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self, n_timesteps: int, n_channels: int, latent_dim: int, hidden_dims: Sequence[int]
    ) -> None:
        super().__init__(RecurrentBody(n_timesteps, n_channels, hidden_dims), latent_dim)

    def features(self, x: Tensor) -> Tensor:
        return super().features(x)[:, -1]


class RecurrentDecoder(nn.Module):
    """Recurrent layers that unroll from ``h_0 = tanh(W [z, c] + b)``, and a dense output.

    VRAE feeds each output back into the next state, ``h' = tanh(V h + U x + b)``. With an output
    that is linear in the state, ``x = W h + d``, that is ``h' = tanh((V + U W) h + U d + b)``: the
    same functions without feedback, and no loop over timesteps in Python. So nothing is fed back
    here; the same holds for each gate of an LSTM, whose first memory is a dense function of
    ``[z, c]``, too. That is the input of every timestep as well, so that long series do not forget
    it.
    """

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        latent_dim: int,
        hidden_dims: Sequence[int],
        n_conditions: int = 0,
    ) -> None:
        super().__init__()
        self.n_timesteps = n_timesteps
        n_inputs, widths = latent_dim + n_conditions, list(reversed(hidden_dims))
        self.first_states = nn.ModuleList(nn.Linear(n_inputs, 2 * width) for width in widths)
        self.layers = _lstm_layers([n_inputs, *widths])
        self.output = nn.Linear(widths[-1], n_channels)
        self.apply(glorot_)

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        inputs = with_condition(z, c)
        h = inputs.unsqueeze(1).expand(-1, self.n_timesteps, -1)
        for first_state, layer in zip(self.first_states, self.layers, strict=True):
            first, memory = first_state(inputs).unsqueeze(0).chunk(2, dim=2)
            h, _ = layer(h, (first.tanh().contiguous(), memory.contiguous()))
        return self.output(h)


class RecurrentGenerator(nn.Module):
    """Recurrent layers over noise of its own for every timestep, and a dense output.

    z is flat, ``(B, n_latents)`` with ``n_latents = T latent_dim``, and the condition is given at
    every timestep: RCGAN's generator (Esteban et al. 2017, section 3,
    https://arxiv.org/abs/1706.02633). C-RNN-GAN's (Mogren 2016, section 3,
    https://arxiv.org/abs/1611.09904) hands each output on beside the next noise. With an output
    that is linear in the state, that adds no function to these, as in :class:`RecurrentDecoder`.
    """

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        latent_dim: int,
        hidden_dims: Sequence[int],
        n_conditions: int = 0,
    ) -> None:
        super().__init__()
        self.noise_shape = (n_timesteps, latent_dim)
        self.n_latents = n_timesteps * latent_dim
        widths = list(reversed(hidden_dims))
        self.layers = _lstm_layers([latent_dim + n_conditions, *widths])
        self.output = nn.Linear(widths[-1], n_channels)
        self.apply(glorot_)

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        h = with_condition_everywhere(z.unflatten(1, self.noise_shape), c)
        for layer in self.layers:
            h, _ = layer(h)
        return self.output(h)


def _lstm_layers(widths: Sequence[int], bidirectional: bool = False) -> nn.ModuleList:
    layers = []
    for k, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        n_inputs = 2 * n_in if bidirectional and k > 0 else n_in
        layers.append(nn.LSTM(n_inputs, n_out, batch_first=True, bidirectional=bidirectional))
    return nn.ModuleList(layers)
