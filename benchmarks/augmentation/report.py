"""The table, and what it says, from the results that are kept."""

from __future__ import annotations

import json
import platform
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import sktime
from numpy.typing import NDArray

import benchmarks.augmentation as package
from benchmarks.augmentation.controls import GENERATORS
from benchmarks.augmentation.data import LOADERS, SHARE_LEFT, is_there, load, sizes
from sklearn_timegen import __version__

Array = NDArray[Any]
TIE = 1e-3  # a ratio that is nearer to 1 is neither better nor worse
N_RESAMPLED = 2000
FRACTIONS = ("10%", "30%", "100%")
MOST_WORSE, MOST_LOSS = 0.25, 1.005  # what "auto" is allowed


@dataclass(frozen=True)
class Row:
    """The error of an arm in one case, relative to *none*."""

    task: str
    data: str
    case: tuple[str, ...]
    fraction: str
    arm: str
    ratio: float
    seconds: float


def read_rows(folder: Path) -> list[Row]:
    rows = []
    for path in sorted(folder.glob("*.json")):
        cells = json.loads(path.read_text())
        for key, cell in cells.items():
            group, learner, fraction, seed, arm = key.split(" / ")
            none = cells.get(f"{group} / {learner} / {fraction} / {seed} / none")
            if none is None or "failed" in none or "failed" in cell:
                continue
            for data, error in cell["errors"].items():
                ratio = error / none["errors"][data]
                case = (path.stem, data, learner, fraction, seed)
                rows.append(Row(path.stem, data, case, fraction, arm, ratio, cell["seconds"]))
    return rows


def say_failed(folder: Path) -> list[str]:
    """Which arms failed, how often, and with what."""
    failed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        for key, cell in json.loads(path.read_text()).items():
            if "failed" in cell:
                failed[path.stem, key.split(" / ")[-1]].append(cell["failed"])
    lines = [
        f"- {task}, {arm}: {len(found)} cases, left out above; the first one with `{found[0]}`."
        for (task, arm), found in failed.items()
    ]
    return lines or ["None."]


def mean_ratio(rows: list[Row]) -> float:
    return float(np.exp(np.mean([np.log(row.ratio) for row in rows])))


def interval(logs: dict[str, list[float]]) -> tuple[float, float]:
    """Bootstrap the geometric mean, by the data: the cases of one series are not independent."""
    rng = np.random.default_rng(0)
    sums = np.array([[sum(one), len(one)] for one in logs.values()])
    drawn = sums[rng.integers(len(sums), size=(N_RESAMPLED, len(sums)))].sum(axis=1)
    low, high = np.exp(np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975]))
    return float(low), float(high)


def by_data(rows: list[Row]) -> dict[str, list[float]]:
    logs: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        logs[row.data].append(float(np.log(row.ratio)))
    return logs


def share_worse(rows: list[Row]) -> float:
    return float(np.mean([row.ratio > 1 + TIE for row in rows]))


def share_tied(rows: list[Row]) -> float:
    return float(np.mean([abs(row.ratio - 1) <= TIE for row in rows]))


def select(rows: list[Row], **wanted: str) -> list[Row]:
    return [row for row in rows if all(getattr(row, k) == v for k, v in wanted.items())]


def names_of(rows: list[Row], what: str) -> list[str]:
    return list(dict.fromkeys(getattr(row, what) for row in rows))


def arm_line(label: str, rows: list[Row]) -> str:
    low, high = interval(by_data(rows))
    values = [
        f"{mean_ratio(rows):.3f} ({low:.3f} to {high:.3f})",
        f"{share_worse(rows):.0%}",
        f"{share_tied(rows):.0%}",
        str(len(rows)),
        f"{np.median([row.seconds for row in rows]):.2f}",
    ]
    return f"| {label} | {' | '.join(values)} |"


def table_of(rows: list[Row]) -> list[str]:
    lines = [
        "| data | arm | error relative to none (95%) | worse | tied | cases | s a case |",
        "|---|---|---|---|---|---|---|",
    ]
    for fraction in FRACTIONS:
        for arm in names_of(select(rows, fraction=fraction), "arm"):
            found = select(rows, fraction=fraction, arm=arm)
            label = f"{fraction} | {arm}"
            if arm == "none":
                seconds = np.median([row.seconds for row in found])
                lines.append(f"| {label} | 1 | | | {len(found)} | {seconds:.2f} |")
            else:
                lines.append(arm_line(label, found))
    return lines


# -- what is demanded --------------------------------------------------------------------------


def say_auto(rows: list[Row]) -> list[str]:
    """Whether "auto" keeps within what it is allowed, in each task and in all."""
    lines = []
    autos = select(rows, arm="auto")
    for task in [*names_of(autos, "task"), "all tasks"]:
        mine = autos if task == "all tasks" else select(autos, task=task)
        full = select(mine, fraction="100%")
        worse = share_worse(mine)
        text = f"- {task}: {worse:.0%} of {len(mine)} cases worse"
        kept = worse <= MOST_WORSE
        if full:
            low, high = interval(by_data(full))
            text += (
                f" ({share_worse(full):.0%} at full data); mean error at full data "
                f"{mean_ratio(full):.4f} ({low:.4f} to {high:.4f})"
            )
            kept = kept and mean_ratio(full) <= MOST_LOSS
        lines.append(f"{text}: {'within' if kept else 'NOT within'} what is demanded.")
    return lines


def paired(rows: list[Row], arm: str, other: str) -> dict[str, list[float]]:
    """Logarithms of an arm's errors relative to another's, in the cases that both have."""
    ratios: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for row in rows:
        ratios[row.case][row.arm] = row.ratio
    logs: dict[str, list[float]] = defaultdict(list)
    for case, found in ratios.items():
        if arm in found and other in found:
            logs[case[1]].append(float(np.log(found[arm] / found[other])))
    return logs


def say_few(rows: list[Row], task: str) -> list[str]:
    """Whether generators beat *repeat* and the block bootstraps with few data."""
    few = select(rows, task=task, fraction="10%")
    arms = names_of(few, "arm")
    # sktime's block bootstraps; classification has none but ours.
    wanted = ("repeat", "MBB", "STL") if "MBB" in arms else ("repeat", "BlockBootstrap")
    controls: list[str] = [arm for arm in wanted if arm in arms]
    ours = [arm for arm in arms if arm.split(", ")[0] in GENERATORS]
    candidates = [arm for arm in ours if arm not in controls]
    if not candidates or not controls:
        return []
    lines = [
        f"### {task.capitalize()}",
        "",
        f"| error relative to | none | {' | '.join(controls)} |",
        "|---" * (len(controls) + 2) + "|",
    ]
    beating, certain = [], []
    for arm in candidates:
        cells, highest, means = [], [], []
        for other in ["none", *controls]:
            logs = paired(few, arm, other)
            mean = float(np.exp(np.mean([log for one in logs.values() for log in one])))
            low, high = interval(logs)
            cells.append(f"{mean:.3f} ({low:.3f} to {high:.3f})")
            means.append(mean)
            highest.append(high)
        lines.append(f"| {arm} | {' | '.join(cells)} |")
        beating += [arm] if max(means[1:]) < 1 else []
        certain += [arm] if max(highest[1:]) < 1 else []
    lines += [
        "",
        f"On average better than {', '.join(controls)}: {', '.join(beating) or 'none'}; with all "
        f"intervals below 1: {', '.join(certain) or 'none'}.",
        "",
    ]
    return lines


def say_best(rows: list[Row], task: str) -> str:
    parts = []
    for fraction in FRACTIONS:
        mine = select(rows, task=task, fraction=fraction)
        arms = [arm for arm in names_of(mine, "arm") if arm != "none"]
        if arms:
            means = {arm: mean_ratio(select(mine, arm=arm)) for arm in arms}
            order = sorted(arms, key=means.__getitem__)
            shown = ", ".join(f"{arm} {means[arm]:.3f}" for arm in (order[0], order[-1]))
            parts.append(f"at {fraction} {shown}")
    return f"- {task}: {'; '.join(parts)}."


def say_sizes() -> list[str]:
    """How much there is of each series, and where the least is more than the fraction."""
    lines = ["| series | season | test period | 10% | 30% | 100% |", "|---" * 6 + "|"]
    for name in LOADERS:
        if is_there(name):
            series, kept = load(name), sizes(name)
            floors = [
                f"{n}{'*' if n > round(fraction * kept[1.0]) else ''}"
                for fraction, n in kept.items()
            ]
            lines.append(f"| {name} | {series.sp} | {series.horizon} | {' | '.join(floors)} |")
    return [*lines, "", "\\* the least, more than the fraction."]


def as_markdown(folder: Path, command: str) -> str:
    rows = read_rows(folder)
    tasks = names_of(rows, "task")
    lines = [
        "# Does augmentation help?",
        "",
        f"`{command}`; sklearn-timegen {__version__}, sktime {sktime.__version__}, scikit-learn "
        f"{sklearn.__version__}, Python {platform.python_version()}, {platform.machine()}, one "
        "thread. Seconds are CPU seconds, the median over cases.",
        "",
        *(package.__doc__ or "").strip().split("\n\n", 1)[1].splitlines(),
        "",
        f"Worse: by more than {TIE:.1%} of *none*'s error; tied: within that. Intervals: "
        "bootstrap over the data sets or series, of which there are few. Small classes keep "
        f"{SHARE_LEFT:.0%} of their series.",
        "",
        '## "auto": at most a quarter of the cases worse, at most 0.5% lost at full data',
        "",
        *say_auto(rows),
        "",
        "## At 10% of the data, against repeat and the block bootstraps",
        "",
        *(line for task in tasks for line in say_few(rows, task)),
        "",
        "## The best and the worst arm",
        "",
        *(say_best(rows, task) for task in tasks),
    ]
    for task in tasks:
        lines += ["", f"## {task.capitalize()}", "", *table_of(select(rows, task=task))]
    lines += ["", "## Failures", "", *say_failed(folder)]
    lines += ["", "## Timesteps before the last test period", "", *say_sizes()]
    return "\n".join(lines) + "\n"
