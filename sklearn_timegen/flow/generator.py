"""A generator that is a flow: its latents, densities, and series of which a part is known."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._checks import Interval
from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.base import LatentGenerator, estimator, param
from sklearn_timegen.base.density import has_density, log_density_of_series
from sklearn_timegen.base.private import PrivateNeuralGenerator
from sklearn_timegen.data import Series
from sklearn_timegen.data.axes import channels_last
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.flow._posterior import Ensemble
from sklearn_timegen.flow.completion import Completion, check_past, draw_ensemble
from sklearn_timegen.flow.fitted import FittedFlow, arc

__all__ = ["FlowGenerator"]

FloatArray = NDArray[np.float32]


@estimator
class FlowGenerator(LatentGenerator, PrivateNeuralGenerator):
    """What a generator that is a flow can be asked: latents, densities, and what is missing.

    A subclass trains the flow; ``flow_``, the fitted one, knows the answers.
    """

    guidance: float = param(
        default=1.0,
        doc="""Weight of what the condition adds to the flow (classifier-free guidance): above 1,
        samples are more typical of it and less diverse.""",
        check=[Interval(Real, 0, None, closed="left")],
        mutable=True,
    )
    n_latent_steps: int = param(
        default=32,
        doc="""Runge-Kutta steps of ``transform``, ``inverse_transform`` and ``score_samples``,
        which have to be exact.""",
        check=[Interval(Integral, 1, None, closed="left")],
        mutable=True,
    )

    def transform(self, X: ArrayLike, y: Any = None) -> FloatArray:
        """Return the noise that flows into the series of ``X``: deterministic, float32.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : label, vector or array-like, default=None
            Their conditions, if the generator is conditional; ``None`` is the flow without any.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_timesteps * n_kept_channels)
            Normal, as far as the flow has learned the series; channels that are constant or
            follow from others have no part.
        """
        check_is_fitted(self)
        return self.flow_.to_noise(self._represent(X), y)

    @available_if(has_density("cosine-quantile", "cosine", "quantile", "standard"))
    def score_samples(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        n_probes: int | None = 16,
        random_state: RandomState = None,
    ) -> NDArray[np.float64]:
        """Return the log-density of each series in ``X``, in nats and in the units of ``X``.

        By the change of variables along the flow, log p(x) = log N(z; 0, I) minus the integral
        of the velocity's divergence (Chen et al. 2018), at ``n_latent_steps`` steps. Channels
        that are constant or follow from others, and cells that never vary, do not count. A
        generator that is conditional on labels and gets no ``y`` averages over the labels, in
        their training frequencies. ``guidance`` is left out: with it, a flow has no density that
        would be known.

        Of a series with missing values it is the density of those that are there, estimated by
        importance sampling: the mean of p(whole series) / q(fill) over ten fills, drawn from a
        normal distribution q of the series.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : label, vector or array-like, default=None
            Their conditions, if the generator is conditional.
        n_probes : int or None, default=16
            Random directions by which the divergence is estimated (Hutchinson 1990), the same for
            all series; ``None`` takes it exactly, at the cost of one direction a cell.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the directions; ``None`` is the generator's own, or 0 if that is no integer,
            for the density to be a function of ``X``.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            Greater is more likely.

        Raises
        ------
        AttributeError
            If the representation has no density, as ``"own-scale"`` (``"auto"``) has none.

        References
        ----------
        R. Chen, Y. Rubanova, J. Bettencourt and D. Duvenaud (2018), "Neural ordinary differential
        equations", NeurIPS. https://arxiv.org/abs/1806.07366
        """
        if n_probes is not None:
            n_probes = check_count(n_probes, "n_probes")
        own = self.random_state if isinstance(self.random_state, Integral) else 0
        seed = derive_seed(draw_seed(own if random_state is None else random_state), "probes")
        log_density = partial(self.flow_.log_density, n_probes=n_probes, seed=seed)
        return log_density_of_series(self, X, y, log_density)

    def forecast(
        self,
        X_past: ArrayLike,
        n_timesteps: int,
        n_samples: int | None = None,
        y: Any = None,
        *,
        random_state: RandomState = None,
    ) -> FloatArray:
        """Draw futures of the series ``X_past``: a probabilistic forecast.

        The last timesteps of the past and the first of the future share a window, which is
        completed as in ``impute``; a future longer than that is drawn block by block, half a
        window at a time.

        Parameters
        ----------
        X_past : array-like of shape (n_series, n_past) or (n_series, n_past, n_channels)
            What was seen, at least one timestep of it; no NaN. Of a past longer than a window,
            the end is used.
        n_timesteps : int
            Length of the futures.
        n_samples : int or None, default=None
            Number of futures of each series; ``None`` is one.
        y : label, vector or array-like, default=None
            Conditions of the windows, if the generator is conditional.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws; ``None`` means the generator's own ``random_state``.

        Returns
        -------
        X_future : ndarray of shape ([n_samples,] n_series, n_timesteps[, n_channels])
            In the units and the layout of the ``X`` seen in ``fit``.

        Raises
        ------
        ValueError
            If the past is empty or not finite, has other channels than ``fit`` saw, or a window
            has one timestep only.
        """
        check_is_fitted(self)
        n_timesteps = check_count(n_timesteps, "n_timesteps")
        n_draws = 1 if n_samples is None else check_count(n_samples, "n_samples")
        past = channels_last(X_past, self._layout.axes, "X_past")
        past = check_past(past, *self.series_shape_)
        c = self._encode_conditions(y, len(past))
        seed = draw_seed(self.random_state if random_state is None else random_state)
        series = np.tile(past, (n_draws, 1, 1))
        c = None if c is None else np.tile(c, (n_draws, 1))
        series = Completion(self, self._known_ensemble).extend(series, n_timesteps, c, seed)
        laid = self._layout.restore_numbers(series[:, past.shape[1] :])
        future: FloatArray = laid.reshape(n_draws, len(past), *laid.shape[1:])
        return future[0] if n_samples is None else future

    def continue_(self, *args: Any, **kwargs: Any) -> FloatArray:
        """Draw futures, as :meth:`forecast` does: the old name, for one release."""
        warnings.warn(
            f"{type(self).__name__}.continue_ is called forecast now, and will be removed in 0.3",
            FutureWarning,
            stacklevel=2,
        )
        return self.forecast(*args, **kwargs)

    @property
    def REAL_DATA(self) -> Mapping[str, str]:
        """What of training is in a file: vectors that series were given, labels apart."""
        given = getattr(self, "_condition_encoder", None) is not None and self._given_vectors
        return {"_seen_conditions": "conditions of the training series"} if given else {}

    @property
    def flow_(self) -> FittedFlow:
        """The flow that was learned, between noise and represented series."""
        check_is_fitted(self)
        return FittedFlow(self)

    # -- hooks ---------------------------------------------------------------------------------

    def _after_training(self, series: Series) -> None:
        self._ensemble: Ensemble | None = None
        self._seen_conditions: FloatArray | None = None  # of a flow that is never free of any

    def _check_completes(self) -> None:
        """Known values are conditioned on in the units of the data: any representation does."""

    def _complete(
        self,
        x: FloatArray,
        known: NDArray[np.bool_],
        c: FloatArray | None,
        n_draws: int,
        seed: int,
    ) -> FloatArray:
        return Completion(self, self._known_ensemble).draw(x, known, c, n_draws, seed)

    def _known_ensemble(self) -> Ensemble:
        """Return covariances by samples of the flow: drawn when asked, once after a training."""
        if self._ensemble is None:
            self._ensemble = draw_ensemble(self, self._seen_conditions)
        return self._ensemble

    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        return self.flow_.to_series(z, c)

    def _encode(self, v: FloatArray) -> FloatArray:
        return self.flow_.to_noise(v)

    def _latents(self, X: ArrayLike, y: Any) -> FloatArray:
        return self.transform(X, y)

    def _between(self, z_a: FloatArray, z_b: FloatArray, fraction: FloatArray) -> FloatArray:
        return arc(z_a, z_b, fraction)

    @property
    def _n_features_out(self) -> int:
        return int(np.prod(self._space.shape))
