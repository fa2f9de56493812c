"""The parts of a report that are tables, and what a report cannot show."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_timegen.evaluation import _page
from sklearn_timegen.evaluation._data import MEAN_RANK
from sklearn_timegen.evaluation._judges import Judges, judges_table_rows
from sklearn_timegen.evaluation._judging import Sample
from sklearn_timegen.evaluation._reading import UNDECIDED, passes, read
from sklearn_timegen.evaluation._verdicts import Verdict
from sklearn_timegen.metrics import METRICS, Metric
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._reading import channel_names, within_lengths

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "columns_table",
    "comparison_tables",
    "judges_table",
    "metrics_table",
    "notes",
    "verdicts_table",
]

MOST_COLUMNS = 40
CANNOT = (
    "Whether somebody can be recognised. The rows on privacy find copies and near copies; sets "
    "that pass them can still give away who was in the training data. privacy_report attacks the "
    "generator, owner by owner, and tells how sure it is.",
    "Whether the series are right for every purpose. A measure that finds nothing says only that "
    "it cannot tell them from real ones; others may.",
    "Whether rare events come as often as they should: what occurs in one series in a thousand "
    "hardly changes any of these figures.",
)


def verdicts_table(verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """Return the verdicts on several, a row each."""
    aspects = [verdict.aspect for verdict in next(iter(verdicts.values()))]
    rows = []
    for name, own in verdicts.items():
        row: dict[str, Any] = {"": name}
        for verdict in own:
            floor = f" ({verdict.floor})" if verdict.floor else ""
            figure = f": {verdict.figure}{floor}" if verdict.figure else ""
            row[verdict.aspect] = (verdict.kind, f"{verdict.answer}{figure}")
        rows.append(row)
    return _page.table("Verdicts (in brackets: real series)", ["", *aspects], rows)


def metrics_table(table: pd.DataFrame, metrics: Sequence[Metric]) -> str:
    """Return all figures of one generator, a row a metric."""
    columns = ["metric", "score", "floor", "copies", "best", "reading", "seconds"]
    folds = table.attrs["folds"]
    rows = [
        {"metric": (m.name, _description(m)), **_row(m, table.loc[m.name], folds)} for m in metrics
    ]
    return _page.table("Figures", columns, rows)


def judges_table(judges: Mapping[str, Judges]) -> str:
    """Return what each judge of the panel said of one or several, and what it saw most."""
    columns = ["judge", "is right", "of real series", "AUC", "series to be sure", "saw most"]
    rows = [row for name, own in judges.items() for row in judges_table_rows(own, name)]
    return _page.table("What the judges of the panel saw", columns, rows) if rows else ""


def comparison_tables(table: pd.DataFrame, metrics: Sequence[Metric]) -> list[str]:
    """Return the ranks over all metrics, and all figures."""
    what = str(table.index.names[1])
    columns = [what, "score", "floor", "copies", "best", "reading", "rank", "p"]
    rows = []
    for metric in metrics:
        for k, (name, row) in enumerate(table.loc[metric.name].iterrows()):
            label = (f"{metric.name}: {name}", _description(metric)) if k == 0 else name
            folds = table.attrs["folds"][name]
            rows.append({what: label, "first": k == 0, **_row(metric, row, folds), **_rank(row)})
    ranks = [
        {what: name, "mean rank": f"{row['score']:.2f}", **_rank(row)}
        for name, row in table.loc[MEAN_RANK].iterrows()
    ]
    return [
        _page.table("Over all metrics", [what, "mean rank", "rank", "p"], ranks),
        _page.table("Figures, metric by metric", columns, rows),
    ]


def columns_table(real: Sample, drawn: Mapping[str, Sample], names: Sequence[str] | None) -> str:
    """Return what the values of each column are like, beside those of real series."""
    titles = channel_names(None if names is None else list(names), real.values.shape[2])
    label = "synthetic" if list(drawn) == [""] else None
    columns = ["column", "real", *(label or name for name in drawn)]
    rows = [
        {
            "column": title,
            "real": _described(real.values, k),
            **{label or name: _described(x.values, k) for name, x in drawn.items()},
        }
        for k, title in enumerate(titles[:MOST_COLUMNS])
    ]
    more = "" if len(titles) <= MOST_COLUMNS else f", the first {MOST_COLUMNS} of {len(titles)}"
    heading = f"Columns: mean, and the range of the middle 90% of values{more}"
    return _page.table(heading, columns, rows)


def notes(description: str, n_splits: int, knows_train: bool) -> str:
    """Return what the page cannot show."""
    texts = list(CANNOT)
    if "windows of" in description:
        texts.insert(
            0,
            "What is longer than a window: levels, trends and seasons over longer times were not "
            "compared.",
        )
    if not knows_train:
        texts.append(
            "Whether the series repeat those that the generator was trained on, if these are "
            "others than the real series given here: X_train was not given."
        )
    if n_splits < 4:
        texts.append(
            f"Small differences: with {n_splits} folds a score has to be far from its floor to be "
            "told from it."
        )
    return _page.items("What this page cannot show", texts)


def _row(metric: Metric, row: pd.Series, folds: dict[str, Any]) -> dict[str, Any]:
    word = read(metric, folds[metric.name])
    kind = "like" if passes(word) else "open" if word == UNDECIDED else "worse"
    return {
        "score": f"{_number(row['score'])} ± {_number(row['std'])}",
        "floor": _number(row["floor"]),
        "copies": _number(row["copies"]),
        "best": metric.best,
        "reading": (kind, word),
        "seconds": f"{row['seconds']:.0f}",
    }


def _rank(row: pd.Series) -> dict[str, str]:
    return {
        "rank": f"{row['rank']:.1f}{'*' if row['ties_with_best'] else ''}",
        "p": f"{row['p_value']:.3f}",
    }


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.4g}"


def _described(x: Array, k: int) -> str:
    """Return the mean and the range of a column, and how much is missing within the series."""
    inside = x[:, :, k][within_lengths(x)[0]]
    known = inside[np.isfinite(inside)]
    if known.size == 0:
        return "nothing"
    low, high = np.quantile(known, [0.05, 0.95])
    missing = 1 - known.size / inside.size
    return (
        f"{known.mean():.4g} ({low:.4g} to {high:.4g}){f', {missing:.1%} missing' * (missing > 0)}"
    )


def _description(metric: Metric) -> str:
    """First line of the metric's documentation, as a noun."""
    text = inspect.getdoc(METRICS[metric.name].function) if metric.name in METRICS else None
    line = (text or "").split("\n")[0].strip().removeprefix("Return ").rstrip(".")
    return line.replace(":func:", "").replace("`", "")
