"""What the training of a variational autoencoder has of its own."""

from __future__ import annotations

from skorch.callbacks import Callback

from sklearn_timegen.training import GeneratorNet

__all__ = ["KLAnnealing"]


class KLAnnealing(Callback):
    """Let the divergence's weight rise from near 0 to 1 in the first ``n_epochs`` epochs."""

    def __init__(self, n_epochs: int) -> None:
        self.n_epochs = n_epochs

    def on_epoch_begin(self, net: GeneratorNet, **kwargs: object) -> None:
        net.criterion_.kl_share = min(1.0, len(net.history) / (self.n_epochs + 1))
