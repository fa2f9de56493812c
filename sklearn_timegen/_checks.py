"""What a value of a parameter may be: scikit-learn's constraints, from the one place they are had.

scikit-learn keeps them in a private module, which may move with any release. Everybody else
imports them from here (or, outside of the package, from :mod:`sklearn_timegen.base`).
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import _param_validation
from sklearn.utils._param_validation import HasMethods, Options, RealNotInt, StrOptions

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "RealNotInt",
    "StrOptions",
    "check_magnitudes",
    "refuse_private",
    "refuse_search",
    "type_text",
]

LARGEST = float(np.finfo(np.float32).max)

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


class Interval(_param_validation.Interval):
    """scikit-learn's interval of numbers, in which no flag and no fraction is a number.

    scikit-learn's own lets ``True`` through as 1, and stumbles over ``fractions.Fraction``.

    Parameters
    ----------
    type : {numbers.Integral, numbers.Real, RealNotInt}
        What kind of numbers.
    left, right : float, int or None
        The bounds; None is none.
    closed : {"left", "right", "both", "neither"}
        Which bounds belong to it.

    Examples
    --------
    >>> from numbers import Integral
    >>> from sklearn_timegen.base import Interval
    >>> at_least_one = Interval(Integral, 1, None, closed="left")
    >>> [at_least_one.is_satisfied_by(value) for value in (2, 0, 1.5, True)]
    [True, False, False, False]
    """

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether ``val`` is an int or a float within the interval."""
        number = isinstance(val, Integral | float | np.floating) and not isinstance(val, bool)
        return number and bool(super().is_satisfied_by(val))


def check_magnitudes(params: dict[str, Any], owner: str) -> None:
    """Refuse parameters that are finite, but infinite in float32.

    Parameters
    ----------
    params : dict
        Values by their names.
    owner : str
        Whose they are, for the message.

    Raises
    ------
    ValueError
        If a number is finite and beyond the range of float32.
    """
    for name, value in params.items():
        known = isinstance(value, int | float) and abs(value) != float("inf")
        if known and abs(value) > LARGEST:
            # Python refuses to write integers out that are very long.
            shown = f"an integer of {value.bit_length()} bits" if isinstance(value, int) else value
            raise ValueError(
                f"the {name!r} parameter of {owner} is {shown}, which is infinite in "
                f"float32: its numbers end at {LARGEST:.3g}"
            )


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


def refuse_private(params: Mapping[str, Any], name: str) -> None:
    """Refuse a generator with a privacy budget in what learns of series beside it."""
    inner = [n for n, value in params.items() if n.endswith("__private") and value is not None]
    if inner:
        raise ValueError(
            f"{name} learns of series beside its generator, which the budget {inner[0]} does not "
            "account for: fit the private generator itself, to series or windows with their "
            "owners, and give its samples to what is to learn from them"
        )


def refuse_search(generator: Any, name: str) -> None:
    """Refuse a search in the place of a generator: it draws nothing, but what it finds does."""
    if hasattr(generator, "refit") and hasattr(generator, "estimator"):
        kind = type(generator).__name__
        raise TypeError(
            f"{name} must be a generator, with fit and sample, got a {kind}, which has no sample. "
            "Fit it first and pass what it found: search.fit(X).best_estimator_"
        )
