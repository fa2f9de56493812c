"""What a generator takes over from another one: all that this has learned of the data."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from sklearn_timegen.base.declaration import estimator, pinned
from sklearn_timegen.base.generator import BaseGenerator
from sklearn_timegen.data import Series

__all__ = ["TakesOverData"]

# What of the data is known beside the preprocessing: the last two are set by scikit-learn.
TAKEN_OVER = ("_preprocessing", "_condition_encoder", "n_features_in_", "feature_names_in_")


@estimator
class TakesOverData(BaseGenerator):
    """A generator that sees series and conditions as another, fitted one does.

    What belongs to the data is that one's to choose, and no parameter here.
    """

    conditional: bool = pinned(False, told=False)
    representation: Any = pinned("auto", told=False)
    bounds: Any = pinned(None, told=False)
    rules: Any = pinned("auto", told=False)
    on_violation: str = pinned("warn", told=False)
    postprocess: Any = pinned("auto", told=False)
    n_channels: int = pinned(1, told=False)
    layout: str = pinned("channels-last", told=False)
    missing: str = pinned("generate", told=False)
    channel_kinds: Any = pinned("auto", told=False)
    rare_categories: Any = pinned(None, told=False)
    unseen_categories: str = pinned("error", told=False)

    def _take_over(self, fitted: BaseGenerator, X: ArrayLike, y: Any) -> Series:
        """Take over what a fitted generator knows of the data; return series as it sees them."""
        for name in TAKEN_OVER:
            self.__dict__.pop(name, None)
            if hasattr(fitted, name):
                setattr(self, name, getattr(fitted, name))
        return self._preprocess(X, y, fit=False)
