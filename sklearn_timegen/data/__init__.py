"""What data are, before a generator sees them."""

from sklearn_timegen.data.series import Series

__all__ = ["Series"]
