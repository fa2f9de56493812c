"""Tables from and to files, and files that are written whole or not at all."""

from sklearn_timegen.io.atomic import atomic_write, check_target
from sklearn_timegen.io.tables import Table, read_table

__all__ = ["Table", "atomic_write", "check_target", "read_table"]
