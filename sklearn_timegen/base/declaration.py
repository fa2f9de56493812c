"""Hyper-parameters and fitted attributes, each written once.

A class body states a parameter in one place::

    lr: float = param(
        default=1e-3,
        doc="Learning rate of Adam.",
        check=[Interval(Real, 0, None, closed="neither")],
        mutable=True,
    )

and ``@estimator`` makes of it the constructor's argument, the constraint that scikit-learn
validates, the entry in ``help()``, and what may change when training goes on. A subclass states
what differs: ``lr: float = 2e-3`` is another default of the same parameter, ``pinned`` takes it
away, and ``param(doc=...)`` tells it in other words. ``fitted`` does the same for attributes.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, Self, TypeVar, dataclass_transform

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_timegen._checks import check_magnitudes, refuse_private, refuse_search
from sklearn_timegen.base._documentation import document
from sklearn_timegen.base.saving import Saving

__all__ = ["Declared", "estimator", "fitted", "mutable_parameters", "param", "pinned"]

Class = TypeVar("Class", bound=type)


def param(
    *,
    default: Any = MISSING,
    doc: str | None = None,
    check: list[Any] | str | None = None,
    mutable: bool | None = None,
    type: str | None = None,
    kw_only: bool | None = None,
    formerly: str | None = None,
) -> Any:
    """Declare a hyper-parameter in the body of an ``@estimator``.

    Whatever is left out is as the parent class has it, if it has a parameter of that name.

    Parameters
    ----------
    default : object, default=MISSING
        The default value. Without one, here or in the parent class, the argument is required.
    doc : str or None, default=None
        What it is: its entry in the class's docstring.
    check : list, "no_validation" or None, default=None
        scikit-learn's constraints, of which a value has to satisfy one; validated in ``fit``.
    mutable : bool or None, default=None
        Whether it may be changed after ``fit``: further training of the same network can follow.
    type : str or None, default=None
        What the docstring calls its type; by default it follows from ``check``.
    kw_only : bool or None, default=None
        Whether the constructor takes it by its name only; so it is, if nothing else is said.
    formerly : str or None, default=None
        Its old name, which the constructor and ``set_params`` still take, with a warning.

    Returns
    -------
    field : dataclasses.Field
        What ``@estimator`` reads.

    Examples
    --------
    >>> from numbers import Real
    >>> from sklearn_timegen.base import BaseGenerator, Interval, estimator, fitted, param
    >>> @estimator
    ... class Noise(BaseGenerator):
    ...     '''Noise around the mean.'''
    ...     spread: float = param(
    ...         default=1.0,
    ...         doc="Standard deviation, in the representation.",
    ...         check=[Interval(Real, 0, None, closed="left")],
    ...     )
    ...     def _fit(self, series):
    ...         self._mean = series.values.mean(axis=0)
    ...     def _draw(self, n_samples, c, rng):
    ...         e = rng.standard_normal((n_samples, *self._mean.shape))
    ...         return self._mean + self.spread * e
    >>> Noise(spread=2.0).get_params()["spread"]
    2.0
    >>> print(Noise.__doc__)  # doctest: +ELLIPSIS
    Noise around the mean.
    <BLANKLINE>
    Parameters
    ----------
    spread : float, default=1.0
        Standard deviation, in the representation.
    ...
    """
    said = {"doc": doc, "check": check, "mutable": mutable, "type": type, "formerly": formerly}
    metadata = {name: value for name, value in said.items() if value is not None}
    return field(
        default=default, kw_only=MISSING if kw_only is None else kw_only, metadata=metadata
    )


def pinned(value: Any, *, told: bool = True, init: Literal[False] = False) -> Any:
    """Return a field that a named setting fixes: no argument of the constructor any more.

    Parameters
    ----------
    value : object
        What the parameter is, for all instances.
    told : bool, default=True
        Whether the class's docstring says so; not where the class makes no use of it.
    init : False, default=False
        Tells type checkers that the constructor does not have it.

    Returns
    -------
    field : dataclasses.Field
        What ``@estimator`` reads.

    Examples
    --------
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.base import estimator, pinned
    >>> @estimator
    ... class NormalModel(PCAMixture):
    ...     n_mixture_components: int = pinned(1)
    >>> "n_mixture_components" in NormalModel().get_params()
    False
    """
    return field(init=init, default=value, metadata={"pinned": told})


def fitted(doc: str, *, type: str | None = None, init: Literal[False] = False) -> Any:
    """Declare an attribute that ``fit`` sets, in the body of an ``@estimator``.

    It is no argument of the constructor and has no value before ``fit``; the declaration is its
    entry in the class's docstring.

    Parameters
    ----------
    doc : str
        What it is.
    type : str or None, default=None
        What the docstring calls its type; by default the annotation.
    init : False, default=False
        Tells type checkers that the constructor does not have it.

    Returns
    -------
    field : dataclasses.Field
        What ``@estimator`` reads.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.base import BaseGenerator, estimator, fitted
    >>> @estimator
    ... class Means(BaseGenerator):
    ...     mean_: np.ndarray = fitted("Mean of each represented cell.")
    ...     def _fit(self, series):
    ...         self.mean_ = series.values.mean(axis=0)
    ...     def _draw(self, n_samples, c, rng):
    ...         return np.repeat(self.mean_[None], n_samples, axis=0)
    >>> hasattr(Means(), "mean_"), "mean_ : ndarray" in Means.__doc__
    (False, True)
    """
    return field(init=init, metadata={"doc": doc, "type": type})


@dataclass_transform(
    kw_only_default=True, eq_default=False, field_specifiers=(field, param, pinned, fitted)
)
def estimator(cls: Class) -> Class:
    """Make a scikit-learn estimator of a class whose hyper-parameters are annotated fields.

    Each typed line ``name: type = default`` is the signature, the default and the ``get_params``
    entry at once; with :func:`param` in the place of the default it is the constraint and the
    documentation, too. The class's docstring gets the sections on parameters and attributes,
    with what is inherited, and with this class's defaults.

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
    known: dict[str, Field[Any]] = _of_parents(cls, "__dataclass_fields__")
    for name in known.keys() & inspect.get_annotations(cls).keys():
        setattr(cls, name, _continued(known[name], cls.__dict__.get(name, MISSING)))
    text = cls.__doc__ if "__doc__" in cls.__dict__ else None
    # A class may also state constraints as scikit-learn's own classes do.
    inherited = _of_parents(cls, "_parameter_constraints")
    stated = cls.__dict__.get("_parameter_constraints", {})
    _check_defaults(cls)
    made: Any = dataclass(kw_only=True, eq=False, repr=False)(cls)
    declared = {
        item.name: item.metadata["check"] for item in fields(made) if "check" in item.metadata
    }
    # What is pinned is no parameter any more, and has nothing to be constrained.
    checks = {**inherited, **declared, **stated}
    free = _parameter_names(made)
    made._parameter_constraints = {name: checks[name] for name in checks if name in free}
    made.__doc__ = document(made, text)
    if any("formerly" in item.metadata for item in fields(made) if item.init):
        made.__init__ = _taking_old_names(made.__init__)
    result: Class = made
    return result


def mutable_parameters(of: Any) -> frozenset[str]:
    """Return the names of the parameters that may be changed after ``fit``.

    Parameters
    ----------
    of : estimator or type
        An ``@estimator``, or its class.

    Returns
    -------
    names : frozenset of str
        Those declared with ``mutable=True``.

    Examples
    --------
    >>> from sklearn_timegen import VAE
    >>> from sklearn_timegen.base import mutable_parameters
    >>> sorted(mutable_parameters(VAE))
    ['batch_size', 'checkpoint', 'checkpoint_every', 'lr', 'max_epochs', 'prior', 'random_state',
     'verbose', 'warm_start']
    """
    return frozenset(
        item.name for item in fields(of) if item.init and item.metadata.get("mutable")
    )


def _of_parents(cls: type, attribute: str) -> dict[str, Any]:
    """Merge a dict that parent classes have: the one that is nearest in the MRO wins."""
    merged: dict[str, Any] = {}
    for parent in reversed(cls.__mro__[1:]):
        merged |= getattr(parent, attribute, {})
    return merged


def _continued(parent: Field[Any], stated: Any) -> Any:
    """Return the field of a name that a parent has, too: what is not stated stays as it is."""
    if not isinstance(stated, Field):  # a default alone
        stated = field(default=stated)
    metadata = {**parent.metadata, "pinned": False, **stated.metadata}
    if not stated.init:
        return field(init=False, default=stated.default, metadata=metadata)
    default = parent.default if stated.default is MISSING else stated.default
    kw_only = parent.kw_only if stated.kw_only is MISSING else stated.kw_only
    return field(default=default, kw_only=kw_only, metadata=metadata)


def _declared(cls: type) -> set[str]:
    """Return the names of the fields in a class's own body."""
    own = inspect.get_annotations(cls)
    return {name for name, kind in own.items() if "ClassVar" not in str(kind)}


def _check_defaults(cls: type) -> None:
    """Refuse defaults that all instances would share, and could change."""
    for name in _declared(cls):
        value = cls.__dict__.get(name)
        default = value.default if isinstance(value, Field) else value
        if isinstance(default, list | dict | set):
            raise TypeError(
                f"{cls.__name__}.{name} has the default {default!r}, which all instances would "
                "share: take a tuple, or None and what it stands for in fit"
            )


class Declared(Saving, BaseEstimator):
    """An estimator whose class states its hyper-parameters as fields.

    It refuses a subclass that declares hyper-parameters which its constructor does not have, and
    takes a numpy scalar for the number or string that it holds.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:  # noqa: D102
        _check_decorated(cls)
        return super().__new__(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        # numpy's integers and floats come from grids of parameters and fail, each elsewhere, in
        # torch, skorch and signatures; what fit sets is left as it is.
        if isinstance(value, np.generic) and name in _parameter_names(type(self)):
            value = value.item()
        super().__setattr__(name, value)

    def set_params(self, **params: Any) -> Self:  # noqa: D102 (scikit-learn's)
        return super().set_params(**_with_new_names(type(self), params))

    def _validate_params(self) -> None:
        refuse_search(self.get_params(deep=False).get("generator"), "generator")
        refuse_private(self.get_params(), type(self).__name__)
        super()._validate_params()
        check_magnitudes(self.get_params(deep=False), type(self).__name__)

    @classmethod
    def _get_param_names(cls) -> list[str]:
        _check_decorated(cls)
        names: list[str] = super()._get_param_names()
        return names


def _taking_old_names(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **_with_new_names(type(self), kwargs))

    return constructor


def _with_new_names(cls: type, params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters by the names that they have by now, and warn of others."""
    renamed = {
        item.metadata["formerly"]: item.name
        for item in fields(cls)
        if item.init and "formerly" in item.metadata
    }
    for old in params.keys() & renamed.keys():
        new = renamed[old]
        if new in params:
            raise TypeError(f"{cls.__name__} was given {new} and its old name {old}: pass one")
        warnings.warn(
            f"the parameter {old} of {cls.__name__} is called {new} now; the old name will be "
            "removed in 0.3",
            FutureWarning,
            stacklevel=3,
        )
        params = {new if name == old else name: value for name, value in params.items()}
    return params


def _parameter_names(cls: type) -> frozenset[str]:
    return frozenset(name for name, item in cls.__dataclass_fields__.items() if item.init)  # type: ignore[attr-defined]


def _check_decorated(cls: type) -> None:
    """Refuse a class that declares hyper-parameters without being an ``@estimator``."""
    declared = _declared(cls)
    known = {item.name for item in fields(cls)} if "__init__" in cls.__dict__ else set()
    if declared - known:
        raise TypeError(
            f"{cls.__name__} declares {sorted(declared - known)}, but is not decorated with "
            "@estimator: its parameters would silently be its parent's"
        )
