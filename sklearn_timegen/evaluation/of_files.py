"""Evaluate files: of synthetic series beside real ones, whatever made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn_timegen._random import RandomState
from sklearn_timegen._remedies import InputError, Parameter
from sklearn_timegen.evaluation._pieces import usual_window
from sklearn_timegen.evaluation.report import EvaluationReport
from sklearn_timegen.evaluation.samples import compare_samples, evaluate_samples
from sklearn_timegen.io import Understanding, read_table, windows_in
from sklearn_timegen.metrics import resolve_metrics, violations_by_rule
from sklearn_timegen.metrics.registry import MetricSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["evaluate_files"]

StrPath = str | Path


def evaluate_files(
    real: StrPath,
    synthetic: StrPath | Sequence[StrPath],
    *,
    train: StrPath | None = None,
    id_columns: Sequence[str] = (),
    time_column: str | None = None,
    drop: Sequence[str] = (),
    date_format: str | None = None,
    window: int | None = None,
    metrics: MetricSpec = "default",
    n_splits: int | None = None,
    report: StrPath | None = None,
    random_state: RandomState = 0,
    verbose: int = 1,
) -> pd.DataFrame:
    """Tell how good the series in files are, and rank several files.

    What the columns of the real series are is found out, as by
    :func:`~sklearn_timegen.io.understand`; the other files need the same ones, in any order.

    Parameters
    ----------
    real : str or Path
        File of the real series, best others than those trained on.
    synthetic : str, Path or sequence of these
        File, or files, of synthetic series.
    train : str, Path or None, default=None
        File of the series that were trained on, if the real ones are others.
    id_columns : sequence of str, default=()
        Columns that name series, if known.
    time_column : str or None, default=None
        The column of times, if known.
    drop : sequence of str, default=()
        Columns to leave out, whatever they hold.
    date_format : str or None, default=None
        Format of dates that could be read in several ways, as ``"%d/%m/%Y"``.
    window : int or None, default=None
        Timesteps of the windows that are compared; ``None`` is as ``"auto"`` for
        :func:`evaluate_samples`. A file with one array takes it for one long series.
    metrics : {"default", "quick", "all"}, str, callable, Metric or list, default="default"
        What to compute.
    n_splits : int or None, default=None
        How often the real series are halved; ``None`` is the usual number.
    report : str, Path or None, default=None
        Where to write the page of :class:`EvaluationReport`.
    random_state : int, RandomState, Generator or None, default=0
        Seed.
    verbose : int, default=1
        Whether to tell what was understood, and progress.

    Returns
    -------
    table : DataFrame
        As :func:`evaluate_samples` returns it, or, of several files, :func:`compare_samples`.
        ``table.attrs["summary"]`` says in words what was found, and which rules of the real
        series each file breaks.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn_timegen.datasets import make_ar
    >>> from sklearn_timegen.evaluation import evaluate_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for seed, name in enumerate(["real", "synthetic"]):
    ...         np.save(Path(folder, f"{name}.npy"), make_ar(60, 12, random_state=seed))
    ...     files = [Path(folder, "real.npy"), Path(folder, "synthetic.npy")]
    ...     table = evaluate_files(*files, metrics="mmd", n_splits=2, verbose=0)
    >>> list(table.index)
    ['mmd']
    """
    paths = [synthetic] if isinstance(synthetic, str | Path) else list(synthetic)
    read: dict[str, Any] = {"date_format": date_format, "rows_are_time": window is not None}
    found = read_table(real, **read).understand(id_columns, time_column, drop=drop)
    if verbose:
        print(found, flush=True)
    samples = {Path(p).stem: found.alike(read_table(p, **read).frame, str(p)) for p in paths}
    if len(samples) < len(paths):
        raise ValueError("files of synthetic series are told apart by their names: rename one")
    trained = None if train is None else found.alike(read_table(train, **read).frame, str(train))
    if isinstance(metrics, list) and len(metrics) == 1:
        metrics = metrics[0]
    X, compared, told = _as_compared(found, samples, trained, window, metrics)
    told |= {"metrics": metrics, "random_state": random_state, "verbose": verbose}
    told |= {} if n_splits is None else {"n_splits": n_splits}
    sample: Any = compared if len(compared) > 1 else next(iter(compared.values()))
    if report is not None:
        page = EvaluationReport.from_samples(X, sample, **told)
        page.to_html(report)
        table = page.table
    else:
        table = (
            compare_samples(sample, X, **told)
            if len(compared) > 1
            else evaluate_samples(X, sample, **told)
        )
    kept = found.series(found.frame)
    broken = [_broken_rules(name, kept, found.series(x)) for name, x in samples.items()]
    table.attrs["summary"] = "\n".join([table.attrs.get("summary", ""), *broken]).strip()
    return table


def _broken_rules(name: str, real: list[Any], synthetic: list[Any]) -> str:
    """Say which rules that all real series keep synthetic ones break."""
    table = violations_by_rule(real, synthetic)
    lines = [
        f"  {rule}: at {row['timesteps']:.2%} of timesteps, in {row['series']:.1%} of series"
        for rule, row in table[table["series"] > 0].iterrows()
    ]
    heading = [f"Rules that all real series keep, and {name} breaks:"] if lines else []
    return "\n".join([*heading, *lines])


def _as_compared(
    found: Understanding,
    samples: Mapping[str, pd.DataFrame],
    train: pd.DataFrame | None,
    window: int | None,
    metrics: MetricSpec,
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Return the real series, the samples, and what the evaluation has to be told of them."""
    params: dict[str, Any] = {} if train is None else {"X_train": train}
    if not found.holds_windows:
        if window is None and found.time is None:
            # By nothing else is it told that rows are times, and not series.
            window = usual_window([len(found.frame)])
        params |= found.columns if window is None else {**found.columns, "window": window}
        return found.frame, dict(samples), params
    if window is not None:
        raise InputError(
            "the files hold windows already, from which no others are cut: leave out ",
            Parameter("window"),
        )
    if train is not None:
        params["X_train"] = windows_in(train)[0]
    real, y = windows_in(found.frame)
    read = {name: windows_in(frame) for name, frame in samples.items()}
    others = [labels for _, labels in read.values()]
    is_read = any(metric.accepts("y_real") for metric in resolve_metrics(metrics))
    if is_read and y is not None and len(others) == 1 and others[0] is not None:
        params |= {"y_real": y, "y_synthetic": others[0]}
    return real, {name: x for name, (x, _) in read.items()}, params
