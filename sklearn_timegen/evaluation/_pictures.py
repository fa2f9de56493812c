"""Pictures of an evaluation, as PNG: those of several that are compared beside their like."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from sklearn_timegen.base import LatentGenerator
from sklearn_timegen.data import Series
from sklearn_timegen.evaluation._judging import Split
from sklearn_timegen.evaluation._run import Fitted
from sklearn_timegen.metrics._common import Array, subset
from sklearn_timegen.metrics._reading import Completion
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

__all__ = ["Picture", "pictures_of_generator", "pictures_of_samples"]

MOST_POINTS = 1000


@dataclass(frozen=True)
class Picture:
    """What is drawn of each of those that are compared, on common axes.

    Parameters
    ----------
    caption : str
        What it shows.
    images : dict of str to bytes
        A PNG of each; of a single one the name is empty.
    """

    caption: str
    images: dict[str, bytes]


def pictures_of_samples(
    real: Series,
    synthetic: Mapping[str, Series],
    train: ArrayLike | None,
    names: Sequence[str] | None = None,
) -> list[Picture]:
    """Draw samples beside the real series; of several only what tells them apart."""
    x, many = real.values, len(synthetic) > 1
    drawn = {name: series.values for name, series in synthetic.items()}
    figures: dict[str, dict[str, Any]] = {
        "Some series, and the 5, 50 and 95% quantiles of all.": {
            name: SamplesDisplay.from_samples(x, s) for name, s in drawn.items()
        },
        "In the plane of the first two principal components of the real series. Where one kind "
        "has no points, the other invents or misses something.": _planes(x, drawn),
    }
    if not many:
        figures["Distribution of the values of each channel."] = {
            name: MarginalsDisplay.from_samples(x, s) for name, s in drawn.items()
        }
        if x.shape[1] > 1:
            figures["Autocorrelation of each channel."] = {
                name: AutocorrelationDisplay.from_samples(x, s) for name, s in drawn.items()
            }
    figures[
        "Distance to the nearest training series. A synthetic curve left of the real one means "
        "copies; far right of it, series unlike any real ones."
    ] = {name: MemorisationDisplay.from_samples(x, s, X_train=train) for name, s in drawn.items()}
    return [_picture(caption, displays, names) for caption, displays in figures.items()]


def pictures_of_generator(
    split: Split, fitted: Fitted, names: Sequence[str] | None = None
) -> list[Picture]:
    """Draw what only a generator has: its training, and its latents."""
    generator, pictures = fitted.generator, []
    if hasattr(generator, "net_"):
        training = TrainingDisplay.from_estimator(generator)
        pictures.append(_picture("Training.", {"": training}, names))
    if isinstance(generator, LatentGenerator):
        held_out = split.held_out
        given = held_out.values if split.given is None else split.given
        display = LatentDisplay.from_estimator(generator, given, held_out.target)
        caption = "Latents of held-out series, and series along the first latent."
        pictures.append(_picture(caption, {"": display}, names))
    return pictures


def _planes(real: Array, drawn: Mapping[str, Array]) -> dict[str, Any]:
    """Show all samples in one plane, which the real series span."""
    complete = Completion.of(real, *drawn.values())
    rows = complete(real).reshape(len(real), -1)
    scale = StandardScaler().fit(rows)
    scaled = scale.transform(rows)
    if not scaled.any() or scaled.shape[1] < 2 or len(scaled) < 2:  # which spans no plane
        return {name: EmbeddingDisplay.from_samples(real, s) for name, s in drawn.items()}
    pca = PCA(2, random_state=0).fit(scaled)
    fractions = pca.explained_variance_ratio_
    first, second = (f"component {k + 1} ({fractions[k]:.0%} of variance)" for k in range(2))

    def points(x: Array) -> Array:
        some = subset(complete(x), MOST_POINTS, np.random.default_rng(0))
        return pca.transform(scale.transform(some.reshape(len(some), -1)))

    known = points(real)
    return {
        name: EmbeddingDisplay(known, points(x), labels=(first, second)).plot()
        for name, x in drawn.items()
    }


def _picture(caption: str, displays: Mapping[str, Any], names: Sequence[str] | None) -> Picture:
    """Put displays of a kind on common axes, and names to their channels."""
    figures = [display.figure_ for display in displays.values()]
    for figure in figures:
        _name_channels(figure, names)
    for panels in zip(*(figure.axes for figure in figures), strict=False):
        if len(panels) > 1:
            limits = np.array([[*panel.get_xlim(), *panel.get_ylim()] for panel in panels])
            for panel in panels:
                panel.set_xlim(limits[:, 0].min(), limits[:, 1].max())
                panel.set_ylim(limits[:, 2].min(), limits[:, 3].max())
    return Picture(
        caption, {name: _png(figure) for name, figure in zip(displays, figures, strict=True)}
    )


def _name_channels(figure: Any, names: Sequence[str] | None) -> None:
    """Put names in the place of the channels' numbers."""
    if names is None:
        return
    from matplotlib.text import Text

    def named(match: re.Match[str]) -> str:
        k = int(match[1])
        return str(names[k]) if k < len(names) else match[0]

    for text in figure.findobj(Text):
        if "channel " in text.get_text():
            text.set_text(re.sub(r"channel (\d+)", named, text.get_text()))


def _png(figure: Any) -> bytes:
    plt = require_matplotlib()
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=160, format="png")
    plt.close(figure)
    return buffer.getvalue()
