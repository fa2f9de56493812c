"""What a generator of series has made of a table, in words."""

from __future__ import annotations

from sklearn_timegen.rules import RuleList
from sklearn_timegen.series._heads import FEWEST_HEADS
from sklearn_timegen.series._settings import Plan

__all__ = ["described"]

DRAWN = (
    "beginnings, lengths, levels and attributes (what is constant in a series) are drawn from a "
    "model of all series. A value that only one series has may come again: leave such columns out"
)
STAND_IN = (
    f"with fewer than {FEWEST_HEADS} series, each synthetic one stands in for a real one: it has "
    "its beginning, length, level and attributes (what is constant in it). Leave out columns by "
    "which an owner could be known"
)


def described(
    plan: Plan, n_windows: int, rules: RuleList, *, draws_heads: bool, all_rules: bool
) -> str:
    """Return a line for each thing that was decided, found or learned."""
    windows = f"{n_windows:,} of {plan.window} timesteps"
    if plan.whole:
        windows = f"the {n_windows:,} series themselves"
    told = {
        "windows": f"{windows}, learned by {type(plan.generator).__name__}",
        "calendar": f"given the {' and the '.join(plan.calendar)} at which windows begin"
        if plan.calendar
        else "",
        "rules": f"{len(rules)} found and kept",
        "": "\n          ".join(str(rules).splitlines() if all_rules and len(rules) else []),
        "samples": DRAWN if draws_heads else STAND_IN,
    }
    return "\n".join(f"{what:<10}{words}" for what, words in told.items() if words)
