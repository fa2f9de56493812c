"""Encoder, decoder and noise made into one module, and looked at before training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from sklearn_timegen.base.networks import check_shape, make_network
from sklearn_timegen.data import Series
from sklearn_timegen.training import GeneratorNet
from sklearn_timegen.vae.autoencoder import DecoderNoise, VariationalAutoencoder

__all__ = ["build_network", "check_shapes"]


def build_network(
    encoder: Callable[..., nn.Module],
    decoder: Callable[..., nn.Module],
    noise: Callable[[], DecoderNoise],
    sizes: tuple[int, int, int, tuple[int, ...]],
    n_conditions: int,
    alpha: float,
) -> VariationalAutoencoder:
    encodes = make_network(encoder, "encoder", *sizes)
    decodes = make_network(decoder, "decoder", *sizes, n_conditions=n_conditions)
    return VariationalAutoencoder(encodes, decodes, noise(), alpha)


def check_shapes(net: GeneratorNet, series: Series, latent_dim: int) -> None:
    """Refuse networks whose outputs have other shapes than the data and the latents ask for."""
    module, series = net.networks, series.to(net.device)
    x, n_samples = series.values, len(series)
    with torch.no_grad():
        made = module.encoder(x)
        if not isinstance(made, tuple) or len(made) != 2:
            raise ValueError(
                f"the encoder {type(module.encoder).__name__} must return mean and log-variance, "
                f"a pair of tensors; it returned {type(made).__name__}"
            )
        for name, moment in zip(("mean", "log-variance"), made, strict=True):
            check_shape(moment, (n_samples, latent_dim), f"the encoder's {name}", module.encoder)
        x_hat = module.decoder(
            torch.zeros(n_samples, latent_dim, device=net.device), series.conditions
        )
        check_shape(x_hat, x.shape, "the decoder's series", module.decoder)
