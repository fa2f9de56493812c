"""TimeVAE's decoder: a sum of components, each a function of the latents.

Symbols: z the latents, T the number of timesteps, D of channels, P the degree of the trend, and
for a seasonality m seasons of a given length each. The components are

- level: a value for each channel;
- trend: ``sum_p theta_p (t / T)^p`` for p = 1..P, theta ``(P, D)`` a function of z;
- seasonality: ``profile[s(t)]``, the profile ``(m, D)`` a function of z, the season s(t) either
  ``(t // length) mod m`` or what a calendar says;
- residual: a convolutional decoder.

A residual can imitate the others, and then these mean nothing. Beside a trend or a seasonality
it is therefore made orthogonal to them: what it decodes is projected, within each series, off
the curves that level, trend and seasonalities can draw. The sum can express just as much as
before, and there is one way to split it. (A seasonality of more than half as many seasons as
there are timesteps would leave the residual next to nothing: it is not projected off.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_timegen.nn.convolutional import ConvolutionalDecoder
from sklearn_timegen.nn.layers import glorot_, with_condition

__all__ = [
    "Coefficients",
    "DecompositionDecoder",
    "Limits",
    "Structure",
    "repeats",
    "seasons_from",
]

# The paper's heads have as many hidden units as outputs. One rectified unit cannot carry a
# coefficient that takes both signs, which univariate series would be left with.
LEAST_WIDTH = 32


@dataclass(frozen=True)
class Limits:
    """What is known of coefficients: ``low <= theta <= high``, infinite where nothing is."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]

    @property
    def fixes(self) -> bool:
        return bool((self.low == self.high).all())


@dataclass(frozen=True)
class Structure:
    """Which components a decoder has, and what is known of them.

    Attributes
    ----------
    level, residual : bool
        Whether there is one.
    trend_degree : int
        P, 0 for no trend.
    seasonalities : tuple of (int, int)
        Number and length of the seasons of each seasonality.
    trend_limits : Limits or None
        Of shape ``(P, D)``.
    season_limits : tuple of Limits or None
        One for each seasonality, of shape ``(m, D)``.
    calendar : bool
        Whether the condition holds the season of every timestep, for each seasonality.
    """

    level: bool = True
    residual: bool = True
    trend_degree: int = 0
    seasonalities: tuple[tuple[int, int], ...] = ()
    trend_limits: Limits | None = None
    season_limits: tuple[Limits | None, ...] = ()
    calendar: bool = False

    @property
    def plain(self) -> bool:
        """Whether this is no more than the published base model."""
        return self.trend_degree == 0 and not self.seasonalities


class Coefficients(nn.Module):
    """Coefficients as a function of z, within their limits: ``Dense(width, relu) -> Dense``.

    A sigmoid leads to an interval, a softplus to a half-line; what is fixed has no weights.
    """

    low: Tensor
    high: Tensor

    def __init__(
        self, n_latents: int, shape: tuple[int, ...], width: int, limits: Limits | None = None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.limited = limits is not None
        if limits is not None:
            self.register_buffer("low", torch.as_tensor(limits.low, dtype=torch.float32))
            self.register_buffer("high", torch.as_tensor(limits.high, dtype=torch.float32))
        self.fixed = limits is not None and limits.fixes
        if not self.fixed:
            self.hidden = nn.Linear(n_latents, width)
            self.output = nn.Linear(width, int(np.prod(shape)))
            self.apply(glorot_)

    def forward(self, z: Tensor) -> Tensor:
        if self.fixed:
            return self.low.to(z.dtype).expand(len(z), *self.shape)
        free = self.output(self.hidden(z).relu()).unflatten(1, self.shape)
        return self._within(free) if self.limited else free

    def _within(self, free: Tensor) -> Tensor:
        """Lead free values into the limits, elementwise."""
        low, high = self.low.to(free.dtype), self.high.to(free.dtype)
        above, below = torch.isfinite(low), torch.isfinite(high)
        base, top = torch.where(above, low, 0.0), torch.where(below, high, 0.0)
        between = base + (top - base) * free.sigmoid()
        one_sided = torch.where(above, base + F.softplus(free), top - F.softplus(-free))
        bounded = torch.where(above & below, between, one_sided)
        return torch.where(above | below, bounded, free)


class Level(nn.Module):
    """A value for each channel, the same at all timesteps: ``Dense(D, relu) -> Dense(D)``."""

    def __init__(self, n_channels: int, n_latents: int, width: int) -> None:
        super().__init__()
        self.values = Coefficients(n_latents, (1, n_channels), width)

    def forward(self, z: Tensor) -> Tensor:
        values: Tensor = self.values(z)
        return values


class Trend(nn.Module):
    """A polynomial of degree P in t / T, without a constant."""

    powers: Tensor

    def __init__(
        self, n_timesteps: int, n_channels: int, n_latents: int, degree: int, limits: Limits | None
    ) -> None:
        super().__init__()
        self.register_buffer("powers", _powers(n_timesteps, degree))
        shape = (degree, n_channels)
        self.theta = Coefficients(n_latents, shape, max(degree * n_channels, LEAST_WIDTH), limits)

    def forward(self, z: Tensor) -> Tensor:
        return self.powers @ self.theta(z)


class Seasonality(nn.Module):
    """A value for each season; without limits and beside a level, they sum to zero."""

    def __init__(
        self, n_channels: int, n_latents: int, n_seasons: int, limits: Limits | None, centred: bool
    ) -> None:
        super().__init__()
        shape = (n_seasons, n_channels)
        width = max(n_seasons * n_channels, LEAST_WIDTH)
        self.profile = Coefficients(n_latents, shape, width, limits)
        self.centred = centred and limits is None

    def forward(self, z: Tensor, seasons: Tensor) -> Tensor:
        """Look the seasons ``(T,)`` or ``(B, T)`` up in the profiles."""
        profile = self.profile(z)
        if self.centred:
            profile = profile - profile.mean(dim=1, keepdim=True)
        if seasons.ndim == 1:
            shared: Tensor = profile[:, seasons]
            return shared
        return profile.gather(1, seasons[:, :, None].expand(-1, -1, profile.shape[2]))


class DecompositionDecoder(nn.Module):
    """The sum of the components that ``structure`` names; by default the published base model."""

    needs_time_axis: ClassVar[bool] = True
    smooth: Tensor
    seasons: Tensor
    off: Tensor

    def __init__(
        self,
        n_timesteps: int,
        n_channels: int,
        latent_dim: int,
        hidden_dims: Sequence[int],
        n_conditions: int = 0,
        structure: Structure = Structure(),
    ) -> None:
        super().__init__()
        self.structure = structure
        self.n_timesteps = n_timesteps
        n_latents = latent_dim + (0 if structure.calendar else n_conditions)
        width = n_channels if structure.plain else max(n_channels, LEAST_WIDTH)
        if structure.level:
            self.level = Level(n_channels, n_latents, width)
        if structure.trend_degree:
            self.trend = Trend(
                n_timesteps, n_channels, n_latents, structure.trend_degree, structure.trend_limits
            )
        limits = structure.season_limits or (None,) * len(structure.seasonalities)
        self.seasonalities = nn.ModuleList(
            Seasonality(n_channels, n_latents, n_seasons, known, structure.level)
            for (n_seasons, _), known in zip(structure.seasonalities, limits, strict=True)
        )
        if structure.residual:
            self.residual = ConvolutionalDecoder(n_timesteps, n_channels, n_latents, hidden_dims)
        self.register_buffer("smooth", _smooth_curves(n_timesteps, structure))
        if not structure.calendar:
            seasons = seasons_from(torch.zeros(1), n_timesteps, structure.seasonalities)[0]
            self.register_buffer("seasons", seasons)
            self.register_buffer(
                "off", _fit(self._basis(seasons[None])[0], torch.eye(n_timesteps))
            )

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.total(self.components(z, c))

    def total(self, parts: dict[str, Tensor]) -> Tensor:
        """Return the sum of the components, ``(B, T, D)``."""
        total: Any = sum(parts.values())
        return total.expand(-1, self.n_timesteps, -1)

    def components(self, z: Tensor, c: Tensor | None = None) -> dict[str, Tensor]:
        """Return the components by name, ``(B, T, D)`` each, or ``(B, 1, D)`` if constant."""
        structure, seasons = self.structure, self._seasons(c)
        inputs = z if structure.calendar else with_condition(z, c)
        parts: dict[str, Tensor] = {}
        if structure.level:
            parts["level"] = self.level(inputs)
        if structure.trend_degree:
            parts["trend"] = self.trend(inputs)
        for k, seasonality in enumerate(self.seasonalities):
            parts[f"season_{k + 1}"] = seasonality(inputs, seasons[..., k, :])
        if structure.residual:
            residual = self.residual(inputs)
            parts["residual"] = residual if structure.plain else self._off(residual, seasons)
        return parts

    def _seasons(self, c: Tensor | None) -> Tensor:
        """Seasons of every timestep: ``(S, T)``, or ``(B, S, T)`` from a calendar."""
        if not self.structure.calendar:
            return self.seasons
        if c is None:
            raise ValueError("a decoder with a calendar needs the seasons as its condition")
        n_seasonalities = len(self.structure.seasonalities)
        return (
            c[:, : n_seasonalities * self.n_timesteps].long().unflatten(1, (n_seasonalities, -1))
        )

    def _off(self, residual: Tensor, seasons: Tensor) -> Tensor:
        if seasons.ndim == 2:
            return residual - self.off.to(residual.dtype) @ residual
        return residual - _fit(self._basis(seasons).to(residual.dtype), residual)

    def _basis(self, seasons: Tensor) -> Tensor:
        """Curves ``(B, T, k)`` that the structure can draw, for seasons ``(B, S, T)``."""
        columns = [self.smooth.expand(len(seasons), -1, -1)]
        for k, (n_seasons, _) in enumerate(self.structure.seasonalities):
            if repeats(n_seasons, self.n_timesteps):
                columns.append(F.one_hot(seasons[:, k], n_seasons).to(self.smooth.dtype))
        return torch.cat(columns, dim=2)


def repeats(n_seasons: int, n_timesteps: int) -> bool:
    """Whether seasons come back often enough in a series to be told from a residual."""
    return 2 * n_seasons <= n_timesteps


def seasons_from(
    start: Tensor, n_timesteps: int, seasonalities: Sequence[tuple[int, int]]
) -> Tensor:
    """Return the season of each timestep ``(B, S, T)`` of windows that begin at ``start``."""
    t = start.long()[:, None] + torch.arange(n_timesteps, device=start.device)
    rows = [(t // length) % n_seasons for n_seasons, length in seasonalities]
    return torch.stack(rows, dim=1) if rows else t[:, None][:, :0]


def _powers(n_timesteps: int, degree: int) -> Tensor:
    t = torch.arange(n_timesteps, dtype=torch.float32) / n_timesteps
    return t[:, None] ** torch.arange(1, degree + 1)


def _smooth_curves(n_timesteps: int, structure: Structure) -> Tensor:
    """Return orthonormal curves ``(T, k)`` that span those of level and trend."""
    powers = _powers(n_timesteps, structure.trend_degree).double()
    curves = torch.cat([torch.ones(n_timesteps, int(structure.level)).double(), powers], dim=1)
    return torch.linalg.qr(curves)[0].float()


def _fit(basis: Tensor, x: Tensor) -> Tensor:
    """Project ``x`` ``(..., T, D)`` onto the columns of ``basis``, dependent or not."""
    gram = basis.transpose(-2, -1) @ basis
    # Seasons sum to the level: the ridge decides between what depends on each other.
    ridge = 1e-5 * torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    return basis @ torch.linalg.solve(gram + ridge, basis.transpose(-2, -1) @ x)
