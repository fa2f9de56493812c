"""What is learned from a generator's own draws: the distribution of normal scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen.rules.channel_hold import ChannelHolder
from sklearn_timegen.rules.smoothing import StateSmoother
from sklearn_timegen.rules.stillness import stand_still
from sklearn_timegen.rules.structure import Structure

__all__ = ["MarginalCalibration", "Postprocesses", "choose_postprocess", "complete_by"]

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]

N_LEVELS = 200
N_END = 10  # of the levels: the tail in whose proportion what lies beyond is moved


class MarginalCalibration(BaseEstimator):
    """Bring the values of some channels to the distribution that they have in training.

    Where a value of the data is an interval of a coordinate, as zeros are below a threshold, what
    a generator gets wrong of the coordinate's spread decides how often zeros come. So quantiles of
    what it draws are mapped to those of training, over all timesteps of a channel together;
    beyond them the map goes on in the proportion of the tails.

    Parameters
    ----------
    channels : sequence of int
        The channels.
    static : sequence of int, default=()
        Those of them that are constant along time: of these, means along time are mapped.

    Attributes
    ----------
    quantiles_ : ndarray of shape (n_channels, n_levels)
        Those of training.
    drawn_ : ndarray of shape (n_channels, n_levels)
        Those of the generator; of training, until ``calibrate`` is called.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import MarginalCalibration
    >>> rng = np.random.default_rng(0)
    >>> calibration = MarginalCalibration([0]).fit(rng.normal(size=(500, 9, 1)))
    >>> drawn = 0.5 * rng.normal(size=(500, 9, 1))
    >>> bool(abs(calibration.calibrate(drawn).transform(drawn).std() - 1) < 0.02)
    True
    """

    # Series of one level make few independent values: a percent needs more than a few hundred.
    n_draws: ClassVar[int] = 3000

    def __init__(self, channels: Sequence[int], static: Sequence[int] = ()) -> None:
        self.channels = channels
        self.static = static

    def fit(self, u: NDArray[Any]) -> MarginalCalibration:
        """Learn the quantiles of training series ``(n_samples, n_timesteps, n_channels)``."""
        self.quantiles_ = self._quantiles(u)
        self.drawn_ = self.quantiles_
        return self

    def calibrate(self, drawn: NDArray[Any]) -> MarginalCalibration:
        """Learn the quantiles of series that were drawn."""
        check_is_fitted(self)
        finite = np.isfinite(drawn).all(axis=(1, 2))
        if finite.any():
            self.drawn_ = self._quantiles(drawn[finite])
        return self

    def transform(self, u: NDArray[Any]) -> NDArray[Any]:
        """Return series with the channels' values mapped."""
        check_is_fitted(self)
        if self.drawn_ is self.quantiles_:
            return u
        out = u.copy()
        for k, d in enumerate(self.channels):
            knots, values = self.drawn_[k], self.quantiles_[k]
            x = self._column(u, d)
            inside = x.clip(knots[0], knots[-1])
            slope = np.where(
                x < knots[0], _slope(values, knots), _slope(values[::-1], knots[::-1])
            )
            out[:, :, d] = np.interp(inside, knots, values) + slope * (x - inside)
        return out

    def _quantiles(self, u: NDArray[Any]) -> Array:
        levels = (np.arange(N_LEVELS) + 0.5) / N_LEVELS
        columns = [np.broadcast_to(self._column(u, d), u.shape[:2]) for d in self.channels]
        rows = np.stack(columns, axis=2).reshape(-1, len(self.channels))
        quantiles: Array = np.quantile(rows, levels, axis=0, method="hazen").T
        return quantiles

    def _column(self, u: NDArray[Any], d: int) -> Array:
        """Return a channel; of one that is constant along time, its one value."""
        x: Array = u[:, :, d].astype(np.float64)
        return x.mean(axis=1, keepdims=True) if d in self.static else x


def _slope(values: Array, knots: Array) -> float:
    """Return by how much values rise with knots at their beginning."""
    width = float(np.abs(knots[N_END] - knots[0]))
    return float(np.abs(values[N_END] - values[0])) / width if width > 0 else 1.0


class Postprocesses(BaseEstimator):
    """Several postprocessings, of which each sees what those before it return.

    Parameters
    ----------
    steps : sequence of object
        Each with ``fit(u)``, ``calibrate(drawn)`` and ``transform(u)``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import GridSnapper, MarginalCalibration, Postprocesses
    >>> u = np.random.default_rng(0).normal(size=(100, 4, 2)).astype(np.float32)
    >>> both = Postprocesses([GridSnapper(), MarginalCalibration([1])]).fit(u)
    >>> np.array_equal(both.transform(u), u)
    True
    """

    def __init__(self, steps: Sequence[Any]) -> None:
        self.steps = steps

    @property
    def n_draws(self) -> int:
        """How many series ``calibrate`` is to be shown."""
        return max(step.n_draws for step in self.steps)

    def fit(self, u: NDArray[Any]) -> Postprocesses:
        """Fit each step to training series."""
        for step in self.steps:
            step.fit(u)
        return self

    def calibrate(self, drawn: NDArray[Any]) -> Postprocesses:
        """Calibrate each step on what those before it make of series that were drawn."""
        for step in self.steps:
            drawn = step.calibrate(drawn).transform(drawn)
        return self

    def transform(self, u: NDArray[Any]) -> NDArray[Any]:
        """Apply the steps one after another."""
        for step in self.steps:
            u = step.transform(u)
        return u

    def complete(self, u: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
        """Apply the steps one after another to what is not ``known`` of series."""
        for step in self.steps:
            u = complete_by(step, u, known)
        return u

    def transform_channels(self, x: FloatArray) -> FloatArray:
        """Apply those steps to series that are about channels, not coordinates."""
        for step in self.steps:
            if hasattr(step, "transform_channels"):
                x = step.transform_channels(x)
        return x

    def complete_channels(self, x: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
        """Apply these to what is not ``known`` of series."""
        for step in self.steps:
            if hasattr(step, "complete_channels"):
                x = step.complete_channels(x, known)
        return x


def complete_by(step: Any, u: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
    """Apply a postprocessing to what is not known of series, whether it knows of that or not."""
    if hasattr(step, "complete"):
        completed: NDArray[Any] = step.complete(u, known)
        return completed
    return np.where(known, u, step.transform(u))


def choose_postprocess(
    x: FloatArray,
    u: FloatArray,
    structure: Structure,
    known: NDArray[np.bool_] | None = None,
) -> Any:
    """Return what the coordinates of series need, fitted to them; ``None`` if nothing.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_timesteps, n_channels)
        Training series, NaN where values are missing.
    u : ndarray of shape (n_samples, n_timesteps, n_coordinates)
        Their coordinates.
    structure : Structure
        The structure that they are coordinates of.
    known : ndarray of bool of the shape of ``u`` or None, default=None
        Which of them are no draws for what is missing; ``None`` is all.

    Returns
    -------
    postprocess : object or None
        With ``calibrate(drawn)`` and ``transform(u)``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Structure, choose_postprocess
    >>> rng = np.random.default_rng(0)
    >>> rain = rng.exponential(size=(200, 9, 1)) * (rng.random((200, 9, 1)) < 0.5)
    >>> rain, structure = rain.astype(np.float32), Structure()
    >>> choose_postprocess(rain, structure.fit_transform(rain), structure)
    MarginalCalibration(channels=[0])
    """
    steps: list[Any] = []
    # What is constant along time stands still without being read on a grid.
    columns = structure.coordinates_
    static = columns.static
    channels = ChannelHolder(structure).fit(x)
    ordered = [k for k, key in enumerate(columns.keys) if key in channels.channels_]
    others = {*static, *columns.directions, *ordered}
    moving = [k for k in range(u.shape[2]) if k not in others]
    scored = columns.scored
    own = [k for k in moving if k not in scored]
    steps += stand_still(u, own, known=known, on_grids=[k for k in moving if k in scored])
    if scored:
        still = tuple(d for d in static if d in scored)
        steps.append(MarginalCalibration(scored, still).fit(u))
    if columns.states and u.shape[1] > 1:
        steps.append(StateSmoother(columns.states).fit(u))
    if channels.steps_:
        steps.append(channels)
    return steps[0] if len(steps) == 1 else Postprocesses(steps) if steps else None
