"""Block bootstrap of series, or of what trend and season leave over."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen.base import BaseGenerator, estimator, fitted, param
from sklearn_timegen.classical._rows import draw_rows
from sklearn_timegen.data import Series
from sklearn_timegen.representation import Representation

__all__ = ["BlockBootstrap"]

FloatArray = NDArray[np.float32]
Index = NDArray[np.int64]


@estimator
class BlockBootstrap(BaseGenerator):
    """Rearrange a training series in blocks, whole or around its trend and season.

    A sample starts from a training series, drawn at random, and puts it together anew from
    blocks of itself; all channels move together. With ``decomposition="stl"`` only the remainder
    moves, and trend and season stay, as in bagged forecasting. The seams between blocks are where
    it is found out, and each sample has the level of a training series: a floor, not a model.

    References
    ----------
    H. Kuensch (1989), "The jackknife and the bootstrap for general stationary observations",
    Annals of Statistics 17. https://doi.org/10.1214/aos/1176347265

    D. Politis and J. Romano (1994), "The stationary bootstrap", Journal of the American
    Statistical Association 89. https://doi.org/10.1080/01621459.1994.10476870

    C. Bergmeir, R. Hyndman and J. Benitez (2016), "Bagging exponential smoothing methods using
    STL decomposition and Box-Cox transformation", International Journal of Forecasting 32.
    https://doi.org/10.1016/j.ijforecast.2015.07.002

    Examples
    --------
    >>> from sklearn_timegen import BlockBootstrap
    >>> from sklearn_timegen.datasets import make_ar
    >>> X = make_ar(50, 24, 2, random_state=0)
    >>> BlockBootstrap(block_length=6, random_state=0).fit(X).sample(5).shape
    (5, 24, 2)
    """

    block_length: int | str = param(
        default="auto",
        doc="""Timesteps of a block, on average for ``"stationary"``; at most the series.
        ``"auto"`` is the cube root of the number of timesteps, but at least 2 (Hall, Horowitz and
        Jing 1995 give the order).""",
        check=[Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    )
    method: Literal["moving", "stationary"] = param(
        default="moving",
        doc="""Blocks of one length that begin anywhere in the series; or blocks of geometric
        lengths that go on at the series' beginning when they reach its end.""",
        check=[StrOptions({"moving", "stationary"})],
    )
    decomposition: Literal["stl"] | None = param(
        default=None,
        doc="""What to move: the series, or the remainder of a robust STL decomposition
        (statsmodels).""",
        check=[StrOptions({"stl"}), None],
    )
    period: int | None = param(
        default=None,
        doc="Timesteps of a season, for STL: at least 2, and two of them in the series.",
        check=[Interval(Integral, 2, None, closed="left"), None],
    )
    conditional: bool = param(
        default=False,
        doc="Whether to draw given ``y``: from series of a label, or of the nearest vectors.",
    )
    representation: str | Representation = param(
        default="standard",
        doc="""The view of series in which blocks are moved; it has to keep the time axis. See
        :mod:`sklearn_timegen.representation`.""",
    )

    REAL_DATA: ClassVar[Mapping[str, str]] = {"_moved": "the training series"}

    block_length_: int = fitted("Timesteps of a block.")

    def _fit(self, series: Series) -> None:
        if not self._space.has_time_axis:
            raise ValueError(
                f"representation={self.representation!r} has no time axis to cut blocks from"
            )
        v = series.values
        n_timesteps = v.shape[1]
        length = self.block_length
        if isinstance(length, str):
            length = max(2, round(n_timesteps ** (1 / 3)))
        self.block_length_ = min(int(length), n_timesteps)
        self._conditions = series.conditions
        self._kept = np.zeros_like(v) if self.decomposition is None else self._trend_and_season(v)
        self._moved = v - self._kept

    def _draw(self, n_samples: int, c: FloatArray | None, rng: np.random.Generator) -> FloatArray:
        rows = draw_rows(
            self._conditions, c, self._given_vectors, len(self._moved), n_samples, rng
        )
        blocks = _moving if self.method == "moving" else _stationary
        timesteps = blocks(n_samples, self._moved.shape[1], self.block_length_, rng)
        v: FloatArray = self._kept[rows] + self._moved[rows[:, None], timesteps]
        return v

    def _trend_and_season(self, v: FloatArray) -> FloatArray:
        """Trend and season of each series and channel."""
        try:
            from statsmodels.tsa.seasonal import STL
        except ImportError as error:
            raise ImportError(
                "decomposition='stl' needs statsmodels: pip install statsmodels"
            ) from error
        if self.period is None or 2 * self.period > v.shape[1]:
            raise ValueError(
                f"decomposition='stl' needs a period of which two fit into the {v.shape[1]} "
                f"timesteps, got period={self.period!r}"
            )
        kept = np.empty_like(v)
        for i in range(len(v)):
            for k in range(v.shape[2]):
                parts = STL(v[i, :, k].astype(np.float64), period=self.period, robust=True).fit()
                kept[i, :, k] = parts.trend + parts.seasonal
        return kept


def _moving(n_samples: int, n_timesteps: int, length: int, rng: np.random.Generator) -> Index:
    """Timesteps to take: blocks of one length, the last one cut."""
    n_blocks = -(-n_timesteps // length)
    starts = rng.integers(n_timesteps - length + 1, size=(n_samples, n_blocks, 1))
    blocks: Index = (starts + np.arange(length)).reshape(n_samples, -1)[:, :n_timesteps]
    return blocks


def _stationary(n_samples: int, n_timesteps: int, length: int, rng: np.random.Generator) -> Index:
    """Timesteps to take: at each, a new block begins with probability one over its length."""
    begins = rng.random((n_samples, n_timesteps)) < 1 / length
    begins[:, 0] = True
    starts = rng.integers(n_timesteps, size=(n_samples, n_timesteps))
    now = np.arange(n_timesteps)
    began = np.maximum.accumulate(np.where(begins, now, 0), axis=1)
    taken: Index = (np.take_along_axis(starts, began, axis=1) + now - began) % n_timesteps
    return taken
