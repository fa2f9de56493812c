"""Beside other libraries that generate tables of many series: ``python -m benchmarks.peers``.

TabularARGN of mostlyai-engine (in its sequential mode) and PAR of SDV learn the same keyed tables
as generators of this package with their default settings, each in a process of its own. The others
have as many minutes of training as the table says (PAR is given as many epochs as should fit, and
may take longer); ours take what they take. Seconds are of cores that did other work, too. The
others are told which columns are constant in each series: TabularARGN
learns these by a model of its own, and series given them as context; to PAR they are its context
columns. Ours are told nothing, and find them. In the place of times, of which the others would
have to be told in other ways, stands what passed since the row before, a channel like any other.

A panel of judges tells the samples from series of the same kind that nobody was shown; beside
that, how far the share of each value is off, rules that real series keep and samples break,
seconds and memory.

They are installed in an environment of their own, from ``benchmarks/peers/requirements.txt``, and
``SKLEARN_TIMEGEN_PEERS`` names its Python. What is done is kept in ``benchmarks/results/peers/``,
by table, model, series and minutes, and not done again; the table goes to
``benchmarks/results/peers.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import kinds, tables_data
from benchmarks.cells import Table, page_head, table_head
from benchmarks.columns import columns_off
from benchmarks.peers import models
from sklearn_timegen.metrics import judge_panel, rule_violations

RESULTS = Path(__file__).parents[1] / "results"
SCRIPT = Path(models.__file__)
OURS = ("PCAMixture", "FlowMatching")
KEY = "series"


def purchases(n: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """Return a table of customers' purchases, and the columns that are a customer's."""
    frames = kinds.table(n, seed)
    table = pd.concat([frame.assign(**{KEY: i}) for i, frame in enumerate(frames)])
    return table.reset_index(drop=True), ["branch", "since"]


def events(n: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """Return visits of a web shop, with seconds since the page before in the place of times."""
    table = tables_data.events(seed, n).rename(columns={"visit": KEY})
    passed = table.groupby(KEY)["time"].diff().dt.total_seconds().fillna(0.0)
    return table.drop(columns="time").assign(seconds=passed), ["device", "from_advert"]


def visits(n: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """Return patients' visits, with days since the visit before in the place of dates."""
    table = tables_data.visits(seed, n).rename(columns={"patient": KEY})
    passed = table.groupby(KEY)["date"].diff().dt.days.fillna(0).astype(int)
    return table.drop(columns="date").assign(days=passed), ["sex", "birth_year"]


Make = Callable[[int, int], tuple[pd.DataFrame, list[str]]]
TABLES: dict[str, Make] = {"purchases": purchases, "events": events, "visits": visits}


def python_of(model: str) -> str:
    """Return the Python that has a model."""
    if model not in models.OTHERS:
        return sys.executable
    found = os.environ.get("SKLEARN_TIMEGEN_PEERS")
    if not found:
        raise FileNotFoundError("SKLEARN_TIMEGEN_PEERS names no Python that has the libraries")
    return found


def columns_of(table: pd.DataFrame, static: list[str]) -> dict[str, Any]:
    """Return what a CSV does not tell of its columns."""
    orders = {
        name: list(table[name].cat.categories)
        for name in table
        if isinstance(table[name].dtype, pd.CategoricalDtype)
    }
    dtypes = {name: str(dtype) for name, dtype in table.dtypes.items()}
    return {"key": KEY, "static": static, "dtypes": dtypes, "orders": orders}


def made_by(
    model: str, table: pd.DataFrame, static: list[str], minutes: float
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a sample of as many series as a table has, and what it cost."""
    columns = columns_of(table, static)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table.to_csv(folder / "table.csv", index=False)
        (folder / "columns.json").write_text(json.dumps(columns))
        arguments = [python_of(model), str(SCRIPT), model, str(folder)]
        arguments += ["--minutes", str(minutes), "--n-series", str(table[KEY].nunique())]
        # One thread: what is compared beside each other must not fight for the cores.
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        if model not in models.OTHERS:
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        done = subprocess.run(
            arguments, env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{model} failed: {done.stderr.strip()[-600:]}")
        made = pd.read_csv(folder / "made.csv")
        cost = json.loads((folder / "cost.json").read_text())
    return models.in_dtypes(made[list(table.columns)], columns), cost


def frames_of(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [part.drop(columns=KEY) for _, part in table.groupby(KEY, sort=False)]


def compare(name: str, model: str, n: int, minutes: float) -> dict[str, Any]:
    """Return how good and how dear a model's sample of a table is."""
    table, static = TABLES[name](n, 0)
    unseen, _ = TABLES[name](n, 1)
    made, cost = made_by(model, table, static, minutes)
    real, drawn = frames_of(unseen), frames_of(made)
    panel = judge_panel(real, drawn, random_state=0)
    varies = made.groupby(KEY)[static].nunique(dropna=False).max(axis=1) > 1
    return {
        **cost,
        "panel": float(panel.score),
        "floor": panel.score.floor,
        "judges": panel.table.to_dict(),
        "clues": panel.clues.groupby(level=0)
        .head(3)["feature"]
        .groupby(level=0)
        .agg(list)
        .to_dict(),
        "marginals": columns_off(unseen.drop(columns=KEY), made.drop(columns=KEY)),
        "marginals of training": columns_off(unseen.drop(columns=KEY), table.drop(columns=KEY)),
        "rules broken": float(rule_violations(frames_of(table), drawn)),
        "attributes that vary": float(varies.mean()),
    }


def work(n: int, minutes: float) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    for name in TABLES:
        for model in (*OURS, *models.OTHERS):
            key = f"{name} / {model} / {n} / {minutes:g}"
            yield "tables", key, partial(compare, name, model, n, minutes)


def as_markdown(done: dict[str, Any]) -> str:
    lines = page_head("Beside other libraries", "benchmarks.peers", __doc__)
    heads = [
        "table",
        "model",
        "series",
        "minutes",
        "panel",
        "floor",
        "AUC",
        "worst column, off by",
        "training's",
    ]
    heads += ["attributes that vary", "rules broken", "fit, s", "sample, s", "MB"]
    lines += ["", *table_head(heads)]
    for key, cell in done.items():
        first = [part.strip() for part in key.split(" / ")]
        if "panel" not in cell:
            lines.append(f"| {' | '.join(first)} | {cell} |")
            continue
        off = cell["marginals"]
        worst = max(off, key=lambda column: off[column])
        first[1] += f", {cell['epochs']} epochs" if cell["epochs"] else ""
        figures = [
            f"{cell['panel']:.3f}",
            f"{cell['floor']:.3f}",
            f"{max(cell['judges']['auc'].values()):.3f}",
            f"{worst}, {off[worst]:.3f}",
            f"{cell['marginals of training'][worst]:.3f}",
            f"{cell['attributes that vary']:.1%}",
            f"{cell['rules broken']:.2%}",
            f"{cell['fit']:.0f}",
            f"{cell['sample']:.0f}",
            f"{cell['memory']:,.0f}",
        ]
        lines.append(f"| {' | '.join([*first, *figures])} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Do what is not done, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8.0, help="of training (default: 8)")
    parser.add_argument("--n-series", type=int, default=2000, help="of each table (default: 2000)")
    arguments = parser.parse_args()
    cells = partial(work, arguments.n_series, arguments.minutes)
    table = Table(
        "benchmarks.peers", RESULTS / "peers", cells, lambda done: as_markdown(done["tables"])
    )
    print(table.run(cells()))


if __name__ == "__main__":
    main()
