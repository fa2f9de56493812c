"""What a flow is trained by: the regression of a network on the way from noise to a series."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_timegen.data import Series
from sklearn_timegen.flow._field import FlowField
from sklearn_timegen.flow.paths import expand_like

__all__ = ["FlowLoss", "couple", "draw_times"]


class FlowLoss(nn.Module):
    """Squared error of the network's output at a random time of the path, one value a series.

    Called as ``objective(field, batch, rng)``, where the field has ``path`` and
    ``prediction``, and returns F(x_t, t) if it is called as ``field(x_t, t, c, condition_mask)``.

    Parameters
    ----------
    time_mean, time_std : float
        Times are sigmoid(time_mean + time_std N(0, 1)).
    optimal : bool
        Whether noise and series of a batch are paired by optimal transport.
    labelled : bool
        Whether conditions are one-hot labels: noise is then paired within a label only.
    fourier_weight : float
        Weight of the mean absolute error of the predicted series' Fourier coefficients along
        time (Yuan and Qiao 2024). An orthonormal Fourier transform leaves squares what they are,
        so that only another power than 2 says something new.
    condition_dropout : float
        Share of series whose condition is withheld.
    """

    def __init__(
        self,
        time_mean: float = 0.0,
        time_std: float = 1.0,
        *,
        optimal: bool = False,
        labelled: bool = False,
        fourier_weight: float = 0.0,
        condition_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.time_mean = time_mean
        self.time_std = time_std
        self.optimal = optimal
        self.labelled = labelled
        self.fourier_weight = fourier_weight
        self.condition_dropout = condition_dropout

    def forward(self, field: FlowField, batch: Series, rng: torch.Generator) -> Tensor:
        x, c = batch.values, batch.conditions
        path, prediction = field.path, field.prediction
        t = draw_times(len(x), self.time_mean, self.time_std, rng)
        t = t.clamp(prediction.first, min(prediction.last, path.last))
        eps = torch.randn(x.shape, generator=rng, device=x.device)
        if self.optimal:
            eps = couple(eps, x, c if self.labelled else None)
        condition_mask = None
        if c is not None and self.condition_dropout > 0:
            u = torch.rand(len(x), generator=rng, device=x.device)
            condition_mask = (u >= self.condition_dropout).to(x.dtype)
        x_t = expand_like(path.alpha(t), x) * x + expand_like(path.sigma(t), x) * eps
        f = field(x_t, t, c, condition_mask)
        # A mean over all cells, also where few count: a series counts by what is known of it.
        error = _weighted((f - prediction.target(path, x, eps, t)).square(), batch)
        loss: Tensor = error.mean(dim=(1, 2))
        if self.fourier_weight > 0:
            missed = prediction.predict_ends(path, x_t, f, t)[0] - x
            bins = torch.fft.rfft(_weighted(missed, batch), dim=1, norm="ortho")
            loss = loss + self.fourier_weight * (bins.real.abs() + bins.imag.abs()).mean((1, 2))
        return loss


def _weighted(error: Tensor, batch: Series) -> Tensor:
    return error if batch.weights is None else error * batch.weights


def draw_times(n: int, mean: float, std: float, rng: torch.Generator) -> Tensor:
    """Return logit-normal times ``(n,)``, one out of each n-th of the distribution (Esser 2024).

    Stratified, since the loss depends more on the time than on anything else: the gradients of
    batches differ the less.
    """
    device = rng.device
    u = torch.rand(n, generator=rng, device=device)
    strata = torch.randperm(n, generator=rng, device=device)
    level = ((strata + u) / n).clamp(1e-6, 1 - 1e-6)
    return torch.sigmoid(mean + std * torch.special.ndtri(level))


def couple(eps: Tensor, x: Tensor, c: Tensor | None = None) -> Tensor:
    """Return the noise in the order that brings it nearest to the series of the batch.

    The total squared distance is least (optimal transport within the batch, Tong et al. 2024).
    With labels, each keeps the noise that it had: all the noise must stay possible for it.

    Parameters
    ----------
    eps, x : Tensor of shape (B, T, D)
    c : Tensor of shape (B, n_classes), optional
        One-hot labels.
    """
    import ot  # takes a while, and most flows do without

    paired = eps.clone()
    groups = torch.zeros(len(x), dtype=torch.long) if c is None else c.argmax(dim=1).cpu()
    for label in groups.unique():
        rows = torch.nonzero(groups == label)[:, 0].to(x.device)
        cost = torch.cdist(x[rows].flatten(1), eps[rows].flatten(1)).square()
        plan = ot.emd([], [], cost.double().cpu().numpy())  # equal weights: a permutation
        partner = torch.from_numpy(np.asarray(plan).argmax(axis=1)).to(x.device)
        paired[rows] = eps[rows][partner]
    return paired
