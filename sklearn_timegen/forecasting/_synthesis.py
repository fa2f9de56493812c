"""Synthetic versions of sktime's series: what the bootstrap and the forecasters share."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.series import SeriesGenerator

__all__ = [
    "as_panel",
    "fit_series_generator",
    "renumbered",
    "seed_of",
    "shortest_of",
    "synthesize",
]

INSTANCE = "series"
DECOMPOSITIONS = {
    "stl": ["box-cox", "stl-remainder"],
    "stl-robust": ["box-cox", "stl-remainder-robust"],
    None: None,
}
Panel: TypeAlias = pd.DataFrame  # with two index levels: number of the series, time


def as_panel(frame: pd.DataFrame) -> tuple[Panel, list[Any]]:
    """Number the series of a frame, a panel or a hierarchy; return their names, too."""
    if len(frame) == 0:
        raise ValueError("y holds no series: it is empty")
    time = frame.index.names[-1]
    if frame.index.nlevels == 1:
        return pd.concat({0: frame}, names=[INSTANCE, time]), [()]
    above = frame.index.droplevel(-1)
    number, names = pd.factorize(above)
    panel = renumbered(frame, number, [INSTANCE, time])
    return panel, [name if isinstance(name, tuple) else (name,) for name in names]


def renumbered(frame: pd.DataFrame, numbers: ArrayLike, names: list[str] | None = None) -> Panel:
    """Return a frame under other numbers of series, one a row, with the times that it has."""
    panel = frame.copy()
    index = [numbers, frame.index.get_level_values(-1)]
    panel.index = pd.MultiIndex.from_arrays(index, names=names or frame.index.names)
    return panel


def shortest_of(panel: Panel) -> int:
    """Return the timesteps of the shortest series."""
    return int(panel.groupby(level=0).size().min())


def fit_series_generator(
    generator: GeneratorLike,
    panel: Panel,
    *,
    window: int | str,
    sp: int | str,
    decomposition: str | None,
    random_state: RandomState,
) -> SeriesGenerator:
    """Fit a generator to the windows of all series, of what trend and season leave over.

    ``window="auto"`` is two seasons, or 12 timesteps without one, and no more than a third of the
    shortest series.
    """
    if decomposition not in DECOMPOSITIONS:
        raise ValueError(
            f"decomposition must be 'stl', 'stl-robust' or None, got {decomposition!r}"
        )
    if sp != "auto":
        sp = check_count(sp, "sp")
    fitted = SeriesGenerator(
        generator,
        window=2,
        transform=DECOMPOSITIONS[decomposition],
        period=sp,
        random_state=random_state,
    )
    longest = int(panel.groupby(level=0).size().max())
    if decomposition is not None and not isinstance(sp, str) and 2 * sp > longest:
        raise ValueError(
            f"sp={sp} needs two seasons, but the longest series has {longest} timesteps; sp=1 is "
            "no season"
        )
    if window == "auto":
        period = fitted.find_period(panel)
        fitted.window = max(2, min(2 * period if period > 1 else 12, shortest_of(panel) // 3))
    else:
        fitted.window = check_count(window, "window")
        if fitted.window < 2:
            raise ValueError(f"window must be at least 2 timesteps, got {window}")
    fitted.fit(panel)
    if fitted.interrupted_:
        # Half-trained, it must not be forecast with: whoever pressed Ctrl-C meant all.
        raise KeyboardInterrupt
    return fitted


def synthesize(
    fitted: SeriesGenerator, panel: Panel, n_series: int, seed: int, **how: bool
) -> list[Panel]:
    """Return ``n_series`` synthetic versions of a panel, each with its numbers and times."""
    n_actual = panel.index.get_level_values(0).nunique()
    sample = fitted.sample(n_series * n_actual, like=panel, random_state=seed, **how)
    numbers = pd.factorize(sample.index.get_level_values(0))[0]
    versions = []
    for k in range(n_series):
        part = sample[(numbers >= k * n_actual) & (numbers < (k + 1) * n_actual)]
        own = part.index.get_level_values(0) - sample.index[0][0] - k * n_actual
        versions.append(renumbered(part, own, panel.index.names))
    return versions


def seed_of(random_state: RandomState) -> int:
    """Return a seed; numpy's global stream, which sktime's ``None`` stands for, is left alone."""
    return draw_seed(random_state) % (2**31 - 1)
