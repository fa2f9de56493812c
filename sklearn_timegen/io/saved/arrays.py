"""Arrays, beside the tree that says where they belong.

They are kept in one safetensors file, which holds numbers and nothing else. Its arrays are named
by where they were found, so that it can be read with other tools, too.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from sklearn_timegen.io.saved.errors import FileRefused

__all__ = ["ArrayReader", "ArrayWriter"]

Array = NDArray[Any]


class ArrayWriter:
    """Collects arrays of numbers under names of their own."""

    def __init__(self) -> None:
        self._arrays: dict[str, Array] = {}

    def add(self, a: Array, path: str) -> str:
        """Keep a C-contiguous array of numbers, and return its name."""
        name = path
        while name in self._arrays:
            name += "'"
        self._arrays[name] = a
        return name

    def to_bytes(self) -> bytes:
        return save(self._arrays)


class ArrayReader:
    """Hands out the arrays of a file, each of the shape and dtype that it is asked for in."""

    def __init__(self, data: bytes) -> None:
        try:
            self._arrays = load(data)
        except (SafetensorError, ValueError, KeyError, json.JSONDecodeError) as error:
            raise FileRefused(f"its arrays are no safetensors: {error}") from error

    def take(self, name: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        """Return a copy of an array, which has to be what it is said to be."""
        if not isinstance(name, str) or name not in self._arrays:
            raise FileRefused(f"it has no array {name!r}, which its tree names")
        found = self._arrays[name]
        if found.dtype != dtype or found.shape != shape:
            raise FileRefused(
                f"its array {name!r} has the dtype {found.dtype} and the shape {found.shape}, "
                f"but its tree says {dtype} and {shape}"
            )
        return found.copy()  # aligned as other arrays are, and writeable
