"""The way of series into the coordinates in which a generator works, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._warning import warn_user
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.rules.bounds import Bounds, Limits
from sklearn_timegen.rules.finding import KINDS, check_names, fit_rules
from sklearn_timegen.rules.grid import Grid
from sklearn_timegen.rules.order import Order
from sklearn_timegen.rules.redundant import Copy
from sklearn_timegen.rules.rule import (
    Block,
    Key,
    Mask,
    Rule,
    as_array,
    as_block,
    channel_of,
    order_of,
)

__all__ = ["LINEAR_KINDS", "Structure"]

FloatArray = NDArray[np.float32]
AS_THEY_ARE = ("bounds", "grid")
LINEAR_KINDS = ("bounds", "grid", "constant", "copy", "combination")
Array = NDArray[np.float64]


class Structure:
    """What all series of a data set keep, and the coordinates that cannot break it.

    Parameters
    ----------
    rules : "auto", None, or sequence of Rule, default="auto"
        Rules that are found, none, or these; ``"auto"`` may stand among them.
    bounds : (low, high) or None, default=None
        Values that the way back never leaves.
    kinds : sequence of str or None, default=None
        Kinds of rules that ``"auto"`` looks for; ``None`` is all.
    on_violation : {"warn", "error", "nearest"}, default="warn"
        What is done about new series that break a rule: with ``"nearest"``, and with a warning,
        they are taken for the nearest ones that keep it.

    Attributes
    ----------
    rules_ : RuleList
        The rules, in the order in which they are applied.
    units_ : dict
        Of each coordinate, whether it is in the units of the data, their logarithm, or its own.
    limits_ : Limits
        The least and greatest values.
    reducer_ : ChannelReducer
        What leaves out redundant channels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules import Order, Structure
    >>> rng = np.random.default_rng(0)
    >>> low = rng.normal(size=(50, 8)).astype(np.float32)
    >>> x = np.stack([low, low + rng.exponential(size=low.shape).astype(np.float32)], axis=2)
    >>> structure = Structure([Order(0, 1)])
    >>> u = structure.fit_transform(x)
    >>> drawn = structure.inverse_transform(rng.normal(size=u.shape))
    >>> bool((drawn[:, :, 0] <= drawn[:, :, 1]).all())
    True
    """

    def __init__(
        self,
        rules: str | Sequence[Any] | None = "auto",
        bounds: Any = None,
        *,
        kinds: Sequence[str] | None = None,
        on_violation: str = "warn",
    ) -> None:
        self._asked = () if rules is None else (rules,) if isinstance(rules, str) else tuple(rules)
        self._bounds = bounds
        self.kinds = KINDS if kinds is None else kinds
        self.on_violation = on_violation

    # -- fitting -----------------------------------------------------------------------------

    def fit_transform(self, x: FloatArray, names: Sequence[Any] | None = None) -> FloatArray:
        """Learn from series ``(n_samples, n_timesteps, n_channels)``; return coordinates."""
        self.limits_ = Limits(self._bounds, x.shape[2])
        self.limits_.check(x)
        blocks = self._fit([as_block(x)], names)
        return x if self.plain else to_float32(as_array(self._ordered(blocks[0])))

    def fit_transform_series(
        self, series: Sequence[Array], names: Sequence[Any] | None = None
    ) -> list[Array]:
        """Learn from series ``(n_timesteps, n_channels)`` of any lengths; return coordinates."""
        self.limits_ = Limits(self._bounds, series[0].shape[1])
        for x in series:
            self.limits_.check(x[None].astype(np.float32))
        if len({len(x) for x in series}) == 1:  # one block: what series have in common is seen
            return list(as_array(self._ordered(self._fit([as_block(np.stack(series))], names)[0])))
        blocks = self._fit([as_block(x[None]) for x in series], names)
        return [as_array(self._ordered(block))[0] for block in blocks]

    def _fit(self, blocks: list[Block], names: Sequence[Any] | None) -> list[Block]:
        declared, kinds = self._check_asked()
        declared += self.limits_.rules()
        names = check_names(names, len(blocks[0]))
        self.rules_, self.reducer_, self.units_, blocks = fit_rules(blocks, names, declared, kinds)
        self._keys = sorted(self.units_, key=order_of)
        self._settle_limits(declared)
        return blocks

    def _settle_limits(self, declared: Sequence[Rule]) -> None:
        """Let bounds agree with what else channels keep: clipping is the last step back."""
        for rule in self.rules_:
            if isinstance(rule, Bounds) and any(r.channels == rule.channels for r in declared):
                self.limits_.tighten(channel_of(rule.keys[0]), rule.low, rule.high)
        orders: list[tuple[Any, Any]] = []
        for rule in self.rules_:
            if isinstance(rule, Copy):
                copy, of = rule.keys
                orders += [(copy, of), (of, copy)]
            elif isinstance(rule, Order):
                orders += rule.covers()
            elif isinstance(rule, Grid):
                self.limits_.on_grid(channel_of(rule.keys[0]), rule.step)
        if orders and self.limits_.bind:
            self.limits_.keep_order(orders)

    def _check_asked(self) -> tuple[list[Rule], Sequence[str]]:
        declared = [rule for rule in self._asked if not isinstance(rule, str)]
        words = [rule for rule in self._asked if isinstance(rule, str)]
        for thing in (*declared, *words):
            if thing != "auto" and not isinstance(thing, Rule):
                raise ValueError(
                    f"rules must be 'auto', None, or a list of rules such as "
                    f"sklearn_timegen.rules.Order('low', 'high'), got {thing!r}"
                )
        return declared, self.kinds if words else ()

    @property
    def linear(self) -> bool:
        """Whether coordinates are some of the channels, and all others combinations of them."""
        return all(rule.kind in LINEAR_KINDS for rule in self.rules_)

    @property
    def scored(self) -> list[int]:
        """Positions of the coordinates in which values of the data are intervals."""
        keys = {key for rule in self.rules_.of_kind("normal score") for key in rule.keys}
        phases = (key for key in self._keys if isinstance(key, tuple) and key[1] == "phase")
        keys.update(phases)
        return [k for k, key in enumerate(self._keys) if key in keys]

    @property
    def plain(self) -> bool:
        """Whether coordinates are the series themselves."""
        return all(rule.kind in AS_THEY_ARE for rule in self.rules_)

    # -- there and back --------------------------------------------------------------------------

    def transform(self, x: FloatArray, *, tell: bool = True) -> FloatArray:
        """Return the coordinates of series ``(n_samples, n_timesteps, n_channels)``."""
        u = self._encoded(as_block(x), tell=tell) if self.rules_ else x
        return x if self.plain else to_float32(u)

    def _encoded(self, block: Block, *, tell: bool = True) -> Array:
        if tell and self.on_violation != "nearest":
            for rule, broken in self.rules_.broken(block):
                self._report(rule, broken)
        for rule in self.rules_:
            block = rule.encode(block)
        return as_array(self._ordered(block))

    def inverse_transform(self, u: NDArray[Any]) -> FloatArray:
        """Return the series of coordinates, all of which keep the rules."""
        if not self.rules_:
            return self.limits_.clip(np.asarray(u, dtype=np.float32))
        block = self._decoded(u)
        x = np.empty((*u.shape[:2], len(block)), dtype=np.float32)
        for k, column in enumerate(block.values()):
            x[:, :, k] = to_float32(column)
        return self.limits_.clip(x)

    def _decoded(self, u: NDArray[Any]) -> Block:
        block = {key: u[:, :, k].astype(np.float64) for k, key in enumerate(self._keys)}
        for rule in reversed(self.rules_):
            block = rule.decode(block)
        return self._ordered(block)

    def encode_known(
        self, x: FloatArray, known: NDArray[np.bool_]
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return coordinates of series of which cells ``(n_timesteps, n_channels)`` are known.

        Together with which of the coordinates follow from what is known.
        """
        masks: dict[Key, Mask] = {k: known[None, :, k] for k in range(known.shape[1])}
        for rule in self.rules_:
            masks = rule.known(masks)
        u = to_float32(self._encoded(as_block(x), tell=False))
        return u, np.stack([masks[key][0] for key in self._keys], axis=1)

    def complete(self, x: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
        """Return series that keep the rules, with other values where they are not known.

        Known values are as they are; whether they keep the rules among each other is theirs.
        """
        if not self.rules_:
            return x
        nearest = self.inverse_transform(self._encoded(as_block(x), tell=False))
        block = as_block(np.where(known, x, nearest))
        masks: dict[Key, Mask] = {
            key: np.broadcast_to(known, x.shape)[:, :, key] for key in range(x.shape[2])
        }
        rules = [rule for rule in self.rules_ if rule.of_data]
        for rule in len(rules) * rules:  # what follows from one may tell something to another
            block, masks = rule.infer(block, masks)
        for rule in (*rules, *reversed(rules)):  # once more, as on the way back
            block = rule.complete(block, masks)
        return to_float32(as_array(block))

    def transform_series(self, series: Sequence[Array]) -> list[Array]:
        """Return the coordinates of series ``(n_timesteps, n_channels)`` of any lengths."""
        return [self._encoded(as_block(x[None]))[0] for x in series]

    def inverse_transform_series(self, u: Array) -> Array:
        """Return the series of coordinates ``(n_timesteps, n_coordinates)``, in float64."""
        x = as_array(self._decoded(u[None]))[0] if self.rules_ else u
        low, high = self.limits_.low.astype(np.float64), self.limits_.high.astype(np.float64)
        return np.clip(x, low, high)

    def ending_at(self, u: Array, end: Array) -> Array:
        """Return coordinates of a series that ends at given values of channels that only rise.

        What such a channel begins with is a coordinate: moved, it moves the whole channel.
        """
        starts = [
            k for k, key in enumerate(self._keys) if isinstance(key, tuple) and "start" in key
        ]
        if not starts:
            return u
        u, last = u.copy(), self.inverse_transform_series(u)[-1]
        for k in starts:
            u[:, k] += end[channel_of(self._keys[k])] - last[channel_of(self._keys[k])]
        return u

    @property
    def units(self) -> list[str]:
        """Of each coordinate: ``"data"``, the logarithm of these (``"log"``), or ``"free"``."""
        return [self.units_[key] for key in self._keys]

    def sources(self, positions: Sequence[int]) -> list[int]:
        """Return the channels that some coordinates belong to."""
        return [channel_of(self._keys[k]) for k in positions]

    @property
    def static(self) -> list[int]:
        """Positions of the coordinates that are constant along time."""
        words = ("level", "start", "phase", "reading before")
        return [
            k for k, key in enumerate(self._keys) if isinstance(key, tuple) and key[1] in words
        ]

    def log_abs_det_jacobian(self, x: FloatArray) -> Array | float:
        """Return the log-volume by which ``transform`` stretches each series.

        Raises
        ------
        TypeError
            If a rule's coordinates have no density.
        """
        if not self.rules_:
            return 0.0
        block = as_block(x)
        if any(broken.any() for _, broken in self.rules_.broken(block)):
            block = as_block(self.inverse_transform(self._encoded(block, tell=False)))
        total: Array | float = 0.0
        for rule in self.rules_:
            total = total + rule.log_slope(block)
            block = rule.encode(block)
        return total

    def _report(self, rule: Rule, broken: Mask) -> None:
        # What is off a grid, or out of bounds, is represented as it is.
        if not broken.any() or (self.on_violation == "warn" and rule.kind in AS_THEY_ARE):
            return
        i, t = np.argwhere(broken)[0]
        message = (
            f"X breaks the rule {rule.statement()!r} of the training series at "
            f"{int(broken.sum()):,} timesteps of {int(broken.any(axis=1).sum()):,} series, first "
            f"at series {i}, timestep {t}"
        )
        if self.on_violation == "error":
            raise ValueError(f"{message}. Correct these values, or set on_violation='nearest'")
        warn_user(f"{message}: the nearest values that keep it stand in their place")

    def _ordered(self, block: Block) -> Block:
        return {key: block[key] for key in sorted(block, key=order_of)}
