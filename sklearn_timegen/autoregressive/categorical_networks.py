"""A recurrent network that draws cell by cell: whether it stands still, else which bin it is in.

Symbols: v_td the value of channel d at timestep t, a_td what is binned of it, the value or its
step (:mod:`sklearn_timegen.autoregressive.bins`), D the number of channels, K that of bins, H the
units of a channel's head, B that of series.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, silu

from sklearn_timegen.autoregressive.bins import ROUNDING, Binning
from sklearn_timegen.autoregressive.reader import Reader, State

__all__ = ["Categories", "RecurrentCategorical"]

N_SHOWN = 3  # numbers that tell of a cell
OUTPUT_STD = 0.1  # of weights to begin with: samples are as series of training are, cell by cell


class Categories(NamedTuple):
    """What is predicted of cells, given all that is before them."""

    still: Tensor  # (B, T, D), a logit
    log_share: Tensor  # (B, T, D, K), of cells that do not stand still


class Cells(NamedTuple):
    """What is to be said of cells once they are known."""

    rows: Tensor  # of the table of bins
    a: Tensor
    k: Tensor  # the bin that a is in
    still: Tensor  # whether it is the value before
    shown: Tensor  # (..., 3)


class BinTable(nn.Module):
    """Bins as tensors of 2 D rows: those of the first timestep, and those of later ones.

    ``rows`` says of each number whose bins are meant.

    Parameters
    ----------
    binning : Binning
        As it was learned.
    """

    low: Tensor
    width: Tensor
    cuts: Tensor
    rank: Tensor
    anchor: Tensor
    scale: Tensor
    log_slope: Tensor

    def __init__(self, binning: Binning) -> None:
        super().__init__()
        low, high, share, scale, cuts = (
            torch.from_numpy(np.concatenate([getattr(binning.first, name), getattr(later, name)]))
            for later in (binning.later,)
            for name in ("low", "high", "share", "scale", "cuts")
        )
        down = torch.arange(low.shape[1]) == 0
        spread = torch.where(scale > 0, scale, high - low)
        self.register_buffer("low", low)
        self.register_buffer("width", high - low)
        self.register_buffer("cuts", cuts)
        self.register_buffer("rank", 2 * share.cumsum(dim=1) - share - 1)  # from -1 to 1
        # An exponential part goes on from its inner edge, in the first bin downwards.
        self.register_buffer("anchor", torch.where(down, high, low))
        self.register_buffer("scale", torch.where(down, -scale, scale))
        self.register_buffer("log_slope", -torch.where(spread > 0, spread, 1.0).log())

    def locate(self, a: Tensor, rows: Tensor) -> Tensor:
        """Return the bin of each number."""
        return (a.unsqueeze(-1) >= self.cuts[rows]).sum(dim=-1)

    def log_density(self, a: Tensor, k: Tensor, rows: Tensor) -> Tensor:
        """Return the log-density within bin k; of a mass 0, its log-probability there."""
        anchor, scale = self.anchor[rows, k], self.scale[rows, k]
        away = (a - anchor) / torch.where(scale == 0, 1.0, scale)
        return self.log_slope[rows, k] - away * (scale != 0)

    def draw(self, k: Tensor, u: Tensor, rows: Tensor) -> Tensor:
        """Return numbers of bins k, by uniform draws."""
        low, scale = self.low[rows, k], self.scale[rows, k]
        beyond = self.anchor[rows, k] - scale * torch.log1p(-u)
        return torch.where(scale == 0, low + u * self.width[rows, k], beyond)


class RecurrentCategorical(Reader):
    """p(v_td | v_1 ... v_(t-1), v_t1 ... v_t(d-1), c), by recurrent layers and a head a channel.

    Of a channel that stands still there is a probability for that first; what moves falls into
    one of the bins. The head of channel d is a layer of H units over the recurrent layers' states,
    what these read, and the channels before d at the same timestep: one matrix with zeros for
    the others, as in M. Germain, K. Gregor, I. Murray and H. Larochelle (2015), "MADE: masked
    autoencoder for distribution estimation", ICML, https://arxiv.org/abs/1502.03509. It begins
    with the shares of training.

    A cell is told by three numbers: its value, held within the range of training; the rank of its
    bin, which resolves steps that are small beside the value; and whether it stands still.

    Parameters
    ----------
    binning : Binning
        What is binned of the channels, and how.
    hidden_dim, n_layers, n_conditions, cell
        As for ``Reader``.
    head_dim : int
        H.
    varies, constant, low, high : Tensor
        As for ``RecurrentMixture``.
    """

    varies: Tensor
    constant: Tensor
    low: Tensor
    high: Tensor
    by_step: Tensor
    stands_still: Tensor
    of_training: Tensor
    sees: Tensor

    def __init__(
        self,
        binning: Binning,
        hidden_dim: int,
        n_layers: int,
        head_dim: int,
        n_conditions: int,
        cell: str,
        varies: Tensor,
        constant: Tensor,
        low: Tensor,
        high: Tensor,
    ) -> None:
        n_channels, n_bins = binning.first.low.shape
        super().__init__(N_SHOWN * n_channels, hidden_dim, n_layers, n_conditions, cell)
        self.n_channels, self.head_dim = n_channels, head_dim
        self.bins = BinTable(binning)
        self.past = nn.Linear(self.n_inputs + self.n_states, n_channels * head_dim)
        self.beside = nn.Linear(N_SHOWN * n_channels, n_channels * head_dim, bias=False)
        # Logits of bins, and the last, of standing still; of the first timestep, and of others.
        self.output = nn.Parameter(OUTPUT_STD * torch.randn(2, n_channels, head_dim, n_bins + 1))
        self.bias = nn.Parameter(torch.zeros(2, n_channels, n_bins + 1))
        still = torch.from_numpy(binning.still)
        logit = still.clamp(1e-3, 1 - 1e-3).logit()[:, None]
        shares = (torch.from_numpy(bins.share).log() for bins in (binning.first, binning.later))
        of_training = [torch.cat([log_share, logit], dim=1) for log_share in shares]
        self.register_buffer("of_training", torch.stack(of_training))
        order = torch.arange(n_channels)
        sees = order[:, None] > order  # whose head, which channel
        sees = sees.repeat_interleave(head_dim, 0).repeat_interleave(N_SHOWN, 1)
        self.register_buffer("sees", sees)
        self.register_buffer("stands_still", still > 0)
        self.register_buffer("by_step", torch.from_numpy(binning.by_step))
        self.register_buffer("varies", varies)
        self.register_buffer("constant", constant)
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        """Return the log-likelihood of each cell ``(B, T, D)``, given the true ones before it."""
        later = torch.arange(x.shape[1], device=x.device)[:, None] > 0
        cells = self._look(x, _before(x), later)
        predicted = self.predict(cells.shown, c)
        log_share = predicted.log_share.gather(3, cells.k.unsqueeze(3)).squeeze(3)
        k, barred = self._barred(_before(x), cells.rows, later)
        of_barred = predicted.log_share.gather(3, k.unsqueeze(3)).squeeze(3)
        log_share = log_share - torch.where(barred, _log_rest(of_barred), 0.0)
        return self._log_likelihood(cells, predicted.still, log_share, later & self.stands_still)

    def predict(self, shown: Tensor, c: Tensor | None = None) -> Categories:
        """Return what is predicted of each cell, of what is shown of all ``(B, T, D, 3)``."""
        shown = shown.flatten(2)
        features, _ = self.read(_before(shown), c, self.begin(), start=True)
        beside = shown @ (self.beside.weight * self.sees).T
        head = silu(self.past(features) + beside).unflatten(2, (self.n_channels, -1))
        logits = [
            torch.einsum("btdh,dhk->btdk", part, self.output[phase]) + self._offset(phase)
            for phase, part in enumerate((head[:, :1], head[:, 1:]))
        ]
        return _categories(torch.cat(logits, dim=1))

    def is_told(self, observed: Tensor) -> Tensor:
        """Return of which cells it is known whether they stand still, where that is asked."""
        before = torch.cat([torch.ones_like(observed[:, :1]), observed[:, :-1]], dim=1)
        return before | ~self.stands_still

    def run_free(self, u: Tensor, c: Tensor | None = None) -> Tensor:
        """Return series that are drawn cell by cell, by uniform draws ``(B, T, D, 3)``."""
        x, states = torch.zeros_like(u[..., 0]), self.begin()
        known = torch.zeros_like(x[:, 0], dtype=torch.bool)
        for t in range(x.shape[1]):
            x[:, t], _, states = self._timestep(x, known, c, states, t, u[:, t])
        return x

    def noise(self, n_samples: int, rng: torch.Generator) -> Tensor:
        """Draw what ``run_free`` takes."""
        shape = (n_samples, *self.constant.shape, 3)
        return torch.rand(shape, generator=rng, device=rng.device)

    def draw(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw series."""
        return self.run_free(self.noise(n_samples, rng), c)

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

        Return it, the log-likelihood of these given all before them, and the states to go on
        from. What has a probability outweighs what has a density: a density over rounding.
        """
        u = torch.rand(*known.shape, 3, generator=rng, device=x.device, dtype=x.dtype)
        return self._timestep(x, known, c, states, t, u)

    def _timestep(
        self,
        x: Tensor,
        known: Tensor,
        c: Tensor | None,
        states: list[State],
        t: int,
        u: Tensor,
    ) -> tuple[Tensor, Tensor, list[State]]:
        """Go on by one timestep, channel by channel, without gradients."""
        features, states = self.read(self._shown_before(x, t), c, states, start=t == 0)
        inner, weight = self.past(features)[:, 0], self.beside.weight * self.sees
        before = x[:, t - 1] if t else torch.zeros_like(x[:, 0])
        later = torch.tensor(t > 0, device=x.device)
        can = later & self.stands_still
        evidence, drawn = x.new_zeros(len(x)), []
        for d in range(self.n_channels):
            end = (d + 1) * self.head_dim
            head = silu(inner[:, end - self.head_dim : end])
            phase, of = int(t > 0), slice(d, d + 1)
            logits = head @ self.output[phase, d] + self._offset(phase)[d]
            still, log_share = _categories(logits)
            row = torch.arange(d, d + 1, device=x.device) + self.n_channels * later
            k, barred = self._barred(before[:, of], row, later, of)
            rest = torch.where(barred, _log_rest(log_share.gather(1, k)), 0.0)
            log_share = log_share - rest
            bars = torch.zeros_like(log_share, dtype=torch.bool).scatter(1, k, barred)
            possible = log_share.masked_fill(bars, -math.inf)
            found = self._draw(still, possible, before[:, d], u[:, d], can[d], later, d)
            value = torch.where(known[:, d], x[:, t, d], found)
            value = torch.where(self.varies[t, d], value, self.constant[t, d])[:, None]
            cells = self._look(value, before[:, of], later, of)
            counts = known[:, d] & self.varies[t, d]
            if counts.any():
                share = log_share.gather(1, cells.k)
                told = self._log_likelihood(cells, still[:, None], share, can[of])
                mass = cells.still | (self.bins.width[cells.rows, cells.k] == 0)
                told = torch.where(mass, told - math.log(ROUNDING), told)[:, 0]
                evidence = evidence + torch.where(counts, told, 0.0)
            inner[:, end:] += (
                cells.shown.flatten(1) @ weight[end:, N_SHOWN * d : N_SHOWN * (d + 1)].T
            )
            drawn.append(value)
        return torch.cat(drawn, dim=1), evidence, states

    def _draw(
        self,
        still: Tensor,
        log_share: Tensor,
        before: Tensor,
        u: Tensor,
        can: Tensor,
        later: Tensor,
        d: int,
    ) -> Tensor:
        """Draw channel d, given the logits ``(B,)`` and shares ``(B, K)`` that are predicted."""
        below = log_share.exp().cumsum(dim=1) < u[:, 1:2]
        k = below.sum(dim=1).clamp(max=log_share.shape[1] - 1)
        row = d + self.n_channels * later.long()
        a = self.bins.draw(k, u[:, 2], row)
        moved = torch.where(self.by_step[d] & later, before + a, a)
        return torch.where(can & (u[:, 0] < still.sigmoid()), before, moved)

    def _barred(
        self, before: Tensor, rows: Tensor, later: Tensor, of: slice = slice(None)
    ) -> tuple[Tensor, Tensor]:
        """Return in which bin the value before is, and whether what moves cannot fall there.

        It cannot, if the bin is that one value: then it would not have moved.
        """
        k = self.bins.locate(before, rows)
        is_mass = (self.bins.width[rows, k] == 0) & (before == self.bins.low[rows, k])
        return k, is_mass & later & self.stands_still[of] & ~self.by_step[of]

    def _offset(self, phase: int) -> Tensor:
        """Return the logits of all channels where heads have nothing to say."""
        return self.bias[phase] + self.of_training[phase]

    def _log_likelihood(
        self, cells: Cells, still: Tensor, log_share: Tensor, can: Tensor
    ) -> Tensor:
        """Return that of cells, given what was predicted of the bins that they are in."""
        moved = log_share + self.bins.log_density(cells.a, cells.k, cells.rows)
        either = torch.where(cells.still, logsigmoid(still), logsigmoid(-still) + moved)
        return torch.where(can, either, moved)

    def _look(self, x: Tensor, before: Tensor, later: Tensor, of: slice = slice(None)) -> Cells:
        """Say what there is to be said of cells of some channels, the last axis."""
        rows = torch.arange(self.n_channels, device=x.device)[of] + self.n_channels * later
        a = torch.where(self.by_step[of] & later, x - before, x)
        k = self.bins.locate(a, rows)
        still = (x == before) & later & self.stands_still[of]
        value = x.clamp(self.low[of], self.high[of])
        shown = torch.stack([value, self.bins.rank[rows, k], still.to(x)], dim=-1)
        return Cells(rows, a, k, still, shown)

    def _shown_before(self, x: Tensor, t: int) -> Tensor:
        """Return what is read before timestep t is drawn: what is shown of the last."""
        if t == 0:
            return x.new_zeros(len(x), 1, N_SHOWN * self.n_channels)
        before = x[:, t - 2 : t - 1] if t > 1 else torch.zeros_like(x[:, :1])
        later = torch.tensor(t > 1, device=x.device)
        return self._look(x[:, t - 1 : t], before, later).shown.flatten(2)


def _log_rest(log_share: Tensor) -> Tensor:
    """Return the logarithm of what is left beside a share, which is never nothing."""
    return torch.log1p(-log_share.exp().clamp(max=1 - 1e-6))


def _categories(logits: Tensor) -> Categories:
    return Categories(logits[..., -1], logits[..., :-1].log_softmax(dim=-1))


def _before(x: Tensor) -> Tensor:
    """Return what is before each timestep, zeros before the first."""
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)
