"""How series are laid out: arrays, pandas objects, panels, lists.

A container remembers columns, dtypes, index and names, and lays others out alike.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.stamps import StampFormat
from sklearn_timegen.data.tables.timeline import Timeline
from sklearn_timegen.data.tables.totals import add_totals

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.data.schema import Schema

__all__ = ["Columns", "Container", "Key", "Part", "Record", "shown"]

Array = NDArray[np.float64]
Key: TypeAlias = tuple[Hashable, ...]


@dataclass(frozen=True)
class Part:
    """One series as it came: its rows, its times, and its key in a panel.

    ``rows`` tells which of the times the rows belong to, where some are left out.
    """

    frame: pd.DataFrame
    timeline: Timeline
    key: Key = ()
    rows: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Record:
    """One series as numbers (n_timesteps, n_channels), its times, and its key in a panel."""

    values: Array
    timeline: Timeline
    key: Key = ()
    like: int = 0  # of a drawn series: which training series it stands in for


@dataclass(frozen=True)
class Columns:
    """What the channels are called, and what they hold; there are no names for arrays."""

    index: pd.Index | None
    schema: Schema | None = None  # until series were read

    @property
    def names(self) -> Key | None:
        return None if self.index is None else tuple(self.index)

    @property
    def channels(self) -> tuple[Any, ...]:
        return () if self.schema is None else self.schema.channels

    def label(self, k: int) -> str:
        """Return what to call a channel in an error."""
        return f"channel {k}" if self.index is None else f"column {self.index[k]!r}"

    def select(self, positions: list[int]) -> Columns:
        """Return some of the columns."""
        from sklearn_timegen.data.schema import Schema

        index = None if self.index is None else self.index[positions]
        return Columns(index, Schema(tuple(self.channels[k] for k in positions)))

    def frame(self, series: Sequence[Array]) -> pd.DataFrame:
        """Return what the numbers of series stand for, one after another."""
        assert self.schema is not None
        whole = self.schema.decode(np.concatenate(series))
        if self.index is not None:
            whole.columns = self.index
        return whole

    def frames(self, series: Sequence[Array]) -> list[pd.DataFrame]:
        """Return what the numbers of series stand for, in one dtype for all of them."""
        whole = self.frame(series)
        ends = np.cumsum([len(values) for values in series])
        starts = [0, *ends[:-1]]
        return [whole.iloc[a:b] for a, b in zip(starts, ends, strict=True)]


@dataclass(frozen=True)
class Container:
    """How series were laid out: ``kind`` names it, the rest is what the kind needs."""

    kind: str  # "array", "series", "frame", "panel", "long" or "list"
    columns: Columns
    ndim: int = 2  # of an array, or of each item of a list
    name: Hashable = None  # of a pandas Series
    levels: Key = ()  # of a panel's index
    totals: tuple[tuple[bool, ...], ...] = ()  # which sums stand in a panel beside its series
    is_sorted: bool = False  # whether the index of a panel is
    order: Key = ()  # columns of a long table
    id_columns: Key = ()
    id_dtypes: tuple[Any, ...] = ()
    time_column: Hashable = None
    stamps: StampFormat | None = None  # of times that are written as strings
    leaves_out: bool = False  # whether timesteps without a value have no row
    by_time: bool = False  # whether rows of a long table are sorted by time, and not by series
    items: tuple[Container, ...] = ()  # what a list holds

    @property
    def name_columns(self) -> Key:
        """The columns, or the levels of an index, that name series."""
        return self.id_columns or self.levels[:-1]

    def write(self, records: list[Record]) -> Any:
        """Lay records out; several of what holds one become a panel."""
        write = getattr(self, f"_write_{self.kind}")
        return write(records)

    def holding(self, schema: Schema) -> Container:
        """Return a container of channels that hold what a schema says."""
        return replace(self, columns=replace(self.columns, schema=schema))

    # -- one method for each kind --------------------------------------------------------------

    def _write_array(self, records: list[Record]) -> Any:
        arrays = [_as_array(frame) for frame in self._frames(records)]
        if self.ndim < 3 and len(records) == 1:
            return arrays[0][:, 0] if self.ndim == 1 else arrays[0]
        lengths = sorted({len(array) for array in arrays})
        if len(lengths) > 1:
            raise ValueError(
                f"an array cannot hold series of {lengths[0]} and {lengths[-1]} timesteps: pass "
                "n_timesteps"
            )
        return np.stack(arrays)

    def _write_series(self, records: list[Record]) -> Any:
        if len(records) > 1:
            return self._write_panel(records)
        column = self._frames(records)[0].iloc[:, 0]
        return column.set_axis(records[0].timeline.index).rename(self.name)

    def _write_frame(self, records: list[Record]) -> Any:
        if len(records) > 1:
            return self._write_panel(records)
        return self._frames(records)[0].set_axis(records[0].timeline.index)

    def _write_panel(self, records: list[Record]) -> Any:
        import pandas as pd

        levels = self.levels or ("series", records[0].timeline.index.name)
        pairs = zip(self._frames(records), records, strict=True)
        parts = [frame.set_axis(record.timeline.index) for frame, record in pairs]
        keys = [record.key for record in records]
        if self.totals:
            parts, keys = add_totals(parts, keys, self.totals)
        joined = pd.concat(parts, keys=keys)
        if self.totals and self.is_sorted:
            joined = joined.sort_index()
        joined.index = joined.index.set_names(list(levels))
        if self.kind == "panel" and self.ndim == 1:
            return joined.iloc[:, 0].rename(self.name)
        return joined

    def _write_long(self, records: list[Record]) -> Any:
        table = self.columns.frame([record.values for record in records])
        first, *others = (record.timeline.index for record in records)
        times = first.append(others)
        table[self.time_column] = times.array if self.stamps is None else self.stamps.write(times)
        n_rows = [len(record.values) for record in records]
        for j, (name, dtype) in enumerate(zip(self.id_columns, self.id_dtypes, strict=True)):
            table[name] = _repeated([record.key[j] for record in records], n_rows, dtype)
        table = table[list(self.order)]
        if self.by_time:
            table = table.iloc[times.argsort(kind="stable")]
        return table.reset_index(drop=True)

    def _write_list(self, records: list[Record]) -> Any:
        return [self.items[record.like].write([record]) for record in records]

    def _frames(self, records: list[Record]) -> list[pd.DataFrame]:
        return self.columns.frames([record.values for record in records])


def _repeated(names: list[Hashable], n_rows: list[int], dtype: Any) -> pd.Series:
    """Return a column in which each name stands as often as its series has rows."""
    import pandas as pd

    if isinstance(dtype, pd.CategoricalDtype):
        known = dtype.categories
        new = [name for name in dict.fromkeys(names) if name not in known]
        dtype = pd.CategoricalDtype([*known, *new] if new else known, dtype.ordered)
    column = np.empty(len(names), dtype=object)
    column[:] = names
    return pd.Series(np.repeat(column, n_rows)).astype(dtype)


def _as_array(frame: pd.DataFrame) -> NDArray[Any]:
    one = len(set(frame.dtypes)) == 1
    return frame.to_numpy() if one else frame.to_numpy(dtype=object)


def shown(key: Key) -> str:
    """Return what to call a series by its key."""
    parts = tuple(part.item() if isinstance(part, np.generic) else part for part in key)
    return repr(parts[0] if len(parts) == 1 else parts)
