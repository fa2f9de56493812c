"""The general variational autoencoder, of which the famous names are settings.

Symbols as in :mod:`sklearn_timegen.vae.objectives`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen._random import derive_seed, draw_seed
from sklearn_timegen._warning import warn_user
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.base.networks import check_hidden_dims, check_time_axis
from sklearn_timegen.base.state import note_interruption
from sklearn_timegen.base.tensors import EXACT, as_numpy, decode_in_batches
from sklearn_timegen.data import Series
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.nn.convolutional import ConvolutionalDecoder, ConvolutionalEncoder
from sklearn_timegen.nn.dense import DenseDecoder, DenseEncoder
from sklearn_timegen.nn.sequence import RecurrentDecoder, RecurrentEncoder
from sklearn_timegen.nn.transformer import TransformerDecoder, TransformerEncoder
from sklearn_timegen.representation import Space
from sklearn_timegen.training import GeneratorNet
from sklearn_timegen.vae._bounds import choose_bound
from sklearn_timegen.vae._networks import build_network, check_shapes
from sklearn_timegen.vae._priors import PRIORS, Prior, StandardNormal
from sklearn_timegen.vae._training import KLAnnealing
from sklearn_timegen.vae.autoencoder import (
    NOISE_SHAPES,
    DecoderNoise,
    VariationalAutoencoder,
    draws_from,
)
from sklearn_timegen.vae.decomposition import DecompositionDecoder
from sklearn_timegen.vae.latents import VariationalLatents
from sklearn_timegen.vae.objectives import ERRORS, gaussian_kl

__all__ = ["VAE"]

FloatArray = NDArray[np.float32]

NetworkMaker = Callable[..., nn.Module]

ENCODERS: dict[str, NetworkMaker] = {
    "convolutional": ConvolutionalEncoder,
    "dense": DenseEncoder,
    "recurrent": RecurrentEncoder,
    "transformer": TransformerEncoder,
}
DECODERS: dict[str, NetworkMaker] = {
    "convolutional": ConvolutionalDecoder,
    "dense": DenseDecoder,
    "level-residual": DecompositionDecoder,
    "recurrent": RecurrentDecoder,
    "transformer": TransformerDecoder,
}


@estimator
class VAE(VariationalLatents):
    """Variational autoencoder with a Gaussian decoder.

    The encoder maps a series to a normal distribution over ``latent_dim`` latents, the decoder
    maps latents (and conditions) to a series. The loss of a series is
    ``-log p(x | z) + KL(q(z | x) || N(0, I))``, with the defaults ``w error(x, x^) + KL``; samples
    are decoded draws of the prior. Its parameters are axes that can be combined freely, and the
    famous names are settings of them:

    =================  ======================================================================
    ``TimeVAE``        level, trend, seasonalities and residual; min-max, weighted error
    ``BetaVAE``        ``beta=4``
    ``RenyiVAE``       ``alpha=0.5`` with 8 draws
    ``RELBOVAE``       ``bound="relbo"``
    ``RecurrentVAE``   ``encoder="recurrent", decoder="recurrent"``
    =================  ======================================================================

    ``impute`` draws by a Markov chain, whose latents are proposed by the encoder, accepted or not
    as Metropolis and Hastings do, and decoded to what is missing, in turns (Mattei and Frellsen
    2018): in the long run exact for the model, and stopped after 100 rounds. It needs a
    representation that leaves cells apart, as ``"standard"``, ``"minmax"`` and ``"quantile"`` do.

    References
    ----------
    D. P. Kingma and M. Welling (2014), "Auto-encoding variational Bayes", ICLR.
    https://arxiv.org/abs/1312.6114

    Y. Burda, R. Grosse and R. Salakhutdinov (2016), "Importance weighted autoencoders", ICLR.
    https://arxiv.org/abs/1509.00519

    D. P. Kingma et al. (2016), "Improving variational inference with inverse autoregressive
    flow" (free bits), NeurIPS. https://arxiv.org/abs/1606.04934

    O. Rybkin, K. Daniilidis and S. Levine (2021), "Simple and effective VAE training with
    calibrated decoders" (learned noise), ICML. https://arxiv.org/abs/2006.13202

    P.-A. Mattei and J. Frellsen (2018), "Leveraging the exact likelihood of deep latent variable
    models" (``impute``), NeurIPS. https://arxiv.org/abs/1802.04826

    P. Ghosh et al. (2020), "From variational to deterministic autoencoders" (priors fitted
    afterwards), ICLR. https://arxiv.org/abs/1903.12436

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

    encoder: str | Callable[..., nn.Module] = param(
        default="convolutional",
        doc="""The network of q(z | x). A callable makes the module from ``(n_timesteps,
        n_channels, latent_dim, hidden_dims)``; its ``forward(x)`` returns mean and
        log-variance.""",
        check=[StrOptions(set(ENCODERS)), callable],
    )
    decoder: str | Callable[..., nn.Module] = param(
        default="convolutional",
        doc="""The network of x^. A callable makes the module from ``(n_timesteps, n_channels,
        latent_dim, hidden_dims, n_conditions)``; its ``forward(z, c)`` returns series.""",
        check=[StrOptions(set(DECODERS)), callable],
    )
    error: str = param(
        default="squared",
        doc="""The reconstruction error: squares summed over all cells, or that plus the squares
        of the channels' mean at each timestep.""",
        check=[StrOptions(set(ERRORS))],
    )
    latent_dim: int = param(
        default=8, doc="Number of latents.", check=[Interval(Integral, 1, None, closed="left")]
    )
    hidden_dims: Sequence[int] = param(
        default=(50, 100, 200),
        doc="Widths of the encoder's layers; the decoder has them in reverse order.",
        check=["array-like"],
        type="sequence of int",
    )
    decoder_noise: str = param(
        default="fixed",
        doc="""The variance of p(x | z), in the representation: ``1 / (2 w)``, or one that is
        learned for all cells, for each channel, or for each cell. Learned noise is part of a
        sample; with fixed noise, a sample is the decoder's mean, as is usual and published, and
        lacks the variance that latents do not explain. Noise is white: on smooth series in a
        representation along time it makes samples jagged, in a cosine basis, with ``"per-cell"``,
        it has the spectrum of what is left over. The smaller it becomes, the further are
        posteriors from N(0, I): take a fitted ``prior`` along.""",
        check=[StrOptions(set(NOISE_SHAPES))],
    )
    reconstruction_weight: float = param(
        default=3.0,
        doc="w; for a learned noise, where it starts.",
        check=[Interval(Real, 0, None, closed="neither")],
    )
    bound: str = param(
        default="variational",
        doc="""The family of bounds of log p(x) that ``alpha`` picks from: the evidence lower
        bound and the variational Renyi bounds, or RELBO; see :class:`RELBOVAE`.""",
        check=[StrOptions({"variational", "relbo"})],
    )
    beta: float = param(
        default=1.0,
        doc="""Weight of the KL divergence. Above 1 the bound of log p(x) is a looser one, below 1
        it is none.""",
        check=[Interval(Real, 0, None, closed="left")],
    )
    alpha: float | None = param(
        default=None,
        doc="""Order of the variational Renyi bound, above 0. The smaller, the nearer to log p(x),
        and the less the posterior has to keep away from where it is wrong; 1 is the evidence
        lower bound, and so is ``None`` with one draw.""",
        check=[Interval(Real, 0, None, closed="neither"), None],
    )
    n_importance_samples: int | None = param(
        default=None,
        doc="""Number of draws from the posterior for each series. With ``alpha=None``, more than
        one is the importance-weighted bound (IWAE). ``None`` is 1, or 8 where an ``alpha`` needs
        more.""",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )
    kl_warmup: int = param(
        default=0,
        doc="""Number of epochs in which the divergence's weight rises from near 0 to where it
        belongs. Early stopping begins after them.""",
        check=[Interval(Integral, 0, None, closed="left")],
    )
    free_bits: float = param(
        default=0.0,
        doc="""What each latent's divergence, on average over a batch, costs at least, in nats: up
        to there the decoder uses a latent for free.""",
        check=[Interval(Real, 0, None, closed="left")],
    )
    prior: str = param(
        default="normal",
        doc="""Where samples come from: N(0, I), or a density that is fitted to the training
        series' posteriors after training (in ``partial_fit``, of the latest series), a mixture
        of normals or a normalising flow. That closes the gap between what the decoder has seen
        and what it is given, through which samples lose up to half of the data's variance and
        more.""",
        check=[StrOptions(set(PRIORS))],
        mutable=True,
    )

    prior_: Prior = fitted("The fitted prior.", type="object")

    # Draws of the posteriors that a prior is fitted to, at most.
    _n_prior_draws: ClassVar[int] = 8192
    # Before so many epochs a posterior like the prior is no collapse, but a beginning.
    _least_epochs: ClassVar[int] = 10

    # -- training ----------------------------------------------------------------------------

    def _leaks(self) -> Iterator[str]:
        yield from super()._leaks()
        if self.prior != "normal" and self.private is not None and self.private.public is None:
            yield (
                f"prior={self.prior!r} without public series (public=), to whose posteriors it "
                "would be fitted. Set prior='normal'"
            )

    def _make_net(self, space: Space, n_conditions: int, **params: Any) -> GeneratorNet:
        if self.kl_warmup > self.max_epochs and not self.warm_start:
            raise ValueError(
                f"kl_warmup={self.kl_warmup} must not exceed max_epochs={self.max_epochs}, or "
                "training never gets to the whole loss"
            )
        criterion = choose_bound(self)
        hidden_dims = check_hidden_dims(self.hidden_dims)
        sizes = (*space.shape, self.latent_dim, hidden_dims)
        encoder, decoder = self._networks(*space.shape)
        for network, name in ((encoder, self.encoder), (decoder, self.decoder)):
            check_time_axis(network, name, space, self.representation)
        varies = None if space.varies.all() else torch.from_numpy(space.varies)
        noise = partial(DecoderNoise, self.decoder_noise, *space.shape, self._start, varies)
        alpha = self.alpha if self.bound == "relbo" else None
        module = partial(build_network, encoder, decoder, noise, sizes, n_conditions, alpha or 1.0)
        # The decoder writes what never varies, too, so that all cells count that were observed.
        return self._net_class(GeneratorNet)(module, criterion, **params)

    def _networks(self, n_timesteps: int, n_channels: int) -> tuple[NetworkMaker, NetworkMaker]:
        """Return what makes encoder and decoder."""
        encoder = ENCODERS[self.encoder] if isinstance(self.encoder, str) else self.encoder
        decoder = DECODERS[self.decoder] if isinstance(self.decoder, str) else self.decoder
        return encoder, decoder

    def _fit(self, series: Series, n_epochs: int | None = None) -> None:
        self.__dict__.pop("prior_", None)
        super()._fit(series, n_epochs)

    def _check_net(self, net: GeneratorNet, series: Series) -> None:
        check_shapes(net, series, self.latent_dim)

    def _make_callbacks(self, monitor: str) -> list[Any]:
        callbacks = super()._make_callbacks(monitor)
        return [KLAnnealing(self.kl_warmup), *callbacks] if self.kl_warmup else callbacks

    @property
    def _n_warmup_epochs(self) -> int:
        return self.kl_warmup

    @property
    def _start(self) -> float:
        """The decoder's log-precision before training."""
        return math.log(2 * self.reconstruction_weight)

    def _after_training(self, series: Series) -> None:
        before = getattr(self, "prior_", None)
        self.prior_ = StandardNormal(self.latent_dim, self._given_vectors)
        try:
            self.prior_ = self._fit_prior(series).keep(before)
        except KeyboardInterrupt:
            note_interruption(
                self,
                "the fit of the prior was interrupted: samples are drawn from N(0, I) instead",
            )
        self.interrupted_ |= self.prior_.interrupted_

    def _fit_prior(self, series: Series) -> Prior:
        v = series.values
        mean, log_var = self._posterior(v)
        if self.n_iter_ >= self._least_epochs and np.ptp(v, axis=0).any():
            _warn_if_collapsed(as_numpy(gaussian_kl(mean, log_var).mean(dim=0)))
        seed = derive_seed(draw_seed(self.random_state), "prior")
        n_draws = max(1, min(8, self._n_prior_draws // len(v)))
        rng = self._make_rng(derive_seed(seed, "draws"))
        shape = (len(v), n_draws, self.latent_dim)
        draws = draws_from(mean, log_var, torch.randn(shape, generator=rng, device=rng.device))
        c = self._prior_condition(series.conditions)
        prior = PRIORS[self.prior](self.latent_dim, self._given_vectors)
        return prior.fit(as_numpy(draws), c, derive_seed(seed, "fit"))

    def _posterior(
        self, v: FloatArray, dtype: torch.dtype = torch.float32
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log-variance of what stands for p(z | x)."""
        with self._inference(dtype) as module:
            parts = [
                module.posterior(self._tensor(v[rows], dtype)) for rows in self._batches(len(v))
            ]
        mean, log_var = (torch.cat(part) for part in zip(*parts, strict=True))
        return mean, log_var

    # -- hooks -------------------------------------------------------------------------------

    def _draw(self, n_samples: int, c: FloatArray | None, rng: torch.Generator) -> FloatArray:
        z = self._draw_latents(n_samples, c, rng)
        with self._inference() as module:
            x_hat = module.decoder(z, self._tensor(c))
            return as_numpy(x_hat + self._noise(module, x_hat, rng))

    def _draw_latents(
        self, n_samples: int, c: FloatArray | None, rng: torch.Generator
    ) -> torch.Tensor:
        return self.prior_.sample(n_samples, self._tensor(self._prior_condition(c)), rng)

    def _noise(
        self, module: VariationalAutoencoder, x_hat: torch.Tensor, rng: torch.Generator
    ) -> float | torch.Tensor:
        """What a sample has beside the decoder's mean: draws of a learned noise."""
        if not module.noise.learned:
            return 0.0
        e = torch.randn(x_hat.shape, generator=rng, device=rng.device)
        spread = torch.exp(-0.5 * module.noise())
        return spread * self.net_.criterion_.error.correlate(e)

    def _encode(self, v: FloatArray) -> FloatArray:
        return to_float32(as_numpy(self._posterior(v, EXACT)[0]))

    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        with self._inference() as module:
            return decode_in_batches(self, module.decoder, z, c)

    @property
    def _n_features_out(self) -> int:
        return int(self.net_.criterion_.latent_dim)


def _warn_if_collapsed(divergence: NDArray[Any]) -> None:
    if (divergence < 0.01).all():
        warn_user(
            "the posterior has collapsed: no latent tells anything of a series (their KL "
            f"divergences from the prior are {divergence.max():.1g} nats at most), so that all "
            "samples are alike but for noise. Try a greater reconstruction_weight, decoder_noise="
            "'learned', a smaller beta, kl_warmup, free_bits, or more epochs"
        )
