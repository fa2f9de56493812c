"""Pictures of an evaluation's first fold, as PNG by caption."""

from __future__ import annotations

import io
from typing import Any

from numpy.typing import ArrayLike

from sklearn_timegen.base import LatentGenerator
from sklearn_timegen.data import Series
from sklearn_timegen.evaluation._run import Evaluation
from sklearn_timegen.plotting import (
    AutocorrelationDisplay,
    EmbeddingDisplay,
    LatentDisplay,
    MarginalsDisplay,
    MemorisationDisplay,
    SamplesDisplay,
    TrainingDisplay,
    require_matplotlib,
)

__all__ = ["pictures_of_fold", "pictures_of_samples"]


def pictures_of_fold(evaluation: Evaluation, name: str, few: bool = False) -> dict[str, bytes]:
    """Pictures of the first fold."""
    split, fitted = evaluation.splits[0], evaluation.fitted[name][0]
    pictures = pictures_of_samples(split.held_out, fitted.drawn, split.train.values, few)
    if few:
        return pictures
    generator = fitted.generator
    if hasattr(generator, "net_"):
        pictures["Training."] = _png(TrainingDisplay.from_estimator(generator))
    if isinstance(generator, LatentGenerator):
        held_out = split.held_out
        given = held_out.values if split.given is None else split.given
        display = LatentDisplay.from_estimator(generator, given, held_out.target)
        pictures["Latents of held-out series, and series along the first latent."] = _png(display)
    return pictures


def pictures_of_samples(
    real: Series, synthetic: Series, train: ArrayLike | None, few: bool = False
) -> dict[str, bytes]:
    pair = real.values, synthetic.values
    displays = {
        "Some series, and the 5, 50 and 95% quantiles of all.": SamplesDisplay.from_samples(*pair),
        "Both in the plane of their first two principal components. Where one kind has no "
        "points, the other invents or misses something.": EmbeddingDisplay.from_samples(*pair),
    }
    if not few:
        caption = "Distribution of the values of each channel."
        displays[caption] = MarginalsDisplay.from_samples(*pair)
    if not few and real.values.shape[1] > 1:
        caption = "Autocorrelation of each channel."
        displays[caption] = AutocorrelationDisplay.from_samples(*pair)
    caption = (
        "Distance to the nearest training series. A synthetic curve left of the real one "
        "means copies; far right of it, series unlike any real ones."
    )
    displays[caption] = MemorisationDisplay.from_samples(*pair, X_train=train)
    return {caption: _png(display) for caption, display in displays.items()}


def _png(display: Any) -> bytes:
    plt = require_matplotlib()
    buffer = io.BytesIO()
    display.figure_.savefig(buffer, dpi=160, format="png")
    plt.close(display.figure_)
    return buffer.getvalue()
