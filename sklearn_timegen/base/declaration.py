"""Hyper-parameters, one typed line each.

Two things would go wrong silently, and are refused here: a subclass that declares parameters but
lacks the decorator keeps its parent's constructor, and ``_parameter_constraints`` has to be a
``ClassVar``, or it would be taken for a parameter.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar, dataclass_transform

from sklearn.base import BaseEstimator

__all__ = ["Declared", "estimator", "pinned"]

Class = TypeVar("Class", bound=type)


def pinned(value: Any, *, init: Literal[False] = False) -> Any:
    """Return a field that a named setting fixes: no argument of the constructor any more."""
    return field(init=init, default=value)


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field, pinned))
def estimator(cls: Class) -> Class:
    """Make a scikit-learn estimator of a class whose hyper-parameters are annotated fields.

    Each typed line ``name: type = default`` is the signature, the default and the
    ``get_params`` entry at once.

    Parameters
    ----------
    cls : type
        A subclass of ``BaseEstimator``; constants are annotated as ``ClassVar``.

    Returns
    -------
    cls : type
        The class, with a constructor of keyword arguments.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn_timegen.base import estimator
    >>> @estimator
    ... class Constant(BaseEstimator):
    ...     value: float = 0.0
    >>> Constant(value=2.0).get_params()
    {'value': 2.0}
    """
    made: Class = dataclass(kw_only=True, eq=False, repr=False)(cls)  # type: ignore[assignment]
    # What is pinned is no parameter any more, and has nothing to be constrained.
    fixed = {item.name for item in fields(made) if not item.init}
    constraints: dict[str, Any] = getattr(made, "_parameter_constraints", {})
    if fixed & constraints.keys():
        free = {name: kinds for name, kinds in constraints.items() if name not in fixed}
        setattr(made, "_parameter_constraints", free)  # noqa: B010 (mypy knows no such attribute)
    return made


class Declared(BaseEstimator):
    """Refuses a subclass that declares hyper-parameters which its constructor does not have."""

    @classmethod
    def _get_param_names(cls) -> list[str]:
        own = inspect.get_annotations(cls)
        declared = {name for name, kind in own.items() if "ClassVar" not in str(kind)}
        known = {item.name for item in fields(cls)} if "__init__" in cls.__dict__ else set()
        if declared - known:
            raise TypeError(
                f"{cls.__name__} declares {sorted(declared - known)}, but is not decorated with "
                "@estimator: its parameters would silently be its parent's"
            )
        names: list[str] = super()._get_param_names()
        return names
