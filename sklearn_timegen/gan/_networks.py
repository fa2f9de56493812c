"""The two networks, made from names or callables, and looked at before training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from sklearn_timegen.base.networks import check_shape, make_network
from sklearn_timegen.data import Series
from sklearn_timegen.nn.adversaries import Adversaries
from sklearn_timegen.nn.discriminator import BODIES, Discriminator
from sklearn_timegen.nn.normalization import GradientNormalized, SpectralNormalized
from sklearn_timegen.training import GeneratorNet

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
    conditions = {"n_conditions": n_conditions}
    made = make_network(generator, "generator", *shape, latent_dim, widths[0], **conditions)
    opponent = make_network(discriminator, "discriminator", *shape, widths[1], **conditions)
    return Adversaries(made, normalize(opponent), latent_dim, ema_decay)


def make_normalization(kind: str | None, lipschitz: float) -> Callable[[nn.Module], nn.Module]:
    """Return what is to be put around a discriminator."""
    if kind == "spectral":
        return partial(SpectralNormalized, lipschitz=lipschitz)
    return GradientNormalized if kind == "gradient" else _as_it_is


def _as_it_is(module: nn.Module) -> nn.Module:
    return module


def check_networks(net: GeneratorNet, series: Series, needs_features: bool) -> None:
    """Refuse networks that return other shapes than series and values."""
    networks, series = net.networks, series.to(net.device)
    x, c, n_samples = series.values, series.conditions, len(series)
    z = torch.zeros(n_samples, networks.n_latents, device=net.device)
    n_noise = networks.n_noise
    noise = torch.zeros(n_samples, n_noise, device=net.device) if n_noise else None
    with torch.no_grad():
        fake = networks.generate(z, c, noise)
        check_shape(fake, x.shape, "the generator's series", networks.generator)
        values = networks.discriminator(x, c)
    discriminator = _inner(networks.discriminator)
    if values.ndim not in (1, 2) or len(values) != n_samples:
        raise ValueError(
            f"the discriminator's values ({type(discriminator).__name__}) must have the shape "
            f"({n_samples},), or ({n_samples}, K) for K judgements of each, for {n_samples} "
            f"series, got {tuple(values.shape)}"
        )
    if needs_features and not hasattr(networks.discriminator, "features"):
        raise ValueError(
            f"feature_matching needs a discriminator with a method features(x, c), which "
            f"{type(discriminator).__name__} has not"
        )


def _inner(module: nn.Module) -> nn.Module:
    """The discriminator itself, inside of what normalises it."""
    return module.module if isinstance(module, SpectralNormalized | GradientNormalized) else module
