"""The way of series to what a model learns, and back: fitted once, and asked by all else."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone

from sklearn_timegen._distance import SeriesEmbedding
from sklearn_timegen.data import Series
from sklearn_timegen.data.checks import SeriesLayout, all_finite
from sklearn_timegen.data.reading import ReadingOptions, read_series, reading_options
from sklearn_timegen.data.sentinels import warn_of_sentinels
from sklearn_timegen.representation import (
    Representation,
    Space,
    fit_representation,
    represent,
)
from sklearn_timegen.rules import Structure, choose_postprocess
from sklearn_timegen.rules.calibration import complete_by
from sklearn_timegen.rules.category import rules_of_kinds

if TYPE_CHECKING:
    from sklearn_timegen.base.attributes import Attributes
    from sklearn_timegen.base.data_parameters import DataParameters

__all__ = ["Preprocessing", "learn_preprocessing"]

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """What was learned of the data before a model was: series to represented ones, and back.

    Parameters
    ----------
    options : ReadingOptions
        What was said about channels.
    layout : SeriesLayout
        How the series of ``fit`` were laid out.
    structure : Structure
        What they all keep: series ``x`` to coordinates ``u``, and back.
    representation : object
        Fitted: coordinates to represented series ``v``, and back.
    space : Space
        Where represented series lie.
    postprocess : object or None
        What is done to coordinates on their way back.
    embedding : SeriesEmbedding
        In which series are compared.
    """

    options: ReadingOptions
    layout: SeriesLayout
    structure: Structure
    representation: Any
    space: Space
    postprocess: Any
    embedding: SeriesEmbedding

    @classmethod
    def fit(
        cls,
        x: FloatArray,
        *,
        options: ReadingOptions,
        layout: SeriesLayout,
        structure: Structure,
        representation: str | Representation,
        postprocess: Any,
    ) -> tuple[Preprocessing, Series]:
        """Learn from series; return them represented, too.

        ``structure``, ``representation`` and ``postprocess`` are not fitted yet; the last may be
        ``"auto"``, or ``None``.
        """
        names = None if layout.schema is None else layout.schema.names
        warn_of_sentinels(x, names)
        u, known = structure.fit_encode(x, names)
        if isinstance(postprocess, str):
            postprocess = choose_postprocess(x, u, structure, known)
        elif postprocess is not None:
            postprocess = clone(postprocess, safe=False).fit(u)
        fitted, v, space = fit_representation(representation, u)
        embedding = SeriesEmbedding()
        found = cls(options, layout, structure, fitted, space, postprocess, embedding)
        embedding.fit(found.comparable(x))
        return found, found._series(v, known)

    # -- there -------------------------------------------------------------------------------

    def read(
        self, X: ArrayLike, estimator: BaseEstimator, *, missing: bool | None = None
    ) -> FloatArray:
        """Return series like those of ``fit`` as numbers, NaN where values are missing.

        ``missing`` says whether any may be; ``None`` is what was said in ``fit``.
        """
        options = self.options if missing is None else replace(self.options, missing=missing)
        x, _ = read_series(X, estimator=estimator, options=options, layout=self.layout)
        return x

    def encode(
        self, x: FloatArray, conditions: FloatArray | None = None, *, tell: bool = True
    ) -> Series:
        """Represent series; those that break a rule are reported, with ``tell``."""
        u, known = self.structure.encode(x, tell=tell)
        return self._series(represent(self.representation, u), known, conditions)

    def encode_with_volume(self, x: FloatArray) -> tuple[Series, Array]:
        """Represent series, and return the log-volume by which the way there stretches each.

        Where values are missing, it is that of the cells that were observed.
        """
        volume = self._volume_of_structure(x)
        u, known = self.structure.encode(x)
        series = self._series(represent(self.representation, u), known)
        if series.observed is None:
            return series, volume + self._volume_of_representation(u)
        slopes = np.where(series.observed, self.representation.log_slope(u), 0.0)
        return series, volume + slopes.sum(axis=(1, 2))

    def fills_with_volume(self, x: FloatArray, n_draws: int) -> Iterator[tuple[Series, Array]]:
        """Yield series with draws for what is missing, represented, and a log-volume of each.

        It is that of the whole way, minus the log-density by which the fill was drawn: the mean of
        exp(log-density of the represented series + volume) is the density of what was observed.
        """
        volume = self._volume_of_structure(x)
        for u, log_q in self.structure.fills(x, n_draws):
            series = Series(represent(self.representation, u))
            yield series, volume + self._volume_of_representation(u) - log_q

    @property
    def leaves_cells_apart(self) -> bool:
        """Whether the density of some cells is known of a density of represented ones."""
        by_cell = getattr(self.representation, "cell_by_cell", False)
        return by_cell and hasattr(self.representation, "log_slope")

    def _volume_of_structure(self, x: FloatArray) -> Array:
        return np.zeros(len(x)) + self.structure.log_abs_det_jacobian(x)

    def _volume_of_representation(self, u: FloatArray) -> Array:
        if not hasattr(self.representation, "log_abs_det_jacobian"):
            raise TypeError(
                f"representation={self.representation!r} has no log_abs_det_jacobian(x), which a "
                "density in the units of X needs"
            )
        return np.asarray(self.representation.log_abs_det_jacobian(u))

    def _series(self, v: FloatArray, known: Mask | None, c: FloatArray | None = None) -> Series:
        """Return represented series; of cells that mix several, none counts as missing."""
        by_cell = getattr(self.representation, "cell_by_cell", False)
        observed = known if by_cell and known is not None and known.shape == v.shape else None
        return Series(v, c, observed=observed)

    # -- back --------------------------------------------------------------------------------

    def coordinates(self, v: FloatArray) -> FloatArray:
        """Lead represented series back to the coordinates that they were represented from."""
        u: FloatArray = np.asarray(self.representation.inverse_transform(v), dtype=np.float32)
        return u

    def decode(self, v: FloatArray, **asked: Any) -> FloatArray:
        """Lead represented series back to series; ``asked`` as for ``decode_coordinates``."""
        u = np.asarray(self.representation.inverse_transform(v))
        return self.decode_coordinates(u, **asked)

    def decode_coordinates(
        self,
        u: FloatArray,
        *,
        attributes: Attributes | None = None,
        lengths: NDArray[np.int64] | None = None,
        present: bool = False,
    ) -> FloatArray:
        """Lead coordinates that a model has made to series, which keep all rules.

        They have these ``attributes``, end after so many timesteps, and with ``present`` have
        values where some are missing or beyond the end.
        """
        if self.postprocess is not None:
            u = self.postprocess.transform(u)
        if attributes is not None:
            u = self.structure.coordinates_.with_attributes(
                u, attributes.channels, attributes.values
            )
        return self.series_of(u, present=present, lengths=lengths)

    def series_of(
        self, u: FloatArray, *, present: bool = False, lengths: NDArray[np.int64] | None = None
    ) -> FloatArray:
        """Lead coordinates that are postprocessed to series, whose channels may be, too."""
        x = self.structure.inverse_transform(u, present=present, lengths=lengths)
        transform = getattr(self.postprocess, "transform_channels", None)
        if transform is None:
            return x
        there = np.isfinite(x)
        whole = x if there.all() else self.structure.inverse_transform(u, present=True)
        held: FloatArray = np.where(there, transform(whole), x)
        return held

    def complete(
        self, drawn: FloatArray, u: FloatArray, fixed: Mask, x: FloatArray, known: Mask
    ) -> FloatArray:
        """Lead coordinates, drawn given those of ``u`` that are ``fixed``, to completed series.

        Known coordinates first: through rules, others stand in their relation to them; then the
        ``known`` cells of ``x``, which are as they are.
        """
        u = np.where(fixed, u, drawn)
        if self.postprocess is not None:
            u = complete_by(self.postprocess, u, fixed)
        filled = self.structure.inverse_transform(u, present=True)
        completed: FloatArray = self.structure.complete(np.where(known, x, filled), known)
        if hasattr(self.postprocess, "complete_channels"):
            completed = self.postprocess.complete_channels(completed, known)
        return completed

    def is_sound(self, x: FloatArray, v: FloatArray, *, cut: bool) -> bool:
        """Whether series that were led back have no value that is none, but for missing ones.

        What is missing is NaN; what is no number in the representation, is none at all. With
        ``cut``, series end before others.
        """
        if all_finite(x):
            return True
        holes = (self.structure.generates_missing or cut) and all_finite(v)
        return holes and not np.isinf(x).any()

    # -- beside it ---------------------------------------------------------------------------

    def comparable(self, x: FloatArray) -> FloatArray:
        """Return series to compare: with draws for what is missing, and with what is missing."""
        if not self.structure.generates_missing:
            return self.structure.fill(x)
        observed = np.isfinite(x).astype(np.float32)
        return np.concatenate([self.structure.fill(x), observed], axis=2)

    def learn_filling(self, v: FloatArray) -> None:
        """Learn from represented series how to fill what is missing of others."""
        self.structure.learn_filling(self.coordinates(v))

    def calibrated(self, v: FloatArray) -> Preprocessing:
        """Return the same with a postprocessing that was shown what a model draws."""
        drawn = np.asarray(self.representation.inverse_transform(v))
        # A copy: further training may still go wrong, and the old one has to be there then.
        same = {id(self.structure): self.structure}
        own = copy.deepcopy(self.postprocess, same)
        return replace(self, postprocess=own.calibrate(drawn))


def learn_preprocessing(told: DataParameters, X: ArrayLike) -> tuple[Preprocessing, Series]:
    """Learn from series as an estimator is told; return them represented, too."""
    options = reading_options(told, missing=told.missing != "error")
    x, layout = read_series(X, estimator=told, options=options)
    if x.shape[1] < told._fewest_timesteps:
        raise ValueError(
            f"X has 1 feature(s) to a channel, that is {x.shape[1]} timestep(s), and "
            f"{type(told).__name__} needs at least {told._fewest_timesteps}: it learns "
            "how one follows from another"
        )
    schema = layout.schema
    structure = Structure(
        told.rules if schema is None else rules_of_kinds(schema, told.rules),
        told.bounds,
        kinds=told._rule_kinds,
        on_violation=told.on_violation,
        missing=told.missing,
        ragged=layout.ragged,
    )
    return Preprocessing.fit(
        x,
        options=options,
        layout=layout,
        structure=structure,
        representation=told._choose_representation(x.shape[1]),
        postprocess=told.postprocess,
    )
