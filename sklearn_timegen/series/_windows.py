"""Windows of a fitted generator, put together to series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._joining import WindowJoiner
from sklearn_timegen.series._calendar import calendar_features, with_label
from sklearn_timegen.series._words import Words

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.series._models import Models
    from sklearn_timegen.series._request import Asked

__all__ = ["Own", "WindowSource"]

Array = NDArray[np.float64]
N_LEARNED = 2000  # windows to learn the joining from
N_TOGETHER = 256  # series that are drawn at once
N_TRIED = 256  # windows that the first one of a series is chosen from, beside eight for each
MISMATCH = 1e6  # a distance beyond all others: another category than the series has


@dataclass(frozen=True)
class Own:
    """What belongs to each series for all of its time, as a shop's level.

    Parameters
    ----------
    columns : list of int
        Where it stands among the channels.
    values : ndarray of shape (n_series, n_columns)
        What it is, of each series.
    words : Words
        Which of it stands for categories.
    """

    columns: list[int]
    values: Array
    words: Words

    def nearest(self, windows: Array) -> Array:
        """Return for each series the window that is nearest to it, none of them twice."""
        found = windows[:, :, self.columns].mean(axis=1)
        spread = found.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        numbers = np.setdiff1d(np.arange(len(self.columns)), self.words.positions)
        apart = (self.values[:, None, numbers] - found[None, :, numbers]) / spread[numbers]
        differs = self.words.codes(self.values)[:, None] != self.words.codes(found)[None]
        distance = np.square(apart).sum(axis=2) + MISMATCH * differs.sum(axis=2)
        chosen = np.empty(len(self.values), dtype=np.int64)
        for i, row in enumerate(distance):
            chosen[i] = row.argmin()
            distance[:, chosen[i]] = np.inf
        return windows[chosen]

    def put(self, x: Array) -> Array:
        """Return series with their own values in the place of those that were drawn."""
        own = self.values.copy()
        words = self.words.positions
        if len(words):
            own[:, words] = x[:, :, self.columns].mean(axis=1)[:, words]
        x = x.copy()
        x[:, :, self.columns] = self.words.told(self.words.codes(self.values), own)[:, None]
        return x


@dataclass
class WindowSource:
    """Draws windows, each given the calendar of its beginning, and goes on from them.

    Without a joiner, a window is asked of the generator itself, which has ``forecast``.
    """

    generator: Any  # what can forecast has more than any generator
    window: int
    overlap: int
    n_channels: int
    calendar: tuple[str, ...]
    classes: tuple[Any, ...] = ()  # of labels, which are told beside a calendar
    joiner: WindowJoiner | None = None
    # The training windows' conditions, number of candidates, and seed, until there is a joiner.
    to_learn: tuple[Array | None, int, int] | None = None

    def learn(self) -> None:
        """Learn to join windows by searching, from drawn ones, if that is still to be done."""
        if self.to_learn is None:
            return
        conditions, n_candidates, seed = self.to_learn
        rng = np.random.default_rng(seed)
        # Conditions of training windows stand for any time that samples may begin at.
        asked = None if conditions is None else rng.permutation(conditions)[:N_LEARNED]
        windows = self._draw(N_LEARNED if asked is None else len(asked), asked, rng)
        self.joiner = WindowJoiner(self.overlap, n_candidates).fit(windows, rng)
        self.to_learn = None

    def series(
        self,
        n_series: int,
        times: pd.Index | range,
        rng: np.random.Generator,
        own: Own | None = None,
        label: Any = None,
    ) -> Array:
        """Return series ``(n_series, len(times), n_channels)`` that begin at one time.

        All have one ``label``, if windows have labels. Each begins
        with a window that is like its ``own`` values, if there are such.
        """
        if len(times) == 0:
            return np.empty((n_series, 0, self.n_channels))
        n_drawn = n_series if own is None else N_TRIED + 8 * n_series

        def given(at: int) -> Any:
            return self._given(times, at, label) if self.calendar else label

        x = self._draw(n_drawn, given(0), rng)
        # What goes on from it is searched by what belongs to the series, too.
        x = x if own is None else own.put(own.nearest(x))
        if len(times) <= self.window:
            return x[:, : len(times)]
        self.learn()
        if self.joiner is not None:

            def draw(n: int, at: int) -> Array:
                return self._draw(n, given(at), rng)

            return self.joiner.extend(x, draw, len(times), rng)
        # At most half a window is new at a time, so that it lies in the window of its calendar.
        n_new = min(self.window - self.overlap, max(1, self.window // 2))
        n_past = self.window - n_new
        while x.shape[1] < len(times):
            at = x.shape[1] - n_past
            x = np.concatenate([x, self._go_on(x[:, at:], n_new, given(at), rng)], 1)
        return x[:, : len(times)]

    def draw_like(
        self, asked: list[Asked], models: Models, rng: np.random.Generator
    ) -> list[Array]:
        """Return transformed series; those with the same conditions are drawn together.

        Not more than ``N_TOGETHER`` at once, whose candidates are compared with each other.
        """
        groups: dict[Any, list[int]] = {}
        for i, item in enumerate(asked):
            groups.setdefault((item.start if self.calendar else None, item.label), []).append(i)
        values: dict[int, Array] = {}
        for members in (
            group[k : k + N_TOGETHER]
            for group in groups.values()
            for k in range(0, len(group), N_TOGETHER)
        ):
            longest = max((asked[i] for i in members), key=lambda item: item.length)
            own = models.own([asked[i] for i in members])
            times, label = self._times(longest, models), asked[members[0]].label
            joined = self.series(len(members), times, rng, own, label)
            if own is not None:
                joined = own.put(joined)
            pairs = zip(members, joined, strict=True)
            values.update({i: models.at_level(x, asked[i]) for i, x in pairs})
        return [values[i] for i in range(len(asked))]

    def _times(self, asked: Asked, models: Models) -> pd.Index | range:
        """Return the times of a transformed series, or numbers where nobody reads times."""
        n_lost = models.chain.n_lost
        if models.plan.whole:
            return range(self.window)
        if not self.calendar:
            return range(max(0, asked.length - n_lost))
        return models.records[asked.like].timeline.make(asked.start, asked.length)[n_lost:]

    def _given(self, times: pd.Index | range, at: int, label: Any) -> Any:
        features = calendar_features(times[at : at + 1], self.calendar)
        return with_label(features, label, self.classes)[0]

    def _draw(self, n: int, y: Any, rng: np.random.Generator) -> Array:
        conditions = {} if y is None else {"y": y}
        windows = self.generator.sample(n, random_state=int(rng.integers(2**31)), **conditions)
        return np.asarray(windows, dtype=np.float64)

    def _go_on(self, past: Array, n_new: int, y: Any, rng: np.random.Generator) -> Array:
        conditions = {} if y is None else {"y": y}
        seed = int(rng.integers(2**31))
        future = self.generator.forecast(past, n_new, random_state=seed, **conditions)
        return np.asarray(future, dtype=np.float64)
