"""What makes a series stationary before windows are cut from it, and is undone afterwards.

Every transform is fitted to all training series, and turns values back for a new series that is
like the k-th of them: from a position on, in timesteps after that one's beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special
from sklearn.base import BaseEstimator, clone

from sklearn_timegen.data.tables.container import Columns, Record

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRANSFORMS", "Chain", "SeriesTransform"]

Array = NDArray[np.float64]


class SeriesTransform:
    """Base: ``fit_transform`` on all series, ``inverse`` for one like the k-th."""

    n_lost = 0  # timesteps at the beginning that the inverse brings back

    def fit_transform(self, series: list[Record], columns: Columns) -> list[Array]:
        """Learn from series, and return their transformed values."""
        raise NotImplementedError

    def inverse(self, values: Array, like: int, position: int, index: pd.Index) -> Array:
        """Return values in the original units: like series ``like``, from ``position`` on.

        ``index`` holds the times of ``values``, and of ``n_lost`` timesteps before.
        """
        raise NotImplementedError


class Log(SeriesTransform):
    """Natural logarithm; of dates there is none, they stay as they are."""

    def fit_transform(self, series: list[Record], columns: Columns) -> list[Array]:
        self.amounts_ = _amounts(columns)
        low = np.min([record.values.min(axis=0) for record in series], axis=0)
        for k in self.amounts_:
            if low[k] <= 0:
                raise ValueError(
                    f"transform='log' needs positive values, but {columns.label(k)} goes down to "
                    f"{low[k]:g}; add an offset, or use 'box-cox', which leaves such columns as "
                    "they are, 'difference' or PowerTransformer(method='yeo-johnson')"
                )
        return [self._apply(np.log, record.values) for record in series]

    def inverse(self, values: Array, like: int, position: int, index: pd.Index) -> Array:
        return self._apply(np.exp, values)

    def _apply(self, function: Any, values: Array) -> Array:
        out = values.copy()
        out[:, self.amounts_] = function(values[:, self.amounts_])
        return out


class BoxCox(SeriesTransform):
    """Box-Cox, its lambda in [0, 1] by maximum likelihood for each series and channel.

    Channels that are not positive stay as they are, and so do dates. The interval is that of
    C. Bergmeir, R. Hyndman and J. Benitez (2016), "Bagging exponential smoothing methods using STL
    decomposition and Box-Cox transformation".
    """

    def fit_transform(self, series: list[Record], columns: Columns) -> list[Array]:
        self.lambdas_ = [np.full(record.values.shape[1], np.nan) for record in series]
        for lambdas, record in zip(self.lambdas_, series, strict=True):
            for k in _amounts(columns):
                lambdas[k] = _choose_lambda(record.values[:, k])
        return [self._apply(record.values, k) for k, record in enumerate(series)]

    def _apply(self, values: Array, k: int) -> Array:
        out = values.copy()
        for j, power in enumerate(self.lambdas_[k]):
            if not np.isnan(power):
                out[:, j] = special.boxcox(values[:, j], power)
        return out

    def inverse(self, values: Array, like: int, position: int, index: pd.Index) -> Array:
        """Invert; below the range of the transform is its least value."""
        out = values.copy()
        for j, power in enumerate(self.lambdas_[like]):
            if np.isnan(power):
                continue
            least = -np.inf if power == 0 else -1 / power * (1 - 1e-9)
            out[:, j] = special.inv_boxcox(np.maximum(values[:, j], least), power)
        return out


class Difference(SeriesTransform):
    """First differences; undone from the value that the training series has at the position."""

    n_lost = 1

    def fit_transform(self, series: list[Record], columns: Columns) -> list[Array]:
        self.levels_ = [record.values for record in series]
        return [np.diff(record.values, axis=0) for record in series]

    def inverse(self, values: Array, like: int, position: int, index: pd.Index) -> Array:
        known = self.levels_[like]
        first = known[np.clip(position, 0, len(known) - 1)]
        return np.cumsum(np.concatenate([first[None], values]), axis=0)


class STLRemainder(SeriesTransform):
    """What trend and season leave over, in units of its own spread.

    STL for each series and channel (statsmodels); without a season, and for a series of less
    than two among longer ones, a local regression
    over six timesteps, as in the bagging of Bergmeir, Hyndman and Benitez (2016). New series get
    trend and season of the training series that they are like; beyond its ends the nearest season
    is repeated, and the trend stays where it was.
    """

    def __init__(self, period: int, robust: bool) -> None:
        self.period = period
        self.robust = robust

    def fit_transform(self, series: list[Record], columns: Columns) -> list[Array]:
        longest = max(len(record.values) for record in series)
        if longest < 2 * self.period:
            raise ValueError(
                f"transform='stl-remainder' needs two seasons of period={self.period}, but the "
                f"longest series has {longest} timesteps; period=1 has no season"
            )
        self.trends_, self.seasons_, left, self.scales_ = [], [], [], []
        self.timelines_ = [record.timeline for record in series]
        for record in series:
            parts = [self._decompose(channel) for channel in record.values.T]
            trend, season = (np.column_stack(part) for part in zip(*parts, strict=True))
            remainder = record.values - trend - season
            spread = remainder.std(axis=0)
            self.trends_.append(trend)
            self.seasons_.append(season)
            self.scales_.append(np.where(spread > 0, spread, 1.0))
            left.append(remainder / self.scales_[-1])
        return left

    def inverse(self, values: Array, like: int, position: int, index: pd.Index) -> Array:
        n_known = len(self.trends_[like])
        at = np.arange(position, position + len(values))
        trend = self.trends_[like][at.clip(0, n_known - 1)]
        at = at + self._turned_clock(at, like, index[len(index) - len(values) :])
        beyond = np.where(at < 0, at % self.period, at)
        last = n_known - self.period + (at - n_known) % self.period
        phase = np.where(at >= n_known, last, beyond).clip(0, n_known - 1)
        season = self.seasons_[like][phase]
        return trend + season + values * self.scales_[like]

    def _turned_clock(self, at: NDArray[np.int64], like: int, index: pd.Index) -> Any:
        """Return by how many timesteps clocks were turned since the series was known.

        A season of the day goes by the clock: beyond the series, summer time moves it.
        """
        timeline = self.timelines_[like]
        known, step = timeline.index, timeline.step
        if getattr(known, "tz", None) is None or not hasattr(step, "nanos"):
            return 0
        offsets = [times.tz_localize(None) - times.tz_convert(None) for times in (index, known)]
        ahead, then = (o.total_seconds().to_numpy() for o in offsets)
        turned = np.where(at < 0, ahead - then[0], np.where(at >= len(known), ahead - then[-1], 0))
        return np.rint(turned * 1e9 / step.nanos).astype(np.int64)

    def _decompose(self, channel: Array) -> tuple[Array, Array]:
        """Return trend and season of one channel."""
        if np.ptp(channel) == 0:
            return channel, np.zeros_like(channel)
        if self.period == 1 or len(channel) < 2 * self.period:
            from statsmodels.nonparametric.smoothers_lowess import lowess

            time = np.arange(len(channel))
            fraction = min(1.0, 6 / len(channel))
            trend = lowess(channel, time, frac=fraction, return_sorted=False)
            return trend, np.zeros_like(channel)
        from statsmodels.tsa.seasonal import STL

        found = STL(channel, period=self.period, robust=self.robust).fit()
        return np.asarray(found.trend), np.asarray(found.seasonal)


class RowTransform(SeriesTransform):
    """A scikit-learn transformer, fitted to the timesteps of all series as rows."""

    def __init__(self, transformer: BaseEstimator) -> None:
        self.transformer = transformer

    def fit_transform(self, series: list[Record], columns: Columns) -> list[Array]:
        self.transformer_ = clone(self.transformer)
        self.transformer_.fit(np.concatenate([record.values for record in series]))
        return [np.asarray(self.transformer_.transform(record.values)) for record in series]

    def inverse(self, values: Array, like: int, position: int, index: pd.Index) -> Array:
        return np.asarray(self.transformer_.inverse_transform(values), dtype=np.float64)


class SktimeTransform(SeriesTransform):
    """An sktime transformer of series to series, a clone of it fitted to each one."""

    def __init__(self, transformer: BaseEstimator) -> None:
        self.transformer = transformer

    def fit_transform(self, series: list[Record], columns: Columns) -> list[Array]:
        self.columns = columns
        self.transformers_ = [self.transformer.clone() for _ in series]
        pairs = zip(self.transformers_, series, strict=True)
        return [
            _as_values(own.fit_transform(self._frame(record.values, record.timeline.index)))
            for own, record in pairs
        ]

    def inverse(self, values: Array, like: int, position: int, index: pd.Index) -> Array:
        """Let the series' clone transform back, at the new times."""
        return _as_values(self.transformers_[like].inverse_transform(self._frame(values, index)))

    def _frame(self, values: Array, index: pd.Index) -> Any:
        import pandas as pd

        if isinstance(index, pd.DatetimeIndex) and index.freq is None and len(index) > 2:
            index = pd.DatetimeIndex(index, freq=pd.infer_freq(index))
        index = index[len(index) - len(values) :]  # without what an earlier step has taken off
        frame = pd.DataFrame(values, index=index)
        if self.columns.names is not None:
            frame.columns = self.columns.index
        return frame


class Chain(SeriesTransform):
    """Transforms one after another; none at all is a chain, too."""

    def __init__(self, transform: Any, period: int) -> None:
        steps = transform if isinstance(transform, list | tuple) else [transform]
        self.steps = [_make(step, period) for step in steps if step is not None]
        self.n_lost = sum(step.n_lost for step in self.steps)

    @property
    def takes_data(self) -> bool:
        """Whether the first step is for values as they are, and not for their logarithms, too."""
        return bool(self.steps) and not isinstance(self.steps[0], Difference | STLRemainder)

    def fit_transform(self, series: list[Record], columns: Columns) -> list[Array]:
        """Fit each step to what the one before returned."""
        for step in self.steps:
            transformed = step.fit_transform(series, columns)
            for record, values in zip(series, transformed, strict=True):
                expected = (len(record.values) - step.n_lost, record.values.shape[1])
                if values.shape != expected or not np.isfinite(values).all():
                    raise ValueError(
                        f"transform={step!r} turned a series of shape {record.values.shape} into "
                        f"shape {values.shape}, or into values that are not finite"
                    )
            series = [
                Record(values, record.timeline, record.key)
                for record, values in zip(series, transformed, strict=True)
            ]
        return [record.values for record in series]

    def inverse(self, values: Array, like: int, position: int, index: pd.Index) -> Array:
        for step in reversed(self.steps):
            values = step.inverse(values, like, position, index)
        return values


TRANSFORMS = ("difference", "log", "box-cox", "stl-remainder", "stl-remainder-robust")


def _make(step: Any, period: int) -> SeriesTransform:
    named = {
        "difference": Difference,
        "log": Log,
        "box-cox": BoxCox,
        "stl-remainder": lambda: STLRemainder(period, robust=False),
        "stl-remainder-robust": lambda: STLRemainder(period, robust=True),
    }
    if isinstance(step, str) and step in named:
        transform: SeriesTransform = named[step]()
        return transform
    if type(step).__name__ == "Differencer":
        raise ValueError(
            "sktime's Differencer knows the level of the times that it was fitted to only: take "
            "transform='difference'"
        )
    if hasattr(step, "inverse_transform") and hasattr(step, "get_tag"):
        output = step.get_tag("scitype:transform-output", raise_error=False)
        if output != "Series" or not step.get_tag("capability:inverse_transform"):
            raise ValueError(
                f"transform={step!r} has to turn a series into a series and to have an inverse"
            )
        return SktimeTransform(step)
    if hasattr(step, "fit") and hasattr(step, "inverse_transform"):
        return RowTransform(step)
    raise ValueError(
        f"transform must be one of {', '.join(TRANSFORMS)}, a scikit-learn or sktime transformer "
        f"with inverse_transform, None, or a list of these; got {step!r}"
    )


def _amounts(columns: Columns) -> list[int]:
    """Return the channels that a power can be taken of: dates have none."""
    return [k for k, channel in enumerate(columns.channels) if channel.kind != "date"]


def _choose_lambda(channel: Array) -> float:
    """Return the lambda of a positive channel that varies, else NaN."""
    if channel.min() <= 0 or np.ptp(channel) == 0:
        return np.nan
    log_sum, n = np.log(channel).sum(), len(channel)

    def minus_log_likelihood(power: float) -> float:
        return n / 2 * np.log(special.boxcox(channel, power).var()) - (power - 1) * log_sum

    found = optimize.minimize_scalar(minus_log_likelihood, bounds=(0, 1), method="bounded")
    return float(found.x)


def _as_values(frame: Any) -> Array:
    values = np.asarray(frame, dtype=np.float64)
    return values if values.ndim == 2 else values[:, None]
