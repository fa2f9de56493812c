"""The five networks of TimeGAN, and what leads from one to the next.

Inside, tensors are ``(n_timesteps, B, ...)``: a timestep is one block of memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn

from sklearn_timegen.nn.averaging import WeightAverage
from sklearn_timegen.timegan.stacked import CELLS, Run, Workspace, run_side_by_side

__all__ = ["Joint", "Read", "RecurrentNetwork", "Sizes", "SynthesisNetworks", "TimeGANNetworks"]


class RecurrentNetwork(nn.Module):
    """Recurrent layers and a dense output at every timestep.

    Parameters
    ----------
    n_inputs, n_outputs, hidden_dim, n_layers : int
        Sizes.
    cell : {"gru", "lstm"}
        The recurrent layers.
    bounded : bool
        Whether a sigmoid keeps the output within 0 and 1.
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        hidden_dim: int,
        n_layers: int,
        cell: str,
        bounded: bool,
    ) -> None:
        super().__init__()
        self.stack = CELLS[cell](n_inputs, hidden_dim, n_layers)
        self.output = nn.Linear(hidden_dim, n_outputs)
        self.bounded = bounded

    def out(self, states: Tensor, frozen: bool = False) -> Tensor:
        """Return the output for the states of the last layer."""
        given: tuple[Tensor, Tensor] = self.output.weight, self.output.bias
        weight, bias = (p.detach() for p in given) if frozen else given
        x = nn.functional.linear(states, weight, bias)
        return x.sigmoid() if self.bounded else x


class Read(NamedTuple):
    """A network, what it is to read ``(n_timesteps, B, n)``, and whether it is left alone."""

    network: RecurrentNetwork
    x: Tensor
    frozen: bool = False


class Joint(NamedTuple):
    """What the networks make of a batch, each ``(n_timesteps, B, ...)``."""

    x: Tensor  # the series
    h: Tensor  # their embedding
    h_seen: Tensor  # the same, as the supervisor saw it
    x_tilde: Tensor | None  # what recovery makes of it
    h_next: Tensor | None  # what the supervisor expects to follow each timestep of it
    e_hat: Tensor  # what the generator made of noise
    h_hat: Tensor  # what the supervisor made of that
    x_hat: Tensor  # and recovery of that


@dataclass(frozen=True)
class Sizes:
    """Sizes of the series, and of the networks."""

    n_channels: int
    n_conditions: int
    latent_dim: int
    hidden_dim: int
    n_layers: int


class SynthesisNetworks(nn.Module):
    """Embedder, recovery, generator and supervisor: all that samples and latents are made by.

    The embedder turns series x into H, recovery H into series; the generator turns noise z into
    E_hat, in the space of H, and the supervisor H into what follows: ``S(H)_t`` is to be
    ``H_{t+1}``. A synthetic H_hat is ``S(E_hat)``. A sigmoid keeps an embedding within 0 and 1,
    and nothing else.

    Parameters
    ----------
    sizes : Sizes
        Of series and networks.
    cell : {"gru", "lstm"}
        The recurrent layers.
    embedding : bool
        Whether there are embedder and recovery; without them, H is x.
    supervised : bool
        Whether there is a supervisor; without it, H_hat is E_hat.
    noise : {"uniform", "wiener", "both"}
        What the generator is given at a timestep.
    """

    def __init__(
        self, sizes: Sizes, cell: str, embedding: bool, supervised: bool, noise: str
    ) -> None:
        super().__init__()
        width, n_given = sizes.hidden_dim, sizes.n_conditions
        n_embedded = width if embedding else sizes.n_channels
        network = partial(RecurrentNetwork, hidden_dim=width, cell=cell)
        depth = sizes.n_layers
        self.embedder: RecurrentNetwork | None = None
        self.recovery: RecurrentNetwork | None = None
        self.supervisor: RecurrentNetwork | None = None
        if embedding:
            self.embedder = network(sizes.n_channels, width, n_layers=depth, bounded=True)
            self.recovery = network(width, sizes.n_channels, n_layers=depth, bounded=False)
        n_noise = sizes.latent_dim * (2 if noise == "both" else 1)
        self.generator = network(n_noise + n_given, n_embedded, n_layers=depth, bounded=embedding)
        if supervised:
            self.supervisor = network(
                n_embedded + n_given, n_embedded, n_layers=max(1, depth - 1), bounded=embedding
            )
        self.latent_dim = sizes.latent_dim
        self.noise = noise
        self.workspace = Workspace()

    # -- one phase each -----------------------------------------------------------------------

    def embed(self, x: Tensor) -> Tensor:
        """Return H ``(n_timesteps, B, n_embedded)`` of series ``(B, n_timesteps, n_channels)``."""
        x = x.transpose(0, 1)
        return x if self.embedder is None else self.read([Read(self.embedder, x)])[0]

    def recover(self, h: Tensor) -> Tensor:
        """Return the series ``(B, n_timesteps, n_channels)`` that H stands for."""
        x = h if self.recovery is None else self.read([Read(self.recovery, h)])[0]
        return x.transpose(0, 1)

    def follow(self, h: Tensor, c: Tensor | None) -> Tensor:
        """Return what the supervisor expects after each timestep of H."""
        return h if self.supervisor is None else self.read([_given(self.supervisor, h, c)])[0]

    def generate(self, z: Tensor, c: Tensor | None) -> Tensor:
        """Return series ``(B, n_timesteps, n_channels)`` of noise ``(n_timesteps, B, latent)``."""
        e_hat = self.read([_given(self.generator, z, c)])[0]
        return self.recover(self.follow(e_hat, c))

    def join(self, x: Tensor, z: Tensor, c: Tensor | None, frozen: bool = False) -> Joint:
        """Lead series and noise through all networks but the discriminator, side by side.

        If ``frozen``, embedder and recovery are left alone.
        """
        x = x.transpose(0, 1).contiguous()
        first = [_given(self.generator, z, c)]
        if self.embedder is not None:
            first.append(Read(self.embedder, x, frozen))
        e_hat, *embedded = self.read(first)
        h = embedded[0] if embedded else x
        h_seen, h_next, h_hat = h.view_as(h), None, e_hat
        if self.supervisor is not None:
            both = [_given(self.supervisor, one, c) for one in (h_seen, e_hat)]
            h_next, h_hat = self.read(both)
        x_tilde, x_hat = None, h_hat
        if self.recovery is not None:
            # What is generated must not teach recovery to make up for it.
            reads = [Read(self.recovery, h_hat, frozen=True)]
            x_hat, *recovered = self.read(reads + ([] if frozen else [Read(self.recovery, h)]))
            x_tilde = recovered[0] if recovered else None
        return Joint(x, h, h_seen, x_tilde, h_next, e_hat, h_hat, x_hat)

    # -- drawing -------------------------------------------------------------------------------

    def draw(self, n_timesteps: int, n_samples: int, rng: torch.Generator) -> Tensor:
        """Return noise ``(n_timesteps, n_samples, latent_dim)``."""
        shape = (n_timesteps, n_samples, self.latent_dim)
        made = []
        if self.noise != "wiener":
            made.append(torch.rand(shape, generator=rng, device=rng.device))
        if self.noise != "uniform":  # over a unit of time, and it begins anywhere
            z = torch.randn(shape, generator=rng, device=rng.device)
            z[1:] /= n_timesteps**0.5
            made.append(z.cumsum(dim=0))
        return torch.cat(made, dim=2)

    def read(self, reads: Sequence[Read]) -> list[Tensor]:
        """Return the outputs of networks that run side by side."""
        runs = [Run(read.network.stack, read.x, read.frozen) for read in reads]
        states = run_side_by_side(runs, self.workspace)
        return [read.network.out(h, read.frozen) for read, h in zip(reads, states, strict=True)]


class TimeGANNetworks(nn.Module):
    """The networks of synthesis, the average of their weights, and the discriminator.

    The discriminator judges each timestep of an embedding.

    Parameters
    ----------
    sizes, cell, embedding, supervised, noise
        As for ``SynthesisNetworks``.
    ema_decay : float
        Decay of the average of all weights but the discriminator's; 0 keeps none.
    """

    needs_time_axis: ClassVar[bool] = True

    def __init__(
        self,
        sizes: Sizes,
        *,
        cell: str = "gru",
        embedding: bool = True,
        supervised: bool = True,
        noise: str = "both",
        ema_decay: float = 0.0,
    ) -> None:
        super().__init__()
        self.synthesis = SynthesisNetworks(sizes, cell, embedding, supervised, noise)
        n_embedded = sizes.hidden_dim if embedding else sizes.n_channels
        self.discriminator = RecurrentNetwork(
            n_embedded + sizes.n_conditions, 1, sizes.hidden_dim, sizes.n_layers, cell, False
        )
        self.average = WeightAverage.of(self.synthesis, ema_decay)

    @property
    def averaged(self) -> SynthesisNetworks:
        """The networks that samples and latents are made by: of averaged weights, if any are."""
        made = self.synthesis if self.average is None else self.average.module
        return cast(SynthesisNetworks, made)

    def discriminate(self, each: Sequence[Tensor], c: Tensor | None, frozen: bool) -> list[Tensor]:
        """Return the discriminator's values ``(n_timesteps, B, 1)`` of each H."""
        return self.synthesis.read([_given(self.discriminator, h, c, frozen) for h in each])


def _given(network: RecurrentNetwork, x: Tensor, c: Tensor | None, frozen: bool = False) -> Read:
    """Hand a network the conditions ``(B, n_conditions)`` beside each timestep."""
    if c is not None:
        x = torch.cat([x, c.expand(len(x), -1, -1)], dim=2)
    return Read(network, x, frozen)
