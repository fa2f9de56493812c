"""Recurrent networks that predict the next timestep, and a discriminator of how they behave.

Symbols: x_t a timestep, c the condition, h_t the states of all layers once they have read
x_1 ... x_(t-1), K the number of normals in the mixture that is predicted of x_t, D that of
channels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from sklearn_timegen.nn.layers import glorot_, leaky_relu, mlp, with_condition_everywhere
from sklearn_timegen.nn.sequence import BidirectionalBody

__all__ = [
    "CELLS",
    "AdversarialPair",
    "BehaviourDiscriminator",
    "Mixture",
    "RecurrentMixture",
    "State",
]

State = Tensor | tuple[Tensor, Tensor] | None  # of a layer; None before it has read
CELLS: dict[str, Callable[..., nn.RNNBase]] = {"gru": nn.GRU, "lstm": nn.LSTM}
# A channel's mean is moved by all those before it, whose means are, too: with entries of one size,
# x grows exponentially in the channels, and in 200 beyond float32. The entries shrink from here.
UNSCALED_CHANNELS = 8


class Mixture(NamedTuple):
    """A mixture of K normals for each timestep of each series.

    Given the component, channels are independent once what the channels before them add to
    their means is subtracted: x_d - sum_(j < d) coupling_dj x_j is normal. The matrix is
    triangular, so that its determinant is 1 and the density is that of what is left.
    """

    log_weight: Tensor  # (B, T, K)
    mean: Tensor  # (B, T, K, D)
    std: Tensor  # (B, T, K, D)
    coupling: Tensor | None  # (B, T, D, D), below the diagonal; None: independent channels
    varies: Tensor  # (T, D), False for cells that never vary

    def left(self, x: Tensor) -> Tensor:
        """Return what is left of series when what their own channels tell is subtracted."""
        return x if self.coupling is None else x - (self.coupling @ x.unsqueeze(3)).squeeze(3)

    def draw(self, u: Tensor, e: Tensor, constant: Tensor) -> Tensor:
        """Return timesteps ``(B, T, D)``: of the component that u picks, at its normal's e.

        Differentiable by mean, standard deviation and coupling; the pick is not.
        """
        share = self.log_weight.detach().exp().cumsum(dim=2)
        k = (share < u.unsqueeze(2)).sum(dim=2).clamp(max=share.shape[2] - 1)
        which = k[:, :, None, None].expand(-1, -1, 1, e.shape[2])
        mean, std = (a.gather(2, which).squeeze(2) for a in (self.mean, self.std))
        x = torch.where(self.varies, mean + std * e, constant)
        if self.coupling is None:
            return x
        matrix = torch.eye(x.shape[2], dtype=x.dtype, device=x.device) - self.coupling
        solved = torch.linalg.solve_triangular(
            matrix, x.unsqueeze(3), upper=False, unitriangular=True
        )
        return solved.squeeze(3)


class RecurrentMixture(nn.Module):
    """p(x_t | x_1 ... x_(t-1), c), a mixture of normals whose parameters recurrent layers tell.

    Each layer reads the timestep before and the states of the layer below, and the output is
    linear in the states of all layers, as in A. Graves (2013), "Generating sequences with
    recurrent neural networks", section 2, https://arxiv.org/abs/1308.0850, and in the timestep
    before: his pen offsets have no level, series have one, and the next value is near the last.
    Before the first timestep is a token of its own, an input that is 1 there and 0 elsewhere.

    Parameters
    ----------
    n_channels, hidden_dim, n_layers, n_components : int
        Sizes.
    n_conditions : int
        Width of the condition, which is given at every timestep.
    cell : {"gru", "lstm"}
        The recurrent layers.
    coupled : bool
        Whether a channel's mean moves with the channels before it.
    min_std : float
        Lower bound of standard deviations.
    varies : Tensor of shape (n_timesteps, n_channels)
        False for cells that never vary: they have no density.
    constant : Tensor of shape (n_timesteps, n_channels)
        Their values.
    low, high : Tensor of shape (n_channels,)
        The range of the training series. The network reads what lies beyond as the range's end:
        a linear function of the timestep before would otherwise lead draws ever further away.
    """

    needs_time_axis: ClassVar[bool] = True
    pairs: Tensor
    varies: Tensor
    constant: Tensor
    low: Tensor
    high: Tensor

    def __init__(
        self,
        n_channels: int,
        hidden_dim: int,
        n_layers: int,
        n_components: int,
        n_conditions: int,
        cell: str,
        coupled: bool,
        min_std: float,
        varies: Tensor,
        constant: Tensor,
        low: Tensor,
        high: Tensor,
    ) -> None:
        super().__init__()
        self.n_channels, self.n_components, self.min_std = n_channels, n_components, min_std
        n_inputs = n_channels + 1 + n_conditions
        widths = [n_inputs] + [hidden_dim + n_inputs] * (n_layers - 1)
        self.layers = nn.ModuleList(
            CELLS[cell](width, hidden_dim, batch_first=True) for width in widths
        )
        self.n_states = n_layers * hidden_dim
        pairs = list(itertools.combinations(range(n_channels), 2)) if coupled else []
        self.sizes = (n_components, *[n_components * n_channels] * 2, len(pairs))
        self.coupling_scale = min(1.0, UNSCALED_CHANNELS / n_channels)
        self.output = nn.Linear(n_inputs + self.n_states, sum(self.sizes))
        self.register_buffer("pairs", torch.tensor(pairs, dtype=torch.long).reshape(-1, 2))
        self.register_buffer("varies", varies)
        self.register_buffer("constant", constant)
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Mixture:
        """Return what is predicted of each timestep from the true ones before it."""
        return self.behave(x, c)[0]

    def behave(self, x: Tensor, c: Tensor | None = None) -> tuple[Mixture, Tensor]:
        """Return that, and the states ``(B, T, n_states)`` it is predicted from."""
        before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)
        features, _ = self._read(before, c, [None] * len(self.layers), start=True)
        return self._predict(features, slice(None)), features[:, :, -self.n_states :]

    def run_free(self, u: Tensor, e: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return series that are drawn timestep by timestep, and the states on the way.

        Parameters
        ----------
        u : Tensor of shape (B, T)
            Uniform draws, which pick components.
        e : Tensor of shape (B, T, n_channels)
            Normal draws.
        c : Tensor of shape (B, n_conditions) or None
            The condition.
        """
        x = torch.zeros_like(e[:, :1])
        states: list[State] = [None] * len(self.layers)
        drawn, passed = [], []
        for t in range(e.shape[1]):
            now = slice(t, t + 1)
            mixture, behind, states = self.step(x, c, states, t)
            x = mixture.draw(u[:, now], e[:, now], self.constant[now])
            drawn.append(x)
            passed.append(behind)
        return torch.cat(drawn, dim=1), torch.cat(passed, dim=1)

    def step(
        self, before: Tensor, c: Tensor | None, states: list[State], t: int
    ) -> tuple[Mixture, Tensor, list[State]]:
        """Read the timestep before t; return what is predicted of t, from which states.

        Together with the states ``(B, 1, n_states)`` are those to go on from, layer by layer.
        """
        features, states = self._read(before, c, states, start=t == 0)
        mixture = self._predict(features, slice(t, t + 1))
        return mixture, features[:, :, -self.n_states :], states

    def noise(self, n_samples: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw what ``run_free`` takes."""
        shape = (n_samples, *self.constant.shape)
        u = torch.rand(shape[:2], generator=rng, device=rng.device)
        return u, torch.randn(shape, generator=rng, device=rng.device)

    def _read(
        self, x: Tensor, c: Tensor | None, states: list[State], start: bool
    ) -> tuple[Tensor, list[State]]:
        """Go on reading; return inputs and all layers' states beside each other, and the last."""
        token = torch.zeros_like(x[:, :, :1])
        token[:, 0] = float(start)
        read = torch.cat([x.clamp(self.low, self.high), token], dim=2)
        inputs = with_condition_everywhere(read, c)
        seen, last, read_now = [inputs], [], inputs
        for layer, state in zip(self.layers, states, strict=True):
            h, state = layer(read_now, state)
            seen.append(h)
            last.append(state)
            read_now = torch.cat([h, inputs], dim=2)
        return torch.cat(seen, dim=2), last

    def _predict(self, features: Tensor, now: slice) -> Mixture:
        varies = self.varies[now]
        weight, mean, std, pair = self.output(features).split(self.sizes, dim=2)
        each = (self.n_components, self.n_channels)
        return Mixture(
            weight.log_softmax(dim=2),
            mean.unflatten(2, each),
            self.min_std + softplus(std).unflatten(2, each),
            self._matrix(pair, varies) if self.sizes[3] else None,
            varies,
        )

    def _matrix(self, pair: Tensor, varies: Tensor) -> Tensor:
        matrix = pair.new_zeros(*pair.shape[:2], self.n_channels, self.n_channels)
        matrix[:, :, self.pairs[:, 1], self.pairs[:, 0]] = pair * self.coupling_scale
        return matrix * varies.unsqueeze(2)  # nothing moves a cell that never varies


class BehaviourDiscriminator(nn.Module):
    """Value of each timestep of a network's behaviour, ``(B, T)``: greater where it is taught.

    Behaviour is the states and the values that follow them. It is read both ways, and three
    dense layers judge each timestep (Lamb et al. 2016, "Professor forcing: a new algorithm for
    training recurrent networks", section 2, https://arxiv.org/abs/1610.09038).

    Parameters
    ----------
    n_timesteps, n_states, n_channels, n_conditions, hidden_dim : int
        Sizes.
    """

    def __init__(
        self, n_timesteps: int, n_states: int, n_channels: int, n_conditions: int, hidden_dim: int
    ) -> None:
        super().__init__()
        n_inputs = n_states + n_channels + n_conditions
        self.body = BidirectionalBody(n_timesteps, n_inputs, (hidden_dim,))
        self.dense = mlp([self.body.n_features, *[hidden_dim] * 3], leaky_relu)
        self.output = nn.Linear(hidden_dim, 1)
        self.apply(glorot_)

    def forward(self, behaviour: Tensor, c: Tensor | None = None) -> Tensor:
        features = self.body(with_condition_everywhere(behaviour, c))
        return self.output(self.dense(features)).squeeze(2)


class AdversarialPair(nn.Module):
    """A network that draws series, and the discriminator of its behaviour, in one module."""

    def __init__(self, generator: RecurrentMixture, discriminator: BehaviourDiscriminator) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator

    def forward(self, x: Tensor, c: Tensor | None = None) -> Mixture:
        mixture: Mixture = self.generator(x, c)
        return mixture
