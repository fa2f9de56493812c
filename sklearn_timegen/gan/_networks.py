"""The two networks, made from names or callables, and looked at before training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sklearn_timegen.base.networks import check_shape, make_network
from sklearn_timegen.nn.adversaries import Adversaries
from sklearn_timegen.nn.discriminator import BODIES, Discriminator
from sklearn_timegen.nn.normalization import GradientNormalized, SpectralNormalized

__all__ = ["build_networks", "check_networks", "make_discriminator", "make_normalization"]


def make_discriminator(
    kind: str | Callable[..., nn.Module], condition: str, n_kernels: int, bias: bool
) -> Callable[..., nn.Module]:
    """Return what makes the discriminator from ``(n_timesteps, n_channels, hidden_dims)``."""
    if not isinstance(kind, str):
        if n_kernels > 0:
            raise ValueError(
                f"n_kernels={n_kernels} belongs to the discriminators that have a name, "
                f"{', '.join(BODIES)}; build minibatch discrimination into {kind!r} itself"
            )
        return kind
    return partial(
        Discriminator, BODIES[kind], condition=condition, n_kernels=n_kernels, bias=bias
    )


def build_networks(
    generator: Callable[..., nn.Module],
    discriminator: Callable[..., nn.Module],
    sizes: tuple[int, int, int, int],
    widths: tuple[tuple[int, ...], tuple[int, ...]],
    normalize: Callable[[nn.Module], nn.Module],
    ema_decay: float,
) -> Adversaries:
    """Make both networks; ``sizes`` are timesteps, channels, latents and conditions."""
    n_timesteps, n_channels, latent_dim, n_conditions = sizes
    shape = (n_timesteps, n_channels)
    given = {"n_conditions": n_conditions}
    made = make_network(generator, "generator", *shape, latent_dim, widths[0], **given)
    opponent = make_network(discriminator, "discriminator", *shape, widths[1], **given)
    return Adversaries(made, normalize(opponent), latent_dim, ema_decay)


def make_normalization(kind: str | None, lipschitz: float) -> Callable[[nn.Module], nn.Module]:
    """Return what is to be put around a discriminator."""
    if kind == "spectral":
        return partial(SpectralNormalized, lipschitz=lipschitz)
    return GradientNormalized if kind == "gradient" else _as_it_is


def _as_it_is(module: nn.Module) -> nn.Module:
    return module


def check_networks(
    net: Any, v: NDArray[np.float32], c: NDArray[np.float32] | None, needs_features: bool
) -> None:
    """Refuse networks that return other shapes than series and values."""
    networks = net.networks
    x, given = (None if a is None else torch.tensor(a, device=net.device) for a in (v, c))
    z = torch.zeros(len(v), networks.n_latents, device=net.device)
    noise = torch.zeros(len(v), networks.n_noise, device=net.device) if networks.n_noise else None
    with torch.no_grad():
        fake = networks.generate(z, given, noise)
        check_shape(fake, v.shape, "the generator's series", networks.generator)
        values = networks.discriminator(x, given)
    discriminator = _inner(networks.discriminator)
    if values.ndim not in (1, 2) or len(values) != len(v):
        raise ValueError(
            f"the discriminator's values ({type(discriminator).__name__}) must have the shape "
            f"({len(v)},), or ({len(v)}, K) for K judgements of each, for {len(v)} series, got "
            f"{tuple(values.shape)}"
        )
    if needs_features and not hasattr(networks.discriminator, "features"):
        raise ValueError(
            f"feature_matching needs a discriminator with a method features(x, c), which "
            f"{type(discriminator).__name__} has not"
        )


def _inner(module: Any) -> nn.Module:
    """The discriminator itself, inside of what normalises it."""
    return module.module if isinstance(module, SpectralNormalized | GradientNormalized) else module
