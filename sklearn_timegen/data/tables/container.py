"""How series are laid out: arrays, pandas objects, panels, lists.

A container remembers columns, dtypes, index and names, and lays others out alike.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.tables.timeline import Timeline

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.data.schema import Schema

__all__ = ["Columns", "Container", "Key", "Part", "Record", "shown"]

Array = NDArray[np.float64]
Key: TypeAlias = tuple[Hashable, ...]


@dataclass(frozen=True)
class Part:
    """One series as it came: a row each timestep, its times, and its key in a panel."""

    frame: pd.DataFrame
    timeline: Timeline
    key: Key = ()


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

    def frames(self, series: Sequence[Array]) -> list[pd.DataFrame]:
        """Return what the numbers of series stand for, in one dtype for all of them."""
        assert self.schema is not None
        whole = self.schema.decode(np.concatenate(series))
        if self.index is not None:
            whole.columns = self.index
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
    order: Key = ()  # columns of a long table
    series_column: Hashable = None
    time_column: Hashable = None
    items: tuple[Container, ...] = ()  # what a list holds

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
        joined = pd.concat(parts, keys=[record.key for record in records])
        joined.index = joined.index.set_names(list(levels))
        if self.kind == "panel" and self.ndim == 1:
            return joined.iloc[:, 0].rename(self.name)
        return joined

    def _write_long(self, records: list[Record]) -> Any:
        import pandas as pd

        parts = []
        for frame, record in zip(self._frames(records), records, strict=True):
            part = frame.set_axis(record.timeline.index)
            part.insert(0, self.time_column, record.timeline.index)
            if self.series_column is not None:
                part.insert(0, self.series_column, record.key[0])
            parts.append(part.reset_index(drop=True))
        return pd.concat(parts, ignore_index=True)[list(self.order)]

    def _write_list(self, records: list[Record]) -> Any:
        return [self.items[record.like].write([record]) for record in records]

    def _frames(self, records: list[Record]) -> list[pd.DataFrame]:
        return self.columns.frames([record.values for record in records])


def _as_array(frame: pd.DataFrame) -> NDArray[Any]:
    one = len(set(frame.dtypes)) == 1
    return frame.to_numpy() if one else frame.to_numpy(dtype=object)


def shown(key: Key) -> str:
    """Return what to call a series by its key."""
    return repr(key[0] if len(key) == 1 else key)
