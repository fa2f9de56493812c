"""The way back: series to noise, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._checks import Interval
from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.base import LatentGenerator, NeuralGenerator, estimator, param
from sklearn_timegen.base.tensors import EXACT, as_numpy, rows_of
from sklearn_timegen.data.checks import check_count, check_series
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.flow._density import hutchinson_probes, log_density
from sklearn_timegen.flow._solvers import Flow, solve, times
from sklearn_timegen.flow.fitted import FittedFlow, arc
from sklearn_timegen.representation import REPRESENTATIONS

__all__ = ["FlowLatents"]

FloatArray = NDArray[np.float32]
LATENT_POWER = 2.0  # of the times: the flow turns the faster the nearer it is to the series


def _has_density(self: FlowLatents) -> bool:
    view: Any = self.representation
    if hasattr(self, "_view"):
        view = self._view.inner
    elif isinstance(view, str):
        view = REPRESENTATIONS.get(view, view)  # "auto" is told by what it comes to in fit
    if not hasattr(view, "log_abs_det_jacobian"):
        raise AttributeError(
            f"representation={view!r} has no density, which score_samples needs: use "
            "'cosine-quantile', 'cosine', 'quantile' or 'standard'"
        )
    return True


@estimator
class FlowLatents(LatentGenerator, NeuralGenerator):
    """``transform`` and ``score_samples`` of a generator that is a flow."""

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

    @available_if(_has_density)
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
        check_is_fitted(self)
        x, _ = check_series(X, estimator=self, layout=self._layout)
        if n_probes is not None:
            n_probes = check_count(n_probes, "n_probes")
        own = self.random_state if isinstance(self.random_state, Integral) else 0
        seed = derive_seed(draw_seed(own if random_state is None else random_state), "probes")
        v = self._view.transform(x)
        if y is None and self._condition_encoder is not None and hasattr(self, "classes_"):
            given = [self._encode_conditions(label, len(v)) for label in self.classes_]
            each = [self._log_density(v, c, n_probes, seed) for c in given]
            density = logsumexp(each, axis=0, b=self._condition_encoder.class_frequencies[:, None])
        else:
            density = self._log_density(v, self._encode_conditions(y, len(v)), n_probes, seed)
        return density + self._view.log_abs_det_jacobian(x)

    @property
    def flow_(self) -> FittedFlow:
        """The flow that was learned, between noise and represented series."""
        check_is_fitted(self)
        return FittedFlow(self)

    # -- hooks -------------------------------------------------------------------------------

    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        v = z.reshape(len(z), *self._space.shape)
        return self._integrate(v, c, backwards=False).reshape(v.shape)

    def _encode(self, v: FloatArray) -> FloatArray:
        return self.flow_.to_noise(v)

    def _latents(self, X: ArrayLike, y: Any) -> FloatArray:
        return self.transform(X, y)

    def _latent_conditions(self, y: Any, n_samples: int) -> FloatArray | None:
        """Encode conditions where they are given; ``None`` is the flow without any."""
        if y is not None or self._condition_encoder is None:
            return self._encode_conditions(y, n_samples)
        self._check_free_flow()
        return None

    def _between(self, z_a: FloatArray, z_b: FloatArray, share: FloatArray) -> FloatArray:
        return arc(z_a, z_b, share)

    @property
    def _n_features_out(self) -> int:
        return int(np.prod(self._space.shape))

    # -- integration ---------------------------------------------------------------------------

    def _flow(self, field: Any, c: torch.Tensor | None, n: int, guidance: float = 1.0) -> Flow:
        """Return the flow of ``n`` series under encoded conditions, or free of any."""
        if c is None and self._condition_encoder is not None:
            width = self._condition_encoder.n_conditions_
            c = torch.zeros(n, width, dtype=field.varies.dtype, device=field.varies.device)
            return Flow(field, c, guidance=0.0)
        return Flow(field, c, guidance)

    def _integrate(self, v: FloatArray, c: FloatArray | None, *, backwards: bool) -> FloatArray:
        self._validate_params()  # the steps may have been set since
        grid = times(self.n_latent_steps, LATENT_POWER, backwards=backwards)
        parts = []
        # In float64, latents do not depend on a series' neighbours in the batch.
        with self._inference(EXACT) as field:
            for rows in self._batches(len(v)):
                x = self._tensor(v[rows], EXACT)
                flow = self._flow(field, self._tensor(rows_of(c, rows), EXACT), len(x))
                parts.append(as_numpy(solve(flow, x, grid, "rk4").flatten(1)))
        return to_float32(np.concatenate(parts))

    def _log_density(
        self, v: FloatArray, c: FloatArray | None, n_probes: int | None, seed: int
    ) -> NDArray[np.float64]:
        self._validate_params()
        directions = hutchinson_probes(self._space.varies, n_probes, self._make_rng(seed))
        grid = times(self.n_latent_steps, LATENT_POWER, backwards=True)
        density = np.empty(len(v))
        with self._differentiable() as field:
            for rows in self._batches(len(v)):
                x = self._tensor(v[rows], EXACT)
                flow = self._flow(field, self._tensor(rows_of(c, rows), EXACT), len(x))
                density[rows] = as_numpy(log_density(flow, x, grid, directions))
        return density

    @contextmanager
    def _differentiable(self) -> Iterator[Any]:
        """The module in float64 and evaluation mode, with gradients by its input."""
        with self._inference(EXACT) as field, torch.inference_mode(False), torch.enable_grad():
            yield field.requires_grad_(False)

    def _check_free_flow(self) -> None:
        """Refuse what needs the flow without conditions if there is none."""
