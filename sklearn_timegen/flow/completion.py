"""Series of which a part is known: what is missing, and the future, drawn by a flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_timegen._random import derive_seed
from sklearn_timegen.base.completion import masks_of
from sklearn_timegen.base.tensors import as_numpy
from sklearn_timegen.data.checks import as_3d
from sklearn_timegen.flow._posterior import Ensemble
from sklearn_timegen.flow._solvers import Flow, solve, times

if TYPE_CHECKING:
    from sklearn_timegen.flow.general import FlowMatching

__all__ = ["ENSEMBLE_SIZES", "Completion", "check_past", "draw_ensemble"]

FloatArray = NDArray[np.float32]
N_STEPS = 25  # in which a series is completed: more change nothing for normal series
ENSEMBLE_SIZES = (1024, 4096)  # least and most samples that covariances are taken from


def check_past(X_past: Any, length: int, n_channels: int) -> FloatArray:
    """Return the past of series, of any length, for windows of so many timesteps and channels."""
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


def draw_ensemble(generator: FlowMatching, c: FloatArray | None) -> Ensemble:
    """Return covariances by samples of the flow, free of conditions or under these in turn."""
    size = int(np.clip(20 * np.prod(generator._space.shape), *ENSEMBLE_SIZES))
    rng = generator._make_rng(derive_seed(0, "ensemble"))
    if c is not None:
        c = c[np.arange(size) * len(c) // size]
    v = generator.flow_.draw(size, c, N_STEPS, rng)
    return Ensemble.of(v, observed(generator, v))


@dataclass(frozen=True)
class Completion:
    """Draws of a part of series given the rest of them.

    Parameters
    ----------
    generator : FlowMatching
        Fitted.
    ensemble : callable
        Returns covariances of its samples.
    """

    generator: FlowMatching
    ensemble: Callable[[], Ensemble]

    def extend(
        self, series: FloatArray, n_timesteps: int, c: FloatArray | None, seed: int
    ) -> FloatArray:
        """Return the series with so many timesteps more, drawn block by block."""
        length = self.generator.series_shape_[0]
        wanted = series.shape[1] + n_timesteps
        while series.shape[1] < wanted:
            missing = wanted - series.shape[1]
            # All at once if half a window of the past is left beside it, else half a window.
            n_new = missing if missing <= length // 2 else max(1, length // 2)
            past = series[:, -(length - n_new) :]
            window = np.zeros((len(series), *self.generator.series_shape_), np.float32)
            known = np.zeros(window.shape, dtype=bool)
            window[:, : past.shape[1]], known[:, : past.shape[1]] = past, True
            made = self.draw(window, known, c, 1, derive_seed(seed, f"{series.shape[1]}"))[0]
            new = made[:, past.shape[1] : past.shape[1] + n_new]
            series = np.concatenate([series, new], axis=1)
        return series

    def draw(
        self,
        x: FloatArray,
        known: NDArray[np.bool_],
        c: FloatArray | None,
        n_draws: int,
        seed: int,
    ) -> FloatArray:
        """Return ``(n_draws, *x.shape)`` completions, mask by mask."""
        made = np.tile(x, (n_draws, 1, 1, 1))
        rng, structure = self.generator._make_rng(seed), self.generator._structure
        gaps = np.flatnonzero(~known.all(axis=(1, 2)))
        if len(gaps) == 0:
            return made
        # Values that rules tie together are known as coordinates only.
        seen, fixed = x[gaps], known[gaps]
        if not structure.plain:
            seen, fixed = structure.encode_known(seen, fixed)
        for mask, alike in masks_of(fixed):
            repeated = np.tile(alike, n_draws)
            draw = np.repeat(np.arange(n_draws), len(alike))
            for part in self.generator._batches(len(repeated)):
                rows = gaps[repeated[part]]
                drawn = self._draw_alike(
                    seen[repeated[part]], mask, None if c is None else c[rows], rng
                )
                made[draw[part], rows] = self.generator._preprocessing.complete(
                    drawn, seen[repeated[part]], fixed[repeated[part]], x[rows], known[rows]
                )
        return made

    def _draw_alike(
        self,
        seen: FloatArray,
        fixed: NDArray[np.bool_],
        c: FloatArray | None,
        rng: torch.Generator,
    ) -> FloatArray:
        """Draw what is observed of series, of which the same cells are known."""
        generator, ensemble = self.generator, self.ensemble()
        cells = ensemble.usable(fixed)
        y = seen.reshape(len(seen), -1)[:, cells]
        with generator._inference() as field:
            plain = generator.flow_.conditioned(field, generator._tensor(c), len(seen))
            flow = _Informed(generator, plain, ensemble, cells, y)
            v = torch.randn(len(seen), *generator._space.shape, generator=rng, device=rng.device)
            v = solve(flow, v, times(N_STEPS), "dpm")
            made = observed(generator, as_numpy(v))
        # What is left between the known values and the flow's moves the others, too.
        _, gain = ensemble.gain(cells, flow.kappa)
        left = y - made.reshape(len(made), -1)[:, cells]
        return made + (left @ gain).astype(np.float32).reshape(made.shape)


def observed(generator: FlowMatching, v: FloatArray) -> FloatArray:
    """Return what of represented series may be known: their values, or their coordinates."""
    if generator._structure.plain:
        return generator._to_data_units(v)
    return generator._preprocessing.coordinates(v)


@dataclass
class _Informed:
    """A flow whose estimates know some cells of the series."""

    generator: FlowMatching
    flow: Flow
    ensemble: Ensemble
    cells: NDArray[np.int64]
    y: FloatArray
    kappa: float = 0.0

    def schedule(self, t: float) -> tuple[float, float]:
        return self.flow.schedule(t)

    def predict_ends(self, v_t: torch.Tensor, t: float) -> tuple[torch.Tensor, torch.Tensor]:
        v_1, eps = self.flow.predict_ends(v_t, t)
        if len(self.cells) == 0:
            return v_1, eps
        alpha, sigma = self.flow.schedule(t)
        self.kappa = (alpha / sigma) ** 2
        gain, _ = self.ensemble.gain(self.cells, self.kappa)
        known = self.generator._preprocessing
        lead_back = known.decode if known.structure.plain else known.coordinates
        x = lead_back(as_numpy(v_1))
        innovation = self.y - x.reshape(len(x), -1)[:, self.cells]
        moved = (innovation @ gain).astype(np.float32).reshape(v_1.shape)
        v_1 = v_1 + torch.from_numpy(moved).to(v_1)
        return v_1, (v_t - alpha * v_1) / sigma
