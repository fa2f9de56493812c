"""What is learned from joined series, and done to all that are drawn."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_timegen.rules import (
    GridSnapper,
    MarginalCalibration,
    SampleHolder,
    StateSmoother,
    stand_still,
)
from sklearn_timegen.series._models import Models, cut_apart
from sklearn_timegen.series._request import Asked
from sklearn_timegen.series._windows import WindowSource

__all__ = ["JoinedPostprocess"]

Array = NDArray[np.float64]
Lasting = GridSnapper | SampleHolder | StateSmoother
N_DRAWN = 100  # series, to be compared with those of training
N_WINDOWS = 8  # that they are long


class JoinedPostprocess(BaseEstimator):
    """Bring joined series to the marginals of training, and let values and states last as long.

    Marginals are those of normal scores, which no transform of series touches: they are mapped
    before a series goes over into the end of an actual one, which has them already. What joining
    does to them grows with the distance from the beginning, and settles: the first window has a
    map of its own, so has the second, so have the next two, and all that follow.
    Where channels stand still, and how long states last, is seen in whole series only, after the
    transform is undone.

    Parameters
    ----------
    window : int
        Timesteps of the pieces in which series are looked at.

    Attributes
    ----------
    calibrations_ : list of MarginalCalibration
        The marginals, by the distance from the beginning; none without normal scores.
    lasting_ : list of GridSnapper, SampleHolder, StateSmoother
        What lets channels stand still, and states last.
    """

    def __init__(self, window: int) -> None:
        self.window = window

    def fit(self, models: Models) -> JoinedPostprocess:
        """Learn what training series are like."""
        columns = models.structure.coordinates_
        self._joins = not models.plan.whole
        static = columns.static  # which a series has from the one it is like
        scored = [k for k in columns.scored if k not in static]
        self.calibrations_: list[MarginalCalibration] = []
        if scored:
            calibration = MarginalCalibration(scored).fit(np.concatenate(models.values)[None])
            self.calibrations_ = [copy.copy(calibration) for _ in self._distances]
        n_coordinates = models.coordinates[0].shape[1]
        others = {*scored, *static, *columns.directions}
        moving = [k for k in range(n_coordinates) if k not in others]
        pieces = cut_apart(models.coordinates, self.window)
        # Transforms lead to where training has not been.
        # A piece begins anywhere: where in it holds begin tells nothing of a series.
        self.lasting_: list[Lasting] = [
            *stand_still(pieces, moving, beyond=True, along=models.plan.whole)
        ]
        if columns.states:
            self.lasting_.append(StateSmoother(columns.states).fit(pieces))
        return self

    @property
    def does_nothing(self) -> bool:
        """Whether no channel needs anything."""
        return not self.calibrations_ and not self.lasting_

    def calibrate(
        self, models: Models, source: WindowSource, rng: np.random.Generator
    ) -> JoinedPostprocess:
        """Learn what joined series are like."""
        pieces = [self._piece_of(models, i % len(models.records), rng) for i in range(N_DRAWN)]
        # Marginals are learned of longer series than there are in training, too.
        n_windows = N_WINDOWS if self._joins else 1
        longer = n_windows * self.window + models.chain.n_lost
        drawn = source.draw_like([replace(one, length=longer) for one in pieces], models, rng)
        for calibration, distance in zip(self.calibrations_, self._distances, strict=False):
            calibration.calibrate(np.concatenate([x[distance] for x in drawn])[None])
        if self.lasting_:
            pairs = zip(self.transform_values(drawn), pieces, strict=True)
            u = cut_apart([models.undo(x, one) for x, one in pairs], self.window)
            for step in self.lasting_:
                u = step.calibrate(u).transform(u)
        return self

    def transform_values(self, drawn: list[Array]) -> list[Array]:
        """Map transformed series, before they are led back."""
        if not self.calibrations_:
            return drawn
        mapped = []
        for x in drawn:
            out = x.copy()
            for calibration, distance in zip(self.calibrations_, self._distances, strict=True):
                out[distance] = calibration.transform(x[None, distance])[0]
            mapped.append(out)
        return mapped

    def transform_coordinates(self, series: list[Array]) -> list[Array]:
        """Let the coordinates of series stand still, and states last, a transform undone."""
        if not self.lasting_:
            return series
        made: list[Array] = [*series]
        for length in {len(u) for u in series}:
            those = [i for i, u in enumerate(series) if len(u) == length]
            u = np.stack([series[i] for i in those])
            for step in self.lasting_:
                u = step.transform(u)
            for i, values in zip(those, u, strict=True):
                made[i] = values
        return made

    @property
    def _distances(self) -> list[slice]:
        """Return where joined series are alike, by the distance from their beginning."""
        first = self.window
        ends = [0, first, 2 * first, 4 * first, None] if self._joins else [0, None]
        return [slice(*pair) for pair in pairwise(ends)]

    def _piece_of(self, models: Models, k: int, rng: np.random.Generator) -> Asked:
        """Return a piece to draw, of a few windows, of a training series."""
        timeline = models.records[k].timeline
        if models.plan.whole:
            return Asked(k, timeline.index[0], self.window, models.label_of(k))
        length = min(len(timeline.index), N_WINDOWS * self.window)
        start = int(rng.integers(len(timeline.index) - length + 1))
        return Asked(k, timeline.index[start], length, models.label_of(k))
