"""What the latents of a variational autoencoder are good for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.base import LatentGenerator, estimator
from sklearn_timegen.base.completion import check_cell_by_cell
from sklearn_timegen.base.density import log_density_of_series
from sklearn_timegen.base.private import PrivateNeuralGenerator
from sklearn_timegen.base.tensors import EXACT, as_numpy, rows_of
from sklearn_timegen.data import Series
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.training import cell_weights
from sklearn_timegen.vae.autoencoder import VariationalAutoencoder, draws_from
from sklearn_timegen.vae.completion import draw_latents_given
from sklearn_timegen.vae.objectives import log_likelihood, log_weights, renyi_bound

__all__ = ["VariationalLatents"]

FloatArray = NDArray[np.float32]


@estimator
class VariationalLatents(LatentGenerator, PrivateNeuralGenerator):
    """Public methods that need no more than a fitted encoder, decoder, noise and prior."""

    def denoise(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        n_samples: int = 64,
        random_state: RandomState = None,
    ) -> FloatArray:
        """Return the series without the noise that the decoder takes them to have.

        What comes back is the mean of p(x | z) over the posterior, E[decoder(z) | x]: of all
        estimates of the series behind ``X`` the one of least squared error, if model and
        posterior are right. ``reconstruct`` decodes the posterior mean instead, which is the
        same for a linear decoder, and quicker.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : label, vector or array-like, default=None
            Their conditions, if the generator is conditional.
        n_samples : int, default=64
            Number of draws from the posterior of each series.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws; as for ``score_samples``.

        Returns
        -------
        X_denoised : ndarray of series
            In the units and the layout of the ``X`` seen in ``fit``.
        """
        check_is_fitted(self)
        x = self._preprocessing.read(X, self, missing=False).copy()
        noise = self._shared_noise(n_samples, random_state)
        series = self._preprocessing.encode(x, self._encode_conditions(y, len(x)))
        with self._inference(EXACT) as module:
            for rows, _, _, _, decoded in self._decoded_draws(module, series, noise):
                x_hat = as_numpy(decoded)
                # The mean is taken in the units of X: a representation may bend.
                drawn = self._to_data_units(
                    to_float32(x_hat.reshape(-1, *self._space.shape)), decoded=True
                )
                parts = drawn.reshape(*x_hat.shape[:2], *x.shape[1:])
                x[rows] = parts.mean(axis=1, dtype=np.float64)
        return self._layout.restore(x)

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
        log p(x), and with one draw estimates the evidence lower bound; p is the fitted model,
        with the prior and the noise that it samples with. All series share the same
        draws, so that the bound of a series does not depend on its neighbours. Channels that
        are constant or copies in training, cells that never vary, and missing values do not count:
        the bound is one of the density of what is there. A generator
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
            Seed of the draws; ``None`` is the generator's own, or 0 if that is no integer, for
            the bound to be a function of ``X``.

        Returns
        -------
        bound : ndarray of shape (n_samples,)
            Greater is more likely; finite for any finite series.

        References
        ----------
        Y. Burda, R. Grosse and R. Salakhutdinov (2016), "Importance weighted autoencoders",
        ICLR. https://arxiv.org/abs/1509.00519
        """
        check_is_fitted(self)
        bound = partial(self._bound, noise=self._shared_noise(n_samples, random_state))
        return log_density_of_series(self, X, y, bound, marginal=True)

    def _check_completes(self) -> None:
        check_cell_by_cell(self)

    def _complete_represented(self, series: Series, rng: torch.Generator) -> FloatArray:
        asked = self._tensor(self._prior_condition(series.conditions))
        log_prior = partial(self.prior_.log_density, c=asked)
        with self._inference() as module:
            batch, error = series.to(self.net_.device), self.net_.criterion_.error
            z = draw_latents_given(module, batch, log_prior, error, rng)
            x_hat = module.decoder(z, batch.conditions)
            if module.noise.learned:  # a part of samples, as what is imputed is one
                root = (0.5 * module.noise()).exp()
                e = torch.randn(x_hat.shape, generator=rng, device=rng.device)
                weights = batch.observed.to(x_hat.dtype)
                x_hat = x_hat + error.complete(root * (batch.values - x_hat), e, weights) / root
            return as_numpy(torch.where(batch.observed, batch.values, x_hat))

    def _prior_condition(self, c: FloatArray | None) -> FloatArray | None:
        """What of the condition latents depend on."""
        return c

    def _shared_noise(self, n_samples: int, random_state: RandomState) -> torch.Tensor:
        """Draws of the posterior's noise, the same for all series: a function of ``X`` results."""
        n_draws = check_count(n_samples, "n_samples")
        own = self.random_state if isinstance(self.random_state, Integral) else 0
        seed = own if random_state is None else random_state
        rng = self._make_rng(derive_seed(draw_seed(seed), "posterior"))
        noise = torch.randn(n_draws, self._n_features_out, generator=rng, device=rng.device)
        return noise.to(EXACT)

    def _decoded_draws(
        self, module: VariationalAutoencoder, series: Series, noise: torch.Tensor
    ) -> Iterator[tuple[slice, Series, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Yield rows, the batch, log-variances, latents ``(B, K, d)`` and decoded series."""
        for rows in self._batches(len(series), len(noise)):
            batch = self._exact(series[rows])
            mean, log_var = module.posterior(batch.values)
            z = draws_from(mean, log_var, noise)
            yield rows, batch, log_var, z, module.decode(z, batch.conditions)

    def _bound(self, series: Series, noise: torch.Tensor) -> NDArray[np.float64]:
        """Importance-weighted bound of represented series, all with the same draws."""
        error, bound = self.net_.criterion_.error, np.empty(len(series))
        c = self._prior_condition(series.conditions)
        no_pi = 0.5 * noise.shape[1] * np.log(2 * np.pi)
        with self._inference(EXACT) as module:
            for rows, batch, log_var, z, x_hat in self._decoded_draws(module, series, noise):
                weights = cell_weights(batch, None)
                of_draws = None if weights is None else weights[:, None]
                x = batch.values[:, None]
                fit = log_likelihood(x, x_hat, module.noise(), error, of_draws)
                asked = self._tensor(rows_of(c, rows), EXACT)
                log_p_z = self.prior_.log_density(z, asked) + no_pi
                ratio = log_weights(fit, log_p_z, noise, log_var[:, None])
                bound[rows] = as_numpy(renyi_bound(ratio, alpha=0.0))
        return bound
