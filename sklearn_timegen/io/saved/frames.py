"""pandas' dtypes, indexes and frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_timegen.io.saved.calendar import is_of_pandas
from sklearn_timegen.io.saved.errors import CannotSave, FileRefused
from sklearn_timegen.io.saved.tree import Decoder, Encoder, Kind, Node

__all__ = ["KINDS"]


# -- dtypes ---------------------------------------------------------------------------------------


def _encode_dtype(dtype: Any, encoder: Encoder, path: str) -> Node:
    from pandas.api.types import pandas_dtype

    if type(dtype).__name__ == "CategoricalDtype":
        categories = encoder.encode(dtype.categories, f"{path}.categories")
        return {"name": "category", "categories": categories, "ordered": bool(dtype.ordered)}
    if type(dtype).__name__ == "StringDtype":
        nan = dtype.na_value is not None and dtype.na_value != dtype.na_value
        return {"name": "string", "storage": dtype.storage, "nan": nan is True}
    if pandas_dtype(str(dtype)) != dtype:
        raise CannotSave(f"{path} has the dtype {dtype!r}, whose name does not say all of it")
    return {"name": str(dtype)}


def _decode_dtype(node: Node, decoder: Decoder) -> Any:
    import pandas as pd
    from pandas.api.types import pandas_dtype

    name = decoder.field(node, "name", str)
    if name == "category":
        categories = decoder.decode(node.get("categories"))
        return pd.CategoricalDtype(categories, ordered=node.get("ordered") is True)
    if name == "string":
        missing = np.nan if node.get("nan") is True else pd.NA
        storage = decoder.field(node, "storage", str)
        try:
            return pd.StringDtype(storage, na_value=missing)
        except ImportError:  # pyarrow, which was there where the file was written
            return pd.StringDtype("python", na_value=missing)
    return pandas_dtype(name)


# -- columns --------------------------------------------------------------------------------------


def _values(values: Any, encoder: Encoder, path: str) -> Node:
    """Take a column, or an index of one level, apart."""
    import pandas as pd

    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return {"dtype": None, "values": encoder.encode(np.asarray(values), path)}
    if isinstance(dtype, pd.CategoricalDtype):
        plain: Any = np.array(pd.Categorical(values).codes, dtype=np.int64)
    elif isinstance(dtype, pd.DatetimeTZDtype | pd.PeriodDtype):
        plain = np.array(pd.array(values).asi8)
    else:
        plain = np.array(values.astype(object), dtype=object)
    named = encoder.encode(dtype, f"{path}.dtype")
    return {"dtype": named, "values": encoder.encode(plain, path)}


def _decode_values(node: Node, decoder: Decoder) -> Any:
    import pandas as pd

    plain, dtype = decoder.decode(node.get("values")), decoder.decode(node.get("dtype"))
    if not isinstance(plain, np.ndarray) or plain.ndim != 1:
        raise FileRefused("its tree has a column that is not one")
    if dtype is None:
        return plain
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(plain, dtype=dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        stamps = pd.DatetimeIndex(plain.astype("i8").view(f"M8[{dtype.unit}]"))
        return stamps.tz_localize("UTC").tz_convert(dtype.tz).array
    if isinstance(dtype, pd.PeriodDtype):
        return pd.PeriodIndex.from_ordinals(plain, freq=dtype.freq).array
    return pd.array(plain, dtype=dtype)


# -- indexes and frames ---------------------------------------------------------------------------


def _encode_index(index: Any, encoder: Encoder, path: str) -> Node:
    import pandas as pd

    if isinstance(index, pd.MultiIndex):
        return {
            "levels": encoder.encode_items(index.levels, f"{path}.levels"),
            "codes": encoder.encode_items([np.array(c) for c in index.codes], f"{path}.codes"),
            "names": encoder.encode_items(index.names, f"{path}.names"),
        }
    name = encoder.encode(index.name, f"{path}.name")
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "name": name}
    frequency = getattr(index, "freqstr", None)
    if frequency is None or isinstance(index, pd.PeriodIndex):
        return {"name": name} | _values(index, encoder, path)
    held = encoder.encode(index.freq, f"{path}.freq")
    return {"name": name, "frequency": held} | _values(index, encoder, path)


def _decode_index(node: Node, decoder: Decoder) -> Any:
    import pandas as pd

    if "levels" in node:
        levels, codes = decoder.decode_items(node, "levels"), decoder.decode_items(node, "codes")
        names = decoder.decode_items(node, "names")
        return pd.MultiIndex(levels=levels, codes=codes, names=names)
    name = decoder.decode(node.get("name"))
    if "range" in node:
        return pd.RangeIndex(*decoder.decode_items(node, "range"), name=name)
    index = pd.Index(_decode_values(node, decoder), name=name, copy=False)
    frequency = decoder.decode(node.get("frequency"))
    return index if frequency is None else type(index)(index, freq=frequency, name=name)


def _encode_frame(frame: Any, encoder: Encoder, path: str) -> Node:
    columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
    return {
        "index": encoder.encode(frame.index, f"{path}.index"),
        "columns": encoder.encode(frame.columns, f"{path}.columns"),
        "items": [_values(c, encoder, f"{path}[{i}]") for i, c in enumerate(columns)],
    }


def _decode_frame(node: Node, decoder: Decoder) -> Any:
    import pandas as pd

    index, columns = decoder.decode(node.get("index")), decoder.decode(node.get("columns"))
    held = decoder.field(node, "items", list)
    parts = {i: _decode_values(item, decoder) for i, item in enumerate(held)}
    frame = pd.DataFrame(parts, index=index)
    frame.columns = columns
    return frame


def _encode_series(series: Any, encoder: Encoder, path: str) -> Node:
    return {
        "index": encoder.encode(series.index, f"{path}.index"),
        "name": encoder.encode(series.name, f"{path}.name"),
    } | _values(series, encoder, path)


def _decode_series(node: Node, decoder: Decoder) -> Any:
    import pandas as pd

    index, name = decoder.decode(node.get("index")), decoder.decode(node.get("name"))
    return pd.Series(_decode_values(node, decoder), index=index, name=name)


KINDS = [
    Kind("pandas_dtype", is_of_pandas("ExtensionDtype"), _encode_dtype, _decode_dtype),
    Kind("index", is_of_pandas("Index"), _encode_index, _decode_index),
    Kind("frame", is_of_pandas("DataFrame"), _encode_frame, _decode_frame),
    Kind("series", is_of_pandas("Series"), _encode_series, _decode_series),
    Kind("column", is_of_pandas("ExtensionArray"), _values, _decode_values),
]
