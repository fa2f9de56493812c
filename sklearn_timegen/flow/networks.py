"""The networks that return the velocity of a flow, by name."""

from __future__ import annotations

from torch import nn

from sklearn_timegen.flow.tokens import ChannelTransformer, TemporalTransformer
from sklearn_timegen.flow.unet import UNet

__all__ = ["FIELDS"]

# Made from ``(n_timesteps, n_channels, hidden_dim, n_layers, n_conditions)``, called with series
# ``(B, n_timesteps, n_channels)``, times ``(B,)`` in [0, 1] and conditions, if there are any.
FIELDS: dict[str, type[nn.Module]] = {
    "channel-transformer": ChannelTransformer,
    "temporal-transformer": TemporalTransformer,
    "u-net": UNet,
}
