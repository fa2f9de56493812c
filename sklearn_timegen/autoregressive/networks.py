"""Recurrent networks that predict the next timestep, and a discriminator of how they behave.

Symbols: x_t a timestep, c the condition, h_t the states of all layers once they have read
x_1 ... x_(t-1), K the number of normals in the mixture that is predicted of x_t, D that of
channels.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from sklearn_timegen.autoregressive.reader import Reader, State
from sklearn_timegen.nn.layers import glorot_, leaky_relu, mlp, with_condition_everywhere
from sklearn_timegen.nn.sequence import BidirectionalBody

__all__ = ["AdversarialPair", "BehaviourDiscriminator", "Mixture", "RecurrentMixture"]

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

    def draw_given(self, x: Tensor, known: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw one timestep ``(N, D)`` given its known channels; return their log-density, too.

        With A = I - coupling, a component's normal is white in w + H x_u, where x_u is what is
        not known, w what the known channels come to, ``(A x - m_k) / s_k``, and H the columns of
        A / s_k that belong to x_u. So x_u is normal around the least-squares solution, with the
        precision matrix H' H.
        """
        varies, unknown = self.varies[0].to(x), (~known).to(x)
        mean, std = self.mean[:, 0], self.std[:, 0]
        matrix = torch.eye(x.shape[1], dtype=x.dtype, device=x.device).expand(len(x), -1, -1)
        if self.coupling is not None:
            matrix = matrix - self.coupling[:, 0]
        seen = (matrix @ (x * known).unsqueeze(2)).squeeze(2)
        w = (seen.unsqueeze(1) - mean) / std * varies
        h = (matrix * unknown.unsqueeze(1)).unsqueeze(1) / std.unsqueeze(3)
        nothing_drawn = torch.diag_embed(known.to(x)).unsqueeze(1)
        precision = h.mT @ h + nothing_drawn
        root = torch.linalg.cholesky(precision)
        nearest = -torch.cholesky_solve(h.mT @ w.unsqueeze(3), root)
        left = w + (h @ nearest).squeeze(3)
        n_known = (known * varies).sum(dim=1, keepdim=True)
        density = -0.5 * (left.square().sum(dim=2) + n_known * math.log(2 * math.pi))
        log_det = (std.log() * varies).sum(dim=2) + root.diagonal(dim1=2, dim2=3).log().sum(dim=2)
        evidence = self.log_weight[:, 0] + density - log_det
        k = torch.multinomial(evidence.softmax(dim=1), 1, generator=rng)[:, 0]
        row = torch.arange(len(x), device=x.device)
        e = torch.randn(x.shape, generator=rng, device=x.device, dtype=x.dtype).unsqueeze(2)
        moved = nearest[row, k] + torch.linalg.solve_triangular(root[row, k].mT, e, upper=True)
        drawn = torch.where(known, x, moved.squeeze(2))
        return drawn, evidence.logsumexp(dim=1)


class RecurrentMixture(Reader):
    """p(x_t | x_1 ... x_(t-1), c), a mixture of normals whose parameters recurrent layers tell.

    The output is linear in the states of all layers, as in A. Graves (2013), "Generating sequences
    with recurrent neural networks", section 2, https://arxiv.org/abs/1308.0850, and in the
    timestep before: his pen offsets have no level, series have one, and the next value is near
    the last.

    Parameters
    ----------
    n_channels, hidden_dim, n_layers, n_components, n_conditions, cell
        Sizes, and the layers, as for ``Reader``.
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
        super().__init__(n_channels, hidden_dim, n_layers, n_conditions, cell)
        self.n_channels, self.n_components, self.min_std = n_channels, n_components, min_std
        pairs = list(itertools.combinations(range(n_channels), 2)) if coupled else []
        self.sizes = (n_components, *[n_components * n_channels] * 2, len(pairs))
        self.coupling_scale = min(1.0, UNSCALED_CHANNELS / n_channels)
        self.output = nn.Linear(self.n_inputs + self.n_states, sum(self.sizes))
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
        features, _ = self.read(self._clamped(before), c, self.begin(), start=True)
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
        states = self.begin()
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
        features, states = self.read(self._clamped(before), c, states, start=t == 0)
        mixture = self._predict(features, slice(t, t + 1))
        return mixture, features[:, :, -self.n_states :], states

    def noise(self, n_samples: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw what ``run_free`` takes."""
        shape = (n_samples, *self.constant.shape)
        u = torch.rand(shape[:2], generator=rng, device=rng.device)
        return u, torch.randn(shape, generator=rng, device=rng.device)

    def draw(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw series."""
        return self.run_free(*self.noise(n_samples, rng), c)[0]

    def draw_given(
        self,
        x: Tensor,
        known: Tensor,
        c: Tensor | None,
        states: list[State],
        t: int,
        rng: torch.Generator,
    ) -> tuple[Tensor, Tensor, list[State]]:
        """Draw timestep t given x before it, and the channels of x_t that are ``known``.

        Return it, the log-density of the known channels and the states to go on from.
        """
        before = x[:, t - 1 : t] if t else torch.zeros_like(x[:, :1])
        mixture, _, states = self.step(before, c, states, t)
        return *mixture.draw_given(x[:, t], known, rng), states

    def _clamped(self, x: Tensor) -> Tensor:
        return x.clamp(self.low, self.high)

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
