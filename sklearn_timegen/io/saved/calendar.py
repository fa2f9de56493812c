"""Times, time zones and other values that come in cells, with and without pandas."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from sklearn_timegen.io.saved.errors import CannotSave, FileRefused
from sklearn_timegen.io.saved.tree import Decoder, Encoder, Kind, Node

__all__ = ["KINDS", "is_of_pandas"]


def is_of_pandas(*names: str) -> Callable[[Any], bool]:
    """Return what tells objects of pandas' classes apart, without importing pandas."""

    def matches(value: Any) -> bool:
        of_pandas = type(value).__module__.partition(".")[0] == "pandas"
        return of_pandas and any(base.__name__ in names for base in type(value).__mro__)

    return matches


def _by_text(name: str, kind: type) -> Kind:
    return Kind(
        name,
        lambda value: type(value) is kind,
        lambda value, encoder, path: {"value": str(value)},
        lambda node, decoder: kind(decoder.field(node, "value", str)),
    )


# -- of the standard library ----------------------------------------------------------------------


def _encode_datetime(value: datetime.datetime, encoder: Encoder, path: str) -> Node:
    plain = value.replace(tzinfo=None, fold=0).isoformat()
    return {"value": plain, "fold": value.fold, "zone": encoder.encode(value.tzinfo, path)}


def _decode_datetime(node: Node, decoder: Decoder) -> datetime.datetime:
    made = datetime.datetime.fromisoformat(decoder.field(node, "value", str))
    zone = decoder.decode(node.get("zone"))
    return made.replace(tzinfo=zone, fold=decoder.field(node, "fold", int))


def _decode_zone(node: Node, decoder: Decoder) -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(decoder.field(node, "value", str))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise FileRefused(f"its time zone is not known here: {error}") from error


def _encode_interval(value: datetime.timedelta, encoder: Encoder, path: str) -> Node:
    return {"items": [value.days, value.seconds, value.microseconds]}


def _decode_interval(node: Node, decoder: Decoder) -> datetime.timedelta:
    return datetime.timedelta(*decoder.decode_items(node))


# -- pandas' scalars ------------------------------------------------------------------------------


def _encode_stamp(value: Any, encoder: Encoder, path: str) -> Node:
    node = {"unit": value.unit, "value": int(value.asm8.view("i8"))}
    zone = getattr(value, "tz", None)
    return node if zone is None else node | {"zone": encoder.encode(zone, path)}


def _decode_stamp(node: Node, decoder: Decoder) -> Any:
    import numpy as np
    import pandas as pd

    unit = decoder.field(node, "unit", str)
    stamp = pd.Timestamp(np.datetime64(decoder.field(node, "value", int), unit))
    if "zone" not in node:
        return stamp
    return stamp.tz_localize("UTC").tz_convert(decoder.decode(node["zone"]))


def _decode_span(node: Node, decoder: Decoder) -> Any:
    import numpy as np
    import pandas as pd

    unit = decoder.field(node, "unit", str)
    return pd.Timedelta(np.timedelta64(decoder.field(node, "value", int), unit))


def _decode_period(node: Node, decoder: Decoder) -> Any:
    import pandas as pd

    ordinal = decoder.field(node, "value", int)
    return pd.Period(ordinal=ordinal, freq=decoder.field(node, "frequency", str))


def _encode_offset(value: Any, encoder: Encoder, path: str) -> Node:
    from pandas.tseries.frequencies import to_offset

    try:
        same = to_offset(value.freqstr) == value
    except ValueError:
        same = False
    if not same:
        raise CannotSave(
            f"{path} is the offset {value!r}, which has no name in pandas that says all of it: "
            "use joblib.dump, whose files execute code"
        )
    return {"value": value.freqstr}


def _decode_offset(node: Node, decoder: Decoder) -> Any:
    from pandas.tseries.frequencies import to_offset

    return to_offset(decoder.field(node, "value", str))


def _decode_missing(node: Node, decoder: Decoder) -> Any:
    import pandas as pd

    return pd.NaT if node.get("value") == "NaT" else pd.NA


def _encode_bounds(value: Any, encoder: Encoder, path: str) -> Node:
    ends = encoder.encode_items((value.left, value.right), path)
    return {"items": ends, "closed": value.closed}


def _decode_bounds(node: Node, decoder: Decoder) -> Any:
    import pandas as pd

    return pd.Interval(*decoder.decode_items(node), closed=node.get("closed"))


KINDS = [
    # Missing ones first: NaT counts itself among the timestamps.
    Kind(
        "missing",
        is_of_pandas("NaTType", "NAType"),
        lambda value, encoder, path: {"value": "NaT" if str(value) == "NaT" else "NA"},
        _decode_missing,
    ),
    Kind("timestamp", is_of_pandas("Timestamp"), _encode_stamp, _decode_stamp),
    Kind("timedelta", is_of_pandas("Timedelta"), _encode_stamp, _decode_span),
    Kind(
        "period",
        is_of_pandas("Period"),
        lambda value, encoder, path: {"value": value.ordinal, "frequency": value.freqstr},
        _decode_period,
    ),
    Kind("offset", is_of_pandas("BaseOffset"), _encode_offset, _decode_offset),
    Kind("interval", is_of_pandas("Interval"), _encode_bounds, _decode_bounds),
    Kind("datetime", lambda v: type(v) is datetime.datetime, _encode_datetime, _decode_datetime),
    Kind(
        "date",
        lambda v: type(v) is datetime.date,
        lambda value, encoder, path: {"value": value.isoformat()},
        lambda n, d: datetime.date.fromisoformat(d.field(n, "value", str)),
    ),
    Kind(
        "time",
        lambda v: type(v) is datetime.time and v.tzinfo is None,
        lambda value, encoder, path: {"value": value.isoformat()},
        lambda n, d: datetime.time.fromisoformat(d.field(n, "value", str)),
    ),
    Kind(
        "duration",
        lambda v: type(v) is datetime.timedelta,
        _encode_interval,
        _decode_interval,
    ),
    Kind(
        "offset_from_utc",
        lambda v: type(v) is datetime.timezone,
        lambda value, encoder, path: {"value": encoder.encode(value.utcoffset(None), path)},
        lambda n, d: datetime.timezone(d.decode(n.get("value"))),
    ),
    Kind(
        "zone",
        lambda v: isinstance(v, zoneinfo.ZoneInfo) and v.key is not None,
        lambda value, encoder, path: {"value": value.key},
        _decode_zone,
    ),
    _by_text("decimal", Decimal),
    _by_text("fraction", Fraction),
    _by_text("uuid", UUID),
    Kind(
        "path",
        lambda v: isinstance(v, PurePath),
        lambda value, encoder, path: {"value": str(value)},
        lambda n, d: Path(d.field(n, "value", str)),
    ),
]
