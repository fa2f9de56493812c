"""Types of what is handed in: whatever has the methods, and names for unions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

import numpy as np
from joblib import Memory
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator

__all__ = ["Cache", "CrossValidation", "GeneratorLike", "Scoring"]

Cache: TypeAlias = str | Memory | None
Rows: TypeAlias = NDArray[np.int64]
CrossValidation: TypeAlias = int | BaseCrossValidator | Iterable[tuple[Rows, Rows]] | None
Scoring: TypeAlias = str | Callable[..., float] | None


class GeneratorLike(Protocol):
    """What those that own a generator, or judge it, ask of one; it need not be of this package."""

    def fit(self, X: ArrayLike, y: Any = ...) -> Any:
        """Learn from series."""

    def get_params(self, deep: bool = ...) -> dict[str, Any]:
        """Return the parameters, as scikit-learn's estimators do."""

    def sample(self, n_samples: int = ..., /, *args: Any, **kwargs: Any) -> Any:
        """Draw series."""
