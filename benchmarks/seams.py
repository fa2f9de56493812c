"""Can a judge tell where generated windows were joined?

``python -m benchmarks.seams`` samples long series from ``SeriesGenerator`` and shows boosting
windows that lie across a seam and windows that lie within a generated one; the two kinds come
from different series. A score at its floor says that nothing gives a seam away. ``own`` is what
the same judge says of windows cut from two places of the generator's *own* windows: a generator
whose windows begin otherwise than they go on cannot be joined better than that.

The energy data are looked for in the directory that ``SKLEARN_TIMEGEN_DATA`` names. The table
goes to ``benchmarks/results/seams.md``.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen import (
    BlockBootstrap,
    NeighbourInterpolation,
    PCAMixture,
    SeriesGenerator,
    TimeVAE,
)
from sklearn_timegen.datasets import load_energy, make_ar, make_sines
from sklearn_timegen.metrics import discriminative_score

Array = NDArray[Any]
WINDOW, N_SERIES, N_SEAMS, LENGTH = 24, 200, 14, 8
OVERLAP = WINDOW // 2
RESULTS = Path(__file__).parent / "results" / "seams.md"

GENERATORS = {
    "PCAMixture": PCAMixture(random_state=0),
    "NeighbourInterpolation": NeighbourInterpolation(random_state=0),
    "BlockBootstrap": BlockBootstrap(random_state=0),
    "TimeVAE": TimeVAE(
        representation="standard",
        reconstruction_weight=20.0,
        max_epochs=40,
        batch_size=128,
        random_state=0,
    ),
}


def series_of(name: str) -> list[Array]:
    """Return the long series of a data set."""
    if name == "AR(2)":
        return list(make_ar(20, 220, coefficients=(1.2, -0.5), random_state=0))
    if name == "sines":
        return list(make_sines(40, 124, random_state=0))
    return [load_energy()[:4000]]


def score_seams(generator: Any, series: list[Array]) -> tuple[Any, Any, float]:
    """Return the judge's score of seams, of the generator's own windows, and seconds to join."""
    fitted = SeriesGenerator(generator, WINDOW, random_state=0).fit(series)
    stride = WINDOW - OVERLAP
    began = time.perf_counter()
    drawn = fitted.sample(N_SERIES, n_timesteps=WINDOW + N_SEAMS * stride)
    seconds = time.perf_counter() - began
    x = np.stack(drawn)
    rng = np.random.default_rng(0)
    half = N_SERIES // 2
    across, within = [], []
    for k in range(1, N_SEAMS - 1):
        seam = WINDOW + k * stride  # where a window's own timesteps begin, after the fade
        middle = seam - OVERLAP // 2 + rng.integers(-LENGTH // 4, LENGTH // 4 + 1, size=half)
        across.append(_cut(x[:half], middle - LENGTH // 2))
        low = seam - OVERLAP // 4
        # Up to where a quarter of the next fade is done.
        high = max(low + 1, seam + stride - OVERLAP + OVERLAP // 4 - LENGTH + 1)
        within.append(_cut(x[half:], rng.integers(low, high, size=half)))
    # Windows of one series stand at one place, so that they fall into one fold.
    places = np.tile(np.arange(half), N_SEAMS - 2)
    seams = _judge(np.concatenate(across), np.concatenate(within), places)
    own = np.asarray(fitted.generator_.sample(2 * len(places), random_state=1), dtype=float)
    begins, middles = own[::2, :LENGTH], own[1::2, LENGTH : 2 * LENGTH]
    return seams, _judge(begins, middles, np.arange(len(places))), seconds


def _cut(x: Array, starts: Array) -> Array:
    index = starts[:, None] + np.arange(LENGTH)
    return np.take_along_axis(x, index[:, :, None], axis=1)


def _judge(a: Array, b: Array, places: Array) -> Any:
    return discriminative_score(
        a,
        b,
        judge="boosting",
        window_starts=places,
        window_starts_synthetic=places,
        max_samples=2500,
        random_state=0,
    )


def main() -> None:
    """Run all cases and write the table."""
    lines = [
        "# Seams between joined windows",
        "",
        f"Boosting on windows of {LENGTH} timesteps, from series joined of windows of {WINDOW}, "
        f"{N_SERIES} series with {N_SEAMS} seams each. `own`: the same judge on windows from two "
        "places of the generator's own windows.",
        "",
        "| data | generator | across or within | floor | own | seconds to join |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("AR(2)", "sines", "energy"):
        series = series_of(name)
        for title, generator in GENERATORS.items():
            seams, own, seconds = score_seams(generator, series)
            lines.append(
                f"| {name} | {title} | {seams:.3f} | {seams.floor:.3f} | {own:.3f} | "
                f"{seconds:.1f} |"
            )
            print(lines[-1], flush=True)
    lines += ["", "`python -m benchmarks.seams`, two cores, one thread.", ""]
    RESULTS.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
