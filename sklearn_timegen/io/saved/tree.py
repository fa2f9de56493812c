"""Objects to a tree of JSON, and back.

Text, integers, flags and finite numbers stand for themselves. All else is a node, ``{"@": kind,
...}``, made and read by the ``Kind`` of that name. What is found twice is one object again: the
first node has an ``id`` then, and the others refer to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from sklearn_timegen.io.saved.arrays import ArrayReader, ArrayWriter
from sklearn_timegen.io.saved.errors import CannotSave, FileRefused

__all__ = ["Decoder", "Encoder", "Kind", "Node"]

Node = dict[str, Any]

# Levels of what lies within each other. A network of many blocks has forty.
DEEPEST = 120

# Parameters that say where files are kept, which are read with all that they hold.
PATHS = ("memory", "checkpoint")

# What entries of a node may raise that are not those of its kind, wherever they are used.
MALFORMED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Kind:
    """How a kind of object is taken apart, and put together.

    Parameters
    ----------
    name : str
        What a node calls it.
    matches : callable
        Whether an object is of the kind.
    encode : callable
        ``encode(value, encoder, path)`` returns the node's entries.
    decode : callable
        ``decode(node, decoder)`` returns the object. One that others, within it, may refer to is
        told to ``decoder.remember`` before they are read. Of entries that are none of this kind
        it may raise what the use of them raises: the file is refused then.
    """

    name: str
    matches: Callable[[Any], bool]
    encode: Callable[[Any, Encoder, str], Node]
    decode: Callable[[Node, Decoder], Any]


class Encoder:
    """Takes objects apart.

    Parameters
    ----------
    kinds : iterable of Kind
        The first that matches is taken.
    training_state : bool
        Whether what only further training needs is kept.
    real_data : {"keep", "thin", "drop"}
        What is done with values of training series.
    """

    def __init__(
        self, kinds: Iterable[Kind], *, training_state: bool = False, real_data: str = "keep"
    ) -> None:
        self.kinds = tuple(kinds)
        self.training_state = training_state
        self.real_data = real_data
        self.arrays = ArrayWriter()
        self.held: list[dict[str, Any]] = []  # what real data there is
        self._known: dict[int, tuple[Any, Node]] = {}
        self._n_shared = 0
        self._depth = 0

    def encode(self, value: Any, path: str) -> Any:
        """Return what stands for an object that is found at ``path``."""
        if value is None or type(value) in (bool, str, int):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"@": "float", "value": repr(value)}
        # Kept with its node: an id is an object's own for as long as there is the object.
        known = self._known.get(id(value))
        if known is not None:
            return self._refer(known[1])
        node: Node = {}
        self._known[id(value)] = value, node
        kind = next((kind for kind in self.kinds if kind.matches(value)), None)
        if kind is None:
            raise CannotSave(
                f"{path} is a {type(value).__module__}.{type(value).__qualname__}, for which a "
                "file without code has no form: leave it out, or use joblib.dump, whose files "
                "execute code"
            )
        self._depth += 1
        if self._depth > DEEPEST:
            raise CannotSave(f"objects lie within each other more than {DEEPEST} deep at {path}")
        node["@"] = kind.name
        node |= kind.encode(value, self, path)
        self._depth -= 1
        return node

    def encode_items(self, values: Iterable[Any], path: str) -> list[Any]:
        return [self.encode(value, f"{path}[{i}]") for i, value in enumerate(values)]

    def encode_entries(self, values: dict[str, Any], path: str) -> Node:
        return {name: self.encode(value, f"{path}.{name}") for name, value in values.items()}

    def hold(self, path: str, what: str, why: str) -> None:
        """Take note of real data that are kept, and ``why`` they have to be."""
        if self.real_data == "drop":
            raise CannotSave(
                f'real_data="drop" is not to be had: {path} holds {what}, and {why}. '
                'real_data="thin" leaves out what is not needed'
            )
        self.held.append({"where": path, "what": what})

    def _refer(self, node: Node) -> Node:
        if "id" not in node:
            node["id"] = self._n_shared
            self._n_shared += 1
        return {"@": "ref", "id": node["id"]}


class Decoder:
    """Puts objects together again; refuses what a file may not hold."""

    def __init__(self, kinds: Iterable[Kind], arrays: ArrayReader) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.arrays = arrays
        self._known: dict[int, Any] = {}
        self._depth = 0
        self.paths: list[tuple[Any, str]] = []

    def note_paths(self, made: Any) -> None:
        """Take note of an object's parameters that name places where files are kept."""
        held = getattr(made, "__dict__", {})
        named = [name for name in PATHS if isinstance(held.get(name), str | PurePath)]
        self.paths += [(made, name) for name in named]

    def decode(self, node: Any) -> Any:
        """Return the object that a node stands for."""
        if node is None or type(node) in (bool, str, int, float):
            return node
        if not isinstance(node, dict):
            raise FileRefused(f"its tree has a {type(node).__name__} where a node is due")
        name = node.get("@")
        if name == "ref":
            return self._referred(node)
        if name == "float":
            return _special(node.get("value"))
        kind = self.kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            raise FileRefused(f"its tree has a node of the unknown kind {name!r}")
        self._depth += 1
        if self._depth > DEEPEST:
            raise FileRefused(f"its objects lie within each other more than {DEEPEST} deep")
        try:
            value = kind.decode(node, self)
        except FileRefused:
            raise
        except MALFORMED as error:
            raise FileRefused(f"its tree has a {name} that is none: {error}") from error
        self._depth -= 1
        self.remember(node, value)
        return value

    def decode_items(self, node: Node, field: str = "items") -> list[Any]:
        return [self.decode(item) for item in self.field(node, field, list)]

    def decode_entries(self, node: Node, field: str) -> dict[str, Any]:
        entries = self.field(node, field, dict)
        return {name: self.decode(value) for name, value in entries.items()}

    def remember(self, node: Node, value: Any) -> None:
        """Let others refer to an object, from now on."""
        if "id" in node:
            self._known[self.field(node, "id", int)] = value

    @staticmethod
    def field(node: Node, name: str, kind: type | tuple[type, ...]) -> Any:
        """Return an entry of a node, which has to be of a type of JSON."""
        value = node.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise FileRefused(f"its tree has a node {node.get('@')!r} without a proper {name!r}")
        return value

    def _referred(self, node: Node) -> Any:
        number = self.field(node, "id", int)
        if number not in self._known:
            raise FileRefused(f"its tree refers to the object {number}, which is not there")
        return self._known[number]


def _special(text: Any) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise FileRefused(f"its tree has {text!r} for a number")
    return float(text)
