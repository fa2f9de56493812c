"""The tables of the results that are kept."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np
import sklearn
import torch

import benchmarks.timevae_paper as package
from benchmarks.timevae_paper.data import LOADERS, PERCENTS
from benchmarks.timevae_paper.published import ORIGINAL_PS, PUBLISHED, RESCORED_DS, SOURCE
from benchmarks.timevae_paper.results import (
    CUTS,
    FEWEST_SEEDS,
    PREDICTORS,
    REAL,
    Cells,
    Mean,
    Rows,
    arms_of,
    models_of,
    percents_of,
    pooled,
    ratio_of,
    read,
    shown,
)
from benchmarks.timevae_paper.verdicts import say_demands, say_denoising, say_few_data
from sklearn_timegen import __version__

__all__ = ["as_markdown"]


def score_table(name: str, cells: Cells) -> list[str]:
    heads = [
        *("share", "series", "sample"),
        *("DS same, right", "DS same, published", "DS held-out, right", "DS held-out, published"),
        *("chance", "boosting same", "boosting held-out", "PS", "constant", "fit s", "seeds"),
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for percent in percents_of(cells):
        lines += published_lines(name, percent, len(heads))
        for model in (REAL, *models_of(cells)):
            if rows := cells.get((percent, model)):
                lines.append(score_line(percent, model, rows))
    return lines


def published_lines(name: str, percent: int, n_columns: int) -> list[str]:
    ds, ps = (PUBLISHED.get((score, name, percent), "not found") for score in ("ds", "ps"))
    rows = [["*published*", "", str(ds), *[""] * 5, str(ps)]]
    if again := RESCORED_DS.get((name, percent)):
        rows.append(["*the authors' samples, judged again*", str(again)])
    if original := ORIGINAL_PS.get((name, percent)):
        rows.append(["*published, Original*", *[""] * 7, str(original)])
    filled = [[f"{percent}%", "", *row] for row in rows]
    return [f"| {' | '.join(row + [''] * (n_columns - len(row)))} |" for row in filled]


def score_line(percent: int, model: str, rows: Rows) -> str:
    floors = pooled(rows, "same", "floor")
    fits = pooled(rows, "fit_cpu_s")
    values = [
        *(shown(pooled(rows, where, cut)) for where in ("same", "held_out") for cut in CUTS),
        f"{np.mean(floors):.4f}" if floors else "",
        *(shown(pooled(rows, where, "boosting")) for where in ("same", "held_out")),
        shown(pooled(rows, "ps")),
        f"{np.mean(pooled(rows, 'constant')):.4f}",
        f"{np.mean(fits):.0f}" if fits else "",
        str(len(rows)),
    ]
    title = f"*{model}*" if model == REAL else model
    return f"| {percent}% | {rows[0]['n_series']} | {title} | {' | '.join(values)} |"


def claim_table(cells: Cells) -> list[str]:
    heads = ["share", "predictor", "original"]
    pairs = arms_of(cells)
    heads += [arm if model == REAL else f"{model}, {arm}" for model, arm in pairs]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for percent in percents_of(cells):
        for predictor in PREDICTORS:
            original = pooled(cells.get((percent, REAL), []), "errors", "original", predictor)
            values = [f"{np.mean(original):.5f}" if original else ""]
            for model, arm in pairs:
                ratio = ratio_of(cells, percent, model, arm, predictor)
                values.append("" if ratio is None else as_ratio(ratio))
            lines.append(f"| {percent}% | {predictor} | {' | '.join(values)} |")
    return lines


def as_ratio(ratio: Mean) -> str:
    mean, low, high = np.exp([ratio.value, ratio.low, ratio.high])
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"


def judged_table(cells: Cells) -> list[str]:
    """DS against the test series, by share."""
    models = [model for model in (REAL, *models_of(cells)) if any(m == model for _, m in cells)]
    heads = ["share", *(f"{model}, {judge}" for model in models for judge in ("DS", "boosting"))]
    lines = [f"| {' | '.join(heads)} | chance |", "|---" * (len(heads) + 1) + "|"]
    for percent in percents_of(cells):
        values, floors = [], []
        for model in models:
            rows = cells.get((percent, model), [])
            values += [shown(pooled(rows, "judged", judge)) for judge in ("right", "boosting")]
            floors += pooled(rows, "judged", "floor")
        chance = f"{np.mean(floors):.4f}" if floors else ""
        lines.append(f"| {percent}% | {' | '.join(values)} | {chance} |")
    return lines


def as_markdown(folder: Path, command: str) -> str:
    found = read(folder, "scores"), read(folder, "claims")
    scores, claims = ({name: one[name] for name in LOADERS if name in one} for one in found)
    lines = [
        "# TimeVAE's published experiments, repeated",
        "",
        f"`{command}`; sklearn-timegen {__version__}, Python {platform.python_version()}, torch "
        f"{torch.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}, "
        f"{platform.machine()}, {os.cpu_count()} cores, one thread. Seconds are CPU seconds.",
        "",
        *(package.__doc__ or "").strip().split("\n\n", 1)[1].splitlines(),
        "",
        SOURCE + " ± of published scores is their spread; of ours, the half-width of the 95% "
        "interval (Student's t) over judges or networks of all seeds; boosting is one judge a "
        "seed. *Chance* is what guessing scores on average, 0.399 / sqrt(n) for n tested series.",
        "",
        "## What is demanded",
        "",
        *say_demands(scores, claims),
        "",
        "## Few data: does it do with them?",
        "",
        *say_few_data(claims),
        "",
        "## De-noising: does it help next-step prediction?",
        "",
        *say_denoising(claims),
        "",
        "A case is a set, a share and a predictor; better / worse / undecided by whether the 95% "
        f"interval of the error relative to *original* excludes 1. It is over seeds where there "
        f"are {FEWEST_SEEDS}, and else over repeats, which says nothing of other subsets. A claim "
        "holds if more than half of the cases are better and none is worse.",
    ]
    for name, cells in scores.items():
        lines += ["", f"## Scores, {name}", "", *score_table(name, cells)]
    for name, cells in claims.items():
        lines += ["", f"## Judged against series not seen, {name}", "", *judged_table(cells)]
        lines += ["", f"## Errors of predictors relative to original, {name}", ""]
        lines += claim_table(cells)
    missing = [str(percent) for percent in PERCENTS if percent not in done_percents(scores)]
    if missing:
        lines += ["", f"Not done yet: {', '.join(missing)}%."]
    return "\n".join(lines) + "\n"


def done_percents(scores: dict[str, Cells]) -> set[int]:
    return {percent for cells in scores.values() for percent, _ in cells}
