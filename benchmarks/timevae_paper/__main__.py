"""``python -m benchmarks.timevae_paper``: do what is not done, and write the tables."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.cells import Table, Work
from benchmarks.quality import COSINE, RESULTS, Array, with_budget
from benchmarks.timevae_paper.data import LOADERS, PERCENTS, few, held_out, load
from benchmarks.timevae_paper.judging import discriminated, predicted, prediction_errors
from benchmarks.timevae_paper.report import as_markdown
from benchmarks.timevae_paper.results import REAL
from sklearn_timegen import (
    CRNNGAN,
    RCGAN,
    VAE,
    PCAMixture,
    ProfessorForcing,
    TeacherForcing,
    TimeGAN,
    TimeVAE,
)
from sklearn_timegen.metrics import discriminative, predictive

# A generator for a seed; one more is one line more.
MODELS: dict[str, Callable[[int], Any]] = {
    "TimeVAE": lambda seed: TimeVAE(random_state=seed),
    "TimeVAE, learned noise": lambda seed: TimeVAE(
        decoder_noise="per-channel", prior="mixture", random_state=seed
    ),
    "VAE, cosine": lambda seed: VAE(**COSINE, random_state=seed),
    "PCAMixture": lambda seed: PCAMixture(random_state=seed),
    "TimeGAN": lambda seed: TimeGAN(random_state=seed),
    "RCGAN": lambda seed: RCGAN(conditional=False, random_state=seed),
    "C-RNN-GAN": lambda seed: CRNNGAN(random_state=seed),
    "T-Forcing": lambda seed: TeacherForcing(random_state=seed),
    "P-Forcing": lambda seed: ProfessorForcing(random_state=seed),
}
RECURRENT_STEPS = 1_000  # of RCGAN's and C-RNN-GAN's discriminators: a step is dear
# Methods that give back series without their noise, if a generator has them, and their arms.
DENOISERS = {"reconstruct": "reconstructed", "denoise": "denoised"}
N_GENERATED = 10_000
PERCENTS_NOISY = (2, 20, 100)
PERCENTS_CLAIMED = (2, 20, 100)


@dataclass(frozen=True)
class Cell:
    """One generator, or none, on one subset."""

    set: str
    percent: int
    model: str
    seed: int
    quick: bool = False

    @property
    def n_judges(self) -> int:
        """Judges of the published protocol."""
        return 2 if self.quick else 5

    @property
    def n_repeats(self) -> int:
        """All other judges, and predictors."""
        return 2 if self.quick else 3

    def __str__(self) -> str:
        return f"{self.percent} / {self.model} / {self.seed}"


def all_cells(quick: bool) -> list[Cell]:
    cells = []
    for name in ["sine"] if quick else LOADERS:
        percents = (2,) if quick else PERCENTS_NOISY if name == "noisy sine" else PERCENTS
        for percent in percents:
            n_seeds = 3 if percent <= 5 and name != "noisy sine" and not quick else 1
            for seed in range(n_seeds):
                cells += [Cell(name, percent, model, seed, quick) for model in (REAL, *MODELS)]
    return sorted(cells, key=lambda cell: cell.seed)  # a first answer everywhere, then more


@lru_cache(maxsize=1)
def fitted(cell: Cell, of_pool: bool) -> tuple[Any, Array, float]:
    """Return the generator, the series that it was fitted to, and CPU seconds."""
    data = load(cell.set)
    source = data.pool if of_pool else data.all
    rows, _ = few(len(source), cell.percent, cell.seed)
    made = MODELS[cell.model](cell.seed)
    if "max_epochs" in made.get_params():
        made = with_budget(made, len(rows), cell.quick, RECURRENT_STEPS)
    began = time.process_time()
    made.fit(source[rows])
    return made, source[rows], time.process_time() - began


def scores(cell: Cell) -> dict[str, Any]:
    """Return how a generator's samples are judged, or for *real* the measured floors."""
    data = load(cell.set)
    n, seed = cell.n_judges, cell.seed
    real = data.all[few(len(data.all), cell.percent, seed)[0]]
    others = held_out(data, cell.percent, seed)
    row: dict[str, Any] = {"n_series": len(real)}
    if cell.model == REAL:
        row |= predicted(real, real, cell.n_repeats, seed)
        if others is not None:
            row["same"] = discriminated(real, others, n, seed)
        return row
    made, _, row["fit_cpu_s"] = fitted(cell, data.pool is data.all)
    synthetic = made.sample(len(real))
    row |= predicted(real, synthetic, cell.n_repeats, seed)
    row["same"] = discriminated(real, synthetic, n, seed)
    if others is not None:
        row["held_out"] = discriminated(others, synthetic, cell.n_repeats, seed)
    return row


def claims(cell: Cell) -> dict[str, Any]:
    """Return errors of predictors by what they were trained on, and DS against the test series."""
    data = load(cell.set)
    rows, others = few(len(data.pool), cell.percent, cell.seed)
    arms: dict[str, Array] = {}
    row: dict[str, Any] = {}
    if cell.model == REAL:
        arms["original"] = data.pool[rows]
        if data.clean_pool is not None:
            arms["clean"] = data.clean_pool[rows]
        # Any series of the pool are as good for the floor.
        judged = data.pool[[*others, *rows][: len(data.test)]]
    else:
        made, train, row["fit_cpu_s"] = fitted(cell, True)
        arms["generated"] = made.sample(N_GENERATED)
        judged = arms["generated"][: len(data.test)]
        for method, arm in DENOISERS.items():
            if hasattr(made, method):
                arms[arm] = getattr(made, method)(train)
    row["judged"] = discriminated(data.test, judged, cell.n_repeats, cell.seed)
    row["errors"] = {
        arm: prediction_errors(
            x, data.test, data.clean_test, data.channels, cell.n_repeats, cell.seed
        )
        for arm, x in arms.items()
    }
    return row


PARTS = {"scores": scores, "claims": claims}


def asked(part: str, cell: Cell) -> bool:
    """Whether a part has the cell: noisy sine is there for the claims, and these are few."""
    if part == "scores":
        return cell.set != "noisy sine"
    return cell.percent in PERCENTS_CLAIMED and cell.seed == 0


def timed(part: str, cell: Cell) -> dict[str, Any]:
    """Do a cell, and say what it took."""
    began = time.process_time()
    row = PARTS[part](cell)
    return row | {"cell_cpu_s": time.process_time() - began}


def work_of(cells: Sequence[Cell], parts: Sequence[str] = tuple(PARTS)) -> Iterator[Work]:
    """Yield part, key and what is to be done of cells."""
    for cell in cells:
        for part in parts:
            if asked(part, cell):
                file = f"{part}-{cell.set.replace(' ', '-')}"
                yield file, str(cell), partial(timed, part, cell)


def table_in(folder: Path, quick: bool = False) -> Table:
    """Return the table that is kept in a folder."""
    command = "python -m benchmarks.timevae_paper" + (" --quick" if quick else "")
    return Table(
        "benchmarks.timevae_paper.__main__",
        folder,
        lambda: work_of(all_cells(quick)),
        lambda done: as_markdown(folder, command),
    )


TABLE = table_in(RESULTS / "timevae_paper")


def main() -> None:
    parser = argparse.ArgumentParser(description="TimeVAE's published experiments, repeated.")
    parser.add_argument("--quick", action="store_true", help="2%% of sine, few steps: a minute")
    parser.add_argument(
        "--only",
        nargs=3,
        metavar=("SET", "MODEL", "PERCENT"),
        default=("*", "*", "*"),
        help="as shell patterns; the model 'real' is what the others are compared with",
    )
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3, help="at most so many")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cells = [
        cell
        for cell in all_cells(arguments.quick)
        if cell.seed < arguments.seeds
        and all(
            fnmatchcase(str(own), pattern)
            for own, pattern in zip(
                (cell.set, cell.model, cell.percent), arguments.only, strict=True
            )
        )
    ]
    table = table_in(RESULTS / "timevae_paper-quick", True) if arguments.quick else TABLE
    with ExitStack() as stack:
        if arguments.quick:
            stack.enter_context(patch.object(discriminative, "N_STEPS", 100))
            stack.enter_context(patch.object(predictive, "N_STEPS", 100))
        print(table.run(work_of(cells, arguments.parts)))


if __name__ == "__main__":
    main()
