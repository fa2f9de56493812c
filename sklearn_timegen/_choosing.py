"""Whether more of something is certain enough to help."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["shows_gain"]

LEVEL = 0.05


def shows_gain(gains: NDArray[np.float64]) -> bool:
    """Whether paired gains, one a fold, are above 0 by a one-sided t test at 5 %.

    The folds' training sets overlap, so that the level is nominal; and the best of several
    amounts is tested, which the level does not know of, either. What it buys is measured in
    ``benchmarks/results/augmentation.md``.
    """
    n = len(gains)
    if n < 2:
        return False  # one fold proves nothing
    needed = stats.t.isf(LEVEL, n - 1) * gains.std(ddof=1) / np.sqrt(n)
    return bool(gains.mean() > needed)
