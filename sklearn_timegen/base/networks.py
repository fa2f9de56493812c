"""What can be said of networks before they are trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from sklearn_timegen.base.hooks import described
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.representation import Space

__all__ = ["check_hidden_dims", "check_shape", "check_time_axis", "make_network"]


def make_network(
    make: Callable[..., nn.Module], parameter: str, *args: Any, **kwargs: Any
) -> nn.Module:
    """Call what makes a network, and name the parameter that gave it if it makes none."""
    try:
        network = make(*args, **kwargs)
    except TypeError as error:
        call = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        raise TypeError(
            f"{parameter}={make!r} failed when it was called with ({', '.join(call)}) to make a "
            f"network: {error}"
        ) from error
    if not isinstance(network, nn.Module):
        raise TypeError(
            f"{parameter}={make!r} has to return a torch.nn.Module, but returned "
            f"{described(network)}"
        )
    return network


def check_hidden_dims(hidden_dims: Sequence[int], name: str = "hidden_dims") -> tuple[int, ...]:
    """Return the widths of layers as a tuple of positive integers, at least one."""
    known = isinstance(hidden_dims, Sequence | np.ndarray) and not isinstance(
        hidden_dims, str | bytes
    )
    if not known or getattr(hidden_dims, "ndim", 1) != 1:
        raise ValueError(f"{name} must be a sequence of widths, got {hidden_dims!r}")
    if len(hidden_dims) == 0:
        raise ValueError(f"{name} must name at least one layer, got none")
    return tuple(check_count(width, f"each of {name}") for width in hidden_dims)


def check_time_axis(network: Any, name: Any, space: Space, representation: Any) -> None:
    """Refuse a network that slides along time where a representation has no time axis."""
    made = getattr(network, "func", network)
    if getattr(made, "needs_time_axis", False) and not space.has_time_axis:
        raise ValueError(
            f"the network {name!r} slides along time, but representation={representation!r} has "
            "no time axis; use a network that does not, or a representation that keeps it"
        )


def check_shape(made: Tensor, shape: Sequence[int], what: str, network: nn.Module) -> None:
    """Refuse what a network returned in another shape than it has to."""
    if tuple(made.shape) != tuple(shape):
        raise ValueError(
            f"{what} ({type(network).__name__}) must have the shape {tuple(shape)} for "
            f"{shape[0]} series, got {tuple(made.shape)}"
        )
