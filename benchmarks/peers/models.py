"""Fit one model to a keyed table, sample from it, and say what that cost: a process for each.

Run by :mod:`benchmarks.peers`, those of other libraries in an environment of their own, in which
this package need not be installed. A folder holds ``table.csv`` and ``columns.json``; ``made.csv``
and ``cost.json`` are written beside them.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Drawn = Callable[[int], pd.DataFrame]
EPOCH = pd.Timestamp("1970-01-01")


def in_dtypes(table: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    """Return a table that was read from CSV in the dtypes that are told of its columns."""
    table = table.copy()
    for name, dtype in columns["dtypes"].items():
        if dtype.startswith("datetime"):
            table[name] = pd.to_datetime(table[name]).dt.normalize()
        elif name in columns["orders"]:
            table[name] = pd.Categorical(table[name], columns["orders"][name], ordered=True)
        elif dtype == "bool":
            table[name] = table[name].astype(str).str.lower().isin(["true", "1", "1.0"])
        elif dtype.startswith("int"):
            table[name] = pd.to_numeric(table[name]).round().astype(dtype)
        else:
            table[name] = table[name].astype(dtype)
    return table


def fit_argn(table: pd.DataFrame, columns: dict[str, Any], minutes: float) -> Drawn:
    """TabularARGN: series given what is constant in them, which has a model of its own."""
    from mostlyai.engine import TabularARGN

    key, static = columns["key"], columns["static"]
    owners = table.groupby(key, sort=False)[static].first().reset_index()
    rows = table.drop(columns=static)
    common = {"random_state": 0, "device": "cpu", "value_protection": False}
    of_owners = TabularARGN(
        tgt_primary_key=key, max_training_time=max(0.5, minutes / 5), **common
    ).fit(owners)
    of_rows = TabularARGN(
        tgt_context_key=key,
        ctx_primary_key=key,
        ctx_data=owners,
        max_training_time=minutes,
        **common,
    ).fit(rows)

    def draw(n_series: int) -> pd.DataFrame:
        drawn = of_owners.sample(n_samples=n_series)
        drawn[key] = np.arange(n_series)
        return of_rows.sample(ctx_data=drawn).merge(drawn, on=key)

    return draw


def fit_par(table: pd.DataFrame, columns: dict[str, Any], minutes: float) -> Drawn:
    """SDV's PAR, for as many epochs as the time lets it, and at most its default of 128.

    Dates are days since 1970 to it: with pandas 3, which counts microseconds, it takes these for
    nanoseconds on their way back, and all dates are of January 1970.
    """
    from sdv.metadata import Metadata
    from sdv.sequential import PARSynthesizer

    key = columns["key"]
    dates = [name for name, dtype in columns["dtypes"].items() if dtype.startswith("datetime")]
    kinds = {"d": "numerical", "b": "boolean", "i": "numerical", "f": "numerical"}
    described = {
        name: {"sdtype": "id" if name == key else kinds.get(dtype[0], "categorical")}
        for name, dtype in columns["dtypes"].items()
    }
    table = table.copy()
    for name, dtype in columns["dtypes"].items():
        if name in dates:
            table[name] = (table[name] - EPOCH).dt.days
        elif dtype == "category":
            table[name] = table[name].astype(object)
    tables = {"table": {"columns": described, "sequence_key": key}}
    metadata = Metadata.load_from_dict({"tables": tables, "relationships": []})
    seconds = []
    for n_epochs in (1, 3):
        began = time.monotonic()
        _par(PARSynthesizer, metadata, columns, n_epochs).fit(table)
        seconds.append(time.monotonic() - began)
    an_epoch = max((seconds[1] - seconds[0]) / 2, 0.01)
    left = minutes * 60 - (seconds[0] - an_epoch)  # what comes before the first
    n_epochs = int(np.clip(left / an_epoch, 1, 128))
    model = _par(PARSynthesizer, metadata, columns, n_epochs)
    model.fit(table)
    columns["epochs"] = n_epochs

    def draw(n_series: int) -> pd.DataFrame:
        drawn = model.sample(num_sequences=n_series)
        for name in dates:
            drawn[name] = EPOCH + pd.to_timedelta(drawn[name].round(), unit="D")
        return drawn

    return draw


def _par(synthesizer: Any, metadata: Any, columns: dict[str, Any], n_epochs: int) -> Any:
    return synthesizer(
        metadata,
        context_columns=columns["static"],
        enforce_rounding=True,
        epochs=n_epochs,
        cuda=False,
    )


def fit_ours(name: str) -> Callable[[pd.DataFrame, dict[str, Any], float], Drawn]:
    """A generator of this package, by its name, with default settings."""

    def fit(table: pd.DataFrame, columns: dict[str, Any], minutes: float) -> Drawn:
        import sklearn_timegen

        key = columns["key"]
        frames = [f.drop(columns=key) for _, f in table.groupby(key, sort=False)]
        fitted = getattr(sklearn_timegen, name)(random_state=0).fit(frames)

        def draw(n_series: int) -> pd.DataFrame:
            drawn = fitted.sample(n_series)
            return pd.concat([f.assign(**{key: i}) for i, f in enumerate(drawn)])

        return draw

    return fit


OTHERS = {"TabularARGN": fit_argn, "PAR": fit_par}


def main() -> None:
    """Fit, sample, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--n-series", type=int, required=True)
    arguments = parser.parse_args()
    folder = arguments.folder
    columns = json.loads((folder / "columns.json").read_text())
    table = in_dtypes(pd.read_csv(folder / "table.csv"), columns)
    fit = OTHERS.get(arguments.model) or fit_ours(arguments.model)
    times = [time.monotonic()]
    draw = fit(table, columns, arguments.minutes)
    times.append(time.monotonic())
    made = draw(arguments.n_series)
    times.append(time.monotonic())
    made.to_csv(folder / "made.csv", index=False)
    cost = {
        "fit": times[1] - times[0],
        "sample": times[2] - times[1],
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "epochs": columns.get("epochs"),
    }
    (folder / "cost.json").write_text(json.dumps(cost))


if __name__ == "__main__":
    main()
