"""What a report tells of how an evaluation was made."""

from __future__ import annotations

import inspect
import platform
from typing import Any

import sklearn
import torch

from sklearn_timegen.evaluation._run import Evaluation

__all__ = ["repeats", "versions", "with_defaults"]


def with_defaults(params: dict[str, Any], function: Any) -> dict[str, Any]:
    """Return all keyword parameters of a function, those given in the place of the defaults."""
    accepted = inspect.signature(function).parameters.values()
    defaults = {item.name: item.default for item in accepted if item.kind is item.KEYWORD_ONLY}
    unknown = sorted(set(params) - set(defaults))
    if unknown:
        raise TypeError(f"unknown parameters {unknown}; known are {sorted(defaults)}")
    return {**defaults, **params}


def repeats(evaluation: Evaluation, params: dict[str, Any]) -> list[str]:
    """Tell how many networks were trained for each score, if any were."""
    names = [metric.name for metric in evaluation.metrics if metric.accepts("n_repeats")]
    if not names:
        return []
    return [f"{', '.join(names)}: the mean of n_repeats={params['n_repeats']} trained networks"]


def versions() -> str:
    """Tell what the page was made by."""
    import sklearn_timegen

    return (
        f"sklearn-timegen {sklearn_timegen.__version__}, scikit-learn {sklearn.__version__}, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )
