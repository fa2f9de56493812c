"""Objects by their class and their attributes; networks; what skops can write.

A class of this package may say itself what of it is kept:

- ``_state_to_save(training_state)`` returns the attributes, and ``_load_saved(state)`` takes them
  in an instance that has none yet;
- ``REAL_DATA`` names attributes that hold values of training series, and says what they are;
- ``_without_real_data()`` returns a copy of it that works without them, and what of training
  series is in that one nevertheless ("" for nothing), or raises a ValueError that says why it
  does not work without.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from sklearn_timegen.io.saved.errors import CannotSave, FileRefused
from sklearn_timegen.io.saved.names import class_name, find_class
from sklearn_timegen.io.saved.tree import Decoder, Encoder, Kind, Node

__all__ = ["KINDS"]


def _slots(cls: type) -> list[str]:
    found: list[str] = []
    for base in cls.__mro__:
        own = base.__dict__.get("__slots__", ())
        found += [own] if isinstance(own, str) else list(own)
    return [name for name in found if name not in ("__dict__", "__weakref__")]


def _attributes(value: Any) -> dict[str, Any]:
    slots = {name: getattr(value, name) for name in _slots(type(value)) if hasattr(value, name)}
    return {**slots, **getattr(value, "__dict__", {})}


def _fill(made: Any, state: dict[str, Any]) -> None:
    slots = set(_slots(type(made)))
    for name, value in state.items():
        if name in slots:
            object.__setattr__(made, name, value)  # a frozen dataclass has no other way
        elif name.isidentifier() and not name.startswith("__"):
            made.__dict__[name] = value
        else:
            raise FileRefused(f"its tree has the attribute {name!r} of {type(made).__name__}")


# -- classes of this package, and a few others ----------------------------------------------------


def _encode_object(value: Any, encoder: Encoder, path: str) -> Node:
    cls = type(value)
    name = class_name(cls, path)
    value = _as_real_data_may_be_held(value, encoder, path)
    if hasattr(cls, "_state_to_save"):
        state = value._state_to_save(encoder.training_state)
    else:
        state = _attributes(value)
    if hasattr(cls, "on_epoch_begin"):
        # What callbacks have learned, each training makes anew.
        state = {name: item for name, item in state.items() if not name.endswith("_")}
    return {"class": name, "state": encoder.encode_entries(state, path)}


def _as_real_data_may_be_held(value: Any, encoder: Encoder, path: str) -> Any:
    """Take note of values of training series; return what holds as much as was asked for."""
    held = getattr(value, "REAL_DATA", {})
    held = {name: what for name, what in held.items() if getattr(value, name, None) is not None}
    why = "it makes samples of them"
    if held and encoder.real_data != "keep" and hasattr(value, "_without_real_data"):
        try:
            value, rest = value._without_real_data()
        except ValueError as error:
            why = str(error)
        else:
            held = {next(iter(held)): rest} if rest else {}
            why = "that is as little as it works with"
    for name, what in held.items():
        encoder.hold(f"{path}.{name}", what, why)
    return value


def _decode_object(node: Node, decoder: Decoder) -> Any:
    cls = find_class(node.get("class"))
    if inspect.isabstract(cls) or issubclass(cls, type):
        raise FileRefused(f"its tree has an object of {cls.__name__}, of which there are none")
    made: Any = cls.__new__(cls)
    decoder.remember(node, made)
    state = decoder.decode_entries(node, "state")
    if not hasattr(cls, "_load_saved"):
        _fill(made, state)
        decoder.note_paths(made)
        return made
    try:
        made._load_saved(state)
    except FileRefused:
        raise
    except Exception as error:
        raise FileRefused(f"what it holds of {cls.__name__} does not fit: {error}") from error
    return made


def _is_known_class(value: Any) -> bool:
    try:
        class_name(type(value), "")
    except CannotSave:
        return False
    return True


# -- networks ------------------------------------------------------------------------------------


def _encode_module(module: Any, encoder: Encoder, path: str) -> Node:
    from torch import nn

    plain = vars(nn.Module())
    state = dict(vars(module))
    hooks = [name for name in plain if name.endswith("_hooks") and state.get(name)]
    if hooks:
        raise CannotSave(f"{path} has hooks of torch ({hooks[0]}), which are code")
    kept = {"_parameters", "_buffers", "_modules", "training", "_non_persistent_buffers_set"}
    derived = {"_flat_weights", "_flat_weight_refs"} if isinstance(module, nn.RNNBase) else set()
    wanted = {
        name: value
        for name, value in state.items()
        if name in kept or (name not in plain and name not in derived)
    }
    name = class_name(type(module), path)
    return {"class": name, "state": encoder.encode_entries(wanted, path)}


def _decode_module(node: Node, decoder: Decoder) -> Any:
    from torch import Tensor, nn

    cls = find_class(node.get("class"))
    if not issubclass(cls, nn.Module):
        raise FileRefused(f"its tree has {cls.__name__} for a network")
    made = cls.__new__(cls)
    nn.Module.__init__(made)
    decoder.remember(node, made)
    state = decoder.decode_entries(node, "state")
    kinds = {"_parameters": nn.Parameter, "_buffers": Tensor, "_modules": nn.Module}
    for name, kind in kinds.items():
        held = state.get(name)
        if not isinstance(held, dict) or not all(
            v is None or isinstance(v, kind) for v in held.values()
        ):
            raise FileRefused(f"its tree has a network {cls.__name__} without proper {name}")
    _fill(made, state)
    if isinstance(made, nn.RNNBase):
        made._init_flat_weights()
    return made


def _is_module(value: Any) -> bool:
    from torch import nn

    return isinstance(value, nn.Module)


# -- trees of points ------------------------------------------------------------------------------


def _is_tree(value: Any) -> bool:
    return type(value).__module__.startswith("scipy.spatial.") and (
        type(value).__name__ in ("KDTree", "cKDTree")
    )


def _encode_tree(value: Any, encoder: Encoder, path: str) -> Node:
    points = encoder.encode(np.array(value.data), path)
    return {"points": points, "leafsize": int(value.leafsize)}


def _decode_tree(node: Node, decoder: Decoder) -> Any:
    from scipy.spatial import KDTree

    points = decoder.decode(node.get("points"))
    return KDTree(points, leafsize=decoder.field(node, "leafsize", int))


# -- predictors of scikit-learn, by skops ---------------------------------------------------------


def _is_predictor(value: Any) -> bool:
    ours = any(base.__module__.startswith("sklearn_timegen.") for base in type(value).__mro__)
    return hasattr(value, "get_params") and hasattr(value, "fit") and not ours


def _encode_predictor(value: Any, encoder: Encoder, path: str) -> Node:
    what = f"{path} is a {type(value).__module__}.{type(value).__qualname__}"
    instead = "use joblib.dump for the whole, whose files execute code"
    try:
        import skops.io as skops
    except ImportError as error:
        raise CannotSave(
            f"{what}, which skops writes if it is installed (pip install skops); or {instead}"
        ) from error
    try:
        data = skops.dumps(value)
        untrusted = skops.get_untrusted_types(data=data)
    except Exception as error:
        raise CannotSave(f"{what}, which skops cannot write ({error}): {instead}") from error
    if untrusted:
        raise CannotSave(
            f"{what}, which holds {untrusted[0]}, that skops does not trust: {instead}"
        )
    if any(name.endswith("_") and not name.startswith("_") for name in vars(value)):  # fitted
        encoder.hold(path, "a predictor, which may hold training series", "skops writes all of it")
    return {"array": encoder.encode(np.frombuffer(data, np.uint8), path)}


def _decode_predictor(node: Node, decoder: Decoder) -> Any:
    data = decoder.decode(node.get("array"))
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8:
        raise FileRefused("its tree has no bytes for skops")
    try:
        import skops.io as skops
    except ImportError as error:
        raise FileRefused(
            "it holds a predictor that skops has written: pip install skops"
        ) from error
    try:
        return skops.loads(data.tobytes(), trusted=[])
    except Exception as error:
        raise FileRefused(f"skops does not load the predictor in it: {error}") from error


def _is_named_tuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(type(value), "_fields")


def _encode_named_tuple(value: Any, encoder: Encoder, path: str) -> Node:
    return {"class": class_name(type(value), path), "items": encoder.encode_items(value, path)}


def _decode_named_tuple(node: Node, decoder: Decoder) -> Any:
    cls = find_class(node.get("class"))
    if not issubclass(cls, tuple) or not hasattr(cls, "_fields"):
        raise FileRefused(f"its tree has {cls.__name__} for a tuple")
    return cls(*decoder.decode_items(node))


KINDS = [
    Kind("network", _is_module, _encode_module, _decode_module),
    Kind("named_tuple", _is_named_tuple, _encode_named_tuple, _decode_named_tuple),
    Kind("points", _is_tree, _encode_tree, _decode_tree),
    Kind("object", _is_known_class, _encode_object, _decode_object),
    Kind("skops", _is_predictor, _encode_predictor, _decode_predictor),
    # Last, so that the error names the class and what can be done.
    Kind("unknown", lambda value: hasattr(value, "__dict__"), _encode_object, _decode_object),
]
