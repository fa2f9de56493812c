"""New names for series: never those of others, and of their type."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from sklearn_timegen.data.tables.container import Key

__all__ = ["new_keys"]


def new_keys(known: Sequence[Key], like: Sequence[Key]) -> list[Key]:
    """Return a key for each new series: what stands above its name is that of ``like``.

    Names that are numbers go on above the greatest; others are ``"synthetic_0"`` and so on,
    without those that are taken.

    Parameters
    ----------
    known : sequence of tuple
        Keys of other series.
    like : sequence of tuple
        For each new series, the key of the one that it stands in for.

    Returns
    -------
    keys : list of tuple
        The new keys.

    Raises
    ------
    ValueError
        If names are of a type of which no new ones can be made.

    Examples
    --------
    >>> from sklearn_timegen.data.tables.names import new_keys
    >>> new_keys([("north", 3), ("south", 8)], [("north", 3), ("south", 8), ("north", 3)])
    [('north', 9), ('south', 10), ('north', 11)]
    >>> new_keys([("a",)], [("a",)])
    [('synthetic_0',)]
    """
    last = [key[-1] for key in known if key]
    names = _new_names(last, len(like))
    return [(*key[:-1], name) for key, name in zip(like, names, strict=True)]


def _new_names(known: Sequence[Any], n: int) -> list[Any]:
    numbers = [float(name) for name in known if isinstance(name, Real)]
    if known and len(numbers) == len(known) and not any(type(name) is bool for name in known):
        above = int(max(numbers)) + 1
        whole = all(isinstance(name, Integral) for name in known)
        return [above + i if whole else float(above + i) for i in range(n)]
    odd = next((name for name in known if not isinstance(name, str | Real)), None)
    if odd is not None or (known and all(type(name) is bool for name in known)):
        wrong = known[0] if odd is None else odd
        raise ValueError(
            f"series are named by {type(wrong).__name__}, as {wrong!r}, of which no new names can "
            "be made: convert the names to strings"
        )
    taken = set(known)
    free = (f"synthetic_{i}" for i in range(n + len(taken)))
    return [name for name in free if name not in taken][:n]
