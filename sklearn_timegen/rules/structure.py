"""The way of series into the coordinates in which a generator works, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._warning import warn_user
from sklearn_timegen.data.checks import all_finite
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.rules.bounds import Bounds, Limits
from sklearn_timegen.rules.filling import NormalFiller
from sklearn_timegen.rules.finding import KINDS, check_names, fit_rules, read_rules
from sklearn_timegen.rules.grid import Grid
from sklearn_timegen.rules.length import Length
from sklearn_timegen.rules.missing import Missing, find_missing
from sklearn_timegen.rules.normal_score import NormalScore
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
    label_of,
    order_of,
)
from sklearn_timegen.rules.rule_list import RuleList
from sklearn_timegen.rules.smoothing import States

__all__ = ["LINEAR_KINDS", "Structure"]

FloatArray = NDArray[np.float32]
AS_THEY_ARE = ("bounds", "grid")
LINEAR_KINDS = ("bounds", "grid", "constant", "copy", "combination")

# Columns beside the channels: those of which values of the data are intervals, and those that are
# constant along time.
IN_PARTS = ("phase", "observed", "present", "length")
CONSTANT = ("level", "start", "phase", "reading before", "present", "length")
Array = NDArray[np.float64]
Encoded = tuple[Array | None, NDArray[np.bool_] | None]


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
    missing : {"generate", "complete"}, default="generate"
        Whether what is missing (NaN) is written into columns of its own, and comes back missing,
        or only filled by draws.
    ragged : bool, default=False
        Whether series end at different times: what lies behind the last timestep with a value
        is beyond the end then, and not missing.

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
        missing: str = "generate",
        ragged: bool = False,
    ) -> None:
        self._declared, self._auto = read_rules(rules)
        self._bounds = bounds
        self.kinds = KINDS if kinds is None else kinds
        self.on_violation = on_violation
        self.missing = missing
        self.ragged = ragged
        self._filler: NormalFiller | None = None

    # -- fitting -----------------------------------------------------------------------------

    def fit_transform(self, x: FloatArray, names: Sequence[Any] | None = None) -> FloatArray:
        """Learn from series ``(n_samples, n_timesteps, n_channels)``; return coordinates."""
        return self.fit_encode(x, names)[0]

    def fit_encode(
        self, x: FloatArray, names: Sequence[Any] | None = None
    ) -> tuple[FloatArray, NDArray[np.bool_] | None]:
        """Learn from series; return coordinates, and which of them were known, as ``encode``."""
        self.limits_ = Limits(self._bounds, x.shape[2])
        self.limits_.check(x)
        ((u, known),) = self._fit([as_block(x)], names)
        return x if u is None else to_float32(u), known

    def fit_transform_series(
        self, series: Sequence[Array], names: Sequence[Any] | None = None
    ) -> list[Array]:
        """Learn from series ``(n_timesteps, n_channels)`` of any lengths; return coordinates."""
        self.limits_ = Limits(self._bounds, series[0].shape[1])
        for x in series:
            self.limits_.check(x[None].astype(np.float32))
        alike = len({len(x) for x in series}) == 1  # one block: what they have in common is seen
        blocks = [as_block(np.stack(series))] if alike else [as_block(x[None]) for x in series]
        found = self._fit(blocks, names)
        return [
            row
            for block, (u, _) in zip(blocks, found, strict=True)
            for row in (as_array(block) if u is None else u)
        ]

    def _fit(self, blocks: list[Block], names: Sequence[Any] | None) -> list[Encoded]:
        """Learn; return coordinates, ``None`` if they are the series, and which were known."""
        declared = self._declared + self.limits_.rules()
        kinds = self.kinds if self._auto else ()
        names = check_names(names, len(blocks[0]))
        self._presence = self._find_presence(blocks, names)
        self._chain, self.reducer_, self.units_, encoded = fit_rules(
            blocks, names, declared, kinds
        )
        self.rules_ = RuleList([*self._presence, *self._chain])
        for rule in self._presence:
            self.units_ = rule.units(self.units_)
        self._keys = sorted(self.units_, key=order_of)
        self._settle_limits(declared)
        there = [self._with_presence(e, b) for e, b in zip(encoded, blocks, strict=True)]
        return self._filled(there, blocks)

    def _find_presence(self, blocks: list[Block], names: Sequence[Any]) -> list[Length | Missing]:
        found: list[Length | Missing] = [Length()] if self.ragged else []
        if self.missing == "generate":
            found += find_missing(blocks, ragged=self.ragged)
        for rule in found:
            rule.labels = tuple(label_of(key, names) for key in rule.keys)
            rule.learn(blocks)
        return found

    def _filled(self, encoded: list[Array], blocks: list[Block]) -> list[Encoded]:
        """Fill what is missing of coordinates by draws that know the rest of a series."""
        complete = all(np.isfinite(u).all() for u in encoded)
        if complete:
            return [(None if self.plain else u, None) for u in encoded]
        self._check_known(encoded)
        self._filler = NormalFiller().fit(encoded)
        return [self._fill(u, block) for u, block in zip(encoded, blocks, strict=True)]

    def _check_known(self, encoded: list[Array]) -> None:
        known = np.any([np.isfinite(u).any(axis=(0, 1)) for u in encoded], axis=0)
        if not known.all():
            key = self._keys[int(np.argmin(known))]
            raise ValueError(
                f"{label_of(channel_of(key), ())} has no value in any series, or too few to learn "
                "what is between them: leave it out"
            )

    def _settle_limits(self, declared: Sequence[Rule]) -> None:
        """Let bounds agree with what else channels keep: clipping is the last step back."""
        for rule in self._chain:
            if isinstance(rule, Bounds) and any(r.channels == rule.channels for r in declared):
                self.limits_.tighten(channel_of(rule.keys[0]), rule.low, rule.high)
        orders: list[tuple[Any, Any]] = []
        for rule in self._chain:
            if isinstance(rule, Copy):
                copy, of = rule.keys
                orders += [(copy, of), (of, copy)]
            elif isinstance(rule, Order):
                orders += rule.covers()
            elif isinstance(rule, Grid):
                self.limits_.on_grid(channel_of(rule.keys[0]), rule.step)
        if orders and self.limits_.bind:
            self.limits_.keep_order(orders)

    @property
    def linear(self) -> bool:
        """Whether coordinates are some of the channels, and all others combinations of them."""
        return all(rule.kind in LINEAR_KINDS for rule in self.rules_)

    @property
    def scored(self) -> list[int]:
        """Positions of the coordinates in which values of the data are intervals."""
        keys = {key for rule in self._chain if isinstance(rule, NormalScore) for key in rule.keys}
        keys.update(key for key in self._keys if isinstance(key, tuple) and key[1] in IN_PARTS)
        return [k for k, key in enumerate(self._keys) if key in keys]

    @property
    def states(self) -> dict[int, States]:
        """What is known of coordinates whose intervals are states that come and go."""
        scored = [rule for rule in self._chain if isinstance(rule, NormalScore)]
        found = {self._keys.index(rule.keys[0]): rule.states for rule in scored}
        return {k: states for k, states in found.items() if states is not None}

    @property
    def plain(self) -> bool:
        """Whether coordinates are the series themselves."""
        return all(rule.kind in AS_THEY_ARE for rule in self.rules_)

    # -- there and back --------------------------------------------------------------------------

    def transform(self, x: FloatArray, *, tell: bool = True) -> FloatArray:
        """Return the coordinates of series ``(n_samples, n_timesteps, n_channels)``."""
        return self.encode(x, tell=tell)[0]

    def encode(
        self, x: FloatArray, *, tell: bool = True
    ) -> tuple[FloatArray, NDArray[np.bool_] | None]:
        """Return the coordinates of series, and which of them were known.

        Parameters
        ----------
        x : ndarray of shape (n_samples, n_timesteps, n_channels)
            Series, NaN where values are missing.
        tell : bool, default=True
            Whether to report what breaks a rule.

        Returns
        -------
        u : ndarray of shape (n_samples, n_timesteps, n_coordinates)
            The coordinates; those that depend on what is missing are draws given the others.
        known : ndarray of bool of the shape of ``u``, or None
            Which are none of these; ``None`` if all were known.
        """
        if not self.rules_ and all_finite(x):
            return x, None
        coordinates = self._encoded(as_block(x), tell=tell)
        if all_finite(coordinates):
            return x if self.plain else to_float32(coordinates), None
        filled, known = self._fill(coordinates, as_block(x))
        return to_float32(filled), known

    def fill(self, x: FloatArray) -> FloatArray:
        """Return series with draws for what is missing, given the rest: complete ones."""
        if all_finite(x):
            return x
        u, _ = self.encode(x, tell=False)
        return to_float32(as_array(self._decoded(u, present=True)))

    def learn_filling(self, u: FloatArray) -> None:
        """Learn from coordinates how to fill what is missing of others."""
        self._filler = NormalFiller().fit([u.astype(np.float64)])

    @property
    def can_fill(self) -> bool:
        """Whether it is known what to fill in for what is missing."""
        return self._filler is not None

    @property
    def attributes(self) -> list[NormalScore]:
        """Rules of the channels that have one value a series."""
        return [r for r in self._chain if isinstance(r, NormalScore) and r.static]

    def with_attributes(self, u: NDArray[Any], channels: list[int], values: Array) -> NDArray[Any]:
        """Return coordinates of series that have these attributes ``(n_series, n_channels)``."""
        u = np.array(u)
        for rule in self.attributes:
            key = rule.keys[0]
            if key in channels:
                column = values[:, channels.index(channel_of(key)), None]
                z = rule.encode({key: np.broadcast_to(column, u.shape[:2])})[key]
                u[:, :, self._keys.index(key)] = z
        return u

    @property
    def generates_missing(self) -> bool:
        """Whether values of what comes back may be missing, or beyond the end of a series."""
        return bool(self._presence)

    def _fill(self, u: Array, block: Block) -> tuple[Array, NDArray[np.bool_]]:
        """Return complete coordinates, and which of them were known."""
        if self._filler is None:
            raise ValueError("series with missing values, but it is not known what to fill in")
        known = np.isfinite(u)
        drawn = self._filler.draw(u)
        # What is known of a channel stays as it is, also where its coordinates were not.
        nearest = self._decoded(drawn, present=True)
        masks = {key: np.isfinite(column) for key, column in block.items()}
        whole = {k: np.where(masks[k], block[k], nearest[k]) for k in block}
        again = self._encoded_channels(self._completed(whole, masks))
        columns = [again.get(key, drawn[:, :, k]) for k, key in enumerate(self._keys)]
        filled = np.stack(columns, axis=2)
        return np.where(np.isfinite(filled), filled, drawn), known

    def _encoded(self, block: Block, *, tell: bool = True) -> Array:
        if tell and self.on_violation != "nearest":
            for rule, broken in self._chain.broken(block):
                self._report(rule, broken)
        return self._with_presence(self._encoded_channels(block), block)

    def _encoded_channels(self, block: Block) -> Block:
        for rule in self._chain:
            block = rule.encode(block)
        return block

    def _with_presence(self, encoded: Block, block: Block) -> Array:
        """Return coordinates, with those that tell what is there of the series of a block."""
        for rule in self._presence:
            there = rule.encode(block)
            encoded = {**encoded, **{key: there[key] for key in rule.columns}}
        return as_array(self._ordered(encoded))

    def inverse_transform(
        self,
        u: NDArray[Any],
        *,
        present: bool = False,
        lengths: NDArray[np.int64] | None = None,
    ) -> FloatArray:
        """Return the series of coordinates, all of which keep the rules.

        With ``present``, there are values where some are missing or beyond the end, too; with
        ``lengths``, series end after so many timesteps.
        """
        x = np.array(u, dtype=np.float32) if not self.rules_ else None
        if x is None:
            block = self._decoded(u, present=present, whole=lengths is not None)
            x = np.empty((*u.shape[:2], len(block)), dtype=np.float32)
            for k, column in enumerate(block.values()):
                x[:, :, k] = to_float32(column)
        x = self.limits_.clip(x)
        if lengths is not None:
            x[np.arange(x.shape[1]) >= lengths[:, None]] = np.nan
        return x

    def _decoded(self, u: NDArray[Any], *, present: bool = False, whole: bool = False) -> Block:
        block = {key: u[:, :, k].astype(np.float64) for k, key in enumerate(self._keys)}
        added = {key for rule in self._presence for key in rule.columns}
        there = {key: block.pop(key) for key in added}
        for rule in reversed(self._chain):
            block = rule.decode(block)
        for rule in () if present else reversed(self._presence):
            if not (whole and isinstance(rule, Length)):
                block = rule.decode({**block, **{key: there[key] for key in rule.columns}})
        return self._ordered(block)

    def encode_known(
        self, x: FloatArray, known: NDArray[np.bool_]
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return coordinates of series of which cells ``(n_timesteps, n_channels)`` are known.

        Together with which of the coordinates follow from what is known.
        """
        masks: dict[Key, Mask] = {k: known[None, :, k] for k in range(known.shape[1])}
        for rule in self._chain:
            masks = rule.known(masks)
        nothing = np.zeros_like(known[None, :, 0])  # whether there are values is not asked
        masks |= {key: nothing for rule in self._presence for key in rule.columns}
        u = to_float32(self._encoded(as_block(x), tell=False))
        return u, np.stack([masks[key][0] for key in self._keys], axis=1)

    def complete(self, x: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
        """Return series that keep the rules, with other values where they are not known.

        Known values are as they are; whether they keep the rules among each other is theirs.
        """
        if not self._chain:
            return x
        nearest = self.inverse_transform(self._encoded(as_block(x), tell=False))
        block = as_block(np.where(known, x, nearest))
        masks: dict[Key, Mask] = {
            key: np.broadcast_to(known, x.shape)[:, :, key] for key in range(x.shape[2])
        }
        return to_float32(as_array(self._completed(block, masks)))

    def _completed(self, block: Block, masks: dict[Key, Mask]) -> Block:
        """Return a block in which what is not known is changed so that rules are kept."""
        rules = [rule for rule in self._chain if rule.of_data]
        for rule in len(rules) * rules:  # what follows from one may tell something to another
            block, masks = rule.infer(block, masks)
        for rule in (*rules, *reversed(rules)):  # once more, as on the way back
            block = rule.complete(block, masks)
        return block

    def transform_series(self, series: Sequence[Array]) -> list[Array]:
        """Return the coordinates of series ``(n_timesteps, n_channels)`` of any lengths."""
        found = []
        for x in series:
            block = as_block(x[None])
            u = self._encoded(block)
            found.append((u if all_finite(u) else self._fill(u, block)[0])[0])
        return found

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
        own = {r.keys[0] for r in self._chain if isinstance(r, NormalScore) and r.static}
        own |= {key for key in self._keys if isinstance(key, tuple) and key[1] in CONSTANT}
        return [k for k, key in enumerate(self._keys) if key in own]

    def log_abs_det_jacobian(self, x: FloatArray) -> Array | float:
        """Return the log-volume by which ``transform`` stretches each series.

        Raises
        ------
        TypeError
            If a rule's coordinates have no density.
        """
        if not self._chain:
            return 0.0
        block = as_block(x)
        if any(broken.any() for _, broken in self._chain.broken(block)):
            block = as_block(self.inverse_transform(self._encoded(block, tell=False)))
        total: Array | float = 0.0
        for rule in self._chain:
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
