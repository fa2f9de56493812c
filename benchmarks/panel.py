"""What each judge of the panel sees, and what it costs: ``python -m benchmarks.panel``.

Windows of stocks, 24 x 6, 1,500 of each kind, in time order and with their starts, so that folds
are blocks of time. Data are looked for in the directory that ``SKLEARN_TIMEGEN_DATA`` names. The
table goes to ``benchmarks/results/panel.md``.
"""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray

from sklearn_timegen import NeighbourInterpolation, PCAMixture, __version__
from sklearn_timegen.datasets import load_stocks
from sklearn_timegen.metrics import PanelResult, judge_panel
from sklearn_timegen.model_selection import make_windows

RESULTS = Path(__file__).parent / "results" / "panel.md"
CHANNELS = ["open", "high", "low", "close", "adjusted close", "volume"]
GENERATORS = {
    "PCAMixture": PCAMixture(random_state=0),
    "PCAMixture, 64 normals": PCAMixture(n_mixture_components=64, random_state=0),
    "NeighbourInterpolation": NeighbourInterpolation(random_state=0),
}


def samples(real: NDArray[Any]) -> dict[str, NDArray[Any]]:
    rows = np.random.default_rng(0).integers(len(real), size=len(real))
    drawn = {name: made.fit(real).sample(len(real)) for name, made in GENERATORS.items()}
    return {"copies": real[rows]} | drawn


def line(name: str, scores: Any, greatest: float, rest: str) -> str:
    cells = [name, *(f"{score:.3f}" for score in scores), f"{greatest:.3f}", rest]
    return f"| {' | '.join(cells)} |"


def clue(result: PanelResult) -> str:
    judge = result.table["auc"].idxmax()
    return f"{judge}: {result.clues.loc[judge, 'feature'].iloc[0]}"


def main() -> None:
    """Judge all samples and write the table."""
    real, starts = make_windows(load_stocks(), 24)
    rows: list[str] = []
    for name, synthetic in samples(real).items():
        began = time.process_time()
        result = judge_panel(
            real,
            synthetic,
            window_starts=starts,
            channel_names=CHANNELS,
            n_halves=0 if rows else 1,
            random_state=0,
        )
        seconds = time.process_time() - began
        if not rows:
            halves, floor = result.table["halves_score"], result.score.floor
            assert floor is not None
            rows.append(line("*real halves*", halves, floor, "| |"))
            with_halves = seconds
        rest = f"{result.n_certain:g} | {clue(result)} | {seconds:.0f}"
        rows.append(line(name, result.table["score"], result.score, rest))
        print(rows[-1], flush=True)
    text = [
        "# The panel of judges",
        "",
        f"`taskset -c 0 python -m benchmarks.panel`; sklearn-timegen {__version__}, Python "
        f"{platform.python_version()}, torch {torch.__version__}, scikit-learn "
        f"{sklearn.__version__}, numpy {np.__version__}, {platform.machine()}, one core, CPU "
        "seconds.",
        "",
        f"Stocks, 1,500 windows of 24 x 6 of each kind, in blocks of time: {with_halves:.0f} s "
        "with real halves. `n certain`: series of each kind at which the panel is sure (p < "
        "0.01). Clue: what costs the judge of the highest AUC most, if it is permuted.",
        "",
        f"| | {' | '.join(result.table.index)} | greatest | n certain | clue | s |",
        "|---" * 9 + "|",
        *rows,
        "",
    ]
    RESULTS.write_text("\n".join(text))


if __name__ == "__main__":
    main()
