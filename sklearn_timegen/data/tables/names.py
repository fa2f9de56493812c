"""New names for series: never those of others, and of their type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from numbers import Integral, Real
from typing import Any

from sklearn_timegen.data.tables.container import Key

__all__ = ["kept_names", "new_keys"]


def new_keys(known: Sequence[Key], like: Sequence[Key], kept: Collection[int] = ()) -> list[Key]:
    """Return a key for each new series, nested as those of ``like`` are.

    Names that are numbers go on above the greatest of their column; others are ``"synthetic_0"``
    and so on, without those that are taken. What one name stands above in ``like`` has one new
    name above it; when a series comes in ``like`` for the second time, so do those above it. A
    name that occurs below several others, as a department of several stores, has one new name
    below all of them.

    Parameters
    ----------
    known : sequence of tuple
        Keys of other series.
    like : sequence of tuple
        For each new series, the key of the one whose place in the nesting it takes.
    kept : collection of int, default=()
        Positions in a key whose names stay as they are.

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
    [('synthetic_0', 9), ('synthetic_1', 10), ('synthetic_2', 11)]
    >>> new_keys([("a", "milk"), ("a", "bread"), ("b", "milk")], [("a", "bread"), ("b", "milk")])
    [('synthetic_0', 'synthetic_0'), ('synthetic_1', 'synthetic_1')]
    >>> new_keys([("north", 3), ("south", 8)], [("north", 3), ("south", 8)], kept=[0])
    [('north', 9), ('south', 10)]
    """
    seen: Counter[Key] = Counter()
    rounds = []
    for key in like:
        rounds.append(seen[key])
        seen[key] += 1
    depth = len((*like, *known)[0]) if like or known else 0
    columns: list[Sequence[Hashable]] = []
    for j in range(depth):
        if j in kept:
            columns.append([key[j] for key in like])
            continue
        below_new = any(i not in kept for i in range(j))
        shared = below_new and _comes_below_several([*known, *like], j)
        pairs = zip(like, rounds, strict=True)
        own: list[Hashable] = [
            key[j] if shared else (key[: j + 1], number) for key, number in pairs
        ]
        different = list(dict.fromkeys(own))
        names = _new_names([key[j] for key in known if key], len(different))
        of = dict(zip(different, names, strict=True))
        columns.append([of[one] for one in own])
    return list(zip(*columns, strict=True)) if columns else [() for _ in like]


def kept_names(asked: Sequence[Any], columns: Sequence[Hashable]) -> list[int]:
    """Return the positions of those columns of names that are asked for as attributes.

    Raises
    ------
    ValueError
        If all of them are, so that no series would have a new name.
    """
    kept = [j for j, column in enumerate(columns) if column in asked]
    if columns and len(kept) == len(columns):
        raise ValueError(
            f"static_columns has {list(columns)}, by which all of a series is named: its names "
            "would be those of real series. Leave one out, or let copies of them be channels"
        )
    return kept


def _comes_below_several(keys: Sequence[Key], j: int) -> bool:
    """Whether some name of a column occurs below several names."""
    above: dict[Hashable, Key] = {}
    return any(above.setdefault(key[j], key[:j]) != key[:j] for key in keys if key)


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
