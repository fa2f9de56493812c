"""Shadow generators: fitted to random halves of the owners, so that it is known who was in."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from sklearn_timegen._random import derive_seed, seed_estimator
from sklearn_timegen._rows import flat_rows
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.reading import reading_options
from sklearn_timegen.data.samples import Reading, read_real, rows_of, same_length
from sklearn_timegen.metrics._common import Array, check_choice, nearest_distances, rounding
from sklearn_timegen.metrics._reading import Completion
from sklearn_timegen.metrics.privacy._owners import (
    Codes,
    Mask,
    check_owners,
    halves,
    mean_by_owner,
    rows_of_owners,
)
from sklearn_timegen.metrics.privacy._spaces import least_distance
from sklearn_timegen.metrics.scorer import draw_series

__all__ = ["Population", "Shadow", "copying", "fit_shadows"]

LEAST_SHADOWS = 4  # each in turn is the target, and every owner is in and out of the others
SIGNALS = ("auto", "density", "distance")
LEAST_OWNERS = 8  # of which four are in, and of the others two are the reference

Hide = Callable[[Reading, tuple[int, int]], Mask]


@dataclass(frozen=True, eq=False)
class Population:
    """Real series of owners, as numbers without holes.

    Parameters
    ----------
    x : ndarray of shape (n_series, n_timesteps, n_channels)
        The series, with the channels that say what is missing, as all samples have them.
    owner_of : ndarray of int of shape (n_series,)
        The owner of each, from 0.
    observed : ndarray of bool of shape (n_series, n_timesteps, n_columns)
        Where there are values, in the columns that are no such channels.
    hidden : ndarray of bool of shape (n_timesteps, n_columns)
        Which of these are secret; none where nothing is guessed.
    """

    x: Array
    owner_of: Codes
    observed: Mask
    hidden: Mask

    @property
    def n_owners(self) -> int:
        """How many owners there are."""
        return int(self.owner_of.max()) + 1

    def by_owner(self, values: Array) -> Array:
        """Return the mean over the series of each owner."""
        return mean_by_owner(values, self.owner_of, self.n_owners)

    def rows(self, chosen: Mask) -> Codes:
        """Return the rows of the series of owners."""
        return rows_of_owners(self.owner_of, chosen)


@dataclass(frozen=True, eq=False)
class Shadow:
    """A generator that was fitted to half of the owners, as an attacker sees it.

    Parameters
    ----------
    is_member : ndarray of bool of shape (n_owners,)
        Whose series it was fitted to.
    synthetic : ndarray of shape (n_synthetic, n_timesteps, n_channels)
        What it drew.
    log_density : ndarray of shape (n_owners,) or None
        Its log-density at the series of each owner, their mean; ``None`` if it has none.
    """

    is_member: Mask
    synthetic: Array
    log_density: Array | None

    def signal(self, known: Population) -> Array:
        """Return how likely each owner's series are to this generator, by its best account.

        The log-density, or without one minus the log of the distance to the nearest draw.
        """
        return self.closeness(known) if self.log_density is None else self.log_density

    def closeness(self, known: Population) -> Array:
        """Return minus the log of the distance of each owner's series to the nearest draw."""
        rows, drawn = flat_rows(known.x, self.synthetic)
        tolerance = rounding(known.x)
        distances = nearest_distances(rows, drawn, tolerance=tolerance)
        least = least_distance(distances, tolerance)
        return known.by_owner(-np.log(np.maximum(distances, least)))


def _nothing(reading: Reading, shape: tuple[int, int]) -> Mask:
    """Hide no cell: attacks on membership alone do not guess."""
    return np.zeros(shape, dtype=bool)


def fit_shadows(
    generator_factory: Any,
    X: ArrayLike,
    y: Any,
    owners: ArrayLike | None,
    *,
    n_shadows: int,
    n_synthetic: int | None,
    signal: str,
    seed: int,
    hide: Hide = _nothing,
) -> tuple[Population, list[Shadow]]:
    """Fit generators to halves of the owners, and draw from each as many series as it saw.

    ``hide`` says which cells are secret, or refuses to; without it none are.
    """
    make = _maker(generator_factory)
    check_choice(signal, SIGNALS, "signal")
    n_shadows = check_count(n_shadows, "n_shadows", LEAST_SHADOWS)
    if n_synthetic is not None:
        n_synthetic = check_count(n_synthetic, "n_synthetic", 2)
    first = make()
    options = reading_options(first)
    x, reading = read_real(X, "X", n_channels=options.n_channels, layout=options.layout)
    owner_of = check_owners(owners, len(x))
    n_owners = int(owner_of.max()) + 1
    if n_owners < LEAST_OWNERS:
        raise ValueError(
            f"X has series of {n_owners} owners, and attacks compare owners that were trained on "
            f"with others: at least {LEAST_OWNERS} are needed, and 1,000 to see a false-positive "
            "rate of 0.1%"
        )
    target = None if y is None else np.asarray(y)
    if target is not None and len(target) != len(x):
        raise ValueError(f"y must be one for each of the {len(x)} series of X, got {len(target)}")
    hide(reading, x.shape[1:])  # refuses before anything is fitted
    rng = np.random.default_rng(derive_seed(seed, "halves"))
    drawn, densities, members = [], [], list(halves(n_owners, n_shadows, rng))
    for k, is_member in enumerate(members):
        generator = first if k == 0 else make()
        seed_estimator(generator, derive_seed(seed, f"generator {k}"))
        rows = rows_of_owners(owner_of, is_member)
        own_y = None if target is None else target[rows]
        given = () if own_y is None else (own_y,)
        _take_budget(generator, rows, len(x))
        generator.fit(rows_of(X, rows), *given)
        n = n_synthetic or len(rows)
        sample, _ = draw_series(generator, n, own_y, derive_seed(seed, f"sample {k}"))
        drawn.append(reading.read(sample, f"the sample of shadow generator {k}", "X"))
        densities.append(_log_density(generator, X, target, signal))
    if any(log_p is None for log_p in densities):  # nor can others be compared with it
        densities = [None] * len(densities)
    x, *drawn = same_length(reading, x, *drawn)
    shown = Completion.of(x, *drawn)
    known = Population(shown(x), owner_of, np.isfinite(x), hide(reading, x.shape[1:]))
    shadows = [
        Shadow(is_member, shown(sample), None if log_p is None else known.by_owner(log_p))
        for is_member, sample, log_p in zip(members, drawn, densities, strict=True)
    ]
    return known, shadows


def copying(known: Population, shadows: list[Shadow]) -> list[Shadow]:
    """Return shadows of a generator that gives its training series back: the ceiling."""
    return [
        replace(shadow, synthetic=known.x[known.rows(shadow.is_member)], log_density=None)
        for shadow in shadows
    ]


def _take_budget(generator: Any, rows: Codes, n_series: int) -> None:
    """Leave of the owners that a generator's privacy budget names those whose series it sees."""
    budget = getattr(generator, "private", None)
    if budget is not None:
        budget.owner_codes(n_series)  # refuses owners of other series
        generator.set_params(private=budget.take(rows))


def _log_density(generator: Any, X: Any, y: Any, signal: str) -> Array | None:
    """Return log-densities, those of 0 density at the lowest that is not.

    ``None`` where distances are asked for, or by ``"auto"`` if not all series have a density.
    """
    if signal == "distance":
        return None
    asked = (y,) if getattr(generator, "conditional", False) else ()
    try:
        # Generators refuse by these: without the method, for data that have no density, or for
        # series that half of the owners have none like: longer ones, or further categories.
        log_p = np.asarray(generator.score_samples(X, *asked), dtype=np.float64)
    except (AttributeError, TypeError, ValueError) as error:
        if signal == "auto":
            return None
        raise ValueError(
            f"signal='density' needs a generator with densities, which {generator!r} does not "
            f"have of these series: pass signal='distance'; {error}"
        ) from error
    finite = np.isfinite(log_p)
    wrong = np.isnan(log_p) | (log_p == np.inf)
    if finite.any() and not wrong.any():
        return np.where(finite, log_p, log_p[finite].min())
    if signal == "auto":
        return None
    raise ValueError(
        f"score_samples of {generator!r} tells no density of {int((~finite).sum())} of the "
        f"{len(log_p)} series, which signal='density' needs: pass signal='distance'"
    )


def _maker(factory: Any) -> Callable[[], Any]:
    """Return what makes unfitted generators: a function, or one that is cloned."""
    if hasattr(factory, "fit") and hasattr(factory, "sample") and not isinstance(factory, type):
        return lambda: clone(factory)
    if not callable(factory):
        raise ValueError(
            "generator_factory must be a generator, or a function without arguments that returns "
            f"one, got {reprlib.repr(factory)}"
        )

    def make() -> Any:
        generator = factory()
        if not (hasattr(generator, "fit") and hasattr(generator, "sample")):
            raise ValueError(
                "generator_factory must return an unfitted generator, with fit and sample, got "
                f"{generator!r}"
            )
        return generator

    return make
