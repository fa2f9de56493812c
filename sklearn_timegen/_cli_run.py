"""What the commands of the command line do."""

from __future__ import annotations

import argparse
import ast
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sklearn_timegen
from sklearn_timegen.base import BaseGenerator
from sklearn_timegen.io import (
    SUFFIXES,
    Table,
    Understanding,
    atomic_write,
    check_target,
    read_table,
    understand,
    windows_in,
)
from sklearn_timegen.series._heads import FEWEST_HEADS

__all__ = ["evaluate", "rules", "sample"]

DRAWN = (
    "beginnings, lengths, levels and attributes (what is constant in a series) are drawn from a "
    "model of all series. A value that only one series has may come again"
)
STAND_IN = (
    "with fewer than {} series, each synthetic one stands in for a real one: it has its "
    "beginning, length, level and attributes (what is constant in it). Leave out columns by which "
    "an owner could be known"
)


def sample(arguments: argparse.Namespace) -> None:
    """Learn the series of a table, and write others in its form."""
    targets = _Targets(arguments, [arguments.table])
    output, report = targets("output", SUFFIXES), targets("report", (".html",))
    if arguments.metrics is not None and report is None:
        raise ValueError("--metrics are of the report: give --report, too")
    generator = read_generator(arguments.generator)
    table, found = _read(arguments.table, arguments)
    n_series = arguments.n_series or len(found.series(found.frame))
    if n_series > 1 and not found.ids:
        raise ValueError(
            f"--n-series {n_series} needs a column that tells series apart, and {arguments.table} "
            "has none: --n-timesteps makes the one series longer"
        )
    start = arguments.start
    if start is not None and found.time is None:
        raise ValueError(f"--start {start} needs a column of times, and there is none")
    print(f"fitting {generator or 'the default generator'}", flush=True)
    asked = {
        "n_series": n_series,
        "n_timesteps": arguments.n_timesteps,
        "start": start and table.time_of(str(found.time), start),
    }
    series = fit(found, generator, arguments)
    synthetic = found.named(series.sample(**asked))
    table.write(output, synthetic)
    print(f"sample    {n_series} series, {len(synthetic)} rows: {output.resolve()}")
    if found.ids:
        print(f"note      {DRAWN if series.draws_heads_ else STAND_IN.format(FEWEST_HEADS)}")
    if report is not None:
        from sklearn_timegen.evaluation import EvaluationReport

        print("judging the sample, which takes some minutes", flush=True)
        page = EvaluationReport.from_samples(
            found.frame,
            synthetic,
            metrics=_metrics(arguments),
            random_state=arguments.seed,
            **found.columns,
        )
        print(f"report    {page.to_html(report).resolve()}")


def fit(found: Understanding, generator: Any, arguments: argparse.Namespace) -> Any:
    """Fit a generator to series, and say what it has found."""
    series = sklearn_timegen.SeriesGenerator(
        generator, window=arguments.window, **found.columns, random_state=arguments.seed
    ).fit(found.frame)
    kept = str(series.rules_).splitlines()
    print(
        f"rules     {len(series.rules_)} found and kept{': ' + kept[0] if len(kept) == 1 else ''}"
    )
    if arguments.rules and len(kept) > 1:
        print(*(f"          {rule}" for rule in kept), sep="\n")
    return series


def evaluate(arguments: argparse.Namespace) -> None:
    """Judge the series of files."""
    from sklearn_timegen.evaluation import EvaluationReport, compare_samples, evaluate_samples

    paths = [arguments.real, *arguments.synthetic, *filter(None, [arguments.train])]
    targets = _Targets(arguments, paths)
    output, report = targets("output", (".csv",)), targets("report", (".html",))
    if report is not None and len(arguments.synthetic) > 1:
        raise ValueError("--report is of one file of synthetic series: evaluate them one by one")
    _, found = _read(arguments.real, arguments)
    samples = {Path(p).stem: _alike(p, found, arguments) for p in arguments.synthetic}
    synthetic = next(iter(samples.values()))
    if len(samples) < len(arguments.synthetic):
        raise ValueError("files of synthetic series are told apart by their names: rename one")
    metrics = _metrics(arguments)
    params: dict[str, Any] = {"metrics": metrics, "random_state": arguments.seed}
    params |= {} if arguments.splits is None else {"n_splits": arguments.splits}
    if arguments.train is not None:
        params["X_train"] = _alike(arguments.train, found, arguments)
    real: Any = found.frame
    if found.ids == ["sample"] and found.time == "timestep":
        if arguments.window is not None:
            raise ValueError(f"{arguments.real} holds windows already: no --window")
        real, y = windows_in(found.frame)
        read = {name: windows_in(frame) for name, frame in samples.items()}
        samples = {name: x for name, (x, _) in read.items()}
        if "X_train" in params:
            params["X_train"] = windows_in(params["X_train"])[0]
        labels = [y, *(labels for _, labels in read.values())]
        if len(samples) == 1 and all(y is not None for y in labels) and _reads_labels(metrics):
            params |= {"y_real": labels[0], "y_synthetic": labels[1]}
    else:
        params |= found.columns
        params |= {} if arguments.window is None else {"window": arguments.window}
    if len(samples) > 1:
        table = compare_samples(samples, real, **params)
    elif report is None:
        table = evaluate_samples(real, next(iter(samples.values())), **params)
    else:
        page = EvaluationReport.from_samples(real, next(iter(samples.values())), **params)
        page.to_html(report)
        table = page.table
    print(f"\n{table.drop(columns='seconds', errors='ignore').round(4).to_string()}\n")
    if len(samples) == 1:
        from sklearn_timegen.evaluation._reading import summary
        from sklearn_timegen.metrics import METRICS

        print(summary(table, [METRICS[name] for name in table.index])[1])
        _print_broken_rules(found, synthetic)
    if output is not None:
        with atomic_write(output, "utf-8") as stream:
            table.to_csv(stream)
        print(f"table     {output.resolve()}")
    if report is not None:
        print(f"report    {report.resolve()}")


def _print_broken_rules(found: Understanding, synthetic: Any) -> None:
    from sklearn_timegen.metrics import violations_by_rule

    table = violations_by_rule(found.series(found.frame), found.series(synthetic))
    broken = table[table["series"] > 0]
    if len(broken):
        print("Rules that all real series keep, and synthetic ones break:")
    for rule, row in broken.iterrows():
        print(
            f"  {rule}: at {row['timesteps']:.2%} of timesteps, in {row['series']:.1%} of series"
        )


def rules(arguments: argparse.Namespace) -> None:
    """Print what every series of a table keeps."""
    from sklearn_timegen.data.reading import ReadingOptions
    from sklearn_timegen.data.tables.records import read_container
    from sklearn_timegen.rules import Structure
    from sklearn_timegen.rules.category import rules_of_kinds

    _, found = _read(arguments.table, arguments)
    columns = found.columns.values()
    container, records = read_container(found.frame, *columns, options=ReadingOptions())
    assert container.columns.schema is not None
    structure = Structure(rules_of_kinds(container.columns.schema, "auto"))
    values = [record.values for record in records]
    structure.fit_transform_series(values, container.columns.names)
    print(f"\n{structure.rules_}")


def read_generator(text: str | None) -> Any:
    """Return the generator that ``Name`` or ``Name(parameter=value)`` stands for."""
    if text is None:
        return None
    known = {
        name: cls
        for name in sklearn_timegen.__all__
        if inspect.isclass(cls := getattr(sklearn_timegen, name))
        if issubclass(cls, BaseGenerator) and not inspect.isabstract(cls)
    }
    try:
        call: Any = ast.parse(text, mode="eval").body
        name = getattr(call, "func", call).id
        given = getattr(call, "keywords", [])
        params = {keyword.arg: ast.literal_eval(keyword.value) for keyword in given}
        if getattr(call, "args", []) or None in params:
            raise ValueError("parameters are named")
    except (SyntaxError, AttributeError, ValueError) as error:
        raise ValueError(
            f"--generator {text!r} is not of the form FlowMatching or FlowMatching(max_epochs=100)"
        ) from error
    if name not in known:
        raise ValueError(f"there is no generator {name!r}; there are {', '.join(known)}")
    try:
        return known[name](**params)
    except TypeError as error:
        raise ValueError(f"--generator {text}: {error}") from error


class _Targets:
    """Checks outputs before any work."""

    def __init__(self, arguments: argparse.Namespace, inputs: Sequence[str]) -> None:
        self._arguments, self._inputs = arguments, inputs

    def __call__(self, name: str, suffixes: tuple[str, ...]) -> Any:
        path, overwrite = getattr(self._arguments, name), self._arguments.overwrite
        if path is None:
            return None
        return check_target(path, suffixes, inputs=self._inputs, overwrite=overwrite)


def _read(path: str, arguments: argparse.Namespace) -> tuple[Table, Understanding]:
    """Read a table, and say what it holds."""
    table = _read_file(path, arguments)
    found = understand(table.frame, arguments.id, arguments.time, table.form.left_out)
    print(*found.lines(), *(f"note      {note}" for note in table.notes), sep="\n")
    return table, found


def _read_file(path: str, arguments: argparse.Namespace) -> Table:
    """Read a file; an array whose windows are yet to be cut is one long series."""
    long = arguments.window is not None and path.lower().endswith((".npy", ".npz"))
    return read_table(path, date_format=arguments.date_format, rows_are_time=long)


def _alike(path: str, found: Understanding, arguments: argparse.Namespace) -> Any:
    """Read another table of the same columns."""
    frame = _read_file(path, arguments).frame
    missing = [name for name in found.frame if name not in frame]
    if missing:
        raise ValueError(
            f"{path} has no column {missing[0]!r}, which {arguments.real} has; it has "
            f"{', '.join(frame)}"
        )
    return found.oldest_first(frame[list(found.frame)])


def _metrics(arguments: argparse.Namespace) -> Any:
    asked = arguments.metrics or ["default"]
    return asked[0] if len(asked) == 1 else asked


def _reads_labels(metrics: Any) -> bool:
    from sklearn_timegen.metrics import resolve_metrics

    return any(metric.accepts("y_real") for metric in resolve_metrics(metrics))
