"""What the tasks have in common: cases, arms, and how a case is run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Errors = dict[str, float]  # by the name of the data: a panel has several


@dataclass(frozen=True)
class Case:
    """One comparison: all arms with the same data, learner and seed."""

    data: str
    learner: str
    fraction: float
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.data} / {self.learner} / {self.fraction:.0%} / {self.seed}"


@dataclass(frozen=True)
class Task:
    """A way to use synthetic series, and the cases that it is tried on."""

    name: str
    cases: Callable[[bool], list[Case]]  # given whether only few are wanted
    arms: Callable[[Case], list[str]]  # "none" is the first
    errors: Callable[[Case, str], Errors]

    def run(self, case: Case, arm: str) -> dict[str, object]:
        """Return the errors of an arm and its CPU seconds, or what it failed with."""
        began = time.process_time()
        try:
            errors = self.errors(case, arm)
        except (ValueError, FloatingPointError) as error:
            return {"failed": f"{type(error).__name__}: {error}"}
        return {"errors": errors, "seconds": time.process_time() - began}
