"""Series of a fitted generator, drawn in batches from one stream of noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._random import derive_seed
from sklearn_timegen.base.attributes import Attributes

if TYPE_CHECKING:
    from sklearn_timegen.base.generator import BaseGenerator

__all__ = ["Drawing", "draw_some", "learn_filling", "of_rows", "why_not_finite"]

FloatArray = NDArray[np.float32]
N_FILLING = 1000  # draws that filling is learned from


@dataclass(frozen=True)
class Drawing:
    """What a generator draws: represented series, or series.

    Parameters
    ----------
    generator : BaseGenerator
        Fitted.
    rng : object
        The stream of noise, as ``_draw`` takes it.
    """

    generator: BaseGenerator
    rng: Any

    def represented(self, n_samples: int, c: FloatArray | None) -> FloatArray:
        """Return represented series."""
        batches = self.generator._batches(n_samples)
        return np.concatenate(
            [self._batch(len(range(n_samples)[b]), of_rows(c, b)) for b in batches]
        )

    def series(
        self,
        n_samples: int,
        c: FloatArray | None,
        asked: Attributes | None = None,
        lengths: NDArray[np.int64] | None = None,
    ) -> FloatArray:
        """Return 3-d series: beside them, only one batch is in memory."""
        x = np.empty((n_samples, *self.generator.series_shape_), dtype=np.float32)
        for batch in self.generator._batches(n_samples):
            part, c_part, n_part = of_rows(asked, batch), of_rows(c, batch), len(x[batch])
            if part is None:
                v = self._batch(n_part, c_part)
            else:
                v = part.choose(self._candidates(part, c_part), n_part, c_part)
            x[batch] = self.generator._to_data_units(
                v, attributes=part, lengths=of_rows(lengths, batch)
            )
        return x

    def _batch(self, n_samples: int, c: FloatArray | None) -> FloatArray:
        drawn = self.generator._draw(n_samples, c, self.rng)
        return self.generator._as_represented(drawn, n_samples, "_draw")

    def _candidates(
        self, asked: Attributes, c: FloatArray | None
    ) -> Callable[[int, int], tuple[FloatArray, NDArray[np.float64]]]:
        """Return what draws represented series, with the attributes that these have."""

        def draw(n: int, of: int) -> tuple[FloatArray, NDArray[np.float64]]:
            v = self.represented(n, None if c is None else np.repeat(c[of : of + 1], n, axis=0))
            x = self.generator._preprocessing.decode(v, present=True)
            return v, x[:, 0, asked.channels].astype(np.float64)

        return draw


def draw_some(generator: BaseGenerator, c: FloatArray | None, n_samples: int) -> FloatArray:
    """Draw represented series to learn from, under some of these conditions."""
    # A seed of its own: what is drawn later does not depend on it.
    seed = derive_seed(0, "calibration")
    drawing = Drawing(generator, generator._make_rng(seed))
    if c is not None:
        c = c[np.random.default_rng(seed).integers(len(c), size=n_samples)]
    return drawing.represented(n_samples, c)


def learn_filling(generator: BaseGenerator) -> None:
    """Learn from own draws how to fill what is missing of series: in fit, nothing was."""
    encoder = generator._condition_encoder
    if encoder is not None and encoder.classes_ is None:
        raise ValueError(
            "X has missing values, and there were none in fit; how to fill them is not known "
            "to a generator that is conditional on vectors. Impute them first"
        )
    c = None if encoder is None else encoder.encode(encoder.classes_, len(encoder.classes_))
    generator._preprocessing.learn_filling(draw_some(generator, c, N_FILLING))


def why_not_finite(generator: BaseGenerator, v: FloatArray, *, decoded: bool) -> str:
    """Return why represented series, drawn or ``decoded`` from latents, came to no numbers."""
    name, n_bad = type(generator).__name__, int((~np.isfinite(v)).sum())
    if decoded:
        return (
            f"what {name} makes of these latents is beyond float32: they, or the series that "
            "they were taken from, lie far outside of what it was fitted to"
        )
    if n_bad == 0:
        return (
            f"{name} drew represented series of up to {np.abs(v).max():.3g}, which "
            f"representation={generator.representation!r} turns into values that are not finite "
            "in float32: they lie far outside of what it was fitted to"
        )
    cause = "it has to make finite values of all that fit takes"
    if hasattr(generator, "lr"):
        cause = "it has probably diverged. Fit it with a smaller lr or another representation"
    return (
        f"{name} drew series that are not finite ({n_bad} of {v.size} represented values are "
        f"NaN or infinite): {cause}"
    )


def of_rows(part: Any, rows: Any) -> Any:
    """Return some rows of what may be None."""
    return None if part is None else part[rows]
