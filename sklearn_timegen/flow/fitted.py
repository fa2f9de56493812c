"""What a fitted flow can be asked by others, as by a student that learns from it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_timegen.base.tensors import as_numpy
from sklearn_timegen.flow._solvers import solve, times

if TYPE_CHECKING:
    from sklearn_timegen.flow.general import FlowMatching

__all__ = ["FittedFlow", "arc"]

FloatArray = NDArray[np.float32]


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
    def field(self) -> Any:
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

    def generate(
        self,
        noise: Any,
        c: FloatArray | None = None,
        *,
        n_steps: int | None = None,
        rng: torch.Generator | None = None,
    ) -> FloatArray:
        """Return the represented series that ``noise`` flows into, given encoded conditions."""
        generator = self._generator
        z = noise if isinstance(noise, torch.Tensor) else generator._tensor(noise)
        with generator._inference() as field:
            flow = generator._flow(field, generator._tensor(c), len(z), generator.guidance)
            grid = times(n_steps or generator.n_steps)
            return as_numpy(solve(flow, z, grid, generator.solver, rng))

    def to_noise(self, v: FloatArray, y: Any = None) -> FloatArray:
        """Return the noise that flows into represented series; without ``y``, free of any."""
        generator = self._generator
        c = generator._latent_conditions(y, len(v))
        return generator._integrate(v, c, backwards=True)


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
