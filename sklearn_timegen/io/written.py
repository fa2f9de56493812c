"""Estimators that are written as text, as ``PCAMixture(n_components=4)``; nothing is executed."""

from __future__ import annotations

import ast
import inspect
from typing import Any

__all__ = ["read_estimator"]

FORM = "is not of the form FlowMatching or FlowMatching(max_epochs=100)"


def read_estimator(text: str) -> Any:
    """Return the estimator that a text stands for, as ``repr`` writes it.

    Parameters
    ----------
    text : str
        The name of an estimator of this package, and its parameters: numbers, words, lists of
        these, or other estimators.

    Returns
    -------
    estimator : object
        An unfitted estimator.

    Raises
    ------
    ValueError
        If it is written otherwise, or there is no such estimator or parameter.

    Examples
    --------
    >>> from sklearn_timegen.io import read_estimator
    >>> read_estimator("PCAMixture(n_components=4)")
    PCAMixture(n_components=4)
    """
    try:
        tree = ast.parse(text if "(" in text else f"{text}()", mode="eval").body
        return _built(tree)
    except (SyntaxError, AttributeError) as error:
        raise ValueError(f"{text!r} {FORM}") from error


def _built(node: Any) -> Any:
    """Return what an expression stands for: an estimator, or what can be written as a literal."""
    if not isinstance(node, ast.Call):
        try:
            return ast.literal_eval(node)
        except ValueError as error:
            raise SyntaxError("neither an estimator nor a literal") from error
    import sklearn_timegen

    name, text = getattr(node.func, "id", ""), ast.unparse(node)
    if node.args or not name:
        raise SyntaxError("parameters are named")
    classes = {name: getattr(sklearn_timegen, name) for name in sklearn_timegen.__all__}
    known = {
        name: cls
        for name, cls in classes.items()
        if inspect.isclass(cls) and hasattr(cls, "fit") and not inspect.isabstract(cls)
    }
    if name not in known:
        raise ValueError(f"there is no generator {name!r}; there are {', '.join(known)}")
    try:
        return known[name](**{str(word.arg): _built(word.value) for word in node.keywords})
    except TypeError as error:
        raise ValueError(f"{text}: {error}") from error
