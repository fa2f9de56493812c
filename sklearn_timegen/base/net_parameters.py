"""Hyper-parameters that reach a generator's net: looked at, copied, and compared."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
from sklearn.base import clone
from skorch import NeuralNet

__all__ = ["check_net_params", "clone_callback", "is_same"]


def check_net_params(given: Mapping[str, Any], name: str) -> None:
    """Refuse those ``net_params`` of a generator that are not skorch's, or not the user's."""
    ours = {"max_epochs", "batch_size", "lr", "device", "callbacks", "verbose"} & set(given)
    if ours:
        raise ValueError(
            f"net_params holds {sorted(ours)}: set them as parameters of {name} instead"
        )
    fixed = [n for n in given if n.startswith(("module", "criterion", "iterator", "dataset"))]
    if fixed:
        raise ValueError(
            f"net_params holds {fixed}, but the module, the objective and the batches are "
            f"made by {name}"
        )
    known = inspect.signature(NeuralNet).parameters
    unknown = [n for n in given if n.split("__")[0] not in known]
    if unknown:
        raise ValueError(
            f"net_params holds {unknown}, which skorch's NeuralNet does not take; those of "
            "another part begin with its name and two underscores, as optimizer__weight_decay"
        )


def is_same(a: Any, b: Any) -> bool:
    """Whether two values of a parameter mean the same: compared by content, not by identity."""
    if a is b:
        return True
    if isinstance(a, list | tuple | np.ndarray) and isinstance(b, list | tuple | np.ndarray):
        return len(a) == len(b) and all(map(is_same, a, b))
    if isinstance(a, Number) and isinstance(b, Number):
        return a == b
    if type(a) is not type(b):
        return False
    if isinstance(a, Mapping):
        return list(a) == list(b) and all(is_same(a[name], b[name]) for name in a)
    if hasattr(a, "get_params"):
        return is_same(a.get_params(deep=False), b.get_params(deep=False))
    return bool(a == b) or (hasattr(a, "__dict__") and is_same(vars(a), vars(b)))


def clone_callback(item: Any) -> Any:
    """Return a callback, or a name and a callback, that a net may write into."""
    if isinstance(item, tuple) and len(item) == 2:
        return item[0], clone_callback(item[1])
    if not hasattr(item, "on_epoch_end"):
        raise ValueError(f"callbacks must hold skorch callbacks or (name, callback), got {item!r}")
    return item if isinstance(item, type) else clone(item, safe=False)
