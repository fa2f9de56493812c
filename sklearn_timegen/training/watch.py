"""What is watched in a training whose losses tell little: how far samples are from the data.

The losses of two players that learn from each other may stand still while samples get better,
and fall while they get worse. So a distance between samples and series is taken after each
epoch, and the number of samples that are effectively different.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["COLLAPSED", "SATURATED", "DistanceWatch"]

COLLAPSED = 0.25  # share of the data's effective number, below which modes are missing
SATURATED = 0.99  # share of pairs that a discriminator orders rightly, above which it is sure


class DistanceWatch:
    """Energy distance from fixed series, and the effective number of distinct samples.

    The distance is that of :func:`~sklearn_timegen._distance.relative_energy_distance`, between
    represented series: 0 on average for samples of the same distribution. The effective number
    of n samples is ``n^2 / sum_ij k_ij^2``, the Vendi score of order 2 (Friedman and Dieng 2023),
    for a Gaussian kernel whose bandwidth is a quarter of the median distance between the series,
    divided by that of the series.

    Parameters
    ----------
    x : Tensor of shape (n, n_timesteps, n_channels)
        The series.
    c : Tensor of shape (n, n_conditions) or None
        Their conditions.
    """

    def __init__(self, x: Tensor, c: Tensor | None) -> None:
        self.c = c
        self.centre = x.mean(dim=0)  # cdist, by matrix products, rounds what is far from 0
        self.real = self._rows(x)
        self.within = torch.cdist(self.real, self.real)
        n = len(x)
        self.pairs = max(1, n * (n - 1))
        self.scale = float(self.within.sum()) / self.pairs or 1.0
        median = float(self.within[~torch.eye(n, dtype=torch.bool)].median()) if n > 1 else 0.0
        self.bandwidth = (median or 1.0) / 4
        self.n_effective = self._effective(self.within)

    def __call__(self, fake: Tensor) -> tuple[float, float]:
        """Return distance and ratio of effective numbers for as many samples."""
        drawn = self._rows(fake)
        within = torch.cdist(drawn, drawn)
        between = torch.cdist(self.real, drawn).mean()
        spread = (self.within.sum() + within.sum()) / self.pairs
        distance = (2 * between - spread) / self.scale
        return float(distance), float(self._effective(within) / self.n_effective)

    def _rows(self, x: Tensor) -> Tensor:
        """Flat series, with the conditions as one more channel."""
        flat = (x - self.centre).flatten(1)
        return flat if self.c is None else torch.cat([flat, self.c * x.shape[1] ** 0.5], dim=1)

    def _effective(self, distances: Tensor) -> Tensor:
        # The kernel's square, hence no 2 below.
        return len(distances) ** 2 / torch.exp(-((distances / self.bandwidth) ** 2)).sum()
