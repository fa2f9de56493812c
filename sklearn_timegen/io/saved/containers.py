"""Python's own containers, and calls that are put off."""

from __future__ import annotations

import base64
import functools
import inspect
from collections import OrderedDict, defaultdict
from enum import Enum
from types import BuiltinFunctionType, FunctionType
from typing import Any

from sklearn_timegen.io.saved.errors import CannotSave, FileRefused
from sklearn_timegen.io.saved.names import class_name, find_class, find_function, function_name
from sklearn_timegen.io.saved.tree import Decoder, Encoder, Kind, Node

__all__ = ["KINDS"]


def _is(*types: type) -> Any:
    return lambda value: type(value) in types


def _items(value: Any, encoder: Encoder, path: str) -> Node:
    return {"items": encoder.encode_items(value, path)}


def _unordered(value: Any, encoder: Encoder, path: str) -> Node:
    # In an order of their own, so that equal objects make equal files.
    return {"items": encoder.encode_items(sorted(value, key=repr), path)}


def _decode_list(node: Node, decoder: Decoder) -> list[Any]:
    made: list[Any] = []
    decoder.remember(node, made)
    made.extend(decoder.decode_items(node))
    return made


def _encode_dict(value: dict[Any, Any], encoder: Encoder, path: str) -> Node:
    if all(type(key) is str for key in value):
        return {"entries": encoder.encode_entries(value, path)}
    keys = encoder.encode_items(value, f"{path}.key")
    return {"keys": keys, "items": encoder.encode_items(value.values(), path)}


def _decode_into(made: dict[Any, Any], node: Node, decoder: Decoder) -> dict[Any, Any]:
    decoder.remember(node, made)
    if "entries" in node:
        made.update(decoder.decode_entries(node, "entries"))
        return made
    keys, values = decoder.decode_items(node, "keys"), decoder.decode_items(node)
    made.update(zip(keys, values, strict=True))
    return made


def _encode_partial(value: functools.partial[Any], encoder: Encoder, path: str) -> Node:
    if value.__dict__:
        raise CannotSave(f"{path} is a functools.partial with attributes of its own")
    return {
        "function": encoder.encode(value.func, f"{path}.func"),
        "items": encoder.encode_items(value.args, path),
        "entries": encoder.encode_entries(value.keywords, path),
    }


def _decode_partial(node: Node, decoder: Decoder) -> functools.partial[Any]:
    function = decoder.decode(node.get("function"))
    if not callable(function):
        raise FileRefused(f"its tree puts off the call of {function!r}, which is none")
    keywords = decoder.decode_entries(node, "entries")
    return functools.partial(function, *decoder.decode_items(node), **keywords)


def _encode_range(value: range | slice, encoder: Encoder, path: str) -> Node:
    return {"items": encoder.encode_items((value.start, value.stop, value.step), path)}


def _decode_range(made: type, node: Node, decoder: Decoder) -> Any:
    bounds = decoder.decode_items(node)
    if len(bounds) != 3 or not all(b is None or isinstance(b, int) for b in bounds):
        raise FileRefused(f"its tree has a {made.__name__} of {bounds!r}")
    return made(*bounds)


def _encode_enum(value: Enum, encoder: Encoder, path: str) -> Node:
    return {"class": class_name(type(value), path), "name": value.name}


def _decode_enum(node: Node, decoder: Decoder) -> Any:
    cls, name = find_class(node.get("class")), decoder.field(node, "name", str)
    if not issubclass(cls, Enum) or name not in cls.__members__:
        raise FileRefused(f"its tree asks for {name!r} of {cls.__name__}, which has none")
    return cls[name]


KINDS = [
    Kind("list", _is(list), _items, _decode_list),
    Kind("tuple", _is(tuple), _items, lambda node, decoder: tuple(decoder.decode_items(node))),
    Kind("dict", _is(dict), _encode_dict, lambda n, d: _decode_into({}, n, d)),
    Kind(
        "ordered", _is(OrderedDict), _encode_dict, lambda n, d: _decode_into(OrderedDict(), n, d)
    ),
    # Of optimizers, where what is not there yet is an empty dict.
    Kind(
        "defaultdict",
        lambda value: type(value) is defaultdict and value.default_factory is dict,
        _encode_dict,
        lambda n, d: _decode_into(defaultdict(dict), n, d),
    ),
    Kind("set", _is(set), _unordered, lambda n, d: set(d.decode_items(n))),
    Kind("frozenset", _is(frozenset), _unordered, lambda n, d: frozenset(d.decode_items(n))),
    Kind("range", _is(range), _encode_range, lambda n, d: _decode_range(range, n, d)),
    Kind("slice", _is(slice), _encode_range, lambda n, d: _decode_range(slice, n, d)),
    Kind(
        "bytes",
        _is(bytes),
        lambda value, encoder, path: {"value": base64.b64encode(value).decode()},
        lambda n, d: base64.b64decode(d.field(n, "value", str), validate=True),
    ),
    Kind(
        "complex",
        _is(complex),
        lambda v, encoder, path: {"items": encoder.encode_items((v.real, v.imag), path)},
        lambda n, d: complex(*map(float, d.decode_items(n)[:2])),
    ),
    Kind("partial", _is(functools.partial), _encode_partial, _decode_partial),
    Kind("enum", lambda value: isinstance(value, Enum), _encode_enum, _decode_enum),
    Kind(
        "class",
        inspect.isclass,
        lambda value, encoder, path: {"name": class_name(value, path)},
        lambda node, decoder: find_class(node.get("name")),
    ),
    Kind(
        "function",
        _is(FunctionType, BuiltinFunctionType),
        lambda value, encoder, path: {"name": function_name(value, path)},
        lambda node, decoder: find_function(node.get("name")),
    ),
]
