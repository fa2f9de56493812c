"""Series with holes, words and ends: what is lost by them, and do they come back?

``python -m benchmarks.kinds`` has four parts. *Holes*: values are removed from complete sets,
single cells and runs of 3 to 12 timesteps, and complete series are generated from what is left
(``missing="complete"``); spread, autocorrelation and the panel of judges compare them with the
complete set. Beside that, whether boosting tells the pattern of what is missing in samples
(``missing="generate"``) from that of the data. *Losses*: what it is worth that a flow and a VAE
train on observed cells only, beside the same network on filled series, also where values hide
because they are large. *Sensors*: a made table of 13 sensors, with drifts, plateaus, dead ones and
a number in the place of what is missing. *Table*: a keyed table of words, flags, counts, amounts,
orders and dates, with lengths from 3 to 60.

What is done is kept in ``benchmarks/results/kinds/`` and not done again; the tables go to
``benchmarks/results/kinds.md``. Stocks and energy are looked for in the directory that
``SKLEARN_TIMEGEN_DATA`` names.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

from benchmarks.cells import Table, page_head, table_head
from benchmarks.columns import categories_off, numbers_off
from sklearn_timegen import VAE, FlowMatching, PCAMixture
from sklearn_timegen.datasets import load_energy, load_stocks, make_ar, make_sines
from sklearn_timegen.metrics import judge_panel
from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.rules.filling import NormalFiller

Array = NDArray[Any]
RESULTS = Path(__file__).parent / "results"
PARTS = ("table", "sensors", "holes", "losses")
N_WINDOWS = 1000
FRACTIONS = (0.0, 0.1, 0.3, 0.5)

GENERATORS: dict[str, Any] = {
    "PCAMixture": PCAMixture(),
    "FlowMatching": FlowMatching(hidden_dim=64, n_layers=2, warmup_steps=50, max_epochs=60),
}


# -- holes ---------------------------------------------------------------------------------------


def spread_out(series: Array) -> Array:
    """Return at most so many windows of 24 timesteps, evenly spread over the series."""
    windows, _ = make_windows(series, 24)
    return windows[np.linspace(0, len(windows) - 1, min(N_WINDOWS, len(windows))).astype(int)]


SETS: dict[str, Callable[[], Array]] = {
    "AR(2)": lambda: make_ar(N_WINDOWS, 24, 1, coefficients=(1.2, -0.5), random_state=0),
    "sines": lambda: make_sines(N_WINDOWS, 24, 5, random_state=0),
    "stocks": lambda: spread_out(load_stocks()),
    "energy": lambda: spread_out(load_energy()),
}


def holes(shape: tuple[int, ...], fraction: float, how: str, seed: int = 0) -> Array:
    """Return what is missing: single cells, or runs of 3 to 12 timesteps of one channel."""
    rng = np.random.default_rng(seed)
    if how == "cells":
        return rng.random(shape) < fraction
    mask = np.zeros(shape, dtype=bool)
    n, n_timesteps, n_channels = shape
    while mask.mean() < fraction:
        i, d = rng.integers(n, size=500), rng.integers(n_channels, size=500)
        length = rng.integers(3, 13, size=500)
        start = rng.integers(-11, n_timesteps, size=500)
        for k in range(500):
            mask[i[k], max(0, start[k]) : max(0, start[k] + length[k]), d[k]] = True
            if k % 20 == 0 and mask.mean() >= fraction:
                break
    return mask


def with_holes(x: Array, fraction: float, how: str) -> Array:
    mask = holes(x.shape, fraction, how)
    mask[mask.all(axis=(1, 2)), 0] = False
    return np.where(mask, np.nan, x)


def autocorrelation(x: Array) -> Array:
    centred = x - x.mean(axis=(0, 1))
    before, after = centred[:, :-1], centred[:, 1:]
    return (before * after).mean(axis=(0, 1)) / (centred**2).mean(axis=(0, 1))


def compared(real: Array, made: Array) -> dict[str, float]:
    panel = judge_panel(real, made, random_state=0, n_halves=0)
    spread = made.std(axis=(0, 1)) / np.maximum(real.std(axis=(0, 1)), 1e-12)
    return {
        "panel AUC": float(panel.table["auc"].max()),
        "panel": float(panel.table["score"].max()),
        "spread, worst": float(spread[np.abs(spread - 1).argmax()]),
        "autocorrelation, worst": float(
            np.nanmax(np.abs(autocorrelation(made) - autocorrelation(real)))
        ),
    }


def pattern_told(real: Array, made: Array) -> float:
    """Return how far above chance boosting tells patterns of missing values apart."""
    x = np.concatenate([np.isnan(real), np.isnan(made)]).astype(float)
    steps = np.abs(np.diff(x, axis=1)).sum(axis=1)
    features = np.column_stack([x.reshape(len(x), -1), x.sum(axis=1), steps])
    y = np.repeat([0, 1], [len(real), len(made)])
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    judge = HistGradientBoostingClassifier(random_state=0)
    return float(abs(cross_val_score(judge, features, y, cv=folds).mean() - 0.5))


def learned_from_holes(name: str, label: str, fraction: float, how: str) -> dict[str, Any]:
    x = SETS[name]()
    seen = with_holes(x, fraction, how)
    generator = clone(GENERATORS[label]).set_params(random_state=0)
    began = time.process_time()
    made = clone(generator).set_params(missing="complete").fit(seen).sample(len(x))
    result: dict[str, Any] = {"seconds": time.process_time() - began, **compared(x, made)}
    if fraction:
        drawn = clone(generator).fit(seen).sample(len(x))
        result["pattern"] = pattern_told(seen, drawn)
        result["missing"] = [float(np.isnan(seen).mean()), float(np.isnan(drawn).mean())]
    return result


# -- losses --------------------------------------------------------------------------------------

LEARNERS: dict[str, Any] = {
    "FlowMatching": FlowMatching(
        hidden_dim=64, n_layers=2, warmup_steps=50, max_epochs=60, representation="standard"
    ),
    "VAE": VAE(max_epochs=200),
}


def hidden(x: Array, fraction: float, how: str) -> Array:
    """Return series with values missing: at random, in runs, or mostly those that are large."""
    if how != "large":
        return with_holes(x, fraction, how)
    rank = x.argsort(axis=0).argsort(axis=0) / len(x)
    chance = np.clip(2 * fraction * rank**2 * 1.5, 0, 1)
    return np.where(np.random.default_rng(0).random(x.shape) < chance, np.nan, x)


def worth_of_masks(name: str, label: str, fraction: float, how: str) -> dict[str, Any]:
    x = SETS[name]()
    seen = hidden(x, fraction, how)
    filled = NormalFiller().fit([seen.astype(float)]).draw(seen.astype(float))
    result: dict[str, Any] = {}
    for which, given in (("observed", seen), ("filled", filled)):
        found = []
        for seed in range(2):
            made = clone(LEARNERS[label]).set_params(missing="complete", random_state=seed)
            found.append(compared(x, made.fit(given).sample(len(x))))
        result[which] = {key: float(np.mean([f[key] for f in found])) for key in found[0]}
    return result


# -- sensors -------------------------------------------------------------------------------------

SENTINEL = -200.0


def sensors(n: int = 500, n_timesteps: int = 24) -> Array:
    """Return 13 sensors: drifts, plateaus, dead ones, coupled ones, and ones on a grid."""
    rng = np.random.default_rng(0)
    hour = np.arange(n_timesteps) + rng.integers(24, size=(n, 1))
    day = np.sin(2 * np.pi * hour / 24)
    base = day + rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, n_timesteps)).cumsum(axis=1)
    x = np.empty((n, n_timesteps, 13))
    for k in range(6):  # coupled gases, above 0
        x[:, :, k] = np.exp(0.4 * base + 0.3 * rng.normal(size=(n, n_timesteps))) * (k + 1)
    x[:, :, 6] = np.round(20 + 5 * day + rng.normal(size=(n, 1)), 1)  # a grid of tenths
    x[:, :, 7] = np.clip(50 - 20 * day + 5 * rng.normal(size=(n, n_timesteps)), 0, 100)
    x[:, :, 8] = np.repeat(np.round(base[:, ::4]), 4, axis=1)[:, :n_timesteps]  # plateaus
    x[:, :, 9] = rng.normal(size=(n, 1)) + 0.01 * np.arange(n_timesteps)  # drift
    x[:, :, 10] = rng.poisson(3, size=(n, n_timesteps))
    x[:, :, 11] = (rng.random((n, n_timesteps)) < 0.05) * rng.gamma(2, 3, (n, n_timesteps))
    x[:, :, 12] = x[:, :, 0] * 1.9 + 3
    missing = holes(x.shape, 0.04, "cells", 1) | holes(x.shape, 0.04, "runs", 2)
    missing[rng.random(n) < 0.1, :, 4] = True  # dead
    return np.where(missing, SENTINEL, x).astype(np.float32)


def run_sensors(label: str) -> dict[str, Any]:
    coded = sensors()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        PCAMixture(random_state=0).fit(coded[:200])
    warned = [str(w.message) for w in told if "stands for what is missing" in str(w.message)]
    x = np.where(coded == SENTINEL, np.nan, coded)
    fitted = clone(GENERATORS[label]).set_params(random_state=0).fit(x)
    made = fitted.sample(len(x))
    dead = np.isnan(made[:, :, 4]).all(axis=1).mean()
    return {
        "channels warned of": len(warned),
        "first warning": warned[0] if warned else "",
        "missing": [float(np.isnan(x).mean()), float(np.isnan(made).mean())],
        "dead": [float(np.isnan(x[:, :, 4]).all(axis=1).mean()), float(dead)],
        "pattern": pattern_told(x, made),
        "rules": [repr(rule) for rule in fitted.rules_],
        "broken": int(sum(broken.sum() for _, broken in fitted.rules_.violations(made))),
    }


# -- table ---------------------------------------------------------------------------------------

COLUMNS = ("branch", "channel", "returned", "items", "price", "discount", "rating", "since")


def table(n: int = 5000, seed: int = 0) -> list[pd.DataFrame]:
    """Return customers' purchases: 8 columns, lengths from 3 to 60, 5% missing."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(n):
        length = int(np.clip(rng.geometric(0.07) + 2, 3, 60))
        branch = rng.choice(["north", "south", "east", "web"], p=[0.4, 0.3, 0.25, 0.05])
        web = branch == "web"
        channel = np.empty(length, dtype=object)
        for t in range(length):
            stay = t and rng.random() < 0.8
            channel[t] = channel[t - 1] if stay else rng.choice(["desk", "phone", "app"])
        level = rng.normal() + web
        price = np.round(np.exp(2 + 0.5 * level + 0.4 * rng.normal(size=length)), 2)
        free = rng.random(length) < 0.6
        frame = pd.DataFrame(
            {
                "branch": branch,
                "channel": channel,
                "returned": rng.random(length) < 0.1 + 0.1 * web,
                "items": 1 + rng.poisson(np.exp(0.5 * level), length),
                "price": price,
                "discount": np.where(free, 0.0, np.round(price * 0.1 * rng.random(length), 2)),
                "rating": pd.Categorical(
                    rng.choice(["bad", "fair", "good"], length, p=[0.2, 0.3, 0.5]),
                    categories=["bad", "fair", "good"],
                    ordered=True,
                ),
                "since": pd.Timestamp("2015-01-01") + pd.Timedelta(days=int(rng.integers(3000))),
            }
        )
        for column in ("channel", "price", "rating"):
            frame.loc[rng.random(length) < 0.05, column] = None
        found.append(frame)
    return found


def marginals(real: pd.DataFrame, made: pd.DataFrame) -> dict[str, float]:
    """Return for each column how far its distribution is off: total variation, or KS."""
    off: dict[str, float] = {}
    for column in COLUMNS:
        a, b = real[column], made[column]
        off[f"{column}, missing"] = float(abs(a.isna().mean() - b.isna().mean()))
        if pd.api.types.is_numeric_dtype(a) and not pd.api.types.is_bool_dtype(a):
            off[column] = numbers_off(a, b)
        elif pd.api.types.is_datetime64_any_dtype(a):
            off[column] = float(abs(a.mean() - b.mean()).days / a.std().days)
        else:
            off[column] = categories_off(a, b)
    return off


def staying(frames: list[pd.DataFrame]) -> float:
    kept = [
        (f["channel"].to_numpy()[1:] == f["channel"].to_numpy()[:-1])[
            (f["channel"].notna().to_numpy()[1:]) & (f["channel"].notna().to_numpy()[:-1])
        ]
        for f in frames
    ]
    return float(np.concatenate(kept).mean())


def run_table(label: str, n: int) -> dict[str, Any]:
    frames, other = table(n), table(n, seed=1)
    began, wall = time.process_time(), time.time()
    fitted = clone(GENERATORS[label]).set_params(random_state=0).fit(frames)
    seconds, minutes = time.process_time() - began, (time.time() - wall) / 60
    made = fitted.sample(n)
    real, drawn, again = (pd.concat(part) for part in (frames, made, other))
    lengths = [np.array([len(f) for f in part]) for part in (frames, made, other)]
    quantiles = np.linspace(0.05, 0.95, 19)
    prices = [
        ", ".join(f"{k} {v:.2f}" for k, v in part.groupby("branch")["price"].mean().items())
        for part in (real, drawn)
    ]
    return {
        "fit, CPU seconds": seconds,
        "fit, minutes": minutes,
        "marginals": marginals(real, drawn),
        "marginals of another sample": marginals(real, again),
        "lengths, quantiles off": float(
            np.abs(np.quantile(lengths[0], quantiles) - np.quantile(lengths[1], quantiles)).mean()
        ),
        "staying in a channel": [staying(part) for part in (frames, made, other)],
        "price by branch": [str(p) for p in prices],
        "dtypes": bool((made[0].dtypes == frames[0].dtypes).all()),
        "constant": bool(all(f["branch"].nunique() == 1 for f in made)),
        "score": fitted.score([f for f in other[:1000] if len(f) <= max(lengths[0])]),
    }


# -- running and telling --------------------------------------------------------------------------


def work(wanted: list[str]) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield part, key and what is to be done, quick things first."""
    for label in GENERATORS:
        if "table" in wanted:
            n = 5000 if label == "PCAMixture" else 2000
            yield "table", label, partial(run_table, label, n)
        if "sensors" in wanted:
            yield "sensors", label, partial(run_sensors, label)
    if "holes" in wanted:
        for label in GENERATORS:
            for name in SETS:
                if name == "energy" and label != "PCAMixture":
                    continue  # an hour for each
                for how in ("cells", "runs"):
                    for fraction in FRACTIONS[1 if how == "runs" else 0 :]:
                        key = f"{name} / {label} / {how} / {fraction}"
                        yield "holes", key, partial(learned_from_holes, name, label, fraction, how)
    if "losses" in wanted:
        for name in ("AR(2)", "stocks"):
            for label in LEARNERS:
                for how in ("cells", "runs", "large"):
                    for fraction in FRACTIONS[1:]:
                        key = f"{name} / {label} / {how} / {fraction}"
                        yield "losses", key, partial(worth_of_masks, name, label, fraction, how)


def as_markdown(done: dict[str, dict[str, Any]]) -> str:
    lines = page_head("Holes, words and ends", "benchmarks.kinds", __doc__)
    told = (told_table, told_sensors, told_holes, told_losses)
    for part, tell in zip(PARTS, told, strict=True):
        lines += ["", *tell(done[part])]
    return "\n".join([*lines, ""])


def told_table(done: dict[str, Any]) -> list[str]:
    lines = ["## Table", ""]
    for label, cell in done.items():
        if "marginals" not in cell:
            lines += [f"{label}: {cell}", ""]
            continue
        lines += [
            f"**{label}**: fit {cell['fit, CPU seconds']:.0f} CPU seconds, "
            f"{cell['fit, minutes']:.1f} minutes; dtypes back: {cell['dtypes']}; branch constant "
            f"in each series: {cell['constant']}; quantiles of lengths off by "
            f"{cell['lengths, quantiles off']:.2f} timesteps on average; share of staying in a "
            f"channel {cell['staying in a channel'][1]:.3f} for "
            f"{cell['staying in a channel'][0]:.3f}; score {cell['score']:.4f}.",
            "",
            f"Mean price by branch: {cell['price by branch'][1]}; in the data "
            f"{cell['price by branch'][0]}.",
            "",
            *table_head(["column", "off", "another sample of the same size"]),
        ]
        floor = cell["marginals of another sample"]
        lines += [f"| {c} | {v:.3f} | {floor[c]:.3f} |" for c, v in cell["marginals"].items()]
        lines.append("")
    return lines


def told_sensors(done: dict[str, Any]) -> list[str]:
    lines = ["## Sensors", ""]
    for label, cell in done.items():
        if "rules" not in cell:
            lines += [f"{label}: {cell}", ""]
            continue
        lines += [
            f"**{label}**: {cell['channels warned of']} channels warned of, the first: "
            f'"{cell["first warning"]}". Missing {cell["missing"][1]:.1%} for '
            f"{cell['missing'][0]:.1%}; dead all along in {cell['dead'][1]:.1%} for "
            f"{cell['dead'][0]:.1%}; patterns told by boosting {cell['pattern']:.3f}; rules "
            f"broken: {cell['broken']}.",
            "",
            *(f"    {rule}" for rule in cell["rules"]),
            "",
        ]
    return lines


def told_holes(done: dict[str, Any]) -> list[str]:
    heads = [
        *("set", "generator", "missing", "fraction", "panel", "AUC", "spread", "autocorrelation"),
        *("pattern told", "fraction in samples", "seconds"),
    ]
    lines = ["## Holes", "", *table_head(heads)]
    for key, cell in done.items():
        first = [part.strip() for part in key.split(" / ")]
        if "panel" not in cell:
            lines.append(f"| {' | '.join(first)} | {cell} |")
            continue
        pattern = f"{cell['pattern']:.3f}" if "pattern" in cell else ""
        drawn = f"{cell['missing'][1]:.3f}" if "missing" in cell else ""
        figures = [
            f"{cell['panel']:.3f}",
            f"{cell['panel AUC']:.3f}",
            f"{cell['spread, worst']:.3f}",
            f"{cell['autocorrelation, worst']:.3f}",
            pattern,
            drawn,
            f"{cell['seconds']:.0f}",
        ]
        lines.append(f"| {' | '.join([*first, *figures])} |")
    return lines


def told_losses(done: dict[str, Any]) -> list[str]:
    heads = ["set", "network", "missing", "fraction", "panel, observed", "panel, filled"]
    heads += ["spread, observed", "spread, filled"]
    lines = ["## Losses", "", *table_head(heads)]
    for key, cell in done.items():
        first = [part.strip() for part in key.split(" / ")]
        if "observed" not in cell:
            lines.append(f"| {' | '.join(first)} | {cell} |")
            continue
        figures = [
            f"{cell[which][figure]:.3f}"
            for figure in ("panel", "spread, worst")
            for which in ("observed", "filled")
        ]
        lines.append(f"| {' | '.join([*first, *figures])} |")
    return lines


TABLE = Table("benchmarks.kinds", RESULTS / "kinds", lambda: work(list(PARTS)), as_markdown)


def main() -> None:
    """Do what is not done, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="default: all")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(TABLE.run(work(arguments.parts or list(PARTS))))


if __name__ == "__main__":
    main()
