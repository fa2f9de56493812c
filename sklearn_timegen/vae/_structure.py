"""What a user says of the structure of series, checked and put into the units of the network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.representation import Representation, SeriesScaler
from sklearn_timegen.rules import ChannelReducer
from sklearn_timegen.vae.decomposition import Limits, Structure, repeats

if TYPE_CHECKING:
    from sklearn_timegen.vae.timevae import TimeVAE

__all__ = ["affine_of", "check_seasonalities", "make_structure"]

Array = NDArray[np.float64]
LONGEST_CYCLE = 20_000  # timesteps, until all seasonalities begin anew together


def check_seasonalities(seasonalities: Sequence[Any]) -> tuple[tuple[int, int], ...]:
    """Return seasonalities as pairs of integers.

    Raises
    ------
    ValueError
        If one is not a pair (number of seasons, 2 at least; length of a season, 1 at least).
    """
    found = []
    if isinstance(seasonalities, str) or not np.iterable(seasonalities):
        raise ValueError(
            f"seasonalities must be pairs (n_seasons, season_length), got {seasonalities!r}"
        )
    for k, pair in enumerate(seasonalities):
        if not isinstance(pair, Sequence | np.ndarray) or isinstance(pair, str) or len(pair) != 2:
            raise ValueError(
                f"seasonalities[{k}] must be a pair (n_seasons, season_length), got {pair!r}"
            )
        n_seasons, length = pair
        for value, least, name in ((n_seasons, 2, "n_seasons"), (length, 1, "season_length")):
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise ValueError(
                    f"seasonalities[{k}]: {name} must be an integer of at least {least}, got "
                    f"{value!r}"
                )
        found.append((int(n_seasons), int(length)))
    return tuple(found)


def affine_of(representation: Representation) -> tuple[Array, Array] | None:
    """Return the shift and scale of a representation that is affine, ``(T or 1, D)`` each."""
    if not isinstance(representation, SeriesScaler):
        return None
    return representation.shift_, representation.scale_


def make_structure(timevae: TimeVAE, n_timesteps: int) -> Structure:
    """Return the structure of a ``TimeVAE``'s decoder, limits in the representation's units.

    Raises
    ------
    ValueError
        If components are missing, do not fit into the windows, contradict each other, or need
        a representation that treats all timesteps alike.
    """
    seasonalities = check_seasonalities(timevae.seasonalities)
    degree = int(timevae.trend_degree)
    if not (timevae.level or timevae.residual or degree or seasonalities):
        raise ValueError(
            "a decoder without level, trend, seasonality and residual draws nothing: leave one on"
        )
    _check_sizes(timevae, degree, seasonalities, n_timesteps)
    structure = Structure(
        level=bool(timevae.level),
        residual=bool(timevae.residual),
        trend_degree=degree,
        seasonalities=seasonalities,
        calendar=timevae.calendar is not None,
    )
    known = ("trend_coefficients", "trend_bounds", "season_profiles", "season_bounds")
    if structure.plain:
        given = [name for name in known if getattr(timevae, name) is not None]
        if given:
            raise ValueError(f"{given[0]} is given, but neither trend_degree nor seasonalities is")
        return structure
    if not timevae._structure.linear:
        raise ValueError(
            "trend and seasonality are those of the channels themselves, but these are written "
            f"in other coordinates by the rules {timevae.rules!r}: leave these out"
        )
    affine = affine_of(timevae.representation_)
    if affine is None or affine[1].shape[0] != 1:
        raise ValueError(
            "trend and seasonality need a representation that treats all timesteps alike, or "
            "they would be none in the units of X: representation='auto', or "
            "SeriesScaler('standard', per='channel') or SeriesScaler('minmax', per='channel'); "
            f"got {timevae.representation!r}"
        )
    return _with_limits(timevae, structure, affine[1][0])


def _check_sizes(
    timevae: TimeVAE, degree: int, seasonalities: tuple[tuple[int, int], ...], n_timesteps: int
) -> None:
    if degree >= n_timesteps:
        raise ValueError(
            f"trend_degree={degree} needs series of more than {degree} timesteps, got "
            f"{n_timesteps} (n_features = {n_timesteps})"
        )
    if timevae.calendar is not None and not seasonalities:
        raise ValueError(f"calendar={timevae.calendar!r} needs seasonalities to be a calendar of")
    if timevae.calendar is not None and not timevae.conditional:
        raise ValueError(
            f"calendar={timevae.calendar!r} is read from y, which conditional=False leaves "
            "unread: set conditional=True"
        )
    for k, (n_seasons, length) in enumerate(seasonalities):
        if timevae.calendar is None and (n_seasons - 1) * length >= n_timesteps:
            raise ValueError(
                f"seasonalities[{k}]=({n_seasons}, {length}) does not fit: series of "
                f"{n_timesteps} timesteps see only {-(-n_timesteps // length)} of its {n_seasons} "
                "seasons. Cut longer windows, or let windows start in any season with calendar="
            )
    _check_told_apart(seasonalities)
    # The seasons of each seasonality sum to the constant curve, as the level is.
    seen = [n_seasons for n_seasons, _ in seasonalities if repeats(n_seasons, n_timesteps)]
    n_curves = int(timevae.level or bool(seen)) + degree + sum(m - 1 for m in seen)
    if timevae.residual and (degree or seasonalities) and n_curves >= n_timesteps:
        raise ValueError(
            f"level, trend and seasonalities can draw any series of {n_timesteps} timesteps "
            f"({n_curves} curves), which leaves residual=True nothing: set residual=False, or "
            "ask for less structure"
        )


def _check_told_apart(seasonalities: tuple[tuple[int, int], ...]) -> None:
    """Refuse seasonalities of which a part could belong to one or to another."""
    cycle = math.lcm(*(m * length for m, length in seasonalities))
    if len(seasonalities) < 2 or cycle > LONGEST_CYCLE:
        return
    t = np.arange(cycle)
    curves = np.concatenate([np.eye(m)[t // length % m] for m, length in seasonalities], axis=1)
    rank = int(np.linalg.matrix_rank(curves.T @ curves))
    if rank < 1 + sum(m - 1 for m, _ in seasonalities):
        raise ValueError(
            f"seasonalities={list(seasonalities)} cannot be told apart: a cycle that belongs to "
            "one belongs to another as well (as quarters do to months). Leave one of them out"
        )


def _with_limits(timevae: TimeVAE, structure: Structure, scale: Array) -> Structure:
    reducer, degree = timevae._structure.reducer_, structure.trend_degree
    n_all, n_seasonalities = len(reducer.source_), len(structure.seasonalities)
    if degree == 0 and not (timevae.trend_coefficients is None and timevae.trend_bounds is None):
        raise ValueError("trend_coefficients or trend_bounds is given, but trend_degree is 0")
    trend = _limits(
        timevae.trend_coefficients,
        timevae.trend_bounds,
        (degree, n_all),
        "trend_coefficients",
        "trend_bounds",
    )
    seasons = []
    pairs = zip(
        _for_each(timevae.season_profiles, n_seasonalities, "season_profiles"),
        _for_each(timevae.season_bounds, n_seasonalities, "season_bounds"),
        structure.seasonalities,
        strict=True,
    )
    for k, (fixed, between, (n_seasons, _)) in enumerate(pairs):
        names = f"season_profiles[{k}]", f"season_bounds[{k}]"
        seasons.append(_limits(fixed, between, (n_seasons, n_all), *names))
    return Structure(
        level=structure.level,
        residual=structure.residual,
        trend_degree=degree,
        seasonalities=structure.seasonalities,
        calendar=structure.calendar,
        trend_limits=_scaled(trend, "the trend", reducer, scale),
        season_limits=tuple(
            _scaled(one, f"season_{k + 1}", reducer, scale) for k, one in enumerate(seasons)
        ),
    )


def _for_each(given: Any, n: int, name: str) -> list[Any]:
    """One entry for each seasonality."""
    if given is None:
        return [None] * n
    if not isinstance(given, list | tuple) or len(given) != n:
        raise ValueError(
            f"{name} must be a list with an entry (or None) for each of {n} seasonality(s), got "
            f"{given!r}"
        )
    return list(given)


def _limits(
    fixed: Any, between: Any, shape: tuple[int, int], fixed_name: str, between_name: str
) -> tuple[Array, Array] | None:
    if fixed is not None and between is not None:
        raise ValueError(f"give {fixed_name} or {between_name}, not both")
    if fixed is not None:
        values = _coefficients(fixed, shape, fixed_name, np.nan)
        if not np.isfinite(values).all():
            raise ValueError(f"{fixed_name} must be finite, got {fixed!r}")
        return values, values
    if between is None:
        return None
    if not isinstance(between, tuple | list) or len(between) != 2:
        raise ValueError(f"{between_name} must be a pair (low, high), got {between!r}")
    low = _coefficients(between[0], shape, between_name, -np.inf)
    high = _coefficients(between[1], shape, between_name, np.inf)
    if np.isnan([low, high]).any() or (low == np.inf).any() or (high == -np.inf).any():
        raise ValueError(f"{between_name}: low and high must be numbers or None, got {between!r}")
    if (low > high).any():
        i, d = np.argwhere(low > high)[0]
        raise ValueError(
            f"{between_name}: low {low[i, d]:g} is above high {high[i, d]:g} (coefficient {i}, "
            f"channel {d})"
        )
    return low, high


def _coefficients(given: Any, shape: tuple[int, int], name: str, free: float) -> Array:
    """``(k, D)`` values from a number, k of them, or all; None is ``free``."""
    try:
        values = np.asarray(given, dtype=object)
        if values.shape not in ((), shape[:1], shape):
            raise ValueError(f"shape {values.shape}")
        values = np.vectorize(lambda v: free if v is None else float(v), otypes=[float])(values)
        by_row = values[:, None] if values.ndim == 1 else values
        out: Array = np.broadcast_to(by_row, shape).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be a number, {shape[0]} numbers, or an array of shape {shape} "
            f"(coefficients or seasons, channels); got {given!r}"
        ) from error
    return out


def _scaled(
    limits: tuple[Array, Array] | None, name: str, reducer: ChannelReducer, scale: Array
) -> Limits | None:
    """Put limits of all channels into the units of those that the network sees."""
    if limits is None:
        return None
    low, high = limits
    for d in set(range(low.shape[1])) - set(reducer.kept_.tolist()):
        constant = not np.isnan(reducer.constants_[d])
        if reducer.source_[d] < 0:
            if np.isfinite(low[:, d]).any() or np.isfinite(high[:, d]).any():
                raise ValueError(
                    f"channel {d} is a combination of other channels in X, and {name} of it "
                    "follows from theirs: give None for it"
                )
            continue
        source = int(reducer.kept_[reducer.source_[d]])
        if constant and not ((low[:, d] <= 0) & (high[:, d] >= 0)).all():
            raise ValueError(f"channel {d} never varies in X: it cannot have {name} as given")
        if not constant and not (_same(low, d, source) and _same(high, d, source)):
            raise ValueError(
                f"channel {d} is a copy of channel {source} in X: what is given of {name} must be "
                "the same for both"
            )
    steps = np.where(scale > 0, scale, 1.0)
    kept_low, kept_high = ((side[:, reducer.kept_] / steps).astype(np.float32) for side in limits)
    return Limits(kept_low, kept_high)


def _same(side: Array, d: int, other: int) -> bool:
    return np.array_equal(side[:, d], side[:, other])
