"""``python -m sklearn_timegen evaluate``: judge synthetic series in a file, whatever made them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sklearn_timegen._files import SeriesFile, holds_windows, read_series
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.io import atomic_write, check_target

__all__ = ["check_cut", "count", "evaluate", "evaluate_parser"]

DESCRIPTION = """\
Judge synthetic series against real ones, whatever made them. A row a metric: score (mean and
standard deviation over several halvings of the real series), floor (real series against other real
ones), copies (real series drawn again), and which way is better. A score at its floor is as
good as it gets; metrics of memorisation near copies mean that the generator repeats."""

EPILOG = """\
examples:
  python -m sklearn_timegen evaluate real.npz synthetic.npz --report report.html
  python -m sklearn_timegen evaluate prices.csv new.csv --window 24 --metrics quick
  python -m sklearn_timegen evaluate held_out.npy synthetic.npy --train train.npy

A CSV is one long series, which --window cuts, or has the first columns sample and timestep."""


def evaluate_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_timegen evaluate",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("real", help="a .csv, .npy or .npz file of real series")
    add("synthetic", help="a file of synthetic series")
    add("--train", help="real series that the generator was trained on, if REAL holds others")
    add("--window", type=count, help="cut long series into windows of so many timesteps")
    add("--stride", type=count, help="timesteps between windows (default: 1)")
    add(
        "--metrics",
        nargs="+",
        default=["default"],
        help="quick, default, all, or names of metrics (default: default)",
    )
    add("--splits", type=count, default=5, help="halvings of the real series (default: 5)")
    add("--judges", type=count, default=5, help="recurrent judges a comparison (default: 5)")
    add("--report", help="write a page of tables and pictures: .html")
    add("--output", help="write the table: .csv")
    add("--overwrite", action="store_true", help="let outputs take the place of inputs")
    add("--seed", type=int, default=0, help="random seed (default: 0)")
    add("--jobs", type=count, default=1, help="parallel processes (default: 1)")
    return parser


def count(text: str) -> int:
    """Return a number of the command line, which has to be at least 1."""
    try:
        return check_count(int(text), "the value")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def check_cut(arguments: argparse.Namespace) -> None:
    """Refuse a stride that cuts nothing."""
    if arguments.stride is not None and arguments.window is None:
        raise ValueError(
            f"--stride {arguments.stride} is of windows that --window cuts: give both"
        )


def evaluate(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from sklearn_timegen.evaluation import EvaluationReport, evaluate_samples
    from sklearn_timegen.evaluation._reading import summary
    from sklearn_timegen.metrics import METRICS, resolve_metrics

    kept = {
        "inputs": list(filter(None, [arguments.real, arguments.synthetic, arguments.train])),
        "overwrite": arguments.overwrite,
    }
    output = arguments.output and check_target(arguments.output, (".csv",), **kept)
    report = arguments.report and check_target(arguments.report, (".html",), **kept)
    metrics = arguments.metrics[0] if len(arguments.metrics) == 1 else arguments.metrics
    reads_labels = any(metric.accepts("y_real") for metric in resolve_metrics(metrics))
    _check_window(arguments)
    real = _read(arguments.real, arguments)
    synthetic = _read(arguments.synthetic, arguments)
    _align_channels(real, synthetic)
    labelled = reads_labels and real.y is not None and synthetic.y is not None
    if (real.y is None) != (synthetic.y is None):
        print("note: only one of the files has labels: they are not used")
    params: dict[str, Any] = {
        "X_train": None if arguments.train is None else _read(arguments.train, arguments).X,
        "y_real": real.y if labelled else None,
        "y_synthetic": synthetic.y if labelled else None,
        "window_starts": real.starts,
        "metrics": metrics,
        "n_splits": arguments.splits,
        "n_repeats": arguments.judges,
        "n_jobs": arguments.jobs,
        "random_state": arguments.seed,
    }
    print(f"real: {_described(real)}; synthetic: {_described(synthetic)}", flush=True)
    if report is None:
        table = evaluate_samples(real.X, synthetic.X, **params)
    else:
        page = EvaluationReport.from_samples(real.X, synthetic.X, names=real.channels, **params)
        page.to_html(report)
        table = page.table
    readings, words = summary(table, [METRICS[name] for name in table.index])
    shown = table.round(4).drop(columns="seconds").assign(reading=readings)
    print(f"\n{shown.to_string()}\n\n{words}")
    if "rule_violations" in table.index and table.loc["rule_violations", "score"] > 0:
        print(_broken_rules(real, synthetic, params["X_train"]))
    if output is not None:
        with atomic_write(output, "utf-8") as stream:
            table.to_csv(stream)
        print(f"table: {output.resolve()}")
    if report is not None:
        print(f"report: {Path(report).resolve()}")


def _broken_rules(real: SeriesFile, synthetic: SeriesFile, train: Any) -> str:
    """Say which rules of the real series are broken, by the names of their channels."""
    from sklearn_timegen.evaluation._rules import rules_of_samples
    from sklearn_timegen.metrics import METRICS

    metrics = [METRICS["rule_violations"]]
    tables = rules_of_samples(metrics, real.X, synthetic.X, train, real.channels) or {}
    lines = [
        f"  {rule}: at {row['timesteps']:.2%} of timesteps, in {row['series']:.1%} of series"
        for table in tables.values()
        for rule, row in table[table["series"] > 0].iterrows()
    ]
    return "\n".join(["Rules that all real series keep, and synthetic ones break:", *lines])


def _check_window(arguments: argparse.Namespace) -> None:
    check_cut(arguments)
    paths = [arguments.real, arguments.synthetic, *filter(None, [arguments.train])]
    if arguments.window is not None and all(holds_windows(path) for path in paths):
        raise ValueError(
            f"--window {arguments.window} cuts long series, but the files hold windows already"
        )


def _read(path: str, arguments: argparse.Namespace) -> SeriesFile:
    window = None if holds_windows(path) else arguments.window
    held = read_series(path, window, arguments.stride or 1)
    for note in held.notes:
        print(f"note: {path}: {note}")
    return held


def _align_channels(real: SeriesFile, synthetic: SeriesFile) -> None:
    """Put channels that both files name into one order."""
    names = real.channels, synthetic.channels
    if any(name.startswith("channel ") for both in names for name in both):
        return
    if sorted(names[0]) != sorted(names[1]):
        raise ValueError(f"the channels differ: real {names[0]}, synthetic {names[1]}")
    synthetic.X = synthetic.X[:, :, [names[1].index(name) for name in names[0]]]
    synthetic.channels = names[0]


def _described(held: SeriesFile) -> str:
    n_samples, n_timesteps, n_channels = held.X.shape
    return f"{n_samples} series of {n_timesteps} timesteps and {n_channels} channel(s)"
