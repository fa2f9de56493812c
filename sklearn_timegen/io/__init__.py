"""Tables and estimators from and to files, which are written whole or not at all."""

from typing import TYPE_CHECKING, Any

from sklearn_timegen.io.arrays import windows_in
from sklearn_timegen.io.atomic import atomic_write, check_target
from sklearn_timegen.io.tables import SUFFIXES, Table, read_table
from sklearn_timegen.io.understanding import Understanding, understand
from sklearn_timegen.io.written import read_estimator

if TYPE_CHECKING:
    from sklearn_timegen.io.saved import CannotSave, FileRefused, describe, load, register, save

SAVED = ("CannotSave", "FileRefused", "describe", "load", "register", "save")

__all__ = [
    "SUFFIXES",
    "CannotSave",
    "FileRefused",
    "Table",
    "Understanding",
    "atomic_write",
    "check_target",
    "describe",
    "load",
    "read_estimator",
    "read_table",
    "register",
    "save",
    "understand",
    "windows_in",
]


def __getattr__(name: str) -> Any:
    # On demand: they need torch, which tables do not.
    if name in SAVED:
        from sklearn_timegen.io import saved

        return getattr(saved, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
