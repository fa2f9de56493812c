"""The student's network, the discriminator of pairs, and what is kept of the teacher."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_timegen.flow._field import FlowField
from sklearn_timegen.nn.adversaries import Adversaries

__all__ = ["OneStep", "PairDiscriminator", "build_networks", "freeze_", "taught"]


class OneStep(nn.Module):
    """A flow's field that is asked once, at the beginning of the path, where all is noise.

    What it says the series will be is the series. Where that is computed from the noise by
    dividing by nearly nothing (noise prediction), the network's output itself is.

    Parameters
    ----------
    field : FlowField
        The field, with the student's network in it.
    """

    def __init__(self, field: FlowField) -> None:
        super().__init__()
        self.field = field
        self.n_latents = int(field.varies.numel())

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Return the series of noise ``z``."""
        z = z.reshape(-1, *self.field.varies.shape)
        prediction, path = self.field.prediction, self.field.path
        t = torch.full((len(z),), prediction.first, dtype=z.dtype, device=z.device)
        made: Tensor = self.field(z, t, c)
        if not prediction.divides_by_alpha:
            made = prediction.predict_ends(path, z, made, t)[0]
        return made * self.field.varies


class PairDiscriminator(nn.Module):
    """A discriminator that sees a series and the noise that it is said to belong to.

    Parameters
    ----------
    discriminator : Module
        A discriminator of series with twice the channels: the noise comes beside the values.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        n_cells = x.shape[1] * x.shape[2]
        z, rest = c[:, :n_cells].reshape(x.shape), c[:, n_cells:]
        values: Tensor = self.discriminator(
            torch.cat([x, z], dim=2), rest if rest.shape[1] else None
        )
        return values


def build_networks(
    field: FlowField,
    network: Callable[[], nn.Module] | None,
    discriminator: Callable[[], nn.Module] | None,
    frozen_fraction: float,
    ema_decay: float,
) -> Adversaries:
    """Make the student, of a new network or of the teacher's, and perhaps a discriminator."""
    student = OneStep(taught(field, network))
    freeze_(student, frozen_fraction)
    opponent: Any = None if discriminator is None else discriminator()
    return Adversaries(student, opponent, student.n_latents, ema_decay)


def taught(field: FlowField, network: Callable[[], nn.Module] | None = None) -> FlowField:
    """Return a field like the teacher's around a new network, or one with its averaged weights."""
    made = copy.deepcopy(field.network) if network is None else network()
    if network is None and field.average is not None:
        made.load_state_dict(field.average.module.state_dict())
    varies = field.varies.cpu().numpy() > 0
    return FlowField(made, field.path, field.prediction, varies, field.reach, ema_decay=0.0)


def freeze_(module: nn.Module, fraction: float) -> None:
    """Keep a fraction of a module's parameters from training: its largest tensors.

    Trained are the smallest, until they are what is left: biases, the embedding, the output, and
    then matrices. What is frozen becomes a buffer, which no optimizer and no average has to know.
    """
    tensors = sorted(module.named_parameters(), key=lambda item: item[1].numel())
    wanted = (1 - fraction) * sum(parameter.numel() for _, parameter in tensors)
    trained = 0
    for name, parameter in tensors:
        if trained < wanted:
            trained += parameter.numel()
            continue
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path)
        delattr(owner, last)
        owner.register_buffer(last, parameter.detach().clone())
