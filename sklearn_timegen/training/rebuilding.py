"""Nets of files are built anew: only of what nets are made of, and no larger than their weights.

A small file could else describe a network that fills the memory, or call any class of this
package where a network is due.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.utils.data import DataLoader, Dataset

from sklearn_timegen.io.saved.errors import FileRefused

__all__ = ["check_parts", "no_larger_than"]

# What skorch calls to build a net, by the parameter that names it.
PLACES: dict[str, tuple[type, ...]] = {
    "module": (nn.Module,),
    "criterion": (nn.Module,),
    "optimizer": (torch.optim.Optimizer,),
    "iterator_train": (DataLoader,),
    "iterator_valid": (DataLoader,),
    "dataset": (Dataset,),
}
# What is built beside the weights that a file holds: copies that are thrown away, masks.
SLACK = 2
SPARE = 10_000_000  # numbers: 40 MB
SPARE_TENSORS = 1_000


def check_parts(params: Mapping[str, Any]) -> None:
    """Refuse parameters of a net by which something else than its parts would be called.

    Functions need no look: a file can name none but those that make networks.
    """
    for name, value in params.items():
        if name == "callbacks":
            items = [item[-1] if isinstance(item, tuple) else item for item in value or ()]
            odd = [item for item in items if not isinstance(item, Callback)]
            if odd:
                raise FileRefused(f"its net has {odd[0]!r} for a callback")
        for cls in _classes_called(value):
            if not issubclass(cls, PLACES.get(name.split("__")[0], (nn.Module,))):
                raise FileRefused(f"its net would call {cls.__name__} for its {name}")


def _classes_called(value: Any) -> Iterator[type]:
    """Yield the classes that would be called for a parameter."""
    if inspect.isclass(value):
        yield value
    elif isinstance(value, functools.partial):
        for inner in (value.func, *value.args, *value.keywords.values()):
            yield from _classes_called(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _classes_called(inner)


@contextmanager
def no_larger_than(*states: Mapping[str, Tensor]) -> Iterator[None]:
    """Refuse networks that are made in here, and have much more weights than the states do.

    They are counted as they are made: torch takes memory for them when they are filled.
    """
    tensors = [tensor for state in states for tensor in state.values()]
    most = SLACK * sum(tensor.numel() for tensor in tensors) + SPARE
    most_tensors = SLACK * len(tensors) + SPARE_TENSORS
    thread, made, n_made = threading.get_ident(), 0, 0

    def count(module: nn.Module, name: str, value: Tensor | None) -> None:
        nonlocal made, n_made
        if value is None or threading.get_ident() != thread:
            return
        made, n_made = made + value.numel(), n_made + 1
        if made > most or n_made > most_tensors:
            raise FileRefused(
                f"it describes a network of more than {most:,} numbers, or {most_tensors:,} "
                f"arrays of them, and holds {sum(t.numel() for t in tensors):,} weights"
            )

    registered = [
        hooks.register_module_parameter_registration_hook(count),
        hooks.register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for handle in registered:
            handle.remove()
