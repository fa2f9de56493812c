"""What a mixture of normals says of a series behind noise: the network learns what is beyond.

Symbols as in :mod:`sklearn_timegen.flow.paths`; z are the scores of a flattened series along the
directions of its normal distribution. The K widest follow a mixture of J normals of any
covariance; the others are independent in each normal.

Of a score that is normal, N(m, lambda), the point of the path is normal around alpha m with
variance s^2 = alpha^2 lambda + sigma^2, and with d = (z_t - alpha m) / s^2

    E[z_1 | z_t] = m + alpha lambda d,    E[eps | z_t] = sigma d,

neither of which divides by what may be nothing. A mixture weighs these by how likely each of its
normals makes z_t.

Source: B. Wang and J. Vastola (2024), "The unreasonable effectiveness of Gaussian score
approximation for diffusion models and its applications", TMLR, https://arxiv.org/abs/2412.09726,
where such an estimate leads the first part of the way, and a network the rest. Here the network
is added to it all the way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_timegen._mixture import choose_normals
from sklearn_timegen.flow.normal import Normal
from sklearn_timegen.flow.paths import Path, Prediction

__all__ = ["Baseline", "Mixture", "fit_mixture"]

Array = NDArray[np.float64]

N_LEADING = 20  # K
PER_SCORE = 5  # series for each score of a normal, as in PCAMixture
REG_COVAR = 1e-4
PRIOR = 5.0  # series that the spread of all counts for, beside those of a normal


class Mixture(NamedTuple):
    """A mixture of normals over scores, of which the last K are the widest.

    Parameters
    ----------
    probabilities : ndarray of shape (n_labels + 1, J)
        Of each normal: given each label, and, in the last row, given none.
    means, variances : ndarray of shape (J, n_scores)
        Of the scores; for the last K, along the axes of the normal.
    axes : ndarray of shape (J, K, K)
        Principal axes of each normal, in columns.
    """

    probabilities: Array
    means: Array
    variances: Array
    axes: Array


def fit_mixture(
    v: NDArray[np.float32],
    varies: NDArray[np.bool_],
    normal: Normal,
    labels: NDArray[np.float32] | None,
    seed: int,
) -> Mixture | None:
    """Fit a mixture to series ``v``, whose labels are one-hot, to cells that vary.

    Its size is chosen by the Bayesian information criterion. There is none where ``normal`` has
    no directions.
    """
    if not len(normal.directions):
        return None
    z = (v.reshape(len(v), -1) - normal.mean) @ normal.directions
    n_still = varies.size - int(varies.sum())
    z, of_all = z[:, n_still:], normal.variances[n_still:]
    k = min(N_LEADING, z.shape[1])
    rest, lead = z[:, :-k], z[:, -k:]
    mixture = choose_normals(lead[:, None], len(z) / (PER_SCORE * k), REG_COVAR, seed)
    belongs = mixture.predict_proba(lead)
    total = belongs.sum(axis=0)[:, None]
    means = belongs.T @ rest / (total + PRIOR)
    squares = belongs.T @ rest**2 - 2 * means * (belongs.T @ rest) + total * means**2
    # A few series have no width along most directions: all of them have a say in it.
    spread = (squares + PRIOR * of_all[:-k]) / (total + PRIOR)
    widths, axes = np.linalg.eigh(mixture.covariances_)
    centres = np.einsum("jk,jkl->jl", mixture.means_, axes)
    shares = [belongs.mean(axis=0)]
    if labels is not None:
        shares = [*(labels.T @ belongs / labels.sum(axis=0)[:, None]), *shares]
    return Mixture(
        np.stack(shares),
        np.concatenate([means, centres], axis=1),
        np.concatenate([spread, widths.clip(REG_COVAR)], axis=1),
        axes,
    )


class Baseline(nn.Module):
    """What F is by a mixture.

    Parameters
    ----------
    mixture : Mixture
        Of the scores of represented series.
    path : Path
        From noise to data.
    prediction : Prediction
        What F stands for.
    """

    probabilities: Tensor
    means: Tensor
    variances: Tensor
    axes: Tensor

    def __init__(self, mixture: Mixture, path: Path, prediction: Prediction) -> None:
        super().__init__()
        for name, value in mixture._asdict().items():
            self.register_buffer(name, torch.from_numpy(value).float())
        self.path, self.prediction = path, prediction

    def forward(
        self, x_t: Tensor, t: Tensor, c: Tensor | None, normal: tuple[Tensor, ...]
    ) -> Tensor:
        """Return F(x_t, t) by the mixture, of scores along the directions of ``normal``.

        The last column of conditions ``c`` says of which series they are given.
        """
        n_scores = self.means.shape[1]
        mean, directions = normal[0], normal[1][:, -n_scores:]
        alpha, sigma = self.path.alpha(t)[:, None], self.path.sigma(t)[:, None]
        z_t = (x_t.flatten(1) - alpha * mean) @ directions
        z_1, eps = self.ends(z_t, alpha, sigma, c)
        x_1 = (mean + z_1 @ directions.T).reshape(x_t.shape)
        noise = (eps @ directions.T).reshape(x_t.shape)
        return self.prediction.target(self.path, x_1, noise, t)

    def ends(
        self, z_t: Tensor, alpha: Tensor, sigma: Tensor, c: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return E[z_1 | z_t] and E[eps | z_t]; z is ``(B, n_scores)``, alpha is ``(B, 1)``."""
        alpha, sigma = alpha[:, None], sigma[:, None]
        k = self.axes.shape[1]
        turned = torch.einsum("bk,jkl->bjl", z_t[:, -k:], self.axes)
        others = z_t[:, None, :-k].expand(-1, len(self.means), -1)
        gap = torch.cat([others, turned], dim=2) - alpha * self.means
        spread = alpha**2 * self.variances + sigma**2
        log_p = -0.5 * (gap.square() / spread + spread.log()).sum(dim=2)
        weight = torch.softmax(log_p + self._probabilities(c).log(), dim=1)
        d = gap / spread
        series = self._average(self.means + alpha * self.variances * d, weight)
        return series, self._average(sigma * d, weight)

    def _probabilities(self, c: Tensor | None) -> Tensor:
        """Return how probable each normal is given the labels, not quite 0."""
        labels, free = self.probabilities[:-1], self.probabilities[-1:]
        if c is not None and len(labels):
            free = c[:, :-1] @ labels + (1 - c[:, -1:]) * free
        return free.clamp_min(1e-12)

    def _average(self, scores: Tensor, weight: Tensor) -> Tensor:
        """Return the mean over normals of scores along the axes of each."""
        k = self.axes.shape[1]
        rest = torch.einsum("bj,bjl->bl", weight, scores[..., :-k])
        lead = torch.einsum("bj,bjl,jkl->bk", weight, scores[..., -k:], self.axes)
        return torch.cat([rest, lead], dim=1)
