"""The old place of :mod:`sklearn_timegen.autoregressive`, for one release."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn_timegen import autoregressive


def __getattr__(name: str) -> Any:
    if name not in autoregressive.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"sklearn_timegen.forcing.{name} is sklearn_timegen.{name}; the module will be removed "
        "in 0.3",
        FutureWarning,
        stacklevel=2,
    )
    return getattr(autoregressive, name)
