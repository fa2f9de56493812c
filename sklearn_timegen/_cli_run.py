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
    "model of all series. A value that only one series has may come again: --drop COLUMN leaves "
    "such columns out"
)
STAND_IN = (
    "with fewer than {} series, each synthetic one stands in for a real one: it has its "
    "beginning, length, level and attributes (what is constant in it). Leave out columns by which "
    "an owner could be known: --drop COLUMN"
)


def sample(arguments: argparse.Namespace) -> None:
    """Learn the series of a table, and write others in its form."""
    output, report = _targets(arguments, [arguments.table], SUFFIXES)
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
    if start is not None:
        if found.time is None:
            raise ValueError(f"--start {start} needs a column of times, and there is none")
        start = table.time_of(str(found.time), start)
    print(f"fitting {generator or 'the default generator'}", flush=True)
    series = sklearn_timegen.SeriesGenerator(
        generator, window=arguments.window, **found.columns, random_state=arguments.seed
    ).fit(found.frame)
    _print_rules(series.rules_, arguments.rules)
    drawn = series.sample(n_series=n_series, n_timesteps=arguments.n_timesteps, start=start)
    synthetic = found.named(drawn)
    table.write(output, synthetic)
    print(f"sample    {n_series} series, {len(synthetic)} rows: {output.resolve()}")
    if found.ids:
        print(f"note      {DRAWN if series.draws_heads_ else STAND_IN.format(FEWEST_HEADS)}")
    if report is not None:
        from sklearn_timegen.evaluation import EvaluationReport

        print("judging the sample, which takes some minutes", flush=True)
        params = _params(arguments) | found.columns
        page = EvaluationReport.from_samples(found.frame, synthetic, **params)
        print(f"report    {page.to_html(report).resolve()}")


def evaluate(arguments: argparse.Namespace) -> None:
    """Judge the series of files."""
    from sklearn_timegen.evaluation import EvaluationReport, compare_samples, evaluate_samples

    others = [*arguments.synthetic, *filter(None, [arguments.train])]
    output, report = _targets(arguments, [arguments.real, *others], (".csv",))
    _, found = _read(arguments.real, arguments)
    samples = {Path(p).stem: _alike(p, found, arguments) for p in arguments.synthetic}
    if len(samples) < len(arguments.synthetic):
        raise ValueError("files of synthetic series are told apart by their names: rename one")
    train = arguments.train and _alike(arguments.train, found, arguments)
    real, compared, params = _as_compared(found, samples, train, arguments)
    single = None if len(samples) > 1 else next(iter(compared.values()))
    if report is not None:
        judged = compared if single is None else single
        page = EvaluationReport.from_samples(real, judged, **params)
        page.to_html(report)
        table = page.table
    elif single is None:
        table = compare_samples(compared, real, **params)
    else:
        table = evaluate_samples(real, single, **params)
    print(f"\n{table.drop(columns='seconds', errors='ignore').round(4).to_string()}\n")
    if single is not None:
        from sklearn_timegen.evaluation._reading import summary
        from sklearn_timegen.metrics import METRICS

        print(summary(table, [METRICS[name] for name in table.index])[1])
    for name, frame in samples.items():
        _print_broken_rules(found, frame, "" if single is not None else f" of {name}")
    if output is not None:
        with atomic_write(output, "utf-8") as stream:
            table.to_csv(stream)
        print(f"table     {output.resolve()}")
    if report is not None:
        print(f"report    {report.resolve()}")


def rules(arguments: argparse.Namespace) -> None:
    """Print what every series of a table keeps."""
    from sklearn_timegen.data.reading import ReadingOptions
    from sklearn_timegen.data.tables.records import read_container
    from sklearn_timegen.rules import Structure
    from sklearn_timegen.rules.category import rules_of_kinds

    _, found = _read(arguments.table, arguments)
    columns = found.columns.values()
    container, records = read_container(
        found.frame, *columns, options=ReadingOptions(), gaps="segments", time="auto"
    )
    assert container.columns.schema is not None
    structure = Structure(rules_of_kinds(container.columns.schema, "auto"))
    values = [record.values for record in records]
    structure.fit_transform_series(values, container.columns.names)
    print(f"\n{structure.rules_}")


def _print_rules(found: Any, all_of_them: bool) -> None:
    kept = str(found).splitlines()
    print(f"rules     {len(found)} found and kept{': ' + kept[0] if len(kept) == 1 else ''}")
    if all_of_them and len(kept) > 1:
        print(*(f"          {rule}" for rule in kept), sep="\n")


def _print_broken_rules(found: Understanding, synthetic: Any, whose: str) -> None:
    from sklearn_timegen.metrics import violations_by_rule

    table = violations_by_rule(found.series(found.frame), found.series(synthetic))
    broken = table[table["series"] > 0]
    if len(broken):
        print(f"Rules that all real series keep, and synthetic ones{whose} break:")
    for rule, row in broken.iterrows():
        print(
            f"  {rule}: at {row['timesteps']:.2%} of timesteps, in {row['series']:.1%} of series"
        )


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


def _targets(
    arguments: argparse.Namespace, inputs: Sequence[str], suffixes: tuple[str, ...]
) -> Any:
    """Return the paths of the output and of the report, checked before any work."""
    return [
        path and check_target(path, ends, inputs=inputs, overwrite=arguments.overwrite)
        for path, ends in ((arguments.output, suffixes), (arguments.report, (".html",)))
    ]


def _read(path: str, arguments: argparse.Namespace) -> tuple[Table, Understanding]:
    """Read a table, and say what it holds."""
    table = _read_file(path, arguments)
    absent = [name for name in arguments.drop if name not in table.frame]
    if absent:
        raise ValueError(f"--drop: there is no column {absent[0]!r} in {', '.join(table.frame)}")
    frame = table.frame.drop(columns=arguments.drop)
    left_out = {**table.form.left_out, **dict.fromkeys(arguments.drop, "by --drop")}
    found = understand(frame, arguments.id, arguments.time, left_out)
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
            f"{', '.join(frame)}. Of what only one file has, --drop leaves out what is in REAL"
        )
    return found.oldest_first(frame[list(found.frame)])


def _params(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what evaluations of all kinds are told."""
    asked = arguments.metrics or ["default"]
    return {"metrics": asked[0] if len(asked) == 1 else asked, "random_state": arguments.seed}


def _as_compared(
    found: Understanding, samples: dict[str, Any], train: Any, arguments: argparse.Namespace
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Return the real series, the synthetic ones, and what the evaluation is told of them."""
    params = _params(arguments)
    params |= {} if arguments.splits is None else {"n_splits": arguments.splits}
    if found.ids != ["sample"] or found.time != "timestep":
        params |= found.columns
        params |= {} if arguments.window is None else {"window": arguments.window}
        return found.frame, samples, params | ({} if train is None else {"X_train": train})
    if arguments.window is not None:
        raise ValueError(f"{arguments.real} holds windows already: no --window")
    params |= {} if train is None else {"X_train": windows_in(train)[0]}
    real, y = windows_in(found.frame)
    read = {name: windows_in(frame) for name, frame in samples.items()}
    labels = {"y_real": y, "y_synthetic": next(iter(read.values()))[1]}
    if len(read) == 1 and all(y is not None for y in labels.values()):
        params |= labels if _reads_labels(params["metrics"]) else {}
    return real, {name: x for name, (x, _) in read.items()}, params


def _reads_labels(metrics: Any) -> bool:
    from sklearn_timegen.metrics import resolve_metrics

    return any(metric.accepts("y_real") for metric in resolve_metrics(metrics))
