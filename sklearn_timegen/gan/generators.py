"""The networks that make a series of latents, by name."""

from __future__ import annotations

from torch import nn

from sklearn_timegen.nn.convolutional import ConvolutionalDecoder
from sklearn_timegen.nn.dense import DenseDecoder
from sklearn_timegen.nn.sequence import RecurrentGenerator
from sklearn_timegen.nn.style import StyleGenerator
from sklearn_timegen.nn.transformer import TransformerDecoder

__all__ = ["GENERATORS"]

# Latents are ``(B, latent_dim)``, or ``(B, n_latents)`` where a network has that attribute; one
# with ``n_noise`` takes noise ``(B, n_noise)`` beside them.
GENERATORS: dict[str, type[nn.Module]] = {
    "dense": DenseDecoder,
    "convolutional": ConvolutionalDecoder,
    "recurrent": RecurrentGenerator,
    "transformer": TransformerDecoder,
    "style": StyleGenerator,
}
