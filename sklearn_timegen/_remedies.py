"""Errors and warnings that say what to do, in the words of whoever is told.

A message is made of pieces. Most are text; a parameter is an argument in Python and an option of
a command line, and some remedies are one thing for a table in memory and another one for a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["InputError", "InputWarning", "Parameter", "Remedy", "preceded"]


@dataclass(frozen=True)
class Parameter:
    """A parameter that a message speaks of.

    Parameters
    ----------
    name : str
        Its name in Python.
    *value : object
        What was given for it; nothing, if only the name is spoken of.
    """

    name: str
    value: tuple[Any, ...] = ()

    def __init__(self, name: str, *value: Any) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "value", value)

    def __str__(self) -> str:
        return "=".join([self.name, *map(repr, self.value)])

    def as_option(self, option: Callable[[str], str]) -> str:
        """Return what a command line calls it."""
        return " ".join([option(self.name), *map(str, self.value)])


@dataclass(frozen=True)
class Remedy:
    """What to do about it: in Python, and with a file."""

    in_python: str
    with_file: str

    def __str__(self) -> str:
        return self.in_python


Piece = str | Parameter | Remedy


class _Told(Exception):
    """A message of pieces, which are told as Python's unless somebody asks for others."""

    def __init__(self, *pieces: Piece) -> None:
        super().__init__("".join(map(str, pieces)))
        self.pieces = pieces

    def with_options(self, option: Callable[[str], str]) -> str:
        """Return the message for those who have a file and a command line.

        Parameters
        ----------
        option : callable
            What the command line calls a parameter, by the parameter's name.
        """
        return "".join(
            piece.as_option(option)
            if isinstance(piece, Parameter)
            else piece.with_file
            if isinstance(piece, Remedy)
            else piece
            for piece in self.pieces
        )


class InputError(_Told, ValueError):
    """Input that cannot be used, and what to do about it.

    Parameters
    ----------
    *pieces : str, Parameter or Remedy
        The message.

    Examples
    --------
    >>> from sklearn_timegen._remedies import InputError, Parameter
    >>> error = InputError(Parameter("window", 49), " is longer than the shortest series")
    >>> print(error)
    window=49 is longer than the shortest series
    >>> error.with_options("--{}".format)
    '--window 49 is longer than the shortest series'
    """


class InputWarning(_Told, UserWarning):
    """Input that may be meant otherwise, and what to do about it then."""


def preceded(text: str, error: ValueError | TypeError) -> ValueError | TypeError:
    """Return an error of the same class whose message begins with a text."""
    if isinstance(error, InputError):
        return type(error)(text, *error.pieces)
    return type(error)(f"{text}{error}")
