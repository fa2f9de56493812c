"""What a fitted flow can be asked by others, as by a student that learns from it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_timegen.base.tensors import EXACT, as_numpy, rows_of
from sklearn_timegen.data import Series
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.flow._density import hutchinson_probes, log_density
from sklearn_timegen.flow._field import FlowField
from sklearn_timegen.flow._solvers import Flow, solve, times

if TYPE_CHECKING:
    from sklearn_timegen.flow.general import FlowMatching

__all__ = ["FittedFlow", "arc"]

FloatArray = NDArray[np.float32]
LATENT_POWER = 2.0  # of the times: the flow turns the faster the nearer it is to the series


class FittedFlow:
    """The flow that a generator has learned, between noise and represented series.

    Parameters
    ----------
    generator : FlowMatching
        Fitted. Its solver, steps and guidance are read when the flow is asked.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen import FlowMatching
    >>> from sklearn_timegen.datasets import make_sines
    >>> fitted = FlowMatching(max_epochs=1, random_state=0).fit(make_sines(20, 8, 1))
    >>> noise = np.zeros((3, *fitted.flow_.shape), np.float32)
    >>> fitted.flow_.generate(noise).shape == noise.shape
    True
    """

    def __init__(self, generator: FlowMatching) -> None:
        self._generator = generator

    @property
    def shape(self) -> tuple[int, int]:
        """Timesteps and channels of represented series, and of their noise."""
        return self._generator._space.shape

    @property
    def field(self) -> FlowField:
        """The module of the flow: network, averaged weights, path and prediction."""
        module: Any = self._generator.net_.module_
        return getattr(module, "_orig_mod", module)  # what torch.compile wraps

    def network_like(
        self, n_conditions: int, hidden_dim: int | None, n_layers: int | None
    ) -> partial[torch.nn.Module]:
        """Return what makes a network of the flow's kind, of other sizes where they are given."""
        generator = self._generator
        kind = generator._network_class(generator.series_shape_[0], generator._space.has_time_axis)
        width = generator.hidden_dim if hidden_dim is None else hidden_dim
        depth = generator.n_layers if n_layers is None else n_layers
        return partial(kind, *generator._network_sizes(n_conditions, width, depth))

    # -- forwards ------------------------------------------------------------------------------

    def generate(
        self,
        noise: FloatArray | torch.Tensor,
        c: FloatArray | None = None,
        *,
        n_steps: int | None = None,
        rng: torch.Generator | None = None,
    ) -> FloatArray:
        """Return the represented series that ``noise`` flows into, given encoded conditions."""
        generator = self._generator
        z = noise if isinstance(noise, torch.Tensor) else generator._tensor(noise)
        with generator._inference() as field:
            flow = self.conditioned(field, generator._tensor(c), len(z), generator.guidance)
            grid = times(n_steps or generator.n_steps)
            return as_numpy(solve(flow, z, grid, generator.solver, rng))

    def draw(self, n: int, c: FloatArray | None, n_steps: int, rng: torch.Generator) -> FloatArray:
        """Return ``n`` series that were drawn without guidance."""
        generator, parts = self._generator, []
        with generator._inference() as field:
            for rows in generator._batches(n):
                shape = (len(range(n)[rows]), *self.shape)
                noise = torch.randn(shape, generator=rng, device=rng.device)
                flow = self.conditioned(field, generator._tensor(rows_of(c, rows)), len(noise))
                parts.append(as_numpy(solve(flow, noise, times(n_steps), "dpm")))
        return np.concatenate(parts)

    def conditioned(
        self, field: FlowField, c: torch.Tensor | None, n: int, guidance: float = 1.0
    ) -> Flow:
        """Return the flow of ``n`` series under encoded conditions, or free of any."""
        encoder = self._generator._condition_encoder
        if c is None and encoder is not None:
            varies = field.varies
            c = torch.zeros(n, encoder.n_conditions_, dtype=varies.dtype, device=varies.device)
            return Flow(field, c, guidance=0.0)
        return Flow(field, c, guidance)

    # -- exactly, there and back ---------------------------------------------------------------

    def to_noise(self, v: FloatArray, y: Any = None) -> FloatArray:
        """Return the noise that flows into represented series; without ``y``, free of any."""
        return self._integrate(v, self._generator._latent_conditions(y, len(v)), backwards=True)

    def to_series(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        """Return the represented series that flow out of noise, given encoded conditions."""
        v = z.reshape(len(z), *self.shape)
        return self._integrate(v, c, backwards=False).reshape(v.shape)

    def log_density(self, series: Series, n_probes: int | None, seed: int) -> NDArray[np.float64]:
        """Return log p(v) in nats, by so many directions, or exactly."""
        generator = self._generator
        generator._validate_params()  # the steps may have been set since
        directions = hutchinson_probes(
            generator._space.varies, n_probes, generator._make_rng(seed)
        )
        grid = times(generator.n_latent_steps, LATENT_POWER, backwards=True)
        density = np.empty(len(series))
        with (  # in float64, with gradients by the points of the flow, and not by weights
            generator._inference(EXACT) as field,
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            field.requires_grad_(False)
            for rows in generator._batches(len(series)):
                batch = generator._exact(series[rows])
                flow = self.conditioned(field, batch.conditions, len(batch))
                density[rows] = as_numpy(log_density(flow, batch.values, grid, directions))
        return density

    def _integrate(self, v: FloatArray, c: FloatArray | None, *, backwards: bool) -> FloatArray:
        generator = self._generator
        generator._validate_params()
        grid = times(generator.n_latent_steps, LATENT_POWER, backwards=backwards)
        parts = []
        # In float64, latents do not depend on a series' neighbours in the batch.
        with generator._inference(EXACT) as field:
            for some in Series(v, c).split(generator._sample_batch_size):
                batch = generator._exact(some)
                flow = self.conditioned(field, batch.conditions, len(batch))
                parts.append(as_numpy(solve(flow, batch.values, grid, "rk4").flatten(1)))
        return to_float32(np.concatenate(parts))


def arc(z_a: FloatArray, z_b: FloatArray, fraction: FloatArray) -> FloatArray:
    """Return points on the arc from one to the other: noise stays as far from 0 as it is."""
    lengths = [np.linalg.norm(z, axis=1)[:, None, None] for z in (z_a, z_b)]
    cosine = (z_a * z_b).sum(axis=1)[:, None, None] / np.maximum(lengths[0] * lengths[1], 1e-12)
    angle = np.arccos(cosine.clip(-1, 1))
    straight = np.sin(angle) < 1e-4  # nearly the same direction, or opposite ones
    safe = np.where(straight, 1.0, np.sin(angle))
    first = np.where(straight, 1 - fraction, np.sin((1 - fraction) * angle) / safe)
    second = np.where(straight, fraction, np.sin(fraction * angle) / safe)
    return (first * z_a[:, None] + second * z_b[:, None]).astype(np.float32)
