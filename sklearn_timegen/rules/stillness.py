"""Which channels stand still, on grids or by holding their last value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.rules.sample_hold import SampleHolder
from sklearn_timegen.rules.standing_still import GridSnapper

__all__ = ["stand_still"]

Mask = NDArray[np.bool_]

FEWEST = 50  # increments of exactly 0, and others, and
SHARE = 0.02  # their share, from which a channel holds its values: 0.001 in stock prices
TOGETHER = 0.8  # of the timesteps at which either of two channels holds, both do


def stand_still(
    x: NDArray[Any],
    channels: Sequence[int],
    *,
    known: Mask | None = None,
    on_grids: Sequence[int] = (),
    beyond: bool = False,
    along: bool = True,
) -> list[GridSnapper | SampleHolder]:
    """Return what lets channels stand still as they do in series, fitted to these.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_timesteps, n_channels)
        Series.
    channels : sequence of int
        Those that are looked at.
    known : ndarray of bool of the shape of ``x`` or None, default=None
        What is no draw for a missing value; ``None`` is all.
    on_grids : sequence of int, default=()
        Those that are looked at for grids only.
    beyond : bool, default=False
        See :class:`GridSnapper`.
    along : bool, default=True
        See :class:`SampleHolder`.

    Returns
    -------
    steps : list
        None, one or two postprocessings.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import stand_still
    >>> x = np.random.default_rng(0).normal(size=(200, 24, 2)).cumsum(axis=1)
    >>> x[:, 12] = x[:, 11]
    >>> stand_still(x, [0, 1])
    [SampleHolder(groups=[(0, 1)])]
    """
    seen = x if known is None else np.where(known, x, np.nan)
    groups = _find_held(seen, channels)
    snapper = GridSnapper(sorted([*channels, *on_grids]), beyond=beyond).fit(x)
    # What channels do at once, their grids would do one by one: they hold first.
    held = [group for group in groups if len(group) > 1 or group[0] not in snapper.grids_]
    found: list[GridSnapper | SampleHolder] = []
    if held:
        found.append(SampleHolder(held, along=along).fit(seen))
    return [*found, snapper] if snapper.grids_ else found


def _find_held(x: NDArray[Any], channels: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the channels that hold their last value, in groups that do so at once."""
    if x.shape[1] < 2:
        return []
    increments = {d: np.diff(x[:, :, d].astype(np.float64), axis=1).ravel() for d in channels}
    held = {d: own == 0 for d, own in increments.items()}
    number = {d: max(1, np.isfinite(own).sum()) for d, own in increments.items()}
    some = [
        d
        for d, n in number.items()
        if held[d].sum() >= max(FEWEST, SHARE * n) and n - held[d].sum() >= FEWEST
    ]
    groups: list[list[int]] = []
    for d in some:
        for group in groups:
            first = held[group[0]]
            known = np.isfinite(increments[group[0]]) & np.isfinite(increments[d])
            if (first & held[d]).sum() >= TOGETHER * ((first | held[d]) & known).sum():
                group.append(d)
                break
        else:
            groups.append([d])
    return [tuple(group) for group in groups]
