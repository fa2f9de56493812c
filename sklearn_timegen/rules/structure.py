"""The way of series into the coordinates in which a generator works, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.checks import all_finite
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.rules.category import Category
from sklearn_timegen.rules.coordinates import Coordinates
from sklearn_timegen.rules.copula import DiscreteCopula, margins_of
from sklearn_timegen.rules.filling import NormalFiller
from sklearn_timegen.rules.finding import (
    KINDS,
    OF_WINDOWS,
    check_names,
    fit_rules,
    read_rules,
)
from sklearn_timegen.rules.limits import Limits
from sklearn_timegen.rules.presence import Presence
from sklearn_timegen.rules.rule import Block, Key, Mask, as_array, as_block, order_of
from sklearn_timegen.rules.rule_list import AS_THEY_ARE, RuleList

__all__ = ["LINEAR_KINDS", "Structure"]

FloatArray = NDArray[np.float32]
LINEAR_KINDS = ("bounds", "grid", "constant", "copy", "combination")
Array = NDArray[np.float64]
Encoded = tuple[Array | None, Mask | None]


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
    coordinates_ : Coordinates
        What each coordinate is.
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
        self._presence = Presence(missing, ragged)
        self._filler: NormalFiller | None = None
        self._copula = DiscreteCopula([])

    # -- fitting -----------------------------------------------------------------------------

    def fit_transform(self, x: FloatArray, names: Sequence[Any] | None = None) -> FloatArray:
        """Learn from series ``(n_samples, n_timesteps, n_channels)``; return coordinates."""
        return self.fit_encode(x, names)[0]

    def fit_encode(
        self, x: FloatArray, names: Sequence[Any] | None = None
    ) -> tuple[FloatArray, Mask | None]:
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
        for rule in self._declared:
            if rule.kind in OF_WINDOWS:
                raise ValueError(
                    f"the rule {rule.statement()!r} speaks of windows, and these are whole "
                    "series, in whose coordinates windows are cut: leave it out"
                )
        self.kinds = [kind for kind in self.kinds if kind not in OF_WINDOWS]
        self._declared = [
            rule.of_whole_series() if isinstance(rule, Category) else rule
            for rule in self._declared
        ]
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
        self._presence.fit(blocks, names)
        self._chain, self.reducer_, units, encoded = fit_rules(blocks, names, declared, kinds)
        self.rules_ = RuleList([*self._presence, *self._chain])
        self.coordinates_ = Coordinates(self._chain, self._presence.units(units))
        self.limits_.settle(self._chain, declared)
        there = [self._with_presence(e, b) for e, b in zip(encoded, blocks, strict=True)]
        return self._filled(self._associated(there), blocks)

    def _associated(self, encoded: list[Array]) -> list[Array]:
        """Learn what scores have to do with other coordinates; return them drawn given these."""
        margins = margins_of(self.rules_, self.coordinates_.keys)
        self._copula = DiscreteCopula(margins)
        if margins:
            self._copula.fit(encoded)
        return [self._copula.redraw(u) for u in encoded]

    @property
    def associates_scores(self) -> bool:
        """Whether scores of discrete values are drawn given the rest of their series."""
        return bool(self._copula)

    def _filled(self, encoded: list[Array], blocks: list[Block]) -> list[Encoded]:
        """Fill what is missing of coordinates by draws that know the rest of a series."""
        if all(map(all_finite, encoded)):
            return [(None if self.plain else u, None) for u in encoded]
        self.coordinates_.check_known(encoded)
        self._filler = NormalFiller().fit(encoded)
        return [self._fill(u, block) for u, block in zip(encoded, blocks, strict=True)]

    @property
    def linear(self) -> bool:
        """Whether coordinates are some of the channels, and all others combinations of them."""
        return all(rule.kind in LINEAR_KINDS for rule in self.rules_)

    @property
    def plain(self) -> bool:
        """Whether coordinates are the series themselves."""
        return all(rule.kind in AS_THEY_ARE for rule in self.rules_)

    # -- there and back --------------------------------------------------------------------------

    def transform(self, x: FloatArray, *, tell: bool = True) -> FloatArray:
        """Return the coordinates of series ``(n_samples, n_timesteps, n_channels)``."""
        return self.encode(x, tell=tell)[0]

    def encode(self, x: FloatArray, *, tell: bool = True) -> tuple[FloatArray, Mask | None]:
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

    def report(self, block: Block) -> None:
        """Warn of what series break of the rules, or refuse them, as ``encode`` does."""
        if self.on_violation != "nearest":
            self._chain.report(block, refuse=self.on_violation == "error")

    def fill(self, x: FloatArray) -> FloatArray:
        """Return series with draws for what is missing, given the rest: complete ones."""
        if all_finite(x):
            return x
        block = as_block(x)
        return to_float32(as_array(self._drawn(self._encoded(block, tell=False), block)[1]))

    def fills(self, x: FloatArray, n_draws: int) -> Iterator[tuple[FloatArray, Array]]:
        """Yield draws of the coordinates of series given what is known of them.

        Together with the log-density, given what is known, of what was drawn.
        """
        u = self._encoded(as_block(x))
        for k in range(n_draws):
            drawn, log_q = self._filler_.draw_with_density(u, k)
            yield to_float32(drawn), log_q

    def learn_filling(self, u: NDArray[Any]) -> None:
        """Learn from coordinates how to fill what is missing of others."""
        self._filler = NormalFiller().fit([u.astype(np.float64)])

    @property
    def can_fill(self) -> bool:
        """Whether it is known what to fill in for what is missing."""
        return self._filler is not None

    @property
    def generates_missing(self) -> bool:
        """Whether values of what comes back may be missing, or beyond the end of a series."""
        return bool(self._presence)

    def _fill(self, u: Array, block: Block) -> tuple[Array, Mask]:
        """Return complete coordinates, and which of them were known."""
        known = np.isfinite(u)
        holes = ~known.all(axis=(1, 2))
        if not holes.all():  # the others are as they would be alone
            filled = u.copy()
            if holes.any():
                some = {key: column[holes] for key, column in block.items()}
                filled[holes] = self._fill(u[holes], some)[0]
            return filled, known
        drawn, whole = self._drawn(u, block)
        # What is known of a channel stays as it is, also where its coordinates were not: unless
        # coordinates would have to be what they hardly ever are.
        again = self._chain.encode(whole)
        columns = [again.get(key, drawn[:, :, k]) for k, key in enumerate(self.coordinates_.keys)]
        told = np.stack(columns, axis=2)
        told = self._copula.redraw(np.where(np.isfinite(told), told, drawn))
        return np.where(known | self._filler_.prefers(told, drawn), told, drawn), known

    def _drawn(self, u: Array, block: Block) -> tuple[Array, Block]:
        """Return coordinates with draws for what is missing, and whole series that agree.

        These have all values that are known, and keep the rules.
        """
        drawn = u if all_finite(u) else self._constant_ones(self._filler_.draw(u))
        nearest = self._decoded(drawn, present=True)
        masks = {key: np.isfinite(column) for key, column in block.items()}
        whole = {k: np.where(masks[k], block[k], nearest[k]) for k in block}
        return drawn, self._chain.complete(whole, masks)

    def _constant_ones(self, drawn: Array) -> Array:
        """Return coordinates of which those that belong to a series are exactly constant in it.

        Draws that differ along time by next to nothing would be a fine scale of a few series,
        beside none of all others.
        """
        for k in self.coordinates_.static:
            drawn[:, :, k] = drawn[:, :, k].mean(axis=1, keepdims=True)
        return drawn

    @property
    def _filler_(self) -> NormalFiller:
        if self._filler is None:
            raise ValueError("series with missing values, but it is not known what to fill in")
        return self._filler

    def _encoded(self, block: Block, *, tell: bool = True) -> Array:
        if tell:
            self.report(block)
        return self._copula.redraw(self._with_presence(self._chain.encode(block), block))

    def _with_presence(self, encoded: Block, block: Block) -> Array:
        """Return coordinates, with those that tell what is there of the series of a block."""
        return as_array(_ordered({**encoded, **self._presence.encode(block)}))

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
        block = {
            key: u[:, :, k].astype(np.float64) for k, key in enumerate(self.coordinates_.keys)
        }
        there = {key: block.pop(key) for key in self._presence.columns}
        block = self._chain.decode(block)
        return _ordered(block if present else self._presence.decode(block, there, whole=whole))

    def encode_known(self, x: FloatArray, known: Mask) -> tuple[FloatArray, Mask]:
        """Return coordinates of series of which cells are known, and which of them are.

        ``known`` has the shape of ``x``. Coordinates that need what is not known are 0; so are
        those that tell whether values are there, which is not asked.
        """
        encoded = self._chain.encode(as_block(np.where(known, x, np.nan)))
        nothing = np.full(x.shape[:2], np.nan)
        encoded |= dict.fromkeys(self._presence.columns, nothing)
        u = self._copula.redraw(as_array(_ordered(encoded)))
        follows = np.isfinite(u)
        return to_float32(np.where(follows, u, 0.0)), follows

    def complete(self, x: FloatArray, known: Mask) -> FloatArray:
        """Return series that keep the rules, with other values where they are not known.

        Known values are as they are; whether they keep the rules among each other is theirs.
        """
        if not self._chain:
            return x
        nearest = self._nearest(as_block(x))
        masks: dict[Key, Mask] = {key: known[:, :, key] for key in range(x.shape[2])}
        block = self._chain.complete(as_block(np.where(known, x, nearest)), masks)
        return to_float32(as_array(block))

    def _nearest(self, block: Block) -> FloatArray:
        """Return the nearest series that keep the rules: whichever scores stand for them."""
        u = self._with_presence(self._chain.encode(block), block)
        return self.inverse_transform(u, present=True)

    def transform_series(self, series: Sequence[Array]) -> list[Array]:
        """Return the coordinates of series ``(n_timesteps, n_channels)`` of any lengths."""
        found = []
        for x in series:
            block = as_block(x[None])
            u = self._encoded(block)
            found.append((u if all_finite(u) else self._fill(u, block)[0])[0])
        return found

    def inverse_transform_series(self, u: Array, *, present: bool = False) -> Array:
        """Return the series of coordinates ``(n_timesteps, n_coordinates)``, in float64.

        With ``present``, there are values where some are missing, too.
        """
        x = as_array(self._decoded(u[None], present=present))[0] if self.rules_ else u
        low, high = self.limits_.low.astype(np.float64), self.limits_.high.astype(np.float64)
        return np.clip(x, low, high)

    def ending_at(self, u: Array, end: Array) -> Array:
        """Return coordinates of a series that ends at given values of channels that only rise.

        What such a channel begins with is a coordinate: moved, it moves the whole channel.
        """
        starts = self.coordinates_.starts
        if not starts:
            return u
        u, last = u.copy(), self.inverse_transform_series(u, present=True)[-1]
        channels = self.coordinates_.sources(starts)
        u[:, starts] += (end - last)[channels]
        return u

    def log_abs_det_jacobian(self, x: FloatArray) -> Array | float:
        """Return the log-volume by which ``transform`` stretches what is known of each series.

        Raises
        ------
        TypeError
            If a rule's coordinates have no density, or if values that are known have no
            coordinate, because others are not.
        """
        self._presence.check_density()
        if not self._chain:
            return 0.0
        block = as_block(x)
        if any(broken.any() for _, broken in self._chain.broken(block)):
            block = as_block(self._nearest(block))
        return self._chain.log_slope(block)


def _ordered(block: Block) -> Block:
    return {key: block[key] for key in sorted(block, key=order_of)}
