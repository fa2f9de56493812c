"""Rules of whole series: of tables, whose columns hold words, flags and gaps, too."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from sklearn_timegen.data.reading import ReadingOptions
from sklearn_timegen.data.tables.records import read_container
from sklearn_timegen.rules.category import rules_of_kinds
from sklearn_timegen.rules.finding import as_blocks, fit_rules, read_rules
from sklearn_timegen.rules.rule_list import RuleList

__all__ = ["find_rules_of_table"]


def find_rules_of_table(
    X: Any, id_columns: Any, time_column: Hashable, kinds: Sequence[str]
) -> RuleList:
    """Find what all series of a table keep; nothing is filled in where values are missing."""
    container, records = read_container(
        X, id_columns, time_column, options=ReadingOptions(), gaps="segments", time="auto"
    )
    schema = container.columns.schema
    assert schema is not None
    declared, _ = read_rules(rules_of_kinds(schema, "auto"))
    blocks = as_blocks([record.values for record in records])
    return fit_rules(blocks, list(schema.names), declared, kinds)[0]
