"""What privacy costs, and what attacks still find: a panel of judges, TSTR and attacks by epsilon.

``python -m benchmarks.private`` trains generators with budgets of epsilon 1, 4 and 10 (delta
1e-4), without a budget at the same parameters ("none": no rules, nothing done to samples, and
scales learned from the data), and without a budget at their defaults ("defaults"). Each series is
an owner. *Panel* is the highest AUC of the judges who tell samples from held-out series, the
generator trained on half of them; *TSTR* the accuracy on the held-out half of a logistic
regression trained on samples of generators of each label, or, without labels, the R2 of the last
timestep predicted from the others; *attacks* are those of ``privacy_report`` with 8 shadows
(networks: 4): AUC with its interval, and the fraction of members found at 1 % false positives.
ItalyPowerDemand is 1,096 days, standardised each, so that no value is beyond 23 / sqrt 24; stocks
are 737 weeks of five trading days, whose bounds are round numbers that were chosen by looking at
the data, which a real budget does not allow.

What is done is kept in ``benchmarks/results/private/`` and not done again; the tables go to
``benchmarks/results/private.md``. Stocks are looked for in the directory that
``SKLEARN_TIMEGEN_DATA`` names. Noise is not seeded: another run gives other figures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone

from benchmarks.cells import Done, Table, Work, has_result, page_head, table_head
from sklearn_timegen import VAE, FlowMatching, PCAMixture, PrivacyBudget
from sklearn_timegen.datasets import load_italy_power, load_stocks
from sklearn_timegen.metrics import judge_panel, privacy_report, tstr_score

Array = NDArray[Any]
RESULTS = Path(__file__).parent / "results"
DELTA = 1e-4
SETTINGS = ("1", "4", "10", "none", "defaults")


class Set(NamedTuple):
    """Series, their labels, if there are any, and bounds that are public."""

    X: Array
    y: Array | None
    bounds: tuple[Any, Any]


def italy_power() -> Set:
    X, y = load_italy_power()
    return Set(X, y, (-23 / 24**0.5, 23 / 24**0.5))


def stocks() -> Set:
    days = load_stocks()
    n_weeks = len(days) // 5
    X = days[: 5 * n_weeks].reshape(n_weeks, 5, 6)
    return Set(X, None, (0, [1500.0] * 5 + [1e8]))


SETS: dict[str, Callable[[], Set]] = {"ItalyPowerDemand": italy_power, "stocks": stocks}

# What each is at its defaults, and what is changed for a budget, and for "none".
GENERATORS: dict[str, tuple[Any, dict[str, Any]]] = {
    "PCAMixture": (PCAMixture(), {"n_mixture_components": 1}),
    "VAE": (
        VAE(
            encoder="dense",
            decoder="dense",
            hidden_dims=(64,),
            decoder_noise="per-cell",
            batch_size=128,
            max_epochs=30,
            lr=3e-3,
        ),
        {},
    ),
    "FlowMatching": (
        FlowMatching(hidden_dim=32, n_layers=2, warmup_steps=20, max_epochs=30),
        {"n_steps": 16},
    ),
}


def make(name: str, setting: str, bounds: tuple[Any, Any]) -> Any:
    """Return an unfitted generator of a setting."""
    plain, changed = GENERATORS[name]
    generator = clone(plain)
    if setting == "defaults":
        return generator
    generator.set_params(
        rules=None, postprocess=None, representation="standard", bounds=bounds, **changed
    )
    if setting != "none":
        generator.set_params(private=PrivacyBudget(float(setting), DELTA))
    return generator


def measure(part: str, name: str, setting: str) -> dict[str, Any]:
    """Return the figures of a generator at a setting."""
    X, y, bounds = SETS[part]()
    order = np.random.default_rng(0).permutation(len(X))
    train, test = np.array_split(order, 2)
    began = time.process_time()
    generator = make(name, setting, bounds).set_params(random_state=0).fit(X[train])
    seconds = time.process_time() - began
    made = generator.sample(len(test))
    panel = judge_panel(X[test], made, random_state=0, n_halves=0)
    n_shadows = 8 if name == "PCAMixture" else 4  # networks take their time
    report = privacy_report(make(name, setting, bounds), X, n_shadows=n_shadows, random_state=0)
    return {
        "seconds": seconds,
        "epsilon": generator.epsilon_ if np.isfinite(generator.epsilon_) else None,
        "panel": float(panel.table["auc"].max()),
        "tstr": tstr(part, name, setting, train, test),
        "trtr": (
            tstr_score(X[test], X[train])
            if y is None
            else tstr_score(X[test], X[train], y_real=y[test], y_synthetic=y[train])
        ),
        "leaks": list(report.leaks),
        "attacks": {
            attack: {
                "auc": result.auc,
                "interval": list(result.interval()),
                "tpr": result.tpr(0.01),
            }
            for attack, result in report.attacks.items()
        },
    }


def tstr(part: str, name: str, setting: str, train: Array, test: Array) -> float:
    """Train on samples, those of each label from a generator of its own, and test on the rest.

    An owner has one label: to fit several generators spends no more than to fit one.
    """
    X, y, bounds = SETS[part]()
    labels = np.zeros(len(X)) if y is None else y
    drawn, told = [], []
    for label in np.unique(labels[train]):
        mine = train[labels[train] == label]
        generator = make(name, setting, bounds).set_params(random_state=0)
        drawn.append(generator.fit(X[mine]).sample(len(mine)))
        told.append(np.full(len(mine), label))
    made = np.concatenate(drawn)
    if y is None:
        return tstr_score(X[test], made)
    return tstr_score(X[test], made, y_real=y[test], y_synthetic=np.concatenate(told))


def work() -> Iterator[Work]:
    """Yield all cells."""
    for part in SETS:
        for name in GENERATORS:
            for setting in SETTINGS:
                yield part, f"{name} / {setting}", partial(measure, part, name, setting)


def as_markdown(done: Done) -> str:
    """Return the page of what is done."""
    lines = page_head("What privacy costs", "benchmarks.private", __doc__)
    for part, cells in done.items():
        rows = [row(key, cell) for key, cell in in_order(cells) if has_result(cell)]
        if not rows:
            continue
        attacks = list(next(cell for cell in cells.values() if has_result(cell))["attacks"])
        heads = ["generator", "epsilon", "spent", "panel AUC", "TSTR (real)"]
        lines += ["", f"## {part}", "", *table_head([*heads, *attacks, "fit, CPU s"]), *rows]
    return "\n".join(lines) + "\n"


def in_order(cells: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what there is, in the order of the work."""
    for name in GENERATORS:
        for setting in SETTINGS:
            key = f"{name} / {setting}"
            if key in cells:
                yield key, cells[key]


def row(key: str, cell: dict[str, Any]) -> str:
    """Return the line of a cell."""
    name, setting = key.split(" / ")
    spent = "" if cell["epsilon"] is None else f"{cell['epsilon']:.2f}"
    figures = [f"{cell['panel']:.3f}", f"{cell['tstr']:.3f} ({cell['trtr']:.3f})"]
    for found in cell["attacks"].values():
        low, high = found["interval"]
        figures.append(f"{found['auc']:.2f} ({low:.2f}-{high:.2f}), {100 * found['tpr']:.1f}%")
    seconds = f"{cell['seconds']:.1f}"
    return f"| {' | '.join([name, setting, spent, *figures, seconds])} |"


TABLE = Table("benchmarks.private", RESULTS / "private", work, as_markdown)


def main() -> None:
    """Do what is not done, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--generators", nargs="+", choices=list(GENERATORS), default=None)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = arguments.generators or list(GENERATORS)
    print(
        TABLE.run(
            cell
            for cell in work()
            if cell[0] in arguments.parts and cell[1].split(" / ")[0] in names
        )
    )


if __name__ == "__main__":
    main()
