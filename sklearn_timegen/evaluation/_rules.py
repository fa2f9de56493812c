"""The rules of the real series, and how often each generator breaks them, as a table."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_timegen.data.samples import Reading
from sklearn_timegen.evaluation import _page
from sklearn_timegen.evaluation._judging import Sample, find_shared_rules
from sklearn_timegen.evaluation._run import Evaluation
from sklearn_timegen.metrics import violations_by_rule
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.rules import RuleList
from sklearn_timegen.rules.rule import channel_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["rules_of_each", "rules_of_folds", "rules_table"]

HEADING = "Rules of the real series"


def rules_of_folds(evaluation: Evaluation) -> dict[str, pd.DataFrame] | None:
    """Return of each generator how often what it drew, on all folds, breaks each rule."""
    split = evaluation.splits[0]
    if split.rules is None:
        return None
    drawn = {
        name: np.concatenate([fit.drawn.values for fit in fits])
        for name, fits in evaluation.fitted.items()
    }
    real = split.held_out.values
    shown = _telling(split.rules, split.reading)
    return {
        name: violations_by_rule(real, x, rules=split.rules)[shown] for name, x in drawn.items()
    }


def rules_of_each(
    evaluation: Evaluation,
    drawn: dict[str, Sample],
    train: Array | None,
    names: Sequence[Any] | None,
) -> dict[str, pd.DataFrame] | None:
    """Return of each sample how often it breaks each rule, if one of the metrics wants them."""
    whole = evaluation.splits[0]
    if whole.rules is None:
        return None
    real = whole.held_out.values
    known = [real] if train is None else [real, train]
    rules = find_shared_rules(
        evaluation.metrics, *known, names=whole.reading.names if names is None else names
    )
    assert rules is not None
    shown = _telling(rules, whole.reading)
    return {
        name or "synthetic": violations_by_rule(real, sample.values, rules=rules)[shown]
        for name, sample in drawn.items()
    }


def _telling(rules: RuleList, reading: Reading) -> list[bool]:
    """Say which rules tell something: not that a category's columns add up to 1."""
    coded = {column for own in reading.categories for column in own}
    return [not set(map(channel_of, rule.keys)) <= coded for rule in rules]


def rules_table(broken: dict[str, pd.DataFrame]) -> str:
    """Return the part of the page: a row a rule, or one for each generator below it."""
    first, *others = broken
    if broken[first].empty:
        return f"<h2>{html.escape(HEADING)}</h2><p>None was found that all of them keep.</p>"
    columns = ["rule", "evidence in the real series", "broken timesteps", "broken series"]
    rows = []
    for k, rule in enumerate(broken[first].index):
        for name, table in broken.items():
            row, heads = table.iloc[k], name == first
            label = f"{rule}: {name}" if others and heads else rule if heads else name
            rows.append(
                {
                    "rule": label,
                    "first": bool(others) and heads,
                    columns[1]: row["evidence"] if heads else "",
                    columns[2]: f"{row['timesteps']:.2%}",
                    columns[3]: f"{row['series']:.1%}",
                }
            )
    return _page.table(HEADING, columns, rows)
