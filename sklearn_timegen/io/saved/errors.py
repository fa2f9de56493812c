"""What is said when an object cannot be saved, or a file cannot be loaded."""

from __future__ import annotations

__all__ = ["CannotSave", "FileRefused"]


class CannotSave(TypeError):
    """Something in an estimator has no form that could be loaded without executing code."""


class FileRefused(ValueError):
    """A file is damaged, altered, of another version, or holds what is not to be loaded."""
