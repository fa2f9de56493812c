"""What follows from a category, as a region from a town, and what is shared below one name."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Follower", "find_followers", "find_shared"]

Array = NDArray[np.float64]
K = TypeVar("K", bound=Hashable)
PER_CATEGORY = 3  # series for each category: what follows from a name of one series is that series


@dataclass(frozen=True)
class Follower(Generic[K]):
    """A column that has one value for each category of another one.

    Parameters
    ----------
    source, target : hashable
        The two columns.
    values : dict
        The value of the second for each number of a category of the first.
    """

    source: K
    target: K
    values: dict[float, float]

    def of(self, source: Array, target: Array) -> Array:
        """Return what follows; of categories from which nothing does, the target as it is."""
        pairs = zip(source.tolist(), target.tolist(), strict=True)
        return np.array([self.values.get(a, b) for a, b in pairs])


def find_followers(columns: Mapping[K, Array], sources: Sequence[K]) -> list[Follower[K]]:
    """Return which columns, of one value a series, follow from which categories.

    A column follows from the finest category that it follows from, and from no column that
    follows from another one itself.

    Parameters
    ----------
    columns : mapping of ndarray
        The columns, NaN where values are missing.
    sources : sequence of hashable
        Those of categories.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.series._follows import find_followers
    >>> town = np.array([0.0, 1, 2, 0, 1, 2, 0, 1, 2])
    >>> find_followers({"town": town, "region": town // 2}, ["town", "region"])
    [Follower(source='town', target='region', values={0.0: 0.0, 1.0: 0.0, 2.0: 1.0})]
    """
    n_categories = {key: len(np.unique(columns[key])) for key in sources}
    finest = sorted(sources, key=lambda key: -n_categories[key])
    found: list[Follower[K]] = []
    following: set[K] = set()
    for source in finest:
        if source in following:
            continue
        for target, column in columns.items():
            if target == source or target in following:
                continue
            values = _values(columns[source], column)
            if values is not None and not any(f.source == target for f in found):
                found.append(Follower(source, target, values))
                following.add(target)
    return found


def find_shared(
    columns: Mapping[K, Array], keys: Sequence[tuple[Hashable, ...]]
) -> tuple[list[K], list[int]]:
    """Return which attributes all series below one name share, and the first series of each.

    Where nothing stands above the names of series, or each series has a name of its own there,
    none are shared.
    """
    groups: dict[Hashable, list[int]] = {}
    for k, key in enumerate(keys):
        groups.setdefault(key[:1], []).append(k)
    firsts = [own[0] for own in groups.values()]
    if len(keys[0]) < 2 or len(groups) == len(keys):
        return [], firsts
    shared = [
        key
        for key, column in columns.items()
        if all(len(np.unique(column[own])) == 1 for own in groups.values())
    ]
    return shared, firsts


def _values(source: Array, target: Array) -> dict[float, float] | None:
    """Return the one value of the target for each category, if there is one, and evidence."""
    known = np.isfinite(source) & np.isfinite(target)
    pairs = np.unique(np.stack([source[known], target[known]]), axis=1)
    categories = np.unique(pairs[0])
    one_each = len(categories) == pairs.shape[1]
    evident = known.sum() >= PER_CATEGORY * len(categories)
    if not one_each or not evident or len(np.unique(pairs[1])) < 2:
        return None
    return dict(zip(*pairs.tolist(), strict=True))
