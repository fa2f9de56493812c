"""Rules in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from sklearn_timegen._warning import warn_user
from sklearn_timegen.rules.rule import (
    Array,
    Block,
    Key,
    Mask,
    Rule,
    as_block,
    channel_of,
    check_columns,
)

__all__ = ["AS_THEY_ARE", "RuleList"]

AS_THEY_ARE = ("bounds", "grid")  # rules whose coordinates are the values themselves


class RuleList(Sequence[Rule]):
    """Rules, in the order in which they are applied; printed as a table.

    Parameters
    ----------
    rules : iterable of Rule, default=()
        The rules.

    Examples
    --------
    >>> from sklearn_timegen.rules import Copy, Order, RuleList
    >>> RuleList([Copy("b", of="a"), Order("a", "c")])
    b = a
    a <= c
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = list(rules)

    @overload
    def __getitem__(self, k: int) -> Rule: ...

    @overload
    def __getitem__(self, k: slice) -> RuleList: ...

    def __getitem__(self, k: int | slice) -> Rule | RuleList:
        return RuleList(self._rules[k]) if isinstance(k, slice) else self._rules[k]

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._rules)) or "no rules"

    def of_kind(self, kind: str) -> list[Rule]:
        """Return the rules of one kind, as ``"order"``."""
        return [rule for rule in self._rules if rule.kind == kind]

    def violations(self, X: Any) -> list[tuple[Rule, Mask]]:
        """Return at which timesteps of series each rule is broken.

        A rule sees what those before it leave to it; where one of them is broken, these are
        mostly the nearest values that keep it (grids and bounds leave values as they are).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_channels)
            Series with the channels that the rules were found in; of one channel,
            ``(n_samples, n_timesteps)``, too.

        Returns
        -------
        broken : list of (Rule, ndarray of bool of shape (n_samples, n_timesteps))
            Each rule, and where it is broken.

        Raises
        ------
        ValueError
            If a rule speaks of what is not there: a channel, or a coordinate of a rule that is
            not in the list.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_timegen.rules import find_rules
        >>> low = np.random.default_rng(0).normal(size=(200, 24)).cumsum(axis=1)
        >>> x = np.stack([low, low + np.random.default_rng(1).exponential(size=low.shape)], axis=2)
        >>> swapped = find_rules(x).violations(x[:, :, ::-1])
        >>> [(rule.statement(), int(broken.sum())) for rule, broken in swapped]
        [('channel 0 <= channel 1', 4800)]
        """
        return list(self.broken(as_block(X)))

    # -- of blocks ---------------------------------------------------------------------------

    def encode(self, block: Block) -> Block:
        """Return the coordinates of a block, by all rules."""
        for rule in self._rules:
            block = rule.encode(block)
        return block

    def decode(self, block: Block) -> Block:
        """Return the block of complete coordinates."""
        for rule in reversed(self._rules):
            block = rule.decode(block)
        return block

    def log_slope(self, block: Block) -> Array | float:
        """Return the log-volume by which ``encode`` stretches what is known of each series."""
        total: Array | float = 0.0
        for rule in self._rules:
            total = total + rule.log_slope(block)
            encoded = rule.encode(block)
            for key in encoded.keys() & block.keys():
                if (np.isnan(encoded[key]) & ~np.isnan(block[key])).any():
                    raise TypeError(
                        f"{rule.statement()!r} needs values that are missing, so that what is "
                        "known beside them has no coordinate, and no density: fit with rules=None"
                    )
            block = encoded
        return total

    def complete(self, block: Block, known: dict[Key, Mask]) -> Block:
        """Return a block in which cells that are not known are changed so that rules are kept."""
        rules = [rule for rule in self._rules if rule.of_data]
        for rule in len(rules) * rules:  # what follows from one may tell something to another
            block, known = rule.infer(block, known)
        for rule in (*rules, *reversed(rules)):  # once more, as on the way back
            block = rule.complete(block, known)
        return block

    def report(self, block: Block, *, refuse: bool) -> None:
        """Warn of what is broken in new series, or refuse them."""
        for rule, broken in self.broken(block):
            # What is off a grid, or out of bounds, is represented as it is.
            if not broken.any() or (rule.kind in AS_THEY_ARE and not refuse):
                continue
            i, t = np.argwhere(broken)[0]
            message = (
                f"X breaks the rule {rule.statement()!r} of the training series at "
                f"{int(broken.sum()):,} timesteps of {int(broken.any(axis=1).sum()):,} series, "
                f"first at series {i}, timestep {t}"
            )
            if refuse:
                raise ValueError(f"{message}. Correct these values, or set on_violation='nearest'")
            warn_user(f"{message}: the nearest values that keep it stand in their place")

    def broken(self, block: Block) -> Iterator[tuple[Rule, Mask]]:
        """Yield each rule, and at which timesteps of a block it is broken."""
        for k, rule in enumerate(self._rules):
            check_columns(rule, block)
            yield rule, rule.broken(block)
            # What no later rule looks at need not be written anew, which may be slow.
            if any(_positions(rule) & _positions(later) for later in self._rules[k + 1 :]):
                block = rule.encode(block)


def _positions(rule: Rule) -> set[int]:
    """Return the channels that a rule's columns belong to."""
    return set(map(channel_of, rule.keys))
