"""What a value of a parameter may be: scikit-learn's constraints, from the one place they are had.

scikit-learn keeps them in a private module, which may move with any release. Everybody else
imports them from here (or, outside of the package, from :mod:`sklearn_timegen.base`).
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    RealNotInt,
    StrOptions,
)

__all__ = ["HasMethods", "Interval", "Options", "RealNotInt", "StrOptions", "type_text"]

_WORDS = {
    "array-like": "array-like",
    "boolean": "bool",
    "cv_object": "int, splitter, iterable",
    "random_state": "int, RandomState, None",
    "verbose": "int",
    None: "None",
    callable: "callable",
    Integral: "int",
    Real: "float",
    RealNotInt: "float",
}


def type_text(check: list[Any]) -> str:
    """Return what a list of constraints lets through, as a docstring's ``name : type`` says it.

    Parameters
    ----------
    check : list
        scikit-learn's constraints, of which a value has to satisfy one.

    Returns
    -------
    text : str
        Types and options.

    Examples
    --------
    >>> from numbers import Integral
    >>> from sklearn_timegen._checks import Interval, StrOptions, type_text
    >>> type_text([Interval(Integral, 1, None, closed="left"), StrOptions({"b", "a"}), None])
    'int, {"a", "b"} or None'
    """
    words = [word for item in check for word in _words(item)]
    words = sorted(dict.fromkeys(words), key="None".__eq__)  # None is said last
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _words(constraint: Any) -> list[str]:
    if isinstance(constraint, Options):
        quote = '"{}"'.format if isinstance(constraint, StrOptions) else repr
        options = ", ".join(map(quote, sorted(constraint.options)))
        return [options if len(constraint.options) == 1 else "{" + options + "}"]
    if isinstance(constraint, HasMethods):
        return ["object"]
    known = constraint.type if isinstance(constraint, Interval) else constraint
    return _WORDS[known].split(", ") if known in _WORDS else [str(known.__name__)]
