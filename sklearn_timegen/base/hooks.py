"""What the author of a generator may get wrong, said by its own name.

A hook is a method that a subclass implements. Its arguments are compared when the class is made,
and what it returns each time: past these checks, a wrong shape would be blamed on whatever
stumbles over it.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_hooks", "check_returned", "described"]

HOOKS = {
    "_fit": ("series",),
    "_draw": ("n_samples", "c", "rng"),
    "_encode": ("v",),
    "_decode": ("z", "c"),
    "_make_net": ("space", "n_conditions", "**params"),
}


def check_hooks(cls: type) -> None:
    """Refuse a class whose own hooks cannot be called as they are going to be."""
    for name, arguments in HOOKS.items():
        hook = vars(cls).get(name)
        if not inspect.isfunction(hook):
            continue
        by_position = [name for name in arguments if not name.startswith("**")]
        by_name = {"seed": 0} if len(by_position) < len(arguments) else {}
        try:
            inspect.signature(hook).bind(None, *by_position, **by_name)
        except TypeError as error:
            raise TypeError(
                f"{cls.__name__}.{name} has to be declared as "
                f"{name}({', '.join(('self', *arguments))}), because it is called with these "
                f"arguments, but it is {name}{inspect.signature(hook)}: {error}"
            ) from None
    if inspect.isfunction(vars(cls).get("_n_features_out")):
        raise TypeError(f"{cls.__name__}._n_features_out has to be decorated with @property")


def check_returned(returned: Any, shape: tuple[int, ...], hook: str, meaning: str) -> NDArray[Any]:
    """Return what the method ``hook`` returned, if it is a real array of this shape."""
    asked = f"{hook} has to return a numpy array of real numbers of shape {shape}, {meaning}"
    if not isinstance(returned, np.ndarray):
        raise TypeError(f"{asked}, but returned {described(returned)}")
    if returned.dtype.kind not in "fiu":
        raise TypeError(f"{asked}, but returned one of dtype {returned.dtype}")
    if returned.shape != shape:
        raise ValueError(f"{asked}, but returned one of shape {returned.shape}")
    return returned


def described(returned: Any) -> str:
    """Return what kind of thing something is, and how to make it what is asked for."""
    kind = type(returned)
    if returned is None:
        return "None: it has no return statement, or an empty one"
    if hasattr(returned, "detach"):
        return f"a {kind.__module__}.{kind.__name__}: return tensor.detach().cpu().numpy()"
    return f"a {kind.__name__}"
