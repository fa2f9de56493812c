"""numpy's arrays, scalars and random streams, and torch's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from sklearn_timegen.io.saved.errors import CannotSave, FileRefused
from sklearn_timegen.io.saved.tree import Decoder, Encoder, Kind, Node

__all__ = ["KINDS", "on_known_device"]

BIT_GENERATORS = {
    name: getattr(np.random, name) for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
}
DTYPES = {
    name: getattr(torch, name)
    for name in (
        *("bool", "uint8", "int8", "int16", "int32", "int64"),
        *("float16", "bfloat16", "float32", "float64"),
    )
}
LARGEST_RANK = 32
LARGEST_TEXT = 2**30  # bytes of an array of words


def _dtype(text: Any) -> np.dtype[Any]:
    dtype = np.dtype(text) if isinstance(text, str) else None
    if dtype is None or dtype.kind not in "biufcmMUSO":
        raise FileRefused(f"its tree names the dtype {text!r}, which arrays cannot have here")
    return dtype


def _shape(node: Node, decoder: Decoder) -> tuple[int, ...]:
    shape = decoder.field(node, "shape", list)
    if len(shape) > LARGEST_RANK or not all(type(n) is int and n >= 0 for n in shape):
        raise FileRefused(f"its tree has an array of the shape {shape!r}")
    return tuple(shape)


# -- numpy ----------------------------------------------------------------------------------------


def _encode_array(a: np.ndarray[Any, Any], encoder: Encoder, path: str) -> Node:
    node: Node = {"dtype": a.dtype.str, "shape": list(a.shape)}
    if not a.flags.writeable:
        node["readonly"] = True
    if a.dtype.kind in "OUS":
        return node | {"items": encoder.encode_items(a.ravel().tolist(), path)}
    if a.dtype.kind not in "biufcmM" or a.dtype.itemsize > 16 - 8 * (a.dtype.kind != "c"):
        raise CannotSave(f"{path} is an array of dtype {a.dtype}, which files cannot hold")
    # The order in memory decides in which order sums are taken, and so their last bits.
    if a.flags.f_contiguous and not a.flags.c_contiguous:
        node["order"], a = "F", a.T
    stored = _stored(a.dtype)
    plain = np.ascontiguousarray(a).reshape(a.shape).astype(a.dtype.newbyteorder("<"), copy=False)
    return node | {"array": encoder.arrays.add(plain.reshape(-1).view(stored), path)}


def _stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which numbers are kept: dates are integers, complex ones are pairs."""
    if dtype.kind in "mM":
        return np.dtype("<i8")
    if dtype.kind == "c":
        return np.dtype(f"<f{dtype.itemsize // 2}")
    return dtype.newbyteorder("<")


def _decode_array(node: Node, decoder: Decoder) -> np.ndarray[Any, Any]:
    dtype, shape = _dtype(node.get("dtype")), _shape(node, decoder)
    if dtype.kind in "OUS":
        items = decoder.decode_items(node)
        if len(items) != math.prod(shape) or len(items) * dtype.itemsize > LARGEST_TEXT:
            raise FileRefused(
                f"its tree has {len(items)} items for an array of shape {shape} and {dtype}"
            )
        made = np.empty(shape, dtype)
        flat = made.reshape(-1)
        for i, item in enumerate(items):
            flat[i] = item
    else:
        in_memory = shape[::-1] if node.get("order") == "F" else shape
        stored = _stored(dtype)
        size = math.prod(shape) * dtype.itemsize // stored.itemsize
        plain = decoder.arrays.take(node.get("array"), stored, (size,))
        made = plain.view(dtype.newbyteorder("<")).reshape(in_memory).astype(dtype, copy=False)
        made = made.T if node.get("order") == "F" else made
    made.flags.writeable = node.get("readonly") is not True
    return made


def _decode_scalar(node: Node, decoder: Decoder) -> Any:
    a = decoder.decode(node.get("value"))
    if not isinstance(a, np.ndarray) or a.shape != ():
        raise FileRefused(f"its tree has {a!r} for a number of numpy's")
    return a[()]


def _encode_stream(rng: Any, encoder: Encoder, path: str) -> Node:
    legacy = isinstance(rng, np.random.RandomState)
    state = rng.get_state(legacy=False) if legacy else rng.bit_generator.state
    if state["bit_generator"] not in BIT_GENERATORS:
        raise CannotSave(f"{path} draws by the bit generator {state['bit_generator']}")
    return {"legacy": legacy, "state": encoder.encode(state, path)}


def _decode_stream(node: Node, decoder: Decoder) -> Any:
    state = decoder.decode(node.get("state"))
    name = state.get("bit_generator") if isinstance(state, dict) else None
    if name not in BIT_GENERATORS:
        raise FileRefused(f"its tree has a random stream of the kind {name!r}")
    bits = BIT_GENERATORS[name](0)
    if node.get("legacy") is True:
        rng = np.random.RandomState(bits)
        rng.set_state(state)
        return rng
    bits.state = state
    return np.random.Generator(bits)


# -- torch ----------------------------------------------------------------------------------------


def on_known_device(name: Any) -> torch.device:
    """Return a device of the name, or the CPU where there is no such device."""
    device = torch.device(name)
    known = device.type == "cuda" and (device.index or 0) < torch.cuda.device_count()
    return device if known else torch.device("cpu")


def _encode_tensor(t: torch.Tensor, encoder: Encoder, path: str) -> Node:
    name = str(t.dtype).removeprefix("torch.")
    if type(t) not in (torch.Tensor, torch.nn.Parameter) or name not in DTYPES:
        raise CannotSave(f"{path} is a tensor of {type(t).__name__} and {name}")
    plain = t.detach().cpu().contiguous()
    if t.dtype == torch.bfloat16:  # which numpy does not have
        plain = plain.view(torch.int16)
    node: Node = {
        "dtype": name,
        "device": str(t.device),
        "value": encoder.encode(plain.numpy(), path),
    }
    if isinstance(t, torch.nn.Parameter):
        node["parameter"] = True
    return node | ({"requires_grad": True} if t.requires_grad else {})


def _decode_tensor(node: Node, decoder: Decoder) -> torch.Tensor:
    a, dtype = decoder.decode(node.get("value")), DTYPES.get(decoder.field(node, "dtype", str))
    if not isinstance(a, np.ndarray) or dtype is None or a.dtype.kind not in "biuf":
        raise FileRefused("its tree has a tensor without numbers, or of an unknown dtype")
    made = torch.from_numpy(a)
    made = made.view(dtype) if dtype == torch.bfloat16 else made
    if made.dtype != dtype:
        raise FileRefused(f"its tree has a tensor of {dtype} whose numbers are {made.dtype}")
    made = made.to(on_known_device(node.get("device")))
    wanted = node.get("requires_grad") is True
    if wanted and not dtype.is_floating_point:
        raise FileRefused(f"its tree has a tensor of {dtype} with a gradient")
    if node.get("parameter") is True:
        return torch.nn.Parameter(made, requires_grad=wanted)
    return made.requires_grad_(wanted)


def _decode_generator(node: Node, decoder: Decoder) -> torch.Generator:
    state = decoder.decode(node.get("state"))
    device = on_known_device(node.get("device"))
    rng = torch.Generator(device=device)
    if device.type != torch.device(node["device"]).type:
        # A stream of a GPU means nothing to a CPU: it begins anew, and alike each time.
        return rng.manual_seed(0)
    rng.set_state(torch.from_numpy(state))
    return rng


def _decode_device(node: Node, decoder: Decoder) -> torch.device:
    return on_known_device(node.get("name"))


def _decode_torch_dtype(node: Node, decoder: Decoder) -> torch.dtype:
    name = node.get("name")
    if name not in DTYPES:
        raise FileRefused(f"its tree names torch's dtype {name!r}")
    return DTYPES[name]


KINDS = [
    Kind("array", lambda v: type(v) is np.ndarray, _encode_array, _decode_array),
    Kind(
        "scalar",
        lambda v: isinstance(v, np.generic),
        lambda v, encoder, path: {"value": encoder.encode(np.asarray(v), path)},
        _decode_scalar,
    ),
    Kind(
        "dtype",
        lambda v: isinstance(v, np.dtype) and v.names is None,
        lambda v, encoder, path: {"name": v.str},
        lambda n, d: _dtype(n.get("name")),
    ),
    Kind(
        "random",
        lambda v: type(v) in (np.random.Generator, np.random.RandomState),
        _encode_stream,
        _decode_stream,
    ),
    Kind("tensor", lambda v: isinstance(v, torch.Tensor), _encode_tensor, _decode_tensor),
    Kind(
        "torch_random",
        lambda v: isinstance(v, torch.Generator),
        lambda v, encoder, path: {
            "device": str(v.device),
            "state": encoder.encode(v.get_state().numpy(), path),
        },
        _decode_generator,
    ),
    Kind(
        "device",
        lambda v: isinstance(v, torch.device),
        lambda v, encoder, path: {"name": str(v)},
        _decode_device,
    ),
    Kind(
        "torch_dtype",
        lambda v: isinstance(v, torch.dtype),
        lambda v, encoder, path: {"name": str(v).removeprefix("torch.")},
        _decode_torch_dtype,
    ),
]
