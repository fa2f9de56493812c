"""What a flow knows of the rest of a series: values that are missing, and the future."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.base import estimator
from sklearn_timegen.base.tensors import as_numpy, rows_of
from sklearn_timegen.data.checks import as_3d, check_count, check_series
from sklearn_timegen.flow._posterior import Ensemble
from sklearn_timegen.flow._solvers import Flow, solve, times
from sklearn_timegen.flow.latents import FlowLatents

__all__ = ["FlowCompletion"]

FloatArray = NDArray[np.float32]
N_STEPS = 25  # in which a series is completed: more change nothing for normal series
ENSEMBLE_SIZES = (1024, 4096)  # least and most samples that covariances are taken from


@estimator
class FlowCompletion(FlowLatents):
    """``impute`` and ``forecast``: draws of a part of a series given the rest."""

    def impute(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        n_samples: int | None = None,
        random_state: RandomState = None,
    ) -> FloatArray:
        """Fill the NaN in ``X`` with draws given the values that are there.

        On the way from noise to a series, the network's estimate of the series is corrected at
        each step by what the known values say beyond it, as in a Kalman filter whose covariances
        come from samples of the flow: exact if series are normal, an approximation otherwise.
        Known values come back as they are.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``, with NaN where values are missing, anywhere.
        y : label, vector or array-like, default=None
            Their conditions, if the generator is conditional.
        n_samples : int or None, default=None
            Number of completions of each series; ``None`` is one, in the layout of ``X``.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws; ``None`` means the generator's own ``random_state``.

        Returns
        -------
        X_filled : ndarray of series
            Like ``X``, with a first axis of ``n_samples`` completions if that is given.

        Raises
        ------
        ValueError
            If values are infinite, or sizes differ from those of ``fit``.

        References
        ----------
        J. Song, A. Vahdat, M. Mardani and J. Kautz (2023), "Pseudoinverse-guided diffusion models
        for inverse problems", ICLR. https://openreview.net/forum?id=9_gsMA8MRKQ

        G. Evensen (2003), "The ensemble Kalman filter: theoretical formulation and practical
        implementation", Ocean Dynamics 53. https://doi.org/10.1007/s10236-003-0036-9
        """
        check_is_fitted(self)
        n_draws = 1 if n_samples is None else check_count(n_samples, "n_samples")
        x, known = self._with_gaps(X)
        c = self._encode_conditions(y, len(x))
        seed = draw_seed(self.random_state if random_state is None else random_state)
        drawn = self._complete(x, known, c, n_draws, derive_seed(seed, "impute"))
        made = np.stack([self._layout.restore(part) for part in drawn])
        return made[0] if n_samples is None else made

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
        past = self._check_past(X_past)
        c = self._encode_conditions(y, len(past))
        seed = draw_seed(self.random_state if random_state is None else random_state)
        n_series, length = len(past), self.series_shape_[0]
        series = np.tile(past, (n_draws, 1, 1))
        given = None if c is None else np.tile(c, (n_draws, 1))
        n_past = past.shape[1]
        while series.shape[1] < n_past + n_timesteps:
            missing = n_past + n_timesteps - series.shape[1]
            # All at once if half a window of the past is left beside it, else half a window.
            n_new = missing if missing <= length // 2 else max(1, length // 2)
            series = self._go_on(series, n_new, given, derive_seed(seed, f"{series.shape[1]}"))
        sizes = (-1,) if self._layout.flat else (n_timesteps, self.series_shape_[1])
        future: FloatArray = series[:, n_past:].reshape(n_draws, n_series, *sizes)
        return future[0] if n_samples is None else future

    def continue_(self, *args: Any, **kwargs: Any) -> FloatArray:
        """Draw futures, as :meth:`forecast` does: the old name, for one release."""
        warnings.warn(
            f"{type(self).__name__}.continue_ is called forecast now, and will be removed in 0.3",
            FutureWarning,
            stacklevel=2,
        )
        return self.forecast(*args, **kwargs)

    # -- what is given ---------------------------------------------------------------------------

    def _with_gaps(self, X: Any) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return series with zeros for what is missing, and which cells are known."""
        if hasattr(X, "isna") and hasattr(X, "fillna"):  # a frame keeps its column names
            gaps, filled = np.asarray(X.isna()), X.fillna(0.0)
        else:
            values = np.asarray(X)
            if values.dtype.kind not in "fiub":
                values = values.astype(np.float64)
            gaps = np.isnan(values)
            filled = np.where(gaps, np.zeros((), values.dtype), values)
        x, _ = check_series(filled, estimator=self, layout=self._layout)
        known = ~gaps.reshape(x.shape)
        self._view.bounds.check(np.where(known, x, self._view.bounds.clip(np.zeros_like(x))))
        return x, known

    def _check_past(self, X_past: Any) -> FloatArray:
        length, n_channels = self.series_shape_
        if length < 2:
            raise ValueError(
                "the generator was fitted on windows of one timestep: there is no future in them"
            )
        try:
            with np.errstate(over="ignore"):  # what is too large becomes inf, refused below
                past = np.asarray(X_past, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise ValueError(f"X_past is not a numeric array of series: {error}") from error
        if past.ndim not in (2, 3) or 0 in past.shape:
            raise ValueError(
                "X_past must be of shape (n_series, n_past) or (n_series, n_past, n_channels), "
                f"not empty, got {past.shape}"
            )
        past = as_3d(past, n_channels if past.ndim == 2 else 1)
        if past.shape[2] != n_channels:
            raise ValueError(
                f"X_past has {past.shape[2]} channels, but the generator was fitted on series of "
                f"{n_channels}"
            )
        if not np.isfinite(past).all():
            i, t, d = np.argwhere(~np.isfinite(past))[0]
            raise ValueError(
                f"X_past has a value that is not finite at series {i}, timestep {t}, channel {d}: "
                "impute it first"
            )
        return past

    def _go_on(
        self, series: FloatArray, n_new: int, c: FloatArray | None, seed: int
    ) -> FloatArray:
        """Return the series with ``n_new`` more timesteps."""
        length = self.series_shape_[0]
        seen = series[:, -(length - n_new) :]
        window = np.zeros((len(series), *self.series_shape_), np.float32)
        known = np.zeros(window.shape, dtype=bool)
        window[:, : seen.shape[1]], known[:, : seen.shape[1]] = seen, True
        made = self._complete(window, known, c, 1, seed)[0]
        return np.concatenate([series, made[:, seen.shape[1] : seen.shape[1] + n_new]], axis=1)

    def _after_training(self, v: FloatArray, c: FloatArray | None) -> None:
        self.__dict__.pop("_known_ensemble", None)
        # Without a flow that is free of conditions, the ensemble is drawn under these.
        self._seen_conditions: FloatArray | None = None
        if c is not None and self.condition_dropout == 0:
            self._seen_conditions = c[:: 1 + len(c) // ENSEMBLE_SIZES[1]].copy()

    # -- completion ------------------------------------------------------------------------------

    def _complete(
        self,
        x: FloatArray,
        known: NDArray[np.bool_],
        c: FloatArray | None,
        n_draws: int,
        seed: int,
    ) -> FloatArray:
        """Return ``(n_draws, *x.shape)`` completions, mask by mask."""
        made = np.tile(x, (n_draws, 1, 1, 1))
        rng = self._make_rng(seed)
        masks, of = np.unique(known.reshape(len(known), -1), axis=0, return_inverse=True)
        for k, mask in enumerate(masks):
            if mask.all():
                continue
            rows = np.flatnonzero(of.ravel() == k)
            repeated = np.tile(rows, n_draws)
            draw = np.repeat(np.arange(n_draws), len(rows))
            for part in self._batches(len(repeated)):
                chosen = repeated[part]
                given = None if c is None else c[chosen]
                made[draw[part], chosen] = self._complete_alike(
                    x[chosen], mask.reshape(x.shape[1:]), given, rng
                )
        return made

    def _complete_alike(
        self, x: FloatArray, known: NDArray[np.bool_], c: FloatArray | None, rng: Any
    ) -> FloatArray:
        """Complete series of which the same cells are known."""
        ensemble = self._ensemble()
        cells = ensemble.usable(known)
        y = x.reshape(len(x), -1)[:, cells]
        with self._inference() as field:
            flow = _Informed(self, self._flow(field, self._tensor(c), len(x)), ensemble, cells, y)
            v = torch.randn(len(x), *self._space.shape, generator=rng, device=rng.device)
            v = solve(flow, v, times(N_STEPS), "dpm")
            made = self._to_data_units(as_numpy(v))
        # What is left between the known values and the flow's moves the others, too.
        _, gain = ensemble.gain(cells, flow.kappa)
        left = y - made.reshape(len(x), -1)[:, cells]
        made = made + (left @ gain).astype(np.float32).reshape(made.shape)
        made = self._view.bounds.clip(made)
        made[:, known] = x[:, known]
        return made

    def _ensemble(self) -> Ensemble:
        """Covariances by samples of the flow; made once, and anew after each training."""
        if not hasattr(self, "_known_ensemble"):
            low, high = ENSEMBLE_SIZES
            size = int(np.clip(20 * np.prod(self._space.shape), low, high))
            rng = self._make_rng(derive_seed(0, "ensemble"))
            c = self._seen_conditions
            given = None if c is None else c[np.arange(size) * len(c) // size]
            v = np.concatenate(list(self._draws_without_guidance(size, given, rng)))
            self._known_ensemble = Ensemble.of(v, self._to_data_units(v))
        return self._known_ensemble

    def _draws_without_guidance(
        self, size: int, c: FloatArray | None, rng: Any
    ) -> Iterator[FloatArray]:
        with self._inference() as field:
            for rows in self._batches(size):
                n = len(range(size)[rows])
                noise = torch.randn(n, *self._space.shape, generator=rng, device=rng.device)
                flow = self._flow(field, self._tensor(rows_of(c, rows)), n)
                yield as_numpy(solve(flow, noise, times(N_STEPS), "dpm"))


class _Informed:
    """A flow whose estimates know some cells of the series."""

    def __init__(
        self,
        generator: Any,
        flow: Flow,
        ensemble: Ensemble,
        cells: NDArray[np.int64],
        y: FloatArray,
    ) -> None:
        self.generator = generator
        self.flow = flow
        self.ensemble = ensemble
        self.cells = cells
        self.y = y
        self.kappa = 0.0

    @property
    def schedule(self) -> Any:
        return self.flow.schedule

    def predict_ends(self, v_t: torch.Tensor, t: float) -> tuple[torch.Tensor, torch.Tensor]:
        v_1, eps = self.flow.predict_ends(v_t, t)
        if len(self.cells) == 0:
            return v_1, eps
        alpha, sigma = self.flow.schedule(t)
        self.kappa = (alpha / sigma) ** 2
        gain, _ = self.ensemble.gain(self.cells, self.kappa)
        x = self.generator._view.inverse_transform(as_numpy(v_1))
        innovation = self.y - x.reshape(len(x), -1)[:, self.cells]
        moved = (innovation @ gain).astype(np.float32).reshape(v_1.shape)
        v_1 = v_1 + torch.from_numpy(moved).to(v_1)
        return v_1, (v_t - alpha * v_1) / sigma
