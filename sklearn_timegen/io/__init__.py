"""Tables from and to files, and files that are written whole or not at all."""

from sklearn_timegen.io.arrays import windows_in
from sklearn_timegen.io.atomic import atomic_write, check_target
from sklearn_timegen.io.tables import SUFFIXES, Table, read_table
from sklearn_timegen.io.understanding import Understanding, understand

__all__ = [
    "SUFFIXES",
    "Table",
    "Understanding",
    "atomic_write",
    "check_target",
    "read_table",
    "understand",
    "windows_in",
]
