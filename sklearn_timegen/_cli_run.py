"""What the commands of the command line do."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from sklearn_timegen.datasets import find_grunfeld, load_italy_power
from sklearn_timegen.io import SUFFIXES, atomic_write, check_target, read_estimator, read_table

__all__ = ["demo", "evaluate", "rules", "sample"]

FOLDS, EPOCHS = 5, 51  # after so many epochs the loss of the demonstration flattens


def sample(arguments: Namespace) -> None:
    """Learn the series of a table, and write others in its form."""
    from sklearn_timegen.series import SeriesGenerator

    output, report = _targets(arguments, [arguments.table], SUFFIXES)
    if arguments.metrics is not None and report is None:
        raise ValueError("--metrics are of the report: give --report, too")
    generator = arguments.generator and read_estimator(arguments.generator)
    table, found = _read(arguments)
    n_series = arguments.n_series or len(found.series(found.frame))
    if n_series > 1 and not found.ids:
        what = "needs a column that tells series apart; --n-timesteps makes a series longer"
        raise ValueError(f"--n-series {n_series} {what}")
    start = None if arguments.start is None else table.time_of(found.time, arguments.start)
    print(f"fitting {generator or 'the default generator'}", flush=True)
    how = {"window": arguments.window, "random_state": arguments.seed, **found.columns}
    series = SeriesGenerator(generator, **how).fit(found.frame)
    print(series.describe(rules=arguments.rules))
    drawn = series.sample(n_series=n_series, n_timesteps=arguments.n_timesteps, start=start)
    table.write(output, found.named(drawn))
    print(f"written   {n_series} series, {len(drawn)} rows: {output.resolve()}", flush=True)
    if report is not None:
        _judge(arguments, real=arguments.table, synthetic=output)


def evaluate(arguments: Namespace) -> None:
    """Judge the series of files."""
    read = [arguments.real, *arguments.synthetic, arguments.train or arguments.real]
    output, _ = _targets(arguments, read, (".csv",))
    table = _judge(arguments)
    if output is not None:
        with atomic_write(output, "utf-8") as stream:
            table.to_csv(stream)
        print(f"table     {output.resolve()}")


def rules(arguments: Namespace) -> None:
    """Print what every series of a table keeps."""
    from sklearn_timegen.rules import find_rules

    found = _read(arguments)[1]
    series = [found.frame] if found.time is None else found.frame
    print(f"\n{find_rules(series, **found.columns)}")


def demo(arguments: Namespace) -> None:
    """Make a table like one of firms, and train on synthetic days, test on real ones."""
    import torch
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklearn_timegen._cli import main
    from sklearn_timegen.plotting import SamplesDisplay, require_matplotlib
    from sklearn_timegen.synthetic_training import compare_training
    from sklearn_timegen.vae import TimeVAE

    path = check_target(arguments.figure, (".png", ".pdf", ".svg", ".jpg"))
    require_matplotlib()
    torch.set_num_threads(1)  # networks this small lose when a second one has to wait
    print("A table: investment of US firms, 1935 to 1954 (Grunfeld, with statsmodels)\n")
    if main(["sample", str(find_grunfeld()), "--output", arguments.output]):
        raise ValueError("the table could not be sampled")
    print("\nWindows: days of Italian power demand, of summer and winter (with sktime)\n")
    X, y = load_italy_power()
    vae = TimeVAE(conditional=True, representation="standard", max_epochs=EPOCHS, random_state=0)
    synthetic = vae.fit(X, y).sample(len(X), y=y, random_state=0)
    display = SamplesDisplay.from_samples(X, synthetic, y_real=y, y_synthetic=y)
    with atomic_write(path) as stream:
        display.figure_.savefig(stream, dpi=150, format=path.suffix[1:].lower())
    predictors = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
        "gradient boosting": HistGradientBoostingClassifier(random_state=0),
    }
    table = compare_training(vae, predictors, X, y, cv=FOLDS, n_jobs=arguments.jobs)
    table = table.map("{:.3f}".format) + " ± " + table.attrs["std"].map("{:.3f}".format)
    print(f"accuracy on held-out real series, {FOLDS} folds; trained on:\n{table.to_string()}")
    print(f"\nfigure: {path.resolve()}")


def _told(arguments: Namespace, function: Callable[..., Any]) -> dict[str, Any]:
    """Return those arguments that are a function's parameters."""
    known = signature(function).parameters
    return {name: value for name, value in vars(arguments).items() if name in known}


def _targets(arguments: Namespace, inputs: Sequence[str], suffixes: tuple[str, ...]) -> Any:
    """Return the paths of the output and of the report, checked before any work."""
    return [
        path and check_target(path, ends, inputs=inputs, overwrite=arguments.overwrite)
        for path, ends in ((arguments.output, suffixes), (arguments.report, (".html",)))
    ]


def _read(arguments: Namespace) -> tuple[Any, Any]:
    """Return the table, and what it holds, which is told."""
    how = {"rows_are_time": arguments.window is not None} | _told(arguments, read_table)
    table = read_table(arguments.table, **how)
    found = table.understand(**_told(arguments, table.understand))
    print(found)
    return table, found


def _judge(arguments: Namespace, **files: Any) -> Any:
    """Compare files, print what was found, and return the table."""
    from sklearn_timegen.evaluation import evaluate_files

    arguments.metrics = arguments.metrics or "default"
    told = _told(arguments, evaluate_files) | {"random_state": arguments.seed}
    table = evaluate_files(**(told | files))
    print(f"\n{table.drop(columns='seconds', errors='ignore').round(4).to_string()}\n")
    print(table.attrs["summary"])
    if arguments.report is not None:
        print(f"report    {arguments.report}")
    return table
