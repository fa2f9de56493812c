"""Find what every series of a data set keeps."""

from __future__ import annotations

import copy
from collections.abc import Collection, Hashable, Sequence
from typing import Any

import numpy as np

from sklearn_timegen.data.reading import holds_frames
from sklearn_timegen.model_selection import find_window_starts
from sklearn_timegen.rules.angle import Angle, find_angles
from sklearn_timegen.rules.bounds import find_bounds
from sklearn_timegen.rules.category import find_static
from sklearn_timegen.rules.channels import ChannelReducer
from sklearn_timegen.rules.clock import Clock
from sklearn_timegen.rules.clock_finding import find_clocks
from sklearn_timegen.rules.dependence import find_dependences
from sklearn_timegen.rules.grid import Grid
from sklearn_timegen.rules.grid_finding import find_grids
from sklearn_timegen.rules.level import find_levels
from sklearn_timegen.rules.monotone import find_monotone
from sklearn_timegen.rules.multiplicative import (
    Positive,
    find_multiplicative,
    find_positive,
)
from sklearn_timegen.rules.normal_score import NormalScore
from sklearn_timegen.rules.normal_score_finding import find_normal_scores
from sklearn_timegen.rules.one_of import find_one_of
from sklearn_timegen.rules.order import Order
from sklearn_timegen.rules.order_finding import find_orders
from sklearn_timegen.rules.parts import Parts, find_parts
from sklearn_timegen.rules.redundant import find_redundant
from sklearn_timegen.rules.rule import (
    Block,
    Key,
    Rule,
    as_array,
    as_block,
    channel_of,
    label_of,
)
from sklearn_timegen.rules.rule_list import RuleList
from sklearn_timegen.rules.shape import find_shapes
from sklearn_timegen.rules.standardized import Standardized, find_standardized
from sklearn_timegen.rules.succession import find_successions

__all__ = ["KINDS", "find_rules", "fit_rules", "read_rules"]

# The order in which rules are applied: each kind sees the coordinates of those before it.
KINDS = (
    "one of",
    "constant",
    "copy",
    "combination",
    "grid",
    "standardized",
    "category",
    "static",
    "clock",
    "angle",
    "parts",
    "succession",
    "order",
    "monotone",
    "positive",
    "multiplicative",
    "dependence",
    "normal score",
    "shape",
    "bounds",
    "level",
)


# What whole series, of which windows will be cut, cannot keep.
OF_WINDOWS = ("shape", "standardized", "succession")

# Channels that carry nothing new.
REDUNDANT = ("constant", "copy", "combination")

# Kinds that leave the columns of which they speak as they are.
LEAVE_COLUMNS = ("bounds", "grid", *REDUNDANT)

# Kinds of which a channel has one: what is declared keeps others from being found.
CLAIMING = (
    "standardized",
    "angle",
    "normal score",
    "positive",
    "multiplicative",
    "shape",
    "level",
)

# Kinds that leave nothing of a channel for others to look at.
FINAL = ("category", "static", "angle")


def find_rules(
    X: Any,
    *,
    names: Sequence[Any] | None = None,
    include: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] = (),
    id_columns: Any = None,
    time_column: Hashable = None,
) -> RuleList:
    """Find what every series keeps, and that by no accident.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_timesteps, n_channels), list of series, or table
        Series; those of a list, ``(n_timesteps, n_channels)`` each, may differ in length. Of
        tables and lists of frames the columns may hold words, and values may be missing.
    names : sequence or None, default=None
        Names of the channels; ``None`` numbers them, or takes the names of columns.
    include : str, sequence of str or None, default=None
        Kind, or kinds, of rules to look for, of ``sklearn_timegen.rules.KINDS``; ``None`` is all.
    exclude : str or sequence of str, default=()
        Kind, or kinds, not to look for.
    id_columns : str or list of str, default=None
        Of a long table: the column, or columns, that name the series of each row.
    time_column : str, default=None
        Of a long table: the column of its times.

    Returns
    -------
    rules : RuleList
        The rules with their evidence, in the order in which they are applied.

    Raises
    ------
    ValueError
        If a kind is unknown, ``names`` are not one for each channel, or a table cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import find_rules
    >>> rng = np.random.default_rng(0)
    >>> low = rng.normal(size=(200, 24)).cumsum(axis=1)
    >>> high = low + rng.exponential(size=low.shape)
    >>> find_rules(np.stack([low, high], axis=2), names=["low", "high"])
    low <= high: 4,800 cells, none broken, touched in 1.8%
    """
    wanted = KINDS if include is None else _read_kinds("include", include)
    unwanted = _read_kinds("exclude", exclude)
    kinds = [kind for kind in KINDS if kind in wanted and kind not in unwanted]
    named = id_columns is not None or time_column is not None
    if named or holds_frames(X):
        from sklearn_timegen.rules.of_tables import find_rules_of_table  # pandas takes a while

        if names is not None:
            raise ValueError(f"names={list(names)!r}, but the columns of X have names already")
        return find_rules_of_table(
            X, id_columns, time_column, [kind for kind in kinds if kind not in OF_WINDOWS]
        )
    blocks = as_blocks(X)
    names = check_names(names, len(blocks[0]))
    return fit_rules(blocks, names, (), kinds)[0]


def _read_kinds(name: str, kinds: Any) -> list[str]:
    """Return kinds of rules that were given as one word, or as several."""
    words = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(words, list | tuple | set | frozenset):
        raise ValueError(
            f"{name}={kinds!r}: expected a kind of rule or a list of them, as {name}=['order']; "
            f"there are {', '.join(KINDS)}"
        )
    for kind in words:
        if kind not in KINDS:
            raise ValueError(f"there is no kind of rule {kind!r}; there are {', '.join(KINDS)}")
    return list(words)


def read_rules(rules: Any) -> tuple[list[Rule], bool]:
    """Return the rules that a user declares, and whether others are to be found."""
    given = [rules] if isinstance(rules, str) else rules if rules is not None else []
    if isinstance(given, Rule) or not isinstance(given, list | tuple | RuleList):
        advice = "put it in a list" if isinstance(rules, Rule) else "write [Order('low', 'high')]"
        raise ValueError(
            f"rules must be 'auto', None, or a list of rules, got {rules!r}: {advice}, with "
            "'auto' in it to find others, too"
        )
    for rule in given:
        if isinstance(rule, Rule) or (isinstance(rule, str) and rule == "auto"):
            continue
        advice = "rules must be 'auto', None, or a list of rules such as Order('low', 'high')"
        if isinstance(rule, str):
            advice += "; to look for some kinds only, give what find_rules(X, include=...) finds"
        raise ValueError(f"{advice}; got {rule!r}")
    declared = [rule for rule in given if isinstance(rule, Rule)]
    return declared, len(declared) < len(given)


def fit_rules(
    blocks: Sequence[Block], names: Sequence[Any], declared: Sequence[Rule], kinds: Sequence[str]
) -> tuple[RuleList, ChannelReducer, dict[Key, str], list[Block]]:
    """Fit rules that are declared, and find others, each kind in the coordinates of those before.

    Returns the rules, what leaves out redundant channels, the units of the coordinates, and
    these.
    """
    search = _Search(blocks, names, declared, kinds)
    for kind in KINDS:
        # What is declared comes first: in its coordinates it is not found again.
        for rule in search.declared_of(kind):
            search.apply(rule)
        for rule in search.found(kind):
            search.apply(rule)
    return RuleList(search.rules), search.reducer, search.units, search.blocks


class _Search:
    """Series on their way through the kinds of rules.

    They are there twice: as they are, and with what windows that overlap hold several times once,
    since it is evidence once.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        names: Sequence[Any],
        declared: Sequence[Rule],
        kinds: Sequence[str],
    ) -> None:
        self.blocks, self.kinds = list(blocks), kinds
        self.once = [_without_repetition(block) for block in blocks]
        pairs = zip(self.once, self.blocks, strict=True)
        self.repeats = any(once is not block for once, block in pairs)
        self.units: dict[Key, str] = dict.fromkeys(self.blocks[0], "data")
        self.units_once, self.names = dict(self.units), list(names)
        self.rules: list[Rule] = []
        self.reducer = ChannelReducer.keeping_all(len(names))
        self.redundant: list[Rule] = []
        # The clock by which a channel is read, as fitted to either form of the series.
        self.clocks: dict[Key, tuple[Clock | None, Clock | None]] = {}
        self.rewritten: set[Key] = set()  # columns that are coordinates of rules by now
        self.declared = [rule.bind(names) for rule in declared]
        for rule in self.declared:
            if rule.kind == "bounds":
                _check_holds(rule, self.once)
        _check_angles(self.declared)
        self.claimed = {k for r in self.declared if r.kind in CLAIMING for k in r.keys}

    def declared_of(self, kind: str) -> list[Rule]:
        """Return the rules of one kind that were declared."""
        if kind == "constant":  # what is left out is looked for once, for all three kinds
            return [rule for rule in self.declared if rule.kind in REDUNDANT]
        declared = [rule for rule in self.declared if rule.kind == kind]
        if kind in FINAL:  # of what was left out there is nothing to write
            declared = [rule for rule in declared if rule.keys[0] in self.units]
        if kind == "bounds":  # of channels that are written otherwise by now: clipped at the end
            last = [rule for rule in declared if self.units.get(rule.keys[0]) != "data"]
            self.rules = last + self.rules
            return [rule for rule in declared if rule not in last]
        return [] if kind in REDUNDANT else declared

    def found(self, kind: str) -> list[Rule]:
        """Return the rules of one kind that are found, and were not declared."""
        if kind == "constant":
            # A channel that is left out is no other rule's; bounds are kept by clipping it.
            others = [r for r in self.declared if r.kind not in (*REDUNDANT, "bounds")]
            keep = {key for rule in others for key in rule.keys}
            self.reducer, self.redundant = _redundant(self.blocks, self.kinds, keep)
        if kind in REDUNDANT or kind == "parts":
            found = [rule for rule in self.redundant if rule.kind == kind]
        elif kind not in self.kinds or kind == "category":
            return []
        else:
            # Levels and attributes belong to each window.
            whole = kind in ("level", "static")
            blocks = self.blocks if whole else self.once
            found = _FINDERS[kind](blocks, self.units if whole else self.units_once)
        taken = {k for rule in self.declared if rule.kind == kind for k in rule.keys}
        taken |= self.claimed if kind in CLAIMING else set()
        if kind == "succession":  # of an order that is declared nothing more is asked
            taken |= {k for rule in self.declared if rule.kind == "order" for k in rule.keys}
        if kind == "angle":  # what is known of a channel otherwise, no circle keeps
            taken |= {k for r in self.declared if r.kind not in LEAVE_COLUMNS for k in r.keys}
        if kind == "grid":  # codes of categories are whole numbers, which says nothing of them
            taken |= {k for rule in self.declared if rule.kind == "category" for k in rule.keys}
            # Rounded, what is straight between readings would not be.
            clocks = (r for r in self.declared if isinstance(r, Clock) and r.how == "linear")
            taken |= {k for rule in clocks for k in rule.keys}
        if kind == "normal score":  # the ends of a range that every series reaches are no masses
            taken |= {k for r in self.rules if isinstance(r, Standardized) for k in r.keys}
        finals = (rule for rule in self.rules if rule.kind in FINAL)
        taken |= {k for r in finals if isinstance(r, Angle | NormalScore) for k in r.columns}
        found = [rule for rule in found if not taken & set(rule.keys)]
        for rule in found:
            rule.labels = tuple(label_of(key, self.names) for key in rule.keys)
        return found

    def apply(self, rule: Rule) -> None:
        """Fit a rule, and lead the series on to its coordinates."""
        rule.of_data = not self.rewritten & set(rule.keys)
        rule.choose(self.once)
        if isinstance(rule, Order):
            grids = (grid for grid in self.rules if isinstance(grid, Grid))
            rule.grids = {grid.keys[0]: grid for grid in grids if grid.keys[0] in rule.keys}
        if isinstance(rule, Angle | Positive):
            grids = (grid for grid in self.rules if isinstance(grid, Grid))
            rule.grid = next((grid for grid in grids if grid.keys == rule.keys), None)
        tried = copy.copy(rule) if self.repeats else rule
        if isinstance(rule, NormalScore) and isinstance(tried, NormalScore):
            rule.clock, tried.clock = self.clocks.get(rule.keys[0], (None, None))
        _check_holds(tried, self.once)
        self.once = [tried.encode(block) for block in self.once]
        self.units_once = tried.units(self.units_once)
        if self.repeats:
            rule.learn(self.blocks)
            rule.evidence = tried.evidence
            self.blocks = [rule.encode(block) for block in self.blocks]
        else:
            self.blocks = self.once
        self.units = rule.units(self.units)
        if isinstance(rule, Clock) and isinstance(tried, Clock):
            self.clocks |= dict.fromkeys(rule.keys, (rule, tried))
        if rule.kind not in LEAVE_COLUMNS:
            self.rewritten |= set(rule.keys)
        for key, label in rule.renamed().items():
            self.names[channel_of(key)] = label
        self.rules.append(rule)


def _check_angles(declared: Sequence[Rule]) -> None:
    """Refuse rules of channels that go round: their coordinates are no more than cosines."""
    for angle in (rule for rule in declared if isinstance(rule, Angle)):
        for rule in declared:
            others = rule is not angle and rule.kind not in LEAVE_COLUMNS
            if others and set(rule.keys) & set(angle.keys):
                raise ValueError(
                    f"{rule.statement()!r} speaks of {angle.labels[0]}, which is declared to go "
                    "round, where nothing is above or below: leave one of the two rules out"
                )


def _without_repetition(block: Block) -> Block:
    """Return windows that overlap as the series that they were cut from, and no series twice."""
    x = as_array(block)
    starts = find_window_starts(x)
    if starts is None:
        first = {row.tobytes(): i for i, row in reversed(list(enumerate(x)))}
        return block if len(first) == len(x) else as_block(x[sorted(first.values())])
    stride = int(starts[1] - starts[0])
    series = np.concatenate([x[:-1, :stride].reshape(-1, x.shape[2]), x[-1]])
    if np.isnan(series).any():  # what is missing from one window may stand in another
        for t in range(x.shape[1]):
            seen = series[starts + t]
            series[starts + t] = np.where(np.isnan(seen), x[:, t], seen)
    return as_block(series[None])


def _redundant(
    blocks: Sequence[Block], kinds: Sequence[str], keep: Collection[Key]
) -> tuple[ChannelReducer, list[Rule]]:
    """Return what leaves out redundant channels, and the rules that they follow."""
    if not set(REDUNDANT) & set(kinds):
        return ChannelReducer.keeping_all(len(blocks[0])), []
    reducer, found = find_redundant(blocks, keep)
    found = [rule for rule in found if rule.kind in kinds]
    parts = find_parts(blocks, found) if "parts" in kinds else []
    # Shares take the place of the combination that they are found by.
    shares = {p.keys for p in parts if isinstance(p, Parts) and p.total is not None}
    return reducer, [
        rule for rule in found if (*rule.keys[1:], rule.keys[0]) not in shares
    ] + parts


def _check_holds(rule: Rule, blocks: Sequence[Block]) -> None:
    """Fit a rule; of one that was declared and does not hold, say where."""
    if rule.n_observed(blocks) == 0:
        raise ValueError(
            f"the rule {rule.statement()!r} cannot be judged: {', '.join(rule.labels)} are at no "
            "timestep all observed. Leave the rule out, or the channels"
        )
    rule.learn(blocks)
    rule.measure(blocks)
    if rule.evidence is None or not rule.evidence.n_broken:
        return
    shown: list[str] = []
    for block in blocks:
        for i, t in np.argwhere(rule.broken(block))[: 3 - len(shown)]:
            pairs = zip(rule.keys, rule.labels, strict=True)
            values = [f"{label} {block[key][i, t]:g}" for key, label in pairs if key in block]
            shown.append(f"series {i}, timestep {t} ({', '.join(values)})")
    raise ValueError(
        f"the rule {rule.statement()!r} is broken at {rule.evidence.n_broken:,} timesteps, first "
        f"at {'; '.join(shown)}. Correct these values, or leave the rule out"
    )


_FINDERS: dict[str, Any] = {
    "grid": find_grids,
    "one of": find_one_of,
    "static": find_static,
    "clock": find_clocks,
    "succession": find_successions,
    "order": find_orders,
    "monotone": find_monotone,
    "dependence": find_dependences,
    "normal score": find_normal_scores,
    "positive": find_positive,
    "multiplicative": find_multiplicative,
    "angle": find_angles,
    "bounds": find_bounds,
    "shape": find_shapes,
    "standardized": find_standardized,
    "level": find_levels,
}


def as_blocks(X: Any) -> list[Block]:
    """Return series as blocks of equal length."""
    if isinstance(X, list | tuple) and len({np.shape(series) for series in X}) > 1:
        return [as_block(np.asarray(series, dtype=np.float64)[None]) for series in X]
    return [as_block(X)]


def check_names(names: Sequence[Any] | None, n_channels: int) -> list[Any]:
    """Return the names of channels: their numbers, if none are given."""
    if names is None:
        return list(range(n_channels))
    if len(names) != n_channels or len(set(names)) < n_channels:
        raise ValueError(
            f"names must be {n_channels} different ones, one for each channel, got {list(names)!r}"
        )
    return list(names)
