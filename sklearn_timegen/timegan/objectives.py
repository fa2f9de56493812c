"""What TimeGAN's networks minimise (Yoon, Jarrett and van der Schaar 2019).

Symbols as in the published code: x series, H their embedding, x~ what recovery makes of it, S(H)
what the supervisor expects to follow, E_hat and H_hat the generator's embedding before and after
the supervisor, x_hat the synthetic series, Y the discriminator's values (logits).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import mse_loss, softplus

__all__ = ["TimeGANLoss", "moment_distance"]

LEAST = 1e-12  # under a root, whose slope at 0 is infinite


def moment_distance(x: Tensor, x_hat: Tensor) -> Tensor:
    """Mean absolute difference of means, plus that of standard deviations, cell by cell.

    Parameters
    ----------
    x, x_hat : Tensor of shape (n_timesteps, B, n_channels)
        Real and synthetic series.

    Returns
    -------
    distance : Tensor of shape ()
        Of the batches' moments; variances are raised by 1e-6, as in the published code.
    """
    variances = (one.var(dim=1, correction=0) for one in (x, x_hat))
    spread, spread_hat = ((variance + 1e-6).sqrt() for variance in variances)
    return (spread_hat - spread).abs().mean() + (x_hat.mean(dim=1) - x.mean(dim=1)).abs().mean()


class TimeGANLoss(nn.Module):
    """The losses and weights of the published code.

    ===================  =====================================================================
    embedder, recovery   ``10 sqrt(L_R)``; in the joint phase, ``+ 0.1 L_S``
    supervisor           ``L_S``
    generator            ``L_U + gamma L_U' + 100 sqrt(L_S) + 100 V``
    discriminator        ``softplus(-Y(H)) + softplus(Y(H_hat)) + gamma softplus(Y(E_hat))``
    ===================  =====================================================================

    L_R is the mean squared error of x~, L_S that of S(H)_t for ``H_{t+1}``, L_U and L_U' are
    ``softplus(-Y)`` of H_hat and E_hat, all of them means over batch and timesteps, and V is
    :func:`moment_distance`. Supervisor and generator descend one loss in the joint phase.

    Parameters
    ----------
    gamma : float
        Weight of E_hat.
    spread : Tensor of shape (n_channels,) or None
        Range of each channel of x. The weights are those of series between 0 and 1, so x is
        divided by it in L_R and V.
    """

    RECONSTRUCTION_WEIGHT = 10.0
    SUPERVISED_WEIGHT = 100.0
    MOMENT_WEIGHT = 100.0
    EMBEDDER_WEIGHT = 0.1  # of L_S

    spread: Tensor | None

    def __init__(self, gamma: float = 1.0, spread: Tensor | None = None) -> None:
        super().__init__()
        self.gamma = gamma
        self.register_buffer("spread", spread)

    def _scaled(self, *series: Tensor) -> tuple[Tensor, ...]:
        return series if self.spread is None else tuple(x / self.spread for x in series)

    def of_reconstruction(self, x: Tensor, x_tilde: Tensor) -> tuple[Tensor, Tensor]:
        """Return what embedder and recovery descend, and L_R."""
        x, x_tilde = self._scaled(x, x_tilde)
        error = mse_loss(x_tilde, x)
        return self.RECONSTRUCTION_WEIGHT * (error + LEAST).sqrt(), error

    def of_supervision(self, h: Tensor, h_next: Tensor) -> Tensor:
        """Return L_S."""
        return mse_loss(h_next[:-1], h[1:])

    def of_moments(self, x: Tensor, x_hat: Tensor) -> Tensor:
        """Return V."""
        return moment_distance(*self._scaled(x, x_hat))

    def of_generator(
        self,
        supervised: Tensor | None,
        moments: Tensor,
        y_hat: Tensor,
        y_unsupervised: Tensor | None = None,
    ) -> Tensor:
        """Return what generator and supervisor descend in the joint phase."""
        loss = softplus(-y_hat).mean() + self.MOMENT_WEIGHT * moments
        if y_unsupervised is not None:
            loss = loss + self.gamma * softplus(-y_unsupervised).mean()
        if supervised is not None:
            loss = loss + self.SUPERVISED_WEIGHT * (supervised + LEAST).sqrt()
        return loss

    def embedder_fraction(self, supervised: Tensor) -> Tensor:
        """Return the fraction of the slope of ``100 sqrt(L_S)`` that the embedder is to have.

        ``0.1 dL_S = fraction 100 d sqrt(L_S)``: one pass through the supervisor serves both.
        """
        slope = self.SUPERVISED_WEIGHT / (2 * (supervised.detach() + LEAST).sqrt())
        return self.EMBEDDER_WEIGHT / slope

    def of_discriminator(
        self, y: Tensor, y_hat: Tensor, y_unsupervised: Tensor | None = None
    ) -> Tensor:
        """Return what the discriminator descends."""
        loss: Tensor = softplus(-y).mean() + softplus(y_hat).mean()
        if y_unsupervised is not None:
            loss = loss + self.gamma * softplus(y_unsupervised).mean()
        return loss
