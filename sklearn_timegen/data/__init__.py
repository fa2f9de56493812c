"""Data: how they are checked, and the record in which they travel."""

from sklearn_timegen.data.series import Series

__all__ = ["Series"]
