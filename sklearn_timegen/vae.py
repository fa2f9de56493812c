"""Variational autoencoders.

``VAE`` is the general class; ``TimeVAE`` pins what its paper's name means. Symbols as in
:mod:`sklearn_timegen.objectives.variational`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._validation import check_count, check_series
from sklearn_timegen.base import LatentGenerator, NeuralGenerator, estimator, pinned
from sklearn_timegen.nn.convolutional import ConvolutionalDecoder, ConvolutionalEncoder
from sklearn_timegen.nn.decomposition import LevelResidualDecoder
from sklearn_timegen.nn.dense import DenseDecoder, DenseEncoder
from sklearn_timegen.nn.variational import VariationalAutoencoder
from sklearn_timegen.objectives.variational import (
    ERRORS,
    NegativeELBO,
    importance_weighted_bound,
    log_likelihood,
)
from sklearn_timegen.representation import Representation
from sklearn_timegen.training import GeneratorNet

__all__ = ["VAE", "TimeVAE"]

FloatArray = NDArray[np.float32]
EXACT = torch.float64

ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "convolutional": ConvolutionalEncoder,
    "dense": DenseEncoder,
}
DECODERS: dict[str, Callable[..., nn.Module]] = {
    "convolutional": ConvolutionalDecoder,
    "dense": DenseDecoder,
    "level-residual": LevelResidualDecoder,
}


@estimator
class VAE(LatentGenerator, NeuralGenerator):
    """Variational autoencoder with a Gaussian decoder.

    The encoder maps a series to a normal distribution over ``latent_dim`` latents, the decoder
    maps latents (and conditions) to a series; samples are decoded standard-normal latents. The
    loss of a series is ``w error(x, x^) + KL(q(z | x) || N(0, I))``.

    Parameters
    ----------
    encoder : {"convolutional", "dense"} or callable, default="convolutional"
        The network of q(z | x). A callable makes the module from ``(n_timesteps, n_channels,
        latent_dim, hidden_dims)``; its ``forward(x)`` returns mean and log-variance.
    decoder : {"convolutional", "dense", "level-residual"} or callable, default="convolutional"
        The network of x^. A callable makes the module from ``(n_timesteps, n_channels,
        latent_dim, hidden_dims, n_conditions)``; its ``forward(z, c)`` returns series.
    error : {"squared", "squared-and-mean"}, default="squared"
        The reconstruction error: squares summed over all cells, or that plus the squares of
        the channels' mean at each timestep.
    latent_dim : int, default=8
        Number of latents.
    hidden_dims : sequence of int, default=(50, 100, 200)
        Widths of the encoder's layers; the decoder has them in reverse order.
    reconstruction_weight : float, default=3.0
        w. The decoder's noise has the variance ``1 / (2 w)``, in the representation.
    conditional : bool, default=False
        Whether to learn the distribution given ``y``.
    representation : str or object, default="standard"
        The view of series in which the network works: ``"standard"``, ``"minmax"``,
        ``"quantile"``, ``"cosine"``, ``"cosine-quantile"``, or an object; see
        :mod:`sklearn_timegen.representation`.
    n_channels : int, default=1
        Number of channels in the rows of a 2-d ``X``.
    max_epochs, batch_size, lr : int, int, float, default=200, 32, 1e-3
        Training by Adam.
    validation_fraction : float, default=0.0
        Share of the series that is held out, at random, for ``valid_loss``. Overlapping windows
        leak into it: hold a block out with ``net_params={"train_split": ...}`` instead.
    n_iter_no_change : int or None, default=None
        Stop after so many epochs without an improvement by ``tol`` of the validation loss (of
        the training loss if nothing is held out), and go back to the best weights.
    tol : float, default=1e-4
        See ``n_iter_no_change``.
    warm_start : bool, default=False
        Whether ``fit`` goes on training where the last one ended. In between, ``lr``,
        ``batch_size``, ``max_epochs`` and ``verbose`` may change.
    callbacks : list or None, default=None
        skorch callbacks, cloned before use.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``; ``"auto"`` is CUDA where there is one.
    net_params : dict or None, default=None
        Further arguments of the skorch net, such as ``{"optimizer": torch.optim.AdamW}``.
    verbose : int, default=0
        Whether to show a progress bar with the loss.
    random_state : int, RandomState, Generator or None, default=None
        Seed of weights, batches, noise and samples.

    Attributes
    ----------
    net_ : GeneratorNet
        The fitted skorch net; ``net_.module_`` is the torch module.
    history_ : skorch.history.History
        A row an epoch.
    n_iter_ : int
        Number of epochs.
    series_shape_ : tuple of int
        ``(n_timesteps, n_channels)``.
    representation_ : object
        The fitted representation.
    classes_ : ndarray
        The labels, if conditional on labels.
    n_features_in_ : int
        ``X.shape[1]`` of the ``X`` seen in ``fit``.
    feature_names_in_ : ndarray
        Column names, if ``X`` had string ones.

    References
    ----------
    D. P. Kingma and M. Welling (2014), "Auto-encoding variational Bayes", ICLR.
    https://arxiv.org/abs/1312.6114

    Examples
    --------
    >>> from sklearn_timegen import VAE
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> vae = VAE(encoder="dense", decoder="dense", representation="cosine", hidden_dims=(32,),
    ...           max_epochs=2, random_state=0).fit(X)
    >>> vae.sample(3).shape
    (3, 24, 2)
    """

    encoder: str | Callable[..., nn.Module] = "convolutional"
    decoder: str | Callable[..., nn.Module] = "convolutional"
    error: str = "squared"
    latent_dim: int = 8
    hidden_dims: Sequence[int] = (50, 100, 200)
    reconstruction_weight: float = 3.0

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NeuralGenerator._parameter_constraints,
        "encoder": [StrOptions(set(ENCODERS)), callable],
        "decoder": [StrOptions(set(DECODERS)), callable],
        "error": [StrOptions(set(ERRORS))],
        "latent_dim": [Interval(Integral, 1, None, closed="left")],
        "hidden_dims": ["array-like"],
        "reconstruction_weight": [Interval(Real, 0, None, closed="neither")],
    }

    # -- public ------------------------------------------------------------------------------

    def reconstruct(self, X: ArrayLike, y: Any = None) -> FloatArray:
        """Return the series decoded from the posterior means of ``X``.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : label, vector or array-like, default=None
            Their conditions, if the generator is conditional.

        Returns
        -------
        X_hat : ndarray of series
            In the units and the layout of the ``X`` seen in ``fit``.
        """
        return self.inverse_transform(self.transform(X), y)

    def score_samples(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        n_samples: int = 64,
        random_state: RandomState = None,
    ) -> NDArray[np.float64]:
        """Return a lower bound of the log-likelihood of each series, in nats, units of ``X``.

        The importance-weighted bound, which rises on average with ``n_samples`` towards
        log p(x), and with one draw estimates the evidence lower bound. All series share the same
        draws, so that the bound of a series does not depend on its neighbours. Channels that
        are constant or copies in training, and cells that never vary, do not count. A generator
        that is conditional on labels and gets no ``y`` averages over the labels, in their
        training frequencies.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : label, vector or array-like, default=None
            Their conditions, if the generator is conditional.
        n_samples : int, default=64
            Number of draws from the posterior of each series.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws; ``None`` is the generator's own, and 0 if that is ``None``, too,
            for the bound to be a function of ``X``.

        Returns
        -------
        bound : ndarray of shape (n_samples,)
            Greater is more likely.

        References
        ----------
        Y. Burda, R. Grosse and R. Salakhutdinov (2016), "Importance weighted autoencoders",
        ICLR. https://arxiv.org/abs/1509.00519
        """
        check_is_fitted(self)
        n_draws = check_count(n_samples, "n_samples")
        x, _ = check_series(X, estimator=self, layout=self._layout)
        given = self.random_state if random_state is None else random_state
        seed = derive_seed(draw_seed(0 if given is None else given), "posterior")
        rng = self._make_rng(seed)
        noise = torch.randn(n_draws, self._n_features_out, generator=rng, device=rng.device)
        noise = noise.to(EXACT)
        v = self._view.transform(x)
        if y is None and self._conditions is not None and hasattr(self, "classes_"):
            labels = [self._encode_conditions(label, len(v)) for label in self.classes_]
            bounds = [self._bound(v, c, noise) for c in labels]
            bound = logsumexp(bounds, axis=0, b=self._conditions.class_frequencies[:, None])
        else:
            bound = self._bound(v, self._encode_conditions(y, len(v)), noise)
        return bound + self._view.log_abs_det_jacobian(x)

    # -- hooks -------------------------------------------------------------------------------

    def _make_net(
        self, n_timesteps: int, n_channels: int, n_conditions: int, **params: Any
    ) -> GeneratorNet:
        hidden_dims = _check_hidden_dims(self.hidden_dims)
        encoder = ENCODERS[self.encoder] if isinstance(self.encoder, str) else self.encoder
        decoder = DECODERS[self.decoder] if isinstance(self.decoder, str) else self.decoder
        for network, name in ((encoder, self.encoder), (decoder, self.decoder)):
            if getattr(network, "needs_time_axis", False) and not self._view.keeps_time_axis:
                raise ValueError(
                    f"the network {name!r} slides along time, but representation="
                    f"{self.representation!r} has no time axis; use encoder='dense' and "
                    "decoder='dense' (class VAE), or a representation that keeps it"
                )
        sizes = (n_timesteps, n_channels, self.latent_dim, hidden_dims)
        module = partial(_build, encoder, decoder, sizes, n_conditions)
        w, error = float(self.reconstruction_weight), ERRORS[self.error]
        criterion = partial(NegativeELBO, self.latent_dim, w, error)
        return GeneratorNet(module, criterion, **params)

    def _draw(self, n_samples: int, c: FloatArray | None, rng: torch.Generator) -> FloatArray:
        z = torch.randn(n_samples, self._n_features_out, generator=rng, device=rng.device)
        with self._inference() as module:
            return _numpy(module.decoder(z, self._tensor(c)))

    def _encode(self, v: FloatArray) -> FloatArray:
        with self._inference(EXACT) as module:
            parts = [
                _numpy(module.encoder(self._tensor(v[rows], EXACT))[0])
                for rows in self._batches(len(v))
            ]
        return np.concatenate(parts).astype(np.float32)

    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        with self._inference() as module:
            parts = [
                _numpy(module.decoder(self._tensor(z[rows]), self._tensor(_rows(c, rows))))
                for rows in self._batches(len(z))
            ]
        return np.concatenate(parts)

    def _bound(
        self, v: FloatArray, c: FloatArray | None, noise: torch.Tensor
    ) -> NDArray[np.float64]:
        """Importance-weighted bound of represented series, all with the same draws."""
        w, error = self.net_.criterion_.w, self.net_.criterion_.error
        n_draws, bound = len(noise), np.empty(len(v))
        with self._inference(EXACT) as module:
            for rows in self._batches(len(v), n_draws):
                x = self._tensor(v[rows], EXACT)
                mean, log_var = module.encoder(x)
                z = mean[:, None] + torch.exp(0.5 * log_var)[:, None] * noise
                given = None if c is None else np.repeat(c[rows], n_draws, axis=0)
                x_hat = module.decoder(z.flatten(0, 1), self._tensor(given, EXACT))
                x_hat = x_hat.unflatten(0, (len(x), n_draws))
                fit = log_likelihood(x[:, None], x_hat, w, error)
                bound[rows] = _numpy(importance_weighted_bound(fit, z, noise, log_var[:, None]))
        return bound

    @property
    def _n_features_out(self) -> int:
        return int(self.net_.criterion_.latent_dim)


@estimator
class TimeVAE(VAE):
    """TimeVAE: the published convolutional encoder, with level and residual decoders.

    The defaults are those of the paper's code: latents, layers and their initial weights, loss,
    min-max scaling of each cell, and a stop after 50 epochs without progress of the training
    loss. Two things differ: batches are of 32 and not of 16 series, and the learning rate is not
    halved on plateaus (``callbacks=[LRScheduler("ReduceLROnPlateau", monitor="train_loss",
    factor=0.5, patience=30)]`` of skorch does that).

    Parameters
    ----------
    latent_dim : int, default=8
        Number of latents.
    hidden_dims : sequence of int, default=(50, 100, 200)
        Filters of the encoder's convolutions; the decoder has them in reverse order.
    reconstruction_weight : float, default=3.0
        w in ``w (sum (x - x^)^2 + sum_t (mean_d (x - x^))^2) + KL``; the paper uses 0.5 to 3.5.
        Greater values follow the data more closely and spread samples more.
    representation : str or object, default="minmax"
        Has to keep the time axis.
    max_epochs : int, default=1000
        Most epochs to train for.
    n_iter_no_change : int or None, default=50
        Stop after so many epochs without progress.
    **others
        As for :class:`VAE`.

    See Also
    --------
    VAE : The general class, with its attributes.

    References
    ----------
    A. Desai, C. Freeman, Z. Wang and I. Beaver (2021), "TimeVAE: a variational auto-encoder for
    multivariate time series generation". https://arxiv.org/abs/2111.08095

    Examples
    --------
    >>> from sklearn_timegen import TimeVAE
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> X, y = make_labelled_sines(64, 24, random_state=0)
    >>> generator = TimeVAE(conditional=True, max_epochs=2, random_state=0).fit(X, y)
    >>> generator.sample(3, y="fast").shape
    (3, 24)
    >>> generator.transform(X).shape
    (64, 8)
    """

    encoder: str | Callable[..., nn.Module] = pinned("convolutional")
    decoder: str | Callable[..., nn.Module] = pinned("level-residual")
    error: str = pinned("squared-and-mean")
    representation: str | Representation = "minmax"
    max_epochs: int = 1000
    n_iter_no_change: int | None = 50

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: constraint
        for name, constraint in VAE._parameter_constraints.items()
        if name not in ("encoder", "decoder", "error")
    }


def _build(
    encoder: Callable[..., nn.Module],
    decoder: Callable[..., nn.Module],
    sizes: tuple[int, int, int, tuple[int, ...]],
    n_conditions: int,
) -> VariationalAutoencoder:
    return VariationalAutoencoder(encoder(*sizes), decoder(*sizes, n_conditions=n_conditions))


def _check_hidden_dims(hidden_dims: Sequence[int]) -> tuple[int, ...]:
    if len(hidden_dims) == 0:
        raise ValueError("hidden_dims must name at least one layer, got none")
    return tuple(check_count(width, "each of hidden_dims") for width in hidden_dims)


def _rows(c: FloatArray | None, rows: slice) -> FloatArray | None:
    return None if c is None else c[rows]


def _numpy(x: torch.Tensor) -> Any:
    return x.cpu().numpy()
