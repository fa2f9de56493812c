"""What generators share that draw each timestep given all before it."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.history import History

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen.autoregressive.completion import N_PARTICLES, complete
from sklearn_timegen.autoregressive.reader import CELLS, Reader
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.base.completion import check_cell_by_cell
from sklearn_timegen.base.networks import check_time_axis
from sklearn_timegen.base.private import PrivateNeuralGenerator
from sklearn_timegen.base.tensors import EXACT, as_numpy
from sklearn_timegen.data import Series
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.representation import Representation, Space
from sklearn_timegen.training import CosineRate, RateSchedule

__all__ = ["AutoregressiveGenerator"]

FloatArray = NDArray[np.float32]


@estimator
class AutoregressiveGenerator(PrivateNeuralGenerator):
    """A generator whose network is a ``Reader`` that draws timesteps one after the other.

    A subclass implements ``_make_net``; what it makes has ``draw`` and ``draw_given``.
    """

    cell: str = param(
        default="lstm",
        doc="The recurrent layers. On a CPU, torch's LSTM takes no longer than its GRU.",
        check=[StrOptions(set(CELLS))],
    )
    hidden_dim: int = param(
        default=64, doc="Units of each layer.", check=[Interval(Integral, 1, None, closed="left")]
    )
    n_layers: int = param(
        default=1,
        doc="""Number of layers. Each reads the layer below and the timestep before, and the
        prediction is made of the states of all.""",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    batch_size: int = 64
    lr: float = param(default=2e-3, doc="Learning rate at the beginning.")
    lr_end: float = param(
        default=0.0,
        doc="""Share of the learning rate that is left at the end of training; it falls along a
        cosine. ``partial_fit`` keeps it.""",
        check=[Interval(Real, 0, 1, closed="both")],
    )
    conditional: bool = param(
        default=False,
        doc="""Whether to learn the distribution given ``y``, which the network reads at each
        timestep.""",
    )
    representation: str | Representation = param(
        default="standard",
        doc="""The view of series in which the network works: ``"standard"``, ``"minmax"``,
        ``"quantile"``, or an object that keeps the time axis; see
        :mod:`sklearn_timegen.representation`.""",
    )

    history_: History = fitted(
        """A row an epoch, with ``train_loss`` and perhaps ``valid_loss``: the mean negative
        log-likelihood of a series, in the representation.""",
        type="skorch.history.History",
    )

    # -- hooks -------------------------------------------------------------------------------

    def _check_completes(self) -> None:
        check_cell_by_cell(self)

    def _complete_represented(self, series: Series, rng: torch.Generator) -> FloatArray:
        parts = []
        with self._inference(EXACT) as module:
            for rows in self._batches(len(series), N_PARTICLES):
                drawn = complete(self._network_of(module), self._exact(series[rows]), rng)
                parts.append(to_float32(as_numpy(drawn)))
        return np.concatenate(parts)

    def _check_space(self, space: Space) -> None:
        check_time_axis(Reader, type(self).__name__, space, self.representation)

    def _make_schedule(self) -> RateSchedule:
        return CosineRate(self.lr_end)

    def _draw(self, n_samples: int, c: FloatArray | None, rng: torch.Generator) -> FloatArray:
        with self._inference() as module:
            network = self._network_of(module)
            return as_numpy(network.draw(n_samples, self._tensor(c), rng))

    def _network_of(self, module: Any) -> Any:
        """Return the network that is sampled, of a module that may hold a discriminator, too."""
        plain = getattr(module, "_orig_mod", module)
        return getattr(plain, "generator", plain)
