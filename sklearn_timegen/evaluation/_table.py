"""Tables that print all of their columns: a score without its floor says little."""

from __future__ import annotations

import pandas as pd

__all__ = ["EvaluationTable"]


class EvaluationTable(pd.DataFrame):
    """A DataFrame that is printed whole, however narrow the terminal is.

    Examples
    --------
    >>> from sklearn_timegen.evaluation._table import EvaluationTable
    >>> names = [f"a rather long name {k}" for k in range(9)]
    >>> all(name in repr(EvaluationTable({name: [0.5] for name in names})) for name in names)
    True
    """

    @property
    def _constructor(self) -> type[EvaluationTable]:
        return EvaluationTable

    def __repr__(self) -> str:
        """Return all columns, each row in one line."""
        whole = ("display.max_columns", None, "display.expand_frame_repr", False)
        with pd.option_context(*whole, "display.precision", 4):
            return str(super().__repr__())
