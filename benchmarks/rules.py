"""What every series keeps: is it found, is it kept, and what does it cost?

``python -m benchmarks.rules`` has four parts. *Kept*: generators are fitted to sets with rules,
as windows and, by ``SeriesGenerator``, as series of which 100 each of 5 lengths are joined. What
comes out is counted by code of its own, which knows nothing of the rules that were found, and
is set beside what is demanded. Networks are small and take about 300 steps: rules have to hold
whatever a network has learned, and shares and means after that. *False alarms*: what is found in
sets that have no rules, and in those that ship with sktime, statsmodels and scikit-learn; each
finding is argued. *Sines*: are windows on a surface told apart? *Cost*: seconds of finding, and
of sampling beside ``rules=None``.

What is done is kept in ``benchmarks/results/rules/`` and not done again; the tables go to
``benchmarks/results/rules.md``. Stocks and energy are looked for in the directory that
``SKLEARN_TIMEGEN_DATA`` names; sets whose data are not found are left out, and said.
"""

from __future__ import annotations

import argparse
import importlib
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone

from benchmarks.cells import Table, page_head, table_head
from benchmarks.rules_remarks import REMARKS
from sklearn_timegen import (
    R3GAN,
    BlockBootstrap,
    FlowMatching,
    PCAMixture,
    SeriesGenerator,
    TeacherForcing,
    TimeVAE,
)
from sklearn_timegen.datasets import load_energy, load_stocks, make_ar, make_sines
from sklearn_timegen.metrics import judge_panel, nearest_record_ratio
from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.rules import find_rules

Array = NDArray[Any]
Row = tuple[str, str, str, bool | None]  # measure, what came out, demand, whether it is met
RESULTS = Path(__file__).parent / "results"
WINDOW = 24
N_SERIES, LENGTH = 200, 72
LENGTHS = (1, 10, 24, 60, 200)  # of joined series
N_JOINED, N_WINDOWS = 100, 1000
STEPS = 300  # of training
BATCH = 64

GENERATORS: dict[str, Any] = {
    "PCAMixture": PCAMixture(),
    "FlowMatching": FlowMatching(hidden_dim=16, n_layers=1, warmup_steps=30, batch_size=BATCH),
    "TimeVAE": TimeVAE(batch_size=BATCH),
    "R3GAN": R3GAN(representation="quantile", hidden_dims=(64, 64), batch_size=BATCH),
    "TeacherForcing": TeacherForcing(hidden_dim=32, batch_size=BATCH),
    "BlockBootstrap": BlockBootstrap(),
}


# -- sets with rules, and what is demanded ------------------------------------------------------


def share_row(name: str, real: Array, made: Array, points: float = 2.0) -> Row:
    """Compare how often each value occurs, and say the one that is off the most."""
    values = np.unique(real)
    off = np.array([np.mean(made == v) - np.mean(real == v) for v in values])
    k = int(np.abs(off).argmax())
    said = (
        f"{values[k]:g} in {np.mean(made == values[k]):.1%} for {np.mean(real == values[k]):.1%}"
    )
    return f"share of each {name}", said, f"within {points:g} points", abs(off[k]) <= points / 100


def mean_row(what: str, real: Array, made: Array, within: float, of: Any = np.mean) -> Row:
    found, wanted = float(of(made)), float(of(real))
    met = abs(found - wanted) <= within * abs(wanted)
    return what, f"{found:.4g} for {wanted:.4g}", f"within {within:.0%}", met


def none_row(what: str, broken: Any) -> Row:
    n = int(np.sum(broken))
    return what, f"{n:,}", "0", n == 0


def zeros(real: Array, made: list[Array]) -> list[Row]:
    x = together(made)
    met = abs(np.mean(x == 0) - np.mean(real == 0)) <= 0.03
    said = f"{np.mean(x == 0):.1%} for {np.mean(real == 0):.1%}"
    return [
        ("zeros", said, "within 3 points", met),
        mean_row("mean", real, x, 0.1),
        none_row("negative", x < 0),
    ]


def counts(real: Array, made: list[Array]) -> list[Row]:
    x = together(made)
    larger = f"{x.max():g} for {real.max():g}"
    return [
        mean_row("mean", real, x, 0.05),
        share_row("count", real, x),
        none_row("negative or no whole numbers", (x < 0) | (x != np.rint(x))),
        ("largest, which may be unseen", larger, "", None),
    ]


def coded(real: Array, made: list[Array]) -> list[Row]:
    x = together(made)
    return [share_row("code", real, x), none_row("other codes", ~np.isin(x, np.unique(real)))]


def one_hot(real: Array, made: list[Array]) -> list[Row]:
    x, of_real = together(made), flat(real).mean(axis=0)
    off = np.abs(x.mean(axis=0) - of_real)
    k = int(off.argmax())
    said = f"state {k} in {x.mean(axis=0)[k]:.1%} for {of_real[k]:.1%}"
    return [
        none_row("sums other than 1, values other than 0 and 1", wrong_states(x)),
        ("share of each state", said, "within 2 points", bool(off[k] <= 0.02)),
    ]


def wrong_states(x: Array) -> Array:
    return (x.sum(axis=1) != 1) | ((x != 0) & (x != 1)).any(axis=1)


def ordered(real: Array, made: list[Array]) -> list[Row]:
    x = together(made)
    first, high, low, last = x[:, 0], x[:, 1], x[:, 2], x[:, 3]
    broken = (low > np.minimum(first, last)) | (high < np.maximum(first, last))
    rows = [none_row("low above open or close, high below", broken)]
    if x.shape[1] > 4:
        rows.append(none_row("adjusted other than close", x[:, 4] != x[:, 3]))
        rows.append(none_row("volume 0 or below", x[:, 5] <= 0))
    return rows


def rising(real: Array, made: list[Array]) -> list[Row]:
    steps = np.concatenate([np.diff(x, axis=0).ravel() for x in made])
    of_real = np.diff(real, axis=1)
    return [
        none_row("steps down", steps < 0),
        mean_row("mean of steps", of_real, steps, 0.1),
        mean_row("sd of steps", of_real, steps, 0.1, np.std),
        mean_row("share of steps of 0", of_real, steps, np.inf, lambda s: np.mean(s == 0)),
    ]


def totals(real: Array, made: list[Array]) -> list[Row]:
    x = together(made).astype(np.float64)
    off = np.abs(x[:, 0] - x[:, 1:].sum(axis=1)) / np.abs(x[:, 0])
    said = f"{off.max():.1e} of it"
    return [
        ("total off the sum of parts", said, "4e-7", bool(off.max() <= 4e-7)),
        none_row("parts 0 or below", x[:, 1:] <= 0),
    ]


def weather(real: Array, made: list[Array]) -> list[Row]:
    longer = [x for x in made if len(x) > 2]
    scale = flat(real).std(axis=0)

    def still(series: Any) -> float:
        return float(
            np.mean(
                np.concatenate(
                    [(np.abs(np.diff(x, n=2, axis=0)) <= 1e-4 * scale).ravel() for x in series]
                )
            )
        )

    found, wanted = still(longer), still(real)
    x = together(made)
    phases = np.bincount([p for x in longer if (p := phase(x, scale)) >= 0], minlength=6)
    said = "/".join(f"{p:.2f}" for p in phases / max(1, phases.sum()))
    of_real = np.bincount([p for x in real if (p := phase(x, scale)) >= 0], minlength=6)
    wrong = np.abs(phases / max(1, phases.sum()) - of_real / max(1, of_real.sum())).max()
    several = len(longer) >= 500
    return [
        (
            "second differences of 0",
            f"{found:.2%} for {wanted:.2%}",
            "within 1 point",
            abs(found - wanted) <= 0.01,
        ),
        none_row("kinks at two remainders of 6", [off_clock(x, scale) for x in longer]),
        none_row("dew point above temperature", x[:, 5] > x[:, 0]),
        (
            "phases",
            said,
            "within 5 points of training" if several else "",
            bool(wrong <= 0.05) if several else None,
        ),
    ]


def straight(real: Array, made: list[Array]) -> list[Row]:
    """Count kinks elsewhere than every six timesteps, of series that begin at a reading."""
    scale = flat(real).std(axis=0)
    return [none_row("kinks at two remainders of 6", [off_clock(x, scale / 1000) for x in made])]


def kinks(x: Array, scale: Array) -> Array:
    bent = (np.abs(np.diff(x.astype(np.float64), n=2, axis=0)) > 1e-3 * scale).any(axis=1)
    return (np.flatnonzero(bent) + 1) % 6


def phase(x: Array, scale: Array) -> int:
    at = kinks(x, scale)
    return int(np.bincount(at).argmax()) if len(at) else -1


def off_clock(x: Array, scale: Array) -> int:
    at = kinks(x, scale)
    return 0 if len(at) == 0 else int((at != np.bincount(at).argmax()).sum())


def flat(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def together(made: list[Array]) -> Array:
    return np.concatenate([flat(x) for x in made])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


SHAPE = N_SERIES, LENGTH


def rain() -> Array:
    return (rng(1).gamma(0.7, 8, SHAPE) * (rng(2).random(SHAPE) < 0.4))[..., None]


def seattle() -> Array:
    data = importlib.import_module("vega_datasets").data
    return data.seattle_weather()["precipitation"].to_numpy(dtype=float)[None, :, None]


def poisson(mean: float) -> Callable[[], Array]:
    return lambda: rng(3).poisson(mean, (*SHAPE, 1)).astype(float)


def flags() -> Array:
    """Rare, and on for some timesteps."""
    smooth = np.apply_along_axis(
        np.convolve, 1, rng(4).normal(size=(N_SERIES, LENGTH + 9)), np.ones(6), mode="valid"
    )[:, :LENGTH]
    return (smooth > np.quantile(smooth, 0.984)).astype(float)[..., None]


def codes() -> Array:
    return rng(5).choice([3.0, 7.0, 20.0, 55.0], p=[0.5, 0.3, 0.184, 0.016], size=(*SHAPE, 1))


def states() -> Array:
    state = rng(6).choice(5, p=[0.45, 0.3, 0.15, 0.085, 0.015], size=SHAPE)
    return np.eye(5)[state]


def prices() -> Array:
    last = 50 * np.exp(0.02 * rng(7).normal(size=SHAPE).cumsum(axis=1))
    last *= np.exp(0.5 * rng(8).normal(size=(N_SERIES, 1)))
    low = last * np.exp(-0.01 * rng(9).exponential(size=SHAPE) * (rng(10).random(SHAPE) > 0.02))
    high = last * np.exp(0.01 * rng(11).exponential(size=SHAPE))
    return np.stack([low + (high - low) * rng(12).random(SHAPE), high, low, last], axis=2)


def stocks() -> Array:
    return load_stocks()[None]


def meters() -> Array:
    used = rng(13).exponential(size=SHAPE) * (rng(14).random(SHAPE) < 0.7)
    return (used.cumsum(axis=1) + rng(15).uniform(1e2, 1e4, (N_SERIES, 1)))[..., None]


def parts() -> Array:
    pieces = np.exp(0.1 * rng(16).normal(size=(*SHAPE, 3)).cumsum(axis=1)) * [1e5, 3e4, 2e3]
    pieces = pieces.astype(np.float32).astype(float)
    return np.concatenate([pieces.sum(axis=2, keepdims=True), pieces], axis=2)


def readings() -> Array:
    """Straight between readings every six timesteps, at levels far apart."""
    values = rng(17).normal(size=(N_SERIES, 13)).cumsum(axis=1)
    values = (values + 1000 * rng(18).normal(size=(N_SERIES, 1))).round(1)
    at = np.arange(LENGTH) / 6
    return np.stack([np.interp(at, np.arange(13), one) for one in values])[..., None]


def energy_weather() -> Array:
    return load_energy()[None, :4000, 20:26]


RELATIVE = ["log", "difference"]
# name: (series, what is counted, transforms of joined series)
SETS: dict[str, tuple[Callable[[], Array], Callable[..., list[Row]], list[Any]]] = {
    "gamma amounts on 40% of days": (rain, zeros, [None]),
    "Seattle's rain": (seattle, zeros, [None]),
    "Poisson(0.3)": (poisson(0.3), counts, [None]),
    "Poisson(5)": (poisson(5), counts, [None]),
    "flags, on in 1.6%": (flags, coded, [None]),
    "codes, rarest 1.6%": (codes, coded, [None]),
    "one-hot, 5 states, rarest 1.5%": (states, one_hot, [None]),
    "day's prices, made up": (prices, ordered, [None, RELATIVE]),
    "Google's prices": (stocks, ordered, [None, RELATIVE]),
    "rising meters": (meters, rising, [None]),
    "parts and totals": (parts, totals, ["log", "difference"]),
    "readings every 6 timesteps, levels apart": (readings, straight, [None]),
    "energy's weather": (energy_weather, weather, [None]),
}


def windows_of(series: Array) -> Array:
    stride = 1 if len(series) == 1 else WINDOW
    return np.concatenate([make_windows(one, WINDOW, stride)[0] for one in series])


def sized(generator: Any, n_windows: int) -> Any:
    made = clone(generator).set_params(random_state=0)
    if "max_epochs" in made.get_params():
        made.set_params(max_epochs=max(1, math.ceil(STEPS * BATCH / n_windows)))
    return made


def kept(name: str, label: str) -> dict[str, Any]:
    """Fit a generator to a set, as windows and as series, and count."""
    make, count, transforms = SETS[name]
    series = make()
    windows = windows_of(series)
    began = time.perf_counter()
    fitted = sized(GENERATORS[label], len(windows)).fit(windows)
    drawn = list(fitted.sample(N_WINDOWS))
    rows = {"windows": count(windows, drawn)}
    seconds = {"windows": time.perf_counter() - began}
    stride = 1 if len(series) == 1 else WINDOW // 2
    n_windows = len(series) * (series.shape[1] // stride)
    for transform in transforms:
        way = "joined" if transform is None else f"joined, {transform}"
        began = time.perf_counter()
        joined = SeriesGenerator(
            sized(GENERATORS[label], n_windows),
            WINDOW,
            stride=stride,
            transform=transform,
            random_state=0,
        ).fit(series[0] if len(series) == 1 else list(series))
        made = [np.asarray(x) for n in LENGTHS for x in joined.sample(N_JOINED, n_timesteps=n)]
        rows[way] = count(series, made)
        seconds[way] = time.perf_counter() - began
    return {"rows": rows, "seconds": seconds}


# -- sets without rules ------------------------------------------------------------------------


def cut(x: Array) -> Array:
    return make_windows(x, WINDOW)[0]


def garch(seed: int, n: int = 3000) -> Array:
    noise, x, variance = rng(seed).normal(size=n), np.zeros(n), 1.0
    for t in range(1, n):
        variance = 0.05 + 0.1 * x[t - 1] ** 2 + 0.85 * variance
        x[t] = np.sqrt(variance) * noise[t]
    return x[:, None]


def vector_ar(seed: int) -> Array:
    noise, x = rng(seed).normal(size=(1500, 3)), np.zeros((1500, 3))
    a = np.array([[0.6, 0.3, 0], [0, 0.5, -0.3], [0.2, 0, 0.7]])
    for t in range(1, len(x)):
        x[t] = a @ x[t - 1] + noise[t]
    return x


def groups(seed: int) -> Array:
    level = rng(seed).choice([-5.0, 0.0, 5.0], size=(300, 1, 1))
    return level + rng(seed + 50).normal(size=(300, WINDOW, 2))


def season(seed: int) -> Array:
    t = np.arange(2000)[:, None]
    noise = rng(seed).normal(size=(2000, 2))
    return np.sin(2 * np.pi * t / 24 + np.array([0.0, 1.0])) + 0.5 * noise


FREE: dict[str, Callable[[int], Array]] = {
    "white noise": lambda k: rng(k).normal(size=(300, WINDOW, 3)),
    "white noise, one series": lambda k: rng(k).normal(size=(1, 3000, 3)),
    "Student's t of 3": lambda k: rng(k).standard_t(3, size=(300, WINDOW, 2)),
    "walks": lambda k: rng(k).normal(size=(300, WINDOW, 3)).cumsum(axis=1),
    "a walk, one series": lambda k: rng(k).normal(size=(1, 3000, 4)).cumsum(axis=1),
    "windows of a walk": lambda k: cut(rng(k).normal(size=(2000, 3)).cumsum(axis=0)),
    "a short walk": lambda k: rng(k).normal(size=(1, 100, 4)).cumsum(axis=1),
    "windows of a short walk": lambda k: cut(rng(k).normal(size=(150, 3)).cumsum(axis=0)),
    "AR(2)": lambda k: make_ar(300, WINDOW, coefficients=(1.2, -0.5), random_state=k),
    "vector AR(1), one series": lambda k: vector_ar(k)[None],
    "GARCH, windows": lambda k: cut(garch(k)),
    "GARCH, one series": lambda k: garch(k)[None],
    "mixture of levels": groups,
    "levels apart": lambda k: rng(k).normal(size=(300, WINDOW, 3)) + np.array([0, 2, 30]),
    "a season and noise, windows": lambda k: cut(season(k)),
    "a season and noise, one series": lambda k: season(k)[None],
}
N_SEEDS = 5

SKTIME = [
    "airline", "arrow_head", "basic_motions", "gunpoint", "italy_power_demand",
    "japanese_vowels", "longley", "lynx", "macroeconomic", "osuleaf", "shampoo_sales",
    "unit_test", "uschange", "PBS_dataset", "acsf1", "gun_point_segmentation",
    "electric_devices_segmentation",
]  # fmt: skip
STATSMODELS = [
    "sunspots", "nile", "macrodata", "co2", "elnino", "longley", "copper", "danish_data",
    "interest_inflation", "strikes", "grunfeld",
]  # fmt: skip


def from_sktime(name: str) -> Any:
    loader = getattr(importlib.import_module("sktime.datasets"), f"load_{name}")
    loaded = loader()
    return as_series(loaded[0] if isinstance(loaded, tuple) and name != "longley" else loaded)


def from_statsmodels(name: str) -> Any:
    module = importlib.import_module(f"statsmodels.datasets.{name}")
    data = module.load_pandas().data
    if name == "grunfeld":
        firms = [one for _, one in data.groupby("firm") if len(one) == 20]
        return np.stack([f[["invest", "value", "capital"]].to_numpy(float) for f in firms]), None
    dates = {"year", "YEAR", "quarter", "month"}
    numbers = data.drop(columns=[c for c in data if c in dates]).select_dtypes("number").dropna()
    if name == "elnino":  # months of a year: a series a year
        return numbers.to_numpy(float)[:, :, None], None
    return numbers.to_numpy(float)[None], [str(c) for c in numbers]


def digits() -> Any:
    images = importlib.import_module("sklearn.datasets").load_digits().data
    return images[:, :, None], ["ink"]


def as_series(loaded: Any) -> tuple[Any, list[str] | None]:
    """Return what sktime loads, in any of its containers, as series and names."""
    if isinstance(loaded, tuple):  # a target and what may explain it
        return as_series(importlib.import_module("pandas").concat(loaded[::-1], axis=1))
    if loaded.__class__.__name__ == "Series":
        return loaded.dropna().to_numpy(dtype=float)[None, :, None], [str(loaded.name)]
    nested = loaded.iloc[0, 0] if len(loaded.columns) else None
    if hasattr(nested, "to_numpy") or isinstance(nested, np.ndarray):
        series = [
            np.stack([np.asarray(cell, dtype=float) for cell in row], axis=1)
            for row in loaded.to_numpy()
        ]
        same = len({len(x) for x in series}) == 1
        return np.stack(series) if same else series, [str(c) for c in loaded.columns]
    if loaded.index.nlevels > 1:
        series = [one.to_numpy(dtype=float) for _, one in loaded.groupby(level=0)]
        return series, [str(c) for c in loaded.columns]
    return loaded.dropna().to_numpy(dtype=float)[None], [str(c) for c in loaded.columns]


def shipped() -> dict[str, Callable[[], Any]]:
    sets: dict[str, Callable[[], Any]] = {}
    sets |= {f"sktime, {name}": partial(from_sktime, name) for name in SKTIME}
    sets |= {f"statsmodels, {name}": partial(from_statsmodels, name) for name in STATSMODELS}
    return sets | {"scikit-learn, digits": digits}


def found(x: Any, names: Any) -> dict[str, Any]:
    if isinstance(x, list) and len({one.shape for one in x}) == 1:
        x = np.stack(x)
    as_float32 = [one.astype(np.float32) for one in x] if isinstance(x, list) else np.float32(x)
    said = shape_of(x)
    return {"shape": said, "rules": list(map(repr, find_rules(as_float32, names=names)))}


def found_in(load: Callable[[], Any]) -> dict[str, Any]:
    loaded = load()
    return found(*loaded) if isinstance(loaded, tuple) else found(loaded, None)


def shape_of(x: Any) -> str:
    if isinstance(x, list):
        lengths = sorted({len(one) for one in x})
        return f"{len(x)} x {lengths[0]} to {lengths[-1]} x {x[0].shape[1]}"
    return " x ".join(map(str, x.shape))


# -- cost --------------------------------------------------------------------------------------

# Of the sizes that users have; what they have learned does not change what drawing costs.
COSTED: dict[str, Any] = {
    "PCAMixture": PCAMixture(),
    "FlowMatching": FlowMatching(max_epochs=1),
    "TimeVAE": TimeVAE(max_epochs=1),
}


def cost(name: str) -> dict[str, Any]:
    x = cut(load_stocks() if name == "stocks" else load_energy()).astype(np.float32)
    began = time.process_time()
    find_rules(x)
    result: dict[str, Any] = {"shape": list(x.shape), "finding": time.process_time() - began}
    few = x[::7] if name == "energy" else x
    for label, generator in COSTED.items():
        if name == "energy" and label == "FlowMatching":  # minutes for each draw
            continue
        fits = [clone(generator).set_params(rules=r, random_state=0) for r in ("auto", None)]
        taken: list[list[float]] = [[], []]
        for k, made in enumerate(fits):
            began = time.process_time()
            made.fit(few)
            result[f"{label}, fit, {('rules', 'none')[k]}"] = time.process_time() - began
        for _ in range(3):  # in turn, so that what else goes on meets both
            for k, made in enumerate(fits):
                began = time.process_time()
                made.sample(2000)
                taken[k].append(time.process_time() - began)
        result[label] = [float(np.median(t)) for t in taken]
    return result


# -- sines, judged -------------------------------------------------------------------------------

# Judges of the panel that windows off their surface are told by; the second one is shown second
# differences.
JUDGES = ("boosting", "boosting of channels")
N_SINES, SINES_DEMAND = 4000, 0.06
JUDGED: dict[str, Any] = {"PCAMixture": PCAMixture(), "FlowMatching": FlowMatching()}


def judged(label: str, rules: str | None) -> dict[str, Any]:
    """Fit a generator of its default size to TimeGAN's sines, and let them be told apart."""
    x = make_sines(N_SINES, WINDOW, 5, random_state=0)
    fitted = clone(JUDGED[label]).set_params(rules=rules, random_state=0).fit(x)
    drawn = fitted.sample(N_SINES)
    panel = judge_panel(x, drawn, max_samples=N_SINES, n_halves=0, random_state=0)
    row = {judge: float(panel.table.loc[judge, "score"]) for judge in JUDGES}
    return row | {"nearest record": float(nearest_record_ratio(x, drawn))}


def told_judged(done: dict[str, dict[str, Any]]) -> list[str]:
    lines = ["", "## Sines, judged", ""]
    lines += [
        f"TimeGAN's sines, {N_SINES:,} x {WINDOW} x 5: |accuracy - 1/2| of judges of the panel."
    ]
    lines += ["", *table_head(["generator / rules", *JUDGES, "nearest record", "demand"])]
    for key, cell in done["judged"].items():
        if "error" in cell:
            lines += ["", f"{key}: {cell['error']}"]
            continue
        said = [f"{cell[name]:.3f}" for name in (*JUDGES, "nearest record")]
        asked = key == "FlowMatching / auto"
        met = all(cell[judge] <= SINES_DEMAND for judge in JUDGES)
        demand = f"{SINES_DEMAND}{'' if met else ' **not met**'}" if asked else ""
        lines.append(f"| {' | '.join([key, *said, demand])} |")
    return lines


# -- running and telling --------------------------------------------------------------------------


def work(wanted: list[str]) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield part, key and what is to be done, quick things first."""
    if "alarms" in wanted:
        for name, make in FREE.items():
            for seed in range(N_SEEDS):
                yield "alarms", f"{name} / {seed}", partial(found_in, partial(make, seed))
        for name, load in shipped().items():
            yield "alarms", name, partial(found_in, load)
    if "cost" in wanted:
        for name in ("stocks", "energy"):
            yield "cost", name, partial(cost, name)
    if "judged" in wanted:
        for label in JUDGED:
            for rules in ("auto", None):
                yield "judged", f"{label} / {rules}", partial(judged, label, rules)
    if "kept" in wanted:
        for label in GENERATORS:
            for name in SETS:
                yield "kept", f"{name} / {label}", partial(kept, name, label)


PARTS = ("alarms", "cost", "judged", "kept")


def as_markdown(done: dict[str, dict[str, Any]]) -> str:
    lines = page_head("Rules: found, kept, and what they cost", "benchmarks.rules", __doc__)
    return "\n".join(
        [*lines, *told_kept(done), *told_alarms(done), *told_judged(done), *told_cost(done), ""]
    )


def told_kept(done: dict[str, dict[str, Any]]) -> list[str]:
    cells = done["kept"]
    flat_rows = [
        (key, way, row)
        for key, cell in cells.items()
        for way, rows in cell.get("rows", {}).items()
        for row in rows
    ]
    judged = [row[3] for _, _, row in flat_rows if row[3] is not None]
    n_failed = sum("error" in cell for cell in cells.values())
    first = f"{sum(judged)} of {len(judged)} demands are met, and {n_failed} fits end in an error."
    lines = ["", "## Kept", "", first]
    missed = [(key, way, row) for key, way, row in flat_rows if row[3] is False]
    if missed:
        heads = ["set", "generator", "as", "measure", "came out", "demand"]
        lines += ["", "Not met:", "", *table_head(heads)]
        for key, way, (measure, said, demand, _) in missed:
            lines.append(f"| {' | '.join([*key.split(' / '), way, measure, said, demand])} |")
    failed = [(key, cell) for key, cell in cells.items() if "error" in cell or "left out" in cell]
    for key, cell in failed:
        lines += ["", f"{key}: {cell.get('error') or 'left out, ' + cell['left out']}"]
    for name in SETS:
        by_label = {g: cells.get(f"{name} / {g}", {}) for g in GENERATORS}
        if not any("rows" in cell for cell in by_label.values()):
            continue
        labels = [g for g, cell in by_label.items() if "rows" in cell]
        lines += ["", f"### {name}", "", *table_head(["", "measure", "demand", *labels])]
        example = by_label[labels[0]]["rows"]
        for way, rows in example.items():
            for k, (measure, _, demand, _) in enumerate(rows):
                cells_of = [by_label[g]["rows"][way][k] for g in labels]
                said = [f"{row[1]}{' **not met**' if row[3] is False else ''}" for row in cells_of]
                lines.append(f"| {' | '.join([way, measure, demand, *said])} |")
    return lines


def told_alarms(done: dict[str, dict[str, Any]]) -> list[str]:
    cells = done["alarms"]
    free = {key: cell for key, cell in cells.items() if " / " in key}
    alarms = [(key, rule) for key, cell in free.items() for rule in cell.get("rules", ())]
    n_sets = len(free)
    lines = ["", "## False alarms", ""]
    lines += [
        f"{len(alarms)} rules are found in {n_sets} sets that have none ({N_SEEDS} seeds of "
    ]
    lines[-1] += f"{'; '.join(FREE)})."
    if alarms:
        lines += ["", *table_head(["set / seed", "found", "is it true?"])]
        lines += [f"| {key} | {rule} | {remark(key, rule)} |" for key, rule in alarms]
    lines += ["", "What ships with other packages:", ""]
    lines += table_head(["set", "shape", "found", "is it true?"])
    for key, cell in cells.items():
        if " / " in key:
            continue
        if "rules" not in cell:
            why = cell.get("left out") or cell.get("error")
            lines.append(f"| {key} | | left out | {why} |")
        for k, rule in enumerate(
            cell.get("rules") or ([] if "rules" not in cell else ["nothing"])
        ):
            first = [key, cell["shape"]] if k == 0 else ["", ""]
            said = "" if rule == "nothing" else remark(key, rule)
            lines.append(f"| {' | '.join([*first, rule, said])} |")
    return lines


def remark(key: str, rule: str) -> str:
    """Return what was said of a finding: of this one, or of all alike in its set."""
    for of_set, words, said in REMARKS:
        if key.startswith(of_set) and words in rule:
            return said
    return "**not argued yet**"


COST = (
    "CPU seconds. Networks have their default sizes, and are trained for one epoch, on each "
    "seventh window of energy. Sampling is of 2,000 windows, the median of three."
)


def told_cost(done: dict[str, dict[str, Any]]) -> list[str]:
    lines = ["", "## Cost", "", COST]
    heads = ["set", "finding", "generator", "fit, rules", "fit, none", "sample, rules"]
    lines += ["", *table_head([*heads, "sample, none", "ratio", "demand"])]
    for name, cell in done["cost"].items():
        if "finding" not in cell:
            lines += [f"| {name} | {cell.get('left out') or cell.get('error')} |" + " |" * 7]
            continue
        most = {"stocks": 5, "energy": 30}[name]
        said = f"{cell['finding']:.2f} (demand {most})"
        for k, label in enumerate(label for label in COSTED if label in cell):
            with_rules, without = cell[label]
            ratio = with_rules / without
            fits = [f"{cell[f'{label}, fit, {way}']:.1f}" for way in ("rules", "none")]
            sampled = [f"{with_rules:.3f}", f"{without:.3f}"]
            met = "1.2" if ratio <= 1.2 else "1.2 **not met**"
            first = (
                [f"{name}, {' x '.join(map(str, cell['shape']))}", said] if k == 0 else ["", ""]
            )
            lines.append(
                f"| {' | '.join([*first, label, *fits, *sampled, f'{ratio:.2f}', met])} |"
            )
    return lines


TABLE = Table("benchmarks.rules", RESULTS / "rules", lambda: work(list(PARTS)), as_markdown)


def main() -> None:
    """Do what is not done, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="default: all")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(TABLE.run(work(arguments.parts or list(PARTS))))


if __name__ == "__main__":
    main()
