"""``python -m benchmarks.augmentation``: do what is not done, and write the table."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm.auto import tqdm

from benchmarks.augmentation.classification import CLASSIFICATION
from benchmarks.augmentation.forecasting import BAGGING, GLOBAL, REDUCTION
from benchmarks.augmentation.report import as_markdown
from benchmarks.augmentation.task import Case, Task

TASKS = {task.name: task for task in (CLASSIFICATION, REDUCTION, GLOBAL, BAGGING)}
RESULTS = Path(__file__).parents[1] / "results"


def run_task(task: Task, cases: list[Case], folder: Path) -> Iterator[str]:
    """Do what is not done of a task; yields the name of each piece of work as it ends."""
    path = folder / f"{task.name}.json"
    cells = json.loads(path.read_text()) if path.exists() else {}
    for case in cases:
        for arm in task.arms(case):
            key = f"{case} / {arm}"
            if key not in cells:
                cells[key] = task.run(case, arm)
                fresh = path.with_suffix(".new")
                fresh.write_text(json.dumps(cells, indent=1) + "\n")
                fresh.replace(path)  # whole or not at all
            yield f"{task.name}: {key}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether augmentation helps.")
    parser.add_argument("--quick", action="store_true", help="few cases, about 3 minutes")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), help="default: all")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # sktime's notices of changes to come, one for each fit; what "auto" warns of is in the table.
    warnings.simplefilter("ignore")
    folder = RESULTS / ("augmentation-quick" if arguments.quick else "augmentation")
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [TASKS[name] for name in arguments.tasks or TASKS]
    work = [(task, task.cases(arguments.quick)) for task in chosen]
    n_cells = sum(len(task.arms(case)) for task, cases in work for case in cases)
    with tqdm(total=n_cells, unit="cell", mininterval=10) as bar:
        for task, cases in work:
            for label in run_task(task, cases, folder):
                bar.set_description(label, refresh=False)
                bar.update()
    command = "python -m benchmarks.augmentation" + (" --quick" if arguments.quick else "")
    report = as_markdown(folder, command)
    (RESULTS / f"{folder.name}.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
