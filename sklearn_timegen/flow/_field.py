"""A network, the path that it was trained on, and what follows from the two."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_timegen.flow.baseline import Baseline, Mixture
from sklearn_timegen.flow.normal import Normal
from sklearn_timegen.flow.paths import Path, Prediction, expand_like
from sklearn_timegen.nn.averaging import WeightAverage

__all__ = ["FlowField"]

NORMAL = ("normal_mean", "normal_directions", "normal_variances")


class FlowField(nn.Module):
    """What flows noise into series: F(x_t, t) by the network, and both ends by the path.

    In training mode the network's own weights are used, else their average.

    Parameters
    ----------
    network : Module
        ``forward(x, t, c)``; conditions have a last column that tells whether they are given.
    path : Path
        From noise to data.
    prediction : Prediction
        What the network's output stands for.
    varies : ndarray of bool of shape (n_timesteps, n_channels)
        Cells that are not the same in all series. The others are kept from the network: they stay
        the noise that they were, which the representation turns into their value.
    reach : float
        Largest absolute value of represented series: no estimate of a series goes beyond it where
        the prediction blows errors up (as published for DDPM, in its code).
    ema_decay : float
        Decay of the average of weights.
    """

    varies: Tensor

    def __init__(
        self,
        network: nn.Module,
        path: Path,
        prediction: Prediction,
        varies: NDArray[np.bool_],
        reach: float,
        ema_decay: float,
    ) -> None:
        super().__init__()
        self.network = network
        self.average = WeightAverage.of(network, ema_decay)
        self.path = path
        self.prediction = prediction
        self.baseline: Baseline | None = None
        self.register_buffer("varies", torch.from_numpy(varies.astype(np.float32)))
        self.reach = reach
        self._all_vary = bool(varies.all())

    def know_normal(self, normal: Normal, mixture: Mixture | None = None) -> None:
        """Keep mean and covariance of the represented series, of flattened cells.

        With a mixture of normals, the network says what the series are beyond that.
        """
        for name, value in zip(NORMAL, normal, strict=True):
            self.register_buffer(name, torch.from_numpy(value).float())
        if mixture is not None:
            self.baseline = Baseline(mixture, self.path, self.prediction)

    @property
    def normal(self) -> tuple[Tensor, ...]:
        """Mean ``(n,)``, directions ``(n, n)`` and variances ``(n,)`` of the series."""
        return tuple(self.get_buffer(name) for name in NORMAL)

    def track(self) -> None:
        """Take the network's weights into their average."""
        if self.average is not None:
            self.average.update_parameters(self.network)

    def forward(
        self, x_t: Tensor, t: Tensor, c: Tensor | None, condition_mask: Tensor | None = None
    ) -> Tensor:
        """Return F(x_t, t); ``condition_mask`` is 0 for series whose condition is withheld."""
        if c is not None:
            mask = torch.ones_like(c[:, 0]) if condition_mask is None else condition_mask
            c = torch.cat([c * mask[:, None], mask[:, None].to(c)], dim=1)
        s = torch.sqrt(self.path.alpha(t) ** 2 + self.path.sigma(t) ** 2)
        seen = x_t / expand_like(s, x_t)
        if not self._all_vary:
            seen = seen * self.varies
        averaged = not self.training and self.average is not None
        network: Any = self.average if averaged else self.network
        f: Tensor = network(seen, t, c)
        return f if self.baseline is None else f + self.baseline(x_t, t, c, self.normal)

    def predict_ends(
        self, x_t: Tensor, time: float, c: Tensor | None, guidance: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Return the estimates of the series x_1 and of the noise eps behind x_t.

        With guidance w, they are those without the condition plus w times what it adds
        (Ho and Salimans 2022).
        """
        asked = min(max(time, self.prediction.first), self.prediction.last)
        t = torch.full((len(x_t),), asked, dtype=x_t.dtype, device=x_t.device)
        if c is None or guidance == 1:
            f = self(x_t, t, c)
        else:
            free = self(x_t, t, c, torch.zeros(len(x_t), dtype=x_t.dtype, device=x_t.device))
            f = free if guidance == 0 else torch.lerp(free, self(x_t, t, c), guidance)
        x_1, eps = self.prediction.predict_ends(self.path, x_t, f, t)
        if self.prediction.divides_by_alpha:
            alpha, sigma = self.path.alpha(t[:1]), self.path.sigma(t[:1]).clamp_min(1e-6)
            within = x_1.clamp(-self.reach, self.reach)
            eps = torch.where(within == x_1, eps, (x_t - alpha * within) / sigma)
            x_1 = within
        if self._all_vary:
            return x_1, eps
        alpha, sigma = self.path.alpha(t[:1]), self.path.sigma(t[:1])
        kept, across = self.varies > 0, x_t / (alpha**2 + sigma**2)
        return torch.where(kept, x_1, alpha * across), torch.where(kept, eps, sigma * across)

    def velocity(
        self, x_t: Tensor, time: float, c: Tensor | None, guidance: float = 1.0
    ) -> Tensor:
        """Return dx_t / dt."""
        within = min(max(time, self.prediction.first), self.prediction.last, self.path.last)
        x_1, eps = self.predict_ends(x_t, within, c, guidance)
        of_alpha, of_sigma = self.path.schedule_grad(x_t.new_tensor(within))
        return of_alpha * x_1 + of_sigma * eps
