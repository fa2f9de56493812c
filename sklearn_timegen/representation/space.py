"""What represented series are like: learned once, and read by networks and objectives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Space"]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Space:
    """Where the represented series of a training lie.

    Parameters
    ----------
    low, high : ndarray of shape (n_timesteps, n_channels), float32
        Least and greatest value of each cell.
    has_time_axis : bool, default=True
        Whether the first axis of a represented series is time; after a change of basis it is not.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.representation import Space
    >>> v = np.zeros((5, 3, 2), np.float32)
    >>> v[:, :, 0] = np.arange(5)[:, None]
    >>> space = Space.of(v)
    >>> space.shape, int(space.varies.sum()), space.reach
    ((3, 2), 3, 4.0)
    """

    low: FloatArray
    high: FloatArray
    has_time_axis: bool = True

    @classmethod
    def of(cls, v: FloatArray, has_time_axis: bool = True) -> Space:
        """Return the space of represented series ``(n_samples, n_timesteps, n_channels)``."""
        return cls(v.min(axis=0), v.max(axis=0), has_time_axis)

    @property
    def shape(self) -> tuple[int, int]:
        """Timesteps and channels of a represented series."""
        n_timesteps, n_channels = self.low.shape
        return n_timesteps, n_channels

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Which cells are not the same in all series."""
        varies: NDArray[np.bool_] = self.high > self.low
        return varies

    @property
    def constant(self) -> FloatArray:
        """Values of the cells that never vary; 0 for others."""
        return np.where(self.varies, np.float32(0), self.low)

    @property
    def reach(self) -> float:
        """Greatest absolute value of all."""
        return float(max(np.abs(self.low).max(), np.abs(self.high).max()))

    @property
    def ranges(self) -> tuple[FloatArray, FloatArray]:
        """Least and greatest value of each channel."""
        return self.low.min(axis=0), self.high.max(axis=0)
